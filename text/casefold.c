/* casefold — NFKC case folding of a text as a whole and nothing more: what words are folded by in
 * addition (marks, dotless i) is in fold.c. */
#include "text/splitter_private.h"

#include <stdlib.h>
#include <unicode/ustring.h>

#include "lictor/utf8.h"

/* No code point folds to more than 18 units, and none takes less than one byte. */
#define UNITS_A_BYTE 18
#define PIECE 1024 /* bytes folded at once, but never within a cluster */

static bool put_units(const UChar *units, int32_t n, struct buf *out)
{
    for (int32_t i = 0; i < n;) {
        uint8_t bytes[4];
        buf_put(out, bytes, utf8_put(utf16_next(units, &i), bytes));
    }
    return !out->failed;
}

/* `text` is well-formed. */
static bool fold_piece(struct splitter *s, struct slice text, UChar *from, UChar *to,
                       struct buf *out)
{
    UErrorCode e = U_ZERO_ERROR;
    int32_t n = 0;
    u_strFromUTF8(from, (int32_t)text.len, &n, (const char *)text.data, (int32_t)text.len, &e);
    n = unorm2_normalize(s->casefold, from, n, to, (int32_t)(text.len * UNITS_A_BYTE), &e);
    /* Only memory can be missing: the text is well-formed and the room is enough. */
    return U_SUCCESS(e) && put_units(to, n, out);
}

/* End of the well-formed piece from `from` on: behind PIECE bytes or more, where a code point
 * begins that what stands before it does not change. */
static size_t piece_end(struct splitter *s, struct slice text, size_t from)
{
    size_t at = from;
    while (at < text.len) {
        size_t next = at;
        uint32_t cp = utf8_next(text.data, text.len, &next);
        if (cp == UTF8_BAD ||
            (at - from >= PIECE && unorm2_hasBoundaryBefore(s->casefold, (UChar32)cp)))
            break;
        at = next;
    }
    return at;
}

enum status splitter_casefold(struct splitter *s, struct slice text, struct buf *out,
                              struct err *err)
{
    if (text.len > INT32_MAX / UNITS_A_BYTE)
        return err_no_memory(err);
    for (size_t at = 0; at < text.len;) {
        size_t end = piece_end(s, text, at);
        if (end == at) {
            buf_put_u8(out, text.data[at++]);
            continue;
        }
        size_t len = end - at;
        UChar *from = malloc(len * sizeof *from), *to = malloc(len * UNITS_A_BYTE * sizeof *to);
        bool ok = from && to && fold_piece(s, slice_of(text.data + at, len), from, to, out);
        free(from);
        free(to);
        if (!ok)
            return err_no_memory(err);
        at = end;
    }
    return buf_status(out, err);
}
