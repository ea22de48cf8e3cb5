/* words_invariants — what holds for the words of any bytes; for unit tests and the fuzzer. */
#ifndef TESTS_WORDS_INVARIANTS_H
#define TESTS_WORDS_INVARIANTS_H

#include "lictor/utf8.h"
#include "lictor/words.h"

static inline bool token_is_part(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_CJK || t->kind == TOKEN_EMOJI;
}

/* NULL, or what is wrong. */
static inline const char *words_wrong(struct slice text, const struct words *w)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct token *t = &w->tokens[i], *before = i ? t - 1 : NULL;
        if (t->len == 0 || !utf8_valid(slice_of(t->text, t->len)))
            return "a token is empty or no UTF-8";
        if (t->from >= t->to || t->to > text.len)
            return "a token's range is empty or leaves the source";
        if (t->same == token_is_part(t))
            return "a part stands at the position of another, or a whole has its own";
        if (!before && t->pos != 0)
            return "positions do not begin at 0";
        if (before && t->pos != before->pos + !t->same)
            return "positions do not follow each other";
        if (before && t->same != (t->pos == before->pos))
            return "`same` and position disagree";
        if (t->kind == TOKEN_WHOLE && t->len > 4096)
            return "a whole is too long";
    }
    uint32_t from = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->tokens[i].same)
            continue;
        if (w->tokens[i].from < from)
            return "parts are out of order";
        from = w->tokens[i].from;
    }
    return NULL;
}

#endif
