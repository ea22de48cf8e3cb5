/* test_pattern — patterns of words against matchers that know nothing but the definition, and the
 * walk along a lexicon against asking each word. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "dice.h"
#include "lictor/utf8.h"
#include "query/pattern.h"

static struct splitter *splitter;
static struct arena arena;
static struct pattern_set all;
static struct err err;

static void setup(void)
{
    cr_assert_eq(splitter_new(&splitter, &err), ST_OK);
    arena_init(&arena, 0);
}

static void teardown(void)
{
    pattern_free_all(&all);
    arena_release(&arena);
    splitter_free(splitter);
}

TestSuite(pattern, .init = setup, .fini = teardown);

enum { WILD, FUZZY_1, FUZZY_2, REGEX };

static enum status make(int kind, const char *text, bool exact, struct pattern **out)
{
    struct pattern_maker m = {&arena, splitter, &all};
    struct pattern_fault f;
    struct slice s = arena_copy(&arena, slice_str(text)); /* the set keeps it */
    err.text[0] = 0;
    if (kind == WILD)
        return pattern_wild(&m, s, exact, out, &f, &err);
    if (kind == REGEX)
        return pattern_regex(&m, s, exact, out, &f, &err);
    return pattern_fuzzy(&m, s, kind == FUZZY_1 ? 1 : 2, exact, out, &f, &err);
}

static bool matches_words(struct pattern *p, const char *folded, const char *written)
{
    bool yes;
    cr_assert_eq(pattern_match(p, slice_str(folded), slice_str(written), &yes, &err), ST_OK, "%s",
                 err.text);
    return yes;
}

static bool matches(int kind, const char *text, const char *folded)
{
    struct pattern *p;
    cr_assert_eq(make(kind, text, false, &p), ST_OK, "%s: %s", text, err.text);
    return matches_words(p, folded, "");
}

/* What the walk along a lexicon skips to is what every match begins with. */
static bool begins_with(const char *regex, const char *prefix)
{
    struct pattern *p;
    cr_assert_eq(make(REGEX, regex, false, &p), ST_OK, "%s: %s", regex, err.text);
    return slice_eq_str(pattern_prefix(p), prefix);
}

Test(pattern, skips_to_no_letter_that_an_expression_may_leave_out)
{
    cr_assert(begins_with("Blue.*", "blue"));
    cr_assert(begins_with("blue", "blue"));
    cr_assert(begins_with("blue+", "blue"));
    cr_assert(begins_with("blue*", "blu"));
    cr_assert(begins_with("blue?s", "blu"));
    cr_assert(begins_with("blue{0,2}", "blu"));
    cr_assert(begins_with("blue(?#a remark)*", "blu"));
    cr_assert(begins_with("blue\\E*", "blu"));
    cr_assert(begins_with("blue|red", ""));
    cr_assert(matches(REGEX, "blue(?#a remark)*", "blu"));
}

Test(pattern, knows_wildcards)
{
    cr_assert(matches(WILD, "h?rb*r", "harbour"));
    cr_assert(matches(WILD, "H\xC3\x84RB*", "harbour"));
    cr_assert(matches(WILD, "*bour", "bour"));
    cr_assert(matches(WILD, "*a*a*", "baab"));
    cr_assert(matches(WILD, "?", "\xE6\x9D\xB1"));
    cr_assert(matches(WILD, "a\\*b*", "a*bc"));
    cr_assert(matches(WILD, "*\xC3\x9F", "gross"));
    cr_assert_not(matches(WILD, "h?rb", "harbour"));
    cr_assert_not(matches(WILD, "?", "ab"));
    cr_assert_not(matches(WILD, "??", "\xE6\x9D\xB1"));
    cr_assert_not(matches(WILD, "a*b", "ab c"));
    cr_assert_not(matches(WILD, "?*", ""));
}

Test(pattern, counts_a_transposition_of_neighbours_as_one_edit)
{
    cr_assert(matches(FUZZY_1, "harbour", "harbuor"));
    cr_assert(matches(FUZZY_1, "harbour", "harbor"));
    cr_assert(matches(FUZZY_1, "harbour", "harrbour"));
    cr_assert(matches(FUZZY_1, "Harbour", "herbour"));
    cr_assert_not(matches(FUZZY_1, "harbour", "herbor"));
    cr_assert(matches(FUZZY_2, "harbour", "herbor"));
    cr_assert_not(matches(FUZZY_2, "ca", "abc")); /* alignment, not full Damerau */
    cr_assert(matches(FUZZY_1, "\xE6\x9D\xB1\xE4\xBA\xAC", "\xE4\xBA\xAC\xE6\x9D\xB1"));
    cr_assert(matches(FUZZY_1, "a", "b"));
    cr_assert_not(matches(FUZZY_1, "a", "bc"));
}

