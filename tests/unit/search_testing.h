/* search_testing — a small case of two segments and short ways to ask it, for the tests of search,
 * view and the oracle. Each test program includes it once. */
#ifndef TESTS_SEARCH_TESTING_H
#define TESTS_SEARCH_TESTING_H

#include "query/search.h"
#include "query_testing.h"

#define T0 INT64_C(1585821600000) /* 2020-04-02T10:00:00Z */
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct casefile *cf;
static struct view view;
static struct err err;

static void setup(void)
{
    dir_make();
    cf = query_case_make();
}

static void teardown(void)
{
    view_close(&view);
    casefile_close(cf);
    dir_remove();
}

#define N(a) (sizeof a / sizeof *a)

/* A label is the first word of the text; contents are told apart by it. */
static const struct spec first_segment[] = {
    {.from = "bob",
     .to = "alice",
     .text = "m1 blue van harbour",
     .sent = T0,
     .copies = {{"p1", 1, "bob"}, {"p2", 1, "alice"}}},
    {.from = "alice",
     .to = "bob",
     .text = "m2 van blue Harbour http://x.org/a",
     .sent = T0 + MINUTE,
     .copies = {{"p1", 2, "bob"}}},
    {.from = "carl",
     .to = "dora",
     .group = "red team",
     .text = "m3 blue \xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD \xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD",
     .sent = T0 + DAY,
     .copies = {{"p3", 1, "carl"}},
     .attachment = "aabb"},
    {.from = "bob",
     .to = "alice",
     .text = "m4 blue",
     .sealed = true,
     .sent = T0 + 2 * HOUR,
     .copies = {{"p1", 3, "bob"}}},
    {.from = "bob", .to = "carl", .text = "m5 blue van", .copies = {{"p1", 4, "bob"}}},
    {.kind = DOC_EVENT,
     .hidden = true,
     .from = "bob",
     .text = "m6 blue",
     .sent = T0 + 3 * HOUR,
     .copies = {{"p1", 5, "bob"}}},
    {.kind = DOC_NOTE,
     .from = "bob",
     .text = "m7 Gr\xC3\xBC\xC3\x9F"
             "e blue",
     .sent = T0 + 4 * HOUR,
     .copies = {{"p1", 6, "bob"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m8 ok ok",
     .sent = T0 + 5 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p1", 10, "bob"}, {"p1", 11, "bob"}, {"p2", 10, "alice"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m9 first version",
     .id = "svc-1",
     .sent = T0 + 6 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p1", 12, "bob"}, {"p1", 13, "bob"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m12 blue",
     .sealed = true,
     .copies = {{"p1", 14, "bob"}}},
};
static const struct spec second_segment[] = {
    {.from = "bob",
     .to = "alice",
     .text = "m10 second version",
     .id = "svc-1",
     .sent = T0 + 6 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p2", 12, "alice"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m11 clash",
     .sent = T0 + 7 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p1", 11, "bob"}}},
    {.kind = DOC_CONTACT,
     .hidden = true,
     .from = "alice",
     .handle = "bob",
     .text = "Bobby",
     .sent = T0,
     .copies = {{"p2", 20, "alice"}}},
    {.kind = DOC_CONTACT,
     .hidden = true,
     .from = "dora",
     .handle = "bob",
     .text = "Boss",
     .sent = T0,
     .copies = {{"p4", 1, "dora"}}},
    {.kind = DOC_CONTACT,
     .hidden = true,
     .from = "alice",
     .handle = "bob",
     .text = "Bobby",
     .sent = T0 + DAY,
     .copies = {{"p2", 21, "alice"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m13 opened blue",
     .sealed = true,
     .opened = true,
     .sent = T0 + 8 * HOUR,
     .copies = {{"p1", 15, "bob"}},
     .reply_to = "svc-1"},
};

static inline void make_both(void)
{
    segment_make(cf, first_segment, N(first_segment));
    segment_make(cf, second_segment, N(second_segment));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
}

static inline struct query *parse(const char *text)
{
    struct query *q = NULL;
    struct query_error qe;
    cr_assert_eq(query_parse(slice_str(text), view.splitter, view.zone, &q, &qe, &err), ST_OK,
                 "%s: %s", text, err.text);
    return q;
}

static inline struct slice label_of(const struct content *c)
{
    struct slice s = c->body_kind == BODY_SEALED ? c->seal_box : c->text;
    size_t n = 0;
    while (n < s.len && s.data[n] != ' ')
        n++;
    return slice_of(s.data, n);
}

/* "m1 m8/1 m8/2": the hits in order. */
static inline void put_labels(const struct search_result *r, struct buf *out)
{
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < r->n_hits; i++) {
        struct message_view m;
        cr_assert_eq(view_load(&view, &r->hits[i], VIEW_CONTENT, &a, &m, &err), ST_OK, "%s",
                     err.text);
        if (i > 0)
            buf_put_u8(out, ' ');
        buf_put_slice(out, label_of(&m.c));
        if (m.state.messages > 1)
            buf_printf(out, "/%u", m.ref.k);
        cr_assert_eq(m.ref.sent, r->hits[i].sent);
    }
    buf_put_u8(out, 0);
    arena_release(&a);
}

static inline struct search_result run(const char *text, enum search_sort sort, uint64_t limit)
{
    struct search_result r;
    struct search_options o = {.sort = sort, .limit = limit, .conversations = true};
    struct query *q = parse(text);
    cr_assert_eq(search_run(&view, q, &o, &r, &err), ST_OK, "%s: %s", text, err.text);
    query_free(q);
    return r;
}

static inline void finds(const char *text, const char *want)
{
    struct buf labels = {0};
    struct search_result r = run(text, SORT_NEWEST, UINT64_MAX);
    put_labels(&r, &labels);
    cr_assert_str_eq((const char *)labels.data, want, "%s: %s", text, (const char *)labels.data);
    cr_assert_eq(r.total, r.n_hits, "%s", text);
    struct search_result count = run(text, SORT_NEWEST, 0);
    cr_assert_eq(count.total, r.total, "%s: counted %llu", text, (unsigned long long)count.total);
    cr_assert_eq(count.n_hits, 0u);
    cr_assert(count.sealed == r.sealed && count.untimed == r.untimed, "%s", text);
    search_result_release(&r);
    search_result_release(&count);
    buf_release(&labels);
}

static inline void untestable(const char *text, uint64_t sealed, uint64_t untimed)
{
    struct search_result r = run(text, SORT_NEWEST, 10);
    cr_assert(r.sealed == sealed && r.untimed == untimed, "%s: %llu %llu", text,
              (unsigned long long)r.sealed, (unsigned long long)r.untimed);
    search_result_release(&r);
}

static inline struct message_view load(const char *text, size_t i, enum view_depth depth,
                                       struct arena *a)
{
    struct message_view m;
    struct search_result r = run(text, SORT_NEWEST, UINT64_MAX);
    cr_assert_lt(i, r.n_hits);
    cr_assert_eq(view_load(&view, &r.hits[i], depth, a, &m, &err), ST_OK, "%s", err.text);
    search_result_release(&r);
    return m;
}

#endif
