/* fuzz_words — any bytes are split and folded; what must hold for every text holds; a word split
 * again is the same word, so that a query finds it; and where the fast path is taken, the slow one
 * gives the same. (Against ICU: fuzz_words_icu.) */
#include "tests/unit/words_invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct splitter *messages, *queries;

/* Words of dictionary scripts depend on what stands around them; a digit that folding brought
 * together with a keycap's ring becomes a keycap the second time. */
static bool word_by_context(struct slice word)
{
    for (size_t at = 0; at < word.len;) {
        uint32_t cp = utf8_next(word.data, word.len, &at);
        if (cp == 0x20E3 || (cp >= 0x0E00 && cp < 0x0F00) || (cp >= 0x1000 && cp < 0x10A0) ||
            (cp >= 0x1780 && cp < 0x1800) || (cp >= 0xA9E0 && cp < 0xAA80) ||
            (cp >= 0x116D0 && cp < 0x11700))
            return true;
    }
    return false;
}

static void words_again(const struct words *w)
{
    for (size_t i = 0; i < w->n && i < 64; i++) {
        const struct token *t = &w->tokens[i];
        struct slice word = slice_of(t->text, t->len);
        struct words again;
        if (t->kind != TOKEN_WORD || t->len > 64 || word_by_context(word))
            continue;
        MUST(splitter_split(queries, word, &again, NULL) == ST_OK);
        MUST(again.n > 0 && again.tokens[again.n - 1].pos == 0);
        MUST(slice_eq(slice_of(again.tokens[0].text, again.tokens[0].len), word));
    }
}

static bool token_shifted(const struct token *a, const struct token *b, uint32_t bytes)
{
    return slice_eq(slice_of(a->text, a->len), slice_of(b->text, b->len)) && a->pos + 1 == b->pos &&
           a->from + bytes == b->from && a->to + bytes == b->to && a->kind == b->kind &&
           a->same == b->same;
}

/* A text of ASCII goes the fast way; with one letter beyond it before it, the slow one. */
static void words_slowly(struct slice text, const struct words *fast)
{
    static const char before[] = "\u00e6 ";
    struct words slow;
    struct buf longer = {0};
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= 0x80)
            return;
    buf_put_str(&longer, before);
    buf_put_slice(&longer, text);
    MUST(splitter_split(queries, buf_slice(&longer), &slow, NULL) == ST_OK);
    MUST(slow.n == fast->n + 1 && slow.seen == fast->seen);
    for (size_t i = 0; i < fast->n; i++)
        MUST(token_shifted(&fast->tokens[i], &slow.tokens[i + 1], sizeof before - 1));
    buf_release(&longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct buf folded = {0};
    struct words w;
    if (!messages)
        MUST(splitter_new(&messages, NULL) == ST_OK && splitter_new(&queries, NULL) == ST_OK);
    MUST(splitter_split(messages, text, &w, NULL) == ST_OK);
    MUST(words_wrong(text, &w) == NULL);
    words_again(&w);
    words_slowly(text, &w);
    MUST(splitter_fold(messages, text, &folded, NULL) == ST_OK);
    MUST(!utf8_valid(text) || utf8_valid(buf_slice(&folded)));
    buf_release(&folded);
    return 0;
}
