/* flush — what the phases of a flush share, and the commit at its end. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "indexer/body.h"
#include "indexer/core.h"
#include "indexer/dump_ctx.h"
#include "indexer/held.h"
#include "indexer/invert.h"
#include "indexer/progress.h"
#include "lictor/pages.h"
#include "lictor/thread.h"

static enum status lanes_open(struct flush *f, unsigned threads, struct err *err)
{
    f->lanes = calloc(threads, sizeof *f->lanes);
    if (!f->lanes)
        return err_no_memory(err);
    for (; f->threads < threads; f->threads++) {
        struct flush_lane *l = &f->lanes[f->threads];
        arena_init(&l->temp, 0);
        TRY(content_hasher_init(&l->hasher, err));
        enum status st = segment_scratch_new(&l->scratch, err);
        if (st != ST_OK) {
            content_hasher_release(&l->hasher);
            return st;
        }
    }
    return ST_OK;
}

enum status flush_open(struct flush *f, struct casefile *cf, struct run *run, unsigned threads,
                       struct err *err)
{
    *f = (struct flush){.cf = cf, .run = run};
    arena_init(&f->arena, 0);
    arena_init(&f->temp, 0);
    memcpy(f->digest_sum, casefile_manifest(cf)->digest_sum, DIGEST_SUM_SIZE);
    TRY(content_hasher_init(&f->hasher, err));
    TRY(segment_scratch_new(&f->scratch, err));
    TRY(lanes_open(f, threads ? threads : 1, err));
    f->target_of = arena_array(&f->arena, run->workers, sizeof *f->target_of);
    if (!f->target_of)
        return err_no_memory(err);
    for (unsigned w = 0; w < run->workers; w++) {
        size_t n = run->stores[w].docs.n;
        f->target_of[w] = pages_alloc_raw(n * sizeof **f->target_of);
        if (!f->target_of[w])
            return err_no_memory(err);
        memset(f->target_of[w], 0xff, n * sizeof **f->target_of);
    }
    f->books = calloc(run->tables.dumps.n + 1, sizeof *f->books);
    f->lines_before = calloc(run->tables.dumps.n + 1, sizeof *f->lines_before);
    return f->books && f->lines_before ? ST_OK : err_no_memory(err);
}

void flush_close(struct flush *f)
{
    invert_close(f->inversion);
    for (unsigned w = 0; f->target_of && w < f->run->workers; w++)
        pages_free(f->target_of[w], f->run->stores[w].docs.n * sizeof **f->target_of);
    for (unsigned i = 0; i < f->threads; i++) {
        arena_release(&f->lanes[i].temp);
        content_hasher_release(&f->lanes[i].hasher);
        segment_scratch_free(f->lanes[i].scratch);
        if (f->lanes[i].has_maker)
            term_maker_release(&f->lanes[i].maker);
        grown_release(&f->lanes[i].counts);
        grown_release(&f->lanes[i].ids);
    }
    free(f->lanes);
    pages_free(f->entries, f->n_entries * sizeof *f->entries);
    free(f->books);
    free(f->lines_before);
    grown_release(&f->seqs);
    grown_release(&f->targets);
    grown_release(&f->touched);
    content_hasher_release(&f->hasher);
    segment_scratch_free(f->scratch);
    arena_release(&f->arena);
    arena_release(&f->temp);
}

/* ---- sharing out ---- */

struct ranges {
    struct flush *f;
    size_t n;
    flush_range *run;
    void *ctx;
};

static enum status run_range(void *arg, size_t i, struct err *err)
{
    const struct ranges *r = arg;
    struct flush *f = r->f;
    return r->run(f, &f->lanes[i], r->ctx, r->n * i / f->threads, r->n * (i + 1) / f->threads, err);
}

enum status flush_parallel(struct flush *f, size_t n, flush_range *run, void *ctx, struct err *err)
{
    struct ranges r = {.f = f, .n = n, .run = run, .ctx = ctx};
    return thread_each(f->threads, f->threads, run_range, &r, err);
}

/* ---- targets in the case ---- */

