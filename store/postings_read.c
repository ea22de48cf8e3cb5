/* postings_read — walks one word's documents. The skip table is read 64 blocks at a time; a seek
 * beyond that window finds its block by binary search where the table lies. */
#include "store/postings_iter.h"

enum { READ_AHEAD = 4096 }; /* bytes; a block has about 150 */

/* ---- the skip table ---- */

static enum status skip_read(struct posting_iter *it, unsigned array, uint32_t block, uint32_t n,
                             struct slice *out, struct err *err)
{
    /* Three arrays: last document (4 bytes), minute (4), end (8). */
    static const uint64_t before[] = {0, 4, 8}, width[] = {4, 4, 8};
    uint64_t off = it->skip + before[array] * it->n_blocks + width[array] * block;

    return source_read(it->src, SEC_POSTINGS, off, n * width[array], &it->scratch, out, err);
}

static enum status window_check(const struct posting_iter *it, const struct skip_window *w,
                                struct err *err)
{
    uint64_t next = w->before, end = w->begin;

    for (uint32_t i = 0; i < w->have; i++) {
        uint32_t left = it->n - (w->first + i) * POSTING_BLOCK;
        uint32_t n = left < POSTING_BLOCK ? left : POSTING_BLOCK;
        if ((uint64_t)w->last_doc[i] + 1 < next + n || w->last_doc[i] >= it->s->docs ||
            w->end[i] < end || w->end[i] > it->data_len || w->end[i] - end > POSTING_BYTES_MAX)
            return postings_damaged("the skip table is out of order", err);
        next = (uint64_t)w->last_doc[i] + 1;
        end = w->end[i];
    }
    return ST_OK;
}

/* Window over the blocks from `first` on. */
static enum status window_load(struct posting_iter *it, uint32_t first, struct err *err)
{
    struct skip_window *w = it->window;
    struct slice s = {0};
    uint32_t left = it->n_blocks - first, back = first ? 1 : 0;

    w->have = 0;
    w->first = first;
    uint32_t have = left < SKIP_WINDOW ? left : SKIP_WINDOW;
    TRY(skip_read(it, 0, first - back, have + back, &s, err));
    w->before = back ? load_u32(s.data) + 1 : 0;
    for (uint32_t i = 0; i < have; i++)
        w->last_doc[i] = load_u32(s.data + (size_t)4 * (i + back));
    TRY(skip_read(it, 1, first, have, &s, err));
    for (uint32_t i = 0; i < have; i++)
        w->minute[i] = load_u32(s.data + (size_t)4 * i);
    TRY(skip_read(it, 2, first - back, have + back, &s, err));
    w->begin = back ? load_u64(s.data) : 0;
    for (uint32_t i = 0; i < have; i++)
        w->end[i] = load_u64(s.data + (size_t)8 * (i + back));
    w->have = have;
    enum status st = window_check(it, w, err);
    if (st != ST_OK)
        w->have = 0;
    return st;
}

/* First of the blocks [lo, hi) whose last document is >= doc; hi if none. */
static enum status block_search(struct posting_iter *it, uint32_t lo, uint32_t hi, uint32_t doc,
                                uint32_t *block, struct err *err)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        struct slice s = {0};
        TRY(skip_read(it, 0, mid, 1, &s, err));
        if (load_u32(s.data) < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    *block = lo;
    return ST_OK;
}

