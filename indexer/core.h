/* core — the process that inflates, parses, recognises and writes the case. It has the case key and
 * the body keys, never a dump key.
 *
 * Threads: the caller's reads the socket, inflates, cuts batches, flushes and commits; workers take
 * batches from one bounded channel and give them back through another. A flush waits until every
 * batch is back, so that what is committed is, for every dump, exactly its lines up to a number.
 * Memory: a run that is full is put aside by conversation (spill.h) and joined before the commit.
 */
#ifndef INDEXER_CORE_H
#define INDEXER_CORE_H

#include "indexer/inwork.h"
#include "indexer/known.h"
#include "indexer/reader.h"
#include "indexer/staged.h"
#include "indexer/stages.h"
#include "indexer/wire.h"
#include "indexer/worker.h"
#include "lictor/chan.h"
#include "lictor/cli.h"
#include "lictor/thread.h"

struct core_options {
    unsigned threads;
    uint64_t memory;
    uint64_t aside;  /* what may be put aside before it is committed; 0: as the disk allows */
    bool aside_none; /* commit instead */
    bool again;
    const struct body_keys *body_keys;
    enum cli_progress_mode progress;
    uint64_t total_bytes;
    uint64_t window;                /* zstd window limit, 0 for the default */
    struct inwork *inwork;          /* NULL: not noted */
    const struct inwork_plan *plan; /* after a death; else NULL */
    size_t links; /* symbolic links that were passed over in directories: for the report */
};

struct core {
    struct core_options options;
    struct casefile *cf;
    struct run run;
    struct reader reader;
    struct wire wire;
    struct known known;
    struct worker *workers;
    struct thread **threads;
    struct batch *batches;
    size_t n_batches;
    struct chan *work; /* filled batches */
    struct chan *idle; /* empty ones */
    struct first_error *first;
    struct grown dumps; /* struct dump_ctx *, in the order of arrival */
    size_t committed;   /* dumps before this index are committed */
    uint64_t bytes_done, bytes_committed, records_done;
    double joined, loaded; /* of what is read, 0 to 1: written into segments; brought back for it */
    struct cli_progress progress;
    bool interrupted;
    bool suspect; /* the dump at hand is that of the plan */
    struct stages stages;
    struct spill *spill;   /* what was read and did not fit into one run; NULL if nothing ever */
    struct staged staged;  /* while that is joined */
    struct manifest *next; /* the commit to come, as far as it is written */
};

MUST_USE enum status core_open(struct casefile *cf, int fd, const struct core_options *o,
                               struct core **out, struct err *err);
void core_close(struct core *c);
/* Takes what the opener sends, until it is done, and commits it. What does not fit into the memory
 * is put aside and joined at the end; it is committed on the way where the disk is getting full.
 * ST_INTERRUPTED after a clean stop (what was read is committed). */
MUST_USE enum status core_run(struct core *c, struct err *err);
/* Commits all that was handed out; for the reader, where a plan says so. */
MUST_USE enum status core_commit(struct core *c, struct err *err);
/* For the flush: `part` of the run's way into segments is done, 0 to 1. */
void core_flushed(struct core *c, double part);
/* For the reader: an empty batch, or the first error. */
MUST_USE enum status core_idle(struct core *c, struct batch **b, struct err *err);
MUST_USE enum status core_send(struct core *c, struct batch *b, struct err *err);
static inline struct dump_ctx *core_dump(const struct core *c, size_t i)
{
    return ((struct dump_ctx **)c->dumps.items)[i];
}

#endif
