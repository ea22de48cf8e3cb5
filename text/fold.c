/* fold — source to scan text.
 * A unit is a code point and those behind it that may combine with it (no normalization boundary
 * before them) or are marks on a letter that loses its marks, so folding unit by unit equals
 * folding the whole. Nearly every unit is one code point, whose folded form is cached; the rest
 * goes through ICU: NFKC case folding, decomposition, stripping of marks, recomposition. A unit is
 * cut after UNIT_CODES code points: ICU sorts marks by insertion, and a message of marks alone
 * would take quadratic time. The letter they stand on is remembered across the cut, so they are
 * stripped all the same. UAX #15 cuts such texts after 30 (Stream-Safe Text Format). U+2019 becomes
 * the apostrophe here, so that both spellings of a word meet; outside words both separate. */
#include "text/splitter_private.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "lictor/utf8.h"

#define KEYCAP 0x20E3u
#define SHORT_I 0x0438u
#define BREVE 0x0306u
#define DOTTED_I 0x0130u
#define DOTLESS_I 0x0131u
#define QUOTE 0x2019u

/* The letter that marks stand on, across the cuts of a unit. */
struct base {
    uint32_t cp;
    bool strips;
};

struct folder {
    struct splitter *s;
    struct slice text;
    struct buf *out;
    bool plain;
};

static uint32_t before_folding(uint32_t cp)
{
    if (cp == DOTTED_I || cp == DOTLESS_I)
        return 'i';
    return cp == QUOTE ? '\'' : cp;
}

/* Drops marks from a decomposed text; returns its new length. The dotless i of compatibility forms
 * (U+1D6A4) comes to light only here. */
static int32_t marks_strip(UChar *text, int32_t len, struct base *base)
{
    int32_t to = 0;
    for (int32_t i = 0; i < len;) {
        int32_t from = i;
        uint32_t cp = utf16_next(text, &i);
        bool keep = true;
        if (cp == DOTLESS_I)
            cp = text[from] = 'i';
        /* Enclosing marks and many vowel signs are of class 0, and hide a Latin word no less. */
        if (u_getCombiningClass((UChar32)cp) != 0 ||
            (base->strips && (U_GET_GC_MASK((UChar32)cp) & U_GC_M_MASK))) {
            bool short_i = base->cp == SHORT_I && cp == BREVE;
            keep = !base->strips || short_i;
        } else {
            base->cp = cp;
            base->strips = code_strips(base->cp);
        }
        while (keep && from < i)
            text[to++] = text[from++];
    }
    return to;
}

/* Folds s->unit[0..n); the result stands in s->unit_aside. */
static int32_t unit_fold(struct splitter *s, int32_t n, struct base *base)
{
    UErrorCode e = U_ZERO_ERROR;
    n = unorm2_normalize(s->casefold, s->unit, n, s->unit_aside, UNIT_SPACE, &e);
    n = unorm2_normalize(s->nfd, s->unit_aside, n, s->unit, UNIT_SPACE, &e);
    n = U_SUCCESS(e) ? marks_strip(s->unit, n, base) : 0;
    n = unorm2_normalize(s->nfc, s->unit, n, s->unit_aside, UNIT_SPACE, &e);
    if (U_SUCCESS(e))
        return n;
    /* The space holds the longest forms: only memory can be missing. */
    s->failed = true;
    return 0;
}

size_t fold_code(struct splitter *s, uint32_t cp, uint8_t *out, size_t cap)
{
    struct base base = {0};
    int32_t n = 0;
    U16_APPEND_UNSAFE(s->unit, n, (UChar32)before_folding(cp));
    n = unit_fold(s, n, &base);
    size_t len = 0;
    for (int32_t i = 0; i < n;) {
        uint8_t bytes[4];
        size_t k = utf8_put(utf16_next(s->unit_aside, &i), bytes);
        if (len + k > cap)
            return cap + 1;
        memcpy(out + len, bytes, k);
        len += k;
    }
    return len;
}

