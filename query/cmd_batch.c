/* cmd_batch — many queries, one a line: what search says of each. A line that is no query is told
 * of in its place and does not stop the others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/os.h"
#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/csv.h"
#include "query/lang.h"

struct batch {
    struct session s;
    const struct cmd_options *o;
    const char *name; /* of the file, for errors */
    FILE *in;
    uint64_t size, done; /* bytes of it; size 0: not known */
    struct cli_progress progress;
    struct buf text, parsed; /* of the line */
    uint64_t line;
    uint64_t queries, found, nothing, bad;
    bool comma;
};

/* What came of one line. */
struct batch_answer {
    const struct search_result *r; /* NULL: an error */
    struct search_pages *pages;    /* --hits; has found the first ones */
    const struct message_ref *first;
    size_t n_first;
    const char *error;
    const struct query_error *place; /* of the error in the line; NULL: the whole of it */
};

/* ---- lines ---- */

/* The next line without its end; what is longer than any query is cut behind the byte that makes
 * the parser refuse it. */
static enum status read_line(struct batch *b, bool *end, struct err *err)
{
    int c;
    buf_clear(&b->text);
    *end = false;
    errno = 0;
    while ((c = getc(b->in)) != EOF && c != '\n') {
        b->done++;
        if (b->text.len <= LANG_TEXT_MAX)
            buf_put_u8(&b->text, (uint8_t)c);
    }
    b->done++;
    b->line++;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    if (c == EOF && ferror(b->in))
        return err_errno(err, errno, "%s could not be read", b->name);
    if (b->text.len && b->text.data[b->text.len - 1] == '\r')
        b->text.len--;
    *end = c == EOF && b->text.len == 0;
    TRY(buf_status(&b->text, err));
    if (b->line > 1)
        return ST_OK;
    if (b->text.len >= 3 && memcmp(b->text.data, "\xEF\xBB\xBF", 3) == 0) {
        b->text.len -= 3;
        memmove(b->text.data, b->text.data + 3, b->text.len);
    }
    return query_not_utf16(buf_slice(&b->text), b->name, err);
}

static bool is_query(struct slice line)
{
    if (line.len && line.data[0] == '#')
        return false;
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t')
            return true;
    return false;
}

/* ---- one answer ---- */

static void json_answer(struct batch *b, const struct batch_answer *a, struct json_out *j)
{
    json_key_uint(j, "line", b->line);
    json_key_slice(j, "query", buf_slice(&b->text));
    if (!a->r) {
        json_key_str(j, "error", a->error);
        if (a->place) {
            json_key_uint(j, "error_from", a->place->from);
            json_key_uint(j, "error_to", a->place->to);
        }
        return;
    }
    json_key_slice(j, "parsed", buf_slice(&b->parsed));
    json_key_uint(j, "total", a->r->total);
    json_key_uint(j, "conversations", a->r->conversations);
    json_key_uint(j, "sealed", a->r->sealed);
    json_key_uint(j, "untimed", a->r->untimed);
}

static void csv_answer(struct batch *b, const struct batch_answer *a)
{
    struct csv csv = {.out = &b->s.out}, *c = &csv;
    csv_uint(c, b->line);
    csv_field(c, buf_slice(&b->text));
    if (a->r) {
        csv_field(c, buf_slice(&b->parsed));
        csv_uint(c, a->r->total);
        csv_uint(c, a->r->conversations);
        csv_uint(c, a->r->sealed);
        csv_uint(c, a->r->untimed);
    }
    for (int i = a->r ? 5 : 0; i < 5; i++)
        csv_end(c);
    csv_str(c, a->r ? "" : a->error);
    for (int i = 0; i < 2; i++)
        if (!a->r && a->place)
            csv_uint(c, i ? a->place->to : a->place->from);
        else
            csv_end(c);
    csv_row_end(c);
}

static void text_answer(struct batch *b, const struct batch_answer *a)
{
    struct buf *out = &b->s.out;
    char total[32], conversations[32], sealed[32], untimed[32];
    if (!a->r) {
        buf_printf(out, "%7llu  ", (unsigned long long)b->line);
        cli_safe(out, slice_str(a->error), false);
        buf_put_str(out, "\n");
        if (a->place)
            query_error_print(buf_slice(&b->text), a->place, out);
        return;
    }
    cli_count_text(a->r->total, total);
    cli_count_text(a->r->conversations, conversations);
    cli_count_text(a->r->sealed, sealed);
    cli_count_text(a->r->untimed, untimed);
    buf_printf(out, "%7llu %13s %13s %10s %10s  ", (unsigned long long)b->line, total,
               conversations, sealed, untimed);
    cli_safe(out, buf_slice(&b->parsed), false);
    buf_put_str(out, "\n");
}

