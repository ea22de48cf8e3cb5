/* thread_gaps — the numbers of each stream that recorded the conversation, read once and in order
 * while the conversation goes by. A number that no record of the case has is a hole, so records of
 * every kind and conversation are looked at, in all segments. */
#include <search.h>
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/thread.h"

#define BATCH 128       /* numbers of one segment held at once */
#define SCAN_BATCH 4096 /* while looking for the last record before the limits */

struct stream_wait {
    uint64_t seq;
    size_t loose;
};

/* A stream's numbers in one segment. */
struct stream_part {
    const struct segment_stream *stream;
    const struct thread_range *own; /* NULL: the conversation is not in this segment */
    uint32_t segment;
    size_t number;
    uint64_t next_seq; /* where the next batch begins */
    uint32_t next_doc;
    bool done;
    size_t n, at;
    struct seq_doc batch[BATCH];
};

struct thread_stream {
    struct stream_ref ref;
    struct buf wait; /* struct stream_wait */
    size_t wait_at;
    bool wait_sorted;
    bool marked; /* has a timed record of the conversation */

    bool found, opened; /* in the segments; and its numbers are being read */
    struct stream_part **parts;
    size_t n_parts;
    bool any, own_seen; /* a record was read; one of the conversation */
    uint64_t last;      /* number read last */
    bool has_before;
    uint64_t before; /* greatest number shown before the limits */
};

/* ---- streams by name ---- */

static int by_stream(const void *a, const void *b)
{
    const struct thread_stream *x = a, *y = b;
    return stream_cmp(&x->ref, &y->ref);
}

static enum status stream_add(struct thread *t, const struct stream_ref *ref,
                              struct thread_stream **out, struct err *err)
{
    if (t->n_streams == t->cap_streams) {
        size_t cap = t->cap_streams ? 2 * t->cap_streams : 16;
        struct thread_stream **all = realloc(t->streams, cap * sizeof *all);
        if (!all)
            return err_no_memory(err);
        t->streams = all;
        t->cap_streams = cap;
    }
    struct thread_stream *s = calloc(1, sizeof *s);
    if (!s)
        return err_no_memory(err);
    s->ref = *ref;
    if (s->ref.source.data)
        s->ref.source = arena_copy(&t->names, ref->source);
    if (s->ref.epoch.data)
        s->ref.epoch = arena_copy(&t->names, ref->epoch);
    bool copied =
        (s->ref.source.data || !ref->source.data) && (s->ref.epoch.data || !ref->epoch.data);
    if (!copied || !tsearch(s, &t->streams_tree, by_stream)) {
        free(s);
        return err_no_memory(err);
    }
    t->streams[t->n_streams++] = s;
    *out = s;
    return ST_OK;
}

enum status thread_stream_of(struct thread *t, const struct stream_ref *ref,
                             struct thread_stream **out, struct err *err)
{
    struct thread_stream look = {.ref = *ref};
    void *found = tfind(&look, &t->streams_tree, by_stream);
    if (!found)
        return stream_add(t, ref, out, err);
    memcpy(out, found, sizeof *out); /* a node begins with its key */
    return ST_OK;
}

void thread_streams_free(struct thread *t)
{
    for (size_t i = 0; i < t->n_streams; i++) {
        struct thread_stream *s = t->streams[i];
        (void)tdelete(s, &t->streams_tree, by_stream);
        for (size_t p = 0; p < s->n_parts; p++)
            free(s->parts[p]);
        free(s->parts);
        buf_release(&s->wait);
        free(s);
    }
    free(t->streams);
    t->streams = NULL;
    t->n_streams = 0;
}

void thread_stream_mark(struct thread_stream *s) { s->marked = true; }

bool thread_stream_marked(const struct thread_stream *s) { return s->marked; }

/* ---- who waits ---- */

