/* Unit tests of faults: every single allocation of the decoders fails in turn, and every read of a
 * file. Each time the caller is told so, nothing is leaked, and what fails once works afterwards.
 * The linker puts the __wrap_ functions below in the place of the allocator (tests.cmake). */
#include "case_testing.h"

#include <errno.h>

#include "lictor/blocks.h"
#include "lictor/record.h"
#include "segment_testing.h"
#include "store/case_private.h"

/* ---- the allocator ---- */

static uint64_t calls, fail_at; /* 0: none fails */
static int64_t live;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *p);

static bool fails(void) { return ++calls == fail_at; }

void *__wrap_malloc(size_t n)
{
    void *p = fails() ? NULL : __real_malloc(n);
    live += p != NULL;
    return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = fails() ? NULL : __real_calloc(n, size);
    live += p != NULL;
    return p;
}

void *__wrap_realloc(void *p, size_t n)
{
    void *moved = fails() ? NULL : __real_realloc(p, n);
    live += moved && !p;
    return moved;
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : __wrap_realloc(p, bytes);
}

char *__wrap_strdup(const char *s)
{
    char *p = __wrap_malloc(strlen(s) + 1);
    return p ? strcpy(p, s) : NULL;
}

void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

/* Does the job, with its n-th allocation failing, until there are no n. `least`: how many there are
 * at least; `spared`: how many of them a cache may do without. */
static void every_allocation_fails(enum status (*job)(void *ctx, struct err *err), void *ctx,
                                   uint64_t least, unsigned spared)
{
    unsigned unseen = 0;
    for (uint64_t n = 1;; n++) {
        struct err err = {0};
        int64_t before = live;
        calls = 0;
        fail_at = n;
        enum status st = job(ctx, &err);
        fail_at = 0;
        cr_assert_eq(live, before, "allocation %d: %d leaked", (int)n, (int)(live - before));
        if (calls < n) {
            cr_assert_eq(st, ST_OK, "%s", err.text);
            cr_assert_geq(n, least, "only %d allocations", (int)n);
            return;
        }
        if (st == ST_OK && ++unseen <= spared)
            continue;
        cr_assert_eq(st, ST_NO_MEMORY, "allocation %d: %d %s", (int)n, st, err.text);
    }
}

/* ---- manifest ---- */

static struct manifest *manifest_sample(void)
{
    struct manifest *m = calloc(1, sizeof *m);
    m->generation = 3;
    m->n_segments = m->n_quarantine = m->n_progress = 2;
    m->segments = calloc(2, sizeof *m->segments);
    m->quarantine = calloc(2, sizeof *m->quarantine);
    m->progress = calloc(2, sizeof *m->progress);
    for (uint8_t i = 0; i < 2; i++) {
        struct manifest_segment *s = &m->segments[i];
        s->base.id[0] = (uint8_t)(1 + i);
        s->n_overlays = 1;
        s->overlays = calloc(1, sizeof *s->overlays);
        s->overlays[0].id[0] = (uint8_t)(3 + i);
        m->quarantine[i].id[0] = (uint8_t)(1 + i);
        m->progress[i].sha256[0] = i;
        m->progress[i].state = slice_of(strdup("state"), 5);
    }
    return m;
}

static enum status manifest_job(void *ctx, struct err *err)
{
    struct manifest *copy = NULL, *read = NULL;
    struct buf bytes = {0}, again = {0};
    enum status st = manifest_copy(ctx, &copy, err);
    if (st == ST_OK)
        st = manifest_encode(copy, &bytes, err);
    if (st == ST_OK)
        st = manifest_decode(buf_slice(&bytes), &read, err);
    if (st == ST_OK)
        st = manifest_encode(read, &again, err);
    if (st == ST_OK)
        cr_assert(slice_eq(buf_slice(&bytes), buf_slice(&again)));
    manifest_free(copy);
    manifest_free(read);
    buf_release(&bytes);
    buf_release(&again);
    return st;
}

Test(no_memory, manifest)
{
    struct manifest *m = manifest_sample();
    every_allocation_fails(manifest_job, m, 16, 0);
    manifest_free(m);
}

/* ---- records ---- */

