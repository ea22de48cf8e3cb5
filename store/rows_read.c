/* rows_read — finds the block by binary search in the directory, inflates it once and walks the
 * lengths. */
#include "store/rows.h"

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "block of rows: %s", what);
}

void rows_block_release(struct rows_block *b)
{
    ZSTD_freeDCtx(b->zstd);
    buf_release(&b->raw);
    buf_release(&b->scratch);
    buf_release(&b->dir);
    *b = (struct rows_block){0};
}

static int entry_cmp(const uint8_t *entry, const void *key)
{
    uint32_t first = load_u32(entry), row = *(const uint32_t *)key;
    return (first > row) - (first < row);
}

struct block_place {
    uint32_t first, end;
    size_t raw, packed;
    uint64_t off;
};

static enum status place_find(const struct source *src, unsigned section, unsigned dir_section,
                              uint32_t n, uint32_t row, struct buf *scratch,
                              struct block_place *out, struct err *err)
{
    struct directory dir;
    uint64_t at = 0;
    struct slice e;

    TRY(directory_open(&dir, src, dir_section, ROWS_ENTRY,
                       source_len(src, dir_section) / ROWS_ENTRY, err));
    TRY(directory_search(&dir, entry_cmp, &row, scratch, &at, err));
    if (at == 0)
        return damaged("no block begins at the first row", err);
    bool last = at == dir.n;
    TRY(directory_read(&dir, at - 1, last ? 1 : 2, scratch, &e, err));
    *out = (struct block_place){.first = load_u32(e.data),
                                .end = last ? n : load_u32(e.data + ROWS_ENTRY),
                                .raw = load_u32(e.data + 4),
                                .packed = load_u32(e.data + 8),
                                .off = load_u64(e.data + 12)};
    uint64_t whole = source_len(src, section);
    if (out->first > row || out->end <= row || out->end > n || out->raw > ROWS_RAW_MAX ||
        out->end - out->first > out->raw || out->off > whole || out->packed > whole - out->off)
        return damaged("its directory entry is not possible", err);
    /* zstd cannot inflate 128 KiB from less than three bytes: no large buffer for a small lie. */
    if (out->raw >> 17 > out->packed)
        return damaged("it claims to inflate to more than it can", err);
    return ST_OK;
}

static enum status block_load(const struct source *src, unsigned section,
                              const struct block_place *p, struct rows_block *b, struct err *err)
{
    struct slice packed = {0};

    b->valid = false;
    if (!b->zstd && !(b->zstd = ZSTD_createDCtx()))
        return err_no_memory(err);
    TRY(source_read(src, section, p->off, p->packed, &b->scratch, &packed, err));
    if (ZSTD_getFrameContentSize(packed.data, packed.len) != p->raw)
        return damaged("it does not inflate to what its entry says", err);
    buf_clear(&b->raw);
    uint8_t *raw = buf_reserve(&b->raw, p->raw ? p->raw : 1);
    if (!raw)
        return err_no_memory(err);
    size_t n = ZSTD_decompressDCtx(b->zstd, raw, p->raw, packed.data, packed.len);
    if (ZSTD_isError(n) || n != p->raw)
        return damaged("it does not inflate", err);
    b->raw.len = n;
    memcpy(b->id, src->id, FILE_ID_SIZE);
    b->section = section;
    b->first = b->at = p->first;
    b->end = p->end;
    b->pos = 0;
    b->valid = true;
    return ST_OK;
}

enum status rows_read(const struct source *src, unsigned section, unsigned dir_section, uint32_t n,
                      struct rows_block *b, uint32_t number, struct slice *row, struct err *err)
{
    if (number >= n)
        return err_set(err, ST_NOT_FOUND, "there is no row %u", number);
    if (!b->valid || b->section != section || number < b->first || number >= b->end ||
        memcmp(b->id, src->id, FILE_ID_SIZE) != 0) {
        struct block_place p = {0};
        TRY(place_find(src, section, dir_section, n, number, &b->dir, &p, err));
        TRY(block_load(src, section, &p, b, err));
    }
    if (number < b->at) {
        b->at = b->first;
        b->pos = 0;
    }
    struct cursor c = cursor_of(buf_slice(&b->raw));
    c.pos = b->pos;
    for (; b->at < number && !c.bad; b->at++)
        cursor_blob(&c);
    b->pos = c.bad ? b->pos : c.pos;
    struct slice s = cursor_blob(&c);
    if (c.bad || (number + 1 == b->end && cursor_left(&c) != 0)) {
        b->valid = false;
        return damaged("its rows do not fill it", err);
    }
    *row = s;
    return ST_OK;
}
