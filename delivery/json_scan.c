/* json_scan — syntax of one JSON value. Nothing here allocates or recurses: the kinds of the open
 * containers are the bits of one word, which is why the depth limit must stay below 64.
 *
 * Strings are nearly all of a line's bytes, so the run of plain bytes is the one hot loop: 16 bytes
 * a step with SSE2, 8 with the portable twin, which also does the rest that is too short for a
 * vector (reading beyond the line is not allowed, it may be the last of its buffer). */
#include "delivery/json_scan.h"

#include "lictor/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

_Static_assert(RECORD_NESTING_MAX < 64, "open containers are bits of a uint64_t");

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

const uint8_t *json_plain_end_word(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
    while (end - p >= 8) {
        uint64_t w = load_u64(p);
        uint64_t quote = w ^ EVERY('"');
        uint64_t back = w ^ EVERY('\\');
        /* Each term may also light bytes above the first true hit, never below it. */
        uint64_t stop =
            ((quote - EVERY(1)) & ~quote) | ((back - EVERY(1)) & ~back) | ((w - EVERY(0x20)) & ~w);
        uint64_t high = w & EVERY(0x80);
        stop &= EVERY(0x80);
        if (stop) {
            if (high & ((stop & -stop) - 1))
                *marks |= JSON_HIGH;
            return p + (unsigned)__builtin_ctzll(stop) / 8;
        }
        if (high)
            *marks |= JSON_HIGH;
        p += 8;
    }
    for (; p < end && *p != '"' && *p != '\\' && *p >= 0x20; p++)
        if (*p >= 0x80)
            *marks |= JSON_HIGH;
    return p;
}

#ifdef __SSE2__
const uint8_t *json_plain_end(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i back = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_max_epu8(v, control), control));
        unsigned stop = (unsigned)_mm_movemask_epi8(hit);
        unsigned high = (unsigned)_mm_movemask_epi8(v);
        if (stop) {
            if (high & ((stop & -stop) - 1))
                *marks |= JSON_HIGH;
            return p + __builtin_ctz(stop);
        }
        if (high)
            *marks |= JSON_HIGH;
        p += 16;
    }
    return json_plain_end_word(p, end, marks);
}
#else
const uint8_t *json_plain_end(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
    return json_plain_end_word(p, end, marks);
}
#endif

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of a \u escape as a code unit, -1 if malformed. */
static int32_t code_unit(const uint8_t *p)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return -1;
        unit = unit << 4 | d;
    }
    return unit;
}

/* p stands at a backslash. */
static const uint8_t *escape_end(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2)
        return NULL;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return end - p >= 6 && code_unit(p + 2) >= 0 ? p + 6 : NULL;
    default:
        return NULL;
    }
}

const uint8_t *json_string_end(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
    for (;;) {
        p = json_plain_end(p, end, marks);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p;
        if (*p != '\\')
            return NULL;
        *marks |= JSON_ESCAPED;
        p = escape_end(p, end);
        if (!p)
            return NULL;
    }
}

static const uint8_t *digits_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *start = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p == start ? NULL : p;
}

static const uint8_t *number_end(const uint8_t *p, const uint8_t *end)
{
    if (*p == '-')
        p++;
    if (p < end && *p == '0')
        p++;
    else
        p = digits_end(p, end);
    if (p && p < end && *p == '.')
        p = digits_end(p + 1, end);
    if (p && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = digits_end(p, end);
    }
    return p;
}

static const uint8_t *word_end(const uint8_t *p, const uint8_t *end, const char *word, size_t len)
{
    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len : NULL;
}

/* A value that is no container; NULL if malformed. p < end. */
static const uint8_t *scalar_end(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
    switch (*p) {
    case '"':
        p = json_string_end(p + 1, end, marks);
        return p ? p + 1 : NULL;
    case 't':
        return word_end(p, end, "true", 4);
    case 'f':
        return word_end(p, end, "false", 5);
    case 'n':
        return word_end(p, end, "null", 4);
    default:
        return number_end(p, end);
    }
}

/* A member's name and its colon up to the value; NULL if malformed. */
static const uint8_t *name_end(const uint8_t *p, const uint8_t *end)
{
    unsigned marks = 0;
    if (p == end || *p != '"')
        return NULL;
    p = json_string_end(p + 1, end, &marks);
    if (!p)
        return NULL;
    p = json_white_end(p + 1, end);
    if (p == end || *p != ':')
        return NULL;
    return json_white_end(p + 1, end);
}

struct nest {
    const uint8_t *p, *end;
    unsigned depth, outside;
    uint64_t objects; /* bit 0: the innermost open container is an object */
};

/* At the first byte of a value: opens containers as long as they are not empty, ends behind a
 * complete value (which may be an empty container). */
