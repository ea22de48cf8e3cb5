/* thread_around — a record and n messages on each side of it. Backwards only times are looked at,
 * until enough messages lie before the record; from there the conversation is read forwards as
 * always, so that what is shown is exactly a piece of the whole. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/thread.h"

static bool same_ref(const struct message_ref *a, const struct message_ref *b)
{
    return a->segment == b->segment && a->doc == b->doc && a->k == b->k;
}

/* The time by which the record has its place; INT64_MIN if only its neighbours tell. */
static int64_t place_of(const struct clocks *c, const struct message_view *m)
{
    bool corrected;
    int64_t ahead;
    if (!content_untimed(&m->c))
        return m->c.sent;
    int64_t ms = thread_delivered(c, m, &corrected, &ahead);
    return ms == TIME_NONE ? INT64_MIN : ms;
}

/* ---- backwards ---- */

struct back { /* one range, walked from `at` down to `lo` */
    const struct thread_range *r;
    uint32_t at, lo;
    int64_t sent; /* of at - 1 */
};

static enum status back_load(struct thread *t, struct back *b, struct err *err)
{
    uint32_t segment = b->r->segment;
    if (b->at == b->lo)
        return ST_OK;
    return segment_sent(casefile_segment(t->v->cf, segment), t->v->scratch[segment], b->at - 1,
                        &b->sent, err);
}

static enum status back_step(struct thread *t, struct back *b, uint64_t *messages, struct err *err)
{
    struct message_view m;
    struct message_ref ref = {.segment = b->r->segment, .doc = --b->at, .k = 1};
    arena_reset(&t->arena);
    TRY(view_load(t->v, &ref, VIEW_CONTENT, &t->arena, &m, err));
    if (m.c.kind == DOC_MESSAGE)
        *messages += m.state.messages;
    return back_load(t, b, err);
}

/* The latest time from which on at least n messages lie before `place`; INT64_MIN if there are not
 * so many. */
static enum status back_find(struct thread *t, struct back *all, uint64_t n, int64_t *from,
                             struct err *err)
{
    uint64_t messages = 0;
    for (*from = INT64_MIN; messages < n;) {
        const struct back *latest = NULL;
        for (size_t i = 0; i < t->n_ranges; i++)
            if (all[i].at > all[i].lo && (!latest || all[i].sent > latest->sent))
                latest = &all[i];
        if (!latest) {
            *from = INT64_MIN;
            break;
        }
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        *from = latest->sent;
        for (size_t i = 0; i < t->n_ranges; i++)
            while (all[i].at > all[i].lo && all[i].sent == *from)
                TRY(back_step(t, &all[i], &messages, err));
    }
    return ST_OK;
}

/* `t` is open without limits of its own making. */
static enum status start_find(struct thread *t, int64_t place, uint64_t n, int64_t *from,
                              struct err *err)
{
    struct back *all = calloc(t->n_ranges, sizeof *all);
    enum status st = all ? ST_OK : err_no_memory(err);
    for (size_t i = 0; st == ST_OK && i < t->n_ranges; i++) {
        all[i] = (struct back){.r = &t->ranges[i], .lo = t->ranges[i].lo};
        st = thread_range_find(t, all[i].r, place, &all[i].at, err);
        if (all[i].at < all[i].lo)
            all[i].at = all[i].lo;
        if (st == ST_OK)
            st = back_load(t, &all[i], err);
    }
    if (st == ST_OK)
        st = back_find(t, all, n, from, err);
    free(all);
    return st;
}

