/* pattern — wildcards, and what all kinds share.
 *
 * Exact patterns and folded words. What a lexicon holds of a word that matches as written is its
 * folded form, and folding works on neighbours: a mark may melt into the letter before it, letters
 * of Hangul into one. So of each literal stretch only the core is asked for in folded words: the
 * folded stretch without the code points at its ends that what stands beside them could change.
 * Phone numbers are folded to their digits and are always let through. pattern_match decides. */
#include "query/pattern_private.h"

#include <stdlib.h>

#include "lictor/utf8.h"
#include "lictor/words.h"

#define CORE_EDGE 2 /* code points of a stretch's end that are not sure */
#define PHONE_MIN 7
#define PHONE_MAX 16

enum status codes_of(struct arena *a, struct slice s, const uint32_t **out, size_t *n,
                     struct err *err)
{
    uint32_t *codes = arena_array(a, s.len, sizeof *codes);
    if (!codes)
        return err_no_memory(err);
    *n = 0;
    for (size_t i = 0; i < s.len;)
        codes[(*n)++] = utf8_next(s.data, s.len, &i);
    *out = codes;
    return ST_OK;
}

/* ---- wildcards ---- */

struct glob_maker {
    const struct pattern_maker *m;
    struct buf glob, may; /* uint32_t: signs */
    struct buf folded;    /* one literal stretch */
};

static void sign_put(struct buf *b, uint32_t sign)
{
    uint32_t last = 0;
    if (b->len)
        memcpy(&last, b->data + b->len - sizeof last, sizeof last);
    if (b->len && sign == GLOB_RUN && last == GLOB_RUN)
        return;
    buf_put(b, &sign, sizeof sign);
}

static void signs_put(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.len;)
        sign_put(b, utf8_next(s.data, s.len, &i));
}

static bool letter_or_digit(uint32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z');
}

/* Where the last code point of s[0, end) begins. */
static size_t code_before(struct slice s, size_t end)
{
    size_t i = end - 1;
    while (i > 0 && (s.data[i] & 0xC0) == 0x80)
        i--;
    return i;
}

static uint32_t code_at(struct slice s, size_t at) { return utf8_next(s.data, s.len, &at); }

/* The core of a folded stretch; `first`, `last`: the word begins or ends with it. */
static void core_put(struct buf *may, struct slice s, bool first, bool last)
{
    size_t from = 0, to = s.len, next;
    for (int n = 0; !first && from < to && s.data[from] >= 0x80; from = next) {
        next = from;
        bool mark = words_is_mark(utf8_next(s.data, s.len, &next)); /* any number may fall */
        if (!mark && n++ == CORE_EDGE)
            break;
    }
    bool sure = last || (to > from && letter_or_digit(code_at(s, code_before(s, to))));
    for (int n = 0; !sure && to > from && n < CORE_EDGE;) {
        to = code_before(s, to);
        n += utf8_columns(code_at(s, to)) > 0;
    }
    if (from > 0)
        sign_put(may, GLOB_RUN);
    if (to > from)
        signs_put(may, slice_of(s.data + from, to - from));
    if (to < s.len || to < from)
        sign_put(may, GLOB_RUN);
}

/* A stretch without wildcards, escapes undone. */
static enum status stretch_put(struct glob_maker *g, struct slice s, bool exact, bool first,
                               bool last, struct err *err)
{
    if (s.len == 0)
        return ST_OK;
    buf_clear(&g->folded);
    TRY(splitter_fold(g->m->splitter, s, &g->folded, err));
    if (!exact) {
        signs_put(&g->glob, buf_slice(&g->folded));
        return ST_OK;
    }
    signs_put(&g->glob, s);
    core_put(&g->may, buf_slice(&g->folded), first, last);
    return ST_OK;
}

static enum status glob_signs(struct glob_maker *g, struct slice text, bool exact, struct err *err)
{
    struct buf stretch = {0};
    enum status st = ST_OK;
    bool first = true;
    for (size_t i = 0; st == ST_OK && i <= text.len; i++) {
        uint8_t c = i < text.len ? text.data[i] : '*';
        if (c == '\\' && i + 1 < text.len)
            c = text.data[++i];
        else if (c == '*' || c == '?') {
            st = stretch_put(g, buf_slice(&stretch), exact, first, i == text.len, err);
            first = false;
            buf_clear(&stretch);
            if (i < text.len) {
                sign_put(&g->glob, c == '*' ? GLOB_RUN : GLOB_ONE);
                sign_put(&g->may, GLOB_RUN); /* one as written may be several folded, or none */
            }
            continue;
        }
        buf_put_u8(&stretch, c);
    }
    if (st == ST_OK)
        st = buf_status(&stretch, err);
    buf_release(&stretch);
    return st;
}

