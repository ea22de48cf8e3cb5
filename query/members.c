/* members — membership events of a conversation in their order, folded into one table. */
#include "query/members.h"

#include <search.h>
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/extra.h"

const char *member_how_name(enum member_how h)
{
    static const char *const names[] = {"spoke", "list", "join", "add", "leave", "remove"};
    return names[h];
}

struct fold {
    struct view *v;
    const uint8_t *key;
    int64_t at;
    struct group_members *out;
    void *tree;             /* struct group_member, by handle */
    struct group_member in; /* ring of those who are in */
    struct buf refs;        /* struct message_ref */
    struct arena row;
    struct buf text;
    enum member_how how; /* of the record at hand */
    bool same_instant;   /* of the list at hand and the one before */
};

/* ---- the table ---- */

static int by_handle(const void *a, const void *b)
{
    const struct group_member *x = a, *y = b;
    return slice_cmp(x->handle, y->handle);
}

/* The one of that handle, made if it is new. */
static enum status member_of(struct fold *f, struct slice handle, struct group_member **out,
                             struct err *err)
{
    struct group_member probe = {.handle = handle};
    void *found = tfind(&probe, &f->tree, by_handle);
    if (found) {
        *out = *(struct group_member **)found;
        return ST_OK;
    }
    struct group_member *m = arena_array(&f->out->a, 1, sizeof *m);
    if (!m)
        return err_no_memory(err);
    m->handle = arena_copy(&f->out->a, handle);
    m->since = TIME_NONE;
    if (!m->handle.data || !tsearch(m, &f->tree, by_handle))
        return err_no_memory(err);
    f->out->n++;
    *out = m;
    return ST_OK;
}

static void set_in(struct fold *f, struct group_member *m, bool in)
{
    if (m->in == in)
        return;
    m->in = in;
    if (in) {
        m->next = &f->in;
        m->prev = f->in.prev;
        f->in.prev->next = m;
        f->in.prev = m;
    } else {
        m->prev->next = m->next;
        m->next->prev = m->prev;
    }
}

static bool note(struct fold *f, struct group_member *m, bool in, enum member_how how,
                 const struct message_view *of)
{
    set_in(f, m, in);
    m->how = (uint8_t)how;
    m->since = of->c.sent;
    m->disputed = false;
    memcpy(m->id, of->id, KEY_SIZE);
    m->by = of->c.from;
    return arena_keep(&f->out->a, &m->by);
}

/* ---- one record ---- */

/* The handles under `who`, one after the other. */
static enum status each_who(struct fold *f, const struct message_view *m,
                            enum status (*visit)(struct fold *f, struct slice handle,
                                                 const struct message_view *m, struct err *err),
                            struct err *err)
{
    struct slice raw, key, item;
    struct extra_iter it;
    if (!extra_find(m->c.raw, "who", &raw) || !extra_begin(raw, &it))
        return ST_OK;
    while (extra_next(&it, &key, &item)) {
        buf_clear(&f->text);
        if (!extra_string(item, &f->text))
            continue;
        TRY(buf_status(&f->text, err));
        TRY(visit(f, buf_slice(&f->text), m, err));
    }
    return ST_OK;
}

static enum status put_listed(struct fold *f, struct slice handle, const struct message_view *m,
                              struct err *err)
{
    struct group_member *one;
    TRY(member_of(f, handle, &one, err));
    bool again = one->list == f->out->lists; /* named twice */
    one->list = f->out->lists;
    if (one->in) {
        one->disputed &= f->same_instant || again;
        return ST_OK;
    }
    if (!note(f, one, true, HOW_LIST, m))
        return err_no_memory(err);
    one->disputed = f->same_instant; /* the other list of this instant does not have it */
    return ST_OK;
}

static enum status take_list(struct fold *f, const struct message_view *m, struct err *err)
{
    struct group_member *next;
    f->same_instant = f->out->lists > 0 && f->out->listed_at == m->c.sent;
    f->out->lists++;
    f->out->listed_at = m->c.sent;
    f->out->changes = f->same_instant ? f->out->changes : 0;
    TRY(each_who(f, m, put_listed, err));
    for (struct group_member *one = f->in.next; one != &f->in; one = next) {
        next = one->next;
        if (one->list == f->out->lists)
            continue;
        if (f->same_instant)
            one->disputed = true;
        else if (!note(f, one, false, HOW_LIST, m))
            return err_no_memory(err);
    }
    return ST_OK;
}

