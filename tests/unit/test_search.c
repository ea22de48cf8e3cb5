/* test_search — queries against a small case: what is found, in which order, and what the summary
 * counts. */
#include "search_testing.h"

#include "lictor/thread.h"

TestSuite(search, .init = setup, .fini = teardown);

Test(search, finds_folded_words_newest_first_untimed_last)
{
    make_both();
    finds("blue", "m3 m13 m7 m2 m1 m5");
    finds("BLUE van", "m2 m1 m5");
    finds("harbour", "m2 m1");
    finds("nowhere", "");
    finds("van OR version", "m9 m10 m2 m1 m5");
}

Test(search, sorts_oldest_first_with_untimed_last)
{
    make_both();
    struct buf labels = {0};
    struct search_result r = run("blue", SORT_OLDEST, UINT64_MAX);
    put_labels(&r, &labels);
    cr_assert_str_eq((const char *)labels.data, "m1 m2 m7 m13 m3 m5");
    search_result_release(&r);
    buf_release(&labels);
}

Test(search, finds_phrases_at_successive_positions)
{
    make_both();
    finds("\"blue van\"", "m1 m5");
    finds("\"van blue\"", "m2");
    finds("\"ok ok\"", "m8/1 m8/2");
    finds("\"ok ok ok\"", "");
    finds("\"blue nowhere\"", "");
    finds("x.org", "m2");
}

Test(search, finds_exact_words_as_written)
{
    make_both();
    finds("=Harbour", "m2");
    finds("=harbour", "m1");
    finds("gruesse", "");
    finds("GR\xC3\x9CSSE", "m7");
    finds("=Gr\xC3\xBC\xC3\x9F"
          "e",
          "m7");
    finds("=gr\xC3\xBC\xC3\x9F"
          "e",
          "");
    finds("=\"blue Harbour\"", "m2");
    finds("=\"blue harbour\"", "");
}

Test(search, finds_prefixes)
{
    make_both();
    finds("harb*", "m2 m1");
    finds("ver*", "m9 m10");
    finds("zz*", "");
    finds("m1*", "m13 m11 m10 m1");
    finds("m*", "m3 m13 m11 m9 m10 m8/1 m8/2 m7 m2 m1 m5");
}

Test(search, finds_substrings_of_cjk_and_bases_of_emoji)
{
    make_both();
    finds("\xE6\x9D\xB1\xE4\xBA\xAC", "m3");
    finds("\xE4\xBA\xAC\xE9\x83\xBD", "m3");
    finds("\xE6\x9D\xB1\xE9\x83\xBD", "");
    finds("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", "m3");
    finds("\xE4\xBA\xAC", "m3");
    finds("\xE6\x9D\xB1\xE4\xBA\xAC PRE/1 \xE9\x83\xBD", "m3");
    finds("\xE6\x9D\xB1\xE4\xBA\xAC NEAR/9 \xE4\xBA\xAC", ""); /* a span ends with its word */
    finds("\xF0\x9F\x91\x8D", "m3");
    finds("=\xF0\x9F\x91\x8D", "");
    finds("=\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD", "m3");
}

Test(search, finds_by_fields)
{
    make_both();
    finds("from:alice", "m2");
    finds("to:carl", "m5");
    finds("with:carl", "m3 m5");
    finds("with:ca*", "m3 m5");
    finds("from:Alice", "");
    finds("group:\"red team\"", "m3");
    finds("group:re*", "m3");
    finds("has:attachment", "m3");
    finds("has:link", "m2");
    finds("has:emoji", "m3");
    finds("has:reply", "m13");
    finds("id:svc-1", "m9 m10");
    finds("id:svc", "");
}

Test(search, leaves_hidden_records_out_unless_a_kind_is_named)
{
    make_both();
    finds("blue kind:event", "m6");
    finds("kind:event", "m6");
    finds("kind:note", "m7");
    finds("kind:contact from:alice", "Bobby Bobby");
    finds("blue (kind:event OR kind:message)", "m3 m13 m6 m2 m1 m5");
    finds("kind:message", "m3 m13 m11 m9 m10 m8/1 m8/2 m4 m2 m1 m12 m5");
    finds("NOT kind:message NOT kind:contact", "m7 m6");
    finds("from:bob NOT to:alice", "m7 m5");
}

Test(search, negates)
{
    make_both();
    finds("NOT blue", "m11 m9 m10 m8/1 m8/2");
    finds("blue -van", "m3 m13 m7");
    finds("NOT NOT van", "m2 m1 m5");
    finds("NOT (van OR from:bob)", "m3");
    finds("*", "m3 m13 m11 m9 m10 m8/1 m8/2 m7 m4 m2 m1 m12 m5");
    finds("NOT *", "");
}

