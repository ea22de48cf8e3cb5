/* snippet — one pass over the characters of a text. Where the last ones began is kept in a ring, so
 * that a passage can begin before the match that opens it. */
#include "query/snippet.h"

#include "lictor/grapheme.h"

#define BLANK_NEAR (SNIPPET_AROUND / 4) /* a passage rather begins and ends at a blank */

struct place {
    uint32_t at;
    uint64_t nth; /* character */
};

struct cutter {
    struct slice text;
    struct place ring[SNIPPET_AROUND];
    uint64_t n;          /* characters gone over */
    struct place closed; /* where the last passage ended */
    struct passage open;
    uint64_t left; /* characters the open passage still takes; 0: none is open */
    struct buf passages;
};

/* The character SNIPPET_AROUND before the present one, or one behind a blank near it, but nothing
 * that is shown already. */
static struct place begin_of(const struct cutter *c)
{
    uint64_t first = c->n > SNIPPET_AROUND ? c->n - SNIPPET_AROUND : 0;
    if (first <= c->closed.nth)
        return c->closed;
    for (uint64_t i = first; i < first + BLANK_NEAR && i + 1 < c->n; i++)
        if (c->text.data[c->ring[i % SNIPPET_AROUND].at] == ' ')
            return c->ring[(i + 1) % SNIPPET_AROUND];
    return c->ring[first % SNIPPET_AROUND];
}

static void open_passage(struct cutter *c)
{
    struct place from = begin_of(c);
    c->open = (struct passage){.from = from.at, .before = from.nth - c->closed.nth};
    if (c->open.before >= SNIPPET_JOIN || c->passages.len == 0)
        return;
    /* Goes on where the one before ended. */
    memcpy(&c->open, c->passages.data + c->passages.len - sizeof c->open, sizeof c->open);
    c->passages.len -= sizeof c->open;
}

static void close_at(struct cutter *c, uint32_t at)
{
    c->open.to = at;
    c->closed = (struct place){at, c->n};
    c->left = 0;
    buf_put(&c->passages, &c->open, sizeof c->open);
}

/* One character that begins at `at`. `match`: it is of one. */
static void step(struct cutter *c, uint32_t at, bool match)
{
    bool blank = c->text.data[at] == ' ';
    if (match) {
        if (c->left == 0)
            open_passage(c);
        c->left = SNIPPET_AROUND + 1;
    } else if (c->left > 0 && (--c->left == 0 || (blank && c->left <= BLANK_NEAR))) {
        close_at(c, at);
    }
    c->ring[c->n % SNIPPET_AROUND] = (struct place){at, c->n};
    c->n++;
}

static uint64_t characters(struct slice text)
{
    uint64_t n = 0;
    for (size_t pos = 0; pos < text.len; pos = grapheme_end(text, pos))
        n++;
    return n;
}

/* A text of which nothing is asked: its beginning. */
static void cut_first(struct cutter *c)
{
    size_t pos = 0;
    for (; c->n < SNIPPET_FIRST; c->n++)
        pos = grapheme_end(c->text, pos);
    close_at(c, (uint32_t)pos);
}

static void cut(struct cutter *c, const struct text_range *m, size_t n)
{
    size_t i = 0;
    for (size_t pos = 0; pos < c->text.len; pos = grapheme_end(c->text, pos)) {
        while (i < n && m[i].to <= pos)
            i++;
        step(c, (uint32_t)pos, i < n && m[i].from <= pos);
    }
    if (c->left > 0)
        close_at(c, (uint32_t)c->text.len);
}

enum status snippet_cut(struct slice text, const struct text_range *matches, size_t n,
                        struct arena *a, struct passage **out, size_t *n_out, uint64_t *after,
                        struct err *err)
{
    struct cutter c = {.text = text};
    uint64_t all = text.len <= SNIPPET_WHOLE ? 0 : characters(text);
    if (all <= SNIPPET_WHOLE) {
        c.n = all;
        close_at(&c, (uint32_t)text.len);
    } else if (n == 0) {
        cut_first(&c);
    } else {
        cut(&c, matches, n);
    }
    /* A few characters at an end are not worth a line that tells of them. */
    *n_out = c.passages.len / sizeof **out;
    *out = arena_array(a, *n_out, sizeof **out);
    enum status st = *out ? buf_status(&c.passages, err) : err_no_memory(err);
    if (st == ST_OK) {
        memcpy(*out, c.passages.data, c.passages.len);
        *after = all - c.closed.nth;
        if (*after > 0 && *after < SNIPPET_JOIN) {
            (*out)[*n_out - 1].to = (uint32_t)text.len;
            *after = 0;
        }
        if ((*out)[0].before < SNIPPET_JOIN)
            (*out)[0].from = 0, (*out)[0].before = 0;
    }
    buf_release(&c.passages);
    return st;
}
