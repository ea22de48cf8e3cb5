/* test_spans — the algebra of places against trying everything. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "dice.h"
#include "query/spans.h"

TestSuite(spans);

#define PLACES 14 /* positions of a small text */
#define PARTS 4

static struct err err;
static struct spans_budget budget;

static struct spans_work *work(void)
{
    static struct spans_work w;
    budget = (struct spans_budget){.most = SPANS_BUDGET};
    w = (struct spans_work){.budget = &budget};
    return &w;
}

struct set {
    bool has[PLACES][PLACES]; /* [first][last] */
};

static uint32_t lists[PARTS][PLACES];

static struct positions random_positions(size_t i, uint32_t density)
{
    struct positions p = {lists[i], 0};
    for (uint32_t at = 0; at < PLACES; at++)
        if (dice(density) == 0)
            lists[i][p.n++] = at;
    return p;
}

static bool stands(struct positions p, uint32_t at)
{
    for (size_t i = 0; i < p.n; i++)
        if (p.at[i] == at)
            return true;
    return false;
}

static void same(const struct span_list *got, const struct set *want, const char *what)
{
    size_t n = 0;
    for (uint32_t a = 0; a < PLACES; a++)
        for (uint32_t b = 0; b < PLACES; b++)
            n += want->has[a][b];
    cr_assert_eq(got->n, n, "%s: %zu, not %zu", what, got->n, n);
    for (size_t i = 0; i < got->n; i++) {
        cr_assert(want->has[got->at[i].first][got->at[i].last], "%s", what);
        cr_assert(
            i == 0 || got->at[i - 1].first < got->at[i].first ||
                (got->at[i - 1].first == got->at[i].first && got->at[i - 1].last < got->at[i].last),
            "%s: sorted", what);
    }
}

/* One will do: it is one of them, and there is one if there is any. */
static void one_of(const struct span_list *got, const struct set *want, size_t all)
{
    cr_assert_eq(got->n, all > 0);
    cr_assert(all == 0 || want->has[got->at[0].first][got->at[0].last]);
}

Test(spans, finds_phrases)
{
    for (int round = 0; round < 5000; round++) {
        struct positions p[PARTS];
        uint32_t offsets[PARTS] = {0};
        size_t n = 1 + dice(PARTS);
        for (size_t i = 0; i < n; i++) {
            p[i] = random_positions(i, 2);
            offsets[i] = i ? offsets[i - 1] + 1 + dice(2) : 0;
        }
        struct set want = {0};
        for (uint32_t at = 0; at < PLACES; at++) {
            bool all = true;
            for (size_t i = 0; i < n; i++)
                all &= stands(p[i], at + offsets[i]);
            if (all)
                want.has[at][at + offsets[n - 1]] = true;
        }
        struct span_list got = {0}, one = {0};
        cr_assert_eq(spans_phrase(p, offsets, n, false, &got, &err), ST_OK);
        same(&got, &want, "phrase");
        cr_assert_eq(spans_phrase(p, offsets, n, true, &one, &err), ST_OK);
        one_of(&one, &want, got.n);
        span_list_release(&got);
        span_list_release(&one);
    }
}

static void choose(const struct positions *p, size_t n, size_t i, uint32_t used, uint32_t within,
                   struct set *want)
{
    if (i == n) {
        uint32_t first = (uint32_t)__builtin_ctz(used), last = 31u - (uint32_t)__builtin_clz(used);
        if (last - first <= within)
            want->has[first][last] = true;
        return;
    }
    for (size_t j = 0; j < p[i].n; j++)
        if (!(used & 1u << p[i].at[j]))
            choose(p, n, i + 1, used | 1u << p[i].at[j], within, want);
}

Test(spans, finds_words_within_a_distance_each_at_its_own_place)
{
    for (int round = 0; round < 5000; round++) {
        struct positions p[PARTS];
        size_t n = 1 + dice(PARTS);
        uint32_t within = 1 + dice(9), density = 2 + dice(5);
        for (size_t i = 0; i < n; i++)
            p[i] = i && dice(3) == 0 ? p[i - 1] : random_positions(i, density);
        struct set want = {0};
        choose(p, n, 0, 0, within, &want);
        struct span_list got = {0}, one = {0};
        cr_assert_eq(spans_within(p, n, within, false, &got, work(), &err), ST_OK);
        same(&got, &want, "within");
        cr_assert_eq(spans_within(p, n, within, true, &one, work(), &err), ST_OK);
        one_of(&one, &want, got.n);
        span_list_release(&got);
        span_list_release(&one);
    }
}

static void random_spans(struct span_list *l, struct set *s)
{
    for (uint32_t n = dice(8); n > 0; n--) {
        uint32_t first = dice(PLACES), last = first + dice(PLACES - first);
        s->has[first][last] = true;
        cr_assert_eq(span_list_put(l, first, last, &err), ST_OK);
    }
    span_list_sort(l);
    same(l, s, "sort");
}

