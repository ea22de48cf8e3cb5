/* test_lang_errors — what the query language refuses and where the caret stands; its limits. */
#include "lang_testing.h"

TestSuite(lang_errors, .init = setup, .fini = teardown);

Test(lang_errors, refuses_empty_queries)
{
    refused("", 0, 0, "empty");
    refused("  ", 0, 2, "empty");
    refused("()", 0, 2, "nothing between");
    refused("a ( )", 2, 5, "nothing between");
}

Test(lang_errors, puts_the_caret_at_unbalanced_signs)
{
    refused("a \"b c", 2, 3, "not closed");
    refused("=\"b", 1, 2, "not closed");
    refused("from:\"b", 5, 6, "not closed");
    refused("a (b", 2, 3, "not closed");
    refused("a (", 2, 3, "not closed");
    refused("a (b (c)", 2, 3, "not closed");
    refused("a) b", 1, 2, "not opened");
    refused(")", 0, 1, "not opened");
    refused("a OR )", 2, 4, "OR needs");
}

Test(lang_errors, puts_the_caret_at_operators_without_operand)
{
    refused("AND", 0, 3, "before it");
    refused("OR b", 0, 2, "before it");
    refused("a AND", 2, 5, "after it");
    refused("a OR", 2, 4, "after it");
    refused("a AND OR b", 2, 5, "after it");
    refused("a OR AND b", 2, 4, "after it");
    refused("a (OR b)", 3, 5, "before it");
    refused("NOT", 0, 3, "NOT needs");
    refused("(a NOT)", 3, 6, "NOT needs");
    refused("a NOT AND b", 2, 5, "NOT needs");
    refused("a -AND", 2, 3, "- needs");
}

Test(lang_errors, refuses_by_name_what_this_version_does_not_have)
{
    refused("\xE2\x80\x9Cvan keys\xE2\x80\x9D", 0, 3, "straight quotes");
}

Test(lang_errors, refuses_signs_that_only_look_like_those_of_the_language)
{
    refused("a «van keys»", 2, 4, "straight quotes");
    refused("＂van＂", 0, 3, "straight quotes");
    refused("=“Van”", 1, 4, "straight quotes");
    refused("group:“red”", 6, 9, "straight quotes");
    refused("a –van", 2, 5, "plain hyphen");
    refused("a −van", 2, 5, "plain hyphen");
    refused("（van OR bus） keys", 0, 3, "plain parentheses");
    refused("NOT（van）", 3, 6, "plain parentheses");
    refused("(from:a OR from:b）", 17, 20, "plain parentheses");
    refused("van＊", 3, 6, "plain *");
    refused("a from：anna", 6, 9, "plain colon: from:");
}

Test(lang_errors, puts_the_caret_at_bad_patterns)
{
    refused("a harbour~3", 9, 11, "~1 or ~2");
    refused("harbour~", 7, 8, "~1 or ~2");
    refused("harbour~12", 7, 10, "~1 or ~2");
    refused("10~20", 2, 5, "~1 or ~2");
    refused("h?rb~1", 4, 6, "without wildcards");
    refused("\"a harb~7 b\"", 7, 9, "~1 or ~2");
    refused("/h[ao b", 0, 1, "not closed");
    refused("a =/b", 3, 4, "not closed");
    refused("/etc/passwd", 5, 11, "blank is missing");
    refused("//", 1, 1, "empty");
    refused("a /h(o/", 5, 6, "regular expression: missing closing parenthesis");
    refused("/ab[c/", 4, 5, "regular expression: missing terminating ]");
    refused("/*a/", 1, 2, "regular expression: quantifier");
    refused("/\xC3\xA4[\xC3\x9F]/", 4, 6, "searched as several (ss)");
    refused("=/a\\C/", 4, 5, "regular expression");
    refused("\"a b\"*", 5, 6, "inside the quotes");
    refused("\xFFh*", 0, 3, "UTF-8");
    refused("=/\xFF/", 2, 3, "UTF-8");
}