static enum status record_job(void *ctx, struct err *err)
{
    struct record_reader *r = NULL;
    struct record rec;
    enum record_fault fault = RF_COUNT;
    struct slice line = buf_slice(ctx);
    enum status st = record_reader_new(&r, err);
    if (st != ST_OK)
        return st;
    st = record_parse(r, line, false, &rec, &fault, NULL, err);
    if (st != ST_OK) { /* it can be used further */
        struct err later = {0};
        cr_assert_eq(record_parse(r, line, false, &rec, &fault, NULL, &later), ST_OK);
    }
    cr_assert_eq(fault, RF_NONE, "%s", record_fault_name(fault));
    cr_assert_eq(rec.n_pairs, 45);
    record_reader_free(r);
    return st;
}

/* More of everything than the reader begins with. */
Test(no_memory, records)
{
    struct buf line = {0};
    buf_put_str(&line, "{\"kind\":\"message\",\"from\":\"a\",\"text\":\"caf\\u00e9 ");
    for (int i = 0; i < 3000; i++)
        buf_put_str(&line, "\\n");
    buf_put_str(&line, "\",\"to\":[\"x\"");
    for (int i = 0; i < 200; i++)
        buf_printf(&line, ",\"h\\u0030%d\"", i);
    buf_put_str(&line, "],\"attachments\":[{}");
    for (int i = 0; i < 100; i++)
        buf_printf(&line, ",{\"name\":\"a%d\"}", i);
    buf_put_str(&line, "]");
    for (int i = 0; i < 40; i++)
        buf_printf(&line, ",\"x-%d\":{\"a\":[1]}", i);
    buf_put_str(&line, "}");
    every_allocation_fails(record_job, &line, 5, 0);
    buf_release(&line);
}

/* ---- segments ---- */

#define DOCS 150
#define FILES 2

static struct memory_file files[FILES];

static enum status minute_seen(void *ctx, uint32_t minute, uint64_t messages, struct err *err)
{
    (void)minute;
    (void)err;
    *(uint64_t *)ctx += messages;
    return ST_OK;
}

static enum status lists_read(struct segment *s, struct segment_scratch *x, struct arena *a,
                              struct err *err)
{
    const struct segment_stream *streams;
    const struct dump_ref *dumps;
    const uint32_t *docs, *messages;
    struct seq_doc got[64];
    struct key_entry keys[DOCS];
    struct buf found = {0};
    uint64_t sum = 0, count;
    size_t n;
    TRY(segment_repeats(s, &docs, &messages, &n, err));
    TRY(segment_copy_to(s, &docs, &n, err));
    TRY(segment_minutes(s, x, 26416000, 26417000, &count, err));
    TRY(segment_minutes_each(s, x, minute_seen, &sum, err));
    TRY(segment_dumps(s, a, &dumps, &n, err));
    TRY(segment_keys(s, x, 0, DOCS, keys, err));
    TRY(segment_streams(s, &streams, &n, err));
    for (size_t i = 0; i < n; i++) {
        size_t m = 0;
        TRY(segment_stream_seqs(s, x, i, 0, got, 64, &m, err));
    }
    enum status st = segment_flagged(s, DOC_CONFLICT, &found, err);
    buf_release(&found);
    return st;
}

static enum status doc_read(struct segment *s, struct segment_scratch *x, struct arena *a,
                            uint32_t doc, struct err *err)
{
    struct doc_state state;
    struct segment_conversation c;
    const struct held_copy *held;
    struct slice row;
    int64_t sent;
    size_t n;
    TRY(segment_sent(s, x, doc, &sent, err));
    TRY(segment_state(s, x, doc, &state, err));
    TRY(segment_row(s, x, doc, &row, err));
    TRY(segment_conversation_of(s, x, doc, a, &c, err));
    return segment_copies(s, x, doc, a, &held, &n, err);
}

static enum status term_read(struct segment *s, uint64_t handle, struct err *err)
{
    struct posting_iter *p = NULL;
    const uint32_t *positions;
    uint32_t doc = 0, n;
    enum status st = posting_iter_open(s, handle, &p, err);
    for (uint32_t from = 0; st == ST_OK && doc != DOC_END; from = doc + 1) {
        st = posting_iter_seek(p, from, &doc, err);
        if (st == ST_OK && doc != DOC_END)
            st = posting_iter_positions(p, &positions, &n, err);
    }
    posting_iter_close(p);
    return st;
}

static enum status terms_read(struct segment *s, struct err *err)
{
    struct term_iter *it = NULL;
    struct term_entry e;
    enum status st = term_iter_open(s, slice_of("", 0), &it, err);
    if (st != ST_OK)
        return st;
    for (unsigned n = 0; n < 12 && (st = term_iter_next(it, &e, err)) == ST_OK; n++) {
        st = term_read(s, e.handle, err);
        if (st != ST_OK)
            break;
    }
    term_iter_close(it);
    return st;
}