enum status thread_stream_wait(struct thread_stream *s, uint64_t seq, size_t loose, struct err *err)
{
    struct stream_wait w = {seq, loose};
    buf_put(&s->wait, &w, sizeof w);
    s->wait_sorted = false;
    return buf_status(&s->wait, err);
}

static int by_seq(const void *a, const void *b)
{
    const struct stream_wait *x = a, *y = b;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return (x->loose > y->loose) - (x->loose < y->loose);
}

bool thread_stream_waiting(struct thread_stream *s, uint64_t seq, size_t *loose)
{
    void *all = s->wait.data;
    const struct stream_wait *w = all;
    size_t n = s->wait.len / sizeof *w;
    if (!s->wait_sorted && n > 1)
        qsort(all, n, sizeof *w, by_seq);
    s->wait_sorted = true;
    if (s->wait_at == n || w[s->wait_at].seq >= seq)
        return false;
    *loose = w[s->wait_at++].loose;
    return true;
}

/* ---- its numbers ---- */

/* The next numbers of a part. They must go up, or a damaged segment could keep us here for ever. */
static enum status part_read(struct thread *t, struct stream_part *p, struct seq_doc *out,
                             size_t cap, size_t *n, struct err *err)
{
    TRY(segment_stream_seqs_from(casefile_segment(t->v->cf, p->segment), t->v->scratch[p->segment],
                                 p->number, p->next_seq, p->next_doc, out, cap, n, err));
    for (size_t i = 0; i < *n; i++) {
        if (out[i].seq < p->next_seq || (out[i].seq == p->next_seq && out[i].doc < p->next_doc))
            return err_set(err, ST_DAMAGED, "streams: numbers are out of order");
        p->next_seq = out[i].seq;
        p->next_doc = out[i].doc + 1;
    }
    return ST_OK;
}

static enum status part_fill(struct thread *t, struct stream_part *p, struct err *err)
{
    TRY(part_read(t, p, p->batch, BATCH, &p->n, err));
    p->at = 0;
    p->done = p->n == 0;
    return ST_OK;
}

static enum status part_add(struct thread *t, struct thread_stream *s, uint32_t segment,
                            struct err *err)
{
    const struct segment_stream *stream;
    size_t number;
    TRY(view_stream(t->v, segment, &s->ref, &stream, &number, err));
    if (!stream)
        return ST_OK;
    struct stream_part *p = calloc(1, sizeof *p);
    if (!p)
        return err_no_memory(err);
    p->stream = stream;
    p->own = thread_range_in(t, segment);
    p->segment = segment;
    p->number = number;
    s->parts[s->n_parts++] = p;
    return ST_OK;
}

static void raise_before(struct thread_stream *s, uint64_t seq)
{
    if (!s->has_before || seq > s->before)
        s->before = seq;
    s->has_before = true;
}

