/* plan — from a query to walks. Alternatives that need no test of their own are united into one
 * walk, many of them into a bitmap: an OR of ten thousand words keeps no ten thousand postings
 * open and asks no ten thousand questions a document. */
#include "query/plan.h"

#include "query/then.h"

#include <stdlib.h>

#include "lictor/thread.h"

#define OR_OPEN_MAX 64 /* walks of one OR held open; more are poured into a bitmap */

static enum status plan_build(struct plan *p, const struct node *n, struct plan_node **out,
                              struct err *err);

/* ---- ids ---- */

static enum status own_ids_find(struct view *v, const struct query *q, struct plan_ids *out,
                                struct err *err)
{
    struct buf wanted = {0};
    for (const struct node *n = q->last_id; n; n = n->id.next) {
        struct view_id id = {n->id.value, &out->refs[n->number]};
        if (n->id.maybe_ours)
            buf_put(&wanted, &id, sizeof id);
    }
    enum status st = buf_status(&wanted, err);
    const void *ids = wanted.data;
    size_t n = wanted.len / sizeof(struct view_id);
    if (st == ST_OK && n > 0)
        st = view_find_ids(v, ids, n, err);
    buf_release(&wanted);
    return st;
}

enum status plan_ids_find(struct view *v, const struct query *q, struct plan_ids *out,
                          struct err *err)
{
    *out = (struct plan_ids){.n = q->nodes};
    arena_init(&out->arena, (size_t)4 << 10);
    out->refs = calloc((size_t)q->nodes + 1, sizeof *out->refs);
    if (!out->refs)
        return err_no_memory(err);
    enum status st = own_ids_find(v, q, out, err);
    if (st == ST_OK)
        st = plan_nicks_find(v, q, out, err);
    if (st == ST_OK)
        st = plan_thens_new(q, out, err);
    if (st == ST_OK)
        st = then_find_all(v, q, out, err);
    if (st != ST_OK)
        plan_ids_release(out);
    return st;
}

enum status plan_thens_new(const struct query *q, struct plan_ids *ids, struct err *err)
{
    ids->n = q->nodes;
    ids->thens = calloc((size_t)q->nodes + 1, sizeof *ids->thens);
    return ids->thens ? ST_OK : err_no_memory(err);
}

void plan_ids_release(struct plan_ids *ids)
{
    for (size_t i = 0; ids->thens && i < ids->n; i++)
        buf_release(&ids->thens[i]);
    free(ids->thens);
    for (size_t i = 0; ids->refs && i < ids->n; i++)
        buf_release(&ids->refs[i]);
    free(ids->refs);
    arena_release(&ids->arena);
    *ids = (struct plan_ids){0};
}

/* ---- leaves ---- */

struct plan_node *plan_make(struct plan *p, enum plan_kind kind, const struct node *n)
{
    struct plan_node *x = arena_array(&p->set.arena, 1, sizeof *x);
    if (x) {
        x->kind = kind;
        x->node = n;
    }
    return x;
}

enum status plan_field_walk(struct plan *p, enum term_field field, struct slice value, bool prefix,
                            struct walk **out, struct err *err)
{
    struct term t;
    if (!prefix) {
        term_make(&t, &p->view->hasher.sha, field, value);
        return walk_term(&p->set, term_slice(&t), out, err);
    }
    MUST(value.len < TERM_MAX); /* the parser refuses longer ones */
    t.bytes[0] = (uint8_t)field;
    if (value.len)
        memcpy(t.bytes + 1, value.data, value.len);
    return walk_prefix(&p->set, slice_of(t.bytes, value.len + 1), out, err);
}

enum status plan_has(struct plan *p, const char *what, struct walk **out, struct err *err)
{
    return plan_field_walk(p, TERM_HAS, slice_str(what), false, out, err);
}

struct wild_terms {
    struct plan *p;
    struct slice pattern;
};

