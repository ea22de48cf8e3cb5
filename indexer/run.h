/* run — everything read since the last commit: new contents with their tokens, and every copy.
 * Workers fill it, flush turns it into a segment and overlays.
 *
 * Owns: all it holds.  Threads: each worker writes its own struct run_store; the content table is
 * sharded and locked; tables of dumps, streams and origins have one lock. Flush runs alone. */
#ifndef INDEXER_RUN_H
#define INDEXER_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "indexer/grown.h"
#include "lictor/arena.h"
#include "lictor/casefile.h"
#include "lictor/inflate.h"
#include "lictor/record.h"

#define RUN_WORKERS_MAX 64
#define RUN_DOCS_MAX ((uint32_t)1 << 25) /* documents of one worker in one run */

/* A document reference within a run: worker in the top 6 bits, index in the rest. */
typedef uint32_t run_ref;
#define RUN_REF_WORKER(r) ((r) >> 25 & 63u)
#define RUN_REF_INDEX(r) ((r) & (RUN_DOCS_MAX - 1))

/* The dump at hand: what its first line said, and how far it came. Fields are fixed after the first
 * line but for those of the reader. */
struct dump_ctx {
    uint32_t number;            /* in the order of arrival */
    struct ledger_dump entry;   /* name, hash, size, unit; books and state when finished */
    struct arena strings;       /* of this context */
    uint32_t dump_index;        /* in run_tables */
    uint32_t stream;            /* its numbered stream */
    uint32_t unnumbered_stream; /* records without seq */
    uint32_t origin, unnumbered_origin;
    bool has_dump_line;
    struct slice source, epoch; /* of the dump line, or "dump:…" */
    uint8_t stage;
    uint8_t form;                         /* enum dump_form */
    struct slice service, account, zone;  /* data NULL if absent */
    int64_t collected_from, collected_to; /* TIME_NONE if absent */
    /* owner: reader */
    uint64_t lines;    /* lines handed to workers */
    uint64_t skip;     /* lines that an earlier run committed */
    uint64_t end_line; /* line of `end`, 0 if none */
    uint64_t end_records, end_last_seq;
    bool end_has_last_seq;
    bool after_second_dump; /* a second dump line stands at cut_line */
    bool finished;
    struct books books; /* flush adds to it */
    bool committed;     /* stands in the ledger */
    bool already;
    enum dump_state was;             /* if already */
    const struct dump_ctx *same_run; /* if already: the same bytes earlier in this run */
    bool again; /* read again by --again: its lines up to lines_before stand in the books */
    struct books before;      /* if again: what the ledger has */
    uint64_t lines_committed; /* lines that the last commit had */
    bool refused_later;       /* refused now, but lines of it are in from before: it is partial */
    /* atomics: workers */
    _Atomic uint64_t max_seq; /* + 1; 0 if none */
    _Atomic uint64_t times, odd_times;
};

/* One content that no earlier batch of this run had. */
struct run_doc {
    uint8_t hash[SHA256_SIZE];
    int64_t sent;
    const struct run_conversation *conv; /* NULL: only the hash is known, a segment has the rest */
    struct slice row;                    /* content_encode */
    uint16_t flags;                      /* enum doc_flag known from the content alone */
    uint8_t kind;
    bool has_id;
    bool no_body;
    bool has_state; /* compaction: `state` is what holds, nothing is to be derived */
    struct doc_state state;
};

struct run_conversation {
    uint8_t key[KEY_SIZE];
    uint32_t rank; /* of its key among all of the run; set by the flush */
    struct conversation c;
};

struct run_copy {
    run_ref doc;
    uint32_t origin;
    uint64_t seq;
    uint64_t line;
    int64_t delivered, read, collected;
    const uint8_t *extra; /* its length (u32), then its bytes; NULL if there is none */
    uint32_t dump;
    uint8_t side; /* enum side */
    bool deleted, copy_to, located;
};

_Static_assert(sizeof(struct run_copy) == 64, "a copy is one line of the cache");
static inline struct slice run_copy_extra(const struct run_copy *c)
{
    return c->extra ? slice_of(c->extra + 4, load_u32(c->extra)) : slice_of(NULL, 0);
}
/* Keeps `extra` in the arena; false without memory. */
static inline bool run_copy_keep(struct run_copy *c, struct arena *a, struct slice extra)
{
    uint8_t *p = extra.len ? arena_alloc(a, extra.len + 4) : NULL;
    c->extra = p;
    if (!p)
        return extra.len == 0;
    store_u32(p, (uint32_t)extra.len);
    memcpy(p + 4, extra.data, extra.len);
    return true;
}

struct run_quarantine {
    struct dump_ctx *dump;
    uint64_t line;
    enum record_fault fault;
    bool held; /* the case has it: the dump was read before (--again) */
    struct slice bytes;
};

/* What one worker gathers. */
struct run_store {
    struct arena bytes;      /* rows, extras, quarantined lines, conversations */
    struct grown docs;       /* struct run_doc */
    struct grown copies;     /* struct run_copy */
    struct grown quarantine; /* struct run_quarantine */
    struct grown convs;      /* struct run_conversation *, open addressing by key */
    size_t n_convs;
    _Atomic uint64_t held; /* bytes, for the budget */
};

