/* device_text — what `sources` and `gaps` share in showing devices and their streams. */
#include "query/device_text.h"

#include "lictor/cli.h"

#define NAME_COLUMNS 40

static void put_names(const struct slice *names, size_t n, const char *one, const char *many,
                      struct buf *out)
{
    if (n)
        buf_put_str(out, n == 1 ? one : many);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i ? ", " : " ");
        text_name(out, names[i], NAME_COLUMNS);
    }
}

void text_device(struct render *r, const struct device *d, struct buf *out)
{
    text_style(r, out, STYLE_BOLD);
    text_name(out, d->source, 0);
    text_style(r, out, STYLE_NONE);
    put_names(d->accounts, d->n_accounts, "  account", "  accounts", out);
    put_names(d->services, d->n_services, "  service", "  services", out);
    buf_put_u8(out, '\n');
}

void text_stream(const struct case_stream *s, struct buf *out)
{
    buf_put_str(out, s->ref.stage ? "live" : "stored");
    if (s->ref.epoch.data) {
        buf_put_str(out, ", epoch ");
        text_name(out, s->ref.epoch, NAME_COLUMNS);
    }
    if (!s->ref.numbered) {
        char hex[2 * SHA256_SIZE + 1];
        hex_encode(s->ref.dump_sha256, SHA256_SIZE, hex);
        buf_printf(out, ", without numbers (dump %.8s)", hex);
    }
}

void text_time(const struct render *r, int64_t ms, struct buf *out)
{
    struct civil c;
    if (ms == TIME_NONE) {
        buf_put_str(out, "no time");
        return;
    }
    civil_of(ms + zone_offset(r->v->zone, ms), &c);
    buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute,
               c.second);
}

void text_collected(const struct render *r, const struct device *d, struct buf *out)
{
    if (d->collected_from == TIME_NONE && d->collected_to == TIME_NONE)
        return;
    buf_put_str(out, "\n  collected ");
    text_time(r, d->collected_from, out);
    buf_put_str(out, " to ");
    text_time(r, d->collected_to, out);
}

void text_count(uint64_t n, const char *one, const char *many, struct buf *out)
{
    char text[32];
    cli_count_text(n, text);
    buf_printf(out, "%s %s", text, n == 1 ? one : many);
}

void json_time(struct json_out *j, const char *key, int64_t ms)
{
    if (ms != TIME_NONE)
        json_key_time(j, key, ms);
}

static void json_names(struct json_out *j, const char *key, const struct slice *names, size_t n)
{
    if (n == 0)
        return;
    json_key(j, key);
    json_begin_array(j);
    for (size_t i = 0; i < n; i++)
        json_string(j, names[i]);
    json_end_array(j);
}

void json_stream(struct json_out *j, const struct stream_ref *ref)
{
    json_key_slice(j, "source", ref->source);
    json_key_str(j, "stage", ref->stage ? "live" : "stored");
    if (ref->epoch.data)
        json_key_slice(j, "epoch", ref->epoch);
    if (!ref->numbered) {
        char hex[2 * SHA256_SIZE + 1];
        hex_encode(ref->dump_sha256, SHA256_SIZE, hex);
        json_key_str(j, "dump_sha256", hex);
    }
}

void csv_stream(struct csv *c, const struct stream_ref *ref)
{
    csv_field(c, ref->source);
    csv_str(c, ref->stage ? "live" : "stored");
    csv_field(c, ref->epoch);
}

static void json_report(struct json_out *j, const struct device_report *r)
{
    json_key_uint(j, "records", r->records);
    json_key_uint(j, "messages", r->messages);
    json_key_uint(j, "untimed", r->untimed);
    json_time(j, "first", r->first);
    json_time(j, "last", r->last);
    json_key_uint(j, "days", r->days.n);
    json_key_uint(j, "holes", r->holes);
    json_key_uint(j, "missing", r->missing);
    json_key_uint(j, "silences", r->silences);
}

void json_device(struct json_out *j, const struct device *d, const struct device_report *r,
                 bool services)
{
    json_begin_object(j);
    json_key_str(j, "type", "source");
    json_key_slice(j, "source", d->source);
    json_names(j, "accounts", d->accounts, d->n_accounts);
    if (services)
        json_names(j, "services", d->services, d->n_services);
    json_report(j, r);
    json_time(j, "collected_from", d->collected_from);
    json_time(j, "collected_to", d->collected_to);
}
