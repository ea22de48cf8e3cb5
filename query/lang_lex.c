/* lang_lex — cuts a query into tokens. A sign of the language in a place where it cannot be meant
 * is refused here: taking it for punctuation would answer another question than the one asked. */
#include "query/lang.h"

static bool ascii_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The no-break space and the ideographic space count: they
 * come in by pasting and from input methods. */
size_t lex_blank(struct slice s, size_t pos)
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
    return c == '(' || c == ')' || c == '"' || lex_blank(s, pos) > 0;
}

/* The same behind signs that are not seen. */
static bool ends_token(struct slice s, size_t pos) { return ends_word(s, lex_skip_unseen(s, pos)); }

/* A backslash takes a parenthesis or quote into the word. */
static size_t run_end(struct slice s, size_t pos)
{
    while (!ends_word(s, pos)) {
        bool taken = s.data[pos] == '\\' && pos + 1 < s.len && s.data[pos + 1] < 0x80 &&
                     strchr("()\"\\", s.data[pos + 1]) && s.data[pos + 1] != 0;
        pos += taken ? 2 : 1;
    }
    return pos;
}

static size_t word_end(struct slice s, size_t pos)
{
    return lex_trim_unseen(s, pos, run_end(s, pos));
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

/* A number right behind a sign: its digits [from, *to); false if there are none or it is not from 1
 * to max. */
static bool lex_number(struct slice s, size_t from, size_t *to, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;
    size_t i = from;
    for (; i < s.len && ascii_digit(s.data[i]); i++)
        if (v <= max)
            v = v * 10 + (uint32_t)(s.data[i] - '0');
    *to = i;
    *out = v;
    return i > from && v >= 1 && v <= max;
}

/* Distance behind a quoted phrase. */
static enum status lex_within(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t tilde = l->pos, end;
    bool good = lex_number(l->text, tilde + 1, &end, LANG_NEAR_MAX, &t->number);
    if (!good || !(ends_token(l->text, end) && (end >= l->text.len || l->text.data[end] != '"')))
        return query_fail(l->qe, err, tilde, word_end(l->text, tilde),
                          "\"...\"~n takes a number from 1 to %d", LANG_NEAR_MAX);
    l->pos = end;
    return ST_OK;
}

/* A phrase: "..." or ="...", with its escapes. */
static enum status lex_phrase(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t open = l->pos, i = open + 1;
    while (i < l->text.len && l->text.data[i] != '"')
        i += l->text.data[i] == '\\' && i + 1 < l->text.len ? 2 : 1;
    if (i >= l->text.len)
        return query_fail(l->qe, err, open, open + 1, "this quote is not closed");
    t->kind = LEX_PHRASE;
    t->quoted = true;
    t->value = cut(l, open + 1, i);
    t->value_from = open + 1;
    l->pos = i + 1;
    uint8_t next = l->pos < l->text.len ? l->text.data[l->pos] : 0;
    if (next == '*' || next == '?')
        return query_fail(l->qe, err, l->pos, l->pos + 1, "wildcards stand inside the quotes");
    return next == '~' ? lex_within(l, t, err) : ST_OK;
}

/* /.../ to the next slash that is not escaped. */
static enum status lex_regex(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t slash = l->pos, i = slash + 1;
    while (i < l->text.len && l->text.data[i] != '/')
        i += l->text.data[i] == '\\' && i + 1 < l->text.len ? 2 : 1;
    if (i >= l->text.len)
        return query_fail(l->qe, err, slash, slash + 1,
                          "this regular expression is not closed by a slash; quote a word that "
                          "begins with one");
    l->pos = i + 1;
    if (!ends_token(l->text, l->pos))
        return query_fail(l->qe, err, l->pos, word_end(l->text, l->pos),
                          "a blank is missing after the regular expression; a slash in it is \\/; "
                          "quote a word that begins with a slash");
    t->kind = LEX_REGEX;
    t->value = cut(l, slash + 1, i);
    t->value_from = slash + 1;
    return ST_OK;
}

struct lex_piece lex_piece(struct slice s)
{
    struct lex_piece p = {.tilde = s.len};
    size_t tilde = s.len, i = 0;
    for (; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '~' && i > 0)
            tilde = i;
        else if (!ascii_digit(c))
            tilde = s.len;
        p.wild |= c == '*' || c == '?';
        i += c == '\\';
    }
    p.tilde = tilde;
    if (s.len == tilde + 2 && (s.data[tilde + 1] == '1' || s.data[tilde + 1] == '2'))
        p.edits = (uint8_t)(s.data[tilde + 1] - '0');
    return p;
}

