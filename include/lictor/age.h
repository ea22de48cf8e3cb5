/* age — reading and writing age v1 files (specification: C2SP "age", https://c2sp.org/age; in
 * short: delivery.md). X25519 and scrypt, several identities, armor.
 * Bulk ChaCha20-Poly1305 and SHA-256 through OpenSSL EVP, curve, HKDF/HMAC as available through
 * libsodium/OpenSSL. Keys are locked (sodium_malloc) and wiped.
 * Owns: readers and writers own their buffers, never the byte source.  Threads: one each.
 * Trusts: nothing. */
#ifndef LICTOR_AGE_H
#define LICTOR_AGE_H

#include "lictor/bytes.h"

/* Where bytes come from: at most `cap` bytes into buf; *got = 0 is the end. */
struct byte_source {
    void *ctx;
    enum status (*read)(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err);
};
/* Where bytes go. */
struct byte_sink {
    void *ctx;
    enum status (*write)(void *ctx, const uint8_t *data, size_t len, struct err *err);
};

struct age_identities;

MUST_USE enum status age_identities_new(struct age_identities **out, struct err *err);
void age_identities_free(struct age_identities *ids);
/* Adds the identities of a file's text (AGE-SECRET-KEY-1…, # comments, several). `name` is for
 * errors (name:line). ST_BAD_INPUT for anything else; plugin and post-quantum identities are
 * refused by name. */
MUST_USE enum status age_identities_add(struct age_identities *ids, struct slice text,
                                        const char *name, struct err *err);
/* Passphrase for scrypt dumps; one trailing newline is cut. */
MUST_USE enum status age_identities_passphrase(struct age_identities *ids, struct slice pass,
                                               struct err *err);
/* Highest log2 N accepted; default 20. */
void age_identities_scrypt_max(struct age_identities *ids, unsigned log_n);

/* True if the first bytes (16 KiB are enough) say that this is an age file, plain or armored. */
bool age_recognise(struct slice first);

/* In the text of a failure: a reason code alone cannot say what is to be done about these. */
#define AGE_WANTS_PASSPHRASE "it needs a passphrase"
#define AGE_SCRYPT_OPTION "--scrypt-max"

struct age_reader;
/* Reads and checks the header (armor too). Failures carry a reason code of delivery.md:
 * "bad-header", "no-key", "bad-passphrase"; ST_IO of the source passes through. */
MUST_USE enum status age_reader_open(struct byte_source src, const struct age_identities *ids,
                                     struct age_reader **out, struct err *err);
/* Next authenticated chunk (<= 64 KiB), borrowed until the next call. ST_END after a good final
 * chunk. Reasons: "chunk" (does not authenticate), "cut" (input ends inside the file),
 * "trailing-bytes"; err->at = byte offset in the age file (decoded, if armored) of the chunk's
 * start. A cut after whole chunks gives those chunks first. Bytes behind the final chunk can be
 * told from a damaged chunk only if it is a full one: then it is given, and `at` is the first of
 * them. Malformed armor is "chunk", a missing END line "cut". Failures and the end are latched. */
MUST_USE enum status age_reader_next(struct age_reader *r, struct slice *chunk, struct err *err);
void age_reader_close(struct age_reader *r);
/* Opened by a passphrase, not by an identity. */
bool age_reader_by_passphrase(const struct age_reader *r);

struct age_recipients;
MUST_USE enum status age_recipients_new(struct age_recipients **out, struct err *err);
void age_recipients_free(struct age_recipients *r);
/* "age1…". */
MUST_USE enum status age_recipients_add(struct age_recipients *r, const char *recipient,
                                        struct err *err);
/* A passphrase instead of recipients. */
MUST_USE enum status age_recipients_passphrase(struct age_recipients *r, struct slice pass,
                                               unsigned log_n, struct err *err);

struct age_writer;
/* Writes the header at once. `seed` (32 bytes) makes every random choice of the file deterministic
 * (for synthetic deliveries only); NULL takes the system's random bytes. */
MUST_USE enum status age_writer_open(struct byte_sink sink, const struct age_recipients *to,
                                     bool armor, const uint8_t *seed, struct age_writer **out,
                                     struct err *err);
MUST_USE enum status age_writer_write(struct age_writer *w, const uint8_t *data, size_t len,
                                      struct err *err);
/* Final chunk (and armor end); the writer is freed in any case. */
MUST_USE enum status age_writer_finish(struct age_writer *w, struct err *err);
void age_writer_abort(struct age_writer *w);

/* New X25519 identity from the system's random bytes or from a 32-byte seed: text of the identity
 * ("AGE-SECRET-KEY-1…") and of the recipient ("age1…"). */
#define AGE_IDENTITY_SIZE 80
#define AGE_RECIPIENT_SIZE 64
MUST_USE enum status age_keygen(const uint8_t *seed, char identity[AGE_IDENTITY_SIZE],
                                char recipient[AGE_RECIPIENT_SIZE], struct err *err);

#endif
