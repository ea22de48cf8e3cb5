/* age_private — what the files of age share: limits, key schedule, header, armor, random choices.
 * Reading goes source → (armor) → input → header → payload; writing goes the other way round.
 * Format: https://c2sp.org/age, in short in the design's delivery.md.
 * Trusts: nothing that comes from a file. */
#ifndef LICTOR_DELIVERY_AGE_PRIVATE_H
#define LICTOR_DELIVERY_AGE_PRIVATE_H

#include <openssl/evp.h>

#include "lictor/age.h"

#define AGE_VERSION_LINE "age-encryption.org/v1"
#define AGE_HEADER_MAX ((size_t)1 << 20)
#define AGE_STANZAS_MAX 1000
#define AGE_FILE_KEY 16
#define AGE_KEY 32
#define AGE_TAG 16
#define AGE_NONCE 16 /* of the payload key */
#define AGE_CHUNK ((size_t)64 << 10)
#define AGE_SEALED (AGE_CHUNK + AGE_TAG)
#define AGE_SCRYPT_SALT 16
#define AGE_SCRYPT_DEFAULT 20
#define AGE_SCRYPT_LIMIT 30
/* Every identity is tried on every X25519 stanza: 1000 * 1000 * 40 us is what a hostile header can
 * cost at most. */
#define AGE_IDENTITIES_MAX 1000
#define AGE_RECIPIENTS_MAX 500
#define AGE_PASSPHRASE_MAX 4096

/* ---- age_kdf.c: keys ---- */

/* libsodium is ready; every public function that makes an object calls it. */
MUST_USE enum status age_crypto_begin(struct err *err);
/* HKDF-SHA-256, 32 bytes out. */
void age_hkdf(const uint8_t *ikm, size_t ikm_len, struct slice salt, const char *info,
              uint8_t out[AGE_KEY]);
void age_header_mac(const uint8_t file_key[AGE_FILE_KEY], struct slice text, uint8_t mac[32]);
void age_payload_key(const uint8_t file_key[AGE_FILE_KEY], const uint8_t nonce[AGE_NONCE],
                     uint8_t key[AGE_KEY]);
/* Wrap key of an X25519 stanza; false if the shared secret is zero. */
bool age_x25519_wrap_key(const uint8_t secret[32], const uint8_t point[32], const uint8_t share[32],
                         const uint8_t recipient[32], uint8_t key[AGE_KEY]);
/* ST_NO_MEMORY is the only failure; costs 2^log_n KiB. */
MUST_USE enum status age_scrypt_wrap_key(struct slice pass, const uint8_t salt[AGE_SCRYPT_SALT],
                                         unsigned log_n, uint8_t key[AGE_KEY], struct err *err);
void age_file_key_wrap(const uint8_t key[AGE_KEY], const uint8_t file_key[AGE_FILE_KEY],
                       uint8_t body[AGE_FILE_KEY + AGE_TAG]);
bool age_file_key_unwrap(const uint8_t key[AGE_KEY], const uint8_t body[AGE_FILE_KEY + AGE_TAG],
                         uint8_t file_key[AGE_FILE_KEY]);

/* Chunks: ChaCha20-Poly1305 under the payload key; a fetched cipher and one reused context. */
struct age_chunks {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
};
MUST_USE enum status age_chunks_init(struct age_chunks *c, const uint8_t key[AGE_KEY], bool seal,
                                     struct err *err);
void age_chunks_release(struct age_chunks *c);
/* len + AGE_TAG bytes to out. */
void age_chunk_seal(struct age_chunks *c, uint64_t counter, bool last, const uint8_t *in,
                    size_t len, uint8_t *out);
/* len is that of the sealed chunk, at least AGE_TAG; false if it does not authenticate (out then
 * holds nothing that may be used). */
bool age_chunk_open(struct age_chunks *c, uint64_t counter, bool last, const uint8_t *in,
                    size_t len, uint8_t *out);
/* Sealed length of the final chunk that `in` begins with, if bytes were appended to it; 0 if none
 * authenticates. The first `least` plain bytes are not asked about. Linear: one tag per length. */
size_t age_chunk_end(const uint8_t key[AGE_KEY], uint64_t counter, const uint8_t *in, size_t len,
                     size_t least);

/* Random choices of a writer: the system's, or drawn from a seed one after the other. */
struct age_random {
    const uint8_t *seed; /* borrowed; NULL = the system's */
    uint32_t draws;
};
MUST_USE enum status age_random_draw(struct age_random *r, uint8_t *out, size_t len,
                                     struct err *err);

/* ---- age_identity.c, age_recipient.c ---- */

