/* test_lang — the query language: what is accepted and its printed form, what is refused and where
 * the caret stands. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/lang.h"

static struct splitter *splitter;
static struct zone *zone;
static struct query *query;
static struct query_error qe;
static struct err err;

static void setup(void)
{
    cr_assert_eq(splitter_new(&splitter, &err), ST_OK);
    cr_assert_eq(zone_open("UTC", &zone, &err), ST_OK);
}

static void teardown(void)
{
    query_free(query);
    zone_close(zone);
    splitter_free(splitter);
}

TestSuite(lang, .init = setup, .fini = teardown);

static enum status parse(struct slice text)
{
    query_free(query);
    query = NULL;
    return query_parse(text, splitter, zone, &query, &qe, &err);
}

static const struct node *root_of(const char *text)
{
    cr_assert_eq(parse(slice_str(text)), ST_OK, "%s: %s", text, err.text);
    return query->root;
}

static void print_is(const char *text, const char *want)
{
    struct buf out = {0};
    root_of(text);
    query_print(query, &out);
    buf_put_u8(&out, 0);
    cr_assert_str_eq((const char *)out.data, want, "%s", text);
    /* The printed form is a query, and prints as itself. */
    struct buf again = {0};
    root_of((const char *)out.data);
    query_print(query, &again);
    cr_assert(slice_eq_str(buf_slice(&again), want), "%s", want);
    buf_release(&out);
    buf_release(&again);
}

/* `text` is refused, the caret is under [from, to) and the message holds `says`. */
static void refused(const char *text, size_t from, size_t to, const char *says)
{
    cr_assert_eq(parse(slice_str(text)), ST_BAD_INPUT, "%s", text);
    cr_assert(qe.from == from && qe.to == to, "%s: at [%zu, %zu): %s", text, qe.from, qe.to,
              qe.text);
    cr_assert_not_null(strstr(qe.text, says), "%s: %s", text, qe.text);
    cr_assert_str_eq(err.text, qe.text);
}

Test(lang, puts_and_between_words)
{
    print_is("blue van", "blue AND van");
    print_is("blue AND van", "blue AND van");
    print_is("  blue\t\nvan ", "blue AND van");
    print_is("blue\xE3\x80\x80van\xC2\xA0keys", "blue AND van AND keys");
}

Test(lang, binds_not_before_and_before_or)
{
    print_is("a b OR c", "a AND b OR c");
    print_is("a (b OR c)", "a AND (b OR c)");
    print_is("NOT a b", "NOT a AND b");
    print_is("NOT (a b)", "NOT (a AND b)");
    print_is("-a -(b OR c)", "NOT a AND NOT (b OR c)");
    print_is("NOT NOT a", "NOT NOT a");
    print_is("((a))", "a");
    const struct node *n = root_of("a OR b c OR NOT d");
    cr_assert_eq(n->kind, NODE_OR);
    cr_assert_eq(n->list.n, 3u);
    cr_assert_eq(n->list.kids[1]->kind, NODE_AND);
    cr_assert_eq(n->list.kids[2]->kind, NODE_NOT);
}

Test(lang, keeps_leaves_as_they_were_written)
{
    print_is("\"Blue  van\" =Gr\xC3\xBC\xC3\x9F"
             "e harb* from:\"a b\" from:bo* *",
             "\"Blue  van\" AND =Gr\xC3\xBC\xC3\x9F"
             "e AND harb* AND from:\"a b\" AND from:bo* AND *");
    print_is("on:2020-04-01..2020-04-03 =\"what? *\"",
             "on:2020-04-01..2020-04-03 AND =\"what? *\"");
}

Test(lang, takes_operators_only_in_capitals)
{
    print_is("a and b or not near", "a AND and AND b AND or AND not AND near");
    cr_assert_eq(root_of("\"AND\"")->kind, NODE_TEXT);
    cr_assert_eq(root_of("\"NEAR\"")->kind, NODE_TEXT);
}

static void parts_are(const char *text, size_t n, const char *const *folded,
                      const uint32_t *offsets)
{
    const struct node *x = root_of(text);
    cr_assert_eq(x->kind, NODE_TEXT, "%s", text);
    cr_assert_eq(x->text.n, n, "%s: %zu", text, x->text.n);
    for (size_t i = 0; i < n; i++) {
        cr_assert(slice_eq_str(x->text.parts[i].folded, folded[i]), "%s: %zu: %.*s", text, i,
                  (int)x->text.parts[i].folded.len, (const char *)x->text.parts[i].folded.data);
        cr_assert_eq(x->text.parts[i].offset, offsets[i], "%s: %zu", text, i);
    }
}