Test(search, matches_nothing_that_it_cannot_test)
{
    make_both();
    finds("from:bob blue", "m13 m7 m1 m5");
    untestable("blue", 2, 0);
    untestable("NOT blue", 2, 0);
    untestable("blue from:alice", 0, 0);
    untestable("blue from:bob", 2, 0);
    untestable("blue OR from:bob", 0, 0);
    untestable("*", 0, 0);
    untestable("on:2020-04-02", 0, 2);
    untestable("NOT on:2020-04-02", 0, 2);
    untestable("on:2020-04-02 van", 2, 2);
    untestable("on:2020-04-02 blue", 2, 2);
    untestable("on:2020-04-02 (blue OR from:bob)", 0, 2);
    untestable("on:2020-04-03 blue", 1, 2);
    untestable("\"blue van\"", 2, 0);
    untestable("=blue", 2, 0);
    untestable("bl* OR va*", 2, 0);
    untestable("has:link", 2, 0);
    untestable("NOT has:emoji", 2, 0);
    untestable("has:coordinates OR from:alice", 2, 0);
    untestable("has:attachment", 0, 0);
}

Test(search, filters_by_time)
{
    make_both();
    finds("on:2020-04-02 blue", "m13 m7 m2 m1");
    finds("on:2020-04-03", "m3");
    finds("NOT on:2020-04-02", "m3");
    finds("on:2020-04-02T10:00", "m1");
    finds("on:2020-04-02T10:00..2020-04-02T10:01", "m2 m1");
    finds("on:2020-04-02T12:01+02:00", "m2");
    finds("after:2020-04-02T17:00", "m3 m13 m11");
    finds("before:2020-04-02T10:01", "m1");
    finds("before:2020 OR after:2021", "");
}

Test(search, knows_the_state_of_each_message)
{
    make_both();
    finds("has:sealed", "m4 m12");
    finds("has:repeated", "m8/1 m8/2");
    finds("has:copies", "m9 m8/1 m1");
    finds("from:bob NOT has:copies to:alice", "m13 m11 m10 m8/2 m4 m12");
    finds("has:conflict", "m11 m9 m10 m8/2");
    finds("ok NOT has:conflict", "m8/1");
}

Test(search, counts_conversations_over_all_segments)
{
    make_both();
    struct search_result r = run("from:bob -kind:note", SORT_NEWEST, 1);
    cr_assert_eq(r.n_hits, 1u);
    search_result_release(&r);
    r = run("from:bob NOT gr\xC3\xBC\xC3\x9F"
            "e NOT sealed",
            SORT_NEWEST, 3);
    cr_assert_eq(r.conversations, 2u); /* alice and bob in both segments, bob and carl */
    search_result_release(&r);
}

Test(search, says_that_it_was_interrupted)
{
    static struct spec many[9000];
    static char texts[9000][16];
    for (size_t i = 0; i < N(many); i++) {
        (void)snprintf(texts[i], sizeof texts[i], "t%zu word", i);
        many[i] = (struct spec){.from = "a",
                                .to = "b",
                                .text = texts[i],
                                .sent = T0 + (int64_t)i,
                                .copies = {{"p", i, NULL}}};
    }
    segment_make(cf, many, N(many));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    struct search_result r = run("t*", SORT_NEWEST, 2);
    cr_assert_eq(r.total, N(many));
    cr_assert_eq(r.hits[0].sent, T0 + 8999);
    search_result_release(&r);
    struct query *q = parse("t*");
    struct search_options o = {.limit = 10};
    stop_ask();
    cr_assert_eq(search_run(&view, q, &o, &r, &err), ST_INTERRUPTED);
    query_free(q);
}

Test(search, highlights_what_was_asked_for)
{
    make_both();
    struct arena a;
    struct text_range *r;
    size_t n;
    struct slice text =
        slice_str("Blue van, VAN keys; \xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD harbours");
    struct query *q =
        parse("(\"blue van\" OR harb*) \xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD =VAN -keys from:x");
    arena_init(&a, 0);
    cr_assert_eq(query_highlight(q, view.splitter, text, &a, &r, &n, &err), ST_OK);
    cr_assert_eq(n, 4u);
    cr_assert(r[0].from == 0 && r[0].to == 8);
    cr_assert(r[1].from == 10 && r[1].to == 13);
    cr_assert(r[2].from == 20 && r[2].to == 29);
    cr_assert(r[3].from == 30 && r[3].to == 38);
    query_free(q);
    arena_release(&a);
}

