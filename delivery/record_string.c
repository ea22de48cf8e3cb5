/* record_string — the reader's scratch and the decoding of strings into it. A string without
 * escapes is not copied: its slice points into the line. */
#include "delivery/record_private.h"

#include <stdlib.h>

/* `need` counts what stands in a line of at most 1 MiB, so only the product is checked. */
bool record_grow(struct record_reader *r, void **data, size_t *cap, size_t need, size_t size)
{
    size_t want = need + need / 2 + 16;
    void *moved = reallocarray(*data, want, size);
    if (!moved) {
        r->no_memory = true;
        return false;
    }
    *data = moved;
    *cap = want;
    return true;
}

uint8_t *record_bytes_take(struct record_reader *r, size_t n)
{
    MUST(n <= r->bytes_cap - r->bytes_used);
    uint8_t *p = r->bytes + r->bytes_used;
    r->bytes_used += n;
    return p;
}

struct slice record_string_decode(struct record_reader *r, struct slice body, unsigned marks)
{
    if (!(marks & JSON_ESCAPED))
        return body;
    uint8_t *out = record_bytes_take(r, body.len);
    size_t n = json_string_decode(body, out);
    r->bytes_used -= body.len - n;
    return slice_of(out, n);
}
