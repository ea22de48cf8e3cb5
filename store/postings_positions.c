/* postings_positions — where in a document a word stands. Those of a block are read together, and
 * unpacked only for the documents that are asked about. */
#include "store/postings_iter.h"

/* Where the positions of the block lie; `c` stands behind how often each document has the word. */
static enum status place_find(const struct posting_iter *it, struct cursor *c, unsigned *section,
                              uint64_t *off, uint64_t *len, struct err *err)
{
    *section = it->beside ? SEC_POSTINGS : SEC_POSITIONS;
    *off = it->beside ? it->data + it->data_len : it->positions;
    *len = it->beside ? it->beside : it->elsewhere;
    uint64_t whole = source_len(it->src, *section);
    if (it->window) {
        *off += cursor_varint_max(c, whole - it->positions);
        *len = cursor_varint_max(c, POSITIONS_BYTES_MAX);
    }
    TRY(cursor_done(c, "postings block", err));
    if (*off > whole || *len > whole - *off)
        return postings_damaged("positions lie past the end", err);
    return ST_OK;
}

static enum status positions_load(struct posting_iter *it, struct err *err)
{
    struct cursor c = it->rest;
    struct slice s = {0};
    unsigned section = 0;
    uint64_t off = 0, len = 0, all = 0;

    patched_get(&c, it->count, it->tf);
    for (uint32_t i = 0; i < it->count && !c.bad; i++) {
        c.bad |= it->tf[i] >= POSTING_TF_MAX;
        all += ++it->tf[i];
    }
    TRY(place_find(it, &c, &section, &off, &len, err));
    TRY(source_read(it->src, section, off, (size_t)len, &it->steps_bytes, &s, err));
    TRY(patched_list_open(s, all, &it->steps, err));
    it->position_doc = 0;
    it->position = 0;
    it->tf_ready = true;
    return ST_OK;
}

/* Steps to positions, in place. */
static enum status steps_sum(uint32_t *list, uint32_t n, struct err *err)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += list[i];
        if (sum > UINT32_MAX)
            return postings_damaged("bad positions", err);
        list[i] = (uint32_t)sum;
    }
    return ST_OK;
}

static enum status positions_of_block(struct posting_iter *it, const uint32_t **positions,
                                      uint32_t *n, struct err *err)
{
    if (!it->tf_ready)
        TRY(positions_load(it, err));
    if (it->position_doc > it->at) {
        it->position_doc = 0;
        it->position = 0;
    }
    for (; it->position_doc < it->at; it->position_doc++)
        it->position += it->tf[it->position_doc];
    uint32_t tf = it->tf[it->at];
    buf_clear(&it->list);
    uint32_t *list = (uint32_t *)(void *)buf_reserve(&it->list, (size_t)tf * sizeof(*list));
    if (!list)
        return err_no_memory(err);
    patched_list_get(&it->steps, it->position, tf, list);
    TRY(steps_sum(list, tf, err));
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
