/* postings_open — where a word's documents are: in the lexicon, in one block, or in many with a
 * skip table. Opening reads the head and nothing else. */
#include <stdlib.h>

#include "store/postings_iter.h"

enum { HEAD_BYTES_MAX = 64 };

enum status postings_damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "postings: %s", what);
}

static bool positions_get(struct cursor *c, uint32_t n, uint32_t *out)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += cursor_varint_max(c, UINT32_MAX);
        if (c->bad || sum > UINT32_MAX)
            return false;
        out[i] = (uint32_t)sum;
    }
    return true;
}

static enum status inline_positions_parse(struct cursor *c, uint64_t head,
                                          struct inline_postings *out, struct err *err)
{
    uint64_t all = 0;
    uint32_t *p = out->positions;

    for (uint32_t i = 0; i < out->n; i++) {
        out->tf[i] =
            head & HEAD_ONCE ? 1 : (uint32_t)cursor_varint_max(c, INLINE_POSITIONS - 1) + 1;
        all += out->tf[i];
    }
    if (c->bad || all > INLINE_POSITIONS)
        return postings_damaged("too many inline positions", err);
    for (uint32_t i = 0; i < out->n; p += out->tf[i++])
        if (!positions_get(c, out->tf[i], p))
            return postings_damaged("bad inline positions", err);
    return ST_OK;
}

enum status inline_parse(struct cursor *c, uint64_t head, uint32_t docs,
                         struct inline_postings *out, struct err *err)
{
    uint64_t n = head >> HEAD_SHIFT, next = 0;

    if (!(head & HEAD_INLINE) || n < 1 || n > INLINE_DOCS)
        return postings_damaged("bad count of inline postings", err);
    out->n = (uint32_t)n;
    out->has_positions = (head & HEAD_POSITIONS) != 0;
    for (uint32_t i = 0; i < out->n; i++) {
        next += cursor_varint_max(c, UINT32_MAX);
        if (c->bad || next >= docs)
            return postings_damaged("an inline posting is of no document", err);
        out->docs[i] = (uint32_t)next++;
    }
    return out->has_positions ? inline_positions_parse(c, head, out, err) : ST_OK;
}

static enum status read_up_to(const struct posting_iter *it, unsigned section, uint64_t off,
                              size_t max, struct buf *scratch, struct slice *out, struct err *err)
{
    uint64_t len = source_len(it->src, section);

    if (off >= len)
        return postings_damaged("they begin past the end", err);
    return source_read(it->src, section, off, len - off < max ? (size_t)(len - off) : max, scratch,
                       out, err);
}

static enum status open_inline(struct posting_iter *it, uint64_t off, struct err *err)
{
    struct slice s = {0};

    TRY(read_up_to(it, SEC_LEXICON, off, INLINE_BYTES_MAX, &it->scratch, &s, err));
    struct cursor c = cursor_of(s);
    uint64_t head = cursor_varint(&c);
    TRY(inline_parse(&c, head, it->s->docs, &it->tiny, err));
    it->in_line = true;
    it->has_positions = it->tiny.has_positions;
    it->n = it->tiny.n;
    return ST_OK;
}

static enum status open_single(struct posting_iter *it, struct cursor *c, uint64_t off, bool beside,
                               struct err *err)
{
    it->minute = (uint32_t)cursor_varint_max(c, UINT32_MAX);
    it->data_len = cursor_varint_max(c, POSTING_BYTES_MAX);
    if (it->has_positions)
        *(beside ? &it->beside : &it->elsewhere) = cursor_varint_max(c, POSITIONS_BYTES_MAX);
    it->data = off + c->pos;
    it->n_blocks = 1;
    return c->bad ? postings_damaged("bad head", err) : ST_OK;
}

static enum status open_many(struct posting_iter *it, struct cursor *c, uint64_t off,
                             struct err *err)
{
    it->data_len = cursor_varint_max(c, off);
    it->data = off - it->data_len;
    it->skip = off + c->pos;
    it->n_blocks = (it->n - 1) / POSTING_BLOCK + 1;
    uint64_t whole = source_len(it->src, SEC_POSTINGS);
    if (c->bad || it->skip > whole || whole - it->skip < (uint64_t)it->n_blocks * 16)
        return postings_damaged("bad head", err);
    it->window = calloc(1, sizeof(*it->window));
    return it->window ? ST_OK : err_no_memory(err);
}

static enum status open_blocks(struct posting_iter *it, uint64_t off, struct err *err)
{
    struct slice s = {0};

    TRY(read_up_to(it, SEC_POSTINGS, off, HEAD_BYTES_MAX, &it->scratch, &s, err));
    struct cursor c = cursor_of(s);
    it->n = (uint32_t)cursor_varint_max(&c, it->s->docs);
    uint8_t flags = cursor_u8(&c);
    bool beside = flags & POSTINGS_BESIDE;
    it->has_positions = flags & POSTINGS_HAVE_POSITIONS;
    if (it->has_positions && !beside)
        it->positions = cursor_varint_max(&c, source_len(it->src, SEC_POSITIONS));
    if (c.bad || flags > 3 || flags == POSTINGS_BESIDE || it->n == 0 ||
        (beside && it->n > POSTING_BLOCK))
        return postings_damaged("bad head", err);
    return it->n <= POSTING_BLOCK ? open_single(it, &c, off, beside, err)
                                  : open_many(it, &c, off, err);
}

enum status posting_iter_open(struct segment *s, uint64_t handle, struct posting_iter **out,
                              struct err *err)
{
    struct posting_iter *it = calloc(1, sizeof(*it));

    if (!it)
        return err_no_memory(err);
    it->s = s;
    it->src = &s->files[0].src;
    it->block = it->loaded = UINT32_MAX;
    enum status st = handle & HANDLE_INLINE ? open_inline(it, handle >> HANDLE_SHIFT, err)
                                            : open_blocks(it, handle >> HANDLE_SHIFT, err);
    if (st != ST_OK) {
        posting_iter_close(it);
        return st;
    }
    *out = it;
    return ST_OK;
}

void posting_iter_close(struct posting_iter *it)
{
    if (!it)
        return;
    free(it->window);
    buf_release(&it->ahead);
    buf_release(&it->scratch);
    patched_list_release(&it->steps);
    buf_release(&it->steps_bytes);
    buf_release(&it->list);
    free(it);
}
