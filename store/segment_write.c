/* segment_write — takes a segment's parts in their order and hands each to its section.
 * Life: open → tables → conversations with documents (or patches) → terms, streams' numbers →
 * finish. Where the documents are announced, these, their copies, the terms and the streams'
 * numbers may come from a thread each: they share no section and no state but what is fixed by
 * then. Calls out of order are refused: they could only come from a mistake in the indexer. */
#include <stdlib.h>

#include "store/segment_writer.h"

static enum status misuse(const char *what, struct err *err)
{
    return err_set(err, ST_USAGE, "segment: %s", what);
}

enum status segment_writer_init(struct segment_writer *w, const uint8_t *base, struct err *err)
{
    arena_init(&w->rows, 0);
    w->meta.overlay = base != NULL;
    w->meta.has_info = !base;
    if (base)
        memcpy(w->meta.base, base, FILE_ID_SIZE);
    w->meta.info.first_sent = w->meta.info.last_sent = TIME_NONE;
    w->postings.out = &w->out;
    w->lexicon.out = &w->out;
    TRY(rows_writer_init(&w->bodies, &w->out, SEC_BODIES, SEC_BODIES_DIR, ROWS_TARGET, err));
    return copies_writer_init(&w->copies, &w->out, SEC_COPIES, SEC_COPIES_DIR, err);
}

void segment_writer_release(struct segment_writer *w)
{
    buf_release(&w->entry);
    buf_release(&w->seqs);
    rows_writer_release(&w->bodies);
    copies_writer_release(&w->copies);
    arena_release(&w->rows);
    free(w->keys);
    free(w->minutes);
    free(w->hidden);
    free(w->extra);
    postings_writer_release(&w->postings);
    lexicon_writer_release(&w->lexicon);
}

static enum status sections_begin(struct segment_writer *w, struct err *err)
{
    for (unsigned i = 0; i < SEC_COUNT; i++) {
        bool rows = i == SEC_BODIES || i == SEC_COPIES;
        TRY(section_begin(w->file, i, rows ? SECTION_BODY_BLOCK : SECTION_INDEX_BLOCK, err));
    }
    return ST_OK;
}

