/* view_missing — who ought to have a copy and has none: participants of the conversation whose
 * device is in the case, was being collected from at the moment of the message, and does not have
 * it. What its dumps say they cover counts, and where they say nothing, the time between the first
 * and the last of its records; a damaged dump, or one from which records were left out by order,
 * promises nothing. A participant with two devices misses nothing that one of them has. */
#include <stdlib.h>

#include "query/devices.h"
#include "query/view.h"

#define ENDS_LOOKED 64 /* records at the ends of a stream, of which one must have a time */

struct owned { /* a device under one of its accounts */
    struct slice account;
    const struct device *device;
};

struct span {
    bool known;
    int64_t from, to; /* TIME_NONE: no record has a time */
};

struct device_owners {
    struct devices devices;
    struct owned *all; /* by account */
    size_t n;
    struct span *spans; /* of devices.streams.all */
    /* Who of them takes part in the group asked for last. */
    uint8_t group[KEY_SIZE];
    bool group_known;
    bool *speaks; /* by index in `all` */
};

static int by_account(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    int c = slice_cmp(x->account, y->account);
    return c ? c : slice_cmp(x->device->source, y->device->source);
}

static enum status owners_fill(struct view *v, struct device_owners *o, struct err *err)
{
    size_t n = 0;
    TRY(devices_load(v, &o->devices, err));
    for (size_t i = 0; i < o->devices.n; i++)
        n += o->devices.all[i].n_accounts;
    o->all = calloc(n + 1, sizeof *o->all);
    o->speaks = calloc(n + 1, sizeof *o->speaks);
    o->spans = calloc(o->devices.streams.n + 1, sizeof *o->spans);
    if (!o->all || !o->speaks || !o->spans)
        return err_no_memory(err);
    for (size_t i = 0; i < o->devices.n; i++)
        for (size_t k = 0; k < o->devices.all[i].n_accounts; k++)
            o->all[o->n++] = (struct owned){o->devices.all[i].accounts[k], &o->devices.all[i]};
    if (o->n > 1)
        qsort(o->all, o->n, sizeof *o->all, by_account);
    return ST_OK;
}

void device_owners_free(struct device_owners *o)
{
    if (!o)
        return;
    devices_release(&o->devices);
    free(o->all);
    free(o->speaks);
    free(o->spans);
    free(o);
}

static enum status owners_of(struct view *v, struct device_owners **out, struct err *err)
{
    if (!v->owners) {
        struct device_owners *o = calloc(1, sizeof *o);
        if (!o)
            return err_no_memory(err);
        enum status st = owners_fill(v, o, err);
        if (st != ST_OK) {
            device_owners_free(o);
            return st;
        }
        v->owners = o;
    }
    *out = v->owners;
    return ST_OK;
}

/* ---- coverage ---- */

static void span_take(struct span *s, int64_t sent)
{
    if (time_untimed(sent))
        return;
    s->from = s->from == TIME_NONE || sent < s->from ? sent : s->from;
    s->to = s->to == TIME_NONE || sent > s->to ? sent : s->to;
}

/* Numbers from `seq` on. */
static enum status span_look(struct view *v, uint32_t segment, size_t number, uint64_t seq,
                             struct span *s, struct err *err)
{
    struct seq_doc docs[ENDS_LOOKED];
    size_t n;
    TRY(segment_stream_seqs_from(casefile_segment(v->cf, segment), v->scratch[segment], number, seq,
                                 0, docs, ENDS_LOOKED, &n, err));
    for (size_t i = 0; i < n; i++) {
        int64_t sent;
        TRY(segment_sent(casefile_segment(v->cf, segment), v->scratch[segment], docs[i].doc, &sent,
                         err));
        span_take(s, sent);
    }
    return ST_OK;
}

