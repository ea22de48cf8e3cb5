/* render — what all formats share, and which form a record takes. */
#include "query/render.h"

#include "lictor/cli.h"
#include "query/extra.h"
#include "query/html.h"

void render_init(struct render *r, struct view *v)
{
    *r = (struct render){.v = v, .columns = 100, .id_digits = RENDER_ID_LEAST};
    arena_init(&r->names, (size_t)16 << 10);
}

void render_release(struct render *r)
{
    buf_release(&r->speakers);
    arena_release(&r->names);
    *r = (struct render){0};
}

const char *render_flag_name(unsigned i, uint16_t *flag)
{
    static const struct {
        const char *name;
        uint16_t flag;
    } all[] = {
        {"one-sided", DOC_ONE_SIDED},        {"conflict", DOC_CONFLICT},
        {"repeated", DOC_REPEATED},          {"sealed", DOC_SEALED},
        {"seal-broken", DOC_SEAL_BROKEN},    {"untimed", DOC_UNTIMED},
        {"incomplete", DOC_INCOMPLETE},      {"damaged-text", DOC_DAMAGED_TEXT},
        {"missing-copy", VIEW_MISSING_COPY},
    };
    if (i >= sizeof all / sizeof *all)
        return NULL;
    *flag = all[i].flag;
    return all[i].name;
}

struct slice render_text_of(const struct content *c)
{
    if (c->body_kind == BODY_TEXT || c->kind == DOC_CONTACT)
        return c->text;
    return c->opened;
}

bool render_recipient(const struct content *c, size_t *i, struct slice *to)
{
    if (c->conv.kind != CONV_SET) {
        if (*i >= c->n_to)
            return false;
        *to = c->to[(*i)++];
        return true;
    }
    while (*i < c->conv.n_set) {
        *to = c->conv.set[(*i)++];
        if (c->conv.n_set == 1 || !c->from.data || !slice_eq(*to, c->from))
            return true;
    }
    return false;
}

bool render_extra(const struct message_view *m, const char *key, struct slice *raw)
{
    for (size_t i = 0; i < m->n_copies; i++)
        for (size_t j = 0; j < m->copies[i]->n_versions; j++)
            if (extra_find(m->copies[i]->versions[j].extra, key, raw))
                return true;
    return false;
}

int64_t render_instant(struct slice raw)
{
    struct buf text = {0};
    struct rfc3339 t;
    int64_t ms = TIME_NONE;
    uint64_t n;
    if (extra_string(raw, &text)) {
        if (rfc3339_parse(buf_slice(&text), &t) && t.has_offset)
            ms = t.local_ms - (int64_t)t.offset_minutes * 60000;
    } else {
        buf_put_slice(&text, raw);
        buf_put_u8(&text, 0);
        if (!text.failed && cli_uint((const char *)text.data, 1, TIME_MAX_MS, &n))
            ms = (int64_t)n;
    }
    buf_release(&text);
    return ms;
}

/* Seconds after which it burns; 0 if none are given, or no number that can be right. */
static int64_t burn_ms(const struct held_version *v)
{
    struct slice raw;
    char digits[24];
    uint64_t s;
    if (!extra_find(v->extra, "burn", &raw) || raw.len >= sizeof digits)
        return 0;
    memcpy(digits, raw.data, raw.len);
    digits[raw.len] = 0;
    return cli_uint(digits, 1, TIME_MAX_MS / 1000, &s) ? (int64_t)s * 1000 : 0;
}

static bool is_time(int64_t ms) { return ms > 0 && ms <= TIME_MAX_MS; }