enum status thread_around_open(struct view *v, const struct message_ref *target, uint64_t n,
                               const struct thread_limits *limits, struct thread *t,
                               struct thread_around *a, struct err *err)
{
    struct thread_limits drawn = *limits;
    int64_t from = INT64_MIN;
    *t = (struct thread){0};
    *a = (struct thread_around){.t = t, .target = *target, .n = n, .left = n};
    arena_init(&a->arena, (size_t)64 << 10);
    enum status st = view_load(v, target, VIEW_CONTENT, &a->arena, &a->m, err);
    if (st == ST_OK)
        st = view_copies_of(v, &a->m, &a->arena, err);
    if (st == ST_OK)
        st = thread_open(v, a->m.conversation_key, limits, t, err);
    int64_t place = st == ST_OK ? place_of(limits->clocks, &a->m) : INT64_MIN;
    /* What was stamped so much earlier stands before, whatever clocks are off. */
    int64_t off = limits->clocks ? limits->clocks->most_ahead + limits->clocks->most_behind : 0;
    if (st == ST_OK && place != INT64_MIN)
        st = start_find(t, place - off, n, &from, err);
    from -= from == INT64_MIN ? 0 : off;
    if (st == ST_OK && from > drawn.after) {
        uint8_t key[KEY_SIZE];
        memcpy(key, t->key, KEY_SIZE);
        drawn.after = from;
        thread_close(t);
        st = thread_open(v, key, &drawn, t, err);
    }
    if (st != ST_OK)
        thread_around_close(a);
    return st;
}

void thread_around_close(struct thread_around *a)
{
    if (!a->t)
        return;
    thread_close(a->t);
    buf_release(&a->items);
    arena_release(&a->arena);
    *a = (struct thread_around){0};
}

/* ---- up to the record ---- */

/* Is it one of the messages that are counted? */
static bool counts(const struct thread_item *i)
{
    return !i->is_gap && i->m->c.kind == DOC_MESSAGE;
}

struct lead { /* items before the record; the first `from` of them are too far away */
    size_t from;
    uint64_t messages;
};

static const struct thread_item *items_of(const struct thread_around *a)
{
    const void *data = a->items.data;
    return data;
}

/* Keeps n messages before the record and what lies between them. */
static void lead_trim(struct thread_around *a, struct lead *l)
{
    const struct thread_item *all = items_of(a);
    size_t n = a->items.len / sizeof *all;
    if (l->messages > a->n) {
        l->from++; /* a counted one: what is not, is passed over below */
        l->messages--;
    }
    if (l->messages < a->n)
        return;
    while (l->from < n && !all[l->from].counted)
        l->from++;
    if (l->from > 4096 && l->from > n / 2) {
        memmove(a->items.data, a->items.data + l->from * sizeof *all, (n - l->from) * sizeof *all);
        a->items.len = (n - l->from) * sizeof *all;
        l->from = 0;
    }
}

static enum status lead_read(struct thread_around *a, struct err *err)
{
    struct lead l = {0};
    struct thread_item item;
    for (;;) {
        enum status st = thread_next(a->t, &item, err);
        if (st == ST_END)
            return err_set(err, ST_NOT_FOUND,
                           "the message lies outside --after and --before, or has no "
                           "time that they can test");
        TRY(st);
        item.counted = counts(&item);
        if (!item.is_gap)
            item.place = item.m->place;
        if (!item.is_gap && same_ref(&item.ref, &a->target))
            break;
        item.m = NULL;
        buf_put(&a->items, &item, sizeof item);
        TRY(buf_status(&a->items, err));
        l.messages += item.counted;
        lead_trim(a, &l);
    }
    buf_put(&a->items, &item, sizeof item);
    TRY(buf_status(&a->items, err));
    a->at = l.from;
    a->ready = true;
    return ST_OK;
}

enum status thread_around_next(struct thread_around *a, struct thread_item *out, struct err *err)
{
    if (!a->ready)
        TRY(lead_read(a, err));
    if (a->at < a->items.len / sizeof(struct thread_item)) {
        struct thread_item item = items_of(a)[a->at];
        arena_reset(&a->arena);
        if (!item.is_gap) {
            TRY(view_load(a->t->v, &item.ref, VIEW_FULL, &a->arena, &a->m, err));
            a->m.place = item.place;
            item.m = &a->m;
        }
        a->at++;
        *out = item;
        return ST_OK;
    }
    if (a->left == 0)
        return ST_END;
    TRY(thread_next(a->t, out, err));
    a->left -= counts(out);
    return ST_OK;
}
