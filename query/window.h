/* window — what a query says of the documents of a window (query/ground.h), all at once, as sets:
 * for AND, OR and NOT of words a bit a document is all there is to do. Owns: a window_eval owns the
 * memory of its sets; it borrows the plan.  Threads: one. Says of each document what plan_test says
 * of its messages: true, false, or unknown and why; or that the message itself has to be asked, by
 * plan_test, which is what id:, has:, copies: and their like come to. */
#ifndef QUERY_WINDOW_H
#define QUERY_WINDOW_H

#include "query/plan.h"

enum answer_part {
    ANSWER_YES,
    ANSWER_SEALED,  /* unknown: the body is sealed */
    ANSWER_UNTIMED, /* unknown: there is no time */
    ANSWER_ASK,
    ANSWER_PARTS,
};
/* A document in ANSWER_ASK may be in others, too, which say nothing then. In YES it is in no other.
 */
struct answer {
    struct doc_bits of[ANSWER_PARTS];
};

/* Sets that are not in use. */
struct bits_pool {
    struct buf all, free; /* uint64_t * */
};
/* NULL without memory. */
uint64_t *bits_take(struct bits_pool *p);
void bits_give(struct bits_pool *p, uint64_t *words);
void bits_pool_release(struct bits_pool *p);

struct window_eval {
    struct plan *plan;
    struct ground *ground;
    struct bits_pool pool;
    struct answer answer;
    bool sealed_apart;
};
/* `sealed_apart`: of sealed bodies nothing is said; for who counts them otherwise. */
MUST_USE enum status window_eval_init(struct window_eval *e, struct plan *p, bool sealed_apart,
                                      struct err *err);
void window_eval_release(struct window_eval *e);
/* Windows in ascending order; documents outside of `mask` (NULL: none) are left out. The answer
 * stays until the next window and may be changed. */
MUST_USE enum status window_eval_at(struct window_eval *e, const struct doc_window *w,
                                    const uint64_t *mask, struct answer **out, struct err *err);

#endif
