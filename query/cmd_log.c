/* cmd_log — the query log: who asked what and when, and how it was answered. Read twice: the
 * answers first, since a question stands before its answer and others may stand between. */
#include <stdlib.h>

#include "lictor/query_log.h"
#include "lictor/thread.h"
#include "lictor/zone.h"
#include "query/cmd.h"
#include "query/csv.h"
#include "query/device_text.h"

struct log_answer {
    uint64_t asked;
    uint64_t total, took_ms;
    uint8_t outcome;
};

struct shown {
    struct session *s;
    struct log_answer *answers; /* by question */
    size_t n_answers, cap;
    uint64_t entries, queries, unfinished, breaks;
    uint64_t skip; /* queries and breaks before those that are shown */
    uint64_t at;
    uint8_t head[32];
};

static const char *const outcome_names[QUERY_LOG_OUTCOMES] = {
    "found", "nothing", "refused", "failed", "interrupted", "not-read-to-the-end"};

/* ---- the first time: answers ---- */

static enum status gather(void *ctx, const struct query_log_entry *e, struct err *err)
{
    struct shown *x = ctx;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    x->entries++;
    x->queries += e->kind == QUERY_LOG_ASKED;
    x->breaks += e->kind == QUERY_LOG_BREAK;
    if (e->kind != QUERY_LOG_ANSWERED)
        return ST_OK;
    if (x->n_answers == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 256;
        struct log_answer *more = reallocarray(x->answers, cap, sizeof *more);
        if (!more)
            return err_no_memory(err);
        x->answers = more;
        x->cap = cap;
    }
    x->answers[x->n_answers++] = (struct log_answer){e->asked, e->total, e->took_ms, e->outcome};
    return ST_OK;
}

static int answer_cmp(const void *a, const void *b)
{
    const struct log_answer *x = a, *y = b;
    return (x->asked > y->asked) - (x->asked < y->asked);
}

static const struct log_answer *answer_of(const struct shown *x, uint64_t asked)
{
    const struct log_answer key = {.asked = asked};
    return x->n_answers ? bsearch(&key, x->answers, x->n_answers, sizeof key, answer_cmp) : NULL;
}

/* ---- the second time: rows ---- */

static void put_json(struct shown *x, const struct query_log_entry *e, const struct log_answer *a)
{
    struct session *s = x->s;
    char digest[65];
    render_element_begin(&s->r, &s->out);
    struct json_out j = json_out_to(&s->out);
    json_begin_object(&j);
    json_key_str(&j, "type", e->kind == QUERY_LOG_BREAK ? "break" : "query");
    json_key_uint(&j, "entry", e->number);
    if (!e->hole_at)
        json_key_time(&j, "time", e->time_ms);
    if (e->kind == QUERY_LOG_BREAK) {
        json_key_uint(&j, "missing_from", e->first_missing);
        json_key_uint(&j, "missing", e->number - e->first_missing);
        if (e->hole_at)
            json_key_uint(&j, "zeros_at", e->hole_at);
    } else {
        hex_encode(e->digest, sizeof e->digest, digest);
        json_key_slice(&j, "user", e->user);
        json_key_uint(&j, "uid", e->uid);
        json_key_slice(&j, "host", e->host);
        json_key_slice(&j, "command", e->command);
        json_key_slice(&j, "query", e->query);
        json_key_str(&j, "outcome", a ? outcome_names[a->outcome] : "unfinished");
        if (a) {
            json_key_uint(&j, "total", a->total);
            json_key_uint(&j, "took_ms", a->took_ms);
        }
        json_key_str(&j, "digest", digest);
        json_key_uint(&j, "generation", e->generation);
        json_key_slice(&j, "version", e->version);
    }
    json_end_object(&j);
    render_element_end(&s->r, &s->out);
}

static void put_csv(struct shown *x, const struct query_log_entry *e, const struct log_answer *a)
{
    struct csv c = {.out = &x->s->out};
    char digest[65] = "";
    bool gap = e->kind == QUERY_LOG_BREAK;
    csv_str(&c, gap ? "break" : "query");
    csv_uint(&c, e->number);
    csv_time(&c, e->time_ms);
    csv_field(&c, e->user);
    if (gap)
        csv_end(&c);
    else
        csv_uint(&c, e->uid);
    csv_field(&c, e->host);
    csv_field(&c, e->command);
    csv_field(&c, e->query);
    csv_str(&c, gap ? "" : a ? outcome_names[a->outcome] : "unfinished");
    for (int i = 0; i < 2; i++)
        if (a)
            csv_uint(&c, i ? a->took_ms : a->total);
        else
            csv_end(&c);
    if (!gap)
        hex_encode(e->digest, sizeof e->digest, digest);
    csv_str(&c, digest);
    if (gap)
        csv_end(&c);
    else
        csv_uint(&c, e->generation);
    csv_field(&c, e->version);
    csv_row_end(&c);
}