/* Content table: 16-byte key -> run_ref, in shards: enough of them that threads seldom meet, and
 * few, because a large table lies on huge pages and is not looked up through a miss of the TLB. */
#define CONTENT_SHARDS_MAX 256
#define CONTENT_SHARDS_MIN 16
#define CONTENT_SHARDS_PER_WORKER 4
struct content_slot {
    uint8_t key[KEY_SIZE];
    uint32_t ref; /* + 1; 0 = free */
};
struct content_shard {
    pthread_mutex_t mu;
    /* written under mu; run_content_fetch looks at them without */
    _Atomic(struct content_slot *) slots;
    _Atomic size_t cap;
    size_t n; /* guarded by mu */
};

/* Dumps, streams, origins since the last commit; indices change only at tables_reset. */
struct run_tables {
    pthread_mutex_t mu;
    struct arena strings;
    struct grown dumps;                                  /* struct dump_ref */
    struct grown streams;                                /* struct stream_ref */
    struct grown origins;                                /* struct origin_ref */
    struct grown stream_ends;                            /* struct stream_end, by stream */
    struct grown dump_index, stream_index, origin_index; /* open addressing: uint32_t index + 1 */
};
struct stream_end {
    uint64_t last_seq;
    bool selection, partial;
    bool dirty; /* not yet in the case */
};

struct run {
    uint64_t resets; /* changes with run_reset: what was borrowed from the run is gone */
    struct run_store *stores;
    unsigned workers;
    struct content_shard shards[CONTENT_SHARDS_MAX];
    unsigned n_shards; /* power of two; fixed after start */
    struct run_tables tables;
};

MUST_USE enum status run_init(struct run *r, unsigned workers, struct err *err);
void run_release(struct run *r);
/* Forgets documents and copies, keeps tables and memory. */
void run_reset(struct run *r);
uint64_t run_held(struct run *r);
/* Has it used its share of `memory` bytes? Then it is time for a flush. */
bool run_full(struct run *r, uint64_t memory);
uint64_t run_share(uint64_t memory);
bool run_is_empty(const struct run *r);

/* Finds `key`, or puts `mine` there. *found is what stands there afterwards. */
MUST_USE enum status run_content(struct run *r, const uint8_t key[KEY_SIZE], run_ref mine,
                                 run_ref *found, struct err *err);
/* Forgets which contents the run has: about `n` that are none of them come next. The smaller the
 * table, the nearer it is. Workers are idle. */
MUST_USE enum status run_contents_begin(struct run *r, size_t n, struct err *err);
static inline struct run_doc *run_doc_at(struct run *r, run_ref ref)
{
    return (struct run_doc *)r->stores[RUN_REF_WORKER(ref)].docs.items + RUN_REF_INDEX(ref);
}
static inline struct content_shard *run_shard(struct run *r, const uint8_t key[KEY_SIZE])
{
    return &r->shards[key[0] & (r->n_shards - 1)];
}
/* Brings the place of `key` into the cache. A hint: needs no lock and may look at the wrong place.
 */
static inline void run_content_fetch(struct run *r, const uint8_t key[KEY_SIZE])
{
    struct content_shard *sh = run_shard(r, key);
    size_t cap = atomic_load_explicit(&sh->cap, memory_order_relaxed);
    const struct content_slot *slots = atomic_load_explicit(&sh->slots, memory_order_relaxed);
    if (cap)
        __builtin_prefetch(slots + (load_u64(key + 1) & (cap - 1)), 1);
}
/* The conversation of a store with this key, made if new (strings are copied). */
MUST_USE enum status run_conversation(struct run_store *s, const uint8_t key[KEY_SIZE],
                                      const struct conversation *c,
                                      const struct run_conversation **out, struct err *err);

/* Forgets everything: each record may bring an origin of its own. Workers are idle. */
void tables_reset(struct run_tables *t);
uint64_t tables_held(const struct run_tables *t);
/* Its strings become copies in the arena; false without memory. */
bool origin_keep(struct arena *a, struct origin_ref *o);
/* Tables; strings are copied; equal ones get the same index. Thread-safe. */
MUST_USE enum status tables_dump(struct run_tables *t, const struct dump_ref *d, uint32_t *index,
                                 struct err *err);
MUST_USE enum status tables_stream(struct run_tables *t, const struct stream_ref *s,
                                   uint32_t *index, struct err *err);
MUST_USE enum status tables_origin(struct run_tables *t, const struct origin_ref *o,
                                   uint32_t *index, struct err *err);
static inline const struct stream_ref *tables_stream_at(const struct run_tables *t, uint32_t i)
{
    return (const struct stream_ref *)t->streams.items + i;
}
static inline const struct origin_ref *tables_origin_at(const struct run_tables *t, uint32_t i)
{
    return (const struct origin_ref *)t->origins.items + i;
}
static inline struct stream_end *tables_stream_end(struct run_tables *t, uint32_t i)
{
    return (struct stream_end *)t->stream_ends.items + i;
}

#endif