static enum status wild_keep(void *ctx, const struct term_entry *e, bool *yes, struct err *err)
{
    const struct wild_terms *w = ctx;
    struct plan *p = w->p;
    struct slice value = slice_of(e->term.data + 1, e->term.len - 1);
    if (e->term.len == TERM_MAX) {
        arena_reset(&p->text);
        TRY(view_whole_value(p->view, p->segment, e, &p->text, &value, err));
    }
    *yes = wild_match(w->pattern, value);
    return ST_OK;
}

/* The documents of all values of a field that a pattern matches. */
static enum status wild_walk(struct plan *p, enum term_field field, struct slice pattern,
                             struct walk **out, struct err *err)
{
    struct wild_terms w = {.p = p, .pattern = pattern};
    struct term_filter filter = {.keep = wild_keep, .ctx = &w};
    uint8_t head[1 + LANG_PREFIX_MAX] = {(uint8_t)field};
    size_t n = wild_head(pattern, head + 1, LANG_PREFIX_MAX);
    return walk_terms(&p->set, slice_of(head, n + 1), &filter, out, err);
}

enum status plan_either(struct plan *p, struct walk *a, struct walk *b, struct walk **out,
                        struct err *err)
{
    struct walk **kids = arena_array(&p->set.arena, 2, sizeof(struct walk *));
    if (!kids)
        return err_no_memory(err);
    kids[0] = a;
    kids[1] = b;
    return walk_or(&p->set, kids, b ? 2 : 1, out, err);
}

enum status plan_text_cand(struct plan *p, struct plan_node *x, struct err *err)
{
    struct walk *sealed = NULL;
    x->sealed = p->sealed;
    if (!x->match)
        return ST_OK; /* any document */
    if (x->sealed)
        TRY(plan_field_walk(p, TERM_HAS, slice_str("sealed"), false, &sealed, err));
    return plan_either(p, x->match, sealed, &x->cand, err);
}

static bool names_handle(const struct node *n, const struct slice *to, size_t n_to)
{
    for (size_t i = 0; i < n_to; i++)
        if (wild_is(n->field.value, n->field.wild, to[i]))
            return true;
    return false;
}

/* Recipients that only copies name have no term: the documents that have such are asked. */
static enum status copy_to_walk(struct plan *p, const struct node *n, struct walk **out,
                                struct err *err)
{
    const uint32_t *docs;
    const struct slice *to;
    size_t all, n_to, found = 0;
    TRY(segment_copy_to(p->set.segment, &docs, &all, err));
    if (all == 0)
        return ST_OK;
    uint32_t *mine = arena_array(&p->set.arena, all, sizeof *mine);
    if (!mine)
        return err_no_memory(err);
    for (size_t i = 0; i < all; i++) {
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        arena_reset(&p->text);
        TRY(view_copy_to(p->view, p->segment, docs[i], &p->text, &to, &n_to, err));
        if (names_handle(n, to, n_to))
            mine[found++] = docs[i];
    }
    return found ? walk_list(&p->set, mine, found, out, err) : ST_OK;
}

static enum status plan_field(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct node *n = x->node;
    struct walk *w[2] = {NULL, NULL}, *copies = NULL;
    for (size_t i = 0; i < n->field.n_fields; i++) {
        enum term_field field = (enum term_field)n->field.fields[i];
        if (n->field.wild)
            TRY(wild_walk(p, field, n->field.value, &w[i], err));
        else
            TRY(plan_field_walk(p, field, n->field.value, false, &w[i], err));
    }
    TRY(plan_either(p, w[0], w[1], &x->match, err));
    for (size_t i = 0; i < n->field.n_fields && !copies; i++)
        if (n->field.fields[i] == TERM_TO)
            TRY(copy_to_walk(p, n, &copies, err));
    if (copies)
        TRY(plan_either(p, x->match, copies, &x->match, err));
    x->cand = x->match;
    return n->field.of_text ? plan_text_cand(p, x, err) : ST_OK;
}

