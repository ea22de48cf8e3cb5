/* postings_positions — where in a document a word stands. The positions of a block come one
 * document after the other; those of documents that nobody asks about are only stepped over. */
#include "store/postings_iter.h"

enum { POSITION_CHUNK = 8192 };

static enum status tf_load(struct posting_iter *it, struct err *err)
{
    struct cursor c = it->rest;
    unsigned bits = cursor_u8(&c);
    uint64_t whole = source_len(it->src, SEC_POSITIONS);

    if (it->count < POSTING_BLOCK && bits > 1)
        c.bad = true;
    if (it->count < POSTING_BLOCK && bits == 0)
        memset(it->tf, 0, sizeof(it->tf));
    else
        values_get(&c, it->count, bits, it->tf);
    for (uint32_t i = 0; i < it->count && !c.bad; i++)
        if (it->tf[i]++ >= POSTING_TF_MAX)
            c.bad = true;
    uint64_t off = cursor_varint_max(&c, whole - it->positions);
    uint64_t len = cursor_varint_max(&c, whole - it->positions - off);
    TRY(cursor_done(&c, "postings block", err));
    it->chunk_off = it->positions + off;
    it->chunk_end = it->chunk_off + len;
    it->chunk = (struct cursor){0};
    it->position_doc = 0;
    it->tf_ready = true;
    return ST_OK;
}

/* Ten bytes, or all that is left, in the cursor. */
static enum status chunk_fill(struct posting_iter *it, struct err *err)
{
    if (cursor_left(&it->chunk) >= 10 || it->chunk_off == it->chunk_end)
        return ST_OK;
    uint64_t off = it->chunk_off - cursor_left(&it->chunk);
    uint64_t left = it->chunk_end - off;
    struct slice s = {0};
    TRY(source_read(it->src, SEC_POSITIONS, off,
                    left < POSITION_CHUNK ? (size_t)left : POSITION_CHUNK, &it->chunk_bytes, &s,
                    err));
    it->chunk = cursor_of(s);
    it->chunk_off = off + s.len;
    return ST_OK;
}

static enum status positions_skip(struct posting_iter *it, uint64_t n, struct err *err)
{
    while (n) {
        TRY(chunk_fill(it, err));
        /* A varint ends at each byte without the top bit. */
        struct cursor *c = &it->chunk;
        if (cursor_left(c) == 0)
            return postings_damaged("positions are cut", err);
        while (n && c->pos < c->len)
            n -= c->data[c->pos++] < 0x80;
    }
    return ST_OK;
}

static enum status positions_read(struct posting_iter *it, uint32_t n, uint32_t *out,
                                  struct err *err)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        TRY(chunk_fill(it, err));
        sum += cursor_varint_max(&it->chunk, UINT32_MAX);
        if (it->chunk.bad || sum > UINT32_MAX)
            return postings_damaged("bad positions", err);
        out[i] = (uint32_t)sum;
    }
    return ST_OK;
}

static enum status positions_of_block(struct posting_iter *it, const uint32_t **positions,
                                      uint32_t *n, struct err *err)
{
    uint64_t skip = 0;

    if (!it->tf_ready || it->position_doc > it->at)
        TRY(tf_load(it, err));
    for (; it->position_doc < it->at; it->position_doc++)
        skip += it->tf[it->position_doc];
    TRY(positions_skip(it, skip, err));
    /* A position takes a byte at least: a count beyond what is left is a lie, not an allocation. */
    uint32_t tf = it->tf[it->at];
    if (tf > it->chunk_end - it->chunk_off + cursor_left(&it->chunk))
        return postings_damaged("more positions than bytes", err);
    buf_clear(&it->list);
    uint32_t *list = (uint32_t *)(void *)buf_reserve(&it->list, (size_t)tf * sizeof(*list));
    if (!list)
        return err_no_memory(err);
    TRY(positions_read(it, tf, list, err));
    it->position_doc = it->at + 1;
    *positions = list;
    *n = tf;
    return ST_OK;
}

enum status posting_iter_positions(struct posting_iter *it, const uint32_t **positions, uint32_t *n,
                                   struct err *err)
{
    if (it->failed || !it->on_doc)
        return err_set(err, it->failed ? it->failed : ST_USAGE, "postings: not on a document");
    if (!it->has_positions) {
        *positions = NULL;
        *n = 0;
        return ST_OK;
    }
    if (it->in_line) {
        uint32_t skip = 0;
        for (uint32_t i = 0; i < it->at; i++)
            skip += it->tiny.tf[i];
        *positions = it->tiny.positions + skip;
        *n = it->tiny.tf[it->at];
        return ST_OK;
    }
    enum status st = positions_of_block(it, positions, n, err);
    return st == ST_OK ? ST_OK : posting_iter_fail(it, st);
}
