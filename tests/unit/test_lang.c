/* test_lang — the query language: what is accepted and its printed form. */
#include "lang_testing.h"

TestSuite(lang, .init = setup, .fini = teardown);

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

Test(lang, leaves_out_signs_that_are_not_seen_around_words_and_values)
{
    /* As text output shows a name that runs from right to left, and as editors begin a file. */
    cr_assert(slice_eq_str(root_of("from:\u2068كريم\u2069")->field.value, "كريم"));
    cr_assert(slice_eq_str(root_of("\uFEFFfrom:anna\u200E")->field.value, "anna"));
    cr_assert(slice_eq_str(root_of("from:\u200F\"anna\"\u200F")->field.value, "anna"));
    cr_assert(slice_eq_str(root_of("from:\"\u200Eanna\"")->field.value, "\u200Eanna"));
    cr_assert(slice_eq_str(root_of("from:\\\u200Eanna")->field.value, "\u200Eanna"));
    cr_assert(slice_eq_str(root_of("from:\u202Eanna")->field.value, "\u202Eanna"));
    print_is("a\u200E \u202BOR\u202C b\u061C \u2067/c./\u2069", "a OR b AND /c./");
    print_is("-\u2068van\u2069 \"a b\"~3\u200E", "NOT van AND \"a b\"~3");
    cr_assert_eq(root_of("=\u2068Van\u2069")->kind, NODE_TEXT);
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
