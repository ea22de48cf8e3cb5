/* lang_signs — signs that come into a query by pasting and from input methods: those that only look
 * like a sign of the language, and those that are not seen. */
#include "query/lang.h"

struct sign {
    const char *bytes;
    enum { AT_FRONT, BEFORE_WORD, ANYWHERE } where;
    const char *say;
};

#define QUOTES "write straight quotes: \"...\""
#define HYPHEN "write a plain hyphen for NOT: -word; put the dash into quotes if text is meant"
#define ROUND "write plain parentheses: ( ); put text with these into quotes"

/* Each would silently be punctuation, and another question be answered than the one asked. */
static const struct sign look_alikes[] = {
    {"\xE2\x80\x9C", AT_FRONT, QUOTES},    /* “ */
    {"\xE2\x80\x9D", AT_FRONT, QUOTES},    /* ” */
    {"\xE2\x80\x9E", AT_FRONT, QUOTES},    /* „ */
    {"\xE2\x80\x9F", AT_FRONT, QUOTES},    /* ‟ */
    {"\xC2\xAB", AT_FRONT, QUOTES},        /* « */
    {"\xC2\xBB", AT_FRONT, QUOTES},        /* » */
    {"\xEF\xBC\x82", AT_FRONT, QUOTES},    /* ＂ */
    {"\xE2\x80\x90", BEFORE_WORD, HYPHEN}, /* hyphen, and the dashes */
    {"\xE2\x80\x91", BEFORE_WORD, HYPHEN},
    {"\xE2\x80\x92", BEFORE_WORD, HYPHEN},
    {"\xE2\x80\x93", BEFORE_WORD, HYPHEN},
    {"\xE2\x80\x94", BEFORE_WORD, HYPHEN},
    {"\xE2\x80\x95", BEFORE_WORD, HYPHEN},
    {"\xE2\x88\x92", BEFORE_WORD, HYPHEN}, /* minus */
    {"\xEF\xB9\xA3", BEFORE_WORD, HYPHEN}, /* small and wide hyphen */
    {"\xEF\xBC\x8D", BEFORE_WORD, HYPHEN},
    {"\xEF\xBC\x88", ANYWHERE, ROUND}, /* （ */
    {"\xEF\xBC\x89", ANYWHERE, ROUND}, /* ） */
    {"\xEF\xBC\x8A", ANYWHERE, "write a plain *; put text with this one into quotes"},
};

static bool stands(struct slice s, size_t pos, const char *bytes)
{
    size_t n = strlen(bytes);
    return s.len - pos >= n && memcmp(s.data + pos, bytes, n) == 0;
}

static const struct sign *look_alike(struct slice word, size_t pos, bool value)
{
    for (size_t i = 0; i < sizeof look_alikes / sizeof *look_alikes; i++) {
        const struct sign *x = &look_alikes[i];
        if (!stands(word, pos, x->bytes))
            continue;
        bool front = pos == 0 && (x->where == AT_FRONT || (word.len > strlen(x->bytes) && !value));
        if (front || x->where == ANYWHERE)
            return x;
    }
    return NULL;
}

/* from：anna, with the colon of a Chinese keyboard. */
static size_t wide_colon(struct slice word)
{
    for (size_t i = 1; i < word.len && word.data[i - 1] < 0x80; i++)
        if (stands(word, i, "\xEF\xBC\x9A"))
            return lang_field_known(slice_of(word.data, i)) ? i : 0;
    return 0;
}

enum status lex_refuse_look_alikes(const struct lexer *l, size_t from, size_t to, bool value,
                                   struct err *err)
{
    struct slice word = slice_of(l->text.data + from, to - from);
    size_t colon = wide_colon(word);
    if (colon)
        return query_fail(l->qe, err, from + colon, from + colon + 3,
                          "write a plain colon: %.*s:…; put text with this one into quotes",
                          lang_show(slice_of(word.data, colon)), (const char *)word.data);
    for (size_t i = 0; i < word.len; i += word.data[i] == '\\' ? 2 : 1) {
        const struct sign *x = look_alike(word, i, value);
        if (x)
            return query_fail(l->qe, err, from + i, from + i + strlen(x->bytes), "%s", x->say);
    }
    return ST_OK;
}

/* Bytes of the sign at `pos` that is not seen: a mark of direction, an embedding, an isolate (text
 * output has those around names that run from right to left) or a byte order mark. Overrides are
 * not among them: no editor or terminal adds one. */
static size_t unseen(struct slice s, size_t pos)
{
    size_t left = s.len - pos;
    const uint8_t *p = s.data + pos;
    if (left >= 2 && p[0] == 0xD8 && p[1] == 0x9C)
        return 2;
    if (left < 3)
        return 0;
    bool is = (p[0] == 0xE2 && p[1] == 0x80 &&
               (p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xAA && p[2] <= 0xAC))) ||
              (p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9) ||
              (p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF);
    return is ? 3 : 0;
}

size_t lex_skip_unseen(struct slice s, size_t pos)
{
    size_t n;
    while (pos < s.len && (n = unseen(s, pos)) > 0)
        pos += n;
    return pos;
}

size_t lex_trim_unseen(struct slice s, size_t from, size_t to)
{
    for (;;) {
        size_t n = to - from >= 3 && unseen(slice_of(s.data, to), to - 3) == 3   ? 3
                   : to - from >= 2 && unseen(slice_of(s.data, to), to - 2) == 2 ? 2
                                                                                 : 0;
        if (n == 0 || (to - n > from && s.data[to - n - 1] == '\\'))
            return to;
        to -= n;
    }
}
