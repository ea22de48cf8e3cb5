/* query — how long answers take: every class of query on one case, warm and in one process through
 * the query library (parsed, totals exact, the newest ten read), and the whole program from its
 * start to the first byte of its answer. */
#include "bench/query.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/os.h"
#include "lictor/thread.h"
#include "query/search.h"
#include "query/thread.h"

#define CACHE_BYTES ((size_t)64 << 20)
#define SHOWN 10
#define CONVERSATION_SHOWN 500
#define COLD_TIMES 20

/* ---- latencies ---- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void latency_of(int64_t *us, size_t n, struct latency *l)
{
    if (n == 0)
        return;
    qsort(us, n, sizeof *us, by_value);
    l->n = n;
    size_t half = n / 2, most = n * 99 / 100;
    l->p50_ms = (double)us[half] / 1e3;
    l->p99_ms = (double)us[most] / 1e3;
    l->max_ms = (double)us[n - 1] / 1e3;
}

/* ---- one query ---- */

static enum status run_conversation(struct view *v, const struct pick *p, uint64_t *total,
                                    struct err *err)
{
    const struct thread_limits all = {.after = INT64_MIN, .before = INT64_MAX};
    struct thread t;
    struct thread_item item;
    TRY(thread_open(v, p->conversation, &all, &t, err));
    enum status st = ST_OK;
    for (*total = 0; st == ST_OK && *total < CONVERSATION_SHOWN;) {
        st = thread_next(&t, &item, err);
        if (st == ST_OK && !item.is_gap && item.m->c.kind == DOC_MESSAGE)
            ++*total;
    }
    thread_close(&t);
    return st == ST_END ? ST_OK : st;
}

static enum status fetch(struct view *v, const struct search_result *r, struct arena *a,
                         struct err *err)
{
    for (size_t i = 0; i < r->n_hits; i++) {
        struct message_view m;
        arena_reset(a);
        TRY(view_load(v, &r->hits[i], VIEW_FULL, a, &m, err));
    }
    return ST_OK;
}

/* ST_BAD_INPUT: this build refuses it. */
static enum status run_one(struct view *v, enum pick_class c, const struct pick *p, struct arena *a,
                           uint64_t *total, struct err *err)
{
    const struct search_options o = {.limit = c == PICK_DAY ? 0 : SHOWN};
    struct query *q = NULL;
    struct query_error qe = {0};
    struct search_result r = {0};
    if (c == PICK_CONVERSATION)
        return run_conversation(v, p, total, err);
    enum status st = query_parse(p->query, v->splitter, v->zone, &q, &qe, err);
    if (st == ST_BAD_INPUT)
        return err_set(err, ST_BAD_INPUT, "%s", qe.text);
    TRY(st);
    st = search_run(v, q, &o, &r, err);
    if (st == ST_OK)
        st = fetch(v, &r, a, err);
    *total = r.total;
    search_result_release(&r);
    query_free(q);
    return st;
}

/* ---- a class ---- */

struct class_run {
    struct view *v;
    const struct measure_options *o;
    const struct picks *picks;
    struct arena arena;
    int64_t *us;
    FILE *list;
};

static void list_one(FILE *f, enum pick_class c, const struct pick *p, uint64_t total)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    if (!f)
        return;
    json_begin_object(&j);
    json_key_str(&j, "class", pick_key(c));
    json_key_slice(&j, "query", p->query);
    json_key_uint(&j, "total", total);
    json_end_object(&j);
    buf_put_u8(&b, '\n');
    if (!b.failed)
        fwrite(b.data, 1, b.len, f);
    buf_release(&b);
}

/* Each once to warm, for half of the time the class has; then once more those that were reached. */
static enum status measure_class(struct class_run *k, enum pick_class c, struct class_result *r,
                                 struct err *err)
{
    const struct pick *p = k->picks->of[c];
    int64_t half = (int64_t)k->o->seconds * 500000, started = os_monotonic_us();
    size_t n = 0;
    *r = (struct class_result){0};
    for (; n < k->picks->n[c] && (n == 0 || os_monotonic_us() - started < half); n++) {
        uint64_t total = 0;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        enum status st = run_one(k->v, c, &p[n], &k->arena, &total, err);
        if (st == ST_BAD_INPUT) {
            r->refused = true;
            return ST_OK;
        }
        TRY(st);
        list_one(k->list, c, &p[n], total);
        r->total += total;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t total;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        int64_t at = os_monotonic_us();
        TRY(run_one(k->v, c, &p[i], &k->arena, &total, err));
        k->us[i] = os_monotonic_us() - at;
    }
    latency_of(k->us, n, &r->latency);
    return ST_OK;
}