static enum status span_of(struct view *v, struct device_owners *o, const struct case_stream *cs,
                           const struct span **out, struct err *err)
{
    struct span *s = &o->spans[cs - o->devices.streams.all];
    for (uint32_t i = 0; !s->known && i < casefile_segments(v->cf); i++) {
        const struct segment_stream *stream;
        size_t number;
        if (i == 0)
            s->from = s->to = TIME_NONE;
        TRY(view_stream(v, i, &cs->ref, &stream, &number, err));
        if (!stream || stream->records == 0)
            continue;
        uint64_t last = stream->last_seq;
        TRY(span_look(v, i, number, stream->first_seq, s, err));
        TRY(span_look(v, i, number, last > ENDS_LOOKED ? last - ENDS_LOOKED : 0, s, err));
    }
    s->known = true;
    *out = s;
    return ST_OK;
}

static bool of_dump(const struct case_stream *s, const struct device_dump *p)
{
    return slice_eq(p->epoch, s->ref.epoch) &&
           slice_eq_str(p->stage, s->ref.stage ? "live" : "stored");
}

static enum status dump_covers(struct view *v, struct device_owners *o, const struct device *d,
                               const struct device_dump *p, const struct content *c, bool *yes,
                               struct err *err)
{
    bool other = p->service.len && !slice_eq(p->service, c->conv.service);
    bool said = p->collected_from != TIME_NONE && p->collected_to != TIME_NONE;
    if (p->state != DUMP_COMPLETE || other)
        return ST_OK;
    for (size_t i = 0; !*yes && i < d->n_streams; i++) {
        const struct case_stream *s = &d->streams[i];
        const struct span *span;
        if (!of_dump(s, p) || s->selection || s->partial)
            continue;
        TRY(span_of(v, o, s, &span, err));
        int64_t from = said ? p->collected_from : span->from;
        int64_t to = said ? p->collected_to : span->to;
        *yes = from != TIME_NONE && c->sent >= from && c->sent <= to;
    }
    return ST_OK;
}

static enum status device_covers(struct view *v, struct device_owners *o, const struct device *d,
                                 const struct content *c, bool *yes, struct err *err)
{
    for (size_t i = 0; !*yes && i < d->n_dumps; i++)
        TRY(dump_covers(v, o, d, &d->dumps[i], c, yes, err));
    return ST_OK;
}

/* ---- who takes part ---- */

static enum status speaks_in(struct view *v, uint32_t segment, const uint8_t key[KEY_SIZE],
                             struct slice account, bool *yes, struct err *err)
{
    struct posting_iter *it;
    struct doc_range range;
    struct term t;
    uint32_t doc = DOC_END;
    term_make(&t, &v->hasher.sha, TERM_FROM, account);
    TRY(view_term_in(v, segment, key, &t, &it, &range, err));
    enum status st = it ? posting_iter_seek(it, range.first, &doc, err) : ST_OK;
    posting_iter_close(it);
    *yes |= st == ST_OK && doc < range.end;
    return st;
}

/* Who of the owners wrote or acted in the group: nothing else tells that somebody is in it. */
static enum status group_speakers(struct view *v, struct device_owners *o,
                                  const uint8_t key[KEY_SIZE], struct err *err)
{
    if (o->group_known && memcmp(o->group, key, KEY_SIZE) == 0)
        return ST_OK;
    o->group_known = false;
    for (size_t i = 0; i < o->n; i++) {
        o->speaks[i] =
            i > 0 && slice_eq(o->all[i - 1].account, o->all[i].account) && o->speaks[i - 1];
        for (uint32_t s = 0; !o->speaks[i] && s < casefile_segments(v->cf); s++)
            TRY(speaks_in(v, s, key, o->all[i].account, &o->speaks[i], err));
    }
    memcpy(o->group, key, KEY_SIZE);
    o->group_known = true;
    return ST_OK;
}

/* ---- one message ---- */

static bool device_holds(const struct message_view *m, const struct device *d)
{
    for (size_t i = 0; i < m->n_copies; i++)
        if (slice_eq(m->copies[i]->stream->source, d->source))
            return true;
    return false;
}

