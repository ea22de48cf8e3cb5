/* cmd_sources — the devices of the case: who they are, what they delivered, what is missing. */
#include <stdlib.h>

#include "query/clock_text.h"
#include "query/cmd.h"
#include "query/device_text.h"

struct stream_row {
    const struct case_stream *stream;
    uint64_t holes, missing, silences;
};

struct shown {
    struct session *s;
    struct buf rows;                  /* struct stream_row */
    struct clocks clocks;             /* --correct-clocks */
    const struct device_clock *clock; /* of the device at hand; NULL: not asked for */
    uint64_t devices, records, messages, holes, missing;
};

static enum status keep_stream(void *ctx, const struct case_stream *s, uint64_t holes,
                               uint64_t missing, uint64_t silences, struct err *err)
{
    struct shown *x = ctx;
    struct stream_row row = {s, holes, missing, silences};
    buf_put(&x->rows, &row, sizeof row);
    return buf_status(&x->rows, err);
}

/* ---- json ---- */

static void json_stream_row(struct json_out *j, const struct stream_row *row)
{
    const struct case_stream *s = row->stream;
    json_begin_object(j);
    json_key_str(j, "stage", s->ref.stage ? "live" : "stored");
    if (s->ref.epoch.data)
        json_key_slice(j, "epoch", s->ref.epoch);
    json_key_bool(j, "numbered", s->ref.numbered);
    json_key_uint(j, "records", s->records);
    if (s->ref.numbered && s->records) {
        json_key_uint(j, "first_seq", s->first_seq);
        json_key_uint(j, "last_seq", s->last_seq);
    }
    if (s->ref.numbered) {
        if (s->end_last_seq)
            json_key_uint(j, "end_last_seq", s->end_last_seq);
        json_key_uint(j, "holes", row->holes);
        json_key_uint(j, "missing", row->missing);
        json_key_uint(j, "silences", row->silences);
    }
    if (s->partial)
        json_key_bool(j, "partial", true);
    if (s->selection)
        json_key_bool(j, "selection", true);
    json_end_object(j);
}

static void json_dump(struct json_out *j, const struct device_dump *d)
{
    char hex[2 * SHA256_SIZE + 1];
    hex_encode(d->sha256, SHA256_SIZE, hex);
    json_begin_object(j);
    json_key_slice(j, "file", d->name);
    json_key_str(j, "sha256", hex);
    json_key_str(j, "state", dump_state_name((enum dump_state)d->state));
    if (d->reason_code.len)
        json_key_slice(j, "reason", d->reason_code);
    if (d->superseded)
        json_key_bool(j, "superseded", true);
    if (d->stage.len)
        json_key_slice(j, "stage", d->stage);
    if (d->epoch.len)
        json_key_slice(j, "epoch", d->epoch);
    json_key_uint(j, "records", d->records);
    json_time(j, "collected_from", d->collected_from);
    json_time(j, "collected_to", d->collected_to);
    json_end_object(j);
}

static void put_json(struct shown *x, const struct device *d, const struct device_report *r)
{
    struct buf *out = &x->s->out;
    const void *data = x->rows.data;
    const struct stream_row *rows = data;
    render_element_begin(&x->s->r, out);
    struct json_out j = json_out_to(out);
    json_device(&j, d, r, true);
    json_key(&j, "streams");
    json_begin_array(&j);
    for (size_t i = 0; i < x->rows.len / sizeof *rows; i++)
        json_stream_row(&j, &rows[i]);
    json_end_array(&j);
    json_key(&j, "dumps");
    json_begin_array(&j);
    for (size_t i = 0; i < d->n_dumps; i++)
        json_dump(&j, &d->dumps[i]);
    json_end_array(&j);
    if (x->clock)
        json_clock(&j, x->clock);
    json_end_object(&j);
    render_element_end(&x->s->r, out);
}

/* ---- csv ---- */

static void count_states(const struct device *d, uint64_t states[3])
{
    for (size_t i = 0; i < d->n_dumps; i++)
        if (d->dumps[i].state <= DUMP_REFUSED)
            states[d->dumps[i].state]++;
}

static void csv_names(struct csv *c, const struct slice *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        csv_item(c, names[i]);
    csv_end(c);
}

