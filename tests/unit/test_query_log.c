/* Unit tests of the query log: what goes in comes out, the chain holds between processes, no
 * changed byte and no cut passes, and what a killed query left does not stop the next one. */
#include "case_testing.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "lictor/query_log.h"
#include "store/query_log_private.h"

TestSuite(query_log, .init = dir_make, .fini = dir_remove);

#define LOG "a/" QUERY_LOG_NAME

static struct casefile *made(bool plain)
{
    case_make("a", plain);
    return case_get(plain, CASE_READ);
}

static struct query_log *log_get(struct casefile *c, const char *path, enum query_log_mode mode)
{
    struct query_log *l = NULL;
    struct err err = {0};
    cr_assert_eq(query_log_open(c, path, mode, &l, &err), ST_OK, "%s", err.text);
    return l;
}

static uint64_t log_ask(struct query_log *l, const char *query)
{
    struct err err = {0};
    struct query_log_entry e = {.kind = QUERY_LOG_ASKED,
                                .user = slice_str("anna"),
                                .uid = 1000,
                                .host = slice_str("desk"),
                                .command = slice_str("search"),
                                .query = slice_str(query),
                                .digest = {1, 2, 3},
                                .generation = 7,
                                .version = slice_str("1.0")};
    cr_assert_eq(query_log_append(l, &e, &err), ST_OK, "%s", err.text);
    return e.number;
}

static void log_answer(struct query_log *l, uint64_t asked, uint64_t total)
{
    struct err err = {0};
    struct query_log_entry e = {
        .kind = QUERY_LOG_ANSWERED, .asked = asked, .total = total, .took_ms = 3};
    cr_assert_eq(query_log_append(l, &e, &err), ST_OK, "%s", err.text);
}

/* A few queries, as a process of its own makes them each. */
static void log_fill(struct casefile *c, const char *path, int n)
{
    for (int i = 0; i < n; i++) {
        struct query_log *l = log_get(c, path, QUERY_LOG_APPEND);
        char query[32];
        snprintf(query, sizeof query, "needle-%d", i);
        log_answer(l, log_ask(l, query), (uint64_t)i);
        query_log_close(l);
    }
}

struct seen {
    uint64_t asked, answered, breaks, next, missing;
    char last[64];
};

static enum status see(void *ctx, const struct query_log_entry *e, struct err *err)
{
    struct seen *s = ctx;
    (void)err;
    s->asked += e->kind == QUERY_LOG_ASKED;
    s->answered += e->kind == QUERY_LOG_ANSWERED;
    if (e->kind == QUERY_LOG_BREAK) {
        s->breaks++;
        s->missing += e->number - e->first_missing;
    } else {
        cr_assert_eq(e->number, s->next);
    }
    s->next = e->hole_at ? e->number : e->number + 1; /* a hole has no number of its own */
    cr_assert(e->hole_at ? e->time_ms == TIME_NONE : e->time_ms > 1500000000000);
    if (e->kind == QUERY_LOG_ASKED) {
        snprintf(s->last, sizeof s->last, "%.*s", (int)e->query.len, (const char *)e->query.data);
        cr_assert(slice_eq(e->user, slice_str("anna")) && e->uid == 1000 && e->generation == 7 &&
                  e->digest[2] == 3 && slice_eq(e->host, slice_str("desk")) &&
                  slice_eq(e->command, slice_str("search")) &&
                  slice_eq(e->version, slice_str("1.0")));
    }
    return ST_OK;
}

static struct seen log_seen(struct casefile *c, const char *path)
{
    struct seen s = {0};
    struct err err = {0};
    struct query_log *l = log_get(c, path, QUERY_LOG_READ);
    cr_assert_eq(query_log_walk(l, see, &s, &err), ST_OK, "%s", err.text);
    query_log_close(l);
    return s;
}

Test(query_log, gives_back_what_was_asked_and_answered)
{
    for (int plain = 0; plain < 2; plain++) {
        struct casefile *c = made(plain);
        char last[256];
        cr_assert_eq(log_seen(c, NULL).next, 0);
        log_fill(c, NULL, 20);
        struct seen s = log_seen(c, NULL);
        cr_assert(s.asked == 20 && s.answered == 20 && s.breaks == 0 && s.next == 40);
        cr_assert_str_eq(s.last, "needle-19");
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
        casefile_close(c);
        tree_remove(case_path);
        unlink(key_path);
    }
}

Test(query_log, hides_the_queries_of_an_encrypted_case)
{
    struct casefile *c = made(false);
    log_fill(c, NULL, 3);
    struct file_bytes f = file_get(LOG);
    cr_assert_null(memmem(f.data, f.len, "needle", 6));
    cr_assert_null(memmem(f.data, f.len, "anna", 4));
    free(f.data);
    casefile_close(c);
}

