/* reader — cuts the bytes of a dump into batches of whole lines and judges what depends on order:
 * the dump line, `end`, a second dump line, lines that are too long.
 * Owns: inflate, one record reader, the batch in the making.  Threads: the core's own. */
#ifndef INDEXER_READER_H
#define INDEXER_READER_H

#include "indexer/batch.h"

/* A line that is no record is kept whole up to this; beyond it the dump counts as a bomb. */
#define LONG_LINE_MAX ((size_t)64 << 20)

struct core;

struct reader {
    struct core *core;
    struct inflate *inflate;
    struct record_reader *records;
    struct dump_ctx *dump; /* at hand, NULL between dumps */
    struct batch *batch;
    bool overlong; /* inside a line that is too long */
    bool endless;  /* it is longer than LONG_LINE_MAX: the dump ends here */
    struct buf long_line;
    uint64_t cut_line; /* from this line on all is quarantined; 0: none */
    enum record_fault cut_fault;
    uint64_t bytes_in; /* opened bytes of this dump */
};

MUST_USE enum status reader_init(struct reader *r, struct core *core, struct err *err);
void reader_release(struct reader *r);
MUST_USE enum status reader_begin(struct reader *r, struct dump_ctx *dump, struct err *err);
/* More opened bytes. What is wrong with the dump ends it (r->dump is NULL then, its entry says
 * why); only failures of ours are returned. */
MUST_USE enum status reader_data(struct reader *r, struct slice data, struct err *err);
/* The opener has reached the end; `damage` says where and why it stopped early, NULL if whole. */
MUST_USE enum status reader_end(struct reader *r, const struct err *damage, struct err *err);
/* Sends what stands in the batch, but for an unfinished last line (before a flush). */
MUST_USE enum status reader_settle(struct reader *r, struct err *err);

#endif
