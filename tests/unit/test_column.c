/* Unit tests of column: each block gives back what was put in; cut or changed bytes are refused or
 * read as other values, never beyond their end. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "segment_testing.h"
#include "store/column.h"

static void sent_round_trip(const int64_t *sent, uint32_t n)
{
    struct sent_bounds b;
    struct sent_block block;
    struct buf out = {0};

    sent_bounds_of(sent, n, &b);
    sent_encode(sent, n, &b, &out);
    cr_assert_eq(sent_parse(buf_slice(&out), n, &b, &block, NULL), ST_OK);
    for (uint32_t i = 0; i < n; i++) {
        int64_t t = 0;
        cr_assert_eq(sent_get(&block, i, &t, NULL), ST_OK);
        cr_assert_eq(t, sent[i], "%u", i);
        cr_assert(t == TIME_NONE ? b.has_untimed : t >= b.min && t <= b.max);
    }
    cr_assert_neq(sent_get(&block, n, &(int64_t){0}, NULL), ST_OK);
    buf_release(&out);
}

Test(column, gives_back_times_of_every_shape)
{
    int64_t t[COLUMN_BLOCK];

    for (uint32_t i = 0; i < COLUMN_BLOCK; i++)
        t[i] = made_sent(i);
    sent_round_trip(t, COLUMN_BLOCK);
    sent_round_trip(t, 1);
    sent_round_trip((int64_t[]){TIME_NONE, TIME_NONE}, 2);
    sent_round_trip((int64_t[]){TIME_NONE, 5, TIME_NONE}, 3);
    sent_round_trip((int64_t[]){INT64_MAX, INT64_MIN + 1, TIME_NONE, 0, -1}, 5);
    sent_round_trip((int64_t[]){INT64_MAX, INT64_MIN + 1, 0, -1}, 4);
    sent_round_trip((int64_t[]){0, 1000, TIME_NONE, 7000}, 4);
}

Test(column, whole_seconds_take_ten_bits_less)
{
    int64_t a[64], b[64];
    struct sent_bounds ab, bb;
    struct buf ao = {0}, bo = {0};
    for (int i = 0; i < 64; i++) {
        a[i] = INT64_C(1585000000000) + i * 61000;
        b[i] = a[i] + i % 2;
    }
    sent_bounds_of(a, 64, &ab);
    sent_bounds_of(b, 64, &bb);
    sent_encode(a, 64, &ab, &ao);
    sent_encode(b, 64, &bb, &bo);
    cr_assert_eq(bo.len - ao.len, 64 * 10 / 8);
    buf_release(&ao);
    buf_release(&bo);
}

Test(column, refuses_a_time_outside_of_its_bounds)
{
    int64_t t[3] = {0, 6, 7}, got;
    struct sent_bounds b;
    struct sent_block block;
    struct buf out = {0};
    sent_bounds_of(t, 3, &b);
    sent_encode(t, 3, &b, &out);
    b.max = 6;
    cr_assert_eq(sent_parse(buf_slice(&out), 3, &b, &block, NULL), ST_OK);
    cr_assert_eq(sent_get(&block, 1, &got, NULL), ST_OK);
    cr_assert_eq(sent_get(&block, 2, &got, NULL), ST_DAMAGED);
    b.min = 8;
    cr_assert_eq(sent_parse(buf_slice(&out), 3, &b, &block, NULL), ST_DAMAGED);
    buf_release(&out);
}

Test(column, gives_back_states)
{
    struct doc_state s[COLUMN_BLOCK], got;
    for (uint32_t n = 1; n <= COLUMN_BLOCK; n += 1 + n / 2) {
        struct buf out = {0};
        struct state_block block;
        for (uint32_t i = 0; i < n; i++)
            s[i] = made_state(i * 31);
        s[n - 1] = (struct doc_state){UINT32_MAX, UINT32_MAX, UINT16_MAX};
        state_encode(s, n, &out);
        struct cursor c = cursor_of(buf_slice(&out));
        cr_assert_eq(state_parse(&c, n, &block, NULL), ST_OK);
        for (uint32_t i = 0; i < n; i++) {
            cr_assert_eq(state_get(&block, i, &got, NULL), ST_OK);
            cr_assert_eq(got.messages, s[i].messages);
            cr_assert_eq(got.copies, s[i].copies);
            cr_assert_eq(got.flags, s[i].flags);
        }
        buf_release(&out);
    }
}

static const uint32_t patch_docs[5] = {3, 4, 90, 91, 4000};

static void patch_make(struct buf *out)
{
    struct doc_state s[5];
    for (uint32_t i = 0; i < 5; i++)
        s[i] = made_state(patch_docs[i]);
    patch_encode(patch_docs, s, 5, out);
}

Test(column, gives_back_patches)
{
    struct buf out = {0};
    struct patch_block p;
    patch_make(&out);
    cr_assert_eq(patch_parse(buf_slice(&out), 3, 5, 4001, &p, NULL), ST_OK);
    cr_assert_arr_eq(p.docs, patch_docs, sizeof(patch_docs));
    cr_assert_eq(patch_parse(buf_slice(&out), 3, 5, 4000, &p, NULL), ST_DAMAGED);
    buf_release(&out);
}

static void keys_make(struct key_entry *keys, uint32_t n, struct buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (struct key_entry){.fingerprint = 1000 + (uint64_t)(i / 2) * 0x123456789abULL,
                                     .doc = i / 2 * 2 + 1 + i % 2};
    keys_encode(keys, n, out);
}

Test(column, gives_back_keys_also_equal_ones)
{
    struct key_entry keys[COLUMN_BLOCK], got[COLUMN_BLOCK];
    struct buf out = {0};
    keys_make(keys, COLUMN_BLOCK, &out);
    cr_assert_eq(keys_parse(buf_slice(&out), 1000, COLUMN_BLOCK, 129, got, NULL), ST_OK);
    for (uint32_t i = 0; i < COLUMN_BLOCK; i++) {
        cr_assert_eq(got[i].fingerprint, keys[i].fingerprint);
        cr_assert_eq(got[i].doc, keys[i].doc);
    }
    cr_assert_eq(keys_parse(buf_slice(&out), 1000, COLUMN_BLOCK, 128, got, NULL), ST_DAMAGED);
    cr_assert_eq(keys_parse(buf_slice(&out), UINT64_MAX, COLUMN_BLOCK, 129, got, NULL), ST_DAMAGED);
    buf_release(&out);
}

/* All four decoders on the same bytes, in memory of just that size: a bit for each that takes them.
 */
