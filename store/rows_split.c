/* rows_split — knows of a body row (store/content_row.c) only what stands before its text. */
#include "store/rows.h"

enum { BIT_FROM = 1, BIT_SENT = 2, BIT_TEXT = 4, HASH_SIZE = 32 };

/* Steps over kind, flags, hash and sender: to where time and text stand or stood. */
static uint64_t skip_to_time(struct cursor *c)
{
    uint8_t kind = cursor_u8(c);
    uint64_t flags = cursor_varint(c);

    if (kind)
        cursor_bytes(c, HASH_SIZE);
    if (flags & BIT_FROM)
        cursor_blob(c);
    return flags;
}

void row_take_apart(struct slice row, int64_t sent, struct row_parts *out)
{
    struct cursor c = cursor_of(row);
    struct row_parts p = {.form = 0};

    *out = (struct row_parts){.before = row};
    uint64_t flags = skip_to_time(&c);
    size_t at = c.pos, end = at;
    if (flags & BIT_SENT) {
        /* Varints have one spelling, so the value is all that must be kept. */
        if (cursor_zigzag(&c) != sent || sent == TIME_NONE)
            return;
        p.form |= ROW_HAS_TIME;
        end = c.pos;
    }
    if (flags & BIT_TEXT) {
        p.text = cursor_blob(&c);
        p.form |= ROW_HAS_TEXT;
        end = c.pos;
    }
    if (c.bad || !p.form)
        return;
    p.before = slice_of(row.data, at);
    p.after = slice_of(row.data + end, row.len - end);
    *out = p;
}

bool row_put_together(struct slice head, unsigned form, int64_t sent, struct slice text,
                      struct buf *out)
{
    struct cursor c = cursor_of(head);

    skip_to_time(&c);
    if (c.bad || ((form & ROW_HAS_TIME) && sent == TIME_NONE))
        return false;
    buf_put(out, head.data, c.pos);
    if (form & ROW_HAS_TIME)
        buf_put_zigzag(out, sent);
    if (form & ROW_HAS_TEXT)
        buf_put_blob(out, text);
    buf_put(out, head.data + c.pos, head.len - c.pos);
    return true;
}
