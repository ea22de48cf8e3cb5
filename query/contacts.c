/* contacts — who wrote to whom. For each segment the sender of every document is written into an
 * array, from the postings of senders; then the postings of recipients and groups say to whom. Both
 * are read from end to end, so it costs the same for one handle as for all, and no body is read. */
#include "query/contacts.h"

#include <stdlib.h>

#include "lictor/hash.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define STOP_EVERY 65536
#define NOBODY UINT32_MAX

struct counter {
    struct contact_graph *g;
    uint32_t segment;
    struct segment *s;
    struct segment_scratch *x;
    uint32_t docs;
    uint32_t *sender;  /* by document: node; NOBODY also where it is out of range */
    uint8_t *in_group; /* bit a document: in a group */
    const uint32_t *repeats, *messages;
    size_t n_repeats;
    struct arena a; /* a name */
    uint32_t asked;
    uint8_t *ours; /* by node: a group in which the handle asked for wrote */
    size_t n_ours;
};

/* ---- tables ---- */

/* Names are chosen by those who are watched: the seed is random, and entries are compared. */
static uint64_t name_hash(const struct contact_graph *g, struct slice name, bool group)
{
    return hash_bytes(name, g->seed ^ group);
}

static uint64_t pair_hash(uint32_t from, uint32_t to)
{
    uint64_t h = ((uint64_t)from << 32 | to) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}

static size_t slot_free(const uint32_t *slots, size_t n, uint64_t hash)
{
    size_t at = (size_t)hash & (n - 1);
    while (slots[at])
        at = (at + 1) & (n - 1);
    return at;
}

/* Twice the room; the caller puts all in again. */
static enum status slots_double(uint32_t **slots, size_t *n, struct err *err)
{
    uint32_t *more = calloc(*n ? 2 * *n : 1024, sizeof *more);
    if (!more)
        return err_no_memory(err);
    free(*slots);
    *slots = more;
    *n = *n ? 2 * *n : 1024;
    return ST_OK;
}

static enum status node_get(struct contact_graph *g, struct slice name, bool group, uint32_t *out,
                            struct err *err)
{
    if (2 * (g->n + 1) > g->n_node_slots) {
        TRY(slots_double(&g->node_slots, &g->n_node_slots, err));
        for (size_t i = 0; i < g->n; i++)
            g->node_slots[slot_free(g->node_slots, g->n_node_slots,
                                    name_hash(g, g->nodes[i].name, g->nodes[i].group))] =
                (uint32_t)i + 1;
    }
    size_t at = (size_t)name_hash(g, name, group) & (g->n_node_slots - 1);
    for (; g->node_slots[at]; at = (at + 1) & (g->n_node_slots - 1)) {
        const struct contact_node *node = &g->nodes[g->node_slots[at] - 1];
        if (node->group == group && slice_eq(node->name, name)) {
            *out = g->node_slots[at] - 1;
            return ST_OK;
        }
    }
    if (g->n == NOBODY - 1)
        return err_set(err, ST_LIMIT, "the case has more handles than can be counted");
    if (g->n == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 1024;
        struct contact_node *nodes = reallocarray(g->nodes, cap, sizeof *nodes);
        if (!nodes)
            return err_no_memory(err);
        g->nodes = nodes;
        g->cap = cap;
    }
    struct contact_node node = {.name = arena_copy(&g->names, name), .group = group};
    if (!node.name.data)
        return err_no_memory(err);
    g->nodes[g->n] = node;
    *out = (uint32_t)g->n++;
    g->node_slots[at] = *out + 1;
    return ST_OK;
}

static enum status edge_new(struct contact_graph *g, uint32_t from, uint32_t to, size_t *out,
                            struct err *err)
{
    if (g->of == NOBODY && g->n_edges == CONTACTS_PAIRS_MAX)
        return err_set(err, ST_USAGE,
                       "more than %u pairs wrote to each other: too many for one graph; name a "
                       "HANDLE (contacts CASE HANDLE)",
                       CONTACTS_PAIRS_MAX);
    if (g->n_edges == g->cap_edges) {
        size_t cap = g->cap_edges ? 2 * g->cap_edges : 1024;
        struct contact_edge *edges = reallocarray(g->edges, cap, sizeof *edges);
        if (!edges)
            return err_no_memory(err);
        g->edges = edges;
        g->cap_edges = cap;
    }
    g->edges[g->n_edges] =
        (struct contact_edge){.from = from, .to = to, .first = TIME_NONE, .last = TIME_NONE};
    *out = g->n_edges++;
    return ST_OK;
}