/* Whether one of a copy's readings says how it ended: deleted (`burnt` false) or overdue. */
static bool copy_ended(const struct content *c, const struct held_copy *h, bool burnt,
                       struct copy_end *out)
{
    *out = (struct copy_end){.source = h->stream->source, .burnt = burnt, .at = TIME_NONE};
    for (size_t i = 0; i < h->n_versions; i++) {
        const struct held_version *v = &h->versions[i];
        struct slice raw;
        int64_t from = is_time(v->read) ? v->read : content_untimed(c) ? TIME_NONE : c->sent;
        int64_t ms = burnt ? burn_ms(v) : 0;
        if (!burnt && extra_find(v->extra, "deleted", &raw) && !slice_eq_str(raw, "false")) {
            out->at = render_instant(raw);
            return true;
        }
        if (ms && from != TIME_NONE && is_time(v->collected) && v->collected - ms > from) {
            out->at = from + ms;
            return true;
        }
    }
    return false;
}

bool render_copy_end(const struct message_view *m, size_t *at, struct copy_end *out)
{
    while (*at < 2 * m->n_copies) {
        size_t i = (*at)++;
        if (copy_ended(&m->c, m->copies[i / 2], i % 2 == 1, out))
            return true;
    }
    return false;
}

/* ---- machines ---- */

void render_element_begin(struct render *r, struct buf *out)
{
    if (r->format != RENDER_JSON)
        return;
    if (!r->hits_open)
        buf_put_str(out, "{\"hits\":[");
    r->hits_open = true;
    buf_put_str(out, r->comma ? ",\n" : "\n");
    r->comma = true;
}

void render_element_end(struct render *r, struct buf *out)
{
    if (r->format == RENDER_JSONL)
        buf_put_u8(out, '\n');
}

void summary_add(struct summary *s, const char *key, uint64_t n)
{
    MUST(s->n_more < sizeof s->more / sizeof *s->more);
    s->more[s->n_more++] = (struct summary_count){key, n};
}

static void summary_line(const struct summary *s, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "summary");
    json_summary_keys(&j, s);
    json_end_object(&j);
    buf_put_u8(out, '\n');
}

void render_begin(struct render *r, const struct summary *s, struct buf *out)
{
    if (r->format == RENDER_CSV)
        csv_header(false, out);
    if (r->format != RENDER_JSON || !s)
        return;
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_summary_keys(&j, s);
    json_key(&j, "hits");
    buf_put_u8(out, '[');
    r->hits_open = true;
}

void render_end(struct render *r, const struct summary *s, bool summary_shown, struct buf *out)
{
    if (r->format == RENDER_JSONL)
        summary_line(s, out);
    if (r->format == RENDER_HTML)
        html_end(s, out);
    if (r->format != RENDER_JSON)
        return;
    if (!r->hits_open)
        buf_put_str(out, "{\"hits\":[");
    buf_put_str(out, r->comma ? "\n]" : "]");
    if (summary_shown && s->pairs) {
        struct json_out j = json_out_to(out);
        j.comma = true;
        json_key_uint(&j, "pairs", s->pairs);
    }
    if (!summary_shown) {
        struct json_out j = json_out_to(out);
        j.comma = true;
        json_summary_keys(&j, s);
    }
    buf_put_str(out, "}\n");
}

void render_record(struct render *r, const struct message_view *m, bool all_copies,
                   const char *order, struct buf *out)
{
    r->records++;
    if (r->format == RENDER_HTML) {
        html_record(r, m, order, out);
        return;
    }
    render_element_begin(r, out);
    if (r->format == RENDER_CSV)
        csv_record(m, order, out);
    else
        json_record(m, all_copies, order, out);
    render_element_end(r, out);
}

void render_gap(struct render *r, const struct thread_gap *g, struct buf *out)
{
    if (r->format == RENDER_HTML) {
        html_gap(g, out);
        return;
    }
    render_element_begin(r, out);
    if (r->format == RENDER_CSV)
        csv_gap(g, out);
    else
        json_gap(g, out);
    render_element_end(r, out);
}

void render_handle(struct render *r, const struct handle_row *h, struct buf *out)
{
    render_element_begin(r, out);
    if (r->format == RENDER_CSV)
        csv_handle(h, out);
    else
        json_handle(h, out);
    render_element_end(r, out);
}
