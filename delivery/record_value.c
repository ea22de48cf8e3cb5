/* record_value — the typed values of known keys. What arrives here is valid JSON already, so each
 * function only asks whether it is JSON of the right type. */
#include "delivery/record_private.h"

#include "lictor/utf8.h"

#define SEAL_NONCE_SIZE 24 /* XChaCha20-Poly1305-IETF */
#define SEAL_TAG_SIZE 16

static bool is_string(struct slice raw) { return raw.data[0] == '"'; }

static struct slice unquoted(struct slice raw) { return slice_of(raw.data + 1, raw.len - 2); }

/* Only bytes above 0x7f or escapes can make a string malformed. */
static bool is_damaged(struct slice decoded, unsigned marks)
{
    return marks != 0 && !utf8_valid(decoded);
}

bool record_value_string(struct record_reader *r, struct slice raw, unsigned marks,
                         struct record_text *out)
{
    if (!is_string(raw))
        return false;
    out->s = record_string_decode(r, unquoted(raw), marks);
    out->damaged = is_damaged(out->s, marks);
    out->present = true;
    return true;
}

/* Digits only, at most `max`. */
static bool digits_parse(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        uint64_t d = (uint64_t)(s.data[i] - '0');
        if (v > (max - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

bool record_value_int(struct slice raw, uint64_t *out) { return digits_parse(raw, INT64_MAX, out); }

static bool signed_parse(struct slice s, int64_t *out)
{
    uint64_t v;
    bool negative = s.data[0] == '-';
    if (negative)
        s = slice_of(s.data + 1, s.len - 1);
    if (!digits_parse(s, (uint64_t)INT64_MAX + negative, &v))
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static void when_of_text(struct slice text, struct record_when *out)
{
    struct rfc3339 t;
    out->is_text = true;
    out->state = RTS_BAD;
    if (!rfc3339_parse(text, &t))
        return;
    out->state = t.has_offset ? RTS_INSTANT : RTS_LOCAL;
    out->has_offset = t.has_offset;
    out->offset_minutes = t.offset_minutes;
    out->ms = t.has_offset ? t.local_ms - (int64_t)t.offset_minutes * 60000 : t.local_ms;
}

bool record_value_when(struct record_reader *r, struct slice raw, unsigned marks, bool or_bool,
                       struct record_when *out)
{
    out->raw = raw;
    switch (raw.data[0]) {
    case '"':
        when_of_text(record_string_decode(r, unquoted(raw), marks), out);
        return true;
    case 't':
    case 'f':
        out->state = RTS_BOOL;
        out->ms = raw.data[0] == 't';
        return or_bool;
    case '{':
    case '[':
    case 'n':
        return false;
    default:
        out->state = signed_parse(raw, &out->ms) ? RTS_INSTANT : RTS_BAD;
        return true;
    }
}

bool record_value_list(struct record_reader *r, struct slice raw, enum record_list which,
                       struct record_items *out)
{
    size_t n = 0;
    struct json_member m;
    if (raw.data[0] != '[')
        return false;
    for (struct json_walk w = json_walk_of(raw); json_walk_next(&w, &m); n++) {
        if (!is_string(m.raw) || !RECORD_GROW(r, r->items[which], r->items_cap[which], n + 1))
            return false;
        r->items[which][n] = record_string_decode(r, unquoted(m.raw), m.marks);
    }
    out->items = r->items[which];
    out->n = n;
    out->present = true;
    return true;
}

/* The members wanted of a small object: the last of a name wins, others are passed over. */
struct wanted {
    const char *name;
    struct slice raw; /* data NULL where absent */
    unsigned marks;
};

static bool members_find(struct record_reader *r, struct slice raw, struct wanted *wanted, size_t n)
{
    struct json_member m;
    if (raw.data[0] != '{')
        return false;
    for (struct json_walk w = json_walk_of(raw); json_walk_next(&w, &m);) {
        struct slice name = record_string_decode(r, m.name, m.name_marks);
        for (size_t i = 0; i < n; i++) {
            if (slice_eq_str(name, wanted[i].name)) {
                wanted[i].raw = m.raw;
                wanted[i].marks = m.marks;
                break;
            }
        }
    }
    return true;
}

enum {
    AT_NAME,
    AT_MIME,
    AT_SHA256,
    AT_TYPE,
    AT_CAPTION,
    AT_STRINGS,
    AT_SIZE = AT_STRINGS,
    AT_DURATION,
    AT_COUNT
};

/* Hashes compare in lower case; anything that is no hash stays as it came. */
static struct slice hash_lower(struct record_reader *r, struct slice s)
{
    bool upper = false;
    if (s.len != 64)
        return s;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!digit && !(c >= 'A' && c <= 'F'))
            return s;
        upper |= !digit;
    }
    if (!upper)
        return s;
    uint8_t *out = record_bytes_take(r, s.len);
    for (size_t i = 0; i < s.len; i++)
        out[i] = s.data[i] >= 'A' && s.data[i] <= 'F' ? s.data[i] | 0x20 : s.data[i];
    return slice_of(out, s.len);
}

static bool attachment_read(struct record_reader *r, struct slice raw,
                            struct record_attachment *out)
{
    struct wanted w[AT_COUNT] = {
        [AT_NAME] = {.name = "name"},
        [AT_MIME] = {.name = "mime"},
        [AT_SHA256] = {.name = "sha256"},
        [AT_TYPE] = {.name = "type"},
        [AT_CAPTION] = {.name = "caption"},
        [AT_SIZE] = {.name = "size"},
        [AT_DURATION] = {.name = "duration_ms"},
    };
    struct slice *const to[AT_STRINGS] = {
        [AT_NAME] = &out->name, [AT_MIME] = &out->mime,       [AT_SHA256] = &out->sha256,
        [AT_TYPE] = &out->type, [AT_CAPTION] = &out->caption,
    };
    uint64_t ignored;
    *out = (struct record_attachment){0};
    if (!members_find(r, raw, w, AT_COUNT))
        return false;
    for (int i = 0; i < AT_STRINGS; i++) {
        struct record_text t = {0};
        if (!w[i].raw.data)
            continue;
        if (!record_value_string(r, w[i].raw, w[i].marks, &t))
            return false;
        *to[i] = t.s;
        out->damaged |= t.damaged;
    }
    out->sha256 = hash_lower(r, out->sha256);
    for (int i = AT_STRINGS; i < AT_COUNT; i++)
        if (w[i].raw.data && !record_value_int(w[i].raw, &ignored))
            return false;
    out->size = w[AT_SIZE].raw;
    return true;
}

bool record_value_attachments(struct record_reader *r, struct slice raw, struct record *out)
{
    size_t n = 0;
    struct json_member m;
    if (raw.data[0] != '[')
        return false;
    for (struct json_walk w = json_walk_of(raw); json_walk_next(&w, &m); n++) {
        if (!RECORD_GROW(r, r->attachments, r->attachments_cap, n + 1) ||
            !attachment_read(r, m.raw, &r->attachments[n]))
            return false;
    }
    out->attachments = r->attachments;
    out->n_attachments = n;
    out->attachments_present = true;
    return true;
}

static bool base64_value(struct record_reader *r, struct slice text, struct slice *out)
{
    size_t room = text.len / 4 * 3 + 3;
    size_t n;
    uint8_t *to = record_bytes_take(r, room);
    if (!base64_decode(text, true, to, &n))
        return false;
    r->bytes_used -= room - n;
    *out = slice_of(to, n);
    return true;
}

bool record_value_sealed(struct record_reader *r, struct slice raw, struct record *out)
{
    enum { KEY, NONCE, BOX, MEMBERS };
    struct wanted w[MEMBERS] = {
        [KEY] = {.name = "key"}, [NONCE] = {.name = "nonce"}, [BOX] = {.name = "box"}};
    struct record_text t[MEMBERS] = {0};
    if (!members_find(r, raw, w, MEMBERS))
        return false;
    for (int i = 0; i < MEMBERS; i++)
        if (!w[i].raw.data || !record_value_string(r, w[i].raw, w[i].marks, &t[i]))
            return false;
    if (!base64_value(r, t[NONCE].s, &out->seal_nonce) ||
        !base64_value(r, t[BOX].s, &out->seal_box))
        return false;
    out->seal_key = t[KEY].s;
    out->sealed = true;
    return out->seal_nonce.len == SEAL_NONCE_SIZE && out->seal_box.len >= SEAL_TAG_SIZE;
}
