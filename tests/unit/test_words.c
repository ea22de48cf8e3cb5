/* test_words — what is a word, at which position, and where it stands in the source. */
#include "tests/unit/words_testing.h"

TestSuite(words, .init = splitter_setup, .fini = splitter_teardown);

Test(words, are_runs_of_letters_and_digits)
{
    words_are("", "");
    words_are(" \t\r\n .,;!", "");
    words_are("Hello, World", "hello world");
    words_are("abc123 42nd", "abc123 42nd");
    words_are("a;b(c)d|e", "a b c d e");
    words_are("Überfall Ἀθῆναι ПРИВЕТ", "uberfall αθηναι привет");
    words_are("한국어 हिन्दी العربية", "한국어 हिन्दी العربية");
    words_are("½ m² ㎏ Ⅷ", "1 2 m2 kg viii");
}

Test(words, keep_an_apostrophe_inside)
{
    words_are("don't rock'n'roll", "don't rock'n'roll");
    words_are("'tis dogs' a''b '", "tis dogs a b");
    words_are("104\u00b031'11\"W 05'N '90s 5' o'1", "104 31'11 w 05'n 90s 5 o'1");
    words_are("don\u2019t l\u2019\u00e9t\u00e9 \u2019x\u2019", "don't l'ete x");
    words_are("l'\u00e9cole \u0645'\u0645", "l'ecole \u0645'\u0645");
    words_are("\u6e2f'a a'\u6e2f", "C:\u6e2f a a C:\u6e2f");
}

/* What was seen and where, as "name[text] …". */
static void places_are(const char *text, const char *want)
{
    struct splitter *s;
    struct words w;
    char got[256] = "";
    cr_assert_eq(splitter_new(&s, &err), ST_OK);
    cr_assert_eq(splitter_split_places(s, slice_str(text), &w, &err), ST_OK);
    for (size_t i = 0; i < w.n_places; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s[%.*s]", i ? " " : "",
                 words_seen_name(w.places[i].bit), (int)(w.places[i].to - w.places[i].from),
                 text + w.places[i].from);
    cr_assert_str_eq(got, want, "%s", text);
    cr_assert_eq(splitter_split(s, slice_str(text), &w, &err), ST_OK);
    cr_assert_eq(w.n_places, 0, "only where they are asked for");
    splitter_free(s);
}

