/* core — life of an `add` in the core: open → (begin, data …, end)* with flushes on the way → last
 * flush → close. The first error of any thread stops both channels, so that nobody waits for ever.
 */
#include "indexer/core.h"

#include <stdlib.h>

#include "indexer/dump_ctx.h"
#include "indexer/flush.h"
#include "indexer/progress.h"
#include "indexer/spill.h"
#include "lictor/pages.h"

/* Batches in flight per worker: one at work, one waiting, and one for the reader. */
#define BATCHES_PER_WORKER 3
/* Share of the memory that large arrays take, in use and kept for the next flush; the rest is for
 * small ones. */
#define KEPT_SHARE 90

static void worker_main(void *arg)
{
    struct worker *w = arg;
    struct core *c = (struct core *)((uint8_t *)w->run - offsetof(struct core, run));
    struct batch *b;
    while ((b = chan_recv(c->work)) != NULL) {
        struct err err = {0};
        enum status st = worker_batch(w, b, &err);
        if (st != ST_OK) {
            first_error_set(c->first, &err);
            chan_stop(c->work);
            chan_stop(c->idle);
            return;
        }
        if (!chan_send(c->idle, b))
            return;
    }
}

static enum status start_workers(struct core *c, struct err *err)
{
    unsigned n = c->options.threads;
    c->workers = calloc(n, sizeof *c->workers);
    c->threads = calloc(n, sizeof *c->threads);
    c->n_batches = (size_t)n * BATCHES_PER_WORKER + 1;
    c->batches = calloc(c->n_batches, sizeof *c->batches);
    if (!c->workers || !c->threads || !c->batches)
        return err_no_memory(err);
    TRY(chan_new(c->n_batches, &c->work, err));
    TRY(chan_new(c->n_batches, &c->idle, err));
    for (size_t i = 0; i < c->n_batches; i++)
        MUST(chan_send(c->idle, &c->batches[i]));
    for (unsigned i = 0; i < n; i++)
        TRY(worker_init(&c->workers[i], &c->run, i, c->options.body_keys, err));
    for (unsigned i = 0; i < n; i++)
        TRY(thread_start(worker_main, &c->workers[i], &c->threads[i], err));
    return ST_OK;
}

enum status core_open(struct casefile *cf, int fd, const struct core_options *o, struct core **out,
                      struct err *err)
{
    struct core *c = calloc(1, sizeof *c);
    if (!c)
        return err_no_memory(err);
    c->options = *o;
    pages_keep(o->memory / 100 * KEPT_SHARE);
    c->cf = cf;
    wire_init(&c->wire, fd);
    /* One store more than workers: the reader's, for lines that are too long. */
    enum status st = run_init(&c->run, o->threads + 1, err);
    if (st == ST_OK)
        st = first_error_new(&c->first, err);
    if (st == ST_OK)
        st = known_load(&c->known, cf, err);
    if (st == ST_OK)
        st = reader_init(&c->reader, c, err);
    if (st == ST_OK)
        st = start_workers(c, err);
    if (st != ST_OK) {
        core_close(c);
        return st;
    }
    stages_begin(&c->stages);
    cli_progress_begin(&c->progress, o->progress, "ingest");
    *out = c;
    return ST_OK;
}

void core_close(struct core *c)
{
    if (!c)
        return;
    cli_progress_end(&c->progress);
    if (c->work)
        chan_stop(c->work);
    if (c->idle)
        chan_stop(c->idle);
    for (unsigned i = 0; c->threads && i < c->options.threads; i++)
        thread_join(c->threads[i]);
    for (unsigned i = 0; c->workers && i < c->options.threads; i++)
        worker_release(&c->workers[i]);
    for (size_t i = 0; c->batches && i < c->n_batches; i++)
        buf_release(&c->batches[i].data);
    for (size_t i = 0; i < c->dumps.n; i++)
        dump_ctx_free(core_dump(c, i));
    free(c->workers);
    free(c->threads);
    free(c->batches);
    grown_release(&c->dumps);
    chan_free(c->work);
    chan_free(c->idle);
    first_error_free(c->first);
    reader_release(&c->reader);
    known_release(&c->known);
    run_release(&c->run);
    spill_free(c->spill);
    staged_end(&c->staged);
    manifest_free(c->next);
    wire_release(&c->wire);
    free(c);
}

