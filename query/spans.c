/* spans — phrases by leaping along the shortest list, words within a distance by bipartite
 * matching; and the budget of steps. */
#include "query/spans.h"

#include <stdlib.h>

#define FEW_PARTS 16 /* phrases of so many words take nothing from the heap */

void span_list_release(struct span_list *l)
{
    free(l->at);
    *l = (struct span_list){0};
}

static enum status too_many(struct err *err)
{
    return err_set(err, ST_LIMIT,
                   "there are more than %zu ways to find a part of the query in one message; use "
                   "shorter distances or rarer words",
                   SPANS_MAX);
}

enum status span_list_put(struct span_list *l, uint32_t first, uint32_t last, struct err *err)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        if (l->n >= SPANS_MAX)
            return too_many(err);
        struct span *at = realloc(l->at, cap * sizeof *at);
        if (!at)
            return err_no_memory(err);
        l->at = at;
        l->cap = cap;
    }
    l->at[l->n++] = (struct span){first, last};
    return ST_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->last > y->last) - (x->last < y->last);
}

void span_list_sort(struct span_list *l)
{
    size_t n = 0;
    if (l->n < 2)
        return;
    qsort(l->at, l->n, sizeof *l->at, by_place);
    for (size_t i = 1; i < l->n; i++)
        if (by_place(&l->at[n], &l->at[i]) != 0)
            l->at[++n] = l->at[i];
    l->n = n + 1;
}

enum status spans_charge(struct spans_work *w, uint64_t steps, struct err *err)
{
    uint64_t before = w->steps, gift = SPANS_FREE + w->free;
    w->steps += steps;
    if (w->steps <= gift)
        return ST_OK;
    w->budget->spent += w->steps - (before > gift ? before : gift);
    if (w->budget->spent <= w->budget->most)
        return ST_OK;
    return err_set(
        err, ST_LIMIT,
        "there are more than %llu ways to look at in all messages; use shorter distances "
        "or rarer words",
        (unsigned long long)w->budget->most);
}

/* ---- phrases ---- */

/* First of the positions [from, n) that is >= want. */
static size_t position_at(struct positions p, size_t from, uint64_t want)
{
    size_t lo = from, step = 1;
    while (p.n - lo > step && p.at[lo + step] < want) {
        lo += step;
        step *= 2;
    }
    size_t hi = p.n - lo > step ? lo + step : p.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p.at[mid] < want)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

enum status spans_phrase(const struct positions *parts, const uint32_t *offsets, size_t n, bool one,
                         struct span_list *out, struct err *err)
{
    size_t least = 0, few[FEW_PARTS] = {0};
    MUST(n > 0);
    size_t *at = n > FEW_PARTS ? calloc(n, sizeof *at) : few;
    if (!at)
        return err_no_memory(err);
    for (size_t i = 1; i < n; i++)
        if (parts[i].n < parts[least].n)
            least = i;
    enum status st = ST_OK;
    for (size_t j = 0; st == ST_OK && j < parts[least].n && !(one && out->n > 0); j++) {
        bool all = parts[least].at[j] >= offsets[least];
        uint64_t first = (uint64_t)parts[least].at[j] - (all ? offsets[least] : 0);
        for (size_t i = 0; all && i < n; i++) {
            if (i == least)
                continue;
            at[i] = position_at(parts[i], at[i], first + offsets[i]);
            all = at[i] < parts[i].n && parts[i].at[at[i]] == first + offsets[i];
        }
        if (all)
            st = span_list_put(out, (uint32_t)first, (uint32_t)(first + offsets[n - 1]), err);
    }
    if (at != few)
        free(at);
    return st;
}

/* ---- all within a distance ---- */

#define NOBODY UINT32_MAX
#define SEVERAL (UINT32_MAX - 1)

/* The positions of all parts as one list; parts and places are a bipartite graph. */
struct window {
    const struct positions *parts;
    size_t n;
    uint32_t *places; /* ascending, distinct */
    size_t n_places;
    uint32_t *owner; /* the one part that stands at a place, or SEVERAL */
    uint32_t *taken; /* matching: the part that has a place, or NOBODY */
    uint32_t *seen;  /* the search that came to a place last */
    uint32_t search;
    uint64_t steps;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void window_release(struct window *w)
{
    free(w->places);
    free(w->owner);
    free(w->taken);
    free(w->seen);
}

static size_t place_of(const struct window *w, uint32_t position)
{
    return position_at((struct positions){w->places, w->n_places}, 0, position);
}

static enum status window_init(struct window *w, const struct positions *parts, size_t n,
                               struct err *err)
{
    size_t all = 0;
    *w = (struct window){.parts = parts, .n = n};
    for (size_t i = 0; i < n; i++)
        all += parts[i].n;
    w->places = calloc(all + 1, sizeof *w->places);
    w->owner = calloc(all + 1, sizeof *w->owner);
    w->taken = calloc(all + 1, sizeof *w->taken);
    w->seen = calloc(all + 1, sizeof *w->seen);
    if (!w->places || !w->owner || !w->taken || !w->seen)
        return err_no_memory(err);
    all = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < parts[i].n; j++)
            w->places[all++] = parts[i].at[j];
    qsort(w->places, all, sizeof *w->places, by_number);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || w->places[i] != w->places[i - 1])
            w->places[w->n_places++] = w->places[i];
    for (size_t i = 0; i < w->n_places; i++)
        w->owner[i] = NOBODY;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < parts[i].n; j++) {
            size_t at = place_of(w, parts[i].at[j]);
            w->owner[at] = w->owner[at] == NOBODY ? (uint32_t)i : SEVERAL;
        }
    return ST_OK;
}

