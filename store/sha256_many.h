/* sha256_many — SHA-256 of several messages at once: the processor's own instructions wait for each
 * other within one message, so two messages are hashed in the time of little more than one.
 * Owns: nothing.  Threads: any; one context a thread. */
#ifndef STORE_SHA256_MANY_H
#define STORE_SHA256_MANY_H

#include "lictor/sha256.h"

#define SHA256_PAD_ROOM 72 /* 0x80, up to 63 zeros, the length */

struct sha256_message {
    uint8_t *data; /* `len` bytes, and SHA256_PAD_ROOM behind them that may be written */
    size_t len;
    uint8_t *hash; /* SHA256_SIZE bytes */
};
/* `h` does the work where the processor has no such instructions. */
void sha256_many(struct sha256 *h, struct sha256_message *m, size_t n);
/* The same by those instructions alone, two lanes; only where sha256_has_lanes() says so. */
void sha256_lanes(struct sha256_message *m, size_t n);
bool sha256_has_lanes(void);

#endif