enum status queries_run(const struct measure_options *o, struct view *v, const struct picks *picks,
                        struct class_result out[PICK_CLASSES], struct err *err)
{
    struct class_run k = {.v = v, .o = o, .picks = picks, .us = calloc(o->queries, sizeof *k.us)};
    enum status st = k.us ? ST_OK : err_no_memory(err);
    arena_init(&k.arena, 0);
    if (st == ST_OK && o->list && !(k.list = fopen(o->list, "wxe")))
        st = err_errno(err, errno, "%s", o->list);
    for (int c = 0; st == ST_OK && c < PICK_CLASSES; c++) {
        if (!pick_wanted(o->classes, (unsigned)c))
            continue;
        measure_note(pick_name((enum pick_class)c));
        st = measure_class(&k, (enum pick_class)c, &out[c], err);
    }
    if (k.list && fclose(k.list) != 0 && st == ST_OK)
        st = err_errno(err, errno, "%s", o->list);
    arena_release(&k.arena);
    free(k.us);
    return st;
}

void figure_class(struct figures *f, enum pick_class c, const struct class_result *r)
{
    const char *why = r->refused          ? "not in this build"
                      : r->latency.n == 0 ? "none in this case"
                                          : "";
    char total[32];
    if (!f->as_json) {
        cli_count_text(r->total, total);
        if (*why)
            buf_printf(&f->out, "%-32s %s\n", pick_name(c), why);
        else
            buf_printf(&f->out, "%-32s %9.3f %9.3f %9.3f ms %6zu %16s\n", pick_name(c),
                       r->latency.p50_ms, r->latency.p99_ms, r->latency.max_ms, r->latency.n,
                       total);
        return;
    }
    json_key(&f->json, pick_key(c));
    json_begin_object(&f->json);
    json_key_str(&f->json, "name", pick_name(c));
    if (*why)
        json_key_str(&f->json, "left_out", why);
    else {
        json_key_uint(&f->json, "queries", r->latency.n);
        json_key_uint(&f->json, "total", r->total);
        figure_real(f, "p50_ms", "", r->latency.p50_ms, "");
        figure_real(f, "p99_ms", "", r->latency.p99_ms, "");
        figure_real(f, "max_ms", "", r->latency.max_ms, "");
    }
    json_end_object(&f->json);
}

void figure_classes_begin(struct figures *f, const char *key, const char *says)
{
    if (f->as_json) {
        json_key(&f->json, key);
        json_begin_object(&f->json);
    } else {
        buf_printf(&f->out, "%-32s %9s %9s %9s    %6s %16s\n", says, "p50", "p99", "max", "of",
                   "total");
    }
}

void figure_classes_end(struct figures *f)
{
    if (f->as_json)
        json_end_object(&f->json);
}

/* ---- the program from its start ---- */

static int drop_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)at;
    int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) { /* a hint: dirty pages stay */
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    return 0;
}

static enum status cold_start(const struct measure_options *o, const char *dir,
                              const struct pick *p, bool drop, struct latency *l, struct err *err)
{
    char *program = NULL;
    char query[1024], *argv[16];
    int64_t us[COLD_TIMES];
    size_t n = 0;
    snprintf(query, sizeof query, "%.*s", (int)p->query.len, (const char *)p->query.data);
    TRY(program_path(o, "lictor-query", &program, err));
    const char *args[] = {program,    "search", dir,  "--limit", "1",
                          "--format", "jsonl",  "--", query,     NULL};
    const char *with_key[] = {program, "search",   dir,     "--key", o->key_file, "--limit",
                              "1",     "--format", "jsonl", "--",    query,       NULL};
    const char **from = o->key_file ? with_key : args;
    for (n = 0; from[n]; n++)
        argv[n] = (char *)(uintptr_t)from[n]; /* execv takes no const */
    argv[n] = NULL;
    enum status st = ST_OK;
    for (n = 0; st == ST_OK && n < COLD_TIMES; n++) {
        struct child_result r;
        if (drop)
            (void)nftw(dir, drop_one, 16, FTW_PHYS);
        st = child_run(argv, 0, &r, err);
        if (st != ST_OK)
            break;
        st = child_good(&r, "lictor-query", 1, err);
        us[n] = r.first_us;
        child_release(&r);
    }
    free(program);
    if (st == ST_OK)
        latency_of(us, n, l);
    return st;
}