/* The hit as search prints it, with the line of its query. */
static enum status show_hit(struct batch *b, const struct message_ref *ref, bool first,
                            struct err *err)
{
    struct message_view m;
    struct buf *out = &b->s.out;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    arena_reset(&b->s.a);
    TRY(view_load(&b->s.v, ref, VIEW_FULL, &b->s.a, &m, err));
    if (b->o->format == RENDER_CSV) {
        buf_printf(out, "\"%llu\",", (unsigned long long)b->line);
        csv_record(&m, NULL, out);
    } else if (b->o->format == RENDER_JSON) {
        buf_put_str(out, first ? "\n" : ",\n");
        json_record(&m, false, NULL, out);
    } else {
        struct buf record = {0};
        json_record(&m, false, NULL, &record);
        buf_printf(out, "{\"query\":%llu,", (unsigned long long)b->line);
        if (record.len) /* behind its brace */
            buf_put(out, record.data + 1, record.len - 1);
        buf_put_u8(out, '\n');
        out->failed |= record.failed;
        buf_release(&record);
    }
    return session_flush(&b->s, err);
}

static enum status show_hits(struct batch *b, const struct batch_answer *a, struct err *err)
{
    const struct message_ref *hits = a->first;
    for (size_t n = a->n_first, first = 1; n > 0; first = 0) {
        for (size_t i = 0; i < n; i++)
            TRY(show_hit(b, &hits[i], first && i == 0, err));
        TRY(search_pages_next(a->pages, &hits, &n, err));
    }
    return ST_OK;
}

static enum status show_answer(struct batch *b, const struct batch_answer *a, struct err *err)
{
    struct json_out j = json_out_to(&b->s.out);
    bool hits = b->o->hits && a->r;
    switch (b->o->format) {
    case RENDER_JSON:
        buf_put_str(&b->s.out, b->comma ? ",\n" : "\n");
        b->comma = true;
        json_begin_object(&j);
        json_answer(b, a, &j);
        if (hits) {
            json_key(&j, "hits");
            buf_put_u8(&b->s.out, '[');
            TRY(show_hits(b, a, err));
            buf_put_str(&b->s.out, a->n_first ? "\n]" : "]");
        }
        json_end_object(&j);
        break;
    case RENDER_JSONL:
        json_begin_object(&j);
        json_key_str(&j, "type", "result");
        json_answer(b, a, &j);
        json_end_object(&j);
        buf_put_u8(&b->s.out, '\n');
        if (hits)
            TRY(show_hits(b, a, err));
        break;
    case RENDER_CSV:
        if (hits)
            TRY(show_hits(b, a, err));
        if (!b->o->hits)
            csv_answer(b, a);
        break;
    default:
        text_answer(b, a);
    }
    return session_flush(&b->s, err);
}

/* ---- the whole ---- */

static void begin(struct batch *b)
{
    struct buf *out = &b->s.out;
    if (b->o->format == RENDER_JSON)
        buf_put_str(out, "{\"results\":[");
    else if (b->o->format == RENDER_CSV && b->o->hits) {
        buf_put_str(out, "query,");
        csv_header(false, out);
    } else if (b->o->format == RENDER_CSV)
        buf_put_str(out, "line,query,parsed,total,conversations,sealed,untimed,error,error_from,"
                         "error_to\r\n");
    else if (b->o->format == RENDER_TEXT)
        buf_put_str(out, "   line      messages conversations      under    without  query\n"
                         "                                          seal     a time\n");
}

static void summary_keys(struct batch *b, struct json_out *j)
{
    struct summary s = session_summary(&b->s, (struct slice){0});
    json_key_uint(j, "queries", b->queries);
    json_key_uint(j, "found", b->found);
    json_key_uint(j, "nothing", b->nothing);
    json_key_uint(j, "bad", b->bad);
    if (s.log)
        json_key_str(j, "log", s.log);
    json_key_str(j, "digest", s.digest);
    json_key_uint(j, "generation", s.generation);
    json_key_str(j, "version", LICTOR_VERSION);
}

static void end(struct batch *b)
{
    struct buf *out = &b->s.out;
    struct json_out j = json_out_to(out);
    char queries[32], found[32], nothing[32], bad[32];
    switch (b->o->format) {
    case RENDER_JSON:
        buf_put_str(out, b->comma ? "\n]" : "]");
        j.comma = true;
        summary_keys(b, &j);
        buf_put_str(out, "}\n");
        break;
    case RENDER_JSONL:
        json_begin_object(&j);
        json_key_str(&j, "type", "summary");
        summary_keys(b, &j);
        json_end_object(&j);
        buf_put_u8(out, '\n');
        break;
    case RENDER_TEXT:
        cli_count_text(b->queries, queries);
        cli_count_text(b->found, found);
        cli_count_text(b->nothing, nothing);
        cli_count_text(b->bad, bad);
        buf_printf(out, "%s %s: %s found something, %s nothing, %s could not be answered\n",
                   queries, b->queries == 1 ? "query" : "queries", found, nothing, bad);
        break;
    default:
        break;
    }
}

