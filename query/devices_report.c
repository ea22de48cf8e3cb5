/* devices_report — one pass over the numbers of a device's streams: holes, silences, days.
 * Silence and loss: a keepalive says when the next sign of life is due. Its time is the collector's
 * own clock, while messages carry their senders'; so only keepalives begin and end what is judged,
 * and a record between them counts only if its time lies between theirs: a stamp from the future
 * can hide no silence. Without keepalives nobody can tell silence from a quiet day, and nothing is
 * said. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/devices.h"
#include "query/extra.h"

#define EDGE_TIES 64
#define DAY_HOURS 256
#define INTERVAL_MOST UINT64_C(1000000000) /* seconds; more promises nothing */

/* The least or greatest time, to the millisecond: those of the best second are asked together. */
struct edge {
    bool greatest;
    int64_t second, exact; /* TIME_NONE: none yet */
    size_t n;
    struct stream_record ties[EDGE_TIES];
};

struct sign { /* of life */
    int64_t time;
    struct stream_record r;
};

struct pass {
    struct devices *d;
    struct case_times *times;
    const struct device_visitor *visit;
    struct device_report *out;
    struct edge first, last;
    struct arena a; /* a keepalive's row */
    /* the stream */
    const struct case_stream *stream;
    uint64_t holes, missing, silences;
    bool any, alive; /* a record came; a keepalive with a time */
    struct stream_record before;
    struct sign keepalive;
    uint64_t interval_s;    /* that it promises; 0: none */
    uint64_t missing_since; /* it */
    uint64_t seq;           /* of `number` */
    struct buf number;      /* struct sign: records of one number */
    struct buf signs;       /* struct sign: records since */
};

/* ---- edges ---- */

static enum status edge_settle(struct edge *e, struct case_times *t, struct err *err)
{
    for (; e->n > 0; e->n--) {
        int64_t ms;
        TRY(case_times_exact(t, e->ties[e->n - 1].segment, e->ties[e->n - 1].doc, &ms, err));
        if (e->exact == TIME_NONE || (e->greatest ? ms > e->exact : ms < e->exact))
            e->exact = ms;
    }
    return ST_OK;
}

static enum status edge_add(struct edge *e, struct case_times *t, int64_t second,
                            const struct stream_record *r, struct err *err)
{
    second /= 1000;
    if (e->second != TIME_NONE && (e->greatest ? second < e->second : second > e->second))
        return ST_OK;
    if (second != e->second) {
        e->second = second;
        e->exact = TIME_NONE;
        e->n = 0;
    }
    e->ties[e->n++] = *r;
    return e->n == EDGE_TIES ? edge_settle(e, t, err) : ST_OK;
}

/* ---- silence ---- */