static void put_csv(struct shown *x, const struct device *d, const struct device_report *r)
{
    struct csv csv = {.out = &x->s->out}, *c = &csv;
    const void *data = x->rows.data;
    const struct stream_row *rows = data;
    uint64_t states[3] = {0};
    count_states(d, states);
    csv_str(c, "source");
    csv_field(c, d->source);
    csv_names(c, d->accounts, d->n_accounts);
    csv_names(c, d->services, d->n_services);
    for (size_t i = 0; i < x->rows.len / sizeof *rows; i++) {
        struct buf name = {0};
        text_stream(rows[i].stream, &name);
        csv_item(c, buf_slice(&name));
        buf_release(&name);
    }
    csv_end(c);
    csv_uint(c, r->records);
    csv_uint(c, r->messages);
    csv_uint(c, r->untimed);
    csv_time(c, r->first);
    csv_time(c, r->last);
    csv_uint(c, r->days.n);
    csv_time(c, d->collected_from);
    csv_time(c, d->collected_to);
    csv_uint(c, r->holes);
    csv_uint(c, r->missing);
    csv_uint(c, r->silences);
    for (int i = 0; i < 3; i++)
        csv_uint(c, states[i]);
    if (x->clock)
        csv_clock(c, x->clock);
    csv_row_end(c);
}

/* ---- text ---- */

static void text_stream_row(struct shown *x, const struct stream_row *row)
{
    const struct case_stream *s = row->stream;
    struct buf *out = &x->s->out;
    buf_put_str(out, "  ");
    text_stream(s, out);
    buf_put_str(out, ": ");
    text_count(s->records, "record", "records", out);
    if (s->ref.numbered && s->records)
        buf_printf(out, ", numbers %llu to %llu", (unsigned long long)s->first_seq,
                   (unsigned long long)s->last_seq);
    if (row->missing) {
        buf_put_str(out, "\n      ");
        text_style(&x->s->r, out, STYLE_WARN);
        text_count(row->missing, "number is", "numbers are", out);
        buf_put_str(out, " not in the delivered data (");
        text_count(row->holes, "hole", "holes", out);
        buf_printf(out, ", %s)", stream_why_missing(s->partial, s->selection));
        text_style(&x->s->r, out, STYLE_NONE);
    }
    if (row->silences) {
        buf_put_str(out, "\n      ");
        text_count(row->silences, "silence", "silences", out);
        buf_put_str(out, "; see `gaps`");
    }
    buf_put_u8(out, '\n');
}

static void text_dump(struct shown *x, const struct device_dump *d)
{
    struct buf *out = &x->s->out;
    buf_put_str(out, "  ");
    text_style(&x->s->r, out, d->state == DUMP_COMPLETE ? STYLE_DIM : STYLE_WARN);
    buf_put_str(out, dump_state_name((enum dump_state)d->state));
    text_style(&x->s->r, out, STYLE_NONE);
    buf_put_u8(out, ' ');
    text_name(out, d->name, 60);
    if (d->reason_code.len) {
        buf_put_str(out, ": ");
        text_name(out, d->reason_code, 40);
    }
    if (d->superseded)
        buf_put_str(out, " (came complete later)");
    buf_put_u8(out, '\n');
}

static void put_text(struct shown *x, const struct device *d, const struct device_report *r)
{
    struct buf *out = &x->s->out;
    const void *data = x->rows.data;
    const struct stream_row *rows = data;
    text_device(&x->s->r, d, out);
    buf_put_str(out, "  ");
    text_count(r->records, "record", "records", out);
    buf_put_str(out, ", of them ");
    text_count(r->messages, "message", "messages", out);
    if (r->first != TIME_NONE) {
        buf_put_str(out, "\n  ");
        text_time(&x->s->r, r->first, out);
        buf_put_str(out, " to ");
        text_time(&x->s->r, r->last, out);
        buf_put_str(out, ", records on ");
        text_count(r->days.n, "day", "days", out);
    }
    text_collected(&x->s->r, d, out);
    buf_put_u8(out, '\n');
    if (x->clock) {
        buf_put_str(out, "  clock ");
        text_clock_of(&x->s->r, x->clock, out);
        buf_put_u8(out, '\n');
    }
    for (size_t i = 0; i < x->rows.len / sizeof *rows; i++)
        text_stream_row(x, &rows[i]);
    for (size_t i = 0; i < d->n_dumps; i++)
        text_dump(x, &d->dumps[i]);
    buf_put_u8(out, '\n');
}

/* ---- all ---- */

