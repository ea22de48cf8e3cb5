/* age_header — the text of an age header taken apart into stanzas, with nothing accepted that the
 * specification does not write: every line is LF-ended, every argument one or more visible
 * characters, every body canonical base64 in lines of 64 columns and one shorter one. */
#include <stdlib.h>

#include "delivery/age_private.h"

#define BODY_COLUMNS 64
#define MAC_START "---"
#define MAC_LINE 48 /* "--- ", 43 characters, LF */

size_t age_header_end(struct slice seen, size_t *scan)
{
    while (*scan < seen.len) {
        const uint8_t *from = seen.data + *scan;
        const uint8_t *lf = memchr(from, '\n', seen.len - *scan);
        if (!lf) {
            *scan = seen.len;
            return 0;
        }
        size_t line = (size_t)(lf - seen.data) + 1, left = seen.len - line;
        if (left < sizeof MAC_START - 1) {
            *scan = line - 1;
            return 0;
        }
        if (memcmp(seen.data + line, MAC_START, sizeof MAC_START - 1) != 0) {
            *scan = line;
            continue;
        }
        /* A MAC line has one length; where its LF is not at its place the parser refuses it. */
        size_t look = left < MAC_LINE ? left : MAC_LINE;
        const uint8_t *end = memchr(seen.data + line, '\n', look);
        if (end)
            return (size_t)(end - seen.data) + 1;
        if (left >= MAC_LINE)
            return line + MAC_LINE;
        *scan = line - 1;
        return 0;
    }
    return 0;
}

struct lines {
    struct slice text;
    size_t pos;   /* of the next line */
    size_t start; /* of the line given last */
};

static bool lines_next(struct lines *l, struct slice *line)
{
    if (l->pos >= l->text.len)
        return false;
    const uint8_t *from = l->text.data + l->pos;
    const uint8_t *lf = memchr(from, '\n', l->text.len - l->pos);
    if (!lf)
        return false;
    *line = slice_of(from, (size_t)(lf - from));
    l->start = l->pos;
    l->pos += line->len + 1;
    return true;
}

static enum status header_bad(const struct lines *l, const char *text, struct err *err)
{
    return err_reason(err, ST_BAD_INPUT, "bad-header", l->start, "age header: %s", text);
}

/* Words parted by single spaces; the first two behind the type are kept. */
static bool stanza_words(struct slice line, struct age_stanza *s)
{
    size_t pos = 0, n = 0;
    while (pos <= line.len) {
        size_t start = pos;
        while (pos < line.len && line.data[pos] >= 33 && line.data[pos] <= 126)
            pos++;
        if (pos == start || (pos < line.len && line.data[pos] != ' '))
            return false;
        struct slice word = slice_of(line.data + start, pos - start);
        if (n == 0)
            s->type = word;
        else if (n <= 2)
            s->args[n - 1] = word;
        n++;
        pos++;
    }
    s->n_args = n - 1;
    return true;
}

static enum status stanza_body(struct lines *l, struct age_header *h, struct age_stanza *s,
                               struct err *err)
{
    size_t start = h->bodies.len;
    struct slice line;
    do {
        if (!lines_next(l, &line))
            return header_bad(l, "it ends inside a stanza", err);
        if (line.len > BODY_COLUMNS)
            return header_bad(l, "a body line is longer than 64 columns", err);
        /* Room was made for the whole header: the bytes do not move. */
        uint8_t *out = buf_reserve(&h->bodies, BODY_COLUMNS);
        if (!out)
            return err_no_memory(err);
        size_t n = 0;
        if (!base64_decode(line, false, out, &n))
            return header_bad(l, "a body line is not canonical base64", err);
        h->bodies.len += n;
    } while (line.len == BODY_COLUMNS);
    s->body = slice_of(h->bodies.data + start, h->bodies.len - start);
    return ST_OK;
}

static enum status mac_line(const struct lines *l, struct slice line, struct age_header *h,
                            struct err *err)
{
    static const char start[] = MAC_START " ";
    uint8_t mac[36];
    size_t n = 0;
    if (line.len != MAC_LINE - 1 || memcmp(line.data, start, sizeof start - 1) != 0 ||
        !base64_decode(slice_of(line.data + 4, line.len - 4), false, mac, &n) || n != sizeof h->mac)
        return header_bad(l, "malformed MAC line", err);
    if (l->pos != l->text.len)
        return header_bad(l, "bytes behind the MAC", err);
    memcpy(h->mac, mac, sizeof h->mac);
    h->maced = slice_of(l->text.data, l->start + sizeof MAC_START - 1);
    return ST_OK;
}

static enum status header_lines(struct lines *l, struct age_header *h, struct err *err)
{
    struct slice line;
    if (!lines_next(l, &line) || !slice_eq_str(line, AGE_VERSION_LINE))
        return header_bad(l, "not version 1 (" AGE_VERSION_LINE ")", err);
    while (lines_next(l, &line)) {
        if (line.len >= 3 && memcmp(line.data, MAC_START, 3) == 0) {
            if (h->n == 0)
                return header_bad(l, "no stanza", err);
            return mac_line(l, line, h, err);
        }
        if (line.len < 3 || memcmp(line.data, "-> ", 3) != 0)
            return header_bad(l, "a line that starts neither a stanza nor the MAC", err);
        if (h->n == AGE_STANZAS_MAX)
            return header_bad(l, "more than 1000 stanzas", err);
        struct age_stanza *s = &h->stanzas[h->n];
        if (!stanza_words(slice_of(line.data + 3, line.len - 3), s))
            return header_bad(l, "malformed arguments of a stanza", err);
        TRY(stanza_body(l, h, s, err));
        h->n++;
    }
    return header_bad(l, "no MAC", err);
}

enum status age_header_parse(struct slice text, struct age_header *h, struct err *err)
{
    memset(h, 0, sizeof *h);
    if (text.len > AGE_HEADER_MAX)
        return err_reason(err, ST_BAD_INPUT, "bad-header", AGE_HEADER_MAX,
                          "age header: longer than 1 MiB");
    h->stanzas = calloc(AGE_STANZAS_MAX, sizeof h->stanzas[0]);
    if (!h->stanzas || !buf_reserve(&h->bodies, text.len + BODY_COLUMNS)) {
        age_header_release(h);
        return err_no_memory(err);
    }
    struct lines l = {.text = text};
    enum status st = header_lines(&l, h, err);
    if (st != ST_OK)
        age_header_release(h);
    return st;
}

void age_header_release(struct age_header *h)
{
    free(h->stanzas);
    h->stanzas = NULL;
    h->n = 0;
    buf_release(&h->bodies);
}
