/* window — the sets of a plan's nodes, by recursion over the plan. A part of an AND is asked only
 * for what the parts before it leave open, cheapest first, so that a rare word keeps a frequent one
 * from being decoded. Three answers and "ask" go through AND, OR and NOT as they do in eval.c. */
#include "query/window.h"

#include <stdlib.h>

#include "lictor/thread.h"

/* Measured on messages of 80 bytes: a posting decoded 1 ns, places compared 60 ns, a text inflated
 * and split 10 us. */
#define PLACE_COST 64
#define TEXT_COST 8192
#define PLACES_STOP_EVERY 64 /* texts and places looked at between two looks at the stop flag */

/* ---- memory ---- */

uint64_t *bits_take(struct bits_pool *p)
{
    uint64_t *words;
    if (p->free.len) {
        p->free.len -= sizeof words;
        memcpy(&words, p->free.data + p->free.len, sizeof words);
        return words;
    }
    words = malloc(WINDOW_WORDS * sizeof *words);
    if (!words)
        return NULL;
    buf_put(&p->all, &words, sizeof words);
    if (p->all.failed) {
        free(words);
        return NULL;
    }
    return words;
}

void bits_give(struct bits_pool *p, uint64_t *words)
{
    /* Without memory to note it, it is freed with the others and not used again. */
    buf_put(&p->free, &words, sizeof words);
}

void bits_pool_release(struct bits_pool *p)
{
    for (size_t i = 0; i < p->all.len; i += sizeof(uint64_t *)) {
        uint64_t *words;
        memcpy(&words, p->all.data + i, sizeof words);
        free(words);
    }
    buf_release(&p->all);
    buf_release(&p->free);
}

static enum status answer_take(struct window_eval *e, struct answer *a, struct err *err)
{
    for (int i = 0; i < ANSWER_PARTS; i++) {
        a->of[i] = (struct doc_bits){bits_take(&e->pool), false};
        if (!a->of[i].words)
            return err_no_memory(err);
    }
    return ST_OK;
}

static void answer_give(struct window_eval *e, struct answer *a)
{
    for (int i = 0; i < ANSWER_PARTS; i++)
        bits_give(&e->pool, a->of[i].words);
}

static void answer_clear(struct answer *a)
{
    for (int i = 0; i < ANSWER_PARTS; i++)
        bits_clear(&a->of[i]);
}

/* All that may be true or unknown. */
static void answer_possible(const struct answer *a, size_t n, struct doc_bits *out)
{
    bits_clear(out);
    for (int i = 0; i < ANSWER_PARTS; i++)
        bits_or(out, &a->of[i], n);
}

static bool only_yes(const struct answer *a)
{
    return !a->of[ANSWER_SEALED].some && !a->of[ANSWER_UNTIMED].some && !a->of[ANSWER_ASK].some;
}

enum status window_eval_init(struct window_eval *e, struct plan *p, bool sealed_apart,
                             struct err *err)
{
    *e = (struct window_eval){.plan = p, .sealed_apart = sealed_apart};
    TRY(ground_of(p->view, p->segment, &e->ground, err));
    return answer_take(e, &e->answer, err);
}

void window_eval_release(struct window_eval *e) { bits_pool_release(&e->pool); }

/* ---- leaves ---- */

static enum status eval(struct window_eval *e, struct plan_node *x, const struct doc_window *w,
                        const uint64_t *mask, struct answer *out, struct err *err);

/* What a walk offers; all if there is none. */
static enum status offered(struct window_eval *e, struct walk *walk, const struct doc_window *w,
                           const uint64_t *mask, struct doc_bits *out, struct err *err)
{
    if (walk)
        return walk_fill(&e->plan->set, walk, w, mask, &e->pool, out, err);
    bits_range(out, w->words, 0, w->docs);
    bits_mask(out, mask, w->words);
    return ST_OK;
}

/* Bodies that did not match and are sealed. */
static enum status unmatched(struct window_eval *e, const struct plan_node *x,
                             const struct doc_window *w, const uint64_t *mask, struct answer *out,
                             struct err *err)
{
    struct doc_bits sealed;
    if (!x->sealed || e->sealed_apart)
        return ST_OK;
    TRY(ground_sealed(e->ground, w, &sealed, err));
    bits_copy(&out->of[ANSWER_SEALED], &sealed, w->words);
    bits_mask(&out->of[ANSWER_SEALED], mask, w->words);
    bits_and_not(&out->of[ANSWER_SEALED], &out->of[ANSWER_YES], w->words);
    return ST_OK;
}

static enum status eval_match(struct window_eval *e, const struct plan_node *x,
                              const struct doc_window *w, const uint64_t *mask, struct answer *out,
                              struct err *err)
{
    TRY(offered(e, x->match, w, mask, &out->of[ANSWER_YES], err));
    return unmatched(e, x, w, mask, out, err);
}

