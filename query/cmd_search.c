/* cmd_search — the hits of a query, newest first, and what could not be tested. */
#include <stdio.h>
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/lang.h"

#define TEXT_LIMIT 20

static enum status show_hits(struct session *s, const struct search_result *r, bool *others,
                             struct err *err)
{
    for (size_t i = 0; i < r->n_hits; i++) {
        struct message_view m;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        arena_reset(&s->a);
        TRY(view_load(&s->v, &r->hits[i], VIEW_FULL, &s->a, &m, err));
        *others |= m.c.kind != DOC_MESSAGE;
        if (s->r.format == RENDER_TEXT)
            TRY(text_hit(&s->r, &m, &s->out, err));
        else
            render_record(&s->r, &m, false, NULL, &s->out);
        TRY(session_flush(s, err));
    }
    return ST_OK;
}

/* Ids of the hits that will be shown must differ in the digits shown. */
static enum status choose_digits(struct session *s, const struct search_result *r, struct err *err)
{
    struct id_set ids = {0};
    enum status st = ST_OK;
    for (size_t i = 0; i < r->n_hits && st == ST_OK && i < ID_SET_EXACT; i++) {
        struct message_view m;
        arena_reset(&s->a);
        st = view_load(&s->v, &r->hits[i], VIEW_CONTENT, &s->a, &m, err);
        if (st == ST_OK)
            id_set_add(&ids, m.id);
    }
    if (r->n_hits > ID_SET_EXACT)
        ids.more = r->n_hits - ID_SET_EXACT;
    s->r.id_digits = id_set_digits(&ids);
    id_set_release(&ids);
    return st;
}

/* What the hits are: messages, unless another kind was shown among them. */
static void footer(struct session *s, const struct search_result *r, const struct summary *sum,
                   bool others)
{
    char shown[32], total[32], conversations[32], read[32];
    struct buf *out = &s->out;
    cli_count_text(sum->read, read);
    cli_count_text(r->n_hits, shown);
    cli_count_text(r->total, total);
    cli_count_text(r->conversations, conversations);
    if (r->total)
        buf_printf(out, "%s of %s %s%s in %s conversation%s%s\n", shown, total,
                   others ? "record" : "message", r->total == 1 ? "" : "s", conversations,
                   r->conversations == 1 ? "" : "s", r->n_hits < r->total ? "; --all" : "");
    else
        buf_put_str(out, "none in the delivered data\n");
    cmd_untested(out, r->sealed, "under seal");
    cmd_untested(out, r->untimed, "without a time");
    if (sum->method)
        buf_printf(out, "%s: %s stored records were read, and nothing of the index\n", sum->method,
                   read);
}

enum status cmd_show_result(struct session *s, const struct query *q, struct slice shown,
                            const struct search_result *r, const char *method, uint64_t read,
                            struct err *err)
{
    struct summary sum = session_summary(s, shown);
    sum.method = method;
    sum.read = read;
    bool others = false;
    sum.total = r->total;
    sum.conversations = r->conversations;
    sum.sealed = r->sealed;
    sum.untimed = r->untimed;
    s->r.query = q;
    if (s->r.format == RENDER_TEXT)
        TRY(choose_digits(s, r, err));
    else
        render_begin(&s->r, &sum, &s->out);
    TRY(show_hits(s, r, &others, err));
    if (s->r.format == RENDER_TEXT)
        footer(s, r, &sum, others);
    else
        render_end(&s->r, &sum, true, &s->out);
    return ST_OK;
}

uint64_t cmd_limit(const struct cmd_options *o)
{
    if (o->count)
        return 0;
    if (o->all)
        return UINT64_MAX;
    if (o->limit)
        return o->limit;
    return o->format == RENDER_TEXT ? TEXT_LIMIT : UINT64_MAX;
}

int cmd_search(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    struct query *q = NULL;
    struct search_result r = {0};
    struct buf shown = {0};
    int code = session_open(o, &s);
    if (code)
        return code;
    enum status st = session_query(&s, &q, &shown, &err);
    bool query_error = st == ST_BAD_INPUT;
    const struct search_options options = {.sort = o->sort, .limit = cmd_limit(o)};
    if (st == ST_OK)
        st = search_run(&s.v, q, &options, &r, &err);
    if (st == ST_OK && o->count)
        buf_printf(&s.out, "%llu\n", (unsigned long long)r.total);
    else if (st == ST_OK)
        st = cmd_show_result(&s, q, buf_slice(&shown), &r, NULL, 0, &err);
    bool found = r.total != 0;
    if (query_error) /* the place was shown already */
        st = ST_CLOSED;
    code = session_close(&s, st, found, &err);
    search_result_release(&r);
    query_free(q);
    buf_release(&shown);
    return query_error ? EXIT_USAGE : code;
}