static enum status segment_read(struct segment *s, struct err *err)
{
    struct segment_scratch *x = NULL;
    struct arena a;
    arena_init(&a, 0);
    enum status st = segment_scratch_new(&x, err);
    if (st == ST_OK)
        st = lists_read(s, x, &a, err);
    for (uint32_t doc = 0; doc < DOCS && st == ST_OK; doc += 35)
        st = doc_read(s, x, &a, doc, err);
    if (st == ST_OK)
        st = terms_read(s, err);
    segment_scratch_free(x);
    arena_release(&a);
    return st;
}

static enum status memory_job(void *ctx, struct err *err)
{
    const struct slice *slices[FILES] = {files[0].slices, files[1].slices};
    struct segment *s = NULL;
    (void)ctx;
    enum status st = segment_open_memory(slices, FILES, &s, err);
    if (st == ST_OK)
        st = segment_read(s, err);
    segment_close(s);
    return st;
}

Test(no_memory, segments)
{
    struct segment_writer w;
    memory_writer(&w, &files[0], NULL);
    made_segment(&w, DOCS);
    memory_close(&w, &files[0]);
    made_overlay(&files[1], DOCS, 5);
    every_allocation_fails(memory_job, NULL, 40, 0);
    memory_release(&files[0]);
    memory_release(&files[1]);
}

/* ---- segments in files ---- */

TestSuite(failing_reads, .init = dir_make, .fini = dir_remove);

/* A cache that holds next to nothing: whatever is asked for is read. */
static enum status file_read(const struct case_key *key, const struct file_seal seals[FILES],
                             struct err *err)
{
    struct block_cache *cache = NULL;
    struct segment *s = NULL;
    cr_assert_eq(block_cache_new(1, &cache, NULL), ST_OK);
    enum status st = segment_open(dir, key, &seals[0], &seals[1], 1, cache, &s, err);
    if (st == ST_OK)
        st = segment_read(s, err);
    segment_close(s);
    block_cache_free(cache);
    return st;
}

static void made_files(const struct case_key *key, struct file_seal seals[FILES])
{
    struct segment_writer *w = NULL;
    cr_assert_eq(segment_writer_open(dir, key, NULL, &w, NULL), ST_OK);
    made_segment(w, DOCS);
    cr_assert_eq(segment_writer_finish(w, &seals[0], NULL), ST_OK);
    cr_assert_eq(segment_writer_open(dir, key, seals[0].id, &w, NULL), ST_OK);
    made_patches(w, DOCS, 5);
    cr_assert_eq(segment_writer_finish(w, &seals[1], NULL), ST_OK);
}

Test(failing_reads, of_a_segment)
{
    struct file_seal seals[FILES];
    struct case_key key = {.plain = true};
    struct err err = {0};
    made_files(&key, seals);
    (void)os_fault_set(0, 0);
    cr_assert_eq(file_read(&key, seals, &err), ST_OK, "%s", err.text);
    uint64_t reads = os_fault_set(0, 0);
    cr_assert_geq(reads, 100);
    for (uint64_t n = 1; n <= reads; n++) {
        int64_t before = live;
        (void)os_fault_set(n, EIO);
        cr_assert_eq(file_read(&key, seals, &err), ST_IO, "read %d of %d", (int)n, (int)reads);
        cr_assert_eq(live, before, "read %d: %d leaked", (int)n, (int)(live - before));
    }
}

/* ---- blocks and quarantine ---- */

/* Puts blocks, packed and not, and gets them back. */
static enum status blocks_job(void *ctx, struct err *err)
{
    struct blocks *b = NULL;
    struct blocks_io *io = NULL;
    struct block_place at[4];
    struct slice got, raw = buf_slice(ctx);
    enum status st = blocks_new(dir, &b, err);
    if (st == ST_OK)
        st = blocks_io_new(b, &io, err);
    for (int round = 0; round < 2 && st == ST_OK; round++) {
        for (unsigned i = 0; i < 4 && st == ST_OK; i++)
            st = blocks_put(io, slice_of(raw.data, raw.len / 4 * (i + 1)), i % 2 == 0, &at[i], err);
        for (unsigned i = 0; i < 4 && st == ST_OK; i++)
            if ((st = blocks_get(io, &at[i], &got, err)) == ST_OK)
                cr_assert(slice_eq(got, slice_of(raw.data, raw.len / 4 * (i + 1))));
        if (st == ST_OK)
            st = blocks_clear(b, err);
    }
    blocks_io_free(io);
    blocks_free(b);
    return st;
}

