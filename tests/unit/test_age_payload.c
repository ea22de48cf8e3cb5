/* test_age_payload — chunks: order, end, damage, and what is said of it where. */
#include <sodium.h>

#include "age_testing.h"

#define FULL AGE_CHUNK
#define WHOLE(n) (AGE_NONCE + (n) * (uint64_t)AGE_SEALED)

static const uint8_t file_key[AGE_FILE_KEY] = "a file key 16 b";
static struct buf file;
static struct err err;

static void teardown(void) { buf_release(&file); }

TestSuite(age_payload, .fini = teardown);

/* Reads the payload in `file`; *chunks counts what came before the end. */
static enum status reads(size_t step, size_t *chunks)
{
    struct memory m = {.bytes = buf_slice(&file), .step = step};
    struct age_reader *r = NULL;
    struct slice chunk;
    struct buf plain = {0};
    enum status st, again;
    memset(&err, 0, sizeof err);
    *chunks = 0;
    cr_assert_eq(age_reader_open_payload(memory_source(&m), file_key, &r, NULL), ST_OK);
    while ((st = age_reader_next(r, &chunk, &err)) == ST_OK) {
        fill_plain(&plain, chunk.len);
        cr_assert(slice_eq(chunk, buf_slice(&plain)));
        ++*chunks;
    }
    struct err second = {0};
    again = age_reader_next(r, &chunk, &second);
    cr_assert_eq(st, again, "the failure does not last");
    cr_assert_eq(err.at, second.at);
    age_reader_close(r);
    buf_release(&plain);
    return st;
}

static void forge(const struct forged_chunk *c, size_t n)
{
    buf_clear(&file);
    forge_payload(&file, file_key, c, n);
}

static void is_good(size_t chunks)
{
    static const size_t steps[] = {0, 1, 4096, AGE_SEALED};
    for (size_t i = 0; i < 4; i++) {
        size_t n;
        cr_assert_eq(reads(steps[i], &n), ST_END, "%s", err.text);
        cr_assert_eq(n, chunks);
    }
}

static void is_bad(size_t chunks, const char *reason, uint64_t at)
{
    static const size_t steps[] = {0, 1, AGE_SEALED};
    for (size_t i = 0; i < 3; i++) {
        size_t n;
        cr_assert_eq(reads(steps[i], &n), ST_BAD_INPUT);
        cr_assert_str_eq(err.reason, reason);
        cr_assert_eq(n, chunks, "%zu chunks", n);
        cr_assert_eq(err.at, at, "at %llu", (unsigned long long)err.at);
    }
}

#define FORGE(...)                                                                                 \
    forge((const struct forged_chunk[]){__VA_ARGS__},                                              \
          sizeof((const struct forged_chunk[]){__VA_ARGS__}) / sizeof(struct forged_chunk))

Test(age_payload, reads_chunks_of_every_shape)
{
    FORGE({0, 0, true});
    is_good(1);
    FORGE({1, 0, true});
    is_good(1);
    FORGE({FULL, 0, true});
    is_good(1);
    FORGE({FULL, 0, false}, {1, 1, true});
    is_good(2);
    FORGE({FULL, 0, false}, {FULL, 1, false}, {FULL, 2, true});
    is_good(3);
}

Test(age_payload, counts_beyond_one_byte)
{
    struct forged_chunk c[259];
    for (size_t i = 0; i < 259; i++)
        c[i] = (struct forged_chunk){.len = i < 258 ? FULL : 3, .counter = i, .last = i == 258};
    forge(c, 259);
    size_t n;
    cr_assert_eq(reads(0, &n), ST_END, "%s", err.text);
    cr_assert_eq(n, 259);
}

Test(age_payload, numbers_chunks_in_eleven_big_endian_bytes_and_a_flag)
{
    static const uint8_t key[AGE_KEY] = {1}, nonce[12] = {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1};
    uint8_t ours[3 + AGE_TAG], sodiums[3 + AGE_TAG];
    struct age_chunks c;
    cr_assert_eq(age_chunks_init(&c, key, true, NULL), ST_OK);
    age_chunk_seal(&c, UINT64_C(0x0102030405060708), true, (const uint8_t *)"abc", 3, ours);
    age_chunks_release(&c);
    crypto_aead_chacha20poly1305_ietf_encrypt(sodiums, NULL, (const uint8_t *)"abc", 3, NULL, 0,
                                              NULL, nonce, key);
    cr_assert_arr_eq(ours, sodiums, sizeof ours);
}

Test(age_payload, refuses_an_empty_final_chunk_of_a_payload_that_is_not_empty)
{
    FORGE({FULL, 0, false}, {0, 1, true});
    is_bad(1, "chunk", WHOLE(1));
}

Test(age_payload, says_cut_where_the_final_chunk_is_missing)
{
    FORGE({FULL, 0, false});
    is_bad(1, "cut", WHOLE(1));
    FORGE({FULL, 0, false}, {FULL, 1, false});
    is_bad(2, "cut", WHOLE(2));
    FORGE({5, 0, false});
    is_bad(0, "cut", AGE_NONCE);
    buf_clear(&file);
    is_bad(0, "cut", 0);
    forge(NULL, 0);
    is_bad(0, "cut", AGE_NONCE);
    file.len--;
    is_bad(0, "cut", 0);
}

