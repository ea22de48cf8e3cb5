/* test_sha256_many — the lanes against OpenSSL: every length around the borders of blocks, in
 * groups of every size with lengths mixed. */
#include <criterion/criterion.h>

#include "store/sha256_many.h"
#include "tests/unit/dice.h"

#define MESSAGES 16
#define LONGEST 700

static struct sha256 sha;
static uint8_t bytes[MESSAGES][LONGEST + SHA256_PAD_ROOM];
static uint8_t copies[MESSAGES][LONGEST];
static uint8_t hashes[MESSAGES][SHA256_SIZE];
static struct sha256_message messages[MESSAGES];

static void message_make(size_t i, size_t len)
{
    for (size_t k = 0; k < len; k++)
        bytes[i][k] = copies[i][k] = (uint8_t)dice(256);
    memset(bytes[i] + len, 0xaa, sizeof bytes[i] - len);
    memset(hashes[i], 0, SHA256_SIZE);
    messages[i] = (struct sha256_message){.data = bytes[i], .len = len, .hash = hashes[i]};
}

static void group_check(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t want[SHA256_SIZE];
        sha256_begin(&sha);
        sha256_add(&sha, copies[i], messages[i].len);
        sha256_end(&sha, want);
        cr_assert_arr_eq(hashes[i], want, SHA256_SIZE, "message %zu of %zu, %zu bytes", i, n,
                         messages[i].len);
        cr_assert_arr_eq(bytes[i], copies[i], messages[i].len);
    }
}

Test(sha256_many, hashes_every_length_as_openssl_does)
{
    for (size_t len = 0; len <= LONGEST; len++) {
        message_make(0, len);
        sha256_many(&sha, messages, 1);
        group_check(1);
    }
}

Test(sha256_many, hashes_groups_of_mixed_lengths)
{
    for (int round = 0; round < 3000; round++) {
        size_t n = dice(MESSAGES + 1);
        unsigned longest = round % 3 ? LONGEST : 130;
        for (size_t i = 0; i < n; i++)
            message_make(i, dice(longest + 1));
        sha256_many(&sha, messages, n);
        group_check(n);
    }
}

Test(sha256_many, gives_the_published_hash)
{
    static const char want[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char hex[2 * SHA256_SIZE + 1];
    memcpy(bytes[0], "abc", 3);
    messages[0] = (struct sha256_message){.data = bytes[0], .len = 3, .hash = hashes[0]};
    sha256_many(&sha, messages, 1);
    hex_encode(hashes[0], SHA256_SIZE, hex);
    cr_assert_str_eq(hex, want);
}

/* A machine without the instructions tests the twin above and nothing here. */
Test(sha256_many, uses_the_lanes_where_the_processor_has_them)
{
    if (!sha256_has_lanes())
        return;
    for (size_t i = 0; i < MESSAGES; i++)
        message_make(i, 31 * i);
    sha256_lanes(messages, MESSAGES);
    group_check(MESSAGES);
}
