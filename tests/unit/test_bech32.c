/* test_bech32 — BIP 173's own examples, round trips, and what must be refused. */
#include <criterion/criterion.h>

#include "delivery/bech32.h"

static uint8_t data[BECH32_DATA_MAX];
static struct slice hrp;
static size_t len;

static bool decodes(const char *text) { return bech32_decode(slice_str(text), &hrp, data, &len); }

Test(bech32, reads_texts_of_whole_bytes_from_bip_173)
{
    cr_assert(decodes("A12UEL5L"));
    cr_assert_eq(len, 0);
    cr_assert(slice_eq_str(hrp, "A"));
    cr_assert(decodes("a12uel5l"));
    cr_assert(decodes("?1ezyfcl"));
    cr_assert(
        decodes("an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharacters"
                "bio1tt5tgs"));
    cr_assert(decodes("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"));
    cr_assert_eq(len, 20);
    cr_assert_eq(data[1], 0x44);
    cr_assert_eq(data[19], 0xdf);
}

Test(bech32, refuses_the_bad_texts_of_bip_173)
{
    static const char *const bad[] = {
        "\x20"
        "1nwldj5",
        "\x7f"
        "1axkwrx",
        "pzry9x0s0muk",
        "1pzry9x0s0muk",
        "x1b4n0q5v",
        "li1dgmt3",
        "de1lg7wt\xff",
        "A1G7SGD8",
        "10a06t8",
        "1qzzfhee",
        "",
        "1",
        "a1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(decodes(bad[i]), "%s", bad[i]);
}

Test(bech32, refuses_mixed_case)
{
    cr_assert_not(decodes("A12uEL5L"));
    cr_assert_not(decodes("a12UEL5L"));
}

Test(bech32, writes_what_it_reads_back_at_every_length)
{
    uint8_t in[40], back[BECH32_DATA_MAX];
    char text[BECH32_TEXT_MAX + 1];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 37 + 5);
    for (size_t n = 0; n <= sizeof in; n++) {
        cr_assert(bech32_encode("age", in, n, text, sizeof text));
        cr_assert(bech32_decode(slice_str(text), &hrp, back, &len));
        cr_assert(slice_eq(slice_of(in, n), slice_of(back, len)), "%zu", n);
        cr_assert(bech32_encode("AGE-X-", in, n, text, sizeof text));
        cr_assert(bech32_decode(slice_str(text), &hrp, back, &len));
        cr_assert(slice_eq(slice_of(in, n), slice_of(back, len)), "%zu", n);
        cr_assert(slice_eq_str(hrp, "AGE-X-"));
    }
}

Test(bech32, refuses_every_truncation_and_every_change_of_one_bit)
{
    static const uint8_t in[32] = {9, 8, 7, 6, 5};
    char text[BECH32_TEXT_MAX + 1];
    cr_assert(bech32_encode("age", in, sizeof in, text, sizeof text));
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        cr_assert_not(bech32_decode(slice_of(text, i), &hrp, data, &len), "%zu", i);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        cr_assert_not(decodes(text), "%zu", bit);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    cr_assert(decodes(text));
}

/* Text with a good checksum over digits of our choice: what encode never writes. */
static void forge(const uint8_t *digits, size_t n, char *text)
{
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint8_t all[64] = {3, 0, 1}; /* hrp "a": 0x61 >> 5, 0, 0x61 & 31 */
    memcpy(all + 3, digits, n);
    uint32_t sum = 1;
    for (size_t i = 0; i < n + 9; i++) {
        uint32_t top = sum >> 25;
        sum = (sum & 0x1ffffff) << 5 ^ all[i];
        for (int k = 0; k < 5; k++)
            sum ^= top >> k & 1 ? generator[k] : 0;
    }
    sum ^= 1;
    *text++ = 'a';
    *text++ = '1';
    for (size_t i = 0; i < n; i++)
        *text++ = alphabet[digits[i]];
    for (int i = 5; i >= 0; i--)
        *text++ = alphabet[sum >> 5 * i & 31];
    *text = 0;
}

Test(bech32, refuses_padding_that_is_not_zero_or_too_long)
{
    char text[80];
    forge((const uint8_t[]){31, 28}, 2, text); /* 0xff and two zero bits */
    cr_assert(decodes(text));
    cr_assert(len == 1 && data[0] == 0xff);
    forge((const uint8_t[]){31, 29}, 2, text);
    cr_assert_not(decodes(text));
    forge((const uint8_t[]){31, 28, 0}, 3, text); /* seven bits over */
    cr_assert_not(decodes(text));
    forge((const uint8_t[]){0}, 1, text); /* five bits, no byte */
    cr_assert_not(decodes(text));
}

Test(bech32, says_when_the_room_or_the_hrp_does_not_do)
{
    char text[BECH32_TEXT_MAX + 1];
    uint8_t in[BECH32_DATA_MAX] = {0};
    cr_assert_not(bech32_encode("age", in, 32, text, 62));
    cr_assert(bech32_encode("age", in, 32, text, 63));
    cr_assert_not(bech32_encode("", in, 1, text, sizeof text));
    cr_assert_not(bech32_encode("aB", in, 1, text, sizeof text));
    cr_assert_not(bech32_encode("a b", in, 1, text, sizeof text));
    cr_assert_not(bech32_encode("age", in, sizeof in, text, sizeof text));
}
