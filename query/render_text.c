/* render_text — the pieces of which text for people is made: names, times, ids, wrapped lines. What
 * runs from right to left is isolated, line by line, so that it can reorder nothing around it; a
 * line that begins with evidence has a sign before it, so that none can pass for words of ours. */
#include "lictor/cli.h"
#include "lictor/grapheme.h"
#include "lictor/utf8.h"
#include "query/render.h"

#define ISOLATE "\xe2\x81\xa8"     /* U+2068 */
#define ISOLATE_END "\xe2\x81\xa9" /* U+2069 */
#define ELLIPSIS "\xe2\x80\xa6"
#define MARGIN_SIGN "\xe2\x94\x82 " /* a vertical line */
#define WRAP_LEAST 24               /* columns of text, however narrow the terminal */

void text_style(const struct render *r, struct buf *out, int style)
{
    static const char *const codes[] = {
        "\033[0m",    "\033[2m",    "\033[1m",    "\033[1;30;43m", "\033[1;31m", "\033[1;36m",
        "\033[1;33m", "\033[1;32m", "\033[1;35m", "\033[1;34m",    "\033[1;96m",
    };
    if (r->colour)
        buf_put_str(out, codes[style]);
}

/* Hebrew, Arabic, Syriac, Thaana, N'Ko …, and their presentation forms. */
static bool right_to_left(struct slice s)
{
    for (size_t pos = 0; pos < s.len;) {
        if (s.data[pos] < 0xd6) { /* all of them begin above U+0580 */
            pos++;
            continue;
        }
        uint32_t cp = utf8_next(s.data, s.len, &pos);
        if (cp == UTF8_BAD || cp < 0x590)
            continue;
        if (cp < 0x900 || (cp >= 0xfb1d && cp < 0xfe00) || (cp >= 0xfe70 && cp < 0xff00) ||
            (cp >= 0x10800 && cp < 0x11000) || (cp >= 0x1e800 && cp < 0x1f000))
            return true;
    }
    return false;
}

void text_pad(struct buf *out, int columns)
{
    for (; columns > 0; columns--)
        buf_put_u8(out, ' ');
}

void text_margin(const struct render *r, struct buf *out, int indent)
{
    text_pad(out, indent - TEXT_MARGIN);
    text_style(r, out, STYLE_DIM);
    buf_put_str(out, MARGIN_SIGN);
    text_style(r, out, STYLE_NONE);
}

/* Where the character at `pos` ends, and its columns; of one that is wider than `columns`, as much
 * as fits, but at least a code point. */
static size_t piece_end(struct slice s, size_t pos, int columns, int *width)
{
    size_t end = s.data[pos] == '\r' ? pos + 1 : grapheme_end(s, pos); /* its LF ends the line */
    *width = cli_width(slice_of(s.data + pos, end - pos));
    if (*width <= columns)
        return end;
    size_t from = pos, next = pos;
    *width = 0;
    while (next < end) {
        (void)utf8_next(s.data, end, &next);
        int more = cli_width(slice_of(s.data + pos, next - pos));
        if (pos > from && *width + more > columns)
            break;
        *width += more;
        pos = next;
    }
    return pos;
}

/* Bytes of `name` that fit into `columns`. */
static size_t fitting(struct slice name, int columns, int *used)
{
    size_t pos = 0;
    *used = 0;
    while (pos < name.len) {
        int width;
        size_t next = piece_end(name, pos, columns, &width);
        if (width > columns - *used)
            break;
        *used += width;
        pos = next;
    }
    return pos;
}

int text_name(struct buf *out, struct slice name, int columns)
{
    int used = 0;
    size_t len = fitting(name, columns > 0 ? columns : INT32_MAX, &used);
    bool cut = len < name.len;
    if (cut)
        len = fitting(name, columns - 1, &used);
    struct slice shown = slice_of(name.data, len);
    bool isolate = right_to_left(shown);
    if (isolate)
        buf_put_str(out, ISOLATE);
    cli_safe(out, shown, false);
    if (isolate)
        buf_put_str(out, ISOLATE_END);
    if (cut)
        buf_put_str(out, ELLIPSIS);
    return used + cut;
}

void text_id(const struct render *r, struct buf *out, const uint8_t id[KEY_SIZE])
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(id, KEY_SIZE, hex);
    buf_put(out, hex, (size_t)r->id_digits);
}

/* ---- times ---- */

static void date_and_clock(struct buf *out, int64_t local, bool date)
{
    struct civil c;
    civil_of(local, &c);
    if (date)
        buf_printf(out, "%04d-%02d-%02d ", c.year, c.month, c.day);
    buf_printf(out, "%02d:%02d:%02d", c.hour, c.minute, c.second);
}

static void offset_put(struct buf *out, int64_t offset)
{
    int64_t minutes = (offset < 0 ? -offset : offset) / 60000;
    buf_printf(out, "%c%02d:%02d", offset < 0 ? '-' : '+', (int)(minutes / 60),
               (int)(minutes % 60));
}

