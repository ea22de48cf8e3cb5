/* emoji — recognises one emoji in the source, before folding would take its joiners and variation
 * selectors away. Follows the regular expression of UTS #51, 1.4.9, and accepts what keyboards send
 * without selectors:
 *   keycap  [0-9#*] VS16? U+20E3
 *   flag    two regional indicators (one alone is an emoji as well)
 *   element Emoji (VS15 | VS16)? modifier? VS16? (tags U+E007F)?, joined by ZWJ
 * It is an emoji with or without selector: senders leave them out, and who searches cannot see
 * which was sent. Only what folding takes for letters (trade mark, information, circled M, some
 * squared Han and Kana) stays text unless a selector, modifier, tag sequence or ZWJ makes it one.
 * The canonical form leaves out the variation selectors.
 * An emoji has at most ELEMENTS elements: a longer chain becomes several, so that the time stays
 * linear and tokens short. */
#include "text/splitter_private.h"

#include <unicode/uchar.h>

#include "lictor/utf8.h"

#define VS15 0xFE0Eu
#define VS16 0xFE0Fu
#define ZWJ 0x200Du
#define KEYCAP 0x20E3u
#define TAG_END 0xE007Fu
#define ELEMENTS 10
#define TAGS 32

static bool property(uint32_t cp, UProperty p)
{
    return cp != UTF8_BAD && u_hasBinaryProperty((UChar32)cp, p);
}

static bool regional(uint32_t cp) { return cp >= 0x1F1E6 && cp <= 0x1F1FF; }

static bool keycap_base(uint32_t cp) { return (cp >= '0' && cp <= '9') || cp == '#' || cp == '*'; }

/* Stands for letters or digits that NFKC makes of it. */
static bool letters_in_disguise(uint32_t cp)
{
    return u_getIntPropertyValue((UChar32)cp, UCHAR_DECOMPOSITION_TYPE) != U_DT_NONE &&
           u_charType((UChar32)cp) != U_OTHER_PUNCTUATION;
}

/* Pictographs of a later Unicode are reserved today: phones are newer than libraries. */
static bool pictograph(uint32_t cp)
{
    return cp > 0x7F && (property(cp, UCHAR_EMOJI) || property(cp, UCHAR_EXTENDED_PICTOGRAPHIC));
}

/* Shown as an emoji without a selector. */
static bool shown_as_emoji(uint32_t cp)
{
    return property(cp, UCHAR_EMOJI_PRESENTATION) ||
           (property(cp, UCHAR_EXTENDED_PICTOGRAPHIC) && u_charType((UChar32)cp) == U_UNASSIGNED);
}

bool emoji_begins(uint32_t cp)
{
    return cp > 0x7F && (property(cp, UCHAR_EMOJI) || shown_as_emoji(cp));
}

/* Shown as text without a selector, and meant the same. `next`: a mark may make another sign of it:
 * an arrow struck through is none, however it is composed. */
static bool meant_as_emoji(uint32_t cp, uint32_t next)
{
    bool marked = next != UTF8_BAD && u_getCombiningClass((UChar32)next) != 0;
    return property(cp, UCHAR_EMOJI) && !letters_in_disguise(cp) && !marked;
}

struct reader {
    struct slice text;
    size_t at;
    struct buf *out;
};

/* The next code point without taking it; UTF8_BAD at the end. */
static uint32_t reader_peek(const struct reader *r, size_t *to)
{
    *to = r->at;
    return *to < r->text.len ? utf8_next(r->text.data, r->text.len, to) : UTF8_BAD;
}

static void reader_take(struct reader *r, size_t to)
{
    buf_put(r->out, r->text.data + r->at, to - r->at);
    r->at = to;
}

/* Passes over one variation selector; returns it or 0. */
static uint32_t reader_selector(struct reader *r)
{
    size_t to;
    uint32_t cp = reader_peek(r, &to);
    if (cp != VS15 && cp != VS16)
        return 0;
    r->at = to;
    return cp;
}

/* Tags and their end; takes nothing if the end is missing. */
static bool reader_tags(struct reader *r)
{
    size_t start = r->at, old = r->out->len;
    for (int i = 0; i <= TAGS; i++) {
        size_t to;
        uint32_t cp = reader_peek(r, &to);
        if (cp < 0xE0020 || cp > TAG_END)
            break;
        reader_take(r, to);
        if (cp == TAG_END) {
            if (i > 0)
                return true;
            break;
        }
    }
    r->at = start;
    r->out->len = old;
    return false;
}

/* What may follow the code point of an element; true if it makes the element an emoji. */
static bool reader_suffix(struct reader *r)
{
    bool emoji = reader_selector(r) == VS16;
    size_t to;
    uint32_t cp = reader_peek(r, &to);
    if (property(cp, UCHAR_EMOJI_MODIFIER)) {
        reader_take(r, to);
        reader_selector(r);
        emoji = true;
    }
    return reader_tags(r) || emoji;
}

/* ZWJ and one more element. */
static bool reader_joined(struct reader *r)
{
    struct reader ahead = *r;
    size_t zwj, to;
    if (reader_peek(&ahead, &zwj) != ZWJ)
        return false;
    ahead.at = zwj;
    uint32_t cp = reader_peek(&ahead, &to);
    if (!pictograph(cp) || regional(cp))
        return false;
    reader_take(r, to);
    reader_suffix(r);
    return true;
}

static bool keycap_match(struct reader *r, size_t first)
{
    reader_take(r, first);
    reader_selector(r);
    size_t to;
    if (reader_peek(r, &to) != KEYCAP)
        return false;
    reader_take(r, to);
    return true;
}

bool emoji_match(struct slice text, size_t at, struct buf *out, size_t *to, size_t *base_len)
{
    struct reader r = {.text = text, .at = at, .out = out};
    size_t old = out->len, first, next;
    uint32_t cp = reader_peek(&r, &first);
    bool emoji = false;
    *base_len = first - at;
    if (keycap_base(cp)) {
        emoji = keycap_match(&r, first);
    } else if (regional(cp)) {
        emoji = true;
        reader_take(&r, first);
        if (regional(reader_peek(&r, &next))) {
            reader_take(&r, next);
            *base_len = 0;
        }
    } else if (emoji_begins(cp)) {
        reader_take(&r, first);
        emoji = shown_as_emoji(cp) || meant_as_emoji(cp, reader_peek(&r, &next));
        emoji |= reader_suffix(&r);
        for (int i = 1; i < ELEMENTS && reader_joined(&r); i++)
            emoji = true;
    }
    if (!emoji || out->failed) {
        out->len = old;
        return false;
    }
    if (*base_len == out->len - old)
        *base_len = 0;
    *to = r.at;
    return true;
}
