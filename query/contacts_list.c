/* contacts_list — the graph as seen from one handle, and as GraphML. */
#include <stdlib.h>

#include "query/contacts.h"
#include "query/xml.h"

static void span(int64_t *first, int64_t *last, const struct contact_edge *e)
{
    if (e->first == TIME_NONE)
        return;
    *first = *first == TIME_NONE || e->first < *first ? e->first : *first;
    *last = *last == TIME_NONE || e->last > *last ? e->last : *last;
}

static int by_number(const void *a, const void *b)
{
    const struct contact *x = a, *y = b;
    uint64_t n = x->sent + x->received + x->group_sent + x->group_received;
    uint64_t m = y->sent + y->received + y->group_sent + y->group_received;
    if (n != m)
        return n > m ? -1 : 1;
    if (x->in_groups != y->in_groups)
        return x->in_groups > y->in_groups ? -1 : 1;
    return slice_cmp(x->handle, y->handle);
}

static int by_sent(const void *a, const void *b)
{
    const struct contact_group *x = a, *y = b;
    if (x->sent != y->sent)
        return x->sent > y->sent ? -1 : 1;
    return slice_cmp(x->group, y->group);
}

/* One entry for each node, by its number; those that stay empty are left out at the end. */
static void take_edge(const struct contact_graph *g, const struct contact_edge *e,
                      struct contact *all)
{
    bool group = g->nodes[e->to].group;
    if (group && e->from != g->of) {
        all[e->from].in_groups += e->in_group;
        return;
    }
    if (group)
        return;
    if (e->from == g->of) {
        all[e->to].sent += e->direct;
        all[e->to].group_sent += e->in_group;
        span(&all[e->to].first, &all[e->to].last, e);
    }
    if (e->to == g->of) {
        all[e->from].received += e->direct;
        all[e->from].group_received += e->in_group;
        span(&all[e->from].first, &all[e->from].last, e);
    }
}

enum status contacts_list(const struct contact_graph *g, struct arena *a, struct contact **out,
                          size_t *n, struct err *err)
{
    struct contact *all = arena_array(a, g->n, sizeof *all);
    if (!all)
        return err_no_memory(err);
    for (size_t i = 0; i < g->n; i++)
        all[i] =
            (struct contact){.handle = g->nodes[i].name, .first = TIME_NONE, .last = TIME_NONE};
    for (size_t i = 0; i < g->n_edges; i++)
        take_edge(g, &g->edges[i], all);
    *n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (all[i].sent | all[i].received | all[i].group_sent | all[i].group_received |
            all[i].in_groups)
            all[(*n)++] = all[i];
    if (*n > 1)
        qsort(all, *n, sizeof *all, by_number);
    *out = all;
    return ST_OK;
}

enum status contacts_groups(const struct contact_graph *g, struct arena *a,
                            struct contact_group **out, size_t *n, struct err *err)
{
    struct contact_group *all = arena_array(a, g->n, sizeof *all);
    if (!all)
        return err_no_memory(err);
    for (size_t i = 0; i < g->n; i++)
        all[i] = (struct contact_group){
            .group = g->nodes[i].name, .first = TIME_NONE, .last = TIME_NONE};
    for (size_t i = 0; i < g->n_edges; i++) {
        const struct contact_edge *e = &g->edges[i];
        if (!g->nodes[e->to].group)
            continue;
        *(e->from == g->of ? &all[e->to].sent : &all[e->to].others) += e->in_group;
        span(&all[e->to].first, &all[e->to].last, e);
    }
    *n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (all[i].sent | all[i].others)
            all[(*n)++] = all[i];
    if (*n > 1)
        qsort(all, *n, sizeof *all, by_sent);
    *out = all;
    return ST_OK;
}

/* ---- GraphML ---- */

static void put_data(struct buf *out, const char *key, uint64_t n)
{
    buf_printf(out, "<data key=\"%s\">%llu</data>", key, (unsigned long long)n);
}

static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    if (ms == TIME_NONE)
        return;
    time_text(ms, text);
    buf_printf(out, "<data key=\"%s\">%s</data>", key, text);
}

static void put_name(struct buf *out, const struct contact_node *node)
{
    buf_put_str(out, "<data key=\"name\">");
    xml_text(out, node->name);
    buf_printf(out, "</data><data key=\"kind\">%s</data>", node->group ? "group" : "handle");
    /* The name as it is: what xml_text shows cannot be told from one that was so. */
    buf_put_str(out, "<data key=\"name_base64\">");
    base64_encode(node->name, out);
    buf_put_str(out, "</data>");
}

void contacts_graphml(const struct contact_graph *g, struct buf *out)
{
    static const char *const keys[][3] = {
        {"name", "node", "string"},   {"name_base64", "node", "string"},
        {"kind", "node", "string"},   {"messages", "edge", "long"},
        {"in_group", "edge", "long"}, {"first", "edge", "string"},
        {"last", "edge", "string"},
    };
    buf_put_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        buf_printf(out, "<key id=\"%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n",
                   keys[i][0], keys[i][1], keys[i][0], keys[i][2]);
    buf_put_str(out, "<graph id=\"contacts\" edgedefault=\"directed\">\n");
    for (size_t i = 0; i < g->n; i++) {
        if (!g->nodes[i].shown && i != g->of)
            continue;
        buf_printf(out, "<node id=\"n%zu\">", i);
        put_name(out, &g->nodes[i]);
        buf_put_str(out, "</node>\n");
    }
    for (size_t i = 0; i < g->n_edges; i++) {
        const struct contact_edge *e = &g->edges[i];
        buf_printf(out, "<edge source=\"n%u\" target=\"n%u\">", e->from, e->to);
        put_data(out, "messages", e->direct + e->in_group);
        put_data(out, "in_group", e->in_group);
        put_time(out, "first", e->first);
        put_time(out, "last", e->last);
        buf_put_str(out, "</edge>\n");
    }
    buf_put_str(out, "</graph>\n</graphml>\n");
}
