/* streams_read — the streams of a base and its overlays as one list, and their numbers merged. */
#include <stdlib.h>

#include "store/segment_private.h"

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "streams: %s", what);
}

/* ---- blocks ---- */

static bool runs_parse(struct cursor *c, uint64_t first, uint32_t n, struct seq_doc *out)
{
    uint64_t last = first;

    for (uint32_t i = 0; i < n;) {
        uint64_t start = cursor_varint_max(c, UINT64_MAX - last);
        uint64_t len = cursor_varint_max(c, n - i);
        if (c->bad || len == 0)
            return false;
        start += last;
        if (len - 1 > UINT64_MAX - start)
            return false;
        for (uint64_t k = 0; k < len; k++)
            out[i++].seq = start + k;
        last = start + len - 1;
    }
    return true;
}

static bool recent_parse(struct cursor *c, uint32_t n, struct seq_doc *out)
{
    struct recent r = {0};

    for (uint32_t i = 0; i < n; i++) {
        uint8_t code = cursor_u8(c);
        unsigned j = code / RECENT_STEP;
        if (code == RECENT_MISS) {
            out[i].doc = cursor_u32(c);
            j = r.n;
        } else if (j < r.n) {
            out[i].doc = r.docs[j] + code % RECENT_STEP; /* may wrap: checked by the caller */
        } else {
            return false;
        }
        recent_push(&r, j, out[i].doc);
    }
    return !c->bad;
}

static bool packed_parse(struct cursor *c, uint32_t n, struct seq_doc *out)
{
    uint32_t min = cursor_u32(c);
    unsigned bits = cursor_u8(c);

    if (bits > 32)
        return false;
    struct slice run = cursor_bytes(c, run_size(n, bits));
    for (uint32_t i = 0; i < n && !c->bad; i++)
        out[i].doc = min + (uint32_t)run_get(run, i, bits);
    return !c->bad;
}

enum status seqs_parse(struct slice block, uint64_t first, uint32_t n, uint32_t limit,
                       struct seq_doc *out, struct err *err)
{
    struct cursor c = cursor_of(block);
    uint8_t mode = cursor_u8(&c);

    if (c.bad || mode > SEQS_RECENT || n > SEQS_BLOCK || !runs_parse(&c, first, n, out))
        return damaged("bad numbers", err);
    /* Numbers do not descend. Whoever goes on behind the last one must not come to 0 again. */
    if (n && out[n - 1].seq > SEQ_MAX)
        return damaged("a number is too great", err);
    if (!(mode == SEQS_RECENT ? recent_parse(&c, n, out) : packed_parse(&c, n, out)))
        return damaged("bad documents", err);
    for (uint32_t i = 0; i < n; i++)
        if (out[i].doc >= limit)
            return damaged("a number is of no document", err);
    return cursor_done(&c, "block of a stream", err);
}

void stream_info_parse(const uint8_t in[STREAM_INFO_ENTRY], struct stream_info *out)
{
    *out = (struct stream_info){.records = load_u64(in),
                                .first_block = load_u64(in + 8),
                                .first_seq = load_u64(in + 16),
                                .last_seq = load_u64(in + 24),
                                .end_last_seq = load_u64(in + 32),
                                .flags = in[40]};
}

/* ---- the list ---- */

struct stream_item {
    struct stream_ref ref;
    struct stream_part part;
};

static int item_cmp(const void *a, const void *b)
{
    const struct stream_item *x = a, *y = b;
    int c = stream_cmp(&x->ref, &y->ref);
    return c ? c : (x->part.file > y->part.file) - (x->part.file < y->part.file);
}

static enum status item_load(const struct segment *s, size_t file, uint32_t i, struct buf *scratch,
                             struct arena *a, struct stream_item *out, struct err *err)
{
    const struct segment_file *f = &s->files[file];
    struct stream_info *info = &out->part.info;
    struct slice e = {0};

    TRY(table_read(&f->src, SEC_STREAMS, SEC_STREAMS_DIR, f->meta.streams, i, scratch, a, &e, err));
    TRY(stream_parse(e, &out->ref, err));
    TRY(source_read(&f->src, SEC_STREAM_INFO, (uint64_t)i * STREAM_INFO_ENTRY, STREAM_INFO_ENTRY,
                    scratch, &e, err));
    stream_info_parse(e.data, info);
    out->part.file = (uint32_t)file;
    uint64_t blocks = source_len(&f->src, SEC_SEQS_DIR) / SEQS_ENTRY;
    if (info->first_block > blocks || info->records > (blocks - info->first_block) * SEQS_BLOCK)
        return damaged("one has more records than blocks", err);
    return ST_OK;
}

