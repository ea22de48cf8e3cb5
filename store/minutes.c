/* minutes — how many messages each minute has, so that totals of time ranges and timelines need no
 * message. The directory carries running totals: a range costs two searches. */
#include <stdlib.h>

#include "store/segment_private.h"

/* Two passes of 16 bits; a radix of 8 takes twice the passes, qsort ten times the time. */
static enum status minutes_sort(uint32_t *v, size_t n, uint32_t *spare, struct err *err)
{
    enum { RADIX = 1 << 16 };
    size_t *next = malloc(RADIX * sizeof(*next));
    if (!next)
        return err_no_memory(err);
    for (unsigned pass = 0; pass < 2; pass++) {
        uint32_t *from = pass ? spare : v, *to = pass ? v : spare;
        size_t sum = 0;
        memset(next, 0, RADIX * sizeof(*next));
        for (size_t i = 0; i < n; i++)
            next[from[i] >> 16 * pass & 0xFFFF]++;
        for (size_t b = 0; b < RADIX; b++) {
            size_t count = next[b];
            next[b] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[next[from[i] >> 16 * pass & 0xFFFF]++] = from[i];
    }
    free(next);
    return ST_OK;
}

static int extra_cmp(const void *a, const void *b)
{
    uint32_t x = ((const struct minute_extra *)a)->minute;
    uint32_t y = ((const struct minute_extra *)b)->minute;
    return (x > y) - (x < y);
}

struct minutes_writer {
    struct sink *out;
    struct buf block;
    uint32_t in_block, last;
    uint64_t total;
};

static enum status minute_add(struct minutes_writer *w, uint32_t minute, uint64_t count,
                              struct err *err)
{
    if (w->in_block == MINUTES_BLOCK) {
        TRY(sink_take(w->out, SEC_MINUTES, &w->block, err));
        w->in_block = 0;
    }
    if (w->in_block == 0) {
        uint8_t entry[MINUTES_ENTRY];
        store_u32(entry, minute);
        store_u64(entry + 4, w->total);
        store_u64(entry + 12, sink_size(w->out, SEC_MINUTES));
        TRY(sink_append(w->out, SEC_MINUTES_DIR, entry, sizeof(entry), err));
        w->last = minute;
    }
    buf_put_varint(&w->block, minute - w->last);
    buf_put_varint(&w->block, count);
    w->last = minute;
    w->in_block++;
    w->total += count;
    return ST_OK;
}

enum status minutes_write(struct sink *out, uint32_t *minutes, size_t n, uint32_t *spare,
                          struct minute_extra *extra, size_t n_extra, struct err *err)
{
    struct minutes_writer w = {.out = out};
    enum status st = ST_OK;
    size_t e = 0;

    TRY(minutes_sort(minutes, n, spare, err));
    if (n_extra)
        qsort(extra, n_extra, sizeof(*extra), extra_cmp);
    for (size_t i = 0; i < n && st == ST_OK;) {
        uint32_t minute = minutes[i];
        uint64_t count = 0;
        for (; i < n && minutes[i] == minute; i++)
            count++;
        for (; e < n_extra && extra[e].minute <= minute; e++)
            count += extra[e].minute == minute ? extra[e].messages : 0;
        /* minute_after is one more than the minute that is meant here. */
        st = minute_add(&w, minute - 1, count, err);
    }
    if (st == ST_OK)
        st = sink_take(out, SEC_MINUTES, &w.block, err);
    buf_release(&w.block);
    return st;
}

static int below_cmp(const uint8_t *entry, const void *key)
{
    uint32_t first = load_u32(entry), minute = *(const uint32_t *)key;
    return first >= minute ? 1 : -1;
}

enum status minutes_before(const struct source *src, struct buf *scratch, uint32_t minute,
                           uint64_t *count, struct err *err)
{
    struct directory dir = {0};
    struct piece p = {0};
    struct slice data = {0};
    uint64_t block = 0;

    TRY(directory_open(&dir, src, SEC_MINUTES_DIR, MINUTES_ENTRY,
                       source_len(src, SEC_MINUTES_DIR) / MINUTES_ENTRY, err));
    TRY(directory_search(&dir, below_cmp, &minute, scratch, &block, err));
    if (block == 0) {
        *count = 0;
        return ST_OK;
    }
    TRY(directory_piece(&dir, block - 1, 12, SEC_MINUTES, COLUMN_BYTES_MAX, scratch, &p, err));
    uint64_t at = load_u32(p.entry), sum = load_u64(p.entry + 4);
    TRY(source_read(src, SEC_MINUTES, p.off, p.len, scratch, &data, err));
    struct cursor c = cursor_of(data);
    while (cursor_left(&c) && !c.bad) {
        at += cursor_varint_max(&c, UINT32_MAX);
        uint64_t n = cursor_varint(&c);
        if (c.bad || at > UINT32_MAX || n > UINT64_MAX - sum)
            return err_set(err, ST_DAMAGED, "the count of messages per minute is not possible");
        if (at >= minute)
            break;
        sum += n;
    }
    *count = sum;
    return ST_OK;
}

/* A walk over all blocks: what the next one has to say. */
struct minutes_walk {
    uint64_t least, total; /* its first minute at least; messages before it */
    enum status (*visit)(void *ctx, uint32_t minute, uint64_t messages, struct err *err);
    void *ctx;
};

static enum status block_each(struct minutes_walk *w, const uint8_t *entry, struct slice data,
                              struct err *err)
{
    struct cursor c = cursor_of(data);
    uint64_t at = load_u32(entry);

    if (load_u64(entry + 4) != w->total)
        c.bad = true;
    while (cursor_left(&c) && !c.bad) {
        at += cursor_varint_max(&c, UINT32_MAX);
        uint64_t n = cursor_varint(&c);
        if (c.bad || at < w->least || at > UINT32_MAX || n > UINT64_MAX - w->total) {
            c.bad = true;
            break;
        }
        TRY(w->visit(w->ctx, (uint32_t)at, n, err));
        w->least = at + 1;
        w->total += n;
    }
    if (c.bad)
        return err_set(err, ST_DAMAGED, "the count of messages per minute is not possible");
    return ST_OK;
}

enum status minutes_each(const struct source *src, struct buf *scratch,
                         enum status (*visit)(void *ctx, uint32_t minute, uint64_t messages,
                                              struct err *err),
                         void *ctx, struct err *err)
{
    struct directory dir = {0};
    struct minutes_walk w = {.visit = visit, .ctx = ctx};
    uint64_t blocks = source_len(src, SEC_MINUTES_DIR) / MINUTES_ENTRY;

    TRY(directory_open(&dir, src, SEC_MINUTES_DIR, MINUTES_ENTRY, blocks, err));
    for (uint64_t i = 0; i < blocks; i++) {
        uint8_t entry[MINUTES_ENTRY];
        struct piece p = {0};
        struct slice data = {0};
        TRY(directory_piece(&dir, i, 12, SEC_MINUTES, COLUMN_BYTES_MAX, scratch, &p, err));
        memcpy(entry, p.entry, sizeof(entry)); /* the scratch is needed again */
        TRY(source_read(src, SEC_MINUTES, p.off, p.len, scratch, &data, err));
        TRY(block_each(&w, entry, data, err));
    }
    return ST_OK;
}
