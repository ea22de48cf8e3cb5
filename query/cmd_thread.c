/* cmd_thread — a conversation as it happened, with what is missing in it. What has been read is
 * printed, so a long one starts at once. Where several services have the same set or group, each is
 * shown in turn: handles of different services are different people. */
#include <stdio.h>
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/clock_text.h"
#include "query/cmd.h"
#include "query/html.h"
#include "query/lang.h"
#include "query/members_text.h"
#include "query/survey.h"
#include "query/talks.h"
#include "query/thread_answers.h"
#include "query/thread_day.h"
#include "query/thread_shown.h"

#define HANDLES_MAX 1000
#define CONTEXT_DEFAULT 10
#define CANDIDATES_SHOWN 10
#define MEETINGS_SHOWN 20

/* What a whole run of the command has shown. */
struct shown {
    const char *stamps; /* --correct-clocks: whose clock, of the last conversation */
    uint64_t members, named, lists, untimed; /* --members: of their records */
    struct thread_answers *answers;          /* --disentangle: of the conversation at hand */
    struct thread_day day;                   /* --day */
    struct thread_shown n;
};

/* ---- what was asked for ---- */

/* "A,B": a comma inside a handle is written `\,`. */
static enum status split_handles(const char *p, struct arena *a, struct slice *handles, size_t *n,
                                 struct err *err)
{
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
        if (len == 0)
            return err_set(err, ST_USAGE, "--with: a handle is empty");
        handles[(*n)++] = cmd_name(slice_of(name, len));
        if (!*p++)
            return ST_OK;
    }
}

static enum status pick_key(struct session *s, struct buf *keys, struct err *err)
{
    TRY(thread_pick_key(&s->v, slice_str(s->o->conv), keys, err));
    size_t n = keys->len / KEY_SIZE;
    if (n < 2)
        return ST_OK;
    for (size_t i = 0; i < n && i < CANDIDATES_SHOWN; i++) {
        char hex[2 * KEY_SIZE + 1];
        hex_encode(keys->data + i * KEY_SIZE, KEY_SIZE, hex);
        fprintf(stderr, "  %s\n", hex);
    }
    return err_set(err, ST_USAGE, "%zu conversations have a key that begins so: give more of it",
                   n);
}

/* `hit`: with --around. */
static enum status pick(struct session *s, const struct message_ref *hit, struct buf *keys,
                        struct err *err)
{
    const struct cmd_options *o = s->o;
    struct slice handles[HANDLES_MAX];
    size_t n = 0;
    if (o->conv)
        return pick_key(s, keys, err);
    if (o->around) {
        uint8_t key[KEY_SIZE];
        TRY(view_conversation_key(&s->v, hit->segment, hit->doc, key, NULL, err));
        buf_put(keys, key, sizeof key);
        return buf_status(keys, err);
    }
    if (o->group)
        return thread_pick_group(&s->v, cmd_name(slice_str(o->group)), keys, err);
    for (int i = 0; i < o->n_with; i++)
        TRY(split_handles(o->with[i], &s->r.names, handles, &n, err));
    return thread_pick_set(&s->v, handles, n, keys, err);
}

