/* view — opening, and making one record whole. A row says only what the content is; conversation,
 * copies and relations stand elsewhere and are fetched as deep as the caller asks. */
#include "query/view.h"

#include <stdlib.h>

#include "query/ground.h"

enum status view_open(struct casefile *cf, const char *tz, struct view *v, struct err *err)
{
    *v = (struct view){.cf = cf, .repeated_segment = UINT32_MAX};
    arena_init(&v->names, (size_t)64 << 10);
    arena_init(&v->repeated_arena, 0);
    arena_init(&v->tmp, (size_t)64 << 10);
    arena_init(&v->conv, (size_t)16 << 10);
    arena_init(&v->order, (size_t)64 << 10);
    size_t n = casefile_segments(cf);
    enum status st = ST_OK;
    v->scratch = calloc(n + 1, sizeof *v->scratch);
    v->conversations = calloc(n + 1, sizeof *v->conversations);
    v->ranges = calloc(n + 1, sizeof *v->ranges);
    if (!v->scratch || !v->conversations || !v->ranges)
        st = err_no_memory(err);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        st = segment_scratch_new(&v->scratch[i], err);
    if (st == ST_OK)
        st = content_hasher_init(&v->hasher, err);
    if (st == ST_OK)
        st = splitter_new(&v->splitter, err);
    if (st == ST_OK)
        st = zone_open(tz ? tz : "UTC", &v->zone, err);
    if (st != ST_OK)
        view_close(v);
    return st;
}

void view_close(struct view *v)
{
    if (!v->cf)
        return;
    view_streams_free(v);
    grounds_free(v);
    pair_cache_free(v->pairs);
    known_ids_free(v->known_ids);
    device_owners_free(v->owners);
    nickname_cache_free(v->nicknames);
    for (size_t i = 0; v->scratch && i < casefile_segments(v->cf); i++)
        segment_scratch_free(v->scratch[i]);
    free(v->scratch);
    free(v->conversations);
    free(v->ranges);
    content_hasher_release(&v->hasher);
    splitter_free(v->splitter);
    zone_close(v->zone);
    arena_release(&v->names);
    arena_release(&v->repeated_arena);
    arena_release(&v->tmp);
    arena_release(&v->conv);
    arena_release(&v->order);
    *v = (struct view){0};
}

enum status view_messages(struct view *v, uint32_t segment, uint32_t doc, uint32_t *n,
                          struct err *err)
{
    struct doc_state state;
    TRY(segment_state(casefile_segment(v->cf, segment), v->scratch[segment], doc, &state, err));
    *n = state.messages;
    return ST_OK;
}

enum status view_conversation_key(struct view *v, uint32_t segment, uint32_t doc,
                                  uint8_t key[KEY_SIZE], uint32_t *end, struct err *err)
{
    struct view_conversation *known = &v->conversations[segment];
    if (doc < known->first || doc - known->first >= known->docs) {
        struct segment_conversation sc;
        arena_reset(&v->conv);
        TRY(segment_conversation_of(casefile_segment(v->cf, segment), v->scratch[segment], doc,
                                    &v->conv, &sc, err));
        known->first = sc.first;
        known->docs = sc.docs;
        memcpy(known->key, sc.key, KEY_SIZE);
    }
    memcpy(key, known->key, KEY_SIZE);
    if (end)
        *end = known->first + known->docs;
    return ST_OK;
}

/* A document's flags speak for all its messages; these are of the one. */
static void exact_flags(struct message_view *m)
{
    const uint16_t of_message = DOC_ONE_SIDED | DOC_RELATED | DOC_CONFLICT;
    if (m->state.messages <= 1)
        return;
    m->flags = (uint16_t)(m->state.flags & ~of_message);
    if (view_one_sided(m))
        m->flags |= DOC_ONE_SIDED;
    for (size_t i = 0; i < m->n_related; i++)
        m->flags |= (uint16_t)(DOC_RELATED | (m->related[i].conflict ? DOC_CONFLICT : 0));
}

/* ---- the whole ---- */

static enum status load_content(struct view *v, struct arena *a, struct message_view *m,
                                struct err *err)
{
    uint32_t segment = m->ref.segment, doc = m->ref.doc;
    struct segment *s = casefile_segment(v->cf, segment);
    struct segment_scratch *x = v->scratch[segment];
    struct segment_conversation sc;
    struct slice row;
    TRY(segment_state(s, x, doc, &m->state, err));
    TRY(segment_conversation_of(s, x, doc, a, &sc, err));
    TRY(segment_row(s, x, doc, &row, err));
    row = arena_copy(a, row);
    if (!row.data)
        return err_no_memory(err);
    TRY(content_decode(row, a, &m->c, err));
    m->c.conv = sc.c;
    memcpy(m->conversation_key, sc.key, KEY_SIZE);
    TRY(content_rehash(&v->hasher, &m->c, m->hash, err));
    message_id(&v->hasher, m->hash, m->ref.k, m->id);
    m->ref.sent = content_untimed(&m->c) ? TIME_NONE : m->c.sent;
    m->flags = m->state.flags;
    return ST_OK;
}