static enum status glob_keep(const struct pattern_maker *m, const struct buf *b, struct glob *out,
                             struct err *err)
{
    TRY(buf_status(b, err));
    struct slice kept = arena_copy(m->arena, buf_slice(b));
    if (!kept.data)
        return err_no_memory(err);
    const void *signs = kept.data;
    out->signs = signs;
    out->n = kept.len / sizeof *out->signs;
    return ST_OK;
}

/* Literal beginning of `g` in UTF-8; *all: nothing but a * follows. */
static enum status glob_prefix(const struct pattern_maker *m, const struct glob *g,
                               struct slice *out, bool *all, struct err *err)
{
    struct buf b = {0};
    size_t n = 0;
    for (; n < g->n && g->signs[n] < GLOB_ONE; n++) {
        uint8_t bytes[4];
        buf_put(&b, bytes, utf8_put(g->signs[n], bytes));
    }
    enum status st = buf_status(&b, err);
    *all = n + 1 == g->n && g->signs[n] == GLOB_RUN;
    *out = st == ST_OK ? arena_copy(m->arena, buf_slice(&b)) : *out;
    if (st == ST_OK && !out->data)
        st = err_no_memory(err);
    buf_release(&b);
    return st;
}

/* A word that could be a phone number as written another way begins so. */
static bool phone_sign(uint8_t c) { return (c >= '0' && c <= '9') || c == '+' || c == '('; }

enum status pattern_wild(const struct pattern_maker *m, struct slice text, bool exact,
                         struct pattern **out, struct pattern_fault *fault, struct err *err)
{
    *fault = (struct pattern_fault){0, text.len};
    if (text.len > PATTERN_MAX)
        return err_set(err, ST_BAD_INPUT, "a pattern is at most %d bytes long", PATTERN_MAX);
    if (!utf8_valid(text))
        return err_set(err, ST_BAD_INPUT, "a pattern must be UTF-8");
    if ((*out = pattern_find(m, PATTERN_WILD, text, exact, 0)))
        return ST_OK;
    struct pattern *p = pattern_new(m, PATTERN_WILD, text, exact, 0);
    struct glob_maker g = {.m = m};
    enum status st = p ? glob_signs(&g, text, exact, err) : err_no_memory(err);
    if (st == ST_OK)
        st = glob_keep(m, &g.glob, &p->glob, err);
    if (st == ST_OK)
        st = glob_keep(m, exact ? &g.may : &g.glob, &p->may, err);
    if (st == ST_OK)
        st = glob_prefix(m, &p->may, &p->prefix, &p->is_prefix, err);
    buf_release(&g.glob);
    buf_release(&g.may);
    buf_release(&g.folded);
    TRY(st);
    p->any = p->glob.n == 1 && p->glob.signs[0] == GLOB_RUN;
    p->is_prefix &= !exact;
    if (exact && p->prefix.len && phone_sign(p->prefix.data[0]))
        p->prefix.len = 0;
    pattern_found_good(m, p);
    *out = p;
    return ST_OK;
}

/* Back to the last * at each mismatch: it alone need ever be widened. */
static bool glob_match(const struct glob *g, struct slice s)
{
    size_t i = 0, pos = 0, run = SIZE_MAX, run_pos = 0;
    while (pos < s.len) {
        if (i < g->n && g->signs[i] == GLOB_RUN) {
            run = ++i;
            run_pos = pos;
            if (i == g->n)
                return true;
            continue;
        }
        size_t next = pos;
        uint32_t cp = utf8_next(s.data, s.len, &next);
        if (i < g->n && (g->signs[i] == GLOB_ONE || g->signs[i] == cp)) {
            i++;
            pos = next;
            continue;
        }
        if (run == SIZE_MAX)
            return false;
        i = run;
        (void)utf8_next(s.data, s.len, &run_pos);
        pos = run_pos;
    }
    while (i < g->n && g->signs[i] == GLOB_RUN)
        i++;
    return i == g->n;
}

/* ---- all kinds ---- */

enum pattern_kind pattern_kind(const struct pattern *p) { return p->kind; }