static void before(const struct set *x, const struct set *y, uint32_t distance, struct set *out)
{
    for (uint32_t a = 0; a < PLACES; a++)
        for (uint32_t b = a; b < PLACES; b++)
            for (uint32_t c = b + 1; x->has[a][b] && c < PLACES && c - b <= distance; c++)
                for (uint32_t d = c; d < PLACES; d++)
                    out->has[a][d] |= y->has[c][d];
}

Test(spans, joins_spans_that_are_near)
{
    for (int round = 0; round < 5000; round++) {
        struct span_list x = {0}, y = {0}, got = {0}, one = {0};
        struct set sx = {0}, sy = {0}, want = {0};
        uint32_t distance = 1 + dice(8);
        bool ordered = dice(2);
        random_spans(&x, &sx);
        random_spans(&y, &sy);
        before(&sx, &sy, distance, &want);
        if (!ordered)
            before(&sy, &sx, distance, &want);
        cr_assert_eq(spans_near(&x, &y, distance, ordered, false, &got, work(), &err), ST_OK);
        same(&got, &want, "near");
        cr_assert_eq(spans_near(&x, &y, distance, ordered, true, &one, work(), &err), ST_OK);
        one_of(&one, &want, got.n);
        span_list_release(&x);
        span_list_release(&y);
        span_list_release(&got);
        span_list_release(&one);
    }
}

Test(spans, ends_with_an_error_where_there_are_too_many_ways)
{
    size_t n = 100000;
    uint32_t *at = calloc(n, sizeof *at);
    cr_assert_not_null(at);
    for (size_t i = 0; i < n; i++)
        at[i] = (uint32_t)i;
    struct positions p[2] = {{at, n}, {at, n}};
    struct span_list got = {0};
    cr_assert_eq(spans_within(p, 2, 1000, true, &got, work(), &err), ST_OK);
    cr_assert_eq(got.n, 1u);
    got.n = 0;
    cr_assert_eq(spans_within(p, 2, 1000, false, &got, work(), &err), ST_LIMIT);
    cr_assert_not_null(strstr(err.text, "ways to find"));
    span_list_release(&got);
    free(at);
}

/* Nine words at eight places: no choice, and many ways to see that. */
Test(spans, bounds_the_search_for_places)
{
    enum { MANY = 900 };
    static uint32_t at[MANY];
    static struct positions p[MANY];
    struct span_list got = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        at[i] = i;
        p[i] = (struct positions){at, MANY - 1};
    }
    enum status st = spans_within(p, MANY, 1000, true, &got, work(), &err);
    cr_assert(st == ST_OK || st == ST_LIMIT);
    cr_assert_eq(got.n, 0u);
    span_list_release(&got);
}

static void every_place(struct span_list *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(span_list_put(l, i, i, &err), ST_OK);
}

/* Of 600 words 180,000 pairs, but 36 million ways from the one to the other. */
Test(spans, a_chain_of_words_that_all_match_walks_pairs_and_not_ways, .timeout = 60)
{
    enum { N = 600 };
    struct span_list word = {0}, chain = {0};
    every_place(&word, N);
    every_place(&chain, N);
    for (uint32_t links = 1; links <= 10; links++) {
        struct span_list next = {0};
        struct spans_work *w = work();
        cr_assert_eq(spans_near(&chain, &word, 1000, false, false, &next, w, &err), ST_OK);
        cr_assert_eq(next.n, (size_t)(N - links) * (N - links + 1) / 2);
        cr_assert_lt(w->steps, UINT64_C(4000000));
        span_list_release(&chain);
        chain = next;
    }
    span_list_release(&chain);
    span_list_release(&word);
}

Test(spans, texts_of_a_query_take_from_one_budget)
{
    enum { N = 200 };
    struct span_list word = {0};
    struct spans_budget all = {.most = 100000};
    unsigned texts = 0;
    enum status st = ST_OK;
    every_place(&word, N);
    for (; st == ST_OK && texts < 1000; texts++) {
        struct span_list got = {0};
        struct spans_work w = {.budget = &all};
        st = spans_near(&word, &word, 1000, false, false, &got, &w, &err);
        cr_assert(texts > 0 || st == ST_OK, "one text alone is no burden");
        span_list_release(&got);
    }
    cr_assert_eq(st, ST_LIMIT);
    cr_assert_not_null(strstr(err.text, "in all messages"));
    struct spans_budget small = {.most = 100};
    for (texts = 0; texts < 1000; texts++) {
        struct span_list got = {0}, few = {0};
        struct spans_work w = {.budget = &small};
        every_place(&few, 10);
        cr_assert_eq(spans_near(&few, &few, 5, false, false, &got, &w, &err), ST_OK);
        span_list_release(&got);
        span_list_release(&few);
    }
    cr_assert_eq(small.spent, 0u, "short texts are free");
    span_list_release(&word);
}
