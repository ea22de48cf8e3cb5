/* cmd_timeline — how many messages each hour, day, week or month has: all of the case, or the hits
 * of a query. Empty bins between the first and the last are shown as 0; a long run of them is one
 * line, so that two messages, of 1970 and of 9999, make no seventy million lines. */
#include <stdio.h>

#include "lictor/thread.h"
#include "query/cmd.h"
#include "query/csv.h"
#include "query/lang.h"
#include "query/svg.h"
#include "query/timeline.h"

#define RUN_TEXT 7         /* empty bins in a row shown one by one, for people */
#define RUN_MACHINE 1000   /* the same for machines */
#define EMPTY_MOST 100000  /* empty bins shown in all; from then on every run is one line */
#define PICTURE_MOST 20000 /* bars of a picture */

struct shown {
    struct session *s;
    struct timeline *t;
    uint64_t empty; /* bins shown */
    int label_columns, count_columns;
};

/* ---- counting ---- */

struct hits {
    struct view *v;
    struct timeline *t;
};

static enum status add_hit(void *ctx, uint32_t segment, uint32_t doc, uint32_t n, struct err *err)
{
    struct hits *h = ctx;
    int64_t sent;
    TRY(segment_sent(casefile_segment(h->v->cf, segment), h->v->scratch[segment], doc, &sent, err));
    return timeline_add(h->t, sent, n, err);
}

/* The hits of the query, exactly those that search counts. */
static enum status count_query(struct session *s, const struct query *q, struct timeline *t,
                               struct search_result *r, struct err *err)
{
    struct hits h = {&s->v, t};
    const struct search_options o = {.visit = add_hit, .ctx = &h};
    TRY(search_run(&s->v, q, &o, r, err));
    MUST(t->timed + t->untimed == r->total);
    return ST_OK;
}

/* Everything: totals from the segments' heads, times from their minutes. */
static enum status count_all(struct session *s, struct timeline *t, struct search_result *r,
                             struct err *err)
{
    struct query_error qe = {0};
    struct query *q = NULL;
    const struct search_options o = {0};
    TRY(query_parse(slice_str("*"), s->v.splitter, s->v.zone, &q, &qe, err));
    enum status st = search_run(&s->v, q, &o, r, err);
    query_free(q);
    if (st == ST_OK)
        st = timeline_add_all(t, &s->v, err);
    if (st == ST_OK && t->timed > r->total)
        st = err_set(err, ST_DAMAGED, "the minutes of a segment count more messages than it has");
    if (st == ST_OK)
        t->untimed = r->total - t->timed;
    return st;
}

/* ---- rows ---- */

