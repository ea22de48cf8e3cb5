/* clock_graph — each piece of a device's clock is a node, the least delays between two nodes are an
 * arc: with both directions of it the way cancels out, with one it is taken to be as long as
 * elsewhere. A spanning forest of the surest arcs gives first values, medians over all arcs settle
 * them. */
#include <stdlib.h>

#include "query/clocks.h"

#define SWEEPS 20
#define DELAY_MOST_MS 30000
#define NEAR_MS 2000

struct arc { /* between nodes a < b, or a == b: the device's own copies */
    uint32_t a, b;
    size_t n_ab, n_ba; /* stamped by a, seen at b */
    int64_t late_ab, late_ba;
};

struct graph {
    const struct clock_seen *seen;
    size_t n;
    struct clocks *c;
    int64_t *scratch; /* n */
    struct arc *arcs; /* at most n / CLOCK_LEAST */
    size_t n_arcs;
    uint32_t *first_node; /* of each device, and one more */
    uint32_t nodes;
    uint32_t *parent;
    int64_t *ahead;
    size_t *weight;       /* messages of its arcs to others */
    struct weighed *room; /* for as many as nodes or twice the arcs */
    struct spoke *spokes; /* twice the arcs */
    int64_t delay;
};

/* Forged times along a chain of devices must not add up beyond all numbers. */
static int64_t bounded(int64_t ms)
{
    return ms > 4 * TIME_MAX_MS ? 4 * TIME_MAX_MS : ms < -4 * TIME_MAX_MS ? -4 * TIME_MAX_MS : ms;
}

static int64_t size_of(int64_t x) { return x < 0 ? -x : x; }

/* ---- nodes and arcs ---- */

static uint32_t node_of(const struct graph *g, uint32_t device, int64_t shown)
{
    return g->first_node[device] + (uint32_t)clock_piece_at(&g->c->all[device], shown);
}

struct half { /* one direction of an arc */
    uint32_t by, at;
    int64_t late;
};

static int by_half(const void *a, const void *b)
{
    const struct half *x = a, *y = b;
    uint32_t xa = x->by < x->at ? x->by : x->at, xb = x->by < x->at ? x->at : x->by;
    uint32_t ya = y->by < y->at ? y->by : y->at, yb = y->by < y->at ? y->at : y->by;
    if (xa != ya)
        return xa < ya ? -1 : 1;
    if (xb != yb)
        return xb < yb ? -1 : 1;
    return (x->by > y->by) - (x->by < y->by);
}

static void arc_put(struct graph *g, const struct half *h, size_t n)
{
    uint32_t a = h->by < h->at ? h->by : h->at, b = h->by < h->at ? h->at : h->by;
    struct arc *to = g->n_arcs ? &g->arcs[g->n_arcs - 1] : NULL;
    if (n < CLOCK_LEAST)
        return;
    for (size_t i = 0; i < n; i++)
        g->scratch[i] = h[i].late;
    if (!to || to->a != a || to->b != b) {
        to = &g->arcs[g->n_arcs++];
        *to = (struct arc){.a = a, .b = b};
    }
    *(h->by == a ? &to->n_ab : &to->n_ba) = n;
    *(h->by == a ? &to->late_ab : &to->late_ba) = clock_level(g->scratch, n);
}

static enum status arcs_make(struct graph *g, struct err *err)
{
    struct half *all = calloc(g->n + 1, sizeof *all);
    if (!all)
        return err_no_memory(err);
    for (size_t i = 0; i < g->n; i++) {
        const struct clock_seen *s = &g->seen[i];
        all[i] = (struct half){node_of(g, s->by, s->sent), node_of(g, s->at, s->delivered),
                               s->delivered - s->sent};
    }
    if (g->n > 1)
        qsort(all, g->n, sizeof *all, by_half);
    for (size_t from = 0, to; from < g->n; from = to) {
        for (to = from; to < g->n && all[to].by == all[from].by && all[to].at == all[from].at; to++)
            ;
        arc_put(g, all + from, to - from);
    }
    free(all);
    return ST_OK;
}

/* ---- what the clocks are ---- */

struct weighed {
    int64_t value;
    size_t weight;
};

