/* search — a query against every segment. Each message is indexed once, in one segment, so totals
 * are sums. Hits are gathered up to a bit more than wanted, then cut back to the best: what is
 * worse than the worst of those is dropped at sight, and memory stays bounded by the limit. Most
 * questions are answered by sets (search_window.c), those of one word where they can by less
 * (search_term.c). */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/score.h"
#include "query/search_private.h"
#include "query/spans.h"

#define HITS_SPARE 256

int64_t search_rank(enum search_sort sort, int64_t sent)
{
    if (sent == TIME_NONE)
        return INT64_MIN;
    return sort == SORT_OLDEST ? -sent : sent;
}

/* Greater than 0: `a` is shown before `b`; 0: the one order decides. */
static int precedence(enum search_sort sort, const struct message_ref *a,
                      const struct message_ref *b)
{
    int64_t x = 0, y = 0;
    if (sort == SORT_RELEVANCE) {
        x = a->score;
        y = b->score;
    }
    if (x == y) {
        x = search_rank(sort, a->sent);
        y = search_rank(sort, b->sent);
    }
    return (x > y) - (x < y);
}

static int by_place(const struct message_ref *a, const struct message_ref *b, enum search_sort sort)
{
    int first = precedence(sort, a, b);
    if (first)
        return -first;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    if (a->doc != b->doc)
        return a->doc < b->doc ? -1 : 1;
    return (a->k > b->k) - (a->k < b->k);
}

static int by_newest(const void *a, const void *b) { return by_place(a, b, SORT_NEWEST); }

static int by_oldest(const void *a, const void *b) { return by_place(a, b, SORT_OLDEST); }

static int by_relevance(const void *a, const void *b) { return by_place(a, b, SORT_RELEVANCE); }

/* ---- hits ---- */

static struct message_ref *hits_refs(struct search *s, size_t *n)
{
    void *refs = s->hits.data;
    *n = s->hits.len / sizeof(struct message_ref);
    return refs;
}

static bool hits_wanted(const struct search_options *o)
{
    return o->want != SEARCH_TOTALS && o->limit > 0;
}

/* Sorts all, and the runs of equal times that reach beyond `from` (0: all runs) by the one order.
 */
static enum status hits_sort(struct search *s, size_t from, struct err *err)
{
    size_t n;
    struct message_ref *refs = hits_refs(s, &n);
    if (n < 2)
        return ST_OK;
    static int (*const orders[])(const void *, const void *) = {by_newest, by_oldest, by_relevance};
    qsort(refs, n, sizeof *refs, orders[s->o->sort]);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && precedence(s->o->sort, &refs[end], &refs[i]) == 0; end++)
            ;
        if (end > from && (from == 0 || i < from))
            TRY(view_sort_ties(s->v, refs + i, end - i, err));
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

/* Only the run that crosses the limit needs its exact order now. */
enum status search_cut(struct search *s, struct err *err)
{
    size_t n;
    const struct message_ref *refs = hits_refs(s, &n);
    if (n < s->o->limit || n == 0)
        return ST_OK;
    TRY(hits_sort(s, (size_t)s->o->limit, err));
    s->cut = true;
    s->worst = refs[s->o->limit - 1];
    s->hits.len = (size_t)s->o->limit * sizeof *refs;
    return ST_OK;
}

/* Whether a hit stands behind the one after which the answer goes on. */
static enum status is_behind(struct search *s, const struct message_ref *ref, bool *yes,
                             struct err *err)
{
    const struct message_ref *after = s->o->after;
    int first = precedence(s->o->sort, ref, after), cmp = first < 0 ? -1 : 1;
    if (ref->segment == after->segment && ref->doc == after->doc && ref->k == after->k) {
        s->met = true;
        cmp = 1;
    } else if (first == 0) {
        TRY(view_order(s->v, after, ref, &cmp, err));
    }
    *yes = cmp < 0;
    return ST_OK;
}

