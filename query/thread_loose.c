/* thread_loose — untimed records: each is placed by when it was delivered, or waits in its streams
 * for the first record that stands behind it. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/thread.h"

static enum status gather_range(struct thread *t, const struct thread_range *r, struct buf *refs,
                                struct err *err)
{
    for (uint32_t doc = r->timed_end; doc < r->end; doc++) {
        uint32_t n;
        struct message_ref ref = {.segment = r->segment, .doc = doc, .sent = TIME_NONE};
        TRY(view_messages(t->v, r->segment, doc, &n, err));
        for (ref.k = 1; ref.k <= n; ref.k++)
            buf_put(refs, &ref, sizeof ref);
        TRY(buf_status(refs, err));
    }
    return ST_OK;
}

static enum status wait_in_streams(struct thread *t, size_t i, struct err *err)
{
    for (size_t c = 0; c < t->m.n_copies; c++) {
        struct thread_stream *s;
        TRY(thread_stream_of(t, t->m.copies[c]->stream, &s, err));
        TRY(thread_stream_wait(s, t->m.copies[c]->seq, i, err));
    }
    return ST_OK;
}

static enum status place(struct thread *t, size_t i, struct buf *gone, struct err *err)
{
    struct thread_loose *l = &t->loose[i];
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    arena_reset(&t->arena);
    TRY(view_load(t->v, &l->ref, VIEW_CONTENT, &t->arena, &t->m, err));
    TRY(view_copies_of(t->v, &t->m, &t->arena, err));
    l->delivered = thread_delivered(t->clocks, &t->m, &l->corrected, &l->ahead_ms);
    if (l->delivered == TIME_NONE)
        return wait_in_streams(t, i, err);
    l->taken = true; /* has its place, or lies outside the limits */
    if (l->delivered >= t->after && l->delivered < t->before)
        t->by_delivered[t->n_delivered++] = i;
    if (l->delivered < t->after)
        buf_put(gone, &i, sizeof i);
    return buf_status(gone, err);
}

/* A loose record that stands before the limits: those before it in its streams do so too, and
 * holes below it were shown there. */
static enum status settle(struct thread *t, size_t i, struct buf *gone, struct err *err)
{
    arena_reset(&t->arena);
    TRY(view_load(t->v, &t->loose[i].ref, VIEW_CONTENT, &t->arena, &t->m, err));
    TRY(view_copies_of(t->v, &t->m, &t->arena, err));
    for (size_t c = 0; c < t->m.n_copies; c++) {
        struct thread_stream *s;
        TRY(thread_stream_of(t, t->m.copies[c]->stream, &s, err));
        TRY(thread_stream_before(t, s, &t->m.copies[c]->seq, gone, err));
    }
    return ST_OK;
}

static enum status settle_all(struct thread *t, struct buf *gone, struct err *err)
{
    for (size_t i = 0, n = t->n_streams; i < n; i++)
        TRY(thread_stream_before(t, t->streams[i], NULL, gone, err));
    for (size_t at = 0; at < gone->len; at += sizeof(size_t)) {
        size_t i;
        memcpy(&i, gone->data + at, sizeof i);
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(settle(t, i, gone, err));
    }
    return ST_OK;
}

static int by_delivered(const void *a, const void *b, void *loose)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const struct thread_loose *l = loose;
    if (l[x].delivered != l[y].delivered)
        return l[x].delivered < l[y].delivered ? -1 : 1;
    return (x > y) - (x < y);
}

static enum status place_all(struct thread *t, struct message_ref *refs, struct buf *gone,
                             struct err *err)
{
    TRY(view_sort_ties(t->v, refs, t->n_loose, err));
    t->loose = calloc(t->n_loose, sizeof *t->loose);
    t->by_delivered = calloc(t->n_loose, sizeof *t->by_delivered);
    if (!t->loose || !t->by_delivered)
        return err_no_memory(err);
    for (size_t i = 0; i < t->n_loose; i++)
        t->loose[i].ref = refs[i];
    for (size_t i = 0; i < t->n_loose; i++)
        TRY(place(t, i, gone, err));
    qsort_r(t->by_delivered, t->n_delivered, sizeof *t->by_delivered, by_delivered, t->loose);
    return ST_OK;
}

