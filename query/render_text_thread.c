/* render_text_thread — a conversation that looks like one: day headings, times and speakers in
 * columns, text wrapped beside them, and in their place the holes and contradictions. */
#include "lictor/cli.h"
#include "query/render.h"

#define CONTRADICTIONS_SHOWN 5 /* below one message; the rest is counted */
#define EVENTS_SHOWN 20        /* below one message; the rest is counted, and stands in its place */
#define NAME_COLUMNS 40
#define SPEAKERS_MAX 256 /* beyond, all have one colour */
#define DAY_MS INT64_C(86400000)

static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* Speakers get their colours in order of appearance, so that two never share one. */
static int speaker_style(struct render *r, struct slice name)
{
    const void *data = r->speakers.data;
    const struct slice *all = data;
    size_t n = r->speakers.len / sizeof *all, i = 0;
    if (!r->colour)
        return STYLE_NONE;
    while (i < n && !slice_eq(all[i], name))
        i++;
    if (i == n && n < SPEAKERS_MAX) {
        struct slice copy = arena_copy(&r->names, name);
        if (copy.data)
            buf_put(&r->speakers, &copy, sizeof copy);
    }
    return STYLE_SPEAKER + (int)(i % STYLE_SPEAKERS);
}

static void day_heading(struct render *r, int64_t ms, struct buf *out)
{
    int64_t offset = zone_offset(r->v->zone, ms), local = ms + offset;
    int64_t day = local >= 0 ? local / DAY_MS : (local - DAY_MS + 1) / DAY_MS;
    struct civil c;
    /* A day on which the clocks change has a heading for each offset. */
    if (r->day_shown && r->day == day && r->day_offset == offset)
        return;
    r->day_shown = true;
    r->day = day;
    r->day_offset = offset;
    civil_of(local, &c);
    text_style(r, out, STYLE_BOLD);
    buf_printf(out, "\n\xe2\x94\x80\xe2\x94\x80 %s %d %s %d (", weekdays[civil_weekday(local)],
               c.day, months[c.month - 1], c.year);
    text_offset(r, out, ms);
    buf_put_str(out, ") \xe2\x94\x80\xe2\x94\x80");
    text_style(r, out, STYLE_NONE);
    buf_put_str(out, "\n\n");
}

static int text_indent(const struct render *r)
{
    return r->id_digits + 2 + 8 + 2 + r->speaker_columns + 2;
}

/* A corrected time, else its own; TIME_NONE: none. */
static int64_t shown_time(const struct message_view *m)
{
    if (m->place.corrected && m->place.order == ORDER_CORRECTED)
        return m->place.at;
    return content_untimed(&m->c) ? TIME_NONE : m->c.sent;
}

/* Id, time, speaker: up to where the text begins. */
static void margin(struct render *r, const struct message_view *m, struct buf *out)
{
    int used = 11;
    text_style(r, out, STYLE_DIM);
    text_id(r, out, m->id);
    buf_put_str(out, "  ");
    if (shown_time(m) == TIME_NONE)
        buf_put_str(out, "no time ");
    else
        text_clock(r, out, shown_time(m));
    text_style(r, out, STYLE_NONE);
    buf_put_str(out, "  ");
    if (m->c.from.data) {
        text_style(r, out, speaker_style(r, m->c.from));
        used = text_name(out, m->c.from, r->speaker_columns);
        text_style(r, out, STYLE_NONE);
    } else {
        buf_put_str(out, m->c.kind == DOC_MESSAGE ? "(no sender)" : "           ");
    }
    text_pad(out, r->speaker_columns - used + 2);
}

static void below(struct render *r, struct buf *out, int style, struct slice words)
{
    if (!words.len)
        return;
    text_pad(out, text_indent(r));
    text_style(r, out, style);
    text_wrap_words(r, out, words, text_indent(r));
    text_style(r, out, STYLE_NONE);
}

/* The record that contradicts this one, as far as it has words. */
static enum status contradiction(struct render *r, const struct related *other, struct buf *out,
                                 struct err *err)
{
    struct buf refs = {0};
    struct arena a;
    struct message_view o;
    char hex[2 * KEY_SIZE + 1];
    hex_encode(other->id, KEY_SIZE, hex);
    arena_init(&a, (size_t)16 << 10);
    enum status st = view_find_id(r->v, slice_of(hex, 2 * KEY_SIZE), &refs, err);
    const void *data = refs.data;
    text_pad(out, text_indent(r));
    text_style(r, out, STYLE_WARN);
    buf_put_str(out, "\xe2\x89\xa0 "); /* not equal */
    text_id(r, out, other->id);
    text_style(r, out, STYLE_NONE);
    buf_put_str(out, strcmp(other->why, "same-id") == 0
                         ? ", under the same service id, says:\n"
                         : ", under the same number of its stream, says:\n");
    if (st == ST_OK && refs.len)
        st = view_load(r->v, data, VIEW_CONTENT, &a, &o, err);
    if (st == ST_OK && refs.len) {
        struct slice text = render_text_of(&o.c);
        if (text.data) {
            text_margin(r, out, text_indent(r) + 2);
            text_wrap(r, out, text, text_indent(r) + 2, text_indent(r) + 2, NULL, 0);
        } else {
            text_pad(out, text_indent(r) + 2);
            text_body_words(r, &o, out);
            buf_put_u8(out, '\n');
        }
    }
    buf_release(&refs);
    arena_release(&a);
    return st;
}

