/* cmd_handles — the accounts of the case, or those that a pattern names. */
#include "lictor/thread.h"
#include "query/cmd.h"

static enum status walk(struct session *s, struct slice pattern, uint64_t *n, struct err *err)
{
    struct handle_walk *w;
    struct handle_row row;
    TRY(handle_walk_open(&s->v, pattern, &w, err));
    enum status st;
    while ((st = handle_walk_next(w, &row, err)) == ST_OK) {
        ++*n;
        if (s->r.format == RENDER_TEXT)
            text_handle(&s->r, &row, &s->out);
        else
            render_handle(&s->r, &row, &s->out);
        st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted") : session_flush(s, err);
        if (st != ST_OK)
            break;
    }
    handle_walk_close(w);
    return st == ST_END ? ST_OK : st;
}

int cmd_handles(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    uint64_t n = 0;
    int code = session_open(o, &s);
    if (code)
        return code;
    struct slice pattern = cmd_name(slice_str(o->n_rest ? o->rest[0] : ""));
    if (s.r.format == RENDER_CSV)
        csv_header(true, &s.out);
    enum status st = session_ask(&s, pattern, &err);
    if (st == ST_OK)
        st = walk(&s, pattern, &n, &err);
    s.total = n;
    struct summary sum = session_summary(&s, pattern);
    sum.total = n;
    if (st == ST_OK && s.r.format == RENDER_TEXT && n == 0)
        buf_put_str(&s.out, "none in the delivered data\n");
    else if (st == ST_OK && s.r.format == RENDER_TEXT)
        buf_printf(&s.out, "%llu account%s\n", (unsigned long long)n, n == 1 ? "" : "s");
    else if (st == ST_OK)
        render_end(&s.r, &sum, false, &s.out);
    return session_close(&s, st, n != 0, &err);
}
