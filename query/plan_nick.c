/* plan_nick — nicknames as the handles that address books give them to. Handles of different
 * services are different: an address book speaks for those of its own service. So a nick: becomes,
 * for each service, with: of its handles and service: of that service (or none at all). */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/extra.h"
#include "query/plan.h"

#define STOP_EVERY 1024

/* A handle with the service of the record that names it; data NULL: none. */
struct named {
    struct slice service, handle;
};

struct nick_find {
    struct view *v;
    struct plan_ids *ids;
    struct buf *found; /* by number of the node: struct named */
    const struct query *q;
    struct arena a; /* one record */
    struct buf folded;
    uint32_t looked;
};

static enum status match_nick(struct nick_find *f, const struct message_view *m,
                              struct slice handle, struct err *err)
{
    buf_clear(&f->folded);
    TRY(splitter_casefold(f->v->splitter, m->c.text, &f->folded, err));
    for (const struct node *n = f->q->last_nick; n; n = n->nick.next) {
        if (!wild_is(n->nick.value, n->nick.wild, buf_slice(&f->folded)))
            continue;
        struct named x = {.handle = arena_copy(&f->ids->arena, handle)};
        if (m->c.conv.service.data)
            x.service = arena_copy(&f->ids->arena, m->c.conv.service);
        if (!x.handle.data || (m->c.conv.service.data && !x.service.data))
            return err_no_memory(err);
        buf_put(&f->found[n->number], &x, sizeof x);
        TRY(buf_status(&f->found[n->number], err));
    }
    return ST_OK;
}

/* The contact records of one handle. */
static enum status look_at(struct nick_find *f, uint32_t segment, const struct term_entry *e,
                           struct err *err)
{
    struct posting_iter *it;
    struct message_ref ref = {.segment = segment, .k = 1};
    struct slice handle = slice_of(e->term.data + 1, e->term.len - 1);
    struct message_view m;
    enum status st;
    struct arena whole;
    arena_init(&whole, 256);
    st = view_whole_value(f->v, segment, e, &whole, &handle, err);
    if (st == ST_OK)
        st = posting_iter_open(casefile_segment(f->v->cf, segment), e->handle, &it, err);
    if (st != ST_OK) {
        arena_release(&whole);
        return st;
    }
    while ((st = posting_iter_seek(it, ref.doc, &ref.doc, err)) == ST_OK && ref.doc != DOC_END) {
        arena_reset(&f->a);
        st = view_load(f->v, &ref, VIEW_CONTENT, &f->a, &m, err);
        if (st == ST_OK && m.c.kind == DOC_CONTACT && m.c.text.data)
            st = match_nick(f, &m, handle, err);
        if (st == ST_OK && ++f->looked % STOP_EVERY == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
        if (st != ST_OK)
            break;
        ref.doc++;
    }
    posting_iter_close(it);
    arena_release(&whole);
    return st;
}

static enum status find_in(struct nick_find *f, uint32_t segment, struct err *err)
{
    static const uint8_t contact = TERM_CONTACT;
    struct term_iter *it;
    struct term_entry e;
    enum status st;
    TRY(term_iter_open(casefile_segment(f->v->cf, segment), slice_of(&contact, 1), &it, err));
    while ((st = term_iter_next(it, &e, err)) == ST_OK && e.term.data[0] == TERM_CONTACT)
        if ((st = look_at(f, segment, &e, err)) != ST_OK)
            break;
    term_iter_close(it);
    return st == ST_END ? ST_OK : st;
}

/* Every record is read. */
static enum status read_in(struct nick_find *f, uint32_t segment, struct err *err)
{
    struct segment *s = casefile_segment(f->v->cf, segment);
    struct message_ref ref = {.segment = segment, .k = 1};
    struct message_view m;
    struct slice raw;
    struct buf handle = {0};
    enum status st = ST_OK;
    for (; st == ST_OK && ref.doc < segment_info(s)->docs; ref.doc++) {
        arena_reset(&f->a);
        st = view_load(f->v, &ref, VIEW_CONTENT, &f->a, &m, err);
        if (st == ST_OK && ++f->looked % STOP_EVERY == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
        if (st != ST_OK || m.c.kind != DOC_CONTACT || !m.c.text.data ||
            !extra_find(m.c.raw, "handle", &raw))
            continue;
        buf_clear(&handle);
        if (extra_string(raw, &handle))
            st = match_nick(f, &m, buf_slice(&handle), err);
    }
    if (st == ST_OK)
        st = buf_status(&handle, err);
    buf_release(&handle);
    return st;
}

/* ---- as a query ---- */

static int by_service(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    if (!x->service.data || !y->service.data) {
        int c = (x->service.data != NULL) - (y->service.data != NULL);
        return c ? c : slice_cmp(x->handle, y->handle);
    }
    int c = slice_cmp(x->service, y->service);
    return c ? c : slice_cmp(x->handle, y->handle);
}

static bool same_service(const struct named *a, const struct named *b)
{
    return (a->service.data != NULL) == (b->service.data != NULL) &&
           slice_eq(a->service, b->service);
}

static struct node *make(struct arena *a, enum node_kind kind, size_t kids)
{
    struct node *n = arena_array(a, 1, sizeof *n);
    if (!n)
        return NULL;
    n->kind = kind;
    if (kids == 0)
        return n;
    n->list.kids = arena_array(a, kids, sizeof *n->list.kids);
    return n->list.kids ? n : NULL;
}

static struct node *make_field(struct arena *a, uint8_t field, uint8_t other, struct slice value,
                               bool wild)
{
    struct node *n = make(a, NODE_FIELD, 0);
    if (!n)
        return NULL;
    n->field.value = value;
    n->field.wild = wild;
    n->field.fields[0] = field;
    n->field.fields[1] = other;
    n->field.n_fields = other ? 2 : 1;
    return n;
}

/* service:x, or NOT service:* */
static struct node *make_service(struct arena *a, struct slice service)
{
    if (service.data)
        return make_field(a, TERM_SERVICE, 0, service, false);
    struct node *not = make(a, NODE_NOT, 1);
    struct node *any = make_field(a, TERM_SERVICE, 0, slice_str("*"), true);
    if (!not || !any)
        return NULL;
    not ->list.kids[not ->list.n++] = any;
    return not ;
}

/* The handles [from, to) of one service, sorted. */
static struct node *make_group(struct arena *a, const struct named *from, const struct named *to)
{
    struct node *and = make(a, NODE_AND, 2);
    struct node * or = make(a, NODE_OR, (size_t)(to - from));
    if (!and || ! or)
        return NULL;
    for (const struct named *x = from; x < to; x++) {
        if (x > from && slice_eq(x->handle, x[-1].handle))
            continue;
        struct node *with = make_field(a, TERM_FROM, TERM_TO, x->handle, false);
        if (!with)
            return NULL;
        or->list.kids[or->list.n++] = with;
    }
    and->list.kids[0] = or ;
    and->list.kids[1] = make_service(a, from->service);
    and->list.n = 2;
    return and->list.kids[1] ? and : NULL;
}

/* An OR of nothing is false. */
static struct node *make_tree(struct arena *a, struct buf *found)
{
    void *data = found->data;
    struct named *all = data;
    size_t n = found->len / sizeof *all;
    struct node * or = make(a, NODE_OR, n + 1);
    if (! or)
        return NULL;
    if (n > 1)
        qsort(all, n, sizeof *all, by_service);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_service(&all[i], &all[end]);)
            end++;
        struct node *group = make_group(a, all + i, all + end);
        if (!group)
            return NULL;
        or->list.kids[or->list.n++] = group;
    }
    return or ;
}