/* src_len 0: byte by byte. */
static inline void map_add(struct folder *f, size_t fold, size_t src, size_t src_len)
{
    struct splitter *s = f->s;
    if (f->plain)
        return;
    struct map_run *last = s->n_runs ? &s->runs[s->n_runs - 1] : NULL;
    if (src_len == 0 && last && last->src_len == 0 && last->src + (fold - last->fold) == src)
        return;
    if (!splitter_grow(s, &s->runs, &s->runs_cap, s->n_runs, sizeof *s->runs))
        return;
    s->runs[s->n_runs++] = (struct map_run){
        .fold = (uint32_t)fold, .src = (uint32_t)src, .src_len = (uint32_t)src_len};
}

/* True if the code point at `at` may combine with what stands before it, or is a mark that falls
 * with the letter before it. */
static bool clings(const struct folder *f, size_t at)
{
    if (at >= f->text.len || f->text.data[at] < 0x80)
        return false;
    uint32_t cp = utf8_next(f->text.data, f->text.len, &at);
    return cp != UTF8_BAD && (code_of(f->s, cp)->flags & (CODE_CLINGS | CODE_MARK));
}

/* Takes up to UNIT_CODES code points of one unit into s->unit; returns the place behind them. */
static size_t unit_collect(const struct folder *f, size_t at, int32_t *n)
{
    /* Not straight into s->unit: a cache miss on the way folds there. */
    UChar codes[2 * UNIT_CODES];
    int32_t len = 0;
    int count = 0;
    do {
        uint32_t cp = utf8_next(f->text.data, f->text.len, &at);
        U16_APPEND_UNSAFE(codes, len, (UChar32)before_folding(cp));
    } while (++count < UNIT_CODES && clings(f, at));
    memcpy(f->s->unit, codes, (size_t)len * sizeof *codes);
    *n = len;
    return at;
}

static size_t fold_unit(struct folder *f, size_t at)
{
    struct splitter *s = f->s;
    struct base base = {0};
    do {
        int32_t n;
        size_t to = unit_collect(f, at, &n), old = f->out->len;
        n = unit_fold(s, n, &base);
        for (int32_t i = 0; i < n;) {
            uint8_t bytes[4];
            size_t len = utf8_put(utf16_next(s->unit_aside, &i), bytes);
            buf_put(f->out, bytes, len);
        }
        if (f->out->len > old)
            map_add(f, old, at, to - at);
        at = to;
    } while (clings(f, at));
    return at;
}

static bool fold_emoji(struct folder *f, size_t at, size_t *to)
{
    struct splitter *s = f->s;
    struct buf *bytes = f->plain ? f->out : &s->emoji_bytes;
    size_t off = bytes->len, base_len;
    if (!emoji_match(f->text, at, bytes, to, &base_len))
        return false;
    if (f->plain)
        return true;
    if (!splitter_grow(s, &s->emoji, &s->emoji_cap, s->n_emoji, sizeof *s->emoji))
        return true;
    s->emoji[s->n_emoji++] = (struct emoji){
        .off = off, .len = (uint32_t)(bytes->len - off), .base_len = (uint32_t)base_len};
    map_add(f, f->out->len, at, *to - at);
    buf_put_u8(f->out, MARK_EMOJI);
    return true;
}

