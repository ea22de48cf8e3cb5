/* sha256 — SHA-256 by OpenSSL's plain functions: they need no memory, so that beginning a hash
 * cannot fail; the newer ones ask for some at each beginning. Owns: nothing.  Threads: one context
 * a thread. */
#ifndef LICTOR_SHA256_H
#define LICTOR_SHA256_H

#include <openssl/sha.h>

#include "lictor/bytes.h"

#define SHA256_SIZE 32

struct sha256 {
    SHA256_CTX ctx;
};

/* OpenSSL 3 would rather have its newer functions called. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static inline void sha256_begin(struct sha256 *h) { MUST(SHA256_Init(&h->ctx) == 1); }

static inline void sha256_add(struct sha256 *h, const void *data, size_t len)
{
    MUST(SHA256_Update(&h->ctx, data, len) == 1);
}

static inline void sha256_end(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
    MUST(SHA256_Final(out, &h->ctx) == 1);
}

#pragma GCC diagnostic pop

#endif
