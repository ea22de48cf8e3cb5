/* copies_read — decodes a block whole: a few microseconds for 128 rows, and neighbours are asked
 * for together. Counts come from the patterns, so no array is larger than 128 rows of 255 cells. */
#include "store/bitpack.h"
#include "store/copies_block.h"
#include "store/rows.h"

#define BLOCK_BYTES_MAX (COPIES_REST_MAX + ((size_t)4 << 20))

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "copies: %s", what);
}

void copies_block_release(struct copies_block *b)
{
    ZSTD_freeDCtx(b->zstd);
    buf_release(&b->dir);
    buf_release(&b->bytes);
    buf_release(&b->rest);
    buf_release(&b->cells);
    buf_release(&b->extras);
    b->zstd = NULL;
    b->valid = false;
}

static struct copy_cell *cells_of(struct copies_block *b)
{
    return (struct copy_cell *)(void *)b->cells.data;
}

/* Items of `size` bytes side by side; NULL without memory. */
static void *room_for(struct buf *b, size_t n, size_t size)
{
    buf_clear(b);
    return buf_reserve(b, n * size + 1);
}

/* ---- which lanes each row has ---- */

struct patterns {
    struct slice lanes[COPIES_BLOCK];
    unsigned n;
};

static void lanes_get(struct cursor *c, struct copies_block *b, struct patterns *p)
{
    unsigned lanes = cursor_u8(c);

    for (unsigned l = 0; l < lanes; l++) {
        b->lanes[l].stream = (uint32_t)cursor_varint_max(c, UINT32_MAX);
        b->lanes[l].origin = (uint32_t)cursor_varint_max(c, UINT32_MAX);
        b->lanes[l].dump = (uint32_t)cursor_varint_max(c, UINT32_MAX);
    }
    p->n = cursor_u8(c);
    c->bad |= p->n > COPIES_BLOCK;
    for (unsigned i = 0; i < p->n && !c->bad; i++) {
        p->lanes[i] = cursor_bytes(c, cursor_u8(c));
        for (size_t k = 0; k < p->lanes[i].len; k++)
            c->bad |= p->lanes[i].data[k] >= lanes;
    }
}

/* First cell of each row; an odd row has none and is marked for now. */
static enum status rows_get(struct cursor *c, struct copies_block *b, const struct patterns *p,
                            uint32_t count[COPIES_LANES], struct err *err)
{
    uint32_t rows = b->end - b->first, n = 0;
    unsigned bits = bits_for(p->n);
    struct slice run = cursor_bytes(c, run_size(rows, bits));
    uint64_t pattern[COPIES_BLOCK];

    if (c->bad)
        return damaged("a block is cut", err);
    for (uint32_t i = 0; i < rows; i++) {
        pattern[i] = run_get(run, i, bits);
        if (pattern[i] > p->n)
            return damaged("a row has no lanes", err);
        b->row_cell[i] = n;
        b->odd[i] = pattern[i] == p->n ? slice_of("", 0) : (struct slice){0};
        n += pattern[i] == p->n ? 0 : (uint32_t)p->lanes[pattern[i]].len;
    }
    b->row_cell[rows] = n;
    struct copy_cell *cells = room_for(&b->cells, n, sizeof(*cells));
    if (!cells)
        return err_no_memory(err);
    for (uint32_t i = 0; i < rows; i++) {
        struct slice lanes = b->odd[i].data ? slice_of("", 0) : p->lanes[pattern[i]];
        for (size_t k = 0; lanes.data && k < lanes.len; k++) {
            *cells++ = (struct copy_cell){.lane = lanes.data[k]};
            count[lanes.data[k]]++;
        }
    }
    return ST_OK;
}

/* ---- the columns of one lane ---- */

struct column {
    uint64_t min, unit;
    unsigned bits;
    struct slice run;
};