/* On stderr, too: an answer of csv hits has no place for it. */
static void tell(struct batch *b, const char *text)
{
    struct buf line = {0};
    buf_printf(&line, "%s:%llu: %s", b->name, (unsigned long long)b->line, text);
    buf_put_u8(&line, 0);
    if (!line.failed)
        cli_error(QUERY_PROGRAM, (const char *)line.data);
    buf_release(&line);
}

/* The numbers, and with --hits the first of them. */
static enum status ask(struct batch *b, const struct query *q, struct batch_answer *a,
                       struct search_result *r, struct err *err)
{
    struct search_options o = {.sort = b->o->sort, .want = SEARCH_TOTALS, .conversations = true};
    if (!b->o->hits) {
        TRY(search_run(&b->s.v, q, &o, r, err));
    } else {
        o.want = SEARCH_WHOLE;
        o.limit = b->o->limit ? b->o->limit : UINT64_MAX;
        search_pages_begin(a->pages, &b->s.v, q, &o, SEARCH_PAGE_MAX, true);
        TRY(search_pages_next(a->pages, &a->first, &a->n_first, err));
        *r = a->pages->sums;
    }
    a->r = r;
    b->found += r->total != 0;
    b->nothing += r->total == 0;
    return ST_OK;
}

/* Errors of the query are its answer; those of the case, of memory or of the user end the batch. */
static enum status answer(struct batch *b, struct err *err)
{
    struct query *q = NULL;
    struct query_error qe = {0};
    struct search_result r = {0};
    struct search_pages pages = {0};
    struct batch_answer a = {.error = qe.text, .pages = &pages};
    TRY(session_ask(&b->s, buf_slice(&b->text), err));
    enum status st = query_parse(buf_slice(&b->text), b->s.v.splitter, b->s.v.zone, &q, &qe, err);
    if (st == ST_BAD_INPUT)
        a.place = &qe;
    buf_clear(&b->parsed);
    if (st == ST_OK) {
        query_print(q, &b->parsed);
        st = buf_status(&b->parsed, err);
    }
    if (st == ST_OK)
        st = ask(b, q, &a, &r, err);
    b->queries++;
    const enum status outcome = st;
    if (st == ST_LIMIT && query_refusal(q, err, &qe))
        a.place = &qe;
    if (st == ST_BAD_INPUT || st == ST_LIMIT) {
        if (!a.place)
            a.error = err->text;
        b->bad++;
        tell(b, a.error);
        st = ST_OK;
    }
    if (st == ST_OK)
        st = show_answer(b, &a, err);
    b->s.total = r.total;
    if (st == ST_OK)
        st = session_answered(&b->s, outcome, r.total != 0, err);
    search_pages_release(&pages);
    query_free(q);
    return st;
}

static enum status run(struct batch *b, struct err *err)
{
    TRY(session_words(&b->s, err));
    begin(b);
    b->s.asked = true; /* its lines are, one by one */
    for (bool last = false;;) {
        TRY(read_line(b, &last, err));
        if (last)
            break;
        if (is_query(buf_slice(&b->text)))
            TRY(answer(b, err));
        cli_progress_step(&b->progress, b->done, b->size, b->queries);
    }
    end(b);
    return ST_OK;
}

static int open_input(struct batch *b)
{
    b->name = b->o->rest[0];
    b->in = stdin;
    if (strcmp(b->name, "-") == 0) {
        b->name = "standard input";
        return EXIT_FOUND;
    }
    struct err err = {0};
    b->in = fopen(b->name, "rbe");
    if (!b->in) {
        err_errno(&err, errno, "%s", b->name);
        cmd_fail(&err);
        return EXIT_USAGE;
    }
    if (os_size(fileno(b->in), &b->size, NULL) != ST_OK)
        b->size = 0;
    return EXIT_FOUND;
}

int cmd_batch(const struct cmd_options *o)
{
    struct batch b = {.o = o};
    struct err err = {0};
    int code = open_input(&b);
    if (code == EXIT_FOUND)
        code = session_open(o, &b.s);
    if (code == EXIT_FOUND) {
        /* A table that grows on the same terminal is progress enough. */
        cli_progress_begin(&b.progress, b.s.terminal ? CLI_PROGRESS_NONE : o->progress,
                           "answering");
        enum status st = run(&b, &err);
        cli_progress_end(&b.progress);
        code = session_close(&b.s, st, b.found != 0, &err);
        if (b.bad && (code == EXIT_FOUND || code == EXIT_NOTHING))
            code = EXIT_USAGE;
    }
    if (b.in && b.in != stdin)
        (void)fclose(b.in);
    buf_release(&b.text);
    buf_release(&b.parsed);
    return code;
}
