/* wild — values given with wildcards. */
#include "query/wild.h"

#include "lictor/utf8.h"

enum sign { SIGN_END, SIGN_RUN, SIGN_ONE, SIGN_BYTE };

/* The sign at *at, which is moved behind it. A \ at the end stands for itself. */
static enum sign sign_next(struct slice p, size_t *at, uint8_t *byte)
{
    if (*at >= p.len)
        return SIGN_END;
    uint8_t c = p.data[(*at)++];
    if (c == '*')
        return SIGN_RUN;
    if (c == '?')
        return SIGN_ONE;
    if (c == '\\' && *at < p.len)
        c = p.data[(*at)++];
    *byte = c;
    return SIGN_BYTE;
}

bool wild_any(struct slice pattern)
{
    uint8_t byte;
    size_t at = 0;
    for (;;)
        switch (sign_next(pattern, &at, &byte)) {
        case SIGN_END:
            return false;
        case SIGN_BYTE:
            break;
        default:
            return true;
        }
}

size_t wild_head(struct slice pattern, uint8_t *out, size_t cap)
{
    uint8_t byte;
    size_t at = 0, n = 0;
    while (n < cap && sign_next(pattern, &at, &byte) == SIGN_BYTE)
        out[n++] = byte;
    return n;
}

void wild_undo(struct slice pattern, struct buf *out)
{
    uint8_t byte;
    size_t at = 0;
    while (sign_next(pattern, &at, &byte) == SIGN_BYTE)
        buf_put_u8(out, byte);
}

void wild_escape(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '*' || c == '?' || c == '\\')
            buf_put_u8(out, '\\');
        buf_put_u8(out, c);
    }
}

/* Back to the last * at each mismatch: it alone need ever be widened. */
bool wild_match(struct slice pattern, struct slice text)
{
    size_t at = 0, pos = 0, run = SIZE_MAX, run_pos = 0;
    for (;;) {
        uint8_t byte = 0;
        size_t next = at;
        enum sign sign = sign_next(pattern, &next, &byte);
        if (sign == SIGN_RUN) {
            at = run = next;
            run_pos = pos;
            continue;
        }
        if (sign == SIGN_END && (pos == text.len || run == pattern.len))
            return true;
        if (sign == SIGN_BYTE && pos < text.len && text.data[pos] == byte) {
            pos++;
            at = next;
            continue;
        }
        if (sign == SIGN_ONE && pos < text.len) {
            (void)utf8_next(text.data, text.len, &pos);
            at = next;
            continue;
        }
        if (run == SIZE_MAX || run_pos >= text.len)
            return false;
        (void)utf8_next(text.data, text.len, &run_pos);
        pos = run_pos;
        at = run;
    }
}