static struct slice run_take(struct cursor *c, uint32_t n, unsigned bits)
{
    c->bad |= bits > 64;
    return cursor_bytes(c, c->bad ? 0 : run_size(n, bits));
}

static struct column column_take(struct cursor *c, uint32_t n)
{
    struct column x = {.min = (uint64_t)cursor_zigzag(c)};
    unsigned head = cursor_u8(c);

    x.unit = head & 0x80 ? 1000 : 1;
    x.bits = head & 0x7F;
    x.run = run_take(c, n, x.bits);
    return x;
}

static uint64_t column_at(const struct column *x, uint32_t i)
{
    return x->min + run_get(x->run, i, x->bits) * x->unit;
}

static void seqs_take(struct cursor *c, struct copy_cell *cells, const uint32_t *of, uint32_t n)
{
    uint64_t seq = cursor_varint(c);
    unsigned bits = cursor_u8(c);
    struct slice run = run_take(c, n - 1, bits);

    for (uint32_t i = 0; i < n && !c->bad; i++) {
        uint64_t step = i ? run_get(run, i - 1, bits) : 0;
        seq += step >> 1 ^ (0 - (step & 1));
        cells[of[i]].seq = seq;
    }
}

static void times_take(struct cursor *c, struct copy_cell *cells, const uint32_t *of, uint32_t n,
                       unsigned k)
{
    uint32_t have = n, at = 0;
    uint8_t mode = cursor_u8(c);
    struct slice bits = {0};

    c->bad |= mode > 2;
    if (mode == 2) {
        bits = run_take(c, n, 1);
        have = 0;
        for (uint32_t i = 0; i < n && !c->bad; i++)
            have += (uint32_t)run_get(bits, i, 1);
    }
    if (mode == 0 || c->bad)
        return;
    struct column x = column_take(c, have);
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        struct copy_cell *cell = &cells[of[i]];
        if (mode == 2 && !run_get(bits, i, 1))
            continue;
        cell->time[k] = column_at(&x, at++) + (k && (cell->there & 1) ? cell->time[0] : 0);
        cell->there = (uint8_t)(cell->there | 1u << k);
    }
}

static void lane_take(struct cursor *c, struct copy_cell *cells, const uint32_t *of, uint32_t n)
{
    seqs_take(c, cells, of, n);
    struct column lines = column_take(c, n);
    for (uint32_t i = 0; i < n && !c->bad; i++)
        cells[of[i]].line = column_at(&lines, i);
    for (unsigned k = 0; k < 3; k++)
        times_take(c, cells, of, n, k);
    unsigned bits = cursor_u8(c);
    c->bad |= bits > 16;
    struct slice run = run_take(c, n, bits);
    for (uint32_t i = 0; i < n && !c->bad; i++)
        cells[of[i]].extra = (uint16_t)run_get(run, i, bits);
}

static enum status lanes_take(struct cursor *c, struct copies_block *b,
                              const uint32_t count[COPIES_LANES], struct err *err)
{
    struct copy_cell *cells = cells_of(b);
    uint32_t n = b->row_cell[b->end - b->first], next[COPIES_LANES], from = 0;
    uint32_t *of = room_for(&b->rest, n, sizeof(*of)); /* not needed before the columns are read */

    if (!of)
        return err_no_memory(err);
    for (unsigned l = 0; l < COPIES_LANES; from += count[l++])
        next[l] = from;
    for (uint32_t i = 0; i < n; i++)
        of[next[cells[i].lane]++] = i;
    from = 0;
    for (unsigned l = 0; l < COPIES_LANES && !c->bad; from += count[l++])
        if (count[l])
            lane_take(c, cells, of + from, count[l]);
    return c->bad ? damaged("columns are cut", err) : ST_OK;
}

/* ---- the rest ---- */

static enum status rest_inflate(struct cursor *c, struct copies_block *b, struct slice *out,
                                struct err *err)
{
    uint64_t raw = cursor_varint_max(c, COPIES_REST_MAX);
    struct slice packed = cursor_bytes(c, cursor_left(c));

