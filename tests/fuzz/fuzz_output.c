/* fuzz_output — a record whose every text is chosen by the fuzzer, in every form of output: nothing
 * of it may act where it is shown (fuzz_output.h says what that is). Input: kind, flags, what is
 * there; then texts, each its length and its bytes. */
#include "fuzz_output.h"

#include "lictor/cli.h"
#include "query/contacts.h"
#include "query/csv.h"
#include "query/html.h"
#include "query/svg.h"
#include "query/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CSV_COLUMNS 28
#define LIST 3

static struct view view;

static struct slice text_next(struct cursor *c)
{
    size_t n = cursor_u8(c);
    return cursor_bytes(c, n < cursor_left(c) ? n : cursor_left(c));
}

/* What the indexer keeps of a record's other fields: an object with one text under each key. */
static struct slice object_make(struct arena *a, struct cursor *c, const char *const *keys)
{
    struct buf b = {0};
    for (size_t k = 0; keys[k]; k++) {
        struct slice s = text_next(c);
        buf_printf(&b, "%s\"%s\":\"", k ? "," : "{", keys[k]);
        for (size_t at = 0; at < s.len;) {
            size_t from = at;
            uint32_t cp = utf8_next(s.data, s.len, &at);
            if (cp == UTF8_BAD)
                buf_put_str(&b, "\\ud800"); /* the indexer keeps a lone surrogate so */
            else if (cp < 0x20 || cp == '"' || cp == '\\')
                buf_printf(&b, "\\u%04x", cp);
            else
                buf_put(&b, s.data + from, at - from);
        }
        buf_put_u8(&b, '"');
    }
    buf_put_u8(&b, '}');
    struct slice kept = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return kept;
}

static struct slice *list_make(struct arena *a, struct cursor *c)
{
    struct slice *list = arena_array(a, LIST, sizeof *list);
    for (size_t i = 0; i < LIST; i++)
        list[i] = text_next(c);
    return list;
}

static void content_make(struct content *m, unsigned there, struct arena *a, struct cursor *c)
{
    static const char *const keys[] = {"what", "of", "handle", "place", "sent", NULL};
    m->kind = (uint8_t)(there % DOC_KINDS);
    m->sent = there & 8 ? TIME_NONE : 1586000000000 + there;
    m->from = text_next(c);
    m->id = text_next(c);
    m->conv.service = text_next(c);
    m->conv.kind = there & 16 ? CONV_GROUP : there & 32 ? CONV_SET : CONV_SOURCE;
    m->conv.name = text_next(c);
    m->conv.set = list_make(a, c);
    m->conv.n_set = m->conv.kind == CONV_SET ? LIST : 0;
    m->body_kind = there & 64 ? BODY_SEALED : BODY_TEXT;
    m->text = text_next(c);
    m->seal_key = text_next(c);
    m->opened = there & 128 ? m->text : (struct slice){0};
    m->reply_to = there & 256 ? text_next(c) : (struct slice){0};
    m->attachments = list_make(a, c);
    m->n_attachments = there & 512 ? LIST : 0;
    m->to = m->attachments;
    m->n_to = there & 1024 ? 2 : 0;
    m->raw = object_make(a, c, keys);
    m->sent_raw = there & 8 ? object_make(a, c, keys + 4) : (struct slice){0};
}

static void copies_make(struct message_view *m, struct arena *a, struct cursor *c)
{
    static const char *const keys[] = {"attachments", "deleted", "burn", "device", NULL};
    struct dump_ref *d = arena_array(a, 1, sizeof *d);
    struct stream_ref *s = arena_array(a, 1, sizeof *s);
    struct origin_ref *o = arena_array(a, 1, sizeof *o);
    struct held_sighting *at = arena_array(a, 2, sizeof *at);
    struct held_version *v = arena_array(a, 2, sizeof *v);
    struct held_copy *h = arena_array(a, 1, sizeof *h);
    const struct held_copy **all = arena_array(a, 1, sizeof *all);
    d->name = text_next(c);
    d->form = (uint8_t)(cursor_left(c) & DUMP_FORMS);
    *s = (struct stream_ref){.source = text_next(c), .epoch = text_next(c), .numbered = true};
    *o = (struct origin_ref){.account = text_next(c),
                             .authority = text_next(c),
                             .warrant = text_next(c),
                             .serial = text_next(c),
                             .direction = 1};
    at[0] = (struct held_sighting){.dump = d, .line = 7};
    at[1] = (struct held_sighting){.dump = d, .line = 9};
    for (size_t i = 0; i < 2; i++)
        v[i] = (struct held_version){.origin = o,
                                     .delivered = 1586000000000,
                                     .read = TIME_NONE,
                                     .collected = TIME_NONE,
                                     .extra = object_make(a, c, keys),
                                     .sightings = at,
                                     .n_sightings = 2};
    *h = (struct held_copy){.stream = s, .seq = 5, .versions = v, .n_versions = 2};
    all[0] = h;
    m->copies = all;
    m->n_copies = 1;
}

static void around_make(struct message_view *m, struct arena *a, struct cursor *c)
{
    static const char *const keys[] = {"what", "value", NULL};
    struct message_event *e = arena_array(a, 1, sizeof *e);
    struct missing_copy *x = arena_array(a, 1, sizeof *x);
    struct nickname *n = arena_array(a, 1, sizeof *n);
    struct related *r = arena_array(a, 1, sizeof *r);
    *e = (struct message_event){.sent = 1586000000000,
                                .what = text_next(c),
                                .by = text_next(c),
                                .value = text_next(c),
                                .record = object_make(a, c, keys)};
    *x = (struct missing_copy){text_next(c), text_next(c)};
    *n = (struct nickname){text_next(c), text_next(c), text_next(c)};
    r->why = "same-id";
    m->events = e;
    m->n_events = 1;
    m->missing = x;
    m->n_missing = 1;
    m->nicknames = n;
    m->n_nicknames = 1;
    m->related = r;
    m->n_related = 1;
    m->old_text = text_next(c);
}

