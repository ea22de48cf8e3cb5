/* segment_read — opens a base with its overlays, and reads what stands in columns and rows. Opening
 * reads one small record a file and checks every directory's length against it; nothing grows with
 * the number of documents. */
#include <stdlib.h>

#include "store/segment_private.h"

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "segment: %s", what);
}

/* ---- opening ---- */

enum { META_BYTES_MAX = 1024 };

static enum status meta_load(struct segment_file *f, struct err *err)
{
    struct buf b = {0};
    struct slice s = {0};
    uint64_t len = source_len(&f->src, SEC_META);

    if (len > META_BYTES_MAX)
        return damaged("its head is too long", err);
    enum status st = source_read(&f->src, SEC_META, 0, (size_t)len, &b, &s, err);
    if (st == ST_OK)
        st = meta_parse(s, &f->meta, err);
    buf_release(&b);
    return st;
}

static uint64_t blocks_of(uint64_t n, uint32_t block) { return n / block + (n % block != 0); }

/* Directories whose length follows from the head. */
static enum status tables_check(const struct segment_file *f, struct err *err)
{
    const struct segment_meta *m = &f->meta;
    const struct {
        unsigned section;
        uint32_t width;
        uint64_t n;
    } want[] = {{SEC_DUMPS_DIR, 8, m->dumps},
                {SEC_STREAMS_DIR, 8, m->streams},
                {SEC_ORIGINS_DIR, 8, m->origins},
                {SEC_STREAM_INFO, STREAM_INFO_ENTRY, m->streams},
                {SEC_REPEATS, REPEAT_ENTRY, m->repeats},
                {SEC_PATCHES_DIR, PATCH_ENTRY, m->overlay ? blocks_of(m->rows, COLUMN_BLOCK) : 0}};
    struct directory d;

    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
        TRY(directory_open(&d, &f->src, want[i].section, want[i].width, want[i].n, err));
    return ST_OK;
}

static enum status base_attach(struct segment *s, struct err *err)
{
    const struct segment_file *f = &s->files[0];
    const struct source *src = &f->src;
    uint64_t blocks = blocks_of(f->meta.info.docs, COLUMN_BLOCK);

    s->docs = f->meta.info.docs;
    TRY(directory_open(&s->sent, src, SEC_SENT_DIR, SENT_ENTRY, blocks, err));
    TRY(directory_open(&s->state, src, SEC_STATE_DIR, 8, blocks, err));
    TRY(directory_open(&s->keys, src, SEC_KEYS_DIR, KEYS_ENTRY, blocks, err));
    TRY(directory_open(&s->conversations, src, SEC_CONVERSATIONS, CONVERSATION_ENTRY,
                       f->meta.info.conversations, err));
    return directory_open(&s->lexicon, src, SEC_LEXICON_DIR, 8,
                          blocks_of(f->meta.terms, LEXICON_BLOCK), err);
}

/* The files' sources are set. */
static enum status segment_attach(struct segment *s, struct err *err)
{
    for (size_t i = 0; i < s->n_files; i++) {
        struct segment_file *f = &s->files[i];
        TRY(meta_load(f, err));
        if (f->meta.overlay != (i > 0))
            return damaged("a base stands for an overlay, or an overlay for a base", err);
        if (i && memcmp(f->meta.base, s->files[0].src.id, FILE_ID_SIZE) != 0)
            return damaged("an overlay belongs to another segment", err);
        TRY(tables_check(f, err));
        if (f->meta.has_info) {
            s->info = f->meta.info;
            s->info.docs = s->files[0].meta.info.docs;
            s->info.conversations = s->files[0].meta.info.conversations;
        }
    }
    return base_attach(s, err);
}

static struct segment *segment_new(size_t n_files)
{
    struct segment *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    pthread_mutex_init(&s->mu, NULL);
    s->files = calloc(n_files, sizeof(*s->files));
    s->n_files = s->files ? n_files : 0;
    if (s->files)
        return s;
    segment_close(s);
    return NULL;
}

