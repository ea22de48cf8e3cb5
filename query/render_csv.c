/* render_csv — records, holes and handles as rows of CSV. Lists are joined by "; ". */
#include "query/csv.h"
#include "query/extra.h"
#include "query/render.h"

void csv_header(bool handles, struct buf *out)
{
    buf_put_str(out, handles ? "type,handle,sent,received,first,last,nicknames\r\n"
                             : "type,id,service_id,conversation,from,to,group,sent,text,copies,"
                               "flags,attachments,reply_to,related,order,related_why,sent_given,"
                               "burn,reply_missing,of_missing,missing_copies,ends,events,old_text,"
                               "nicknames,tie,corrected,clock_ahead_ms\r\n");
}
#define COLUMNS_BEFORE_TEXT 8
#define COLUMNS_AFTER_TEXT 19

static void attachments(struct csv *c, const struct content *m)
{
    for (size_t i = 0; i < m->n_attachments; i++) {
        struct slice id = m->attachments[i];
        const uint8_t *nul = id.len ? memchr(id.data, 0, id.len) : NULL;
        csv_item(c, nul ? slice_of(id.data, (size_t)(nul - id.data)) : id);
    }
    csv_end(c);
}

static void flags(struct csv *c, uint16_t all)
{
    const char *name;
    uint16_t flag = 0;
    for (unsigned i = 0; (name = render_flag_name(i, &flag)); i++)
        if (all & flag)
            csv_item(c, slice_str(name));
    csv_end(c);
}

static void value_put(struct csv *c, struct slice object, const char *key, const char *before)
{
    struct slice raw;
    if (!extra_find(object, key, &raw))
        return;
    buf_put_str(&c->field, before);
    if (!extra_string(raw, &c->field))
        buf_put_slice(&c->field, raw);
}

/* What is no message says before its text what it is about: a reaction taken back has the text of
 * the reaction, a nickname names nobody. */
static void text(struct csv *c, const struct content *m)
{
    struct slice t = render_text_of(m);
    if (t.data && m->kind == DOC_EVENT) {
        value_put(c, m->raw, "what", "");
        value_put(c, m->raw, "of", " of ");
        buf_put_str(&c->field, ": ");
    } else if (t.data && m->kind == DOC_CONTACT) {
        value_put(c, m->raw, "handle", "");
        buf_put_str(&c->field, " is called ");
    }
    csv_field(c, t.data || m->kind == DOC_MESSAGE ? t : m->raw);
}

static void item_begin(struct csv *c)
{
    if (c->field.len)
        buf_put_str(&c->field, "; ");
}

static void instant_put(struct csv *c, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    time_text(ms, text);
    buf_put_str(&c->field, text);
}

static void related_whys(struct csv *c, const struct message_view *m)
{
    for (size_t i = 0; i < m->n_related; i++)
        csv_item(c, slice_str(m->related[i].why));
    if (m->related_more)
        csv_item(c, slice_str("and more"));
    csv_end(c);
}

static void sent_given(struct csv *c, const struct content *m)
{
    if (content_untimed(m) && m->sent_raw.len)
        csv_field(c, m->sent_raw);
    else if (content_untimed(m) && m->sent != TIME_NONE) {
        buf_printf(&c->field, "%lld", (long long)m->sent);
        csv_end(c);
    } else {
        csv_end(c);
    }
}

static void missing_copies(struct csv *c, const struct message_view *m)
{
    for (size_t i = 0; i < m->n_missing; i++) {
        csv_item(c, m->missing[i].account);
        buf_put_str(&c->field, " (");
        buf_put_slice(&c->field, m->missing[i].source);
        buf_put_u8(&c->field, ')');
    }
    csv_end(c);
}

static void ends(struct csv *c, const struct message_view *m)
{
    struct copy_end end;
    for (size_t at = 0; render_copy_end(m, &at, &end);) {
        csv_item(c, slice_str(end.burnt ? "burn-run-out" : "deleted"));
        buf_put_str(&c->field, " in ");
        buf_put_slice(&c->field, end.source);
        if (end.at != TIME_NONE) {
            buf_put_str(&c->field, " at ");
            instant_put(c, end.at);
        }
    }
    csv_end(c);
}