static enum status edge_get(struct contact_graph *g, uint32_t from, uint32_t to,
                            struct contact_edge **out, struct err *err)
{
    if (2 * (g->n_edges + 1) > g->n_edge_slots) {
        TRY(slots_double(&g->edge_slots, &g->n_edge_slots, err));
        for (size_t i = 0; i < g->n_edges; i++)
            g->edge_slots[slot_free(g->edge_slots, g->n_edge_slots,
                                    pair_hash(g->edges[i].from, g->edges[i].to))] = (uint32_t)i + 1;
    }
    size_t at = (size_t)pair_hash(from, to) & (g->n_edge_slots - 1), edge = 0;
    for (; g->edge_slots[at]; at = (at + 1) & (g->n_edge_slots - 1)) {
        struct contact_edge *e = &g->edges[g->edge_slots[at] - 1];
        if (e->from == from && e->to == to) {
            *out = e;
            return ST_OK;
        }
    }
    TRY(edge_new(g, from, to, &edge, err));
    g->edge_slots[at] = (uint32_t)edge + 1;
    *out = &g->edges[edge];
    return ST_OK;
}

/* ---- documents ---- */

static bool bit(const uint8_t *bits, uint32_t doc) { return (bits[doc / 8] >> doc % 8 & 1) != 0; }

static uint64_t messages_of(const struct counter *c, uint32_t doc)
{
    size_t lo = 0, hi = c->n_repeats;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->repeats[mid] < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < c->n_repeats && c->repeats[lo] == doc ? c->messages[lo] : 1;
}

static enum status edge_add(struct counter *c, uint32_t to, uint32_t doc, struct err *err)
{
    struct contact_edge *e = NULL;
    int64_t sent;
    TRY(edge_get(c->g, c->sender[doc], to, &e, err));
    *(bit(c->in_group, doc) ? &e->in_group : &e->direct) += messages_of(c, doc);
    TRY(segment_sent(c->s, c->x, doc, &sent, err));
    if (time_untimed(sent))
        return ST_OK;
    e->first = e->first == TIME_NONE || sent < e->first ? sent : e->first;
    e->last = e->last == TIME_NONE || sent > e->last ? sent : e->last;
    return ST_OK;
}

static enum status sender_set(struct counter *c, uint32_t doc, uint32_t node, struct err *err)
{
    (void)err;
    c->sender[doc] = node;
    return ST_OK;
}

static enum status sender_clear(struct counter *c, uint32_t doc, uint32_t node, struct err *err)
{
    (void)err, (void)node;
    c->sender[doc] = NOBODY;
    return ST_OK;
}

static enum status group_mark(struct counter *c, uint32_t doc, uint32_t node, struct err *err)
{
    (void)err, (void)node;
    c->in_group[doc / 8] = (uint8_t)(c->in_group[doc / 8] | 1u << doc % 8);
    return ST_OK;
}

/* A document goes to `node`. */
static enum status recipient_add(struct counter *c, uint32_t doc, uint32_t node, struct err *err)
{
    uint32_t of = c->g->of;
    if (c->sender[doc] == NOBODY || (of != NOBODY && c->sender[doc] != of && node != of))
        return ST_OK;
    return edge_add(c, node, doc, err);
}

static enum status group_add(struct counter *c, uint32_t doc, uint32_t node, struct err *err)
{
    bool ours = c->g->of == NOBODY || (node < c->n_ours && c->ours[node]);
    return ours && c->sender[doc] != NOBODY ? edge_add(c, node, doc, err) : ST_OK;
}

/* The handle asked for wrote in this group. */
static enum status group_ours(struct counter *c, uint32_t doc, uint32_t node, struct err *err)
{
    if (c->sender[doc] != c->g->of)
        return ST_OK;
    if (node >= c->n_ours) {
        size_t n = 2 * (size_t)node + 64;
        uint8_t *ours = realloc(c->ours, n);
        if (!ours)
            return err_no_memory(err);
        memset(ours + c->n_ours, 0, n - c->n_ours);
        c->ours = ours;
        c->n_ours = n;
    }
    c->ours[node] = 1;
    return ST_OK;
}

typedef enum status document_fn(struct counter *c, uint32_t doc, uint32_t node, struct err *err);

static enum status posting_each(struct counter *c, uint64_t handle, uint32_t node, document_fn *fn,
                                struct err *err)
{
    struct posting_iter *it;
    uint32_t doc = 0;
    enum status st;
    TRY(posting_iter_open(c->s, handle, &it, err));
    while ((st = posting_iter_seek(it, doc, &doc, err)) == ST_OK && doc < c->docs) {
        st = ++c->asked % STOP_EVERY == 0 && stop_asked()
                 ? err_set(err, ST_INTERRUPTED, "interrupted")
                 : fn(c, doc, node, err);
        if (st != ST_OK)
            break;
        doc++;
    }
    posting_iter_close(it);
    return st;
}

