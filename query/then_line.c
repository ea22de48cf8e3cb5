/* then_line — one conversation in its order, and one pass over it: a window holds the messages that
 * the earlier side matches, counted by what it says of them and by sender. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/then.h"

static struct then_message *messages_of(struct then_line *l, size_t *n)
{
    void *all = l->messages.data;
    *n = l->messages.len / sizeof(struct then_message);
    return all;
}

/* ---- order ---- */

static int by_place(const struct message_ref *a, const struct message_ref *b)
{
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    if (a->doc != b->doc)
        return a->doc < b->doc ? -1 : 1;
    return (a->k > b->k) - (a->k < b->k);
}

static int by_time(const void *a, const void *b)
{
    const struct message_ref *x = &((const struct then_message *)a)->ref;
    const struct message_ref *y = &((const struct then_message *)b)->ref;
    if (x->sent == y->sent)
        return by_place(x, y);
    if (x->sent == TIME_NONE || y->sent == TIME_NONE)
        return x->sent == TIME_NONE ? 1 : -1;
    return x->sent < y->sent ? -1 : 1;
}

static int by_ref(const void *a, const void *b)
{
    return by_place(&((const struct then_message *)a)->ref, &((const struct then_message *)b)->ref);
}

/* A run of one time, which stands by place, into the one order. */
static enum status order_ties(struct then_line *l, struct then_message *run, size_t n,
                              struct err *err)
{
    struct arena a;
    arena_init(&a, 0);
    struct message_ref *refs = arena_array(&a, n, sizeof *refs);
    struct then_message *old = arena_array(&a, n, sizeof *old);
    enum status st = refs && old ? ST_OK : err_no_memory(err);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        old[i] = run[i];
        refs[i] = run[i].ref;
    }
    if (st == ST_OK)
        st = view_sort_ties(l->v, refs, n, err);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        const struct then_message key = {.ref = refs[i]};
        const struct then_message *m = bsearch(&key, old, n, sizeof *old, by_ref);
        MUST(m);
        run[i] = *m;
    }
    arena_release(&a);
    return st;
}

/* Ties cost a look at copies: they are put in order only where that can matter. */
static bool order_matters(const struct then_line *l, const struct then_message *run, size_t n)
{
    bool earlier = false, later = false;
    for (size_t i = 0; i < n; i++) {
        earlier |= run[i].earlier != TRUTH_FALSE;
        later |= run[i].later != TRUTH_FALSE;
    }
    return n > 1 && (l->n->then.unit == THEN_MESSAGES ? earlier || later : earlier && later);
}

static enum status order(struct then_line *l, struct err *err)
{
    size_t n;
    struct then_message *m = messages_of(l, &n);
    if (n > 1)
        qsort(m, n, sizeof *m, by_time);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && m[end].ref.sent == m[i].ref.sent; end++)
            ;
        if (order_matters(l, m + i, end - i))
            TRY(order_ties(l, m + i, end - i, err));
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

/* ---- senders ---- */

static int by_sender(const void *a, const void *b)
{
    return memcmp(((const struct then_sender *)a)->key, ((const struct then_sender *)b)->key,
                  KEY_SIZE);
}

/* Numbers them; returns how many there are. Before the messages are put in order. */
static size_t number_senders(struct then_line *l)
{
    void *data = l->senders.data;
    struct then_sender *s = data;
    size_t n = l->senders.len / sizeof *s, unused, numbers = 0;
    struct then_message *m = messages_of(l, &unused);
    if (n > 1)
        qsort(s, n, sizeof *s, by_sender);
    for (size_t i = 0; i < n; i++) {
        numbers += i == 0 || by_sender(&s[i - 1], &s[i]) != 0;
        m[s[i].message].sender = (uint32_t)numbers - 1;
    }
    return numbers;
}

/* ---- the window ---- */

/* Messages by what keeps a pair with them from being true: 0 nothing, else reasons. */
struct tally {
    uint32_t n[4];
};

struct window {
    const struct then_line *l;
    const struct then_message *m;
    struct tally all, *each; /* each: by sender, or NULL */
    size_t first, next;      /* messages of it */
    bool open;               /* untimed ones are looked at: nothing leaves it any more */
};

static unsigned doubts(unsigned truth) { return truth == TRUTH_TRUE ? 0 : truth; }

static void window_count(struct window *w, const struct then_message *m, uint32_t one)
{
    if (m->earlier == TRUTH_FALSE)
        return;
    w->all.n[doubts(m->earlier)] += one;
    if (w->each)
        w->each[m->sender].n[doubts(m->earlier)] += one;
}

static bool too_far(const struct window *w, size_t from, size_t to)
{
    static const int64_t unit_ms[] = {[THEN_SECONDS] = 1000,
                                      [THEN_MINUTES] = 60000,
                                      [THEN_HOURS] = 3600000,
                                      [THEN_DAYS] = 86400000};
    uint32_t amount = w->l->n->then.amount;
    if (w->l->n->then.unit == THEN_MESSAGES)
        return to - from > amount;
    return w->m[to].ref.sent - w->m[from].ref.sent > amount * unit_ms[w->l->n->then.unit];
}

/* What message `to` may follow is in the window: behind an untimed one, all before it. */
static void window_move(struct window *w, size_t to)
{
    bool timeless = w->l->n->then.unit != THEN_MESSAGES && w->m[to].ref.sent == TIME_NONE;
    if (timeless && !w->open) {
        while (w->first > 0)
            window_count(w, &w->m[--w->first], 1);
        w->open = true;
    }
    while (!w->open && w->first < to && too_far(w, w->first, to))
        window_count(w, &w->m[w->first++], (uint32_t)-1);
}

static unsigned judge(const struct window *w, const struct then_message *m)
{
    unsigned mine = doubts(m->later) | (w->open ? TRUTH_UNTIMED : 0), reasons = 0;
    enum then_by by = w->l->n->then.by;
    for (unsigned c = 0; c < 4; c++) {
        uint32_t n = w->all.n[c];
        if (by == THEN_BY_SAME)
            n = w->each[m->sender].n[c];
        else if (by == THEN_BY_OTHER)
            n -= w->each[m->sender].n[c];
        if (n == 0)
            continue;
        if ((c | mine) == 0)
            return TRUTH_TRUE;
        reasons |= c | mine;
    }
    return reasons;
}

static enum status found_add(const struct then_message *m, unsigned truth, struct buf *found,
                             struct err *err)
{
    const struct then_found f = {m->ref.segment, m->ref.doc, m->ref.k, truth};
    if (truth == TRUTH_FALSE)
        return ST_OK;
    if (found->len / sizeof f >= THEN_FOUND_MAX)
        return err_set(err, ST_LIMIT,
                       "more than %zu messages follow by THEN: narrow one of its sides",
                       THEN_FOUND_MAX);
    buf_put(found, &f, sizeof f);
    return buf_status(found, err);
}

enum status then_line_join(struct then_line *l, struct buf *found, struct err *err)
{
    size_t n, senders = number_senders(l);
    enum then_by by = l->n->then.by;
    TRY(order(l, err));
    struct window w = {.l = l, .m = messages_of(l, &n)};
    if (by == THEN_BY_SAME || by == THEN_BY_OTHER) {
        w.each = calloc(senders + 1, sizeof *w.each);
        if (!w.each)
            return err_no_memory(err);
    }
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        window_move(&w, i);
        if (w.m[i].later != TRUTH_FALSE)
            st = found_add(&w.m[i], judge(&w, &w.m[i]), found, err);
        window_count(&w, &w.m[i], 1);
    }
    free(w.each);
    return st;
}
