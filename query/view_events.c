/* view_events — what names a message and what a message names, inside its conversation: edits,
 * deletions, reactions and receipts under the message they are about, and whether the message that
 * is answered is there. Both are found by the service's own id in the lexicon, cut to the
 * conversation's documents. Thousands of events may name one message, and each asks what stood
 * there before it: what an id stands for is kept for the ids asked for last. */
#include <stdlib.h>

#include "lictor/term.h"
#include "query/extra.h"
#include "query/view.h"

struct named {
    struct view *v;
    const uint8_t *key;
    struct buf refs; /* struct message_ref */
    bool more;
    enum { NAMED_MESSAGES, NAMED_EVENTS, NAMED_EDITS } what;
};

static bool is_edit(struct slice record)
{
    struct slice raw;
    struct buf what = {0};
    bool yes = extra_find(record, "what", &raw) && extra_string(raw, &what) &&
               slice_eq_str(buf_slice(&what), "edit");
    buf_release(&what);
    return yes;
}

static bool is_wanted(const struct named *x, const struct content *c)
{
    if (x->what == NAMED_MESSAGES)
        return c->kind == DOC_MESSAGE;
    return c->kind == DOC_EVENT && (x->what == NAMED_EVENTS || is_edit(c->raw));
}

static enum status named_range(struct named *x, uint32_t segment, struct posting_iter *it,
                               uint32_t from, uint32_t end, size_t max, struct err *err)
{
    struct segment *s = casefile_segment(x->v->cf, segment);
    for (uint32_t doc = from; doc < end; doc++) {
        struct message_ref ref = {.segment = segment, .k = 1};
        struct content c;
        struct slice row;
        TRY(posting_iter_seek(it, doc, &doc, err));
        if (doc >= end)
            return ST_OK;
        if (x->refs.len / sizeof ref >= max) {
            x->more = true;
            return ST_OK;
        }
        arena_reset(&x->v->tmp);
        TRY(segment_row(s, x->v->scratch[segment], doc, &row, err));
        TRY(content_decode(row, &x->v->tmp, &c, err));
        if (!is_wanted(x, &c))
            continue;
        ref.doc = doc;
        ref.sent = content_untimed(&c) ? TIME_NONE : c.sent;
        buf_put(&x->refs, &ref, sizeof ref);
        TRY(buf_status(&x->refs, err));
    }
    return ST_OK;
}

static enum status named_in(struct named *x, uint32_t segment, const struct term *t, size_t max,
                            struct err *err)
{
    struct posting_iter *it;
    struct doc_range range;
    TRY(view_term_in(x->v, segment, x->key, t, &it, &range, err));
    enum status st = named_range(x, segment, it, range.first, range.end, max, err);
    posting_iter_close(it);
    return st;
}

static int by_sent(const void *a, const void *b)
{
    const struct message_ref *x = a, *y = b;
    if (x->sent == y->sent)
        return 0;
    return y->sent == TIME_NONE || (x->sent != TIME_NONE && x->sent < y->sent) ? -1 : 1;
}

/* By the one order. */
static enum status named_sort(struct named *x, struct err *err)
{
    void *data = x->refs.data;
    struct message_ref *all = data;
    size_t n = x->refs.len / sizeof *all;
    if (n > 1)
        qsort(all, n, sizeof *all, by_sent);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && all[end].sent == all[i].sent; end++)
            ;
        TRY(view_sort_ties(x->v, all + i, end - i, err));
    }
    return ST_OK;
}

static enum status named_find(struct named *x, enum term_field field, struct slice id, size_t max,
                              struct err *err)
{
    struct term t;
    term_make(&t, &x->v->hasher.sha, field, id);
    for (uint32_t s = 0; s < casefile_segments(x->v->cf) && !x->more; s++)
        TRY(named_in(x, s, &t, max, err));
    return named_sort(x, err);
}

/* ---- the events that name a message ---- */

static enum status event_load(struct view *v, const struct message_ref *ref, struct arena *a,
                              struct message_event *out, struct err *err)
{
    struct message_view m;
    struct slice raw;
    struct buf what = {0};
    TRY(view_load(v, ref, VIEW_CONTENT, a, &m, err));
    *out = (struct message_event){
        .sent = m.ref.sent, .by = m.c.from, .value = m.c.text, .record = m.c.raw};
    memcpy(out->id, m.id, KEY_SIZE);
    if (extra_find(m.c.raw, "what", &raw))
        (void)extra_string(raw, &what);
    out->what = arena_copy(a, buf_slice(&what));
    buf_release(&what);
    return out->what.data ? ST_OK : err_no_memory(err);
}

static enum status events_of(struct view *v, const uint8_t key[KEY_SIZE], struct slice id,
                             struct arena *a, struct message_event **out, size_t *n, bool *more,
                             struct err *err)
{
    struct named x = {.v = v, .key = key, .what = NAMED_EVENTS};
    struct message_event *all = NULL;
    enum status st = named_find(&x, TERM_OF, id, MESSAGE_EVENTS_MAX, err);
    const void *data = x.refs.data;
    const struct message_ref *refs = data;
    *n = x.refs.len / sizeof *refs;
    if (st == ST_OK && !(all = arena_array(a, *n, sizeof *all)))
        st = err_no_memory(err);
    for (size_t i = 0; st == ST_OK && i < *n; i++)
        st = event_load(v, &refs[i], a, &all[i], err);
    *more = x.more;
    *out = all;
    buf_release(&x.refs);
    return st;
}

