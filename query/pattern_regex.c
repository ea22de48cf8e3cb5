/* pattern_regex — PCRE2 over whole words. Time is bounded by PCRE2's own count of steps, memory by
 * its limits; no code is generated at run time. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/pattern_private.h"

#include <pcre2.h>
#include <stdlib.h>

#include "lictor/utf8.h"
#include "lictor/words.h"

#define STEPS_A_BYTE 16
#define DEPTH_MAX 10000
#define HEAP_KIB 16384
#define NESTED_MAX 100
#define SHOWN 60

struct regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    uint64_t slow; /* PATTERN_RUNG steps each, beyond the first of each word */
};

void regex_free(void *regex)
{
    struct regex *r = regex;
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_match_data_free(r->data);
    pcre2_match_context_free(r->context);
    free(r);
}

/* ---- folding ---- */

struct folding {
    const struct pattern_maker *m;
    struct slice text;
    struct buf out, piece;
    struct buf from; /* uint32_t a byte of `out`: where in the text it is from */
    bool in_class, named;
};

static void folding_put(struct folding *f, struct slice s, size_t at)
{
    for (size_t i = 0; i < s.len; i++) {
        uint32_t from = (uint32_t)at;
        buf_put_u8(&f->out, s.data[i]);
        buf_put(&f->from, &from, sizeof from);
    }
}

/* End of the letter at `at`: with the marks that stand on it. */
static size_t letter_end(struct slice s, size_t at)
{
    size_t end = at, next;
    (void)utf8_next(s.data, s.len, &end);
    for (next = end; next < s.len && s.data[next] >= 0x80; end = next)
        if (!words_is_mark(utf8_next(s.data, s.len, &next)))
            break;
    return end;
}

static enum status fold_letter(struct folding *f, size_t at, size_t end,
                               struct pattern_fault *fault, struct err *err)
{
    buf_clear(&f->piece);
    TRY(splitter_fold(f->m->splitter, slice_of(f->text.data + at, end - at), &f->piece, err));
    struct slice s = buf_slice(&f->piece);
    size_t first = 0;
    if (s.len > 0)
        (void)utf8_next(s.data, s.len, &first);
    bool several = first < s.len;
    if (several && f->in_class) {
        *fault = (struct pattern_fault){at, end};
        return err_set(err, ST_BAD_INPUT,
                       "this letter is searched as several (%.*s) and cannot stand in [ ]",
                       (int)(s.len < SHOWN ? s.len : SHOWN), (const char *)s.data);
    }
    if (several)
        folding_put(f, slice_str("(?:"), at);
    folding_put(f, s, at);
    if (several)
        folding_put(f, slice_str(")"), at);
    return ST_OK;
}

/* Letters beyond ASCII are folded one by one, as those of messages are; ASCII is matched without
 * case. */
static enum status fold_text(struct folding *f, struct pattern_fault *fault, struct err *err)
{
    struct slice s = f->text;
    for (size_t i = 0; i < s.len;) {
        bool escape = s.data[i] == '\\' && i + 1 < s.len;
        size_t at = i + (escape ? 1 : 0), end = letter_end(s, at);
        bool ascii = end == at + 1 && s.data[at] < 0x80;
        if (!escape && !f->named)
            f->in_class = s.data[i] == '[' || (f->in_class && s.data[i] != ']');
        /* [:alpha:] within a class closes nothing but itself. */
        if (f->in_class && s.len - i > 1 && s.data[i] == '[' && s.data[i + 1] == ':')
            f->named = true;
        else if (s.data[i] == ']')
            f->named = false;
        if (ascii)
            folding_put(f, slice_of(s.data + i, end - i), i);
        else
            TRY(fold_letter(f, at, end, fault, err));
        i = end;
    }
    TRY(buf_status(&f->from, err));
    return buf_status(&f->out, err);
}

/* ---- compiling ---- */

/* Where in the text byte `at` of the folded one is from. */
static size_t place_of(const struct folding *f, size_t at)
{
    uint32_t from;
    if (f->from.len == 0)
        return at < f->text.len ? at : f->text.len;
    if (at >= f->from.len / sizeof from)
        return f->text.len;
    memcpy(&from, f->from.data + at * sizeof from, sizeof from);
    return from;
}

static enum status compile_failed(const struct folding *f, int code, size_t at,
                                  struct pattern_fault *fault, struct err *err)
{
    PCRE2_UCHAR why[128] = {0};
    (void)pcre2_get_error_message(code, why, sizeof why);
    if (code == PCRE2_ERROR_HEAP_FAILED)
        return err_no_memory(err);
    size_t to = place_of(f, at);
    fault->from = to > 0 ? to - 1 : 0;
    while (fault->from > 0 && (f->text.data[fault->from] & 0xC0) == 0x80)
        fault->from--;
    fault->to = to > fault->from ? to : fault->from + 1;
    return err_set(err, ST_BAD_INPUT, "regular expression: %s", (const char *)why);
}