static enum status
find_all(struct view *v, const struct query *q, struct plan_ids *ids,
         enum status (*in)(struct nick_find *f, uint32_t segment, struct err *err), struct err *err)
{
    struct nick_find f = {.v = v, .ids = ids, .q = q};
    enum status st = ST_OK;
    ids->nicks = arena_array(&ids->arena, q->nodes, sizeof(struct node *));
    f.found = calloc((size_t)q->nodes + 1, sizeof *f.found);
    arena_init(&f.a, (size_t)16 << 10);
    if (!ids->nicks || !f.found)
        st = err_no_memory(err);
    for (uint32_t i = 0; st == ST_OK && i < casefile_segments(v->cf); i++)
        st = in(&f, i, err);
    for (const struct node *n = q->last_nick; st == ST_OK && n; n = n->nick.next) {
        ids->nicks[n->number] = make_tree(&ids->arena, &f.found[n->number]);
        if (!ids->nicks[n->number])
            st = err_no_memory(err);
    }
    for (uint32_t i = 0; f.found && i < q->nodes; i++)
        buf_release(&f.found[i]);
    free(f.found);
    buf_release(&f.folded);
    arena_release(&f.a);
    return st;
}

enum status plan_nicks_find(struct view *v, const struct query *q, struct plan_ids *ids,
                            struct err *err)
{
    return q->last_nick ? find_all(v, q, ids, find_in, err) : ST_OK;
}

enum status plan_nicks_read(struct view *v, const struct query *q, struct plan_ids *ids,
                            struct err *err)
{
    arena_init(&ids->arena, (size_t)4 << 10);
    return q->last_nick ? find_all(v, q, ids, read_in, err) : ST_OK;
}