static enum status segment_ready(struct segment *s, enum status st, struct segment **out,
                                 struct err *err)
{
    if (st == ST_OK)
        st = segment_attach(s, err);
    if (st != ST_OK) {
        segment_close(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

enum status segment_open(int dirfd, const struct case_key *key, const struct file_seal *base,
                         const struct file_seal *overlays, size_t n_overlays,
                         struct block_cache *cache, struct segment **out, struct err *err)
{
    struct segment *s = segment_new(n_overlays + 1);
    enum status st = ST_OK;

    if (!s)
        return err_no_memory(err);
    for (size_t i = 0; i < s->n_files && st == ST_OK; i++) {
        struct segment_file *f = &s->files[i];
        const struct file_seal *seal = i ? &overlays[i - 1] : base;
        st = section_file_open(dirfd, i ? FILE_OVERLAY : FILE_SEGMENT, key, seal, cache, &f->file,
                               err);
        if (st != ST_OK)
            break;
        f->src.file = f->file;
        memcpy(f->src.id, section_file_id(f->file), FILE_ID_SIZE);
    }
    return segment_ready(s, st, out, err);
}

enum status segment_open_memory(const struct slice *const *files, size_t n, struct segment **out,
                                struct err *err)
{
    struct segment *s = segment_new(n);

    if (!s)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        s->files[i].src.mem = files[i];
        s->files[i].src.id[0] = (uint8_t)i; /* the base's id is all zero */
    }
    return segment_ready(s, ST_OK, out, err);
}

void segment_close(struct segment *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_files; i++)
        section_file_close(s->files[i].file);
    free(s->files);
    stream_table_free(s->streams);
    free(s->repeat_docs);
    buf_release(&s->copy_to);
    minutes_added_free(s->added);
    free(s->repeat_messages);
    pthread_mutex_destroy(&s->mu);
    free(s);
}

enum status segment_verify(struct segment *s, struct err *err)
{
    for (size_t i = 0; i < s->n_files; i++)
        if (s->files[i].file)
            TRY(section_file_verify(s->files[i].file, err));
    return ST_OK;
}

const struct segment_info *segment_info(const struct segment *s) { return &s->info; }

/* ---- scratch ---- */

enum status segment_scratch_new(struct segment_scratch **out, struct err *err)
{
    struct segment_scratch *x = calloc(1, sizeof(*x));

    if (!x)
        return err_no_memory(err);
    *out = x;
    return ST_OK;
}

void segment_scratch_free(struct segment_scratch *x)
{
    if (!x)
        return;
    buf_release(&x->dir);
    buf_release(&x->data);
    buf_release(&x->extra);
    buf_release(&x->term);
    buf_release(&x->sent_slot.bytes);
    buf_release(&x->state_slot.bytes);
    for (size_t i = 0; i < PATCH_SLOTS; i++) {
        buf_release(&x->patch[i].slot.bytes);
        copies_block_release(&x->overlay_copies[i]);
    }
    rows_cache_release(&x->bodies);
    copies_block_release(&x->copies);
    free(x);
}

bool slot_has(const struct block_slot *slot, const struct source *src, uint64_t number)
{
    return slot->valid && slot->number == number && memcmp(slot->id, src->id, FILE_ID_SIZE) == 0;
}

enum status slot_fill(struct block_slot *slot, const struct source *src, unsigned section,
                      const struct piece *p, uint64_t number, struct buf *scratch,
                      struct slice *bytes, struct err *err)
{
    struct slice s = {0};

    slot->valid = false;
    TRY(source_read(src, section, p->off, p->len, scratch, &s, err));
    /* Copied: the scratch is read into again while the block is still in use. */
    buf_clear(&slot->bytes);
    buf_put_slice(&slot->bytes, s);
    TRY(buf_status(&slot->bytes, err));
    slot->number = number;
    memcpy(slot->id, src->id, FILE_ID_SIZE);
    *bytes = buf_slice(&slot->bytes);
    return ST_OK;
}

/* ---- columns ---- */

static enum status doc_check(const struct segment *s, uint32_t doc, struct err *err)
{
    return doc < s->docs ? ST_OK : err_set(err, ST_NOT_FOUND, "there is no document %u", doc);
}

static uint32_t block_docs(const struct segment *s, uint64_t block)
{
    uint64_t left = s->docs - block * COLUMN_BLOCK;
    return left < COLUMN_BLOCK ? (uint32_t)left : COLUMN_BLOCK;
}

static void bounds_get(const uint8_t *entry, struct sent_bounds *b)
{
    *b = (struct sent_bounds){.min = (int64_t)load_u64(entry),
                              .max = (int64_t)load_u64(entry + 8),
                              .has_untimed = load_u64(entry + 16) & 1};
}

/* As directory_piece, but offsets are doubled and carry a bit. */
static enum status sent_piece(struct segment *s, struct segment_scratch *x, uint64_t block,
                              struct piece *p, struct sent_bounds *b, struct err *err)
{
    struct slice e = {0};
    bool last = block + 1 == s->sent.n;