static void stream_unite(struct segment_stream *to, const struct stream_item *item)
{
    const struct stream_info *i = &item->part.info;

    if (i->records) {
        to->first_seq = to->records && to->first_seq < i->first_seq ? to->first_seq : i->first_seq;
        to->last_seq = to->last_seq > i->last_seq ? to->last_seq : i->last_seq;
    }
    to->records += i->records;
    to->end_last_seq = to->end_last_seq > i->end_last_seq ? to->end_last_seq : i->end_last_seq;
    to->selection |= (i->flags & STREAM_SELECTION) != 0;
    to->partial |= (i->flags & STREAM_PARTIAL) != 0;
}

static enum status list_unite(struct stream_table *t, struct stream_item *items, size_t n,
                              struct err *err)
{
    t->streams = arena_array(&t->arena, n, sizeof(*t->streams));
    t->parts = arena_array(&t->arena, n, sizeof(*t->parts));
    t->first = arena_array(&t->arena, n + 1, sizeof(*t->first));
    if (!t->streams || !t->parts || !t->first)
        return err_no_memory(err);
    if (n)
        qsort(items, n, sizeof(*items), item_cmp);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || stream_cmp(&items[i].ref, &items[i - 1].ref) != 0) {
            t->first[t->n] = i;
            t->streams[t->n++].ref = items[i].ref;
        }
        stream_unite(&t->streams[t->n - 1], &items[i]);
        t->parts[i] = items[i].part;
    }
    t->first[t->n] = n;
    return ST_OK;
}

static enum status list_load(const struct segment *s, struct stream_table *t, struct err *err)
{
    struct buf scratch = {0};
    enum status st = ST_OK;
    size_t n = 0, at = 0;

    for (size_t f = 0; f < s->n_files; f++)
        n += s->files[f].meta.streams;
    struct stream_item *items = calloc(n ? n : 1, sizeof(*items));
    if (!items)
        return err_no_memory(err);
    for (size_t f = 0; f < s->n_files; f++)
        for (uint32_t i = 0; i < s->files[f].meta.streams && st == ST_OK; i++)
            st = item_load(s, f, i, &scratch, &t->arena, &items[at++], err);
    if (st == ST_OK)
        st = list_unite(t, items, n, err);
    free(items);
    buf_release(&scratch);
    return st;
}

void stream_table_free(struct stream_table *t)
{
    if (!t)
        return;
    arena_release(&t->arena);
    free(t);
}

static enum status streams_get(struct segment *s, const struct stream_table **out, struct err *err)
{
    pthread_mutex_lock(&s->mu);
    struct stream_table *t = s->streams;
    pthread_mutex_unlock(&s->mu);
    if (!t) {
        t = calloc(1, sizeof(*t));
        if (!t)
            return err_no_memory(err);
        arena_init(&t->arena, 0);
        enum status st = list_load(s, t, err);
        if (st != ST_OK) {
            stream_table_free(t);
            return st;
        }
        pthread_mutex_lock(&s->mu);
        struct stream_table *lost = s->streams ? t : NULL;
        s->streams = s->streams ? s->streams : t;
        t = s->streams;
        pthread_mutex_unlock(&s->mu);
        stream_table_free(lost);
    }
    *out = t;
    return ST_OK;
}

enum status segment_streams(struct segment *s, const struct segment_stream **out, size_t *n,
                            struct err *err)
{
    const struct stream_table *t = NULL;

    TRY(streams_get(s, &t, err));
    *out = t->streams;
    *n = t->n;
    return ST_OK;
}

/* ---- numbers ---- */

/* First block of the part that may hold (seq, …): the last that begins below it, else its first. */
static enum status block_find(const struct directory *d, const struct stream_info *i,
                              uint64_t blocks, uint64_t seq, struct buf *scratch, uint64_t *block,
                              struct err *err)
{
    uint64_t lo = 0, hi = blocks;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct slice e = {0};
        TRY(directory_read(d, i->first_block + mid, 1, scratch, &e, err));
        if (load_u64(e.data) < seq)
            lo = mid + 1;
        else
            hi = mid;
    }
    *block = lo ? lo - 1 : 0;
    return ST_OK;
}

static enum status block_load(const struct segment *s, struct segment_scratch *x,
                              const struct directory *d, uint64_t number, uint32_t n,
                              struct err *err)
{
    struct piece p = {0};
    struct slice bytes = {0};

    TRY(directory_piece(d, number, 8, SEC_SEQS, SEQS_BYTES_MAX, &x->dir, &p, err));
    uint64_t first = load_u64(p.entry);
    TRY(source_read(d->src, SEC_SEQS, p.off, p.len, &x->data, &bytes, err));
    return seqs_parse(bytes, first, n, s->docs, x->seqs, err);
}

