/* verify_deep — A segment is taken in ranges of documents that fit the memory. Every posting that a
 * range gives must stand in the stored index; if besides both have equally many, they are the same.
 */
#include "indexer/verify_deep.h"

#include <stdio.h>
#include <stdlib.h>

#include "indexer/flush.h"
#include "indexer/invert.h"
#include "indexer/reload.h"
#include "indexer/resum.h"

struct deep {
    struct casefile *cf;
    const struct core_options *options;
    struct reload reload;
    struct segment *segment;
    char file[80];
    uint32_t first;    /* document of the segment that is document 0 of the range */
    uint64_t postings; /* derived so far */
    uint64_t messages, copies;
    void (*found)(void *ctx, const char *file, const char *what);
    void *ctx;
    uint64_t *damaged;
};

static void differs(struct deep *d, const char *what)
{
    ++*d->damaged;
    d->found(d->ctx, d->file, what);
}

/* One derived term against the stored postings. */
static enum status compare_postings(struct deep *d, const struct inverted *t,
                                    const struct term_entry *entry, bool *same, struct err *err)
{
    struct posting_iter *it;
    const uint32_t *positions = t->positions;
    TRY(posting_iter_open(d->segment, entry->handle, &it, err));
    enum status st = ST_OK;
    uint32_t doc = 0;
    *same = true;
    for (uint32_t i = 0; i < t->n && *same && st == ST_OK; i++) {
        st = posting_iter_seek(it, d->first + t->docs[i], &doc, err);
        if (st != ST_OK)
            break;
        *same = doc == d->first + t->docs[i];
        if (*same && t->tf) {
            const uint32_t *stored;
            uint32_t n;
            st = posting_iter_positions(it, &stored, &n, err);
            *same =
                st == ST_OK && n == t->tf[i] && memcmp(stored, positions, n * sizeof *stored) == 0;
            positions += t->tf[i];
        }
    }
    posting_iter_close(it);
    return st;
}

static enum status compare_term(void *ctx, const struct inverted *t, struct err *err)
{
    struct deep *d = ctx;
    struct term_entry entry;
    bool same = false;
    d->postings += t->n;
    enum status st = segment_term(d->segment, d->reload.scratch, t->term, &entry, err);
    if (st == ST_OK)
        st = compare_postings(d, t, &entry, &same, err);
    else if (st == ST_NOT_FOUND)
        st = ST_OK;
    if (st == ST_OK && !same)
        differs(d, "a term's postings are not those of the stored messages");
    return st;
}

static enum status compare_range(struct deep *d, struct err *err)
{
    struct flush f;
    enum status st = flush_open(&f, d->cf, &d->reload.run, d->options->threads, err);
    if (st == ST_OK)
        st = flush_order(&f, err);
    for (uint32_t i = 0; st == ST_OK && i < f.n_new; i++)
        if (RUN_REF_INDEX(flush_target(&f, i)->ref) != i && f.n_new > 1) {
            /* Later copies may put ties into another order than the one on disk: the range is then
             * compared in its stored order. */
            flush_target(&f, i)->ref = i;
        }
    if (st == ST_OK)
        st = flush_terms(&f, err);
    if (st == ST_OK)
        st = invert_open(&f, &f.inversion, err);
    if (st == ST_OK)
        st = invert_run(f.inversion, compare_term, d, err);
    d->first += f.n_new;
    flush_close(&f);
    run_reset(&d->reload.run);
    tables_reset(&d->reload.run.tables);
    return st;
}

/* Is the document found under its own key? */
static enum status compare_key(struct deep *d, uint32_t doc, struct err *err)
{
    const struct run_store *s = &d->reload.run.stores[0];
    const struct run_doc *last = (const struct run_doc *)s->docs.items + (s->docs.n - 1);
    struct buf docs = {0};
    bool there = false;
    enum status st = segment_key_find(d->segment, d->reload.scratch, last->hash, 8, 64, &docs, err);
    for (size_t i = 0; st == ST_OK && i + 4 <= docs.len; i += 4) {
        uint32_t found;
        memcpy(&found, docs.data + i, sizeof found);
        there |= found == doc;
    }
    buf_release(&docs);
    if (st == ST_OK && !there)
        differs(d, "a message is not found under its id");
    return st;
}

