#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lictor/body_keys.h"

static char path[] = P_tmpdir "/lictor-keys-XXXXXX";

static void setup(void)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    cr_assert(sodium_init() >= 0);
}

static void teardown(void) { unlink(path); }

TestSuite(body_keys, .init = setup, .fini = teardown);

static void put(const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

/* 32 bytes of 'k' and of 'l'. */
#define KEY_K "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define KEY_L "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="

static void seal(const char *text, const char *from, const char *sent, uint8_t nonce[24],
                 uint8_t *box, unsigned long long *len)
{
    uint8_t key[32], ad[100];
    size_t n = (size_t)snprintf((char *)ad, sizeof ad, "%s%c%s", from, 0, sent);
    memset(key, 'k', sizeof key);
    memset(nonce, 7, 24);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box, len, (const uint8_t *)text, strlen(text), ad, n,
                                               NULL, nonce, key);
}

Test(body_keys, opens_a_box_under_its_key_and_only_for_its_sender_and_time)
{
    struct body_keys *k;
    struct err err = {0};
    struct buf out = {0};
    uint8_t nonce[24], box[100];
    unsigned long long len;
    put("# keys\nK2 " KEY_L "\nK1 " KEY_K "\n");
    seal("the van is blue", "anna", "1000", nonce, box, &len);
    cr_assert_eq(body_keys_load(path, &k, &err), ST_OK, "%s", err.text);
    struct slice n = slice_of(nonce, 24), b = slice_of(box, (size_t)len);
    cr_expect_eq(
        body_keys_open(k, slice_str("K1"), n, b, slice_str("anna"), slice_str("1000"), &out),
        BODY_OPENED);
    cr_expect(slice_eq_str(buf_slice(&out), "the van is blue"));
    cr_expect_eq(
        body_keys_open(k, slice_str("K1"), n, b, slice_str("bert"), slice_str("1000"), &out),
        BODY_BROKEN);
    cr_expect_eq(
        body_keys_open(k, slice_str("K1"), n, b, slice_str("anna"), slice_str("1001"), &out),
        BODY_BROKEN);
    cr_expect_eq(
        body_keys_open(k, slice_str("K2"), n, b, slice_str("anna"), slice_str("1000"), &out),
        BODY_BROKEN);
    cr_expect_eq(
        body_keys_open(k, slice_str("K3"), n, b, slice_str("anna"), slice_str("1000"), &out),
        BODY_NO_KEY);
    cr_expect(slice_eq_str(buf_slice(&out), "the van is blue"));
    for (size_t i = 0; i < len; i++) {
        box[i] ^= 1;
        cr_expect_eq(
            body_keys_open(k, slice_str("K1"), n, b, slice_str("anna"), slice_str("1000"), &out),
            BODY_BROKEN);
        box[i] ^= 1;
    }
    buf_release(&out);
    body_keys_free(k);
}

Test(body_keys, names_the_line_that_is_malformed)
{
    static const char *const bad[] = {"K1 " KEY_K "\nK2\n", "\nK1 short\n", "a\n K " KEY_K "\n",
                                      "K1  " KEY_K "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct body_keys *k;
        struct err err = {0};
        put(bad[i]);
        cr_expect_eq(body_keys_load(path, &k, &err), ST_BAD_INPUT, "%zu", i);
        cr_expect_not_null(strchr(err.text, ':'));
    }
}

Test(body_keys, refuses_an_id_that_stands_twice)
{
    struct body_keys *k;
    struct err err = {0};
    put("K1 " KEY_K "\nK1 " KEY_L "\n");
    cr_expect_eq(body_keys_load(path, &k, &err), ST_BAD_INPUT);
}

Test(body_keys, refuses_a_file_that_others_may_read)
{
    struct body_keys *k;
    struct err err = {0};
    put("K1 " KEY_K "\n");
    cr_assert_eq(chmod(path, 0644), 0);
    cr_expect_eq(body_keys_load(path, &k, &err), ST_DENIED);
}