/* What stopped the channels. */
static enum status stopped(struct core *c, struct err *err)
{
    enum status st = first_error_get(c->first, err);
    return st != ST_OK ? st : err_set(err, ST_INTERRUPTED, "stopped");
}

enum status core_idle(struct core *c, struct batch **b, struct err *err)
{
    *b = chan_recv(c->idle);
    return *b ? ST_OK : stopped(c, err);
}

enum status core_send(struct core *c, struct batch *b, struct err *err)
{
    return chan_send(c->work, b) ? ST_OK : stopped(c, err);
}

/* Reading is that part of the work; the rest is making segments of it. */
#define READING 0.4

/* `joined` of what was read since the last commit is in segments. */
static void show_progress(struct core *c, double joined)
{
    double open = (double)(c->bytes_done - c->bytes_committed);
    double done = (double)c->bytes_committed + open * (READING + (1 - READING) * joined);
    if (c->options.total_bytes)
        cli_progress_part(&c->progress, done / (double)c->options.total_bytes);
    cli_progress_step(&c->progress, c->bytes_done, c->options.total_bytes, c->records_done);
}

void core_flushed(struct core *c, double part)
{
    show_progress(c, c->joined + (c->loaded - c->joined) * part);
}

/* Waits until no batch is with a worker. */
static enum status drain(struct core *c, struct err *err)
{
    size_t held = c->reader.batch ? 1 : 0, want = c->n_batches - held;
    struct batch **all = calloc(want, sizeof(struct batch *));
    if (!all)
        return err_no_memory(err);
    enum status st = ST_OK;
    for (size_t i = 0; i < want && st == ST_OK; i++)
        st = core_idle(c, &all[i], err);
    for (size_t i = 0; i < want && st == ST_OK; i++)
        if (!chan_send(c->idle, all[i]))
            st = stopped(c, err);
    free(all);
    return st;
}

/* The run is put aside; its tables stay, because what was put aside names their places. */
static enum status put_aside(struct core *c, struct err *err)
{
    stages_next(&c->stages, STAGE_ASIDE);
    if (!c->spill)
        TRY(spill_new(casefile_segments_dir(c->cf), c->options.threads, c->options.memory,
                      &c->spill, err));
    TRY(flush_lines_aside(c, err));
    TRY(spill_put(c->spill, &c->run, err));
    run_reset(&c->run);
    return ST_OK;
}

/* A part that does not fit beside what is in the run waits for the next one; one that is larger
 * than the memory comes in pieces. */
static enum status join_part(struct core *c, unsigned part, struct err *err)
{
    uint64_t share = run_share(c->options.memory);
    size_t at = 0;
    for (bool more = true; more;) {
        uint64_t held = run_held(&c->run);
        bool empty = run_is_empty(&c->run);
        if (!empty && (at || held + spill_held(c->spill, part) > share)) {
            TRY(flush_stage(c, err));
            c->joined = c->loaded;
            run_reset(&c->run);
            stages_next(&c->stages, STAGE_ASIDE);
            held = run_held(&c->run);
            empty = true;
        }
        if (empty && at == 0)
            c->staged.apart = casefile_segments(c->cf);
        TRY(spill_take(c->spill, part, held < share ? share - held : 0, &c->run, &at, &more, err));
    }
    return ST_OK;
}

/* What was put aside comes back part by part; the last of it stays in the run. */
static enum status join(struct core *c, struct err *err)
{
    if (!run_is_empty(&c->run))
        TRY(put_aside(c, err));
    stages_next(&c->stages, STAGE_ASIDE);
    staged_begin(&c->staged, casefile_segments(c->cf), c->options.memory);
    for (unsigned part = 0; part < SPILL_PARTS; part++) {
        TRY(join_part(c, part, err));
        c->loaded = (double)(part + 1) / SPILL_PARTS;
    }
    return spill_clear(c->spill, err);
}