Test(search, answers_ten_thousand_alternatives)
{
    make_both();
    struct buf text = {0};
    for (int i = 0; i < 10000; i++)
        buf_printf(&text, "w%d OR ", i);
    for (int i = 0; i < 100; i++)
        buf_put_str(&text, "version OR van OR from:carl OR ");
    buf_put_str(&text, "harbour");
    buf_put_u8(&text, 0);
    finds((const char *)text.data, "m3 m9 m10 m2 m1 m5");
    untestable((const char *)text.data, 2, 0);
    buf_release(&text);
}

static void put_pages(const char *text, enum search_sort sort, uint64_t first, struct buf *labels)
{
    struct search_pages p;
    struct search_options o = {.sort = sort, .limit = UINT64_MAX, .conversations = true};
    struct query *q = parse(text);
    const struct message_ref *hits;
    size_t n;
    search_pages_begin(&p, &view, q, &o, first, false);
    for (;;) {
        cr_assert_eq(search_pages_next(&p, &hits, &n, &err), ST_OK, "%s", err.text);
        struct search_result part = {.hits = p.page.hits, .n_hits = n};
        cr_assert(n == 0 || hits == p.page.hits);
        if (n == 0)
            break;
        if (labels->len)
            labels->data[labels->len - 1] = ' ';
        put_labels(&part, labels);
    }
    cr_assert_eq(search_pages_sum(&p, &err), ST_OK);
    struct search_result whole = run(text, sort, UINT64_MAX);
    cr_assert_eq(p.sums.total, whole.total, "%s", text);
    cr_assert_eq(p.sums.conversations, whole.conversations, "%s", text);
    cr_assert(p.sums.sealed == whole.sealed && p.sums.untimed == whole.untimed, "%s", text);
    search_result_release(&whole);
    search_pages_release(&p);
    query_free(q);
}

Test(search, gives_in_pages_what_it_gives_at_once)
{
    static const char *const queries[] = {"*",        "blue", "ok",        "from:bob",
                                          "NOT blue", "m*",   "van OR ok", "has:repeated"};
    make_both();
    for (size_t i = 0; i < N(queries); i++)
        for (int sort = SORT_NEWEST; sort <= SORT_OLDEST; sort++)
            for (uint64_t first = 1; first <= 3; first++) {
                struct buf at_once = {0}, paged = {0};
                struct search_result r = run(queries[i], (enum search_sort)sort, UINT64_MAX);
                put_labels(&r, &at_once);
                put_pages(queries[i], (enum search_sort)sort, first, &paged);
                cr_assert_str_eq((const char *)paged.data, (const char *)at_once.data, "%s",
                                 queries[i]);
                search_result_release(&r);
                buf_release(&at_once);
                buf_release(&paged);
            }
}

#define MANY 6000

/* Every hit but the last of a page has another of its time behind it; some have none. */
Test(search, pages_through_equal_times_passing_over_the_rest)
{
    static struct spec many[MANY];
    static char texts[MANY][24], to[MANY][8];
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "t%zu word", i);
        (void)snprintf(to[i], sizeof to[i], "b%zu", i / 1500);
        many[i] = (struct spec){.from = "a",
                                .to = to[i],
                                .text = texts[i],
                                .sent = i % 100 == 99 ? TIME_NONE : T0 + (int64_t)(i % 1500 / 300),
                                .copies = {{"p", i, NULL}}};
    }
    segment_make(cf, many, N(many));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    for (int sort = SORT_NEWEST; sort <= SORT_OLDEST; sort++) {
        struct search_result whole = run("word", (enum search_sort)sort, UINT64_MAX);
        struct search_options o = {
            .sort = (enum search_sort)sort, .want = SEARCH_HITS, .limit = 700};
        struct query *q = parse("word");
        struct message_ref last;
        bool skipped = false;
        cr_assert_eq(whole.n_hits, (size_t)MANY);
        for (size_t at = 0; at < MANY;) {
            struct search_result r;
            cr_assert_eq(search_run(&view, q, &o, &r, &err), ST_OK, "%s", err.text);
            cr_assert_gt(r.n_hits, 0u);
            skipped |= !r.whole;
            for (size_t i = 0; i < r.n_hits; i++, at++)
                cr_assert(r.hits[i].doc == whole.hits[at].doc && r.hits[i].k == whole.hits[at].k,
                          "hit %zu", at);
            last = r.hits[r.n_hits - 1];
            o.after = &last;
            search_result_release(&r);
        }
        cr_assert(skipped);
        query_free(q);
        search_result_release(&whole);
    }
}

Test(search, goes_on_only_behind_a_hit)
{
    make_both();
    struct search_result all = run("blue", SORT_NEWEST, UINT64_MAX), r;
    struct search_options o = {.limit = 5, .after = &all.hits[1]};
    struct query *q = parse("ok");
    cr_assert_eq(search_run(&view, q, &o, &r, &err), ST_USAGE);
    query_free(q);
    search_result_release(&all);
}
