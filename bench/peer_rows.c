/* peer_rows — the messages of a case as rows, oldest first, so that a peer's row numbers are in the
 * order of time and "newest ten" costs it no sort. Gathered in memory: rows come in the order of
 * conversations. Not part of what is timed. */
#include "bench/peers.h"

#include <errno.h>
#include <stdlib.h>

#include "lictor/dump_write.h"
#include "lictor/thread.h"
#include "query/search.h"

#define FILE_BUFFER ((size_t)1 << 20)

struct place {
    int64_t sent;
    uint64_t at; /* in the bytes gathered */
};

struct gather {
    struct view *v;
    struct buf bytes, places;
    struct arena arena;
    uint64_t done;
    struct peer_rows *r;
};

static enum status take(void *ctx, uint32_t segment, uint32_t doc, uint32_t n, struct err *err)
{
    struct gather *g = ctx;
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    struct message_view m;
    if (++g->done % 65536 == 0 && stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    arena_reset(&g->arena);
    TRY(segment_sent(casefile_segment(g->v->cf, segment), g->v->scratch[segment], doc, &ref.sent,
                     err));
    TRY(view_load(g->v, &ref, VIEW_CONTENT, &g->arena, &m, err));
    const struct content *c = &m.c;
    struct peer_row row = {.sent = content_untimed(c) ? TIME_NONE : c->sent,
                           .from = (uint32_t)c->from.len};
    struct slice text = c->opened.data ? c->opened : c->text;
    const struct slice *to = c->n_to ? c->to : c->conv.set;
    size_t n_to = c->n_to ? c->n_to : c->conv.n_set;
    struct place p = {.sent = row.sent == TIME_NONE ? INT64_MAX : row.sent, .at = g->bytes.len};
    row.text = (uint32_t)text.len;
    for (size_t i = 0; i < n_to; i++)
        row.to += (uint32_t)to[i].len + 1;
    memcpy(row.conversation, m.conversation_key, KEY_SIZE);
    buf_put(&g->bytes, &row, sizeof row);
    buf_put_slice(&g->bytes, c->from);
    for (size_t i = 0; i < n_to; i++) {
        buf_put_slice(&g->bytes, to[i]);
        buf_put_u8(&g->bytes, ' ');
    }
    buf_put_slice(&g->bytes, text);
    for (uint32_t k = 0; k < n; k++)
        buf_put(&g->places, &p, sizeof p);
    g->r->messages += n;
    g->r->text_bytes += (uint64_t)n * text.len;
    TRY(buf_status(&g->bytes, err));
    return buf_status(&g->places, err);
}

static int by_time(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->sent != y->sent)
        return x->sent < y->sent ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Control characters become blanks: one message is one line. */
static void one_line(struct buf *b, const uint8_t *from, const uint8_t *text,
                     const struct peer_row *row)
{
    buf_clear(b);
    buf_printf(b, "%lld\t", (long long)row->sent);
    buf_put(b, from, row->from);
    buf_put_u8(b, '\t');
    for (size_t i = b->len, end = i + row->text; i < end; i++)
        buf_put_u8(b, *text < ' ' ? ' ' : *text), text++;
    buf_put_u8(b, '\n');
}

static enum status write_sorted(const struct gather *g, FILE *f, struct dump_writer *lines,
                                struct err *err)
{
    const struct place *p = (const void *)g->places.data;
    size_t n = g->places.len / sizeof *p;
    struct buf line = {0};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        const uint8_t *at = g->bytes.data + p[i].at;
        struct peer_row row;
        memcpy(&row, at, sizeof row);
        size_t len = sizeof row + (size_t)row.from + row.to + row.text;
        if (fwrite(at, 1, len, f) != len)
            st = err_errno(err, errno, "the rows could not be written");
        one_line(&line, at + sizeof row, at + len - row.text, &row);
        if (st == ST_OK)
            st = buf_status(&line, err);
        if (st == ST_OK)
            st = dump_writer_write(lines, line.data, line.len, err);
        if (i % 65536 == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
    }
    buf_release(&line);
    return st;
}

static enum status write_files(const struct gather *g, const char *path, const char *lines,
                               struct err *err)
{
    const struct dump_options options = {.zstd = true, .level = 1};
    struct dump_writer *w = NULL;
    TRY(dump_writer_open(lines, &options, &w, err));
    FILE *f = fopen(path, "wxe");
    enum status st = f ? ST_OK : err_errno(err, errno, "%s", path);
    if (st == ST_OK) {
        (void)setvbuf(f, NULL, _IOFBF, FILE_BUFFER);
        st = write_sorted(g, f, w, err);
        if (fclose(f) != 0 && st == ST_OK)
            st = err_errno(err, errno, "%s", path);
    }
    if (st == ST_OK)
        return dump_writer_finish(w, NULL, NULL, err);
    dump_writer_abort(w);
    return st;
}

enum status peer_rows_write(struct view *v, const char *path, const char *lines,
                            struct peer_rows *r, struct err *err)
{
    struct gather g = {.v = v, .r = r};
    const struct search_options all = {.visit = take, .ctx = &g};
    struct query *q = NULL;
    struct query_error qe = {0};
    struct search_result found = {0};
    *r = (struct peer_rows){0};
    arena_init(&g.arena, 0);
    enum status st = query_parse(slice_str("*"), v->splitter, v->zone, &q, &qe, err);
    if (st == ST_OK)
        st = search_run(v, q, &all, &found, err);
    if (st == ST_OK && g.places.len)
        qsort(g.places.data, g.places.len / sizeof(struct place), sizeof(struct place), by_time);
    if (st == ST_OK)
        st = write_files(&g, path, lines, err);
    search_result_release(&found);
    query_free(q);
    arena_release(&g.arena);
    buf_release(&g.bytes);
    buf_release(&g.places);
    return st;
}