enum status view_load(struct view *v, const struct message_ref *ref, enum view_depth depth,
                      struct arena *a, struct message_view *out, struct err *err)
{
    struct message_view m = {.ref = *ref};
    TRY(load_content(v, a, &m, err));
    if (depth >= VIEW_COPIES) {
        TRY(view_copies_of(v, &m, a, err));
        if (m.state.flags & DOC_COPY_TO)
            TRY(copies_recipients(m.copies, m.n_copies, a, &m.c.to, &m.c.n_to, err));
        if (m.state.flags & (DOC_RELATED | DOC_CONFLICT))
            TRY(view_related(v, &m, a, err));
        exact_flags(&m);
    }
    if (depth >= VIEW_FULL)
        TRY(view_pairs(v, &m, a, err));
    if (depth >= VIEW_FULL)
        TRY(view_missing(v, &m, a, err));
    if (depth >= VIEW_FULL)
        TRY(view_events(v, &m, a, err));
    if (depth >= VIEW_FULL)
        TRY(view_nicknames_of(v, &m, a, err));
    *out = m;
    return ST_OK;
}

enum status view_flags(struct view *v, const struct message_ref *ref, uint16_t *flags,
                       uint32_t *copies, struct err *err)
{
    struct doc_state state;
    TRY(segment_state(casefile_segment(v->cf, ref->segment), v->scratch[ref->segment], ref->doc,
                      &state, err));
    *flags = state.flags;
    *copies = state.copies;
    if (state.messages <= 1)
        return ST_OK;
    struct message_view m;
    struct arena a;
    arena_init(&a, (size_t)16 << 10);
    enum status st = view_load(v, ref, VIEW_COPIES, &a, &m, err);
    if (st == ST_OK) {
        *flags = m.flags;
        *copies = (uint32_t)m.n_copies;
    }
    arena_release(&a);
    return st;
}

/* ---- inside a conversation ---- */

static enum status ranges_find(struct view *v, const uint8_t key[KEY_SIZE], struct err *err)
{
    v->n_ranges = 0;
    for (uint32_t i = 0; i < casefile_segments(v->cf); i++) {
        struct segment *s = casefile_segment(v->cf, i);
        struct segment_conversation sc;
        uint32_t number, n;
        TRY(segment_conversation_find(s, v->scratch[i], key, KEY_SIZE, &number, &n, err));
        if (n == 0)
            continue;
        arena_reset(&v->conv);
        TRY(segment_conversation_at(s, v->scratch[i], number, &v->conv, &sc, err));
        v->ranges[v->n_ranges++] = (struct conversation_range){i, sc.first, sc.first + sc.docs};
    }
    return ST_OK;
}

enum status view_ranges(struct view *v, const uint8_t key[KEY_SIZE],
                        const struct conversation_range **out, size_t *n, struct err *err)
{
    if (!v->ranges_known || memcmp(v->ranges_key, key, KEY_SIZE) != 0) {
        v->ranges_known = false;
        TRY(ranges_find(v, key, err));
        memcpy(v->ranges_key, key, KEY_SIZE);
        v->ranges_known = true;
    }
    *out = v->ranges;
    *n = v->n_ranges;
    return ST_OK;
}

enum status view_term_in(struct view *v, uint32_t segment, const uint8_t key[KEY_SIZE],
                         const struct term *t, struct posting_iter **it, struct doc_range *range,
                         struct err *err)
{
    struct segment *s = casefile_segment(v->cf, segment);
    const struct conversation_range *all;
    struct term_entry e;
    size_t n, at = 0;
    *it = NULL;
    *range = (struct doc_range){0, 0};
    TRY(view_ranges(v, key, &all, &n, err));
    while (at < n && all[at].segment < segment)
        at++;
    if (at == n || all[at].segment != segment)
        return ST_OK;
    struct doc_range found = {all[at].first, all[at].end};
    enum status st = segment_term(s, v->scratch[segment], term_slice(t), &e, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    TRY(st);
    TRY(posting_iter_open(s, e.handle, it, err));
    *range = found;
    return ST_OK;
}