static bool is_aside(const struct core *c) { return c->spill && !spill_is_empty(c->spill); }

enum status core_commit(struct core *c, struct err *err)
{
    TRY(drain(c, err));
    if (is_aside(c))
        TRY(join(c, err));
    c->loaded = 1;
    TRY(flush_commit(c, err));
    staged_end(&c->staged);
    c->joined = c->loaded = 0;
    c->bytes_committed = c->bytes_done;
    inwork_committed(c->options.inwork, c->reader.dump ? c->reader.dump->lines : 0);
    run_reset(&c->run);
    TRY(dump_ctx_retable(c->reader.dump, &c->run.tables, err));
    stages_next(&c->stages, STAGE_READ);
    return ST_OK;
}

/* Everything read so far becomes part of the case. */
static enum status commit_run(struct core *c, struct err *err)
{
    TRY(reader_settle(&c->reader, err));
    return core_commit(c, err);
}

/* The tables grow until the commit, since what is put aside names their places. */
static bool tables_full(const struct core *c)
{
    return tables_held(&c->run.tables) > run_share(c->options.memory) / 2;
}

static enum status over_budget(struct core *c, struct err *err)
{
    bool enough;
    if (!run_full(&c->run, c->options.memory))
        return ST_OK;
    if (c->options.aside_none || tables_full(c))
        return commit_run(c, err);
    TRY(reader_settle(&c->reader, err));
    TRY(drain(c, err));
    TRY(put_aside(c, err));
    TRY(spill_is_enough(c->spill, c->options.aside, &enough, err));
    if (enough)
        return commit_run(c, err);
    stages_next(&c->stages, STAGE_READ);
    return ST_OK;
}

/* ---- messages of the opener ---- */

static enum status add_dump(struct core *c, struct slice name, const uint8_t *sha256,
                            uint64_t bytes, struct dump_ctx **out, struct err *err)
{
    struct dump_ctx **slot = grown_add(&c->dumps, sizeof *slot);
    if (!slot)
        return err_no_memory(err);
    c->dumps.n--; /* counted once the dump stands in it */
    TRY(dump_ctx_new((uint32_t)c->dumps.n, name, sha256, bytes, out, err));
    *slot = *out;
    c->dumps.n++;
    return ST_OK;
}

/* What an earlier run left unfinished of these bytes; NULL if nothing. */
static const struct dump_progress *progress_of(const struct core *c,
                                               const uint8_t sha256[SHA256_SIZE])
{
    const struct manifest *m = casefile_manifest(c->cf);
    for (size_t i = 0; i < m->n_progress; i++)
        if (memcmp(m->progress[i].sha256, sha256, SHA256_SIZE) == 0)
            return &m->progress[i];
    return NULL;
}

/* An unfinished dump goes on at its committed line. */
static void take_progress(const struct dump_progress *p, struct dump_ctx *d)
{
    struct progress_state state;
    progress_get(p->state, &state);
    d->skip = p->lines;
    d->books = p->books;
    d->again = state.again;
    d->before = state.before;
    atomic_store(&d->max_seq, state.max_seq);
    atomic_store(&d->times, state.times);
    atomic_store(&d->odd_times, state.odd_times);
}

/* A refused dump has nothing in the case. So one of which lines are in, from an earlier run, is
 * partial, with the books of these lines. */