static enum status interval_of(struct pass *p, const struct stream_record *r, uint64_t *seconds,
                               struct err *err)
{
    struct slice row, raw;
    struct content c;
    arena_reset(&p->a);
    TRY(segment_row(casefile_segment(p->d->v->cf, r->segment), p->d->v->scratch[r->segment], r->doc,
                    &row, err));
    TRY(content_decode(row, &p->a, &c, err));
    *seconds = 0;
    if (!extra_find(c.raw, "interval_s", &raw))
        return ST_OK;
    for (size_t i = 0; i < raw.len && raw.data[i] >= '0' && raw.data[i] <= '9'; i++)
        if (*seconds <= INTERVAL_MOST)
            *seconds = *seconds * 10 + (raw.data[i] - '0');
    if (*seconds > INTERVAL_MOST)
        *seconds = 0;
    return ST_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct sign *x = a, *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

static enum status silence_put(struct pass *p, const struct sign *from, const struct sign *to,
                               uint64_t before_seq, bool again, struct err *err)
{
    struct device_silence s = {.stream = p->stream,
                               .interval_s = p->interval_s,
                               .after_seq = p->keepalive.r.seq,
                               .before_seq = before_seq,
                               .missing = p->missing_since,
                               .again = again};
    TRY(case_times_exact(p->times, from->r.segment, from->r.doc, &s.from, err));
    TRY(case_times_exact(p->times, to->r.segment, to->r.doc, &s.to, err));
    p->silences++;
    return p->visit->silence ? p->visit->silence(p->visit->ctx, &s, err) : ST_OK;
}

/* From the last keepalive to this one. */
static enum status silence_judge(struct pass *p, const struct sign *until, struct err *err)
{
    void *data = p->signs.data;
    struct sign *all = data, from = p->keepalive;
    size_t n = p->signs.len / sizeof *all;
    int64_t most = (int64_t)(p->interval_s * SILENCE_FACTOR * 1000);
    bool again = false;
    if (p->interval_s == 0 || until->time - from.time <= most)
        return ST_OK;
    if (n > 1)
        qsort(all, n, sizeof *all, by_time);
    for (size_t i = 0; i <= n; i++) {
        const struct sign *s = i < n ? &all[i] : until;
        if (s->time <= from.time || s->time > until->time)
            continue;
        if (s->time - from.time > most) {
            TRY(silence_put(p, &from, s, until->r.seq, again, err));
            again = true;
        }
        from = *s;
    }
    return ST_OK;
}

static enum status sign_add(struct pass *p, const struct sign *s, struct err *err)
{
    if (!case_times_keepalive(p->times, s->r.segment, s->r.doc)) {
        if (p->alive)
            buf_put(&p->signs, s, sizeof *s);
        return buf_status(&p->signs, err);
    }
    if (p->alive && s->time > p->keepalive.time)
        TRY(silence_judge(p, s, err));
    p->alive = true;
    p->keepalive = *s;
    p->missing_since = 0;
    buf_clear(&p->signs);
    return interval_of(p, &s->r, &p->interval_s, err);
}

/* ---- holes ---- */

static enum status hole_put(struct pass *p, struct device_hole *h, const struct stream_record *next,
                            struct err *err)
{
    h->stream = p->stream;
    h->why = stream_why_missing(p->stream->partial, p->stream->selection);
    h->after = h->before = TIME_NONE;
    p->holes++;
    p->missing = count_add(p->missing, h->missing);
    p->missing_since = count_add(p->missing_since, h->missing);
    if (!p->visit->hole)
        return ST_OK;
    if (p->any)
        TRY(case_times_exact(p->times, p->before.segment, p->before.doc, &h->after, err));
    if (next)
        TRY(case_times_exact(p->times, next->segment, next->doc, &h->before, err));
    return p->visit->hole(p->visit->ctx, h, err);
}

static enum status record_add(struct pass *p, const struct stream_record *r, struct err *err)
{
    struct sign s = {.r = *r};
    if (p->stream->ref.numbered && p->any && r->seq - p->before.seq > 1) {
        struct device_hole h = {.after_seq = p->before.seq,
                                .before_seq = r->seq,
                                .missing = r->seq - p->before.seq - 1};
        if (r->seq > p->before.seq)
            TRY(hole_put(p, &h, r, err));
    }
    p->any = true;
    p->before = *r;
    p->out->records++;
    p->out->messages += !case_times_other(p->times, r->segment, r->doc);
    TRY(case_times_second(p->times, r->segment, r->doc, &s.time, err));
    TRY(timeline_add(&p->out->days, s.time, 1, err));
    if (s.time == TIME_NONE)
        return ST_OK;
    TRY(edge_add(&p->first, p->times, s.time, r, err));
    TRY(edge_add(&p->last, p->times, s.time, r, err));
    return p->stream->ref.numbered ? sign_add(p, &s, err) : ST_OK;
}

static enum status stream_end(struct pass *p, struct err *err)
{
    const struct case_stream *s = p->stream;
    struct device_hole h = {.after_seq = p->any ? p->before.seq : 0, .at_end = true};
    h.alone = !p->any;
    h.missing = s->end_last_seq > h.after_seq ? s->end_last_seq - h.after_seq : 0;
    if (s->ref.numbered && h.missing)
        TRY(hole_put(p, &h, NULL, err));
    p->out->holes += p->holes;
    p->out->missing = count_add(p->out->missing, p->missing);
    p->out->silences += p->silences;
    return p->visit->stream
               ? p->visit->stream(p->visit->ctx, s, p->holes, p->missing, p->silences, err)
               : ST_OK;
}

/* Records of one number, by their times: which of a clash comes first must not depend on the
 * segments they lie in. */
static enum status number_end(struct pass *p, struct err *err)
{
    void *data = p->number.data;
    struct sign *all = data;
    size_t n = p->number.len / sizeof *all;
    for (size_t i = 0; n > 1 && i < n; i++)
        TRY(case_times_exact(p->times, all[i].r.segment, all[i].r.doc, &all[i].time, err));
    if (n > 1)
        qsort(all, n, sizeof *all, by_time);
    for (size_t i = 0; i < n; i++)
        TRY(record_add(p, &all[i].r, err));
    buf_clear(&p->number);
    return ST_OK;
}

static enum status number_add(struct pass *p, const struct stream_record *r, struct err *err)
{
    struct sign s = {.r = *r};
    if (p->number.len && r->seq != p->seq)
        TRY(number_end(p, err));
    p->seq = r->seq;
    buf_put(&p->number, &s, sizeof s);
    return buf_status(&p->number, err);
}

static enum status stream_pass(struct pass *p, const struct case_stream *s, struct err *err)
{
    struct stream_walk w;
    struct stream_record r;
    buf_clear(&p->number);
    p->stream = s;
    p->holes = p->missing = p->silences = p->missing_since = 0;
    p->any = p->alive = false;
    buf_clear(&p->signs);
    TRY(stream_walk_open(p->d->v, &s->ref, &w, err));
    enum status st;
    while ((st = stream_walk_next(&w, &r, err)) == ST_OK)
        if ((st = number_add(p, &r, err)) != ST_OK)
            break;
    stream_walk_close(&w);
    if (st != ST_END)
        return st;
    TRY(number_end(p, err));
    return stream_end(p, err);
}

enum status device_report(struct devices *d, const struct device *dev, struct case_times *times,
                          const struct device_visitor *visit, struct device_report *out,
                          struct err *err)
{
    struct pass p = {.d = d, .times = times, .visit = visit, .out = out};
    p.first = (struct edge){.second = TIME_NONE, .exact = TIME_NONE};
    p.last = (struct edge){.greatest = true, .second = TIME_NONE, .exact = TIME_NONE};
    *out = (struct device_report){0};
    arena_init(&p.a, (size_t)4 << 10);
    enum status st = timeline_init(&out->days, d->v->zone, BY_DAY, DAY_HOURS, err);
    for (size_t i = 0; st == ST_OK && i < dev->n_streams; i++)
        st = stream_pass(&p, &dev->streams[i], err);
    if (st == ST_OK)
        st = edge_settle(&p.first, times, err);
    if (st == ST_OK)
        st = edge_settle(&p.last, times, err);
    out->first = p.first.exact;
    out->last = p.last.exact;
    out->untimed = out->days.untimed;
    timeline_finish(&out->days);
    buf_release(&p.signs);
    buf_release(&p.number);
    arena_release(&p.a);
    if (st != ST_OK)
        device_report_release(out);
    return st;
}

void device_report_release(struct device_report *r)
{
    timeline_release(&r->days);
    *r = (struct device_report){0};
}