/* Messages have no term of their kind: they are what is of no other. */
static enum status plan_kind(struct plan *p, struct plan_node *x, struct err *err)
{
    enum doc_kind kind = x->node->doc_kind;
    struct plan_node *others = x;
    struct walk **kids = arena_array(&p->set.arena, DOC_KINDS, sizeof(struct walk *));
    size_t n = 0;
    if (kind == DOC_MESSAGE) {
        others = plan_make(p, PLAN_MATCH, x->node);
        x->kids = arena_array(&p->set.arena, 1, sizeof *x->kids);
        if (!others || !x->kids)
            return err_no_memory(err);
        x->kind = PLAN_NOT;
        x->kids[0] = others;
        x->n = 1;
    }
    if (!kids)
        return err_no_memory(err);
    for (int k = 0; k < DOC_KINDS; k++)
        if (k != DOC_MESSAGE && (kind == DOC_MESSAGE || k == (int)kind))
            TRY(plan_field_walk(p, TERM_KIND, slice_str(doc_kind_name((enum doc_kind)k)), false,
                                &kids[n++], err));
    TRY(walk_or(&p->set, kids, n, &others->match, err));
    others->cand = others->match;
    return ST_OK;
}

static enum status plan_state(struct plan *p, struct plan_node *x, struct err *err)
{
    const uint32_t *docs, *messages;
    size_t n;
    bool none = false;
    switch (x->node->state) {
    case STATE_SEALED:
        return plan_field_walk(p, TERM_HAS, slice_str("sealed"), false, &x->cand, err);
    case STATE_REPEATED:
        TRY(segment_repeats(p->set.segment, &docs, &messages, &n, err));
        return walk_list(&p->set, docs, n, &x->cand, err);
    case STATE_CONFLICT:
        none = p->info->conflict == 0;
        break;
    case STATE_COPIES:
        none = p->info->copies == 0; /* other kinds have one copy each */
        break;
    }
    return none ? walk_list(&p->set, NULL, 0, &x->cand, err) : ST_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static enum status plan_id(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct buf *refs = &p->ids->refs[x->node->number];
    size_t all = refs->len / sizeof(struct message_ref), n = 0;
    uint32_t *docs = arena_array(&p->set.arena, all, sizeof *docs);
    if (!docs)
        return err_no_memory(err);
    for (size_t i = 0; i < all; i++) {
        struct message_ref r;
        memcpy(&r, refs->data + i * sizeof r, sizeof r);
        if (r.segment == p->segment)
            docs[n++] = r.doc;
    }
    if (n > 1)
        qsort(docs, n, sizeof *docs, by_number);
    struct walk *ours;
    TRY(walk_list(&p->set, docs, n, &ours, err));
    TRY(plan_field_walk(p, TERM_ID, x->node->id.value, false, &x->match, err));
    return plan_either(p, x->match, ours, &x->cand, err);
}

/* Keys that begin with the same digits follow each other, and so do their documents. */
static enum status plan_conv(struct plan *p, struct plan_node *x, struct err *err)
{
    struct segment *s = p->set.segment;
    const struct node *n = x->node;
    uint32_t number, count, first = DOC_END, end = 0;
    TRY(segment_conversation_find(s, p->set.scratch, n->conv.key, n->conv.digits / 2, &number,
                                  &count, err));
    for (uint32_t i = 0; i < count; i++) {
        struct segment_conversation c;
        arena_reset(&p->text);
        TRY(segment_conversation_at(s, p->set.scratch, number + i, &p->text, &c, err));
        if (!view_hex_match(c.key, n->conv.key, n->conv.digits))
            continue;
        if (first == DOC_END)
            first = c.first;
        end = c.first + c.docs;
    }
    TRY(walk_range(&p->set, first, end, &x->match, err));
    x->cand = x->match;
    return ST_OK;
}

/* What was found before: see query/then.h. */
static enum status plan_then(struct plan *p, struct plan_node *x, struct err *err)
{
    const struct then_found *found;
    size_t all = then_of_segment(&p->ids->thens[x->node->number], p->segment, &found), n = 0;
    uint32_t *docs = arena_array(&p->set.arena, all, sizeof *docs);
    if (!docs)
        return err_no_memory(err);
    for (size_t i = 0; i < all; i++)
        if (n == 0 || docs[n - 1] != found[i].doc)
            docs[n++] = found[i].doc;
    return walk_list(&p->set, docs, n, &x->cand, err);
}

static enum status plan_leaf(struct plan *p, struct plan_node *x, struct err *err)
{
    switch (x->node->kind) {
    case NODE_TEXT:
    case NODE_NEAR:
        return plan_text(p, x, err);
    case NODE_THEN:
        x->kind = PLAN_THEN;
        return plan_then(p, x, err);
    case NODE_FIELD:
        x->kind = PLAN_MATCH;
        return plan_field(p, x, err);
    case NODE_KIND:
        x->kind = PLAN_MATCH;
        return plan_kind(p, x, err);
    case NODE_STATE:
        x->kind = PLAN_STATE;
        return plan_state(p, x, err);
    case NODE_CONV:
        x->kind = PLAN_MATCH;
        return plan_conv(p, x, err);
    case NODE_ID:
        x->kind = PLAN_ID;
        return plan_id(p, x, err);
    case NODE_TIME:
        x->kind = PLAN_TIME;
        return walk_time(&p->set, x->node->time.from, x->node->time.to + x->node->time.again,
                         &x->cand, err);
    case NODE_HELD:
    case NODE_COPIES:
    case NODE_ATTACHMENT:
    case NODE_PLACE:
        return plan_held(p, x, err);
    default:
        return ST_OK; /* NODE_ALL: any document, no walk */
    }
}

/* ---- operators ---- */

static enum status plan_and(struct plan *p, struct plan_node *x, struct err *err)
{
    size_t n, drivers = 0;
    struct node **of;
    TRY(plan_distinct(p, x->node, &of, &n, err));
    struct walk **walks = arena_array(&p->set.arena, n, sizeof(struct walk *));
    x->kids = arena_array(&p->set.arena, n, sizeof *x->kids);
    if (!walks || !x->kids)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        TRY(plan_build(p, of[i], &x->kids[x->n], err));
        struct walk *w = x->kids[x->n++]->cand;
        if (!w)
            continue;
        walks[drivers++] = w;
        if (w->kind == WALK_NONE)
            break; /* false without the rest */
    }
    return drivers ? walk_and(&p->set, walks, drivers, &x->cand, err) : ST_OK;
}