Test(lang_errors, puts_the_caret_at_bad_distances)
{
    refused("a NEAR b", 2, 6, "NEAR takes a number of words from 1 to 1000");
    refused("a NEAR/ b", 2, 7, "NEAR takes a number");
    refused("a NEAR/0 b", 2, 8, "NEAR takes a number");
    refused("a PRE/1001 b", 2, 10, "PRE takes a number");
    refused("a PRE/99999999999999999999 b", 2, 26, "PRE takes a number");
    refused("a NEAR/5x b", 2, 9, "NEAR takes a number");
    refused("\"a b\"~", 5, 6, "1 to 1000");
    refused("\"a b\"~0", 5, 7, "1 to 1000");
    refused("\"a b\"~1001 c", 5, 10, "1 to 1000");
    refused("\"a b\"~5x", 5, 8, "1 to 1000");
    refused("a THEN b", 2, 6, "THEN takes a number");
    refused("a THEN/10 b", 2, 9, "s, m, h, d or msg");
    refused("a THEN/0m b", 2, 9, "THEN takes a number");
    refused("a THEN/10w b", 2, 10, "s, m, h, d or msg");
    refused("a THEN/1000001s b", 2, 15, "1 to 1000000");
}

Test(lang_errors, puts_the_caret_at_what_has_no_place_in_a_text)
{
    refused("from:x NEAR/5 van", 0, 6, "on both sides");
    refused("van NEAR/5 from:x", 11, 17, "on both sides");
    refused("van NEAR/5 *", 11, 12, "on both sides");
    refused("van NEAR/5 -blue", 11, 12, "on both sides");
    refused("van NEAR/5 NOT blue", 11, 14, "on both sides");
    refused("van NEAR/5 (a b)", 12, 15, "on both sides");
    refused("van NEAR/5 (a OR (b OR on:2020))", 23, 30, "on both sides");
    refused("(a THEN/1m b) PRE/5 c", 1, 12, "PRE takes");
    refused("(NOT a) PRE/5 c", 1, 6, "PRE takes");
    refused("NEAR/5 a", 0, 6, "NEAR needs something to search for before it");
    refused("a NEAR/5", 2, 8, "NEAR needs something to search for after it");
    refused("a NEAR/5 OR b", 2, 8, "after it");
    refused("a NEAR/5 )", 2, 8, "after it");
    refused("a OR PRE/5 b", 2, 4, "after it");
    refused("a THEN/5m", 2, 9, "THEN needs something to search for after it");
    refused("THEN/5m a", 0, 7, "THEN needs something to search for before it");
    refused("a THEN/5m -b", 10, 11, "put a negation behind THEN into parentheses");
    refused("a THEN/5m by:x", 2, 9, "after it");
    refused("a THEN/5m by:x NOT b", 15, 18, "into parentheses");
    refused("a by:x", 2, 5, "right behind THEN");
    refused("a THEN/5m (by:x)", 11, 14, "right behind THEN");
    refused("a THEN/5m b by:x", 12, 15, "right behind THEN");
    refused("a THEN/5m by:", 10, 13, "needs a value");
    refused("a THEN/5m by:\"\" b", 13, 15, "empty");
}

Test(lang_errors, lets_chains_grow_only_so_high)
{
    struct buf text = {0};
    buf_put_u8(&text, 'a');
    for (int i = 0; i < LANG_HEIGHT_MAX; i++)
        buf_put_str(&text, " NEAR/1 a");
    cr_assert_eq(parse(buf_slice(&text)), ST_OK, "%s", err.text);
    struct buf out = {0};
    query_print(query, &out);
    cr_assert(slice_eq(buf_slice(&out), buf_slice(&text)));
    buf_put_str(&text, " NEAR/1 a");
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    cr_assert_not_null(strstr(qe.text, "nested deeper than 4000"));
    buf_release(&text);
    buf_release(&out);
}

Test(lang_errors, refuses_bad_fields_and_values)
{
    refused("a foo:bar", 2, 6, "unknown field foo:");
    refused("From:bob", 0, 5, "unknown field From:");
    refused("foo:\"x\"", 0, 4, LANG_FIELDS);
    refused("from: bob", 0, 5, "needs a value");
    refused("from:", 0, 5, "needs a value");
    refused("(from:)", 1, 6, "needs a value");
    refused("from:\"\"", 5, 7, "empty");
    refused("from:(a OR b)", 5, 6, "one value");
    refused("from:a(b)", 6, 7, "into quotes");
    refused("from:a\"b\"", 6, 7, "into quotes");
    refused("from:\"a\"b", 8, 9, "blank");
    refused("kind:mail", 5, 9, "message, event, contact, note, location, call or keepalive");
    refused("has:body", 4, 8, "has: takes");
    refused("has:li*", 6, 7, "no wildcard");
    refused("id:a?b*", 4, 5, "no wildcard");
    refused("copies:0", 7, 8, "one copy at least");
    refused("copies:<1", 7, 9, "one copy at least");
    refused("copies:3..2", 7, 11, "ends before");
    refused("copies:<0", 7, 9, "one copy at least");
    refused("copies:<=0", 7, 10, "one copy at least");
    refused("copies:=2", 7, 9, "takes 2, >1");
    refused("copies:2..", 7, 10, "takes 2, >1");
    refused("copies:99999999999", 7, 18, "takes 2, >1");
    refused("sha256:abcdef0", 7, 14, "8 to 64 hex digits");
    refused("sha256:abcdefgh", 7, 15, "8 to 64 hex digits");
    refused("sha256:abcdef01*", 15, 16, "no wildcard");
    refused("nick:\"\"", 5, 7, "empty");
    refused("source:\"", 7, 8, "not closed");
    refused("conv:1234567", 5, 12, "8 to 32");
    refused("conv:0123456789abcdef0123456789abcdef0", 5, 38, "8 to 32");
    refused("conv:xyzxyzxyz", 5, 14, "8 to 32");
    refused("id:\"\"", 3, 5, "empty");
}

