/* seal — see seal.h. A block under key and number is XChaCha20-Poly1305 with the nonce
 * section (16 bytes) || number (8 bytes): HChaCha20 turns the first 16 bytes into a key of the
 * section, so only ChaCha20-Poly1305 with the nonce 0000 || number is left for each block. A unit
 * takes the same path with 24 random bytes. */
#include "store/seal.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <xxhash.h>

#include "lictor/os.h"
#include "lictor/sha256.h"

enum status seal_ready(struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ST_IO, "libsodium does not start");
    return ST_OK;
}

enum status sealer_init(struct sealer *s, struct err *err)
{
    s->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    s->ctx = EVP_CIPHER_CTX_new();
    s->sum = XXH3_createState();
    if (s->cipher && s->ctx && s->sum)
        return ST_OK;
    sealer_release(s);
    return err_no_memory(err);
}

void sealer_release(struct sealer *s)
{
    EVP_CIPHER_CTX_free(s->ctx);
    EVP_CIPHER_free(s->cipher);
    if (s->sum)
        XXH3_freeState(s->sum);
    *s = (struct sealer){0};
}

void seal_section_key(const uint8_t file_key[SEAL_KEY_SIZE], uint32_t section,
                      uint8_t out[SEAL_KEY_SIZE])
{
    uint8_t input[16] = {0};
    store_u32(input, section);
    MUST(crypto_core_hchacha20(out, input, file_key, NULL) == 0);
}

static void block_checksum(struct sealer *s, struct slice ad, const uint8_t *data, size_t len,
                           uint8_t tag[SEAL_TAG_SIZE])
{
    XXH128_canonical_t canonical;
    XXH3_128bits_reset(s->sum);
    XXH3_128bits_update(s->sum, ad.data, ad.len);
    if (len)
        XXH3_128bits_update(s->sum, data, len);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(s->sum));
    memcpy(tag, canonical.digest, SEAL_TAG_SIZE);
}

static void block_nonce(uint64_t number, uint8_t nonce[12])
{
    memset(nonce, 0, 4);
    store_u64(nonce + 4, number);
}

/* The cipher itself cannot fail on any input; what fails is memory inside OpenSSL. */
static enum status cipher_failed(struct err *err)
{
    return err_set(err, ST_NO_MEMORY, "the cipher does not start (no memory?)");
}

enum status seal_block(struct sealer *s, const uint8_t *key, uint64_t number, struct slice ad,
                       uint8_t *data, size_t len, uint8_t tag[SEAL_TAG_SIZE], struct err *err)
{
    uint8_t nonce[12];
    int n = 0;
    if (len > SEAL_LEN_MAX || ad.len > INT_MAX)
        return err_set(err, ST_LIMIT, "%zu bytes are too many for one seal", len);
    if (!key) {
        block_checksum(s, ad, data, len, tag);
        return ST_OK;
    }
    block_nonce(number, nonce);
    if (EVP_EncryptInit_ex2(s->ctx, s->cipher, key, nonce, NULL) != 1 ||
        EVP_EncryptUpdate(s->ctx, NULL, &n, ad.data, (int)ad.len) != 1 ||
        (len && EVP_EncryptUpdate(s->ctx, data, &n, data, (int)len) != 1) ||
        EVP_EncryptFinal_ex(s->ctx, data + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, tag) != 1)
        return cipher_failed(err);
    return ST_OK;
}

enum status seal_open_block(struct sealer *s, const uint8_t *key, uint64_t number, struct slice ad,
                            uint8_t *data, size_t len, const uint8_t tag[SEAL_TAG_SIZE],
                            struct err *err)
{
    uint8_t nonce[12];
    uint8_t sum[SEAL_TAG_SIZE];
    int n = 0;
    if (len > SEAL_LEN_MAX || ad.len > INT_MAX)
        return err_set(err, ST_DAMAGED, "%zu bytes are too many for one seal", len);
    if (!key) {
        block_checksum(s, ad, data, len, sum);
        if (memcmp(sum, tag, SEAL_TAG_SIZE) != 0)
            return err_set(err, ST_DAMAGED, "the checksum does not fit");
        return ST_OK;
    }
    block_nonce(number, nonce);
    memcpy(sum, tag, SEAL_TAG_SIZE);
    if (EVP_DecryptInit_ex2(s->ctx, s->cipher, key, nonce, NULL) != 1 ||
        EVP_DecryptUpdate(s->ctx, NULL, &n, ad.data, (int)ad.len) != 1 ||
        (len && EVP_DecryptUpdate(s->ctx, data, &n, data, (int)len) != 1) ||
        EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, sum) != 1)
        return cipher_failed(err);
    if (EVP_DecryptFinal_ex(s->ctx, data + len, &n) != 1)
        return err_set(err, ST_DAMAGED, "the seal is broken");
    return ST_OK;
}