/* Greatest number of a timed record of the conversation before the limits, in one segment. */
static enum status part_scan(struct thread *t, struct thread_stream *s, struct stream_part *p,
                             struct err *err)
{
    buf_clear(&t->seqs);
    void *room = buf_reserve(&t->seqs, SCAN_BATCH * sizeof(struct seq_doc));
    struct seq_doc *all = room;
    if (!room)
        return err_no_memory(err);
    MUST(p);
    for (size_t n = 1; p->own && n > 0;) {
        TRY(part_read(t, p, all, SCAN_BATCH, &n, err));
        for (size_t i = 0; i < n; i++)
            if (all[i].doc >= p->own->first && all[i].doc < p->own->lo) {
                s->marked = true;
                raise_before(s, all[i].seq);
            }
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

/* Where the stream is in the segments, and which number was the greatest before the limits. */
static enum status stream_find(struct thread *t, struct thread_stream *s, struct err *err)
{
    uint32_t segments = (uint32_t)casefile_segments(t->v->cf);
    if (s->found)
        return ST_OK;
    if (!s->parts)
        s->parts = calloc(segments + (size_t)1, sizeof(struct stream_part *));
    if (!s->parts)
        return err_no_memory(err);
    for (uint32_t i = 0; i < segments; i++)
        TRY(part_add(t, s, i, err));
    for (size_t i = 0; t->cut_before && i < s->n_parts; i++)
        TRY(part_scan(t, s, s->parts[i], err));
    s->found = true;
    return ST_OK;
}

static enum status stream_open(struct thread *t, struct thread_stream *s, struct err *err)
{
    if (s->opened)
        return ST_OK;
    TRY(stream_find(t, s, err));
    if (s->has_before) { /* holes below were shown before the limits */
        s->any = s->own_seen = true;
        s->last = s->before;
    }
    for (size_t i = 0; i < s->n_parts; i++) {
        struct stream_part *p = s->parts[i];
        MUST(p);
        p->next_seq = s->has_before ? s->before : 0;
        p->next_doc = 0;
        TRY(part_fill(t, p, err));
    }
    s->opened = true;
    return ST_OK;
}

enum status thread_stream_before(struct thread *t, struct thread_stream *s, const uint64_t *seq,
                                 struct buf *gone, struct err *err)
{
    size_t loose;
    TRY(stream_find(t, s, err));
    if (seq)
        raise_before(s, *seq);
    while (s->has_before && thread_stream_waiting(s, s->before, &loose)) {
        if (!t->loose[loose].taken)
            buf_put(gone, &loose, sizeof loose);
        t->loose[loose].taken = true;
    }
    return buf_status(gone, err);
}

static struct stream_part *least_part(struct thread_stream *s)
{
    struct stream_part *least = NULL;
    for (size_t i = 0; i < s->n_parts; i++) {
        struct stream_part *p = s->parts[i];
        if (!p->done && (!least || p->batch[p->at].seq < least->batch[least->at].seq))
            least = p;
    }
    return least;
}

static const char *why_missing(const struct thread_stream *s)
{
    bool partial = false, selection = false;
    for (size_t i = 0; i < s->n_parts; i++) {
        partial |= s->parts[i]->stream->partial;
        selection |= s->parts[i]->stream->selection;
    }
    return partial ? "partial-dump" : selection ? "selection" : "not-delivered";
}

enum status thread_stream_gap(struct thread *t, struct thread_stream *s, uint64_t seq,
                              struct thread_gap *gap, bool *found, struct err *err)
{
    struct stream_part *p;
    TRY(stream_open(t, s, err));
    for (*found = false; !*found && (p = least_part(s)) && p->batch[p->at].seq <= seq;) {
        struct seq_doc d = p->batch[p->at++];
        if (p->at == p->n)
            TRY(part_fill(t, p, err));
        *found = s->any && s->own_seen && d.seq > s->last && d.seq - s->last > 1;
        if (*found)
            *gap = (struct thread_gap){.stream = &s->ref,
                                       .after_seq = s->last,
                                       .before_seq = d.seq,
                                       .missing = d.seq - s->last - 1,
                                       .why = why_missing(s)};
        s->last = d.seq;
        s->any = true;
        s->own_seen |= p->own && d.doc >= p->own->first && d.doc < p->own->end;
    }
    return ST_OK;
}

enum status thread_stream_end(struct thread *t, const struct thread_stream *s,
                              struct thread_gap *gap, bool *found, struct err *err)
{
    uint64_t greatest = 0, end = 0;
    (void)t, (void)err;
    *found = false;
    if (!s->opened || !s->own_seen || !s->ref.numbered)
        return ST_OK;
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct segment_stream *p = s->parts[i]->stream;
        greatest = p->records && p->last_seq > greatest ? p->last_seq : greatest;
        end = p->end_last_seq > end ? p->end_last_seq : end;
    }
    *found = end > greatest;
    *gap = (struct thread_gap){.stream = &s->ref,
                               .after_seq = greatest,
                               .missing = end - greatest,
                               .at_end = true,
                               .why = why_missing(s)};
    return ST_OK;
}
