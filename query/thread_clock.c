/* thread_clock — the conversation by corrected times. Runs come by the times that records carry; a
 * record waits until no run behind it can hold one that belongs before it, which is so when the
 * next run is later by as much as any clock is ahead. Records of equal corrected time keep the
 * order in which they came, so what one clock stamped is never turned round. */
#include "query/thread.h"

struct waiting {
    struct thread_place p;
    uint64_t serial;
};

static bool before(const struct waiting *a, const struct waiting *b)
{
    if (a->p.note.at != b->p.note.at)
        return a->p.note.at < b->p.note.at;
    return a->serial < b->serial;
}

static struct waiting *heap_of(const struct thread *t, size_t *n)
{
    void *data = t->waiting.data;
    *n = t->waiting.len / sizeof(struct waiting);
    return data;
}

static void swap(struct waiting *a, struct waiting *b)
{
    struct waiting x = *a;
    *a = *b;
    *b = x;
}

static enum status heap_put(struct thread *t, const struct thread_place *p, struct err *err)
{
    struct waiting one = {*p, t->serial++};
    size_t n;
    buf_put(&t->waiting, &one, sizeof one);
    TRY(buf_status(&t->waiting, err));
    struct waiting *h = heap_of(t, &n);
    for (size_t i = n - 1; i > 0 && before(&h[i], &h[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&h[i], &h[(i - 1) / 2]);
    return ST_OK;
}

static void heap_take(struct thread *t, struct thread_place *p)
{
    size_t n;
    struct waiting *h = heap_of(t, &n);
    *p = h[0].p;
    h[0] = h[--n];
    t->waiting.len = n * sizeof *h;
    for (size_t i = 0, least; 2 * i + 1 < n; i = least) {
        least = 2 * i + 1;
        least += least + 1 < n && before(&h[least + 1], &h[least]);
        if (!before(&h[least], &h[i]))
            break;
        swap(&h[least], &h[i]);
    }
}

/* ---- whose clock ---- */

/* The device of the sender's copy; SIZE_MAX: there is none, or there are two. */
static size_t by_copies(const struct clocks *c, const struct message_view *m)
{
    size_t device = SIZE_MAX;
    for (size_t i = 0; i < m->n_copies; i++) {
        if (held_side(&m->c, m->copies[i]) != SIDE_FROM)
            continue;
        size_t of = clocks_device(c, m->copies[i]->stream->source);
        if (device != SIZE_MAX && of != device)
            return SIZE_MAX;
        device = of;
    }
    return device;
}

static enum status correct(struct thread *t, struct thread_place *p, struct err *err)
{
    struct message_view m;
    int64_t ahead;
    arena_reset(&t->arena);
    TRY(view_load(t->v, &p->ref, VIEW_CONTENT, &t->arena, &m, err));
    size_t device = clocks_account(t->clocks, m.c.from, m.c.conv.service);
    if (device == SIZE_MAX && m.c.from.data) {
        TRY(view_copies_of(t->v, &m, &t->arena, err));
        device = by_copies(t->clocks, &m);
    }
    if (!clocks_correction(t->clocks, device, m.c.sent, &ahead))
        return ST_OK;
    p->note.order = ORDER_CORRECTED;
    p->note.corrected = true;
    p->note.ahead_ms = ahead;
    p->note.at = m.c.sent - ahead;
    return ST_OK;
}

int64_t thread_delivered(const struct clocks *c, const struct message_view *m, bool *corrected,
                         int64_t *ahead_ms)
{
    int64_t least = TIME_NONE;
    *corrected = false;
    *ahead_ms = 0;
    for (size_t i = 0; i < m->n_copies; i++) {
        size_t device = c ? clocks_device(c, m->copies[i]->stream->source) : SIZE_MAX;
        for (size_t k = 0; k < m->copies[i]->n_versions; k++) {
            int64_t ms = m->copies[i]->versions[k].delivered, ahead = 0;
            if (time_untimed(ms))
                continue;
            bool known = device != SIZE_MAX && clock_ahead(&c->all[device], ms, &ahead) &&
                         !time_untimed(ms - ahead);
            if (least != TIME_NONE && ms - (known ? ahead : 0) >= least)
                continue;
            least = ms - (known ? ahead : 0);
            *corrected = known;
            *ahead_ms = known ? ahead : 0;
        }
    }
    return least;
}

/* ---- the next one ---- */

/* A run, which the stack gives in its order. */
static enum status run_wait(struct thread *t, int64_t ms, struct err *err)
{
    struct thread_place p;
    TRY(thread_run_take(t, ms, err));
    while (t->group.len > 0) {
        t->group.len -= sizeof p;
        memcpy(&p, t->group.data + t->group.len, sizeof p);
        if (p.note.order == ORDER_SENT && t->clocks->stamps == STAMPS_SENDER)
            TRY(correct(t, &p, err));
        TRY(heap_put(t, &p, err));
    }
    return ST_OK;
}

enum status thread_clock_refill(struct thread *t, struct err *err)
{
    struct thread_place p;
    for (;;) {
        int64_t ms = 0;
        size_t n;
        bool any = thread_run_next(t, &ms);
        const struct waiting *h = heap_of(t, &n);
        if (n == 0 && !any)
            return ST_END;
        if (n > 0 && (!any || h[0].p.note.at <= ms - t->clocks->most_ahead))
            break;
        TRY(run_wait(t, ms, err));
    }
    heap_take(t, &p);
    buf_put(&t->group, &p, sizeof p);
    return buf_status(&t->group, err);
}
