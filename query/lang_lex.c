/* lang_lex — cuts a query into tokens. Signs that belong to parts of the language which this
 * version does not have (wildcards, fuzzy, regular expressions, distances) are refused here, by
 * name: taking them for punctuation would answer another question than the one asked. */
#include "query/lang.h"

static bool ascii_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Bytes of the blank at `pos`, 0 if none. The no-break space and the ideographic space count: they
 * come in by pasting and from input methods. */
static size_t blank_at(struct slice s, size_t pos)
{
    const uint8_t *p = s.data + pos;
    size_t left = s.len - pos;
    if (ascii_blank(p[0]))
        return 1;
    if (left >= 2 && p[0] == 0xC2 && p[1] == 0xA0)
        return 2;
    if (left >= 3 && p[0] == 0xE3 && p[1] == 0x80 && p[2] == 0x80)
        return 3;
    return 0;
}

static bool ends_word(struct slice s, size_t pos)
{
    if (pos >= s.len)
        return true;
    uint8_t c = s.data[pos];
    return c == '(' || c == ')' || c == '"' || blank_at(s, pos) > 0;
}

static size_t word_end(struct slice s, size_t pos)
{
    while (!ends_word(s, pos))
        pos++;
    return pos;
}

static struct slice cut(const struct lexer *l, size_t from, size_t to)
{
    return slice_of(l->text.data + from, to - from);
}

static bool ascii_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool ascii_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* l->pos stands at the opening quote and is moved behind the closing one. */
static enum status lex_quoted(struct lexer *l, struct slice *out, struct err *err)
{
    size_t open = l->pos, i = open + 1;
    uint8_t *bytes = arena_alloc(l->arena, l->text.len - open);
    size_t n = 0;
    if (!bytes)
        return err_no_memory(err);
    for (; i < l->text.len && l->text.data[i] != '"'; i++) {
        uint8_t c = l->text.data[i];
        if (c == '\\' && i + 1 < l->text.len) {
            uint8_t next = l->text.data[i + 1];
            if (next == '"' || next == '\\') {
                c = next;
                i++;
            }
        }
        bytes[n++] = c;
    }
    if (i >= l->text.len)
        return query_fail(l->qe, err, open, open + 1, "this quote is not closed");
    l->pos = i + 1;
    *out = slice_of(bytes, n);
    return ST_OK;
}

static enum status refuse_wildcard(struct lexer *l, size_t from, size_t to, struct err *err)
{
    return query_fail(l->qe, err, from, to,
                      "wildcards other than * at the end of a word are not in this version; "
                      "=\"...\" takes every sign as written");
}

/* A phrase: "..." or ="...". */
static enum status lex_phrase(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t open = l->pos;
    TRY(lex_quoted(l, &t->value, err));
    t->kind = LEX_PHRASE;
    t->quoted = true;
    uint8_t next = l->pos < l->text.len ? l->text.data[l->pos] : 0;
    if (next == '~')
        return query_fail(l->qe, err, l->pos, word_end(l->text, l->pos),
                          "\"...\"~n (words within a distance) is not in this version");
    if (next == '*' || next == '?')
        return refuse_wildcard(l, l->pos, l->pos + 1, err);
    if (t->exact)
        return ST_OK;
    for (size_t i = open + 1; i + 1 < l->pos; i++)
        if (l->text.data[i] == '*' || l->text.data[i] == '?')
            return query_fail(l->qe, err, i, i + 1,
                              "wildcards inside a phrase are not in this version; =\"...\" takes "
                              "every sign as written");
    return ST_OK;
}

/* /.../ with blanks inside, as far as it goes. */
static enum status refuse_regex(struct lexer *l, size_t slash, struct err *err)
{
    size_t end = slash + 1;
    while (end < l->text.len && l->text.data[end] != '/')
        end++;
    end = end < l->text.len ? end + 1 : word_end(l->text, slash);
    return query_fail(l->qe, err, slash, end,
                      "/regular expressions/ are not in this version; quote a word that begins "
                      "with a slash");
}

static bool is_operator(struct slice w, const char *name)
{
    size_t n = strlen(name);
    return w.len >= n && memcmp(w.data, name, n) == 0 && (w.len == n || w.data[n] == '/');
}

static enum status refuse_later(struct lexer *l, size_t from, size_t to, struct err *err)
{
    static const char *const names[] = {"NEAR", "PRE", "THEN"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_operator(cut(l, from, to), names[i]))
            return query_fail(l->qe, err, from, to,
                              "%s is an operator that is not in this version; \"%s\" in quotes is "
                              "the word",
                              names[i], names[i]);
    return ST_OK;
}

/* Trailing ~, ~1, ~12 … of the word [from, to): where it begins, or `to`. */
static size_t fuzzy_tail(const struct lexer *l, size_t from, size_t to)
{
    size_t i = to;
    while (i > from && ascii_digit(l->text.data[i - 1]))
        i--;
    return i > from + 1 && l->text.data[i - 1] == '~' ? i - 1 : to;
}

/* The three bytes of “ ” „: a pasted phrase in them would silently be searched as single words. */
static bool typographic_quote(struct slice s, size_t pos)
{
    const uint8_t *p = s.data + pos;
    return s.len - pos >= 3 && p[0] == 0xE2 && p[1] == 0x80 && p[2] >= 0x9C && p[2] <= 0x9E;
}