static void events(struct csv *c, const struct message_view *m)
{
    for (size_t i = 0; i < m->n_events; i++) {
        const struct message_event *e = &m->events[i];
        item_begin(c);
        if (e->sent != TIME_NONE) {
            instant_put(c, e->sent);
            buf_put_u8(&c->field, ' ');
        }
        buf_put_slice(&c->field, e->what);
        buf_put_str(&c->field, e->by.data ? " by " : "");
        buf_put_slice(&c->field, e->by);
        buf_put_str(&c->field, e->value.len ? ": " : "");
        buf_put_slice(&c->field, e->value);
    }
    if (m->events_more)
        csv_item(c, slice_str("and more"));
    csv_end(c);
}

static void nicknames(struct csv *c, const struct nickname *all, size_t n, bool handle)
{
    for (size_t i = 0; i < n; i++) {
        csv_item(c, handle ? all[i].handle : all[i].nickname);
        if (handle) {
            buf_put_str(&c->field, " = ");
            buf_put_slice(&c->field, all[i].nickname);
        }
        buf_put_str(&c->field, " (");
        buf_put_slice(&c->field, all[i].owner);
        buf_put_u8(&c->field, ')');
    }
    csv_end(c);
}

static void place(struct csv *c, const struct place_note *p)
{
    csv_str(c, p->given && p->tie ? "true" : "");
    csv_time(c, p->given && p->corrected ? p->at : TIME_NONE);
    if (p->given && p->corrected)
        buf_printf(&c->field, "%lld", (long long)p->ahead_ms);
    csv_end(c);
}

/* What JSON has under keys of its own, behind the columns that were there first. */
static void record_rest(struct csv *c, const struct message_view *m)
{
    struct slice raw = {0};
    bool event = m->c.kind == DOC_EVENT;
    related_whys(c, m);
    sent_given(c, &m->c);
    csv_field(c, render_extra(m, "burn", &raw) ? raw : (struct slice){0});
    csv_str(c, m->names_absent && !event ? "true" : "");
    csv_str(c, m->names_absent && event ? "true" : "");
    missing_copies(c, m);
    ends(c, m);
    events(c, m);
    csv_field(c, m->old_text);
    nicknames(c, m->nicknames, m->n_nicknames, true);
    place(c, &m->place);
}

void csv_record(const struct message_view *m, const char *order, struct buf *out)
{
    struct csv csv = {.out = out}, *c = &csv;
    struct slice to, none = {0};
    csv_str(c, doc_kind_name((enum doc_kind)m->c.kind));
    csv_hex(c, m->id);
    csv_field(c, m->c.id);
    csv_hex(c, m->conversation_key);
    csv_field(c, m->c.from);
    for (size_t i = 0; render_recipient(&m->c, &i, &to);)
        csv_item(c, to);
    csv_end(c);
    csv_field(c, m->c.conv.kind == CONV_GROUP ? m->c.conv.name : none);
    csv_time(c, content_untimed(&m->c) ? TIME_NONE : m->c.sent);
    text(c, &m->c);
    buf_printf(&c->field, "%zu", m->n_copies);
    csv_end(c);
    flags(c, m->flags);
    attachments(c, &m->c);
    csv_field(c, m->c.reply_to);
    for (size_t i = 0; i < m->n_related; i++) {
        char hex[2 * KEY_SIZE + 1];
        hex_encode(m->related[i].id, KEY_SIZE, hex);
        csv_item(c, slice_str(hex));
    }
    if (m->related_more)
        csv_item(c, slice_str("and more"));
    csv_end(c);
    csv_str(c, order ? order : "");
    record_rest(c, m);
    csv_row_end(c);
}

/* A hole has no message: what is missing stands in the place of the text. */
void csv_gap(const struct thread_gap *g, struct buf *out)
{
    struct csv csv = {.out = out}, *c = &csv;
    csv_str(c, "gap");
    for (int i = 1; i < COLUMNS_BEFORE_TEXT; i++)
        csv_end(c);
    text_gap_words(g, &c->field);
    csv_end(c);
    for (int i = 0; i < COLUMNS_AFTER_TEXT; i++)
        csv_end(c);
    csv_row_end(c);
}

void csv_handle(const struct handle_row *h, struct buf *out)
{
    struct csv csv = {.out = out}, *c = &csv;
    csv_str(c, "handle");
    csv_field(c, h->handle);
    buf_printf(&c->field, "%llu", (unsigned long long)h->sent);
    csv_end(c);
    buf_printf(&c->field, "%llu", (unsigned long long)h->received);
    csv_end(c);
    csv_time(c, h->first);
    csv_time(c, h->last);
    nicknames(c, h->nicknames, h->n_nicknames, false);
    csv_row_end(c);
}
