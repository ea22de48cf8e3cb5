/* ingest — `add` of a delivery by the real program against its floor: time, memory and bytes.
 * The floor is taken before and after, the best of three times: the harder comparison. */
#include "bench/measure.h"

#include <stdlib.h>

#include "lictor/arena.h"
#include "lictor/casefile.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define CACHE_BYTES ((size_t)64 << 20)
#define ROOM_SPARE (UINT64_C(64) << 20)
#define ARGS_MAX 24

uint64_t ingest_room(const struct delivery *d)
{
    /* Cases were between 0.3 (plain dumps) and 1.0 (zstd) of their dumps; compact writes it twice.
     */
    return d->dumps.bytes * 2 + ROOM_SPARE;
}

/* The number behind "key": in the object that `from` begins; false if it is not there. */
static bool json_number(struct slice from, const char *key, uint64_t *out)
{
    char want[40];
    int n = snprintf(want, sizeof want, "\"%s\":", key);
    const uint8_t *p = memmem(from.data, from.len, want, (size_t)n);
    if (!p)
        return false;
    p += n;
    *out = 0;
    for (; p < from.data + from.len && *p >= '0' && *p <= '9'; p++)
        *out = *out * 10 + (uint64_t)(*p - '0');
    return true;
}

/* What `add --format json` said; file names stand before "totals", where they can do no harm. */
static enum status take_totals(struct slice out, struct ingest_result *r, struct err *err)
{
    static const char totals[] = "\"totals\":";
    const uint8_t *at = NULL, *p = out.data;
    while (p && (p = memmem(p, out.len - (size_t)(p - out.data), totals, sizeof totals - 1))) {
        at = p; /* the last one */
        p += sizeof totals - 1;
    }
    struct slice s = slice_of(at, at ? out.len - (size_t)(at - out.data) : 0);
    if (!at || !json_number(s, "records", &r->records) ||
        !json_number(s, "messages", &r->messages) || !json_number(s, "copies", &r->copies) ||
        !json_number(s, "other", &r->other) || !json_number(s, "quarantined", &r->quarantined))
        return err_set(err, ST_IO, "lictor-ingest add did not print its totals");
    return ST_OK;
}

/* Lines "stage NAME 1.000 s wall 2.000 s cpu" of --stages. */
static void take_stages(struct slice said, struct ingest_result *r)
{
    const char *p = (const char *)said.data, *end = p + said.len;
    while (p && p < end && r->n_stages < INGEST_STAGES_MAX) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((nl ? nl : end) - p);
        char line[128];
        if (len < sizeof line) {
            memcpy(line, p, len);
            line[len] = 0;
            if (sscanf(line, "stage %15s %lf s wall %lf s cpu", r->stages[r->n_stages].name,
                       &r->stages[r->n_stages].wall_s, &r->stages[r->n_stages].cpu_s) == 3)
                r->n_stages++;
        }
        p = nl ? nl + 1 : end;
    }
}

static enum status run_init(char *program, const char *case_dir, const char *key_file,
                            struct err *err)
{
    char *argv[] = {program,
                    (char[]){"init"},
                    (char *)(uintptr_t)case_dir,
                    (char[]){"--key"},
                    (char *)(uintptr_t)key_file,
                    NULL};
    struct child_result r;
    TRY(child_run(argv, 0, &r, err));
    enum status st = child_good(&r, "lictor-ingest init", 0, err);
    child_release(&r);
    return st;
}

struct args {
    char *argv[ARGS_MAX];
    size_t n;
};

static void put(struct args *a, const char *arg)
{
    if (a->n + 1 < ARGS_MAX)
        a->argv[a->n++] = (char *)(uintptr_t)arg; /* execv takes no const */
}