static enum status refuse_later(struct core *c, struct dump_ctx *d, struct err *err)
{
    static const uint8_t no_hash[SHA256_SIZE];
    const struct dump_progress *p = progress_of(c, d->entry.sha256);
    struct known_dump *k;
    if (memcmp(d->entry.sha256, no_hash, SHA256_SIZE) == 0)
        return ST_OK;
    TRY(known_get(&c->known, d->entry.sha256, &k, err));
    if (!p && (k->ctx || k->state == DUMP_REFUSED))
        return ST_OK;
    d->entry.state = DUMP_PARTIAL;
    d->entry.books = p ? progress_books(p) : k->books;
    d->entry.books.records = books_lines(&d->entry.books);
    d->refused_later = true;
    return ST_OK;
}

static enum status answer(struct core *c, bool take, struct err *err)
{
    wire_begin(&c->wire, take ? WIRE_TAKE : WIRE_ALREADY);
    return wire_send(&c->wire, err);
}

/* Is it the one that killed an earlier `add`? Nothing of another dump is in work then. */
static void note_dump(struct core *c, const struct dump_ctx *d)
{
    const struct inwork_plan *plan = c->options.plan;
    uint8_t name[SHA256_SIZE];
    bool alone = true;
    if (!c->options.inwork)
        return;
    inwork_name(c->cf, d->entry.sha256, name);
    for (size_t i = c->committed; i + 1 < c->dumps.n; i++)
        alone &= core_dump(c, i)->already || core_dump(c, i)->committed;
    inwork_dump(c->options.inwork, name, d->skip, alone);
    c->suspect = plan && !plan->each_dump && memcmp(plan->dump, name, sizeof name) == 0;
}

/* After a death each dump is committed by itself, so that the next one is about one alone. */
static enum status end_with_care(struct core *c, struct err *err)
{
    return c->options.plan && !c->reader.dump ? core_commit(c, err) : ST_OK;
}

static enum status on_begin(struct core *c, struct slice payload, struct err *err)
{
    struct cursor cur = cursor_of(payload);
    uint64_t size = cursor_varint(&cur);
    struct slice sha = cursor_bytes(&cur, SHA256_SIZE);
    struct slice name = cursor_blob(&cur), signer = cursor_blob(&cur);
    TRY(cursor_done(&cur, "message of the opener", err));
    struct dump_ctx *d;
    struct known_dump *k;
    TRY(add_dump(c, name, sha.data, size, &d, err));
    d->entry.signer = arena_copy(&d->strings, signer);
    if (!d->entry.signer.data)
        return err_no_memory(err);
    TRY(known_get(&c->known, sha.data, &k, err));
    const struct dump_ctx *same_run = k->ctx;
    bool here = same_run && same_run->entry.state != DUMP_REFUSED;
    const struct dump_progress *unfinished = progress_of(c, sha.data);
    bool before = !same_run && !unfinished && k->state != DUMP_REFUSED;
    if (here || (before && !c->options.again)) {
        d->already = true;
        d->finished = true;
        d->was = here ? DUMP_COMPLETE : (enum dump_state)k->state;
        d->same_run = here ? same_run : NULL;
        c->bytes_done += size;
        return answer(c, false, err);
    }
    d->again = before;
    if (before)
        d->before = k->books;
    k->ctx = d;
    if (unfinished)
        take_progress(unfinished, d);
    note_dump(c, d);
    TRY(answer(c, true, err));
    return reader_begin(&c->reader, d, err);
}

static enum status on_refused(struct core *c, struct slice payload, struct err *err)
{
    struct cursor cur = cursor_of(payload);
    uint64_t size = cursor_varint(&cur);
    struct slice sha = cursor_bytes(&cur, SHA256_SIZE);
    struct slice name = cursor_blob(&cur);
    uint64_t at = cursor_varint(&cur);
    struct slice code = cursor_blob(&cur), text = cursor_blob(&cur);
    TRY(cursor_done(&cur, "message of the opener", err));
    struct dump_ctx *d = c->reader.dump;
    if (!d)
        TRY(add_dump(c, name, sha.data, size, &d, err));
    c->reader.dump = NULL;
    struct err why = {.at = at};
    char reason[32];
    snprintf(reason, sizeof reason, "%.*s", (int)code.len, (const char *)code.data);
    snprintf(why.text, sizeof why.text, "%.*s", (int)(text.len > 500 ? 500 : text.len),
             (const char *)text.data);
    why.reason = reason;
    dump_ctx_damage(d, &why, true);
    d->finished = true;
    c->bytes_done += size;
    return refuse_later(c, d, err);
}