static uint32_t window_search(const struct posting_iter *it, uint32_t doc)
{
    const struct skip_window *w = it->window;
    uint32_t lo = 0, hi = w->have - 1;

    if (it->block != UINT32_MAX && it->block >= w->first && it->block - w->first < hi)
        lo = it->block - w->first;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (w->last_doc[mid] < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return w->first + lo;
}

enum status posting_block_find(struct posting_iter *it, uint32_t doc, uint32_t *block,
                               struct err *err)
{
    struct skip_window *w = it->window;
    uint32_t here = it->block == UINT32_MAX ? 0 : it->block, found = here;

    if (w->have == 0)
        TRY(window_load(it, here, err));
    if (doc < w->before && w->first > here) {
        TRY(block_search(it, here, w->first, doc, &found, err));
        TRY(window_load(it, found, err));
    }
    if (w->last_doc[w->have - 1] < doc && w->first + w->have < it->n_blocks)
        TRY(window_load(it, w->first + w->have, err));
    if (w->last_doc[w->have - 1] >= doc) {
        *block = window_search(it, doc);
        return ST_OK;
    }
    TRY(block_search(it, w->first + w->have, it->n_blocks, doc, &found, err));
    if (found < it->n_blocks)
        TRY(window_load(it, found, err));
    *block = found;
    return ST_OK;
}

/* ---- blocks ---- */

struct block_place posting_block_place(const struct posting_iter *it, uint32_t block)
{
    const struct skip_window *w = it->window;
    if (!w)
        return (struct block_place){.off = it->data,
                                    .len = (size_t)it->data_len,
                                    .n = it->n,
                                    .last = UINT32_MAX,
                                    .minute = it->minute};
    uint32_t i = block - w->first, left = it->n - block * POSTING_BLOCK;
    uint64_t begin = i ? w->end[i - 1] : w->begin;
    return (struct block_place){.off = it->data + begin,
                                .len = (size_t)(w->end[i] - begin),
                                .n = left < POSTING_BLOCK ? left : POSTING_BLOCK,
                                .next = i ? w->last_doc[i - 1] + 1 : w->before,
                                .last = w->last_doc[i],
                                .minute = w->minute[i]};
}

/* The bytes of a block. Whoever takes one block after the other reads several at once. */
static enum status block_bytes(struct posting_iter *it, uint32_t block, const struct block_place *p,
                               struct slice *out, struct err *err)
{
    const struct skip_window *w = it->window;
    uint64_t have = it->ahead.len, skip = p->off - it->ahead_off;
    bool in = p->off >= it->ahead_off && skip <= have && p->len <= have - skip;

    if (!in) {
        uint64_t len = p->len;
        bool next = w && block > w->first && block == it->loaded + 1;
        if (next) {
            len = it->data + w->end[w->have - 1] - p->off;
            len = len < READ_AHEAD ? len : READ_AHEAD;
            len = len > p->len ? len : p->len;
        }
        struct slice s = {0};
        TRY(source_read(it->src, SEC_POSTINGS, p->off, (size_t)len, &it->ahead, &s, err));
        it->ahead_off = p->off;
        skip = 0;
    }
    it->loaded = block;
    *out = slice_of(it->ahead.data + skip, p->len);
    return ST_OK;
}

enum status posting_block_load(struct posting_iter *it, uint32_t block, struct err *err)
{
    struct block_place p = posting_block_place(it, block);
    struct slice s = {0};

    it->block = UINT32_MAX;
    TRY(block_bytes(it, block, &p, &s, err));
    struct cursor c = cursor_of(s);
    patched_get(&c, p.n, it->docs);
    uint64_t next = p.next;
    for (uint32_t i = 0; i < p.n && !c.bad; i++) {
        next += it->docs[i];
        it->docs[i] = (uint32_t)next++;
    }
    /* Gaps are not negative, so the last is the greatest and bounds all. */
    if (c.bad || next > it->s->docs || (p.last != UINT32_MAX && next - 1 != p.last))
        return postings_damaged("a block does not end at its last document", err);
    if (!it->has_positions)
        TRY(cursor_done(&c, "postings block", err));
    it->rest = c;
    it->tf_ready = false;
    it->block = block;
    it->minute = p.minute;
    it->count = p.n;
    it->at = 0;
    return ST_OK;
}

/* ---- walking ---- */

static void settle_end(struct posting_iter *it, uint32_t *out)
{
    it->at_end = true;
    it->on_doc = false;
    *out = DOC_END;
}

/* First at or behind it->at with docs[i] >= doc; there is one. */
static uint32_t doc_search(const struct posting_iter *it, const uint32_t *docs, uint32_t n,
                           uint32_t doc)
{
    uint32_t lo = it->at, hi = n - 1;

    if (docs[lo] >= doc)
        return lo;
    if (lo < hi && docs[lo + 1] >= doc)
        return lo + 1;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (docs[mid] < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static enum status seek_blocks(struct posting_iter *it, uint32_t doc, uint32_t *out,
                               struct err *err)
{
    if (it->block == UINT32_MAX || it->docs[it->count - 1] < doc) {
        uint32_t block = 0;
        if (it->window)
            TRY(posting_block_find(it, doc, &block, err));
        else if (it->block != UINT32_MAX)
            block = it->n_blocks;
        if (block >= it->n_blocks) {
            settle_end(it, out);
            return ST_OK;
        }
        if (block != it->block)
            TRY(posting_block_load(it, block, err));
        if (it->docs[it->count - 1] < doc) { /* a single block that ends before */
            settle_end(it, out);
            return ST_OK;
        }
    }
    it->at = doc_search(it, it->docs, it->count, doc);
    it->on_doc = true;
    *out = it->docs[it->at];
    return ST_OK;
}

static void seek_inline(struct posting_iter *it, uint32_t doc, uint32_t *out)
{
    while (it->at < it->n && it->tiny.docs[it->at] < doc)
        it->at++;
    if (it->at == it->n) {
        settle_end(it, out);
        return;
    }
    it->on_doc = true;
    *out = it->tiny.docs[it->at];
}

enum status posting_iter_seek(struct posting_iter *it, uint32_t doc, uint32_t *out, struct err *err)
{
    /* The next document of a decoded block is what most calls ask for. */
    if (it->on_doc && !it->in_line) {
        if (it->docs[it->at] < doc && it->at + 1 < it->count && it->docs[it->at + 1] >= doc)
            it->at++;
        if (it->docs[it->at] >= doc) {
            *out = it->docs[it->at];
            return ST_OK;
        }
    }
    if (it->failed)
        return err_set(err, it->failed, "postings: reading failed before");
    if (it->at_end || doc == DOC_END) {
        settle_end(it, out);
        return ST_OK;
    }
    if (it->in_line) {
        seek_inline(it, doc, out);
        return ST_OK;
    }
    enum status st = seek_blocks(it, doc, out, err);
    return st == ST_OK ? ST_OK : posting_iter_fail(it, st);
}

static int64_t minute_bound(uint32_t minute)
{
    return minute == MINUTE_BEYOND ? INT64_MAX : (int64_t)minute * MINUTE_MS;
}

/* No bound is stored for so few documents: those of their column blocks serve. */
static enum status inline_bound(struct posting_iter *it, uint32_t doc, int64_t *max_sent,
                                uint32_t *last_doc, struct err *err)
{
    int64_t max = 0;

    *last_doc = it->tiny.docs[it->n - 1];
    for (uint32_t i = 0; i < it->n; i++) {
        struct slice e = {0};
        if (it->tiny.docs[i] < doc)
            continue;
        TRY(directory_read(&it->s->sent, it->tiny.docs[i] / COLUMN_BLOCK, 1, &it->scratch, &e,
                           err));
        int64_t block_max = (int64_t)load_u64(e.data + 8);
        max = block_max > max ? block_max : max;
    }
    *max_sent = max;
    return ST_OK;
}

enum status posting_iter_bound(struct posting_iter *it, int64_t *max_sent, uint32_t *last_doc,
                               struct err *err)
{
    if (it->failed || !it->on_doc)
        return err_set(err, it->failed ? it->failed : ST_USAGE, "postings: not on a document");
    if (it->in_line)
        return inline_bound(it, it->tiny.docs[it->at], max_sent, last_doc, err);
    *last_doc = it->docs[it->count - 1];
    *max_sent = minute_bound(it->minute);
    return ST_OK;
}

static enum status peek_blocks(struct posting_iter *it, uint32_t doc, int64_t *max_sent,
                               uint32_t *last_doc, struct err *err)
{
    const struct skip_window *w = it->window;
    uint32_t block = 0;

    TRY(posting_block_find(it, doc, &block, err));
    if (block == it->n_blocks) {
        *max_sent = INT64_MIN;
        *last_doc = DOC_END;
        return ST_OK;
    }
    *max_sent = minute_bound(w->minute[block - w->first]);
    *last_doc = w->last_doc[block - w->first];
    return ST_OK;
}

enum status posting_iter_peek(struct posting_iter *it, uint32_t doc, int64_t *max_sent,
                              uint32_t *last_doc, struct err *err)
{
    if (it->failed)
        return err_set(err, it->failed, "postings: reading failed before");
    if (it->at_end || doc == DOC_END || (it->in_line && it->tiny.docs[it->n - 1] < doc)) {
        *max_sent = INT64_MIN;
        *last_doc = DOC_END;
        return ST_OK;
    }
    if (it->in_line)
        return inline_bound(it, doc, max_sent, last_doc, err);
    if (!it->window) {
        *max_sent = minute_bound(it->minute);
        *last_doc = it->s->docs - 1;
        return ST_OK;
    }
    if (it->on_doc && it->docs[it->at] > doc)
        doc = it->docs[it->at];
    enum status st = peek_blocks(it, doc, max_sent, last_doc, err);
    return st == ST_OK ? ST_OK : posting_iter_fail(it, st);
}

/* ---- blocks by number ---- */

uint32_t posting_iter_blocks(const struct posting_iter *it)
{
    return it->window ? it->n_blocks : 0;
}

enum status posting_iter_minutes(struct posting_iter *it, uint32_t first, uint32_t n,
                                 uint32_t *latest, struct err *err)
{
    struct slice s = {0};

    MUST(it->window && first <= it->n_blocks && n <= it->n_blocks - first);
    TRY(skip_read(it, 1, first, n, &s, err));
    for (uint32_t i = 0; i < n; i++)
        latest[i] = load_u32(s.data + (size_t)4 * i);
    return ST_OK;
}

enum status posting_iter_block(struct posting_iter *it, uint32_t block, const uint32_t **docs,
                               uint32_t *n, struct err *err)
{
    const struct skip_window *w = it->window;

    MUST(w && block < it->n_blocks);
    if (block < w->first || block - w->first >= w->have)
        TRY(window_load(it, block, err));
    TRY(posting_block_load(it, block, err));
    *docs = it->docs;
    *n = it->count;
    return ST_OK;
}
