/* postings_write — one word's documents, in blocks of 128, written as they come: the skip table
 * stands after the blocks, so that nothing but it is held. Positions go to a section of their own,
 * which AND and totals never read. */
#include "store/patched.h"
#include "store/segment_private.h"

bool postings_fit_inline(const struct postings_in *p)
{
    uint64_t positions = 0;

    if (p->n > INLINE_DOCS)
        return false;
    for (uint32_t i = 0; p->tf && i < p->n; i++)
        positions += p->tf[i];
    return positions <= INLINE_POSITIONS;
}

static bool all_once(const uint32_t *tf, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (tf[i] != 1)
            return false;
    return true;
}

static void positions_put(const uint32_t *positions, uint32_t n, struct buf *out)
{
    uint32_t last = 0;

    for (uint32_t i = 0; i < n; i++) {
        buf_put_varint(out, positions[i] - last);
        last = positions[i];
    }
}

void inline_encode(const struct postings_in *p, struct buf *out)
{
    bool once = p->tf && all_once(p->tf, p->n);
    const uint32_t *positions = p->positions;
    uint32_t next = 0;

    buf_put_varint(out, (uint64_t)p->n << HEAD_SHIFT | HEAD_INLINE |
                            (p->tf ? (unsigned)HEAD_POSITIONS : 0) |
                            (once ? (unsigned)HEAD_ONCE : 0));
    for (uint32_t i = 0; i < p->n; i++) {
        buf_put_varint(out, p->docs[i] - next);
        next = p->docs[i] + 1;
    }
    for (uint32_t i = 0; p->tf && !once && i < p->n; i++)
        buf_put_varint(out, p->tf[i] - 1);
    for (uint32_t i = 0; p->tf && i < p->n; i++) {
        positions_put(positions, p->tf[i], out);
        positions += p->tf[i];
    }
}

void postings_writer_release(struct postings_writer *w)
{
    buf_release(&w->skip_last);
    buf_release(&w->skip_minute);
    buf_release(&w->skip_end);
    buf_release(&w->block);
    buf_release(&w->positions);
    buf_release(&w->steps);
}

static void docs_put(struct buf *out, const uint32_t *docs, uint32_t n, uint32_t next)
{
    uint32_t gaps[POSTING_BLOCK];

    for (uint32_t i = 0; i < n; i++) {
        gaps[i] = docs[i] - next;
        next = docs[i] + 1;
    }
    patched_put(gaps, n, out);
}

static void tf_put(struct buf *out, const uint32_t *tf, uint32_t n)
{
    uint32_t more[POSTING_BLOCK];

    for (uint32_t i = 0; i < n; i++)
        more[i] = tf[i] - 1;
    patched_put(more, n, out);
}

/* Positions of the block's documents into w->positions; *used = how many. */
static enum status positions_gather(struct postings_writer *w, const uint32_t *tf, uint32_t n,
                                    const uint32_t *positions, size_t *used, struct err *err)
{
    size_t all = 0, at = 0;

    for (uint32_t i = 0; i < n; i++)
        all += tf[i];
    buf_clear(&w->steps);
    uint32_t *steps = (void *)buf_reserve(&w->steps, all * sizeof(*steps));
    if (!steps)
        return err_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < tf[i]; k++, at++)
            steps[at] = positions[at] - (k ? positions[at - 1] : 0);
    patched_list_put(steps, all, &w->positions);
    *used = all;
    return buf_status(&w->positions, err);
}

static uint32_t minute_max(const uint32_t *docs, uint32_t n, const uint32_t *minutes)
{
    uint32_t max = 0;

    for (uint32_t i = 0; i < n; i++)
        max = minutes[docs[i]] > max ? minutes[docs[i]] : max;
    return max;
}

/* Block of `n` documents into w->block, their positions into w->positions. */
static enum status block_make(struct postings_writer *w, const struct postings_in *p, uint32_t at,
                              uint32_t n, size_t *position, struct err *err)
{
    size_t used = 0;

    docs_put(&w->block, p->docs + at, n, at ? p->docs[at - 1] + 1 : 0);
    if (!p->tf)
        return ST_OK;
    tf_put(&w->block, p->tf + at, n);
    TRY(positions_gather(w, p->tf + at, n, p->positions + *position, &used, err));
    *position += used;
    return ST_OK;
}

