/* streams — every stream of the case, and its numbers. A stream goes on from delivery to delivery,
 * so it lies in many segments: its parts are merged by number. */
#include "query/streams.h"

#include <stdlib.h>

#include "lictor/thread.h"

static int by_stream(const void *a, const void *b)
{
    const struct case_stream *x = a, *y = b;
    return stream_cmp(&x->ref, &y->ref);
}

static void unite(struct case_stream *to, const struct case_stream *s)
{
    if (s->records) {
        to->first_seq = to->records && to->first_seq < s->first_seq ? to->first_seq : s->first_seq;
        to->last_seq = to->records && to->last_seq > s->last_seq ? to->last_seq : s->last_seq;
    }
    to->records += s->records;
    to->end_last_seq = to->end_last_seq > s->end_last_seq ? to->end_last_seq : s->end_last_seq;
    to->selection |= s->selection;
    to->partial |= s->partial;
}

static enum status gather(struct view *v, struct buf *all, struct err *err)
{
    for (size_t i = 0; i < casefile_segments(v->cf); i++) {
        const struct segment_stream *s;
        size_t n;
        TRY(segment_streams(casefile_segment(v->cf, i), &s, &n, err));
        for (size_t k = 0; k < n; k++) {
            struct case_stream c = {.ref = s[k].ref,
                                    .records = s[k].records,
                                    .first_seq = s[k].first_seq,
                                    .last_seq = s[k].last_seq,
                                    .end_last_seq = s[k].end_last_seq,
                                    .selection = s[k].selection,
                                    .partial = s[k].partial};
            if (c.records || c.ref.numbered)
                buf_put(all, &c, sizeof c);
        }
    }
    return buf_status(all, err);
}

enum status case_streams_load(struct view *v, struct case_streams *out, struct err *err)
{
    struct buf bytes = {0};
    enum status st = gather(v, &bytes, err);
    if (st != ST_OK) {
        buf_release(&bytes);
        return st;
    }
    void *data = bytes.data;
    struct case_stream *all = data;
    size_t len = bytes.len / sizeof *all, n = 0;
    if (len > 1)
        qsort(all, len, sizeof *all, by_stream);
    for (size_t i = 0; i < len; i++)
        if (n && stream_cmp(&all[n - 1].ref, &all[i].ref) == 0)
            unite(&all[n - 1], &all[i]);
        else
            all[n++] = all[i];
    *out = (struct case_streams){all, n};
    return ST_OK;
}

void case_streams_release(struct case_streams *s)
{
    free(s->all);
    *s = (struct case_streams){0};
}

const char *stream_why_missing(bool partial, bool selection)
{
    return partial ? "partial-dump" : selection ? "selection" : "not-delivered";
}

/* ---- its numbers ---- */

struct stream_walk_part {
    uint32_t segment;
    size_t number; /* of the stream there */
    uint64_t next_seq;
    uint32_t next_doc;
    size_t n, at;
    struct seq_doc batch[STREAM_BATCH];
};

/* The numbers must go up, or a damaged segment could keep us here for ever. */
static enum status part_fill(struct view *v, struct stream_walk_part *p, struct err *err)
{
    TRY(segment_stream_seqs_from(casefile_segment(v->cf, p->segment), v->scratch[p->segment],
                                 p->number, p->next_seq, p->next_doc, p->batch, STREAM_BATCH, &p->n,
                                 err));
    p->at = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct seq_doc *d = &p->batch[i];
        if (d->seq < p->next_seq || (d->seq == p->next_seq && d->doc < p->next_doc))
            return err_set(err, ST_DAMAGED, "streams: numbers are out of order");
        p->next_seq = d->seq;
        p->next_doc = d->doc + 1;
    }
    return ST_OK;
}

static enum status parts_open(struct view *v, const struct stream_ref *ref, struct stream_walk *w,
                              struct err *err)
{
    for (uint32_t i = 0; i < casefile_segments(v->cf); i++) {
        const struct segment_stream *s;
        struct stream_walk_part *p = &w->parts[w->n];
        size_t number;
        TRY(view_stream(v, i, ref, &s, &number, err));
        if (!s)
            continue;
        p->segment = i;
        p->number = number;
        p->next_seq = 0;
        p->next_doc = 0;
        TRY(part_fill(v, p, err));
        w->n += p->n > 0;
    }
    return ST_OK;
}

enum status stream_walk_open(struct view *v, const struct stream_ref *ref, struct stream_walk *out,
                             struct err *err)
{
    struct stream_walk w = {.v = v};
    w.parts = malloc((casefile_segments(v->cf) + 1) * sizeof *w.parts);
    if (!w.parts)
        return err_no_memory(err);
    enum status st = parts_open(v, ref, &w, err);
    if (st == ST_OK)
        *out = w;
    else
        stream_walk_close(&w);
    return st;
}

/* The part with the least number, and how far it may go before another one has a lesser. */
static bool part_choose(struct stream_walk *w)
{
    struct stream_walk_part *least = NULL;
    w->until = UINT64_MAX;
    for (size_t i = 0; i < w->n; i++) {
        struct stream_walk_part *p = &w->parts[i];
        if (p->at == p->n)
            continue;
        uint64_t seq = p->batch[p->at].seq;
        if (!least || seq < least->batch[least->at].seq) {
            w->until = least ? least->batch[least->at].seq : UINT64_MAX;
            least = p;
        } else if (seq < w->until) {
            w->until = seq;
        }
    }
    w->current = least;
    return least != NULL;
}

enum status stream_walk_next(struct stream_walk *w, struct stream_record *out, struct err *err)
{
    struct stream_walk_part *p = w->current;
    if (!p || p->at == p->n || p->batch[p->at].seq > w->until) {
        if (!part_choose(w))
            return ST_END;
        p = w->current;
    }
    const struct seq_doc *d = &p->batch[p->at++];
    *out = (struct stream_record){.seq = d->seq, .segment = p->segment, .doc = d->doc};
    if (p->at < p->n)
        return ST_OK;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    return part_fill(w->v, p, err);
}

void stream_walk_close(struct stream_walk *w)
{
    free(w->parts);
    *w = (struct stream_walk){0};
}