static int by_weighed(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Sorts; n > 0. */
static int64_t weighed_median(struct weighed *w, size_t n)
{
    size_t sum = 0, half = 0, i = 0;
    qsort(w, n, sizeof *w, by_weighed);
    for (size_t k = 0; k < n; k++)
        sum += w[k].weight;
    for (; i + 1 < n && half + w[i].weight < (sum + 1) / 2; i++)
        half += w[i].weight;
    return w[i].value;
}

/* The mean of what lies near the median. */
static int64_t weighed_middle(struct weighed *w, size_t n)
{
    int64_t about = weighed_median(w, n);
    double sum = 0, weight = 0;
    for (size_t i = 0; i < n; i++)
        if (size_of(w[i].value - about) <= NEAR_MS) {
            sum += (double)(w[i].value - about) * (double)w[i].weight;
            weight += (double)w[i].weight;
        }
    return about + (int64_t)(sum / weight);
}

static bool both_ways(const struct arc *a) { return a->n_ab && a->n_ba && a->a != a->b; }
static size_t arc_weight(const struct arc *a)
{
    size_t less = a->n_ab < a->n_ba ? a->n_ab : a->n_ba;
    return both_ways(a) ? 4 * less : a->n_ab + a->n_ba;
}

/* b's clock minus a's. */
static int64_t arc_step(const struct graph *g, const struct arc *a)
{
    if (both_ways(a))
        return (a->late_ab - a->late_ba) / 2;
    return a->n_ab ? a->late_ab - g->delay : g->delay - a->late_ba;
}

static void delay_find(struct graph *g)
{
    size_t k = 0;
    for (size_t i = 0; i < g->n_arcs; i++)
        if (both_ways(&g->arcs[i]))
            g->room[k++] = (struct weighed){(g->arcs[i].late_ab + g->arcs[i].late_ba) / 2,
                                            arc_weight(&g->arcs[i])};
    g->delay = k ? weighed_median(g->room, k) : 0;
    g->delay = g->delay < 0 ? 0 : g->delay > DELAY_MOST_MS ? DELAY_MOST_MS : g->delay;
}

static int by_weight(const void *a, const void *b)
{
    const struct arc *x = a, *y = b;
    size_t wx = arc_weight(x), wy = arc_weight(y);
    if (wx != wy)
        return wx > wy ? -1 : 1;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* Root of a node; g->ahead of a node is against its parent until all are settled. */
static uint32_t root_of(uint32_t *parent, int64_t *ahead, uint32_t node)
{
    int64_t sum = 0;
    uint32_t root = node;
    while (parent[root] != root) {
        sum = bounded(sum + ahead[root]);
        root = parent[root];
    }
    while (node != root) { /* shorten the way */
        uint32_t next = parent[node];
        int64_t own = ahead[node];
        parent[node] = root;
        ahead[node] = sum;
        sum = bounded(sum - own);
        node = next;
    }
    return root;
}

static void forest(struct graph *g)
{
    if (g->n_arcs > 1)
        qsort(g->arcs, g->n_arcs, sizeof *g->arcs, by_weight);
    for (uint32_t i = 0; i < g->nodes; i++)
        g->parent[i] = i;
    for (size_t i = 0; i < g->n_arcs; i++) {
        const struct arc *one = &g->arcs[i];
        uint32_t a = root_of(g->parent, g->ahead, one->a);
        uint32_t b = root_of(g->parent, g->ahead, one->b);
        if (a == b)
            continue;
        /* What stands in a root means nothing until it has a parent: it is 0. */
        g->parent[b] = a;
        g->ahead[b] = bounded(g->ahead[one->a] + arc_step(g, one) - g->ahead[one->b]);
    }
    for (uint32_t i = 0; i < g->nodes; i++)
        (void)root_of(g->parent, g->ahead, i);
}

struct spoke { /* an arc as one of its ends sees it */
    uint32_t node, other;
    int64_t step; /* node's clock minus the other's */
    size_t weight;
};

static int by_node(const void *a, const void *b)
{
    const struct spoke *x = a, *y = b;
    return (x->node > y->node) - (x->node < y->node);
}

static size_t spokes_make(struct graph *g)
{
    size_t k = 0;
    for (size_t i = 0; i < g->n_arcs; i++) {
        const struct arc *one = &g->arcs[i];
        int64_t step = arc_step(g, one);
        if (one->a == one->b)
            continue;
        g->weight[one->a] += one->n_ab + one->n_ba;
        g->weight[one->b] += one->n_ab + one->n_ba;
        g->spokes[k++] = (struct spoke){one->a, one->b, -step, arc_weight(one)};
        g->spokes[k++] = (struct spoke){one->b, one->a, step, arc_weight(one)};
    }
    if (k > 1)
        qsort(g->spokes, k, sizeof *g->spokes, by_node);
    return k;
}

static void settle(struct graph *g)
{
    const struct spoke *s = g->spokes;
    size_t n = spokes_make(g);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t from = 0, to; from < n; from = to) {
            size_t k = 0;
            for (to = from; to < n && s[to].node == s[from].node; to++)
                g->room[k++] = (struct weighed){g->ahead[s[to].other] + s[to].step, s[to].weight};
            g->ahead[s[from].node] = bounded(weighed_middle(g->room, k));
        }
}

struct leaf {
    uint32_t root, node;
};

static int by_root(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Each tree against its middle clock. All count the same: the devices that were asked for have more
 * messages here than those they are compared with, and are no better for it. */
static enum status centre(struct graph *g, struct err *err)
{
    struct leaf *all = calloc(g->nodes + (size_t)1, sizeof *all);
    if (!all)
        return err_no_memory(err);
    for (uint32_t i = 0; i < g->nodes; i++)
        all[i] = (struct leaf){g->parent[i], i};
    if (g->nodes > 1)
        qsort(all, g->nodes, sizeof *all, by_root);
    for (size_t from = 0, to; from < g->nodes; from = to) {
        for (to = from; to < g->nodes && all[to].root == all[from].root; to++)
            g->room[to - from] =
                (struct weighed){g->ahead[all[to].node], g->weight[all[to].node] > 0};
        int64_t about = weighed_median(g->room, to - from);
        for (size_t i = from; i < to; i++)
            g->ahead[all[i].node] -= about;
    }
    free(all);
    return ST_OK;
}

/* ---- what it comes to ---- */

/* How late the sender's own copies are, as a rule: their clock is the stamp's, so this is a delay,
 * and much the same on every device. */
static int64_t own_rule(struct graph *g)
{
    size_t k = 0;
    for (size_t i = 0; i < g->n_arcs; i++)
        if (g->arcs[i].a == g->arcs[i].b)
            g->room[k++] = (struct weighed){g->arcs[i].late_ab, g->arcs[i].n_ab};
    int64_t rule = k ? weighed_median(g->room, k) : 0;
    return rule < 0 ? 0 : rule;
}

static int64_t cost_of(struct graph *g)
{
    int64_t sum = 0, n = 0, own = own_rule(g);
    for (size_t i = 0; i < g->n_arcs; i++) {
        const struct arc *one = &g->arcs[i];
        int64_t step = g->ahead[one->b] - g->ahead[one->a], off[2] = {0};
        int64_t late = one->a == one->b ? own : g->delay;
        if (one->n_ab)
            off[0] = size_of(one->late_ab - late - step);
        if (one->n_ba)
            off[1] = size_of(one->late_ba - late + step);
        n += (one->n_ab > 0) + (one->n_ba > 0);
        for (int k = 0; k < 2; k++)
            sum += off[k] < CLOCK_COST_MOST_MS ? off[k] : CLOCK_COST_MOST_MS;
    }
    return n ? sum / n : 0;
}

/* A node is known by others: alone it would be against itself. */
static void pieces_set(struct graph *g)
{
    for (size_t i = 0; i < g->c->n; i++)
        for (uint32_t k = 0; k < g->c->all[i].n; k++) {
            struct clock_piece *p = &g->c->all[i].pieces[k];
            uint32_t node = g->first_node[i] + k;
            p->messages = g->weight[node];
            p->known = p->messages > 0;
            p->ahead_ms = p->known ? g->ahead[node] : 0;
        }
}

static enum status graph_room(struct graph *g, struct err *err)
{
    size_t arcs = 2 * (g->n / CLOCK_LEAST) + 2;
    g->first_node = calloc(g->c->n + 1, sizeof *g->first_node);
    if (!g->first_node)
        return err_no_memory(err);
    for (size_t i = 0; i < g->c->n; i++)
        g->first_node[i + 1] = g->first_node[i] + (uint32_t)g->c->all[i].n;
    g->nodes = g->first_node[g->c->n];
    size_t room = g->nodes > arcs ? g->nodes : arcs;
    g->scratch = calloc(g->n + 1, sizeof *g->scratch);
    g->arcs = calloc(arcs, sizeof *g->arcs);
    g->parent = calloc(room, sizeof *g->parent);
    g->ahead = calloc(room, sizeof *g->ahead);
    g->weight = calloc(room, sizeof *g->weight);
    g->room = calloc(room, sizeof *g->room);
    g->spokes = calloc(room, sizeof *g->spokes);
    bool ok = g->scratch && g->arcs && g->parent && g->ahead && g->weight && g->room && g->spokes;
    return ok ? ST_OK : err_no_memory(err);
}

static void graph_free(struct graph *g)
{
    free(g->first_node);
    free(g->scratch);
    free(g->arcs);
    free(g->parent);
    free(g->ahead);
    free(g->weight);
    free(g->room);
    free(g->spokes);
}

enum status clock_graph_fit(const struct clock_seen *seen, size_t n, struct clocks *c,
                            int64_t *cost, struct err *err)
{
    struct graph g = {.seen = seen, .n = n, .c = c};
    enum status st = graph_room(&g, err);
    if (st == ST_OK)
        st = arcs_make(&g, err);
    if (st == ST_OK) {
        delay_find(&g);
        forest(&g);
        settle(&g);
        st = centre(&g, err);
    }
    if (st == ST_OK) {
        *cost = cost_of(&g);
        c->delay_ms = g.delay;
        pieces_set(&g);
    }
    graph_free(&g);
    return st;
}
