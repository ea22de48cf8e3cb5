/* segment_overlay — the states that overlays put over a base's, and what follows from them. An
 * overlay's patches are found by binary search over its blocks; the block found last answers for
 * its neighbours. */
#include <stdlib.h>

#include "store/segment_private.h"

static int patch_cmp(const uint8_t *entry, const void *key)
{
    uint32_t first = load_u32(entry), doc = *(const uint32_t *)key;
    return (first > doc) - (first < doc);
}

/* Which documents the slot answers for: from the block before the one at `after` up to it. */
static enum status patch_range(const struct directory *d, uint64_t after, uint32_t docs,
                               struct patch_slot *p, struct buf *scratch, struct err *err)
{
    struct slice e = {0};

    p->lo = 0;
    p->hi = docs;
    p->empty = after == 0;
    if (after < d->n) {
        TRY(directory_read(d, after, 1, scratch, &e, err));
        p->hi = load_u32(e.data);
    }
    if (after) {
        TRY(directory_read(d, after - 1, 1, scratch, &e, err));
        p->lo = load_u32(e.data);
    }
    return p->hi <= docs && p->lo <= p->hi
               ? ST_OK
               : err_set(err, ST_DAMAGED, "patches of an overlay are out of order");
}

static enum status patch_load(const struct segment *s, struct segment_scratch *x, size_t i,
                              uint32_t doc, struct patch_slot *p, struct err *err)
{
    const struct segment_file *f = &s->files[i];
    struct directory d = {.src = &f->src,
                          .section = SEC_PATCHES_DIR,
                          .width = PATCH_ENTRY,
                          .n = source_len(&f->src, SEC_PATCHES_DIR) / PATCH_ENTRY};
    struct piece piece = {0};
    struct slice bytes = {0};
    uint64_t after = 0;

    p->slot.valid = false;
    TRY(directory_search(&d, patch_cmp, &doc, &x->dir, &after, err));
    TRY(patch_range(&d, after, s->docs, p, &x->dir, err));
    if (after) {
        uint64_t left = f->meta.rows - (after - 1) * COLUMN_BLOCK;
        uint32_t n = left < COLUMN_BLOCK ? (uint32_t)left : COLUMN_BLOCK;
        TRY(directory_piece(&d, after - 1, 4, SEC_PATCHES, COLUMN_BYTES_MAX, &x->dir, &piece, err));
        TRY(slot_fill(&p->slot, &f->src, SEC_PATCHES, &piece, after - 1, &x->data, &bytes, err));
        TRY(patch_parse(bytes, p->lo, n, p->hi, &p->patches, err));
    }
    memcpy(p->slot.id, f->src.id, FILE_ID_SIZE);
    p->slot.number = after ? after - 1 : 0;
    p->slot.valid = true;
    return ST_OK;
}

enum status patch_find(struct segment *s, struct segment_scratch *x, size_t i, uint32_t doc,
                       uint32_t *ordinal, struct doc_state *state, struct err *err)
{
    struct patch_slot *p = &x->patch[i % PATCH_SLOTS];

    if (!p->slot.valid || doc < p->lo || doc >= p->hi ||
        memcmp(p->slot.id, s->files[i].src.id, FILE_ID_SIZE) != 0)
        TRY(patch_load(s, x, i, doc, p, err));
    if (p->empty)
        return ST_NOT_FOUND;
    uint32_t lo = 0, hi = p->patches.n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (p->patches.docs[mid] < doc)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == p->patches.n || p->patches.docs[lo] != doc)
        return ST_NOT_FOUND;
    *ordinal = (uint32_t)(p->slot.number * COLUMN_BLOCK + lo);
    return state_get(&p->patches.states, lo, state, err);
}

/* ---- repeats ---- */

enum { REPEATS_CHUNK = 4096 };

static int u32_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

enum status repeats_of(const struct segment *s, size_t file, struct segment_scratch *x,
                       struct repeats *r, struct err *err)
{
    const struct segment_file *f = &s->files[file];
    uint32_t left = f->meta.repeats, at = 0;
    uint64_t next = 0;

    for (uint32_t n; left; left -= n, at += n) {
        struct slice e = {0};
        n = left < REPEATS_CHUNK ? left : REPEATS_CHUNK;
        TRY(source_read(&f->src, SEC_REPEATS, (uint64_t)at * REPEAT_ENTRY, (size_t)n * REPEAT_ENTRY,
                        &x->data, &e, err));
        for (uint32_t i = 0; i < n; i++) {
            uint32_t doc = load_u32(e.data + (size_t)i * REPEAT_ENTRY);
            uint32_t messages = load_u32(e.data + (size_t)i * REPEAT_ENTRY + 4);
            if (doc < next || doc >= s->docs || messages < 2)
                return err_set(err, ST_DAMAGED, "the list of repeated contents is not possible");
            next = (uint64_t)doc + 1;
            r->docs[r->n] = doc;
            r->messages[r->n++] = messages;
        }
    }
    return ST_OK;
}

/* The newest state of each document counts; it may also say that it is no repeat. */
static enum status repeats_unite(struct segment *s, struct segment_scratch *x, struct repeats *r,
                                 struct err *err)
{
    size_t out = 0;

    qsort(r->docs, r->n, sizeof(*r->docs), u32_cmp);
    for (size_t i = 0; i < r->n; i++) {
        struct doc_state state;
        if (i && r->docs[i] == r->docs[i - 1])
            continue;
        TRY(segment_state(s, x, r->docs[i], &state, err));
        uint32_t doc = r->docs[i];
        if (state.messages < 2)
            continue;
        /* out <= i, and docs[i] stays until the next one was compared with it. */
        r->messages[out] = state.messages;
        if (out < i)
            r->docs[out] = doc;
        out++;
    }
    r->n = out;
    return ST_OK;
}