static enum status on_end(struct core *c, struct slice payload, struct err *err)
{
    struct cursor cur = cursor_of(payload);
    bool whole = cursor_u8(&cur) == 1;
    struct err damage = {.at = cursor_varint(&cur)};
    struct slice code = cursor_blob(&cur), text = cursor_blob(&cur);
    TRY(cursor_done(&cur, "message of the opener", err));
    if (!c->reader.dump) /* it ended in the core before */
        return end_with_care(c, err);
    struct dump_ctx *d = c->reader.dump;
    c->bytes_done += d->entry.bytes -
                     (c->reader.bytes_in < d->entry.bytes ? c->reader.bytes_in : d->entry.bytes);
    char reason[32];
    snprintf(reason, sizeof reason, "%.*s", (int)code.len, (const char *)code.data);
    damage.reason = reason;
    snprintf(damage.text, sizeof damage.text, "%.*s", (int)(text.len > 500 ? 500 : text.len),
             (const char *)text.data);
    TRY(reader_end(&c->reader, whole ? NULL : &damage, err));
    return end_with_care(c, err);
}

static enum status on_form(struct core *c, struct slice payload, struct err *err)
{
    struct cursor cur = cursor_of(payload);
    uint8_t form = cursor_u8(&cur);
    TRY(cursor_done(&cur, "message of the opener", err));
    if (c->reader.dump)
        c->reader.dump->form = form & DUMP_FORMS;
    return ST_OK;
}

static enum status on_data(struct core *c, struct slice payload, struct err *err)
{
    c->bytes_done += payload.len;
    if (c->reader.dump)
        TRY(reader_data(&c->reader, payload, err));
    return over_budget(c, err);
}

static enum status on_fatal(struct slice payload, struct err *err)
{
    struct cursor cur = cursor_of(payload);
    uint8_t st = cursor_u8(&cur);
    struct slice text = cursor_blob(&cur);
    bool known = st > ST_OK && st <= ST_CLOSED && !cur.bad;
    return err_set(err, known ? (enum status)st : ST_IO, "%.*s", (int)text.len,
                   (const char *)text.data);
}

static enum status take_all(struct core *c, struct err *err)
{
    for (;;) {
        enum wire_type type;
        struct slice payload;
        if (stop_asked())
            return ST_INTERRUPTED;
        enum status st = wire_next(&c->wire, &type, &payload, err);
        if (st == ST_CLOSED)
            return err_set(err, ST_IO, "the process that opens the dumps has died");
        TRY(st);
        switch (type) {
        case WIRE_BEGIN:
            TRY(on_begin(c, payload, err));
            break;
        case WIRE_FORM:
            TRY(on_form(c, payload, err));
            break;
        case WIRE_DATA:
            TRY(on_data(c, payload, err));
            break;
        case WIRE_END:
            TRY(on_end(c, payload, err));
            break;
        case WIRE_REFUSED:
            TRY(on_refused(c, payload, err));
            break;
        case WIRE_FATAL:
            return on_fatal(payload, err);
        case WIRE_DONE:
            return ST_OK;
        default:
            return err_set(err, ST_IO, "unexpected message from the opener");
        }
        show_progress(c, 0);
    }
}

enum status core_run(struct core *c, struct err *err)
{
    enum status st = take_all(c, err);
    if (st != ST_OK && st != ST_INTERRUPTED)
        return st;
    c->interrupted = st == ST_INTERRUPTED;
    if (c->interrupted && first_error_is_set(c->first))
        return first_error_get(c->first, err);
    TRY(commit_run(c, err));
    return c->interrupted ? err_set(err, ST_INTERRUPTED, "interrupted") : ST_OK;
}
