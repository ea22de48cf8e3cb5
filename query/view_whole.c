/* view_whole — terms of the lexicon as the values they stand for. A long one was cut when it became
 * a term: the first record that has it tells the rest. */
#include "query/extra.h"
#include "query/view.h"

struct gather {
    struct arena *a;
    struct buf *all; /* struct slice */
};

static void gather_put(struct gather *g, struct slice s)
{
    if (s.data)
        buf_put(g->all, &s, sizeof s);
}

static void gather_string(struct gather *g, struct slice raw)
{
    struct buf text = {0};
    if (extra_string(raw, &text)) {
        struct slice s = arena_copy(g->a, buf_slice(&text));
        g->all->failed |= !s.data;
        gather_put(g, s);
    }
    g->all->failed |= text.failed;
    buf_release(&text);
}

/* Every value of a record that a field term may stand for. */
static void gather_values(struct gather *g, const struct content *c)
{
    struct slice raw, key;
    struct extra_iter who;
    gather_put(g, c->from);
    gather_put(g, c->conv.service);
    gather_put(g, c->conv.name);
    for (size_t i = 0; i < c->conv.n_set; i++)
        gather_put(g, c->conv.set[i]);
    for (size_t i = 0; i < c->n_to; i++)
        gather_put(g, c->to[i]);
    if (extra_find(c->raw, "who", &raw) && extra_begin(raw, &who))
        while (extra_next(&who, &key, &raw))
            gather_string(g, raw);
    if (extra_find(c->raw, "handle", &raw))
        gather_string(g, raw);
}

static enum status first_document(struct view *v, uint32_t segment, const struct term_entry *e,
                                  uint32_t *doc, struct err *err)
{
    struct posting_iter *it;
    TRY(posting_iter_open(casefile_segment(v->cf, segment), e->handle, &it, err));
    enum status st = posting_iter_seek(it, 0, doc, err);
    posting_iter_close(it);
    if (st == ST_OK && *doc == DOC_END)
        return err_set(err, ST_DAMAGED, "a term of the lexicon has no document");
    return st;
}

enum status view_whole_value(struct view *v, uint32_t segment, const struct term_entry *e,
                             struct arena *a, struct slice *out, struct err *err)
{
    struct slice rest = slice_of(e->term.data + 1, e->term.len - 1);
    if (e->term.len < TERM_MAX) {
        *out = arena_copy(a, rest);
        return out->data ? ST_OK : err_no_memory(err);
    }
    struct message_ref ref = {.segment = segment, .k = 1};
    struct message_view m;
    struct buf all = {0};
    struct gather g = {.a = a, .all = &all};
    TRY(first_document(v, segment, e, &ref.doc, err));
    TRY(view_load(v, &ref, VIEW_CONTENT, a, &m, err));
    gather_values(&g, &m.c);
    enum status st = buf_status(&all, err);
    const void *data = all.data;
    const struct slice *values = data;
    *out = arena_copy(a, rest); /* damaged: as the lexicon has it */
    for (size_t i = 0; st == ST_OK && i < all.len / sizeof *values; i++) {
        struct term t;
        if (values[i].len < TERM_MAX - 1)
            continue;
        term_make(&t, &v->hasher.sha, (enum term_field)e->term.data[0], values[i]);
        if (slice_eq(term_slice(&t), e->term))
            *out = values[i];
    }
    buf_release(&all);
    return st == ST_OK && !out->data ? err_no_memory(err) : st;
}
