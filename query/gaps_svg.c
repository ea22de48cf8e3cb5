/* gaps_svg — a picture of coverage: a line a device, a column a day, week or month. Shades say how
 * many records; hatching, that numbers are missing between records of that time; cross-hatching,
 * silence; white, no record; grey, outside of what the dumps say they cover. */
#include <stdio.h>
#include <stdlib.h>

#include "query/gaps.h"
#include "query/svg.h"

#define COLUMNS_MOST 400 /* else the next longer period */
#define COLUMNS_LIMIT 2000
#define CELLS_LIMIT 400000
#define NAME_WIDTH 210.0
#define ROW 16.0
#define TOP 84.0

/* ---- gathering ---- */

enum status gaps_picture_device(struct gaps_picture *p, const struct device *d, struct err *err)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        struct gaps_row *rows = reallocarray(p->rows, cap, sizeof *rows);
        if (!rows)
            return err_no_memory(err);
        p->rows = rows;
        p->cap = cap;
    }
    p->rows[p->n++] = (struct gaps_row){.device = d};
    return ST_OK;
}

/* Spans of one kind that touch by days become one, so their number is that of days at most where
 * times go up. */
static enum status span_add(struct gaps_picture *p, int64_t from, int64_t to, bool silence,
                            struct err *err)
{
    struct gaps_row *r = &p->rows[p->n - 1];
    struct timeline_bin a, b;
    timeline_bin_of(p->zone, BY_DAY, from < to ? from : to, &a);
    timeline_bin_of(p->zone, BY_DAY, from < to ? to : from, &b);
    for (size_t i = r->n_spans; i > 0 && i + 2 > r->n_spans; i--) {
        struct gaps_span *last = &r->spans[i - 1];
        if (last->silence == silence && a.from <= last->to && b.to >= last->from) {
            last->from = a.from < last->from ? a.from : last->from;
            last->to = b.to > last->to ? b.to : last->to;
            return ST_OK;
        }
    }
    if (r->n_spans == r->cap_spans) {
        size_t cap = r->cap_spans ? 2 * r->cap_spans : 16;
        struct gaps_span *spans = reallocarray(r->spans, cap, sizeof *spans);
        if (!spans)
            return err_no_memory(err);
        r->spans = spans;
        r->cap_spans = cap;
    }
    r->spans[r->n_spans++] = (struct gaps_span){a.from, b.to, silence};
    return ST_OK;
}

enum status gaps_picture_hole(struct gaps_picture *p, const struct device_hole *h, struct err *err)
{
    struct gaps_row *r = &p->rows[p->n - 1];
    int64_t from = h->after != TIME_NONE ? h->after : h->before;
    int64_t to = h->before != TIME_NONE ? h->before : h->after;
    r->missing = count_add(r->missing, h->missing);
    if (from == TIME_NONE) {
        r->unplaced++;
        return ST_OK;
    }
    return span_add(p, from, to, false, err);
}

enum status gaps_picture_silence(struct gaps_picture *p, const struct device_silence *s,
                                 struct err *err)
{
    return span_add(p, s->from, s->to, true, err);
}

void gaps_picture_days(struct gaps_picture *p, struct device_report *r)
{
    struct gaps_row *row = &p->rows[p->n - 1];
    row->days = r->days.bins;
    row->n_days = r->days.n;
    r->days.bins = NULL;
}

void gaps_picture_release(struct gaps_picture *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->rows[i].days);
        free(p->rows[i].spans);
    }
    free(p->rows);
    *p = (struct gaps_picture){0};
}

/* ---- columns ---- */

struct columns {
    enum timeline_by by;
    struct timeline_bin *bins; /* one after the other, without holes */
    size_t n;
    uint64_t outside; /* records before or behind them */
};

static bool timely(int64_t ms) { return ms > 0 && ms <= TIME_MAX_MS; }

static void widen(int64_t from, int64_t to, int64_t *begin, int64_t *end)
{
    *begin = from < *begin ? from : *begin;
    *end = to > *end ? to : *end;
}

/* What the dumps say they cover; where none says it, where records are. One stamp of the year 9999
 * must not make the rest of the picture a dot. */
