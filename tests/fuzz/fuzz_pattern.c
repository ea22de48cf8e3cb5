/* fuzz_pattern — any pattern against the words of any text: wildcards, fuzzy words and regular
 * expressions, folded and as written. Whatever the pattern, it ends in bounded steps; a word that
 * matches is one that the walk along a lexicon looks at (or a hit is missed), and begins with what
 * the walk skips to; distances are those of the plain table.
 * Input: kind, length of the pattern (u16), the pattern, the text. */
#include <stdlib.h>

#include "query/pattern_private.h"

#include "lictor/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 200

static struct splitter *splitter;

/* Optimal string alignment as its definition says, without cutting anything off. */
static size_t distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
    size_t w = m + 1, *d = calloc((n + 1) * w, sizeof *d);
    MUST(d);
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            size_t best = i == 0 ? j : j == 0 ? i : SIZE_MAX;
            if (i && j) {
                best = d[(i - 1) * w + j - 1] + (a[i - 1] != b[j - 1]);
                best = d[(i - 1) * w + j] + 1 < best ? d[(i - 1) * w + j] + 1 : best;
                best = d[i * w + j - 1] + 1 < best ? d[i * w + j - 1] + 1 : best;
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                    d[(i - 2) * w + j - 2] + 1 < best)
                    best = d[(i - 2) * w + j - 2] + 1;
            }
            d[i * w + j] = best;
        }
    size_t result = d[n * w + m];
    free(d);
    return result;
}

static bool fuzzy_reference(struct arena *a, const struct pattern *p, struct slice word)
{
    const uint32_t *codes;
    size_t n;
    MUST(codes_of(a, word, &codes, &n, NULL) == ST_OK);
    return distance(p->fuzzy.codes, p->fuzzy.n, codes, n) <= p->fuzzy.edits;
}

/* A wildcard by recursion over what is left, remembered in a table. */
static bool glob_reference(struct arena *a, const struct glob *g, struct slice word)
{
    const uint32_t *c;
    size_t n;
    MUST(codes_of(a, word, &c, &n, NULL) == ST_OK);
    bool *ok = calloc((g->n + 1) * (n + 1), sizeof *ok);
    MUST(ok);
    for (size_t i = g->n + 1; i-- > 0;)
        for (size_t j = n + 1; j-- > 0;) {
            bool yes = i == g->n && j == n;
            if (i < g->n && g->signs[i] == GLOB_RUN)
                yes = ok[(i + 1) * (n + 1) + j] || (j < n && ok[i * (n + 1) + j + 1]);
            else if (i < g->n && j < n && (g->signs[i] == GLOB_ONE || g->signs[i] == c[j]))
                yes = ok[(i + 1) * (n + 1) + j + 1];
            ok[i * (n + 1) + j] = yes;
        }
    bool result = ok[0];
    free(ok);
    return result;
}

static int token_cmp(const void *a, const void *b)
{
    const struct token *x = a, *y = b;
    return slice_cmp(slice_of(x->text, x->len), slice_of(y->text, y->len));
}

static void try_word(const struct pattern *p, struct pattern_walk *w, struct slice text,
                     const struct token *t, struct arena *a)
{
    struct slice folded = slice_of(t->text, t->len);
    struct slice written = slice_of(text.data + t->from, t->to - t->from);
    struct slice word = p->exact ? written : folded;
    struct err err = {0};
    bool yes = false, may = false;
    enum status st = pattern_match(p, folded, written, &yes, &err);
    MUST(st == ST_OK || (st == ST_LIMIT && p->kind == PATTERN_REGEX && err.text[0]));
    if (st != ST_OK)
        return;
    if (p->kind == PATTERN_FUZZY && word.len < 500)
        MUST(yes == fuzzy_reference(a, p, word));
    if (p->kind == PATTERN_WILD && word.len < 500)
        MUST(yes == glob_reference(a, &p->glob, word));
    MUST(pattern_walk_may(w, folded, &may, NULL) == ST_OK);
    MUST(p->exact ? may || !yes : may == yes);
    struct slice prefix = pattern_prefix(p);
    bool begins = folded.len >= prefix.len &&
                  (prefix.len == 0 || memcmp(folded.data, prefix.data, prefix.len) == 0);
    MUST(begins || !yes);
    if (pattern_is_prefix(p))
        MUST(yes == begins);
    if (pattern_any(p))
        MUST(yes);
}

static void try_text(const struct pattern *p, struct slice text, struct arena *a)
{
    struct words w;
    struct pattern_walk walk;
    MUST(splitter_split(splitter, text, &w, NULL) == ST_OK);
    size_t n = w.n < WORDS_MAX ? w.n : WORDS_MAX;
    struct token *sorted = arena_array(a, n + 1, sizeof *sorted);
    MUST(sorted);
    if (n)
        memcpy(sorted, w.tokens, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, token_cmp);
    MUST(pattern_walk_init(&walk, p, NULL) == ST_OK);
    for (size_t i = 0; i < n; i++)
        try_word(p, &walk, text, &sorted[i], a);
    pattern_walk_release(&walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(slice_of(data, size));
    unsigned kind = cursor_u8(&c);
    size_t len = cursor_u8(&c);
    len |= (size_t)cursor_u8(&c) << 8;
    if (c.bad)
        return 0;
    len = len < cursor_left(&c) ? len : cursor_left(&c);
    struct slice pattern = cursor_bytes(&c, len), text = cursor_bytes(&c, cursor_left(&c));
    struct pattern_set all = {0};
    struct pattern *p = NULL;
    struct pattern_fault fault = {0};
    struct err err = {0};
    struct arena a;
    bool exact = kind & 8;
    enum status st;
    if (!splitter)
        MUST(splitter_new(&splitter, NULL) == ST_OK);
    arena_init(&a, 0);
    struct pattern_maker m = {&a, splitter, &all};
    if (kind % 4 == 0)
        st = pattern_wild(&m, pattern, exact, &p, &fault, &err);
    else if (kind % 4 == 1)
        st = pattern_fuzzy(&m, pattern, 1 + (kind >> 4) % 2, exact, &p, &fault, &err);
    else
        st = pattern_regex(&m, pattern, exact, &p, &fault, &err);
    if (st == ST_OK)
        try_text(p, text, &a);
    else
        MUST(st == ST_BAD_INPUT && err.text[0] && fault.from <= fault.to &&
             fault.to <= pattern.len + 1);
    pattern_free_all(&all);
    arena_release(&a);
    return 0;
}