/* Text beside the margin; where there is none, words, and below them the long value of an event. */
static void body(struct render *r, const struct message_view *m, struct buf *out)
{
    struct slice text = render_text_of(&m->c);
    int indent = text_indent(r);
    if (text.data && (m->c.kind == DOC_MESSAGE || m->c.kind == DOC_NOTE)) {
        text_wrap(r, out, text, indent, indent, NULL, 0);
        return;
    }
    text_style(r, out, STYLE_DIM);
    text_body_words(r, m, out);
    text_style(r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
    if (m->c.kind != DOC_EVENT || !text_is_long(text))
        return;
    text_margin(r, out, indent);
    text_wrap(r, out, text, indent, indent, NULL, 0);
}

static enum status contradictions(struct render *r, const struct message_view *m, struct buf *out,
                                  struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_related; i++) {
        if (!m->related[i].conflict)
            continue;
        if (n++ < CONTRADICTIONS_SHOWN)
            TRY(contradiction(r, &m->related[i], out, err));
    }
    if (n <= CONTRADICTIONS_SHOWN)
        return ST_OK;
    text_pad(out, text_indent(r));
    buf_printf(out, "\xe2\x89\xa0 and %zu more%s: see `message` with this id\n",
               n - CONTRADICTIONS_SHOWN, m->related_more ? " at least" : "");
    return ST_OK;
}

/* "18:40:02  anna edits: …": what names this message, in its order. */
static void event_below(struct render *r, const struct message_event *e, struct buf *out)
{
    int indent = text_indent(r);
    text_pad(out, indent);
    text_style(r, out, STYLE_DIM);
    buf_put_str(out, "\xe2\x86\xb3 "); /* an arrow downwards and to the right */
    if (e->sent != TIME_NONE)
        text_when(r, out, e->sent);
    else
        buf_put_str(out, "no time");
    buf_put_str(out, ", ");
    if (e->by.data)
        text_name(out, e->by, NAME_COLUMNS);
    buf_put_str(out, e->by.data ? ": " : "");
    text_name(out, e->what, NAME_COLUMNS);
    if (!text_is_long(e->value) && e->value.len) {
        buf_put_str(out, " \xe2\x80\x9c"); /* quotation marks */
        text_name(out, e->value, 0);
        buf_put_str(out, "\xe2\x80\x9d");
    }
    text_style(r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
    if (!text_is_long(e->value))
        return;
    text_margin(r, out, indent + 2);
    text_wrap(r, out, e->value, indent + 2, indent + 2, NULL, 0);
}

static void events_below(struct render *r, const struct message_view *m, struct buf *out)
{
    for (size_t i = 0; i < m->n_events && i < EVENTS_SHOWN; i++)
        event_below(r, &m->events[i], out);
    if (m->n_events > EVENTS_SHOWN) {
        text_pad(out, text_indent(r));
        buf_printf(out, "\xe2\x86\xb3 and %zu more%s events that name it\n",
                   m->n_events - EVENTS_SHOWN, m->events_more ? " at least" : "");
    }
    if (!m->old_text.data)
        return;
    text_pad(out, text_indent(r));
    buf_put_str(out, "before it said:\n");
    text_margin(r, out, text_indent(r) + 2);
    text_wrap(r, out, m->old_text, text_indent(r) + 2, text_indent(r) + 2, NULL, 0);
}

static void answer_below(struct render *r, const struct answer_note *a, struct buf *out)
{
    if (!a->talk)
        return;
    text_pad(out, text_indent(r));
    text_style(r, out, STYLE_DIM);
    if (a->starts) {
        buf_printf(out, "proposal: begins talk %llu", (unsigned long long)a->talk);
    } else {
        buf_put_str(out, "proposal: answers ");
        text_id(r, out, a->id);
        buf_printf(out, ", talk %llu", (unsigned long long)a->talk);
    }
    buf_printf(out, " (%u %%)", a->percent);
    text_style(r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
}

enum status text_thread_record(struct render *r, const struct message_view *m, struct buf *out,
                               struct err *err)
{
    struct buf marks = {0};
    if (shown_time(m) != TIME_NONE)
        day_heading(r, shown_time(m), out);
    margin(r, m, out);
    body(r, m, out);
    text_attachments(r, m, text_indent(r), out);
    text_place(r, m, &marks);
    below(r, out, STYLE_DIM, buf_slice(&marks));
    out->failed |= marks.failed;
    buf_clear(&marks);
    text_marks(r, m, false, &marks);
    below(r, out, m->flags & DOC_CONFLICT ? STYLE_WARN : STYLE_DIM, buf_slice(&marks));
    out->failed |= marks.failed;
    buf_release(&marks);
    answer_below(r, &m->answer, out);
    events_below(r, m, out);
    return contradictions(r, m, out, err);
}

void text_thread_gap(struct render *r, const struct thread_gap *g, struct buf *out)
{
    struct buf words = {0};
    buf_put_str(&words, "\xe2\x8b\xae "); /* vertical dots */
    text_gap_words(g, &words);
    below(r, out, STYLE_WARN, buf_slice(&words));
    out->failed |= words.failed;
    buf_release(&words);
}
