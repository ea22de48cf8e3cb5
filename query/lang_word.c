/* lang_word — a word or phrase of a query as the words of the lexicon it stands for: cut by the
 * same splitter as messages, one part a position; or as patterns of such words. */
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
        if (value.data[0] == '@' || value.data[0] == '#' || (w->seen & (WORDS_PHONE | WORDS_IBAN)))
            return t;
    }
    return NULL;
}

/* The parts of a node while they are gathered. */
struct gather {
    struct parser *p;
    const struct lex_token *t;
    struct buf parts;  /* struct text_part */
    uint64_t next_pos; /* of the next piece, counted from the first part */
};

static enum status part_add(struct gather *g, const struct text_part *part, struct err *err)
{
    if (g->parts.len / sizeof *part >= LANG_PARTS_MAX)
        return query_fail(g->p->qe, err, g->t->from, g->t->to, "a phrase of more than %d words",
                          LANG_PARTS_MAX);
    buf_put(&g->parts, part, sizeof *part);
    return buf_status(&g->parts, err);
}

static enum status token_add(struct gather *g, struct slice value, const struct token *t,
                             uint64_t pos, struct err *err)
{
    struct text_part part = {.kind = t->kind, .offset = (uint32_t)pos};
    part.folded = arena_copy(&g->p->query->arena, slice_of(t->text, t->len));
    part.written = slice_of(value.data + t->from, t->to - t->from);
    return part.folded.data ? part_add(g, &part, err) : err_no_memory(err);
}

static struct slice part_of(struct slice s, size_t from, size_t to)
{
    return slice_of(s.data + from, to - from);
}

/* ---- plain text ---- */

/* A backslash takes the next sign as it is; letters and digits are none: C:\new stays two words. */
static enum status unescape(struct parser *p, struct slice s, struct slice *out, struct err *err)
{
    uint8_t *to = arena_alloc(&p->query->arena, s.len);
    size_t n = 0;
    if (!to)
        return err_no_memory(err);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t next = i + 1 < s.len ? s.data[i + 1] : 'a';
        bool sign = next < 0x80 && !((next >= '0' && next <= '9') ||
                                     ((next | 0x20) >= 'a' && (next | 0x20) <= 'z'));
        if (s.data[i] == '\\' && sign)
            i++;
        to[n++] = s.data[i];
    }
    *out = slice_of(to, n);
    return ST_OK;
}

static enum status plain_add(struct gather *g, struct slice raw, struct err *err)
{
    struct slice value;
    struct words w;
    TRY(unescape(g->p, raw, &value, err));
    TRY(splitter_split(g->p->splitter, value, &w, err));
    const struct token *whole = g->t->quoted ? NULL : whole_token(&w, value);
    if (whole)
        return token_add(g, value, whole, 0, err);
    uint32_t pair_end = UINT32_MAX;
    for (size_t i = 0, end; i < w.n; i = end) {
        const struct token *one = position_token(&w, i, &pair_end, &end);
        if (one)
            TRY(token_add(g, value, one, g->next_pos + one->pos, err));
    }
    if (w.n > 0)
        g->next_pos += (uint64_t)w.tokens[w.n - 1].pos + 1;
    return ST_OK;
}

/* ---- patterns ---- */

static bool regex_piece(struct slice s)
{
    return s.len > 2 && s.data[0] == '/' && s.data[s.len - 1] == '/';
}

/* `at`: where `s` begins in the query. */
static enum status pattern_add(struct gather *g, struct slice s, size_t at, bool regex,
                               struct err *err)
{
    struct parser *p = g->p;
    struct pattern_maker m = {&p->query->arena, p->splitter, &p->query->patterns};
    struct pattern_fault f = {0, s.len};
    struct text_part part = {.offset = (uint32_t)g->next_pos++, .written = s};
    struct lex_piece piece = lex_piece(s);
    struct err why = {0};
    enum status st;
    if (regex) {
        st = pattern_regex(&m, s, g->t->exact, &part.pattern, &f, &why);
    } else if (piece.tilde < s.len && (piece.wild || piece.edits == 0)) {
        return query_fail(p->qe, err, at + piece.tilde, at + s.len,
                          piece.wild ? "~ stands behind a word without wildcards; \\~ is the sign "
                                       "itself"
                                     : "a word takes ~1 or ~2 (edits); \\~ is the sign itself");
    } else if (piece.wild) {
        st = pattern_wild(&m, s, g->t->exact, &part.pattern, &f, &why);
    } else {
        st = pattern_fuzzy(&m, part_of(s, 0, piece.tilde), piece.edits, g->t->exact, &part.pattern,
                           &f, &why);
    }
    if (st == ST_BAD_INPUT)
        return query_fail(p->qe, err, at + f.from, at + f.to, "%s", why.text);
    if (st != ST_OK)
        return err_set(err, st, "%s", why.text);
    return part_add(g, &part, err);
}