/* Key of one unit from its random nonce; `out` is wiped by the caller. */
static void unit_key(const struct case_key *key, const uint8_t nonce[SEAL_NONCE_SIZE],
                     uint8_t out[SEAL_KEY_SIZE])
{
    MUST(crypto_core_hchacha20(out, nonce, key->key, NULL) == 0);
}

enum status seal_unit(const struct case_key *key, struct slice ad, struct slice payload,
                      struct buf *out, struct err *err)
{
    struct sealer s = {0};
    uint8_t subkey[SEAL_KEY_SIZE];
    uint8_t nonce[SEAL_NONCE_SIZE] = {0};
    enum status st;

    if (payload.len > SEAL_LEN_MAX)
        return err_set(err, ST_LIMIT, "%zu bytes are too many for one seal", payload.len);
    if (!key->plain)
        TRY(os_random(nonce, sizeof nonce, err));
    if (!buf_reserve(out, payload.len + SEAL_UNIT_OVERHEAD))
        return err_no_memory(err);
    TRY(sealer_init(&s, err));
    buf_put(out, nonce, sizeof nonce);
    uint8_t *data = out->data + out->len;
    buf_put_slice(out, payload);
    if (!key->plain)
        unit_key(key, nonce, subkey);
    uint8_t tag[SEAL_TAG_SIZE];
    st = seal_block(&s, key->plain ? NULL : subkey, load_u64(nonce + 16), ad, data, payload.len,
                    tag, err);
    if (st == ST_OK) {
        buf_put(out, tag, sizeof tag);
        st = buf_status(out, err);
    }
    sodium_memzero(subkey, sizeof subkey);
    sealer_release(&s);
    return st;
}

enum status seal_open_unit(const struct case_key *key, struct slice ad, struct slice unit,
                           struct buf *out, struct err *err)
{
    static const uint8_t zero[SEAL_NONCE_SIZE];
    struct sealer s = {0};
    uint8_t subkey[SEAL_KEY_SIZE];

    if (unit.len < SEAL_UNIT_OVERHEAD)
        return err_set(err, ST_DAMAGED, "too short to be a sealed unit");
    const uint8_t *nonce = unit.data;
    size_t len = unit.len - SEAL_UNIT_OVERHEAD;
    /* The checksum of a plain unit does not cover the nonce, so the nonce must be what it is. */
    if (key->plain && memcmp(nonce, zero, sizeof zero) != 0)
        return err_set(err, ST_DAMAGED, "a plain unit has a nonce");
    if (!buf_reserve(out, len + 1))
        return err_no_memory(err);
    TRY(sealer_init(&s, err));
    buf_put(out, nonce + SEAL_NONCE_SIZE, len);
    if (!key->plain)
        unit_key(key, nonce, subkey);
    enum status st = seal_open_block(&s, key->plain ? NULL : subkey, load_u64(nonce + 16), ad,
                                     out->data, len, nonce + SEAL_NONCE_SIZE + len, err);
    sodium_memzero(subkey, sizeof subkey);
    sealer_release(&s);
    if (st != ST_OK)
        seal_wipe_buf(out);
    return st;
}

void seal_sha256(struct slice a, struct slice b, uint8_t out[32])
{
    struct sha256 h;
    sha256_begin(&h);
    sha256_add(&h, a.data, a.len);
    sha256_add(&h, b.data, b.len);
    sha256_end(&h, out);
}

void seal_checksum(struct slice s, uint8_t out[SEAL_TAG_SIZE])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(s.data, s.len));
    memcpy(out, canonical.digest, SEAL_TAG_SIZE);
}

void seal_wipe_buf(struct buf *b)
{
    if (b->data)
        sodium_memzero(b->data, b->cap);
    buf_release(b);
}
