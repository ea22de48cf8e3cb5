/* walk — iterators over the documents of one segment, ascending: what a query may match. A walk may
 * offer documents that do not match (the evaluation tests each), but leaves none out that does.
 * Owns: a walk_set owns its walks, their memory and their posting iterators.
 * Threads: one.  Trusts: nothing.
 * A walk never goes back; asking again for a document not above the present one costs nothing. That
 * is why driving a query and testing its parts may share the same walks: tests only ever ask for
 * the document the query stands at. */
#ifndef QUERY_WALK_H
#define QUERY_WALK_H

#include "lictor/arena.h"
#include "lictor/segment.h"
#include "query/bits.h"
#include "query/ground.h"
#include "query/pattern.h"

enum walk_kind {
    WALK_NONE,
    WALK_ALL,
    WALK_RANGE, /* [first, end) */
    WALK_LIST,  /* ascending document numbers */
    WALK_POSTING,
    WALK_BITS,
    WALK_TIME, /* all documents of blocks in which a time of [from, to) or none stands */
    WALK_AND,
    WALK_OR,
};

struct walk {
    enum walk_kind kind;
    bool started;
    uint32_t cur;                 /* the last answer */
    uint64_t cost;                /* about how many documents it offers */
    uint64_t handle;              /* WALK_POSTING: of its postings */
    struct posting_iter *filling; /* WALK_POSTING: for walk_fill, NULL until then */
    union {
        struct {
            uint32_t first, end;
        } range; /* also WALK_ALL */
        struct {
            const uint32_t *docs;
            size_t n, at;
        } list;
        struct posting_iter *posting;
        struct {
            uint64_t *words;
            size_t n_words;
            bool shared; /* by the walks of an equal pattern: nothing may be poured into it */
        } bits;
        struct {
            int64_t from, to;
            uint32_t good_until; /* documents below are in a block known to be good */
        } time;
        struct {
            struct walk **kids; /* WALK_OR: a heap by `cur` once started */
            size_t n;
        } join;
    };
};

struct walk_set {
    struct segment *segment;
    struct segment_scratch *scratch;
    uint32_t docs;
    struct arena arena;
    struct buf postings; /* struct walk *: the open ones */
    struct walk *spare;  /* a bitmap to be used again */
    uint64_t bits_bytes; /* of all bitmaps */
    struct buf known;    /* by number of the pattern: what it stands for, or NULL (walk_expand.c) */
    struct pattern_budget *budget; /* NULL: none */
};
void walk_set_init(struct walk_set *s, struct segment *segment, struct segment_scratch *scratch);
void walk_set_release(struct walk_set *s);

/* First document >= `doc`, DOC_END when there is none. */
MUST_USE enum status walk_seek(struct walk_set *s, struct walk *w, uint32_t doc, uint32_t *out,
                               struct err *err);

/* The documents of a window, added to `out`, none outside of `mask` (NULL: all are wanted). Windows
 * are asked in ascending order; it is nothing to walk_seek on the same walk where they are.
 * WALK_TIME: all of a block's documents where one may fit. */
struct bits_pool;
MUST_USE enum status walk_fill(struct walk_set *s, struct walk *w, const struct doc_window *at,
                               const uint64_t *mask, struct bits_pool *pool, struct doc_bits *out,
                               struct err *err);

MUST_USE enum status walk_range(struct walk_set *s, uint32_t first, uint32_t end, struct walk **out,
                                struct err *err);
MUST_USE enum status walk_list(struct walk_set *s, const uint32_t *docs, size_t n,
                               struct walk **out, struct err *err);
MUST_USE enum status walk_time(struct walk_set *s, int64_t from, int64_t to, struct walk **out,
                               struct err *err);
/* The documents of one term; WALK_NONE if the lexicon does not have it. */
MUST_USE enum status walk_term(struct walk_set *s, struct slice term, struct walk **out,
                               struct err *err);
/* The postings of a term that was come upon in the lexicon. */
MUST_USE enum status walk_posting(struct walk_set *s, uint64_t handle, uint32_t docs,
                                  struct walk **out, struct err *err);
/* Which terms of those that begin alike are meant. */
struct term_filter {
    enum status (*keep)(void *ctx, const struct term_entry *e, bool *yes, struct err *err);
    void *ctx;
};
/* The documents of all terms that begin with `prefix` and that `filter` (NULL: all) keeps: any
 * number of them, in the memory of one bit a document. */
MUST_USE enum status walk_terms(struct walk_set *s, struct slice prefix,
                                const struct term_filter *filter, struct walk **out,
                                struct err *err);
MUST_USE static inline enum status walk_prefix(struct walk_set *s, struct slice prefix,
                                               struct walk **out, struct err *err)
{
    return walk_terms(s, prefix, NULL, out, err);
}
/* The documents of all words of the lexicon that may match: *sure, where the folded word decides,
 * and *doubt, of words so long that only their beginning is stored. Both as by walk_prefix. */
MUST_USE enum status walk_pattern(struct walk_set *s, const struct pattern *p, struct walk **sure,
                                  struct walk **doubt, struct err *err);
/* kids: array in the set's arena, re-ordered. */
MUST_USE enum status walk_and(struct walk_set *s, struct walk **kids, size_t n, struct walk **out,
                              struct err *err);
MUST_USE enum status walk_or(struct walk_set *s, struct walk **kids, size_t n, struct walk **out,
                             struct err *err);
/* Whether a WALK_TIME offers a block of documents with these bounds. */
bool walk_time_fits(const struct walk *w, int64_t min, int64_t max, bool untimed);
/* An empty bitmap (ST_LIMIT: there are too many), and a walk poured into it whole. One that is not
 * needed any more may be given back, then its walk is WALK_NONE. */
MUST_USE enum status walk_bits(struct walk_set *s, struct walk **out, struct err *err);
void walk_bits_give(struct walk_set *s, struct walk *w);
/* Another walk through the same bitmap, which is shared from now on. */
MUST_USE enum status walk_bits_share(struct walk_set *s, struct walk *w, struct walk **out,
                                     struct err *err);
/* Whether there is room for bitmaps that are kept. */
bool walk_bits_roomy(const struct walk_set *s);
MUST_USE enum status walk_pour(struct walk_set *s, struct walk *from, struct walk *bits,
                               struct err *err);

/* Posting iterators opened so far; closes those opened since there were `from` of them (their walks
 * turn into WALK_NONE). */
size_t walk_open_count(const struct walk_set *s);
void walk_close_from(struct walk_set *s, size_t from);

#endif