static bool seq_before(const struct seq_doc *a, uint64_t seq, uint32_t doc)
{
    return a->seq != seq ? a->seq < seq : a->doc < doc;
}

/* Up to `cap` pairs of one part from (seq, doc) on. */
static enum status part_read(const struct segment *s, struct segment_scratch *x,
                             const struct stream_part *part, uint64_t seq, uint32_t doc,
                             struct seq_doc *out, size_t cap, size_t *n, struct err *err)
{
    const struct source *src = &s->files[part->file].src;
    const struct stream_info *i = &part->info;
    struct directory d = {.src = src,
                          .section = SEC_SEQS_DIR,
                          .width = SEQS_ENTRY,
                          .n = source_len(src, SEC_SEQS_DIR) / SEQS_ENTRY};
    uint64_t blocks = i->records / SEQS_BLOCK + (i->records % SEQS_BLOCK != 0), block = 0;
    size_t have = 0;

    TRY(block_find(&d, i, blocks, seq, &x->dir, &block, err));
    for (; block < blocks && have < cap; block++) {
        uint64_t left = i->records - block * SEQS_BLOCK;
        uint32_t m = left < SEQS_BLOCK ? (uint32_t)left : SEQS_BLOCK;
        TRY(block_load(s, x, &d, i->first_block + block, m, err));
        for (uint32_t k = 0; k < m && have < cap; k++)
            if (!seq_before(&x->seqs[k], seq, doc))
                out[have++] = x->seqs[k];
    }
    *n = have;
    return ST_OK;
}

static int seq_doc_cmp(const void *a, const void *b)
{
    const struct seq_doc *x = a, *y = b;
    return x->seq != y->seq ? (x->seq > y->seq) - (x->seq < y->seq)
                            : (x->doc > y->doc) - (x->doc < y->doc);
}

/* Each part gives its first `cap`, so the first `cap` of all are among them. */
static enum status parts_merge(const struct segment *s, struct segment_scratch *x,
                               const struct stream_part *parts, size_t n_parts, uint64_t seq,
                               uint32_t doc, struct seq_doc *out, size_t cap, size_t *n,
                               struct err *err)
{
    size_t have = 0, kept = 0;

    struct seq_doc *all = calloc(n_parts, cap * sizeof(*all));
    if (!all)
        return err_no_memory(err);
    enum status st = ST_OK;
    for (size_t i = 0; i < n_parts && st == ST_OK; i++) {
        size_t got = 0;
        st = part_read(s, x, &parts[i], seq, doc, all + have, cap, &got, err);
        have += got;
    }
    if (st == ST_OK) {
        qsort(all, have, sizeof(*all), seq_doc_cmp);
        for (size_t i = 0; i < have && kept < cap; i++)
            if (i == 0 || seq_doc_cmp(&all[i], &all[i - 1]) != 0)
                out[kept++] = all[i];
        *n = kept;
    }
    free(all);
    return st;
}

enum { SEQS_CAP_MAX = 65536 };

enum status segment_stream_seqs_from(struct segment *s, struct segment_scratch *x, size_t i,
                                     uint64_t seq, uint32_t doc, struct seq_doc *out, size_t cap,
                                     size_t *n, struct err *err)
{
    const struct stream_table *t = NULL;

    TRY(streams_get(s, &t, err));
    if (i >= t->n || cap == 0)
        return err_set(err, ST_USAGE, "streams: no such stream, or no room for its numbers");
    cap = cap < SEQS_CAP_MAX ? cap : SEQS_CAP_MAX;
    const struct stream_part *parts = t->parts + t->first[i];
    size_t n_parts = t->first[i + 1] - t->first[i];
    if (n_parts == 1)
        return part_read(s, x, parts, seq, doc, out, cap, n, err);
    return parts_merge(s, x, parts, n_parts, seq, doc, out, cap, n, err);
}

enum status segment_stream_seqs(struct segment *s, struct segment_scratch *x, size_t i,
                                uint64_t from, struct seq_doc *out, size_t cap, size_t *n,
                                struct err *err)
{
    struct seq_doc more;
    size_t got = 0, next = 0;

    TRY(segment_stream_seqs_from(s, x, i, from, 0, out, cap, &got, err));
    if (got) {
        /* Does the last seq go on? Then it comes whole with the next call. */
        struct seq_doc last = out[got - 1];
        TRY(segment_stream_seqs_from(s, x, i, last.seq, last.doc + 1, &more, 1, &next, err));
        if (next && more.seq == last.seq) {
            while (got && out[got - 1].seq == last.seq)
                got--;
            if (got == 0)
                return err_set(err, ST_LIMIT, "streams: more than %zu documents claim one number",
                               cap);
        }
    }
    *n = got;
    return ST_OK;
}
