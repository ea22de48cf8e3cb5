/* peer_fts5 — SQLite as one would set it up for this: a table of messages, an FTS5 index over their
 * texts (external content, so that each text is stored once), rows in the order of time; all in one
 * transaction, synced at its end. Then indexes for days and conversations, and `optimize`. */
#include "bench/peers.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lictor/os.h"
#include "lictor/thread.h"

static enum status failed(sqlite3 *db, const char *what, struct err *err)
{
    bool full = sqlite3_errcode(db) == SQLITE_NOMEM;
    return err_set(err, full ? ST_NO_MEMORY : ST_IO, "SQLite, %s: %s", what, sqlite3_errmsg(db));
}

static enum status run_sql(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ST_OK : failed(db, sql, err);
}

static enum status open_db(const char *path, int flags, sqlite3 **db, struct err *err)
{
    if (sqlite3_open_v2(path, db, flags, NULL) != SQLITE_OK) {
        enum status st = *db ? failed(*db, "open", err) : err_no_memory(err);
        sqlite3_close(*db);
        *db = NULL;
        return st;
    }
    return run_sql(*db, "PRAGMA cache_size=-1048576", err); /* 1 GiB */
}

/* ---- loading, in a process of its own ---- */

struct loaded { /* through a pipe to the parent */
    int64_t load_us, finish_us;
    struct err err;
};