static void text_try(struct render *r, const struct message_view *m, bool colour)
{
    struct buf out = {0};
    r->format = RENDER_TEXT;
    r->colour = colour;
    r->columns = 60;
    MUST(text_hit(r, m, &out, NULL) == ST_OK);
    MUST(text_context(r, m, &out, NULL) == ST_OK);
    text_message(r, m, &out);
    MUST(text_thread_record(r, m, &out, NULL) == ST_OK);
    MUST(!out.failed);
    output_safe(buf_slice(&out), colour, true);
    buf_release(&out);
}

static void machines_try(struct render *r, const struct message_view *m,
                         const struct thread_gap *gap)
{
    static const char *const tags[] = {"div class=\"m\">",
                                       "div class=\"m c\">",
                                       "div class=\"h\">",
                                       "b>",
                                       "bdi>",
                                       "code>",
                                       "div class=\"e\">",
                                       "div class=\"e\" dir=\"auto\">",
                                       "div class=\"t\" dir=\"auto\">",
                                       "div class=\"r\">",
                                       "div class=\"r c\">",
                                       "div class=\"r\" dir=\"auto\">",
                                       "div class=\"r c\" dir=\"auto\">",
                                       "div class=\"g\" dir=\"auto\">",
                                       "h2>",
                                       NULL};
    struct handle_row row = {.handle = m->c.from,
                             .first = TIME_NONE,
                             .last = TIME_NONE,
                             .nicknames = m->nicknames,
                             .n_nicknames = m->n_nicknames};
    struct buf out = {0};
    csv_record(m, "sent", &out);
    csv_gap(gap, &out);
    output_csv(buf_slice(&out), CSV_COLUMNS);
    buf_clear(&out);
    json_record(m, true, "sent", &out);
    output_json(buf_slice(&out));
    output_safe(buf_slice(&out), false, false);
    MUST(!memchr(out.data, '\n', out.len));
    buf_clear(&out);
    json_handle(&row, &out);
    output_json(buf_slice(&out));
    output_safe(buf_slice(&out), false, false);
    buf_clear(&out);
    json_gap(gap, &out);
    output_json(buf_slice(&out));
    buf_clear(&out);
    r->format = RENDER_HTML;
    r->colour = false;
    html_record(r, m, "sent", &out);
    html_gap(gap, &out);
    MUST(!out.failed);
    output_markup(buf_slice(&out), tags);
    output_safe(buf_slice(&out), false, true);
    buf_release(&out);
}

/* The pieces, and pictures. */
static void pieces_try(struct slice s, struct slice t)
{
    static const char *const tags[] = {"svg xmlns=\"http://www.w3.org/2000/svg\" width=",
                                       "title>",
                                       "desc>",
                                       "defs>",
                                       "pattern id=\"p",
                                       "rect ",
                                       "path d=\"M",
                                       "style>",
                                       "text ",
                                       NULL};
    struct buf out = {0};
    cli_safe(&out, s, false);
    MUST(!out.len || !memchr(out.data, '\n', out.len));
    output_safe(buf_slice(&out), false, false);
    MUST(cli_width(s) >= 0);
    buf_clear(&out);
    text_shell_name(s, &out);
    output_safe(buf_slice(&out), false, false);
    buf_clear(&out);
    svg_begin(&out, 100, 100, s, t);
    svg_rect(&out, 0, 0, 1, 1, SVG_BLUE, t);
    svg_text(&out, 0, 0, SVG_START, true, s);
    svg_text_cut(&out, 0, 0, SVG_END, 5, s);
    svg_end(&out);
    MUST(output_begins(buf_slice(&out), 0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    struct slice body = slice_of(out.data + 39, out.len - 39);
    output_markup(body, tags);
    output_safe(body, false, false);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(slice_of(data, size));
    struct message_view m = {.id = {1, 2, 3}};
    struct stream_ref stream = {.numbered = true};
    struct thread_gap gap = {.stream = &stream, .after_seq = 3, .missing = 2, .before_seq = 6};
    struct render r;
    struct arena a;
    if (size < 6)
        return 0;
    if (!view.splitter)
        MUST(splitter_new(&view.splitter, NULL) == ST_OK &&
             zone_open("Europe/Paris", &view.zone, NULL) == ST_OK);
    unsigned there = cursor_u16(&c);
    uint16_t flags = cursor_u16(&c) & (DOC_FLAGS | VIEW_MISSING_COPY);
    arena_init(&a, 0);
    m.flags = flags;
    m.state = (struct doc_state){.messages = 1, .copies = 1, .flags = flags & DOC_FLAGS};
    content_make(&m.c, there, &a, &c);
    copies_make(&m, &a, &c);
    around_make(&m, &a, &c);
    gap.why = "not-delivered";
    stream.source = m.c.from;
    render_init(&r, &view);
    text_try(&r, &m, there & 2048);
    machines_try(&r, &m, &gap);
    pieces_try(m.c.text, m.c.from);
    render_release(&r);
    arena_release(&a);
    return 0;
}
