/* seal — authenticated encryption of the parts of a case, and its stand-in for plain cases.
 * Encrypted: XChaCha20-Poly1305, computed as HChaCha20 of libsodium (once a section) and
 * ChaCha20-Poly1305 of OpenSSL, which gives the same bytes 3 times as fast. Plain: an XXH3-128
 * checksum over the same additional data; it finds accidents, not attackers.
 * Owns: a sealer owns contexts, no key.  Threads: one sealer a thread.
 * Trusts: nothing.  Format: docs/FORMAT.md, "Conventions". */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <openssl/evp.h>

#include "lictor/section.h"

#define SEAL_KEY_SIZE 32
#define SEAL_TAG_SIZE 16
#define SEAL_NONCE_SIZE 24
#define SEAL_UNIT_OVERHEAD (SEAL_NONCE_SIZE + SEAL_TAG_SIZE)
/* Longest run of bytes under one seal: OpenSSL takes lengths as int. */
#define SEAL_LEN_MAX ((size_t)1 << 30)

struct XXH3_state_s;
struct sealer {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    struct XXH3_state_s *sum;
};

/* Makes libsodium ready; cheap when it is. Before any sodium_malloc. */
MUST_USE enum status seal_ready(struct err *err);

MUST_USE enum status sealer_init(struct sealer *s, struct err *err);
void sealer_release(struct sealer *s);

/* Key of the blocks of a section: HChaCha20(file key, section as 16 bytes little-endian). */
void seal_section_key(const uint8_t file_key[SEAL_KEY_SIZE], uint32_t section,
                      uint8_t out[SEAL_KEY_SIZE]);

/* Seals `data` in place and gives its tag. `key` (from seal_section_key) NULL: plain, data stays
 * and the tag is its checksum. len <= SEAL_LEN_MAX. */
MUST_USE enum status seal_block(struct sealer *s, const uint8_t *key, uint64_t number,
                                struct slice ad, uint8_t *data, size_t len,
                                uint8_t tag[SEAL_TAG_SIZE], struct err *err);
/* Opens in place. ST_DAMAGED if the tag does not fit; `data` is then worthless. */
MUST_USE enum status seal_open_block(struct sealer *s, const uint8_t *key, uint64_t number,
                                     struct slice ad, uint8_t *data, size_t len,
                                     const uint8_t tag[SEAL_TAG_SIZE], struct err *err);

/* A unit stands for itself: random nonce (zero if plain), bytes, tag. Appended to `out`. */
MUST_USE enum status seal_unit(const struct case_key *key, struct slice ad, struct slice payload,
                               struct buf *out, struct err *err);
/* Payload of a unit, appended to `out`, which must be empty. */
MUST_USE enum status seal_open_unit(const struct case_key *key, struct slice ad, struct slice unit,
                                    struct buf *out, struct err *err);

/* SHA-256 in one call, for what is hashed rarely. */
void seal_sha256(struct slice a, struct slice b, uint8_t out[32]);
/* XXH3-128, canonical (big-endian) bytes. */
void seal_checksum(struct slice s, uint8_t out[SEAL_TAG_SIZE]);

/* Wipes and frees. */
void seal_wipe_buf(struct buf *b);

#endif