Test(age_payload, says_cut_wherever_the_input_ends_and_gives_the_whole_chunks_before)
{
    FORGE({FULL, 0, false}, {100, 1, true});
    size_t whole = file.len, n;
    for (size_t cut = 1; cut < 100 + AGE_TAG; cut++) {
        file.len = whole - cut;
        cr_assert_eq(reads(0, &n), ST_BAD_INPUT);
        cr_assert_str_eq(err.reason, "cut");
        cr_assert(n == 1 && err.at == WHOLE(1));
    }
    for (size_t len = 0; len < AGE_SEALED; len += 4099) {
        file.len = AGE_NONCE + len;
        cr_assert_eq(reads(0, &n), ST_BAD_INPUT);
        cr_assert_str_eq(err.reason, "cut");
        cr_assert(n == 0 && err.at == AGE_NONCE);
    }
}

Test(age_payload, says_chunk_where_one_with_more_behind_it_does_not_authenticate)
{
    FORGE({FULL, 0, false}, {FULL, 1, false}, {9, 2, true});
    file.data[WHOLE(1) + 77] ^= 4;
    is_bad(1, "chunk", WHOLE(1));
    file.data[WHOLE(1) + 77] ^= 4;
    file.data[3] ^= 1; /* the nonce */
    is_bad(0, "chunk", AGE_NONCE);
    file.data[3] ^= 1;
    is_good(3);
}

Test(age_payload, refuses_chunks_out_of_order)
{
    FORGE({FULL, 1, false}, {FULL, 0, false}, {9, 2, true});
    is_bad(0, "chunk", AGE_NONCE);
    FORGE({FULL, 0, false}, {FULL, 0, false}, {9, 1, true});
    is_bad(1, "chunk", WHOLE(1));
    FORGE({FULL, 0, false}, {FULL, 2, false}, {9, 3, true});
    is_bad(1, "chunk", WHOLE(1));
    FORGE({FULL, 0, false}, {9, 2, true});
    is_bad(1, "cut", WHOLE(1));
}

Test(age_payload, refuses_a_short_chunk_before_the_end)
{
    FORGE({100, 0, false}, {FULL, 1, true});
    is_bad(0, "chunk", AGE_NONCE);
}

Test(age_payload, says_trailing_bytes_behind_a_full_final_chunk)
{
    FORGE({FULL, 0, true});
    buf_put_u8(&file, 'x');
    is_bad(1, "trailing-bytes", WHOLE(1));
    FORGE({FULL, 0, false}, {FULL, 1, true}, {FULL, 2, false}, {4, 3, true});
    is_bad(2, "trailing-bytes", WHOLE(2));
    FORGE({FULL, 0, true}, {0, 1, true});
    is_bad(1, "trailing-bytes", WHOLE(1));
}

Test(age_payload, finds_where_a_short_final_chunk_ends_if_bytes_were_appended)
{
    static const size_t lens[] = {1, 10, 15, 16, 17, 31, 32, 100, FULL - 1};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
        for (size_t extra = 1; extra < 40; extra += 19) {
            FORGE({lens[i], 0, true});
            for (size_t k = 0; k < extra; k++)
                buf_put_u8(&file, 'x');
            is_bad(1, "trailing-bytes", AGE_NONCE + lens[i] + AGE_TAG);
        }
    FORGE({0, 0, true});
    buf_put_u8(&file, 'x');
    is_bad(1, "trailing-bytes", AGE_NONCE + AGE_TAG);
    FORGE({100, 0, true}, {FULL, 1, true});
    is_bad(1, "trailing-bytes", AGE_NONCE + 100 + AGE_TAG);
    FORGE({FULL, 0, false}, {9, 1, true}, {FULL, 0, false}, {9, 1, true});
    is_bad(2, "trailing-bytes", WHOLE(1) + 9 + AGE_TAG);
    FORGE({FULL, 0, false}, {0, 1, true}, {9, 2, true}); /* an empty final chunk stays none */
    is_bad(1, "cut", WHOLE(1));
}

Test(age_payload, refuses_every_flipped_bit_of_a_small_one)
{
    FORGE({6, 0, true});
    size_t n;
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.data[bit / 8] = (uint8_t)(file.data[bit / 8] ^ 1u << bit % 8);
        cr_assert_eq(reads(0, &n), ST_BAD_INPUT);
        cr_assert_eq(n, 0);
        file.data[bit / 8] = (uint8_t)(file.data[bit / 8] ^ 1u << bit % 8);
    }
    is_good(1);
}

Test(age_payload, hands_out_no_byte_of_a_file_of_another_key)
{
    static const uint8_t other_key[AGE_FILE_KEY] = "another file key";
    FORGE({FULL, 0, false}, {6, 1, true});
    struct memory m = {.bytes = buf_slice(&file)};
    struct age_reader *r = NULL;
    struct slice chunk;
    cr_assert_eq(age_reader_open_payload(memory_source(&m), other_key, &r, NULL), ST_OK);
    cr_assert_eq(age_reader_next(r, &chunk, NULL), ST_BAD_INPUT);
    age_reader_close(r);
}