static void put_json(struct shown *x, const struct timeline_bin *b, const char *label)
{
    struct buf *out = &x->s->out;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", label ? "bin" : "empty");
    if (label)
        json_key_str(&j, "bin", label);
    json_key_time(&j, "from", b->from);
    json_key_time(&j, "to", b->to);
    json_key_uint(&j, "count", b->count);
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

static void put_csv(struct shown *x, const struct timeline_bin *b, const char *label)
{
    struct csv c = {.out = &x->s->out};
    csv_str(&c, label ? "bin" : "empty");
    csv_str(&c, label ? label : "");
    csv_time(&c, b->from);
    csv_time(&c, b->to);
    csv_uint(&c, b->count);
    csv_row_end(&c);
}

/* Eighths of a column; what is not nothing is seen. */
static void put_bar(struct buf *out, uint64_t count, uint64_t most, int columns)
{
    static const char *const eighths[] = {"",
                                          "\xe2\x96\x8f",
                                          "\xe2\x96\x8e",
                                          "\xe2\x96\x8d",
                                          "\xe2\x96\x8c",
                                          "\xe2\x96\x8b",
                                          "\xe2\x96\x8a",
                                          "\xe2\x96\x89"};
    uint64_t n = (uint64_t)((long double)count * (unsigned)columns * 8 / (long double)most + 0.5L);
    n = n == 0 && count ? 1 : n;
    for (uint64_t i = 0; i < n / 8; i++)
        buf_put_str(out, "\xe2\x96\x88");
    buf_put_str(out, eighths[n % 8]);
}

static void put_text(struct shown *x, const struct timeline_bin *b, const char *label)
{
    struct buf *out = &x->s->out;
    char count[32];
    if (!label) {
        char from[TIMELINE_LABEL_SIZE], last[TIMELINE_LABEL_SIZE];
        timeline_label(x->t->zone, x->t->by, b->from, from);
        timeline_label(x->t->zone, x->t->by, b->to - 1, last);
        text_style(&x->s->r, out, STYLE_DIM);
        buf_printf(out, "%s \xe2\x80\xa6 %s: none\n", from, last);
        text_style(&x->s->r, out, STYLE_NONE);
        return;
    }
    cli_count_text(b->count, count);
    buf_printf(out, "%-*s  %*s", x->label_columns, label, x->count_columns, count);
    int room = x->s->r.columns - x->label_columns - x->count_columns - 4;
    if (b->count) {
        buf_put_str(out, "  ");
        text_style(&x->s->r, out, STYLE_SPEAKER);
        put_bar(out, b->count, x->t->most, room < 10 ? 10 : room);
        text_style(&x->s->r, out, STYLE_NONE);
    }
    buf_put_u8(out, '\n');
}

/* One bin, or with label NULL a run of empty ones. */
static enum status put_row(struct shown *x, const struct timeline_bin *b, const char *label,
                           struct err *err)
{
    enum render_format f = x->s->r.format;
    if (f == RENDER_TEXT)
        put_text(x, b, label);
    else if (f == RENDER_CSV)
        put_csv(x, b, label);
    else
        put_json(x, b, label);
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    return session_flush(x->s, err);
}

static enum status put_empty(struct shown *x, int64_t from, int64_t to, struct err *err)
{
    char label[TIMELINE_LABEL_SIZE];
    uint64_t most = x->s->r.format == RENDER_TEXT ? RUN_TEXT : RUN_MACHINE;
    uint64_t n = timeline_empty(x->t->zone, x->t->by, from, to, most + 1);
    if (n > most || x->empty + n > EMPTY_MOST)
        return put_row(x, &(struct timeline_bin){.from = from, .to = to}, NULL, err);
    for (x->empty += n; from < to;) {
        struct timeline_bin b;
        timeline_bin_of(x->t->zone, x->t->by, from, &b);
        timeline_label(x->t->zone, x->t->by, b.from, label);
        TRY(put_row(x, &b, label, err));
        from = b.to;
    }
    return ST_OK;
}

static enum status put_rows(struct shown *x, struct err *err)
{
    char label[TIMELINE_LABEL_SIZE], count[32];
    const struct timeline *t = x->t;
    cli_count_text(t->most, count);
    x->count_columns = (int)strlen(count);
    timeline_label(t->zone, t->by, t->n ? t->bins[0].from : 0, label);
    x->label_columns = (int)strlen(label);
    for (size_t i = 0; i < t->n; i++) {
        if (i && t->bins[i - 1].to < t->bins[i].from)
            TRY(put_empty(x, t->bins[i - 1].to, t->bins[i].from, err));
        timeline_label(t->zone, t->by, t->bins[i].from, label);
        TRY(put_row(x, &t->bins[i], label, err));
    }
    return ST_OK;
}

static void footer(struct shown *x, const struct search_result *r)
{
    struct buf *out = &x->s->out;
    char count[32];
    if (r->total == 0)
        buf_put_str(out, "none in the delivered data\n");
    if (r->total) {
        cli_count_text(r->total, count);
        buf_printf(out, "%s message%s by %s (%s)\n", count, r->total == 1 ? "" : "s",
                   timeline_by_name(x->t->by), zone_name(x->t->zone));
    }
    if (x->t->untimed) {
        cli_count_text(x->t->untimed, count);
        buf_printf(out, "%s of them without a time: in no %s\n", count, timeline_by_name(x->t->by));
    }
    cmd_untested(out, r->sealed, "under seal");
    cmd_untested(out, r->untimed, "without a time");
}

/* ---- the picture ---- */

#define PLOT_X 70.0
#define PLOT_Y 60.0
#define PLOT_WIDTH 900.0
#define PLOT_HEIGHT 240.0
#define TICKS 8

static void put_ticks(struct shown *x, struct buf *out, int64_t from, double per_ms)
{
    const struct timeline *t = x->t;
    char label[TIMELINE_LABEL_SIZE];
    int64_t last = INT64_MIN;
    for (int i = 0; i < TICKS; i++) {
        struct timeline_bin b;
        int64_t at = from + (int64_t)((double)(t->bins[t->n - 1].to - 1 - from) * i / (TICKS - 1));
        timeline_bin_of(t->zone, t->by, at, &b);
        double px = PLOT_X + (double)(b.from - from) * per_ms;
        if (b.from == last)
            continue;
        last = b.from;
        timeline_label(t->zone, t->by, b.from, label);
        label[t->by == BY_HOUR ? 16 : strlen(label)] = 0;
        svg_line(out, px, PLOT_Y + PLOT_HEIGHT, px, PLOT_Y + PLOT_HEIGHT + 5);
        svg_text(out, px, PLOT_Y + PLOT_HEIGHT + 18, SVG_MIDDLE, false, slice_str(label));
    }
}

static void put_scale(struct buf *out, uint64_t most)
{
    char text[32];
    for (int i = 0; i <= 1; i++) {
        double y = PLOT_Y + PLOT_HEIGHT * i;
        cli_count_text(i ? 0 : most, text);
        svg_line(out, PLOT_X, y, PLOT_X + PLOT_WIDTH, y);
        svg_text(out, PLOT_X - 6, y + 4, SVG_END, false, slice_str(text));
    }
}

static void put_notes(struct shown *x, struct buf *out, const struct search_result *r)
{
    char text[320], a[32], b[32];
    cli_count_text(r->total, a);
    cli_count_text(x->t->untimed, b);
    snprintf(text, sizeof text,
             "%s messages in the delivered data, by %s (%.60s); in no bar, for want of a time: %s.",
             a, timeline_by_name(x->t->by), zone_name(x->t->zone), b);
    svg_text(out, PLOT_X, PLOT_Y + PLOT_HEIGHT + 44, SVG_START, false, slice_str(text));
    if (r->sealed + r->untimed == 0)
        return;
    cli_count_text(r->sealed, a);
    cli_count_text(r->untimed, b);
    snprintf(text, sizeof text, "Could not be tested: %s under seal, %s without a time.", a, b);
    svg_text(out, PLOT_X, PLOT_Y + PLOT_HEIGHT + 60, SVG_START, false, slice_str(text));
}

static enum status put_picture(struct shown *x, const struct search_result *r, struct slice query,
                               struct err *err)
{
    struct buf *out = &x->s->out, title = {0};
    const struct timeline *t = x->t;
    char label[TIMELINE_LABEL_SIZE], tip[TIMELINE_LABEL_SIZE + 40], count[32];
    if (t->n > PICTURE_MOST)
        return err_set(err, ST_USAGE,
                       "%zu bars are too many for a picture: count by something longer (--by), or "
                       "narrow the query with after: and before:",
                       t->n);
    buf_put_str(&title, "Messages: ");
    buf_put_slice(&title, query);
    svg_begin(out, 1000, 400, buf_slice(&title),
              slice_str("Bars: how many messages each period has; heights are to scale."));
    svg_text_cut(out, PLOT_X, 30, SVG_START, 110, buf_slice(&title));
    buf_release(&title);
    put_scale(out, t->most);
    int64_t from = t->n ? t->bins[0].from : 0;
    double per_ms = t->n ? PLOT_WIDTH / (double)(t->bins[t->n - 1].to - from) : 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct timeline_bin *b = &t->bins[i];
        double width = (double)(b->to - b->from) * per_ms, high = (double)b->count;
        high = high / (double)t->most * PLOT_HEIGHT;
        timeline_label(t->zone, t->by, b->from, label);
        cli_count_text(b->count, count);
        snprintf(tip, sizeof tip, "%s: %s", label, count);
        svg_rect(out, PLOT_X + (double)(b->from - from) * per_ms, PLOT_Y + PLOT_HEIGHT - high,
                 width > 4     ? width - 1
                 : width < 0.5 ? 0.5
                               : width,
                 high < 0.5 ? 0.5 : high, SVG_BLUE, slice_str(tip));
    }
    if (t->n)
        put_ticks(x, out, from, per_ms);
    put_notes(x, out, r);
    svg_end(out);
    return buf_status(out, err);
}

