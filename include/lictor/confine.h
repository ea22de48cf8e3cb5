/* confine — what a process may still do, given away for good: no other program, no sockets, no
 * debugging of others, and files only below named directories. A fault that a hostile dump finds in
 * a parser then has nowhere to go.
 * Means: no_new_privs, seccomp (libseccomp) and, where the kernel has it, Landlock. Without
 * Landlock files can be opened elsewhere still (a reader: for reading alone).
 * Threads: call it before the process has others; they inherit it.
 * Programs built with AddressSanitizer are not confined by confine_process: its leak check debugs
 * itself. */
#ifndef LICTOR_CONFINE_H
#define LICTOR_CONFINE_H

#include "lictor/bytes.h"

struct confine_path {
    const char *path;
    bool write; /* also make, change, rename and remove files there */
};

/* What was reached, and what it would be here: "seccomp landlock/7", "" for nothing. */
#define CONFINE_TEXT_SIZE 48
const char *confine_text(void);
/* The same without doing it: what confine_process would reach here. */
void confine_probe(char text[CONFINE_TEXT_SIZE]);

/* Confines this process. `opens` false: no file can be opened any more by its path but in `paths`;
 * true (the opener, whose dumps may lie anywhere): files can be opened for reading everywhere and
 * made in `paths`. `child`: the one process that may be signalled and waited for, or -1. What the
 * kernel does not have is left out, confine_text says so; an error is one of memory or of a path
 * that is not there. */
struct confine_rules {
    const struct confine_path *paths;
    size_t n_paths;
    bool reads_anywhere;
    bool writes; /* some path may be written */
    long child;
    int log; /* an open file that may be written and cut, though nothing else may; 0: none */
};
MUST_USE enum status confine_process(const struct confine_rules *r, struct err *err);
/* The same also in a sanitized build, for tests (that end by _exit). */
MUST_USE enum status confine_always(const struct confine_rules *r, struct err *err);

#endif