static unsigned parsed_by(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    struct sent_bounds b = {.min = 5, .max = 500000, .has_untimed = true};
    struct sent_block sent;
    struct state_block state;
    struct patch_block patch;
    struct key_entry keys[COLUMN_BLOCK];
    struct doc_state s;
    int64_t t;
    unsigned ok = 0;

    if (len)
        memcpy(exact, data, len);
    struct slice in = slice_of(exact, len);
    struct cursor c = cursor_of(in);
    if (sent_parse(in, 20, &b, &sent, NULL) == ST_OK) {
        ok |= 1;
        for (uint32_t i = 0; i < 20; i++)
            (void)!sent_get(&sent, i, &t, NULL);
    }
    if (state_parse(&c, 20, &state, NULL) == ST_OK) {
        ok |= 2;
        for (uint32_t i = 0; i < 20; i++)
            (void)!state_get(&state, i, &s, NULL);
    }
    ok |= patch_parse(in, 3, 5, 4001, &patch, NULL) == ST_OK ? 4 : 0;
    ok |= keys_parse(in, 1000, 9, 129, keys, NULL) == ST_OK ? 8 : 0;
    free(exact);
    return ok;
}

Test(column, refuses_every_truncation_and_survives_every_bit_flip)
{
    struct buf out[4] = {0};
    struct sent_bounds b = {.min = 5, .max = 500000, .has_untimed = true};
    struct doc_state s[20];
    struct key_entry keys[9];
    int64_t t[20];

    for (uint32_t i = 0; i < 20; i++) {
        t[i] = i % 7 ? 5 + i * 333 : TIME_NONE;
        s[i] = made_state(i * 3);
    }
    sent_encode(t, 20, &b, &out[0]);
    state_encode(s, 20, &out[1]);
    patch_make(&out[2]);
    keys_make(keys, 9, &out[3]);
    for (int k = 0; k < 4; k++) {
        cr_assert(parsed_by(out[k].data, out[k].len) >> k & 1);
        for (size_t n = 0; n < out[k].len; n++)
            cr_assert(!(parsed_by(out[k].data, n) >> k & 1), "%d %zu", k, n);
        for (size_t bit = 0; bit < out[k].len * 8; bit++) {
            out[k].data[bit / 8] = (uint8_t)(out[k].data[bit / 8] ^ 1u << bit % 8);
            parsed_by(out[k].data, out[k].len);
            out[k].data[bit / 8] = (uint8_t)(out[k].data[bit / 8] ^ 1u << bit % 8);
        }
        buf_release(&out[k]);
    }
}

Test(column, sorts_keys_by_fingerprint_then_document)
{
    enum { N = 20000 };
    struct key_item *k = calloc(N, sizeof(*k));
    for (uint32_t i = 0; i < N; i++) {
        uint64_t fp = i % 3 ? mix(i) : 42; /* a third of them equal */
        k[i] = (struct key_item){(uint32_t)(fp >> 32), (uint32_t)fp, (uint32_t)mix(i) % N};
    }
    keys_sort(k, N);
    for (uint32_t i = 1; i < N; i++) {
        uint64_t a = (uint64_t)k[i - 1].hi << 32 | k[i - 1].lo,
                 b = (uint64_t)k[i].hi << 32 | k[i].lo;
        cr_assert(a < b || (a == b && k[i - 1].doc <= k[i].doc));
    }
    free(k);
}