    if (c->bad)
        return damaged("the rest is cut", err);
    if (packed.len == raw) {
        *out = packed;
        return ST_OK;
    }
    /* zstd cannot inflate 128 KiB from less than three bytes: no large buffer for a small lie. */
    if (raw >> 17 > packed.len || ZSTD_getFrameContentSize(packed.data, packed.len) != raw)
        return damaged("the rest does not inflate to what it says", err);
    if (!b->zstd && !(b->zstd = ZSTD_createDCtx()))
        return err_no_memory(err);
    uint8_t *p = room_for(&b->rest, (size_t)raw, 1);
    if (!p)
        return err_no_memory(err);
    size_t n = ZSTD_decompressDCtx(b->zstd, p, (size_t)raw, packed.data, packed.len);
    if (ZSTD_isError(n) || n != raw)
        return damaged("the rest does not inflate", err);
    *out = slice_of(p, n);
    return ST_OK;
}

static void extra_take(struct cursor *c, struct extra_time *e)
{
    *e = (struct extra_time){.form = cursor_u8(c)};
    c->bad |= e->form && (!(e->form & EXTRA_TIME) || e->form > 7);
    if (e->form) {
        int64_t offset = cursor_zigzag(c);
        c->bad |= offset < -1439 || offset > 1439;
        e->offset = c->bad ? 0 : (int32_t)offset;
    }
    e->before = cursor_blob(c);
    c->bad |= e->before.len == 0;
    if (e->form)
        e->after = cursor_blob(c);
}

static enum status rest_take(struct cursor *c, struct copies_block *b, struct err *err)
{
    uint32_t rows = b->end - b->first, n = b->row_cell[rows];
    size_t n_extras = (size_t)cursor_varint_max(c, COPIES_EXTRAS);
    struct slice rest = {0};

    TRY(rest_inflate(c, b, &rest, err));
    struct extra_time *extras = room_for(&b->extras, n_extras, sizeof(*extras));
    if (!extras)
        return err_no_memory(err);
    struct cursor r = cursor_of(rest);
    for (size_t i = 0; i < n_extras && !r.bad; i++)
        extra_take(&r, &extras[i]);
    for (uint32_t i = 0; i < rows; i++)
        if (b->odd[i].data) {
            b->odd[i] = cursor_blob(&r);
            r.bad |= b->odd[i].len == 0;
        }
    const struct copy_cell *cells = cells_of(b);
    for (uint32_t i = 0; i < n; i++)
        if (cells[i].extra > n_extras)
            return damaged("a copy has a text that is not there", err);
    return cursor_done(&r, "rest of a block of copies", err);
}

/* ---- a block ---- */

static enum status block_take(struct copies_block *b, struct slice bytes, struct err *err)
{
    struct cursor c = cursor_of(bytes);
    struct patterns p = {.n = 0};
    uint32_t count[COPIES_LANES + 1] = {0};

    lanes_get(&c, b, &p);
    TRY(rows_get(&c, b, &p, count, err));
    TRY(lanes_take(&c, b, count, err));
    return rest_take(&c, b, err);
}

static int entry_cmp(const uint8_t *entry, const void *key)
{
    uint32_t first = load_u32(entry), row = *(const uint32_t *)key;
    return (first > row) - (first < row);
}

