/* cmd — what the subcommands share: the open case, output as it gathers, exit codes. */
#include "query/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/confine.h"
#include "lictor/os.h"
#include "lictor/query_log.h"
#include "query/html.h"

#define CACHE_BYTES ((size_t)64 << 20)
#define FLUSH_AT ((size_t)32 << 10)
#define COLUMNS_DEFAULT 100
#define CANDIDATES_SHOWN 10

int cmd_fail(const struct err *err)
{
    cli_error(QUERY_PROGRAM, err->text[0] ? err->text : "failed");
    switch (err->status) {
    case ST_USAGE:
    case ST_BAD_INPUT:
        return EXIT_USAGE;
    case ST_INTERRUPTED:
        return EXIT_STOPPED;
    case ST_DAMAGED:
        cli_error(QUERY_PROGRAM, "`lictor-ingest verify CASE` says what is damaged and which dumps "
                                 "to add again");
        return EXIT_NO_CASE;
    default:
        return EXIT_NO_CASE;
    }
}

struct slice cmd_name(struct slice given)
{
    static const char open[] = "\xE2\x81\xA8", shut[] = "\xE2\x81\xA9";
    bool pair = given.len > 6 && memcmp(given.data, open, 3) == 0 &&
                memcmp(given.data + given.len - 3, shut, 3) == 0;
    return pair ? slice_of(given.data + 3, given.len - 6) : given;
}

static bool wants_colour(const struct cmd_options *o)
{
    if (o->colour == COLOUR_AUTO)
        return o->screen.colour;
    return o->colour == COLOUR_ALWAYS;
}

/* From here on the case is all that this process needs. */
static enum status confine(const struct session *s, const struct cmd_options *o, struct err *err)
{
    const struct confine_path paths[] = {{o->dir, false}, {o->output, true}};
    bool writes = o->format == RENDER_HTML;
    const struct confine_rules rules = {.paths = paths,
                                        .n_paths = writes ? 2 : 1,
                                        .writes = writes,
                                        .log = s->log ? query_log_fd(s->log) : 0};
    return confine_process(&rules, err);
}