/* A block of many; its positions go to their section. */
static enum status block_write(struct postings_writer *w, const struct postings_in *p, uint32_t at,
                               uint32_t n, size_t *position, uint64_t start, struct err *err)
{
    TRY(block_make(w, p, at, n, position, err));
    if (p->tf) {
        buf_put_varint(&w->block, sink_size(w->out, SEC_POSITIONS) - start);
        buf_put_varint(&w->block, w->positions.len);
        TRY(sink_take(w->out, SEC_POSITIONS, &w->positions, err));
    }
    return sink_take(w->out, SEC_POSTINGS, &w->block, err);
}

static void head_put(struct buf *out, uint32_t n, unsigned flags, uint64_t positions)
{
    buf_put_varint(out, n);
    buf_put_u8(out, (uint8_t)flags);
    if (flags & POSTINGS_HAVE_POSITIONS && !(flags & POSTINGS_BESIDE))
        buf_put_varint(out, positions);
}

/* Few documents: their positions stand beside them, unless they are many. */
static enum status single_write(struct postings_writer *w, const struct postings_in *p,
                                const uint32_t *minutes, uint64_t *at, struct err *err)
{
    uint64_t start = sink_size(w->out, SEC_POSITIONS);
    struct buf *head = &w->skip_last; /* not needed for a skip table here */
    size_t position = 0;

    TRY(block_make(w, p, 0, p->n, &position, err));
    bool beside = p->tf && w->positions.len <= POSITIONS_BESIDE_MAX;
    head_put(head, p->n,
             (p->tf ? (unsigned)POSTINGS_HAVE_POSITIONS : 0) |
                 (beside ? (unsigned)POSTINGS_BESIDE : 0),
             start);
    buf_put_varint(head, minute_max(p->docs, p->n, minutes));
    buf_put_varint(head, w->block.len);
    if (p->tf)
        buf_put_varint(head, w->positions.len);
    *at = sink_size(w->out, SEC_POSTINGS);
    TRY(sink_take(w->out, SEC_POSTINGS, head, err));
    TRY(sink_take(w->out, SEC_POSTINGS, &w->block, err));
    return sink_take(w->out, beside ? SEC_POSTINGS : SEC_POSITIONS, &w->positions, err);
}

enum status postings_write(struct postings_writer *w, const struct postings_in *p,
                           const uint32_t *minutes, uint64_t *at, struct err *err)
{
    if (p->n <= POSTING_BLOCK)
        return single_write(w, p, minutes, at, err);
    uint64_t start = sink_size(w->out, SEC_POSITIONS);
    uint64_t data = sink_size(w->out, SEC_POSTINGS);
    size_t position = 0;
    for (uint32_t i = 0; i < p->n; i += POSTING_BLOCK) {
        uint32_t n = p->n - i < POSTING_BLOCK ? p->n - i : POSTING_BLOCK;
        TRY(block_write(w, p, i, n, &position, start, err));
        buf_put_u32(&w->skip_last, p->docs[i + n - 1]);
        buf_put_u32(&w->skip_minute, minute_max(p->docs + i, n, minutes));
        buf_put_u64(&w->skip_end, sink_size(w->out, SEC_POSTINGS) - data);
    }
    *at = sink_size(w->out, SEC_POSTINGS);
    head_put(&w->block, p->n, p->tf ? POSTINGS_HAVE_POSITIONS : 0, start);
    buf_put_varint(&w->block, *at - data);
    TRY(sink_take(w->out, SEC_POSTINGS, &w->block, err));
    TRY(sink_take(w->out, SEC_POSTINGS, &w->skip_last, err));
    TRY(sink_take(w->out, SEC_POSTINGS, &w->skip_minute, err));
    return sink_take(w->out, SEC_POSTINGS, &w->skip_end, err);
}
