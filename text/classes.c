/* classes — what a byte or a code point is to the splitter: a table for ASCII, ICU's properties for
 * the rest, kept in a direct-mapped cache. */
#include "text/splitter_private.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "lictor/utf8.h"

#define O BYTE_OTHER
#define L BYTE_LETTER
#define D BYTE_DIGIT
#define H BYTE_HIGH
#define S BYTE_SPACE
#define G BYTE_SIGN
#define J BYTE_JOIN
#define A BYTE_APOS
#define M BYTE_MARK

const uint8_t byte_classes[256] = {
    O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    S, O, O, G, O, O, O, A, G, O, O, G, O, J, J, O, D, D, D, D, D, D, D, D, D, D, G, O, O, O, O, O,
    G, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, J,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
    H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, M, M,
};

static bool has_script(uint32_t cp, const UScriptCode *scripts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (uscript_hasScript((UChar32)cp, scripts[i]))
            return true;
    return false;
}

bool code_strips(uint32_t cp)
{
    /* By script extensions: the Arabic tatweel is Common. */
    static const UScriptCode scripts[] = {USCRIPT_LATIN, USCRIPT_GREEK, USCRIPT_CYRILLIC,
                                          USCRIPT_ARABIC, USCRIPT_HEBREW};
    return (U_GET_GC_MASK((UChar32)cp) & U_GC_L_MASK) != 0 &&
           has_script(cp, scripts, sizeof scripts / sizeof *scripts);
}

static enum code_kind kind_of(uint32_t cp)
{
    /* By script extensions: U+30FC and the kana repeat marks are Common. */
    static const UScriptCode cjk[] = {USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA};
    static const UScriptCode sea[] = {USCRIPT_THAI, USCRIPT_LAO, USCRIPT_KHMER, USCRIPT_MYANMAR};
    uint32_t mask = U_GET_GC_MASK((UChar32)cp);
    if (mask & U_GC_M_MASK)
        return KIND_MARK;
    if ((mask & (U_GC_L_MASK | U_GC_NL_MASK)) && has_script(cp, cjk, sizeof cjk / sizeof *cjk))
        return KIND_CJK;
    if ((mask & U_GC_L_MASK) && has_script(cp, sea, sizeof sea / sizeof *sea))
        return KIND_SEA;
    if (mask & (U_GC_L_MASK | U_GC_N_MASK))
        return KIND_WORD;
    return u_isUWhiteSpace((UChar32)cp) ? KIND_SPACE : KIND_NONE;
}

/* True if marks after a folded form are stripped: its last code point says. */
static bool fold_strips(const uint8_t *fold, size_t len)
{
    size_t at = len;
    while (at > 0 && (fold[--at] & 0xC0) == 0x80)
        ;
    return len > 0 && code_strips(utf8_next(fold, len, &at));
}

const struct code *code_fill(struct splitter *s, uint32_t cp, struct code *slot)
{
    *slot = (struct code){.cp = cp, .kind = (uint8_t)kind_of(cp)};
    size_t len = fold_code(s, cp, slot->fold, sizeof slot->fold);
    if (len > sizeof slot->fold)
        slot->flags |= CODE_LONG;
    else
        slot->len = (uint8_t)len;
    if (!unorm2_hasBoundaryBefore(s->casefold, (UChar32)cp))
        slot->flags |= CODE_CLINGS;
    if (slot->kind == KIND_MARK)
        slot->flags |= CODE_MARK;
    if (fold_strips(slot->fold, slot->len))
        slot->flags |= CODE_STRIPS;
    if (emoji_begins(cp))
        slot->flags |= CODE_EMOJI;
    return slot;
}

enum code_kind kind_at(struct splitter *s, size_t at, size_t *len)
{
    const uint8_t *p = s->scan.data + at;
    *len = 1;
    if (at >= s->len)
        return KIND_NONE;
    switch (byte_classes[*p]) {
    case BYTE_LETTER:
    case BYTE_DIGIT:
        return KIND_WORD;
    case BYTE_SPACE:
        return KIND_SPACE;
    case BYTE_HIGH:
        return code_of(s, scan_decode(p, len))->kind;
    default:
        return KIND_NONE;
    }
}

enum code_kind kind_before(struct splitter *s, size_t at, size_t *len)
{
    *len = 0;
    if (at == 0)
        return KIND_NONE;
    size_t from = at - 1;
    while (from > 0 && (s->scan.data[from] & 0xC0) == 0x80)
        from--;
    enum code_kind kind = kind_at(s, from, len);
    *len = at - from;
    return kind;
}