Test(pattern, matches_expressions_against_whole_words)
{
    cr_assert(matches(REGEX, "h[ao]rb.+", "harbour"));
    cr_assert_not(matches(REGEX, "arb.+", "harbour"));
    cr_assert_not(matches(REGEX, "h[ao]r", "harbour"));
    cr_assert(matches(REGEX, "a|ab", "ab"));
    cr_assert(matches(REGEX, "H\xC3\x84RB\\w+", "harbour"));
    cr_assert(matches(REGEX, "gr[o\xC3\xB6]\xC3\x9F+", "grossss"));
    cr_assert(matches(REGEX, "[[:alpha:]\xC3\xA4]b", "ab"));
    cr_assert_not(matches(REGEX, "[[:digit:]\xC3\xA4]b", "(b"));
    cr_assert(matches(REGEX, "\xD0\x9F\xD1\x80\xD0\xB8.*", "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2"));
    cr_assert(matches(REGEX, "\\d{2,3}", "123"));
    cr_assert(matches(REGEX, "(..)\\1", "dodo"));
    cr_assert(matches(REGEX, "h.*", "https://x.org/a"));
}

Test(pattern, compares_exact_ones_as_written)
{
    struct pattern *p;
    cr_assert_eq(make(WILD, "Harb*", true, &p), ST_OK);
    cr_assert(matches_words(p, "harbour", "Harbour"));
    cr_assert_not(matches_words(p, "harbour", "harbour"));
    cr_assert_eq(make(FUZZY_1, "Harbour", true, &p), ST_OK);
    cr_assert(matches_words(p, "harbour", "harbour"));
    cr_assert_not(matches_words(p, "harbor", "harbor"));
    cr_assert_eq(make(REGEX, "H[\xC3\xA4]rb\\w+", true, &p), ST_OK);
    cr_assert(matches_words(p, "harbour", "H\xC3\xA4rbour"));
    cr_assert_not(matches_words(p, "harbour", "h\xC3\xA4rbour"));
}

Test(pattern, knows_what_all_matches_begin_with)
{
    struct pattern *p;
    cr_assert_eq(make(WILD, "HArb?ur*", false, &p), ST_OK);
    cr_assert(slice_eq_str(pattern_prefix(p), "harb"));
    cr_assert_not(pattern_is_prefix(p));
    cr_assert_eq(make(WILD, "HArb**", false, &p), ST_OK);
    cr_assert(pattern_is_prefix(p));
    cr_assert_eq(make(WILD, "***", false, &p), ST_OK);
    cr_assert(pattern_any(p));
    cr_assert_eq(make(REGEX, "HArb?ou", false, &p), ST_OK);
    cr_assert(slice_eq_str(pattern_prefix(p), "har"));
    cr_assert_eq(make(REGEX, "HArb+|x", false, &p), ST_OK);
    cr_assert_eq(pattern_prefix(p).len, 0u);
    cr_assert_eq(make(REGEX, "ab\xCC\x81", false, &p), ST_OK);
    cr_assert(slice_eq_str(pattern_prefix(p), "a"));
}

/* ---- against definitions ---- */

static const char *const letters[] = {"a", "b", "c", "\xD0\xB8", "\xE6\x9D\xB1"};

static void random_word(char *out, uint32_t max)
{
    *out = 0;
    for (uint32_t n = 1 + dice(max); n > 0; n--)
        strcat(out, letters[dice(5)]);
}

static bool naive_wild(const char *p, const char *w)
{
    size_t at = 0;
    if (*w)
        (void)utf8_next((const uint8_t *)w, strlen(w), &at);
    if (*p == '*')
        return naive_wild(p + 1, w) || (*w && naive_wild(p, w + at));
    if (!*p || !*w)
        return !*p && !*w;
    if (*p == '?')
        return naive_wild(p + 1, w + at);
    return *p == *w && naive_wild(p + 1, w + 1);
}

static size_t codes_of(const char *s, uint32_t *out)
{
    size_t n = 0;
    for (size_t at = 0, len = strlen(s); at < len;)
        out[n++] = utf8_next((const uint8_t *)s, len, &at);
    return n;
}

