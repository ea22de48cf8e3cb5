/* plan_distinct — the operands of an AND or OR, equal ones once: what is written the same in one
 * list means the same, and `a AND a` says no more than `a`. */
#include "query/plan.h"

#include <stdlib.h>

struct operand {
    struct slice written;
    size_t at;
};

static int by_text(const void *a, const void *b)
{
    const struct operand *x = a, *y = b;
    int c = slice_cmp(x->written, y->written);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

enum status plan_distinct(struct plan *p, const struct node *list, struct node ***out, size_t *n,
                          struct err *err)
{
    size_t all = list->list.n, kept = 0;
    struct node **kids = arena_array(&p->set.arena, all + 1, sizeof(struct node *));
    struct operand *sorted = calloc(all + 1, sizeof *sorted);
    bool *again = calloc(all + 1, sizeof *again);
    enum status st = kids && sorted && again ? ST_OK : err_no_memory(err);
    if (st == ST_OK) {
        for (size_t i = 0; i < all; i++)
            sorted[i] = (struct operand){list->list.kids[i]->written, i};
        if (all > 1)
            qsort(sorted, all, sizeof *sorted, by_text);
        for (size_t i = 1; i < all; i++) /* what nobody wrote (nick:) has no text */
            again[sorted[i].at] =
                sorted[i].written.len > 0 && slice_eq(sorted[i].written, sorted[i - 1].written);
        for (size_t i = 0; i < all; i++)
            if (!again[i])
                kids[kept++] = list->list.kids[i];
        *out = kids;
        *n = kept;
    }
    free(sorted);
    free(again);
    return st;
}