static void range_of(const struct gaps_picture *p, int64_t *begin, int64_t *end)
{
    *begin = INT64_MAX;
    *end = INT64_MIN;
    for (size_t i = 0; i < p->n; i++) {
        const struct device *d = p->rows[i].device;
        if (timely(d->collected_from) && timely(d->collected_to) &&
            d->collected_from < d->collected_to)
            widen(d->collected_from, d->collected_to - 1, begin, end);
    }
    if (*begin <= *end)
        return;
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].n_days)
            widen(p->rows[i].days[0].from, p->rows[i].days[p->rows[i].n_days - 1].to - 1, begin,
                  end);
}

static enum status columns_make(const struct gaps_picture *p, struct columns *c, struct err *err)
{
    int64_t begin, end;
    struct timeline_bin first;
    range_of(p, &begin, &end);
    if (begin > end)
        return ST_OK;
    for (c->by = BY_DAY;; c->by++) {
        timeline_bin_of(p->zone, c->by, begin, &first);
        uint64_t most = c->by == BY_MONTH ? COLUMNS_LIMIT + 1 : COLUMNS_MOST + 1;
        uint64_t n = timeline_empty(p->zone, c->by, first.from, end + 1, most);
        if (n < most) {
            c->n = (size_t)n;
            break;
        }
        if (c->by == BY_MONTH)
            return err_set(err, ST_USAGE,
                           "the records lie more than %d months apart: too wide for a picture; the "
                           "other formats show them",
                           COLUMNS_LIMIT);
    }
    if (c->n * p->n > CELLS_LIMIT)
        return err_set(err, ST_USAGE,
                       "%zu devices are too many for one picture: name some (gaps CASE PATTERN)",
                       p->n);
    c->bins = calloc(c->n + 1, sizeof *c->bins);
    if (!c->bins)
        return err_no_memory(err);
    int64_t at = first.from;
    for (size_t i = 0; i < c->n; i++) {
        timeline_bin_of(p->zone, c->by, at, &c->bins[i]);
        at = c->bins[i].to;
    }
    return ST_OK;
}

/* Column of an instant; n behind the last. */
static size_t column_of(const struct columns *c, int64_t ms)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->bins[mid].to <= ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* ---- drawing ---- */

enum { CELL_HOLE = 1, CELL_SILENCE = 2 };

static void row_fill(struct columns *c, const struct gaps_row *r, uint64_t *counts, uint8_t *marks)
{
    memset(counts, 0, (c->n + 1) * sizeof *counts);
    memset(marks, 0, c->n + 1);
    for (size_t i = 0; i < r->n_days; i++) {
        size_t at = column_of(c, r->days[i].from);
        if (at < c->n && c->bins[at].from <= r->days[i].from)
            counts[at] += r->days[i].count;
        else
            c->outside += r->days[i].count;
    }
    for (size_t i = 0; i < r->n_spans; i++)
        for (size_t at = column_of(c, r->spans[i].from);
             at < c->n && c->bins[at].from < r->spans[i].to; at++)
            marks[at] |= r->spans[i].silence ? CELL_SILENCE : CELL_HOLE;
}

/* Binary digits: shades by orders of magnitude. */
static double digits(uint64_t n) { return n ? 64 - __builtin_clzll(n) : 0; }

static bool is_collected(const struct device *d, const struct timeline_bin *b)
{
    return (d->collected_from == TIME_NONE || b->to > d->collected_from) &&
           (d->collected_to == TIME_NONE || b->from < d->collected_to);
}

static void cell(struct gaps_picture *p, struct buf *out, const struct columns *c, size_t at,
                 const struct gaps_row *r, double y, double width, uint64_t most, uint64_t count,
                 uint8_t marks)
{
    char label[TIMELINE_LABEL_SIZE], tip[TIMELINE_LABEL_SIZE + 120];
    const struct timeline_bin *b = &c->bins[at];
    double x = NAME_WIDTH + width * (double)at, w = width > 3 ? width - 1 : width, h = ROW - 4;
    timeline_label(p->zone, c->by, b->from, label);
    snprintf(tip, sizeof tip, "%s: %llu records%s%s%s", label, (unsigned long long)count,
             marks & CELL_HOLE ? "; numbers are missing" : "",
             marks & CELL_SILENCE ? "; silent" : "",
             is_collected(r->device, b) ? "" : "; outside of what was collected");
    struct slice t = slice_str(tip);
    if (count)
        svg_shade(out, x, y, w, h, 0.25 + 0.74 * digits(count) / digits(most), t);
    else
        svg_rect(out, x, y, w, h, is_collected(r->device, b) ? SVG_EMPTY : SVG_GREY, t);
    if (marks & CELL_SILENCE)
        svg_rect(out, x, y, w, h / 2, SVG_CROSS, t);
    if (marks & CELL_HOLE)
        svg_rect(out, x, y + h / 2, w, h / 2, SVG_HATCH, t);
}

