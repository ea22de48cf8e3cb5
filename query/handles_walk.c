/* handles_walk — the terms of senders, recipients and contacts of all segments, merged by handle;
 * their postings are counted against a bitmap of what is hidden, as search and contacts count. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/handles.h"

#define FIELDS 3
#define STOP_EVERY 65536
#define PREFIX_MAX 200 /* bytes of a handle that stand in every term of it */

static const uint8_t fields[FIELDS] = {TERM_FROM, TERM_TO, TERM_CONTACT};
enum { FIELD_FROM, FIELD_TO, FIELD_CONTACT };

struct handle_source { /* one field of one segment */
    struct term_iter *it;
    struct buf term; /* the one it stands at, without field byte */
    uint64_t handle;
    bool done;
};

/* A recipient that only copies of a document name: it has no term. */
struct copy_recipient {
    struct slice handle;
    struct slice term; /* as it would be, without field byte */
    uint32_t doc;
};

struct handle_segment {
    struct handle_source sources[FIELDS];
    struct copy_recipient *more; /* by term, document */
    size_t n_more, at_more;
    uint8_t *hidden; /* bit a document: no message, note or edit */
    const uint32_t *repeats, *messages;
    size_t n_repeats;
};

struct handle_walk {
    struct view *v;
    struct slice pattern, prefix;
    uint8_t head[PREFIX_MAX]; /* `prefix` */
    struct handle_segment *segments;
    uint32_t n;
    struct arena a;     /* the row given */
    struct arena kept;  /* what `more` points to */
    struct buf current; /* term of the row, without field byte */
    uint32_t asked;
};

/* ---- terms ---- */

static enum status source_next(struct handle_walk *w, struct handle_source *s, unsigned field,
                               struct err *err)
{
    struct term_entry e;
    enum status st = term_iter_next(s->it, &e, err);
    if (st == ST_OK) {
        struct slice rest = slice_of(e.term.data + 1, e.term.len - 1);
        s->done = e.term.data[0] != fields[field] || rest.len < w->prefix.len ||
                  (w->prefix.len && memcmp(rest.data, w->prefix.data, w->prefix.len) != 0);
        buf_clear(&s->term);
        buf_put_slice(&s->term, rest);
        s->handle = e.handle;
        return buf_status(&s->term, err);
    }
    s->done = true;
    return st == ST_END ? ST_OK : st;
}

static enum status source_open(struct handle_walk *w, uint32_t segment, unsigned field,
                               struct err *err)
{
    struct handle_source *s = &w->segments[segment].sources[field];
    struct term t;
    term_make(&t, &w->v->hasher.sha, (enum term_field)fields[field], w->prefix);
    TRY(term_iter_open(casefile_segment(w->v->cf, segment), term_slice(&t), &s->it, err));
    return source_next(w, s, field, err);
}

/* ---- recipients of copies ---- */

static int by_term(const void *a, const void *b)
{
    const struct copy_recipient *x = a, *y = b;
    int c = slice_cmp(x->term, y->term);
    return c ? c : (x->doc > y->doc) - (x->doc < y->doc);
}