static enum status insert_one(sqlite3 *db, sqlite3_stmt *m, sqlite3_stmt *f,
                              const struct peer_row *row, const char *data, struct err *err)
{
    const char *text = data + row->from + row->to;
    if (row->sent == TIME_NONE)
        sqlite3_bind_null(m, 1);
    else
        sqlite3_bind_int64(m, 1, row->sent);
    sqlite3_bind_text(m, 2, data, (int)row->from, SQLITE_STATIC);
    sqlite3_bind_text(m, 3, data + row->from, (int)row->to, SQLITE_STATIC);
    sqlite3_bind_blob(m, 4, row->conversation, KEY_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(m, 5, text, (int)row->text, SQLITE_STATIC);
    if (sqlite3_step(m) != SQLITE_DONE)
        return failed(db, "insert", err);
    sqlite3_bind_int64(f, 1, sqlite3_last_insert_rowid(db));
    sqlite3_bind_text(f, 2, text, (int)row->text, SQLITE_STATIC);
    if (sqlite3_step(f) != SQLITE_DONE)
        return failed(db, "insert", err);
    sqlite3_reset(m);
    sqlite3_reset(f);
    return ST_OK;
}

static enum status insert_all(sqlite3 *db, sqlite3_stmt *m, sqlite3_stmt *f, FILE *rows,
                              struct err *err)
{
    struct peer_row row;
    struct buf data = {0};
    enum status st = ST_OK;
    for (uint64_t n = 0; st == ST_OK && fread(&row, sizeof row, 1, rows) == 1; n++) {
        size_t len = (size_t)row.from + row.to + row.text;
        buf_clear(&data);
        if (!buf_reserve(&data, len + 1))
            st = err_no_memory(err);
        else if (fread(data.data, 1, len, rows) != len)
            st = err_set(err, ST_IO, "the rows end too early");
        else
            st = insert_one(db, m, f, &row, (const char *)data.data, err);
        if (n % 65536 == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
    }
    buf_release(&data);
    return st;
}

static enum status load(sqlite3 *db, FILE *rows, struct loaded *l, struct err *err)
{
    static const char schema[] =
        "PRAGMA synchronous=FULL;"
        "CREATE TABLE m(id INTEGER PRIMARY KEY, sent INTEGER, sender TEXT, recipients TEXT,"
        " conversation BLOB, text TEXT);"
        "CREATE VIRTUAL TABLE f USING fts5(text, content='m', content_rowid='id',"
        " tokenize='unicode61');"
        "BEGIN";
    static const char finish[] = "CREATE INDEX m_sent ON m(sent);"
                                 "CREATE INDEX m_conversation ON m(conversation, sent);"
                                 "INSERT INTO f(f) VALUES('optimize')";
    sqlite3_stmt *m = NULL, *f = NULL;
    int64_t started = os_monotonic_us();
    enum status st = run_sql(db, schema, err);
    if (st == ST_OK && (sqlite3_prepare_v2(db, "INSERT INTO m VALUES(NULL,?,?,?,?,?)", -1, &m,
                                           NULL) != SQLITE_OK ||
                        sqlite3_prepare_v2(db, "INSERT INTO f(rowid, text) VALUES(?,?)", -1, &f,
                                           NULL) != SQLITE_OK))
        st = failed(db, "prepare", err);
    if (st == ST_OK)
        st = insert_all(db, m, f, rows, err);
    sqlite3_finalize(m);
    sqlite3_finalize(f);
    if (st == ST_OK)
        st = run_sql(db, "COMMIT", err);
    l->load_us = os_monotonic_us() - started;
    started = os_monotonic_us();
    if (st == ST_OK)
        st = run_sql(db, finish, err);
    l->finish_us = os_monotonic_us() - started;
    return st;
}

static void child(const char *rows, const char *db_path, int fd)
{
    struct loaded l = {0};
    sqlite3 *db = NULL;
    FILE *f = fopen(rows, "re");
    enum status st = f ? open_db(db_path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, &l.err)
                       : err_errno(&l.err, errno, "%s", rows);
    if (st == ST_OK)
        st = load(db, f, &l, &l.err);
    if (sqlite3_close(db) != SQLITE_OK && st == ST_OK)
        st = err_set(&l.err, ST_IO, "SQLite did not close");
    l.err.status = st;
    l.err.reason = NULL;
    struct err ignored;
    _exit(os_write(fd, &l, sizeof l, &ignored) == ST_OK ? 0 : 1);
}

enum status fts5_load(const char *rows, const char *db, struct fts5_result *r, struct err *err)
{
    int fd[2], status;
    struct loaded l = {.err.status = ST_IO};
    struct rusage use;
    size_t got = 0;
    if (pipe(fd) != 0)
        return err_errno(err, errno, "a pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(fd[0]);
        child(rows, db, fd[1]);
    }
    int why = errno;
    close(fd[1]);
    enum status st = pid < 0 ? err_errno(err, why, "no second process") : ST_OK;
    if (st == ST_OK)
        st = os_read(fd[0], &l, sizeof l, &got, err);
    close(fd[0]);
    while (pid > 0 && wait4(pid, &status, 0, &use) < 0 && errno == EINTR)
        ;
    TRY(st);
    if (got != sizeof l)
        return err_set(err, ST_IO, "the process that loads SQLite has died");
    if (l.err.status != ST_OK) {
        *err = l.err;
        return l.err.status;
    }
    r->load_s = (double)l.load_us / 1e6;
    r->finish_s = (double)l.finish_us / 1e6;
    r->peak = (uint64_t)use.ru_maxrss * 1024;
    return ST_OK;
}

/* ---- queries ---- */

#define NEWEST(where) "SELECT m.* FROM " where " ORDER BY m.id DESC LIMIT 10"
#define MATCHED "f JOIN m ON m.id = f.rowid WHERE f MATCH ?1"

/* The total, and the newest ten; NULL: SQLite cannot do it by an index. */
static const struct {
    const char *count, *hits;
} statements[PICK_CLASSES] = {
    [PICK_FREQUENT] = {"SELECT count(*) FROM f WHERE f MATCH ?1", NEWEST(MATCHED)},
    [PICK_RARE] = {"SELECT count(*) FROM f WHERE f MATCH ?1", NEWEST(MATCHED)},
    [PICK_SENDER] = {"SELECT count(*) FROM " MATCHED " AND m.sender = ?2",
                     NEWEST(MATCHED " AND m.sender = ?2")},
    [PICK_AND] = {"SELECT count(*) FROM f WHERE f MATCH ?1", NEWEST(MATCHED)},
    [PICK_PHRASE] = {"SELECT count(*) FROM f WHERE f MATCH ?1", NEWEST(MATCHED)},
    [PICK_PREFIX] = {"SELECT count(*) FROM f WHERE f MATCH ?1", NEWEST(MATCHED)},
    [PICK_DAY] = {"SELECT count(*) FROM m WHERE sent >= ?3 AND sent < ?4", NULL},
    [PICK_CONVERSATION] = {"SELECT count(*) FROM (SELECT * FROM m WHERE conversation = ?5"
                           " ORDER BY sent LIMIT 500)",
                           "SELECT * FROM m WHERE conversation = ?5 ORDER BY sent LIMIT 500"},
    [PICK_NEAR] = {"SELECT count(*) FROM f WHERE f MATCH ?1", NEWEST(MATCHED)},
};

static void put_quoted(struct buf *b, struct slice s)
{
    buf_put_u8(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"')
            buf_put_u8(b, '"');
        buf_put_u8(b, s.data[i]);
    }
    buf_put_u8(b, '"');
}

/* The same in FTS5's language. NEAR counts the words between. */
static void match_text(enum pick_class c, const struct pick *p, struct buf *b)
{
    buf_clear(b);
    if (c == PICK_PHRASE) {
        struct slice q = p->query;
        buf_put_slice(b, q);
        return;
    }
    buf_put_str(b, c == PICK_NEAR ? "NEAR(" : "");
    put_quoted(b, p->a);
    buf_put_str(b, c == PICK_PREFIX ? "*" : c == PICK_NEAR ? " " : c == PICK_AND ? " AND " : "");
    if (p->b.data)
        put_quoted(b, p->b);
    buf_put_str(b, c == PICK_NEAR ? ", 4)" : "");
}

static enum status run_statement(sqlite3 *db, sqlite3_stmt *s, const struct pick *p,
                                 const struct buf *match, uint64_t *first, struct err *err)
{
    int rc;
    if (!s)
        return ST_OK;
    sqlite3_bind_text(s, 1, (const char *)match->data, (int)match->len, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, (const char *)p->handle.data, (int)p->handle.len, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, p->from);
    sqlite3_bind_int64(s, 4, p->to);
    sqlite3_bind_blob(s, 5, p->conversation, KEY_SIZE, SQLITE_STATIC);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            (void)sqlite3_column_blob(s, i);
            if (first)
                *first = (uint64_t)sqlite3_column_int64(s, i);
        }
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return rc == SQLITE_DONE ? ST_OK : failed(db, "query", err);
}

struct fts5_class {
    sqlite3 *db;
    sqlite3_stmt *count, *hits;
    struct buf match;
    int64_t *us;
};

static enum status run_class(struct fts5_class *k, const struct measure_options *o,
                             enum pick_class c, const struct pick *p, size_t wanted,
                             struct class_result *r, struct err *err)
{
    int64_t half = (int64_t)o->seconds * 500000, started = os_monotonic_us();
    size_t n = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < (round ? n : wanted); i++) {
            uint64_t total = 0;
            if (stop_asked())
                return err_set(err, ST_INTERRUPTED, "interrupted");
            if (!round && n && os_monotonic_us() - started >= half)
                break;
            int64_t at = os_monotonic_us();
            match_text(c, &p[i], &k->match);
            TRY(buf_status(&k->match, err));
            TRY(run_statement(k->db, k->count, &p[i], &k->match, &total, err));
            TRY(run_statement(k->db, k->hits, &p[i], &k->match, NULL, err));
            k->us[i] = os_monotonic_us() - at;
            if (!round) {
                n++;
                r->total += total;
            }
        }
    latency_of(k->us, n, &r->latency);
    return ST_OK;
}