static enum status block_load(const struct source *src, unsigned section, unsigned dir_section,
                              uint32_t n, uint32_t row, struct copies_block *b, struct err *err)
{
    struct directory dir;
    struct piece p = {0};
    struct slice s = {0};
    uint64_t at = 0;

    b->valid = false;
    TRY(directory_open(&dir, src, dir_section, COPIES_ENTRY,
                       source_len(src, dir_section) / COPIES_ENTRY, err));
    TRY(directory_search(&dir, entry_cmp, &row, &b->dir, &at, err));
    if (at == 0)
        return damaged("no block begins at the first row", err);
    TRY(directory_piece(&dir, at - 1, 4, section, BLOCK_BYTES_MAX, &b->dir, &p, err));
    b->first = load_u32(p.entry);
    b->end = at == dir.n ? n : load_u32(p.entry + COPIES_ENTRY);
    if (b->first > row || b->end <= row || b->end > n || b->end - b->first > COPIES_BLOCK)
        return damaged("a block has too many rows or none", err);
    TRY(source_read(src, section, p.off, p.len, &b->bytes, &s, err));
    TRY(block_take(b, s, err));
    memcpy(b->id, src->id, FILE_ID_SIZE);
    b->valid = true;
    return ST_OK;
}

/* ---- a row ---- */

static enum status cell_open(const struct copies_block *b, const struct copy_cell *cell,
                             int64_t sent, struct arena *a, struct copy_version *v, struct err *err)
{
    const struct extra_time *extras = (const struct extra_time *)(const void *)b->extras.data;
    uint64_t base = sent == TIME_NONE ? 0 : (uint64_t)sent;
    int64_t *times[3] = {&v->delivered, &v->read, &v->collected};

    for (unsigned k = 0; k < 3; k++) {
        bool there = cell->there >> k & 1;
        *times[k] = there ? (int64_t)(cell->time[k] + base) : TIME_NONE;
        if (there && *times[k] == TIME_NONE)
            return damaged("a time is none", err);
    }
    v->extra = slice_of(NULL, 0);
    return cell->extra ? extra_put_together(&extras[cell->extra - 1], sent, a, &v->extra, err)
                       : ST_OK;
}

static enum status plain_row(struct copies_block *b, uint32_t row, int64_t sent, struct arena *a,
                             struct copy **out, size_t *n_out, struct err *err)
{
    const struct copy_cell *cells = cells_of(b) + b->row_cell[row];
    uint32_t n = b->row_cell[row + 1] - b->row_cell[row];
    struct copy *copies = arena_array(a, n, sizeof(*copies));
    struct copy_version *versions = arena_array(a, n, sizeof(*versions));
    struct sighting *sightings = arena_array(a, n, sizeof(*sightings));

    if (!copies || !versions || !sightings)
        return err_no_memory(err);
    for (uint32_t i = 0; i < n; i++) {
        const struct copy_lane *lane = &b->lanes[cells[i].lane];
        sightings[i] = (struct sighting){.dump = lane->dump, .line = cells[i].line + cells[i].seq};
        versions[i] = (struct copy_version){
            .origin = lane->origin, .sightings = &sightings[i], .n_sightings = 1};
        copies[i] = (struct copy){
            .stream = lane->stream, .seq = cells[i].seq, .versions = &versions[i], .n_versions = 1};
        TRY(cell_open(b, &cells[i], sent, a, &versions[i], err));
    }
    *out = copies;
    *n_out = n;
    return ST_OK;
}

enum status copies_read(const struct source *src, unsigned section, unsigned dir_section,
                        uint32_t n, struct copies_block *b, uint32_t number, int64_t sent,
                        struct arena *a, struct copy **copies, size_t *n_copies, struct err *err)
{
    if (number >= n)
        return err_set(err, ST_NOT_FOUND, "there is no row %u", number);
    if (!b->valid || number < b->first || number >= b->end ||
        memcmp(b->id, src->id, FILE_ID_SIZE) != 0)
        TRY(block_load(src, section, dir_section, n, number, b, err));
    uint32_t row = number - b->first;
    if (!b->odd[row].data)
        return plain_row(b, row, sent, a, copies, n_copies, err);
    struct slice mine = arena_copy(a, b->odd[row]);
    if (!mine.data)
        return err_no_memory(err);
    return copies_decode(mine, a, copies, n_copies, err);
}
