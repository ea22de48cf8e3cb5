/* spans_near — NEAR and PRE. What is found are pairs of a beginning of x and an end of y, each
 * once: the ways from the one to the other are many more (of n words that all match, n * n pairs,
 * and n * n * n ways), so they are not walked but the pairs are asked whether there is one. */
#include "query/spans.h"

#include <stdlib.h>

static int by_end(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->last != y->last)
        return x->last < y->last ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

/* First of [from, n) that ends at `place` or behind it, in a list by end. */
static size_t end_at(const struct span *at, size_t from, size_t n, uint64_t place)
{
    while (from < n) {
        size_t mid = from + (n - from) / 2;
        if (at[mid].last < place)
            from = mid + 1;
        else
            n = mid;
    }
    return from;
}

/* First of [from, n) that begins behind `place`, in a list by beginning. */
static size_t begin_behind(const struct span *at, size_t from, size_t n, uint32_t place)
{
    while (from < n) {
        size_t mid = from + (n - from) / 2;
        if (at[mid].first <= place)
            from = mid + 1;
        else
            n = mid;
    }
    return from;
}

struct stretch { /* spans of one beginning, by end; or of one end, by beginning */
    const struct span *at;
    size_t n;
};

/* Whether one of `y` begins behind the end of one of `x`, at most `distance`: each of the fewer is
 * looked up among the more. */
static bool meet(struct stretch x, struct stretch y, uint32_t distance, uint64_t *steps)
{
    if (x.n <= y.n) {
        for (size_t i = 0; i < x.n; i++) {
            size_t j = begin_behind(y.at, 0, y.n, x.at[i].last);
            ++*steps;
            if (j < y.n && y.at[j].first - x.at[i].last <= distance)
                return true;
        }
        return false;
    }
    for (size_t j = 0; j < y.n; j++) {
        uint32_t first = y.at[j].first;
        size_t i = end_at(x.at, 0, x.n, first > distance ? first - distance : 0);
        ++*steps;
        if (i < x.n && x.at[i].last < first)
            return true;
    }
    return false;
}

struct later { /* y by end */
    const struct span *at;
    size_t n;
    uint32_t longest;
    struct span *own; /* memory, if y was not in that order anyway */
};

static enum status later_init(struct later *l, const struct span_list *y, struct err *err)
{
    bool sorted = true;
    *l = (struct later){.at = y->at, .n = y->n};
    for (size_t i = 0; i < y->n; i++) {
        uint32_t len = y->at[i].last - y->at[i].first;
        l->longest = len > l->longest ? len : l->longest;
        sorted &= i == 0 || y->at[i - 1].last <= y->at[i].last;
    }
    if (sorted)
        return ST_OK;
    if (!(l->own = calloc(y->n, sizeof *l->own)))
        return err_no_memory(err);
    memcpy(l->own, y->at, y->n * sizeof *l->own);
    qsort(l->own, y->n, sizeof *l->own, by_end);
    l->at = l->own;
    return ST_OK;
}

/* All ends that go with one beginning, whose spans are `x`. */
static enum status put_ends(struct stretch x, const struct later *y, uint32_t distance, bool one,
                            struct span_list *out, struct spans_work *work, struct err *err)
{
    uint64_t until = (uint64_t)x.at[x.n - 1].last + distance + y->longest;
    uint64_t steps = x.n;
    size_t next;
    for (size_t j = end_at(y->at, 0, y->n, (uint64_t)x.at[0].last + 1);
         j < y->n && y->at[j].last <= until; j = next) {
        uint32_t last = y->at[j].last;
        next = j + 1;
        if (next < y->n && y->at[next].last == last)
            next = end_at(y->at, next, y->n, (uint64_t)last + 1);
        bool yes = meet(x, (struct stretch){y->at + j, next - j}, distance, &steps);
        TRY(spans_charge(work, steps, err));
        steps = 0;
        if (yes)
            TRY(span_list_put(out, x.at[0].first, last, err));
        if (yes && one)
            return ST_OK;
    }
    return spans_charge(work, steps, err);
}

static enum status put_before(const struct span_list *x, const struct span_list *y,
                              uint32_t distance, bool one, struct span_list *out,
                              struct spans_work *work, struct err *err)
{
    struct later later;
    enum status st = later_init(&later, y, err);
    if (st == ST_OK)
        st = spans_charge(work, y->n, err);
    size_t next;
    for (size_t i = 0; st == ST_OK && i < x->n && !(one && out->n > 0); i = next) {
        next = i + 1;
        if (next < x->n && x->at[next].first == x->at[i].first)
            next = begin_behind(x->at, next, x->n, x->at[i].first);
        st = put_ends((struct stretch){x->at + i, next - i}, &later, distance, one, out, work, err);
    }
    free(later.own);
    return st;
}

static int by_begin(const struct span *x, const struct span *y)
{
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->last > y->last) - (x->last < y->last);
}

/* Of two lists sorted and distinct one that is so. */
static enum status unite(struct span_list *to, const struct span_list *l, struct err *err)
{
    struct span_list all = {0};
    enum status st = ST_OK;
    size_t i = 0, j = 0;
    while (st == ST_OK && (i < to->n || j < l->n)) {
        bool first = j == l->n, second = i == to->n;
        if (!first && !second) {
            int order = by_begin(&to->at[i], &l->at[j]);
            first = order <= 0;
            second = order >= 0;
        }
        struct span least = first ? to->at[i] : l->at[j];
        st = span_list_put(&all, least.first, least.last, err);
        i += first;
        j += second;
    }
    span_list_release(to);
    *to = all;
    return st;
}

enum status spans_near(const struct span_list *x, const struct span_list *y, uint32_t distance,
                       bool ordered, bool one, struct span_list *out, struct spans_work *work,
                       struct err *err)
{
    if (x->n == 0 || y->n == 0)
        return ST_OK;
    TRY(put_before(x, y, distance, one, out, work, err));
    if (ordered || (one && out->n > 0))
        return ST_OK;
    if (out->n == 0)
        return put_before(y, x, distance, one, out, work, err);
    struct span_list other = {0};
    enum status st = put_before(y, x, distance, one, &other, work, err);
    if (st == ST_OK && other.n > 0)
        st = unite(out, &other, err);
    span_list_release(&other);
    return st;
}