static size_t ascii_end(const uint8_t *t, size_t i, size_t n)
{
    for (; n - i >= 8; i += 8) {
        uint64_t v;
        memcpy(&v, t + i, 8);
        if (v & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < n && t[i] < 0x80)
        i++;
    return i;
}

static inline uint8_t lower(uint8_t c) { return (uint8_t)(c | ((uint8_t)(c - 'A') < 26) << 5); }

static void lower_copy(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
    /* Fixed inner length, so that -O2 makes vectors of it as well. */
    for (; n >= 16; n -= 16, to += 16, from += 16)
        for (int i = 0; i < 16; i++)
            to[i] = lower(from[i]);
    for (size_t i = 0; i < n; i++)
        to[i] = lower(from[i]);
}

static size_t fold_ascii(struct folder *f, size_t at)
{
    const uint8_t *t = f->text.data;
    size_t end = ascii_end(t, at, f->text.len), stop = end;
    if (end < f->text.len) {
        size_t next = end;
        if (clings(f, end) || utf8_next(t, f->text.len, &next) == KEYCAP)
            stop = end - 1;
    }
    if (stop > at) {
        uint8_t *to = buf_reserve(f->out, stop - at);
        if (!to)
            return end;
        lower_copy(to, t + at, stop - at);
        map_add(f, f->out->len, at, 0);
        f->out->len += stop - at;
    }
    if (stop == end || fold_emoji(f, stop, &end))
        return end;
    return fold_unit(f, stop);
}

/* utf8_next with the two common lengths in line. */
static inline uint32_t decode(struct slice text, size_t at, size_t *to)
{
    const uint8_t *p = text.data + at;
    size_t left = text.len - at;
    if (p[0] >= 0xC2 && p[0] < 0xE0 && left > 1 && (p[1] & 0xC0) == 0x80) {
        *to = at + 2;
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    }
    /* Not E0 and ED, which have forms that are refused. */
    if (p[0] > 0xE0 && p[0] < 0xF0 && p[0] != 0xED && left > 2 && (p[1] & 0xC0) == 0x80 &&
        (p[2] & 0xC0) == 0x80) {
        *to = at + 3;
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
    *to = at;
    return utf8_next(text.data, text.len, to);
}

/* The cached form of the code point [at, to), appended. */
static inline void code_put(struct folder *f, const struct code *code, size_t at, size_t to)
{
    struct buf *out = f->out;
    if (out->cap - out->len < sizeof code->fold && !buf_reserve(out, sizeof code->fold))
        return;
    if (code->len == 0)
        return;
    map_add(f, out->len, at, code->len == to - at ? 0 : to - at);
    memcpy(out->data + out->len, code->fold, sizeof code->fold);
    out->len += code->len;
}

/* A run of code points above U+007F. */
static size_t fold_high(struct folder *f, size_t at)
{
    struct slice text = f->text;
    size_t to, next_to = 0;
    uint32_t cp = decode(text, at, &to), next;
    for (;;) {
        next = UTF8_BAD;
        if (to < text.len && text.data[to] >= 0x80)
            next = decode(text, to, &next_to);
        /* Asked first: the answer may take the place of this one in the cache. */
        uint8_t behind = next != UTF8_BAD ? code_of(f->s, next)->flags : 0;
        if (cp == UTF8_BAD) {
            map_add(f, f->out->len, at, 0);
            buf_put_u8(f->out, f->plain ? text.data[at] : MARK_BAD);
            return to;
        }
        const struct code *code = code_of(f->s, cp);
        if ((code->flags & CODE_EMOJI) && fold_emoji(f, at, &to))
            return to;
        bool more = (behind & CODE_CLINGS) || ((behind & CODE_MARK) && (code->flags & CODE_STRIPS));
        if (more || (code->flags & CODE_LONG))
            return fold_unit(f, at);
        code_put(f, code, at, to);
        if (next == UTF8_BAD)
            return to;
        at = to;
        to = next_to;
        cp = next;
    }
}

void fold_text(struct splitter *s, struct slice text, struct buf *out, bool plain)
{
    struct folder f = {.s = s, .text = text, .out = out, .plain = plain};
    size_t at = 0;
    while (at < text.len && !s->failed && !out->failed) {
        at = text.data[at] < 0x80 ? fold_ascii(&f, at) : fold_high(&f, at);
        /* Offsets have 32 bits; compatibility forms can be eleven times as long as the source. */
        if (!plain && out->len >= UINT32_MAX)
            s->failed = true;
    }
    s->identity = !plain && (s->n_runs == 0 ||
                             (s->n_runs == 1 && s->runs[0].src_len == 0 && s->runs[0].src == 0));
}

bool words_is_mark(uint32_t cp) { return (U_GET_GC_MASK((UChar32)cp) & U_GC_M_MASK) != 0; }
