/* pattern_fuzzy — words within one or two edits: rows of the distance table of optimal string
 * alignment, cut off above the edits. */
#include "query/pattern_private.h"

#include "lictor/utf8.h"

#define COMMON_BITS 64
#define TOUCHED 4 /* folded code points that one edit as written changes, where letters melt */

/* How many code points of the folded word a match as written keeps in their order. Letters and
 * digits of ASCII fold alone, so that an edit costs one of them; elsewhere an edit may change two
 * letters and what melts into them, and where folding makes more or fewer of them nothing is said.
 * Digits may be of a phone number, which are written in many ways. */
static size_t common_of(struct slice word, const struct fuzzy *f)
{
    size_t lost = f->edits;
    bool ascii = true;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.data[i] | 0x20;
        ascii &= c >= 'a' && c <= 'z';
    }
    if (!ascii)
        lost *= TOUCHED;
    if (f->folded_n > COMMON_BITS || (!ascii && f->folded_n != f->n) || f->folded_n <= lost)
        return 0;
    return f->folded_n - lost;
}

enum status pattern_fuzzy(const struct pattern_maker *m, struct slice word, unsigned edits,
                          bool exact, struct pattern **out, struct pattern_fault *fault,
                          struct err *err)
{
    *fault = (struct pattern_fault){0, word.len};
    if ((*out = pattern_find(m, PATTERN_FUZZY, word, exact, edits)))
        return ST_OK;
    uint8_t *bytes = arena_alloc(m->arena, word.len);
    struct pattern *p = pattern_new(m, PATTERN_FUZZY, word, exact, edits);
    struct buf folded = {0};
    size_t len = 0;
    if (!bytes || !p)
        return err_no_memory(err);
    for (size_t i = 0; i < word.len; i++) {
        i += word.data[i] == '\\' && i + 1 < word.len;
        bytes[len++] = word.data[i];
    }
    struct slice plain = slice_of(bytes, len);
    if (!utf8_valid(plain))
        return err_set(err, ST_BAD_INPUT, "a word with ~ must be UTF-8");
    struct fuzzy *f = &p->fuzzy;
    enum status st = splitter_fold(m->splitter, plain, &folded, err);
    if (st == ST_OK)
        st = codes_of(m->arena, buf_slice(&folded), &f->folded, &f->folded_n, err);
    f->codes = f->folded;
    f->n = f->folded_n;
    if (st == ST_OK && exact)
        st = codes_of(m->arena, plain, &f->codes, &f->n, err);
    buf_release(&folded);
    TRY(st);
    if (f->n == 0)
        return err_set(err, ST_BAD_INPUT, "~ needs a word before it");
    if (f->n > PATTERN_FUZZY_MAX)
        return err_set(err, ST_BAD_INPUT, "a word with ~ is at most %d characters long",
                       PATTERN_FUZZY_MAX);
    if (exact)
        f->common = common_of(plain, f);
    pattern_found_good(m, p);
    *out = p;
    return ST_OK;
}

static uint8_t least(uint8_t a, uint8_t b) { return a < b ? a : b; }

bool fuzzy_row(const struct fuzzy *f, const uint8_t *before, const uint8_t *last, uint32_t before_c,
               uint32_t c, uint8_t *row)
{
    uint8_t stop = (uint8_t)(f->edits + 1), lowest;
    row[0] = least((uint8_t)(last[0] + 1), stop);
    lowest = row[0];
    for (size_t j = 1; j <= f->n; j++) {
        uint8_t d = (uint8_t)(last[j - 1] + (f->codes[j - 1] != c));
        d = least(d, (uint8_t)(last[j] + 1));
        d = least(d, (uint8_t)(row[j - 1] + 1));
        if (before && j > 1 && f->codes[j - 1] == before_c && f->codes[j - 2] == c)
            d = least(d, (uint8_t)(before[j - 2] + 1));
        row[j] = least(d, stop);
        lowest = least(lowest, row[j]);
    }
    return lowest < stop;
}

bool fuzzy_match(const struct fuzzy *f, struct slice word)
{
    uint8_t rows[3][PATTERN_FUZZY_MAX + 1];
    uint32_t before_c = 0;
    size_t pos = 0, i = 0;
    for (size_t j = 0; j <= f->n; j++)
        rows[0][j] = (uint8_t)(j > f->edits ? f->edits + 1 : j);
    for (; pos < word.len; i++) {
        uint32_t c = utf8_next(word.data, word.len, &pos);
        if (!fuzzy_row(f, i > 0 ? rows[(i + 2) % 3] : NULL, rows[i % 3], before_c, c,
                       rows[(i + 1) % 3]))
            return false;
        before_c = c;
    }
    return rows[i % 3][f->n] <= f->edits;
}

/* Longest common subsequence in the bits of one word (Hyyrö 2004). */
bool fuzzy_may(const struct fuzzy *f, struct slice folded)
{
    uint64_t v = UINT64_MAX;
    if (f->common == 0)
        return true;
    for (size_t pos = 0; pos < folded.len;) {
        uint32_t c = utf8_next(folded.data, folded.len, &pos);
        uint64_t at = 0;
        for (size_t j = 0; j < f->folded_n; j++)
            at |= (uint64_t)(f->folded[j] == c) << j;
        uint64_t u = v & at;
        v = (v + u) | (v - u);
    }
    uint64_t mask = f->folded_n == COMMON_BITS ? UINT64_MAX : (UINT64_C(1) << f->folded_n) - 1;
    return (size_t)__builtin_popcountll(~v & mask) >= f->common;
}
