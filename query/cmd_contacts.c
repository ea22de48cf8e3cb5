/* cmd_contacts — with whom a handle wrote: counts both ways, groups apart, first and last. */
#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/contacts.h"
#include "query/device_text.h"

#define NAME_COLUMNS 24

struct shown {
    struct session *s;
    uint64_t contacts, sent, received;
};

/* ---- rows ---- */

static void json_contact(struct shown *x, const struct contact *c, const struct nickname *names,
                         size_t n)
{
    struct buf *out = &x->s->out;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "contact");
    json_key_slice(&j, "handle", c->handle);
    json_key_uint(&j, "sent", c->sent);
    json_key_uint(&j, "received", c->received);
    json_key_uint(&j, "group_sent", c->group_sent);
    json_key_uint(&j, "group_received", c->group_received);
    json_key_uint(&j, "in_groups", c->in_groups);
    json_time(&j, "first", c->first);
    json_time(&j, "last", c->last);
    json_nicknames(&j, names, n);
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

static void json_group(struct shown *x, const struct contact_group *g)
{
    struct buf *out = &x->s->out;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "group");
    json_key_slice(&j, "group", g->group);
    json_key_uint(&j, "sent", g->sent);
    json_key_uint(&j, "others", g->others);
    json_time(&j, "first", g->first);
    json_time(&j, "last", g->last);
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

static void csv_contact(struct shown *x, const struct contact *c, const struct nickname *names,
                        size_t n)
{
    struct csv csv = {.out = &x->s->out};
    csv_str(&csv, "contact");
    csv_field(&csv, c->handle);
    csv_uint(&csv, c->sent);
    csv_uint(&csv, c->received);
    csv_uint(&csv, c->group_sent);
    csv_uint(&csv, c->group_received);
    csv_uint(&csv, c->in_groups);
    csv_time(&csv, c->first);
    csv_time(&csv, c->last);
    for (size_t i = 0; i < n; i++) {
        csv_item(&csv, names[i].nickname);
        buf_put_str(&csv.field, " (");
        buf_put_slice(&csv.field, names[i].owner);
        buf_put_u8(&csv.field, ')');
    }
    csv_end(&csv);
    csv_row_end(&csv);
}

/* `others` stands where a contact has what was received. */
static void csv_group(struct shown *x, const struct contact_group *g)
{
    struct csv csv = {.out = &x->s->out};
    csv_str(&csv, "group");
    csv_field(&csv, g->group);
    csv_uint(&csv, g->sent);
    csv_uint(&csv, g->others);
    for (int i = 0; i < 3; i++)
        csv_end(&csv);
    csv_time(&csv, g->first);
    csv_time(&csv, g->last);
    csv_end(&csv);
    csv_row_end(&csv);
}

static void text_row(struct shown *x, struct slice name, uint64_t sent, uint64_t received,
                     int64_t first, int64_t last)
{
    struct buf *out = &x->s->out;
    char a[32], b[32];
    cli_count_text(sent, a);
    cli_count_text(received, b);
    text_style(&x->s->r, out, STYLE_BOLD);
    int used = text_name(out, name, NAME_COLUMNS);
    text_style(&x->s->r, out, STYLE_NONE);
    text_pad(out, NAME_COLUMNS - used);
    buf_printf(out, " %9s %9s  ", a, b);
    if (first == TIME_NONE) {
        buf_put_str(out, "no time");
    } else {
        struct buf day = {0};
        text_time(&x->s->r, first, &day);
        buf_put(out, day.data, day.len < 10 ? day.len : 10);
        buf_clear(&day);
        buf_put_str(out, " ");
        text_time(&x->s->r, last, &day);
        buf_put(out, day.data, day.len < 10 ? day.len : 10);
        out->failed |= day.failed;
        buf_release(&day);
    }
    buf_put_u8(out, '\n');
}

static void text_more(struct shown *x, uint64_t n, const char *what)
{
    char text[32];
    if (n == 0)
        return;
    cli_count_text(n, text);
    buf_printf(&x->s->out, "    %s %s\n", text, what);
}

static void text_contact(struct shown *x, const struct contact *c, const struct nickname *names,
                         size_t n)
{
    text_row(x, c->handle, c->sent, c->received, c->first, c->last);
    text_more(x, c->group_sent, "more sent to it by name in groups");
    text_more(x, c->group_received, "more received from it by name in groups");
    text_more(x, c->in_groups, "written by it in groups in which both wrote");
    for (size_t i = 0; i < n; i++) {
        buf_put_str(&x->s->out, "    ");
        text_nickname(&names[i], NAME_COLUMNS, &x->s->out);
        buf_put_u8(&x->s->out, '\n');
    }
}

