/* rows_read — finds the block by binary search in the directory, inflates it once and notes where
 * its rows stand; keeps the blocks that were asked for last. */
#include "store/rows.h"

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "block of rows: %s", what);
}

void rows_block_release(struct rows_block *b)
{
    ZSTD_freeDCtx(b->zstd);
    buf_release(&b->heads);
    buf_release(&b->texts);
    buf_release(&b->scratch);
    buf_release(&b->dir);
    buf_release(&b->row);
    buf_release(&b->places);
    *b = (struct rows_block){0};
}

static int entry_cmp(const uint8_t *entry, const void *key)
{
    uint32_t first = load_u32(entry), row = *(const uint32_t *)key;
    return (first > row) - (first < row);
}

struct block_place {
    uint32_t first, end;
    size_t heads, heads_packed, texts, texts_packed;
    uint64_t off;
};

/* zstd cannot inflate 128 KiB from less than three bytes: no large buffer for a small lie. */
static bool frame_possible(size_t raw, size_t packed)
{
    return raw <= ROWS_RAW_MAX && raw >> 17 <= packed;
}

static enum status place_find(const struct source *src, unsigned section, unsigned dir_section,
                              uint32_t n, uint32_t row, struct buf *scratch,
                              struct block_place *out, struct err *err)
{
    struct directory dir;
    uint64_t at = 0;
    struct piece p = {0};

    TRY(directory_open(&dir, src, dir_section, ROWS_ENTRY,
                       source_len(src, dir_section) / ROWS_ENTRY, err));
    TRY(directory_search(&dir, entry_cmp, &row, scratch, &at, err));
    if (at == 0)
        return damaged("no block begins at the first row", err);
    TRY(directory_piece(&dir, at - 1, 16, section, 3 * ROWS_RAW_MAX, scratch, &p, err));
    *out = (struct block_place){.first = load_u32(p.entry),
                                .end = at == dir.n ? n : load_u32(p.entry + ROWS_ENTRY),
                                .heads = load_u32(p.entry + 4),
                                .heads_packed = load_u32(p.entry + 8),
                                .texts = load_u32(p.entry + 12),
                                .off = p.off};
    if (out->first > row || out->end <= row || out->end > n || out->heads_packed > p.len ||
        out->end - out->first > out->heads)
        return damaged("its directory entry is not possible", err);
    out->texts_packed = p.len - out->heads_packed;
    if (!frame_possible(out->heads, out->heads_packed) ||
        !frame_possible(out->texts, out->texts_packed))
        return damaged("it claims to inflate to more than it can", err);
    return ST_OK;
}

static enum status frame_inflate(struct rows_block *b, struct slice packed, size_t raw,
                                 struct buf *out, struct err *err)
{
    if (ZSTD_getFrameContentSize(packed.data, packed.len) != raw)
        return damaged("it does not inflate to what its entry says", err);
    buf_clear(out);
    uint8_t *p = buf_reserve(out, raw ? raw : 1);
    if (!p)
        return err_no_memory(err);
    size_t n = ZSTD_decompressDCtx(b->zstd, p, raw, packed.data, packed.len);
    if (ZSTD_isError(n) || n != raw)
        return damaged("it does not inflate", err);
    out->len = n;
    return ST_OK;
}

/* ---- where rows stand ---- */

struct row_place {
    uint32_t head, head_len, text, text_len;
    unsigned form;
};

static enum status places_find(struct rows_block *b, struct err *err)
{
    struct cursor heads = cursor_of(buf_slice(&b->heads)), texts = cursor_of(buf_slice(&b->texts));
    uint32_t rows = b->end - b->first;

    buf_clear(&b->places);
    struct row_place *p = (void *)buf_reserve(&b->places, (size_t)rows * sizeof(*p));
    if (!p)
        return err_no_memory(err);
    for (uint32_t i = 0; i < rows && !heads.bad; i++) {
        uint64_t head = cursor_varint(&heads);
        p[i].form = head & ((1u << ROW_FORM_BITS) - 1);
        p[i].text_len =
            p[i].form & ROW_HAS_TEXT ? (uint32_t)cursor_varint_max(&heads, UINT32_MAX) : 0;
        p[i].head = (uint32_t)heads.pos;
        p[i].head_len = (uint32_t)(head >> ROW_FORM_BITS);
        cursor_bytes(&heads, head >> ROW_FORM_BITS);
        p[i].text = (uint32_t)texts.pos;
        cursor_bytes(&texts, p[i].text_len);
    }
    if (heads.bad || texts.bad || cursor_left(&heads) || cursor_left(&texts))
        return damaged("its rows do not fill it", err);
    return ST_OK;
}

