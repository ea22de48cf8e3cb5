/* pairs_run — pairs among the messages that one sender sent in one millisecond. They are listed by
 * what makes two of them opposite (side, or opened and plain), with and without service ids, in
 * their order; and each list knows where the next text begins. So a message steps over all that is
 * no partner of it at once: n messages cost n times the partners listed, whoever chose them. */
#include <stdlib.h>

#include "store/pairs_private.h"

struct partners { /* in order of place */
    struct pair_entry **e;
    uint32_t *past; /* the next one with another text */
    size_t n;
};

struct run {
    struct partners of[2][2]; /* [sort][1: only those without a service id] */
};

/* 0, 1, or -1: takes no part. */
typedef int sort_of(const struct pair_entry *e);

static int by_side(const struct pair_entry *e)
{
    return e->side == SIDE_FROM ? 0 : e->side == SIDE_TO ? 1 : -1;
}

static int by_opened(const struct pair_entry *e) { return e->opened; }

static bool run_room(struct run *r, size_t n)
{
    bool ok = true;
    for (int i = 0; i < 4; i++) {
        struct partners *p = &r->of[i / 2][i % 2];
        p->e = calloc(n, sizeof(struct pair_entry *));
        p->past = calloc(n, sizeof *p->past);
        ok = ok && p->e && p->past;
    }
    return ok;
}

static void run_release(struct run *r)
{
    for (int i = 0; i < 4; i++) {
        free(r->of[i / 2][i % 2].e);
        free(r->of[i / 2][i % 2].past);
    }
}

static bool same_text(const struct pair_entry *a, const struct pair_entry *b)
{
    return memcmp(a->text, b->text, PAIR_HASH_SIZE) == 0;
}

static void run_fill(struct run *r, struct pair_entry *const *all, size_t n, sort_of *sort)
{
    for (size_t i = 0; i < n; i++) {
        int s = sort(all[i]);
        for (int no_id = 0; s >= 0 && no_id <= !all[i]->has_id; no_id++)
            r->of[s][no_id].e[r->of[s][no_id].n++] = all[i];
    }
    for (int i = 0; i < 4; i++) {
        struct partners *p = &r->of[i / 2][i % 2];
        for (size_t k = p->n; k > 0; k--)
            p->past[k - 1] = k < p->n && same_text(p->e[k - 1], p->e[k]) ? p->past[k] : (uint32_t)k;
    }
}

/* `differ`: partners have another text. */
static enum status partners_put(struct pairing *out, struct pair_entry *a, const struct partners *p,
                                enum pair_why why, bool differ)
{
    size_t found = 0;
    for (size_t i = 0; i < p->n;) {
        if (differ && same_text(a, p->e[i])) {
            i = p->past[i];
            continue;
        }
        if (found++ == PAIR_PARTNERS_MAX) {
            pairing_more(out);
            return ST_OK;
        }
        TRY(pairing_put(out, a, p->e[i++], why));
    }
    return ST_OK;
}

static enum status run_pair(struct pairing *out, struct pair_entry *const *all, size_t n,
                            sort_of *sort, enum pair_why why)
{
    struct run r = {0};
    enum status st = n < 2 || run_room(&r, n) ? ST_OK : err_no_memory(out->err);
    if (st == ST_OK && n > 1)
        run_fill(&r, all, n, sort);
    for (size_t i = 0; st == ST_OK && n > 1 && i < n; i++) {
        int s = sort(all[i]);
        if (s >= 0)
            st = partners_put(out, all[i], &r.of[!s][all[i]->has_id], why, why != PAIR_SAME_OPENED);
    }
    run_release(&r);
    return st;
}

static int by_text(const void *a, const void *b)
{
    const struct pair_entry *x = *(struct pair_entry *const *)a,
                            *y = *(struct pair_entry *const *)b;
    int c = memcmp(x->text, y->text, PAIR_HASH_SIZE);
    c = c ? c : memcmp(x->order, y->order, PAIR_HASH_SIZE);
    return c ? c : (x->ref.k > y->ref.k) - (x->ref.k < y->ref.k);
}

enum status pairs_run(struct pairing *out, struct pair_entry *run, size_t n)
{
    struct pair_entry **all = calloc(n, sizeof(struct pair_entry *));
    enum status st = all ? ST_OK : err_no_memory(out->err);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        all[i] = &run[i];
    if (st == ST_OK)
        st = run_pair(out, all, n, by_side, PAIR_SAME_TIME);
    if (st == ST_OK && n > 1)
        qsort(all, n, sizeof(struct pair_entry *), by_text);
    for (size_t i = 0, end; st == ST_OK && i < n; i = end) {
        for (end = i + 1; end < n && same_text(all[i], all[end]); end++)
            ;
        st = run_pair(out, all + i, end - i, by_opened, PAIR_SAME_OPENED);
    }
    free(all);
    return st;
}
