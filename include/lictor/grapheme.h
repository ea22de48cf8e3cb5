/* grapheme — what a reader takes for one character: a letter with its marks, an emoji with all that
 * belongs to it, a Hangul syllable. Extended grapheme clusters of UAX #29, by the properties of
 * ICU. Threads: any.  Trusts: nothing; a malformed byte is a character of its own. */
#ifndef LICTOR_GRAPHEME_H
#define LICTOR_GRAPHEME_H

#include "lictor/bytes.h"

/* Nobody reads more marks than this on one letter: what is longer ends here, between two code
 * points. */
#define GRAPHEME_BYTES_MOST 1024

/* Where the character ends that begins at byte `pos` of `text` (pos < text.len); > pos. Never
 * fails, needs no memory; takes time for the bytes of that character alone. */
size_t grapheme_end(struct slice text, size_t pos);

#endif