static void put_text(struct shown *x, const struct query_log_entry *e, const struct log_answer *a)
{
    struct buf *out = &x->s->out;
    char count[32];
    if (!e->hole_at)
        text_time(&x->s->r, e->time_ms, out);
    if (e->kind == QUERY_LOG_BREAK) {
        buf_put_str(out, "  ");
        query_log_break_text(e, out);
        buf_put_u8(out, '\n');
        return;
    }
    buf_put_str(out, "  ");
    cli_safe(out, e->user, false);
    buf_printf(out, " (%llu)@", (unsigned long long)e->uid);
    cli_safe(out, e->host, false);
    buf_put_str(out, "  ");
    cli_safe(out, e->command, false);
    buf_put_str(out, ": ");
    cli_safe(out, e->query, false);
    buf_put_str(out, "\n    ");
    if (!a) {
        buf_put_str(out, "not finished: stopped, or running still");
    } else if (a->outcome == QUERY_LOG_FOUND || a->outcome == QUERY_LOG_NOTHING) {
        cli_count_text(a->total, count);
        buf_printf(out, "%s found", count);
    } else {
        buf_put_str(out, outcome_names[a->outcome]);
    }
    char digest[65];
    hex_encode(e->digest, sizeof e->digest, digest);
    buf_printf(out, "; digest %.16s, generation %llu\n", digest, (unsigned long long)e->generation);
}

static enum status put_row(void *ctx, const struct query_log_entry *e, struct err *err)
{
    struct shown *x = ctx;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    if (e->kind == QUERY_LOG_ANSWERED)
        return ST_OK;
    const struct log_answer *a = e->kind == QUERY_LOG_ASKED ? answer_of(x, e->number) : NULL;
    x->unfinished += e->kind == QUERY_LOG_ASKED && !a;
    if (x->at++ < x->skip)
        return ST_OK;
    if (x->s->r.format == RENDER_TEXT)
        put_text(x, e, a);
    else if (x->s->r.format == RENDER_CSV)
        put_csv(x, e, a);
    else
        put_json(x, e, a);
    return session_flush(x->s, err);
}

/* ---- the whole ---- */

static void footer(struct shown *x)
{
    struct buf *out = &x->s->out;
    char shown[32], all[32], part[32];
    uint64_t rows = x->queries + x->breaks;
    cli_count_text(rows - x->skip, shown);
    cli_count_text(rows, all);
    if (rows == 0)
        buf_put_str(out, "nothing was asked yet\n");
    else if (x->skip)
        buf_printf(out, "the last %s of %s; --all\n", shown, all);
    else
        buf_printf(out, "%s %s\n", all, rows == 1 ? "query" : "queries");
    if (x->unfinished) {
        cli_count_text(x->unfinished, part);
        buf_printf(out, "%s without an answer: stopped, or running still\n", part);
    }
    buf_put_str(out, "Times are the clock of the machine that asked, shown in ");
    buf_put_str(out, zone_name(x->s->v.zone));
    buf_put_str(out, ".\n");
}

static enum status show(struct shown *x, struct err *err)
{
    struct session *s = x->s;
    struct query_log *log = s->log;
    struct query_log_head head;
    char hex[65];
    TRY(query_log_walk(log, gather, x, err));
    if (x->n_answers)
        qsort(x->answers, x->n_answers, sizeof *x->answers, answer_cmp);
    uint64_t rows = x->queries + x->breaks, limit = cmd_limit(s->o);
    x->skip = rows > limit ? rows - limit : 0;
    if (s->r.format == RENDER_CSV)
        buf_put_str(&s->out, "type,entry,time,user,uid,host,command,query,outcome,total,took_ms,"
                             "digest,generation,version\r\n");
    TRY(query_log_walk(log, put_row, x, err));
    TRY(query_log_head(log, &head, err));
    if (s->r.format == RENDER_TEXT) {
        footer(x);
        return ST_OK;
    }
    struct summary sum = session_summary(s, (struct slice){0});
    hex_encode(head.hash, sizeof head.hash, hex);
    sum.total = x->queries;
    summary_add(&sum, "unfinished", x->unfinished);
    summary_add(&sum, "breaks", x->breaks);
    summary_add(&sum, "entries", head.entries);
    sum.log_head = hex;
    render_end(&s->r, &sum, false, &s->out);
    return ST_OK;
}

int cmd_log(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    struct shown x = {.s = &s};
    int code = session_open(o, &s);
    if (code)
        return code;
    enum status st = show(&x, &err);
    free(x.answers);
    return session_close(&s, st, x.queries != 0, &err);
}
