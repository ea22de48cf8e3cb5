/* words_testing — the words of a text as one line, to be compared with what is expected:
 * positions are separated by blanks, what shares a position by '='; a letter says what is no word:
 * C CJK, P pair, E emoji, B its base, W whole. */
#ifndef TESTS_WORDS_TESTING_H
#define TESTS_WORDS_TESTING_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/words_invariants.h"

static struct splitter *splitter;
static struct err err;

static void splitter_setup(void) { cr_assert_eq(splitter_new(&splitter, &err), ST_OK); }

static void splitter_teardown(void) { splitter_free(splitter); }

static inline void words_draw(const struct words *w, struct buf *out)
{
    static const char *const kinds[] = {"", "C:", "P:", "E:", "B:", "W:"};
    for (size_t i = 0; i < w->n; i++) {
        if (i)
            buf_put_str(out, w->tokens[i].same ? "=" : " ");
        buf_put_str(out, kinds[w->tokens[i].kind]);
        buf_put(out, w->tokens[i].text, w->tokens[i].len);
    }
}

static inline void words_of(struct slice text, struct words *w)
{
    cr_assert_eq(splitter_split(splitter, text, w, &err), ST_OK);
    const char *wrong = words_wrong(text, w);
    cr_assert_null(wrong, "%s", wrong);
}

/* Draws the words of `text`; returns what was seen. */
static inline unsigned text_draw(struct slice text, struct buf *out)
{
    struct words w;
    words_of(text, &w);
    buf_clear(out);
    words_draw(&w, out);
    buf_put_u8(out, 0);
    return w.seen;
}

static inline unsigned words_are(const char *text, const char *expected)
{
    struct buf drawn = {0};
    unsigned seen = text_draw(slice_str(text), &drawn);
    cr_expect_str_eq((const char *)drawn.data, expected, "<%s> has the words\n  %s\nnot\n  %s",
                     text, (const char *)drawn.data, expected);
    buf_release(&drawn);
    return seen;
}

static inline bool words_have(const char *text, const char *word)
{
    struct words w;
    words_of(slice_str(text), &w);
    for (size_t i = 0; i < w.n; i++)
        if (slice_eq_str(slice_of(w.tokens[i].text, w.tokens[i].len), word))
            return true;
    return false;
}

#endif