static size_t naive_distance(const char *x, const char *y)
{
    uint32_t a[64], b[64];
    size_t n = codes_of(x, a), m = codes_of(y, b), d[64][64];
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            size_t best = i == 0 ? j : j == 0 ? i : d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (i && d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (j && d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

Test(pattern, agrees_with_the_definitions_on_random_words)
{
    char word[64], text[64];
    for (int i = 0; i < 20000; i++) {
        random_word(word, 6);
        random_word(text, 6);
        for (int kind = FUZZY_1; kind <= FUZZY_2; kind++)
            cr_assert_eq(matches(kind, text, word), naive_distance(text, word) <= (size_t)kind,
                         "%s~%d %s", text, kind, word);
        *text = 0;
        for (uint32_t n = 1 + dice(5); n > 0; n--)
            strcat(text, dice(3) == 0 ? "*" : dice(3) == 0 ? "?" : letters[dice(5)]);
        cr_assert_eq(matches(WILD, text, word), naive_wild(text, word), "%s %s", text, word);
        if (i % 100 == 0) {
            pattern_free_all(&all);
            all = (struct pattern_set){0};
            arena_reset(&arena);
        }
    }
}

static int by_bytes(const void *a, const void *b) { return strcmp(a, b); }

Test(pattern, says_along_a_lexicon_what_it_says_of_each_word)
{
    static char words[3000][48];
    char text[48];
    for (size_t i = 0; i < 3000; i++)
        random_word(words[i], 8);
    qsort(words, 3000, sizeof *words, by_bytes);
    for (int i = 0; i < 60; i++) {
        struct pattern *p;
        struct pattern_walk w;
        random_word(text, 7);
        int kind = (int)dice(3);
        if (kind == WILD)
            strcat(text, dice(2) ? "*" : "?");
        cr_assert_eq(make(kind, text, false, &p), ST_OK);
        cr_assert_eq(pattern_walk_init(&w, p, &err), ST_OK);
        for (size_t k = 0; k < 3000; k++) {
            bool yes;
            cr_assert_eq(pattern_walk_may(&w, slice_str(words[k]), &yes, &err), ST_OK);
            cr_assert_eq(yes, matches_words(p, words[k], ""), "%s %d %s", text, kind, words[k]);
        }
        pattern_walk_release(&w);
    }
}

/* Whatever folds and melts: a word that matches as written is let through by its folded form. */
Test(pattern, lets_through_every_folded_word_that_may_match_as_written)
{
    static const char *const pieces[] = {"a",
                                         "B",
                                         "i",
                                         "I",
                                         "\xC3\x9F",
                                         "\xC3\xA9",
                                         "\xCC\x81",
                                         "\xD0\xB8",
                                         "s",
                                         "S",
                                         "\xCC\x86",
                                         "\xCC\xA3",
                                         "\xEA\xB0\x80",
                                         "\xE1\x84\x80",
                                         "\xE1\x85\xA1",
                                         "\xE1\x86\xA8",
                                         "\xC4\xB0",
                                         "\xEF\xAC\x81",
                                         "\xE2\x80\x8D",
                                         "9",
                                         "\xE0\xA7\x87",
                                         "\xE0\xA6\xBE"};
    enum { PIECES = sizeof pieces / sizeof *pieces };
    int matched = 0;
    for (int i = 0; i < 60000; i++) {
        char written[64] = "", text[96] = "";
        struct buf folded = {0};
        struct pattern *p;
        struct pattern_walk w;
        bool may, yes;
        int kind = (int)dice(3);
        for (uint32_t n = 1 + dice(5); n > 0; n--) {
            const char *piece = pieces[dice(PIECES)];
            strcat(written, piece);
            uint32_t how = dice(kind == WILD ? 6 : 12);
            strcat(text, how == 0 ? "*" : how == 1 ? "?" : piece);
        }
        if (kind != WILD)
            for (char *c = text; *c; c++)
                *c = *c == '*' || *c == '?' ? 'x' : *c;
        cr_assert_eq(splitter_fold(splitter, slice_str(written), &folded, &err), ST_OK);
        if (folded.len > 0 && make(kind, text, true, &p) == ST_OK) {
            cr_assert_eq(pattern_match(p, buf_slice(&folded), slice_str(written), &yes, &err),
                         ST_OK);
            cr_assert_eq(pattern_walk_init(&w, p, &err), ST_OK);
            cr_assert_eq(pattern_walk_may(&w, buf_slice(&folded), &may, &err), ST_OK);
            pattern_walk_release(&w);
            struct slice prefix = pattern_prefix(p);
            may = may && folded.len >= prefix.len &&
                  (prefix.len == 0 || memcmp(folded.data, prefix.data, prefix.len) == 0);
            cr_assert(may || !yes, "%s %d %s", text, kind, written);
            matched += yes;
        }
        buf_release(&folded);
        if (i % 100 == 0) {
            pattern_free_all(&all);
            all = (struct pattern_set){0};
            arena_reset(&arena);
        }
    }
    cr_assert_gt(matched, 5000);
}

/* ---- bounds ---- */

Test(pattern, ends_expressions_that_explode_and_names_them)
{
    static const char *const bad[] = {"(a+)+b", "(a|aa)+$b", "(a*)*c", "(?:a?){30}a{30}",
                                      "((a{1,50}){1,50}){1,5}b"};
    char word[200];
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = 0;
    word[sizeof word - 3] = 'b'; /* an expression that needs one looks further than for it */
    word[sizeof word - 4] = 'c';
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pattern *p;
        bool yes;
        if (make(REGEX, bad[i], false, &p) != ST_OK) {
            cr_assert_not_null(strstr(err.text, "regular expression"));
            continue;
        }
        enum status st = pattern_match(p, slice_str(word), slice_str(word), &yes, &err);
        cr_assert(st == ST_LIMIT || st == ST_OK, "%s", bad[i]);
        if (st == ST_LIMIT)
            cr_assert(strstr(err.text, bad[i]) && strstr(err.text, "too many steps") &&
                      strstr(err.text, "aaaa"));
        cr_assert(i != 0 || st == ST_LIMIT);
    }
}

Test(pattern, takes_long_words)
{
    size_t n = (size_t)1 << 20;
    char *word = malloc(n + 1);
    cr_assert_not_null(word);
    memset(word, 'a', n);
    word[n] = 0;
    cr_assert(matches(WILD, "a*a", word));
    cr_assert_not(matches(WILD, "a*b", word));
    cr_assert_not(matches(FUZZY_2, "aaaa", word));
    cr_assert(matches(REGEX, "a.*a", word));
    cr_assert_not(matches(REGEX, "a+b", word));
    free(word);
}

Test(pattern, equal_ones_of_a_query_are_one)
{
    struct pattern *a, *b, *bad;
    cr_assert_eq(make(WILD, "har*", false, &a), ST_OK);
    cr_assert(!pattern_stands_again(a));
    cr_assert_eq(make(WILD, "har*", false, &b), ST_OK);
    cr_assert(a == b && pattern_stands_again(a));
    cr_assert(make(WILD, "har*", true, &b) == ST_OK && b != a);
    cr_assert(make(FUZZY_1, "har", false, &a) == ST_OK && !pattern_stands_again(a));
    cr_assert(make(FUZZY_2, "har", false, &b) == ST_OK && b != a);
    cr_assert(make(REGEX, "har", false, &b) == ST_OK && b != a);
    for (int i = 0; i < 2; i++) /* one that failed is never found again */
        cr_assert_eq(make(REGEX, "har(", false, &bad), ST_BAD_INPUT);
    for (int i = 0; i < 1000; i++) {
        char text[32];
        snprintf(text, sizeof text, "w%d*", i % 500);
        cr_assert_eq(make(WILD, text, false, &a), ST_OK);
        cr_assert_eq(pattern_stands_again(a), i >= 500, "%d", i);
    }
}

Test(pattern, many_walks_through_the_words_take_from_a_budget)
{
    struct pattern_budget b = {.segments = 2};
    for (int i = 0; i < 2 * PATTERN_FREE_WALKS; i++)
        cr_assert_eq(pattern_charge(&b, PATTERN_BUDGET, 0, &err), ST_OK);
    cr_assert_eq(pattern_charge(&b, PATTERN_BUDGET, 0, &err), ST_OK);
    cr_assert_eq(pattern_charge(&b, 0, 0, &err), ST_OK);
    cr_assert_eq(pattern_charge(&b, 1, 0, &err), ST_LIMIT);
    cr_assert(strstr(err.text, "67108864 words of the index"), "%s", err.text);
    b = (struct pattern_budget){.segments = 1};
    cr_assert_eq(pattern_charge(&b, 7, PATTERN_BUDGET + 1, &err), ST_LIMIT,
                 "slow ones are not free");
}

Test(pattern, expressions_that_are_slow_for_a_word_count_as_more)
{
    struct pattern *p;
    bool yes;
    cr_assert_eq(make(REGEX, "(.?){4}(.?){4}[zq]{9}", false, &p), ST_OK);
    cr_assert_eq(pattern_match(p, slice_str("ab"), slice_str("ab"), &yes, &err), ST_OK);
    cr_assert_eq(pattern_slow(p), 0);
    cr_assert_eq(
        pattern_match(p, slice_str("abcdefghijklmn"), slice_str("abcdefghijklmn"), &yes, &err),
        ST_OK);
    cr_assert(!yes && pattern_slow(p) >= PATTERN_STEPS / PATTERN_RUNG, "%d", (int)pattern_slow(p));
}
