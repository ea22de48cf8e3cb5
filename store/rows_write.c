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
    buf_release(&w->heads);
    buf_release(&w->texts);
    buf_release(&w->packed);
    *w = (struct rows_writer){0};
}

/* Appends `raw` as a frame to w->packed; *len: of the frame. */
static enum status frame_put(struct rows_writer *w, const struct buf *raw, size_t *len,
                             struct err *err)
{
    size_t bound = ZSTD_compressBound(raw->len);
    uint8_t *p = buf_reserve(&w->packed, bound);
    if (!p)
        return err_no_memory(err);
    *len = ZSTD_compressCCtx(w->zstd, p, bound, raw->data, raw->len, w->level);
    if (ZSTD_isError(*len))
        return err_set(err, ST_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(*len));
    w->packed.len += *len;
    return ST_OK;
}

static enum status block_close(struct rows_writer *w, struct err *err)
{
    size_t heads = 0, texts = 0;
    uint8_t entry[ROWS_ENTRY];

    if (w->next == w->first)
        return ST_OK;
    buf_clear(&w->packed);
    TRY(frame_put(w, &w->heads, &heads, err));
    TRY(frame_put(w, &w->texts, &texts, err));
    store_u32(entry, w->first);
    store_u32(entry + 4, (uint32_t)w->heads.len);
    store_u32(entry + 8, (uint32_t)heads);
    store_u32(entry + 12, (uint32_t)w->texts.len);
    store_u64(entry + 16, sink_size(w->out, w->section));
    TRY(sink_append(w->out, w->dir_section, entry, sizeof(entry), err));
    buf_clear(&w->heads);
    buf_clear(&w->texts);
    w->first = w->next;
    return sink_take(w->out, w->section, &w->packed, err);
}

enum status rows_add(struct rows_writer *w, struct slice row, int64_t sent, struct err *err)
{
    struct row_parts p;

    if (row.len > ROW_MAX)
        return err_set(err, ST_LIMIT, "a row of %zu bytes is longer than a case can hold", row.len);
    size_t held = w->heads.len + w->texts.len;
    if (held && held + row.len > w->target)
        TRY(block_close(w, err));
    row_take_apart(row, sent, &p);
    buf_put_varint(&w->heads, (p.before.len + p.after.len) << ROW_FORM_BITS | p.form);
    if (p.form & ROW_HAS_TEXT)
        buf_put_varint(&w->heads, p.text.len);
    buf_put_slice(&w->heads, p.before);
    buf_put_slice(&w->heads, p.after);
    buf_put_slice(&w->texts, p.text);
    TRY(buf_status(&w->heads, err));
    TRY(buf_status(&w->texts, err));
    w->next++;
    return w->heads.len + w->texts.len >= w->target ? block_close(w, err) : ST_OK;
}

enum status rows_finish(struct rows_writer *w, struct err *err) { return block_close(w, err); }
