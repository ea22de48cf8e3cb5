/* cmd_gaps — what is not in the delivered data: holes in the numbers of each stream, silences, and
 * the days on which each device has records. */
#include "query/cmd.h"
#include "query/gaps.h"

/* Lines of each kind that text shows of a device: holes must not drown in silences. */
enum line_kind { LINE_HOLE, LINE_SILENCE, LINE_DAYS, LINE_KINDS };
static const uint64_t text_limits[LINE_KINDS] = {20, 5, 20};

struct shown {
    struct session *s;
    struct gaps_picture picture;
    uint64_t devices, holes, missing, silences;
    uint64_t rows[LINE_KINDS], left[LINE_KINDS]; /* text: of the device; left out */
    bool found;
};

/* ---- holes ---- */

static void json_hole(struct shown *x, const struct device_hole *h)
{
    struct buf *out = &x->s->out;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "gap");
    json_stream(&j, &h->stream->ref);
    if (!h->alone)
        json_key_uint(&j, "after_seq", h->after_seq);
    if (!h->at_end)
        json_key_uint(&j, "before_seq", h->before_seq);
    else
        json_key_uint(&j, "end_last_seq", h->stream->end_last_seq);
    json_key_uint(&j, "missing", h->missing);
    json_key_str(&j, "why", h->why);
    json_time(&j, "from", h->after);
    json_time(&j, "to", h->before);
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

/* type,source,stage,epoch,after_seq,before_seq,missing,why,from,to,interval_s,records,collected */
static void csv_hole(struct shown *x, const struct device_hole *h)
{
    struct csv csv = {.out = &x->s->out}, *c = &csv;
    csv_str(c, "gap");
    csv_stream(c, &h->stream->ref);
    if (h->alone)
        csv_end(c);
    else
        csv_uint(c, h->after_seq);
    if (h->at_end)
        csv_end(c);
    else
        csv_uint(c, h->before_seq);
    csv_uint(c, h->missing);
    csv_str(c, h->why);
    csv_time(c, h->after);
    csv_time(c, h->before);
    for (int i = 0; i < 3; i++)
        csv_end(c);
    csv_row_end(c);
}

static void text_hole(struct shown *x, const struct device_hole *h)
{
    struct buf *out = &x->s->out;
    unsigned long long last = h->at_end ? h->stream->end_last_seq : h->before_seq - 1;
    unsigned long long first = h->alone ? 1 : h->after_seq + 1;
    buf_put_str(out, "  ");
    text_stream(h->stream, out);
    if (h->missing == 1)
        buf_printf(out, ": number %llu is missing", last);
    else
        buf_printf(out, ": %llu numbers, %llu to %llu, are missing", (unsigned long long)h->missing,
                   first, last);
    buf_printf(out, "%s (%s)\n      ", h->at_end ? " at the end" : "", h->why);
    text_style(&x->s->r, out, STYLE_DIM);
    if (h->alone) {
        buf_put_str(out, "the stream has no other record");
    } else {
        text_time(&x->s->r, h->after, out);
        buf_put_str(out, " before it");
        if (!h->at_end) {
            buf_put_str(out, ", ");
            text_time(&x->s->r, h->before, out);
            buf_put_str(out, " after it");
        }
    }
    text_style(&x->s->r, out, STYLE_NONE);
    buf_put_u8(out, '\n');
}

/* True if one more line of the device may be shown; else it is counted. */
static bool room(struct shown *x, enum line_kind kind)
{
    const struct cmd_options *o = x->s->o;
    uint64_t most = o->limit ? o->limit : text_limits[kind];
    if (o->all || x->s->r.format != RENDER_TEXT || x->rows[kind] < most) {
        x->rows[kind]++;
        return true;
    }
    x->left[kind]++;
    return false;
}

static enum status put_hole(void *ctx, const struct device_hole *h, struct err *err)
{
    struct shown *x = ctx;
    if (x->s->r.format == RENDER_SVG)
        return gaps_picture_hole(&x->picture, h, err);
    if (!room(x, LINE_HOLE))
        return ST_OK;
    if (x->s->r.format == RENDER_TEXT)
        text_hole(x, h);
    else if (x->s->r.format == RENDER_CSV)
        csv_hole(x, h);
    else
        json_hole(x, h);
    return session_flush(x->s, err);
}