static const uint32_t zero_up[] = {0, 1, 2, 3};

Test(lang, folds_words_as_messages_are_folded)
{
    parts_are("HARBOUR", 1, (const char *[]){"harbour"}, zero_up);
    parts_are("Caf\xC3\xA9", 1, (const char *[]){"cafe"}, zero_up);
    parts_are("\"Blue  VAN\"", 2, (const char *[]){"blue", "van"}, zero_up);
    parts_are("foo.conf", 2, (const char *[]){"foo", "conf"}, zero_up);
    parts_are("12:30", 2, (const char *[]){"12", "30"}, zero_up);
}

Test(lang, takes_handles_tags_and_phone_numbers_whole)
{
    parts_are("@bob", 1, (const char *[]){"@bob"}, zero_up);
    parts_are("#tag", 1, (const char *[]){"#tag"}, zero_up);
    cr_assert_eq(root_of("+33612345678")->text.n, 1u);
    cr_assert_eq(root_of("+33612345678")->text.parts[0].kind, TOKEN_WHOLE);
}

Test(lang, asks_for_pairs_of_cjk_characters)
{
    /* 東, 東京, 東京都, 東京tower */
    parts_are("\xE6\x9D\xB1", 1, (const char *[]){"\xE6\x9D\xB1"}, zero_up);
    parts_are("\xE6\x9D\xB1\xE4\xBA\xAC", 1, (const char *[]){"\xE6\x9D\xB1\xE4\xBA\xAC"}, zero_up);
    parts_are("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", 2,
              (const char *[]){"\xE6\x9D\xB1\xE4\xBA\xAC", "\xE4\xBA\xAC\xE9\x83\xBD"}, zero_up);
    parts_are("\xE6\x9D\xB1\xE4\xBA\xACtower", 2,
              (const char *[]){"\xE6\x9D\xB1\xE4\xBA\xAC", "tower"}, (const uint32_t[]){0, 2});
}

Test(lang, takes_emoji_as_words)
{
    parts_are("\xF0\x9F\x91\x8D", 1, (const char *[]){"\xF0\x9F\x91\x8D"}, zero_up);
}

Test(lang, knows_exact_words_and_phrases)
{
    const struct node *n = root_of("=Gr\xC3\xBC\xC3\x9F"
                                   "e");
    cr_assert(n->text.exact);
    cr_assert(slice_eq_str(n->text.parts[0].written, "Gr\xC3\xBC\xC3\x9F"
                                                     "e"));
    n = root_of("=\"Blue van?\"");
    cr_assert(n->text.exact);
    cr_assert_eq(n->text.n, 2u);
    cr_assert(slice_eq_str(n->text.parts[1].written, "van"));
    cr_assert_not(root_of("blue")->text.exact);
}

Test(lang, folds_prefixes)
{
    cr_assert(slice_eq_str(pattern_prefix(root_of("HARB*")->text.parts[0].pattern), "harb"));
    cr_assert(slice_eq_str(pattern_prefix(root_of("@Bo*")->text.parts[0].pattern), "@bo"));
    cr_assert(pattern_is_prefix(root_of("HARB*")->text.parts[0].pattern));
    cr_assert_eq(root_of("*")->kind, NODE_ALL);
    cr_assert_eq(root_of("**")->kind, NODE_TEXT);
}

