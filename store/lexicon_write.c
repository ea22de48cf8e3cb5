/* lexicon_write — terms in front-coded blocks of 32; the rarest carry their postings with them,
 * which saves a read and an offset for the many words that stand in one message. */
#include "store/segment_private.h"

void lexicon_writer_release(struct lexicon_writer *w) { buf_release(&w->block); }

static enum status block_close(struct lexicon_writer *w, struct err *err)
{
    return sink_take(w->out, SEC_LEXICON, &w->block, err);
}

static enum status block_open(struct lexicon_writer *w, struct err *err)
{
    uint8_t off[8];

    TRY(block_close(w, err));
    store_u64(off, sink_size(w->out, SEC_LEXICON));
    w->last_postings = 0;
    return sink_append(w->out, SEC_LEXICON_DIR, off, sizeof(off), err);
}

static size_t shared_bytes(const struct lexicon_writer *w, struct slice term)
{
    size_t max = w->last_len < term.len ? w->last_len : term.len, n = 0;

    while (n < max && w->last[n] == term.data[n])
        n++;
    return n;
}

enum status lexicon_add(struct lexicon_writer *w, struct slice term, const struct postings_in *p,
                        bool in_line, uint64_t postings, struct err *err)
{
    if (term.len == 0 || term.len > TERM_MAX)
        return err_set(err, ST_USAGE, "a term has 1 to %d bytes", TERM_MAX);
    if (w->terms && slice_cmp(term, slice_of(w->last, w->last_len)) <= 0)
        return err_set(err, ST_USAGE, "terms come in ascending order, each once");
    bool first = w->terms % LEXICON_BLOCK == 0;
    if (first)
        TRY(block_open(w, err));
    size_t shared = first ? 0 : shared_bytes(w, term);
    buf_put_u8(&w->block, (uint8_t)shared);
    buf_put_u8(&w->block, (uint8_t)(term.len - shared));
    buf_put(&w->block, term.data + shared, term.len - shared);
    if (in_line) {
        inline_encode(p, &w->block);
    } else {
        buf_put_varint(&w->block,
                       (uint64_t)p->n << HEAD_SHIFT | (p->tf ? (unsigned)HEAD_POSITIONS : 0));
        buf_put_varint(&w->block, postings - w->last_postings);
        w->last_postings = postings;
    }
    memcpy(w->last, term.data, term.len);
    w->last_len = term.len;
    w->terms++;
    return buf_status(&w->block, err);
}

enum status lexicon_finish(struct lexicon_writer *w, struct err *err)
{
    return block_close(w, err);
}