static uint32_t *touched_slot(struct flush *f, uint32_t segment, uint32_t doc)
{
    uint32_t *slots = f->touched.items;
    uint64_t h = ((uint64_t)segment << 32 | doc) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 20) & (f->touched.cap - 1);
    for (; slots[i]; i = (i + 1) & (f->touched.cap - 1)) {
        const struct target *t = flush_target(f, slots[i] - 1);
        if (t->segment == segment && t->doc == doc)
            break;
    }
    return &slots[i];
}

static enum status touched_grow(struct flush *f, struct err *err)
{
    struct grown old = f->touched;
    size_t cap = old.cap ? old.cap * 2 : 256;
    struct grown bigger;
    if (!grown_table(&bigger, cap, sizeof(uint32_t)))
        return err_no_memory(err);
    f->touched = bigger;
    const uint32_t *before = old.items;
    for (size_t i = 0; i < old.cap; i++)
        if (before[i]) {
            const struct target *t = flush_target(f, before[i] - 1);
            *touched_slot(f, t->segment, t->doc) = before[i];
        }
    grown_release(&old);
    return ST_OK;
}

enum status flush_touch(struct flush *f, uint32_t segment, uint32_t doc, uint32_t *target,
                        struct err *err)
{
    if ((f->n_touched + 1) * 2 > f->touched.cap)
        TRY(touched_grow(f, err));
    uint32_t *slot = touched_slot(f, segment, doc);
    if (!*slot) {
        struct doc_state state;
        struct slice row;
        TRY(segment_state(casefile_segment(f->cf, segment), f->scratch, doc, &state, err));
        TRY(segment_row(casefile_segment(f->cf, segment), f->scratch, doc, &row, err));
        if (row.len == 0 || row.data[0] > DOC_KEEPALIVE)
            return err_set(err, ST_DAMAGED, "a document of no kind");
        struct target *t = grown_add(&f->targets, sizeof *t);
        if (!t)
            return err_no_memory(err);
        *t = (struct target){.segment = segment,
                             .doc = doc,
                             .ref = UINT32_MAX,
                             .old = state,
                             .state = state,
                             .kind = row.data[0]}; /* FORMAT.md, "Body rows" */
        *slot = (uint32_t)f->targets.n;
        f->n_touched++;
    }
    *target = *slot - 1;
    return ST_OK;
}

enum status flush_content(struct flush *f, const struct target *t, struct arena *a,
                          struct content *out, struct err *err)
{
    return flush_content_with(f, f->scratch, t, a, out, err);
}

static enum status open_late(const struct flush *f, struct arena *a, struct content *c,
                             struct err *err)
{
    struct buf text = {0};
    uint16_t flags = 0;
    enum status st = body_unseal(f->late_keys, c, &text, &flags, err);
    if (st == ST_OK && c->opened.data) {
        c->opened = arena_copy(a, c->opened);
        if (!c->opened.data)
            st = err_no_memory(err);
    }
    buf_release(&text);
    return st;
}

enum status flush_content_with(const struct flush *f, struct segment_scratch *scratch,
                               const struct target *t, struct arena *a, struct content *out,
                               struct err *err)
{
    if (t->segment == NO_SEGMENT) {
        const struct run_doc *d = flush_doc(f, t);
        TRY(content_decode(d->row, a, out, err));
        out->conv = d->conv->c;
        return ST_OK;
    }
    struct segment *s = casefile_segment(f->cf, t->segment);
    struct segment_conversation conv;
    struct slice row;
    TRY(segment_row(s, scratch, t->doc, &row, err));
    row = arena_copy(a, row); /* the scratch is used again before the content is done with */
    if (!row.data)
        return err_no_memory(err);
    TRY(content_decode(row, a, out, err));
    if (f->late_keys && out->body_kind == BODY_SEALED && !out->opened.data)
        TRY(open_late(f, a, out, err));
    TRY(segment_conversation_of(s, scratch, t->doc, a, &conv, err));
    out->conv = conv.c;
    return ST_OK;
}

/* ---- quarantine ---- */

static void quarantine_digest(struct flush *f, const struct run_quarantine *q)
{
    uint8_t hash[SHA256_SIZE];
    held_line_hash(&f->hasher, q->bytes, hash);
    digest_add(f->digest_sum, hash);
}