static enum status put_device(struct shown *x, struct devices *all, const struct device *d,
                              struct case_times *times, struct err *err)
{
    const struct device_visitor visit = {.stream = keep_stream, .ctx = x};
    struct device_report r;
    buf_clear(&x->rows);
    TRY(device_report(all, d, times, &visit, &r, err));
    x->devices++;
    x->records += r.records;
    x->messages += r.messages;
    x->holes += r.holes;
    x->missing = count_add(x->missing, r.missing);
    if (x->s->r.format == RENDER_TEXT)
        put_text(x, d, &r);
    else if (x->s->r.format == RENDER_CSV)
        put_csv(x, d, &r);
    else
        put_json(x, d, &r);
    device_report_release(&r);
    return session_flush(x->s, err);
}

static enum status clocks_of(struct shown *x, struct devices *all, struct slice pattern,
                             struct err *err)
{
    bool *wanted = calloc(all->n + 1, sizeof *wanted);
    if (!wanted)
        return err_no_memory(err);
    for (size_t i = 0; i < all->n; i++)
        wanted[i] = device_matches(&all->all[i], pattern);
    enum status st = clocks_load(all, wanted, &x->clocks, err);
    free(wanted);
    return st;
}

static enum status put_all(struct shown *x, struct slice pattern, uint64_t *nameless,
                           struct err *err)
{
    struct devices all;
    struct case_times times = {0};
    TRY(devices_load(&x->s->v, &all, err));
    enum status st = case_times_load(&x->s->v, &times, err);
    if (st == ST_OK && x->s->o->correct_clocks)
        st = clocks_of(x, &all, pattern, err);
    for (size_t i = 0; st == ST_OK && i < all.n; i++) {
        if (!device_matches(&all.all[i], pattern))
            continue;
        x->clock = x->clocks.n ? &x->clocks.all[i] : NULL;
        st = put_device(x, &all, &all.all[i], &times, err);
    }
    *nameless = all.nameless;
    case_times_release(&times);
    devices_release(&all);
    return st;
}

static void footer(struct shown *x, uint64_t nameless)
{
    struct buf *out = &x->s->out;
    if (x->devices == 0) {
        buf_put_str(out, "none in the delivered data\n");
    } else {
        text_count(x->devices, "device", "devices", out);
        buf_put_str(out, " (times in ");
        buf_put_str(out, zone_name(x->s->v.zone));
        buf_put_str(out, ")\n");
    }
    if (x->clocks.n) {
        text_clocks_basis(&x->clocks, out);
        buf_put_u8(out, '\n');
    }
    if (nameless) {
        text_count(nameless, "dump", "dumps", out);
        buf_put_str(out, " could not be opened, so of what device is not known: lictor-ingest "
                         "ledger CASE --state refused\n");
    }
}

int cmd_sources(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    struct shown x = {.s = &s};
    uint64_t nameless = 0;
    int code = session_open(o, &s);
    if (code)
        return code;
    struct slice pattern = cmd_name(slice_str(o->n_rest ? o->rest[0] : ""));
    if (s.r.format == RENDER_CSV)
        buf_put_str(&s.out, "type,source,accounts,services,streams,records,messages,untimed,first,"
                            "last,days,collected_from,collected_to,holes,missing,silences,complete,"
                            "partial,refused");
    if (s.r.format == RENDER_CSV)
        buf_put_str(&s.out, o->correct_clocks ? ",clock_ahead_ms,clock_messages\r\n" : "\r\n");
    enum status st = session_ask(&s, pattern, &err);
    if (st == ST_OK)
        st = put_all(&x, pattern, &nameless, &err);
    s.total = x.devices;
    struct summary sum = session_summary(&s, pattern);
    sum.total = x.devices;
    summary_add(&sum, "records", x.records);
    summary_add(&sum, "messages", x.messages);
    summary_add(&sum, "holes", x.holes);
    summary_add(&sum, "missing", x.missing);
    summary_add(&sum, "dumps_without_source", nameless);
    if (x.clocks.n)
        sum.stamps = clock_stamps_name(x.clocks.stamps);
    if (st == ST_OK && s.r.format == RENDER_TEXT)
        footer(&x, nameless);
    else if (st == ST_OK)
        render_end(&s.r, &sum, false, &s.out);
    buf_release(&x.rows);
    clocks_release(&x.clocks);
    return session_close(&s, st, x.devices != 0, &err);
}
