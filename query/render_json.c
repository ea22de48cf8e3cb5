/* render_json — records, holes, handles and summaries as JSON; the keys and their order are the
 * contract of the commands. */
#include <stdio.h>

#include "lictor/cli.h"
#include "lictor/utf8.h"
#include "query/extra.h"
#include "query/lang.h"
#include "query/render.h"
#include "query/score.h"

static void key_hex(struct json_out *j, const char *key, const uint8_t id[KEY_SIZE])
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(id, KEY_SIZE, hex);
    json_key_str(j, key, hex);
}

static void key_maybe(struct json_out *j, const char *key, struct slice v)
{
    if (v.data)
        json_key_slice(j, key, v);
}

static void put_safe(struct json_out *j, struct slice raw)
{
    struct buf safe = {0};
    extra_safe(raw, &safe);
    json_raw(j, buf_slice(&safe));
    j->buf->failed |= safe.failed;
    buf_release(&safe);
}

static void key_raw(struct json_out *j, const char *key, struct slice raw)
{
    json_key(j, key);
    put_safe(j, raw);
}

static void recipients(struct json_out *j, const struct content *c)
{
    struct slice to;
    size_t i = 0;
    if (!render_recipient(c, &i, &to))
        return;
    json_key(j, "to");
    json_begin_array(j);
    do {
        json_string(j, to);
    } while (render_recipient(c, &i, &to));
    json_end_array(j);
}

static void time_of(struct json_out *j, const struct content *c)
{
    if (!content_untimed(c))
        json_key_time(j, "sent", c->sent);
    else if (c->sent_raw.len)
        key_raw(j, "sent_given", c->sent_raw);
    else if (c->sent != TIME_NONE)
        json_key_int(j, "sent_given", c->sent);
}

static void text_of(struct json_out *j, const struct content *c)
{
    struct slice text = render_text_of(c);
    if (!text.data)
        return;
    json_key_slice(j, "text", text);
    if (!c->damaged && utf8_valid(text))
        return;
    struct buf b64 = {0};
    base64_encode(text, &b64);
    json_key_slice(j, "text_base64", buf_slice(&b64));
    j->buf->failed |= b64.failed;
    buf_release(&b64);
}

static void flags_of(struct json_out *j, uint16_t flags)
{
    const char *name;
    uint16_t flag = 0;
    bool any = false;
    for (unsigned i = 0; (name = render_flag_name(i, &flag)); i++) {
        if (!(flags & flag))
            continue;
        if (!any) {
            json_key(j, "flags");
            json_begin_array(j);
        }
        any = true;
        json_string(j, slice_str(name));
    }
    if (any)
        json_end_array(j);
}

/* Name and size, or the hash: what identifies an attachment. */
static void attachment_identity(struct json_out *j, struct slice id)
{
    const uint8_t *nul = id.len ? memchr(id.data, 0, id.len) : NULL;
    json_begin_object(j);
    if (nul) {
        size_t len = (size_t)(nul - id.data);
        if (len)
            json_key_slice(j, "name", slice_of(id.data, len));
        if (len + 1 < id.len) {
            json_key(j, "size");
            put_safe(j, slice_of(nul + 1, id.len - len - 1));
        }
    } else {
        json_key_slice(j, "sha256", id);
    }
    json_end_object(j);
}

static void attachments_of(struct json_out *j, const struct message_view *m)
{
    struct slice raw;
    if (render_extra(m, "attachments", &raw)) {
        key_raw(j, "attachments", raw);
        return;
    }
    if (m->c.n_attachments == 0)
        return;
    json_key(j, "attachments");
    json_begin_array(j);
    for (size_t i = 0; i < m->c.n_attachments; i++)
        attachment_identity(j, m->c.attachments[i]);
    json_end_array(j);
}

static void related_of(struct json_out *j, const struct message_view *m)
{
    if (m->n_related == 0)
        return;
    json_key(j, "related");
    json_begin_array(j);
    for (size_t i = 0; i < m->n_related; i++) {
        json_begin_object(j);
        key_hex(j, "id", m->related[i].id);
        json_key_str(j, "why", m->related[i].why);
        json_end_object(j);
    }
    json_end_array(j);
    if (m->related_more)
        json_key_bool(j, "related_more", true);
}

