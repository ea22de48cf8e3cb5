/* thread_merge — the conversation as one stream of records and holes. What comes next is a stack of
 * places: a run of equal times is put on it in reverse, and an untimed record that must stand
 * before the one on top is put above it. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/thread.h"

const char *thread_order_name(enum thread_order o)
{
    static const char *const names[] = {"sent", "seq", "delivered", "corrected"};
    return names[o];
}

enum status thread_open(struct view *v, const uint8_t key[KEY_SIZE],
                        const struct thread_limits *limits, struct thread *t, struct err *err)
{
    *t = (struct thread){.v = v,
                         .after = limits->after,
                         .before = limits->before,
                         .timed_only = limits->timed_only,
                         .clocks = limits->clocks};
    memcpy(t->key, key, KEY_SIZE);
    t->cut_before = limits->after != INT64_MIN;
    t->cut_after = limits->before != INT64_MAX;
    arena_init(&t->arena, (size_t)64 << 10);
    arena_init(&t->names, (size_t)16 << 10);
    enum status st = thread_ranges_open(t, err);
    if (st == ST_OK)
        st = thread_loose_open(t, err);
    if (st != ST_OK)
        thread_close(t);
    return st;
}

void thread_close(struct thread *t)
{
    if (!t->v)
        return;
    thread_streams_free(t);
    free(t->ranges);
    free(t->loose);
    free(t->by_delivered);
    buf_release(&t->group);
    buf_release(&t->waiting);
    buf_release(&t->seqs);
    arena_release(&t->arena);
    arena_release(&t->names);
    *t = (struct thread){0};
}

/* ---- the next run of equal times ---- */

/* All messages of the documents of one range that were sent at `sent`. */
static enum status take_run(struct thread *t, struct thread_range *r, int64_t sent,
                            struct buf *refs, struct err *err)
{
    while (r->next < r->hi && r->sent == sent) {
        uint32_t n;
        struct message_ref ref = {.segment = r->segment, .doc = r->next, .sent = sent};
        TRY(view_messages(t->v, r->segment, r->next, &n, err));
        for (ref.k = 1; ref.k <= n; ref.k++)
            buf_put(refs, &ref, sizeof ref);
        TRY(buf_status(refs, err));
        r->next++;
        TRY(thread_range_load(t, r, err));
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

static bool delivered_next(const struct thread *t, int64_t *ms)
{
    if (t->at_delivered == t->n_delivered)
        return false;
    *ms = t->loose[t->by_delivered[t->at_delivered]].delivered;
    return true;
}

bool thread_run_next(const struct thread *t, int64_t *sent)
{
    bool any = delivered_next(t, sent);
    for (size_t i = 0; i < t->n_ranges; i++) {
        const struct thread_range *r = &t->ranges[i];
        if (r->next < r->hi && (!any || r->sent < *sent)) {
            *sent = r->sent;
            any = true;
        }
    }
    return any;
}

/* In reverse: the stack gives the last one first. Of equal times, those only delivered then come
 * behind those sent. */
static void push_run(struct thread *t, int64_t sent, const struct message_ref *refs, size_t n)
{
    size_t from = t->at_delivered;
    int64_t ms;
    while (delivered_next(t, &ms) && ms == sent)
        t->at_delivered++;
    for (size_t i = t->at_delivered; i > from; i--) {
        const struct thread_loose *l = &t->loose[t->by_delivered[i - 1]];
        struct thread_place p = {.ref = l->ref,
                                 .note = {.order = ORDER_DELIVERED,
                                          .corrected = l->corrected,
                                          .ahead_ms = l->ahead_ms,
                                          .at = sent}};
        buf_put(&t->group, &p, sizeof p);
    }
    for (size_t i = n; i > 0; i--) {
        struct thread_place p = {.ref = refs[i - 1],
                                 .note = {.order = ORDER_SENT, .tie = n > 1, .at = sent}};
        buf_put(&t->group, &p, sizeof p);
    }
}

enum status thread_run_take(struct thread *t, int64_t sent, struct err *err)
{
    struct buf refs = {0};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < t->n_ranges; i++)
        if (t->ranges[i].next < t->ranges[i].hi && t->ranges[i].sent == sent)
            st = take_run(t, &t->ranges[i], sent, &refs, err);
    void *all = refs.data;
    size_t n = refs.len / sizeof(struct message_ref);
    if (st == ST_OK)
        st = view_sort_ties(t->v, all, n, err);
    if (st == ST_OK) {
        push_run(t, sent, all, n);
        st = buf_status(&t->group, err);
    }
    buf_release(&refs);
    return st;
}

static enum status refill(struct thread *t, struct err *err)
{
    int64_t sent = 0;
    bool any = thread_run_next(t, &sent);
    enum status st = t->clocks ? thread_clock_refill(t, err)
                     : any     ? thread_run_take(t, sent, err)
                               : ST_END;
    if (st != ST_END || t->tail)
        return st;
    t->tail = true;
    return thread_loose_rest(t, err);
}

/* ---- one after the other ---- */

/* Loads the record on top of the stack and takes it off, unless another must stand before it. */
static enum status hold_next(struct thread *t, struct err *err)
{
    struct thread_place p;
    bool other = false;
    while (t->group.len == 0)
        TRY(refill(t, err));
    memcpy(&p, t->group.data + t->group.len - sizeof p, sizeof p);
    arena_reset(&t->arena);
    TRY(view_load(t->v, &p.ref, VIEW_FULL, &t->arena, &t->m, err));
    TRY(thread_loose_before(t, &other, err));
    if (other)
        return ST_OK;
    t->group.len -= sizeof p;
    t->m.place = p.note;
    t->m.place.given = true;
    t->held =
        (struct thread_item){.ref = p.ref, .order = (enum thread_order)p.note.order, .m = &t->m};
    t->holding = true;
    t->copy = 0;
    return ST_OK;
}

static enum status gap_before(struct thread *t, struct thread_item *out, bool *found,
                              struct err *err)
{
    *found = false;
    for (; t->copy < t->m.n_copies && !*found; t->copy += *found ? 0 : 1) {
        const struct held_copy *c = t->m.copies[t->copy];
        struct thread_stream *s;
        if (!c->stream->numbered)
            continue;
        TRY(thread_stream_of(t, c->stream, &s, err));
        TRY(thread_stream_gap(t, s, c->seq, &out->gap, found, err));
    }
    out->is_gap = *found;
    return ST_OK;
}

static enum status gap_at_end(struct thread *t, struct thread_item *out, struct err *err)
{
    bool found = false;
    while (!found && !t->cut_after && t->at_end < t->n_streams)
        TRY(thread_stream_end(t, t->streams[t->at_end++], &out->gap, &found, err));
    out->is_gap = found;
    return found ? ST_OK : ST_END;
}

enum status thread_next(struct thread *t, struct thread_item *out, struct err *err)
{
    struct thread_item item = {0};
    bool found = false;
    while (!t->holding) {
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        enum status st = hold_next(t, err);
        if (st == ST_END) {
            TRY(gap_at_end(t, &item, err));
            *out = item;
            return ST_OK;
        }
        TRY(st);
    }
    TRY(gap_before(t, &item, &found, err));
    if (found) {
        *out = item;
        return ST_OK;
    }
    t->holding = false;
    *out = t->held;
    return ST_OK;
}
