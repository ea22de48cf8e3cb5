/* minisign — detached signatures of dumps (https://jedisct1.github.io/minisign/): Ed25519 over the
 * BLAKE2b-512 of the file, and over the trusted comment.
 * Owns: the key list.  Threads: read-only after loading.  Trusts: nothing. */
#ifndef LICTOR_MINISIGN_H
#define LICTOR_MINISIGN_H

#include "lictor/bytes.h"

#define MINISIGN_HASH_SIZE 64
#define MINISIGN_SIGNER_SIZE 17 /* key id, 16 hex digits */

struct minisign_keys;

/* A file of one or more public keys as minisign writes them (comment lines between them). */
MUST_USE enum status minisign_keys_load(const char *path, struct minisign_keys **out,
                                        struct err *err);
void minisign_keys_free(struct minisign_keys *k);
/* BLAKE2b-512 of a dump, in pieces; one context, reused for every dump. */
struct minisign_hash;
MUST_USE enum status minisign_hash_new(struct minisign_hash **out, struct err *err);
void minisign_hash_free(struct minisign_hash *h);
void minisign_hash_begin(struct minisign_hash *h);
void minisign_hash_add(struct minisign_hash *h, const void *data, size_t len);
void minisign_hash_end(struct minisign_hash *h, uint8_t hash[MINISIGN_HASH_SIZE]);

/* Checks the text of a .minisig file for a dump whose BLAKE2b-512 is `hash`. Failures carry the
 * reason "bad-signature"; on success the id of the key that signed. Signatures without prehashing
 * (minisign -l) are refused: they would need the whole dump in memory. */
MUST_USE enum status minisign_check(const struct minisign_keys *k, struct slice signature,
                                    const uint8_t hash[MINISIGN_HASH_SIZE],
                                    char signer[MINISIGN_SIGNER_SIZE], struct err *err);

#endif
