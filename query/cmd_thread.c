/* cmd_thread — a conversation as it happened, with what is missing in it. Streams: what has been
 * read is printed. Where several services have the same set or group, each is shown in turn. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/lang.h"

#define HANDLES_MAX 1000
#define CONTEXT_DEFAULT 10

/* What a whole run of the command has shown. */
struct shown {
    uint64_t messages, others, gaps, missing, conflicts, one_sided;
};

/* "A,B" of every --with; a handle with a comma needs a --with of its own and `\,`. */
static enum status split_handles(const struct cmd_options *o, struct arena *a,
                                 struct slice *handles, size_t *n, struct err *err)
{
    *n = 0;
    for (int i = 0; i < o->n_with; i++) {
        const char *p = o->with[i];
        for (;;) {
            uint8_t *name = arena_alloc(a, strlen(p) + 1);
            size_t len = 0;
            if (!name)
                return err_no_memory(err);
            for (; *p && *p != ','; p++) {
                if (p[0] == '\\' && p[1] == ',')
                    p++;
                name[len++] = (uint8_t)*p;
            }
            if (*n == HANDLES_MAX)
                return err_set(err, ST_USAGE, "--with: more than %d handles", HANDLES_MAX);
            handles[(*n)++] = slice_of(name, len);
            if (!*p++)
                break;
        }
    }
    return ST_OK;
}

static enum status pick(struct session *s, struct buf *keys, struct err *err)
{
    const struct cmd_options *o = s->o;
    if (o->conv) {
        enum status st = thread_pick_key(&s->v, slice_str(o->conv), keys, err);
        if (st == ST_OK && keys->len > KEY_SIZE)
            return err_set(err, ST_USAGE, "%zu conversations begin so: give more of the key",
                           keys->len / KEY_SIZE);
        return st;
    }
    if (o->group)
        return thread_pick_group(&s->v, slice_str(o->group), keys, err);
    struct slice handles[HANDLES_MAX];
    size_t n;
    TRY(split_handles(o, &s->r.names, handles, &n, err));
    return thread_pick_set(&s->v, handles, n, keys, err);
}

static enum status limits_of(struct session *s, struct thread_limits *l, struct err *err)
{
    int64_t to;
    const char *why = NULL;
    *l = (struct thread_limits){INT64_MIN, INT64_MAX};
    if (s->o->after)
        why = parse_time(slice_str(s->o->after), s->v.zone, &l->after, &to);
    if (why)
        return err_set(err, ST_USAGE, "--after %s: %s", s->o->after, why);
    if (s->o->before)
        why = parse_time(slice_str(s->o->before), s->v.zone, &l->before, &to);
    if (why)
        return err_set(err, ST_USAGE, "--before %s: %s", s->o->before, why);
    return ST_OK;
}

/* ---- showing ---- */

static void put_names(struct session *s, const struct conversation *c)
{
    struct buf *out = &s->out;
    if (c->kind == CONV_GROUP) {
        buf_put_str(out, "group ");
        text_name(out, c->name, 60);
    } else if (c->kind == CONV_SOURCE) {
        buf_put_str(out, "records without a conversation, from ");
        text_name(out, c->name, 60);
    }
    for (size_t i = 0; i < c->n_set && i < 20; i++) {
        buf_put_str(out, i ? ", " : "");
        text_name(out, c->set[i], 40);
    }
    if (c->n_set > 20)
        buf_printf(out, " and %zu more", c->n_set - 20);
}

static enum status put_header(struct session *s, const uint8_t key[KEY_SIZE],
                              struct conversation *c, struct err *err)
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(key, KEY_SIZE, hex);
    text_style(&s->r, &s->out, STYLE_BOLD);
    put_names(s, c);
    text_style(&s->r, &s->out, STYLE_NONE);
    if (c->service.data) {
        buf_put_str(&s->out, ", service ");
        text_name(&s->out, c->service, 40);
    }
    buf_printf(&s->out, "  (conversation %.16s)\n", hex);
    s->r.speaker_columns = 8;
    for (size_t i = 0; i < c->n_set && i < 20; i++) {
        const struct nickname *nick;
        size_t n;
        int width = cli_width(c->set[i].len > 64 ? slice_of(c->set[i].data, 64) : c->set[i]);
        if (width > s->r.speaker_columns)
            s->r.speaker_columns = width;
        TRY(view_nicknames(&s->v, c->set[i], &nick, &n, err));
        for (size_t k = 0; k < n && k < 5; k++) {
            buf_put_str(&s->out, "  ");
            text_name(&s->out, c->set[i], 40);
            buf_put_str(&s->out, " is “");
            text_name(&s->out, nick[k].nickname, 60);
            buf_put_str(&s->out, "” in the address book of ");
            text_name(&s->out, nick[k].owner, 40);
            buf_put_u8(&s->out, '\n');
        }
    }
    return ST_OK;
}

static enum status put_item(struct session *s, const struct thread_item *it, struct shown *sh,
                            struct err *err)
{
    if (it->is_gap) {
        sh->gaps++;
        sh->missing += it->gap.missing;
        if (s->r.format == RENDER_TEXT)
            text_thread_gap(&s->r, &it->gap, &s->out);
        else
            render_gap(&s->r, &it->gap, &s->out);
        return session_flush(s, err);
    }
    const struct message_view *m = it->m;
    sh->messages += m->c.kind == DOC_MESSAGE;
    sh->others += m->c.kind != DOC_MESSAGE;
    sh->conflicts += (m->flags & DOC_CONFLICT) != 0;
    sh->one_sided += (m->flags & DOC_ONE_SIDED) != 0;
    if (s->r.format == RENDER_TEXT)
        TRY(text_thread_record(&s->r, m, &s->out, err));
    else
        render_record(&s->r, m, false, thread_order_name(it->order), &s->out);
    return session_flush(s, err);
}

