/* utf8 — decoding as the Unicode standard's table 3-7 has it: no overlong forms, no surrogates,
 * nothing above U+10FFFF.
 * Threads: any.  Trusts: nothing. */
#ifndef LICTOR_UTF8_H
#define LICTOR_UTF8_H

#include "lictor/bytes.h"

#define UTF8_BAD 0xFFFFFFFFu

/* Code point at s[*pos], *pos < len; moves *pos behind it. UTF8_BAD for malformed bytes, *pos then
 * moves by one byte. */
uint32_t utf8_next(const uint8_t *s, size_t len, size_t *pos);
/* Writes 1-4 bytes; `cp` <= 0x10FFFF (a surrogate gives its three bytes). Returns how many. */
size_t utf8_put(uint32_t cp, uint8_t out[4]);
/* True if all of it is well-formed. */
bool utf8_valid(struct slice s);
/* Code points that must not reach a terminal raw: C0/C1 controls, DEL, bidirectional controls,
 * line/paragraph separators, zero-width and other invisible format characters, tags. ZWJ, ZWNJ and
 * variation selectors are not in it. */
bool utf8_unsafe(uint32_t cp);
/* Columns on a terminal: 0 marks and format characters, 2 wide East Asian and emoji, else 1. */
int utf8_columns(uint32_t cp);

#endif