/* ---- phrases ---- */

/* Length of a piece without the question mark of a sentence at its end ("where are you?!"). */
static size_t without_question(struct slice s)
{
    size_t end = s.len;
    bool question = false;
    while (end > 0 && s.data[end - 1] < 0x80 && s.data[end - 1] &&
           strchr("?!.,;:)", s.data[end - 1]) && !(end > 1 && s.data[end - 2] == '\\')) {
        end--;
        question |= s.data[end] == '?';
    }
    return question ? end : s.len;
}

static bool is_pattern(struct slice s)
{
    struct lex_piece piece = lex_piece(s);
    return piece.wild || piece.tilde < s.len;
}

/* The next piece [*from, *to) at or behind *to; false at the end. */
static bool piece_next(struct slice s, size_t *from, size_t *to)
{
    size_t i = *to, blank;
    while (i < s.len && (blank = lex_blank(s, i)) > 0)
        i += blank;
    *from = i;
    for (; i < s.len && lex_blank(s, i) == 0; i++)
        ;
    *to = i;
    return *from < *to;
}

/* Stretches between patterns are split as wholes: what stands in them may be one word over blanks
 * in no case, but a script may need more than one piece to be cut. */
static enum status phrase_add(struct gather *g, struct err *err)
{
    struct slice all = g->t->value;
    size_t from = 0, to = 0, plain = 0;
    while (piece_next(all, &from, &to)) {
        struct slice s = part_of(all, from, to);
        bool regex = regex_piece(s);
        if (regex)
            s = part_of(s, 1, s.len - 1);
        else
            s.len = without_question(s);
        if (!regex && !is_pattern(s))
            continue;
        TRY(plain_add(g, part_of(all, plain, from), err));
        TRY(pattern_add(g, s, (size_t)(s.data - g->p->lexer.text.data), regex, err));
        plain = to;
    }
    return plain_add(g, part_of(all, plain, all.len), err);
}

static enum status nothing_in(struct parser *p, const struct lex_token *t, struct err *err)
{
    return query_fail(p->qe, err, t->from, t->to, "nothing to search for in '%.*s'",
                      lang_show(t->value), (const char *)t->value.data);
}

static enum status gather_end(struct gather *g, struct node **out, struct err *err)
{
    struct node *n = parser_node(g->p, NODE_TEXT);
    size_t parts_n = g->parts.len / sizeof(struct text_part);
    struct text_part *parts = arena_array(&g->p->query->arena, parts_n, sizeof *parts);
    if (!n || !parts)
        return err_no_memory(err);
    memcpy(parts, g->parts.data, g->parts.len);
    uint32_t first = parts[0].offset;
    for (size_t i = 0; i < parts_n; i++) {
        parts[i].offset -= first;
        n->text.patterned |= parts[i].pattern != NULL;
    }
    n->text.parts = parts;
    n->text.n = parts_n;
    n->text.exact = g->t->exact;
    n->text.within = g->t->number;
    *out = n;
    return ST_OK;
}

enum status parse_word(struct parser *p, const struct lex_token *t, struct node **out,
                       struct err *err)
{
    struct gather g = {.p = p, .t = t};
    enum status st;
    if (t->kind == LEX_PHRASE)
        st = phrase_add(&g, err);
    else if (t->kind == LEX_REGEX || is_pattern(t->value))
        st = pattern_add(&g, t->value, t->value_from, t->kind == LEX_REGEX, err);
    else
        st = plain_add(&g, t->value, err);
    if (st == ST_OK)
        st = g.parts.len == 0 ? nothing_in(p, t, err) : gather_end(&g, out, err);
    buf_release(&g.parts);
    return st;
}