static enum status put_also(struct session *s, const struct conversation *c, struct err *err)
{
    struct thread_meeting *all;
    size_t n;
    if (c->kind != CONV_SET)
        return ST_OK;
    TRY(thread_also(&s->v, c, &s->a, &all, &n, err));
    if (n == 0)
        return ST_OK;
    buf_printf(&s->out, "They also meet in %zu other conversation%s:", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n && i < 10; i++) {
        buf_put_str(&s->out, i ? "; " : " ");
        put_names(s, &all[i].c);
    }
    buf_put_str(&s->out, n > 10 ? "; …\n" : "\n");
    return ST_OK;
}

static void put_footer(struct session *s, const struct shown *sh)
{
    char n[32], missing[32];
    struct buf *out = &s->out;
    cli_count_text(sh->messages, n);
    cli_count_text(sh->missing, missing);
    buf_printf(out, "\n%s message%s shown", n, sh->messages == 1 ? "" : "s");
    if (sh->others)
        buf_printf(out, ", %llu other records", (unsigned long long)sh->others);
    if (sh->conflicts)
        buf_printf(out, ", %llu contradicted", (unsigned long long)sh->conflicts);
    if (sh->one_sided)
        buf_printf(out, ", %llu from one side only", (unsigned long long)sh->one_sided);
    if (sh->gaps)
        buf_printf(out, ", %s records missing in %llu places", missing,
                   (unsigned long long)sh->gaps);
    buf_printf(out, "; times in %s. What is not shown is not in the delivered data.\n",
               zone_name(s->v.zone));
}

/* ---- the two ways through a conversation ---- */

static enum status whole(struct session *s, const uint8_t key[KEY_SIZE], struct shown *sh,
                         struct err *err)
{
    struct thread t;
    struct thread_item it;
    struct thread_limits limits;
    struct conversation c;
    TRY(limits_of(s, &limits, err));
    arena_reset(&s->a);
    TRY(thread_conversation(&s->v, key, &s->a, &c, err));
    if (s->r.format == RENDER_TEXT)
        TRY(put_header(s, key, &c, err));
    TRY(thread_open(&s->v, key, &limits, &t, err));
    enum status st;
    while ((st = thread_next(&t, &it, err)) == ST_OK) {
        st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted") : put_item(s, &it, sh, err);
        if (st != ST_OK)
            break;
    }
    thread_close(&t);
    if (st == ST_END && s->r.format == RENDER_TEXT)
        return put_also(s, &c, err);
    return st == ST_END ? ST_OK : st;
}

static enum status around(struct session *s, struct shown *sh, struct err *err)
{
    struct message_ref target;
    struct message_view m;
    struct thread t;
    struct thread_around a;
    struct thread_item it;
    struct thread_limits limits;
    uint64_t n = s->o->context_given ? s->o->context : CONTEXT_DEFAULT;
    TRY(limits_of(s, &limits, err));
    TRY(cmd_find_id(s, s->o->around, &target, err));
    arena_reset(&s->a);
    TRY(view_load(&s->v, &target, VIEW_CONTENT, &s->a, &m, err));
    if (s->r.format == RENDER_TEXT)
        TRY(put_header(s, m.conversation_key, &m.c.conv, err));
    TRY(thread_around_open(&s->v, &target, n, &limits, &t, &a, err));
    enum status st;
    while ((st = thread_around_next(&a, &it, err)) == ST_OK) {
        st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted") : put_item(s, &it, sh, err);
        if (st != ST_OK)
            break;
    }
    thread_around_close(&a);
    return st == ST_END ? ST_OK : st;
}

static enum status run(struct session *s, struct shown *sh, struct err *err)
{
    struct buf keys = {0};
    enum status st;
    if (s->o->around)
        return around(s, sh, err);
    st = pick(s, &keys, err);
    for (size_t i = 0; st == ST_OK && i + KEY_SIZE <= keys.len; i += KEY_SIZE)
        st = whole(s, keys.data + i, sh, err);
    buf_release(&keys);
    return st;
}

int cmd_thread(const struct cmd_options *o)
{
    struct session s;
    struct shown sh = {0};
    struct err err = {0};
    int code = session_open(o, &s);
    if (code)
        return code;
    const char *asked = o->around  ? o->around
                        : o->conv  ? o->conv
                        : o->group ? o->group
                                   : o->with[0];
    struct summary sum = session_summary(&s, slice_str(asked));
    s.r.id_digits = 12;
    render_begin(&s.r, NULL, &s.out);
    enum status st = run(&s, &sh, &err);
    if (st == ST_NOT_FOUND) {
        cli_error(QUERY_PROGRAM, err.text);
        st = ST_OK;
    }
    sum.total = sh.messages;
    bool found = sh.messages + sh.others != 0;
    if (st == ST_OK && s.r.format != RENDER_TEXT)
        render_end(&s.r, &sum, false, &s.out);
    else if (st == ST_OK && found)
        put_footer(&s, &sh);
    else if (st == ST_OK)
        buf_put_str(&s.out, "no record of this conversation is in the delivered data\n");
    return session_close(&s, st, found, &err);
}