    TRY(directory_read(&s->sent, block, last ? 1 : 2, &x->dir, &e, err));
    uint64_t whole = source_len(s->sent.src, SEC_SENT);
    uint64_t off = load_u64(e.data + 16) >> 1;
    uint64_t end = last ? whole : load_u64(e.data + SENT_ENTRY + 16) >> 1;
    if (off > end || end > whole || end - off > COLUMN_BYTES_MAX)
        return damaged("the directory of times points outside of its data", err);
    bounds_get(e.data, b);
    *p = (struct piece){.off = off, .len = (size_t)(end - off)};
    return ST_OK;
}

enum status segment_sent(struct segment *s, struct segment_scratch *x, uint32_t doc, int64_t *sent,
                         struct err *err)
{
    uint64_t block = doc / COLUMN_BLOCK;

    TRY(doc_check(s, doc, err));
    if (!slot_has(&x->sent_slot, s->sent.src, block)) {
        struct piece p = {0};
        struct sent_bounds b = {0};
        struct slice bytes = {0};
        TRY(sent_piece(s, x, block, &p, &b, err));
        TRY(slot_fill(&x->sent_slot, s->sent.src, SEC_SENT, &p, block, &x->data, &bytes, err));
        TRY(sent_parse(bytes, block_docs(s, block), &b, &x->sent, err));
        x->sent_slot.valid = true;
    }
    return sent_get(&x->sent, doc % COLUMN_BLOCK, sent, err);
}

enum status segment_sent_bounds(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                int64_t *min, int64_t *max, bool *has_untimed, struct err *err)
{
    struct slice e = {0};
    struct sent_bounds b;

    TRY(doc_check(s, doc, err));
    TRY(directory_read(&s->sent, doc / COLUMN_BLOCK, 1, &x->dir, &e, err));
    bounds_get(e.data, &b);
    *min = b.min;
    *max = b.max;
    *has_untimed = b.has_untimed;
    return ST_OK;
}

enum status segment_sent_times(struct segment *s, struct segment_scratch *x, uint32_t first,
                               uint32_t n, int64_t *earliest, int64_t *latest, struct err *err)
{
    struct slice e = {0};
    struct sent_bounds b;

    TRY(directory_read(&s->sent, first, n, &x->dir, &e, err));
    for (uint32_t i = 0; i < n; i++) {
        bounds_get(e.data + (size_t)i * SENT_ENTRY, &b);
        bool untimed = b.has_untimed || b.min <= 0 || b.max > TIME_MAX_MS;
        earliest[i] = untimed ? INT64_MIN : b.min;
        latest[i] = b.max > 0 ? b.max : INT64_MIN;
    }
    return ST_OK;
}

enum status base_state(struct segment *s, struct segment_scratch *x, uint32_t doc,
                       struct doc_state *state, struct err *err)
{
    uint64_t block = doc / COLUMN_BLOCK;

    if (!slot_has(&x->state_slot, s->state.src, block)) {
        struct piece p = {0};
        struct slice bytes = {0};
        TRY(directory_piece(&s->state, block, 0, SEC_STATE, COLUMN_BYTES_MAX, &x->dir, &p, err));
        TRY(slot_fill(&x->state_slot, s->state.src, SEC_STATE, &p, block, &x->data, &bytes, err));
        struct cursor c = cursor_of(bytes);
        TRY(state_parse(&c, block_docs(s, block), &x->state, err));
        x->state_slot.valid = true;
    }
    return state_get(&x->state, doc % COLUMN_BLOCK, state, err);
}

enum status segment_state(struct segment *s, struct segment_scratch *x, uint32_t doc,
                          struct doc_state *state, struct err *err)
{
    uint32_t ordinal;

    TRY(doc_check(s, doc, err));
    for (size_t i = s->n_files; i-- > 1;) {
        enum status st = patch_find(s, x, i, doc, &ordinal, state, err);
        if (st != ST_NOT_FOUND)
            return st;
    }
    return base_state(s, x, doc, state, err);
}

/* ---- rows ---- */

enum status segment_row(struct segment *s, struct segment_scratch *x, uint32_t doc,
                        struct slice *row, struct err *err)
{
    int64_t sent = TIME_NONE;

    TRY(segment_sent(s, x, doc, &sent, err));
    return rows_cached(&s->files[0].src, SEC_BODIES, SEC_BODIES_DIR, s->docs, &x->bodies, doc, sent,
                       row, err);
}
