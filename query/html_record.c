/* html_record — one record, one hole, the last lines, as elements. */
#include "lictor/cli.h"
#include "query/html.h"
#include "query/xml.h"

#define DAY_MS INT64_C(86400000)

static void name_put(struct buf *out, struct slice name)
{
    buf_put_str(out, "<bdi>");
    xml_text(out, name);
    buf_put_str(out, "</bdi>");
}

/* Words of ours that hold evidence made safe: an element for each line. */
static void words_put(struct buf *out, const char *open, struct buf *words, const char *close)
{
    for (size_t from = 0, end; from < words->len; from = end + 1) {
        const uint8_t *lf = memchr(words->data + from, '\n', words->len - from);
        end = lf ? (size_t)(lf - words->data) : words->len;
        buf_put_str(out, open);
        html_words(out, slice_of(words->data + from, end - from), true);
        buf_put_str(out, close);
    }
    out->failed |= words->failed;
    buf_clear(words);
}

/* Lines stay lines: white-space is kept by the style. */
static void lines_put(struct buf *out, struct slice text)
{
    for (size_t from = 0; from < text.len;) {
        const uint8_t *lf = memchr(text.data + from, '\n', text.len - from);
        size_t end = lf ? (size_t)(lf - text.data) : text.len;
        xml_text(out, slice_of(text.data + from, end - from));
        if (lf)
            buf_put_u8(out, '\n');
        from = end + 1;
    }
}

static void text_put(struct buf *out, struct slice text)
{
    buf_put_str(out, "<div class=\"t\" dir=\"auto\">");
    lines_put(out, text);
    buf_put_str(out, "</div>\n");
}

/* Every match of the query marked. */
static void hit_text_put(struct render *r, struct buf *out, struct slice text)
{
    struct text_range *marks = NULL;
    struct arena a;
    struct err err;
    size_t n = 0, at = 0;
    arena_init(&a, (size_t)4 << 10);
    out->failed |= query_highlight(r->query, r->v->splitter, text, &a, &marks, &n, &err) != ST_OK;
    buf_put_str(out, "<div class=\"t\" dir=\"auto\">");
    for (size_t i = 0; i < n; i++) {
        lines_put(out, slice_of(text.data + at, marks[i].from - at));
        buf_put_str(out, "<mark>");
        lines_put(out, slice_of(text.data + marks[i].from, marks[i].to - marks[i].from));
        buf_put_str(out, "</mark>");
        at = marks[i].to;
    }
    lines_put(out, slice_of(text.data + at, text.len - at));
    buf_put_str(out, "</div>\n");
    arena_release(&a);
}

static void day_put(struct render *r, int64_t ms, struct buf *out)
{
    int64_t local = ms + zone_offset(r->v->zone, ms);
    int64_t day = local >= 0 ? local / DAY_MS : (local - DAY_MS + 1) / DAY_MS;
    struct civil c;
    if (r->day_shown && r->day == day)
        return;
    r->day_shown = true;
    r->day = day;
    civil_of(local, &c);
    buf_printf(out, "<h2>%04d-%02d-%02d</h2>\n", c.year, c.month, c.day);
}

static void head_put(struct render *r, const struct message_view *m, struct buf *out)
{
    char hex[2 * KEY_SIZE + 1];
    struct buf words = {0};
    struct slice to;
    hex_encode(m->id, KEY_SIZE, hex);
    buf_put_str(out, "<div class=\"h\">");
    if (content_untimed(&m->c))
        buf_put_str(&words, "no time");
    else
        text_when(r, &words, m->c.sent);
    words_put(out, "", &words, " ");
    if (m->c.from.data) {
        buf_put_str(out, "<b>");
        name_put(out, m->c.from);
        buf_put_str(out, "</b>");
    }
    for (size_t i = 0, n = 0; render_recipient(&m->c, &i, &to); n++) {
        buf_put_str(out, n ? ", " : " \xe2\x86\x92 ");
        name_put(out, to);
    }
    if (m->c.conv.kind == CONV_GROUP) {
        buf_put_str(out, " in ");
        name_put(out, m->c.conv.name);
    }
    buf_printf(out, " <code>%s</code></div>\n", hex);
    buf_release(&words);
}

