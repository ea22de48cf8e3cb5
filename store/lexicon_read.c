/* lexicon_read — looks a term up by binary search over the first terms of blocks, then along one
 * block; walks terms block by block. */
#include <stdlib.h>

#include "store/segment_private.h"

enum { FIRST_TERM_BYTES = 2 + TERM_MAX };

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "lexicon: %s", what);
}

/* Where a walk along one block stands. */
struct lexicon_walk {
    struct cursor c;
    uint64_t off; /* of the block in its section */
    uint32_t left;
    uint8_t term[TERM_MAX];
    size_t len;
    uint64_t last_postings;
};

static enum status term_step(struct lexicon_walk *w, bool first, struct err *err)
{
    size_t shared = cursor_u8(&w->c), more = cursor_u8(&w->c);
    struct slice s = cursor_bytes(&w->c, more);

    if (w->c.bad || more == 0 || shared > w->len || shared + more > TERM_MAX ||
        (first && shared != 0))
        return damaged("bad term", err);
    /* Ascending: the first byte that differs is greater, or the last term is a beginning. The first
     * of a block shares nothing, but has the last of the block before to follow. */
    bool behind = first ? w->len && slice_cmp(s, slice_of(w->term, w->len)) <= 0
                        : shared < w->len && s.data[0] <= w->term[shared];
    if (behind)
        return damaged("terms are out of order", err);
    memcpy(w->term + shared, s.data, more);
    w->len = shared + more;
    return ST_OK;
}

static enum status walk_next(struct lexicon_walk *w, const struct segment *s,
                             struct term_entry *out, struct err *err)
{
    struct inline_postings skip;

    TRY(term_step(w, w->c.pos == 0, err));
    uint64_t at = w->off + w->c.pos;
    uint64_t head = cursor_varint(&w->c);
    uint64_t docs = head >> HEAD_SHIFT;
    if (w->c.bad || docs == 0 || docs > s->docs)
        return damaged("bad count of documents", err);
    out->handle = at << HANDLE_SHIFT | HANDLE_INLINE;
    if (head & HEAD_INLINE) {
        TRY(inline_parse(&w->c, head, s->docs, &skip, err));
    } else {
        uint64_t most = source_len(&s->files[0].src, SEC_POSTINGS) - w->last_postings;
        w->last_postings += cursor_varint_max(&w->c, most);
        if (w->c.bad || head & HEAD_ONCE)
            return damaged("bad place of postings", err);
        out->handle = w->last_postings << HANDLE_SHIFT;
    }
    out->docs = (uint32_t)docs;
    out->has_positions = (head & HEAD_POSITIONS) != 0;
    out->term = slice_of(w->term, w->len);
    if (--w->left == 0)
        return cursor_done(&w->c, "lexicon block", err);
    return ST_OK;
}

/* Block `block` next; w is zeroed, or at the end of the block before. */
static enum status walk_open(struct lexicon_walk *w, struct segment *s, uint64_t block,
                             struct buf *dir, struct buf *data, struct err *err)
{
    struct piece p = {0};
    struct slice bytes = {0};
    uint64_t left = s->files[0].meta.terms - block * LEXICON_BLOCK;

    TRY(directory_piece(&s->lexicon, block, 0, SEC_LEXICON, LEXICON_BYTES_MAX, dir, &p, err));
    TRY(source_read(s->lexicon.src, SEC_LEXICON, p.off, p.len, data, &bytes, err));
    w->c = cursor_of(bytes);
    w->off = p.off;
    w->left = left < LEXICON_BLOCK ? (uint32_t)left : LEXICON_BLOCK;
    w->last_postings = 0;
    return ST_OK;
}

