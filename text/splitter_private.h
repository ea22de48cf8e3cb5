/* splitter_private — what the files of text/ share: the splitter, in the order of its work.
 *   fold.c         source -> scan text (folded UTF-8) and the map back to the source
 *   parts.c        scan text -> the words, one position each
 *   segment_sea.c  Thai, Lao, Khmer and Burmese runs
 *   wholes.c       URLs, e-mail addresses, handles, tags, joined names; merged in at the end
 *   phone.c        phone numbers
 *   iban.c, crypto.c, coordinates.c   accounts, addresses, places
 * The scan text is valid UTF-8 but for two bytes that no UTF-8 has: MARK_BAD stands for a malformed
 * byte, MARK_EMOJI for a whole emoji, whose bytes are in `emoji_bytes`. So no later pass can take
 * the digit of a keycap for a number. It ends in SCAN_PAD zero bytes: the passes may look ahead
 * without counting. All buffers only grow; nothing is allocated for a token. */
#ifndef TEXT_SPLITTER_PRIVATE_H
#define TEXT_SPLITTER_PRIVATE_H

#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/utypes.h>

#include "lictor/words.h"

#define MARK_BAD 0xFE
#define MARK_EMOJI 0xFF
#define SCAN_PAD 8
#define WHOLE_MAX 512 /* bytes of a whole; longer ones are found by their parts alone */
#define URL_MAX 4096
#define IBAN_MIN 15   /* signs of the shortest one */
#define CRYPTO_MIN 14 /* of the shortest address */
#define NO_PLACE SIZE_MAX

/* What a byte of the scan text can begin; the order is used: letters and digits first. */
enum byte_class {
    BYTE_LETTER,
    BYTE_DIGIT,
    BYTE_APOS, /* stays inside a word, between two letters or digits */
    BYTE_HIGH, /* first byte of a longer code point */
    BYTE_MARK, /* MARK_BAD, MARK_EMOJI */
    BYTE_SIGN, /* may begin or join a whole: @ # + ( : */
    BYTE_JOIN, /* . _ - */
    BYTE_SPACE,
    BYTE_OTHER,
};
extern const uint8_t byte_classes[256];

enum code_kind {
    KIND_NONE, /* separates */
    KIND_SPACE,
    KIND_MARK, /* goes on with what stands before it */
    KIND_WORD, /* letter or number */
    KIND_CJK,
    KIND_SEA, /* letter of a script that ICU splits by dictionary */
};

enum {
    CODE_CLINGS = 1,  /* may combine with what stands before it */
    CODE_EMOJI = 2,   /* may begin an emoji */
    CODE_LONG = 4,    /* its folded form does not fit: fold it each time */
    CODE_MARK = 8,    /* a mark, clinging or not */
    CODE_STRIPS = 16, /* marks after its folded form are stripped */
};

/* What there is to know of a code point above U+007F: a cache line of the table below. */
struct code {
    uint32_t cp;
    uint8_t kind;  /* of the code point itself, as it stands in scan text */
    uint8_t flags; /* CODE_… */
    uint8_t len;
    uint8_t fold[13]; /* its folded form where it stands alone */
};
/* Direct mapped and filled on demand: asking ICU costs about 1 us a code point. */
#define CODE_SLOTS 16384u

/* From `fold` on, the scan text came from `src`. src_len 0: byte by byte; else all of it from that
 * range, up to the next run. */
struct map_run {
    uint32_t fold;
    uint32_t src;
    uint32_t src_len;
};

struct emoji {
    size_t off; /* in emoji_bytes */
    uint32_t len;
    uint32_t base_len; /* 0: no base of its own */
};

struct whole {
    uint32_t from, to; /* scan text */
    size_t phone_off;  /* in phone_bytes, or NO_PLACE: its text is the scan text */
    uint32_t phone_len;
};

#define UNIT_CODES 64                   /* code points folded at once */
#define UNIT_UNITS (UNIT_CODES * 18)    /* the longest compatibility form (U+FDFA) has 18 */
#define UNIT_SPACE (UNIT_UNITS * 4 + 8) /* no code point decomposes into more than 4 */

struct splitter {
    /* fixed after splitter_new */
    const UNormalizer2 *casefold, *nfd, *nfc;
    UBreakIterator *words;
    struct code *codes;

    /* grown, never shrunk */
    struct buf scan;
    struct buf emoji_bytes;
    struct buf phone_bytes;
    struct buf sea; /* UChars of one run */
    struct map_run *runs;
    size_t runs_cap;
    struct emoji *emoji;
    size_t emoji_cap;
    struct whole *wholes;
    size_t wholes_cap;
    struct token *tokens;
    size_t tokens_cap;
    struct words_seen *places;
    size_t places_cap;

