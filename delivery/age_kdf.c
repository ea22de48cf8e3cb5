/* age_kdf — the key schedule of age and the ciphers under it.
 * Small things (HKDF, MAC, key wrapping, curve, scrypt) go through libsodium; chunks through
 * OpenSSL, which opens 3.46 GB/s where libsodium 1.0.18 opens 1.09 (performance.md). */
#include <sodium.h>

#include "delivery/age_private.h"
#include "lictor/os.h"

enum status age_crypto_begin(struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ST_IO, "the cryptographic library does not start");
    return ST_OK;
}

void age_hkdf(const uint8_t *ikm, size_t ikm_len, struct slice salt, const char *info,
              uint8_t out[AGE_KEY])
{
    crypto_auth_hmacsha256_state h;
    uint8_t prk[32];
    /* A missing salt is one of zeros, and HMAC pads its key with zeros: the same. */
    crypto_auth_hmacsha256_init(&h, salt.data, salt.len);
    crypto_auth_hmacsha256_update(&h, ikm, ikm_len);
    crypto_auth_hmacsha256_final(&h, prk);
    const uint8_t block = 1;
    crypto_auth_hmacsha256_init(&h, prk, sizeof prk);
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)info, strlen(info));
    crypto_auth_hmacsha256_update(&h, &block, 1);
    crypto_auth_hmacsha256_final(&h, out);
    sodium_memzero(prk, sizeof prk);
    sodium_memzero(&h, sizeof h);
}

void age_header_mac(const uint8_t file_key[AGE_FILE_KEY], struct slice text, uint8_t mac[32])
{
    uint8_t key[AGE_KEY];
    crypto_auth_hmacsha256_state h;
    age_hkdf(file_key, AGE_FILE_KEY, slice_str(""), "header", key);
    crypto_auth_hmacsha256_init(&h, key, sizeof key);
    crypto_auth_hmacsha256_update(&h, text.data, text.len);
    crypto_auth_hmacsha256_final(&h, mac);
    sodium_memzero(key, sizeof key);
    sodium_memzero(&h, sizeof h);
}

void age_payload_key(const uint8_t file_key[AGE_FILE_KEY], const uint8_t nonce[AGE_NONCE],
                     uint8_t key[AGE_KEY])
{
    age_hkdf(file_key, AGE_FILE_KEY, slice_of(nonce, AGE_NONCE), "payload", key);
}

bool age_x25519_wrap_key(const uint8_t secret[32], const uint8_t point[32], const uint8_t share[32],
                         const uint8_t recipient[32], uint8_t key[AGE_KEY])
{
    uint8_t shared[32], salt[64];
    /* libsodium refuses by itself the points that give an all-zero secret. */
    bool good = crypto_scalarmult(shared, secret, point) == 0 && !sodium_is_zero(shared, 32);
    if (good) {
        memcpy(salt, share, 32);
        memcpy(salt + 32, recipient, 32);
        age_hkdf(shared, sizeof shared, slice_of(salt, sizeof salt), "age-encryption.org/v1/X25519",
                 key);
    }
    sodium_memzero(shared, sizeof shared);
    return good;
}

enum status age_scrypt_wrap_key(struct slice pass, const uint8_t salt[AGE_SCRYPT_SALT],
                                unsigned log_n, uint8_t key[AGE_KEY], struct err *err)
{
    static const char label[] = "age-encryption.org/v1/scrypt";
    uint8_t full[sizeof label - 1 + AGE_SCRYPT_SALT];
    memcpy(full, label, sizeof label - 1);
    memcpy(full + sizeof label - 1, salt, AGE_SCRYPT_SALT);
    if (crypto_pwhash_scryptsalsa208sha256_ll(pass.data, pass.len, full, sizeof full,
                                              UINT64_C(1) << log_n, 8, 1, key, AGE_KEY) != 0)
        return err_set(err, ST_NO_MEMORY, "no memory for scrypt with log2 N = %u (%llu MiB)", log_n,
                       (1ull << log_n) >> 10);
    return ST_OK;
}

static const uint8_t zero_nonce[12];

void age_file_key_wrap(const uint8_t key[AGE_KEY], const uint8_t file_key[AGE_FILE_KEY],
                       uint8_t body[AGE_FILE_KEY + AGE_TAG])
{
    MUST(crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, file_key, AGE_FILE_KEY, NULL, 0,
                                                   NULL, zero_nonce, key) == 0);
}

bool age_file_key_unwrap(const uint8_t key[AGE_KEY], const uint8_t body[AGE_FILE_KEY + AGE_TAG],
                         uint8_t file_key[AGE_FILE_KEY])
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(
               file_key, NULL, NULL, body, AGE_FILE_KEY + AGE_TAG, NULL, 0, zero_nonce, key) == 0;
}

