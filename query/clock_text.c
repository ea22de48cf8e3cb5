/* clock_text — clocks in words, JSON and CSV. */
#include "query/clock_text.h"

#include "query/device_text.h"

#define NAME_COLUMNS 40
#define CLOCKS_SHOWN 30 /* of a heading; the rest is counted */
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

void text_ahead(int64_t ahead_ms, struct buf *out)
{
    uint64_t ms = ahead_ms < 0 ? (uint64_t)-ahead_ms : (uint64_t)ahead_ms;
    uint64_t tenths = (ms + 50) / 100;
    if (tenths == 0) {
        buf_put_str(out, "right");
        return;
    }
    if (ms >= DAY)
        buf_printf(out, "%llu d ", (unsigned long long)(tenths / 864000));
    if (ms >= HOUR)
        buf_printf(out, "%llu h ", (unsigned long long)(tenths / 36000 % 24));
    if (ms >= MINUTE)
        buf_printf(out, "%llu min ", (unsigned long long)(tenths / 600 % 60));
    buf_printf(out, "%llu.%llu s %s", (unsigned long long)(tenths / 10 % 60),
               (unsigned long long)(tenths % 10), ahead_ms < 0 ? "behind" : "ahead");
}

void text_clock_of(const struct render *r, const struct device_clock *c, struct buf *out)
{
    for (size_t i = 0; i < c->n; i++) {
        if (i > 0) {
            buf_put_str(out, "; from about ");
            text_time(r, c->pieces[i].from, out);
            buf_put_u8(out, ' ');
        }
        if (c->pieces[i].known)
            text_ahead(c->pieces[i].ahead_ms, out);
        else
            buf_put_str(out, c->n == 1 ? "not known" : "not known then");
    }
    buf_put_str(out, c->messages ? " (from " : " (no message of it that both sides delivered");
    if (c->messages)
        text_count(c->messages, "message", "messages", out);
    if (c->grain > 1 && c->messages)
        buf_put_str(out,
                    c->grain == MINUTE ? "; it stamps whole minutes" : "; it stamps whole seconds");
    buf_put_u8(out, ')');
}

void text_clocks_basis(const struct clocks *c, struct buf *out)
{
    buf_put_str(out, "Clocks are estimated from messages delivered by both sides. ");
    if (c->stamps == STAMPS_SERVICE) {
        buf_put_str(out, "All messages seem to be stamped by one clock, the service's: clocks are "
                         "against that one, and the times of sending are left as they are.");
        return;
    }
    buf_put_str(out, "They are against the middle one of those that can be compared; how far that "
                     "is from true time is not known.");
    if (c->delay_ms > 0)
        buf_printf(out, " The quickest messages take %.1f s.", (double)c->delay_ms / 1000);
}

const char *clock_stamps_name(enum clock_stamps s)
{
    return s == STAMPS_SERVICE ? "service" : "sender";
}

void json_clock(struct json_out *j, const struct device_clock *c)
{
    json_key(j, "clock");
    json_begin_object(j);
    json_key_uint(j, "messages", c->messages);
    json_key(j, "pieces");
    json_begin_array(j);
    for (size_t i = 0; i < c->n; i++) {
        json_begin_object(j);
        if (i > 0)
            json_key_time(j, "from", c->pieces[i].from);
        if (c->pieces[i].known)
            json_key_int(j, "ahead_ms", c->pieces[i].ahead_ms);
        json_key_uint(j, "messages", c->pieces[i].messages);
        json_end_object(j);
    }
    json_end_array(j);
    json_key_int(j, "grain_ms", c->grain);
    json_end_object(j);
}

void csv_clock(struct csv *csv, const struct device_clock *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct buf one = {0};
        char time[TIME_TEXT_SIZE];
        if (c->pieces[i].known)
            buf_printf(&one, "%lld", (long long)c->pieces[i].ahead_ms);
        else
            buf_put_str(&one, "?");
        if (i > 0) {
            time_text(c->pieces[i].from, time);
            buf_printf(&one, " from %s", time);
        }
        csv_item(csv, buf_slice(&one));
        csv->field.failed |= one.failed;
        buf_release(&one);
    }
    csv_end(csv);
    csv_uint(csv, c->messages);
}

void text_clocks_head(struct render *r, const struct thread_clocks *c, struct buf *out)
{
    struct buf words = {0};
    size_t shown = 0;
    if (!c->clocks.n)
        return;
    for (size_t i = 0; i < c->devices.n; i++) {
        if (!c->wanted[i] || shown++ >= CLOCKS_SHOWN)
            continue;
        buf_put_str(out, "  clock of ");
        text_name(out, c->devices.all[i].source, NAME_COLUMNS);
        for (size_t k = 0; k < c->devices.all[i].n_accounts; k++) {
            buf_put_str(out, k ? ", " : " (");
            text_name(out, c->devices.all[i].accounts[k], NAME_COLUMNS);
        }
        buf_put_str(out, c->devices.all[i].n_accounts ? "): " : ": ");
        text_clock_of(r, &c->clocks.all[i], out);
        buf_put_u8(out, '\n');
    }
    if (shown > CLOCKS_SHOWN)
        buf_printf(out, "  and %zu more clocks: see `sources --correct-clocks`\n",
                   shown - CLOCKS_SHOWN);
    text_clocks_basis(&c->clocks, &words);
    text_pad(out, 2);
    text_wrap_words(r, out, buf_slice(&words), 2);
    out->failed |= words.failed;
    buf_release(&words);
}

void render_clocks(struct render *r, const uint8_t key[KEY_SIZE], const struct thread_clocks *c,
                   struct buf *out)
{
    char hex[2 * KEY_SIZE + 1];
    hex_encode(key, KEY_SIZE, hex);
    for (size_t i = 0; r->format != RENDER_CSV && c->clocks.n && i < c->devices.n; i++) {
        if (!c->wanted[i])
            continue;
        render_element_begin(r, out);
        struct json_out json = json_out_to(out), *j = &json;
        json_begin_object(j);
        json_key_str(j, "type", "clock");
        json_key_str(j, "conversation", hex);
        json_key_slice(j, "source", c->devices.all[i].source);
        json_clock(j, &c->clocks.all[i]);
        json_end_object(j);
        render_element_end(r, out);
    }
}
