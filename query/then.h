/* then — A THEN/n B: messages that B matches and that stand in their conversation behind one that A
 * matches, at most n (of time, or messages) behind it. The answer of one THEN is found before the
 * query around it is tested: conversation by conversation, over all segments at once, because a
 * conversation goes on from one segment to the next.
 * Three answers: a pair in which something is unknown and nothing false makes its second message
 * unknown, unless another pair makes it true. For units of time an untimed message is unknown; it
 * stands behind all timed ones, as in every order of Lictor.
 * Owns: what is found belongs to the caller.  Threads: one.
 * Memory: the messages of one conversation that either side may match (for THEN/nmsg all of it) and
 * what is found, each bounded; beyond that ST_LIMIT, never a part of the answer. */
#ifndef QUERY_THEN_H
#define QUERY_THEN_H

#include "query/plan.h"

#define THEN_CONVERSATION_MAX ((size_t)1 << 24) /* messages of one conversation */
#define THEN_FOUND_MAX ((size_t)1 << 25)        /* messages found, of one THEN */

enum then_side { THEN_EARLIER, THEN_LATER, THEN_SENDER };

/* Where the answers of the two sides, and of `by:HANDLE`, come from. Asked in ascending order of
 * documents within each segment. */
struct then_source {
    void *ctx;
    bool every; /* seek leaves out no document in range */
    /* First document >= `doc` that either side may match (DOC_END: none). */
    enum status (*seek)(void *ctx, uint32_t segment, uint32_t doc, uint32_t *out, struct err *err);
    /* What a side says of message k of the document that seek came to last. */
    enum status (*test)(void *ctx, enum then_side side, uint32_t segment, uint32_t doc, uint32_t k,
                        unsigned *truth, struct err *err);
};

/* One message of which a THEN is true or unknown. */
struct then_found {
    uint32_t segment, doc, k;
    uint32_t truth; /* TRUTH_…, not TRUTH_FALSE */
};

/* Appends struct then_found, by segment, document and k, of the NODE_THEN `n`. */
MUST_USE enum status then_find(struct view *v, const struct query *q, const struct node *n,
                               const struct then_source *source, struct buf *found,
                               struct err *err);
/* What was found of one message. */
unsigned then_truth(const struct buf *found, uint32_t segment, uint32_t doc, uint32_t k);
/* Those of one segment: their number, *first the first. */
size_t then_of_segment(const struct buf *found, uint32_t segment, const struct then_found **first);
/* Calls `run` for each THEN of a tree, inner ones first. */
MUST_USE enum status then_each(const struct node *root,
                               enum status (*run)(void *ctx, const struct node *n, struct err *err),
                               void *ctx, struct err *err);
/* All of a query by the index, into ids->thens (then_index.c). */
MUST_USE enum status then_find_all(struct view *v, const struct query *q, struct plan_ids *ids,
                                   struct err *err);

/* ---- one conversation (then_line.c) ---- */

struct then_message {
    struct message_ref ref;
    uint32_t sender;        /* equal: the same one */
    uint8_t earlier, later; /* what the sides say */
};
/* By whom a message is; absent ones are equal. */
struct then_sender {
    uint8_t key[KEY_SIZE];
    uint32_t message; /* index */
};
struct then_line {
    struct view *v;
    const struct node *n;
    struct buf messages; /* struct then_message, any order */
    struct buf senders;  /* struct then_sender: only for by:same and by:other */
};
/* Orders the messages and appends what the THEN says of them. */
MUST_USE enum status then_line_join(struct then_line *l, struct buf *found, struct err *err);

#endif
