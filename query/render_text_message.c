/* render_text_message — everything the case knows of one record: what it says, what stands against
 * it, who held it, and how to see the original line with stock tools. */
#include "lictor/utf8.h"
#include "query/extra.h"
#include "query/render.h"

#define LABEL_COLUMNS 14

static void label(const struct render *r, struct buf *out, const char *name)
{
    text_style(r, out, STYLE_DIM);
    buf_printf(out, "%-*s", LABEL_COLUMNS, name);
    text_style(r, out, STYLE_NONE);
}

static void line(const struct render *r, struct buf *out, const char *name, struct slice value)
{
    if (!value.data)
        return;
    label(r, out, name);
    text_name(out, value, 0);
    buf_put_u8(out, '\n');
}

static void line_when(const struct render *r, struct buf *out, const char *name, int64_t ms)
{
    if (ms == TIME_NONE)
        return;
    label(r, out, name);
    text_when(r, out, ms);
    buf_put_u8(out, '\n');
}

static void line_hex(const struct render *r, struct buf *out, const char *name,
                     const uint8_t id[KEY_SIZE])
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(id, KEY_SIZE, hex);
    line(r, out, name, slice_str(hex));
}

/* ---- the message ---- */

static void recipients(const struct render *r, const struct content *c, struct buf *out)
{
    struct slice to;
    size_t n = 0;
    for (size_t i = 0; render_recipient(c, &i, &to); n++) {
        if (n == 0)
            label(r, out, "to");
        else
            buf_put_str(out, ", ");
        text_name(out, to, 0);
    }
    if (n)
        buf_put_u8(out, '\n');
    if (c->conv.kind == CONV_GROUP)
        line(r, out, "group", c->conv.name);
}

static void nicknames(const struct render *r, const struct message_view *m, struct buf *out)
{
    for (size_t i = 0; i < m->n_nicknames; i++) {
        label(r, out, i ? "" : "names");
        text_nickname(&m->nicknames[i], 0, out);
        buf_put_u8(out, '\n');
    }
}

static void head(struct render *r, const struct message_view *m, struct buf *out)
{
    const struct content *c = &m->c;
    struct buf marks = {0};
    line_hex(r, out, doc_kind_name((enum doc_kind)c->kind), m->id);
    if (content_untimed(c)) {
        label(r, out, "sent");
        buf_put_str(out, "no usable time\n");
    } else {
        line_when(r, out, "sent", c->sent);
    }
    line(r, out, "from", c->from);
    recipients(r, c, out);
    nicknames(r, m, out);
    line(r, out, "service", c->conv.service);
    line(r, out, "service id", c->id);
    line_hex(r, out, "conversation", m->conversation_key);
    text_marks(r, m, true, &marks);
    if (marks.len) {
        label(r, out, "remarks");
        text_wrap_words(r, out, buf_slice(&marks), LABEL_COLUMNS);
    }
    out->failed |= marks.failed;
    buf_release(&marks);
}

static void body(struct render *r, const struct message_view *m, struct buf *out)
{
    struct slice text = render_text_of(&m->c);
    label(r, out, "text");
    if (text.data) {
        text_wrap(r, out, text, LABEL_COLUMNS, LABEL_COLUMNS, NULL, 0);
    } else {
        text_body_words(r, m, out);
        buf_put_u8(out, '\n');
    }
    if (text.data && m->c.body_kind == BODY_SEALED)
        line(r, out, "opened with", m->c.seal_key);
    text_attachments(r, m, LABEL_COLUMNS, out);
    if (m->c.kind != DOC_MESSAGE && m->c.raw.len) {
        label(r, out, "record");
        text_name(out, m->c.raw, 0);
        buf_put_u8(out, '\n');
    }
}

static void related(const struct render *r, const struct message_view *m, struct buf *out)
{
    for (size_t i = 0; i < m->n_related; i++) {
        char hex[2 * KEY_SIZE + 1];
        hex_encode(m->related[i].id, KEY_SIZE, hex);
        label(r, out, i ? "" : "related");
        buf_printf(out, "%s  %s%s\n", hex, m->related[i].why,
                   m->related[i].conflict ? ", contradicts it" : "");
    }
    if (m->related_more)
        buf_printf(out, "%*sand more than are listed here\n", LABEL_COLUMNS, "");
}

/* ---- where it came from ---- */

static bool plain_word(struct slice s)
{
    static const char also[] = "._/+,:=@%-";
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr(also, c)))
            return false;
    }
    return s.len > 0;
}

static bool printable(struct slice s)
{
    for (size_t pos = 0; pos < s.len;) {
        uint32_t cp = utf8_next(s.data, s.len, &pos);
        if (cp == UTF8_BAD || utf8_unsafe(cp))
            return false;
    }
    return true;
}