/* All terms of a field. `only`: just this value of it; data NULL: all. */
static enum status terms_each(struct counter *c, enum term_field field, const char *only,
                              document_fn *fn, struct err *err)
{
    uint8_t first = (uint8_t)field;
    struct term_entry e;
    struct term_iter *it;
    enum status st;
    TRY(term_iter_open(c->s, slice_of(&first, 1), &it, err));
    while ((st = term_iter_next(it, &e, err)) == ST_OK && e.term.data[0] == first) {
        uint32_t node = NOBODY;
        struct slice name = slice_of(e.term.data + 1, e.term.len - 1);
        if (only && !slice_eq_str(name, only))
            continue;
        uint64_t handle = e.handle;
        arena_reset(&c->a);
        if (!only)
            st = view_whole_value(c->g->v, c->segment, &e, &c->a, &name, err);
        if (st == ST_OK && !only)
            st = node_get(c->g, name, field == TERM_GROUP, &node, err);
        if (st == ST_OK)
            st = posting_each(c, handle, node, fn, err);
        if (st != ST_OK)
            break;
    }
    term_iter_close(it);
    return st == ST_END ? ST_OK : st;
}

/* Recipients that only copies name: they have no term. */
static enum status copies_each(struct counter *c, struct err *err)
{
    const uint32_t *docs;
    size_t n;
    TRY(segment_copy_to(c->s, &docs, &n, err));
    for (size_t i = 0; i < n; i++) {
        const struct slice *to;
        size_t n_to;
        if (docs[i] >= c->docs || c->sender[docs[i]] == NOBODY)
            continue;
        arena_reset(&c->a);
        TRY(view_copy_to(c->g->v, c->segment, docs[i], &c->a, &to, &n_to, err));
        for (size_t k = 0; k < n_to; k++) {
            uint32_t node;
            TRY(node_get(c->g, to[k], false, &node, err));
            TRY(recipient_add(c, docs[i], node, err));
        }
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

/* ---- segments ---- */

static void segment_close_counter(struct counter *c)
{
    free(c->sender);
    free(c->in_group);
    c->sender = NULL;
    c->in_group = NULL;
}

/* Senders of what words, * and NOT range over. */
static enum status segment_open_counter(struct counter *c, uint32_t segment, struct err *err)
{
    segment_close_counter(c);
    c->segment = segment;
    c->s = casefile_segment(c->g->v->cf, segment);
    c->x = c->g->v->scratch[segment];
    c->docs = segment_info(c->s)->docs;
    c->sender = malloc((c->docs + (size_t)1) * sizeof *c->sender);
    c->in_group = calloc(c->docs / 8 + (size_t)1, 1);
    if (!c->sender || !c->in_group)
        return err_no_memory(err);
    memset(c->sender, 0xff, (c->docs + (size_t)1) * sizeof *c->sender);
    TRY(segment_repeats(c->s, &c->repeats, &c->messages, &c->n_repeats, err));
    TRY(terms_each(c, TERM_FROM, NULL, sender_set, err));
    return terms_each(c, TERM_KIND, "hidden", sender_clear, err);
}

static enum status count_segment(struct counter *c, uint32_t segment, struct err *err)
{
    TRY(segment_open_counter(c, segment, err));
    TRY(terms_each(c, TERM_GROUP, NULL, group_mark, err));
    TRY(terms_each(c, TERM_TO, NULL, recipient_add, err));
    TRY(copies_each(c, err));
    return terms_each(c, TERM_GROUP, NULL, group_add, err);
}

static int by_nodes(const void *a, const void *b)
{
    const struct contact_edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static void finish(struct contact_graph *g)
{
    if (g->n_edges > 1)
        qsort(g->edges, g->n_edges, sizeof *g->edges, by_nodes);
    for (size_t i = 0; i < g->n_edges; i++)
        g->nodes[g->edges[i].from].shown = g->nodes[g->edges[i].to].shown = true;
}

static enum status count_all(struct counter *c, struct err *err)
{
    uint32_t n = (uint32_t)casefile_segments(c->g->v->cf);
    /* In which groups it wrote must be known before what others wrote there is counted. */
    for (uint32_t i = 0; c->g->of != NOBODY && i < n; i++) {
        TRY(segment_open_counter(c, i, err));
        TRY(terms_each(c, TERM_GROUP, NULL, group_ours, err));
    }
    for (uint32_t i = 0; i < n; i++)
        TRY(count_segment(c, i, err));
    return ST_OK;
}

enum status contacts_count(struct view *v, struct slice handle, struct contact_graph *out,
                           struct err *err)
{
    struct counter c = {.g = out};
    *out = (struct contact_graph){.v = v, .of = NOBODY};
    arena_init(&out->names, (size_t)64 << 10);
    arena_init(&c.a, (size_t)16 << 10);
    enum status st = os_random(&out->seed, sizeof out->seed, err);
    if (st == ST_OK && handle.data)
        st = node_get(out, handle, false, &out->of, err);
    if (st == ST_OK)
        st = count_all(&c, err);
    if (st == ST_OK)
        finish(out);
    segment_close_counter(&c);
    free(c.ours);
    arena_release(&c.a);
    if (st != ST_OK)
        contacts_release(out);
    return st;
}

void contacts_release(struct contact_graph *g)
{
    free(g->nodes);
    free(g->edges);
    free(g->node_slots);
    free(g->edge_slots);
    arena_release(&g->names);
    *g = (struct contact_graph){0};
}
