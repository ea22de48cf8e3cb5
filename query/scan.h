/* scan — a query against every stored message, one after the other: rows, copies and states are
 * read, texts are split into words again, and no lexicon, postings, keys or times of the index are
 * asked. Slow, and the proof that search answers right.
 * Owns: a scan owns what its workers need; a result is released by search_result_release.
 * Threads: makes its own, each with a view and a parse of the query to itself. */
#ifndef QUERY_SCAN_H
#define QUERY_SCAN_H

#include "lictor/cli.h"
#include "query/plan.h"

struct scan_options {
    unsigned threads; /* 0: one a processor */
    const char *tz;   /* the zone the query was parsed in, NULL for UTC */
    enum cli_progress_mode progress;
};
/* As search_run; *read (may be NULL): stored records that were read. */
MUST_USE enum status scan_run(struct view *v, const struct query *q, const struct search_options *o,
                              const struct scan_options *how, struct search_result *out,
                              uint64_t *read, struct err *err);

/* ---- one message (scan_eval.c) ---- */

/* Reads records one after the other; what few queries ask for is read when it is asked for. */
struct scan_reader {
    struct view *v;
    const struct query *q;
    const struct plan_ids *ids;
    struct arena lists, conversation_memory, more;
    uint32_t segment, doc;
    struct segment_conversation conversation; /* docs 0: none yet */
    uint32_t conversation_segment;
    struct content c;
    struct doc_state state;
    struct slice text; /* plain or opened */
    bool some;         /* a record was read, and it is in range */
    bool split, hashed, copies_known;
    struct words words;
    uint8_t hash[SHA256_SIZE];
    const struct slice *copy_to; /* recipients that only copies name */
    size_t n_copy_to;
};
/* `ids`: the nicknames of the query, found by plan_nicks_read. */
MUST_USE enum status scan_reader_init(struct scan_reader *r, struct view *v, const struct query *q,
                                      const struct plan_ids *ids, struct err *err);
void scan_reader_release(struct scan_reader *r);
/* Reads a record; *in_range: words, `*` and NOT speak of it in this query. */
MUST_USE enum status scan_read(struct scan_reader *r, uint32_t segment, uint32_t doc,
                               bool *in_range, struct err *err);
/* What `n` says of message k of the record read last: TRUTH_… */
MUST_USE enum status scan_test(struct scan_reader *r, const struct node *n, uint32_t k,
                               unsigned *truth, struct err *err);
/* The answers of all THEN of a query into ids->thens, by reading everything once for each
 * (scan_then.c). */
MUST_USE enum status scan_find_thens(struct view *v, const struct query *q, struct plan_ids *ids,
                                     enum cli_progress_mode progress, struct err *err);

#endif
