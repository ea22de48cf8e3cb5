/* batch — complete lines of one dump on their way from the reader to a worker. Moved, never shared,
 * and recycled.
 * Owns: its bytes.  Threads: whoever holds it. */
#ifndef INDEXER_BATCH_H
#define INDEXER_BATCH_H

#include "indexer/run.h"

/* More than the longest line, so that a full batch without LF is one line that is too long. */
#define BATCH_SIZE (RECORD_LINE_MAX + ((size_t)64 << 10))

/* A batch of this size is handed on as soon as it has a whole line: it stays in the cache. */
#define BATCH_GOAL ((size_t)192 << 10)

struct batch {
    struct dump_ctx *dump;
    struct buf data;     /* lines with their LF; the last of a whole dump may lack it */
    uint64_t first_line; /* number of the first line */
    uint64_t lines;
    uint64_t cut_line; /* from this line on everything goes to quarantine; 0: none */
    enum record_fault cut_fault;
    uint64_t kills_line;   /* a line that kills the program: not to be read; 0: none */
    uint64_t cut_own_line; /* a line that reader has judged itself: the dump line; 0: none */
};

#endif