/* ---- silences ---- */

static void json_silence(struct shown *x, const struct device_silence *s)
{
    struct buf *out = &x->s->out;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", "silence");
    json_stream(&j, &s->stream->ref);
    json_key_time(&j, "from", s->from);
    json_key_time(&j, "to", s->to);
    json_key_uint(&j, "interval_s", s->interval_s);
    json_key_uint(&j, "after_seq", s->after_seq);
    json_key_uint(&j, "before_seq", s->before_seq);
    json_key_uint(&j, "missing", s->missing);
    json_key_str(&j, "why", s->missing ? "loss" : "silence");
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

static void csv_silence(struct shown *x, const struct device_silence *s)
{
    struct csv csv = {.out = &x->s->out}, *c = &csv;
    csv_str(c, "silence");
    csv_stream(c, &s->stream->ref);
    csv_uint(c, s->after_seq);
    csv_uint(c, s->before_seq);
    csv_uint(c, s->missing);
    csv_str(c, s->missing ? "loss" : "silence");
    csv_time(c, s->from);
    csv_time(c, s->to);
    csv_uint(c, s->interval_s);
    csv_end(c);
    csv_end(c);
    csv_row_end(c);
}

static void text_silence(struct shown *x, const struct device_silence *s)
{
    struct buf *out = &x->s->out;
    buf_put_str(out, "  ");
    text_stream(s->stream, out);
    buf_put_str(out, ": no sign of life from ");
    text_time(&x->s->r, s->from, out);
    buf_put_str(out, "\n      to ");
    text_time(&x->s->r, s->to, out);
    buf_printf(out, "; one was due every %llu s; ", (unsigned long long)s->interval_s);
    if (!s->missing) {
        buf_put_str(out, "no number is missing\n");
        return;
    }
    buf_put_str(out, s->again ? "the same loss: " : "loss: ");
    text_count(s->missing, "number", "numbers", out);
    buf_printf(out, " missing between %llu and %llu\n", (unsigned long long)s->after_seq,
               (unsigned long long)s->before_seq);
}

static enum status put_silence(void *ctx, const struct device_silence *s, struct err *err)
{
    struct shown *x = ctx;
    if (x->s->r.format == RENDER_SVG)
        return gaps_picture_silence(&x->picture, s, err);
    if (!room(x, LINE_SILENCE))
        return ST_OK;
    if (x->s->r.format == RENDER_TEXT)
        text_silence(x, s);
    else if (x->s->r.format == RENDER_CSV)
        csv_silence(x, s);
    else
        json_silence(x, s);
    return session_flush(x->s, err);
}

/* ---- days ---- */

/* Is [from, to) in the time the dumps say they cover? */
static const char *collected(const struct device *d, int64_t from, int64_t to)
{
    int64_t begin = d->collected_from, end = d->collected_to;
    if (begin == TIME_NONE && end == TIME_NONE)
        return "unknown";
    begin = begin == TIME_NONE ? INT64_MIN : begin;
    end = end == TIME_NONE ? INT64_MAX : end;
    if (from >= end || to <= begin)
        return "no";
    return from >= begin && to - 1 <= end ? "yes" : "partly";
}

static void put_day(struct shown *x, const struct device *d, int64_t from, int64_t to,
                    uint64_t records)
{
    struct buf *out = &x->s->out;
    const char *type = records ? "day" : "no-records";
    if (x->s->r.format == RENDER_CSV) {
        struct csv csv = {.out = out}, *c = &csv;
        csv_str(c, type);
        csv_field(c, d->source);
        for (int i = 0; i < 6; i++)
            csv_end(c);
        csv_time(c, from);
        csv_time(c, to);
        csv_end(c);
        csv_uint(c, records);
        csv_str(c, collected(d, from, to));
        csv_row_end(c);
        return;
    }
    char label[TIMELINE_LABEL_SIZE];
    timeline_label(x->s->v.zone, BY_DAY, from, label);
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_begin_object(&j);
    json_key_str(&j, "type", type);
    json_key_slice(&j, "source", d->source);
    if (records)
        json_key_str(&j, "day", label);
    json_key_time(&j, "from", from);
    json_key_time(&j, "to", to);
    json_key_uint(&j, "records", records);
    json_key_str(&j, "collected", collected(d, from, to));
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

static void text_no_records(struct shown *x, int64_t from, int64_t to)
{
    struct buf *out = &x->s->out;
    char first[TIMELINE_LABEL_SIZE], last[TIMELINE_LABEL_SIZE];
    if (!room(x, LINE_DAYS))
        return;
    timeline_label(x->s->v.zone, BY_DAY, from, first);
    timeline_label(x->s->v.zone, BY_DAY, to - 1, last);
    buf_printf(out, "  no record on %s", first);
    if (strcmp(first, last) != 0)
        buf_printf(out, " to %s", last);
    buf_put_u8(out, '\n');
}

/* Days from the first with records or collected to the last one; a run without records is one. */
static enum status put_days(struct shown *x, const struct device *d, const struct device_report *r,
                            struct err *err)
{
    struct zone *zone = x->s->v.zone;
    struct timeline_bin begin = {.from = INT64_MAX}, end = {.to = INT64_MIN};
    const struct timeline *t = &r->days;
    bool text = x->s->r.format == RENDER_TEXT;
    if (t->n) {
        begin = t->bins[0];
        end = t->bins[t->n - 1];
    }
    struct timeline_bin one;
    if (d->collected_from > 0 && d->collected_from <= TIME_MAX_MS) {
        timeline_bin_of(zone, BY_DAY, d->collected_from, &one);
        begin = one.from < begin.from ? one : begin;
    }
    if (d->collected_to > 1 && d->collected_to <= TIME_MAX_MS) {
        timeline_bin_of(zone, BY_DAY, d->collected_to - 1, &one);
        end = one.to > end.to ? one : end;
    }
    int64_t at = begin.from;
    for (size_t i = 0; i < t->n; i++) {
        if (at < t->bins[i].from) {
            if (text)
                text_no_records(x, at, t->bins[i].from);
            else
                put_day(x, d, at, t->bins[i].from, 0);
        }
        if (!text)
            put_day(x, d, t->bins[i].from, t->bins[i].to, t->bins[i].count);
        at = t->bins[i].to;
        TRY(session_flush(x->s, err));
    }
    if (at < end.to && text)
        text_no_records(x, at, end.to);
    else if (at < end.to)
        put_day(x, d, at, end.to, 0);
    return ST_OK;
}

/* ---- devices ---- */

static void left_out(struct shown *x)
{
    static const char *const names[LINE_KINDS][2] = {
        {"more hole", "more holes"},
        {"more silence", "more silences"},
        {"more time without records", "more times without records"}};
    struct buf *out = &x->s->out;
    bool any = false;
    for (int i = 0; i < LINE_KINDS; i++) {
        if (x->left[i] == 0)
            continue;
        buf_put_str(out, any ? ", " : "  and ");
        text_count(x->left[i], names[i][0], names[i][1], out);
        any = true;
    }
    if (any)
        buf_put_str(out, "; --all\n");
}

static void device_footer(struct shown *x, const struct device *d, const struct device_report *r)
{
    struct buf *out = &x->s->out;
    left_out(x);
    buf_put_str(out, "  ");
    if (r->missing) {
        text_count(r->missing, "number is", "numbers are", out);
        buf_put_str(out, " not in the delivered data, in ");
        text_count(r->holes, "hole", "holes", out);
    } else {
        buf_put_str(out, "no number is missing between its first and last");
    }
    if (r->silences) {
        buf_put_str(out, "; ");
        text_count(r->silences, "silence", "silences", out);
    }
    buf_put_str(out, "\n  records on ");
    text_count(r->days.n, "day", "days", out);
    if (r->first != TIME_NONE) {
        buf_put_str(out, ", ");
        text_time(&x->s->r, r->first, out);
        buf_put_str(out, " to ");
        text_time(&x->s->r, r->last, out);
    }
    if (r->untimed) {
        buf_put_str(out, "; ");
        text_count(r->untimed, "record has", "records have", out);
        buf_put_str(out, " no time");
    }
    text_collected(&x->s->r, d, out);
    buf_put_str(out, "\n\n");
}

static void json_totals(struct shown *x, const struct device *d, const struct device_report *r)
{
    struct buf *out = &x->s->out;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_device(&j, d, r, false);
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

static enum status put_totals(struct shown *x, const struct device *d, struct device_report *r,
                              struct err *err)
{
    x->holes += r->holes;
    x->silences += r->silences;
    x->missing = count_add(x->missing, r->missing);
    if (x->s->r.format == RENDER_SVG) {
        gaps_picture_days(&x->picture, r);
        return ST_OK;
    }
    TRY(put_days(x, d, r, err));
    if (x->s->r.format == RENDER_TEXT)
        device_footer(x, d, r);
    else if (x->s->r.format != RENDER_CSV)
        json_totals(x, d, r);
    return session_flush(x->s, err);
}

static enum status put_device(struct shown *x, struct devices *all, const struct device *d,
                              struct case_times *times, struct err *err)
{
    const struct device_visitor visit = {.hole = put_hole, .silence = put_silence, .ctx = x};
    struct device_report r;
    x->devices++;
    memset(x->rows, 0, sizeof x->rows);
    memset(x->left, 0, sizeof x->left);
    if (x->s->r.format == RENDER_TEXT)
        text_device(&x->s->r, d, &x->s->out);
    if (x->s->r.format == RENDER_SVG)
        TRY(gaps_picture_device(&x->picture, d, err));
    TRY(device_report(all, d, times, &visit, &r, err));
    enum status st = put_totals(x, d, &r, err);
    device_report_release(&r);
    return st;
}

static enum status put_all(struct shown *x, struct slice pattern, struct err *err)
{
    struct devices all;
    struct case_times times = {0};
    TRY(devices_load(&x->s->v, &all, err));
    enum status st = case_times_load(&x->s->v, &times, err);
    for (size_t i = 0; st == ST_OK && i < all.n; i++)
        if (device_matches(&all.all[i], pattern))
            st = put_device(x, &all, &all.all[i], &times, err);
    if (st == ST_OK && x->s->r.format == RENDER_SVG)
        st = gaps_picture_draw(&x->picture, &x->s->out, err);
    case_times_release(&times);
    devices_release(&all);
    return st;
}

static void footer(struct shown *x, struct slice pattern)
{
    struct buf *out = &x->s->out;
    if (x->devices == 0 && pattern.len) {
        buf_put_str(out, "no device of that name or account is in the delivered data (`sources` "
                         "lists them)\n");
        return;
    }
    text_count(x->devices, "device", "devices", out);
    buf_put_str(out, ": ");
    text_count(x->missing, "number is", "numbers are", out);
    buf_put_str(out, " not in the delivered data, in ");
    text_count(x->holes, "hole", "holes", out);
    buf_put_str(out, "; ");
    text_count(x->silences, "silence", "silences", out);
    buf_printf(out, " (times in %s)\n", zone_name(x->s->v.zone));
}

int cmd_gaps(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    int code = session_open(o, &s);
    if (code)
        return code;
    struct shown x = {.s = &s, .picture.zone = s.v.zone};
    struct slice pattern = cmd_name(slice_str(o->n_rest ? o->rest[0] : ""));
    if (s.r.format == RENDER_CSV)
        buf_put_str(&s.out, "type,source,stage,epoch,after_seq,before_seq,missing,why,from,to,"
                            "interval_s,records,collected\r\n");
    enum status st = session_ask(&s, pattern, &err);
    if (st == ST_OK)
        st = put_all(&x, pattern, &err);
    s.total = x.holes;
    struct summary sum = session_summary(&s, pattern);
    sum.total = x.holes;
    summary_add(&sum, "devices", x.devices);
    summary_add(&sum, "missing", x.missing);
    summary_add(&sum, "silences", x.silences);
    if (st == ST_OK && s.r.format == RENDER_TEXT)
        footer(&x, pattern);
    else if (st == ST_OK && s.r.format != RENDER_SVG)
        render_end(&s.r, &sum, false, &s.out);
    gaps_picture_release(&x.picture);
    return session_close(&s, st, x.holes + x.silences != 0, &err);
}
