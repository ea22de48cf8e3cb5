/* bech32 — the text form of age keys (BIP 173 without its length limit of 90).
 * Owns: nothing.  Threads: any.  Trusts: nothing. */
#ifndef LICTOR_DELIVERY_BECH32_H
#define LICTOR_DELIVERY_BECH32_H

#include "lictor/bytes.h"

#define BECH32_TEXT_MAX 128
#define BECH32_DATA_MAX 80 /* five bits a character: 128 characters never give more */
#define BECH32_CHECKSUM 6

/* Takes `text` apart: *hrp (borrowed from text, in the case it was written in) and its bytes.
 * False for mixed case, a foreign character, a bad checksum, padding that is not zero or is a whole
 * character, or more than BECH32_TEXT_MAX characters. Text of upper case is as good as lower. */
bool bech32_decode(struct slice text, struct slice *hrp, uint8_t data[BECH32_DATA_MAX],
                   size_t *len);

/* NUL-terminated text of `hrp` and `len` bytes, in the case of the hrp. False if out[cap] or
 * BECH32_TEXT_MAX is too small, or the hrp has no or mixed case or a character it may not have. */
bool bech32_encode(const char *hrp, const uint8_t *data, size_t len, char *out, size_t cap);

#endif
