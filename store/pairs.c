/* pairs — which of the gathered messages may be one. Entries are sorted by sender and time, and by
 * sender, text and time; what has no partner by either is dropped before copies are read, which
 * cost most. Same-text pairs are made nearest first: the nearest two of opposite sides always stand
 * next to each other among those left, so a heap of neighbours gives them in order. */
#include <stdlib.h>

#include "store/pairs_private.h"

const char *pair_why_name(enum pair_why w)
{
    static const char *const names[PAIR_WHYS] = {"same-opened", "same-text", "same-time"};
    return names[w];
}

int pair_ref_cmp(const struct pair_ref *a, const struct pair_ref *b)
{
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    if (a->doc != b->doc)
        return a->doc < b->doc ? -1 : 1;
    return (a->k > b->k) - (a->k < b->k);
}

/* ---- two orders ---- */

static int by_place(const struct pair_entry *a, const struct pair_entry *b)
{
    if (a->sent != b->sent)
        return a->sent < b->sent ? -1 : 1;
    int c = memcmp(a->order, b->order, PAIR_HASH_SIZE);
    return c ? c : (a->ref.k > b->ref.k) - (a->ref.k < b->ref.k);
}

static int by_time(const void *a, const void *b)
{
    const struct pair_entry *x = a, *y = b;
    int c = memcmp(x->sender, y->sender, PAIR_HASH_SIZE);
    return c ? c : by_place(x, y);
}

static int by_text(const void *a, const void *b)
{
    const struct pair_entry *x = a, *y = b;
    int c = memcmp(x->sender, y->sender, PAIR_HASH_SIZE);
    c = c ? c : memcmp(x->text, y->text, PAIR_HASH_SIZE);
    return c ? c : by_place(x, y);
}

static bool same_time(const struct pair_entry *a, const struct pair_entry *b)
{
    return a->sent == b->sent && memcmp(a->sender, b->sender, PAIR_HASH_SIZE) == 0;
}

static bool same_text(const struct pair_entry *a, const struct pair_entry *b)
{
    return memcmp(a->text, b->text, PAIR_HASH_SIZE) == 0 &&
           memcmp(a->sender, b->sender, PAIR_HASH_SIZE) == 0;
}

/* Sorted by text: equal ones, the second up to a day after the first. */
static bool chained(const struct pair_entry *a, const struct pair_entry *b)
{
    return same_text(a, b) && b->sent - a->sent <= PAIR_APART_MS;
}

static void sort(struct pair_entry *all, size_t n, int (*cmp)(const void *, const void *))
{
    if (n > 1)
        qsort(all, n, sizeof *all, cmp);
}

/* ---- what may have a partner ---- */

static void mark_chained(struct pair_entry *all, size_t n)
{
    sort(all, n, by_text);
    for (size_t i = 1; i < n; i++)
        if (!all[i].empty && chained(&all[i - 1], &all[i]))
            all[i - 1].chained = all[i].chained = true;
}

static void mark_timed(struct pair_entry *all, size_t n)
{
    sort(all, n, by_time);
    for (size_t i = 1; i < n; i++)
        if (same_time(&all[i - 1], &all[i]))
            all[i - 1].timed = all[i].timed = true;
}

/* What may have a partner, and what was sent at `open` or later. */
static size_t keep(struct pair_entry *all, size_t n, int64_t open)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].chained || all[i].timed || all[i].sent >= open)
            all[kept++] = all[i];
    return kept;
}

/* Sorted by text: of chains that are over, those that only one side holds have no pair. */
static void drop_chains(struct pair_entry *all, size_t n, int64_t open)
{
    for (size_t i = 0, end; i < n; i = end) {
        unsigned sides = 1u << all[i].side;
        for (end = i + 1; end < n && chained(&all[end - 1], &all[end]); end++)
            sides |= 1u << all[end].side;
        bool both = (sides & 1u << SIDE_FROM) && (sides & 1u << SIDE_TO);
        for (size_t k = i; !both && all[end - 1].sent < open && k < end; k++)
            all[k].chained = false;
    }
}

enum status pairs_prune(struct casefile *cf, struct segment_scratch *const *scratch,
                        struct buf *entries, int64_t reached, struct err *err)
{
    void *data = entries->data;
    struct pair_entry *all = data;
    size_t n = entries->len / sizeof *all;
    int64_t open = reached - PAIR_APART_MS;
    mark_timed(all, n);
    mark_chained(all, n);
    TRY(pairs_sides(cf, scratch, all, n, err));
    drop_chains(all, n, open);
    entries->len = keep(all, n, open) * sizeof *all;
    return ST_OK;
}

/* ---- putting ---- */

enum status pairing_put(struct pairing *p, struct pair_entry *a, const struct pair_entry *b,
                        enum pair_why why)
{
    struct pair one = {.of = a->ref, .other = b->ref, .why = (uint8_t)why};
    a->done |= why == PAIR_SAME_OPENED;
    buf_put(p->out, &one, sizeof one);
    return buf_status(p->out, p->err);
}