static int line_cmp(const void *a, const void *b)
{
    const struct run_quarantine *x = *(struct run_quarantine *const *)a,
                                *y = *(struct run_quarantine *const *)b;
    int c = memcmp(x->dump->entry.sha256, y->dump->entry.sha256, SHA256_SIZE);
    return c ? c : (x->line > y->line) - (x->line < y->line);
}

/* Lines of dumps that are read again, sorted. */
struct again_lines {
    struct run_quarantine **items;
    size_t n;
};

static enum status mark_held(void *ctx, const struct quarantine_line *l, struct err *err)
{
    struct again_lines *a = ctx;
    size_t from = 0, to = a->n;
    (void)err;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        struct run_quarantine *q = a->items[mid];
        int c = memcmp(q->dump->entry.sha256, l->dump_sha256, SHA256_SIZE);
        c = c ? c : (q->line > l->line) - (q->line < l->line);
        if (c == 0) {
            q->held = true;
            break;
        }
        if (c < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return ST_OK;
}

/* A dump that is read again brings no line twice. What cannot be read in a damaged quarantine is
 * not held. */
static enum status find_held(struct flush *f, struct err *err)
{
    struct again_lines a = {0};
    struct grown list = {0};
    for (unsigned w = 0; w < f->run->workers; w++) {
        struct run_quarantine *q = f->run->stores[w].quarantine.items;
        for (size_t i = 0; i < f->run->stores[w].quarantine.n; i++) {
            if (!q[i].dump->again)
                continue;
            struct run_quarantine **slot = grown_add(&list, sizeof(struct run_quarantine *));
            if (!slot) {
                grown_release(&list);
                return err_no_memory(err);
            }
            *slot = &q[i];
        }
    }
    a.items = list.items;
    a.n = list.n;
    if (a.n > 1)
        qsort(a.items, a.n, sizeof *a.items, line_cmp);
    enum status st = a.n ? quarantine_walk(f->cf, mark_held, &a, err) : ST_OK;
    grown_release(&list);
    return st == ST_DAMAGED ? ST_OK : st;
}

static enum status write_lines(struct flush *f, struct quarantine_writer *qw, uint64_t *lines,
                               struct err *err)
{
    for (unsigned w = 0; w < f->run->workers; w++) {
        const struct run_quarantine *q = f->run->stores[w].quarantine.items;
        for (size_t i = 0; i < f->run->stores[w].quarantine.n; i++) {
            if (q[i].held)
                continue;
            struct quarantine_line l = {.dump_name = q[i].dump->entry.name,
                                        .line = q[i].line,
                                        .fault = slice_str(record_fault_name(q[i].fault)),
                                        .bytes = q[i].bytes};
            memcpy(l.dump_sha256, q[i].dump->entry.sha256, SHA256_SIZE);
            TRY(quarantine_add(qw, &l, err));
            quarantine_digest(f, &q[i]);
            (*lines)++;
        }
    }
    return ST_OK;
}

/* Into the books go all; says how many the case does not have yet. */
static size_t count_lines(struct flush *f)
{
    size_t n = 0;
    for (unsigned w = 0; w < f->run->workers; w++) {
        const struct run_quarantine *q = f->run->stores[w].quarantine.items;
        for (size_t i = 0; i < f->run->stores[w].quarantine.n; i++) {
            q[i].dump->books.quarantined += q[i].line > dump_ctx_lines_before(q[i].dump);
            n += !q[i].held;
        }
    }
    return n;
}

static enum status write_quarantine(struct flush *f, struct manifest *next, struct err *err)
{
    TRY(find_held(f, err));
    if (count_lines(f) == 0)
        return ST_OK;
    struct file_seal *seals =
        realloc(next->quarantine, (next->n_quarantine + 1) * sizeof *next->quarantine);
    if (!seals)
        return err_no_memory(err);
    next->quarantine = seals;
    struct quarantine_writer *qw;
    TRY(quarantine_writer_open(f->cf, &qw, err));
    enum status st = write_lines(f, qw, &next->quarantined, err);
    if (st != ST_OK) {
        quarantine_writer_abort(qw);
        return st;
    }
    TRY(quarantine_writer_finish(qw, &seals[next->n_quarantine], err));
    next->n_quarantine++;
    return ST_OK;
}

/* ---- the commit of an add ---- */

static void add_books(struct core *c, const struct flush *f)
{
    for (size_t i = c->committed; i < c->dumps.n; i++) {
        struct dump_ctx *d = core_dump(c, i);
        if (d->source.data)
            books_sum(&d->books, &f->books[d->dump_index]);
    }
}

/* Lines of dumps that are read again stand in their books already. */
static void note_lines_before(struct core *c, struct flush *f)
{
    for (size_t i = c->committed; i < c->dumps.n; i++)
        if (core_dump(c, i)->source.data && !core_dump(c, i)->already)
            f->lines_before[core_dump(c, i)->dump_index] = dump_ctx_lines_before(core_dump(c, i));
}

static bool in_ledger(const struct dump_ctx *d) { return d->finished && !d->already; }

static enum status judge_dumps(struct core *c, struct manifest *next, struct ledger_dump **out,
                               size_t *n, struct err *err)
{
    struct ledger_dump *dumps = calloc(c->dumps.n - c->committed + 1, sizeof *dumps);
    *out = dumps;
    *n = 0;
    if (!dumps)
        return err_no_memory(err);
    for (size_t i = c->committed; i < c->dumps.n; i++) {
        struct dump_ctx *d = core_dump(c, i);
        if (!in_ledger(d))
            continue;
        if (d->entry.state == DUMP_REFUSED)
            d->entry.books = d->books;
        if (!books_balance(&d->entry.books))
            return err_set(err, ST_DAMAGED,
                           "the books of this dump do not balance: this is a fault of Lictor");
        next->dumps[d->entry.state]++;
        dumps[(*n)++] = d->entry;
    }
    return ST_OK;
}

/* Dumps that are not finished go on at their committed line; those of earlier runs stay noted until
 * they come again and are not refused. */
static enum status note_progress(struct core *c, struct manifest *next, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < next->n_progress; i++) {
        bool here = false;
        for (size_t j = c->committed; j < c->dumps.n && !here; j++)
            here =
                !core_dump(c, j)->refused_later &&
                memcmp(core_dump(c, j)->entry.sha256, next->progress[i].sha256, SHA256_SIZE) == 0;
        if (here)
            free((void *)(uintptr_t)next->progress[i].state.data);
        else
            next->progress[kept++] = next->progress[i];
    }
    next->n_progress = kept;
    struct dump_ctx *d = c->reader.dump;
    if (!d || d->lines == 0)
        return ST_OK;
    struct dump_progress *p = realloc(next->progress, (kept + 1) * sizeof *p);
    if (!p)
        return err_no_memory(err);
    next->progress = p;
    struct buf state = {0};
    progress_put(&state, &(struct progress_state){.max_seq = atomic_load(&d->max_seq),
                                                  .times = atomic_load(&d->times),
                                                  .odd_times = atomic_load(&d->odd_times),
                                                  .again = d->again,
                                                  .before = d->before});
    TRY(buf_status(&state, err));
    p[kept] =
        (struct dump_progress){.lines = d->lines, .books = d->books, .state = buf_slice(&state)};
    memcpy(p[kept].sha256, d->entry.sha256, SHA256_SIZE);
    next->n_progress = kept + 1;
    return ST_OK;
}