    /* of the text being split */
    struct slice source;
    size_t len;    /* of the scan text */
    bool identity; /* the scan text has the offsets of the source: no runs */
    bool failed;   /* latched: no memory */
    size_t n_runs, n_emoji, n_wholes, n_tokens, n_places;
    unsigned seen;
    bool places_wanted;
    uint32_t pos;
    size_t run_at;      /* run of the last part: parts go forward */
    size_t emoji_at;    /* next emoji */
    size_t part_from;   /* last part */
    size_t chain_from;  /* parts joined without blanks */
    size_t chain_to;    /* end of its last part */
    size_t chain_parts; /* how many, counted by joiners */
    bool chain_solid;   /* its last part is of a script written without blanks */
    size_t url_to;      /* end of the last URL */
    size_t phone_to;    /* digits before it were looked at */
    struct token spill; /* where tokens go without memory */

    UChar unit[UNIT_SPACE];
    UChar unit_aside[UNIT_SPACE];
};

/* classes.c */
const struct code *code_fill(struct splitter *s, uint32_t cp, struct code *slot);
static inline const struct code *code_of(struct splitter *s, uint32_t cp)
{
    struct code *slot = &s->codes[cp % CODE_SLOTS];
    return slot->cp == cp ? slot : code_fill(s, cp, slot);
}
/* True if marks after this letter are stripped. */
bool code_strips(uint32_t cp);

/* Code point at p, which is valid and above U+007F; *len its bytes. */
static inline uint32_t scan_decode(const uint8_t *p, size_t *len)
{
    if (p[0] < 0xE0) {
        *len = 2;
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    }
    if (p[0] < 0xF0) {
        *len = 3;
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
    *len = 4;
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
           (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
}
/* strchr without the zero byte. */
static inline bool sign_in(uint8_t c, const char *set) { return c != 0 && strchr(set, c) != NULL; }
/* The next code point of valid UTF-16. (ICU's macro converts signs.) */
static inline uint32_t utf16_next(const UChar *text, int32_t *at)
{
    uint32_t cp = text[(*at)++];
    if ((cp & 0xFC00) == 0xD800)
        cp = (cp << 10) + text[(*at)++] - ((0xD800u << 10) + 0xDC00 - 0x10000);
    return cp;
}
/* Kind and length of what stands at `at` of the scan text (KIND_NONE at its end). */
enum code_kind kind_at(struct splitter *s, size_t at, size_t *len);
/* The same for what ends at `at` (KIND_NONE at the beginning). */
enum code_kind kind_before(struct splitter *s, size_t at, size_t *len);

/* emoji.c: the emoji that begins at text[at]: *to its end. Appends its canonical form to `out`;
 * *base_len: bytes of its base there, 0 if it has none beside itself. */
bool emoji_match(struct slice text, size_t at, struct buf *out, size_t *to, size_t *base_len);
bool emoji_begins(uint32_t cp);

/* fold.c: fills the scan text; or, with `plain`, only appends the folded form to it, emoji and
 * malformed bytes as they are. */
void fold_text(struct splitter *s, struct slice text, struct buf *out, bool plain);
/* One code point alone. Returns its folded bytes in out[cap], or more than `cap` if too long. */
size_t fold_code(struct splitter *s, uint32_t cp, uint8_t *out, size_t cap);

/* Grows an array of `size`d items to hold n + 1 … ; false and latched without memory. */
bool splitter_grow(struct splitter *s, void *array, size_t *cap, size_t n, size_t size);

/* Notes what was seen at a range of the scan text. */
void place_add(struct splitter *s, unsigned bit, size_t from, size_t to);
static inline void seen_add(struct splitter *s, unsigned bit, size_t from, size_t to)
{
    s->seen |= bit;
    if (s->places_wanted)
        place_add(s, bit, from, to);
}

/* parts.c */
void parts_scan(struct splitter *s);
void part_add(struct splitter *s, size_t from, size_t to, enum token_kind kind);
/* Source range of a range of the scan text; `hint` is a run at or before it, or NULL. */
void source_range(const struct splitter *s, size_t from, size_t to, size_t *hint, struct token *t);

/* segment_sea.c: adds the words of scan text [from, to), a run of KIND_SEA and marks. */
void sea_add(struct splitter *s, size_t from, size_t to);

/* wholes.c */
void whole_add(struct splitter *s, size_t from, size_t to);
void whole_add_phone(struct splitter *s, size_t from, size_t to, size_t off, size_t len);
void chain_close(struct splitter *s);
void url_scheme(struct splitter *s, size_t colon);
void url_www(struct splitter *s, size_t from);
void email_try(struct splitter *s, size_t at);
void name_try(struct splitter *s, size_t at);
void wholes_merge(struct splitter *s);

/* iban.c, crypto.c: whether the word [from, to) is one, or the first group of one. */
void iban_try(struct splitter *s, size_t from, size_t to);
void crypto_try(struct splitter *s, size_t from, size_t to);

/* coordinates.c: a number that may be of a pair, or the letter before it; the colon of "geo:"; a
 * link [host, to), its host first. */
void coordinates_try(struct splitter *s, size_t from);
void coordinates_geo(struct splitter *s, size_t colon);
void coordinates_link(struct splitter *s, size_t from, size_t host, size_t to);

/* phone.c: looks for a phone number that begins at `at`, a digit, '+' or '('. */
void phone_try(struct splitter *s, size_t at);

#endif