/* NEAR/5, PRE/3, THEN/10m: an operator if the word is a name of one, or begins so with a slash. */
static bool is_operator(struct slice w, const char *name)
{
    size_t n = strlen(name);
    return w.len >= n && memcmp(w.data, name, n) == 0 && (w.len == n || w.data[n] == '/');
}

static enum status lex_near(struct lexer *l, struct lex_token *t, size_t to, struct err *err)
{
    t->ordered = l->text.data[t->from] == 'P';
    const char *name = t->ordered ? "PRE" : "NEAR";
    size_t end = t->from + strlen(name);
    t->kind = LEX_NEAR;
    bool good = end < to && lex_number(l->text, end + 1, &end, LANG_NEAR_MAX, &t->number);
    l->pos = to;
    if (good && end == to)
        return ST_OK;
    return query_fail(l->qe, err, t->from, to,
                      "%s takes a number of words from 1 to %d: %s/5; \"%s\" in quotes is the word",
                      name, LANG_NEAR_MAX, name, name);
}

static enum status lex_then(struct lexer *l, struct lex_token *t, size_t to, struct err *err)
{
    static const char *const units[] = {"s", "m", "h", "d", "msg"};
    size_t end = t->from + strlen("THEN");
    t->kind = LEX_THEN;
    bool good = end < to && lex_number(l->text, end + 1, &end, LANG_THEN_MAX, &t->number);
    l->pos = to;
    for (size_t i = 0; good && i < sizeof units / sizeof *units; i++)
        if (slice_eq_str(cut(l, end, to), units[i])) {
            t->unit = (enum then_unit)i;
            l->behind_then = true;
            return ST_OK;
        }
    return query_fail(l->qe, err, t->from, to,
                      "THEN takes a number from 1 to %d with s, m, h, d or msg: THEN/10m, "
                      "THEN/3msg; \"THEN\" in quotes is the word",
                      LANG_THEN_MAX);
}

static enum status lex_plain(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t from = l->pos, to = word_end(l->text, from);
    TRY(lex_refuse_look_alikes(l, from, to, false, err));
    l->pos = to;
    t->kind = LEX_WORD;
    t->value = cut(l, from, to);
    t->value_from = from;
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
    size_t to = word_end(l->text, l->pos), end = run_end(l->text, l->pos);
    if (end < l->text.len && (l->text.data[end] == '(' || l->text.data[end] == '"'))
        return query_fail(l->qe, err, end, end + 1,
                          l->text.data[end] == '(' && end == l->pos
                              ? "a field takes one value: (from:a OR from:b)"
                              : "put a value that holds quotes or parentheses into quotes");
    if (to == l->pos)
        return query_fail(l->qe, err, t->from, l->pos, "%.*s: needs a value right after the colon",
                          lang_show(t->name), (const char *)t->name.data);
    TRY(lex_refuse_look_alikes(l, l->pos, to, true, err));
    t->value = cut(l, l->pos, to);
    l->pos = to;
    return ST_OK;
}

