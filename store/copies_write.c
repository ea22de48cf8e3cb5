/* copies_write — gathers the cells of a block and writes them lane by lane. A row that the columns
 * cannot hold (several versions, several sightings, very many copies) stands whole in the rest. */
#include <stdlib.h>

#include "lictor/hash.h"
#include "store/bitpack.h"
#include "store/copies_block.h"
#include "store/rows.h"

enum {
    CELLS_MAX = COPIES_BLOCK * COPIES_LANES,
    REST_LEVEL = 1,
    REST_LEAST = 64,
    ODD_ROW = UINT8_MAX
};

enum status copies_writer_init(struct copies_writer *w, struct sink *out, unsigned section,
                               unsigned dir_section, struct err *err)
{
    w->out = out;
    w->section = section;
    w->dir_section = dir_section;
    w->zstd = ZSTD_createCCtx();
    w->cells = malloc(CELLS_MAX * sizeof(*w->cells));
    w->by_lane = malloc(CELLS_MAX * sizeof(*w->by_lane));
    w->values = malloc(CELLS_MAX * sizeof(*w->values));
    return w->zstd && w->cells && w->by_lane && w->values ? ST_OK : err_no_memory(err);
}

void copies_writer_release(struct copies_writer *w)
{
    ZSTD_freeCCtx(w->zstd);
    free(w->cells);
    free(w->by_lane);
    free(w->values);
    buf_release(&w->extras);
    buf_release(&w->odd);
    buf_release(&w->block);
    buf_release(&w->packed);
    *w = (struct copies_writer){.out = NULL};
}

/* ---- the columns of a block ---- */

/* n numbers, signed modulo 2^64: the least of them, and what they are above it; in thousands where
 * all are. */
static void column_put(uint64_t *v, uint32_t n, struct buf *out)
{
    int64_t min = INT64_MAX;
    uint64_t all = 0;
    bool thousands = true;

    for (uint32_t i = 0; i < n; i++)
        min = (int64_t)v[i] < min ? (int64_t)v[i] : min;
    for (uint32_t i = 0; i < n; i++) {
        v[i] -= (uint64_t)min;
        all |= v[i];
        thousands = thousands && v[i] % 1000 == 0;
    }
    thousands = thousands && all;
    if (thousands) {
        all = 0;
        for (uint32_t i = 0; i < n; i++)
            all |= v[i] /= 1000;
    }
    buf_put_zigzag(out, min);
    buf_put_u8(out, (uint8_t)(bits_for(all) | (thousands ? 0x80u : 0)));
    run_pack(v, n, bits_for(all), out);
}

static uint64_t zigzag(uint64_t v) { return v << 1 ^ (0 - (v >> 63)); }

/* The first, and the differences of those that follow each other. */
static void seqs_put(struct copies_writer *w, const uint32_t *cells, uint32_t n)
{
    uint64_t all = 0;

    for (uint32_t i = 1; i < n; i++)
        all |= w->values[i - 1] = zigzag(w->cells[cells[i]].seq - w->cells[cells[i - 1]].seq);
    buf_put_varint(&w->block, w->cells[cells[0]].seq);
    buf_put_u8(&w->block, (uint8_t)bits_for(all));
    run_pack(w->values, n - 1, bits_for(all), &w->block);
}

static void lines_put(struct copies_writer *w, const uint32_t *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        w->values[i] = w->cells[cells[i]].line;
    column_put(w->values, n, &w->block);
}

/* Which cells have the time: 0 none, 1 all, 2 those of the bits that follow. */
static bool presence_put(struct copies_writer *w, const uint32_t *cells, uint32_t n, unsigned k)
{
    uint32_t have = 0;

    for (uint32_t i = 0; i < n; i++) {
        w->values[i] = w->cells[cells[i]].there >> k & 1;
        have += (uint32_t)w->values[i];
    }
    buf_put_u8(&w->block, have == 0 ? 0 : have == n ? 1 : 2);
    if (have && have < n)
        run_pack(w->values, n, 1, &w->block);
    return have != 0;
}

/* Delivery lies at a constant distance from the sender's clock, and what follows it near it. */
static void times_put(struct copies_writer *w, const uint32_t *cells, uint32_t n, unsigned k)
{
    uint32_t have = 0;

    if (!presence_put(w, cells, n, k))
        return;
    for (uint32_t i = 0; i < n; i++) {
        const struct copy_cell *c = &w->cells[cells[i]];
        if (c->there >> k & 1)
            w->values[have++] = k && (c->there & 1) ? c->time[k] - c->time[0] : c->time[k];
    }
    column_put(w->values, have, &w->block);
}

static void extras_put(struct copies_writer *w, const uint32_t *cells, uint32_t n)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < n; i++)
        all |= w->values[i] = w->cells[cells[i]].extra;
    buf_put_u8(&w->block, (uint8_t)bits_for(all));
    run_pack(w->values, n, bits_for(all), &w->block);
}

