/* age_armor — strict PEM around an age file, both directions, a line at a time in constant memory.
 * Strict means: one form of each file. Lines of exactly 64 columns but the last, canonical base64,
 * LF or CRLF, no header lines, white space only outside the block. */
#include <stdlib.h>

#include "delivery/age_private.h"

/* 64 columns, CR, LF, and one byte more that shows a line to be too long. */
#define LINE_LOOK (AGE_ARMOR_COLUMNS + 3)

static bool is_white(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool age_recognise(struct slice first)
{
    static const char plain[] = "age-encryption.org/", armored[] = AGE_ARMOR_BEGIN;
    if (first.len >= sizeof plain - 1 && memcmp(first.data, plain, sizeof plain - 1) == 0)
        return true;
    size_t lead = 0;
    while (lead < first.len && lead <= AGE_ARMOR_LEAD_MAX && is_white(first.data[lead]))
        lead++;
    return lead <= AGE_ARMOR_LEAD_MAX && first.len - lead >= sizeof armored - 1 &&
           memcmp(first.data + lead, armored, sizeof armored - 1) == 0;
}

enum status age_armor_init(struct age_armor *a, struct byte_source src, struct slice first,
                           struct err *err)
{
    MUST(first.len <= AGE_ARMOR_RAW);
    memset(a, 0, sizeof *a);
    a->raw = malloc(AGE_ARMOR_RAW);
    if (!a->raw)
        return err_no_memory(err);
    a->src = src;
    if (first.len)
        memcpy(a->raw, first.data, first.len);
    a->end = first.len;
    return ST_OK;
}

void age_armor_release(struct age_armor *a)
{
    free(a->raw);
    a->raw = NULL;
}

static enum status armor_bad(struct age_armor *a, const char *reason, const char *text)
{
    a->bad = true;
    return err_reason(&a->why, ST_BAD_INPUT, reason, 0, "armor: %s", text);
}

/* At least `need` raw bytes, or all there are. */
static enum status armor_fill(struct age_armor *a, size_t need)
{
    while (a->end - a->pos < need && !a->eof) {
        if (AGE_ARMOR_RAW - a->pos < need) {
            memmove(a->raw, a->raw + a->pos, a->end - a->pos);
            a->end -= a->pos;
            a->pos = 0;
        }
        size_t got = 0;
        enum status st =
            a->src.read(a->src.ctx, a->raw + a->end, AGE_ARMOR_RAW - a->end, &got, &a->why);
        if (st != ST_OK) {
            a->why.status = st;
            return st;
        }
        a->end += got;
        a->eof = got == 0;
    }
    return ST_OK;
}

/* The next line without its end; it stands in raw until the next fill. */
static enum status armor_line(struct age_armor *a, struct slice *line)
{
    TRY(armor_fill(a, LINE_LOOK));
    size_t seen = a->end - a->pos;
    const uint8_t *start = a->raw + a->pos;
    const uint8_t *lf = memchr(start, '\n', seen < LINE_LOOK ? seen : LINE_LOOK);
    if (!lf && seen >= LINE_LOOK)
        return armor_bad(a, "chunk", "a line is longer than 64 columns");
    if (!lf)
        return armor_bad(a, "cut", "the file ends before the END line");
    size_t len = (size_t)(lf - start);
    a->pos += len + 1;
    *line = slice_of(start, len > 0 && start[len - 1] == '\r' ? len - 1 : len);
    return ST_OK;
}

static enum status armor_lead(struct age_armor *a)
{
    for (size_t lead = 0;; lead++, a->pos++) {
        TRY(armor_fill(a, 1));
        if (a->pos == a->end || !is_white(a->raw[a->pos]))
            break;
        if (lead >= AGE_ARMOR_LEAD_MAX)
            return armor_bad(a, "chunk", "too much white space before the BEGIN line");
    }
    struct slice line;
    TRY(armor_line(a, &line));
    if (!slice_eq_str(line, AGE_ARMOR_BEGIN))
        return armor_bad(a, "chunk", "no BEGIN line");
    a->state = ARMOR_BODY;
    return ST_OK;
}

static enum status armor_body(struct age_armor *a)
{
    static const char last[] = AGE_ARMOR_END;
    TRY(armor_fill(a, sizeof last - 1));
    if (a->end - a->pos >= sizeof last - 1 && memcmp(a->raw + a->pos, last, sizeof last - 1) == 0) {
        a->pos += sizeof last - 1;
        a->state = ARMOR_TRAIL;
        return ST_OK;
    }
    struct slice line;
    TRY(armor_line(a, &line));
    if (a->state == ARMOR_LAST)
        return armor_bad(a, "chunk", "a line behind the last one");
    if (line.len == 0)
        return armor_bad(a, "chunk", "an empty line");
    a->line_pos = 0;
    if (line.len > AGE_ARMOR_COLUMNS || !base64_decode(line, true, a->line, &a->line_len)) {
        a->line_len = 0;
        return armor_bad(a, "chunk", "a line is not canonical base64 of at most 64 columns");
    }
    if (a->line_len < AGE_ARMOR_LINE_BYTES)
        a->state = ARMOR_LAST;
    return ST_OK;
}

static enum status armor_trail(struct age_armor *a)
{
    do {
        TRY(armor_fill(a, 1));
        for (; a->pos < a->end; a->pos++)
            if (!is_white(a->raw[a->pos]))
                return armor_bad(a, "trailing-bytes", "bytes follow the END line");
    } while (!a->eof);
    return ST_OK;
}

enum status age_armor_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err)
{
    struct age_armor *a = ctx;
    size_t n = 0;
    while (n < cap) {
        size_t left = a->line_len - a->line_pos;
        if (left) {
            size_t take = left < cap - n ? left : cap - n;
            memcpy(buf + n, a->line + a->line_pos, take);
            a->line_pos += take;
            n += take;
            continue;
        }
        if (a->why.status != ST_OK)
            break;
        enum status st = a->state == ARMOR_LEAD    ? armor_lead(a)
                         : a->state == ARMOR_TRAIL ? armor_trail(a)
                                                   : armor_body(a);
        if (st == ST_OK && a->state == ARMOR_TRAIL && a->eof && a->pos == a->end)
            break;
    }
    if (n == 0 && cap > 0 && a->why.status != ST_OK) {
        if (err)
            *err = a->why;
        return a->why.status;
    }
    *got = n;
    return ST_OK;
}