enum status segment_writer_open(int dirfd, const struct case_key *key, const uint8_t *base,
                                struct segment_writer **out, struct err *err)
{
    struct segment_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return err_no_memory(err);
    enum status st =
        section_file_create(dirfd, base ? FILE_OVERLAY : FILE_SEGMENT, key, &w->file, err);
    if (st == ST_OK) {
        w->out.file = w->file;
        st = sections_begin(w, err);
    }
    if (st == ST_OK)
        st = segment_writer_init(w, base, err);
    if (st != ST_OK) {
        segment_writer_abort(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

void segment_writer_abort(struct segment_writer *w)
{
    if (!w)
        return;
    if (w->file)
        section_file_abort(w->file);
    segment_writer_release(w);
    free(w);
}

/* ---- tables ---- */

static enum status table_put(struct segment_writer *w, unsigned section, unsigned dir,
                             uint32_t *count, struct err *err)
{
    TRY(buf_status(&w->entry, err));
    if (*count == UINT32_MAX)
        return err_set(err, ST_LIMIT, "a segment's table is full");
    TRY(table_add(&w->out, section, dir, &w->entry, err));
    ++*count;
    return ST_OK;
}

enum status segment_add_dump(struct segment_writer *w, const struct dump_ref *d, struct err *err)
{
    buf_clear(&w->entry);
    dump_encode(d, &w->entry);
    return table_put(w, SEC_DUMPS, SEC_DUMPS_DIR, &w->meta.dumps, err);
}

enum status segment_add_stream(struct segment_writer *w, const struct stream_ref *s,
                               struct err *err)
{
    buf_clear(&w->entry);
    stream_encode(s, &w->entry);
    return table_put(w, SEC_STREAMS, SEC_STREAMS_DIR, &w->meta.streams, err);
}

enum status segment_add_origin(struct segment_writer *w, const struct origin_ref *o,
                               struct err *err)
{
    if (o->stream >= w->meta.streams)
        return misuse("an origin comes after its stream", err);
    buf_clear(&w->entry);
    origin_encode(o, &w->entry);
    return table_put(w, SEC_ORIGINS, SEC_ORIGINS_DIR, &w->meta.origins, err);
}

/* ---- conversations ---- */

static enum status conversation_close(struct segment_writer *w, struct err *err)
{
    uint8_t entry[CONVERSATION_ENTRY];
    uint32_t docs = w->meta.info.docs - w->conversation_first;

    if (w->meta.info.conversations == 0)
        return ST_OK;
    if (docs == 0)
        return misuse("a conversation has documents", err);
    memcpy(entry, w->conversation_key, KEY_SIZE);
    store_u32(entry + 16, w->conversation_first);
    store_u32(entry + 20, docs);
    store_u64(entry + 24, w->conversation_off);
    return sink_append(&w->out, SEC_CONVERSATIONS, entry, sizeof(entry), err);
}

enum status segment_add_conversation(struct segment_writer *w, const uint8_t key[KEY_SIZE],
                                     const struct conversation *c, struct err *err)
{
    if (w->meta.overlay || w->docs_closed)
        return misuse("conversations come before terms, and only to a base", err);
    if (w->meta.info.conversations && memcmp(key, w->conversation_key, KEY_SIZE) <= 0)
        return misuse("conversations come in order of their keys", err);
    TRY(conversation_close(w, err));
    memcpy(w->conversation_key, key, KEY_SIZE);
    w->conversation_first = w->meta.info.docs;
    w->conversation_off = sink_size(&w->out, SEC_CONVERSATION_DATA);
    buf_clear(&w->entry);
    conversation_encode(c, &w->entry);
    TRY(buf_status(&w->entry, err));
    if (w->entry.len > TABLE_ENTRY_MAX)
        return err_set(err, ST_LIMIT, "a conversation's handles are longer than a case can hold");
    w->meta.info.conversations++;
    return sink_take(&w->out, SEC_CONVERSATION_DATA, &w->entry, err);
}

/* ---- documents ---- */

static enum status docs_reserve(struct segment_writer *w, uint32_t cap, struct err *err)
{
    cap = cap > SEGMENT_DOCS_MAX ? SEGMENT_DOCS_MAX : (cap + 7) / 8 * 8;
    struct key_item *keys = realloc(w->keys, (size_t)cap * sizeof(*keys));
    w->keys = keys ? keys : w->keys;
    uint32_t *minutes = realloc(w->minutes, (size_t)cap * sizeof(*minutes));
    w->minutes = minutes ? minutes : w->minutes;
    uint8_t *hidden = realloc(w->hidden, (size_t)cap / 8);
    w->hidden = hidden ? hidden : w->hidden;
    if (!keys || !minutes || !hidden)
        return err_no_memory(err);
    memset(hidden + w->cap / 8, 0, (size_t)(cap - w->cap) / 8);
    w->cap = cap;
    return ST_OK;
}

static enum status docs_grow(struct segment_writer *w, struct err *err)
{
    if (w->meta.info.docs < w->cap)
        return ST_OK;
    return docs_reserve(w, w->cap < 4096 ? 4096 : w->cap + w->cap / 2, err);
}

enum status segment_expect_docs(struct segment_writer *w, uint32_t n,
                                int64_t (*sent)(void *ctx, uint32_t doc), void *ctx,
                                struct err *err)
{
    if (w->meta.overlay || w->meta.info.docs || w->expected)
        return misuse("documents are announced once, before the first, to a base", err);
    if (n > SEGMENT_DOCS_MAX)
        return err_set(err, ST_LIMIT, "a segment is full");
    if (n == 0)
        return ST_OK;
    TRY(docs_reserve(w, n, err));
    for (uint32_t i = 0; i < n; i++)
        w->minutes[i] = minute_after(sent(ctx, i));
    w->expected = n;
    return ST_OK;
}

/* Copies that come as bytes. `sent`: as the reader of the row will know it. */
static enum status copies_add_row(struct segment_writer *w, struct slice row, int64_t sent,
                                  struct err *err)
{
    struct copy *copies = NULL;
    size_t n = 0;

    arena_reset(&w->rows);
    if (row.len)
        TRY(copies_decode(row, &w->rows, &copies, &n, err));
    return copies_add(&w->copies, copies, n, sent, err);
}

/* Documents with more than one message: for the list of repeats and the minutes. */
static enum status repeat_add(struct segment_writer *w, uint32_t doc, uint32_t messages,
                              uint32_t minute, struct err *err)
{
    uint8_t entry[REPEAT_ENTRY];

    store_u32(entry, doc);
    store_u32(entry + 4, messages);
    w->meta.repeats++;
    TRY(sink_append(&w->out, SEC_REPEATS, entry, sizeof(entry), err));
    if (minute == 0)
        return ST_OK;
    if (w->n_extra == w->cap_extra) {
        size_t cap = w->cap_extra ? w->cap_extra + w->cap_extra / 2 : 256;
        struct minute_extra *extra = realloc(w->extra, cap * sizeof(*extra));
        if (!extra)
            return err_no_memory(err);
        w->extra = extra;
        w->cap_extra = cap;
    }
    w->extra[w->n_extra++] = (struct minute_extra){.minute = minute, .messages = messages - 1};
    return ST_OK;
}

static void info_add(struct segment_info *i, uint8_t kind, int64_t sent, const struct doc_state *s)
{
    i->hidden_docs += (s->flags & DOC_HIDDEN) != 0;
    i->repeated_docs += s->messages > 1;
    i->copy_to_docs += (s->flags & DOC_COPY_TO) != 0;
    if (kind != DOC_MESSAGE) {
        i->others++;
        i->notes += kind == DOC_NOTE;
        return;
    }
    i->messages += s->messages;
    i->copies += s->copies > s->messages ? s->copies - s->messages : 0;
    i->sealed += s->flags & DOC_SEALED ? s->messages : 0;
    i->conflict += s->flags & DOC_CONFLICT ? s->messages : 0;
    i->untimed += s->flags & DOC_UNTIMED ? s->messages : 0;
    if (time_untimed(sent))
        return;
    i->first_sent = i->first_sent == TIME_NONE || sent < i->first_sent ? sent : i->first_sent;
    i->last_sent = sent > i->last_sent ? sent : i->last_sent;
}

static enum status columns_flush(struct segment_writer *w, struct err *err)
{
    struct sent_bounds b;
    uint8_t entry[SENT_ENTRY];
    uint32_t n = w->in_block;

    if (n == 0)
        return ST_OK;
    sent_bounds_of(w->sent, n, &b);
    store_u64(entry, (uint64_t)b.min);
    store_u64(entry + 8, (uint64_t)b.max);
    store_u64(entry + 16, sink_size(&w->out, SEC_SENT) * 2 + (b.has_untimed ? 1 : 0));
    TRY(sink_append(&w->out, SEC_SENT_DIR, entry, sizeof(entry), err));
    buf_clear(&w->entry);
    sent_encode(w->sent, n, &b, &w->entry);
    TRY(sink_take(&w->out, SEC_SENT, &w->entry, err));
    store_u64(entry, sink_size(&w->out, SEC_STATE));
    TRY(sink_append(&w->out, SEC_STATE_DIR, entry, 8, err));
    state_encode(w->states, n, &w->entry);
    w->in_block = 0;
    return sink_take(&w->out, SEC_STATE, &w->entry, err);
}

static uint32_t key_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum status segment_add_doc(struct segment_writer *w, const uint8_t key[KEY_SIZE], int64_t sent,
                            struct slice row, const struct doc_state *state, struct slice copies,
                            struct err *err)
{
    uint32_t doc = w->meta.info.docs;
    bool hidden = (state->flags & DOC_HIDDEN) != 0;

    if (w->meta.overlay || w->docs_closed || w->meta.info.conversations == 0 || row.len == 0)
        return misuse("documents come after a conversation, before terms, to a base", err);
    if (doc >= SEGMENT_DOCS_MAX)
        return err_set(err, ST_LIMIT, "a segment is full");
    if (w->expected && doc >= w->expected)
        return misuse("more documents than were announced", err);
    TRY(docs_grow(w, err));
    w->keys[doc] = (struct key_item){.hi = key_word(key), .lo = key_word(key + 4), .doc = doc};
    if (!w->expected)
        w->minutes[doc] = minute_after(sent);
    if (hidden)
        w->hidden[doc / 8] = (uint8_t)(w->hidden[doc / 8] | 1u << doc % 8);
    if (state->messages > 1)
        TRY(repeat_add(w, doc, state->messages, hidden ? 0 : w->minutes[doc], err));
    info_add(&w->meta.info, row.data[0], sent, state);
    TRY(rows_add(&w->bodies, row, sent, err));
    if (!w->expected)
        TRY(copies_add_row(w, copies, sent, err));
    w->sent[w->in_block] = sent;
    w->states[w->in_block++] = *state;
    w->meta.info.docs++;
    w->meta.rows++;
    return w->in_block == COLUMN_BLOCK ? columns_flush(w, err) : ST_OK;
}

/* ---- patches ---- */

static enum status patches_flush(struct segment_writer *w, struct err *err)
{
    uint8_t entry[PATCH_ENTRY];

    if (w->in_block == 0)
        return ST_OK;
    store_u32(entry, w->patch_docs[0]);
    store_u64(entry + 4, sink_size(&w->out, SEC_PATCHES));
    TRY(sink_append(&w->out, SEC_PATCHES_DIR, entry, sizeof(entry), err));
    buf_clear(&w->entry);
    patch_encode(w->patch_docs, w->states, w->in_block, &w->entry);
    w->in_block = 0;
    return sink_take(&w->out, SEC_PATCHES, &w->entry, err);
}

enum status segment_add_patch(struct segment_writer *w, uint32_t doc, const struct doc_state *state,
                              struct slice copies, struct err *err)
{
    if (!w->meta.overlay || doc >= SEGMENT_DOCS_MAX || (w->meta.rows && doc <= w->last_patch))
        return misuse("patches come in ascending order, to an overlay", err);
    if (state->messages > 1)
        TRY(repeat_add(w, doc, state->messages, 0, err));
    TRY(copies_add_row(w, copies, TIME_NONE, err));
    w->last_patch = doc;
    w->patch_docs[w->in_block] = doc;
    w->states[w->in_block++] = *state;
    w->meta.rows++;
    return w->in_block == COLUMN_BLOCK ? patches_flush(w, err) : ST_OK;
}

void segment_set_info(struct segment_writer *w, const struct segment_info *info)
{
    MUST(w->meta.overlay);
    w->meta.info = *info;
    w->meta.has_info = true;
}

/* ---- copies of announced documents ---- */

enum status segment_add_copies(struct segment_writer *w, const struct copy *copies, size_t n,
                               int64_t sent, struct err *err)
{
    if (!w->expected || w->copies_closed || w->copies.next >= w->expected)
        return misuse("copies come apart where documents are announced, one row for each", err);
    return copies_add(&w->copies, copies, n, sent, err);
}

enum status segment_copies_end(struct segment_writer *w, struct err *err)
{
    if (w->expected && w->copies.next != w->expected)
        return misuse("every announced document has its copies", err);
    w->copies_closed = true;
    return copies_finish(&w->copies, err);
}

/* ---- terms ---- */

static enum status docs_close(struct segment_writer *w, struct err *err)
{
    if (w->docs_closed)
        return ST_OK;
    w->docs_closed = true;
    TRY(w->meta.overlay ? patches_flush(w, err) : columns_flush(w, err));
    TRY(rows_finish(&w->bodies, err));
    if (!w->expected)
        TRY(segment_copies_end(w, err));
    return w->meta.overlay ? ST_OK : conversation_close(w, err);
}

enum status segment_docs_end(struct segment_writer *w, struct err *err)
{
    TRY(docs_close(w, err));
    if (w->expected && w->meta.info.docs != w->expected)
        return misuse("fewer documents than were announced", err);
    if (w->keys_closed || w->meta.overlay || w->meta.info.docs == 0)
        return ST_OK;
    w->keys_closed = true;
    keys_sort(w->keys, w->meta.info.docs);
    return keys_write(&w->out, w->keys, w->meta.info.docs, err);
}

static enum status postings_check(const struct segment_writer *w, const struct postings_in *p,
                                  struct err *err)
{
    const uint32_t *at = p->positions;
    uint32_t docs = w->expected ? w->expected : w->meta.info.docs;

    for (uint32_t i = 0; i < p->n; i++)
        if (p->docs[i] >= docs || (i && p->docs[i] <= p->docs[i - 1]))
            return misuse("documents of a term ascend", err);
    for (uint32_t i = 0; p->tf && i < p->n; at += p->tf[i++]) {
        if (p->tf[i] == 0)
            return misuse("a word stands in its documents", err);
        if (p->tf[i] > POSTING_TF_MAX)
            return err_set(err, ST_LIMIT, "a word stands in one text too often");
        for (uint32_t j = 1; j < p->tf[i]; j++)
            if (at[j] < at[j - 1])
                return misuse("positions ascend", err);
    }
    return ST_OK;
}

enum status segment_add_term(struct segment_writer *w, struct slice term, uint32_t n,
                             const uint32_t *docs, const uint32_t *tf, const uint32_t *positions,
                             struct err *err)
{
    struct postings_in p = {.n = n, .docs = docs, .tf = tf, .positions = positions};
    uint64_t at = 0;

    if (w->meta.overlay || n == 0)
        return misuse("terms have documents and go to a base", err);
    if (!w->expected)
        TRY(docs_close(w, err));
    TRY(postings_check(w, &p, err));
    bool in_line = postings_fit_inline(&p);
    if (!in_line)
        TRY(postings_write(&w->postings, &p, w->minutes, &at, err));
    return lexicon_add(&w->lexicon, term, &p, in_line, at, err);
}

/* ---- streams ---- */

static enum status seqs_write(struct segment_writer *w, size_t n, const uint64_t *seqs,
                              const uint32_t *docs, struct err *err)
{
    for (size_t i = 1; i < n; i++)
        if (seqs[i] < seqs[i - 1] || (seqs[i] == seqs[i - 1] && docs[i] <= docs[i - 1]))
            return misuse("numbers of a stream ascend, and documents of one number", err);
    for (size_t i = 0; i < n; i += SEQS_BLOCK) {
        uint32_t m = n - i < SEQS_BLOCK ? (uint32_t)(n - i) : SEQS_BLOCK;
        uint8_t entry[SEQS_ENTRY];
        store_u64(entry, seqs[i]);
        store_u64(entry + 8, sink_size(&w->out, SEC_SEQS));
        TRY(sink_append(&w->out, SEC_SEQS_DIR, entry, sizeof(entry), err));
        buf_clear(&w->seqs);
        seqs_encode(seqs + i, docs + i, m, &w->seqs);
        TRY(sink_take(&w->out, SEC_SEQS, &w->seqs, err));
    }
    return ST_OK;
}

enum status segment_add_stream_seqs(struct segment_writer *w, uint32_t stream, size_t n,
                                    const uint64_t *seqs, const uint32_t *docs, uint64_t last_seq,
                                    bool selection, bool partial, struct err *err)
{
    uint8_t entry[STREAM_INFO_ENTRY];

    if (stream != w->streams_done || stream >= w->meta.streams)
        return misuse("streams come once, in the order of their table", err);
    if (n && seqs[n - 1] > SEQ_MAX)
        return misuse("a number is too great", err);
    struct stream_info i = {
        .records = n,
        .first_block = sink_size(&w->out, SEC_SEQS_DIR) / SEQS_ENTRY,
        .first_seq = n ? seqs[0] : 0,
        .last_seq = n ? seqs[n - 1] : 0,
        .end_last_seq = last_seq,
        .flags = (uint8_t)((selection ? STREAM_SELECTION : 0) | (partial ? STREAM_PARTIAL : 0))};
    TRY(seqs_write(w, n, seqs, docs, err));
    stream_info_encode(&i, entry);
    w->streams_done++;
    return sink_append(&w->out, SEC_STREAM_INFO, entry, sizeof(entry), err);
}

/* ---- the end ---- */

/* The array of keys is done with by now and lends its memory to the sort. */
static enum status minutes_close(struct segment_writer *w, struct err *err)
{
    size_t n = 0;

    for (uint32_t i = 0; i < w->meta.info.docs; i++) {
        uint32_t m = w->minutes[i];
        if (m && m != MINUTE_BEYOND && !(w->hidden[i / 8] >> i % 8 & 1))
            w->minutes[n++] = m;
    }
    if (n == 0)
        return ST_OK;
    return minutes_write(&w->out, w->minutes, n, (uint32_t *)(void *)w->keys, w->extra, w->n_extra,
                         err);
}

enum status segment_writer_close(struct segment_writer *w, struct err *err)
{
    TRY(segment_docs_end(w, err));
    if (!w->copies_closed)
        return misuse("copies are closed before the segment is", err);
    if (w->streams_done != w->meta.streams)
        return misuse("every stream gives its numbers", err);
    TRY(lexicon_finish(&w->lexicon, err));
    if (w->meta.info.docs && !w->meta.overlay)
        TRY(minutes_close(w, err));
    w->meta.terms = w->lexicon.terms;
    buf_clear(&w->entry);
    meta_encode(&w->meta, &w->entry);
    return sink_take(&w->out, SEC_META, &w->entry, err);
}

enum status segment_writer_finish(struct segment_writer *w, struct file_seal *seal, struct err *err)
{
    enum status st = segment_writer_close(w, err);

    if (st == ST_OK) {
        struct section_file_writer *file = w->file;
        w->file = NULL; /* finish frees it in any case */
        st = section_file_finish(file, seal, err);
    }
    segment_writer_abort(w);
    return st;
}