/* ---- the command ---- */

enum status bench_case_open(const char *dir, const char *key_file, struct bench_case *b,
                            struct err *err)
{
    *b = (struct bench_case){0};
    TRY(casefile_open(dir, key_file, CASE_READ, CACHE_BYTES, &b->cf, err));
    enum status st = ST_OK;
    if (strcmp(casefile_words_version(b->cf), words_version()) != 0)
        st = err_set(err, ST_DAMAGED, "the case was indexed with rules for words %s, this has %s",
                     casefile_words_version(b->cf), words_version());
    if (st == ST_OK)
        st = view_open(b->cf, NULL, &b->v, err);
    if (st != ST_OK)
        casefile_close(b->cf);
    return st;
}

void bench_case_close(struct bench_case *b)
{
    view_close(&b->v);
    casefile_close(b->cf);
}

uint64_t bench_case_messages(const struct bench_case *b)
{
    uint64_t n = 0;
    for (size_t i = 0; i < casefile_segments(b->cf); i++)
        n += segment_info(casefile_segment(b->cf, i))->messages;
    return n;
}

struct query_run {
    struct bench_case c;
    struct picks picks;
    struct class_result classes[PICK_CLASSES];
    struct latency warm_files, cold_files;
};

static enum status measure(const struct measure_options *o, struct query_run *k, struct err *err)
{
    const char *dir = o->rest[0];
    bool start = pick_wanted(o->classes, PICK_START);
    unsigned also = start && o->classes ? 1u << PICK_FREQUENT : 0; /* what it is started with */
    TRY(picks_make(&k->c.v, o->seed, o->queries, o->classes | also, &k->picks, err));
    TRY(queries_run(o, &k->c.v, &k->picks, k->classes, err));
    if (!start)
        return ST_OK;
    const struct pick *first = NULL;
    for (int c = 0; c < PICK_CLASSES && !first; c++)
        first = k->picks.n[c] ? k->picks.of[c] : NULL;
    if (!first)
        return err_set(err, ST_NOT_FOUND, "%s: no message with words in it", dir);
    measure_note("the program from its start");
    TRY(cold_start(o, dir, first, false, &k->warm_files, err));
    return cold_start(o, dir, first, true, &k->cold_files, err);
}

static void figure_start(struct figures *f, const struct query_run *k)
{
    figure_real(f, "start_p50_ms", "program to first result, p50", k->warm_files.p50_ms, "ms");
    figure_real(f, "start_max_ms", "program to first result, max", k->warm_files.max_ms, "ms");
    figure_real(f, "cold_start_p50_ms", "  its files not in memory, p50", k->cold_files.p50_ms,
                "ms");
    figure_real(f, "cold_start_max_ms", "  its files not in memory, max", k->cold_files.max_ms,
                "ms");
}

static int print(const struct measure_options *o, const struct query_run *k)
{
    struct figures f;
    figures_begin(&f, o->json, "query");
    figure_count(&f, "messages", "messages", bench_case_messages(&k->c));
    figure_count(&f, "segments", "segments", casefile_segments(k->c.cf));
    figure_classes_begin(&f, "classes", "");
    for (int c = 0; c < PICK_CLASSES; c++)
        if (pick_wanted(o->classes, (unsigned)c))
            figure_class(&f, (enum pick_class)c, &k->classes[c]);
    figure_classes_end(&f);
    if (pick_wanted(o->classes, PICK_START))
        figure_start(&f, k);
    return figures_print(&f);
}

int cmd_query(const struct measure_options *given)
{
    struct measure_options o = *given;
    struct query_run *k = calloc(1, sizeof *k);
    struct err err = {0};
    int code;
    if (!o.key_file)
        o.key_file = getenv("LICTOR_KEY_FILE");
    enum status st = k ? bench_case_open(o.rest[0], o.key_file, &k->c, &err) : err_no_memory(&err);
    if (st == ST_OK) {
        st = measure(&o, k, &err);
        code = st == ST_OK ? print(&o, k) : EXIT_FAILED;
        picks_release(&k->picks);
        bench_case_close(&k->c);
    }
    if (st != ST_OK) {
        err.status = st;
        code = measure_fail(&err);
    }
    free(k);
    return code;
}
