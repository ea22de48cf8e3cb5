/* test_values — accounts, addresses and places in a text, and what only looks like one. */
#include "tests/unit/words_testing.h"

#include "text/checksum.h"

TestSuite(values, .init = splitter_setup, .fini = splitter_teardown);

static unsigned seen_in(const char *text)
{
    struct words w;
    words_of(slice_str(text), &w);
    return w.seen;
}

static void all_have(unsigned what, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(seen_in(texts[i]) & what, what, "<%s> has no %s", texts[i],
                     words_seen_name(what));
}

static void none_has(unsigned what, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(seen_in(texts[i]) & what, 0u, "<%s> has %s", texts[i], words_seen_name(what));
}

#define ALL_HAVE(what, ...)                                                                        \
    do {                                                                                           \
        static const char *const texts[] = {__VA_ARGS__};                                          \
        all_have(what, texts, sizeof texts / sizeof *texts);                                       \
    } while (0)
#define NONE_HAS(what, ...)                                                                        \
    do {                                                                                           \
        static const char *const texts[] = {__VA_ARGS__};                                          \
        none_has(what, texts, sizeof texts / sizeof *texts);                                       \
    } while (0)

static void digest_is(void (*digest)(const uint8_t *, size_t, uint8_t[32]), const char *text,
                      const char *want)
{
    uint8_t out[32];
    char hex[65];
    digest((const uint8_t *)text, strlen(text), out);
    hex_encode(out, sizeof out, hex);
    cr_expect_str_eq(hex, want);
}

Test(values, hashes_as_the_standards_do)
{
    digest_is(checksum_sha256, "abc",
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_is(checksum_sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    digest_is(checksum_keccak256, "",
              "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    digest_is(checksum_keccak256, "abc",
              "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

Test(values, finds_ibans)
{
    ALL_HAVE(
        WORDS_IBAN, "DE89 3704 0044 0532 0130 00", "pay DE89370400440532013000 now",
        "de89370400440532013000", "DE89-3704-0044-0532-0130-00.", "GB29 NWBK 6016 1331 9268 19",
        "NL91ABNA0417164300", "FR14 2004 1010 0505 0001 3M02 606", "IBAN: NO93 8601 1117 947,",
        "MT84MALT011000012345MTLCAST001S", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
        "x DE89 3704 0044 0532 0130 00 12", "BE68 5390 0754 7034");
    NONE_HAS(WORDS_IBAN, "DE88 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0103 00",
             "DE89 3704 0044 0532 0130 0", "DE89 3704 0044 0532 0130 000", "DE8937040044053201300",
             "DE893704004405320130000", "XX89 3704 0044 0532 0130 00",
             "DE89 37040 044 0532 0130 00", "DE89 3704-0044 0532 0130 00",
             "DE89  3704 0044 0532 0130 00", "D189 3704 0044 0532 0130 00", "DE89", "de89 ",
             "aDE89370400440532013000", "NL91 ABNA 0417 1643");
}

Test(values, finds_ibans_in_groups_whole_and_takes_them_for_no_phone_number)
{
    struct words w;
    words_of(slice_str("NL91 ABNA 0417 1643 00 ok"), &w);
    cr_expect_eq(w.seen, (unsigned)WORDS_IBAN);
    words_are("NL91 ABNA 0417 1643 00 ok", "nl91=W:nl91abna0417164300 abna 0417 1643 00 ok");
    words_are("NL91ABNA0417164300", "nl91abna0417164300");
}

#define MONERO                                                                                     \
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavu" \
    "p3H"

Test(values, finds_addresses_of_cryptocurrencies)
{
    ALL_HAVE(
        WORDS_CRYPTO, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "send to 3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy!",
        "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?amount=1",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "BC1SW50QGDZ25J",
        "to bc1pfeessrawgf now", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", MONERO);
    NONE_HAS(
        WORDS_CRYPTO, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "1a1zp1ep5qgefi2dmptftl5slmv7divfna",
        "11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLz",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3t4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj1",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0",
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6s", MONERO "1", "488" MONERO);
}

Test(values, tells_a_change_of_any_sign_of_an_address)
{
    static const char good[] = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    for (size_t i = 1; good[i]; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof bad);
        bad[i] = good[i] == 'x' ? 'y' : 'x';
        cr_expect_eq(seen_in(bad) & WORDS_CRYPTO, 0u, "%s", bad);
    }
}

Test(values, finds_coordinates)
{
    ALL_HAVE(WORDS_COORDINATES, "52.3702, 4.8952", "at 52.3702,4.8952!", "52.3702 4.895",
             "-33.8688, 151.2093", "(52.3702; -4.8952)", "52.3702\n4.8952", "+52.3702/+4.8952",
             "52.37\u00b0 N, 4.89\u00b0 E", "52.3702N 4.8952E", "N52.3702 E4.8952",
             "N 52.3702 E 4.8952", "4.8952E, 52.3702N", "52\u00b022'13\"N 4\u00b053'42\"E",
             "52\u00b0 22\u2032 13.5\u2033 N 4\u00b0 53\u2032 42\u2033 E",
             "N52\u00b022.215' E004\u00b053.702'", "S33\u00b051'35\" E151\u00b012'40\"",
             "52\u00b0N 4\u00b0E", "geo:52.37,4.89", "geo:48,16;u=30", "geo:-12.5,+100.25,17",
             "90.0000, 180.0000", "https://maps.google.com/?q=Dam",
             "https://www.google.nl/maps/place/Dam", "https://maps.app.goo.gl/abc",
             "http://www.openstreetmap.org/#map=15/52.3702/4.8952", "https://osm.org/go/0E6S",
             "https://x.org/?q=52.3702,4.8952", "sono a 52.3702, 4.8952 e poi",
             "w 52.3702, 4.8952 w Polsce", "geo:52.37,4.89 e poi", "91\u00b0N 52.3702, 4.8952",
             "\u221233.8688, 151.2093");
    NONE_HAS(WORDS_COORDINATES, "52.37, 4.89", "12.50 13.75", "1.000, 2.000", "90.0001, 4.8952",
             "52.3702, 180.0001", "152.3702, 4.8952", "1.52.3702, 4.8952", "52.3702, 4.8952.1",
             "52.3702", "52.3702, x", "52.3702 and 4.8952", "$52.3702 4.8952", "a52.3702, 4.8952",
             "52.3702a, 4.8952", "q52.3702, 4.8952", "n 52.3702 4.89",
             "52\u00b061'13\"N 4\u00b053'42\"E", "52\u00b0N 4\u00b0N", "52\u00b0 4\u00b0",
             "21\u00b0 today", "5N 6E", "192.168.1.1", "v1.2345.6 2.3456", "91\u00b0N 4\u00b0E",
             "geo:91,4", "geo:52", "ageo:52.1,4.2", "https://www.google.com/",
             "https://www.google.com/search?q=maps", "https://www.openstreetmap.org/",
             "https://notgoogle.com/maps/x", "https://google.evil.example.org/maps/x",
             "https://www.openstreetmap.org.evil.com/a");
}