static void events_of(struct json_out *j, const struct message_view *m)
{
    if (m->names_absent)
        json_key_bool(j, m->c.kind == DOC_EVENT ? "of_missing" : "reply_missing", true);
    if (m->old_text.data)
        json_key_slice(j, "old_text", m->old_text);
    if (m->n_events == 0)
        return;
    json_key(j, "events");
    json_begin_array(j);
    for (size_t i = 0; i < m->n_events; i++) {
        const struct message_event *e = &m->events[i];
        json_begin_object(j);
        key_hex(j, "id", e->id);
        json_key_slice(j, "what", e->what);
        key_maybe(j, "by", e->by);
        if (e->sent != TIME_NONE)
            json_key_time(j, "time", e->sent);
        key_maybe(j, "value", e->value);
        json_end_object(j);
    }
    json_end_array(j);
    if (m->events_more)
        json_key_bool(j, "events_more", true);
}

/* Who says that it was deleted, and which copies were read out after their time to burn. */
static void ends_of(struct json_out *j, const struct message_view *m)
{
    struct copy_end end;
    bool any = false;
    for (size_t at = 0; render_copy_end(m, &at, &end);) {
        if (!any) {
            json_key(j, "ends");
            json_begin_array(j);
        }
        any = true;
        json_begin_object(j);
        json_key_slice(j, "source", end.source);
        json_key_str(j, "why", end.burnt ? "burn-run-out" : "deleted");
        if (end.at != TIME_NONE)
            json_key_time(j, "at", end.at);
        json_end_object(j);
    }
    if (any)
        json_end_array(j);
}

static void missing_of(struct json_out *j, const struct message_view *m)
{
    if (m->n_missing == 0)
        return;
    json_key(j, "missing_copies");
    json_begin_array(j);
    for (size_t i = 0; i < m->n_missing; i++) {
        json_begin_object(j);
        json_key_slice(j, "account", m->missing[i].account);
        json_key_slice(j, "source", m->missing[i].source);
        json_end_object(j);
    }
    json_end_array(j);
}

static void nicknames_of(struct json_out *j, const struct nickname *all, size_t n, bool handle)
{
    if (n == 0)
        return;
    json_key(j, "nicknames");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j);
        if (handle)
            json_key_slice(j, "handle", all[i].handle);
        json_key_slice(j, "nickname", all[i].nickname);
        key_maybe(j, "owner", all[i].owner);
        json_end_object(j);
    }
    json_end_array(j);
}

void json_nicknames(struct json_out *j, const struct nickname *all, size_t n)
{
    nicknames_of(j, all, n, false);
}

static void sealed_of(struct json_out *j, const struct content *c)
{
    if (c->body_kind != BODY_SEALED)
        return;
    json_key(j, "sealed");
    json_begin_object(j);
    json_key_slice(j, "key", c->seal_key);
    json_end_object(j);
}

/* What `order` alone does not say. */
static void place_of(struct json_out *j, const struct place_note *p)
{
    if (p->given && p->tie)
        json_key_bool(j, "tie", true);
    if (!p->given || !p->corrected)
        return;
    json_key_time(j, "corrected", p->at);
    json_key_int(j, "clock_ahead_ms", p->ahead_ms);
}

/* A proposal: left out is whom a message answers that begins a talk. */
static void answer_of(struct json_out *j, const struct answer_note *a)
{
    char share[32];
    if (!a->talk)
        return;
    if (!a->starts) {
        json_key(j, "answers");
        json_begin_object(j);
        key_hex(j, "id", a->id);
        key_maybe(j, "service_id", a->service_id);
        snprintf(share, sizeof share, "%u.%02u", a->percent / 100, a->percent % 100);
        json_key(j, "confidence");
        json_raw(j, slice_str(share));
        json_end_object(j);
    }
    json_key_uint(j, "talk", a->talk);
}

static void score_of(struct json_out *j, int64_t millionths)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%lld.%06lld", (long long)(millionths / 1000000),
                     (long long)(millionths % 1000000));
    json_key(j, "score");
    json_raw(j, slice_of(text, (size_t)n));
}

/* What the query's terms find by themselves. */
static void terms_of(struct json_out *j, const struct summary *s)
{
    json_key(j, "terms");
    json_begin_array(j);
    for (size_t i = 0; i < s->n_terms; i++) {
        json_begin_object(j);
        json_key_slice(j, "term", s->terms[i].node->written);
        json_key_uint(j, "messages", s->terms[i].messages);
        json_end_object(j);
    }
    json_end_array(j);
}

