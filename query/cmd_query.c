/* cmd_query — a command with a query: the frame around its answer. */
#include <stdio.h>

#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/lang.h"

enum status query_not_utf16(struct slice text, const char *name, struct err *err)
{
    bool wide = text.len >= 2 && ((text.data[0] == 0xFF && text.data[1] == 0xFE) ||
                                  (text.data[0] == 0xFE && text.data[1] == 0xFF));
    return wide ? err_set(err, ST_USAGE, "%s is in UTF-16: save it as UTF-8", name) : ST_OK;
}

/* The query: arguments joined by a blank, or standard input. */
static enum status join_query(const struct cmd_options *o, struct buf *out, struct err *err)
{
    if (o->n_rest == 1 && strcmp(o->rest[0], "-") == 0) {
        int c; /* one byte too many is read, for the parser to refuse */
        while (out->len <= LANG_TEXT_MAX && (c = getchar()) != EOF)
            buf_put_u8(out, (uint8_t)c);
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        while (out->len && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
            out->len--;
        TRY(buf_status(out, err));
        return query_not_utf16(buf_slice(out), "standard input", err);
    }
    for (int i = 0; i < o->n_rest; i++) {
        if (i)
            buf_put_u8(out, ' ');
        buf_put_str(out, o->rest[i]);
    }
    return buf_status(out, err);
}

enum status session_words(const struct session *s, struct err *err)
{
    const char *theirs = casefile_words_version(s->cf);
    if (strcmp(theirs, words_version()) == 0)
        return ST_OK;
    return err_set(err, ST_NOT_FOUND,
                   "the case was indexed with rules for words %s, this program has %s: search it "
                   "with the version that made it, or add its dumps to a new case",
                   theirs, words_version());
}

void session_query_error(struct session *s, struct slice text, const struct query_error *qe)
{
    struct buf line = {0};
    cli_error(QUERY_PROGRAM, qe->text);
    query_error_print(text, qe, &line);
    if (line.len)
        fwrite(line.data, 1, line.len, stderr);
    buf_release(&line);
    s->query_error = true;
}

static bool names_operator(struct slice w, const char *name)
{
    size_t n = strlen(name), i = 0;
    bool numbered = name[n - 1] == '/';
    if (numbered ? w.len <= n : w.len != n)
        return false;
    while (i < n && (w.data[i] | 0x20) == (name[i] | 0x20))
        i++;
    return i == n && (!numbered || (w.data[n] >= '0' && w.data[n] <= '9'));
}

/* The first word of the query that would be an operator in capitals, and that operator; NULL. */
static const struct node *small_operator(const struct node *n, const char **name)
{
    static const char *const all[] = {"AND", "OR", "NOT", "NEAR/", "PRE/", "THEN/"};
    switch (n->kind) {
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
    case NODE_NEAR:
    case NODE_THEN:
        for (size_t i = 0; i < n->list.n; i++) {
            const struct node *x = small_operator(n->list.kids[i], name);
            if (x)
                return x;
        }
        return NULL;
    case NODE_TEXT:
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (names_operator(n->written, *name = all[i]))
                return n;
        return NULL;
    default:
        return NULL;
    }
}

static enum status parse(struct session *s, struct slice text, struct query **q, struct buf *shown,
                         struct err *err)
{
    struct query_error qe = {0};
    enum status st = query_parse(text, s->v.splitter, s->v.zone, q, &qe, err);
    if (st == ST_BAD_INPUT)
        session_query_error(s, text, &qe);
    if (st != ST_OK)
        return st;
    struct buf line = {0};
    query_print(*q, shown);
    buf_put_str(&line, "query: ");
    cli_safe(&line, buf_slice(shown), false);
    buf_put_str(&line, "\n");
    const char *name;
    const struct node *small =
        (*q)->root->kind == NODE_TEXT ? NULL : small_operator((*q)->root, &name);
    if (small) {
        buf_put_str(&line, "note: `");
        cli_safe(&line, small->written, false);
        buf_printf(&line, "` is searched as a word; operators are in capitals: %s%s\n", name,
                   name[strlen(name) - 1] == '/' ? "n" : "");
    }
    st = buf_status(shown, err);
    if (st == ST_OK)
        st = buf_status(&line, err);
    if (st == ST_OK)
        fwrite(line.data, 1, line.len, stderr);
    buf_release(&line);
    return st;
}

static enum status read_query(struct session *s, struct query **q, struct buf *shown,
                              struct err *err)
{
    struct buf text = {0};
    enum status st = session_words(s, err);
    if (st == ST_OK)
        st = join_query(s->o, &text, err);
    if (st == ST_OK)
        st = session_ask(s, buf_slice(&text), err);
    if (st == ST_OK)
        st = parse(s, buf_slice(&text), q, shown, err);
    buf_release(&text);
    return st;
}

int cmd_with_query(const struct cmd_options *o, cmd_answer *answer)
{
    struct session s;
    struct err err = {0};
    struct query *q = NULL;
    struct buf shown = {0};
    bool found = false;
    int code = session_open(o, &s);
    if (code)
        return code;
    enum status st = ST_OK;
    if (o->n_rest)
        st = read_query(&s, &q, &shown, &err);
    else {
        buf_put_u8(&shown, '*');
        st = session_ask(&s, slice_str("*"), &err);
    }
    if (st == ST_OK)
        st = answer(&s, q, buf_slice(&shown), &found, &err);
    struct query_error qe;
    if (st == ST_LIMIT && q && !s.query_error && query_refusal(q, &err, &qe))
        session_query_error(&s, q->text, &qe);
    bool query_error = s.query_error;
    code = session_close(&s, query_error ? ST_CLOSED : st, found, &err);
    query_free(q);
    buf_release(&shown);
    return query_error ? EXIT_USAGE : code;
}