enum status search_hit_add(struct search *s, const struct message_ref *ref, struct err *err)
{
    bool wanted = true;
    if (s->cut && precedence(s->o->sort, ref, &s->worst) < 0)
        return ST_OK;
    if (s->o->after)
        TRY(is_behind(s, ref, &wanted, err));
    if (!wanted)
        return ST_OK;
    buf_put(&s->hits, ref, sizeof *ref);
    TRY(buf_status(&s->hits, err));
    uint64_t n = s->hits.len / sizeof *ref;
    return n > s->o->limit && n - s->o->limit > s->o->limit && n > HITS_SPARE ? search_cut(s, err)
                                                                              : ST_OK;
}

/* ---- one segment ---- */

size_t search_repeats_from(const struct repeats *r, uint32_t doc)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->docs[mid] < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

uint32_t search_repeats_of(const struct repeats *r, uint32_t doc)
{
    size_t i = search_repeats_from(r, doc);
    return i < r->n && r->docs[i] == doc ? r->messages[i] : 1;
}

enum status search_count_conversation(struct segment_search *x, uint32_t doc, struct err *err)
{
    uint8_t key[KEY_SIZE];
    if (!x->s->o->conversations || doc < x->conversation_end)
        return ST_OK;
    TRY(view_conversation_key(x->s->v, x->plan.segment, doc, key, &x->conversation_end, err));
    buf_put(&x->s->conversations, key, KEY_SIZE);
    return buf_status(&x->s->conversations, err);
}

enum status search_add_hits(struct segment_search *x, uint32_t doc, uint32_t k, uint32_t n,
                            struct err *err)
{
    struct message_ref ref = {.segment = x->plan.segment, .doc = doc};
    TRY(segment_sent(x->plan.set.segment, x->plan.set.scratch, doc, &ref.sent, err));
    if (time_untimed(ref.sent))
        ref.sent = TIME_NONE;
    if (x->s->o->sort == SORT_RELEVANCE) {
        ref.scored = true;
        TRY(scorer_score(x->s->o->scorer, ref.segment, doc, &ref.score, err));
    }
    for (uint32_t i = 0; i < n; i++) {
        ref.k = k + i;
        TRY(search_hit_add(x->s, &ref, err));
    }
    return ST_OK;
}

enum status search_add_true(struct segment_search *x, uint32_t doc, uint32_t k, uint32_t n,
                            struct err *err)
{
    const struct search_options *o = x->s->o;
    x->s->out->total += n;
    if (o->counts)
        o->counts[x->plan.segment].matched += n;
    if (o->visit)
        TRY(o->visit(o->ctx, x->plan.segment, doc, n, err));
    TRY(search_count_conversation(x, doc, err));
    return hits_wanted(o) ? search_add_hits(x, doc, k, n, err) : ST_OK;
}

/* Message k of a document and the n - 1 after it, about which the query says the same. */
static enum status add_tested(struct segment_search *x, struct plan *p, uint32_t doc, uint32_t k,
                              uint32_t n, struct err *err)
{
    unsigned truth;
    TRY(plan_test(p, doc, k, &truth, err));
    if (x->s->o->counts)
        x->s->o->counts[x->plan.segment].tested++;
    if (truth == TRUTH_TRUE)
        return search_add_true(x, doc, k, n, err);
    if (truth & TRUTH_SEALED)
        x->s->out->sealed += n;
    if (truth & TRUTH_UNTIMED)
        x->s->out->untimed += n;
    return ST_OK;
}

enum status search_ask(struct segment_search *x, struct plan *p, uint32_t doc, struct err *err)
{
    uint32_t n = search_repeats_of(&x->repeats, doc);
    bool each = n > 1 && x->s->q->per_message;
    for (uint32_t k = 1; k <= (each ? n : 1); k++)
        TRY(add_tested(x, p, doc, k, each ? 1 : n, err));
    return ST_OK;
}

/* A time which may not be shown counts as none, and its block as one that has such. */
bool search_times_tell(const struct search *s)
{
    return s->o->sort != SORT_RELEVANCE && (s->cut || s->o->after);
}