Test(lang_errors, refuses_bad_times)
{
    static const char *const bad[] = {
        "x",
        "20",
        "2020-4",
        "2020-13",
        "2020-00",
        "2020-02-30",
        "2021-02-29",
        "2020-04-02T",
        "2020-04-02T1",
        "2020-04-02T18:",
        "2020-04-02T24",
        "2020-04-02T24:00",
        "2020-04-0",
        "2020-04-02x",
        "2020-04-021",
        "2020-04-02T18:60",
        "2020-04-02T18:23:60",
        "0000",
        "2020-",
        "2020-04-02Zx",
        "2020-04-02+2",
        "2020-04-02T18:23+2",
        "2020-04-02T18:23x",
        "..2020",
        "2020..",
        "2021..2020",
        "2020..x",
        "2020-04-02T18:23:11.",
    };
    char text[64];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "a on:%s", bad[i]);
        cr_assert_eq(parse(slice_str(text)), ST_BAD_INPUT, "%s", text);
        cr_assert(qe.from == 5 && qe.to == strlen(text), "%s", text);
    }
    refused("after:2020..2021", 6, 16, "on: only");
    refused("on:2021-02-29", 3, 13, "no such day");
    refused("on:2021-02-28T25:00", 3, 19, "no such time");
}

Test(lang_errors, refuses_words_without_anything_to_search_for)
{
    refused("a !!!", 2, 5, "nothing to search for in '!!!'");
    refused("\"\"", 0, 2, "nothing to search for");
    refused("\"... --\"", 0, 8, "nothing to search for");
    refused("a - b", 2, 3, "nothing to search for in '-'");
    refused("= a", 0, 1, "right after it");
    refused("\"? !\"", 0, 5, "nothing to search for");
    refused("\xE2\x80\x8D~1", 0, 3, "needs a word");
}

Test(lang_errors, takes_ten_thousand_alternatives)
{
    struct buf text = {0};
    for (int i = 0; i < 10000; i++)
        buf_printf(&text, "%sw%d", i ? " OR " : "", i);
    cr_assert_eq(parse(buf_slice(&text)), ST_OK, "%s", err.text);
    cr_assert_eq(query->root->list.n, 10000u);
    buf_release(&text);
}

static void nested(int depth, const char *open, const char *close, enum status want)
{
    struct buf text = {0};
    for (int i = 0; i < depth; i++)
        buf_put_str(&text, open);
    buf_put_u8(&text, 'a');
    for (int i = 0; i < depth; i++)
        buf_put_str(&text, close);
    cr_assert_eq(parse(buf_slice(&text)), want, "%d %s", depth, open);
    if (want != ST_OK) {
        cr_assert_eq(qe.from, LANG_DEPTH_MAX * strlen(open));
        cr_assert_not_null(strstr(qe.text, "nested deeper than 1000"));
    }
    buf_release(&text);
}

Test(lang_errors, nests_a_thousand_deep_and_no_deeper)
{
    nested(1000, "(", ")", ST_OK);
    nested(1001, "(", ")", ST_BAD_INPUT);
    nested(1000, "-", "", ST_OK);
    nested(100000, "-", "", ST_BAD_INPUT);
    nested(300000, "(", ")", ST_BAD_INPUT);
    nested(1001, "NOT ", "", ST_BAD_INPUT);
}