static enum status take_doc(struct deep *d, const struct segment_conversation *conv, uint32_t doc,
                            struct err *err)
{
    const struct run_store *s = &d->reload.run.stores[0];
    TRY(reload_doc(&d->reload, d->segment, d->reload.scratch, conv, doc, err));
    TRY(compare_key(d, doc, err));
    const struct run_doc *last = (const struct run_doc *)s->docs.items + (s->docs.n - 1);
    if (last->kind == DOC_MESSAGE) {
        d->messages += last->state.messages;
        d->copies += (uint64_t)last->state.copies - last->state.messages;
    }
    if (run_full(&d->reload.run, d->options->memory))
        return compare_range(d, err);
    return ST_OK;
}

static enum status stored_postings(struct deep *d, uint64_t *sum, struct err *err)
{
    struct term_iter *it;
    struct term_entry entry;
    *sum = 0;
    TRY(term_iter_open(d->segment, slice_of(NULL, 0), &it, err));
    enum status st;
    while ((st = term_iter_next(it, &entry, err)) == ST_OK)
        *sum += entry.docs;
    term_iter_close(it);
    return st == ST_END ? ST_OK : st;
}

static enum status deep_segment(struct deep *d, struct err *err)
{
    const struct segment_info *info = segment_info(d->segment);
    struct arena arena;
    uint64_t stored;
    enum status st = ST_OK;
    d->first = 0;
    d->postings = d->messages = d->copies = 0;
    arena_init(&arena, 4096);
    for (uint32_t n = 0; st == ST_OK && n < info->conversations; n++) {
        struct segment_conversation conv;
        arena_reset(&arena);
        st = segment_conversation_at(d->segment, d->reload.scratch, n, &arena, &conv, err);
        for (uint32_t i = 0; st == ST_OK && i < conv.docs; i++)
            st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted")
                              : take_doc(d, &conv, conv.first + i, err);
    }
    arena_release(&arena);
    TRY(st);
    TRY(compare_range(d, err));
    TRY(stored_postings(d, &stored, err));
    if (stored != d->postings)
        differs(d, "the index has postings that no stored message gives");
    if (d->messages != info->messages || d->copies != info->copies)
        differs(d, "totals of messages and copies are not those of the stored states");
    return ST_OK;
}

static enum status compare_digest(struct deep *d, struct err *err)
{
    const struct manifest *m = casefile_manifest(d->cf);
    uint8_t sum[DIGEST_SUM_SIZE];
    uint64_t lines;
    snprintf(d->file, sizeof d->file, "MANIFEST");
    TRY(resum_case(d->cf, sum, &lines, err));
    if (memcmp(sum, m->digest_sum, sizeof sum) != 0)
        differs(d, "the content digest is not that of the stored records");
    if (lines != m->quarantined)
        differs(d, "the number of quarantined lines is not that of the stored ones");
    return ST_OK;
}

enum status verify_deep(struct casefile *cf, const struct core_options *o,
                        void (*found)(void *ctx, const char *file, const char *what), void *ctx,
                        uint64_t *damaged, struct err *err)
{
    struct deep d = {.cf = cf, .options = o, .found = found, .ctx = ctx, .damaged = damaged};
    enum status st = reload_init(&d.reload, err);
    for (size_t i = 0; st == ST_OK && i < casefile_segments(cf); i++) {
        d.segment = casefile_segment(cf, i);
        hex_encode(casefile_manifest(cf)->segments[i].base.id, FILE_ID_SIZE, d.file);
        st = deep_segment(&d, err);
        if (st == ST_DAMAGED) {
            differs(&d, err->text);
            run_reset(&d.reload.run);
            st = ST_OK;
        }
    }
    reload_release(&d.reload);
    if (st == ST_OK && *damaged == 0)
        st = compare_digest(&d, err);
    return st;
}