bool pattern_exact(const struct pattern *p) { return p->exact; }

bool pattern_any(const struct pattern *p) { return p->any; }

struct slice pattern_prefix(const struct pattern *p) { return p->prefix; }

bool pattern_is_prefix(const struct pattern *p) { return p->is_prefix; }

uint64_t pattern_slow(const struct pattern *p)
{
    return p->kind == PATTERN_REGEX ? regex_slow(p->regex) : 0;
}

enum status pattern_match(const struct pattern *p, struct slice folded, struct slice written,
                          bool *yes, struct err *err)
{
    struct slice word = p->exact ? written : folded;
    switch (p->kind) {
    case PATTERN_WILD:
        *yes = glob_match(&p->glob, word);
        return ST_OK;
    case PATTERN_FUZZY:
        *yes = fuzzy_match(&p->fuzzy, word);
        return ST_OK;
    default:
        return regex_match(p, word, yes, err);
    }
}

static bool phone_like(struct slice s)
{
    size_t digits = s.len && s.data[0] == '+' ? s.len - 1 : s.len;
    for (size_t i = s.len - digits; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return digits >= PHONE_MIN && digits <= PHONE_MAX;
}

/* ---- along a lexicon ---- */

enum status pattern_walk_init(struct pattern_walk *w, const struct pattern *p, struct err *err)
{
    *w = (struct pattern_walk){.pattern = p, .dead = SIZE_MAX};
    if (p->kind != PATTERN_FUZZY || p->exact)
        return ST_OK;
    /* A row beyond n + edits code points is without hope: more are never kept. */
    w->rows_n = p->fuzzy.n + p->fuzzy.edits + 3;
    w->rows = calloc(w->rows_n, p->fuzzy.n + 1);
    w->ends = calloc(w->rows_n, sizeof *w->ends);
    if (!w->rows || !w->ends) {
        pattern_walk_release(w);
        return err_no_memory(err);
    }
    for (size_t j = 0; j <= p->fuzzy.n; j++)
        w->rows[j] = (uint8_t)(j > p->fuzzy.edits ? p->fuzzy.edits + 1 : j);
    return ST_OK;
}

void pattern_walk_release(struct pattern_walk *w)
{
    buf_release(&w->last);
    free(w->rows);
    free(w->ends);
    *w = (struct pattern_walk){0};
}

/* Rows are kept for the beginning that a word shares with the one before, so that a sorted lexicon
 * costs about one row a word, and what begins without hope none. */
static bool fuzzy_walk(struct pattern_walk *w, struct slice word)
{
    const struct fuzzy *f = &w->pattern->fuzzy;
    size_t shared = 0, width = f->n + 1;
    while (shared < word.len && shared < w->last.len && word.data[shared] == w->last.data[shared])
        shared++;
    while (w->depth > 0 && w->ends[w->depth] > shared)
        w->depth--;
    if (w->dead > w->depth)
        w->dead = SIZE_MAX;
    size_t pos = w->ends[w->depth];
    while (pos < word.len && w->dead == SIZE_MAX) {
        size_t from = pos, d = w->depth;
        uint32_t before = 0, c = utf8_next(word.data, word.len, &pos);
        if (d > 0) {
            size_t at = w->ends[d - 1];
            before = utf8_next(word.data, from, &at);
        }
        uint8_t *row = w->rows + (d + 1) * width;
        bool hope = fuzzy_row(f, d > 0 ? row - 2 * width : NULL, row - width, before, c, row);
        w->ends[++w->depth] = (uint16_t)pos;
        if (!hope)
            w->dead = w->depth;
    }
    buf_clear(&w->last);
    buf_put_slice(&w->last, word);
    return w->dead == SIZE_MAX && w->rows[w->depth * width + f->n] <= f->edits;
}

enum status pattern_walk_may(struct pattern_walk *w, struct slice folded, bool *yes,
                             struct err *err)
{
    const struct pattern *p = w->pattern;
    if (!p->exact) {
        if (p->kind != PATTERN_FUZZY)
            return pattern_match(p, folded, folded, yes, err);
        *yes = fuzzy_walk(w, folded);
        return buf_status(&w->last, err);
    }
    *yes = phone_like(folded) || (p->kind == PATTERN_WILD    ? glob_match(&p->may, folded)
                                  : p->kind == PATTERN_FUZZY ? fuzzy_may(&p->fuzzy, folded)
                                                             : true);
    return ST_OK;
}