static enum status put_change(struct fold *f, struct slice handle, const struct message_view *m,
                              struct err *err)
{
    bool in = f->how == HOW_JOIN || f->how == HOW_ADD;
    struct group_member *one;
    TRY(member_of(f, handle, &one, err));
    if (one->how != HOW_SPOKE && one->in == in)
        return ST_OK; /* so already: by another source, by a list, or once more */
    bool disputed = one->how != HOW_SPOKE && one->since == m->c.sent;
    if (!note(f, one, in, f->how, m))
        return err_no_memory(err);
    one->disputed = disputed; /* in and out at one instant */
    return ST_OK;
}

static enum status take_change(struct fold *f, const struct message_view *m, struct err *err)
{
    struct slice raw, key, item;
    struct extra_iter it;
    bool named =
        extra_find(m->c.raw, "who", &raw) && extra_begin(raw, &it) && extra_next(&it, &key, &item);
    f->out->changes++;
    if (named)
        return each_who(f, m, put_change, err);
    if (!m->c.from.data || f->how == HOW_ADD || f->how == HOW_REMOVE)
        return ST_OK; /* whom is not said */
    return put_change(f, m->c.from, m, err);
}

/* False if the event says nothing of members. */
static bool what_of(struct fold *f, const struct content *c, enum member_how *how)
{
    struct slice raw;
    buf_clear(&f->text);
    if (c->kind != DOC_EVENT || !extra_find(c->raw, "what", &raw) || !extra_string(raw, &f->text))
        return false;
    if (slice_eq_str(buf_slice(&f->text), "members")) {
        *how = HOW_LIST;
        return true;
    }
    for (*how = HOW_JOIN; *how <= HOW_REMOVE; ++*how)
        if (slice_eq_str(buf_slice(&f->text), member_how_name(*how)))
            return true;
    return false;
}

static enum status take(struct fold *f, const struct message_ref *ref, struct err *err)
{
    struct message_view m;
    arena_reset(&f->row);
    TRY(view_load(f->v, ref, VIEW_CONTENT, &f->row, &m, err));
    if (!what_of(f, &m.c, &f->how))
        return ST_OK;
    return f->how == HOW_LIST ? take_list(f, &m, err) : take_change(f, &m, err);
}

/* ---- all of them, in their order ---- */

static enum status gather_doc(struct fold *f, uint32_t segment, uint32_t doc, struct err *err)
{
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    enum member_how how;
    struct content c;
    struct slice row;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    arena_reset(&f->row);
    TRY(segment_row(casefile_segment(f->v->cf, segment), f->v->scratch[segment], doc, &row, err));
    TRY(content_decode(row, &f->row, &c, err));
    if (!what_of(f, &c, &how))
        return ST_OK;
    if (content_untimed(&c)) {
        f->out->untimed++;
        return ST_OK;
    }
    ref.sent = c.sent;
    if (c.sent <= f->at)
        buf_put(&f->refs, &ref, sizeof ref);
    return buf_status(&f->refs, err);
}

static enum status gather(struct fold *f, uint32_t segment, struct err *err)
{
    struct posting_iter *it;
    struct doc_range range;
    struct term t;
    term_make(&t, &f->v->hasher.sha, TERM_KIND, slice_str(doc_kind_name(DOC_EVENT)));
    TRY(view_term_in(f->v, segment, f->key, &t, &it, &range, err));
    enum status st = ST_OK;
    for (uint32_t doc = range.first; st == ST_OK && it && doc < range.end; doc++) {
        st = posting_iter_seek(it, doc, &doc, err);
        if (st != ST_OK || doc >= range.end)
            break;
        st = gather_doc(f, segment, doc, err);
    }
    posting_iter_close(it);
    return st;
}

static int by_sent(const void *a, const void *b)
{
    const struct message_ref *x = a, *y = b;
    return (x->sent > y->sent) - (x->sent < y->sent);
}