Test(query_log, finds_every_changed_byte_and_every_cut)
{
    struct casefile *c = made(true);
    char last[256];
    log_fill(c, NULL, 2);
    struct file_bytes f = file_get(LOG);
    for (size_t i = 0; i < f.len; i++) {
        f.data[i] ^= 1;
        file_put(LOG, f.data, f.len);
        f.data[i] ^= 1;
        cr_assert_geq(case_damages(true, last), 1, "byte %zu", i);
    }
    for (size_t n = 0; n < f.len; n++) {
        file_put(LOG, f.data, n);
        cr_assert_geq(case_damages(true, last), 1, "cut to %zu", n);
    }
    file_put(LOG, f.data, f.len);
    cr_assert_eq(case_damages(true, last), 0);
    f.data = realloc(f.data, f.len + 1);
    f.data[f.len] = 0;
    file_put(LOG, f.data, f.len + 1);
    cr_assert_eq(case_damages(true, last), 1, "a byte more");
    cr_assert_eq(unlinkat(dir, LOG, 0), 0);
    cr_assert_eq(case_damages(true, last), 1, "no log");
    free(f.data);
    casefile_close(c);
}

Test(query_log, goes_on_behind_what_a_killed_query_left)
{
    struct casefile *c = made(false);
    char last[256];
    log_fill(c, NULL, 1);
    struct file_bytes before = file_get(LOG);
    struct query_log *l = log_get(c, NULL, QUERY_LOG_APPEND);
    log_ask(l, "killed");
    query_log_close(l);
    struct file_bytes after = file_get(LOG);
    /* the entry was written, the head that says so was not */
    memcpy(after.data, before.data, LOG_START);
    file_put(LOG, after.data, after.len);
    struct seen s = log_seen(c, NULL);
    cr_assert(s.asked == 2 && s.answered == 1);
    cr_assert_eq(case_damages(false, last), 0, "%s", last);
    log_fill(c, NULL, 1);
    s = log_seen(c, NULL);
    cr_assert(s.asked == 3 && s.answered == 2 && s.breaks == 0);
    /* any part of it was */
    for (size_t n = before.len; n < after.len; n++) {
        file_put(LOG, after.data, n);
        s = log_seen(c, NULL);
        cr_assert(s.asked == 1 && s.answered == 1);
        log_fill(c, NULL, 1);
        s = log_seen(c, NULL);
        cr_assert(s.asked == 2 && s.answered == 2 && s.breaks == 0, "%zu", n);
        cr_assert_eq(case_damages(false, last), 0, "%zu: %s", n, last);
    }
    free(before.data);
    free(after.data);
    casefile_close(c);
}

Test(query_log, marks_what_was_cut_for_good)
{
    struct casefile *c = made(false);
    char last[256];
    log_fill(c, NULL, 3);
    struct file_bytes whole = file_get(LOG);
    for (size_t n = LOG_START; n < whole.len; n += 7) {
        file_put(LOG, whole.data, n);
        log_fill(c, NULL, 2);
        struct seen s = log_seen(c, NULL);
        cr_assert(s.breaks == 1 && s.missing >= 1 && s.next == 6 + 1 + 4, "%zu", n);
        cr_assert_eq(case_damages(false, last), 1, "%zu", n);
        cr_assert(strstr(last, "are gone"), "%s", last);
    }
    free(whole.data);
    casefile_close(c);
}

/* Where each entry of a whole log begins; *n: how many. */
static size_t *entry_places(const struct file_bytes *f, size_t *n)
{
    size_t *at = calloc(f->len, sizeof *at);
    *n = 0;
    for (size_t pos = LOG_START; pos < f->len; pos += 4 + load_u32((uint8_t *)f->data + pos))
        at[(*n)++] = pos;
    return at;
}

/* Zeros from any byte to any other: what stands before and behind is shown, what lies between is
 * named, and the next query goes on; for good. */
