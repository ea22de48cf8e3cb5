/* segment_sea — words of scripts written without blanks, by ICU's dictionaries.
 * A run longer than RUN_MAX is cut: ICU's caches and look-ahead were not made for megabytes without
 * a blank, and nobody writes them. The cut lies between code points, before one that is no mark if
 * such a one is near. */
#include "text/splitter_private.h"

#include <unicode/utf16.h>

#define RUN_MAX (16 * 1024)
#define MARKS_MAX 32

/* UTF-16 of scan text [from, to) into s->sea; false without memory. */
static bool run_convert(struct splitter *s, size_t from, size_t to, int32_t *n)
{
    buf_clear(&s->sea);
    UChar *out = (UChar *)(void *)buf_reserve(&s->sea, (to - from) * sizeof *out);
    if (!out)
        return false;
    int32_t len = 0;
    while (from < to) {
        size_t k;
        uint32_t cp = scan_decode(s->scan.data + from, &k);
        U16_APPEND_UNSAFE(out, len, (UChar32)cp);
        from += k;
    }
    *n = len;
    return true;
}

static void run_add(struct splitter *s, size_t from, size_t to)
{
    int32_t n;
    if (!run_convert(s, from, to, &n))
        return;
    const UChar *text = (const UChar *)(const void *)s->sea.data;
    UErrorCode e = U_ZERO_ERROR;
    ubrk_setText(s->words, text, n, &e);
    int32_t at = 0;
    while (U_SUCCESS(e) && from < to) {
        int32_t end = ubrk_next(s->words);
        if (end == UBRK_DONE || end <= at)
            break;
        size_t word = from;
        while (at < end && from < to) {
            size_t k;
            scan_decode(s->scan.data + from, &k);
            at += k == 4 ? 2 : 1;
            from += k;
        }
        part_add(s, word, from, TOKEN_WORD);
    }
    /* ICU refused: found as one word is better than not found. */
    if (from < to)
        part_add(s, from, to, TOKEN_WORD);
}

void sea_add(struct splitter *s, size_t from, size_t to)
{
    while (to - from > RUN_MAX) {
        size_t cut = from + RUN_MAX, len;
        while ((s->scan.data[cut] & 0xC0) == 0x80)
            cut--;
        for (int i = 0; i < MARKS_MAX && kind_at(s, cut, &len) == KIND_MARK; i++)
            kind_before(s, cut, &len), cut -= len;
        run_add(s, from, cut);
        from = cut;
    }
    run_add(s, from, to);
}