static enum status block_load(const struct source *src, unsigned section,
                              const struct block_place *p, struct rows_block *b, struct err *err)
{
    struct slice packed = {0};

    b->valid = false;
    if (!b->zstd && !(b->zstd = ZSTD_createDCtx()))
        return err_no_memory(err);
    TRY(source_read(src, section, p->off, p->heads_packed + p->texts_packed, &b->scratch, &packed,
                    err));
    TRY(frame_inflate(b, slice_of(packed.data, p->heads_packed), p->heads, &b->heads, err));
    TRY(frame_inflate(b, slice_of(packed.data + p->heads_packed, p->texts_packed), p->texts,
                      &b->texts, err));
    b->section = section;
    b->first = p->first;
    b->end = p->end;
    TRY(places_find(b, err));
    memcpy(b->id, src->id, FILE_ID_SIZE);
    b->valid = true;
    return ST_OK;
}

static bool block_has(const struct rows_block *b, const struct source *src, unsigned section,
                      uint32_t number)
{
    return b->valid && b->section == section && number >= b->first && number < b->end &&
           memcmp(b->id, src->id, FILE_ID_SIZE) == 0;
}

enum status rows_read(const struct source *src, unsigned section, unsigned dir_section, uint32_t n,
                      struct rows_block *b, uint32_t number, int64_t sent, struct slice *row,
                      struct err *err)
{
    if (number >= n)
        return err_set(err, ST_NOT_FOUND, "there is no row %u", number);
    if (!block_has(b, src, section, number)) {
        struct block_place p = {0};
        TRY(place_find(src, section, dir_section, n, number, &b->dir, &p, err));
        TRY(block_load(src, section, &p, b, err));
    }
    const struct row_place *p =
        (const struct row_place *)(const void *)b->places.data + (number - b->first);
    struct slice head = slice_of(b->heads.data + p->head, p->head_len);
    if (!p->form) {
        *row = head;
        return ST_OK;
    }
    buf_clear(&b->row);
    if (!row_put_together(head, p->form, sent, slice_of(b->texts.data + p->text, p->text_len),
                          &b->row))
        return damaged("a row has no place for its time or text", err);
    TRY(buf_status(&b->row, err));
    *row = buf_slice(&b->row);
    return ST_OK;
}

/* ---- several blocks ---- */

#define LARGE ((size_t)1 << 20) /* of a block's buffers: a block of one very long row */

void rows_cache_release(struct rows_cache *c)
{
    for (size_t i = 0; i < ROWS_KEPT; i++)
        rows_block_release(&c->blocks[i]);
    *c = (struct rows_cache){0};
}

/* The block that has the row, or else the one that was not asked for longest. */
static size_t slot_pick(const struct rows_cache *c, const struct source *src, unsigned section,
                        uint32_t number)
{
    size_t oldest = 0;
    for (size_t i = 0; i < ROWS_KEPT; i++) {
        if (block_has(&c->blocks[i], src, section, number))
            return i;
        if (c->used[i] < c->used[oldest])
            oldest = i;
    }
    return oldest;
}

static bool is_large(const struct rows_block *b)
{
    return b->heads.cap + b->texts.cap + b->scratch.cap + b->row.cap + b->places.cap > LARGE;
}

enum status rows_cached(const struct source *src, unsigned section, unsigned dir_section,
                        uint32_t n, struct rows_cache *c, uint32_t number, int64_t sent,
                        struct slice *row, struct err *err)
{
    size_t slot = slot_pick(c, src, section, number);
    for (size_t i = 0; i < ROWS_KEPT; i++)
        if (i != slot && is_large(&c->blocks[i]))
            rows_block_release(&c->blocks[i]);
    c->used[slot] = ++c->clock;
    return rows_read(src, section, dir_section, n, &c->blocks[slot], number, sent, row, err);
}