bool search_times_wanted(const struct search *s, int64_t earliest, int64_t latest)
{
    bool newest = s->o->sort == SORT_NEWEST, timed = latest != INT64_MIN;
    bool untimed = earliest == INT64_MIN;    /* some are */
    int64_t first = latest, last = earliest; /* ranks of what is shown first and last of it */
    if (!newest) {
        first = !timed ? INT64_MIN : untimed ? 0 : -earliest;
        last = untimed || latest == INT64_MAX ? INT64_MIN : -latest;
    }
    return (!s->cut || first >= search_rank(s->o->sort, s->worst.sent)) &&
           (!s->o->after || last <= search_rank(s->o->sort, s->o->after->sent));
}

/* One document after the other: what search_windows has to say, too, and how it comes about. */
static enum status run_documents(struct segment_search *x, struct err *err)
{
    uint32_t doc = 0;
    for (uint32_t asked = 1;; asked++, doc++) {
        if (asked % SEARCH_STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(plan_seek(&x->plan, doc, &doc, err));
        if (doc == DOC_END)
            return ST_OK;
        x->s->o->counts[x->plan.segment].offered++;
        TRY(search_ask(x, &x->plan, doc, err));
    }
}

static enum status run_segment(struct search *s, uint32_t segment, struct err *err)
{
    struct segment_search x = {.s = s};
    struct repeats *r = &x.repeats;
    if (search_time_fits(s))
        return search_time_run(s, segment, err);
    TRY(segment_repeats(casefile_segment(s->v->cf, segment), &r->docs, &r->messages, &r->n, err));
    TRY(plan_open(s->v, s->q, &s->ids, segment, &x.plan, err));
    enum status st = s->o->counts           ? run_documents(&x, err)
                     : search_term_fits(&x) ? search_term_run(&x, err)
                                            : search_windows(&x, err);
    plan_close(&x.plan);
    return st;
}

/* ---- all ---- */

static int by_key(const void *a, const void *b) { return memcmp(a, b, KEY_SIZE); }

/* A conversation stands in several segments when it went on between two deliveries. */
static uint64_t distinct_keys(struct buf *keys)
{
    size_t n = keys->len / KEY_SIZE;
    uint64_t distinct = n > 0;
    if (n > 1)
        qsort(keys->data, n, KEY_SIZE, by_key);
    for (size_t i = 1; i < n; i++)
        distinct +=
            memcmp(keys->data + (i - 1) * KEY_SIZE, keys->data + i * KEY_SIZE, KEY_SIZE) != 0;
    return distinct;
}

enum status search_take(struct search *s, struct err *err)
{
    size_t n;
    s->out->conversations = distinct_keys(&s->conversations);
    if (!hits_wanted(s->o))
        return ST_OK;
    TRY(hits_sort(s, 0, err));
    s->out->hits = hits_refs(s, &n);
    s->out->n_hits = n < s->o->limit ? n : (size_t)s->o->limit;
    s->hits = (struct buf){0};
    return ST_OK;
}

enum status search_run(struct view *v, const struct query *q, const struct search_options *o,
                       struct search_result *out, struct err *err)
{
    struct search_result result = {0};
    struct search s = {.v = v, .q = q, .o = o, .out = &result};
    enum status st = ST_OK;
    spans_budget_fill(q->spans);
    if (o->ids)
        s.ids = *o->ids;
    else
        st = plan_ids_find(v, q, &s.ids, err);
    for (uint32_t i = 0; st == ST_OK && i < casefile_segments(v->cf); i++)
        st = run_segment(&s, i, err);
    if (st == ST_OK && hits_wanted(o) && o->after && !s.met)
        st = err_set(err, ST_USAGE, "the message to go on behind is no hit of this query");
    if (st == ST_OK)
        st = search_take(&s, err);
    result.whole = !s.skipped;
    if (st == ST_OK)
        *out = result;
    if (!o->ids)
        plan_ids_release(&s.ids);
    buf_release(&s.hits);
    buf_release(&s.conversations);
    return st;
}

void search_result_release(struct search_result *r)
{
    free(r->hits);
    *r = (struct search_result){0};
}