enum status age_chunks_init(struct age_chunks *c, const uint8_t key[AGE_KEY], bool seal,
                            struct err *err)
{
    c->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    c->ctx = EVP_CIPHER_CTX_new();
    if (c->cipher && c->ctx &&
        EVP_CipherInit_ex2(c->ctx, c->cipher, key, NULL, seal ? 1 : 0, NULL) == 1)
        return ST_OK;
    age_chunks_release(c);
    return err_no_memory(err);
}

void age_chunks_release(struct age_chunks *c)
{
    EVP_CIPHER_CTX_free(c->ctx);
    EVP_CIPHER_free(c->cipher);
    c->ctx = NULL;
    c->cipher = NULL;
}

static void chunk_nonce(uint64_t counter, bool last, uint8_t nonce[12])
{
    memset(nonce, 0, 12);
    for (int i = 0; i < 8; i++)
        nonce[10 - i] = (uint8_t)(counter >> (8 * i));
    nonce[11] = last;
}

void age_chunk_seal(struct age_chunks *c, uint64_t counter, bool last, const uint8_t *in,
                    size_t len, uint8_t *out)
{
    uint8_t nonce[12];
    int n = 0;
    chunk_nonce(counter, last, nonce);
    MUST(len <= AGE_CHUNK);
    MUST(EVP_EncryptInit_ex2(c->ctx, NULL, NULL, nonce, NULL) == 1);
    MUST(len == 0 || EVP_EncryptUpdate(c->ctx, out, &n, in, (int)len) == 1);
    MUST(EVP_EncryptFinal_ex(c->ctx, out + len, &n) == 1);
    MUST(EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, AGE_TAG, out + len) == 1);
}

bool age_chunk_open(struct age_chunks *c, uint64_t counter, bool last, const uint8_t *in,
                    size_t len, uint8_t *out)
{
    uint8_t nonce[12], tag[AGE_TAG];
    int n = 0;
    chunk_nonce(counter, last, nonce);
    MUST(len >= AGE_TAG && len <= AGE_SEALED);
    size_t plain = len - AGE_TAG;
    memcpy(tag, in + plain, AGE_TAG);
    MUST(EVP_DecryptInit_ex2(c->ctx, NULL, NULL, nonce, NULL) == 1);
    MUST(EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, AGE_TAG, tag) == 1);
    MUST(plain == 0 || EVP_DecryptUpdate(c->ctx, out, &n, in, (int)plain) == 1);
    return EVP_DecryptFinal_ex(c->ctx, out + plain, &n) == 1;
}

/* Does the tag at in[len] belong to the `len` bytes before it? `head` has taken all of them but the
 * last `tail`, fewer than 16 (RFC 8439, 2.8: padded, then both lengths). */
static bool tag_fits(const crypto_onetimeauth_poly1305_state *head, const uint8_t *in, size_t len,
                     size_t tail)
{
    static const uint8_t zeros[16];
    uint8_t lengths[16] = {0}, tag[AGE_TAG];
    crypto_onetimeauth_poly1305_state h = *head;
    store_u64(lengths + 8, len);
    crypto_onetimeauth_poly1305_update(&h, in + len - tail, tail);
    crypto_onetimeauth_poly1305_update(&h, zeros, (16 - tail) % 16);
    crypto_onetimeauth_poly1305_update(&h, lengths, sizeof lengths);
    crypto_onetimeauth_poly1305_final(&h, tag);
    return sodium_memcmp(tag, in + len, AGE_TAG) == 0;
}

size_t age_chunk_end(const uint8_t key[AGE_KEY], uint64_t counter, const uint8_t *in, size_t len,
                     size_t least)
{
    uint8_t nonce[12], once[crypto_onetimeauth_poly1305_KEYBYTES];
    crypto_onetimeauth_poly1305_state head;
    size_t found = 0;
    chunk_nonce(counter, true, nonce);
    crypto_stream_chacha20_ietf(once, sizeof once, nonce, key);
    crypto_onetimeauth_poly1305_init(&head, once);
    for (size_t plain = 0; !found && plain + AGE_TAG <= len; plain++) {
        if (plain && plain % 16 == 0)
            crypto_onetimeauth_poly1305_update(&head, in + plain - 16, 16);
        if (plain >= least && tag_fits(&head, in, plain, plain % 16))
            found = plain + AGE_TAG;
    }
    sodium_memzero(once, sizeof once);
    sodium_memzero(&head, sizeof head);
    return found;
}

enum status age_random_draw(struct age_random *r, uint8_t *out, size_t len, struct err *err)
{
    if (!r->seed)
        return os_random(out, len, err);
    uint8_t block[32], counter[4];
    MUST(len <= sizeof block);
    store_u32(counter, r->draws++);
    age_hkdf(r->seed, 32, slice_of(counter, sizeof counter), "lictor/seeded-age", block);
    memcpy(out, block, len);
    sodium_memzero(block, sizeof block);
    return ST_OK;
}
