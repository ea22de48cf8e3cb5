/* gen_write — lines by hand: printf would cost more than zstd. A line's parts are bounded by what
 * gen_text makes, so the buffer of a line is fixed and checked only where text enters. */
#include "bench/gen.h"

#include <stdio.h>

#include "bench/gen_line.h"

void line_begin(struct line *l) { l->p = l->bytes; }

void line_put(struct line *l, const void *data, size_t len)
{
    MUST(len <= sizeof(l->bytes) - (size_t)(l->p - l->bytes));
    memcpy(l->p, data, len);
    l->p += len;
}

void line_str(struct line *l, const char *s) { line_put(l, s, strlen(s)); }

void line_uint(struct line *l, uint64_t v)
{
    char digits[20];
    size_t n = sizeof(digits);

    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    line_put(l, digits + n, sizeof(digits) - n);
}

void line_int(struct line *l, int64_t v)
{
    if (v < 0)
        line_put(l, "-", 1);
    line_uint(l, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void put_escape(struct line *l, uint32_t unit)
{
    char s[8];
    int n = snprintf(s, sizeof(s), "\\u%04x", unit & 0xffff);
    line_put(l, s, (size_t)n);
}

static void put_code_point(struct line *l, uint32_t cp)
{
    if (cp < 0x10000) {
        put_escape(l, cp);
        return;
    }
    put_escape(l, 0xd800 + ((cp - 0x10000) >> 10));
    put_escape(l, 0xdc00 + ((cp - 0x10000) & 0x3ff));
}

/* Lead byte of well-formed UTF-8 -> code point; text comes from gen_text, malformed bytes only as
 * 0xF8 and above, which are passed on. */
static size_t code_point(const uint8_t *s, uint32_t *cp)
{
    if (s[0] < 0xe0) {
        *cp = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
        return 2;
    }
    if (s[0] < 0xf0) {
        *cp = (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
        return 3;
    }
    *cp = (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
          (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    return 4;
}

void line_json(struct line *l, const uint8_t *s, size_t len, bool escapes)
{
    size_t from = 0;

    line_put(l, "\"", 1);
    for (size_t i = 0; i < len;) {
        uint8_t b = s[i];
        bool special = b < 0x20 || b == '"' || b == '\\' || (escapes && b >= 0x80 && b < 0xf8);
        if (!special) {
            i++;
            continue;
        }
        line_put(l, s + from, i - from);
        if (b >= 0x80) {
            uint32_t cp;
            i += code_point(s + i, &cp);
            put_code_point(l, cp);
        } else {
            char two[2] = {'\\', (char)(b == '\n' ? 'n' : b)};
            line_put(l, two, 2);
            i++;
        }
        from = i;
    }
    line_put(l, s + from, len - from);
    line_put(l, "\"", 1);
}

void line_handle(struct line *l, uint32_t handle)
{
    char s[HANDLE_LEN + 2];

    s[0] = '"';
    handle_name(handle, s + 1);
    s[HANDLE_LEN + 1] = '"';
    line_put(l, s, sizeof(s));
}

size_t message_service_id(uint32_t conv_no, uint32_t i, char out[32])
{
    int n = snprintf(out, 32, "m%x-%x", conv_no, i);
    return (size_t)n;
}

void line_service_id(struct line *l, const char *key, uint32_t conv_no, uint32_t i)
{
    static const char hex[] = "0123456789abcdef";
    uint32_t parts[2] = {conv_no, i};

    line_str(l, key);
    line_str(l, "\"m");
    for (int k = 0; k < 2; k++) {
        char digits[8];
        size_t n = sizeof(digits);
        do {
            digits[--n] = hex[parts[k] & 15];
            parts[k] >>= 4;
        } while (parts[k]);
        line_put(l, digits + n, sizeof(digits) - n);
        line_str(l, k == 0 ? "-" : "\"");
    }
}

void line_group(struct line *l, uint32_t conv_no)
{
    char s[32];
    int n = snprintf(s, sizeof(s), "\"grp-%04x\"", conv_no);
    line_put(l, s, (size_t)n);
}

void line_key_int(struct line *l, const char *key, int64_t v)
{
    line_str(l, key);
    line_int(l, v);
}

void line_head(struct line *l, const char *kind, uint64_t seq)
{
    line_begin(l);
    line_str(l, "{\"kind\":\"");
    line_str(l, kind);
    line_str(l, "\",\"seq\":");
    line_uint(l, seq);
}

/* The others of a set conversation, as a list. */
void line_others(struct line *l, const struct world *w, const struct message *m)
{
    const uint32_t *members = &w->members[m->conv->members];
    bool comma = false;

    line_str(l, ",\"to\":[");
    for (unsigned i = 0; i < m->conv->n_members; i++) {
        if (i == m->sender)
            continue;
        if (comma)
            line_str(l, ",");
        line_handle(l, members[i]);
        comma = true;
    }
    line_str(l, "]");
}

static void put_sent(struct line *l, const struct world *w, const struct message *m, uint8_t form)
{
    char text[TIME_TEXT_SIZE];

    if (m->special == SP_UNTIMED) {
        static const char *const how[3] = {"", ",\"sent\":0", ",\"sent\":\"yesterday\""};
        line_str(l, how[m->i % 3]);
        return;
    }
    line_str(l, ",\"sent\":");
    if (form < 2) {
        line_int(l, message_stamp(w, m));
        return;
    }
    time_text(message_stamp(w, m) + 7200000, text);
    text[strlen(text) - 1] = 0; /* the Z: this is local time at +02:00 */
    line_str(l, "\"");
    line_str(l, text);
    line_str(l, form == 2 ? "+02:00\"" : "\"");
}

static void put_attachments(struct line *l, const struct message *m)
{
    static const char *const kinds[4] = {"photo", "video", "voice", "file"};
    uint64_t r = rng_mix(m->key ^ 0x4154);
    char s[256];
    int n;

    if (r % 3 != 0)
        n = snprintf(
            s, sizeof(s),
            ",\"attachments\":[{\"name\":\"%s-%u.bin\",\"mime\":\"image/jpeg\",\"size\":%u,"
            "\"type\":\"%s\",\"sha256\":\"%016llx%016llx%016llx%016llx\"}]",
            kinds[(r >> 8) % 4], (unsigned)(r >> 16) % 10000, (unsigned)(r >> 32) % 5000000,
            kinds[(r >> 8) % 4], (unsigned long long)rng_at(r, 1), (unsigned long long)rng_at(r, 2),
            (unsigned long long)rng_at(r, 3), (unsigned long long)rng_at(r, 4));
    else
        n = snprintf(s, sizeof(s), ",\"attachments\":[{\"name\":\"doc-%u.pdf\",\"size\":%u}]",
                     (unsigned)(r >> 16) % 10000, (unsigned)(r >> 32) % 5000000);
    line_put(l, s, (size_t)n);
}

/* Copy fields: the holder's own clock. */
static void put_clocks(struct line *l, const struct world *w, const struct record_plan *r)
{
    const struct holder *h = &w->holders[r->holder];
    uint64_t x = rng_at(r->m->key ^ h->key, r->m->i);
    int64_t got = r->m->t + 200 + (int64_t)(x % 4000);

    got += holder_ahead(w, r->holder, got);

    if (r->side == SIDE_TO || (r->side == SIDE_FROM && (x >> 12) % 3 == 0)) {
        line_key_int(l, ",\"delivered\":", got);
        if ((x >> 16) % 5 != 0)
            line_key_int(l, ",\"read\":", got + 1000 + (int64_t)((x >> 20) % 900000));
    }
    line_key_int(l, ",\"collected\":", got + (int64_t)((x >> 40) % 60000));
    if ((x >> 56) % 32 == 0)
        line_str(l, ",\"x_app\":{\"version\":\"4.1\",\"relay\":7}");
}

void line_message(struct line *l, const struct world *w, const struct record_plan *r)
{
    const struct message *m = r->m;
    const struct holder *h = &w->holders[r->holder];

    line_head(l, "message", r->seq);
    line_str(l, ",\"from\":");
    line_handle(l, w->members[m->conv->members + m->sender]);
    if (!r->incomplete && m->conv->group) {
        line_str(l, ",\"group\":");
        line_group(l, m->conv_no);
    } else if (!r->incomplete) {
        line_others(l, w, m);
    }
    if (m->conv->ids)
        line_service_id(l, ",\"id\":", m->conv_no, m->i);
    put_sent(l, w, m, h->time_form);
    if (r->sealed) {
        line_str(l, ",\"sealed\":");
        line_put(l, r->sealed->data, r->sealed->len);
    } else {
        line_str(l, ",\"text\":");
        line_json(l, r->text->bytes, r->text->len, h->escapes);
    }
    if (message_replies(m))
        line_service_id(l, ",\"reply_to\":", m->conv_no, message_replies_to(m));
    if (message_has_attachment(m))
        put_attachments(l, m);
    if (m->key % 4 == 0)
        line_str(l, ",\"burn\":604800");
    put_clocks(l, w, r);
    if (m->special == SP_DELETED && r->side != SIDE_FROM)
        line_str(l, ",\"deleted\":true");
    line_str(l, "}\n");
}

void line_dump(struct line *l, const struct world *w, uint32_t holder, uint32_t dump,
               unsigned stage)
{
    char source[32];

    line_begin(l);
    line_str(l, "{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"");
    line_put(l, source, holder_source(w, holder, source));
    line_str(l, stage == STAGE_STORED ? "\",\"stage\":\"stored\"" : "\",\"stage\":\"live\"");
    if (!w->o->server) {
        line_str(l, ",\"account\":");
        line_handle(l, holder);
    }
    line_str(l, ",\"service\":\"" GEN_SERVICE "\",\"authority\":\"Nordlager\","
                "\"warrant\":\"W-2020-17\",\"serial\":\"");
    line_uint(l, dump + 1);
    line_str(l, "\"");
    line_key_int(l, ",\"collected_from\":", GEN_BEGIN_MS);
    line_key_int(l, ",\"collected_to\":", GEN_BEGIN_MS + (GEN_DAYS + 1) * DAY_MS);
    if (w->holders[holder].time_form == 3)
        line_str(l, ",\"zone\":\"+02:00\"");
    line_str(l, "}\n");
}

void line_malformed(struct line *l, uint64_t n)
{
    static const char too_deep[] = "{\"kind\":\"note\",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                                   "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}";
    static const char *const lines[] = {
        "{\"kind\":\"message\",\"from\":\"b0b0b0\",\"to\":[\"c1c1c1\"],\"text\":\"cut off he",
        "",
        "not json at all",
        "[\"an\",\"array\"]",
        "{\"from\":\"b0b0b0\",\"text\":\"no kind\"}",
        "{\"kind\":\"telegram\",\"text\":\"unknown kind\"}",
        "{\"kind\":\"message\",\"text\":\"twice\",\"text\":\"twice\"}",
        "{\"kind\":\"message\",\"from\":7,\"to\":[\"c1c1c1\"],\"text\":\"wrong type\"}",
        "{\"kind\":\"message\",\"to\":\"c1c1c1\",\"text\":\"wrong type\"}",
        "{\"kind\":\"message\",\"seq\":-4,\"text\":\"wrong type\"}",
        "{\"kind\":\"message\",\"text\":\"\",\"sealed\":{\"key\":\"\",\"box\":\"\"}}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        too_deep,
        "{\"kind\":\"message\",\"text\":\"after\"} and more",
    };
    line_begin(l);
    line_str(l, lines[n % (sizeof(lines) / sizeof(*lines))]);
}