static enum status limits_of(struct session *s, struct thread_limits *l, struct err *err)
{
    int64_t to;
    const char *why = NULL;
    *l = (struct thread_limits){
        .after = INT64_MIN, .before = INT64_MAX, .timed_only = s->o->after || s->o->before};
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

/* The question as one line, for the summary. */
static void question(const struct cmd_options *o, struct buf *out)
{
    const char *one = o->conv ? o->conv : o->group ? o->group : o->around;
    buf_put_str(out, o->conv ? "conv:" : o->group ? "group:" : o->around ? "around:" : "with:");
    if (one)
        buf_put_str(out, one);
    for (int i = 0; i < o->n_with; i++) {
        buf_put_str(out, i ? "," : "");
        buf_put_str(out, o->with[i]);
    }
    if (o->day)
        buf_printf(out, " day:%s", o->day);
    if (o->context_given)
        buf_printf(out, " context:%llu", (unsigned long long)o->context);
    if (o->after)
        buf_printf(out, " after:%s", o->after);
    if (o->before)
        buf_printf(out, " before:%s", o->before);
    if (o->members)
        buf_printf(out, " members:%s", o->members);
    if (o->correct_clocks)
        buf_put_str(out, " correct-clocks");
    if (o->talks)
        buf_put_str(out, " talks");
    if (o->disentangle)
        buf_put_str(out, " disentangle");
}

/* ---- showing ---- */

static enum status put_item(struct session *s, const struct thread_item *it, struct shown *sh,
                            struct err *err)
{
    const struct message_view *m = it->m;
    bool text = s->r.format == RENDER_TEXT;
    struct message_view answering;
    thread_shown_add(&sh->n, it);
    if (it->is_gap) {
        if (text)
            text_thread_gap(&s->r, &it->gap, &s->out);
        else
            render_gap(&s->r, &it->gap, &s->out);
        return session_flush(s, err);
    }
    if (sh->answers && m->c.kind == DOC_MESSAGE) {
        answering = *m;
        TRY(thread_answers_next(sh->answers, m, &answering.answer, err));
        m = &answering;
    }
    if (text)
        TRY(text_thread_record(&s->r, m, &s->out, err));
    else
        render_record(&s->r, m, false, thread_order_name(it->order), &s->out);
    return session_flush(s, err);
}

/* Who is in the group when what is shown ends, or at the record that it is shown around. */
static enum status head_members(struct session *s, const struct thread *t, int64_t at,
                                const struct conversation *c, struct buf *out, struct err *err)
{
    struct group_members members;
    if (c->kind != CONV_GROUP)
        return ST_OK;
    if (at == TIME_NONE)
        at = t->before == INT64_MAX ? INT64_MAX : t->before - 1;
    TRY(members_at(&s->v, t->key, at, false, &members, err));
    text_members_head(&s->r, &members, at, out);
    members_release(&members);
    return ST_OK;
}

static enum status head_html(struct session *s, struct thread *t, const struct conversation *c,
                             const struct survey *survey, const struct thread_clocks *clocks,
                             int64_t at, struct err *err)
{
    struct buf words = {0};
    enum status st = survey_head(&s->r, t->key, c, survey, &words, err);
    if (st == ST_OK)
        st = head_members(s, t, at, c, &words, err);
    text_clocks_head(&s->r, clocks, &words);
    if (st == ST_OK)
        st = html_title(s->html, buf_slice(&words), err);
    buf_release(&words);
    return st;
}

/* `at`: time of the record that it is shown around; TIME_NONE: of none. */
static enum status put_head(struct session *s, struct thread *t, struct conversation *c,
                            const struct thread_clocks *clocks, int64_t at, struct shown *sh,
                            struct err *err)
{
    struct survey survey = {0};
    s->r.n_known = 0;
    arena_reset(&s->a);
    TRY(thread_conversation(&s->v, t->key, &s->a, c, err));
    if (s->r.format != RENDER_TEXT && s->r.format != RENDER_HTML) {
        render_clocks(&s->r, t->key, clocks, &s->out);
        return ST_OK;
    }
    TRY(survey_thread(t, &s->a, &survey, err));
    s->r.id_digits = survey.id_digits;
    s->r.known = survey.known;
    s->r.n_known = survey.n_known;
    s->r.speaker_columns = survey.speaker_columns;
    s->r.day_shown = false;
    if (s->html)
        return head_html(s, t, c, &survey, clocks, at, err);
    if (sh->n.conversations > 1)
        buf_put_u8(&s->out, '\n');
    TRY(survey_head(&s->r, t->key, c, &survey, &s->out, err));
    TRY(head_members(s, t, at, c, &s->out, err));
    text_clocks_head(&s->r, clocks, &s->out);
    return ST_OK;
}

/* Groups and larger conversations that the members share. */
static enum status put_also(struct session *s, const struct conversation *c, struct err *err)
{
    struct thread_meeting *all;
    size_t n;
    if (c->kind != CONV_SET || s->o->n_with == 0 || s->r.format != RENDER_TEXT)
        return ST_OK;
    TRY(thread_also(&s->v, c, &s->a, &all, &n, err));
    if (n == 0)
        return ST_OK;
    buf_printf(&s->out, "\nThey also meet in %zu other conversation%s:\n", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n && i < MEETINGS_SHOWN; i++) {
        char hex[2 * KEY_SIZE + 1];
        hex_encode(all[i].key, KEY_SIZE, hex);
        buf_printf(&s->out, "  %.16s  ", hex);
        survey_names(&all[i].c, &s->out);
        buf_put_u8(&s->out, '\n');
    }
    if (n > MEETINGS_SHOWN)
        buf_printf(&s->out, "  and %zu more\n", n - MEETINGS_SHOWN);
    return ST_OK;
}

/* The list of its talks instead of the conversation. */
static enum status talks(struct session *s, struct thread *t, struct shown *sh, struct err *err)
{
    struct talk_walk w = {.now = {.from = TIME_NONE, .to = TIME_NONE}};
    struct talk one;
    struct thread_item it;
    struct buf words = {0};
    bool done = false;
    enum status st = talks_learn(t, &w.pause_ms, err);
    if (st == ST_OK && s->r.format == RENDER_TEXT)
        buf_printf(&s->out, "\nTalks, divided by pauses of %.1f minutes and more:\n\n",
                   (double)w.pause_ms / 60000);
    while (st == ST_OK) {
        st = thread_next(t, &it, err);
        bool end = st == ST_END;
        if (st != ST_OK && !end)
            break;
        if (!end && (it.is_gap || it.m->c.kind != DOC_MESSAGE))
            continue;
        sh->n.messages += !end;
        enum status added = talk_walk_add(&w, end ? NULL : it.m, &one, &words, &done, err);
        if (added == ST_OK && done)
            render_talk(&s->r, &one, &s->out);
        sh->n.talks += done;
        st = added == ST_OK ? (end ? ST_END : session_flush(s, err)) : added;
    }
    buf_release(&words);
    buf_release(&w.words);
    return st;
}

static void put_counted(struct session *s, const struct shown *sh, struct buf *out)
{
    thread_shown_words(&sh->n, out);
    if (s->o->disentangle)
        buf_put_str(out, ". Which message answers which is proposed by a model, not evidence");
    if (!s->o->talks)
        buf_put_str(out, s->o->correct_clocks
                             ? ". Order: by corrected clocks, as far as they are known"
                             : ". Order: as stamped, but where a line says otherwise");
    buf_put_str(out, ". Times: ");
    buf_put_str(out, zone_name(s->v.zone));
    bool whole = !s->o->after && !s->o->before && !s->o->around && !s->o->talks && !s->o->day;
    buf_put_str(out, whole ? ". What is not shown is not in the delivered data." : ".");
    if (s->o->day) {
        buf_put_u8(out, ' ');
        thread_day_words(&sh->day, s->v.zone, out);
    }
}

/* ---- the two ways through a conversation ---- */

/* The clocks of who holds the conversation, if they are to be corrected. */
static enum status clocks_open(struct session *s, const uint8_t key[KEY_SIZE],
                               struct thread_clocks *clocks, struct thread_limits *limits,
                               struct shown *sh, struct err *err)
{
    if (!s->o->correct_clocks)
        return ST_OK;
    TRY(thread_clocks_open(&s->v, key, clocks, err));
    limits->clocks = &clocks->clocks;
    sh->stamps = clock_stamps_name(clocks->clocks.stamps);
    return ST_OK;
}

static enum status whole(struct session *s, const uint8_t key[KEY_SIZE],
                         const struct thread_limits *given, struct shown *sh, struct err *err)
{
    struct thread t = {0};
    struct thread_item it;
    struct thread_limits limits = *given;
    struct thread_clocks clocks = {0};
    struct conversation c = {0};
    TRY(clocks_open(s, key, &clocks, &limits, sh, err));
    enum status st = thread_open(&s->v, key, &limits, &t, err);
    sh->n.conversations += st == ST_OK;
    if (st == ST_OK && s->o->day)
        st = thread_day_note(&sh->day, &t, err);
    if (st == ST_OK)
        st = put_head(s, &t, &c, &clocks, TIME_NONE, sh, err);
    if (st == ST_OK && !s->html)
        st = session_flush(s, err); /* what follows may take a moment to begin */
    if (st == ST_OK && s->o->talks)
        st = talks(s, &t, sh, err);
    if (st == ST_OK && s->o->disentangle)
        st = thread_answers_new(&sh->answers, err);
    while (st == ST_OK && (st = thread_next(&t, &it, err)) == ST_OK)
        st = put_item(s, &it, sh, err);
    sh->n.unplaced += t.unplaced;
    thread_answers_free(sh->answers);
    sh->answers = NULL;
    thread_close(&t);
    thread_clocks_close(&clocks);
    return st == ST_END ? put_also(s, &c, err) : st;
}

static enum status around(struct session *s, const struct message_ref *target,
                          const struct thread_limits *given, struct shown *sh, struct err *err)
{
    struct thread t;
    struct thread_around a = {0};
    struct thread_item it;
    struct thread_limits limits = *given;
    struct thread_clocks clocks = {0};
    struct conversation c;
    uint8_t key[KEY_SIZE];
    uint64_t n = s->o->context_given ? s->o->context : CONTEXT_DEFAULT;
    TRY(view_conversation_key(&s->v, target->segment, target->doc, key, NULL, err));
    TRY(clocks_open(s, key, &clocks, &limits, sh, err));
    enum status st = thread_around_open(&s->v, target, n, &limits, &t, &a, err);
    bool open = st == ST_OK;
    sh->n.conversations += open;
    if (st == ST_OK)
        st = put_head(s, &t, &c, &clocks, target->sent, sh, err);
    while (st == ST_OK && (st = thread_around_next(&a, &it, err)) == ST_OK)
        st = put_item(s, &it, sh, err);
    if (open)
        sh->n.unplaced += limits.timed_only ? t.unplaced : 0;
    thread_around_close(&a);
    thread_clocks_close(&clocks);
    return st == ST_END ? ST_OK : st;
}

/* --members: who is in the group, instead of what is said in it. */
static enum status members(struct session *s, const uint8_t key[KEY_SIZE], struct shown *sh,
                           struct err *err)
{
    struct group_members g;
    struct conversation c;
    int64_t at = INT64_MAX, to;
    const char *why = strcmp(s->o->members, "end") == 0
                          ? NULL
                          : parse_time(slice_str(s->o->members), s->v.zone, &at, &to);
    if (why)
        return err_set(err, ST_USAGE, "--members %s: %s (or: end)", s->o->members, why);
    arena_reset(&s->a);
    TRY(thread_conversation(&s->v, key, &s->a, &c, err));
    if (c.kind != CONV_GROUP)
        return err_set(err, ST_USAGE,
                       "--members: only a group has members that change; this conversation is "
                       "between those that it is named by");
    TRY(members_at(&s->v, key, at, true, &g, err));
    if (s->r.format == RENDER_TEXT) {
        survey_names(&c, &s->out);
        buf_put_u8(&s->out, '\n');
    }
    render_members(&s->r, key, &g, at, &s->out);
    sh->n.conversations++;
    sh->members += g.in;
    sh->named += g.n;
    sh->lists += g.lists;
    sh->untimed += g.untimed;
    members_release(&g);
    return session_flush(s, err);
}

static enum status run(struct session *s, struct shown *sh, struct err *err)
{
    const struct cmd_options *o = s->o;
    struct thread_limits limits;
    struct message_ref hit;
    struct buf keys = {0};
    TRY(limits_of(s, &limits, err));
    if (o->around)
        TRY(cmd_find_id(s, o->around, &hit, err));
    if (o->around && !o->day)
        return around(s, &hit, &limits, sh, err);
    enum status st = pick(s, &hit, &keys, err);
    if (st == ST_OK && o->day)
        st = thread_day_pick(&s->v, o->day, &keys, o->around ? &hit : NULL, &limits, &sh->day, err);
    for (size_t i = 0; st == ST_OK && i + KEY_SIZE <= keys.len; i += KEY_SIZE)
        st = o->members ? members(s, keys.data + i, sh, err)
                        : whole(s, keys.data + i, &limits, sh, err);
    buf_release(&keys);
    return st;
}

static void finish(struct session *s, const struct shown *sh, bool found, const char *why)
{
    struct buf asked = {0}, counted = {0};
    if (s->r.format == RENDER_TEXT && found && s->o->members) {
        buf_put_str(&s->out, "\nTimes: ");
        buf_put_str(&s->out, zone_name(s->v.zone));
        buf_put_str(&s->out, ". Who is not named here is not in the delivered data.\n");
    } else if (s->r.format == RENDER_TEXT && found) {
        buf_put_u8(&s->out, '\n');
        put_counted(s, sh, &s->out);
        buf_put_u8(&s->out, '\n');
    } else if (s->r.format == RENDER_TEXT) {
        buf_put_str(&s->out, *why ? why : "none in the delivered data");
        if (!*why && s->o->day) {
            buf_put_str(&s->out, " on that day. ");
            thread_day_words(&sh->day, s->v.zone, &s->out);
        }
        buf_put_u8(&s->out, '\n');
    } else {
        if (!s->o->members)
            put_counted(s, sh, &counted);
        question(s->o, &asked);
        struct summary sum = session_summary(s, buf_slice(&asked));
        sum.stamps = sh->stamps;
        sum.total = sh->n.messages;
        sum.conversations = sh->n.conversations;
        sum.untimed = sh->n.unplaced;
        sum.pairs = sh->n.pairs;
        sum.counted = buf_slice(&counted);
        if (s->o->members) {
            sum.total = sh->members;
            summary_add(&sum, "member_lists", sh->lists);
            summary_add(&sum, "untimed_changes", sh->untimed);
        } else {
            thread_shown_summary(&sh->n, &sum);
        }
        if (s->o->day)
            thread_day_summary(&sh->day, s->v.zone, &sum);
        render_end(&s->r, &sum, false, &s->out);
        s->out.failed |= asked.failed || counted.failed;
    }
    buf_release(&counted);
    buf_release(&asked);
}

static enum status ask(struct session *s, struct err *err)
{
    struct buf asked = {0};
    question(s->o, &asked);
    enum status st = buf_status(&asked, err);
    if (st == ST_OK)
        st = session_ask(s, buf_slice(&asked), err);
    buf_release(&asked);
    return st;
}

int cmd_thread(const struct cmd_options *o)
{
    struct session s;
    struct shown sh = {.day = {.before = TIME_NONE, .behind = TIME_NONE}};
    struct err err = {0};
    int code = session_open(o, &s);
    if (code)
        return code;
    enum status st = ask(&s, &err);
    if (o->talks && o->format == RENDER_CSV)
        csv_talk_header(&s.out);
    else if (o->members && o->format == RENDER_CSV)
        csv_members_header(&s.out);
    else
        render_begin(&s.r, NULL, &s.out);
    if (st == ST_OK)
        st = run(&s, &sh, &err);
    s.total = o->members ? sh.members : sh.n.messages;
    bool found = sh.n.messages + sh.n.others + sh.named != 0;
    bool unknown = st == ST_NOT_FOUND;
    if (unknown)
        st = ST_OK;
    if (st == ST_OK)
        finish(&s, &sh, found, unknown ? err.text : "");
    return session_close(&s, st, found, &err);
}
