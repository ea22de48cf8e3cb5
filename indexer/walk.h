/* walk — which files the command line means: dumps given, directories taken recursively in byte
 * order of the relative path, symbolic links in them not followed, *.minisig left out.
 * Owns: the list owns its strings.  Threads: one. */
#ifndef INDEXER_WALK_H
#define INDEXER_WALK_H

#include "lictor/bytes.h"

struct walk_item {
    char *path;    /* "-" is standard input */
    uint64_t size; /* 0 if unknown */
    char *problem; /* why it cannot be read (directories, odd files), or NULL */
};
struct walk_list {
    struct walk_item *items;
    size_t n, cap;
    uint64_t bytes; /* of all items */
    size_t links;   /* symbolic links that were passed over */
};

/* ST_USAGE, naming the argument, if one does not exist. */
MUST_USE enum status walk_args(char **args, int n, struct walk_list *out, struct err *err);
void walk_release(struct walk_list *l);

#endif
