/* streams_write — which document each number of a stream is. Numbers come as runs, since streams
 * count. The documents of one device are a few conversations, each walked in order: naming which of
 * the conversations seen last goes on takes a byte, where a document number takes three or four. A
 * server's stream is not like that, so each block takes the smaller way. */
#include "store/segment_private.h"

void recent_push(struct recent *r, unsigned from, uint32_t doc)
{
    if (from == r->n && r->n < RECENT_DOCS)
        r->n++;
    else if (from == r->n)
        from--;
    memmove(r->docs + 1, r->docs, from * sizeof(*r->docs));
    r->docs[0] = doc;
}

/* Which of the recent documents `doc` follows closely; r->n if none. */
static unsigned recent_find(const struct recent *r, uint32_t doc)
{
    unsigned i = 0;

    while (i < r->n && doc - r->docs[i] >= RECENT_STEP) /* wraps where doc is before */
        i++;
    return i;
}

static void recent_encode(const uint32_t *docs, uint32_t n, struct buf *out)
{
    struct recent r = {0};

    for (uint32_t i = 0; i < n; i++) {
        unsigned j = recent_find(&r, docs[i]);
        if (j < r.n) {
            buf_put_u8(out, (uint8_t)(j * RECENT_STEP + (docs[i] - r.docs[j])));
        } else {
            buf_put_u8(out, RECENT_MISS);
            buf_put_u32(out, docs[i]);
        }
        recent_push(&r, j, docs[i]);
    }
}

static size_t recent_size(const uint32_t *docs, uint32_t n)
{
    struct recent r = {0};
    size_t size = n;

    for (uint32_t i = 0; i < n; i++) {
        unsigned j = recent_find(&r, docs[i]);
        size += j < r.n ? 0 : 4;
        recent_push(&r, j, docs[i]);
    }
    return size;
}

static void runs_encode(const uint64_t *seqs, uint32_t n, struct buf *out)
{
    uint64_t last = seqs[0];

    for (uint32_t i = 0; i < n;) {
        uint32_t len = 1;
        while (i + len < n && seqs[i + len] == seqs[i] + len)
            len++;
        buf_put_varint(out, seqs[i] - last);
        buf_put_varint(out, len);
        last = seqs[i] + len - 1;
        i += len;
    }
}

void seqs_encode(const uint64_t *seqs, const uint32_t *docs, uint32_t n, struct buf *out)
{
    uint64_t rest[SEQS_BLOCK] = {0};
    uint32_t min = UINT32_MAX, max = 0;

    for (uint32_t i = 0; i < n; i++) {
        min = docs[i] < min ? docs[i] : min;
        max = docs[i] > max ? docs[i] : max;
    }
    unsigned bits = bits_for(max - min);
    bool recent = recent_size(docs, n) < 5 + run_size(n, bits);
    buf_put_u8(out, recent ? SEQS_RECENT : SEQS_PACKED);
    runs_encode(seqs, n, out);
    if (recent) {
        recent_encode(docs, n, out);
        return;
    }
    buf_put_u32(out, min);
    buf_put_u8(out, (uint8_t)bits);
    for (uint32_t i = 0; i < n; i++)
        rest[i] = docs[i] - min;
    run_pack(rest, n, bits, out);
}

void stream_info_encode(const struct stream_info *i, uint8_t out[STREAM_INFO_ENTRY])
{
    store_u64(out, i->records);
    store_u64(out + 8, i->first_block);
    store_u64(out + 16, i->first_seq);
    store_u64(out + 24, i->last_seq);
    store_u64(out + 32, i->end_last_seq);
    out[40] = i->flags;
}