void text_offset(const struct render *r, struct buf *out, int64_t ms)
{
    int64_t offset = zone_offset(r->v->zone, ms);
    buf_put_str(out, "UTC");
    if (offset)
        offset_put(out, offset);
}

void text_clock(const struct render *r, struct buf *out, int64_t ms)
{
    date_and_clock(out, ms + zone_offset(r->v->zone, ms), false);
}

void text_when(const struct render *r, struct buf *out, int64_t ms)
{
    if (time_untimed(ms)) {
        buf_printf(out, "%lld ms (no time that can be right)", (long long)ms);
        return;
    }
    int64_t offset = zone_offset(r->v->zone, ms);
    date_and_clock(out, ms + offset, true);
    if (offset == 0) {
        buf_put_str(out, " UTC");
        return;
    }
    int64_t day = INT64_C(86400000);
    buf_put_u8(out, ' ');
    offset_put(out, offset);
    buf_put_str(out, " (");
    date_and_clock(out, ms, ms / day != (ms + offset) / day);
    buf_put_str(out, " UTC)");
}

/* ---- wrapped text ---- */

/* Where the line that begins at `from` ends, and where the next one begins. Each byte is looked at
 * twice at most. */
static size_t line_end(struct slice s, size_t from, int columns, size_t *next)
{
    size_t pos = from, blank = 0;
    int used = 0;
    while (pos < s.len) {
        size_t start = pos;
        if (s.data[pos] == '\n') {
            *next = pos + 1;
            return pos;
        }
        int width;
        pos = piece_end(s, pos, columns, &width);
        bool is_blank = s.data[start] == ' ' && pos == start + 1;
        if (used + width > columns && used > 0) {
            *next = is_blank ? pos : blank ? blank : start;
            return is_blank ? start : blank ? blank - 1 : start;
        }
        used += width;
        if (is_blank)
            blank = pos;
    }
    *next = s.len;
    return s.len;
}

struct highlight {
    const struct text_range *ranges;
    size_t n, at;
    bool safe; /* the text was made safe before, isolates and all */
    bool open; /* safe: a line ended inside an isolate */
};

/* An isolate holds up to the end of its line: one that goes on is closed there and opened anew. */
static void put_safe_line(struct buf *out, struct slice line, struct highlight *h)
{
    if (h->open)
        buf_put_str(out, ISOLATE);
    for (size_t at = 0; at + 3 <= line.len; at++)
        if (memcmp(line.data + at, ISOLATE, 3) == 0 || memcmp(line.data + at, ISOLATE_END, 3) == 0)
            h->open = line.data[at + 2] == (uint8_t)ISOLATE[2];
    buf_put_slice(out, line);
    if (h->open)
        buf_put_str(out, ISOLATE_END);
}

static void put_line(const struct render *r, struct buf *out, struct slice text, size_t from,
                     size_t to, struct highlight *h)
{
    if (h->safe) {
        put_safe_line(out, slice_of(text.data + from, to - from), h);
        return;
    }
    bool isolate = right_to_left(slice_of(text.data + from, to - from));
    if (isolate)
        buf_put_str(out, ISOLATE);
    while (from < to) {
        while (h->at < h->n && h->ranges[h->at].to <= from)
            h->at++;
        size_t end = to;
        bool hit = h->at < h->n && h->ranges[h->at].from <= from;
        if (hit && h->ranges[h->at].to < to)
            end = h->ranges[h->at].to;
        else if (!hit && h->at < h->n && h->ranges[h->at].from < to)
            end = h->ranges[h->at].from;
        if (hit)
            text_style(r, out, STYLE_HIT);
        cli_safe(out, slice_of(text.data + from, end - from), false);
        if (hit)
            text_style(r, out, STYLE_NONE);
        from = end;
    }
    if (isolate)
        buf_put_str(out, ISOLATE_END);
}

static void wrap(struct render *r, struct buf *out, struct slice text, int indent, int used,
                 struct highlight *h)
{
    int columns = r->columns - indent > WRAP_LEAST ? r->columns - indent : WRAP_LEAST;
    int first = r->columns - used > WRAP_LEAST ? r->columns - used : WRAP_LEAST;
    for (size_t from = 0, next = 0; from == 0 || from < text.len; from = next) {
        size_t end = line_end(text, from, from == 0 ? first : columns, &next);
        if (from > 0 && h->safe)
            text_pad(out, indent);
        else if (from > 0)
            text_margin(r, out, indent);
        put_line(r, out, text, from, end, h);
        buf_put_u8(out, '\n');
        if (next == 0)
            break;
    }
}

void text_wrap(struct render *r, struct buf *out, struct slice text, int indent, int used,
               const struct text_range *marks, size_t n)
{
    struct highlight h = {.ranges = marks, .n = n};
    wrap(r, out, text, indent, used, &h);
}

void text_wrap_words(struct render *r, struct buf *out, struct slice words, int indent)
{
    struct highlight h = {.safe = true};
    wrap(r, out, words, indent, indent, &h);
}
