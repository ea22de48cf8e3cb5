/* test_snippet — which passages of a long text are shown. */
#include <criterion/criterion.h>
#include <string.h>

#include "lictor/grapheme.h"
#include "query/snippet.h"

static struct arena a;
static struct passage *p;
static size_t n;
static uint64_t after;

static void init(void) { arena_init(&a, 0); }
static void fini(void) { arena_release(&a); }
TestSuite(snippet, .init = init, .fini = fini);

static void cut(struct slice text, const struct text_range *m, size_t n_m)
{
    struct err err;
    cr_assert_eq(snippet_cut(text, m, n_m, &a, &p, &n, &after, &err), ST_OK);
}

/* `n` times `piece`. */
static struct slice repeated(const char *piece, size_t times)
{
    size_t len = strlen(piece);
    char *text = arena_alloc(&a, len * times);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * len, piece, len);
    return slice_of(text, len * times);
}

Test(snippet, shows_a_short_text_whole)
{
    struct text_range m = {3, 5};
    cut(repeated("x", SNIPPET_WHOLE), &m, 1);
    cr_assert(n == 1 && p[0].from == 0 && p[0].to == SNIPPET_WHOLE && !p[0].before && !after);
    /* Characters, not bytes. */
    cut(repeated("\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", SNIPPET_WHOLE), NULL, 0);
    cr_assert(n == 1 && p[0].to == 8 * SNIPPET_WHOLE && !after);
    cut(slice_str(""), NULL, 0);
    cr_assert(n == 1 && p[0].to == 0 && !after);
}

Test(snippet, shows_the_beginning_where_nothing_matches)
{
    cut(repeated("e\xcc\x81", 2000), NULL, 0);
    cr_assert(n == 1 && p[0].from == 0 && p[0].to == 3 * SNIPPET_FIRST);
    cr_assert_eq(after, 2000 - SNIPPET_FIRST);
}

Test(snippet, shows_what_stands_around_each_match)
{
    struct text_range m[] = {{1000, 1004}, {3000, 3010}};
    cut(repeated("x", 5000), m, 2);
    cr_assert_eq(n, 2);
    cr_assert(p[0].from == 1000 - SNIPPET_AROUND && p[0].to == 1004 + SNIPPET_AROUND);
    cr_assert(p[1].from == 3000 - SNIPPET_AROUND && p[1].to == 3010 + SNIPPET_AROUND);
    cr_assert(p[0].before == p[0].from && p[1].before == p[1].from - p[0].to);
    cr_assert_eq(after, 5000 - p[1].to);
}

Test(snippet, joins_passages_that_almost_touch)
{
    uint32_t second = 1004 + 2 * SNIPPET_AROUND + SNIPPET_JOIN;
    struct text_range m[] = {{1000, 1004}, {second - 1, second}};
    cut(repeated("x", 5000), m, 2);
    cr_assert(n == 1 && p[0].to == second + SNIPPET_AROUND);
    m[1] = (struct text_range){second, second + 1};
    cut(repeated("x", 5000), m, 2);
    cr_assert_eq(n, 2);
    cr_assert_eq(p[1].before, SNIPPET_JOIN);
}

Test(snippet, leaves_out_no_handful_at_an_end)
{
    struct text_range m[] = {{SNIPPET_AROUND + 20, SNIPPET_AROUND + 22}, {4800, 4801}};
    cut(repeated("x", 5000), m, 2);
    cr_assert(p[0].from == 0 && p[0].before == 0 && p[n - 1].to == 5000 && after == 0);
}

Test(snippet, begins_and_ends_at_blanks_that_are_near)
{
    struct slice text = repeated("abcdefghi ", 500);
    struct text_range m = {2500, 2509};
    cut(text, &m, 1);
    cr_assert(n == 1 && text.data[p[0].from - 1] == ' ' && text.data[p[0].to] == ' ');
}

static uint32_t state = 3;

static uint32_t below(uint32_t most)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % most;
}

Test(snippet, shows_every_match_and_counts_every_character)
{
    static const char *const pieces[] = {
        "a",
        " ",
        "\xe6\xbc\xa2",
        "e\xcc\x81",
        "\xf0\x9f\xa4\xb7\xf0\x9f\x8f\xbb\xe2\x80\x8d\xe2\x99\x80\xef\xb8\x8f",
        "\xff"};
    for (int round = 0; round < 300; round++) {
        char *text = arena_alloc(&a, 1 << 17);
        uint32_t *starts = arena_array(&a, 6001, sizeof *starts);
        struct text_range m[6];
        size_t len = 0, count = 1300 + below(4000), n_m = below(7);
        for (size_t i = 0; i < count; i++) {
            const char *piece = pieces[below(6)];
            starts[i] = (uint32_t)len;
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        starts[count] = (uint32_t)len;
        size_t at = 0, used = 0;
        for (; used < n_m && (at += below(900)) + 3 < count; used++, at += 3)
            m[used] = (struct text_range){starts[at], starts[at + 1 + below(2)]};
        cut(slice_of(text, len), m, used);
        size_t i = 0;
        uint64_t characters = after;
        for (size_t k = 0; k < n; k++) {
            cr_assert(p[k].from < p[k].to && (k == 0 || p[k].from > p[k - 1].to));
            for (; i < used && m[i].from >= p[k].from && m[i].to <= p[k].to; i++)
                ;
            characters += p[k].before;
            for (size_t pos = p[k].from; pos < p[k].to; characters++)
                pos = grapheme_end(slice_of(text, len), pos);
        }
        cr_assert_eq(i, used, "match %zu of %zu is in no passage", i, used);
        cr_assert_eq(characters, count);
        arena_reset(&a);
    }
}