/* All phases but writing, into the books of the dumps too. The figures are about how long each
 * takes. */
static enum status work_out(struct core *c, struct flush *f, struct err *err)
{
    static const struct {
        enum stage stage;
        enum status (*run)(struct flush *f, struct err *err);
        double done;
    } phases[] = {{STAGE_MATCH, flush_match, 0.05},
                  {STAGE_ORDER, flush_order, 0.15},
                  {STAGE_CLASSIFY, flush_classify, 0.3},
                  {STAGE_TERMS, flush_terms, 0.5},
                  {STAGE_RELATE, flush_relate, 0.6}};
    note_lines_before(c, f);
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        stages_next(&c->stages, phases[i].stage);
        TRY(phases[i].run(f, err));
        core_flushed(c, phases[i].done);
    }
    stages_next(&c->stages, STAGE_WRITE);
    TRY(write_quarantine(f, c->next, err));
    add_books(c, f);
    return ST_OK;
}

/* What an add says of its dumps, once all their records are in. */
struct verdict {
    struct ledger_dump *dumps;
    size_t n;
};

static enum status judge_all(struct core *c, struct flush *f, struct verdict *v, struct err *err)
{
    for (size_t i = c->committed; i < c->dumps.n; i++)
        if (in_ledger(core_dump(c, i)) && core_dump(c, i)->entry.state != DUMP_REFUSED &&
            !core_dump(c, i)->refused_later)
            dump_ctx_judge(core_dump(c, i), &f->run->tables);
    TRY(judge_dumps(c, c->next, &v->dumps, &v->n, err));
    return note_progress(c, c->next, err);
}