static enum status lex_plain(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t from = l->pos, to = word_end(l->text, from);
    size_t tail = fuzzy_tail(l, from, to);
    if (typographic_quote(l->text, from))
        return query_fail(l->qe, err, from, from + 3, "write straight quotes: \"...\"");
    if (tail < to)
        return query_fail(l->qe, err, tail, to, "fuzzy words (word~1) are not in this version");
    bool star = to > from + 1 && l->text.data[to - 1] == '*';
    for (size_t i = from; i < to - (star ? 1 : 0); i++)
        if (l->text.data[i] == '*' || l->text.data[i] == '?')
            return refuse_wildcard(l, i, i + 1, err);
    if (star && t->exact)
        return refuse_wildcard(l, to - 1, to, err);
    l->pos = to;
    t->kind = star ? LEX_PREFIX : LEX_WORD;
    t->value = cut(l, from, star ? to - 1 : to);
    return ST_OK;
}

/* `name:` at the beginning of the word [from, to) that is to be read as a field: length of the name
 * without the colon, else 0. */
static size_t field_name(const struct lexer *l, size_t from, size_t to)
{
    size_t i = from;
    bool letters = true;
    for (; i < to && (ascii_letter(l->text.data[i]) || ascii_digit(l->text.data[i])); i++)
        letters &= ascii_letter(l->text.data[i]);
    if (i == from || i == to || l->text.data[i] != ':')
        return 0;
    if (lang_field_known(cut(l, from, i)))
        return i - from;
    /* Other names: letters, with a value right after them that is not the rest of a URL. */
    bool value = i + 1 < l->text.len && l->text.data[i + 1] != '/' &&
                 (l->text.data[i + 1] == '"' || !ends_word(l->text, i + 1));
    return letters && value ? i - from : 0;
}

static enum status lex_field_plain(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t to = word_end(l->text, l->pos);
    if (to < l->text.len && (l->text.data[to] == '(' || l->text.data[to] == '"'))
        return query_fail(l->qe, err, to, to + 1,
                          l->text.data[to] == '(' && to == l->pos
                              ? "a field takes one value: (from:a OR from:b)"
                              : "put a value that holds quotes or parentheses into quotes");
    if (to == l->pos)
        return query_fail(l->qe, err, t->from, l->pos, "%.*s: needs a value right after the colon",
                          lang_show(t->name), (const char *)t->name.data);
    t->value = cut(l, l->pos, to);
    l->pos = to;
    return ST_OK;
}

static enum status lex_field(struct lexer *l, struct lex_token *t, size_t name_len, struct err *err)
{
    t->kind = LEX_FIELD;
    t->name = cut(l, l->pos, l->pos + name_len);
    if (!lang_field_known(t->name))
        return query_fail(l->qe, err, l->pos, l->pos + name_len + 1,
                          "unknown field %.*s: (there are " LANG_FIELDS "); put text with a colon "
                          "into quotes",
                          lang_show(t->name), (const char *)t->name.data);
    l->pos += name_len + 1;
    t->value_from = l->pos;
    if (l->pos >= l->text.len || l->text.data[l->pos] != '"')
        return lex_field_plain(l, t, err);
    TRY(lex_quoted(l, &t->value, err));
    t->quoted = true;
    if (l->pos < l->text.len && l->text.data[l->pos] == '*') {
        t->star = true;
        l->pos++;
    }
    size_t end = l->pos;
    if (end < l->text.len && l->text.data[end] != ')' && blank_at(l->text, end) == 0)
        return query_fail(l->qe, err, end, end + 1, "a blank is missing after the quoted value");
    return ST_OK;
}

static enum status lex_exact(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t sign = l->pos++;
    t->exact = true;
    if (l->pos < l->text.len && l->text.data[l->pos] == '"')
        return lex_phrase(l, t, err);
    if (ends_word(l->text, l->pos))
        return query_fail(l->qe, err, sign, sign + 1, "= needs a word right after it");
    if (l->text.data[l->pos] == '/')
        return refuse_regex(l, l->pos, err);
    return lex_plain(l, t, err);
}

/* A run of other characters: an operator, *, a field or a word. */
static enum status lex_run(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t from = l->pos, to = word_end(l->text, from);
    struct slice w = cut(l, from, to);
    size_t name_len;
    TRY(refuse_later(l, from, to, err));
    if (slice_eq_str(w, "AND"))
        t->kind = LEX_AND;
    else if (slice_eq_str(w, "OR"))
        t->kind = LEX_OR;
    else if (slice_eq_str(w, "NOT"))
        t->kind = LEX_NOT;
    else if (slice_eq_str(w, "*"))
        t->kind = LEX_ALL;
    else if ((name_len = field_name(l, from, to)) > 0)
        return lex_field(l, t, name_len, err);
    else
        return lex_plain(l, t, err);
    l->pos = to;
    return ST_OK;
}

enum status lex_next(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t blank;
    while (l->pos < l->text.len && (blank = blank_at(l->text, l->pos)) > 0)
        l->pos += blank;
    *t = (struct lex_token){.kind = LEX_END, .from = l->pos, .to = l->pos};
    if (l->pos >= l->text.len)
        return ST_OK;
    enum status st = ST_OK;
    uint8_t c = l->text.data[l->pos];
    bool minus = c == '-' && l->pos + 1 < l->text.len && l->text.data[l->pos + 1] != ')' &&
                 blank_at(l->text, l->pos + 1) == 0;
    if (c == '(' || c == ')' || minus) {
        t->kind = c == '(' ? LEX_OPEN : c == ')' ? LEX_CLOSE : LEX_NOT;
        l->pos++;
    } else if (c == '"') {
        st = lex_phrase(l, t, err);
    } else if (c == '=') {
        st = lex_exact(l, t, err);
    } else if (c == '/') {
        st = refuse_regex(l, l->pos, err);
    } else {
        st = lex_run(l, t, err);
    }
    t->to = l->pos;
    return st;
}