/* A place in [lo, hi] (numbers of places) for part i, if need be by moving others to places of
 * theirs. Recursion is as deep as there are parts. */
static bool place_for(struct window *w, uint32_t i, size_t lo, size_t hi)
{
    struct positions p = w->parts[i];
    for (size_t j = position_at(p, 0, w->places[lo]); j < p.n && p.at[j] <= w->places[hi]; j++) {
        size_t at = place_of(w, p.at[j]);
        if (++w->steps > SPANS_STEPS)
            return false;
        if (w->seen[at] == w->search)
            continue;
        w->seen[at] = w->search;
        if (w->taken[at] == NOBODY || place_for(w, w->taken[at], lo, hi)) {
            w->taken[at] = i;
            return true;
        }
    }
    return false;
}

/* Every part has a place of its own in [lo, hi]. */
static bool all_placed(struct window *w, size_t lo, size_t hi)
{
    if (hi - lo + 1 < w->n)
        return false;
    for (size_t i = lo; i <= hi; i++)
        w->taken[i] = NOBODY;
    for (uint32_t i = 0; i < w->n; i++) {
        w->search++;
        if (!place_for(w, i, lo, hi))
            return false;
    }
    return true;
}

/* Both ends can be places of two different parts at once. Then, if all parts have a place in
 * between, all can be placed with both ends taken (Mendelsohn and Dulmage 1958). */
static bool ends_differ(const struct window *w, size_t lo, size_t hi)
{
    return w->owner[lo] == SEVERAL || w->owner[hi] == SEVERAL || w->owner[lo] != w->owner[hi];
}

/* Whether all parts can be placed does not get worse with a wider window: so the least end of a
 * window that will do never goes back while its beginning goes on. */
static enum status windows_find(struct window *w, uint32_t within, bool one, struct span_list *out,
                                struct spans_work *work, struct err *err)
{
    size_t least = 0;
    uint64_t charged = 0;
    for (size_t lo = 0; lo < w->n_places; lo++) {
        if (least < lo)
            least = lo;
        while (least < w->n_places && w->places[least] - w->places[lo] <= within &&
               !all_placed(w, lo, least))
            least++;
        if (w->steps > SPANS_STEPS)
            return err_set(err, ST_LIMIT,
                           "a \"...\"~n with many words takes too many steps in one message; use "
                           "fewer words or NEAR");
        TRY(spans_charge(work, w->steps - charged, err));
        charged = w->steps;
        for (size_t hi = least; hi < w->n_places && w->places[hi] - w->places[lo] <= within; hi++) {
            if (!ends_differ(w, lo, hi))
                continue;
            TRY(span_list_put(out, w->places[lo], w->places[hi], err));
            if (one)
                return ST_OK;
        }
        if (least >= w->n_places)
            return ST_OK;
    }
    return ST_OK;
}

enum status spans_within(const struct positions *parts, size_t n, uint32_t within, bool one,
                         struct span_list *out, struct spans_work *work, struct err *err)
{
    static const uint32_t none = 0;
    if (n == 1)
        return spans_phrase(parts, &none, 1, one, out, err);
    for (size_t i = 0; i < n; i++)
        if (parts[i].n == 0)
            return ST_OK;
    struct window w;
    enum status st = window_init(&w, parts, n, err);
    if (st == ST_OK)
        st = windows_find(&w, within, one, out, work, err);
    window_release(&w);
    return st;
}

size_t span_list_behind(const struct span_list *l, uint32_t place)
{
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->at[mid].first <= place)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* ---- expressions ---- */

struct finder {
    const struct span_source *source;
    struct spans_work work;
};

static enum status find(struct finder *f, const struct node *n, bool one, struct span_list *out,
                        struct err *err);

/* The error says of which part of the query it speaks. */
static enum status at_node(struct finder *f, enum status st, const struct node *n, struct err *err)
{
    if (st != ST_LIMIT)
        return st;
    query_refused(f->work.budget, n);
    err_prefix(err, "`%.*s`", lang_show(n->written), (const char *)n->written.data);
    return st;
}

