/* fuzz_columns — blocks of packed integers and columns from anywhere: refused, or every value that
 * they give out is one that they may hold, and what was read encodes to the same values again.
 * Input: kind, number of values, then what the directory says (8 or 16 bytes), then the block. */
#include <stdlib.h>

#include "store/segment_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 5000

static void sent_try(struct cursor *c, uint32_t n)
{
    struct sent_bounds b = {.min = (int64_t)cursor_u64(c), .max = (int64_t)cursor_u64(c)};
    struct sent_block block;
    int64_t sent[COLUMN_BLOCK], again;
    struct buf out = {0};
    b.has_untimed = n % 2;
    struct slice bytes = cursor_bytes(c, cursor_left(c));
    if (c->bad || sent_parse(bytes, n, &b, &block, NULL) != ST_OK)
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (sent_get(&block, i, &sent[i], NULL) != ST_OK)
            return;
        MUST(sent[i] == TIME_NONE ? b.has_untimed : sent[i] >= b.min && sent[i] <= b.max);
    }
    sent_bounds_of(sent, n, &b);
    sent_encode(sent, n, &b, &out);
    MUST(!out.failed && sent_parse(buf_slice(&out), n, &b, &block, NULL) == ST_OK);
    for (uint32_t i = 0; i < n; i++)
        MUST(sent_get(&block, i, &again, NULL) == ST_OK && again == sent[i]);
    buf_release(&out);
}

static bool states_read(const struct state_block *b, uint32_t n, struct doc_state *out)
{
    for (uint32_t i = 0; i < n; i++)
        if (state_get(b, i, &out[i], NULL) != ST_OK)
            return false;
    return true;
}

static bool states_same(const struct doc_state *a, const struct doc_state *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].messages != b[i].messages || a[i].copies != b[i].copies ||
            a[i].flags != b[i].flags)
            return false;
    return true;
}

static void state_try(struct cursor *c, uint32_t n)
{
    struct state_block block;
    struct doc_state states[COLUMN_BLOCK], again[COLUMN_BLOCK];
    struct buf out = {0};
    if (state_parse(c, n, &block, NULL) != ST_OK || !states_read(&block, n, states))
        return;
    state_encode(states, n, &out);
    struct cursor c2 = cursor_of(buf_slice(&out));
    MUST(state_parse(&c2, n, &block, NULL) == ST_OK && states_read(&block, n, again));
    MUST(states_same(states, again, n));
    buf_release(&out);
}

static void patch_try(struct cursor *c, uint32_t n)
{
    struct patch_block block, block_again;
    struct doc_state states[COLUMN_BLOCK], again[COLUMN_BLOCK];
    struct buf out = {0};
    uint32_t first = cursor_u32(c);
    if (patch_parse(cursor_bytes(c, cursor_left(c)), first, n, LIMIT, &block, NULL) != ST_OK)
        return;
    MUST(block.n == n && block.docs[0] == first);
    for (uint32_t i = 0; i < n; i++)
        MUST(block.docs[i] < LIMIT && (i == 0 || block.docs[i] > block.docs[i - 1]));
    if (!states_read(&block.states, n, states))
        return;
    patch_encode(block.docs, states, n, &out);
    MUST(patch_parse(buf_slice(&out), first, n, LIMIT, &block_again, NULL) == ST_OK);
    MUST(memcmp(block.docs, block_again.docs, n * sizeof *block.docs) == 0);
    MUST(states_read(&block_again.states, n, again) && states_same(states, again, n));
    buf_release(&out);
}

static void keys_try(struct cursor *c, uint32_t n)
{
    struct key_entry keys[COLUMN_BLOCK], again[COLUMN_BLOCK];
    struct buf out = {0};
    uint64_t first = cursor_u64(c);
    if (keys_parse(cursor_bytes(c, cursor_left(c)), first, n, LIMIT, keys, NULL) != ST_OK)
        return;
    for (uint32_t i = 0; i < n; i++)
        MUST(keys[i].doc < LIMIT && (i == 0 || keys[i].fingerprint >= keys[i - 1].fingerprint));
    keys_encode(keys, n, &out);
    MUST(keys_parse(buf_slice(&out), keys[0].fingerprint, n, LIMIT, again, NULL) == ST_OK);
    for (uint32_t i = 0; i < n; i++)
        MUST(keys[i].doc == again[i].doc && keys[i].fingerprint == again[i].fingerprint);
    buf_release(&out);
}

