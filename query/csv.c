/* csv — rows of RFC 4180 in which no field is a formula. */
#include "query/csv.h"

#include "lictor/cli.h"
#include "lictor/utf8.h"

/* Full-width signs too: some spreadsheets fold them. */
static bool formula(struct slice s)
{
    size_t pos = 0;
    if (s.len == 0)
        return false;
    uint32_t cp = utf8_next(s.data, s.len, &pos);
    return cp == '=' || cp == '+' || cp == '-' || cp == '@' || cp == '\t' || cp == '\r' ||
           cp == 0xff1d || cp == 0xff0b || cp == 0xff0d || cp == 0xff20 || cp == 0x2212;
}

void csv_end(struct csv *c)
{
    struct buf safe = {0};
    struct slice raw = buf_slice(&c->field);
    buf_put_str(c->out, c->any ? ",\"" : "\"");
    if (formula(raw))
        buf_put_u8(c->out, '\'');
    cli_safe(&safe, raw, true);
    for (size_t from = 0; from < safe.len;) {
        const uint8_t *quote = memchr(safe.data + from, '"', safe.len - from);
        size_t end = quote ? (size_t)(quote - safe.data) + 1 : safe.len;
        buf_put(c->out, safe.data + from, end - from);
        if (quote)
            buf_put_u8(c->out, '"');
        from = end;
    }
    buf_put_u8(c->out, '"');
    c->out->failed |= safe.failed || c->field.failed;
    c->any = true;
    buf_clear(&c->field);
    buf_release(&safe);
}

void csv_field(struct csv *c, struct slice s)
{
    buf_put_slice(&c->field, s);
    csv_end(c);
}

void csv_str(struct csv *c, const char *s) { csv_field(c, slice_str(s)); }

void csv_uint(struct csv *c, uint64_t n)
{
    buf_printf(&c->field, "%llu", (unsigned long long)n);
    csv_end(c);
}

void csv_item(struct csv *c, struct slice s)
{
    if (c->field.len)
        buf_put_str(&c->field, "; ");
    buf_put_slice(&c->field, s);
}

void csv_hex(struct csv *c, const uint8_t id[KEY_SIZE])
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(id, KEY_SIZE, hex);
    csv_str(c, hex);
}

void csv_time(struct csv *c, int64_t ms)
{
    char text[TIME_TEXT_SIZE] = "";
    if (ms != TIME_NONE)
        time_text(ms, text);
    csv_str(c, text);
}

void csv_row_end(struct csv *c)
{
    buf_put_str(c->out, "\r\n");
    buf_release(&c->field);
}