struct age_identity {
    uint8_t secret[32];
    uint8_t recipient[32];
};
struct age_identities {
    struct age_identity *list; /* sodium_malloc */
    size_t n, cap;
    uint8_t *pass; /* sodium_malloc */
    size_t pass_len;
    unsigned scrypt_max;
};
struct age_recipients {
    uint8_t (*list)[32];
    size_t n, cap;
    uint8_t *pass; /* sodium_malloc */
    size_t pass_len;
    unsigned log_n;
};
/* A locked copy of a passphrase without its trailing newline; takes the place of *pass. */
MUST_USE enum status age_passphrase_copy(struct slice text, uint8_t **pass, size_t *len,
                                         struct err *err);

/* ---- age_header.c: bytes of the header to stanzas ---- */

struct age_stanza {
    struct slice type;
    struct slice args[2]; /* the first ones */
    size_t n_args;
    struct slice body;
};
struct age_header {
    struct age_stanza *stanzas;
    size_t n;
    struct buf bodies;
    struct slice maced; /* what the MAC is over */
    uint8_t mac[32];
};
/* `text` is the header up to and with the LF of its last line; the header borrows from it.
 * Fails with "bad-header" and at = offset of the line. */
MUST_USE enum status age_header_parse(struct slice text, struct age_header *h, struct err *err);
void age_header_release(struct age_header *h);
/* Length of the header at the beginning of `seen`, 0 if its end is not in sight yet. *scan says
 * where to go on (0 at first), so that looking again after each read stays linear. */
size_t age_header_end(struct slice seen, size_t *scan);

/* ---- age_stanza.c: file key in and out of stanzas ---- */

/* Checks the known stanzas, then tries the keys. "bad-header", "no-key", "bad-passphrase". */
MUST_USE enum status age_stanzas_unwrap(const struct age_header *h,
                                        const struct age_identities *ids,
                                        uint8_t file_key[AGE_FILE_KEY], struct err *err);
/* One scrypt stanza: the only way a passphrase is allowed. */
bool age_stanzas_passphrase(const struct age_header *h);
/* Appends the stanzas for all recipients. */
MUST_USE enum status age_stanzas_wrap(const struct age_recipients *to, struct age_random *random,
                                      const uint8_t file_key[AGE_FILE_KEY], struct buf *out,
                                      struct err *err);

/* ---- age_armor.c ---- */

#define AGE_ARMOR_BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define AGE_ARMOR_END "-----END AGE ENCRYPTED FILE-----"
#define AGE_ARMOR_COLUMNS 64
#define AGE_ARMOR_LINE_BYTES 48
/* White space before the block; less than the 16 KiB that age_recognise may be given. */
#define AGE_ARMOR_LEAD_MAX ((size_t)15 << 10)
#define AGE_ARMOR_RAW ((size_t)64 << 10)

enum age_armor_state { ARMOR_LEAD, ARMOR_BODY, ARMOR_LAST, ARMOR_TRAIL };
struct age_armor {
    struct byte_source src;
    uint8_t *raw; /* AGE_ARMOR_RAW bytes as received */
    size_t pos, end;
    bool eof;
    enum age_armor_state state;
    uint8_t line[AGE_ARMOR_LINE_BYTES + 3]; /* decoded, not yet given out */
    size_t line_pos, line_len;
    struct err why; /* latched failure */
    bool bad;       /* it is the armor's, not the source's */
};
/* `first`: bytes already taken from the source, at most AGE_ARMOR_RAW. */
MUST_USE enum status age_armor_init(struct age_armor *a, struct byte_source src, struct slice first,
                                    struct err *err);
void age_armor_release(struct age_armor *a);
/* byte_source.read of decoded bytes; ctx is the armor. Gives all bytes before a malformed place,
 * then fails with reason "chunk", "cut" or "trailing-bytes" and sets `bad`. */
enum status age_armor_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err);

struct age_armor_writer {
    struct byte_sink sink;
    uint8_t part[AGE_ARMOR_LINE_BYTES];
    size_t n;
    struct buf text;
};
void age_armor_writer_init(struct age_armor_writer *a, struct byte_sink sink);
void age_armor_writer_release(struct age_armor_writer *a);
/* byte_sink.write; ctx is the writer. */
enum status age_armor_write(void *ctx, const uint8_t *data, size_t len, struct err *err);
MUST_USE enum status age_armor_writer_finish(struct age_armor_writer *a, struct err *err);

/* ---- age_read.c ---- */

/* A reader of a payload without header, for fuzzing and tests of the chunks: the source begins with
 * the payload's nonce. */
MUST_USE enum status age_reader_open_payload(struct byte_source src,
                                             const uint8_t file_key[AGE_FILE_KEY],
                                             struct age_reader **out, struct err *err);

#endif
