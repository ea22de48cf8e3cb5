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

static int by_account(const void *a, const void *b)
{
    const struct clock_owner *x = a, *y = b;
    int c = slice_cmp(x->account, y->account);
    return c ? c : (x->device > y->device) - (x->device < y->device);
}

static enum status owners_make(struct clocks *c, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < c->devices->n; i++)
        n += c->devices->all[i].n_accounts;
    c->owners = arena_array(&c->a, n, sizeof *c->owners);
    if (!c->owners)
        return err_no_memory(err);
    for (size_t i = 0; i < c->devices->n; i++)
        for (size_t k = 0; k < c->devices->all[i].n_accounts; k++)
            c->owners[c->n_owners++] =
                (struct clock_owner){c->devices->all[i].accounts[k], (uint32_t)i};
    if (n > 1)
        qsort(c->owners, n, sizeof *c->owners, by_account);
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
    if (st == ST_OK)
        st = owners_make(out, err);
    if (st != ST_OK)
        clocks_release(out);
    buf_release(&g.seen);
    arena_release(&g.row);
    return st;
}

/* ---- asking ---- */

static size_t device_find(const struct devices *d, struct slice source)
{
    size_t lo = 0, hi = d->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int cmp = slice_cmp(d->all[mid].source, source);
        if (cmp == 0)
            return mid;
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return SIZE_MAX;
}

size_t clocks_device(const struct clocks *c, struct slice source)
{
    return device_find(c->devices, source);
}

static bool has_service(const struct device *d, struct slice service)
{
    for (size_t i = 0; i < d->n_services; i++)
        if (slice_eq(d->services[i], service))
            return true;
    return d->n_services == 0 || !service.data;
}

size_t clocks_account(const struct clocks *c, struct slice account, struct slice service)
{
    size_t lo = 0, hi = c->n_owners, found = SIZE_MAX;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (slice_cmp(c->owners[mid].account, account) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < c->n_owners && slice_eq(c->owners[lo].account, account); lo++) {
        if (!has_service(&c->devices->all[c->owners[lo].device], service))
            continue;
        if (found != SIZE_MAX)
            return SIZE_MAX;
        found = c->owners[lo].device;
    }
    return found;
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

/* ---- who holds a conversation ---- */

static enum status holders_in(struct devices *d, uint32_t segment,
                              const struct segment_conversation *sc, struct arena *a, bool *wanted,
                              struct err *err)
{
    struct view *v = d->v;
    uint32_t step = sc->docs / CLOCK_SAMPLE + 1;
    for (uint32_t i = 0; i < sc->docs; i += step) {
        const struct held_copy *held;
        size_t n;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        arena_reset(a);
        TRY(segment_copies(casefile_segment(v->cf, segment), v->scratch[segment], sc->first + i, a,
                           &held, &n, err));
        for (size_t k = 0; k < n; k++) {
            size_t device = device_find(d, held[k].stream->source);
            if (device != SIZE_MAX)
                wanted[device] = true;
        }
    }
    return ST_OK;
}

enum status clocks_of_conversation(struct devices *d, const uint8_t key[KEY_SIZE], bool *wanted,
                                   struct err *err)
{
    struct view *v = d->v;
    enum status st = ST_OK;
    struct arena a;
    arena_init(&a, (size_t)16 << 10);
    for (uint32_t i = 0; st == ST_OK && i < casefile_segments(v->cf); i++) {
        struct segment *s = casefile_segment(v->cf, i);
        struct segment_conversation sc;
        uint32_t number, n;
        st = segment_conversation_find(s, v->scratch[i], key, KEY_SIZE, &number, &n, err);
        if (st != ST_OK || n == 0)
            continue;
        arena_reset(&a);
        st = segment_conversation_at(s, v->scratch[i], number, &a, &sc, err);
        if (st == ST_OK)
            st = holders_in(d, i, &sc, &a, wanted, err);
    }
    arena_release(&a);
    return st;
}

enum status thread_clocks_open(struct view *v, const uint8_t key[KEY_SIZE],
                               struct thread_clocks *out, struct err *err)
{
    *out = (struct thread_clocks){0};
    TRY(devices_load(v, &out->devices, err));
    out->wanted = calloc(out->devices.n + 1, sizeof *out->wanted);
    enum status st = out->wanted ? ST_OK : err_no_memory(err);
    if (st == ST_OK)
        st = clocks_of_conversation(&out->devices, key, out->wanted, err);
    if (st == ST_OK)
        st = clocks_load(&out->devices, out->wanted, &out->clocks, err);
    if (st != ST_OK)
        thread_clocks_close(out);
    return st;
}

void thread_clocks_close(struct thread_clocks *c)
{
    clocks_release(&c->clocks);
    devices_release(&c->devices);
    free(c->wanted);
    *c = (struct thread_clocks){0};
}