static enum status eval_places(struct window_eval *e, const struct plan_node *x,
                               const struct doc_window *w, const uint64_t *mask, struct answer *out,
                               struct err *err)
{
    struct doc_bits *yes = &out->of[ANSWER_YES];
    TRY(offered(e, x->match, w, mask, yes, err));
    uint32_t asked = 0;
    for (uint32_t bit = yes->some ? bits_next(yes->words, w->words, 0) : w->docs; bit < w->docs;
         bit = bits_next(yes->words, w->words, bit + 1)) {
        bool found;
        if (++asked % PLACES_STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(eval_spans(e->plan, x, w->first + bit, &found, err));
        if (!found)
            yes->words[bit / 64] &= ~(UINT64_C(1) << bit % 64);
    }
    return unmatched(e, x, w, mask, out, err);
}

static enum status eval_state_set(struct window_eval *e, const struct plan_node *x,
                                  const struct doc_window *w, const uint64_t *mask,
                                  struct answer *out, struct err *err)
{
    struct doc_bits sealed;
    if (x->node->state != STATE_SEALED)
        return offered(e, x->cand, w, mask, &out->of[ANSWER_ASK], err);
    TRY(ground_sealed(e->ground, w, &sealed, err));
    bits_copy(&out->of[ANSWER_YES], &sealed, w->words);
    bits_mask(&out->of[ANSWER_YES], mask, w->words);
    return ST_OK;
}

/* A block of documents whose bounds say all: within the time asked for, or outside. */
static bool column_inside(const struct lang_span *t, int64_t earliest, int64_t latest)
{
    return earliest != INT64_MIN && earliest >= t->from && latest < t->to;
}

static bool column_outside(const struct lang_span *t, int64_t earliest, int64_t latest)
{
    return earliest != INT64_MIN && (latest < t->from || earliest >= t->to + t->again);
}

static enum status eval_column(struct window_eval *e, const struct plan_node *x,
                               const struct doc_window *w, uint32_t from, uint32_t to,
                               const uint64_t *mask, struct answer *out, struct err *err)
{
    for (uint32_t bit = from; bit < to; bit++) {
        int64_t sent;
        if (mask && !(mask[bit / 64] >> bit % 64 & 1))
            continue;
        TRY(segment_sent(e->plan->set.segment, e->plan->set.scratch, w->first + bit, &sent, err));
        if (time_untimed(sent))
            bits_put(&out->of[ANSWER_UNTIMED], w->words, bit);
        else if (lang_span_has(&x->node->time, sent))
            bits_put(&out->of[ANSWER_YES], w->words, bit);
    }
    return ST_OK;
}

static enum status eval_time(struct window_eval *e, const struct plan_node *x,
                             const struct doc_window *w, const uint64_t *mask, struct answer *out,
                             struct err *err)
{
    const struct lang_span *t = &x->node->time;
    const int64_t *earliest, *latest;
    TRY(ground_times(e->ground, w, &earliest, &latest, err));
    for (uint32_t from = 0, i = 0; from < w->docs; from += COLUMN_DOCS, i++) {
        uint32_t to = w->docs - from < COLUMN_DOCS ? w->docs : from + COLUMN_DOCS;
        if (column_outside(t, earliest[i], latest[i]))
            continue;
        if (column_inside(t, earliest[i], latest[i]))
            bits_range(&out->of[ANSWER_YES], w->words, from, to);
        else
            TRY(eval_column(e, x, w, from, to, mask, out, err));
    }
    bits_mask(&out->of[ANSWER_YES], mask, w->words);
    return ST_OK;
}

/* ---- operators ---- */

/* In postings decoded. Places and texts are looked at for each document: later, if others are there
 * that may leave fewer. */
static uint64_t cost_of(const struct plan_node *x)
{
    uint64_t each = x->kind != PLAN_SPANS ? 1 : x->by_text ? TEXT_COST : PLACE_COST;
    return x->cand ? x->cand->cost * each : UINT64_MAX;
}

static int by_cost(const void *a, const void *b)
{
    uint64_t m = cost_of(*(struct plan_node *const *)a), n = cost_of(*(struct plan_node *const *)b);
    return (m > n) - (m < n);
}

/* Once a plan. */
static enum status order_kids(struct plan *p, struct plan_node *x, struct err *err)
{
    if (x->by_cost)
        return ST_OK;
    x->by_cost = arena_array(&p->set.arena, x->n, sizeof(struct plan_node *));
    if (!x->by_cost)
        return err_no_memory(err);
    memcpy(x->by_cost, x->kids, x->n * sizeof(struct plan_node *));
    qsort(x->by_cost, x->n, sizeof(struct plan_node *), by_cost);
    return ST_OK;
}

/* `a`, about documents that `out` leaves open, joins it: a reason of either is one of both. */
static void join_and(struct answer *out, struct answer *a, size_t n, struct doc_bits *possible)
{
    if (only_yes(out) && only_yes(a)) {
        struct doc_bits t = out->of[ANSWER_YES];
        out->of[ANSWER_YES] = a->of[ANSWER_YES];
        a->of[ANSWER_YES] = t;
        return;
    }
    answer_possible(a, n, possible);
    for (int i = ANSWER_SEALED; i < ANSWER_PARTS; i++) {
        bits_and(&out->of[i], possible, n);
        bits_or(&out->of[i], &a->of[i], n);
    }
    bits_and(&out->of[ANSWER_YES], &a->of[ANSWER_YES], n);
}

static enum status eval_and(struct window_eval *e, struct plan_node *x, const struct doc_window *w,
                            const uint64_t *mask, struct answer *out, struct err *err)
{
    struct answer a;
    struct doc_bits open = {bits_take(&e->pool), false};
    if (!open.words)
        return err_no_memory(err);
    TRY(order_kids(e->plan, x, err));
    TRY(answer_take(e, &a, err));
    TRY(eval(e, x->by_cost[0], w, mask, out, err));
    for (size_t i = 1; i < x->n; i++) {
        const uint64_t *left = out->of[ANSWER_YES].words;
        bool some = out->of[ANSWER_YES].some;
        if (!only_yes(out)) {
            answer_possible(out, w->words, &open);
            left = open.words;
            some = open.some;
        }
        if (!some)
            break;
        answer_clear(&a);
        TRY(eval(e, x->by_cost[i], w, left, &a, err));
        join_and(out, &a, w->words, &open);
    }
    answer_give(e, &a);
    bits_give(&e->pool, open.words);
    return ST_OK;
}

static enum status eval_or(struct window_eval *e, struct plan_node *x, const struct doc_window *w,
                           const uint64_t *mask, struct answer *out, struct err *err)
{
    struct answer a;
    TRY(answer_take(e, &a, err));
    for (size_t i = 0; i < x->n; i++) {
        answer_clear(&a);
        TRY(eval(e, x->kids[i], w, mask, &a, err));
        for (int k = 0; k < ANSWER_PARTS; k++)
            bits_or(&out->of[k], &a.of[k], w->words);
    }
    for (int k = ANSWER_SEALED; k < ANSWER_PARTS; k++)
        bits_and_not(&out->of[k], &out->of[ANSWER_YES], w->words);
    answer_give(e, &a);
    return ST_OK;
}

/* What is unknown stays so. */
static enum status eval_not(struct window_eval *e, struct plan_node *x, const struct doc_window *w,
                            const uint64_t *mask, struct answer *out, struct err *err)
{
    struct doc_bits open = {bits_take(&e->pool), false};
    struct doc_bits *yes = &out->of[ANSWER_YES];
    if (!open.words)
        return err_no_memory(err);
    TRY(eval(e, x->kids[0], w, mask, out, err));
    answer_possible(out, w->words, &open);
    bits_clear(yes);
    bits_range(yes, w->words, 0, w->docs);
    bits_mask(yes, mask, w->words);
    bits_and_not(yes, &open, w->words);
    bits_give(&e->pool, open.words);
    return ST_OK;
}

static enum status eval(struct window_eval *e, struct plan_node *x, const struct doc_window *w,
                        const uint64_t *mask, struct answer *out, struct err *err)
{
    switch (x->kind) {
    case PLAN_ANY:
        return offered(e, x->cand, w, mask, &out->of[ANSWER_YES], err);
    case PLAN_MATCH:
        return eval_match(e, x, w, mask, out, err);
    case PLAN_SPANS:
        return eval_places(e, x, w, mask, out, err);
    case PLAN_TIME:
        return eval_time(e, x, w, mask, out, err);
    case PLAN_STATE:
        return eval_state_set(e, x, w, mask, out, err);
    case PLAN_ID:
    case PLAN_HELD:
    case PLAN_COPIES:
    case PLAN_THEN:
        return offered(e, x->cand, w, mask, &out->of[ANSWER_ASK], err);
    case PLAN_NOT:
        return eval_not(e, x, w, mask, out, err);
    case PLAN_AND:
        return eval_and(e, x, w, mask, out, err);
    case PLAN_OR:
        return eval_or(e, x, w, mask, out, err);
    }
    return ST_OK;
}

enum status window_eval_at(struct window_eval *e, const struct doc_window *w, const uint64_t *mask,
                           struct answer **out, struct err *err)
{
    answer_clear(&e->answer);
    TRY(eval(e, e->plan->root, w, mask, &e->answer, err));
    *out = &e->answer;
    return ST_OK;
}