Test(words, say_where_what_was_seen_stands)
{
    places_are("bel 06 12345678, of \uff10\uff16\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
               "phone[06 12345678] "
               "phone[\uff10\uff16\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18]");
    places_are("caf\u00e9 NL91 ABNA 0417 1643 00 a@b.org", "iban[NL91 ABNA 0417 1643 00] "
                                                           "email[a@b.org]");
    places_are("at 52.3702, 4.8951 e poi geo:52.37,4.9 N 52.3702 E 4.8951 x",
               "coordinates[52.3702, 4.8951] coordinates[geo:52.37,4.9] "
               "coordinates[N 52.3702 E 4.8951]");
    places_are("(www.example.org) \U0001F44D\U0001F3FD", "link[www.example.org] "
                                                         "emoji[\U0001F44D\U0001F3FD]");
    places_are("12:30 \u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "");
}

Test(words, are_split_at_joiners_and_found_whole)
{
    words_are("foo.conf a_b 12:30 x-y", "foo=W:foo.conf conf a=W:a_b b 12=W:12:30 30 x=W:x-y y");
    words_are("x86_64-linux.Ko", "x86=W:x86_64-linux.ko 64 linux ko");
    words_are("a,b a/b a+b a=b", "a b a b a b a b");
    words_are("a..b a._b a: b c.", "a b a b a b c");
    words_are("--flag _a_ .x", "flag a x");
    words_are("caf\u00e9.txt \u0444-\u0433", "cafe=W:cafe.txt txt \u0444=W:\u0444-\u0433 \u0433");
    words_are("\u62a5\u544a.pdf", "C:\u62a5=P:\u62a5\u544a=W:\u62a5\u544a.pdf C:\u544a pdf");
    words_are("\u65f6\u95f4\uff1aab", "C:\u65f6=P:\u65f6\u95f4 C:\u95f4 ab");
}

Test(words, drop_a_joined_name_that_is_too_long)
{
    char text[1024];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 2 ? '.' : 'a';
    text[sizeof text - 1] = 0;
    struct words w;
    words_of(slice_str(text), &w);
    cr_assert_eq(w.n, sizeof text / 2);
    text[511] = ' ';
    words_of(slice_str(text), &w);
    cr_assert_eq(w.n, sizeof text / 2 + 2);
    cr_assert_eq(w.tokens[1].kind, TOKEN_WHOLE);
    cr_assert_eq(w.tokens[1].len, 511);
}

Test(words, of_scripts_without_blanks_are_single_characters_and_pairs)
{
    words_are("abc港口x", "abc C:港=P:港口 C:口 x");
    words_are("です。カー", "C:で=P:です C:す C:カ=P:カー C:ー");
    words_are("人々 ｶﾞ 〇", "C:人=P:人々 C:々 C:ガ C:〇");
    words_are("あ\u3099い", "C:あ\u3099=P:あ\u3099い C:い");
    words_are("\U00020000\U00020001", "C:\U00020000=P:\U00020000\U00020001 C:\U00020001");
    words_are("港\u00ad口", "C:港=P:港口 C:口");
}

Test(words, of_thai_lao_khmer_and_burmese_come_from_the_dictionary)
{
    words_are("สวัสดีครับ", "สวัสดี ครับ");
    words_are("abcผม123", "abc ผม 123");
    words_are("ພາສາລາວ", "ພາສາ ລາວ");
    words_are("ខ្ញុំស្រឡាញ់", "ខ្ញុំ ស្រឡាញ់");
    struct words w;
    words_of(slice_str("မြန်မာစာသည်"), &w);
    cr_assert_gt(w.n, 1);
}

Test(words, of_an_endless_thai_run_are_still_found)
{
    struct buf text = {0};
    for (int i = 0; i < 8000; i++)
        buf_put_str(&text, "สวัสดีครับ");
    for (int i = 0; i < 20000; i++)
        buf_put_str(&text, "\u0e48");
    struct words w;
    words_of(buf_slice(&text), &w);
    size_t found = 0;
    for (size_t i = 0; i < w.n; i++)
        found += slice_eq_str(slice_of(w.tokens[i].text, w.tokens[i].len), "สวัสดี");
    cr_assert_geq(found, 7950);
    buf_release(&text);
}

Test(words, do_not_begin_with_a_mark)
{
    words_are(" \u0301abc \u0301 \u093e", "abc");
    words_are("\u0928\u093f", "\u0928\u093f");
}

Test(words, around_malformed_bytes_are_found)
{
    words_are("ab\xff"
              "cd \xc3 ef\xe2\x82 g\x80h \xed\xa0\x80i",
              "ab cd ef g h i");
    words_are("a\xff.b a.\xffz", "a b a z");
    const uint8_t nul[] = {'a', 0, 'b'};
    struct words w;
    words_of(slice_of(nul, sizeof nul), &w);
    cr_assert_eq(w.n, 2);
}

Test(words, seen_before_folding_are_joined_over_what_is_ignorable)
{
    words_are("har\u00adbour a\u200bb می\u200cخواهم", "harbour ab میخواهم");
}

static void range_is(const char *text, size_t i, uint32_t from, uint32_t to)
{
    struct words w;
    words_of(slice_str(text), &w);
    cr_assert_lt(i, w.n);
    cr_expect_eq(w.tokens[i].from, from, "<%s> %zu from %u", text, i, w.tokens[i].from);
    cr_expect_eq(w.tokens[i].to, to, "<%s> %zu to %u", text, i, w.tokens[i].to);
}

Test(words, name_their_range_in_the_source)
{
    range_is("ab cd", 1, 3, 5);
    range_is("Straße x", 0, 0, 7);
    range_is("Straße x", 1, 8, 9);
    range_is("har\u00adbour x", 0, 0, 9);
    range_is("har\u00adbour x", 1, 10, 11);
    range_is("\u00ad\u00adab", 0, 4, 6);
    range_is("\u00bd", 1, 0, 2);
    range_is("e\u0301a b", 0, 0, 4);
    range_is("e\u0301a b", 1, 5, 6);
    range_is("\u0419\u0439 \u1e9e", 1, 5, 8);
    range_is("(ФОО.бар)", 1, 1, 14);
    range_is("\xff ab", 0, 2, 4);
    range_is("港口x", 0, 0, 3);
    range_is("港口x", 1, 0, 6);
    range_is("港口x", 2, 3, 6);
    range_is("👍🏽 x", 0, 0, 8);
    range_is("👍🏽 x", 2, 9, 10);
    range_is("x é +49 151 2345678", 3, 5, 20);
}

Test(words, have_one_position_each)
{
    struct words w;
    words_of(slice_str("a b.c 港口 👍🏽 d"), &w);
    static const uint32_t pos[] = {0, 1, 1, 2, 3, 3, 4, 5, 5, 6};
    cr_assert_eq(w.n, sizeof pos / sizeof *pos);
    for (size_t i = 0; i < w.n; i++)
        cr_expect_eq(w.tokens[i].pos, pos[i]);
}

Test(words, start_afresh_with_each_text)
{
    cr_expect_neq(words_are("see http://a.b/c +49 151 2345678 👍", "see http=W:http://a.b/c "
                                                                  "a=W:a.b b c 49=W:+491512345678 "
                                                                  "151 2345678 E:👍"),
                  0);
    cr_expect_eq(words_are("a", "a"), 0);
    cr_expect_eq(words_are(".b", "b"), 0);
    cr_expect_eq(words_are("", ""), 0);
}

Test(words, end_before_a_letter_of_thai_or_lao)
{
    cr_expect_eq(words_are("van\u0e33", "van \u0e32"), 0);
    cr_expect_eq(words_are("van\u0eb3", "van \u0eb2"), 0);
}

Test(words, carry_a_version)
{
    cr_assert_eq(strncmp(words_version(), "5/", 2), 0);
    cr_assert_gt(strlen(words_version()), 4);
}

/* ---- hostile bytes ---- */

static const char rich[] = "Don\u2019t see (http://www.Example.com:8080/a_(b)?q=\u00e9#x). "
                           "an\u00e4.b@x.co.uk @a_b.c #\u6e2f\u53e3 "
                           "+49 (0)151 234567 \u6e2f\u53e3\u3067\u3059 \uff76\uff9e "
                           "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04"
                           "\u0e23\u0e31\u0e1a \U0001f468\u200d\U0001f469\u200d\U0001f467 "
                           "1\ufe0f\u20e3 \U0001f1e9\U0001f1ea "
                           "\u2764\ufe0f \U0001f3f4\U000e0067\U000e0062\U000e007f \u0401\u0439 "
                           "e\u0301\u0316 \ufdfa \u00bd.";

Test(words, of_every_truncation_are_sound)
{
    struct words w;
    for (size_t n = 0; n < sizeof rich; n++) {
        char *exact = malloc(n ? n : 1);
        cr_assert_not_null(exact);
        memcpy(exact, rich, n);
        words_of(slice_of(exact, n), &w);
        free(exact);
    }
}

Test(words, of_every_bit_flip_are_sound)
{
    struct words w;
    char text[sizeof rich];
    for (size_t bit = 0; bit < 8 * (sizeof rich - 1); bit++) {
        memcpy(text, rich, sizeof rich);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        words_of(slice_of(text, sizeof rich - 1), &w);
    }
}

Test(words, of_one_byte_over_and_over_are_sound)
{
    struct words w;
    size_t n = 100000;
    uint8_t *text = malloc(n);
    cr_assert_not_null(text);
    for (int c = 0; c < 256; c++) {
        memset(text, c, n);
        words_of(slice_of(text, n), &w);
    }
    free(text);
}

/* Texts made to be slow: each takes a moment, or this test its limit. */
Test(words, of_hostile_repetition_are_sound)
{
    static const char *const units[] = {"a.",
                                        "a@",
                                        "a-b+",
                                        "http://",
                                        "www.a",
                                        "1-",
                                        "+1 ",
                                        "(1)",
                                        "@a:",
                                        "##",
                                        "\u0301\u0316",
                                        "\u200d",
                                        "\U0001f468\u200d",
                                        "\U0001f1e9",
                                        "1\ufe0f",
                                        "\u1161",
                                        "\u0e01",
                                        "\u0e48\u0301",
                                        "\ufdfa",
                                        "\u6e2f\u3099",
                                        "'a",
                                        "\u2019",
                                        "a\u00ad",
                                        "\U000e0067",
                                        "a@b.c",
                                        "x://a@",
                                        "[(",
                                        "a:\u6e2f",
                                        "1.1.1.1 ",
                                        "00 "};
    struct buf text = {0};
    struct words w;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        buf_clear(&text);
        buf_put_str(&text, "a");
        while (text.len < 300000)
            buf_put_str(&text, units[i]);
        words_of(buf_slice(&text), &w);
    }
    buf_release(&text);
}

