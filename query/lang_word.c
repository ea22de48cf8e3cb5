/* lang_word — a word or phrase of a query as the words of the lexicon it stands for: cut by the
 * same splitter as messages, one part a position. */
#include "query/lang.h"

static bool runs_on(const struct words *w, size_t i) { return i < w->n && w->tokens[i].same; }

/* The token of the position that begins at `i` (tokens [i, *end)) which a query is to ask for; NULL
 * if the pair before already holds the character. Pairs find exact substrings of two characters and
 * more; the single character would also match elsewhere. */
static const struct token *position_token(const struct words *w, size_t i, uint32_t *pair_end,
                                          size_t *end)
{
    const struct token *first = &w->tokens[i], *pair = NULL;
    size_t j = i + 1;
    for (; runs_on(w, j); j++)
        if (w->tokens[j].kind == TOKEN_CJK_PAIR)
            pair = &w->tokens[j];
    *end = j;
    if (first->kind != TOKEN_CJK)
        return first;
    if (pair) {
        *pair_end = pair->to;
        return pair;
    }
    return first->to == *pair_end ? NULL : first;
}

/* @handle, #tag and phone numbers are asked for whole where one is all of the word: their parts
 * alone would find more. */
static const struct token *whole_token(const struct words *w, struct slice value)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct token *t = &w->tokens[i];
        if (t->kind != TOKEN_WHOLE || t->from != 0 || t->to != value.len)
            continue;
        if (value.data[0] == '@' || value.data[0] == '#' || (w->seen & WORDS_PHONE))
            return t;
    }
    return NULL;
}

static bool part_set(struct parser *p, struct slice value, const struct token *t, uint32_t first,
                     struct text_part *part)
{
    part->folded = arena_copy(&p->query->arena, slice_of(t->text, t->len));
    part->written = slice_of(value.data + t->from, t->to - t->from);
    part->offset = t->pos - first;
    part->kind = t->kind;
    return part->folded.data;
}

static enum status parts_fill(struct parser *p, const struct lex_token *t, const struct words *w,
                              struct node *n, struct err *err)
{
    size_t cap = w->n < LANG_PARTS_MAX ? w->n : LANG_PARTS_MAX;
    struct text_part *parts = arena_array(&p->query->arena, cap, sizeof *parts);
    if (!parts)
        return err_no_memory(err);
    n->text.parts = parts;
    n->text.exact = t->exact;
    const struct token *whole = t->quoted ? NULL : whole_token(w, t->value);
    if (whole) {
        n->text.n = 1;
        return part_set(p, t->value, whole, whole->pos, &parts[0]) ? ST_OK : err_no_memory(err);
    }
    uint32_t pair_end = UINT32_MAX;
    for (size_t i = 0, end; i < w->n; i = end) {
        const struct token *one = position_token(w, i, &pair_end, &end);
        if (!one)
            continue;
        if (n->text.n == cap)
            return query_fail(p->qe, err, t->from, t->to, "a phrase of more than %d words",
                              LANG_PARTS_MAX);
        if (!part_set(p, t->value, one, w->tokens[0].pos, &parts[n->text.n++]))
            return err_no_memory(err);
    }
    return ST_OK;
}

static enum status nothing_in(struct parser *p, const struct lex_token *t, struct err *err)
{
    return query_fail(p->qe, err, t->from, t->to, "nothing to search for in '%.*s'",
                      lang_show(t->value), (const char *)t->value.data);
}

static enum status parse_prefix(struct parser *p, const struct lex_token *t, const struct words *w,
                                struct node **out, struct err *err)
{
    const struct token *stem = whole_token(w, t->value);
    for (size_t i = 0, end; !stem && i < w->n; i = end) {
        uint32_t pair_end = UINT32_MAX;
        const struct token *one = position_token(w, i, &pair_end, &end);
        if (i == 0 && one->to == t->value.len)
            stem = one;
        else
            return query_fail(p->qe, err, t->from, t->to,
                              "* must follow a single word; wildcards inside a phrase are not in "
                              "this version");
    }
    if (stem->len > LANG_PREFIX_MAX)
        return query_fail(p->qe, err, t->from, t->to, "longer than %d bytes before the *",
                          LANG_PREFIX_MAX);
    struct node *n = parser_node(p, NODE_PREFIX);
    if (!n)
        return err_no_memory(err);
    n->prefix = arena_copy(&p->query->arena, slice_of(stem->text, stem->len));
    *out = n;
    return n->prefix.data ? ST_OK : err_no_memory(err);
}

enum status parse_word(struct parser *p, const struct lex_token *t, struct node **out,
                       struct err *err)
{
    struct words w;
    TRY(splitter_split(p->splitter, t->value, &w, err));
    if (w.n == 0)
        return nothing_in(p, t, err);
    if (t->kind == LEX_PREFIX)
        return parse_prefix(p, t, &w, out, err);
    struct node *n = parser_node(p, NODE_TEXT);
    if (!n)
        return err_no_memory(err);
    TRY(parts_fill(p, t, &w, n, err));
    *out = n;
    return ST_OK;
}
