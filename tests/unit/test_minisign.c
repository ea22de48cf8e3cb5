/* Keys and signatures are made here with libsodium, in the layout that the minisign documentation
 * gives. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "lictor/minisign.h"

static char path[] = P_tmpdir "/lictor-minisign-XXXXXX";
static uint8_t pk[32], sk[64], hash[MINISIGN_HASH_SIZE];
static const uint8_t id[8] = {1, 2, 3, 4, 5, 6, 7, 0xAB};

static void put_line(struct buf *b, const uint8_t *data, size_t len)
{
    base64_encode(slice_of(data, len), b);
    buf_put_u8(b, '\n');
}

static void setup(void)
{
    uint8_t seed[32] = {9}, blob[42] = "Ed";
    struct buf b = {0};
    int fd = mkstemp(path);
    cr_assert(sodium_init() >= 0 && fd >= 0);
    crypto_sign_seed_keypair(pk, sk, seed);
    memcpy(blob + 2, id, 8);
    memcpy(blob + 10, pk, 32);
    buf_put_str(&b, "untrusted comment: minisign public key\n");
    put_line(&b, blob, sizeof blob);
    cr_assert_eq(write(fd, b.data, b.len), (ssize_t)b.len);
    close(fd);
    buf_release(&b);
    crypto_generichash_blake2b(hash, sizeof hash, (const uint8_t *)"dump", 4, NULL, 0);
}

static void teardown(void) { unlink(path); }

TestSuite(minisign, .init = setup, .fini = teardown);

static struct buf signature(const char *algorithm, const uint8_t *signed_hash)
{
    static const char comment[] = "timestamp:1586000000";
    struct buf b = {0}, both = {0};
    uint8_t blob[74], global[64];
    memcpy(blob, algorithm, 2);
    memcpy(blob + 2, id, 8);
    crypto_sign_detached(blob + 10, NULL, signed_hash, MINISIGN_HASH_SIZE, sk);
    buf_put(&both, blob + 10, 64);
    buf_put_str(&both, comment);
    crypto_sign_detached(global, NULL, both.data, both.len, sk);
    buf_put_str(&b, "untrusted comment: signature\n");
    put_line(&b, blob, sizeof blob);
    buf_printf(&b, "trusted comment: %s\n", comment);
    put_line(&b, global, sizeof global);
    buf_release(&both);
    return b;
}

static enum status check(struct slice sig, char signer[MINISIGN_SIGNER_SIZE])
{
    struct minisign_keys *k;
    struct err err = {0};
    cr_assert_eq(minisign_keys_load(path, &k, &err), ST_OK, "%s", err.text);
    enum status st = minisign_check(k, sig, hash, signer, &err);
    cr_expect(st == ST_OK || strcmp(err.reason, "bad-signature") == 0);
    minisign_keys_free(k);
    return st;
}

Test(minisign, accepts_a_good_signature_and_names_its_key)
{
    char signer[MINISIGN_SIGNER_SIZE] = "";
    struct buf sig = signature("ED", hash);
    cr_expect_eq(check(buf_slice(&sig), signer), ST_OK);
    cr_expect_str_eq(signer, "AB07060504030201");
    buf_release(&sig);
}

Test(minisign, refuses_every_changed_byte_and_every_truncation)
{
    char signer[MINISIGN_SIGNER_SIZE];
    struct buf sig = signature("ED", hash);
    size_t first = strlen("untrusted comment:");
    for (size_t i = 0; i < sig.len; i++) {
        cr_expect_neq(check(slice_of(sig.data, i), signer), i == sig.len - 1 ? 99 : ST_OK);
        if (i >= first && i <= strlen("untrusted comment: signature"))
            continue; /* the untrusted comment is just that */
        sig.data[i] ^= 4;
        if (i + 1 < sig.len)
            cr_expect_neq(check(buf_slice(&sig), signer), ST_OK, "byte %zu", i);
        sig.data[i] ^= 4;
    }
    buf_release(&sig);
}

Test(minisign, refuses_the_signature_of_other_bytes_and_of_the_old_kind)
{
    char signer[MINISIGN_SIGNER_SIZE];
    uint8_t other[MINISIGN_HASH_SIZE] = {1};
    struct buf sig = signature("ED", other), old = signature("Ed", hash);
    cr_expect_neq(check(buf_slice(&sig), signer), ST_OK);
    cr_expect_neq(check(buf_slice(&old), signer), ST_OK);
    buf_release(&sig);
    buf_release(&old);
}

Test(minisign, hashes_in_pieces_as_in_one)
{
    struct minisign_hash *h;
    struct err err = {0};
    uint8_t out[MINISIGN_HASH_SIZE];
    cr_assert_eq(minisign_hash_new(&h, &err), ST_OK);
    for (int round = 0; round < 2; round++) {
        minisign_hash_begin(h);
        minisign_hash_add(h, "du", 2);
        minisign_hash_add(h, "mp", 2);
        minisign_hash_end(h, out);
        cr_expect_arr_eq(out, hash, sizeof out);
    }
    minisign_hash_free(h);
}
