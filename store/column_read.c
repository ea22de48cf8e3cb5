/* column_read — one value at a time without decoding its block: a value stands at a known bit. */
#include "store/bitpack.h"
#include "store/column.h"

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "column block: %s", what);
}

enum status sent_parse(struct slice block, uint32_t n, const struct sent_bounds *b,
                       struct sent_block *out, struct err *err)
{
    struct cursor c = cursor_of(block);
    unsigned bits = cursor_u8(&c);
    unsigned scale = cursor_u8(&c);
    bool timed = b->min <= b->max;

    if (c.bad || bits > 64 || scale > 1 || n > COLUMN_BLOCK)
        return damaged("bad head of times", err);
    /* The least time may not be the value that says there is none. */
    if ((timed && b->min == TIME_NONE) || (!timed && (!b->has_untimed || bits)))
        return damaged("bounds of times do not fit", err);
    struct slice run = cursor_bytes(&c, run_size(n, bits));
    TRY(cursor_done(&c, "column block of times", err));
    *out = (struct sent_block){
        .bounds = *b, .run = run, .bits = bits, .unit = scale ? 1000 : 1, .n = n};
    return ST_OK;
}

enum status sent_get(const struct sent_block *b, uint32_t i, int64_t *sent, struct err *err)
{
    if (i >= b->n)
        return damaged("no such document", err);
    uint64_t v = run_get(b->run, i, b->bits);
    if (b->bounds.has_untimed && v == bits_mask(b->bits)) {
        *sent = TIME_NONE;
        return ST_OK;
    }
    uint64_t range = (uint64_t)b->bounds.max - (uint64_t)b->bounds.min;
    if (v > range / b->unit)
        return damaged("a time is outside of its bounds", err);
    *sent = (int64_t)((uint64_t)b->bounds.min + v * b->unit);
    return ST_OK;
}

static void run_parse(struct cursor *c, uint32_t n, uint64_t max, struct column_run *out)
{
    out->bits = cursor_u8(c);
    out->base = cursor_varint_max(c, max);
    if (out->bits > 64)
        c->bad = true;
    out->run = cursor_bytes(c, c->bad ? 0 : run_size(n, out->bits));
}

enum status state_parse(struct cursor *c, uint32_t n, struct state_block *out, struct err *err)
{
    if (n > COLUMN_BLOCK)
        return damaged("too many documents", err);
    run_parse(c, n, UINT32_MAX, &out->messages);
    run_parse(c, n, UINT32_MAX, &out->copies);
    run_parse(c, n, UINT16_MAX, &out->flags);
    return cursor_done(c, "column block of states", err);
}

static bool column_get(const struct column_run *r, uint32_t i, uint64_t max, uint64_t *out)
{
    uint64_t v = run_get(r->run, i, r->bits);
    if (v > max - r->base)
        return false;
    *out = r->base + v;
    return true;
}

enum status state_get(const struct state_block *b, uint32_t i, struct doc_state *out,
                      struct err *err)
{
    uint64_t messages, copies, flags;

    if (!column_get(&b->messages, i, UINT32_MAX, &messages) ||
        !column_get(&b->copies, i, UINT32_MAX, &copies) ||
        !column_get(&b->flags, i, UINT16_MAX, &flags))
        return damaged("a state is too great", err);
    *out = (struct doc_state){
        .messages = (uint32_t)messages, .copies = (uint32_t)copies, .flags = (uint16_t)flags};
    return ST_OK;
}

enum status patch_parse(struct slice block, uint32_t first, uint32_t n, uint32_t limit,
                        struct patch_block *out, struct err *err)
{
    struct cursor c = cursor_of(block);
    unsigned bits = cursor_u8(&c);

    if (c.bad || bits > 32 || n == 0 || n > COLUMN_BLOCK || first >= limit)
        return damaged("bad head of patches", err);
    struct slice run = cursor_bytes(&c, run_size(n - 1, bits));
    if (c.bad)
        return damaged("patches are cut", err);
    uint64_t doc = first;
    out->docs[0] = first;
    for (uint32_t i = 1; i < n; i++) {
        doc += run_get(run, i - 1, bits) + 1;
        if (doc >= limit)
            return damaged("a patch is of no document", err);
        out->docs[i] = (uint32_t)doc;
    }
    out->n = n;
    return state_parse(&c, n, &out->states, err);
}

enum status keys_parse(struct slice block, uint64_t first, uint32_t n, uint32_t limit,
                       struct key_entry *out, struct err *err)
{
    struct cursor c = cursor_of(block);
    unsigned gap_bits = cursor_u8(&c), doc_bits = cursor_u8(&c);

    if (c.bad || gap_bits > 64 || doc_bits > 32 || n == 0 || n > COLUMN_BLOCK)
        return damaged("bad head of keys", err);
    struct slice gaps = cursor_bytes(&c, run_size(n - 1, gap_bits));
    struct slice docs = cursor_bytes(&c, run_size(n, doc_bits));
    TRY(cursor_done(&c, "column block of keys", err));
    uint64_t fp = first;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t gap = i ? run_get(gaps, i - 1, gap_bits) : 0;
        uint64_t doc = run_get(docs, i, doc_bits);
        if (gap > UINT64_MAX - fp || doc >= limit)
            return damaged("a key is out of order or of no document", err);
        fp += gap;
        out[i] = (struct key_entry){.fingerprint = fp, .doc = (uint32_t)doc};
    }
    return ST_OK;
}