Test(lang, reads_fields_with_quotes_and_escapes)
{
    const struct node *n = root_of("from:\"a \\\"b\\\" \\\\ c*\"");
    cr_assert_eq(n->kind, NODE_FIELD);
    cr_assert(slice_eq_str(n->field.value, "a \"b\" \\ c*"));
    cr_assert_not(n->field.wild);
    cr_assert_eq(n->field.fields[0], TERM_FROM);
    cr_assert_eq(n->field.n_fields, 1u);
    n = root_of("with:Bo*");
    cr_assert(slice_eq_str(n->field.value, "Bo*"));
    cr_assert(n->field.wild);
    cr_assert_eq(n->field.n_fields, 2u);
    cr_assert_eq(n->field.fields[1], TERM_TO);
    n = root_of("(group:\"red team\")");
    cr_assert_eq(n->field.fields[0], TERM_GROUP);
    cr_assert(slice_eq_str(root_of("to:x:y/z@h")->field.value, "x:y/z@h"));
    n = root_of("from:\"a? b\"*");
    cr_assert(n->field.wild);
    cr_assert(slice_eq_str(n->field.value, "a\\? b*"));
    n = root_of("from:a\\*b");
    cr_assert_not(n->field.wild);
    cr_assert(slice_eq_str(n->field.value, "a*b"));
    cr_assert(root_of("from:?a\\*b")->field.wild);
    cr_assert_eq(root_of("has:link")->kind, NODE_FIELD);
    cr_assert_eq(root_of("has:copies")->state, STATE_COPIES);
    cr_assert_eq(root_of("kind:note")->doc_kind, DOC_NOTE);
    cr_assert(query->has_kind);
    n = root_of("conv:ABCDEF012");
    cr_assert_eq(n->conv.digits, 9u);
    cr_assert_eq(n->conv.key[0], 0xAB);
    cr_assert_eq(n->conv.key[4], 0x20);
    cr_assert(root_of("id:0123456789abcdef")->id.maybe_ours);
    cr_assert_not(root_of("id:m-17")->id.maybe_ours);
}

Test(lang, takes_text_with_colons_for_text_where_no_field_can_be_meant)
{
    cr_assert_eq(root_of("https://example.org/x")->kind, NODE_TEXT);
    cr_assert_eq(root_of("12:30")->kind, NODE_TEXT);
    cr_assert_eq(root_of("note: milk")->kind, NODE_AND);
    cr_assert_eq(root_of("\"foo:bar\"")->kind, NODE_TEXT);
    cr_assert_eq(root_of("a1:b")->kind, NODE_TEXT);
}

static void time_is(const char *text, int64_t from, int64_t to)
{
    const struct node *n = root_of(text);
    cr_assert_eq(n->kind, NODE_TIME);
    cr_assert(n->time.from == from && n->time.to == to, "%s: [%lld, %lld)", text,
              (long long)n->time.from, (long long)n->time.to);
}

#define DAY INT64_C(86400000)

Test(lang, reads_days_months_years_and_times)
{
    int64_t day = civil_days(2020, 4, 2) * DAY, at = day + (18 * 60 + 23) * 60000;
    time_is("on:2020-04-02", day, day + DAY);
    time_is("on:2020-04", civil_days(2020, 4, 1) * DAY, civil_days(2020, 5, 1) * DAY);
    time_is("on:2020-12", civil_days(2020, 12, 1) * DAY, civil_days(2021, 1, 1) * DAY);
    time_is("on:2020", civil_days(2020, 1, 1) * DAY, civil_days(2021, 1, 1) * DAY);
    time_is("on:2020-02-29", civil_days(2020, 2, 29) * DAY, civil_days(2020, 3, 1) * DAY);
    time_is("after:2020-04-02", day, INT64_MAX);
    time_is("before:2020-04-02", INT64_MIN, day);
    time_is("on:2020-04-02Z", day, day + DAY);
    time_is("on:2020-04-02+02:00", day - 7200000, day + DAY - 7200000);
    time_is("on:2020-04-02T18", day + 18 * 3600000, day + 19 * 3600000);
    time_is("on:2020-04-02T23-01:00", day + DAY, day + DAY + 3600000);
    time_is("on:2020-04-02..2020-04-02T18:23", day, at + 60000);
    time_is("on:2020-04-02T18:23..2020-04-02", at, day + DAY);
    time_is("after:2020-04-02T18", day + 18 * 3600000, INT64_MAX);
    time_is("on:2020-04-02T18:23", at, at + 60000);
    time_is("on:2020-04-02T18:23:11Z", at + 11000, at + 12000);
    time_is("on:2020-04-02T18:23:11.5", at + 11500, at + 11600);
    time_is("on:2020-04-02T18:23:11.123", at + 11123, at + 11124);
    time_is("on:\"2020-04-02 18:23\"", at, at + 60000);
    time_is("on:2020-04-02T20:23+02:00", at, at + 60000);
    time_is("on:2020-04-02T13:53-04:30", at, at + 60000);
    time_is("on:2020-04-02..2020-04-03", day, day + 2 * DAY);
    time_is("on:\"2020-04-02 18:23..2020-05\"", at, civil_days(2020, 6, 1) * DAY);
}

Test(lang, cuts_days_of_summer_time_at_local_midnight)
{
    zone_close(zone);
    cr_assert_eq(zone_open("Europe/Paris", &zone, &err), ST_OK);
    int64_t day = civil_days(2020, 3, 29) * DAY;
    time_is("on:2020-03-29", day - 3600000, day + DAY - 2 * 3600000); /* 23 hours */
    day = civil_days(2020, 10, 25) * DAY;
    time_is("on:2020-10-25", day - 2 * 3600000, day + DAY - 3600000); /* 25 hours */
}