enum status united_init(struct plan *p, struct united *u, struct err *err)
{
    *u = (struct united){0};
    u->walks = arena_array(&p->set.arena, OR_OPEN_MAX, sizeof(struct walk *));
    return u->walks ? ST_OK : err_no_memory(err);
}

enum status united_add(struct plan *p, struct united *u, struct walk *w, size_t open,
                       struct err *err)
{
    u->some = true;
    bool own_bits = w->kind == WALK_BITS && !w->bits.shared;
    if (!u->bits && !own_bits && u->n < OR_OPEN_MAX) {
        u->walks[u->n++] = w;
        return ST_OK;
    }
    if (!u->bits) {
        /* A bitmap takes the others in. */
        if (own_bits)
            u->bits = w;
        else
            TRY(walk_bits(&p->set, &u->bits, err));
        for (size_t i = 0; i < u->n; i++)
            TRY(walk_pour(&p->set, u->walks[i], u->bits, err));
    }
    if (w == u->bits)
        return ST_OK;
    TRY(walk_pour(&p->set, w, u->bits, err));
    walk_close_from(&p->set, open);
    if (w->kind == WALK_BITS)
        walk_bits_give(&p->set, w);
    return ST_OK;
}

enum status united_end(struct plan *p, struct united *u, struct walk **out, struct err *err)
{
    *out = u->bits;
    return u->bits ? ST_OK : walk_or(&p->set, u->walks, u->n, out, err);
}