/* Also a device that took its dump line's account from elsewhere. */
static bool account_holds(const struct message_view *m, struct slice account)
{
    for (size_t i = 0; i < m->n_copies; i++)
        for (size_t k = 0; k < m->copies[i]->n_versions; k++)
            if (slice_eq(m->copies[i]->versions[k].origin->account, account))
                return true;
    return false;
}

/* Owners [from, to) are the devices of one participant. */
static enum status look_at(struct view *v, struct device_owners *o, size_t from, size_t to,
                           struct message_view *m, struct buf *found, struct err *err)
{
    const struct device *misses = NULL;
    if (account_holds(m, o->all[from].account))
        return ST_OK;
    for (size_t i = from; i < to; i++) {
        bool covers = false;
        if (device_holds(m, o->all[i].device))
            return ST_OK;
        TRY(device_covers(v, o, o->all[i].device, &m->c, &covers, err));
        if (covers && !misses)
            misses = o->all[i].device;
    }
    struct missing_copy one = {.account = o->all[from].account};
    if (misses) {
        one.source = misses->source;
        buf_put(found, &one, sizeof one);
    }
    return buf_status(found, err);
}

static size_t owner_find(const struct device_owners *o, struct slice account)
{
    size_t lo = 0, hi = o->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (slice_cmp(o->all[mid].account, account) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static size_t owner_end(const struct device_owners *o, size_t from)
{
    size_t to = from;
    while (to < o->n && slice_eq(o->all[to].account, o->all[from].account))
        to++;
    return to;
}

static enum status look_all(struct view *v, struct device_owners *o, struct message_view *m,
                            struct buf *found, struct err *err)
{
    const struct conversation *c = &m->c.conv;
    if (c->kind == CONV_SET) {
        for (size_t i = 0; i < c->n_set; i++) {
            size_t at = owner_find(o, c->set[i]);
            if (at < o->n && slice_eq(o->all[at].account, c->set[i]))
                TRY(look_at(v, o, at, owner_end(o, at), m, found, err));
        }
        return ST_OK;
    }
    TRY(group_speakers(v, o, m->conversation_key, err));
    for (size_t i = 0, end; i < o->n; i = end) {
        end = owner_end(o, i);
        if (o->speaks[i])
            TRY(look_at(v, o, i, end, m, found, err));
    }
    return ST_OK;
}

/* Who has the message in another version, or one that may be it, does not miss it. */
static enum status drop_held(struct view *v, const struct message_view *m, struct buf *found,
                             struct err *err)
{
    void *data = found->data;
    struct missing_copy *all = data;
    for (size_t r = 0; r < m->n_related && found->len > 0; r++) {
        struct message_view o;
        size_t n = found->len / sizeof *all, kept = 0;
        arena_reset(&v->tmp);
        TRY(view_load(v, &m->related[r].ref, VIEW_CONTENT, &v->tmp, &o, err));
        TRY(view_copies_of(v, &o, &v->tmp, err));
        for (size_t i = 0; i < n; i++)
            if (!account_holds(&o, all[i].account))
                all[kept++] = all[i];
        found->len = kept * sizeof *all;
    }
    return ST_OK;
}

enum status view_missing(struct view *v, struct message_view *m, struct arena *a, struct err *err)
{
    struct device_owners *o = NULL;
    struct buf found = {0};
    if (m->c.kind != DOC_MESSAGE || m->c.conv.kind == CONV_SOURCE || content_untimed(&m->c))
        return ST_OK;
    TRY(owners_of(v, &o, err));
    enum status st = look_all(v, o, m, &found, err);
    if (st == ST_OK)
        st = drop_held(v, m, &found, err);
    if (st == ST_OK && found.len) {
        struct missing_copy *all = arena_alloc(a, found.len);
        st = all ? ST_OK : err_no_memory(err);
        if (all) {
            memcpy(all, found.data, found.len);
            m->missing = all;
            m->n_missing = found.len / sizeof *all;
            m->flags |= VIEW_MISSING_COPY;
        }
    }
    buf_release(&found);
    return st;
}