/* The last block that begins with a term <= `term`; 0 if none does. */
static enum status block_find(struct segment *s, struct slice term, struct buf *dir,
                              struct buf *data, uint64_t *block, struct err *err)
{
    uint64_t lo = 0, hi = s->lexicon.n, len = source_len(s->lexicon.src, SEC_LEXICON);

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct slice e = {0}, b = {0};
        TRY(directory_read(&s->lexicon, mid, 1, dir, &e, err));
        uint64_t off = load_u64(e.data);
        if (off >= len)
            return damaged("a block begins past the end", err);
        size_t n = len - off < FIRST_TERM_BYTES ? (size_t)(len - off) : FIRST_TERM_BYTES;
        TRY(source_read(s->lexicon.src, SEC_LEXICON, off, n, data, &b, err));
        struct lexicon_walk w = {.c = cursor_of(b)};
        TRY(term_step(&w, true, err));
        if (slice_cmp(slice_of(w.term, w.len), term) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *block = lo ? lo - 1 : 0;
    return ST_OK;
}

enum status segment_term(struct segment *s, struct segment_scratch *x, struct slice term,
                         struct term_entry *out, struct err *err)
{
    struct lexicon_walk w = {0};
    struct term_entry e = {0};
    uint64_t block = 0;
    int order = -1;

    if (s->lexicon.n == 0)
        return err_set(err, ST_NOT_FOUND, "no such term");
    TRY(block_find(s, term, &x->dir, &x->data, &block, err));
    TRY(walk_open(&w, s, block, &x->dir, &x->data, err));
    while (w.left && order < 0) {
        TRY(walk_next(&w, s, &e, err));
        order = slice_cmp(e.term, term);
    }
    if (order != 0)
        return err_set(err, ST_NOT_FOUND, "no such term");
    buf_clear(&x->term);
    buf_put_slice(&x->term, e.term);
    TRY(buf_status(&x->term, err));
    e.term = buf_slice(&x->term);
    *out = e;
    return ST_OK;
}

struct term_iter {
    struct segment *s;
    struct lexicon_walk walk;
    uint64_t next_block;
    bool have; /* a term was read ahead while looking for the start */
    struct term_entry ahead;
    enum status failed; /* latched */
    struct buf dir, data;
};

static enum status iter_step(struct term_iter *it, struct term_entry *out, struct err *err)
{
    if (it->walk.left == 0) {
        if (it->next_block >= it->s->lexicon.n)
            return ST_END;
        TRY(walk_open(&it->walk, it->s, it->next_block, &it->dir, &it->data, err));
        it->next_block++;
    }
    return walk_next(&it->walk, it->s, out, err);
}

/* Goes to the first term >= from, which is then read ahead. */
static enum status iter_start(struct term_iter *it, struct slice from, struct err *err)
{
    if (it->s->lexicon.n == 0)
        return ST_OK;
    TRY(block_find(it->s, from, &it->dir, &it->data, &it->next_block, err));
    for (;;) {
        enum status st = iter_step(it, &it->ahead, err);
        if (st == ST_END)
            return ST_OK;
        if (st != ST_OK)
            return st;
        if (slice_cmp(it->ahead.term, from) >= 0) {
            it->have = true;
            return ST_OK;
        }
    }
}

enum status term_iter_open(struct segment *s, struct slice from, struct term_iter **out,
                           struct err *err)
{
    struct term_iter *it = calloc(1, sizeof(*it));

    if (!it)
        return err_no_memory(err);
    it->s = s;
    enum status st = iter_start(it, from, err);
    if (st != ST_OK) {
        term_iter_close(it);
        return st;
    }
    *out = it;
    return ST_OK;
}

enum status term_iter_next(struct term_iter *it, struct term_entry *out, struct err *err)
{
    if (it->failed)
        return it->failed == ST_END ? ST_END : err_set(err, it->failed, "lexicon: failed before");
    if (it->have) {
        it->have = false;
        *out = it->ahead;
        return ST_OK;
    }
    enum status st = iter_step(it, out, err);
    if (st != ST_OK)
        it->failed = st;
    return st;
}

void term_iter_close(struct term_iter *it)
{
    if (!it)
        return;
    buf_release(&it->dir);
    buf_release(&it->data);
    free(it);
}