/* ---- what an id stands for ---- */

#define KNOWN_SLOTS 64

struct known_id {
    bool filled;
    uint8_t key[KEY_SIZE]; /* of the conversation */
    struct buf id;
    bool found; /* `message` is the first one under it */
    struct message_ref message;
    bool edits_known;
    struct buf edits; /* struct message_ref: all that name it, in the one order */
    size_t at;        /* the edit asked for last */
};

void known_ids_free(struct known_id *all)
{
    for (size_t i = 0; all && i < KNOWN_SLOTS; i++) {
        buf_release(&all[i].id);
        buf_release(&all[i].edits);
    }
    free(all);
}

static size_t slot_of(const uint8_t key[KEY_SIZE], struct slice id)
{
    size_t h = key[0];
    for (size_t i = 0; i < id.len; i++)
        h = h * 31 + id.data[i];
    return h % KNOWN_SLOTS;
}

/* The first message under this id. */
static enum status message_under(struct view *v, const uint8_t key[KEY_SIZE], struct slice id,
                                 struct message_ref *out, bool *found, struct err *err)
{
    struct named x = {.v = v, .key = key, .what = NAMED_MESSAGES};
    enum status st = named_find(&x, TERM_ID, id, MESSAGE_EVENTS_MAX, err);
    *found = st == ST_OK && x.refs.len > 0;
    if (*found)
        memcpy(out, x.refs.data, sizeof *out);
    buf_release(&x.refs);
    return st;
}

static enum status known_get(struct view *v, const uint8_t key[KEY_SIZE], struct slice id,
                             struct known_id **out, struct err *err)
{
    if (!v->known_ids && !(v->known_ids = calloc(KNOWN_SLOTS, sizeof *v->known_ids)))
        return err_no_memory(err);
    struct known_id *k = *out = &v->known_ids[slot_of(key, id)];
    if (k->filled && memcmp(k->key, key, KEY_SIZE) == 0 && slice_eq(buf_slice(&k->id), id))
        return ST_OK;
    k->filled = k->edits_known = false;
    memcpy(k->key, key, KEY_SIZE);
    buf_clear(&k->id);
    buf_put_slice(&k->id, id);
    TRY(buf_status(&k->id, err));
    TRY(message_under(v, key, id, &k->message, &k->found, err));
    k->filled = true;
    return ST_OK;
}

static enum status known_edits(struct view *v, struct known_id *k, struct err *err)
{
    struct named x = {.v = v, .key = k->key, .what = NAMED_EDITS};
    if (k->edits_known)
        return ST_OK;
    enum status st = named_find(&x, TERM_OF, buf_slice(&k->id), SIZE_MAX, err);
    buf_release(&k->edits);
    k->edits = x.refs;
    k->at = 0;
    k->edits_known = st == ST_OK;
    return st;
}

/* Edits are asked for one after the other: the next one is looked at first. */
static bool edit_at(struct known_id *k, const struct message_ref *ref)
{
    const void *data = k->edits.data;
    const struct message_ref *all = data;
    size_t n = k->edits.len / sizeof *all;
    for (size_t tried = 0, i = k->at; tried < n; tried++, i++) {
        i = i < n ? i : 0;
        if (all[i].segment == ref->segment && all[i].doc == ref->doc) {
            k->at = i;
            return true;
        }
    }
    return false;
}

/* What stood there before an edit: the edit before it, else the message itself. */
static enum status edit_old(struct view *v, struct message_view *m, struct known_id *k,
                            struct arena *a, struct err *err)
{
    struct message_view o;
    struct message_ref before = k->message;
    TRY(known_edits(v, k, err));
    bool edited = edit_at(k, &m->ref) && k->at > 0;
    if (edited)
        memcpy(&before, k->edits.data + (k->at - 1) * sizeof before, sizeof before);
    TRY(view_load(v, &before, VIEW_CONTENT, a, &o, err));
    m->old_text = edited ? o.c.text : content_readable(&o.c);
    return ST_OK;
}

static enum status of_event(struct view *v, struct message_view *m, struct arena *a,
                            struct err *err)
{
    struct slice raw;
    struct buf of = {0};
    struct known_id *k;
    enum status st = ST_OK;
    if (extra_find(m->c.raw, "of", &raw) && extra_string(raw, &of)) {
        st = known_get(v, m->conversation_key, buf_slice(&of), &k, err);
        m->names_absent = st == ST_OK && !k->found;
        if (st == ST_OK && k->found && is_edit(m->c.raw))
            st = edit_old(v, m, k, a, err);
    }
    buf_release(&of);
    return st;
}

enum status view_events(struct view *v, struct message_view *m, struct arena *a, struct err *err)
{
    struct known_id *k;
    if (m->c.kind == DOC_EVENT)
        return of_event(v, m, a, err);
    if (m->c.kind != DOC_MESSAGE)
        return ST_OK;
    m->names_absent = false;
    if (m->c.reply_to.len) {
        TRY(known_get(v, m->conversation_key, m->c.reply_to, &k, err));
        m->names_absent = !k->found;
    }
    if (m->c.id.len == 0)
        return ST_OK;
    struct message_event *all = NULL;
    TRY(events_of(v, m->conversation_key, m->c.id, a, &all, &m->n_events, &m->events_more, err));
    m->events = all;
    return ST_OK;
}