static enum status compile(struct regex *r, const struct folding *f, struct slice text, bool exact,
                           struct pattern_fault *fault, struct err *err)
{
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_DOTALL;
    int code;
    PCRE2_SIZE at;
    pcre2_compile_context *c = pcre2_compile_context_create(NULL);
    if (!c)
        return err_no_memory(err);
    (void)pcre2_set_parens_nest_limit(c, NESTED_MAX);
    r->code =
        pcre2_compile(text.data, text.len, options | (exact ? 0 : PCRE2_CASELESS), &code, &at, c);
    pcre2_compile_context_free(c);
    if (!r->code)
        return compile_failed(f, code, at, fault, err);
    r->data = pcre2_match_data_create(1, NULL);
    r->context = pcre2_match_context_create(NULL);
    if (!r->data || !r->context)
        return err_no_memory(err);
    (void)pcre2_set_depth_limit(r->context, DEPTH_MAX);
    (void)pcre2_set_heap_limit(r->context, HEAP_KIB);
    return ST_OK;
}

/* Letters and digits that every match begins with. */
static size_t literal_beginning(struct slice s, bool exact)
{
    size_t n = 0;
    if (memchr(s.data, '|', s.len))
        return 0;
    for (; n < s.len; n++) {
        uint8_t c = s.data[n] | 0x20;
        bool digit = s.data[n] >= '0' && s.data[n] <= '9';
        if (!(c >= 'a' && c <= 'z') && !digit)
            break;
        if (n == 0 && digit && exact)
            return 0; /* a phone number begins with other signs once folded */
    }
    /* What follows may repeat the last one not at all, also behind a comment, (?#…)*, or a \E that
     * ends nothing; only these certainly do not. */
    if (n > 0 && n < s.len && (s.data[n] >= 0x80 || !strchr(".[+^$", s.data[n])))
        n--;
    return n;
}

static enum status regex_prefix(const struct pattern_maker *m, struct pattern *p, struct err *err)
{
    size_t n = literal_beginning(p->text, p->exact);
    uint8_t *lower = arena_alloc(m->arena, n);
    if (!lower)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = p->text.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    }
    p->prefix = slice_of(lower, n);
    return ST_OK;
}

enum status pattern_regex(const struct pattern_maker *m, struct slice text, bool exact,
                          struct pattern **out, struct pattern_fault *fault, struct err *err)
{
    *fault = (struct pattern_fault){0, text.len};
    if (text.len == 0)
        return err_set(err, ST_BAD_INPUT, "this regular expression is empty");
    if (text.len > PATTERN_MAX)
        return err_set(err, ST_BAD_INPUT, "a regular expression is at most %d bytes long",
                       PATTERN_MAX);
    if (!utf8_valid(text))
        return err_set(err, ST_BAD_INPUT, "a regular expression must be UTF-8");
    if ((*out = pattern_find(m, PATTERN_REGEX, text, exact, 0)))
        return ST_OK;
    struct pattern *p = pattern_new(m, PATTERN_REGEX, text, exact, 0);
    struct regex *r = calloc(1, sizeof *r);
    if (!p || !r) {
        free(r);
        return err_no_memory(err);
    }
    p->regex = r;
    struct folding f = {.m = m, .text = text};
    enum status st = exact ? ST_OK : fold_text(&f, fault, err);
    if (st == ST_OK)
        st = compile(r, &f, exact ? text : buf_slice(&f.out), exact, fault, err);
    if (st == ST_OK)
        st = regex_prefix(m, p, err);
    buf_release(&f.out);
    buf_release(&f.piece);
    buf_release(&f.from);
    if (st == ST_OK) {
        pattern_found_good(m, p);
        *out = p;
    }
    return st;
}

/* ---- matching ---- */

static int shown(struct slice s)
{
    size_t n = s.len < SHOWN ? s.len : SHOWN;
    while (n < s.len && n > 0 && (s.data[n] & 0xC0) == 0x80)
        n--;
    return (int)n;
}

static int match_within(const struct regex *r, struct slice word, size_t steps)
{
    (void)pcre2_set_match_limit(r->context, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    return pcre2_match(r->code, word.data, word.len, 0, 0, r->data, r->context);
}

uint64_t regex_slow(const void *regex) { return ((const struct regex *)regex)->slow; }

/* PCRE2 does not tell how many steps a match took: most words take few, and for those that take
 * more it is asked again with all that are allowed. */
enum status regex_match(const struct pattern *p, struct slice word, bool *yes, struct err *err)
{
    struct regex *r = p->regex;
    int rc = match_within(r, word, PATTERN_RUNG);
    if (rc == PCRE2_ERROR_MATCHLIMIT) {
        size_t steps = PATTERN_STEPS + STEPS_A_BYTE * word.len;
        r->slow += steps / PATTERN_RUNG;
        rc = match_within(r, word, steps);
    }
    *yes = rc >= 0;
    switch (rc < 0 ? rc : 0) {
    case 0:
    case PCRE2_ERROR_NOMATCH:
        return ST_OK;
    case PCRE2_ERROR_NOMEMORY:
        return err_no_memory(err);
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_RECURSELOOP:
        return err_set(err, ST_LIMIT,
                       "the regular expression /%.*s/ takes too many steps for the word '%.*s'; "
                       "write it without nested repetitions",
                       shown(p->text), (const char *)p->text.data, shown(word),
                       (const char *)word.data);
    default:
        /* Words of a text are well-formed; what is not is no word. */
        *yes = false;
        return rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21
                   ? ST_OK
                   : err_set(err, ST_LIMIT, "the regular expression /%.*s/ failed (PCRE2 %d)",
                             shown(p->text), (const char *)p->text.data, rc);
    }
}