Test(lang, refuses_empty_queries)
{
    refused("", 0, 0, "empty");
    refused("  ", 0, 2, "empty");
    refused("()", 0, 2, "nothing between");
    refused("a ( )", 2, 5, "nothing between");
}

Test(lang, puts_the_caret_at_unbalanced_signs)
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

Test(lang, puts_the_caret_at_operators_without_operand)
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

Test(lang, refuses_by_name_what_this_version_does_not_have)
{
    refused("\xE2\x80\x9Cvan keys\xE2\x80\x9D", 0, 3, "straight quotes");
}

/* ---- patterns ---- */

static const struct pattern *pattern_of(const char *text)
{
    const struct node *n = root_of(text);
    cr_assert_eq(n->kind, NODE_TEXT, "%s", text);
    cr_assert(n->text.patterned, "%s", text);
    cr_assert_eq(n->text.n, 1u, "%s", text);
    return n->text.parts[0].pattern;
}

Test(lang, takes_wildcards_edits_and_expressions_for_patterns)
{
    cr_assert_eq(pattern_kind(pattern_of("h?rb*r")), PATTERN_WILD);
    cr_assert_eq(pattern_kind(pattern_of("*bour")), PATTERN_WILD);
    cr_assert_eq(pattern_kind(pattern_of("foo.c*")), PATTERN_WILD);
    cr_assert_eq(pattern_kind(pattern_of("harbour~1")), PATTERN_FUZZY);
    cr_assert_eq(pattern_kind(pattern_of("/h[ao]rb.+/")), PATTERN_REGEX);
    cr_assert_eq(pattern_kind(pattern_of("/a b\\/c \\(\"/")), PATTERN_REGEX);
    cr_assert_not(pattern_exact(pattern_of("H?rb")));
    cr_assert(pattern_exact(pattern_of("=H?rb")));
    cr_assert(pattern_exact(pattern_of("=Harb~2")));
    cr_assert(pattern_exact(pattern_of("=/Harb/")));
    cr_assert_eq(pattern_kind(pattern_of("\"h?rb*r\"")), PATTERN_WILD);
}

Test(lang, takes_signs_behind_a_backslash_as_they_are)
{
    cr_assert_not(root_of("foo\\*bar")->text.patterned);
    cr_assert_eq(root_of("foo\\*bar")->text.n, 2u);
    cr_assert_not(root_of("\\/etc\\/")->text.patterned);
    cr_assert_not(root_of("10\\~2")->text.patterned);
    parts_are("smile\\:\\(x", 2, (const char *[]){"smile", "x"}, zero_up);
    parts_are("tmp\\new", 2, (const char *[]){"tmp", "new"}, zero_up);
    cr_assert_not(root_of("\"a \\* b\"")->text.patterned);
    cr_assert_eq(root_of("\"a \\\"b\\\" c\"")->text.n, 3u);
}

Test(lang, puts_patterns_into_phrases)
{
    const struct node *n = root_of("\"the h?rb*r foo.conf van~1 /k.y/ * end\"");
    static const bool pattern[] = {false, true, false, false, true, true, true, false};
    cr_assert_eq(n->text.n, 8u);
    for (uint32_t i = 0; i < 8; i++) {
        cr_assert_eq(n->text.parts[i].offset, i);
        cr_assert_eq(n->text.parts[i].pattern != NULL, pattern[i], "%u", i);
    }
    cr_assert(pattern_any(n->text.parts[6].pattern));
    cr_assert_not(root_of("\"where are you?\"")->text.patterned);
    cr_assert_not(root_of("\"where are you?!\"")->text.patterned);
    cr_assert_not(root_of("\"you? said\"")->text.patterned);
    cr_assert(root_of("\"y?u\"")->text.patterned);
    cr_assert(root_of("=\"Blue v*\"")->text.exact);
}

Test(lang, puts_the_caret_at_bad_patterns)
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

/* ---- NEAR, PRE, "..."~n, THEN ---- */

