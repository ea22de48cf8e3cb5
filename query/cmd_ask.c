/* cmd_ask — every question is in the query log before its answer is shown, and how it was answered
 * behind it. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lictor/os.h"
#include "lictor/query_log.h"
#include "query/cmd.h"

enum status session_log_open(struct session *s, struct err *err)
{
    const struct cmd_options *o = s->o;
    if (o->no_log) {
        s->log_way = "none";
        return ST_OK;
    }
    if (o->shows_log) {
        s->asked = true;
        return query_log_open(s->cf, o->log, QUERY_LOG_READ, &s->log, err);
    }
    s->log_way = o->log ? "file" : NULL;
    os_user(s->user);
    os_host(s->host);
    enum status st = query_log_open(s->cf, o->log, QUERY_LOG_APPEND, &s->log, err);
    if (st == ST_OK || o->log)
        return st;
    char why[sizeof err->text];
    snprintf(why, sizeof why, "%s", err->text);
    return err_set(
        err, st,
        "%s: the query log of the case cannot be used (%.200s). Nothing is asked without "
        "a log: --log FILE keeps one of your own, --no-log asks without and the answer "
        "says so",
        o->dir, why);
}

void session_log_note(struct session *s)
{
    if (!s->log_way)
        return;
    const char *note = s->log ? "logged in a file of its own (--log), not in that of the case"
                              : "not logged (--no-log)";
    bool shown = s->r.format == RENDER_TEXT && !s->o->count;
    if (shown)
        buf_printf(&s->out, "%s\n", note);
    else if (s->r.format != RENDER_JSON && s->r.format != RENDER_JSONL)
        cli_error(QUERY_PROGRAM, note);
}

enum status session_ask(struct session *s, struct slice query, struct err *err)
{
    char digest[65];
    struct query_log_entry e = {.kind = QUERY_LOG_ASKED,
                                .uid = getuid(),
                                .command = slice_str(s->o->command),
                                .query = query,
                                .version = slice_str(LICTOR_VERSION),
                                .generation = casefile_manifest(s->cf)->generation};
    MUST(!s->logged);
    s->asked = true;
    s->total = 0;
    s->asked_us = os_monotonic_us();
    if (!s->log)
        return ST_OK;
    casefile_digest(s->cf, digest);
    MUST(hex_decode(digest, sizeof e.digest, e.digest));
    e.user = slice_str(s->user);
    e.host = slice_str(s->host);
    TRY(query_log_append(s->log, &e, err));
    s->log_number = e.number;
    s->logged = true;
    return ST_OK;
}

static enum query_log_outcome outcome_of(enum status st, bool found)
{
    switch (st) {
    case ST_OK:
        return found ? QUERY_LOG_FOUND : QUERY_LOG_NOTHING;
    case ST_BAD_INPUT:
    case ST_USAGE:
    case ST_LIMIT:
        return QUERY_LOG_REFUSED;
    case ST_INTERRUPTED:
        return QUERY_LOG_INTERRUPTED;
    case ST_CLOSED:
        return QUERY_LOG_LEFT;
    default:
        return QUERY_LOG_FAILED;
    }
}

enum status session_answered(struct session *s, enum status st, bool found, struct err *err)
{
    if (!s->logged)
        return ST_OK;
    struct query_log_entry e = {.kind = QUERY_LOG_ANSWERED,
                                .asked = s->log_number,
                                .outcome = (uint8_t)outcome_of(st, found),
                                .total = s->total,
                                .took_ms = (uint64_t)(os_monotonic_us() - s->asked_us) / 1000};
    s->logged = false;
    return query_log_append(s->log, &e, err);
}
