/* render_text_hit — a search's hits: one block each, text below who wrote when. */
#include "lictor/cli.h"
#include "query/render.h"

#define NAME_COLUMNS 40
#define HIT_INDENT 4
#define CONTEXT_INDENT 8
#define TO_MOST 4 /* recipients named; the rest is counted */

static void who_to_whom(const struct message_view *m, struct buf *out)
{
    const struct content *c = &m->c;
    struct slice to;
    size_t n = 0;
    if (c->from.data)
        text_name(out, c->from, NAME_COLUMNS);
    else
        buf_put_str(out, "(no sender)");
    for (size_t i = 0; c->conv.kind != CONV_GROUP && render_recipient(c, &i, &to); n++) {
        if (n >= TO_MOST)
            continue;
        buf_put_str(out, n ? ", " : " \xe2\x86\x92 ");
        text_name(out, to, NAME_COLUMNS);
    }
    if (n > TO_MOST)
        buf_printf(out, " and %zu more", n - TO_MOST);
    if (c->conv.kind == CONV_GROUP) {
        buf_put_str(out, " \xe2\x86\x92 group ");
        text_name(out, c->conv.name, NAME_COLUMNS);
    }
    if (c->kind != DOC_MESSAGE)
        buf_printf(out, " [%s]", doc_kind_name((enum doc_kind)c->kind));
}

/* What was found; of an event or contact also what it is about. */
static enum status body(struct render *r, const struct message_view *m, int indent, struct buf *out,
                        struct err *err)
{
    struct slice text = render_text_of(&m->c);
    struct buf words = {0};
    enum status st = ST_OK;
    if (text.data) {
        text_body_head(r, m, &words);
        st = text_snippet(r, out, buf_slice(&words), text, indent, err);
    } else {
        text_body_words(r, m, &words);
        text_pad(out, indent);
        buf_put_slice(out, buf_slice(&words));
        buf_put_u8(out, '\n');
    }
    out->failed |= words.failed;
    buf_release(&words);
    return st;
}

static void head(struct render *r, const struct message_view *m, int style, struct buf *out)
{
    text_style(r, out, STYLE_DIM);
    text_id(r, out, m->id);
    text_style(r, out, style == STYLE_DIM ? STYLE_DIM : STYLE_NONE);
    buf_put_str(out, "  ");
    if (content_untimed(&m->c))
        buf_put_str(out, "no time");
    else
        text_when(r, out, m->c.sent);
    buf_put_str(out, "  ");
    text_style(r, out, style);
    who_to_whom(m, out);
    text_style(r, out, STYLE_NONE);
    if (m->ref.scored)
        buf_printf(out, "  score %lld.%02lld", (long long)(m->ref.score / 1000000),
                   (long long)(m->ref.score / 10000 % 100));
    buf_put_u8(out, '\n');
}

static enum status rest(struct render *r, const struct message_view *m, int indent, struct buf *out,
                        struct err *err)
{
    struct buf marks = {0};
    TRY(body(r, m, indent, out, err));
    text_attachments(r, m, indent, out);
    text_marks(r, m, true, &marks);
    if (marks.len) {
        text_pad(out, indent);
        text_style(r, out, STYLE_DIM);
        buf_put_slice(out, buf_slice(&marks));
        text_style(r, out, STYLE_NONE);
        buf_put_u8(out, '\n');
    }
    out->failed |= marks.failed;
    buf_release(&marks);
    return ST_OK;
}

enum status text_hit(struct render *r, const struct message_view *m, struct buf *out,
                     struct err *err)
{
    if (r->mark_hits)
        buf_put_str(out, "> ");
    head(r, m, STYLE_BOLD, out);
    TRY(rest(r, m, HIT_INDENT, out, err));
    if (!r->mark_hits)
        buf_put_u8(out, '\n');
    return ST_OK;
}

enum status text_context(struct render *r, const struct message_view *m, struct buf *out,
                         struct err *err)
{
    const struct query *query = r->query;
    text_pad(out, HIT_INDENT);
    head(r, m, STYLE_DIM, out);
    r->query = NULL; /* only hits are marked */
    enum status st = rest(r, m, CONTEXT_INDENT, out, err);
    r->query = query;
    return st;
}

void text_context_gap(struct render *r, const struct thread_gap *g, struct buf *out)
{
    text_pad(out, HIT_INDENT);
    text_style(r, out, STYLE_WARN);
    buf_put_str(out, "\xe2\x8b\xae "); /* vertical dots */
    text_gap_words(g, out);
    text_style(r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
}

void text_handle(struct render *r, const struct handle_row *h, struct buf *out)
{
    text_style(r, out, STYLE_BOLD);
    text_name(out, h->handle, 0);
    text_style(r, out, STYLE_NONE);
    buf_printf(out, "\n    sent %llu, received %llu", (unsigned long long)h->sent,
               (unsigned long long)h->received);
    if (h->first != TIME_NONE) {
        buf_put_str(out, "; seen from ");
        text_when(r, out, h->first);
        buf_put_str(out, " to ");
        text_when(r, out, h->last);
    }
    buf_put_u8(out, '\n');
    for (size_t i = 0; i < h->n_nicknames; i++) {
        buf_put_str(out, "    ");
        text_nickname(&h->nicknames[i], NAME_COLUMNS, out);
        buf_put_u8(out, '\n');
    }
}
