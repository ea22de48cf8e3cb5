/* words — how text becomes words; the same for messages and queries.
 * Rules: the end of commands.md. Folding: NFKC case folding (default ignorables dropped), marks
 * (of all kinds) stripped after Latin, Greek, Cyrillic (not U+0438 U+0306 = й), Arabic and Hebrew
 * letters, ı and İ to i. Words: maximal runs of letters, marks and digits, apostrophes inside
 * included (UAX #29, but split at . : , _ - and other signs).
 * Owns: a splitter owns its buffers; tokens borrow them until the next split.
 * Threads: one splitter a thread.  Trusts: nothing; malformed UTF-8 separates words. */
#ifndef LICTOR_WORDS_H
#define LICTOR_WORDS_H

#include "lictor/bytes.h"

enum token_kind {
    TOKEN_WORD,       /* a word */
    TOKEN_CJK,        /* one Han, Hiragana or Katakana character */
    TOKEN_CJK_PAIR,   /* that character and the next of the same run */
    TOKEN_EMOJI,      /* an emoji with its modifiers */
    TOKEN_EMOJI_BASE, /* its first code point, where it has modifiers */
    TOKEN_WHOLE,      /* URL, e-mail address, @handle, #tag, phone number, IBAN in groups, joined
                         name */
};

struct token {
    const uint8_t *text; /* folded bytes, valid UTF-8 */
    uint32_t len;
    uint32_t pos;      /* position, counted from 0 */
    uint32_t from, to; /* byte range in the source it was made from */
    uint8_t kind;      /* enum token_kind */
    bool same;         /* stands at the position of the token before it in the array */
};

/* What was seen, for has:link, has:emoji … */
enum {
    WORDS_LINK = 1,
    WORDS_EMAIL = 2,
    WORDS_EMOJI = 4,
    WORDS_PHONE = 8,
    WORDS_IBAN = 16,
    WORDS_CRYPTO = 32,
    WORDS_COORDINATES = 64,
};
/* The name of each, as has: and the terms have it. */
const char *words_seen_name(unsigned bit);

/* Where one of them stands in the source. */
struct words_seen {
    unsigned bit;
    uint32_t from, to;
};

struct words {
    const struct token *tokens; /* by position; tokens of one position follow each other, the part
                                   (WORD, CJK, EMOJI) first, the rest marked `same` */
    size_t n;
    unsigned seen;                   /* WORDS_… */
    const struct words_seen *places; /* of all that was seen; splitter_split_places alone */
    size_t n_places;
};

struct splitter;

MUST_USE enum status splitter_new(struct splitter **out, struct err *err);
void splitter_free(struct splitter *s);

/* Splits `text` (any bytes, < 4 GiB). Linear time. Only ST_NO_MEMORY can fail. */
MUST_USE enum status splitter_split(struct splitter *s, struct slice text, struct words *out,
                                    struct err *err);

/* The same, and says where what was seen stands. */
MUST_USE enum status splitter_split_places(struct splitter *s, struct slice text, struct words *out,
                                           struct err *err);

/* Folds `text` as a whole (no splitting), appended to out; malformed bytes are kept as they are.
 * For comparing handles and patterns. */
MUST_USE enum status splitter_fold(struct splitter *s, struct slice text, struct buf *out,
                                   struct err *err);

/* NFKC case folding of `text` as a whole and nothing else, appended to out; malformed bytes are
 * kept as they are. For comparing nicknames. */
MUST_USE enum status splitter_casefold(struct splitter *s, struct slice text, struct buf *out,
                                       struct err *err);

/* Version of the rules and of Unicode, stored in a case: "1/15.0". */
const char *words_version(void);

/* Is it a mark (of any kind), which stands on what comes before it? */
bool words_is_mark(uint32_t cp);

#endif
