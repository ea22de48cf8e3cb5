/* render_text_snippet — the text of a hit: matches marked, and of a long text what stands around
 * them. Marks by signs become part of the text before it is cut into lines, so that they take their
 * columns. */
#include "lictor/cli.h"
#include "query/render.h"
#include "query/snippet.h"

#define SIGN_LEN (sizeof MARK_BEGIN - 1)

/* Evidence between marks: signs that are not ours are shown by their numbers. */
static void put_plain(struct buf *out, struct slice s)
{
    for (size_t pos = 0; pos < s.len;) {
        const uint8_t *lead = memchr(s.data + pos, MARK_BEGIN[0] & 0xff, s.len - pos);
        size_t at = lead ? (size_t)(lead - s.data) : s.len;
        buf_put(out, s.data + pos, at - pos);
        pos = at;
        bool whole = s.len - at >= SIGN_LEN;
        if (whole && memcmp(s.data + at, MARK_BEGIN, SIGN_LEN) == 0) {
            buf_put_str(out, "\\u{27e6}");
            pos += SIGN_LEN;
        } else if (whole && memcmp(s.data + at, MARK_END, SIGN_LEN) == 0) {
            buf_put_str(out, "\\u{27e7}");
            pos += SIGN_LEN;
        } else if (at < s.len) {
            buf_put_u8(out, s.data[pos++]);
        }
    }
}

static void put_signs(struct slice text, const struct text_range *marks, size_t n, struct buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        put_plain(out, slice_of(text.data + at, marks[i].from - at));
        buf_put_str(out, MARK_BEGIN);
        put_plain(out, slice_of(text.data + marks[i].from, marks[i].to - marks[i].from));
        buf_put_str(out, MARK_END);
        at = marks[i].to;
    }
    put_plain(out, slice_of(text.data + at, text.len - at));
}

/* `marks` are of the passage. */
static void put_passage(struct render *r, struct slice text, const struct text_range *marks,
                        size_t n, int indent, int used, struct buf *out)
{
    struct buf with_signs = {0};
    if (r->marking == MARKED_SIGNS) {
        put_signs(text, marks, n, &with_signs);
        text = buf_slice(&with_signs);
    }
    text_wrap(r, out, text, indent, used, marks, r->marking == MARKED_COLOUR ? n : 0);
    out->failed |= with_signs.failed;
    buf_release(&with_signs);
}

/* Words of ours: no margin before them. */
static void put_left_out(const struct render *r, uint64_t n, int indent, bool last, struct buf *out)
{
    char count[32];
    if (n == 0)
        return;
    cli_count_text(n, count);
    text_pad(out, indent);
    text_style(r, out, STYLE_DIM);
    buf_printf(out, "\xe2\x80\xa6 %s character%s not shown%s", count, n == 1 ? "" : "s",
               last ? "; --whole" : "");
    text_style(r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
}

/* The head, the margin, the first line of a passage. */
static int put_begin(struct render *r, struct slice head, int indent, struct buf *out)
{
    if (head.len)
        text_pad(out, indent);
    else
        text_margin(r, out, indent);
    buf_put_slice(out, head);
    return indent + cli_width(head);
}

struct passages {
    const struct passage *at;
    size_t n;
    uint64_t after;
};

static void put_all(struct render *r, struct slice head, struct slice text, struct passages *p,
                    struct text_range *marks, size_t n, int indent, struct buf *out)
{
    const struct slice none = {0};
    for (size_t i = 0, first = 0; i < p->n; i++) {
        const struct passage *x = &p->at[i];
        size_t end = first;
        for (; end < n && marks[end].to <= x->to; end++) {
            marks[end].from -= x->from;
            marks[end].to -= x->from;
        }
        put_left_out(r, x->before, indent, i + 1 == p->n && p->after == 0, out);
        int used = put_begin(r, i ? none : head, indent, out);
        put_passage(r, slice_of(text.data + x->from, x->to - x->from), n ? marks + first : NULL,
                    end - first, indent, used, out);
        first = end;
    }
    put_left_out(r, p->after, indent, true, out);
}

static enum status snippet(struct render *r, struct buf *out, struct slice head, struct slice text,
                           int indent, struct arena *a, struct err *err)
{
    const struct passage whole = {.to = (uint32_t)text.len};
    struct passages p = {.at = &whole, .n = 1};
    struct passage *cut;
    struct text_range *marks = NULL;
    size_t n = 0;
    bool is_long = !r->whole && text.len > SNIPPET_WHOLE;
    if (r->query && (is_long || r->marking != MARKED_NOT))
        TRY(query_highlight(r->query, r->v->splitter, text, a, &marks, &n, err));
    if (is_long) {
        TRY(snippet_cut(text, marks, n, a, &cut, &p.n, &p.after, err));
        p.at = cut;
    }
    put_all(r, head, text, &p, marks, n, indent, out);
    return ST_OK;
}

enum status text_snippet(struct render *r, struct buf *out, struct slice head, struct slice text,
                         int indent, struct err *err)
{
    struct arena a;
    arena_init(&a, (size_t)4 << 10);
    enum status st = snippet(r, out, head, text, indent, &a, err);
    arena_release(&a);
    return st;
}
