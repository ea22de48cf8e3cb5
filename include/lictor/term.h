/* term — what stands in a lexicon: one byte that says the field, then bytes.
 * Threads: any.  Format: docs/FORMAT.md, "Terms". */
#ifndef LICTOR_TERM_H
#define LICTOR_TERM_H

#include "lictor/bytes.h"

enum term_field {
    TERM_ATTACHMENT = 'a', /* SHA-256 of an attachment, 32 bytes */
    TERM_CONTACT = 'c',    /* handle a contact record names */
    TERM_FROM = 'f',       /* sender (owner, account, by of other kinds) */
    TERM_GROUP = 'g',
    TERM_HAS = 'h',  /* "attachment" "reply" "sealed" and names of words_seen_name */
    TERM_ID = 'i',   /* the service's own id */
    TERM_KIND = 'k', /* "event" …; "hidden" for all outside the range of words; none for message */
    TERM_OF = 'o',   /* service id of the message an event names */
    TERM_SERVICE = 'v',
    TERM_TO = 't',   /* recipient; members of a set conversation but the sender */
    TERM_WORD = 'w', /* folded token of the text */
};

#define TERM_MAX 240 /* longest term in a lexicon, field byte included */

struct term {
    uint8_t bytes[TERM_MAX];
    size_t len;
};

/* Bytes longer than fit are cut and closed with 0xFF and the hex of 128 bits of SHA-256 over all of
 * them, so that terms stay exact. Deterministic. */
struct sha256;
void term_make(struct term *t, struct sha256 *sha, enum term_field field, struct slice bytes);
static inline struct slice term_slice(const struct term *t) { return slice_of(t->bytes, t->len); }

#endif
