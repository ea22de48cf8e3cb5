/* rows_write — a block is closed before the row that would overfill it, so a row longer than a
 * block stands alone and ordinary rows never share its cost. */
#include "store/rows.h"

enum { ROWS_LEVEL = 1 };

enum status rows_writer_init(struct rows_writer *w, struct sink *out, unsigned section,
                             unsigned dir_section, size_t target, struct err *err)
{
    *w = (struct rows_writer){.out = out,
                              .section = section,
                              .dir_section = dir_section,
                              .target = target,
                              .level = ROWS_LEVEL,
                              .zstd = ZSTD_createCCtx()};
    return w->zstd ? ST_OK : err_no_memory(err);
}

void rows_writer_release(struct rows_writer *w)
{
    ZSTD_freeCCtx(w->zstd);
    buf_release(&w->raw);
    buf_release(&w->packed);
    *w = (struct rows_writer){0};
}

static enum status block_close(struct rows_writer *w, struct err *err)
{
    if (w->raw.len == 0)
        return ST_OK;
    size_t bound = ZSTD_compressBound(w->raw.len);
    buf_clear(&w->packed);
    uint8_t *p = buf_reserve(&w->packed, bound);
    if (!p)
        return err_no_memory(err);
    size_t n = ZSTD_compressCCtx(w->zstd, p, bound, w->raw.data, w->raw.len, w->level);
    if (ZSTD_isError(n))
        return err_set(err, ST_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(n));
    uint8_t entry[ROWS_ENTRY];
    store_u32(entry, w->first);
    store_u32(entry + 4, (uint32_t)w->raw.len);
    store_u32(entry + 8, (uint32_t)n);
    store_u64(entry + 12, sink_size(w->out, w->section));
    TRY(sink_append(w->out, w->section, p, n, err));
    TRY(sink_append(w->out, w->dir_section, entry, sizeof(entry), err));
    buf_clear(&w->raw);
    w->first = w->next;
    return ST_OK;
}

enum status rows_add(struct rows_writer *w, struct slice row, struct err *err)
{
    if (row.len > ROW_MAX)
        return err_set(err, ST_LIMIT, "a row of %zu bytes is longer than a case can hold", row.len);
    if (w->raw.len && w->raw.len + row.len > w->target)
        TRY(block_close(w, err));
    buf_put_blob(&w->raw, row);
    TRY(buf_status(&w->raw, err));
    w->next++;
    return w->raw.len >= w->target ? block_close(w, err) : ST_OK;
}

enum status rows_finish(struct rows_writer *w, struct err *err) { return block_close(w, err); }