void json_record(const struct message_view *m, bool all_copies, const char *order, struct buf *out)
{
    const struct content *c = &m->c;
    struct json_out json = json_out_to(out), *j = &json;
    struct slice raw;
    json_begin_object(j);
    json_key_str(j, "type", doc_kind_name((enum doc_kind)c->kind));
    key_hex(j, "id", m->id);
    key_maybe(j, "service_id", c->id);
    key_hex(j, "conversation", m->conversation_key);
    key_maybe(j, "from", c->from);
    recipients(j, c);
    if (c->conv.kind == CONV_GROUP)
        json_key_slice(j, "group", c->conv.name);
    time_of(j, c);
    text_of(j, c);
    json_key_uint(j, "copies", m->n_copies);
    flags_of(j, m->flags);
    attachments_of(j, m);
    key_maybe(j, "reply_to", c->reply_to);
    if (render_extra(m, "burn", &raw))
        key_raw(j, "burn", raw);
    related_of(j, m);
    missing_of(j, m);
    events_of(j, m);
    ends_of(j, m);
    nicknames_of(j, m->nicknames, m->n_nicknames, true);
    if (c->kind != DOC_MESSAGE && c->raw.len)
        key_raw(j, "record", c->raw);
    if (m->ref.scored)
        score_of(j, m->ref.score);
    if (m->context_of)
        key_hex(j, "context_of", m->context_of);
    if (order)
        json_key_str(j, "order", order);
    place_of(j, &m->place);
    answer_of(j, &m->answer);
    if (all_copies) {
        key_maybe(j, "service", c->conv.service);
        sealed_of(j, c);
        json_all_copies(j, m);
    }
    json_end_object(j);
}

void json_gap(const struct thread_gap *g, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "gap");
    json_key_slice(&j, "source", g->stream->source);
    json_key_str(&j, "stage", g->stream->stage ? "live" : "stored");
    key_maybe(&j, "epoch", g->stream->epoch);
    json_key_uint(&j, "after_seq", g->after_seq);
    if (!g->at_end)
        json_key_uint(&j, "before_seq", g->before_seq);
    json_key_uint(&j, "missing", g->missing);
    json_key_str(&j, "why", g->why);
    if (g->context_of)
        key_hex(&j, "context_of", g->context_of);
    json_end_object(&j);
}

void json_handle(const struct handle_row *h, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "handle");
    json_key_slice(&j, "handle", h->handle);
    json_key_uint(&j, "sent", h->sent);
    json_key_uint(&j, "received", h->received);
    if (h->first != TIME_NONE) {
        json_key_time(&j, "first", h->first);
        json_key_time(&j, "last", h->last);
    }
    nicknames_of(&j, h->nicknames, h->n_nicknames, false);
    json_end_object(&j);
}

void json_summary_keys(struct json_out *j, const struct summary *s)
{
    json_key_slice(j, "query", s->query);
    if (s->method) {
        json_key_str(j, "method", s->method);
        json_key_uint(j, "read", s->read);
    }
    json_key_uint(j, "total", s->total);
    if (s->conversations != UINT64_MAX)
        json_key_uint(j, "conversations", s->conversations);
    json_key_uint(j, "sealed", s->sealed);
    json_key_uint(j, "untimed", s->untimed);
    if (s->terms)
        terms_of(j, s);
    if (s->next[0])
        json_key_str(j, "next", s->next);
    if (s->pairs)
        json_key_uint(j, "pairs", s->pairs);
    if (s->day[0])
        json_key_str(j, "day", s->day);
    if (s->day_before[0])
        json_key_str(j, "day_before", s->day_before);
    if (s->day_after[0])
        json_key_str(j, "day_after", s->day_after);
    if (s->stamps)
        json_key_str(j, "stamps", s->stamps);
    if (s->log_head)
        json_key_str(j, "head", s->log_head);
    if (s->log)
        json_key_str(j, "log", s->log);
    if (s->unfinished)
        json_key_uint(j, "unfinished", s->unfinished);
    json_key_str(j, "digest", s->digest);
    json_key_uint(j, "generation", s->generation);
    json_key_str(j, "version", LICTOR_VERSION);
    for (size_t i = 0; i < s->n_more; i++)
        json_key_uint(j, s->more[i].key, s->more[i].n);
}