static void lanes_put(struct copies_writer *w)
{
    uint32_t end[COPIES_LANES + 1] = {0};

    for (uint32_t i = 0; i < w->n_cells; i++)
        end[w->cells[i].lane + 1]++;
    for (unsigned l = 0; l < w->n_lanes; l++)
        end[l + 1] += end[l];
    for (uint32_t i = 0; i < w->n_cells; i++)
        w->by_lane[end[w->cells[i].lane]++] = i;
    /* Each end is now where it was for the next lane. */
    for (unsigned l = 0; l < w->n_lanes; l++) {
        uint32_t from = l ? end[l - 1] : 0, n = end[l] - from;
        seqs_put(w, w->by_lane + from, n);
        lines_put(w, w->by_lane + from, n);
        for (unsigned k = 0; k < 3; k++)
            times_put(w, w->by_lane + from, n, k);
        extras_put(w, w->by_lane + from, n);
    }
}

static void rows_put(struct copies_writer *w)
{
    uint64_t rows[COPIES_BLOCK];

    buf_put_u8(&w->block, (uint8_t)w->n_lanes);
    for (unsigned l = 0; l < w->n_lanes; l++) {
        buf_put_varint(&w->block, w->lanes[l].stream);
        buf_put_varint(&w->block, w->lanes[l].origin);
        buf_put_varint(&w->block, w->lanes[l].dump);
    }
    buf_put_u8(&w->block, (uint8_t)w->n_patterns);
    for (unsigned p = 0; p < w->n_patterns; p++)
        buf_put(&w->block, w->patterns[p], 1 + (size_t)w->patterns[p][0]);
    /* Odd rows were noted before the number of patterns was known. */
    for (uint32_t i = 0; i < w->rows; i++)
        rows[i] = w->row_pattern[i] == ODD_ROW ? w->n_patterns : w->row_pattern[i];
    unsigned bits = bits_for(w->n_patterns);
    run_pack(rows, w->rows, bits, &w->block);
}

/* ---- the rest: texts and odd rows ---- */

static enum status rest_put(struct copies_writer *w, struct err *err)
{
    size_t raw = w->extras.len + w->odd.len;

    buf_put_slice(&w->extras, buf_slice(&w->odd));
    buf_put_varint(&w->block, w->n_extras);
    buf_put_varint(&w->block, raw);
    TRY(buf_status(&w->extras, err));
    if (raw > COPIES_REST_MAX)
        return err_set(err, ST_LIMIT, "copies of %zu bytes are more than a case can hold", raw);
    if (raw < REST_LEAST) {
        buf_put_slice(&w->block, buf_slice(&w->extras));
        return buf_status(&w->block, err);
    }
    buf_clear(&w->packed);
    uint8_t *p = buf_reserve(&w->packed, ZSTD_compressBound(raw));
    if (!p)
        return err_no_memory(err);
    size_t n =
        ZSTD_compressCCtx(w->zstd, p, ZSTD_compressBound(raw), w->extras.data, raw, REST_LEVEL);
    if (ZSTD_isError(n))
        return err_set(err, ST_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(n));
    /* As long as it was: it stands as it is. */
    buf_put_slice(&w->block, n < raw ? slice_of(p, n) : buf_slice(&w->extras));
    return buf_status(&w->block, err);
}

static enum status block_close(struct copies_writer *w, struct err *err)
{
    uint8_t entry[COPIES_ENTRY];

    if (w->rows == 0)
        return ST_OK;
    store_u32(entry, w->first);
    store_u64(entry + 4, sink_size(w->out, w->section));
    TRY(sink_append(w->out, w->dir_section, entry, sizeof(entry), err));
    buf_clear(&w->block);
    rows_put(w);
    lanes_put(w);
    TRY(rest_put(w, err));
    w->first = w->next;
    w->rows = w->n_cells = 0;
    w->n_lanes = w->n_patterns = w->n_extras = 0;
    buf_clear(&w->extras);
    buf_clear(&w->odd);
    return sink_take(w->out, w->section, &w->block, err);
}

/* ---- a row ---- */

static bool row_is_plain(const struct copy *copies, size_t n)
{
    if (n > COPIES_LANES)
        return false;
    for (size_t i = 0; i < n; i++)
        if (copies[i].n_versions != 1 || copies[i].versions[0].n_sightings != 1)
            return false;
    return true;
}

static uint8_t lane_of(struct copies_writer *w, const struct copy *c)
{
    struct copy_lane l = {c->stream, c->versions[0].origin, c->versions[0].sightings[0].dump};
    unsigned i = 0;

    while (i < w->n_lanes && (w->lanes[i].stream != l.stream || w->lanes[i].origin != l.origin ||
                              w->lanes[i].dump != l.dump))
        i++;
    if (i == w->n_lanes)
        w->lanes[w->n_lanes++] = l;
    return (uint8_t)i;
}