void pairing_more(struct pairing *p)
{
    void *all = p->out->data;
    ((struct pair *)all)[p->out->len / sizeof(struct pair) - 1].more = true;
}

static bool told(const struct pair_entry *a, const struct pair_entry *b)
{
    return a->has_id && b->has_id;
}

static bool opposed(const struct pair_entry *a, const struct pair_entry *b)
{
    return (a->side == SIDE_FROM && b->side == SIDE_TO) ||
           (a->side == SIDE_TO && b->side == SIDE_FROM);
}

/* ---- of one time ---- */

static enum status pair_simultaneous(struct pairing *p, struct pair_entry *all, size_t n)
{
    sort(all, n, by_time);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_time(&all[i], &all[end]); end++)
            ;
        if (end - i > 1)
            TRY(pairs_run(p, &all[i], end - i));
    }
    return ST_OK;
}

/* ---- of one text: nearest first ---- */

struct near { /* two neighbours among those left */
    int64_t apart;
    uint32_t left, right;
};

struct chain {
    struct pair_entry **e; /* those that take part, by time */
    uint32_t *prev, *next; /* neighbours among those left; UINT32_MAX none */
    bool *gone;
    struct near *heap;
    size_t n, n_heap;
};

static bool nearer(const struct near *a, const struct near *b)
{
    return a->apart != b->apart ? a->apart < b->apart : a->left < b->left;
}

static void heap_push(struct chain *c, struct near x)
{
    size_t i = c->n_heap++;
    for (; i > 0 && nearer(&x, &c->heap[(i - 1) / 2]); i = (i - 1) / 2)
        c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = x;
}

static struct near heap_pop(struct chain *c)
{
    struct near top = c->heap[0], last = c->heap[--c->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < c->n_heap; i = child) {
        if (child + 1 < c->n_heap && nearer(&c->heap[child + 1], &c->heap[child]))
            child++;
        if (!nearer(&c->heap[child], &last))
            break;
        c->heap[i] = c->heap[child];
    }
    c->heap[i] = last;
    return top;
}

static void chain_offer(struct chain *c, uint32_t left, uint32_t right)
{
    if (left == UINT32_MAX || right == UINT32_MAX)
        return;
    struct near x = {c->e[right]->sent - c->e[left]->sent, left, right};
    if (x.apart <= PAIR_APART_MS && opposed(c->e[left], c->e[right]) &&
        !told(c->e[left], c->e[right]))
        heap_push(c, x);
}

/* n entries, and no more offers than those of the beginning and one a pair. */
static bool chain_room(struct chain *c, size_t n)
{
    c->e = calloc(n, sizeof(struct pair_entry *));
    c->prev = calloc(n, sizeof *c->prev);
    c->next = calloc(n, sizeof *c->next);
    c->gone = calloc(n, sizeof *c->gone);
    c->heap = calloc(2 * n, sizeof *c->heap);
    return c->e && c->prev && c->next && c->gone && c->heap;
}

static void chain_free(struct chain *c)
{
    free(c->e);
    free(c->prev);
    free(c->next);
    free(c->gone);
    free(c->heap);
}

static enum status chain_pair(struct chain *c, struct pairing *p)
{
    for (uint32_t i = 0; i < c->n; i++) {
        c->prev[i] = i ? i - 1 : UINT32_MAX;
        c->next[i] = i + 1 < c->n ? i + 1 : UINT32_MAX;
        chain_offer(c, c->prev[i], i);
    }
    while (c->n_heap > 0) {
        struct near x = heap_pop(c);
        if (c->gone[x.left] || c->gone[x.right])
            continue;
        TRY(pairing_put(p, c->e[x.left], c->e[x.right], PAIR_SAME_TEXT));
        TRY(pairing_put(p, c->e[x.right], c->e[x.left], PAIR_SAME_TEXT));
        c->gone[x.left] = c->gone[x.right] = true;
        uint32_t left = c->prev[x.left], right = c->next[x.right];
        if (left != UINT32_MAX)
            c->next[left] = right;
        if (right != UINT32_MAX)
            c->prev[right] = left;
        chain_offer(c, left, right);
    }
    return ST_OK;
}

static enum status pair_chain(struct pairing *p, struct pair_entry *all, size_t n)
{
    struct chain c = {0};
    enum status st = chain_room(&c, n) ? ST_OK : err_no_memory(p->err);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        if (!all[i].done && !all[i].empty && all[i].side != SIDE_UNKNOWN)
            c.e[c.n++] = &all[i];
    if (st == ST_OK && c.n > 1)
        st = chain_pair(&c, p);
    chain_free(&c);
    return st;
}

/* Those already in a pair of one opened and one plain body have their other half. */
static enum status pair_chains(struct pairing *p, struct pair_entry *all, size_t n)
{
    sort(all, n, by_text);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && chained(&all[end - 1], &all[end]); end++)
            ;
        if (end - i > 1)
            TRY(pair_chain(p, all + i, end - i));
    }
    return ST_OK;
}

