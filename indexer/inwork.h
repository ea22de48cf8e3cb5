/* inwork — what the core has in its hands, in a small shared file of the case, so that it outlives
 * a core that dies of a fault: the dump, the lines since the last commit, the signal. The next
 * `add` reads it and narrows the fault down to one record (cmd_add_again.c). Made by an `add`
 * before it opens the case, removed at its orderly end. Not synced: it is about deaths of
 * processes, not of machines. It names the dump by a keyed hash. Owns: the mapping.  Threads:
 * inwork_reach from the reader; the signal handler from any. Trusts: nothing in the file; all of it
 * is bounded, and at worst an `add` commits more often. */
#ifndef INDEXER_INWORK_H
#define INDEXER_INWORK_H

#include <stdatomic.h>

#include "lictor/casefile.h"

#define INWORK_FILE "in-work"

struct inwork {
    char magic[8];
    _Atomic uint64_t running; /* 1 from the opening of the case to its orderly end */
    _Atomic uint64_t starts;  /* of an `add` without a commit since */
    _Atomic uint64_t died;    /* the signal of a fault; 0: none, or one that cannot be caught */
    _Atomic uint64_t alone;   /* 1: nothing of another dump is in work */
    _Atomic uint64_t from;    /* last line of the dump that is committed */
    _Atomic uint64_t to;      /* last line that was handed out */
    uint8_t dump[SHA256_SIZE];
};

/* Maps the file of the case, which it makes; NULL where there is no case or it cannot be written
 * (opening the case then says so). What an earlier `add` left stands in it. */
struct inwork *inwork_open(const char *case_dir);
void inwork_close(struct inwork *w);
/* Did an earlier `add` die of a fault, or twice without a word? */
bool inwork_is_suspicious(const struct inwork *w);
/* The case is open for writing: from now on the file is ours, and faults are noted. */
void inwork_begin(struct inwork *w);
/* Orderly end, whatever the outcome: removes the file. */
void inwork_end(struct inwork *w, const char *case_dir);

/* All of these take NULL. */
void inwork_dump(struct inwork *w, const uint8_t dump[SHA256_SIZE], uint64_t from, bool alone);
static inline void inwork_reach(struct inwork *w, uint64_t line)
{
    if (w)
        atomic_store(&w->to, line);
}
void inwork_committed(struct inwork *w, uint64_t line);
/* The name of a dump in this file. */
void inwork_name(const struct casefile *cf, const uint8_t sha256[SHA256_SIZE],
                 uint8_t out[SHA256_SIZE]);

/* How an `add` goes about it after a death. */
struct inwork_plan {
    bool each_dump;            /* it is not known which dump: commit after each */
    uint8_t dump[SHA256_SIZE]; /* else this one, of which the fault is in (from, to] */
    uint64_t from, to;         /* one line: it goes to quarantine unread; equal: not in a line */
};
struct inwork_plan inwork_plan_of(const struct inwork *w);
/* The next line after `line` behind which is to be committed; 0 if none. */
uint64_t inwork_plan_stop(const struct inwork_plan *p, uint64_t line);
/* The line that kills; 0 if it is not known yet. */
uint64_t inwork_plan_killer(const struct inwork_plan *p);

#ifdef LICTOR_TEST_HOOKS
/* Tests make a fault: abort() where `bytes` hold $LICTOR_TEST_KILL and `where` is
 * $LICTOR_TEST_KILL_AT. */
void inwork_test_fault(const char *where, struct slice bytes);
#endif

#endif