static uint16_t extra_of(struct copies_writer *w, struct slice extra, int64_t sent)
{
    struct extra_time e;

    if (extra.len == 0)
        return 0;
    extra_take_apart(extra, sent, &e);
    uint64_t hash = hash_bytes(e.before, (uint64_t)e.form << 32 ^ (uint32_t)e.offset);
    hash = e.form ? hash_bytes(e.after, hash) : hash;
    /* Texts with equal hashes could be made on purpose: they are compared where they lie. */
    size_t from = w->extras.len;
    buf_put_u8(&w->extras, e.form);
    if (e.form)
        buf_put_zigzag(&w->extras, e.offset);
    buf_put_blob(&w->extras, e.before);
    if (e.form)
        buf_put_blob(&w->extras, e.after);
    if (w->extras.failed)
        return 0;
    struct slice mine = slice_of(w->extras.data + from, w->extras.len - from);
    for (unsigned i = 0; i < w->n_extras; i++) {
        struct slice other = slice_of(w->extras.data + w->extra_at[i], mine.len);
        if (w->extra_hash[i] == hash && w->extra_at[i] + mine.len <= from &&
            slice_eq(other, mine)) {
            w->extras.len = from;
            return (uint16_t)(i + 1);
        }
    }
    w->extra_hash[w->n_extras] = hash;
    w->extra_at[w->n_extras++] = (uint32_t)from;
    return (uint16_t)w->n_extras;
}

static uint64_t time_less(int64_t t, int64_t sent)
{
    return (uint64_t)t - (sent == TIME_NONE ? 0 : (uint64_t)sent);
}

static void cell_add(struct copies_writer *w, const struct copy *c, int64_t sent, uint8_t lane)
{
    const struct copy_version *v = c->versions;
    struct copy_cell *cell = &w->cells[w->n_cells++];
    const int64_t times[3] = {v->delivered, v->read, v->collected};

    *cell = (struct copy_cell){.seq = c->seq,
                               .line = v->sightings[0].line - c->seq,
                               .extra = extra_of(w, v->extra, sent),
                               .lane = lane};
    for (unsigned k = 0; k < 3; k++) {
        if (times[k] == TIME_NONE)
            continue;
        cell->there = (uint8_t)(cell->there | 1u << k);
        cell->time[k] = time_less(times[k], sent);
    }
}

static uint8_t pattern_of(struct copies_writer *w, const uint8_t *lanes)
{
    unsigned i = 0;

    while (i < w->n_patterns && memcmp(w->patterns[i], lanes, 1 + (size_t)lanes[0]) != 0)
        i++;
    if (i == w->n_patterns)
        memcpy(w->patterns[w->n_patterns++], lanes, 1 + (size_t)lanes[0]);
    return (uint8_t)i;
}

static enum status odd_add(struct copies_writer *w, const struct copy *copies, size_t n,
                           struct err *err)
{
    struct buf *row = &w->packed; /* not needed before the block is closed */

    buf_clear(row);
    copies_encode(copies, n, row);
    TRY(buf_status(row, err));
    if (row->len > ROW_MAX)
        return err_set(err, ST_LIMIT, "copies of %zu bytes are more than a case can hold",
                       row->len);
    buf_put_blob(&w->odd, buf_slice(row));
    w->row_pattern[w->rows] = ODD_ROW;
    return buf_status(&w->odd, err);
}

static enum status plain_add(struct copies_writer *w, const struct copy *copies, size_t n,
                             int64_t sent, struct err *err)
{
    uint8_t lanes[1 + COPIES_LANES];

    /* The row could need as many lanes and texts as it has copies. */
    if (w->n_lanes + n > COPIES_LANES || w->n_extras + n > COPIES_EXTRAS)
        TRY(block_close(w, err));
    lanes[0] = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        lanes[i + 1] = lane_of(w, &copies[i]);
        cell_add(w, &copies[i], sent, lanes[i + 1]);
    }
    w->row_pattern[w->rows] = pattern_of(w, lanes);
    return buf_status(&w->extras, err);
}

enum status copies_add(struct copies_writer *w, const struct copy *copies, size_t n, int64_t sent,
                       struct err *err)
{
    TRY(row_is_plain(copies, n) ? plain_add(w, copies, n, sent, err) : odd_add(w, copies, n, err));
    w->rows++;
    w->next++;
    bool full = w->rows == COPIES_BLOCK || w->extras.len + w->odd.len >= COPIES_REST_TARGET;
    return full ? block_close(w, err) : ST_OK;
}

enum status copies_finish(struct copies_writer *w, struct err *err) { return block_close(w, err); }
