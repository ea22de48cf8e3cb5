/* peers — the same messages, the same queries, the same run: Lictor, SQLite FTS5, and zstd piped
 * into grep. */
#include "bench/peers.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "lictor/os.h"

#define SCANS 5 /* queries of a class; each reads everything */

/* ---- scanning ---- */

static enum status scan_class(const char *lines, const struct pick *p, size_t n,
                              struct class_result *r, struct err *err)
{
    int64_t us[SCANS];
    for (size_t i = 0; i < n && i < SCANS; i++) {
        char word[512];
        struct child_result c;
        snprintf(word, sizeof word, "%.*s", (int)p[i].a.len, (const char *)p[i].a.data);
        char *argv[] = {(char[]){"/bin/sh"},
                        (char[]){"-c"},
                        (char[]){"zstd -dcq -- \"$1\" | LC_ALL=C grep -ciwF -- \"$2\""},
                        (char[]){"scan"},
                        (char *)(uintptr_t)lines,
                        word,
                        NULL};
        TRY(child_run(argv, 0, &c, err));
        enum status st = child_good(&c, "zstd | grep", 1, err);
        us[i] = c.wall_us;
        buf_put_u8(&c.out, 0);
        if (st == ST_OK && !c.out.failed)
            r->total += strtoull((const char *)c.out.data, NULL, 10);
        child_release(&c);
        TRY(st);
    }
    latency_of(us, n < SCANS ? n : SCANS, &r->latency);
    return ST_OK;
}

enum status scan_queries(const struct measure_options *o, const char *lines,
                         const struct picks *picks, struct scan_result *r, struct err *err)
{
    struct stat st;
    (void)o;
    r->bytes = stat(lines, &st) == 0 ? (uint64_t)st.st_size : 0;
    for (int c = 0; c < PICK_CLASSES; c++)
        if (c != PICK_FREQUENT && c != PICK_RARE)
            r->classes[c].refused = true;
        else
            TRY(scan_class(lines, picks->of[c], picks->n[c], &r->classes[c], err));
    return ST_OK;
}

/* ---- the command ---- */

struct peers {
    const struct measure_options *o;
    struct delivery d;
    char *scratch, *case_dir, *key_file, *rows, *lines, *db;
    struct ingest_result add;
    uint64_t case_bytes;
    struct picks picks;
    struct peer_rows written;
    struct class_result classes[PICK_CLASSES];
    struct fts5_result fts5;
    struct scan_result scan;
};

static enum status measure_in(struct peers *k, struct bench_case *c, struct err *err)
{
    measure_note("choosing queries");
    TRY(picks_make(&c->v, k->o->seed, k->o->queries, 0, &k->picks, err));
    TRY(queries_run(k->o, &c->v, &k->picks, k->classes, err));
    measure_note("writing the messages for the peers");
    return peer_rows_write(&c->v, k->rows, k->lines, &k->written, err);
}

static enum status measure(struct peers *k, struct err *err)
{
    struct bench_case c;
    struct stat st;
    TRY(delivery_find(k->o, &k->d, err));
    TRY(scratch_make(k->o, ingest_room(&k->d) * 4, &k->scratch, err));
    k->case_dir = path_join(k->scratch, "case");
    k->key_file = path_join(k->scratch, "case.key");
    k->rows = path_join(k->scratch, "rows");
    k->lines = path_join(k->scratch, "lines.zst");
    k->db = path_join(k->scratch, "fts5.db");
    if (!k->case_dir || !k->key_file || !k->rows || !k->lines || !k->db)
        return err_no_memory(err);
    measure_note("adding");
    TRY(ingest_run(k->o, &k->d, 1, k->case_dir, k->key_file, &k->add, err));
    TRY(tree_bytes(k->case_dir, &k->case_bytes, err));
    TRY(bench_case_open(k->case_dir, k->key_file, &c, err));
    enum status did = measure_in(k, &c, err);
    bench_case_close(&c);
    TRY(did);
    measure_note("loading SQLite");
    TRY(fts5_load(k->rows, k->db, &k->fts5, err));
    if (stat(k->db, &st) == 0)
        k->fts5.bytes = (uint64_t)st.st_size;
    measure_note("asking SQLite");
    TRY(fts5_queries(k->o, k->db, &k->picks, &k->fts5, err));
    measure_note("scanning");
    return scan_queries(k->o, k->lines, &k->picks, &k->scan, err);
}

static void put_classes(struct figures *f, const char *key, const char *says,
                        const struct class_result *classes)
{
    figure_classes_begin(f, key, says);
    for (int c = 0; c < PICK_CLASSES; c++)
        if (!classes[c].refused)
            figure_class(f, (enum pick_class)c, &classes[c]);
    figure_classes_end(f);
}

static int print(const struct peers *k)
{
    struct figures f;
    double messages = (double)k->written.messages;
    double lictor = figure_ratio(messages, (double)k->add.wall_us / 1e6);
    double sqlite = figure_ratio(messages, k->fts5.load_s);
    figures_begin(&f, k->o->json, "peers");
    figure_count(&f, "messages", "messages, notes and edits", k->written.messages);
    figure_count(&f, "text_bytes", "bytes of text", k->written.text_bytes);
    figure_real(&f, "lictor_per_s", "Lictor add -j 1", lictor, "messages/s");
    figure_real(&f, "sqlite_per_s", "SQLite FTS5", sqlite, "messages/s");
    figure_real(&f, "lictor_over_sqlite", "Lictor : SQLite", figure_ratio(lictor, sqlite), "");
    figure_real(&f, "sqlite_finish_s", "SQLite, indexes and optimize", k->fts5.finish_s, "s");
    figure_count(&f, "lictor_peak_bytes", "peak memory of Lictor, bytes", k->add.peak);
    figure_count(&f, "sqlite_peak_bytes", "peak memory of SQLite, bytes", k->fts5.peak);
    figure_real(&f, "lictor_per_message", "Lictor, a message",
                figure_ratio((double)k->case_bytes, messages), "bytes");
    figure_real(&f, "sqlite_per_message", "SQLite, a message",
                figure_ratio((double)k->fts5.bytes, messages), "bytes");
    figure_real(&f, "scan_per_message", "zstd -1, a message",
                figure_ratio((double)k->scan.bytes, messages), "bytes");
    put_classes(&f, "lictor", "Lictor", k->classes);
    put_classes(&f, "sqlite", "SQLite FTS5", k->fts5.classes);
    put_classes(&f, "scan", "zstd -dc | grep -ciwF", k->scan.classes);
    return figures_print(&f);
}

int cmd_peers(const struct measure_options *o)
{
    struct peers *k = calloc(1, sizeof *k);
    struct err err = {0};
    if (k)
        k->o = o;
    enum status st = k ? measure(k, &err) : err_no_memory(&err);
    err.status = st;
    int code = st == ST_OK ? print(k) : measure_fail(&err);
    if (!k)
        return code;
    scratch_remove(k->scratch);
    picks_release(&k->picks);
    delivery_release(&k->d);
    free(k->case_dir);
    free(k->key_file);
    free(k->rows);
    free(k->lines);
    free(k->db);
    free(k);
    return code;
}