static enum status prepare(sqlite3 *db, const char *sql, sqlite3_stmt **s, struct err *err)
{
    if (sql && sqlite3_prepare_v2(db, sql, -1, s, NULL) != SQLITE_OK)
        return failed(db, sql, err);
    return ST_OK;
}

static enum status measure_class(struct fts5_class *k, const struct measure_options *o,
                                 enum pick_class c, const struct picks *picks,
                                 struct class_result *r, struct err *err)
{
    *r = (struct class_result){.refused = !statements[c].count};
    if (r->refused)
        return ST_OK;
    k->count = k->hits = NULL;
    enum status st = prepare(k->db, statements[c].count, &k->count, err);
    if (st == ST_OK)
        st = prepare(k->db, statements[c].hits, &k->hits, err);
    if (st == ST_OK)
        st = run_class(k, o, c, picks->of[c], picks->n[c], r, err);
    sqlite3_finalize(k->count);
    sqlite3_finalize(k->hits);
    return st;
}

enum status fts5_queries(const struct measure_options *o, const char *db, const struct picks *picks,
                         struct fts5_result *r, struct err *err)
{
    struct fts5_class k = {.us = calloc(o->queries, sizeof *k.us)};
    enum status st = k.us ? open_db(db, SQLITE_OPEN_READONLY, &k.db, err) : err_no_memory(err);
    for (int c = 0; st == ST_OK && c < PICK_CLASSES; c++)
        st = measure_class(&k, o, (enum pick_class)c, picks, &r->classes[c], err);
    sqlite3_close(k.db);
    buf_release(&k.match);
    free(k.us);
    return st;
}