static enum status run_add(const struct measure_options *o, const struct delivery *d, char *program,
                           unsigned threads, const char *case_dir, const char *key_file,
                           struct child_result *r, struct err *err)
{
    char n[16];
    size_t cap = ARGS_MAX + 2 * (size_t)o->n_identities + (size_t)o->n_rest;
    char **argv = calloc(cap, sizeof *argv);
    struct args a = {0};
    if (!argv)
        return err_no_memory(err);
    snprintf(n, sizeof n, "%u", threads);
    put(&a, program);
    put(&a, "add");
    put(&a, case_dir);
    put(&a, "--key");
    put(&a, key_file);
    put(&a, "-j");
    put(&a, n);
    put(&a, "--format");
    put(&a, "json");
    put(&a, "--stages");
    put(&a, "--progress=none");
    if (o->memory) {
        put(&a, "--memory");
        put(&a, o->memory);
    }
    if (o->body_keys || d->body_keys) {
        put(&a, "--body-keys");
        put(&a, o->body_keys ? o->body_keys : d->body_keys);
    }
    if (o->n_identities == 0 && d->identity) {
        put(&a, "-i");
        put(&a, d->identity);
    }
    memcpy(argv, a.argv, a.n * sizeof *argv);
    for (int i = 0; i < o->n_identities; i++) {
        argv[a.n++] = (char *)(uintptr_t) "-i";
        argv[a.n++] = o->identities[i];
    }
    argv[a.n++] = (char *)(uintptr_t) "--";
    if (d->dumps_dir)
        argv[a.n++] = d->dumps_dir;
    for (int i = 0; !d->dumps_dir && i < o->n_rest; i++)
        argv[a.n++] = o->rest[i];
    enum status st = child_run(argv, threads, r, err);
    free(argv);
    return st;
}

enum status ingest_run(const struct measure_options *o, const struct delivery *d, unsigned threads,
                       const char *case_dir, const char *key_file, struct ingest_result *r,
                       struct err *err)
{
    char *program = NULL;
    struct child_result c = {0};
    *r = (struct ingest_result){0};
    TRY(program_path(o, "lictor-ingest", &program, err));
    enum status st = run_init(program, case_dir, key_file, err);
    if (st == ST_OK)
        st = run_add(o, d, program, threads, case_dir, key_file, &c, err);
    if (st == ST_OK)
        st = child_good(&c, "lictor-ingest add", 1, err);
    if (st == ST_OK)
        st = take_totals(buf_slice(&c.out), r, err);
    if (st == ST_OK) {
        take_stages(buf_slice(&c.err), r);
        r->wall_us = c.wall_us;
        r->cpu_us = c.cpu_us;
        r->peak = c.peak;
    }
    child_release(&c);
    free(program);
    return st;
}

/* ---- what stands in the case ---- */

struct held {
    uint64_t segments, messages, text_bytes;
    uint64_t parts[SEGMENT_PARTS];
};