static enum status plan_or(struct plan *p, struct plan_node *x, struct err *err)
{
    size_t n, walks_n = 0;
    struct node **of;
    struct united u;
    TRY(plan_distinct(p, x->node, &of, &n, err));
    struct walk **walks = arena_array(&p->set.arena, n + 1, sizeof(struct walk *));
    x->kids = arena_array(&p->set.arena, n + 1, sizeof *x->kids);
    if (!walks || !x->kids)
        return err_no_memory(err);
    TRY(united_init(p, &u, err));
    for (size_t i = 0; i < n; i++) {
        struct plan_node *kid = NULL;
        size_t open = walk_open_count(&p->set);
        TRY(plan_build(p, of[i], &kid, err));
        if (kid->kind == PLAN_MATCH) {
            u.sealed |= kid->sealed;
            TRY(united_add(p, &u, kid->match, open, err));
        } else {
            x->kids[x->n++] = kid;
        }
    }
    if (u.some) {
        struct plan_node *all = plan_make(p, PLAN_MATCH, x->node);
        if (!all)
            return err_no_memory(err);
        TRY(united_end(p, &u, &all->match, err));
        all->cand = all->match;
        if (u.sealed)
            TRY(plan_text_cand(p, all, err));
        x->kids[x->n++] = all;
    }
    for (size_t i = 0; i < x->n; i++) {
        if (!x->kids[i]->cand)
            return ST_OK; /* any document */
        walks[walks_n++] = x->kids[i]->cand;
    }
    return walk_or(&p->set, walks, walks_n, &x->cand, err);
}

static enum status build_node(struct plan *p, const struct node *n, struct plan_node **out,
                              struct err *err)
{
    struct plan_node *x = plan_make(p, PLAN_ANY, n);
    if (!x)
        return err_no_memory(err);
    *out = x;
    switch (n->kind) {
    case NODE_AND:
        x->kind = PLAN_AND;
        return plan_and(p, x, err);
    case NODE_OR:
        x->kind = PLAN_OR;
        return plan_or(p, x, err);
    case NODE_NOT:
        x->kind = PLAN_NOT;
        x->kids = arena_array(&p->set.arena, 1, sizeof *x->kids);
        x->n = 1;
        return x->kids ? plan_build(p, n->list.kids[0], &x->kids[0], err) : err_no_memory(err);
    case NODE_NICK:
        return plan_build(p, p->ids->nicks[n->number], out, err);
    default:
        return plan_leaf(p, x, err);
    }
}

static enum status plan_build(struct plan *p, const struct node *n, struct plan_node **out,
                              struct err *err)
{
    enum status st = build_node(p, n, out, err);
    if (st == ST_LIMIT)
        query_refused(p->query->spans, n);
    return st;
}

enum status plan_open(struct view *v, const struct query *q, const struct plan_ids *ids,
                      uint32_t segment, struct plan *p, struct err *err)
{
    return plan_open_root(v, q, q->root, ids, segment, p, err);
}

enum status plan_open_root(struct view *v, const struct query *q, const struct node *root,
                           const struct plan_ids *ids, uint32_t segment, struct plan *p,
                           struct err *err)
{
    struct segment *s = casefile_segment(v->cf, segment);
    *p = (struct plan){.view = v, .query = q, .ids = ids, .segment = segment};
    p->info = segment_info(s);
    walk_set_init(&p->set, s, v->scratch[segment]);
    p->set.budget = &q->spans->patterns;
    if (q->spans->patterns.segments <= segment)
        q->spans->patterns.segments = segment + 1;
    arena_init(&p->text, (size_t)64 << 10);
    enum status st = ST_OK;
    if (p->info->hidden_docs > 0 && !q->has_kind)
        st = plan_field_walk(p, TERM_KIND, slice_str("hidden"), false, &p->hidden, err);
    if (st == ST_OK && p->info->sealed > 0)
        st = plan_field_walk(p, TERM_HAS, slice_str("sealed"), false, &p->sealed, err);
    if (st == ST_OK)
        st = plan_build(p, root, &p->root, err);
    if (st == ST_OK && !p->root->cand)
        st = walk_range(&p->set, 0, p->info->docs, &p->root->cand, err);
    if (st != ST_OK)
        plan_close(p);
    return st;
}

void plan_close(struct plan *p)
{
    walk_set_release(&p->set);
    arena_release(&p->text);
}