Test(lang_errors, limits_phrases_prefixes_and_the_query_itself)
{
    struct buf text = {0};
    buf_put_u8(&text, '"');
    for (int i = 0; i <= LANG_PARTS_MAX; i++)
        buf_put_str(&text, "a ");
    buf_put_u8(&text, '"');
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    cr_assert_not_null(strstr(qe.text, "1000 words"));
    buf_clear(&text);
    for (int i = 0; i < PATTERN_MAX; i++)
        buf_put_u8(&text, 'a');
    buf_put_u8(&text, '*');
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    cr_assert_not_null(strstr(qe.text, "at most 1000 bytes"));
    text.data[text.len - 1] = '/';
    text.data[0] = '/';
    cr_assert_eq(parse(buf_slice(&text)), ST_OK);
    buf_put_str(&text, "~1");
    text.data[0] = text.data[text.len - 3] = 'a';
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    cr_assert_not_null(strstr(qe.text, "at most 200 characters"));
    buf_clear(&text);
    buf_put_str(&text, "from:");
    for (int i = 0; i < LANG_WILD_MAX; i++)
        buf_put_u8(&text, 'a');
    cr_assert_eq(parse(buf_slice(&text)), ST_OK);
    buf_put_u8(&text, '*');
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    while (text.len <= LANG_TEXT_MAX)
        buf_put_str(&text, " aaaaaaaaaaaaaaaaaaaaaaaa");
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    cr_assert_not_null(strstr(qe.text, "longer than"));
    buf_release(&text);
}

static void drawn(const char *text, const char *want)
{
    struct buf out = {0};
    cr_assert_eq(parse(slice_str(text)), ST_BAD_INPUT);
    query_error_print(slice_str(text), &qe, &out);
    buf_put_u8(&out, 0);
    cr_assert_str_eq((const char *)out.data, want);
    buf_release(&out);
}

Test(lang_errors, draws_carets_under_the_place)
{
    drawn("blue AND", "  blue AND\n       ^^^\n");
    drawn("", "  \n  ^\n");
    drawn("\xE6\x9D\xB1 (b", "  \xE6\x9D\xB1 (b\n     ^\n");
}

Test(lang_errors, draws_a_part_of_a_long_query)
{
    struct buf text = {0}, out = {0};
    for (int i = 0; i < 100; i++)
        buf_put_str(&text, "\xC3\xA4\xC3\xA4 ");
    buf_put_str(&text, "AND ");
    for (int i = 0; i < 100; i++)
        buf_put_str(&text, "OR ");
    cr_assert_eq(parse(buf_slice(&text)), ST_BAD_INPUT);
    query_error_print(buf_slice(&text), &qe, &out);
    cr_assert_lt(out.len, 320u);
    cr_assert(slice_eq_str(slice_of(out.data, 5), "  ..."));
    cr_assert_eq(out.data[out.len - 2], '^');
    buf_release(&text);
    buf_release(&out);
}

Test(lang_errors, draws_nothing_that_acts_on_a_terminal)
{
    struct buf out = {0};
    struct slice text = slice_str("\x1B[31m\xE2\x80\xAE AND");
    cr_assert_eq(parse(text), ST_BAD_INPUT);
    query_error_print(text, &qe, &out);
    for (size_t i = 0; i < out.len; i++)
        cr_assert(out.data[i] == '\n' || (out.data[i] >= 0x20 && out.data[i] < 0x7F));
    buf_release(&out);
}

Test(lang_errors, survives_every_truncation_and_bit_flip)
{
    static const char text[] =
        "(a OR \"b \\\"c\\\"\") -from:\"x y\"* on:2020-04-02T18:23:11.5+02:00..2021 "
        "harb* =D\xC3\xA9j\xC3\xA0 id:0123456789 conv:abcdef0123 has:link (\"h?rb v* x~1\"~9 OR "
        "=/[\xC3\xA4]b\\/c?/) PRE/3 van THEN/10m by:\"x y\" (\\*a b~2)";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        /* Its own allocation, so that a read beyond the end is seen. */
        char *part = malloc(n + 1);
        cr_assert_not_null(part);
        memcpy(part, text, n);
        char *exact = realloc(part, n ? n : 1);
        (void)parse(slice_of(exact, n));
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * (sizeof text - 1); bit++) {
        char flipped[sizeof text];
        memcpy(flipped, text, sizeof text);
        flipped[bit / 8] = (char)((unsigned char)flipped[bit / 8] ^ (1u << (bit % 8)));
        enum status st = parse(slice_of(flipped, sizeof text - 1));
        cr_assert(st == ST_OK || st == ST_BAD_INPUT);
        cr_assert(st == ST_OK || (qe.from <= qe.to && qe.to <= sizeof text - 1));
    }
}
