/* stages — where the time of an `add` goes: wall and processor seconds of each stage, for --stages
 * and the benchmarks. Owns: nothing.  Threads: the core's main thread; processor time is that of
 * all threads. */
#ifndef INDEXER_STAGES_H
#define INDEXER_STAGES_H

#include "lictor/bytes.h"

enum stage {
    STAGE_READ,  /* open, inflate, parse, recognise: opener and workers beside each other */
    STAGE_ASIDE, /* what does not fit into one run: put aside, taken back */
    STAGE_MATCH,
    STAGE_ORDER,
    STAGE_CLASSIFY,
    STAGE_TERMS,
    STAGE_RELATE,
    STAGE_WRITE,
    STAGE_COMMIT,
    STAGES
};

struct stages {
    int64_t wall_us[STAGES], cpu_us[STAGES];
    int64_t wall_at, cpu_at; /* when the present stage began */
    enum stage now;
};

void stages_begin(struct stages *s);
/* The present stage ends, `next` begins. */
void stages_next(struct stages *s, enum stage next);
/* One line a stage. */
void stages_text(struct stages *s, struct buf *out);

#endif
