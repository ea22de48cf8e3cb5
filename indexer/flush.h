/* flush — turns a run into a segment and overlays, and commits them.
 *
 * Phases, in this order; each is one file:
 *
 * - flush_match: which contents does the case have already? Sorted keys against sorted keys.
 * - flush_order: documents into the one order, copies to their documents.
 * - flush_classify: message, copy or re-delivery? States, books, digest.
 * - flush_terms: words and fields of the new documents.
 * - flush_relate (with flush_ids): same seq, same id: related, conflict.
 * - flush_write (with invert): one base segment of new documents, one overlay per touched segment.
 *
 * Nothing here depends on the order of arrival: every decision is made on sorted copies.
 *
 * Owns: a struct flush owns what the phases make.  Threads: the phases come one after the other,
 * alone with the run; inside, some share their work out by flush_parallel. */
#ifndef INDEXER_FLUSH_H
#define INDEXER_FLUSH_H

#include "indexer/run.h"
#include "indexer/staged.h"
#include "indexer/terms.h"

struct core;
struct inversion;
struct body_keys;

#define NO_SEGMENT UINT32_MAX

/* A document that this flush makes or touches. */
struct target {
    uint32_t segment; /* NO_SEGMENT: new */
    uint32_t doc;     /* in its segment; new: its place in the one order */
    run_ref ref;      /* new, or the run's content that matched; UINT32_MAX: touched by relation */
    uint32_t first_entry, n_entries;
    struct doc_state old, state;
    uint8_t kind;
    bool changed;
};

enum credit { CREDIT_NONE, CREDIT_MESSAGE, CREDIT_COPY, CREDIT_REDELIVERED, CREDIT_OTHER };

/* A record of the run at its target. */
struct entry {
    const struct run_copy *copy;
    uint32_t target;
    uint32_t rank; /* of its stream */
    uint8_t credit;
    bool known; /* this very sighting (dump, line) is in the case */
    bool held;  /* the document had this (stream, seq) before */
};

/* What each thread of a parallel phase has for itself. */
struct flush_lane {
    struct arena temp;
    struct content_hasher hasher;
    struct segment_scratch *scratch;
    struct digest_many digest;
    struct books *books; /* flush_classify: by dump table index */
    /* flush_terms: */
    bool has_maker;
    struct term_maker maker;
    size_t from, to;     /* the new documents whose terms it has, in the one order */
    struct grown counts; /* struct term_counts, by document from `from` on */
    struct grown ids;    /* struct sort_term: service ids as terms, `id` is the target */
};

struct flush {
    struct casefile *cf;
    struct run *run;
    struct arena arena; /* lives as long as the flush */
    struct arena temp;  /* reset per document */
    struct content_hasher hasher;
    struct segment_scratch *scratch;
    unsigned threads;
    struct flush_lane *lanes;            /* by thread */
    uint8_t (*origin_hash)[SHA256_SIZE]; /* by origin of the run */
    struct grown targets;                /* struct target: new ones first, in the one order */
    uint32_t n_new;
    uint32_t **target_of;    /* by worker, by document: index of its target */
    uint32_t **group;        /* while ordering: by worker, by document: where its entries begin */
    uint32_t *group_entries; /* while ordering: by worker, how many */
    struct inversion *inversion; /* opened by flush_relate, or where the base is written */
    struct grown seqs; /* flush_relate: struct sort_item (rank, seq, target) of numbered streams */
    struct entry *entries; /* by document, rank, seq, version, dump, line */
    size_t n_entries;
    uint32_t *rank;       /* by stream */
    uint32_t *by_rank;    /* streams in stream_cmp order */
    struct grown touched; /* open addressing: uint32_t target + 1, by (segment, doc) */
    size_t n_touched;
    struct books *books;    /* by dump table index; NULL in a compaction */
    uint64_t *lines_before; /* by dump table index: see dump_ctx_lines_before */
    uint8_t digest_sum[DIGEST_SUM_SIZE];
    struct staged *staged; /* what this commit has written so far; NULL if it is not joined */
    const struct body_keys *late_keys; /* unseal: contents of the case are read as if opened */
};

MUST_USE enum status flush_open(struct flush *f, struct casefile *cf, struct run *run,
                                unsigned threads, struct err *err);
void flush_close(struct flush *f);

