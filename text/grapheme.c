/* grapheme — the rules GB3 to GB13 of UAX #29, with the conjuncts of Indic scripts, stepped over by
 * the property of each code point. ICU's iterator gives the same, but has to be opened, holds
 * memory and may fail; here a text of a person is cut wherever it is shown. */
#include "lictor/grapheme.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "lictor/utf8.h"

#define NONE (-1) /* a malformed byte: nothing joins it */

static int break_of(uint32_t cp)
{
    if (cp == UTF8_BAD)
        return NONE;
    return u_getIntPropertyValue((UChar32)cp, UCHAR_GRAPHEME_CLUSTER_BREAK);
}

static bool is_control(int b)
{
    return b == U_GCB_CONTROL || b == U_GCB_CR || b == U_GCB_LF || b == NONE;
}

static bool hangul_joined(int a, int b)
{
    switch (a) {
    case U_GCB_L:
        return b == U_GCB_L || b == U_GCB_V || b == U_GCB_LV || b == U_GCB_LVT;
    case U_GCB_LV:
    case U_GCB_V:
        return b == U_GCB_V || b == U_GCB_T;
    case U_GCB_LVT:
    case U_GCB_T:
        return b == U_GCB_T;
    default:
        return false;
    }
}

static bool is_indic(uint32_t cp, UIndicSyllabicCategory category)
{
    if (cp < 0x900 || cp > 0xd7f ||
        u_getIntPropertyValue((UChar32)cp, UCHAR_INDIC_SYLLABIC_CATEGORY) != (int)category)
        return false;
    UErrorCode e = U_ZERO_ERROR;
    switch (uscript_getScript((UChar32)cp, &e)) {
    case USCRIPT_BENGALI:
    case USCRIPT_DEVANAGARI:
    case USCRIPT_GUJARATI:
    case USCRIPT_MALAYALAM:
    case USCRIPT_ORIYA:
    case USCRIPT_TELUGU:
        return true;
    default:
        return false;
    }
}

/* GB9c: consonants that a virama makes one. */
enum conjunct { CONJUNCT_NONE, CONJUNCT_CONSONANT, CONJUNCT_VIRAMA };

static enum conjunct conjunct_after(enum conjunct before, uint32_t cp, int b)
{
    if (is_indic(cp, U_INSC_CONSONANT))
        return CONJUNCT_CONSONANT;
    if (before == CONJUNCT_NONE)
        return CONJUNCT_NONE;
    if (is_indic(cp, U_INSC_VIRAMA))
        return CONJUNCT_VIRAMA;
    bool goes_on = b == U_GCB_ZWJ || (b == U_GCB_EXTEND && u_getCombiningClass((UChar32)cp) != 0);
    return goes_on ? before : CONJUNCT_NONE;
}

/* What was read of the character. */
struct cluster {
    int last;
    bool picture;    /* a picture, and behind it nothing but what extends it … */
    bool joiner;     /* … and last of all a joiner */
    bool flag_whole; /* both letters of a flag */
    enum conjunct conjunct;
};

static bool joined(const struct cluster *c, uint32_t cp, int b)
{
    if (c->last == U_GCB_CR && b == U_GCB_LF)
        return true;
    if (is_control(c->last) || is_control(b))
        return false;
    if (b == U_GCB_EXTEND || b == U_GCB_ZWJ || b == U_GCB_SPACING_MARK)
        return true;
    if (c->last == U_GCB_PREPEND || hangul_joined(c->last, b))
        return true;
    if (c->last == U_GCB_REGIONAL_INDICATOR && b == U_GCB_REGIONAL_INDICATOR)
        return !c->flag_whole;
    if (c->conjunct == CONJUNCT_VIRAMA && is_indic(cp, U_INSC_CONSONANT))
        return true;
    return c->joiner && u_hasBinaryProperty((UChar32)cp, UCHAR_EXTENDED_PICTOGRAPHIC);
}

static void take(struct cluster *c, uint32_t cp, int b)
{
    bool picture = b != NONE && u_hasBinaryProperty((UChar32)cp, UCHAR_EXTENDED_PICTOGRAPHIC);
    c->flag_whole = c->last == U_GCB_REGIONAL_INDICATOR && b == U_GCB_REGIONAL_INDICATOR;
    c->joiner = c->picture && b == U_GCB_ZWJ;
    c->picture = picture || (c->picture && b == U_GCB_EXTEND);
    c->conjunct = conjunct_after(c->conjunct, cp, b);
    c->last = b;
}

size_t grapheme_end(struct slice text, size_t pos)
{
    /* Two of ASCII are two characters, but for CR LF. */
    bool last = pos + 1 == text.len;
    if (text.data[pos] < 0x80 && text.data[pos] != '\r' && (last || text.data[pos + 1] < 0x80))
        return pos + 1;
    if (text.len - pos > GRAPHEME_BYTES_MOST)
        text.len = pos + GRAPHEME_BYTES_MOST; /* a code point cut by this is malformed, and apart */
    struct cluster c = {.last = NONE};
    uint32_t cp = utf8_next(text.data, text.len, &pos);
    take(&c, cp, break_of(cp));
    while (pos < text.len) {
        size_t next = pos;
        cp = utf8_next(text.data, text.len, &next);
        int b = break_of(cp);
        if (!joined(&c, cp, b))
            break;
        take(&c, cp, b);
        pos = next;
    }
    return pos;
}
