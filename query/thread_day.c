/* thread_day — the first and the last day are found without reading the conversation: limits that
 * leave everything out have the nearest record outside them. */
#include "query/thread_day.h"

#include "query/lang.h"

static void nearer(struct thread_day *d, int64_t before, int64_t behind)
{
    if (before != TIME_NONE && (d->before == TIME_NONE || before > d->before))
        d->before = before;
    if (behind != TIME_NONE && (d->behind == TIME_NONE || behind < d->behind))
        d->behind = behind;
}

enum status thread_day_note(struct thread_day *d, struct thread *t, struct err *err)
{
    int64_t before, behind;
    TRY(thread_outside(t, &before, &behind, err));
    nearer(d, before, behind);
    return ST_OK;
}

/* The last (or first) record with a time of all the conversations. */
static enum status end_of(struct view *v, const struct buf *keys, bool last, int64_t *sent,
                          struct err *err)
{
    int64_t all = last ? INT64_MAX : INT64_MIN;
    const struct thread_limits none = {.after = all, .before = all, .timed_only = true};
    struct thread_day d = {.before = TIME_NONE, .behind = TIME_NONE};
    for (size_t i = 0; i + KEY_SIZE <= keys->len; i += KEY_SIZE) {
        struct thread t;
        TRY(thread_open(v, keys->data + i, &none, &t, err));
        enum status st = thread_day_note(&d, &t, err);
        thread_close(&t);
        TRY(st);
    }
    *sent = last ? d.before : d.behind;
    return ST_OK;
}

static enum status sent_of_hit(struct view *v, const struct message_ref *hit, int64_t *sent,
                               struct err *err)
{
    struct message_view m;
    arena_reset(&v->tmp);
    TRY(view_load(v, hit, VIEW_CONTENT, &v->tmp, &m, err));
    *sent = content_untimed(&m.c) ? TIME_NONE : m.c.sent;
    return *sent != TIME_NONE
               ? ST_OK
               : err_set(err, ST_NOT_FOUND,
                         "that record has no time, so no day: --around without --day shows it");
}

static void label_of(struct zone *zone, int64_t ms, char out[TIMELINE_LABEL_SIZE])
{
    struct timeline_bin bin;
    timeline_bin_of(zone, BY_DAY, ms, &bin);
    timeline_label(zone, BY_DAY, bin.from, out);
}

enum status thread_day_pick(struct view *v, const char *asked, const struct buf *keys,
                            const struct message_ref *hit, struct thread_limits *limits,
                            struct thread_day *out, struct err *err)
{
    bool first = strcmp(asked, "first") == 0, last = strcmp(asked, "last") == 0;
    int64_t sent = TIME_NONE, from = 0, to = 0;
    *out = (struct thread_day){.before = TIME_NONE, .behind = TIME_NONE};
    if (hit && strcmp(asked, "hit") == 0)
        TRY(sent_of_hit(v, hit, &sent, err));
    else if (first || last)
        TRY(end_of(v, keys, last, &sent, err));
    if ((first || last) && sent == TIME_NONE)
        return err_set(err, ST_NOT_FOUND, "no record of the conversation has a time, so no day");
    if (sent != TIME_NONE)
        label_of(v->zone, sent, out->label);
    else if (strlen(asked) == strlen("2020-04-02"))
        memcpy(out->label, asked, strlen(asked) + 1);
    else
        return err_set(err, ST_USAGE,
                       "--day %s: takes 2020-04-02, first or last, or with --around hit", asked);
    const char *why = parse_time(slice_str(out->label), v->zone, &from, &to);
    if (why)
        return err_set(err, ST_USAGE, "--day %s: %s", asked, why);
    limits->after = from;
    limits->before = to;
    limits->timed_only = true;
    return ST_OK;
}

void thread_day_summary(const struct thread_day *d, struct zone *zone, struct summary *sum)
{
    memcpy(sum->day, d->label, sizeof sum->day);
    if (d->before != TIME_NONE)
        label_of(zone, d->before, sum->day_before);
    if (d->behind != TIME_NONE)
        label_of(zone, d->behind, sum->day_after);
}

void thread_day_words(const struct thread_day *d, struct zone *zone, struct buf *out)
{
    char label[TIMELINE_LABEL_SIZE];
    if (d->before != TIME_NONE) {
        label_of(zone, d->before, label);
        buf_printf(out, "Earlier: --day %s", label);
    }
    if (d->behind != TIME_NONE) {
        label_of(zone, d->behind, label);
        buf_printf(out, "%s --day %s", d->before != TIME_NONE ? "; later:" : "Later:", label);
    }
    buf_put_str(out, d->before == TIME_NONE && d->behind == TIME_NONE
                         ? "There is no other day with records that have a time."
                         : ".");
}