static void text_columns(struct shown *x, const char *name, const char *sent, const char *received)
{
    text_style(&x->s->r, &x->s->out, STYLE_DIM);
    buf_printf(&x->s->out, "%-*s %9s %9s  first      last\n", NAME_COLUMNS, name, sent, received);
    text_style(&x->s->r, &x->s->out, STYLE_NONE);
}

/* ---- all ---- */

static enum status put_contact(struct shown *x, const struct contact *c, struct err *err)
{
    const struct nickname *names;
    size_t n;
    TRY(view_nicknames(&x->s->v, c->handle, &names, &n, err));
    x->sent += c->sent + c->group_sent;
    x->received += c->received + c->group_received;
    if (x->s->r.format == RENDER_TEXT)
        text_contact(x, c, names, n);
    else if (x->s->r.format == RENDER_CSV)
        csv_contact(x, c, names, n);
    else
        json_contact(x, c, names, n);
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    return session_flush(x->s, err);
}

static enum status put_groups(struct shown *x, const struct contact_group *groups, size_t n,
                              struct err *err)
{
    if (x->s->r.format == RENDER_TEXT && n) {
        buf_put_u8(&x->s->out, '\n');
        text_columns(x, "group", "sent", "others");
    }
    for (size_t i = 0; i < n; i++) {
        const struct contact_group *g = &groups[i];
        if (x->s->r.format == RENDER_TEXT)
            text_row(x, g->group, g->sent, g->others, g->first, g->last);
        else if (x->s->r.format == RENDER_CSV)
            csv_group(x, g);
        else
            json_group(x, g);
        TRY(session_flush(x->s, err));
    }
    return ST_OK;
}

static enum status put_all(struct shown *x, const struct contact_graph *g, struct slice handle,
                           uint64_t *groups, struct err *err)
{
    struct contact *contacts;
    struct contact_group *all;
    size_t n, n_groups;
    TRY(contacts_list(g, &x->s->a, &contacts, &n, err));
    TRY(contacts_groups(g, &x->s->a, &all, &n_groups, err));
    x->contacts = n;
    *groups = n_groups;
    if (x->s->r.format == RENDER_TEXT && n)
        text_columns(x, "contact", "sent", "received");
    for (size_t i = 0; i < n; i++)
        TRY(put_contact(x, &contacts[i], err));
    TRY(put_groups(x, all, n_groups, err));
    if (x->s->r.format != RENDER_TEXT)
        return ST_OK;
    if (n + n_groups == 0) {
        buf_put_str(&x->s->out, "no message from or to an account of that name is in the "
                                "delivered data (`handles` lists them; of a group: `thread "
                                "--group`)\n");
        return ST_OK;
    }
    text_name(&x->s->out, handle, 0);
    buf_put_str(&x->s->out, ": ");
    text_count(n, "contact", "contacts", &x->s->out);
    buf_put_str(&x->s->out, ", ");
    text_count(n_groups, "group", "groups", &x->s->out);
    buf_printf(&x->s->out, " (days in %s)\n", zone_name(x->s->v.zone));
    return ST_OK;
}

int cmd_contacts(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    struct contact_graph g = {0};
    struct shown x = {.s = &s};
    uint64_t groups = 0;
    struct slice handle = {0};
    int code = session_open(o, &s);
    if (code)
        return code;
    if (o->n_rest)
        handle = cmd_name(slice_str(o->rest[0]));
    enum status st = session_ask(&s, handle, &err);
    if (st == ST_OK)
        st = contacts_count(&s.v, handle, &g, &err);
    bool found = g.n_edges != 0;
    if (s.r.format == RENDER_CSV)
        buf_put_str(&s.out,
                    "type,name,sent,received,group_sent,group_received,in_groups,first,last,"
                    "nicknames\r\n");
    if (st == ST_OK && s.r.format == RENDER_GRAPHML) {
        contacts_graphml(&g, &s.out);
    } else if (st == ST_OK) {
        st = put_all(&x, &g, handle, &groups, &err);
        struct summary sum = session_summary(&s, handle);
        sum.total = x.contacts;
        summary_add(&sum, "groups", groups);
        summary_add(&sum, "sent", x.sent);
        summary_add(&sum, "received", x.received);
        if (st == ST_OK && s.r.format != RENDER_TEXT)
            render_end(&s.r, &sum, false, &s.out);
    }
    s.total = o->format == RENDER_GRAPHML ? g.n_edges : x.contacts;
    code = session_close(&s, st, found, &err);
    contacts_release(&g);
    return code;
}
