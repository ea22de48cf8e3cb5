/* test_explain — what --explain says a query stands for, and how it is searched. */
#include "query/explain.h"

#include "search_testing.h"

TestSuite(explain, .init = setup, .fini = teardown);

/* What is said of `query`; good until the next call. */
static const char *said(const char *query)
{
    static char *text;
    static size_t len;
    free(text);
    FILE *f = open_memstream(&text, &len);
    struct query *q = parse(query);
    cr_assert_eq(explain_query(&view, q, f, &err), ST_OK, "%s: %s", query, err.text);
    fclose(f);
    query_free(q);
    return text;
}

static void says(const char *query, const char *what)
{
    const char *all = said(query);
    cr_expect(strstr(all, what), "%s: no <%s> in\n%s", query, what, all);
}

static void says_not(const char *query, const char *what)
{
    const char *all = said(query);
    cr_expect(!strstr(all, what), "%s: <%s> in\n%s", query, what, all);
}

Test(explain, tells_what_words_and_phrases_stand_for)
{
    make_both();
    says_not("blue", "  word ");
    says("GR\xC3\x9CSSE", "  word     GR\xC3\x9CSSE: in the index grusse\n");
    says("=Harbour", "  word     =Harbour: as written; in the index harbour\n");
    says("\"Blue van\"",
         "\"Blue van\": 2 words one behind the other, in the index blue \xC2\xB7 van\n");
    says("\"van blue\"~3",
         "2 words, in any order, at most 3 apart, in the index van \xC2\xB7 blue\n");
}

Test(explain, counts_the_words_of_a_pattern_over_all_segments)
{
    make_both();
    says("ver*", "  pattern  ver*: 1 word of the index: version (2)\n");
    says("bl?e", ": 1 word of the index: blue (6)\n");
    says("nothing*", "  pattern  nothing*: 0 words of the index\n");
    says("\"blue *\"", "  pattern  *: any word\n");
    says("=V*n", "folded, may be it; texts are compared as written");
    says("m*", " more"); /* there are more than are listed */
}

Test(explain, tells_times_as_instants)
{
    make_both();
    says("on:2020-04-02", "  time     on:2020-04-02: from 2020-04-02T00:00:00.000Z until before "
                          "2020-04-03T00:00:00.000Z\n");
    says("after:2020-04-02T10", ": from 2020-04-02T10:00:00.000Z\n");
    says("before:2020", ": until before 2020-01-01T00:00:00.000Z\n");
    view_close(&view);
    cr_assert_eq(view_open(cf, "Europe/Paris", &view, &err), ST_OK);
    says("on:2020-03-29", "from 2020-03-28T23:00:00.000Z until before 2020-03-29T22:00:00.000Z\n");
    says("on:2020-10-25T02:30", "from 2020-10-25T00:30:00.000Z until before "
                                "2020-10-25T00:31:00.000Z, and again from "
                                "2020-10-25T01:30:00.000Z until before 2020-10-25T01:31:00.000Z\n");
}

Test(explain, tells_whom_a_nickname_means)
{
    make_both();
    says("nick:boss", "  nick     nick:boss: 1 handle of no service: bob\n");
    says("nick:nobody", "  nick     nick:nobody: no address book of the case has it\n");
}

/* The sum over the segments is the answer. */
static uint64_t matched(const char *query)
{
    uint64_t sum = 0;
    for (const char *p = said(query); (p = strstr(p, " record")); p++) {
        const char *digit = p;
        while (digit[-1] >= '0' && digit[-1] <= '9')
            digit--;
        if (strncmp(p, " record", 7) == 0 && digit < p)
            sum += strtoull(digit, NULL, 10);
    }
    return sum;
}

Test(explain, counts_as_the_search_does)
{
    static const char *const queries[] = {
        "blue",         "blue van",        "blue OR version",    "-blue",    "\"blue van\"",
        "m*",           "blue NEAR/3 van", "from:bob blue",      "* -van",   "ok",
        "kind:contact", "nick:boss",       "on:2020-04-02 blue", "has:link", "(a b) OR (blue -van)",
    };
    make_both();
    for (size_t i = 0; i < N(queries); i++) {
        struct search_result r = run(queries[i], SORT_NEWEST, 0);
        cr_expect_eq(matched(queries[i]), r.total, "%s: not %llu in\n%s", queries[i],
                     (unsigned long long)r.total, said(queries[i]));
        search_result_release(&r);
        says(queries[i], "plan of segment 1 of 2");
        says(queries[i], "plan of segment 2 of 2");
    }
}

Test(explain, shows_what_drives_an_and_and_both_sides_of_a_then)
{
    make_both();
    says("blue from:carl", "  <- drives the AND\n");
    says("blue THEN/1h van", "first, the earlier side of");
    says("blue THEN/1h van", "first, the later side of");
}

Test(explain, says_so_of_an_empty_case)
{
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK);
    says("blue", "  no plan: the case has no segment yet\n");
}

Test(explain, makes_hostile_words_safe)
{
    make_both();
    says_not("\"a\x1b[2Jb\"", "\x1b");
    says_not("from:\"\xE2\x80\xAE"
             "evil\"",
             "\xE2\x80\xAE");
}
