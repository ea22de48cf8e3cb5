/* test_handles — query/handles_*.c: who is in a case, how often, and what a pattern names. */
#include "query/handles.h"
#include "query_testing.h"

#define DAY INT64_C(1586000000000)

static struct casefile *cf;
static struct view v;

static void setup(void)
{
    dir_make();
    cf = query_case_make();
}

static void teardown(void)
{
    if (v.cf)
        view_close(&v);
    casefile_close(cf);
    dir_remove();
}

TestSuite(handles, .init = setup, .fini = teardown);

static bool matches(const char *pattern, const char *handle)
{
    return wild_match(slice_str(pattern), slice_str(handle));
}

Test(handles, are_matched_by_patterns_with_stars)
{
    cr_assert(matches("anna", "anna"));
    cr_assert(!matches("anna", "Anna"));
    cr_assert(!matches("ann", "anna"));
    cr_assert(matches("ann*", "anna"));
    cr_assert(matches("ann*", "ann"));
    cr_assert(matches("*na", "anna"));
    cr_assert(!matches("*na", "annas"));
    cr_assert(matches("*n*", "anna"));
    cr_assert(matches("a*n*a", "anna"));
    cr_assert(!matches("a*na*na", "anna"));
    cr_assert(matches("*", ""));
    cr_assert(matches("**", "x"));
    cr_assert(!matches("ab*ba", "aba"));
    cr_assert(matches("*ab*ab", "abab"));
    cr_assert(!matches("*ab*ab", "aab"));
}

static char long_handle[400];

static void make(void)
{
    memset(long_handle, 'l', sizeof long_handle - 1);
    const struct spec first[] = {
        {.from = "anna",
         .to = "bert",
         .text = "ok",
         .sent = DAY + 5000,
         .copies = {{.source = "p", .seq = 1},
                    {.source = "p", .seq = 2},
                    {.source = "q", .seq = 1}}},
        {.from = "bert",
         .to = "anna",
         .text = "yes",
         .sent = DAY,
         .copies = {{.source = "p", .seq = 3}}},
        {.from = "anna",
         .group = "g",
         .text = "all",
         .sent = DAY + 9000,
         .copies = {{.source = "p", .seq = 4}}},
        {.kind = DOC_CONTACT,
         .hidden = true,
         .from = "anna",
         .handle = "bert",
         .text = "Big B",
         .copies = {{.source = "p", .seq = 5}}},
        {.kind = DOC_CONTACT,
         .hidden = true,
         .from = "anna",
         .handle = "zoe",
         .text = "Z",
         .copies = {{.source = "p", .seq = 6}}},
        {.kind = DOC_NOTE,
         .from = "anna",
         .text = "to do",
         .sent = DAY + 20000,
         .copies = {{.source = "p", .seq = 7}}},
    };
    const struct spec second[] = {
        {.from = "bert", .to = long_handle, .text = "hi", .copies = {{.source = "p", .seq = 8}}},
        {.from = "anna",
         .to = "bert",
         .text = "more",
         .sent = DAY - 1000,
         .copies = {{.source = "p", .seq = 9}}},
    };
    segment_make(cf, first, sizeof first / sizeof *first);
    segment_make(cf, second, sizeof second / sizeof *second);
    cr_assert_eq(view_open(cf, "UTC", &v, NULL), ST_OK);
}

/* "anna 5/1 [-1000,20000] bert …": counts (a note is one, too) and, in ms from DAY, first and last.
 */
static const char *listed(const char *pattern)
{
    static char text[4096];
    struct handle_walk *w;
    struct handle_row row;
    struct err err = {0};
    enum status st;
    size_t at = 0;
    text[0] = 0;
    cr_assert_eq(handle_walk_open(&v, slice_str(pattern), &w, &err), ST_OK, "%s", err.text);
    while ((st = handle_walk_next(w, &row, &err)) == ST_OK) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s %llu/%llu", at ? " " : "",
                               (int)row.handle.len, (const char *)row.handle.data,
                               (unsigned long long)row.sent, (unsigned long long)row.received);
        if (row.first != TIME_NONE)
            at += (size_t)snprintf(text + at, sizeof text - at, " [%lld,%lld]",
                                   (long long)(row.first - DAY), (long long)(row.last - DAY));
        for (size_t i = 0; i < row.n_nicknames; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, " %.*s",
                                   (int)row.nicknames[i].nickname.len,
                                   (const char *)row.nicknames[i].nickname.data);
    }
    cr_assert_eq(st, ST_END, "%s", err.text);
    handle_walk_close(w);
    return text;
}

Test(handles, are_counted_over_all_segments)
{
    char want[1024];
    make();
    (void)snprintf(want, sizeof want,
                   "anna 5/1 [-1000,20000] bert 2/3 [-1000,5000] Big B %s 0/1 zoe 0/0 Z",
                   long_handle);
    cr_assert_str_eq(listed(""), want);
    cr_assert_str_eq(listed("*"), want);
}

Test(handles, are_found_by_pattern)
{
    char want[1024];
    make();
    cr_assert_str_eq(listed("bert"), "bert 2/3 [-1000,5000] Big B");
    cr_assert_str_eq(listed("b*"), "bert 2/3 [-1000,5000] Big B");
    cr_assert_str_eq(listed("*nn*"), "anna 5/1 [-1000,20000]");
    cr_assert_str_eq(listed("ber"), "");
    cr_assert_str_eq(listed("nobody"), "");
    (void)snprintf(want, sizeof want, "%s 0/1", long_handle);
    cr_assert_str_eq(listed(long_handle), want);
    cr_assert_str_eq(listed("l*l"), want);
}
