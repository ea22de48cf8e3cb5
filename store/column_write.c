/* column_write — blocks as small as their greatest difference allows. Times of one conversation lie
 * close together and are often whole seconds: the unit of a block is then a second. */
#include "store/bitpack.h"
#include "store/column.h"

enum { SECOND = 1000 };

void sent_bounds_of(const int64_t *sent, uint32_t n, struct sent_bounds *out)
{
    struct sent_bounds b = {.min = INT64_MAX, .max = INT64_MIN};

    for (uint32_t i = 0; i < n; i++) {
        if (sent[i] == TIME_NONE) {
            b.has_untimed = true;
            continue;
        }
        b.min = sent[i] < b.min ? sent[i] : b.min;
        b.max = sent[i] > b.max ? sent[i] : b.max;
    }
    *out = b;
}

static uint64_t since(int64_t t, int64_t min) { return (uint64_t)t - (uint64_t)min; }

static bool whole_seconds(const int64_t *sent, uint32_t n, int64_t min)
{
    for (uint32_t i = 0; i < n; i++)
        if (sent[i] != TIME_NONE && since(sent[i], min) % SECOND != 0)
            return false;
    return true;
}

void sent_encode(const int64_t *sent, uint32_t n, const struct sent_bounds *b, struct buf *out)
{
    bool timed = b->min <= b->max;
    bool seconds = timed && whole_seconds(sent, n, b->min);
    uint64_t unit = seconds ? SECOND : 1;
    /* The greatest value of a block with untimed documents stands for "none"; the range is at most
     * 2^64 - 2 because TIME_NONE is no time, so + 1 cannot wrap. */
    uint64_t range = timed ? since(b->max, b->min) / unit : 0;
    unsigned bits = bits_for(timed && b->has_untimed ? range + 1 : range);
    uint64_t values[COLUMN_BLOCK];

    for (uint32_t i = 0; i < n; i++)
        values[i] = sent[i] == TIME_NONE ? bits_mask(bits) : since(sent[i], b->min) / unit;
    buf_put_u8(out, (uint8_t)bits);
    buf_put_u8(out, seconds ? 1 : 0);
    run_pack(values, n, bits, out);
}

static void column_encode(const uint64_t *values, uint32_t n, struct buf *out)
{
    uint64_t min = UINT64_MAX, max = 0, rest[COLUMN_BLOCK];

    for (uint32_t i = 0; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    for (uint32_t i = 0; i < n; i++)
        rest[i] = values[i] - min;
    unsigned bits = bits_for(max - min);
    buf_put_u8(out, (uint8_t)bits);
    buf_put_varint(out, min);
    run_pack(rest, n, bits, out);
}

void state_encode(const struct doc_state *states, uint32_t n, struct buf *out)
{
    uint64_t v[COLUMN_BLOCK] = {0};

    for (uint32_t i = 0; i < n; i++)
        v[i] = states[i].messages;
    column_encode(v, n, out);
    for (uint32_t i = 0; i < n; i++)
        v[i] = states[i].copies;
    column_encode(v, n, out);
    for (uint32_t i = 0; i < n; i++)
        v[i] = states[i].flags;
    column_encode(v, n, out);
}

void patch_encode(const uint32_t *docs, const struct doc_state *states, uint32_t n, struct buf *out)
{
    uint64_t gaps[COLUMN_BLOCK], max = 0;

    for (uint32_t i = 1; i < n; i++) {
        gaps[i - 1] = docs[i] - docs[i - 1] - 1;
        max |= gaps[i - 1];
    }
    buf_put_u8(out, (uint8_t)bits_for(max));
    run_pack(gaps, n - 1, bits_for(max), out);
    state_encode(states, n, out);
}

void keys_encode(const struct key_entry *keys, uint32_t n, struct buf *out)
{
    uint64_t v[COLUMN_BLOCK], gaps = 0, docs = 0;

    for (uint32_t i = 0; i < n; i++) {
        gaps |= i ? keys[i].fingerprint - keys[i - 1].fingerprint : 0;
        docs |= keys[i].doc;
    }
    buf_put_u8(out, (uint8_t)bits_for(gaps));
    buf_put_u8(out, (uint8_t)bits_for(docs));
    for (uint32_t i = 1; i < n; i++)
        v[i - 1] = keys[i].fingerprint - keys[i - 1].fingerprint;
    run_pack(v, n - 1, bits_for(gaps), out);
    for (uint32_t i = 0; i < n; i++)
        v[i] = keys[i].doc;
    run_pack(v, n, bits_for(docs), out);
}