/* The messages among them, which no limit can test. */
static enum status count_unplaced(struct thread *t, const struct message_ref *refs, struct err *err)
{
    for (size_t i = 0; i < t->n_loose; i++) {
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        arena_reset(&t->arena);
        TRY(view_load(t->v, &refs[i], VIEW_CONTENT, &t->arena, &t->m, err));
        t->unplaced += t->m.c.kind == DOC_MESSAGE;
    }
    t->n_loose = 0;
    return ST_OK;
}

enum status thread_loose_open(struct thread *t, struct err *err)
{
    struct buf refs = {0}, gone = {0};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < t->n_ranges; i++)
        st = gather_range(t, &t->ranges[i], &refs, err);
    t->n_loose = refs.len / sizeof(struct message_ref);
    void *all = refs.data;
    if (st == ST_OK && t->timed_only)
        st = count_unplaced(t, all, err);
    if (st == ST_OK && t->n_loose > 0)
        st = place_all(t, all, &gone, err);
    if (st == ST_OK && t->cut_before)
        st = settle_all(t, &gone, err);
    buf_release(&refs);
    buf_release(&gone);
    return st;
}

static void push(struct thread *t, size_t i)
{
    struct thread_place p = {.ref = t->loose[i].ref, .note = {.order = ORDER_SEQ, .at = TIME_NONE}};
    t->loose[i].taken = true;
    buf_put(&t->group, &p, sizeof p);
}

/* Stacked in reverse of the order in which they waited. */
static void reverse(struct thread *t, size_t from)
{
    void *all = t->group.data;
    struct thread_place *p = all;
    size_t hi = t->group.len / sizeof *p;
    for (size_t lo = from; lo + 1 < hi; lo++, hi--) {
        struct thread_place swap = p[lo];
        p[lo] = p[hi - 1];
        p[hi - 1] = swap;
    }
}

enum status thread_loose_before(struct thread *t, bool *any, struct err *err)
{
    size_t from = t->group.len / sizeof(struct thread_place), i;
    for (size_t c = 0; t->n_loose > t->n_delivered && c < t->m.n_copies; c++) {
        const struct held_copy *copy = t->m.copies[c];
        struct thread_stream *s;
        TRY(thread_stream_of(t, copy->stream, &s, err));
        thread_stream_mark(s);
        while (thread_stream_waiting(s, copy->seq, &i))
            if (!t->loose[i].taken)
                push(t, i);
    }
    reverse(t, from);
    *any = t->group.len / sizeof(struct thread_place) > from;
    return buf_status(&t->group, err);
}

/* Does a record of the conversation with a time stand in one of its streams? */
static enum status has_neighbour(struct thread *t, const struct message_ref *ref, bool *yes,
                                 struct err *err)
{
    arena_reset(&t->arena);
    TRY(view_load(t->v, ref, VIEW_CONTENT, &t->arena, &t->m, err));
    TRY(view_copies_of(t->v, &t->m, &t->arena, err));
    *yes = false;
    for (size_t c = 0; !*yes && c < t->m.n_copies; c++) {
        struct thread_stream *s;
        TRY(thread_stream_of(t, t->m.copies[c]->stream, &s, err));
        *yes = thread_stream_marked(s);
    }
    return ST_OK;
}

enum status thread_loose_rest(struct thread *t, struct err *err)
{
    bool cut = t->cut_before || t->cut_after;
    for (size_t i = t->n_loose; i > 0; i--) {
        bool near = true;
        if (t->loose[i - 1].taken)
            continue;
        if (cut)
            TRY(has_neighbour(t, &t->loose[i - 1].ref, &near, err));
        if (!near && t->m.c.kind == DOC_MESSAGE)
            t->unplaced++;
        if (near && !t->cut_after)
            push(t, i - 1);
    }
    return buf_status(&t->group, err);
}
