/* source — sections or memory behind one call, and the binary search over directories. A search
 * costs one small read a step; the steps near the top hit the same cached blocks every time. */
#include "store/source.h"

uint64_t source_len(const struct source *s, unsigned section)
{
    return s->file ? section_len(s->file, section) : s->mem[section].len;
}

enum status source_read(const struct source *s, unsigned section, uint64_t off, size_t len,
                        struct buf *scratch, struct slice *out, struct err *err)
{
    if (s->file)
        return section_read(s->file, section, off, len, scratch, out, err);
    const struct slice *m = &s->mem[section];
    if (off > m->len || len > m->len - off)
        return err_set(err, ST_DAMAGED, "a read goes past the end of section %u", section);
    /* Copied, not lent: readers must live with a borrow that ends at the next read. */
    buf_clear(scratch);
    uint8_t *p = buf_reserve(scratch, len ? len : 1);
    if (!p)
        return err_no_memory(err);
    if (len)
        memcpy(p, m->data + off, len);
    scratch->len = len;
    *out = slice_of(p, len);
    return ST_OK;
}

enum status sink_append(struct sink *s, unsigned section, const void *data, size_t len,
                        struct err *err)
{
    if (s->file)
        return section_append(s->file, section, data, len, err);
    buf_put(&s->mem[section], data, len);
    return buf_status(&s->mem[section], err);
}

enum status sink_take(struct sink *s, unsigned section, struct buf *b, struct err *err)
{
    TRY(buf_status(b, err));
    if (b->len)
        TRY(sink_append(s, section, b->data, b->len, err));
    buf_clear(b);
    return ST_OK;
}

uint64_t sink_size(const struct sink *s, unsigned section)
{
    return s->file ? section_size(s->file, section) : s->mem[section].len;
}

enum status directory_open(struct directory *d, const struct source *src, unsigned section,
                           uint32_t width, uint64_t n, struct err *err)
{
    uint64_t len = source_len(src, section);
    if (len % width != 0 || len / width != n)
        return err_set(err, ST_DAMAGED, "directory section %u does not have the entries it should",
                       section);
    *d = (struct directory){.src = src, .section = section, .width = width, .n = n};
    return ST_OK;
}

enum status directory_read(const struct directory *d, uint64_t i, uint64_t n, struct buf *scratch,
                           struct slice *out, struct err *err)
{
    if (i > d->n || n > d->n - i)
        return err_set(err, ST_DAMAGED, "entry past the end of directory section %u", d->section);
    return source_read(d->src, d->section, i * d->width, (size_t)n * d->width, scratch, out, err);
}

enum status directory_search(const struct directory *d,
                             int (*cmp)(const uint8_t *entry, const void *key), const void *key,
                             struct buf *scratch, uint64_t *count, struct err *err)
{
    uint64_t lo = 0, hi = d->n;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct slice e;
        TRY(directory_read(d, mid, 1, scratch, &e, err));
        if (cmp(e.data, key) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *count = lo;
    return ST_OK;
}

enum status directory_piece(const struct directory *d, uint64_t i, uint32_t field, unsigned section,
                            size_t max, struct buf *scratch, struct piece *out, struct err *err)
{
    struct slice e;
    bool last = i + 1 >= d->n;

    TRY(directory_read(d, i, last ? 1 : 2, scratch, &e, err));
    uint64_t off = load_u64(e.data + field);
    uint64_t whole = source_len(d->src, section);
    uint64_t end = last ? whole : load_u64(e.data + d->width + field);
    if (off > end || end > whole || end - off > max)
        return err_set(err, ST_DAMAGED, "directory section %u points outside of its data",
                       d->section);
    *out = (struct piece){.entry = e.data, .off = off, .len = (size_t)(end - off)};
    return ST_OK;
}