/* l->pos stands at the name. */
static enum status lex_field_value(struct lexer *l, struct lex_token *t, struct err *err)
{
    l->pos = lex_skip_unseen(l->text, l->pos + t->name.len + 1);
    t->value_from = l->pos;
    if (l->pos >= l->text.len || l->text.data[l->pos] != '"')
        return lex_field_plain(l, t, err);
    TRY(lex_quoted(l, &t->value, err));
    t->quoted = true;
    if (l->pos < l->text.len && l->text.data[l->pos] == '*') {
        t->star = true;
        l->pos++;
    }
    size_t end = lex_skip_unseen(l->text, l->pos);
    if (end < l->text.len && l->text.data[end] != ')' && lex_blank(l->text, end) == 0)
        return query_fail(l->qe, err, end, end + 1, "a blank is missing after the quoted value");
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
    return lex_field_value(l, t, err);
}

static enum status lex_exact(struct lexer *l, struct lex_token *t, struct err *err)
{
    size_t sign = l->pos++;
    l->pos = lex_skip_unseen(l->text, l->pos);
    t->exact = true;
    if (l->pos < l->text.len && l->text.data[l->pos] == '"')
        return lex_phrase(l, t, err);
    if (ends_word(l->text, l->pos))
        return query_fail(l->qe, err, sign, sign + 1, "= needs a word right after it");
    if (l->text.data[l->pos] == '/')
        return lex_regex(l, t, err);
    return lex_plain(l, t, err);
}

/* by:same, by:other, by:HANDLE. */
static enum status lex_by(struct lexer *l, struct lex_token *t, bool allowed, struct err *err)
{
    if (!allowed)
        return query_fail(l->qe, err, l->pos, l->pos + 3,
                          "by: stands right behind THEN/n; from: is the sender of a message");
    t->kind = LEX_BY;
    t->name = cut(l, l->pos, l->pos + 2);
    return lex_field_value(l, t, err);
}

/* A run of other characters: an operator, *, a field or a word. */
static enum status lex_run(struct lexer *l, struct lex_token *t, bool behind_then, struct err *err)
{
    size_t from = l->pos, to = word_end(l->text, from);
    struct slice w = cut(l, from, to);
    size_t name_len;
    if (is_operator(w, "NEAR") || is_operator(w, "PRE"))
        return lex_near(l, t, to, err);
    if (is_operator(w, "THEN"))
        return lex_then(l, t, to, err);
    if (slice_eq_str(w, "AND"))
        t->kind = LEX_AND;
    else if (slice_eq_str(w, "OR"))
        t->kind = LEX_OR;
    else if (slice_eq_str(w, "NOT"))
        t->kind = LEX_NOT;
    else if (slice_eq_str(w, "*"))
        t->kind = LEX_ALL;
    else if (w.len > 2 && memcmp(w.data, "by:", 3) == 0 && (behind_then || field_name(l, from, to)))
        return lex_by(l, t, behind_then, err);
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
    bool behind_then = l->behind_then;
    l->behind_then = false;
    l->pos = lex_skip_unseen(l->text, l->pos);
    while (l->pos < l->text.len && (blank = lex_blank(l->text, l->pos)) > 0)
        l->pos = lex_skip_unseen(l->text, l->pos + blank);
    *t = (struct lex_token){.kind = LEX_END, .from = l->pos, .to = l->pos};
    if (l->pos >= l->text.len)
        return ST_OK;
    enum status st = ST_OK;
    uint8_t c = l->text.data[l->pos];
    bool minus = c == '-' && l->pos + 1 < l->text.len && l->text.data[l->pos + 1] != ')' &&
                 lex_blank(l->text, l->pos + 1) == 0;
    if (c == '(' || c == ')' || minus) {
        t->kind = c == '(' ? LEX_OPEN : c == ')' ? LEX_CLOSE : LEX_NOT;
        l->pos++;
    } else if (c == '"') {
        st = lex_phrase(l, t, err);
    } else if (c == '=') {
        st = lex_exact(l, t, err);
    } else if (c == '/') {
        st = lex_regex(l, t, err);
    } else {
        st = lex_run(l, t, behind_then, err);
    }
    t->to = l->pos;
    return st;
}
