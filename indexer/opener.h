/* opener — the process that holds the dump keys: hashes each dump, asks the core whether it wants
 * it, opens age and passes the opened bytes on. It parses nothing beyond the age header.
 * Owns: all it opens.  Threads: one, in a process of its own. */
#ifndef INDEXER_OPENER_H
#define INDEXER_OPENER_H

#include "indexer/inwork.h"
#include "indexer/walk.h"

struct opener_options {
    const struct walk_list *dumps;
    char **identity_files;
    int n_identity_files;
    const char *passphrase_file; /* NULL if none */
    const char *trust_file;      /* minisign public keys; NULL: signatures are not looked at */
    unsigned scrypt_max;         /* 0: default */
    const struct inwork *inwork; /* what the core is about, for when it dies; NULL: not known */
};

/* Runs until all dumps are sent or the core is gone; returns the exit code of the process. */
int opener_run(int fd, const struct opener_options *o);

#endif