/* ---- the fast path ---- */

static uint32_t random_state = 12345;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static bool token_shifted(const struct token *a, const struct token *b, uint32_t bytes)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0 && a->pos + 1 == b->pos &&
           a->from + bytes == b->from && a->to + bytes == b->to && a->kind == b->kind &&
           a->same == b->same;
}

/* A text with one letter beyond ASCII before it goes the long way. */
Test(words, of_ascii_are_the_same_by_the_long_way)
{
    static const char alphabet[] = "abwWxZ019  ..__--::''@#+/(),;?www httph:///";
    static const char before[] = "\u00e6 ";
    const size_t shift = sizeof before - 1;
    struct splitter *other;
    cr_assert_eq(splitter_new(&other, &err), ST_OK);
    char text[80] = "\u00e6 ";
    for (int round = 0; round < 20000; round++) {
        size_t n = random_below(sizeof text - 8);
        for (size_t i = 0; i < n; i++)
            text[shift + i] = alphabet[random_below(sizeof alphabet - 1)];
        struct words fast, slow;
        words_of(slice_of(text + shift, n), &fast);
        cr_assert_eq(splitter_split(other, slice_of(text, shift + n), &slow, &err), ST_OK);
        cr_assert_eq(slow.n, fast.n + 1, "<%.*s>", (int)n, text + shift);
        cr_assert_eq(slow.seen, fast.seen);
        for (size_t i = 0; i < fast.n; i++)
            cr_assert(token_shifted(&fast.tokens[i], &slow.tokens[i + 1], (uint32_t)shift),
                      "token %zu of <%.*s>", i, (int)n, text + shift);
    }
    splitter_free(other);
}

/* A query for a word must find it. (Emoji: the canonical form lacks the selector that makes some of
 * them one; a query has it.) */
Test(words, split_again_stay_themselves)
{
    struct splitter *other;
    cr_assert_eq(splitter_new(&other, &err), ST_OK);
    struct words w, again;
    words_of(slice_str(rich), &w);
    for (size_t i = 0; i < w.n; i++) {
        struct slice text = slice_of(w.tokens[i].text, w.tokens[i].len);
        cr_assert_eq(splitter_split(other, text, &again, &err), ST_OK);
        bool found = false;
        for (size_t k = 0; k < again.n; k++)
            found = found || slice_eq(slice_of(again.tokens[k].text, again.tokens[k].len), text);
        bool emoji = w.tokens[i].kind == TOKEN_EMOJI || w.tokens[i].kind == TOKEN_EMOJI_BASE;
        cr_expect(found || emoji, "%.*s", (int)text.len, (const char *)text.data);
    }
    splitter_free(other);
}