/* Takes the run into c->next; with a verdict it is the last of its commit. */
static enum status flush_run(struct core *c, struct verdict *v, struct err *err)
{
    struct flush f;
    enum status st = ST_OK;
    if (!c->next)
        TRY(manifest_copy(casefile_manifest(c->cf), &c->next, err));
    st = flush_open(&f, c->cf, &c->run, c->options.threads, err);
    f.staged = &c->staged;
    if (st == ST_OK) {
        memcpy(f.digest_sum, c->next->digest_sum, DIGEST_SUM_SIZE);
        st = work_out(c, &f, err);
    }
    if (st == ST_OK && v)
        st = judge_all(c, &f, v, err);
    if (st == ST_OK)
        st = flush_write(&f, c->next, err);
    if (st == ST_OK)
        memcpy(c->next->digest_sum, f.digest_sum, DIGEST_SUM_SIZE);
    flush_close(&f);
    stages_next(&c->stages, STAGE_COMMIT);
    return st;
}

static bool nothing_to_commit(const struct core *c)
{
    for (size_t i = c->committed; i < c->dumps.n; i++)
        if (!core_dump(c, i)->already)
            return false;
    return true;
}

enum status flush_stage(struct core *c, struct err *err)
{
    TRY(flush_run(c, NULL, err));
    return casefile_stage(c->cf, c->next, err);
}

enum status flush_lines_aside(struct core *c, struct err *err)
{
    struct flush f;
    if (!c->next)
        TRY(manifest_copy(casefile_manifest(c->cf), &c->next, err));
    enum status st = flush_open(&f, c->cf, &c->run, 1, err);
    if (st == ST_OK) {
        memcpy(f.digest_sum, c->next->digest_sum, DIGEST_SUM_SIZE);
        st = write_quarantine(&f, c->next, err);
        memcpy(c->next->digest_sum, f.digest_sum, DIGEST_SUM_SIZE);
    }
    flush_close(&f);
    return st;
}

enum status flush_commit(struct core *c, struct err *err)
{
    struct verdict v = {0};
    if (nothing_to_commit(c))
        return ST_OK;
#ifdef LICTOR_TEST_HOOKS
    for (unsigned w = 0; w < c->run.workers; w++)
        for (uint32_t i = 0; i < c->run.stores[w].docs.n; i++)
            inwork_test_fault("flush", run_doc_at(&c->run, (run_ref)w << 25 | i)->row);
#endif
    enum status st = flush_run(c, &v, err);
    if (st == ST_OK) {
        st = casefile_commit(c->cf, c->next, LEDGER_ADD, v.dumps, v.n, err);
        c->next = NULL;
    }
    free(v.dumps);
    for (size_t i = c->committed; st == ST_OK && i < c->dumps.n; i++) {
        core_dump(c, i)->committed = core_dump(c, i)->finished;
        core_dump(c, i)->lines_committed = core_dump(c, i)->lines;
    }
    while (st == ST_OK && c->committed < c->dumps.n &&
           (core_dump(c, c->committed)->committed || core_dump(c, c->committed)->already))
        c->committed++;
    return st;
}