/* ---- the command ---- */

static enum status show(struct session *s, struct timeline *t, const struct search_result *r,
                        struct slice query, struct err *err)
{
    struct shown x = {.s = s, .t = t};
    struct summary sum = session_summary(s, query);
    sum.total = r->total;
    sum.sealed = r->sealed;
    sum.untimed = r->untimed;
    summary_add(&sum, "without_time", t->untimed);
    if (s->r.format == RENDER_SVG)
        return put_picture(&x, r, query, err);
    if (s->r.format == RENDER_CSV)
        buf_put_str(&s->out, "type,bin,from,to,count\r\n");
    else if (s->r.format != RENDER_TEXT)
        render_begin(&s->r, &sum, &s->out);
    TRY(put_rows(&x, err));
    if (s->r.format == RENDER_TEXT)
        footer(&x, r);
    else
        render_end(&s->r, &sum, true, &s->out);
    return ST_OK;
}

static enum status answer(struct session *s, const struct query *q, struct slice shown, bool *found,
                          struct err *err)
{
    struct timeline t = {0};
    struct search_result r = {0};
    enum status st = timeline_init(&t, s->v.zone, (enum timeline_by)s->o->by, TIMELINE_HOURS, err);
    if (st == ST_OK)
        st = q ? count_query(s, q, &t, &r, err) : count_all(s, &t, &r, err);
    if (st == ST_OK) {
        timeline_finish(&t);
        st = show(s, &t, &r, shown, err);
    }
    s->total = r.total;
    *found = r.total != 0;
    timeline_release(&t);
    search_result_release(&r);
    return st;
}

int cmd_timeline(const struct cmd_options *o) { return cmd_with_query(o, answer); }