static enum status held_in(struct segment *s, struct held *h, struct err *err)
{
    const struct segment_info *info = segment_info(s);
    struct segment_scratch *x = NULL;
    struct arena lists;
    TRY(segment_scratch_new(&x, err));
    arena_init(&lists, 0);
    enum status st = ST_OK;
    h->messages += info->messages;
    segment_sizes(s, h->parts);
    for (uint32_t doc = 0; st == ST_OK && doc < info->docs; doc++) {
        struct slice row;
        struct content c;
        struct doc_state state;
        arena_reset(&lists);
        if (doc % 65536 == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
        if (st == ST_OK)
            st = segment_row(s, x, doc, &row, err);
        if (st == ST_OK)
            st = content_decode(row, &lists, &c, err);
        if (st != ST_OK || c.kind != DOC_MESSAGE)
            continue;
        st = segment_state(s, x, doc, &state, err);
        h->text_bytes += (uint64_t)(c.text.len + c.opened.len) * state.messages;
    }
    arena_release(&lists);
    segment_scratch_free(x);
    return st;
}

/* Reads every body: the bytes of text that the case holds are what its size is held against. */
static enum status held_read(const char *dir, const char *key_file, struct held *h, struct err *err)
{
    struct casefile *cf = NULL;
    *h = (struct held){0};
    TRY(casefile_open(dir, key_file, CASE_READ, CACHE_BYTES, &cf, err));
    enum status st = ST_OK;
    h->segments = casefile_segments(cf);
    for (size_t i = 0; st == ST_OK && i < casefile_segments(cf); i++)
        st = held_in(casefile_segment(cf, i), h, err);
    casefile_close(cf);
    return st;
}

static enum status run_compact(const struct measure_options *o, const char *case_dir,
                               const char *key_file, int64_t *wall_us, struct err *err)
{
    char *program = NULL;
    struct child_result r;
    struct args a = {0};
    TRY(program_path(o, "lictor-ingest", &program, err));
    put(&a, program);
    put(&a, "compact");
    put(&a, case_dir);
    put(&a, "--key");
    put(&a, key_file);
    if (o->memory) {
        put(&a, "--memory");
        put(&a, o->memory);
    }
    enum status st = child_run(a.argv, 0, &r, err);
    free(program);
    TRY(st);
    st = child_good(&r, "lictor-ingest compact", 0, err);
    *wall_us = r.wall_us;
    child_release(&r);
    return st;
}

/* ---- the command ---- */

struct ingest {
    const struct measure_options *o;
    struct delivery d;
    unsigned threads;
    char *scratch;
    char *case_dir, *key_file;
    struct floor_result floor;
    struct ingest_result add;
    struct held held;
    uint64_t bytes, compacted_bytes;
    int64_t compact_us;
};

static enum status choose_places(struct ingest *g, struct err *err)
{
    const struct measure_options *o = g->o;
    uint64_t need = ingest_room(&g->d);
    if (!o->case_dir) {
        TRY(scratch_make(o, need, &g->scratch, err));
        g->case_dir = path_join(g->scratch, "case");
        g->key_file = path_join(g->scratch, "case.key");
    } else {
        struct buf b = {0};
        buf_put_str(&b, o->case_dir);
        while (b.len > 1 && b.data[b.len - 1] == '/')
            b.len--;
        buf_put_str(&b, ".key");
        buf_put_u8(&b, 0);
        TRY(buf_status(&b, err));
        g->key_file = o->key_file ? strdup(o->key_file) : strdup((char *)b.data);
        buf_release(&b);
        g->case_dir = strdup(o->case_dir);
    }
    return g->case_dir && g->key_file ? ST_OK : err_no_memory(err);
}

static enum status measure(struct ingest *g, struct err *err)
{
    const struct measure_options *o = g->o;
    struct floor_result after;
    TRY(delivery_find(o, &g->d, err));
    TRY(choose_places(g, err));
    measure_note("opening and inflating");
    TRY(floor_run(o, &g->d, g->threads, 2, &g->floor, err));
    measure_note("adding");
    TRY(ingest_run(o, &g->d, g->threads, g->case_dir, g->key_file, &g->add, err));
    measure_note("opening and inflating once more");
    TRY(floor_run(o, &g->d, g->threads, 1, &after, err));
    if (after.wall_us < g->floor.wall_us)
        g->floor = after;
    measure_note("reading the texts of the case");
    TRY(tree_bytes(g->case_dir, &g->bytes, err));
    TRY(held_read(g->case_dir, g->key_file, &g->held, err));
    g->compacted_bytes = g->bytes;
    if (o->no_compact)
        return ST_OK;
    measure_note("compacting");
    TRY(run_compact(o, g->case_dir, g->key_file, &g->compact_us, err));
    return tree_bytes(g->case_dir, &g->compacted_bytes, err);
}

/* What the bytes of the case are for, a message. */
static void put_parts(struct figures *f, const struct held *h)
{
    if (f->as_json) {
        json_key(&f->json, "parts_per_message");
        json_begin_object(&f->json);
    }
    for (int i = 0; i < SEGMENT_PARTS; i++) {
        const char *name = segment_part_name((enum segment_part)i);
        char says[48];
        snprintf(says, sizeof says, "  %s", name);
        figure_real(f, name, says, figure_ratio((double)h->parts[i], (double)h->messages), "bytes");
    }
    if (f->as_json)
        json_end_object(&f->json);
}

static void put_sizes(struct figures *f, const struct ingest *g)
{
    double messages = (double)g->held.messages, text = (double)g->held.text_bytes;
    double copies = (double)g->held.parts[SEGMENT_COPIES];
    figure_count(f, "segments", "segments after add", g->held.segments);
    figure_count(f, "text_bytes", "bytes of text", g->held.text_bytes);
    figure_count(f, "case_bytes", "bytes of the case", g->bytes);
    figure_real(f, "case_per_message", "case, a message", figure_ratio((double)g->bytes, messages),
                "bytes");
    put_parts(f, &g->held);
    figure_real(f, "case_over_text", "case : text", figure_ratio((double)g->bytes, text), "");
    figure_real(f, "without_copies_over_text", "case without copies : text",
                figure_ratio((double)g->bytes - copies, text), "");
    if (g->o->no_compact)
        return;
    figure_real(f, "compact_s", "compact", (double)g->compact_us / 1e6, "s");
    figure_count(f, "compacted_bytes", "bytes of the compacted case", g->compacted_bytes);
    figure_real(f, "compacted_per_message", "compacted case, a message",
                figure_ratio((double)g->compacted_bytes, messages), "bytes");
    figure_real(f, "compacted_over_text", "compacted case : text",
                figure_ratio((double)g->compacted_bytes, text), "");
}

static void put_stages(struct figures *f, const struct ingest_result *r)
{
    if (f->as_json) {
        json_key(&f->json, "stages");
        json_begin_object(&f->json);
    }
    for (size_t i = 0; i < r->n_stages; i++) {
        char key[32], says[48];
        snprintf(key, sizeof key, "%s_wall_s", r->stages[i].name);
        snprintf(says, sizeof says, "  %s, wall", r->stages[i].name);
        figure_real(f, key, says, r->stages[i].wall_s, "s");
        snprintf(key, sizeof key, "%s_cpu_s", r->stages[i].name);
        snprintf(says, sizeof says, "  %s, processor", r->stages[i].name);
        figure_real(f, key, says, r->stages[i].cpu_s, "s");
    }
    if (f->as_json)
        json_end_object(&f->json);
}

static int print(const struct ingest *g)
{
    const struct ingest_result *a = &g->add;
    struct figures f;
    double wall = (double)a->wall_us / 1e6, floor = (double)g->floor.wall_us / 1e6;
    figures_begin(&f, g->o->json, "ingest");
    figure_count(&f, "threads", "threads", g->threads);
    figure_count(&f, "dumps", "dumps", g->d.dumps.n);
    figure_count(&f, "dump_bytes", "bytes of the dumps", g->d.dumps.bytes);
    figure_count(&f, "raw_bytes", "bytes of NDJSON", g->floor.raw_bytes);
    figure_count(&f, "records", "records", a->records);
    figure_count(&f, "messages", "messages", a->messages);
    figure_count(&f, "copies", "copies", a->copies);
    figure_real(&f, "floor_s", "floor (open and inflate)", floor, "s");
    figure_real(&f, "add_s", "add", wall, "s");
    figure_real(&f, "ratio", "add : floor", figure_ratio(wall, floor), "");
    figure_real(&f, "records_per_s", "records", figure_ratio((double)a->records, wall), "/s");
    figure_real(&f, "messages_per_s", "messages", figure_ratio((double)a->messages, wall), "/s");
    figure_real(&f, "raw_mb_per_s", "NDJSON", figure_ratio((double)g->floor.raw_bytes / 1e6, wall),
                "MB/s");
    figure_real(&f, "cpu_s", "processor time of add", (double)a->cpu_us / 1e6, "s");
    figure_count(&f, "peak_bytes", "peak memory of add, bytes", a->peak);
    put_stages(&f, a);
    put_sizes(&f, g);
    return figures_print(&f);
}

int cmd_ingest(const struct measure_options *o)
{
    struct ingest g = {.o = o, .threads = o->threads ? o->threads : os_cpus()};
    struct err err = {0};
    enum status st = measure(&g, &err);
    int code;
    if (st == ST_OK) {
        code = print(&g);
    } else {
        err.status = st;
        code = measure_fail(&err);
    }
    scratch_remove(g.scratch);
    free(g.case_dir);
    free(g.key_file);
    delivery_release(&g.d);
    return code;
}
