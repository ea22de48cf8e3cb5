/* search_window — a segment window by window: totals are bits counted, and of the documents that
 * match only those are looked at whose block of times may hold one of the hits wanted. */
#include "lictor/thread.h"
#include "query/search_private.h"

struct window_search {
    struct segment_search *x;
    struct window_eval eval;
    struct plan ask; /* another plan of the query: its walks stand elsewhere */
    bool ask_open;
    uint64_t *mask;
};

/* True where a sealed body makes the whole query unknown, whatever its conversation, time or
 * sender: only of words is anything asked. */
static bool words_alone(const struct node *n)
{
    switch (n->kind) {
    case NODE_TEXT:
    case NODE_NEAR:
        return true;
    case NODE_FIELD:
        return n->field.of_text;
    case NODE_AND:
    case NODE_OR:
        for (size_t i = 0; i < n->list.n; i++)
            if (!words_alone(n->list.kids[i]))
                return false;
        return true;
    default:
        return false;
    }
}

bool search_words_alone(const struct search *s) { return words_alone(s->q->root); }

/* ---- one window ---- */

/* Documents in blocks that may be wanted: *mask NULL if all are, *none if none is. */
static enum status wanted(struct window_search *s, const struct doc_window *w,
                          const uint64_t **mask, bool *none, struct err *err)
{
    struct search *search = s->x->s;
    const int64_t *earliest, *latest;
    struct doc_bits bits = {s->mask, false};
    bool all = true;
    *mask = NULL;
    *none = false;
    if (search->o->want != SEARCH_HITS || !search_times_tell(search))
        return ST_OK;
    TRY(ground_times(s->eval.ground, w, &earliest, &latest, err));
    for (uint32_t i = 0; i * COLUMN_DOCS < w->docs; i++) {
        uint32_t from = i * COLUMN_DOCS, left = w->docs - from;
        if (search_times_wanted(search, earliest[i], latest[i]))
            bits_range(&bits, w->words, from, from + (left < COLUMN_DOCS ? left : COLUMN_DOCS));
        else
            all = false;
    }
    search->skipped |= !all;
    *none = !bits.some;
    *mask = all ? NULL : s->mask;
    return ST_OK;
}

/* How many messages the documents of a set are. */
static uint64_t messages_of(const struct window_search *s, const struct doc_window *w,
                            const struct doc_bits *set)
{
    const struct repeats *r = &s->x->repeats;
    if (!set->some)
        return 0;
    uint64_t n = bits_count(set->words, w->words);
    for (size_t i = search_repeats_from(r, w->first); i < r->n && r->docs[i] - w->first < w->docs;
         i++)
        if (bits_have(set, r->docs[i] - w->first))
            n += r->messages[i] - 1;
    return n;
}

static enum status count_conversations(struct window_search *s, const struct doc_window *w,
                                       const struct doc_bits *set, struct err *err)
{
    struct segment_search *x = s->x;
    if (!x->s->o->conversations)
        return ST_OK;
    for (uint32_t bit = 0;;) {
        if (x->conversation_end > w->first + bit)
            bit = x->conversation_end - w->first;
        if (bit >= w->docs)
            return ST_OK;
        bit = bits_next(set->words, w->words, bit);
        if (bit >= w->docs)
            return ST_OK;
        TRY(search_count_conversation(x, w->first + bit, err));
    }
}

/* Those of one block of times. */
static enum status add_column(struct window_search *s, const struct doc_window *w, uint32_t column,
                              const struct doc_bits *set, struct err *err)
{
    struct segment_search *x = s->x;
    uint32_t end = (column + 1) * COLUMN_DOCS;
    for (uint32_t bit = bits_next(set->words, w->words, column * COLUMN_DOCS);
         bit < end && bit < w->docs; bit = bits_next(set->words, w->words, bit + 1)) {
        uint32_t doc = w->first + bit;
        TRY(search_add_hits(x, doc, 1, search_repeats_of(&x->repeats, doc), err));
    }
    return ST_OK;
}