void age_armor_writer_init(struct age_armor_writer *a, struct byte_sink sink)
{
    memset(a, 0, sizeof *a);
    a->sink = sink;
    buf_put_str(&a->text, AGE_ARMOR_BEGIN "\n");
}

void age_armor_writer_release(struct age_armor_writer *a) { buf_release(&a->text); }

static enum status armor_flush(struct age_armor_writer *a, struct err *err)
{
    TRY(buf_status(&a->text, err));
    if (a->text.len)
        TRY(a->sink.write(a->sink.ctx, a->text.data, a->text.len, err));
    buf_clear(&a->text);
    return ST_OK;
}

static void armor_put_line(struct age_armor_writer *a, const uint8_t *data, size_t len)
{
    base64_encode(slice_of(data, len), &a->text);
    buf_put_u8(&a->text, '\n');
}

enum status age_armor_write(void *ctx, const uint8_t *data, size_t len, struct err *err)
{
    struct age_armor_writer *a = ctx;
    while (len > 0) {
        if (a->n == 0 && len >= AGE_ARMOR_LINE_BYTES) {
            armor_put_line(a, data, AGE_ARMOR_LINE_BYTES);
            data += AGE_ARMOR_LINE_BYTES;
            len -= AGE_ARMOR_LINE_BYTES;
            continue;
        }
        size_t room = AGE_ARMOR_LINE_BYTES - a->n, take = len < room ? len : room;
        memcpy(a->part + a->n, data, take);
        a->n += take;
        data += take;
        len -= take;
        if (a->n == AGE_ARMOR_LINE_BYTES) {
            armor_put_line(a, a->part, a->n);
            a->n = 0;
        }
    }
    return armor_flush(a, err);
}

enum status age_armor_writer_finish(struct age_armor_writer *a, struct err *err)
{
    if (a->n)
        armor_put_line(a, a->part, a->n);
    a->n = 0;
    buf_put_str(&a->text, AGE_ARMOR_END "\n");
    return armor_flush(a, err);
}