MUST_USE enum status flush_match(struct flush *f, struct err *err);
MUST_USE enum status flush_order(struct flush *f, struct err *err);
MUST_USE enum status flush_classify(struct flush *f, struct err *err);
/* The terms of the new documents, in the lanes. */
MUST_USE enum status flush_terms(struct flush *f, struct err *err);
MUST_USE enum status flush_relate(struct flush *f, struct err *err);
/* Writes the files and names them in `next`. */
MUST_USE enum status flush_write(struct flush *f, struct manifest *next, struct err *err);
/* Only the base segment: for a compaction, where nothing of the case is touched. */
MUST_USE enum status flush_write_base(struct flush *f, struct manifest *next, struct err *err);

/* All of it for an `add`: the run, its quarantine, its finished dumps, the commit. */
MUST_USE enum status flush_commit(struct core *c, struct err *err);
/* The run becomes part of the commit to come: later runs see it, the case does not yet. */
MUST_USE enum status flush_stage(struct core *c, struct err *err);
/* Of a run that is put aside, the lines that are no records go into the commit to come at once. */
MUST_USE enum status flush_lines_aside(struct core *c, struct err *err);

static inline struct target *flush_target(const struct flush *f, uint32_t i)
{
    return (struct target *)f->targets.items + i;
}
static inline struct run_doc *flush_doc(const struct flush *f, const struct target *t)
{
    return run_doc_at(f->run, t->ref);
}
/* Documents, rows, entries and copies lie anywhere: phases that walk targets bring those of later
 * ones into the cache, and first, twice as far ahead, what leads to them. */
#define FLUSH_AHEAD 6
static inline void flush_fetch_doc(const struct flush *f, uint32_t target)
{
    __builtin_prefetch(flush_doc(f, flush_target(f, target)));
}
static inline void flush_fetch_row(const struct flush *f, uint32_t target)
{
    const uint8_t *row = flush_doc(f, flush_target(f, target))->row.data;
    for (size_t at = 0; at < (size_t)3 * 64; at += 64)
        __builtin_prefetch(row + at);
}
static inline void flush_fetch_entries(const struct flush *f, uint32_t target)
{
    const struct target *t = flush_target(f, target);
    if (t->n_entries)
        __builtin_prefetch(&f->entries[t->first_entry]);
}
static inline void flush_fetch_copies(const struct flush *f, uint32_t target)
{
    const struct target *t = flush_target(f, target);
    for (uint32_t k = 0; k < t->n_entries && k < 4; k++)
        __builtin_prefetch(f->entries[t->first_entry + k].copy);
}
/* The target of a document of the case, made if nobody touched it yet (state loaded). */
MUST_USE enum status flush_touch(struct flush *f, uint32_t segment, uint32_t doc, uint32_t *target,
                                 struct err *err);
/* Content of a target with its conversation, in `a`. */
MUST_USE enum status flush_content(struct flush *f, const struct target *t, struct arena *a,
                                   struct content *out, struct err *err);
/* The same for one thread of many. */
MUST_USE enum status flush_content_with(const struct flush *f, struct segment_scratch *scratch,
                                        const struct target *t, struct arena *a,
                                        struct content *out, struct err *err);
/* Claims to be one message (struct sort_item: 128 bits of what is claimed, and the target): those
 * of different targets that claim the same contradict each other, unless one of them is silent. */
MUST_USE enum status flush_claim(struct grown *g, uint64_t hi, uint64_t lo, uint32_t target,
                                 struct err *err);
MUST_USE enum status flush_judge(struct flush *f, struct grown *claims, struct err *err);
/* What is claimed by a service id: conversation, sender and id, as 128 bits. */
void flush_id_key(struct content_hasher *h, const struct content *c, const uint8_t conv[KEY_SIZE],
                  uint64_t key[2]);
/* Claims of the documents of one segment with this id, in this conversation, from this sender. */
MUST_USE enum status flush_claims_of_id(struct flush *f, struct grown *g, uint32_t segment,
                                        const struct term_entry *id, const struct content *c,
                                        const uint8_t conv[KEY_SIZE], const uint64_t key[2],
                                        bool *found, struct err *err);
/* The claims by service id, a part of flush_relate. */
MUST_USE enum status flush_relate_ids(struct flush *f, struct err *err);
/* Shares [0, n) out to the lanes, each an equal range. */
typedef enum status flush_range(struct flush *f, struct flush_lane *lane, void *ctx, size_t from,
                                size_t to, struct err *err);
MUST_USE enum status flush_parallel(struct flush *f, size_t n, flush_range *run, void *ctx,
                                    struct err *err);
/* Order of two records at the same target: stream, seq, version, dump, line. */
int entry_cmp(const struct flush *f, const struct entry *a, const struct entry *b);
/* Do two records say the same about their copy (origin, times, extra)? */
int version_cmp(const struct run_tables *t, const struct run_copy *a, const struct run_copy *b);

#endif