static void event_put(struct render *r, const struct message_event *e, struct buf *out)
{
    struct buf words = {0};
    buf_put_str(out, "<div class=\"e\">\xe2\x86\xb3 ");
    if (e->sent != TIME_NONE)
        text_when(r, &words, e->sent);
    words_put(out, "", &words, " ");
    if (e->by.data)
        name_put(out, e->by);
    buf_put_str(out, " ");
    name_put(out, e->what);
    buf_put_str(out, "</div>\n");
    if (e->value.len)
        text_put(out, e->value);
    buf_release(&words);
}

static void related_put(const struct message_view *m, struct buf *out)
{
    char hex[2 * KEY_SIZE + 1];
    for (size_t i = 0; i < m->n_related; i++) {
        hex_encode(m->related[i].id, KEY_SIZE, hex);
        buf_printf(out, "<div class=\"r%s\">%s: <code>%s</code></div>\n",
                   m->related[i].conflict ? " c" : "", m->related[i].why, hex);
    }
    if (m->related_more)
        buf_put_str(out, "<div class=\"r\">and more than are listed here</div>\n");
}

void html_record(struct render *r, const struct message_view *m, const char *order, struct buf *out)
{
    struct buf words = {0};
    struct slice text = render_text_of(&m->c);
    bool conflict = (m->flags & DOC_CONFLICT) != 0;
    bool plain = text.data && (m->c.kind == DOC_MESSAGE || m->c.kind == DOC_NOTE);
    if (order && m->place.order == ORDER_CORRECTED)
        day_put(r, m->place.at, out);
    else if (order && !content_untimed(&m->c))
        day_put(r, m->c.sent, out);
    buf_printf(out, "<div class=\"m%s\">\n", conflict ? " c" : "");
    head_put(r, m, out);
    if (!plain)
        text_body_words(r, m, &words);
    words_put(out, "<div class=\"e\" dir=\"auto\">", &words, "</div>\n");
    if (plain || (m->c.kind == DOC_EVENT && text_is_long(text))) {
        if (r->query && !m->context_of)
            hit_text_put(r, out, text);
        else
            text_put(out, text);
    }
    text_attachments(r, m, 0, &words);
    words_put(out, "<div class=\"e\" dir=\"auto\">", &words, "</div>\n");
    text_marks(r, m, true, &words);
    words_put(out, conflict ? "<div class=\"r c\" dir=\"auto\">" : "<div class=\"r\" dir=\"auto\">",
              &words, "</div>\n");
    related_put(m, out);
    if (order) {
        text_place(r, m, &words);
        words_put(out, "<div class=\"r\">", &words, "</div>\n");
    }
    for (size_t i = 0; i < m->n_events; i++)
        event_put(r, &m->events[i], out);
    if (m->events_more)
        buf_put_str(out, "<div class=\"e\">and more events that name it</div>\n");
    if (m->old_text.data) {
        buf_put_str(out, "<div class=\"e\">before it said:</div>\n");
        text_put(out, m->old_text);
    }
    buf_put_str(out, "</div>\n");
    buf_release(&words);
}

void html_gap(const struct thread_gap *g, struct buf *out)
{
    struct buf words = {0};
    text_gap_words(g, &words);
    words_put(out, "<div class=\"g\" dir=\"auto\">", &words, "</div>\n");
    buf_release(&words);
}

static void html_end_asked(const struct summary *s, struct buf *out)
{
    buf_put_str(out, " Asked: ");
    name_put(out, s->query);
    buf_printf(out, ". Content digest %s, generation %llu, lictor %s.</p>\n", s->digest,
               (unsigned long long)s->generation, LICTOR_VERSION);
}

void html_end(const struct summary *s, struct buf *out)
{
    buf_put_str(out, "<p class=\"end\">");
    if (s->counted.data) {
        xml_text(out, s->counted);
        html_end_asked(s, out);
        return;
    }
    buf_printf(out, "%llu message%s", (unsigned long long)s->total, s->total == 1 ? "" : "s");
    if (s->sealed)
        buf_printf(out, "; %llu under seal could not be tested", (unsigned long long)s->sealed);
    if (s->untimed)
        buf_printf(out, "; %llu without a time could not be tested",
                   (unsigned long long)s->untimed);
    if (s->pairs)
        buf_printf(out, "; %llu may be the same as another", (unsigned long long)s->pairs);
    if (s->next[0])
        buf_printf(out, "; not all of them are here, the next ones: --continue %s", s->next);
    buf_put_u8(out, '.');
    html_end_asked(s, out);
}
