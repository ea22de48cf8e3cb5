/* splitter — owns the buffers and runs the passes (splitter_private.h names them). */
#include "text/splitter_private.h"

#include <stdlib.h>

#define RULES_VERSION "5"

enum status splitter_new(struct splitter **out, struct err *err)
{
    struct splitter *s = calloc(1, sizeof *s);
    if (!s)
        return err_no_memory(err);
    s->codes = calloc(CODE_SLOTS, sizeof *s->codes);
    UErrorCode e = U_ZERO_ERROR;
    s->casefold = unorm2_getNFKCCasefoldInstance(&e);
    s->nfd = unorm2_getNFDInstance(&e);
    s->nfc = unorm2_getNFCInstance(&e);
    /* One iterator serves all four scripts: ICU picks the dictionary by the text. */
    s->words = ubrk_open(UBRK_WORD, "th", NULL, 0, &e);
    if (!s->codes || U_FAILURE(e)) {
        bool no_memory = !s->codes || e == U_MEMORY_ALLOCATION_ERROR;
        splitter_free(s);
        if (no_memory)
            return err_no_memory(err);
        return err_set(err, ST_IO, "ICU has no data: %s", u_errorName(e));
    }
    *out = s;
    return ST_OK;
}

void splitter_free(struct splitter *s)
{
    if (!s)
        return;
    if (s->words)
        ubrk_close(s->words);
    buf_release(&s->scan);
    buf_release(&s->emoji_bytes);
    buf_release(&s->phone_bytes);
    buf_release(&s->sea);
    free(s->runs);
    free(s->emoji);
    free(s->wholes);
    free(s->tokens);
    free(s->places);
    free(s->codes);
    free(s);
}

bool splitter_grow(struct splitter *s, void *array, size_t *cap, size_t n, size_t size)
{
    void **items = array;
    if (n < *cap)
        return true;
    size_t want = *cap < 64 ? 64 : *cap + *cap / 2;
    void *grown = want < PTRDIFF_MAX / size ? realloc(*items, want * size) : NULL;
    if (!grown) {
        s->failed = true;
        return false;
    }
    *items = grown;
    *cap = want;
    return true;
}

static void splitter_reset(struct splitter *s)
{
    buf_clear(&s->scan);
    buf_clear(&s->emoji_bytes);
    buf_clear(&s->phone_bytes);
    /* A failure belongs to the text that caused it. */
    s->scan.failed = s->emoji_bytes.failed = s->phone_bytes.failed = s->sea.failed = false;
    s->failed = false;
    s->n_runs = s->n_emoji = s->n_wholes = s->n_tokens = s->n_places = 0;
    s->seen = 0;
    s->pos = 0;
    s->run_at = s->emoji_at = 0;
    s->part_from = s->chain_from = 0;
    s->chain_to = NO_PLACE - 1; /* nothing begins there nor behind it */
    s->chain_parts = 0;
    s->chain_solid = false;
    s->url_to = s->phone_to = 0;
}

enum status splitter_split(struct splitter *s, struct slice text, struct words *out,
                           struct err *err)
{
    splitter_reset(s);
    s->source = text;
    if (text.len >= UINT32_MAX)
        return err_no_memory(err);
    fold_text(s, text, &s->scan, false);
    uint8_t *pad = buf_reserve(&s->scan, SCAN_PAD);
    if (!pad || s->failed || s->emoji_bytes.failed || s->scan.len >= UINT32_MAX)
        return err_no_memory(err);
    memset(pad, 0, SCAN_PAD);
    s->len = s->scan.len;
    parts_scan(s);
    wholes_merge(s);
    if (s->failed || s->phone_bytes.failed || s->sea.failed)
        return err_no_memory(err);
    *out = (struct words){.tokens = s->tokens,
                          .n = s->n_tokens,
                          .seen = s->seen,
                          .places = s->places,
                          .n_places = s->n_places};
    return ST_OK;
}

void place_add(struct splitter *s, unsigned bit, size_t from, size_t to)
{
    struct token t;
    if (!splitter_grow(s, &s->places, &s->places_cap, s->n_places, sizeof *s->places))
        return;
    source_range(s, from, to, NULL, &t);
    s->places[s->n_places++] = (struct words_seen){bit, t.from, t.to};
}

enum status splitter_split_places(struct splitter *s, struct slice text, struct words *out,
                                  struct err *err)
{
    s->places_wanted = true;
    enum status st = splitter_split(s, text, out, err);
    s->places_wanted = false;
    return st;
}

enum status splitter_fold(struct splitter *s, struct slice text, struct buf *out, struct err *err)
{
    splitter_reset(s);
    fold_text(s, text, out, true);
    if (s->failed)
        return err_no_memory(err);
    return buf_status(out, err);
}

const char *words_version(void) { return RULES_VERSION "/" U_UNICODE_VERSION; }

const char *words_seen_name(unsigned bit)
{
    static const char *const names[] = {"link", "email",  "emoji",      "phone",
                                        "iban", "crypto", "coordinates"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bit == 1u << i)
            return names[i];
    return NULL;
}
