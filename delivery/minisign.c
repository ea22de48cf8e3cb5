/* minisign — layout: public key = "Ed" id[8] key[32]; signature = "ED" id[8] sig[64]; each in
 * base64 on a line after an "untrusted comment:" line; then "trusted comment: …" and the base64 of
 * a signature over sig || comment. The id is printed as minisign prints it: as a little-endian
 * number. */
#include "lictor/minisign.h"

#include <stdio.h>
#include <stdlib.h>

#include <fcntl.h>
#include <sodium.h>

#include "lictor/os.h"

#define KEY_FILE_MAX ((size_t)1 << 20)
#define KEY_BLOB 42
#define SIG_BLOB 74
#define KEYS_MAX 1000

struct minisign_key {
    uint8_t id[8];
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
};

struct minisign_keys {
    struct minisign_key items[KEYS_MAX];
    size_t n;
};

/* Next line of *text without its end; false when there is none. */
static bool next_line(struct slice *text, struct slice *line)
{
    if (text->len == 0)
        return false;
    const uint8_t *nl = memchr(text->data, '\n', text->len);
    size_t n = nl ? (size_t)(nl - text->data) : text->len;
    *line = slice_of(text->data, n);
    *text = slice_of(text->data + n + (nl != NULL), text->len - n - (nl != NULL));
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool begins(struct slice s, const char *with)
{
    size_t n = strlen(with);
    return s.len >= n && memcmp(s.data, with, n) == 0;
}

/* Exactly `want` bytes in base64. */
static bool decode(struct slice line, uint8_t *out, size_t want)
{
    uint8_t room[SIG_BLOB + 6];
    size_t n;
    if (line.len > (want + 2) / 3 * 4 || !base64_decode(line, true, room, &n) || n != want)
        return false;
    memcpy(out, room, want);
    return true;
}

static enum status take_keys(struct minisign_keys *k, struct slice text, const char *path,
                             struct err *err)
{
    struct slice line;
    for (size_t number = 1; next_line(&text, &line); number++) {
        uint8_t blob[KEY_BLOB];
        if (line.len == 0 || begins(line, "untrusted comment:") || line.data[0] == '#')
            continue;
        if (!decode(line, blob, KEY_BLOB) || blob[0] != 'E' || blob[1] != 'd')
            return err_set(err, ST_BAD_INPUT, "%s:%zu: not a minisign public key", path, number);
        if (k->n == KEYS_MAX)
            return err_set(err, ST_LIMIT, "%s: more than %d public keys", path, KEYS_MAX);
        memcpy(k->items[k->n].id, blob + 2, 8);
        memcpy(k->items[k->n++].key, blob + 10, crypto_sign_PUBLICKEYBYTES);
    }
    if (k->n == 0)
        return err_set(err, ST_BAD_INPUT, "%s: no minisign public key in it", path);
    return ST_OK;
}

enum status minisign_keys_load(const char *path, struct minisign_keys **out, struct err *err)
{
    uint8_t *data = NULL;
    size_t len = 0;
    struct minisign_keys *k = calloc(1, sizeof *k);
    if (!k)
        return err_no_memory(err);
    enum status st = os_read_file(AT_FDCWD, path, KEY_FILE_MAX, &data, &len, err);
    if (st == ST_OK)
        st = take_keys(k, slice_of(data, len), path, err);
    free(data);
    if (st != ST_OK) {
        free(k);
        return st;
    }
    *out = k;
    return ST_OK;
}

void minisign_keys_free(struct minisign_keys *k) { free(k); }

/* libsodium wants it aligned. */
struct minisign_hash {
    crypto_generichash_blake2b_state state;
};

enum status minisign_hash_new(struct minisign_hash **out, struct err *err)
{
    struct minisign_hash *h = aligned_alloc(_Alignof(struct minisign_hash), sizeof *h);
    if (!h)
        return err_no_memory(err);
    *out = h;
    return ST_OK;
}

void minisign_hash_free(struct minisign_hash *h) { free(h); }

void minisign_hash_begin(struct minisign_hash *h)
{
    MUST(crypto_generichash_blake2b_init(&h->state, NULL, 0, MINISIGN_HASH_SIZE) == 0);
}

void minisign_hash_add(struct minisign_hash *h, const void *data, size_t len)
{
    MUST(crypto_generichash_blake2b_update(&h->state, data, len) == 0);
}

void minisign_hash_end(struct minisign_hash *h, uint8_t hash[MINISIGN_HASH_SIZE])
{
    MUST(crypto_generichash_blake2b_final(&h->state, hash, MINISIGN_HASH_SIZE) == 0);
}

static enum status bad(struct err *err, const char *why)
{
    return err_reason(err, ST_BAD_INPUT, "bad-signature", 0, "%s", why);
}

static const struct minisign_key *key_of(const struct minisign_keys *k, const uint8_t *id)
{
    for (size_t i = 0; i < k->n; i++)
        if (memcmp(k->items[i].id, id, 8) == 0)
            return &k->items[i];
    return NULL;
}

/* The trusted comment is signed together with the signature itself. */
static bool comment_good(const struct minisign_key *key, const uint8_t *sig, struct slice comment,
                         struct slice global_line)
{
    uint8_t global[crypto_sign_BYTES];
    if (!decode(global_line, global, sizeof global))
        return false;
    struct buf both = {0};
    buf_put(&both, sig, crypto_sign_BYTES);
    buf_put_slice(&both, comment);
    bool good =
        !both.failed && crypto_sign_verify_detached(global, both.data, both.len, key->key) == 0;
    buf_release(&both);
    return good;
}

enum status minisign_check(const struct minisign_keys *k, struct slice signature,
                           const uint8_t hash[MINISIGN_HASH_SIZE],
                           char signer[MINISIGN_SIGNER_SIZE], struct err *err)
{
    static const char trusted[] = "trusted comment: ";
    struct slice line, sig_line, comment, global;
    uint8_t blob[SIG_BLOB];
    bool shape = next_line(&signature, &line) && begins(line, "untrusted comment:") &&
                 next_line(&signature, &sig_line) && next_line(&signature, &comment) &&
                 begins(comment, trusted) && next_line(&signature, &global);
    if (!shape || !decode(sig_line, blob, SIG_BLOB))
        return bad(err, "the .minisig file is not a minisign signature");
    if (blob[0] == 'E' && blob[1] == 'd')
        return bad(err,
                   "signed without prehashing (minisign -l): ask for a signature of today's kind");
    if (blob[0] != 'E' || blob[1] != 'D')
        return bad(err, "an unknown kind of signature");
    const struct minisign_key *key = key_of(k, blob + 2);
    if (!key)
        return bad(err, "signed by a key that is not trusted");
    if (crypto_sign_verify_detached(blob + 10, hash, MINISIGN_HASH_SIZE, key->key) != 0)
        return bad(err, "the signature is not one of these bytes");
    comment = slice_of(comment.data + sizeof trusted - 1, comment.len - (sizeof trusted - 1));
    if (!comment_good(key, blob + 10, comment, global))
        return bad(err, "the trusted comment was changed");
    snprintf(signer, MINISIGN_SIGNER_SIZE, "%016llX", (unsigned long long)load_u64(key->id));
    return ST_OK;
}