static void seqs_try(struct cursor *c, uint32_t n)
{
    struct seq_doc seqs[SEQS_BLOCK], again[SEQS_BLOCK];
    uint64_t numbers[SEQS_BLOCK] = {0};
    uint32_t docs[SEQS_BLOCK] = {0};
    struct buf out = {0};
    uint64_t first = cursor_u64(c);
    if (seqs_parse(cursor_bytes(c, cursor_left(c)), first, n, LIMIT, seqs, NULL) != ST_OK)
        return;
    for (uint32_t i = 0; i < n; i++) {
        MUST(seqs[i].doc < LIMIT && seqs[i].seq <= SEQ_MAX);
        MUST(i == 0 || seqs[i].seq >= seqs[i - 1].seq);
        numbers[i] = seqs[i].seq;
        docs[i] = seqs[i].doc;
    }
    seqs_encode(numbers, docs, n, &out);
    MUST(seqs_parse(buf_slice(&out), numbers[0], n, LIMIT, again, NULL) == ST_OK);
    for (uint32_t i = 0; i < n; i++)
        MUST(seqs[i].seq == again[i].seq && seqs[i].doc == again[i].doc);
    buf_release(&out);
}

/* The vector twin is the scalar one; what was unpacked packs to the same bytes. */
static void block_try(struct cursor *c, unsigned bits)
{
    uint32_t a[BITPACK_BLOCK], b[BITPACK_BLOCK];
    struct buf out = {0};
    bits %= 33;
    struct slice in = cursor_bytes(c, block_size(bits));
    if (c->bad || bits == 0)
        return;
    /* In memory of just that size, so that the sanitizer sees a read beyond. */
    uint8_t *exact = malloc(in.len);
    MUST(exact);
    memcpy(exact, in.data, in.len);
    block_unpack_scalar(exact, bits, a);
    block_unpack(exact, bits, b);
    MUST(memcmp(a, b, sizeof a) == 0);
    if (block_avx2_usable()) {
        block_unpack_avx2(exact, bits, b);
        MUST(memcmp(a, b, sizeof a) == 0);
    }
    free(exact);
    block_pack(a, bits, &out);
    MUST(slice_eq(buf_slice(&out), in));
    buf_release(&out);
}

static void run_try(struct cursor *c, unsigned bits)
{
    uint64_t values[BITPACK_BLOCK];
    struct buf out = {0};
    bits = 1 + bits % 64;
    size_t n = cursor_left(c) * 8 / bits;
    n = n > BITPACK_BLOCK ? BITPACK_BLOCK : n;
    size_t len = run_size(n, bits);
    struct slice in = cursor_bytes(c, len);
    uint8_t *exact = malloc(len + 1);
    MUST(exact && !c->bad);
    memcpy(exact, in.data, len);
    for (size_t i = 0; i < n; i++) {
        values[i] = run_get(slice_of(exact, len), i, bits);
        MUST(values[i] <= bits_mask(bits));
    }
    run_pack(values, n, bits, &out);
    for (size_t i = 0; i < n; i++)
        MUST(run_get(buf_slice(&out), i, bits) == values[i]);
    free(exact);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(slice_of(data, size));
    unsigned kind = cursor_u8(&c), n = cursor_u8(&c);
    uint32_t in_block = 1 + n % COLUMN_BLOCK;
    if (c.bad || cursor_left(&c) > COLUMN_BYTES_MAX)
        return 0;
    switch (kind % 7) {
    case 0:
        sent_try(&c, in_block);
        break;
    case 1:
        state_try(&c, in_block);
        break;
    case 2:
        patch_try(&c, in_block);
        break;
    case 3:
        keys_try(&c, in_block);
        break;
    case 4:
        seqs_try(&c, 1 + n * 2);
        break;
    case 5:
        block_try(&c, n);
        break;
    default:
        if (cursor_left(&c) > 0)
            run_try(&c, n);
    }
    return 0;
}