/* ---- the whole ---- */

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = pair_ref_cmp(&x->of, &y->of);
    c = c ? c : (x->why > y->why) - (x->why < y->why);
    return c ? c : pair_ref_cmp(&x->other, &y->other);
}

static void finish(struct buf *found, struct pairs *out)
{
    void *data = found->data;
    out->all = data;
    out->n = found->len / sizeof *out->all;
    out->messages = 0;
    if (out->n > 1)
        qsort(out->all, out->n, sizeof *out->all, by_pair);
    for (size_t i = 0; i < out->n; i++)
        out->messages += i == 0 || pair_ref_cmp(&out->all[i - 1].of, &out->all[i].of) != 0;
}

static enum status pair_all(struct casefile *cf, struct segment_scratch *const *scratch,
                            struct buf *entries, struct pairs *out, struct err *err)
{
    void *data = entries->data;
    struct pair_entry *all = data;
    struct buf found = {0};
    struct pairing p = {&found, err};
    size_t n = entries->len / sizeof *all;
    mark_timed(all, n);
    n = keep(all, n, INT64_MAX);
    enum status st = pairs_sides(cf, scratch, all, n, err);
    if (st == ST_OK)
        st = pair_simultaneous(&p, all, n);
    if (st == ST_OK)
        st = pair_chains(&p, all, n);
    if (st == ST_OK)
        finish(&found, out);
    else
        buf_release(&found);
    return st;
}

enum status pairs_find(struct casefile *cf, struct segment_scratch *const *scratch,
                       const struct conversation_range *ranges, size_t n, struct pairs *out,
                       struct err *err)
{
    struct buf entries = {0};
    enum status st = pairs_gather(cf, scratch, ranges, n, &entries, err);
    if (st == ST_OK) {
        void *all = entries.data;
        mark_chained(all, entries.len / sizeof(struct pair_entry));
        st = pair_all(cf, scratch, &entries, out, err);
    }
    buf_release(&entries);
    return st;
}

/* ---- those of one ---- */

/* Sorted by text: does the chain of `of` end within the window, so that nothing outside can take
 * part in it? */
static bool window_holds(const struct pair_entry *all, size_t n, const struct pair_window *w,
                         const struct pair_ref *of)
{
    size_t at = 0, first, last;
    while (at < n && pair_ref_cmp(&all[at].ref, of) != 0)
        at++;
    if (at == n)
        return true; /* not one that can stand in a pair */
    for (first = at; first > 0 && chained(&all[first - 1], &all[first]); first--)
        ;
    for (last = at; last + 1 < n && chained(&all[last], &all[last + 1]); last++)
        ;
    return (w->after == INT64_MIN || all[first].sent - PAIR_APART_MS >= w->after) &&
           (w->before == INT64_MAX || all[last].sent + PAIR_APART_MS < w->before);
}

/* Twice as far on both sides; without limits once it is more than all of time. */
static void window_widen(struct pair_window *w, int64_t sent)
{
    int64_t half = 2 * (w->before - 1 - sent);
    w->after = half > sent ? INT64_MIN : sent - half;
    w->before = half > TIME_MAX_MS - sent ? INT64_MAX : sent + half + 1;
}

/* Keeps the pairs of `of` alone. */
static void narrow(struct pairs *p, const struct pair_ref *of)
{
    size_t from = pairs_first(p, of), n = 0;
    while (from + n < p->n && pair_ref_cmp(&p->all[from + n].of, of) == 0)
        n++;
    if (n)
        memmove(p->all, p->all + from, n * sizeof *p->all);
    p->n = n;
    p->messages = n != 0;
}

enum status pairs_find_of(struct casefile *cf, struct segment_scratch *const *scratch,
                          const struct pair_ask *ask, struct pairs *out, uint64_t *looked,
                          struct err *err)
{
    struct pair_window w = {ask->sent - PAIR_APART_MS, ask->sent + PAIR_APART_MS + 1};
    struct buf entries = {0};
    enum status st;
    for (;;) {
        buf_clear(&entries);
        st = pairs_gather_of(cf, scratch, ask, &w, &entries, looked, err);
        if (st != ST_OK)
            break;
        void *all = entries.data;
        size_t n = entries.len / sizeof(struct pair_entry);
        mark_chained(all, n);
        if (window_holds(all, n, &w, &ask->of)) {
            st = pair_all(cf, scratch, &entries, out, err);
            break;
        }
        if (w.before == INT64_MAX)
            w.after = INT64_MIN;
        else
            window_widen(&w, ask->sent);
    }
    if (st == ST_OK)
        narrow(out, &ask->of);
    buf_release(&entries);
    return st;
}

size_t pairs_first(const struct pairs *p, const struct pair_ref *of)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (pair_ref_cmp(&p->all[mid].of, of) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void pairs_release(struct pairs *p)
{
    free(p->all);
    *p = (struct pairs){0};
}