static enum status gather_recipients(struct handle_walk *w, uint32_t segment, uint32_t doc,
                                     struct buf *all, struct err *err)
{
    const struct slice *to;
    size_t n;
    arena_reset(&w->a);
    TRY(view_copy_to(w->v, segment, doc, &w->a, &to, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct term t;
        term_make(&t, &w->v->hasher.sha, TERM_TO, to[i]);
        struct copy_recipient r = {.doc = doc, .term = slice_of(t.bytes + 1, t.len - 1)};
        if (r.term.len < w->prefix.len ||
            (w->prefix.len && memcmp(r.term.data, w->prefix.data, w->prefix.len) != 0))
            continue;
        r.handle = arena_copy(&w->kept, to[i]);
        r.term = arena_copy(&w->kept, r.term);
        all->failed |= !r.handle.data || !r.term.data;
        buf_put(all, &r, sizeof r);
    }
    return buf_status(all, err);
}

static enum status recipients_open(struct handle_walk *w, uint32_t segment, struct err *err)
{
    struct handle_segment *g = &w->segments[segment];
    struct buf all = {0};
    const uint32_t *docs;
    size_t n;
    enum status st = segment_copy_to(casefile_segment(w->v->cf, segment), &docs, &n, err);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        st = gather_recipients(w, segment, docs[i], &all, err);
        if (st == ST_OK && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
    }
    g->n_more = all.len / sizeof *g->more;
    g->more = arena_array(&w->kept, g->n_more, sizeof *g->more);
    if (st == ST_OK && !g->more)
        st = err_no_memory(err);
    if (st == ST_OK && g->n_more) {
        memcpy(g->more, all.data, all.len);
        qsort(g->more, g->n_more, sizeof *g->more, by_term);
    }
    buf_release(&all);
    return st;
}

/* ---- what is hidden ---- */

static enum status mark_hidden(struct handle_walk *w, uint32_t segment, struct err *err)
{
    struct segment *s = casefile_segment(w->v->cf, segment);
    struct handle_segment *g = &w->segments[segment];
    uint32_t docs = segment_info(s)->docs, doc = 0;
    struct posting_iter *it;
    struct term_entry e;
    struct term t;
    TRY(segment_repeats(s, &g->repeats, &g->messages, &g->n_repeats, err));
    g->hidden = calloc(docs / 8 + (size_t)1, 1);
    if (!g->hidden)
        return err_no_memory(err);
    term_make(&t, &w->v->hasher.sha, TERM_KIND, slice_str("hidden"));
    enum status st = segment_term(s, w->v->scratch[segment], term_slice(&t), &e, err);
    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_OK : st;
    TRY(posting_iter_open(s, e.handle, &it, err));
    while ((st = posting_iter_seek(it, doc, &doc, err)) == ST_OK && doc < docs) {
        g->hidden[doc / 8] = (uint8_t)(g->hidden[doc / 8] | 1u << doc % 8);
        doc++;
    }
    posting_iter_close(it);
    return st;
}

static bool is_hidden(const struct handle_segment *g, uint32_t doc)
{
    return (g->hidden[doc / 8] >> doc % 8 & 1) != 0;
}

enum status handle_walk_open(struct view *v, struct slice pattern, struct handle_walk **out,
                             struct err *err)
{
    struct handle_walk *w = calloc(1, sizeof *w);
    if (!w)
        return err_no_memory(err);
    w->v = v;
    w->pattern = pattern;
    w->prefix = slice_of(w->head, wild_head(pattern, w->head, PREFIX_MAX));
    w->n = (uint32_t)casefile_segments(v->cf);
    arena_init(&w->a, (size_t)64 << 10);
    arena_init(&w->kept, (size_t)64 << 10);
    w->segments = calloc(w->n + (size_t)1, sizeof *w->segments);
    enum status st = w->segments ? ST_OK : err_no_memory(err);
    for (uint32_t i = 0; st == ST_OK && i < w->n; i++) {
        st = mark_hidden(w, i, err);
        if (st == ST_OK)
            st = recipients_open(w, i, err);
        for (unsigned f = 0; st == ST_OK && f < FIELDS; f++)
            st = source_open(w, i, f, err);
    }
    if (st == ST_OK)
        *out = w;
    else
        handle_walk_close(w);
    return st;
}

void handle_walk_close(struct handle_walk *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; w->segments && i < w->n; i++) {
        for (unsigned f = 0; f < FIELDS; f++) {
            if (w->segments[i].sources[f].it)
                term_iter_close(w->segments[i].sources[f].it);
            buf_release(&w->segments[i].sources[f].term);
        }
        free(w->segments[i].hidden);
    }
    free(w->segments);
    buf_release(&w->current);
    arena_release(&w->a);
    arena_release(&w->kept);
    free(w);
}

/* ---- one handle ---- */

static uint32_t messages_of(const struct handle_segment *g, uint32_t doc, size_t *at)
{
    while (*at < g->n_repeats && g->repeats[*at] < doc)
        (*at)++;
    return *at < g->n_repeats && g->repeats[*at] == doc ? g->messages[*at] : 1;
}

static enum status seen(struct handle_walk *w, uint32_t segment, uint32_t doc,
                        struct handle_row *row, struct err *err)
{
    int64_t sent;
    TRY(segment_sent(casefile_segment(w->v->cf, segment), w->v->scratch[segment], doc, &sent, err));
    if (time_untimed(sent))
        return ST_OK;
    if (row->first == TIME_NONE || sent < row->first)
        row->first = sent;
    if (row->last == TIME_NONE || sent > row->last)
        row->last = sent;
    return ST_OK;
}

