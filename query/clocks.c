/* clocks — what the streams of a case hold of delays. Each device's streams are walked by number,
 * which costs little, and only an even sample of their messages is read; a message found under two
 * devices is read once, in the order of documents. */
#include "query/clocks.h"

#include <stdlib.h>

#include "lictor/thread.h"

struct sampled {
    uint32_t segment, doc;
};

struct gather {
    struct devices *d;
    struct clocks *out;
    struct buf docs; /* struct sampled */
    struct buf seen; /* struct clock_seen */
    struct arena row;
};

static uint64_t records_of(const struct device *d)
{
    uint64_t n = 0;
    for (size_t i = 0; i < d->n_streams; i++)
        n = count_add(n, d->streams[i].records);
    return n;
}

/* Every `step`-th record of the device. */
static enum status sample_stream(struct gather *g, const struct case_stream *s, uint64_t step,
                                 uint64_t *at, struct err *err)
{
    struct stream_walk w;
    struct stream_record r;
    TRY(stream_walk_open(g->d->v, &s->ref, &w, err));
    enum status st;
    while ((st = stream_walk_next(&w, &r, err)) == ST_OK) {
        struct sampled one = {r.segment, r.doc};
        if ((*at)++ % step == 0)
            buf_put(&g->docs, &one, sizeof one);
    }
    stream_walk_close(&w);
    return st == ST_END ? buf_status(&g->docs, err) : st;
}

static enum status sample_device(struct gather *g, const struct device *d, uint64_t most,
                                 struct err *err)
{
    uint64_t step = records_of(d) / most + 1, at = 0;
    for (size_t i = 0; i < d->n_streams; i++)
        TRY(sample_stream(g, &d->streams[i], step, &at, err));
    return ST_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct sampled *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return (x->doc > y->doc) - (x->doc < y->doc);
}

static void docs_settle(struct buf *docs)
{
    void *data = docs->data;
    struct sampled *all = data;
    size_t n = docs->len / sizeof *all, kept = 0;
    if (n > 1)
        qsort(all, n, sizeof *all, by_place);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_place(&all[i], &all[kept - 1]) != 0)
            all[kept++] = all[i];
    docs->len = kept * sizeof *all;
}

/* ---- one message ---- */

/* When the device first saw it delivered; TIME_NONE: it does not say. */
static int64_t delivered_at(const struct held_copy *held, size_t n, size_t from)
{
    int64_t least = TIME_NONE;
    for (size_t i = from; i < n; i++) {
        if (!slice_eq(held[i].stream->source, held[from].stream->source))
            continue;
        for (size_t k = 0; k < held[i].n_versions; k++) {
            int64_t ms = held[i].versions[k].delivered;
            if (!time_untimed(ms) && (least == TIME_NONE || ms < least))
                least = ms;
        }
    }
    return least;
}

static void see(struct gather *g, int64_t sent, size_t by, size_t at, int64_t delivered)
{
    struct clock_seen one = {(uint32_t)by, (uint32_t)at, sent, delivered};
    if (at != SIZE_MAX && delivered != TIME_NONE)
        buf_put(&g->seen, &one, sizeof one);
}

/* Copies stand by stream, so those of a source stand together. */
static void see_all(struct gather *g, const struct content *c, const struct held_copy *held,
                    size_t n)
{
    size_t by = SIZE_MAX, recipients = 0;
    for (size_t i = 0; i < n; i++) {
        enum side side = held_side(c, &held[i]);
        size_t device = side == SIDE_FROM ? clocks_device(g->out, held[i].stream->source) : by;
        if (side == SIDE_FROM && by != SIZE_MAX && device != by)
            return; /* two devices of the sender: whose stamp it is cannot be told */
        by = device;
        recipients += side == SIDE_TO;
    }
    if (by == SIZE_MAX || recipients == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        enum side side = held_side(c, &held[i]);
        bool again = i > 0 && slice_eq(held[i - 1].stream->source, held[i].stream->source);
        if (again || (side != SIDE_FROM && side != SIDE_TO))
            continue;
        see(g, c->sent, by, clocks_device(g->out, held[i].stream->source),
            delivered_at(held, n, i));
    }
}

static enum status look_at(struct gather *g, const struct sampled *s, struct err *err)
{
    struct view *v = g->d->v;
    struct segment *segment = casefile_segment(v->cf, s->segment);
    struct segment_scratch *x = v->scratch[s->segment];
    struct message_ref ref = {.segment = s->segment, .doc = s->doc, .k = 1};
    const struct held_copy *held;
    struct message_view m;
    struct doc_state state;
    size_t n;
    TRY(segment_state(segment, x, s->doc, &state, err));
    if (state.copies < 2 || state.messages != 1) /* of repeated ones: which copy is whose? */
        return ST_OK;
    arena_reset(&g->row);
    TRY(view_load(v, &ref, VIEW_CONTENT, &g->row, &m, err));
    if (m.c.kind != DOC_MESSAGE || content_untimed(&m.c))
        return ST_OK;
    TRY(segment_copies(segment, x, s->doc, &g->row, &held, &n, err));
    see_all(g, &m.c, held, n);
    return buf_status(&g->seen, err);
}

static enum status gather(struct gather *g, const bool *wanted, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < g->d->n; i++)
        n += !wanted || wanted[i];
    uint64_t most = n ? CLOCK_SAMPLE_ALL / n : 1;
    most = most > CLOCK_SAMPLE ? CLOCK_SAMPLE : most ? most : 1;
    for (size_t i = 0; i < g->d->n; i++)
        if (!wanted || wanted[i])
            TRY(sample_device(g, &g->d->all[i], most, err));
    docs_settle(&g->docs);
    const void *data = g->docs.data;
    const struct sampled *all = data;
    for (size_t i = 0; i < g->docs.len / sizeof *all; i++) {
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(look_at(g, &all[i], err));
    }
    return ST_OK;
}

enum status clocks_load(struct devices *d, const bool *wanted, struct clocks *out, struct err *err)
{
    struct clocks names = {.devices = d};
    struct gather g = {.d = d, .out = &names};
    arena_init(&g.row, (size_t)16 << 10);
    *out = (struct clocks){0};
    enum status st = gather(&g, wanted, err);
    buf_release(&g.docs);
    void *seen = g.seen.data;
    if (st == ST_OK)
        st = clocks_fit(seen, g.seen.len / sizeof(struct clock_seen), d->n, out, err);
    out->devices = d;
    buf_release(&g.seen);
    arena_release(&g.row);
    return st;
}

/* ---- asking ---- */

size_t clocks_device(const struct clocks *c, struct slice source)
{
    size_t lo = 0, hi = c->devices->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int cmp = slice_cmp(c->devices->all[mid].source, source);
        if (cmp == 0)
            return mid;
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return SIZE_MAX;
}

bool clock_ahead(const struct device_clock *c, int64_t ms, int64_t *ahead)
{
    const struct clock_piece *p = &c->pieces[clock_piece_at(c, ms)];
    *ahead = p->ahead_ms;
    return p->known;
}

bool clocks_correction(const struct clocks *c, size_t device, int64_t sent, int64_t *ahead)
{
    if (c->stamps != STAMPS_SENDER || device == SIZE_MAX ||
        !clock_ahead(&c->all[device], sent, ahead))
        return false;
    int64_t grain = c->all[device].grain, half = *ahead < 0 ? -grain / 2 : grain / 2;
    if (grain > 1)
        *ahead = (*ahead + half) / grain * grain;
    return *ahead != 0 && !time_untimed(sent - *ahead);
}