Test(query_log, goes_past_zeros_and_names_what_they_took)
{
    struct casefile *c = made(false);
    char last[256];
    size_t n;
    log_fill(c, NULL, 4);
    struct file_bytes whole = file_get(LOG);
    size_t *at = entry_places(&whole, &n);
    cr_assert_eq(n, 8);
    for (size_t from = LOG_START; from < whole.len - 20; from += 37)
        for (size_t to = from + 20; to <= whole.len; to += 61) {
            struct file_bytes f = file_get(LOG);
            memset(f.data + from, 0, to - from);
            file_put(LOG, f.data, f.len);
            size_t first = 0, past = n; /* the entries that are touched */
            while (first + 1 < n && at[first + 1] <= from)
                first++;
            while (past > 0 && at[past - 1] >= to)
                past--;
            struct seen s = log_seen(c, NULL);
            cr_assert(s.breaks == 1 && s.next == n, "%zu to %zu", from, to);
            cr_assert_eq(s.missing, past - first, "%zu to %zu: %d", from, to, (int)s.missing);
            cr_assert_eq(case_damages(false, last), 1, "%zu to %zu: %s", from, to, last);
            cr_assert(strstr(last, "power failure"), "%s", last);
            log_fill(c, NULL, 1);
            s = log_seen(c, NULL);
            cr_assert(s.breaks == 1 && s.next == n + 2 && s.missing == past - first);
            cr_assert_eq(case_damages(false, last), 1, "%zu to %zu: %s", from, to, last);
            file_put(LOG, whole.data, whole.len);
            free(f.data);
        }
    free(at);
    free(whole.data);
    casefile_close(c);
}

/* The head of the last entries was lost, too: there is no number to name them by. */
Test(query_log, says_that_zeros_behind_its_head_were_entries)
{
    struct casefile *c = made(false);
    char last[256];
    log_fill(c, NULL, 2);
    struct file_bytes f = file_get(LOG);
    f.data = realloc(f.data, f.len + 300);
    memset(f.data + f.len, 0, 300);
    file_put(LOG, f.data, f.len + 300);
    cr_assert_eq(case_damages(false, last), 1);
    log_fill(c, NULL, 1);
    struct seen s = log_seen(c, NULL);
    cr_assert(s.breaks == 1 && s.missing == 0 && s.asked == 3);
    cr_assert_eq(case_damages(false, last), 1);
    cr_assert(strstr(last, "how many entries is not known"), "%s", last);
    free(f.data);
    casefile_close(c);
}

/* Zeros, and the end cut off: both are said. */
Test(query_log, goes_on_where_zeros_and_a_cut_come_together)
{
    struct casefile *c = made(false);
    char last[256];
    size_t n;
    log_fill(c, NULL, 3);
    struct file_bytes f = file_get(LOG);
    size_t *at = entry_places(&f, &n);
    memset(f.data + at[1] + 9, 0, 40);
    for (size_t len = at[2] - 5; len < f.len; len += 50) {
        file_put(LOG, f.data, len);
        log_fill(c, NULL, 1);
        struct seen s = log_seen(c, NULL);
        cr_assert(s.next == 6 + 1 + 2 && s.breaks == (len >= at[3] ? 2u : 1u), "%zu", len);
        cr_assert_geq(case_damages(false, last), 1);
    }
    free(at);
    free(f.data);
    casefile_close(c);
}

/* Cut to nothing, it would otherwise begin anew as if nothing had been asked. */
Test(query_log, is_not_begun_anew_where_it_was_emptied)
{
    struct casefile *c = made(false);
    struct query_log *l = NULL;
    struct err err = {0};
    log_fill(c, NULL, 2);
    file_put(LOG, (const uint8_t *)"", 0);
    cr_assert_eq(query_log_open(c, NULL, QUERY_LOG_APPEND, &l, &err), ST_DAMAGED);
    casefile_close(c);
}

Test(query_log, does_not_cut_behind_a_damaged_entry)
{
    struct casefile *c = made(false);
    struct err err = {0};
    log_fill(c, NULL, 3);
    struct file_bytes f = file_get(LOG);
    f.data[LOG_START + 10] ^= 1;
    file_put(LOG, f.data, f.len - 1);
    struct query_log *l = log_get(c, NULL, QUERY_LOG_APPEND);
    struct query_log_entry e = {.kind = QUERY_LOG_ASKED};
    cr_assert_eq(query_log_append(l, &e, &err), ST_DAMAGED);
    query_log_close(l);
    struct file_bytes now = file_get(LOG);
    cr_assert(now.len == f.len - 1 && memcmp(now.data, f.data, now.len) == 0);
    free(now.data);
    free(f.data);
    casefile_close(c);
}

Test(query_log, sees_old_heads_that_were_put_back)
{
    struct casefile *c = made(false);
    char last[256];
    log_fill(c, NULL, 1);
    struct file_bytes old = file_get(LOG);
    log_fill(c, NULL, 2);
    struct file_bytes f = file_get(LOG);
    memcpy(f.data, old.data, LOG_START);
    file_put(LOG, f.data, f.len);
    cr_assert_eq(case_damages(false, last), 1);
    cr_assert(strstr(last, "put back"), "%s", last);
    free(old.data);
    free(f.data);
    casefile_close(c);
}

