/* compact — the chosen segments are walked conversation by conversation in the one order, so each
 * output holds a range of conversations and damage to it stays local. New files become visible by
 * one commit. */
#include "indexer/compact.h"

#include <stdlib.h>

#include "indexer/flush.h"
#include "indexer/reload.h"

#define SEGMENTS_MANY 16
#define SEGMENTS_AFTER 8
#define SMALL_SHARE 4
#define OVERLAYS_MANY 8
#define OUTPUT_DOCS_MAX ((size_t)32000000)

/* Where the merge stands in one chosen segment. */
struct source {
    struct segment *segment;
    struct segment_scratch *scratch;
    uint32_t number; /* next conversation */
    bool done;
    struct arena arena;
    struct segment_conversation conv;
};

struct compaction {
    struct casefile *cf;
    const struct core_options *options;
    struct reload reload;
    struct source *sources;
    size_t n;
    struct manifest *next;
    struct cli_progress progress;
    uint64_t docs_done, docs_all;
};

static enum status advance(struct source *s, struct err *err)
{
    arena_reset(&s->arena);
    s->done = s->number == segment_info(s->segment)->conversations;
    if (s->done)
        return ST_OK;
    return segment_conversation_at(s->segment, s->scratch, s->number++, &s->arena, &s->conv, err);
}

static struct source *least(struct compaction *c)
{
    struct source *best = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (!c->sources[i].done &&
            (!best || memcmp(c->sources[i].conv.key, best->conv.key, KEY_SIZE) < 0))
            best = &c->sources[i];
    return best;
}

static enum status write_output(struct compaction *c, struct err *err)
{
    struct flush f;
    enum status st = flush_open(&f, c->cf, &c->reload.run, c->options->threads, err);
    if (st == ST_OK)
        st = flush_order(&f, err);
    if (st == ST_OK)
        st = flush_terms(&f, err);
    if (st == ST_OK)
        st = flush_write_base(&f, c->next, err);
    flush_close(&f);
    run_reset(&c->reload.run);
    tables_reset(&c->reload.run.tables);
    return st;
}

static bool full(struct compaction *c)
{
    size_t docs = c->reload.run.stores[0].docs.n;
    return docs >= OUTPUT_DOCS_MAX || docs >= RUN_DOCS_MAX - 1 ||
           run_full(&c->reload.run, c->options->memory);
}

/* All documents of one conversation of one segment. A conversation larger than the memory is cut
 * between documents. */
static enum status take_conversation(struct compaction *c, struct source *s, struct err *err)
{
    for (uint32_t i = 0; i < s->conv.docs; i++) {
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted; the case is as it was");
        TRY(reload_doc(&c->reload, s->segment, s->scratch, &s->conv, s->conv.first + i, err));
        c->docs_done++;
        cli_progress_step(&c->progress, c->docs_done, c->docs_all, c->docs_done);
        if (full(c) && i + 1 < s->conv.docs)
            TRY(write_output(c, err));
    }
    return ST_OK;
}

static enum status merge(struct compaction *c, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        TRY(reload_streams(&c->reload, c->sources[i].segment, err));
        TRY(advance(&c->sources[i], err));
        c->docs_all += segment_info(c->sources[i].segment)->docs;
    }
    struct source *s;
    while ((s = least(c)) != NULL) {
        if (full(c))
            TRY(write_output(c, err));
        TRY(take_conversation(c, s, err));
        TRY(advance(s, err));
    }
    return write_output(c, err);
}

/* The chosen segments leave the manifest; outputs stand behind the old ones. */
static void drop_chosen(struct manifest *next, const bool *chosen, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < next->n_segments; i++) {
        if (i < n && chosen[i])
            free(next->segments[i].overlays);
        else
            next->segments[kept++] = next->segments[i];
    }
    next->n_segments = kept;
}

