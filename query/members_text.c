/* members_text — the members of a group in words and lines. */
#include "query/members_text.h"

#include "lictor/cli.h"
#include "query/csv.h"
#include "query/device_text.h"

#define NAME_COLUMNS 40
#define NAMES_SHOWN 30 /* of a heading; the rest is counted */

static void put_at(const struct render *r, int64_t at, struct buf *out)
{
    if (at == INT64_MAX) {
        buf_put_str(out, "at the end of the delivered data");
        return;
    }
    buf_put_str(out, "at ");
    text_time(r, at, out);
}

static bool is_shown(const struct group_member *m, bool in)
{
    return in ? m->in : !m->in && m->how != HOW_SPOKE;
}

static void put_names(const struct group_members *g, bool in, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (!is_shown(g->all[i], in))
            continue;
        if (n++ >= NAMES_SHOWN)
            continue;
        buf_put_str(out, n > 1 ? ", " : " ");
        text_name(out, g->all[i]->handle, NAME_COLUMNS);
        buf_put_str(out, g->all[i]->disputed ? " (disputed)" : "");
    }
    if (n > NAMES_SHOWN)
        buf_printf(out, " and %zu more (--members lists all)", n - NAMES_SHOWN);
}

/* On what it rests. */
static void put_basis(const struct render *r, const struct group_members *g, struct buf *out)
{
    buf_put_str(out, " (from the list of ");
    text_time(r, g->listed_at, out);
    if (g->changes) {
        buf_put_str(out, " and ");
        text_count(g->changes, "change", "changes", out);
        buf_put_str(out, " since");
    }
    buf_put_u8(out, ')');
}

static void put_paragraph(const struct render *r, const struct group_members *g, int64_t at,
                          struct buf *out)
{
    size_t gone = 0;
    if (g->lists == 0) {
        buf_put_str(out, "members ");
        put_at(r, at, out);
        buf_put_str(out, ": not in the delivered data");
        if (g->in) {
            buf_put_str(out, "; joined or added by then:");
            put_names(g, true, out);
        }
    } else {
        text_count(g->in, "member", "members", out);
        buf_put_u8(out, ' ');
        put_at(r, at, out);
        buf_put_u8(out, ':');
        put_names(g, true, out);
        put_basis(r, g, out);
    }
    for (size_t i = 0; i < g->n; i++)
        gone += is_shown(g->all[i], false);
    if (gone) {
        buf_put_str(out, "; no longer:");
        put_names(g, false, out);
    }
    if (g->untimed) {
        buf_put_str(out, "; ");
        text_count(g->untimed, "record of members without a time is",
                   "records of members without "
                   "a time are",
                   out);
        buf_put_str(out, " not followed");
    }
}

void text_members_head(struct render *r, const struct group_members *g, int64_t at, struct buf *out)
{
    struct buf words = {0};
    put_paragraph(r, g, at, &words);
    text_pad(out, 2);
    text_wrap_words(r, out, buf_slice(&words), 2);
    out->failed |= words.failed;
    buf_release(&words);
}

/* ---- a line each ---- */

static const char *type_of(const struct group_member *m)
{
    return m->in ? "member" : m->how == HOW_SPOKE ? "speaker" : "left";
}

static void one_text(struct render *r, const struct group_member *m, struct buf *out)
{
    text_style(r, out, m->in ? STYLE_BOLD : STYLE_NONE);
    text_name(out, m->handle, 0);
    text_style(r, out, STYLE_NONE);
    buf_put_str(out, "  ");
    if (m->how == HOW_SPOKE) {
        buf_put_str(out, "only seen speaking\n");
        return;
    }
    buf_put_str(out, m->in ? "since " : "not since ");
    text_time(r, m->since, out);
    buf_printf(out, " (%s", member_how_name((enum member_how)m->how));
    if (m->by.data && !slice_eq(m->by, m->handle)) {
        buf_put_str(out, " by ");
        text_name(out, m->by, NAME_COLUMNS);
    }
    buf_put_str(out, ") ");
    text_style(r, out, STYLE_DIM);
    text_id(r, out, m->id);
    text_style(r, out, STYLE_NONE);
    if (m->disputed) {
        text_style(r, out, STYLE_WARN);
        buf_put_str(out, " disputed: records of the same instant say otherwise");
        text_style(r, out, STYLE_NONE);
    }
    if (m->speaks && !m->in)
        buf_put_str(out, ", seen speaking");
    buf_put_u8(out, '\n');
}

static void one_json(const struct group_member *m, const char *conversation, struct buf *out)
{
    struct json_out json = json_out_to(out), *j = &json;
    char hex[2 * KEY_SIZE + 1];
    json_begin_object(j);
    json_key_str(j, "type", type_of(m));
    json_key_str(j, "conversation", conversation);
    json_key_slice(j, "handle", m->handle);
    if (m->how != HOW_SPOKE) {
        json_key_str(j, "how", member_how_name((enum member_how)m->how));
        json_key_time(j, "since", m->since);
        if (m->by.data)
            json_key_slice(j, "by", m->by);
        hex_encode(m->id, KEY_SIZE, hex);
        json_key_str(j, "id", hex);
    }
    if (m->disputed)
        json_key_bool(j, "disputed", true);
    if (m->speaks)
        json_key_bool(j, "speaks", true);
    json_end_object(j);
}

void csv_members_header(struct buf *out)
{
    buf_put_str(out, "type,conversation,handle,how,since,by,id,disputed,speaks\r\n");
}

static void one_csv(const struct group_member *m, const char *conversation, struct buf *out)
{
    struct csv c = {.out = out};
    bool known = m->how != HOW_SPOKE;
    csv_str(&c, type_of(m));
    csv_str(&c, conversation);
    csv_field(&c, m->handle);
    csv_str(&c, known ? member_how_name((enum member_how)m->how) : "");
    csv_time(&c, m->since);
    csv_field(&c, m->by);
    if (known)
        csv_hex(&c, m->id);
    else
        csv_str(&c, "");
    csv_str(&c, m->disputed ? "true" : "");
    csv_str(&c, m->speaks ? "true" : "");
    csv_row_end(&c);
}

void render_members(struct render *r, const uint8_t key[KEY_SIZE], const struct group_members *g,
                    int64_t at, struct buf *out)
{
    static const char *const order[] = {"member", "left", "speaker"};
    char hex[2 * KEY_SIZE + 1];
    hex_encode(key, KEY_SIZE, hex);
    if (r->format == RENDER_TEXT) {
        text_members_head(r, g, at, out);
        buf_put_u8(out, '\n');
    }
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < g->n; i++) {
            if (strcmp(type_of(g->all[i]), order[k]) != 0)
                continue;
            if (r->format == RENDER_TEXT) {
                one_text(r, g->all[i], out);
                continue;
            }
            render_element_begin(r, out);
            if (r->format == RENDER_CSV)
                one_csv(g->all[i], hex, out);
            else
                one_json(g->all[i], hex, out);
            render_element_end(r, out);
        }
}