static enum status fold_all(struct fold *f, struct err *err)
{
    for (uint32_t s = 0; s < casefile_segments(f->v->cf); s++)
        TRY(gather(f, s, err));
    void *data = f->refs.data;
    struct message_ref *all = data;
    size_t n = f->refs.len / sizeof *all;
    if (n > 1)
        qsort(all, n, sizeof *all, by_sent);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && all[end].sent == all[i].sent; end++)
            ;
        TRY(view_sort_ties(f->v, all + i, end - i, err));
        for (size_t k = i; k < end; k++)
            TRY(take(f, &all[k], err));
    }
    return ST_OK;
}

/* ---- who speaks ---- */

static enum status speaks(struct fold *f, uint32_t segment, uint32_t doc, struct slice *last,
                          struct err *err)
{
    struct group_member *one;
    struct content c;
    struct slice row;
    arena_reset(&f->row);
    TRY(segment_row(casefile_segment(f->v->cf, segment), f->v->scratch[segment], doc, &row, err));
    TRY(content_decode(row, &f->row, &c, err));
    if (c.kind != DOC_MESSAGE || !c.from.data || slice_eq(c.from, *last) ||
        (f->at != INT64_MAX && (content_untimed(&c) || c.sent > f->at)))
        return ST_OK;
    TRY(member_of(f, c.from, &one, err));
    one->speaks = true;
    *last = one->handle;
    return ST_OK;
}

static enum status speakers_of(struct fold *f, struct err *err)
{
    for (uint32_t i = 0; i < casefile_segments(f->v->cf); i++) {
        struct segment *s = casefile_segment(f->v->cf, i);
        struct segment_conversation sc;
        struct slice last = {0};
        uint32_t number, n;
        TRY(segment_conversation_find(s, f->v->scratch[i], f->key, KEY_SIZE, &number, &n, err));
        if (n == 0)
            continue;
        arena_reset(&f->row);
        TRY(segment_conversation_at(s, f->v->scratch[i], number, &f->row, &sc, err));
        for (uint32_t doc = sc.first; doc < sc.first + sc.docs; doc++) {
            if (stop_asked())
                return err_set(err, ST_INTERRUPTED, "interrupted");
            TRY(speaks(f, i, doc, &last, err));
        }
    }
    return ST_OK;
}

/* ---- what came of it ---- */

struct listing {
    const struct group_member **all;
    size_t n;
};

static void list_one(const void *node, VISIT which, void *ctx)
{
    struct listing *l = ctx;
    if (which == postorder || which == leaf)
        l->all[l->n++] = *(struct group_member *const *)node;
}

static void keep(void *member) { (void)member; /* lives in the arena */ }

static enum status finish(struct fold *f, struct err *err)
{
    struct listing l = {.all = arena_array(&f->out->a, f->out->n, sizeof *l.all)};
    if (!l.all)
        return err_no_memory(err);
    twalk_r(f->tree, list_one, &l);
    f->out->all = l.all;
    for (size_t i = 0; i < l.n; i++) {
        f->out->in += l.all[i]->in;
        f->out->disputed += l.all[i]->in && l.all[i]->disputed;
    }
    return ST_OK;
}

enum status members_at(struct view *v, const uint8_t key[KEY_SIZE], int64_t at, bool speakers,
                       struct group_members *out, struct err *err)
{
    struct fold f = {.v = v, .key = key, .at = at, .out = out};
    *out = (struct group_members){.listed_at = TIME_NONE};
    arena_init(&out->a, (size_t)16 << 10);
    arena_init(&f.row, (size_t)16 << 10);
    f.in.next = f.in.prev = &f.in;
    enum status st = fold_all(&f, err);
    if (st == ST_OK && speakers)
        st = speakers_of(&f, err);
    if (st == ST_OK)
        st = finish(&f, err);
    tdestroy(f.tree, keep);
    buf_release(&f.refs);
    buf_release(&f.text);
    arena_release(&f.row);
    if (st != ST_OK)
        members_release(out);
    return st;
}

void members_release(struct group_members *m)
{
    arena_release(&m->a);
    *m = (struct group_members){0};
}