enum status compact_set(struct casefile *cf, const struct core_options *o, const bool *chosen,
                        enum ledger_kind kind, struct err *err)
{
    struct compaction c = {.cf = cf, .options = o};
    size_t all = casefile_segments(cf);
    enum status st = reload_init(&c.reload, err);
    if (kind == LEDGER_UNSEAL) /* elsewhere nobody has judged what the texts contradict */
        c.reload.late_keys = o->body_keys;
    c.sources = calloc(all + 1, sizeof *c.sources);
    if (st == ST_OK && !c.sources)
        st = err_no_memory(err);
    for (size_t i = 0; st == ST_OK && i < all; i++)
        if (chosen[i]) {
            c.sources[c.n].segment = casefile_segment(cf, i);
            arena_init(&c.sources[c.n].arena, 4096);
            st = segment_scratch_new(&c.sources[c.n++].scratch, err);
        }
    if (st == ST_OK)
        st = manifest_copy(casefile_manifest(cf), &c.next, err);
    cli_progress_begin(&c.progress, o->progress, kind == LEDGER_UNSEAL ? "unseal" : "compact");
    if (st == ST_OK)
        st = merge(&c, err);
    cli_progress_end(&c.progress);
    for (size_t i = 0; i < c.n; i++) {
        arena_release(&c.sources[i].arena);
        segment_scratch_free(c.sources[i].scratch);
    }
    free(c.sources);
    reload_release(&c.reload);
    if (st == ST_OK) {
        drop_chosen(c.next, chosen, all);
        return casefile_commit(cf, c.next, kind, NULL, 0, err);
    }
    manifest_free(c.next);
    return st;
}

enum status compact_all(struct casefile *cf, const struct core_options *o, struct err *err)
{
    size_t n = casefile_segments(cf);
    const struct manifest *m = casefile_manifest(cf);
    if (n == 0 || (n == 1 && m->segments[0].n_overlays == 0))
        return ST_OK;
    bool *chosen = malloc(n * sizeof *chosen);
    if (!chosen)
        return err_no_memory(err);
    memset(chosen, true, n);
    enum status st = compact_set(cf, o, chosen, LEDGER_COMPACT, err);
    free(chosen);
    return st;
}

struct sized {
    size_t index;
    uint32_t docs;
};

static int sized_cmp(const void *a, const void *b)
{
    const struct sized *x = a, *y = b;
    return (x->docs > y->docs) - (x->docs < y->docs);
}

/* How many of the segments, smallest first, are merged: never more than a share of the case, so
 * that an add costs what it brings. Large segments stand side by side until somebody asks for
 * compact. */
static size_t small_ones(const struct sized *by_size, size_t n)
{
    uint64_t all = 0, sum = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        all += by_size[i].docs;
    while (k < n - SEGMENTS_AFTER && sum + by_size[k].docs <= all / SMALL_SHARE)
        sum += by_size[k++].docs;
    return k;
}

static enum status merge_smallest(struct casefile *cf, const struct core_options *o, size_t n,
                                  struct err *err)
{
    const struct manifest *m = casefile_manifest(cf);
    struct sized *by_size = calloc(n, sizeof *by_size);
    bool *chosen = calloc(n, sizeof *chosen);
    enum status st = by_size && chosen ? ST_OK : err_no_memory(err);
    if (st == ST_OK) {
        for (size_t i = 0; i < n; i++)
            by_size[i] = (struct sized){i, m->segments[i].docs};
        qsort(by_size, n, sizeof *by_size, sized_cmp);
        size_t k = small_ones(by_size, n);
        for (size_t i = 0; i < k; i++)
            chosen[by_size[i].index] = true;
        if (k > 1)
            st = compact_set(cf, o, chosen, LEDGER_COMPACT, err);
    }
    free(by_size);
    free(chosen);
    return st;
}

enum status compact_if_many(struct casefile *cf, const struct core_options *o, struct err *err)
{
    size_t n = casefile_segments(cf);
    if (n > SEGMENTS_MANY)
        TRY(merge_smallest(cf, o, n, err));
    n = casefile_segments(cf);
    bool *chosen = calloc(n + 1, sizeof *chosen);
    if (!chosen)
        return err_no_memory(err);
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= chosen[i] = casefile_manifest(cf)->segments[i].n_overlays > OVERLAYS_MANY;
    enum status st = any ? compact_set(cf, o, chosen, LEDGER_COMPACT, err) : ST_OK;
    free(chosen);
    return st;
}
