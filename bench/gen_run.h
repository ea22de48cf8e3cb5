/* gen_run — the state of one holder's run, shared by what merges its messages (gen_run.c) and what
 * writes its dumps (gen_dump.c).
 * Owns: a run owns its open dumps, heap and buffers.  Threads: one. */
#ifndef BENCH_GEN_RUN_H
#define BENCH_GEN_RUN_H

#include "bench/gen.h"
#include "lictor/dump_write.h"

#define TAIL 48 /* records delivered again */
#define REPORT_RECORDS 16384

struct merged { /* a conversation in the heap, with its next message */
    struct conv_walk walk;
    struct message m;
};

struct tail_line {
    struct buf bytes;
    bool may_be_read; /* a message without `read`: delivered again with it */
    int64_t t;
};

struct out { /* an open dump */
    struct dump_writer *w;
    uint32_t no;
};

struct run {
    const struct gen_run_env *env;
    struct tally *y;
    struct holder *h;
    uint32_t holder;
    struct merged *heap;
    uint32_t n_heap;
    struct out out[STAGES];
    uint64_t seq[STAGES];
    uint64_t reported;
    struct tail_line tail[TAIL];
    uint64_t n_tail;
    bool in_part_two;
    struct line line;
    struct text text;
    struct buf sealed;
};

/* Opens dump `no` of a stage and writes its dump line. */
MUST_USE enum status dump_open(struct run *r, unsigned stage, uint32_t no, struct err *err);
/* Writes the end line and finishes the dump. */
MUST_USE enum status dump_end(struct run *r, unsigned stage, struct err *err);
/* Ends the first live dump, opens the second and delivers the tail again. */
MUST_USE enum status dump_part_two(struct run *r, struct err *err);
/* The line of a record of this stream: written, counted, kept for the second part. */
MUST_USE enum status dump_put(struct run *r, unsigned stage, bool message, bool new_seq, int64_t t,
                              struct err *err);
/* Tells the progress what was written since the last time. */
void run_report(struct run *r, bool force);

#endif