void text_shell_name(struct slice name, struct buf *out)
{
    const char *dash = name.len && name.data[0] == '-' ? "./" : "";
    if (plain_word(name)) {
        buf_put_str(out, dash);
        buf_put_slice(out, name);
        return;
    }
    bool quotes = printable(name);
    buf_put_str(out, quotes ? "'" : "$'");
    buf_put_str(out, dash);
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (quotes && c == '\'')
            buf_put_str(out, "'\\''");
        else if (quotes || (c >= 0x20 && c < 0x7f && c != '\'' && c != '\\'))
            buf_put_u8(out, c);
        else
            buf_printf(out, "\\x%02x", c);
    }
    buf_put_u8(out, '\'');
}

/* From the form, never from the name: what a name says need not be so. */
static void original(const struct held_sighting *s, struct buf *out)
{
    uint8_t form = s->dump->form;
    struct slice name = form & DUMP_STDIN ? slice_str("FILE") : s->dump->name;
    unsigned long long line = s->line;
    if (form & DUMP_AGE)
        buf_put_str(out, form & DUMP_PASSPHRASE ? "age -d " : "age -d -i KEY ");
    else if (form & DUMP_ZSTD)
        buf_put_str(out, "zstd -dc ");
    else
        buf_printf(out, "sed -n '%llup' ", line);
    text_shell_name(name, out);
    if ((form & DUMP_AGE) && (form & DUMP_ZSTD))
        buf_put_str(out, " | zstd -dc");
    if (form & (DUMP_AGE | DUMP_ZSTD))
        buf_printf(out, " | sed -n '%llup'", line);
    buf_put_u8(out, '\n');
}

static void sighting(const struct render *r, const struct held_sighting *s, const char *what,
                     struct buf *out)
{
    char hex[2 * SHA256_SIZE + 1];
    hex_encode(s->dump->sha256, SHA256_SIZE, hex);
    label(r, out, what);
    buf_printf(out, "line %llu of ", (unsigned long long)s->line);
    text_name(out, s->dump->name, 0);
    buf_put_u8(out, '\n');
    label(r, out, "  sha256");
    buf_printf(out, "%s\n", hex);
    label(r, out, "  original");
    original(s, out);
    if (s->dump->form & DUMP_STDIN)
        buf_printf(out, "%*sFILE is the file with this sha256: it was given on standard input\n",
                   LABEL_COLUMNS, "");
}

static void origin(const struct render *r, const struct origin_ref *o, struct buf *out)
{
    static const char *const directions[] = {NULL, "from", "to", "unknown"};
    line(r, out, "  account", o->account);
    line(r, out, "  authority", o->authority);
    line(r, out, "  warrant", o->warrant);
    line(r, out, "  liid", o->liid);
    line(r, out, "  cin", o->cin);
    if (o->direction > 0 && o->direction < 4)
        line(r, out, "  direction", slice_str(directions[o->direction]));
    line(r, out, "  point", o->point);
    line(r, out, "  serial", o->serial);
    line(r, out, "  selection", o->selection);
}

static void version(struct render *r, const struct held_version *v, struct buf *out)
{
    line_when(r, out, "  delivered", v->delivered);
    line_when(r, out, "  read", v->read);
    line_when(r, out, "  collected", v->collected);
    origin(r, v->origin, out);
    if (v->extra.len) {
        label(r, out, "  also says");
        text_name(out, v->extra, 0);
        buf_put_u8(out, '\n');
    }
    for (size_t i = 0; i < v->n_sightings; i++)
        sighting(r, &v->sightings[i], i ? "  and again in" : "  came in", out);
}

static void copy(struct render *r, const struct message_view *m, size_t i, struct buf *out)
{
    const struct held_copy *c = m->copies[i];
    buf_put_u8(out, '\n');
    text_style(r, out, STYLE_BOLD);
    buf_printf(out, "copy %zu: ", i + 1);
    text_name(out, c->stream->source, 0);
    buf_put_str(out, c->stream->stage ? ", live" : ", stored");
    if (c->stream->epoch.data) {
        buf_put_str(out, ", epoch ");
        text_name(out, c->stream->epoch, 0);
    }
    if (c->stream->numbered)
        buf_printf(out, ", number %llu", (unsigned long long)c->seq);
    else
        buf_put_str(out, ", unnumbered");
    if (c->n_versions > 0)
        buf_printf(out, ", side %s", side_name(held_side(&m->c, c)));
    text_style(r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
    for (size_t v = 0; v < c->n_versions; v++) {
        if (c->n_versions > 1)
            buf_printf(out, "  reading %zu of %zu of this copy:\n", v + 1, c->n_versions);
        version(r, &c->versions[v], out);
    }
}

void text_message(struct render *r, const struct message_view *m, struct buf *out)
{
    head(r, m, out);
    body(r, m, out);
    related(r, m, out);
    for (size_t i = 0; i < m->n_copies; i++)
        copy(r, m, i, out);
}