/* An answer that may lack something says so, on every way out that it has. */
static void tell_unfinished(const struct casefile *cf)
{
    char text[200];
    size_t n = casefile_manifest(cf)->n_progress;
    if (n == 0)
        return;
    snprintf(text, sizeof text,
             "%zu dump%s not wholly in the case (an `add` was stopped, or `verify` found damage): "
             "what is missing of %s is not in the answer; add %s again",
             n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them", n == 1 ? "it" : "them");
    cli_error(QUERY_PROGRAM, text);
}

int session_open(const struct cmd_options *o, struct session *s)
{
    struct err err = {0};
    *s = (struct session){.o = o, .terminal = o->screen.terminal};
    enum status st = casefile_unlock(o->dir, &o->secret, CASE_READ, CACHE_BYTES, &s->cf, &err);
    if (st != ST_OK) {
        err.status = st == ST_BAD_INPUT || st == ST_USAGE ? ST_DAMAGED : st;
        return cmd_fail(&err);
    }
    if (*casefile_notes(s->cf))
        cli_error(QUERY_PROGRAM, casefile_notes(s->cf));
    tell_unfinished(s->cf);
    st = session_log_open(s, &err);
    if (st == ST_OK)
        st = view_open(s->cf, o->tz, &s->v, &err);
    if (st == ST_OK && o->format == RENDER_HTML &&
        (st = html_open(o->output, &s->html, &err)) != ST_OK)
        view_close(&s->v);
    if (st == ST_OK && (st = confine(s, o, &err)) != ST_OK)
        view_close(&s->v);
    if (st != ST_OK) {
        html_free(s->html);
        query_log_close(s->log);
        casefile_close(s->cf);
        err.status = st;
        return cmd_fail(&err);
    }
    arena_init(&s->a, 0);
    render_init(&s->r, &s->v);
    int columns = o->screen.columns;
    s->r.format = o->format;
    s->r.colour = wants_colour(o);
    s->r.columns = columns ? columns : COLUMNS_DEFAULT;
    return EXIT_FOUND;
}

static enum status write_out(struct session *s, struct err *err)
{
    MUST(s->asked); /* what is shown was logged before */
    if (s->html)
        TRY(html_finish(s->html, &s->out, err));
    TRY(buf_status(&s->out, err));
    size_t n = s->out.len ? fwrite(s->out.data, 1, s->out.len, stdout) : 0;
    bool good = n == s->out.len && fflush(stdout) == 0;
    buf_clear(&s->out);
    if (good)
        return ST_OK;
    if (errno == EPIPE)
        return err_set(err, ST_CLOSED, "nobody reads the output any more");
    return err_errno(err, errno, "the output could not be written");
}

enum status session_flush(struct session *s, struct err *err)
{
    MUST(s->asked);
    if (s->html)
        return html_put(s->html, &s->out, s->r.records, err);
    if (!s->terminal && s->out.len < FLUSH_AT)
        return buf_status(&s->out, err);
    return write_out(s, err);
}

int session_close(struct session *s, enum status st, bool found, const struct err *err)
{
    struct err e = *err;
    int code = found ? EXIT_FOUND : EXIT_NOTHING;
    if (st == ST_OK)
        session_log_note(s);
    if (st == ST_OK)
        st = write_out(s, &e);
    if (st != ST_OK && st != ST_CLOSED) {
        e.status = st;
        code = cmd_fail(&e);
    }
    struct err log_err = {0};
    log_err.status = session_answered(s, s->query_error ? ST_BAD_INPUT : st, found, &log_err);
    if (log_err.status != ST_OK)
        code = cmd_fail(&log_err);
    query_log_close(s->log);
    html_free(s->html);
    render_release(&s->r);
    arena_release(&s->a);
    buf_release(&s->out);
    view_close(&s->v);
    casefile_close(s->cf);
    return code;
}

struct summary session_summary(const struct session *s, struct slice query)
{
    struct summary sum = {.query = query,
                          .conversations = UINT64_MAX,
                          .unfinished = casefile_manifest(s->cf)->n_progress,
                          .generation = casefile_manifest(s->cf)->generation};
    sum.log = s->log_way;
    casefile_digest(s->cf, sum.digest);
    return sum;
}

void cmd_pairs(struct buf *out, uint64_t n)
{
    char text[32];
    if (n == 0)
        return;
    cli_count_text(n, text);
    buf_put_str(out, text);
    buf_put_str(out, n == 1 ? " of the messages shown may be the same as another (`related` of it"
                            : " of the messages shown may be the same as another (`related` of "
                              "them");
    buf_put_str(out, " says which); nothing was merged.\n");
}

static enum status several(struct session *s, const struct message_ref *refs, size_t n,
                           struct err *err)
{
    for (size_t i = 0; i < n && i < CANDIDATES_SHOWN; i++) {
        struct message_view m;
        char hex[2 * KEY_SIZE + 1];
        arena_reset(&s->a);
        TRY(view_load(&s->v, &refs[i], VIEW_CONTENT, &s->a, &m, err));
        hex_encode(m.id, KEY_SIZE, hex);
        fprintf(stderr, "  %s\n", hex);
    }
    return err_set(err, ST_USAGE, "%zu messages have an id that begins so: give more of it", n);
}

enum status cmd_find_id(struct session *s, const char *hex, struct message_ref *out,
                        struct err *err)
{
    struct buf refs = {0};
    enum status st = view_find_id(&s->v, slice_str(hex), &refs, err);
    size_t n = refs.len / sizeof *out;
    if (st == ST_OK && n == 0)
        st = err_set(err, ST_NOT_FOUND, "no message has an id that begins so");
    if (st == ST_OK && n > 1) {
        struct message_ref *all = malloc(refs.len);
        st = all ? ST_OK : err_no_memory(err);
        if (st == ST_OK) {
            memcpy(all, refs.data, refs.len);
            st = several(s, all, n, err);
        }
        free(all);
    }
    if (st == ST_OK)
        memcpy(out, refs.data, sizeof *out);
    buf_release(&refs);
    return st;
}

void cmd_untested(struct buf *out, uint64_t n, const char *what)
{
    char text[32];
    if (n == 0)
        return;
    cli_count_text(n, text);
    buf_put_str(out, text);
    buf_put_str(out, n == 1 ? " message " : " messages ");
    buf_put_str(out, what);
    buf_put_str(out, " could not be tested; all else of the query matches.\n");
}