/* Places are read anyway: those of the first parts are free. */
static enum status take_places(struct finder *f, size_t n, struct err *err)
{
    struct spans_work *w = &f->work;
    if (w->parts++ < SPANS_FREE_PARTS)
        w->free += (uint64_t)n * SPANS_FREE_PLACE;
    w->places += n;
    if (w->places > SPANS_PLACES)
        return err_set(err, ST_LIMIT,
                       "the words of the query stand at more than %zu places in one message; use "
                       "rarer words",
                       SPANS_PLACES);
    return spans_charge(w, n + 1, err);
}

/* With room for the positions and offsets of all parts. */
static enum status find_parts(struct finder *f, const struct node *n, bool one,
                              struct positions *parts, uint32_t *offsets, struct span_list *out,
                              struct err *err)
{
    const struct span_source *source = f->source;
    size_t parts_n = n->text.n;
    bool none = false;
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && !none && i < parts_n; i++) {
        st = source->positions(source->ctx, n, i, &parts[i], err);
        if (st == ST_LIMIT) /* says itself which expression it was */
            query_refused(f->work.budget, n);
        if (st == ST_OK)
            st = at_node(f, take_places(f, parts[i].n, err), n, err);
        offsets[i] = n->text.parts[i].offset;
        none = parts[i].n == 0;
    }
    if (st != ST_OK || none)
        return st;
    if (n->text.within)
        return at_node(f, spans_within(parts, parts_n, n->text.within, one, out, &f->work, err), n,
                       err);
    size_t before = out->n;
    st = at_node(f, spans_phrase(parts, offsets, parts_n, one, out, err), n, err);
    uint32_t tail = text_part_tail(&n->text.parts[parts_n - 1]);
    for (size_t i = before; st == ST_OK && i < out->n; i++)
        out->at[i].last += tail;
    return st;
}

static enum status find_text(struct finder *f, const struct node *n, bool one,
                             struct span_list *out, struct err *err)
{
    struct positions few[FEW_PARTS];
    uint32_t few_offsets[FEW_PARTS];
    if (n->text.n <= FEW_PARTS)
        return find_parts(f, n, one, few, few_offsets, out, err);
    struct positions *parts = calloc(n->text.n, sizeof *parts);
    uint32_t *offsets = calloc(n->text.n, sizeof *offsets);
    enum status st =
        parts && offsets ? find_parts(f, n, one, parts, offsets, out, err) : err_no_memory(err);
    free(parts);
    free(offsets);
    return st;
}

/* What one side found is held while the other is looked for, which may do the same inside. */
static enum status find_sides(struct finder *f, const struct node *n, struct span_list *x,
                              struct span_list *y, struct err *err)
{
    TRY(find(f, n->near.kids[0], false, x, err));
    if (x->n == 0)
        return ST_OK;
    if (f->work.held + x->n > SPANS_MAX)
        return at_node(f, too_many(err), n, err);
    f->work.held += x->n;
    TRY(find(f, n->near.kids[1], false, y, err));
    f->work.held -= x->n;
    return ST_OK;
}

static enum status find_near(struct finder *f, const struct node *n, bool one,
                             struct span_list *out, struct err *err)
{
    struct span_list x = {0}, y = {0};
    enum status st = find_sides(f, n, &x, &y, err);
    if (st == ST_OK)
        st = at_node(f,
                     spans_near(&x, &y, n->near.distance, n->near.ordered, one, out, &f->work, err),
                     n, err);
    span_list_release(&x);
    span_list_release(&y);
    return st;
}

static enum status find_or(struct finder *f, const struct node *n, bool one, struct span_list *out,
                           struct err *err)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n->list.n && !(one && out->n > 0); i++) {
        struct span_list x = {0};
        st = find(f, n->list.kids[i], one, &x, err);
        if (st == ST_OK)
            st = at_node(f, spans_charge(&f->work, x.n, err), n, err);
        for (size_t j = 0; st == ST_OK && j < x.n; j++)
            st = at_node(f, span_list_put(out, x.at[j].first, x.at[j].last, err), n, err);
        span_list_release(&x);
    }
    span_list_sort(out);
    return st;
}

static enum status find(struct finder *f, const struct node *n, bool one, struct span_list *out,
                        struct err *err)
{
    switch (n->kind) {
    case NODE_TEXT:
        return find_text(f, n, one, out, err);
    case NODE_NEAR:
        return find_near(f, n, one, out, err);
    default:
        MUST(n->kind == NODE_OR); /* the parser saw to it */
        return find_or(f, n, one, out, err);
    }
}

enum status spans_find(const struct node *n, const struct span_source *source, bool one,
                       struct span_list *out, struct err *err)
{
    struct finder f = {source, {.budget = source->budget}};
    return find(&f, n, one, out, err);
}