static enum status repeats_load(struct segment *s, struct repeats *r, struct err *err)
{
    struct segment_scratch *x = NULL;
    uint64_t n = 0;

    for (size_t i = 0; i < s->n_files; i++)
        n += s->files[i].meta.repeats;
    r->docs = malloc((n ? n : 1) * sizeof(*r->docs));
    r->messages = malloc((n ? n : 1) * sizeof(*r->messages));
    if (!r->docs || !r->messages)
        return err_no_memory(err);
    enum status st = segment_scratch_new(&x, err);
    for (size_t i = 0; i < s->n_files && st == ST_OK; i++)
        st = repeats_of(s, i, x, r, err);
    if (st == ST_OK && s->n_files > 1 && r->n)
        st = repeats_unite(s, x, r, err);
    segment_scratch_free(x);
    return st;
}

enum status segment_repeats(struct segment *s, const uint32_t **docs, const uint32_t **messages,
                            size_t *n, struct err *err)
{
    struct repeats r = {0};
    enum status st = ST_OK;

    pthread_mutex_lock(&s->mu);
    bool loaded = s->repeats_loaded;
    pthread_mutex_unlock(&s->mu);
    if (!loaded) {
        st = repeats_load(s, &r, err);
        pthread_mutex_lock(&s->mu);
        if (st == ST_OK && !s->repeats_loaded) {
            s->repeat_docs = r.docs;
            s->repeat_messages = r.messages;
            s->n_repeats = r.n;
            s->repeats_loaded = true;
            r = (struct repeats){0};
        }
        pthread_mutex_unlock(&s->mu);
        free(r.docs);
        free(r.messages);
    }
    if (st != ST_OK)
        return st;
    *docs = s->repeat_docs;
    *messages = s->repeat_messages;
    *n = s->n_repeats;
    return ST_OK;
}

/* ---- rare flags ---- */

struct flagged {
    uint16_t flag;
    struct buf *docs; /* uint32_t */
};

static void note_if(const struct flagged *g, const struct doc_state *state, uint32_t doc)
{
    if (state->flags & g->flag)
        buf_put(g->docs, &doc, sizeof doc);
}

/* A block that cannot reach it need not be taken apart. */
static bool may_have(const struct flagged *g, const struct state_block *b)
{
    return b->flags.base + ((UINT64_C(1) << b->flags.bits) - 1) >= g->flag;
}

static enum status base_flagged(struct segment *s, struct segment_scratch *x,
                                const struct flagged *g, struct err *err)
{
    struct doc_state state;

    for (uint32_t first = 0; first < s->docs; first += COLUMN_BLOCK) {
        uint32_t n = s->docs - first < COLUMN_BLOCK ? s->docs - first : COLUMN_BLOCK;
        TRY(base_state(s, x, first, &state, err));
        for (uint32_t i = 0; i < n && may_have(g, &x->state); i++) {
            TRY(state_get(&x->state, i, &state, err));
            note_if(g, &state, first + i);
        }
    }
    return ST_OK;
}

static enum status patches_flagged(struct segment *s, struct segment_scratch *x, size_t file,
                                   const struct flagged *g, struct err *err)
{
    struct patch_slot *p = &x->patch[file % PATCH_SLOTS];
    struct doc_state state;

    for (uint32_t doc = 0; doc < s->docs; doc = p->hi) {
        TRY(patch_load(s, x, file, doc, p, err));
        if (p->hi <= doc)
            return err_set(err, ST_DAMAGED, "patches of an overlay are out of order");
        for (uint32_t i = 0; !p->empty && i < p->patches.n && may_have(g, &p->patches.states);
             i++) {
            TRY(state_get(&p->patches.states, i, &state, err));
            note_if(g, &state, p->patches.docs[i]);
        }
    }
    return ST_OK;
}

/* Base and overlays, each document once: these flags are never taken away. */
enum status segment_flagged(struct segment *s, uint16_t flag, struct buf *docs, struct err *err)
{
    struct flagged g = {.flag = flag, .docs = docs};
    struct segment_scratch *x = NULL;
    size_t kept = 0;

    TRY(segment_scratch_new(&x, err));
    enum status st = base_flagged(s, x, &g, err);
    for (size_t i = 1; st == ST_OK && i < s->n_files; i++)
        st = patches_flagged(s, x, i, &g, err);
    segment_scratch_free(x);
    TRY(st);
    TRY(buf_status(docs, err));
    void *data = docs->data;
    uint32_t *all = data;
    size_t n = docs->len / sizeof *all;
    if (n > 1)
        qsort(all, n, sizeof *all, u32_cmp);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || all[i] != all[i - 1])
            all[kept++] = all[i];
    docs->len = kept * sizeof *all;
    return ST_OK;
}

enum status segment_copy_to(struct segment *s, const uint32_t **docs, size_t *n, struct err *err)
{
    struct buf mine = {0};
    enum status st = ST_OK;

    *docs = NULL;
    *n = 0;
    if (s->info.copy_to_docs == 0)
        return ST_OK;
    pthread_mutex_lock(&s->mu);
    bool loaded = s->copy_to_loaded;
    pthread_mutex_unlock(&s->mu);
    if (!loaded) {
        st = segment_flagged(s, DOC_COPY_TO, &mine, err);
        pthread_mutex_lock(&s->mu);
        if (st == ST_OK && !s->copy_to_loaded) {
            s->copy_to = mine;
            s->copy_to_loaded = true;
            mine = (struct buf){0};
        }
        pthread_mutex_unlock(&s->mu);
        buf_release(&mine);
    }
    TRY(st);
    const void *data = s->copy_to.data;
    *docs = data;
    *n = s->copy_to.len / sizeof **docs;
    return ST_OK;
}