static enum status add_hits(struct window_search *s, const struct doc_window *w,
                            const struct doc_bits *set, struct err *err)
{
    struct search *search = s->x->s;
    const int64_t *earliest, *latest;
    if (search->o->want == SEARCH_TOTALS || search->o->limit == 0)
        return ST_OK;
    TRY(ground_times(s->eval.ground, w, &earliest, &latest, err));
    for (uint32_t bit = bits_next(set->words, w->words, 0); bit < w->docs;) {
        uint32_t column = bit / COLUMN_DOCS;
        if (!search_times_tell(search) ||
            search_times_wanted(search, earliest[column], latest[column]))
            TRY(add_column(s, w, column, set, err));
        bit = bits_next(set->words, w->words, (column + 1) * COLUMN_DOCS);
    }
    return ST_OK;
}

static enum status ask(struct window_search *s, uint32_t doc, struct err *err)
{
    struct segment_search *x = s->x;
    if (!s->ask_open) {
        TRY(plan_open(x->s->v, x->s->q, &x->s->ids, x->plan.segment, &s->ask, err));
        s->ask_open = true;
    }
    return search_ask(x, &s->ask, doc, err);
}

/* One after the other: what is sure joins what has to be asked, so that all come in their order. */
static enum status take_each(struct window_search *s, const struct doc_window *w, struct answer *a,
                             struct err *err)
{
    struct doc_bits *all = &a->of[ANSWER_ASK];
    const struct doc_bits *yes = &a->of[ANSWER_YES];
    bits_or(all, yes, w->words);
    uint32_t taken = 0;
    for (uint32_t bit = all->some ? bits_next(all->words, w->words, 0) : w->docs; bit < w->docs;
         bit = bits_next(all->words, w->words, bit + 1)) {
        uint32_t doc = w->first + bit;
        if (++taken % SEARCH_STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        if (bits_have(yes, bit))
            TRY(search_add_true(s->x, doc, 1, search_repeats_of(&s->x->repeats, doc), err));
        else
            TRY(ask(s, doc, err));
    }
    return ST_OK;
}

static enum status take(struct window_search *s, const struct doc_window *w, struct answer *a,
                        struct err *err)
{
    struct search *search = s->x->s;
    const struct doc_bits *yes = &a->of[ANSWER_YES];
    for (int i = ANSWER_YES; i < ANSWER_ASK; i++)
        bits_and_not(&a->of[i], &a->of[ANSWER_ASK], w->words);
    search->out->sealed += messages_of(s, w, &a->of[ANSWER_SEALED]);
    search->out->untimed += messages_of(s, w, &a->of[ANSWER_UNTIMED]);
    if (a->of[ANSWER_ASK].some || search->o->visit)
        return take_each(s, w, a, err);
    if (!yes->some)
        return ST_OK;
    search->out->total += messages_of(s, w, yes);
    TRY(count_conversations(s, w, yes, err));
    return add_hits(s, w, yes, err);
}

static enum status run_window(struct window_search *s, const struct doc_window *w, struct err *err)
{
    const uint64_t *mask;
    struct answer *a;
    bool none;
    TRY(wanted(s, w, &mask, &none, err));
    if (none)
        return ST_OK;
    TRY(window_eval_at(&s->eval, w, mask, &a, err));
    if (s->x->plan.hidden) {
        struct doc_bits hidden = {0};
        bool some = false;
        for (int i = 0; i < ANSWER_PARTS; i++)
            some |= a->of[i].some;
        if (some)
            TRY(ground_hidden(s->eval.ground, w, &hidden, err));
        for (int i = 0; some && i < ANSWER_PARTS; i++)
            bits_and_not(&a->of[i], &hidden, w->words);
    }
    return take(s, w, a, err);
}

/* ---- a segment ---- */

enum status search_windows(struct segment_search *x, struct err *err)
{
    struct window_search s = {.x = x};
    uint32_t docs = x->plan.set.docs;
    bool apart = search_words_alone(x->s);
    enum status st = window_eval_init(&s.eval, &x->plan, apart, err);
    if (st == ST_OK && !(s.mask = bits_take(&s.eval.pool)))
        st = err_no_memory(err);
    if (apart)
        x->s->out->sealed += x->plan.info->sealed;
    for (uint32_t first = 0; st == ST_OK && first < docs;) {
        struct doc_window w = window_at(first, docs);
        st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted") : run_window(&s, &w, err);
        first += w.docs;
    }
    if (s.ask_open)
        plan_close(&s.ask);
    window_eval_release(&s.eval);
    return st;
}
