/* fuzz_words — any bytes are split and folded; what must hold for every text holds, and a word
 * split again is the same word, so that a query finds it. */
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
    MUST(splitter_fold(messages, text, &folded, NULL) == ST_OK);
    MUST(!utf8_valid(text) || utf8_valid(buf_slice(&folded)));
    buf_release(&folded);
    return 0;
}
