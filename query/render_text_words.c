/* render_text_words — what is true of a message or missing between two, said in words. */
#include "lictor/cli.h"
#include "lictor/timestamp.h"
#include "query/clock_text.h"
#include "query/extra.h"
#include "query/render.h"

#define VALUE_COLUMNS 60 /* of a name or value inside a sentence */
#define ABSENT ", which is not in the delivered data"
#define WHO_MOST 8 /* names listed in a sentence; the rest is counted */

static void mark(struct buf *out, size_t from, const char *text)
{
    if (out->len > from)
        buf_put_str(out, " \xc2\xb7 "); /* middle dot */
    buf_put_str(out, text);
}

static const char *side_in_words(const struct message_view *m)
{
    for (size_t i = 0; i < m->n_copies; i++) {
        const struct held_copy *c = m->copies[i];
        if (held_side(&m->c, c) == SIDE_FROM)
            return "only the sender's copy is there";
    }
    return "only the recipients' side is there";
}

void text_service_id(const struct render *r, struct slice service_id, struct buf *out)
{
    size_t lo = 0, hi = r->n_known;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (slice_cmp(r->known[mid].service_id, service_id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < r->n_known && slice_eq(r->known[lo].service_id, service_id) && !r->known[lo].several) {
        text_id(r, out, r->known[lo].id);
        return;
    }
    buf_put_str(out, "\xe2\x80\x9c"); /* quotation marks */
    text_name(out, service_id, VALUE_COLUMNS);
    buf_put_str(out, "\xe2\x80\x9d (service id)");
}

static void reply_mark(const struct render *r, const struct content *c, bool absent,
                       struct buf *out, size_t from)
{
    if (!c->reply_to.len)
        return;
    mark(out, from, "answers ");
    text_service_id(r, c->reply_to, out);
    if (absent)
        buf_put_str(out, ABSENT);
}

static void burn_mark(const struct message_view *m, struct buf *out, size_t from)
{
    struct slice raw;
    if (!render_extra(m, "burn", &raw))
        return;
    mark(out, from, "burns after ");
    text_name(out, raw, VALUE_COLUMNS);
    buf_put_str(out, " s");
}

/* Copies that had ended, or ought to have. */
static void end_marks(const struct render *r, const struct message_view *m, struct buf *out,
                      size_t from)
{
    struct copy_end end;
    for (size_t at = 0; render_copy_end(m, &at, &end);) {
        mark(out, from,
             end.burnt ? "its time to burn had run out before it was read out of "
                       : "deleted, as says ");
        text_name(out, end.source, VALUE_COLUMNS);
        if (end.at == TIME_NONE)
            continue;
        buf_put_str(out, end.burnt ? ", since " : ", at ");
        text_when(r, out, end.at);
    }
}

static void untimed_mark(const struct content *c, struct buf *out, size_t from)
{
    if (c->sent == TIME_NONE && !c->sent_raw.len) {
        mark(out, from, "no time was given");
        return;
    }
    mark(out, from, "time given as ");
    if (c->sent_raw.len)
        text_name(out, c->sent_raw, VALUE_COLUMNS);
    else
        buf_printf(out, "%lld", (long long)c->sent);
    buf_put_str(out, ", which is no time");
}

void text_nickname(const struct nickname *n, int columns, struct buf *out)
{
    bool own = slice_eq(n->owner, n->handle);
    text_name(out, n->handle, columns);
    buf_put_str(out, " is called \xe2\x80\x9c"); /* quotation marks */
    text_name(out, n->nickname, columns);
    buf_put_str(out, "\xe2\x80\x9d ");
    buf_put_str(out, own ? "by itself (display name)" : "in the address book of ");
    if (!own)
        text_name(out, n->owner, columns);
}

static void missing_marks(const struct message_view *m, struct buf *out, size_t from)
{
    for (size_t i = 0; i < m->n_missing && i < WHO_MOST; i++) {
        mark(out, from, "no copy from the device of ");
        text_name(out, m->missing[i].account, VALUE_COLUMNS);
        buf_put_str(out, ", which was being collected from then");
    }
    if (m->n_missing > WHO_MOST) {
        mark(out, from, "nor from those of ");
        buf_printf(out, "%zu more", m->n_missing - WHO_MOST);
    }
}

/* Messages that may be this one. */
static void pair_marks(const struct render *r, const struct message_view *m, struct buf *out,
                       size_t from)
{
    for (size_t i = 0; i < m->n_related; i++) {
        const char *why = m->related[i].why;
        if (!m->related[i].pair)
            continue;
        mark(out, from, "perhaps the same as ");
        text_id(r, out, m->related[i].id);
        buf_put_str(out, strcmp(why, "same-text") == 0 ? ", which says this at another time"
                         : strcmp(why, "same-time") == 0
                             ? ", which says something else at this time"
                             : ", whose body was under seal or is plain");
    }
}

void text_marks(const struct render *r, const struct message_view *m, bool copies, struct buf *out)
{
    const uint16_t of_copies = DOC_ONE_SIDED | DOC_CONFLICT | DOC_REPEATED;
    size_t from = out->len;
    if (m->n_copies > 1 && (copies || (m->flags & of_copies))) {
        char n[32];
        cli_count_text(m->n_copies, n);
        mark(out, from, n);
        buf_put_str(out, " copies");
    }
    if (m->flags & DOC_ONE_SIDED)
        mark(out, from, side_in_words(m));
    if (m->flags & DOC_CONFLICT)
        mark(out, from, "contradicted");
    if (m->flags & DOC_REPEATED)
        mark(out, from, "sent several times alike; which copies belong together is presumed");
    if (m->flags & DOC_SEAL_BROKEN)
        mark(out, from, "its key does not open it");
    if (m->flags & DOC_UNTIMED)
        untimed_mark(&m->c, out, from);
    if (m->flags & DOC_INCOMPLETE)
        mark(out, from, m->c.from.data ? "without a recipient" : "without a sender");
    if (m->flags & DOC_DAMAGED_TEXT)
        mark(out, from, "damaged text");
    end_marks(r, m, out, from);
    missing_marks(m, out, from);
    pair_marks(r, m, out, from);
    reply_mark(r, &m->c, m->names_absent, out, from);
    burn_mark(m, out, from);
}

/* ---- attachments ---- */

/* The string under `key`, cut to fit, with a separator before it. */
static bool value_of(struct slice object, const char *key, const char *before, struct buf *out)
{
    struct slice raw;
    struct buf text = {0};
    if (!extra_find(object, key, &raw))
        return false;
    buf_put_str(out, before);
    if (extra_string(raw, &text))
        text_name(out, buf_slice(&text), VALUE_COLUMNS);
    else
        text_name(out, raw, VALUE_COLUMNS);
    buf_release(&text);
    return true;
}

static void attachment_line(struct slice object, struct buf *out)
{
    buf_put_u8(out, '[');
    if (!value_of(object, "type", "", out))
        buf_put_str(out, "file");
    (void)value_of(object, "name", " ", out);
    (void)value_of(object, "mime", ", ", out);
    if (value_of(object, "size", ", ", out))
        buf_put_str(out, " bytes");
    (void)value_of(object, "caption", ": ", out);
    buf_put_u8(out, ']');
}

void text_attachments(struct render *r, const struct message_view *m, int indent, struct buf *out)
{
    struct slice raw, key, object;
    struct extra_iter it;
    if (m->c.n_attachments == 0)
        return;
    if (render_extra(m, "attachments", &raw) && extra_begin(raw, &it)) {
        while (extra_next(&it, &key, &object)) {
            text_pad(out, indent);
            text_style(r, out, STYLE_DIM);
            attachment_line(object, out);
            text_style(r, out, STYLE_NONE);
            buf_put_u8(out, '\n');
        }
        return;
    }
    for (size_t i = 0; i < m->c.n_attachments; i++) {
        text_pad(out, indent);
        buf_put_str(out, "[file ");
        text_name(out, m->c.attachments[i], 2 * VALUE_COLUMNS);
        buf_put_str(out, "]\n");
    }
}

/* ---- where no text can stand ---- */

static void who_words(struct slice record, struct buf *out)
{
    struct slice raw, key, name;
    struct extra_iter it;
    struct buf text = {0};
    size_t n = 0;
    if (!extra_find(record, "who", &raw) || !extra_begin(raw, &it))
        return;
    for (; extra_next(&it, &key, &name); n++) {
        if (n >= WHO_MOST)
            continue;
        buf_clear(&text);
        (void)extra_string(name, &text);
        buf_put_str(out, n ? ", " : ": ");
        text_name(out, buf_slice(&text), VALUE_COLUMNS);
    }
    if (n > WHO_MOST)
        buf_printf(out, " and %zu more", n - WHO_MOST);
    buf_release(&text);
}

bool text_is_long(struct slice text)
{
    return text.len > 4 * VALUE_COLUMNS || cli_width(text) > VALUE_COLUMNS;
}

static void event_head(const struct render *r, const struct content *c, bool absent,
                       struct buf *out)
{
    struct slice raw;
    struct buf id = {0};
    if (!value_of(c->raw, "what", "", out))
        buf_put_str(out, "event");
    who_words(c->raw, out);
    if (extra_find(c->raw, "of", &raw) && extra_string(raw, &id)) {
        buf_put_str(out, ", of message ");
        text_service_id(r, buf_slice(&id), out);
        if (absent)
            buf_put_str(out, ABSENT);
    }
    out->failed |= id.failed;
    buf_release(&id);
}

static void contact_head(const struct content *c, struct buf *out)
{
    buf_put_str(out, "address book: ");
    (void)value_of(c->raw, "handle", "", out);
    buf_put_str(out, " is called ");
}

void text_body_head(const struct render *r, const struct message_view *m, struct buf *out)
{
    if (m->c.kind == DOC_EVENT) {
        event_head(r, &m->c, m->names_absent, out);
        buf_put_str(out, ": ");
    }
    if (m->c.kind == DOC_CONTACT)
        contact_head(&m->c, out);
}

static void duration_words(int64_t ms, struct buf *out)
{
    long long s = (long long)(ms / 1000);
    buf_put_str(out, ", lasted ");
    if (s >= 3600)
        buf_printf(out, "%lld h ", s / 3600);
    if (s >= 60)
        buf_printf(out, "%lld min ", s / 60 % 60);
    buf_printf(out, "%lld s", s % 60);
}

static void call_words(const struct render *r, const struct content *c, struct buf *out)
{
    struct slice raw;
    buf_put_str(out, "call");
    if (!extra_find(c->raw, "ended", &raw))
        return;
    int64_t ended = render_instant(raw);
    if (ended == TIME_NONE) {
        (void)value_of(c->raw, "ended", ", ended ", out);
        return;
    }
    buf_put_str(out, ", ended ");
    text_when(r, out, ended);
    if (!content_untimed(c) && ended >= c->sent)
        duration_words(ended - c->sent, out);
}

void text_body_words(const struct render *r, const struct message_view *m, struct buf *out)
{
    const struct content *c = &m->c;
    switch (c->kind) {
    case DOC_EVENT:
        event_head(r, c, m->names_absent, out);
        if (!text_is_long(c->text))
            (void)value_of(c->raw, "value", ": ", out);
        break;
    case DOC_CALL:
        call_words(r, c, out);
        break;
    case DOC_CONTACT:
        contact_head(c, out);
        (void)value_of(c->raw, "nickname", "", out);
        break;
    case DOC_LOCATION:
        buf_put_str(out, "position");
        (void)value_of(c->raw, "lat", " ", out);
        (void)value_of(c->raw, "lon", ", ", out);
        (void)value_of(c->raw, "cell", " cell ", out);
        break;
    case DOC_KEEPALIVE:
        buf_put_str(out, "the collector was alive");
        break;
    default:
        if (c->body_kind == BODY_SEALED) {
            buf_put_str(out, "(sealed under key ");
            text_name(out, c->seal_key, VALUE_COLUMNS);
            buf_put_u8(out, ')');
        } else if (c->n_attachments == 0) {
            buf_put_str(out, "(no text)");
        }
    }
}

void text_gap_words(const struct thread_gap *g, struct buf *out)
{
    char n[32];
    cli_count_text(g->missing, n);
    buf_put_str(out, n);
    buf_put_str(out, g->missing == 1 ? " record of " : " records of ");
    text_name(out, g->stream->source, VALUE_COLUMNS);
    buf_put_str(out, g->stream->stage ? " (live" : " (stored");
    if (g->stream->epoch.data) {
        buf_put_str(out, ", epoch ");
        text_name(out, g->stream->epoch, VALUE_COLUMNS);
    }
    buf_put_str(out, g->missing == 1 ? ") is not in the delivered data "
                                     : ") are not in the delivered data ");
    if (g->at_end)
        buf_printf(out, "after its last one, number %llu", (unsigned long long)g->after_seq);
    else
        buf_printf(out, "between these two (numbers %llu and %llu)",
                   (unsigned long long)g->after_seq, (unsigned long long)g->before_seq);
    if (strcmp(g->why, "partial-dump") == 0)
        buf_put_str(out, ", one of its dumps being damaged or cut");
    if (strcmp(g->why, "selection") == 0)
        buf_put_str(out, ", records having been left out by order");
    buf_put_str(out, g->missing == 1 ? "; which conversation it belongs to is not known."
                                     : "; which conversation they belong to is not known.");
}

void text_place(const struct render *r, const struct message_view *m, struct buf *out)
{
    const struct place_note *p = &m->place;
    if (!p->given || p->order == ORDER_SENT)
        return;
    if (p->order == ORDER_SEQ) {
        buf_put_str(out, "without a time: placed by its number in the source");
        return;
    }
    if (p->order == ORDER_CORRECTED) {
        buf_put_str(out, "stamped ");
        text_when(r, out, m->c.sent);
    } else {
        buf_put_str(out, "without a time: placed by when it was delivered, ");
        text_when(r, out, p->at + p->ahead_ms);
    }
    if (!p->corrected)
        return;
    buf_put_str(out, " by a clock ");
    text_ahead(p->ahead_ms, out);
}