static enum status quarantine_job(void *ctx, struct err *err)
{
    struct quarantine_writer *w = NULL;
    struct file_seal seal;
    struct quarantine_line l = {.dump_name = slice_str("dump-1"),
                                .line = 17,
                                .fault = slice_str("not-json"),
                                .bytes = slice_str("bytes")};
    enum status st = quarantine_writer_open(ctx, &w, err);
    if (st != ST_OK)
        return st;
    for (int i = 0; i < 3 && st == ST_OK; i++)
        st = quarantine_add(w, &l, err);
    if (st != ST_OK) {
        quarantine_writer_abort(w);
        return st;
    }
    return quarantine_writer_finish(w, &seal, err);
}

/* The job with its n-th call of the system failing, until there are no n. */
static void every_call_fails(enum status (*job)(void *ctx, struct err *err), void *ctx,
                             uint64_t least)
{
    for (uint64_t n = 1;; n++) {
        struct err err = {0};
        int64_t before = live;
        (void)os_fault_set(n, ENOSPC);
        enum status st = job(ctx, &err);
        uint64_t made = os_fault_set(0, 0);
        cr_assert_eq(live, before, "call %d: %d leaked", (int)n, (int)(live - before));
        if (made < n) {
            cr_assert_eq(st, ST_OK, "%s", err.text);
            cr_assert_geq(n, least);
            return;
        }
        cr_assert(st == ST_OK || err.text[0]);
        cr_assert_neq(st, ST_OK, "call %d failed unseen", (int)n);
    }
}

TestSuite(faults_of_files, .init = dir_make, .fini = dir_remove);

Test(faults_of_files, blocks)
{
    struct buf raw = {0};
    for (int i = 0; i < 4000; i++)
        buf_put_u8(&raw, (uint8_t)(i % 7));
    every_call_fails(blocks_job, &raw, 10);
    every_allocation_fails(blocks_job, &raw, 4, 0);
    buf_release(&raw);
}

Test(faults_of_files, quarantine)
{
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    every_call_fails(quarantine_job, c, 4);
    every_allocation_fails(quarantine_job, c, 4, 0);
    casefile_close(c);
}

/* ---- cases ---- */

static enum status line_seen(void *ctx, const struct quarantine_line *l, struct err *err)
{
    (void)err;
    *(uint64_t *)ctx += l->bytes.len;
    return ST_OK;
}

static enum status entry_seen(void *ctx, const struct ledger_entry *e, struct err *err)
{
    (void)err;
    *(uint64_t *)ctx += e->n_dumps;
    return ST_OK;
}

static enum status sha_seen(void *ctx, const uint8_t sha256[32], struct err *err)
{
    (void)err;
    *(uint64_t *)ctx += sha256[0];
    return ST_OK;
}

static enum status read_job(void *ctx, struct err *err)
{
    struct casefile *c = NULL;
    uint64_t sum = 0;
    enum status st = case_try(*(bool *)ctx, CASE_READ, &c, err);
    if (st == ST_OK)
        st = quarantine_walk(c, line_seen, &sum, err);
    if (st == ST_OK)
        st = ledger_walk(c, entry_seen, &sum, err);
    casefile_close(c);
    return st;
}

static enum status heal_job(void *ctx, struct err *err)
{
    struct casefile *c = NULL;
    uint64_t sum = 0;
    enum status st = case_try(*(bool *)ctx, CASE_VERIFY, &c, err);
    if (st == ST_OK)
        st = casefile_damage_note(c, casefile_manifest(c)->quarantine[0].id, err);
    if (st == ST_OK)
        st = casefile_set_aside(c, err);
    if (st == ST_OK)
        st = casefile_concerned(c, sha_seen, &sum, err);
    casefile_close(c);
    return st;
}

TestSuite(no_memory_of_a_case, .init = dir_make, .fini = dir_remove);

Test(no_memory_of_a_case, reading_and_healing)
{
    for (int i = 0; i < 2; i++) {
        bool plain = i == 1;
        case_make(plain ? "p" : "s", plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        cr_assert_eq(case_commit_line(c, "one", NULL), ST_OK);
        cr_assert_eq(case_commit_line(c, "two", NULL), ST_OK);
        casefile_close(c);
        every_allocation_fails(read_job, &plain, 20, 2);
        every_allocation_fails(heal_job, &plain, 20, 0);
    }
}