static enum status count_source(struct handle_walk *w, uint32_t segment, unsigned field,
                                struct handle_row *row, struct err *err)
{
    const struct handle_segment *g = &w->segments[segment];
    struct posting_iter *it;
    uint32_t doc = 0;
    size_t at = 0;
    enum status st;
    uint64_t *count = field == FIELD_FROM ? &row->sent : &row->received;
    if (field == FIELD_CONTACT)
        return ST_OK;
    TRY(posting_iter_open(casefile_segment(w->v->cf, segment), g->sources[field].handle, &it, err));
    while ((st = posting_iter_seek(it, doc, &doc, err)) == ST_OK && doc != DOC_END) {
        st = seen(w, segment, doc, row, err);
        if (st == ST_OK && ++w->asked % STOP_EVERY == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
        if (st != ST_OK)
            break;
        if (!is_hidden(g, doc))
            *count += messages_of(g, doc, &at);
        doc++;
    }
    posting_iter_close(it);
    return st;
}

static enum status count_recipients(struct handle_walk *w, uint32_t segment, bool wanted,
                                    struct handle_row *row, struct err *err)
{
    struct handle_segment *g = &w->segments[segment];
    size_t at = 0;
    for (; g->at_more < g->n_more; g->at_more++) {
        const struct copy_recipient *r = &g->more[g->at_more];
        if (!slice_eq(r->term, buf_slice(&w->current)))
            break;
        if (!wanted)
            continue;
        TRY(seen(w, segment, r->doc, row, err));
        if (!is_hidden(g, r->doc))
            row->received += messages_of(g, r->doc, &at);
    }
    return ST_OK;
}

/* The handle whose term was cut. */
static enum status whole_handle(struct handle_walk *w, uint32_t segment, unsigned field,
                                struct slice *out, struct err *err)
{
    struct term t = {.len = 1 + w->current.len, .bytes = {fields[field]}};
    memcpy(t.bytes + 1, w->current.data, w->current.len);
    struct term_entry e = {.term = term_slice(&t),
                           .handle = w->segments[segment].sources[field].handle};
    return view_whole_value(w->v, segment, &e, &w->a, out, err);
}

static bool stands_at(const struct handle_walk *w, const struct handle_source *s)
{
    return !s->done && slice_eq(buf_slice(&s->term), buf_slice(&w->current));
}

/* Least term of all sources into w->current, and one source that stands at it (field FIELDS: a
 * recipient of copies). */
static bool least_term(struct handle_walk *w, uint32_t *segment, unsigned *field)
{
    struct slice term = {0};
    bool found = false;
    for (uint32_t i = 0; i < w->n; i++)
        for (unsigned f = 0; f < FIELDS; f++) {
            const struct handle_source *s = &w->segments[i].sources[f];
            if (s->done || (found && slice_cmp(buf_slice(&s->term), term) >= 0))
                continue;
            term = buf_slice(&s->term);
            found = true;
            *segment = i;
            *field = f;
        }
    for (uint32_t i = 0; i < w->n; i++) {
        const struct handle_segment *g = &w->segments[i];
        if (g->at_more == g->n_more || (found && slice_cmp(g->more[g->at_more].term, term) >= 0))
            continue;
        term = g->more[g->at_more].term;
        found = true;
        *segment = i;
        *field = FIELDS;
    }
    buf_clear(&w->current);
    buf_put_slice(&w->current, term);
    return found;
}

static enum status fill_row(struct handle_walk *w, bool wanted, struct handle_row *row,
                            struct err *err)
{
    for (uint32_t i = 0; i < w->n; i++) {
        for (unsigned f = 0; f < FIELDS; f++) {
            struct handle_source *s = &w->segments[i].sources[f];
            if (!stands_at(w, s))
                continue;
            if (wanted)
                TRY(count_source(w, i, f, row, err));
            TRY(source_next(w, s, f, err));
        }
        TRY(count_recipients(w, i, wanted, row, err));
    }
    return wanted ? view_nicknames(w->v, row->handle, &row->nicknames, &row->n_nicknames, err)
                  : ST_OK;
}

enum status handle_walk_next(struct handle_walk *w, struct handle_row *row, struct err *err)
{
    for (;;) {
        uint32_t segment = 0;
        unsigned field = 0;
        struct handle_row r = {.first = TIME_NONE, .last = TIME_NONE};
        arena_reset(&w->a);
        if (!least_term(w, &segment, &field))
            return ST_END;
        TRY(buf_status(&w->current, err));
        if (field == FIELDS)
            r.handle =
                arena_copy(&w->a, w->segments[segment].more[w->segments[segment].at_more].handle);
        else if (w->current.len + 1 == TERM_MAX)
            TRY(whole_handle(w, segment, field, &r.handle, err));
        else
            r.handle = arena_copy(&w->a, buf_slice(&w->current));
        if (!r.handle.data)
            return err_no_memory(err);
        bool wanted = w->pattern.len == 0 || wild_match(w->pattern, r.handle);
        TRY(fill_row(w, wanted, &r, err));
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        if (wanted) {
            *row = r;
            return ST_OK;
        }
    }
}