Test(query_log, keeps_the_logs_of_cases_and_parties_apart)
{
    struct casefile *a = made(false);
    struct err err = {0};
    struct query_log *l = NULL;
    char own[160], theirs[160], copy[160];
    snprintf(own, sizeof own, "%s/party.log", dir_path);
    snprintf(theirs, sizeof theirs, "%s/notes.txt", dir_path);
    snprintf(copy, sizeof copy, "%s/a/" QUERY_LOG_NAME, dir_path);
    log_fill(a, own, 2);
    cr_assert_eq(log_seen(a, own).asked, 2);
    cr_assert_eq(log_seen(a, NULL).asked, 0);
    file_put("notes.txt", (const uint8_t *)"notes", 5);
    cr_assert_eq(query_log_open(a, theirs, QUERY_LOG_APPEND, &l, &err), ST_DENIED);
    cr_assert_eq(query_log_open(a, copy, QUERY_LOG_APPEND, &l, &err), ST_DENIED);
    cr_assert_eq(query_log_open(a, dir_path, QUERY_LOG_APPEND, &l, &err), ST_IO);
    struct file_bytes f = file_get("notes.txt");
    cr_assert(f.len == 5 && memcmp(f.data, "notes", 5) == 0);
    free(f.data);
    casefile_close(a);
    case_make("b", false);
    struct casefile *b = case_get(false, CASE_READ);
    cr_assert_eq(query_log_open(b, own, QUERY_LOG_APPEND, &l, &err), ST_DENIED);
    cr_assert(strstr(err.text, "another case"), "%s", err.text);
    casefile_close(b);
}

Test(query_log, takes_entries_of_many_processes_at_once)
{
    struct casefile *c = made(false);
    char last[256];
    for (int i = 0; i < 6; i++)
        if (fork() == 0) {
            struct query_log *l = NULL;
            bool good = query_log_open(c, NULL, QUERY_LOG_APPEND, &l, NULL) == ST_OK;
            for (int k = 0; good && k < 50; k++) {
                struct query_log_entry e = {.kind = QUERY_LOG_ASKED,
                                            .user = slice_str("anna"),
                                            .uid = 1000,
                                            .host = slice_str("desk"),
                                            .command = slice_str("search"),
                                            .digest = {1, 2, 3},
                                            .generation = 7,
                                            .version = slice_str("1.0")};
                good = query_log_append(l, &e, NULL) == ST_OK;
            }
            _exit(good ? 0 : 1);
        }
    for (int i = 0; i < 6; i++) {
        int status = 1;
        wait(&status);
        cr_assert_eq(status, 0);
    }
    cr_assert_eq(log_seen(c, NULL).asked, 300);
    cr_assert_eq(case_damages(false, last), 0, "%s", last);
    casefile_close(c);
}

Test(query_log, refuses_to_wait_for_ever, .timeout = 30)
{
    struct casefile *c = made(false);
    struct err err = {0};
    struct query_log *l = log_get(c, NULL, QUERY_LOG_APPEND);
    int other = openat(dir, LOG, O_RDONLY);
    cr_assert_eq(flock(other, LOCK_EX), 0);
    struct query_log_entry e = {.kind = QUERY_LOG_ASKED};
    cr_assert_eq(query_log_append(l, &e, &err), ST_LOCKED);
    cr_assert(strstr(err.text, "--log FILE"), "%s", err.text);
    close(other);
    cr_assert_eq(query_log_append(l, &e, &err), ST_OK);
    query_log_close(l);
    casefile_close(c);
}

Test(query_log, a_failed_write_leaves_it_as_it_was)
{
    struct casefile *c = made(false);
    char last[256];
    log_fill(c, NULL, 1);
    for (uint64_t n = 1; n < 20; n++) {
        struct query_log *l = log_get(c, NULL, QUERY_LOG_APPEND);
        struct query_log_entry e = {.kind = QUERY_LOG_ASKED,
                                    .user = slice_str("anna"),
                                    .uid = 1000,
                                    .host = slice_str("desk"),
                                    .command = slice_str("search"),
                                    .digest = {1, 2, 3},
                                    .generation = 7,
                                    .version = slice_str("1.0")};
        (void)os_fault_set(n, ENOSPC);
        struct err err;
        enum status st = query_log_append(l, &e, &err);
        (void)os_fault_set(0, 0);
        query_log_close(l);
        cr_assert_eq(case_damages(false, last), 0, "%d %s", st, last);
        if (st == ST_OK)
            break;
    }
    cr_assert_gt(log_seen(c, NULL).asked, 1);
    casefile_close(c);
}
