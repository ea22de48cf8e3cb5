/* sha256 — SHA-256 through OpenSSL with a fetched algorithm and a reused context (165 ns for 100
 * bytes instead of 423 through the one-shot call).
 * Owns: a context.  Threads: one context a thread. */
#ifndef LICTOR_SHA256_H
#define LICTOR_SHA256_H

#include <openssl/evp.h>

#include "lictor/bytes.h"

#define SHA256_SIZE 32

struct sha256 {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

MUST_USE static inline enum status sha256_init(struct sha256 *h, struct err *err)
{
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->md && h->ctx && EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1)
        return ST_OK;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    h->ctx = NULL;
    h->md = NULL;
    return err_no_memory(err);
}

static inline void sha256_release(struct sha256 *h)
{
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    h->ctx = NULL;
    h->md = NULL;
}

static inline void sha256_begin(struct sha256 *h)
{
    MUST(EVP_DigestInit_ex2(h->ctx, NULL, NULL) == 1);
}

static inline void sha256_add(struct sha256 *h, const void *data, size_t len)
{
    MUST(EVP_DigestUpdate(h->ctx, data, len) == 1);
}

static inline void sha256_end(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
    MUST(EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
}

#endif
