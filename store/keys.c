/* keys — the sorted fingerprints of a segment's contents.
 * Sorting is an in-place radix sort from the top byte (12 bytes a document stay 12): buckets are
 * even, because fingerprints are SHA-256; whoever makes many equal ones only meets qsort. */
#include <stdlib.h>

#include "store/segment_private.h"

static uint64_t item_fingerprint(const struct key_item *k) { return (uint64_t)k->hi << 32 | k->lo; }

static int item_cmp(const void *a, const void *b)
{
    const struct key_item *x = a, *y = b;
    uint64_t fx = item_fingerprint(x), fy = item_fingerprint(y);
    return fx != fy ? (fx > fy) - (fx < fy) : (x->doc > y->doc) - (x->doc < y->doc);
}

static void insertion_sort(struct key_item *k, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct key_item v = k[i];
        size_t j = i;
        for (; j && item_cmp(&k[j - 1], &v) > 0; j--)
            k[j] = k[j - 1];
        k[j] = v;
    }
}

static unsigned item_byte(const struct key_item *k, unsigned depth)
{
    return (unsigned)(item_fingerprint(k) >> (56 - 8 * depth)) & 0xFF;
}

enum { BUCKETS = 256, SMALL = 48, DEPTH_MAX = 3 };

/* Puts every item into the bucket of its byte at `depth` by cycles. */
static void buckets_split(struct key_item *k, size_t n, unsigned depth, size_t start[BUCKETS + 1])
{
    size_t next[BUCKETS], count[BUCKETS] = {0};

    for (size_t i = 0; i < n; i++)
        count[item_byte(&k[i], depth)]++;
    start[0] = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        start[b + 1] = start[b] + count[b];
        next[b] = start[b];
    }
    for (unsigned b = 0; b < BUCKETS; b++) {
        while (next[b] < start[b + 1]) {
            struct key_item v = k[next[b]];
            unsigned to = item_byte(&v, depth);
            while (to != b) {
                struct key_item swap = k[next[to]];
                k[next[to]++] = v;
                v = swap;
                to = item_byte(&v, depth);
            }
            k[next[b]++] = v;
        }
    }
}

static void sort_at(struct key_item *k, size_t n, unsigned depth)
{
    size_t start[BUCKETS + 1];

    if (n <= SMALL) {
        insertion_sort(k, n);
        return;
    }
    if (depth > DEPTH_MAX) { /* 32 equal bits and still many: made on purpose */
        qsort(k, n, sizeof(*k), item_cmp);
        return;
    }
    buckets_split(k, n, depth, start);
    for (unsigned b = 0; b < BUCKETS; b++)
        sort_at(k + start[b], start[b + 1] - start[b], depth + 1);
}

void keys_sort(struct key_item *keys, size_t n) { sort_at(keys, n, 0); }

enum status keys_write(struct sink *out, const struct key_item *keys, uint32_t n, struct err *err)
{
    struct key_entry block[COLUMN_BLOCK];
    struct buf b = {0};
    enum status st = ST_OK;

    for (uint32_t i = 0; i < n && st == ST_OK; i += COLUMN_BLOCK) {
        uint32_t m = n - i < COLUMN_BLOCK ? n - i : COLUMN_BLOCK;
        uint8_t entry[KEYS_ENTRY];
        for (uint32_t j = 0; j < m; j++)
            block[j] = (struct key_entry){.fingerprint = item_fingerprint(&keys[i + j]),
                                          .doc = keys[i + j].doc};
        store_u64(entry, block[0].fingerprint);
        store_u64(entry + 8, sink_size(out, SEC_KEYS));
        keys_encode(block, m, &b);
        st = sink_append(out, SEC_KEYS_DIR, entry, sizeof(entry), err);
        if (st == ST_OK)
            st = sink_take(out, SEC_KEYS, &b, err);
    }
    buf_release(&b);
    return st;
}

static int first_cmp(const uint8_t *entry, const void *key)
{
    uint64_t first = load_u64(entry), fp = *(const uint64_t *)key;
    /* "Greater" also where equal: the search then counts the blocks that begin below `fp`. */
    return first >= fp ? 1 : -1;
}

/* Block `i` into x->keys; *n = its entries. */
static enum status keys_block(struct segment *s, struct segment_scratch *x, uint64_t i, uint32_t *n,
                              struct err *err)
{
    struct piece p = {0};
    struct slice data = {0};
    uint64_t left = s->docs - i * COLUMN_BLOCK;

    TRY(directory_piece(&s->keys, i, 8, SEC_KEYS, COLUMN_BYTES_MAX, &x->dir, &p, err));
    uint64_t first = load_u64(p.entry);
    TRY(source_read(s->keys.src, SEC_KEYS, p.off, p.len, &x->data, &data, err));
    *n = left < COLUMN_BLOCK ? (uint32_t)left : COLUMN_BLOCK;
    return keys_parse(data, first, *n, s->docs, x->keys, err);
}

enum status segment_key_find(struct segment *s, struct segment_scratch *x, const uint8_t *key,
                             size_t len, size_t max, struct buf *docs, struct err *err)
{
    uint64_t low = 0, block = 0;
    size_t found = 0;

    if (len < 1 || len > 8)
        return err_set(err, ST_USAGE, "a key prefix has 1 to 8 bytes");
    for (size_t i = 0; i < len; i++)
        low |= (uint64_t)key[i] << (56 - 8 * i);
    uint64_t high = low | ~(UINT64_MAX << (64 - 8 * len) % 64);
    TRY(directory_search(&s->keys, first_cmp, &low, &x->dir, &block, err));
    /* The block before may end in keys of this prefix. */
    for (block -= block > 0; block < s->keys.n; block++) {
        uint32_t n = 0;
        TRY(keys_block(s, x, block, &n, err));
        for (uint32_t i = 0; i < n; i++) {
            if (x->keys[i].fingerprint > high)
                return buf_status(docs, err);
            if (x->keys[i].fingerprint < low)
                continue;
            if (++found > max)
                return err_set(err, ST_LIMIT, "more than %zu contents have this id prefix", max);
            buf_put(docs, &x->keys[i].doc, sizeof(x->keys[i].doc));
        }
    }
    return buf_status(docs, err);
}

enum status segment_keys(struct segment *s, struct segment_scratch *x, uint32_t from, uint32_t n,
                         struct key_entry *out, struct err *err)
{
    uint64_t last = 0;
    if (n > 65536 || from > s->docs || n > s->docs - from)
        return err_set(err, ST_USAGE, "keys are read 65536 at a time, within the segment");
    while (n) {
        uint32_t have = 0, skip = from % COLUMN_BLOCK;
        TRY(keys_block(s, x, from / COLUMN_BLOCK, &have, err));
        uint32_t take = have - skip < n ? have - skip : n;
        if (x->keys[skip].fingerprint < last)
            return err_set(err, ST_DAMAGED, "keys: blocks are out of order");
        memcpy(out, x->keys + skip, take * sizeof(*out));
        last = out[take - 1].fingerprint;
        out += take;
        from += take;
        n -= take;
    }
    return ST_OK;
}