Test(lang, binds_near_before_then_before_not)
{
    print_is("from:x blue NEAR/5 van", "from:x AND blue NEAR/5 van");
    print_is("-blue NEAR/5 van", "NOT blue NEAR/5 van");
    print_is("a NEAR/3 b PRE/1000 c", "a NEAR/3 b PRE/1000 c");
    print_is("a NEAR/3 (b PRE/2 c)", "a NEAR/3 (b PRE/2 c)");
    print_is("(a NEAR/3 b) PRE/2 c", "a NEAR/3 b PRE/2 c");
    print_is("(a OR b) NEAR/3 (c OR \"d e\"~7)", "(a OR b) NEAR/3 (c OR \"d e\"~7)");
    print_is("a NEAR/2 b THEN/10m c", "a NEAR/2 b THEN/10m c");
    print_is("a THEN/3msg b THEN/1d c", "a THEN/3msg b THEN/1d c");
    print_is("a THEN/3s (b THEN/1h c)", "a THEN/3s (b THEN/1h c)");
    print_is("a THEN/3s by:same b", "a THEN/3s by:same b");
    print_is("a THEN/3s by:other (b OR NOT c)", "a THEN/3s by:other (b OR NOT c)");
    print_is("(NOT a) THEN/3s by:bo* b d", "(NOT a) THEN/3s by:bo* b AND d");
    const struct node *n = root_of("a NEAR/3 b PRE/2 c");
    cr_assert(n->kind == NODE_NEAR && n->near.ordered && n->near.distance == 2);
    cr_assert(n->near.kids[0]->kind == NODE_NEAR && !n->near.kids[0]->near.ordered);
    n = root_of("a THEN/10m by:other b THEN/3msg by:\"same\" c");
    cr_assert(n->kind == NODE_THEN && n->then.unit == THEN_MESSAGES && n->then.amount == 3);
    cr_assert(n->then.by == THEN_BY_HANDLE && slice_eq_str(n->then.sender->field.value, "same"));
    n = n->then.kids[0];
    cr_assert(n->kind == NODE_THEN && n->then.unit == THEN_MINUTES && n->then.amount == 10);
    cr_assert(n->then.by == THEN_BY_OTHER && !n->then.sender);
    cr_assert_eq(root_of("\"a b c\"~12")->text.within, 12u);
    cr_assert_eq(root_of("near/5 then/3m")->kind, NODE_AND);
}

Test(lang, puts_the_caret_at_bad_distances)
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

Test(lang, puts_the_caret_at_what_has_no_place_in_a_text)
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

Test(lang, lets_chains_grow_only_so_high)
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

Test(lang, refuses_bad_fields_and_values)
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

Test(lang, refuses_bad_times)
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

Test(lang, refuses_words_without_anything_to_search_for)
{
    refused("a !!!", 2, 5, "nothing to search for in '!!!'");
    refused("\"\"", 0, 2, "nothing to search for");
    refused("\"... --\"", 0, 8, "nothing to search for");
    refused("a - b", 2, 3, "nothing to search for in '-'");
    refused("= a", 0, 1, "right after it");
    refused("\"? !\"", 0, 5, "nothing to search for");
    refused("\xE2\x80\x8D~1", 0, 3, "needs a word");
}

Test(lang, takes_ten_thousand_alternatives)
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

Test(lang, nests_a_thousand_deep_and_no_deeper)
{
    nested(1000, "(", ")", ST_OK);
    nested(1001, "(", ")", ST_BAD_INPUT);
    nested(1000, "-", "", ST_OK);
    nested(100000, "-", "", ST_BAD_INPUT);
    nested(300000, "(", ")", ST_BAD_INPUT);
    nested(1001, "NOT ", "", ST_BAD_INPUT);
}

Test(lang, limits_phrases_prefixes_and_the_query_itself)
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

Test(lang, draws_carets_under_the_place)
{
    drawn("blue AND", "  blue AND\n       ^^^\n");
    drawn("", "  \n  ^\n");
    drawn("\xE6\x9D\xB1 (b", "  \xE6\x9D\xB1 (b\n     ^\n");
}

Test(lang, draws_a_part_of_a_long_query)
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

Test(lang, draws_nothing_that_acts_on_a_terminal)
{
    struct buf out = {0};
    struct slice text = slice_str("\x1B[31m\xE2\x80\xAE AND");
    cr_assert_eq(parse(text), ST_BAD_INPUT);
    query_error_print(text, &qe, &out);
    for (size_t i = 0; i < out.len; i++)
        cr_assert(out.data[i] == '\n' || (out.data[i] >= 0x20 && out.data[i] < 0x7F));
    buf_release(&out);
}

Test(lang, survives_every_truncation_and_bit_flip)
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
