/* cmd_message — one message with every copy and where each came from. */
#include "query/cmd.h"

static enum status show(struct session *s, struct err *err)
{
    struct message_ref ref;
    struct message_view m;
    struct summary sum = session_summary(s, slice_str(s->o->rest[0]));
    sum.total = 1;
    enum status st = cmd_find_id(s, s->o->rest[0], &ref, err);
    if (st == ST_NOT_FOUND && s->r.format != RENDER_TEXT) {
        sum.total = 0;
        render_begin(&s->r, &sum, &s->out);
        render_end(&s->r, &sum, true, &s->out);
    }
    TRY(st);
    arena_reset(&s->a);
    TRY(view_load(&s->v, &ref, VIEW_FULL, &s->a, &m, err));
    if (s->r.format == RENDER_TEXT) {
        text_message(&s->r, &m, &s->out);
        return ST_OK;
    }
    render_begin(&s->r, &sum, &s->out);
    render_record(&s->r, &m, true, NULL, &s->out);
    render_end(&s->r, &sum, true, &s->out);
    return ST_OK;
}

int cmd_message(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    int code = session_open(o, &s);
    if (code)
        return code;
    enum status st = session_ask(&s, slice_str(o->rest[0]), &err);
    if (st == ST_OK)
        st = show(&s, &err);
    bool found = st != ST_NOT_FOUND;
    s.total = st == ST_OK;
    if (!found) {
        cli_error(QUERY_PROGRAM, err.text);
        st = ST_OK;
    }
    return session_close(&s, st, found, &err);
}
