/* render_csv — RFC 4180, every field in quotes. A spreadsheet takes what begins with = + - @ for a
 * formula: such fields get an apostrophe in front. Lists are joined by "; ". */
#include "lictor/cli.h"
#include "lictor/utf8.h"
#include "query/extra.h"
#include "query/render.h"

/* One field, gathered raw; put as CSV at its end. */
struct csv {
    struct buf *out;
    struct buf field;
    bool any;
};

/* Full-width signs too: some spreadsheets fold them. */
static bool formula(struct slice s)
{
    size_t pos = 0;
    if (s.len == 0)
        return false;
    uint32_t cp = utf8_next(s.data, s.len, &pos);
    return cp == '=' || cp == '+' || cp == '-' || cp == '@' || cp == '\t' || cp == '\r' ||
           cp == 0xff1d || cp == 0xff0b || cp == 0xff0d || cp == 0xff20 || cp == 0x2212;
}

static void field_end(struct csv *c)
{
    struct buf safe = {0};
    struct slice raw = buf_slice(&c->field);
    buf_put_str(c->out, c->any ? ",\"" : "\"");
    if (formula(raw))
        buf_put_u8(c->out, '\'');
    cli_safe(&safe, raw, true);
    for (size_t from = 0; from < safe.len;) {
        const uint8_t *quote = memchr(safe.data + from, '"', safe.len - from);
        size_t end = quote ? (size_t)(quote - safe.data) + 1 : safe.len;
        buf_put(c->out, safe.data + from, end - from);
        if (quote)
            buf_put_u8(c->out, '"');
        from = end;
    }
    buf_put_u8(c->out, '"');
    c->out->failed |= safe.failed || c->field.failed;
    c->any = true;
    buf_clear(&c->field);
    buf_release(&safe);
}

static void field(struct csv *c, struct slice s)
{
    buf_put_slice(&c->field, s);
    field_end(c);
}

static void field_str(struct csv *c, const char *s) { field(c, slice_str(s)); }

static void field_item(struct csv *c, struct slice s)
{
    if (c->field.len)
        buf_put_str(&c->field, "; ");
    buf_put_slice(&c->field, s);
}

static void field_hex(struct csv *c, const uint8_t id[KEY_SIZE])
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(id, KEY_SIZE, hex);
    field_str(c, hex);
}

static void field_time(struct csv *c, int64_t ms)
{
    char text[TIME_TEXT_SIZE] = "";
    if (ms != TIME_NONE)
        time_text(ms, text);
    field_str(c, text);
}

static void row_end(struct csv *c)
{
    buf_put_str(c->out, "\r\n");
    buf_release(&c->field);
}

void csv_header(bool handles, struct buf *out)
{
    buf_put_str(out, handles ? "type,handle,sent,received,first,last,nicknames\r\n"
                             : "type,id,service_id,conversation,from,to,group,sent,text,copies,"
                               "flags,attachments,reply_to,related,order\r\n");
}

static void attachments(struct csv *c, const struct content *m)
{
    for (size_t i = 0; i < m->n_attachments; i++) {
        struct slice id = m->attachments[i];
        const uint8_t *nul = id.len ? memchr(id.data, 0, id.len) : NULL;
        field_item(c, nul ? slice_of(id.data, (size_t)(nul - id.data)) : id);
    }
    field_end(c);
}

static void flags(struct csv *c, uint16_t all)
{
    const char *name;
    uint16_t flag = 0;
    for (unsigned i = 0; (name = render_flag_name(i, &flag)); i++)
        if (all & flag)
            field_item(c, slice_str(name));
    field_end(c);
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
    field(c, t.data || m->kind == DOC_MESSAGE ? t : m->raw);
}

void csv_record(const struct message_view *m, const char *order, struct buf *out)
{
    struct csv csv = {.out = out}, *c = &csv;
    struct slice to, none = {0};
    field_str(c, doc_kind_name((enum doc_kind)m->c.kind));
    field_hex(c, m->id);
    field(c, m->c.id);
    field_hex(c, m->conversation_key);
    field(c, m->c.from);
    for (size_t i = 0; render_recipient(&m->c, &i, &to);)
        field_item(c, to);
    field_end(c);
    field(c, m->c.conv.kind == CONV_GROUP ? m->c.conv.name : none);
    field_time(c, content_untimed(&m->c) ? TIME_NONE : m->c.sent);
    text(c, &m->c);
    buf_printf(&c->field, "%zu", m->n_copies);
    field_end(c);
    flags(c, m->flags);
    attachments(c, &m->c);
    field(c, m->c.reply_to);
    for (size_t i = 0; i < m->n_related; i++) {
        char hex[2 * KEY_SIZE + 1];
        hex_encode(m->related[i].id, KEY_SIZE, hex);
        field_item(c, slice_str(hex));
    }
    if (m->related_more)
        field_item(c, slice_str("and more"));
    field_end(c);
    field_str(c, order ? order : "");
    row_end(c);
}

/* A hole has no message: what is missing stands in the place of the text. */
void csv_gap(const struct thread_gap *g, struct buf *out)
{
    struct csv csv = {.out = out}, *c = &csv;
    field_str(c, "gap");
    for (int i = 0; i < 7; i++)
        field_end(c);
    text_gap_words(g, &c->field);
    field_end(c);
    for (int i = 0; i < 6; i++)
        field_end(c);
    row_end(c);
}

void csv_handle(const struct handle_row *h, struct buf *out)
{
    struct csv csv = {.out = out}, *c = &csv;
    field_str(c, "handle");
    field(c, h->handle);
    buf_printf(&c->field, "%llu", (unsigned long long)h->sent);
    field_end(c);
    buf_printf(&c->field, "%llu", (unsigned long long)h->received);
    field_end(c);
    field_time(c, h->first);
    field_time(c, h->last);
    for (size_t i = 0; i < h->n_nicknames; i++) {
        field_item(c, h->nicknames[i].nickname);
        buf_put_str(&c->field, " (");
        buf_put_slice(&c->field, h->nicknames[i].owner);
        buf_put_u8(&c->field, ')');
    }
    field_end(c);
    row_end(c);
}