static enum json_verdict nest_enter(struct nest *n)
{
    unsigned marks = 0;
    for (;;) {
        if (n->p == n->end)
            return JSON_BAD;
        uint8_t c = *n->p;
        if (c != '{' && c != '[') {
            n->p = scalar_end(n->p, n->end, &marks);
            return n->p ? JSON_GOOD : JSON_BAD;
        }
        if (n->outside + n->depth >= RECORD_NESTING_MAX)
            return JSON_DEEP;
        n->p = json_white_end(n->p + 1, n->end);
        if (n->p < n->end && *n->p == c + 2) { /* '{' + 2 is '}', '[' + 2 is ']' */
            n->p++;
            return JSON_GOOD;
        }
        n->depth++;
        n->objects = n->objects << 1 | (c == '{');
        if (c == '{' && !(n->p = name_end(n->p, n->end)))
            return JSON_BAD;
    }
}

/* Behind a value: closes what ends here; true with p at the next value, or with depth 0. */
static bool nest_leave(struct nest *n)
{
    while (n->depth > 0) {
        bool object = n->objects & 1;
        n->p = json_white_end(n->p, n->end);
        if (n->p == n->end)
            return false;
        uint8_t c = *n->p++;
        if (c == ',') {
            n->p = json_white_end(n->p, n->end);
            if (object)
                n->p = name_end(n->p, n->end);
            return n->p != NULL;
        }
        if (c != (object ? '}' : ']'))
            return false;
        n->depth--;
        n->objects >>= 1;
    }
    return true;
}

enum json_verdict json_value_end(const uint8_t **p, const uint8_t *end, unsigned depth,
                                 unsigned *marks)
{
    *marks = 0;
    if (*p == end)
        return JSON_BAD;
    if (**p != '{' && **p != '[') {
        const uint8_t *behind = scalar_end(*p, end, marks);
        if (!behind)
            return JSON_BAD;
        *p = behind;
        return JSON_GOOD;
    }
    struct nest n = {.p = *p, .end = end, .outside = depth};
    do {
        enum json_verdict v = nest_enter(&n);
        if (v != JSON_GOOD)
            return v;
        if (!nest_leave(&n))
            return JSON_BAD;
    } while (n.depth > 0);
    *p = n.p;
    return JSON_GOOD;
}

static uint8_t escape_byte(uint8_t c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* At the backslash at *pos; never writes more bytes than it takes. */
static size_t escape_decode(struct slice body, size_t *pos, uint8_t *out)
{
    const uint8_t *p = body.data + *pos;
    if (p[1] != 'u') {
        *out = escape_byte(p[1]);
        *pos += 2;
        return 1;
    }
    uint32_t cp = (uint32_t)code_unit(p + 2);
    *pos += 6;
    if (cp >= 0xd800 && cp <= 0xdbff && body.len - *pos >= 6 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = (uint32_t)code_unit(p + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            *pos += 6;
        }
    }
    return utf8_put(cp, out);
}

size_t json_string_decode(struct slice body, uint8_t *out)
{
    size_t n = 0;
    size_t pos = 0;
    while (pos < body.len) {
        const uint8_t *from = body.data + pos;
        const uint8_t *back = memchr(from, '\\', body.len - pos);
        size_t run = back ? (size_t)(back - from) : body.len - pos;
        memcpy(out + n, from, run);
        n += run;
        pos += run;
        if (back)
            n += escape_decode(body, &pos, out + n);
    }
    return n;
}

struct json_walk json_walk_of(struct slice raw)
{
    return (struct json_walk){.p = json_white_end(raw.data + 1, raw.data + raw.len),
                              .end = raw.data + raw.len,
                              .object = raw.data[0] == '{'};
}

/* Everything was accepted before, so a malformed byte here only ends the walk. */
bool json_walk_next(struct json_walk *w, struct json_member *m)
{
    const uint8_t *p = w->p;
    *m = (struct json_member){0};
    if (p < w->end && *p == ',')
        p = json_white_end(p + 1, w->end);
    if (p == w->end || *p == '}' || *p == ']')
        return false;
    if (w->object) {
        const uint8_t *name = p + 1;
        p = json_string_end(name, w->end, &m->name_marks);
        if (!p)
            return false;
        m->name = slice_of(name, (size_t)(p - name));
        p = json_white_end(p + 1, w->end);
        if (p == w->end)
            return false;
        p = json_white_end(p + 1, w->end);
    }
    const uint8_t *value = p;
    if (json_value_end(&p, w->end, 0, &m->marks) != JSON_GOOD)
        return false;
    m->raw = slice_of(value, (size_t)(p - value));
    w->p = json_white_end(p, w->end);
    return true;
}
