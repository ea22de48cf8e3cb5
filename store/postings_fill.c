/* postings_fill — a word's documents as bits: what AND, OR, NOT and totals are made of. A block of
 * 128 documents is decoded whole, and not at all if none of them is wanted. */
#include "store/postings_iter.h"

struct fill {
    uint32_t first, end;
    const uint64_t *mask;
    uint64_t *bits;
    bool *some;
};

/* First document >= doc that is wanted, f->end if none. */
static uint32_t wanted_next(const struct fill *f, uint32_t doc)
{
    if (doc >= f->end)
        return f->end;
    if (!f->mask)
        return doc;
    size_t i = (doc - f->first) / 64, n = (f->end - f->first + (size_t)63) / 64;
    uint64_t word = f->mask[i] & UINT64_MAX << ((doc - f->first) % 64);
    while (word == 0) {
        if (++i == n)
            return f->end;
        word = f->mask[i];
    }
    uint32_t found = f->first + (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
    return found < f->end ? found : f->end;
}

static void fill_begin(const struct fill *f)
{
    if (*f->some)
        return;
    memset(f->bits, 0, (f->end - f->first + (size_t)63) / 64 * sizeof *f->bits);
    *f->some = true;
}

/* Documents of the decoded block that lie in the window. A word of bits is gathered in a register:
 * of frequent words many documents fall into the same. */
static void fill_put(struct posting_iter *it, const struct fill *f)
{
    uint32_t at = it->at, n = it->count;
    uint64_t word = 0;
    size_t where = 0;

    while (at < n && it->docs[at] < f->first)
        at++;
    if (at < n && it->docs[at] < f->end) {
        fill_begin(f);
        where = (it->docs[at] - f->first) / 64;
    }
    for (; at < n && it->docs[at] < f->end; at++) {
        uint32_t bit = it->docs[at] - f->first;
        if (bit / 64 != where) {
            f->bits[where] |= word;
            where = bit / 64;
            word = 0;
        }
        word |= UINT64_C(1) << bit % 64;
    }
    if (word)
        f->bits[where] |= word;
    it->at = at;
}

/* Decodes the first block that may have a wanted document at or behind `doc`; *more false if the
 * window has none. */
static enum status fill_advance(struct posting_iter *it, const struct fill *f, uint32_t doc,
                                bool *more, struct err *err)
{
    *more = false;
    for (doc = wanted_next(f, doc); doc < f->end; doc = wanted_next(f, doc)) {
        uint32_t block = 0;
        if (it->window)
            TRY(posting_block_find(it, doc, &block, err));
        else if (it->block != UINT32_MAX)
            return ST_OK; /* the only one was taken */
        if (block >= it->n_blocks)
            return ST_OK;
        struct block_place p = posting_block_place(it, block);
        if (p.next > doc) {
            doc = wanted_next(f, p.next);
            if (doc >= f->end)
                return ST_OK;
            if (doc > p.last)
                continue;
        }
        *more = true;
        return posting_block_load(it, block, err);
    }
    return ST_OK;
}

static enum status fill_blocks(struct posting_iter *it, const struct fill *f, struct err *err)
{
    uint32_t doc = f->first;
    for (bool more = true; more;) {
        if (it->block != UINT32_MAX && it->docs[it->count - 1] >= doc) {
            fill_put(it, f);
            if (it->docs[it->count - 1] >= f->end)
                break;
            doc = it->docs[it->count - 1] + 1;
        }
        TRY(fill_advance(it, f, doc, &more, err));
    }
    return ST_OK;
}

static void fill_inline(const struct posting_iter *it, const struct fill *f)
{
    for (uint32_t i = 0; i < it->n; i++) {
        uint32_t doc = it->tiny.docs[i];
        if (doc < f->first || doc >= f->end)
            continue;
        fill_begin(f);
        f->bits[(doc - f->first) / 64] |= UINT64_C(1) << (doc - f->first) % 64;
    }
}

enum status posting_iter_fill(struct posting_iter *it, uint32_t first, uint32_t n,
                              const uint64_t *mask, uint64_t *bits, bool *some, struct err *err)
{
    const struct fill f = {first, first + n, mask, bits, some};
    if (it->failed)
        return err_set(err, it->failed, "postings: reading failed before");
    if (it->in_line) {
        fill_inline(it, &f);
        return ST_OK;
    }
    enum status st = fill_blocks(it, &f, err);
    return st == ST_OK ? ST_OK : posting_iter_fail(it, st);
}