static void row_draw(struct gaps_picture *p, struct buf *out, struct columns *c,
                     const struct gaps_row *r, double y, double width, uint64_t *counts,
                     uint8_t *marks)
{
    uint64_t most = 1;
    struct buf name = {0};
    row_fill(c, r, counts, marks);
    for (size_t i = 0; i < c->n; i++)
        most = counts[i] > most ? counts[i] : most;
    buf_put_slice(&name, r->device->source);
    for (size_t i = 0; i < r->device->n_accounts; i++) {
        buf_put_str(&name, i ? ", " : " (");
        buf_put_slice(&name, r->device->accounts[i]);
    }
    if (r->device->n_accounts)
        buf_put_u8(&name, ')');
    svg_text_cut(out, NAME_WIDTH - 8, y + ROW - 6, SVG_END, 33, buf_slice(&name));
    for (size_t i = 0; i < c->n; i++)
        cell(p, out, c, i, r, y, width, most, counts[i], marks[i]);
    out->failed |= name.failed;
    buf_release(&name);
}

static void axis(struct gaps_picture *p, struct buf *out, const struct columns *c, double width)
{
    char label[TIMELINE_LABEL_SIZE];
    size_t step = (size_t)(80 / width) + 1;
    for (size_t i = 0; i < c->n; i += step) {
        double x = NAME_WIDTH + width * (double)i;
        timeline_label(p->zone, c->by, c->bins[i].from, label);
        svg_line(out, x, TOP - 4, x, TOP - 10);
        svg_text(out, x, TOP - 14, SVG_START, false, slice_str(label));
    }
}

static void legend(struct buf *out, double y, uint64_t outside, const struct gaps_picture *p)
{
    char text[160];
    uint64_t unplaced = 0;
    double x = 10;
    x = svg_legend(out, x, y, SVG_BLUE, "records (darker: more)");
    x = svg_legend(out, x, y, SVG_EMPTY, "no record");
    x = svg_legend(out, x, y, SVG_GREY, "outside of what was collected");
    x = svg_legend(out, x, y, SVG_HATCH, "numbers missing");
    (void)svg_legend(out, x, y, SVG_CROSS, "silent");
    svg_text(out, 10, y + 18, SVG_START, false,
             slice_str("Missing: numbers that are not in the delivered data, where the records "
                       "before and after them lie."));
    for (size_t i = 0; i < p->n; i++)
        unplaced += p->rows[i].unplaced;
    if (outside + unplaced == 0)
        return;
    snprintf(text, sizeof text,
             "Not shown: %llu records outside of these times, %llu holes without "
             "a time.",
             (unsigned long long)outside, (unsigned long long)unplaced);
    svg_text(out, 10, y + 34, SVG_START, false, slice_str(text));
}

enum status gaps_picture_draw(struct gaps_picture *p, struct buf *out, struct err *err)
{
    struct columns c = {0};
    TRY(columns_make(p, &c, err));
    double width = c.n ? 760.0 / (double)c.n : 0;
    width = width > 24 ? 24 : width < 2 ? 2 : width;
    double bottom = TOP + ROW * (double)p->n;
    int wide = (int)(NAME_WIDTH + width * (double)c.n + 90);
    uint64_t *counts = calloc(c.n + 1, sizeof *counts);
    uint8_t *marks = calloc(c.n + 1, 1);
    enum status st = counts && marks ? ST_OK : err_no_memory(err);
    if (st == ST_OK) {
        char title[120];
        snprintf(title, sizeof title, "Records by device and %s (%.60s)", timeline_by_name(c.by),
                 zone_name(p->zone));
        svg_begin(out, wide > 720 ? wide : 720, (int)bottom + 70, slice_str(title),
                  slice_str("A line a device, a column a period: shade for records, hatching for "
                            "missing numbers, cross-hatching for silence."));
        svg_text(out, 10, 28, SVG_START, true, slice_str(title));
        if (c.n)
            axis(p, out, &c, width);
        for (size_t i = 0; i < p->n; i++)
            row_draw(p, out, &c, &p->rows[i], TOP + ROW * (double)i, width, counts, marks);
        legend(out, bottom + 24, c.outside, p);
        svg_end(out);
        st = buf_status(out, err);
    }
    free(counts);
    free(marks);
    free(c.bins);
    return st;
}
