/* content_row — a content as bytes of a segment, and back. One word of flags says which fields
 * follow, so that absent and empty stay apart and an ordinary message costs two bytes beyond its
 * fields. The decoder takes exactly what the encoder can write: a row has one spelling. */
#include "lictor/arena.h"
#include "lictor/content.h"

enum {
    ROW_FROM = 1 << 0,
    ROW_SENT = 1 << 1,
    ROW_TEXT = 1 << 2, /* bits up to here stand on nearly every message: one varint byte */
    ROW_ID = 1 << 3,
    ROW_REPLY_TO = 1 << 4,
    ROW_ATTACHMENTS = 1 << 5,
    ROW_TO = 1 << 6,
    ROW_SEALED = 1 << 7,
    ROW_OPENED = 1 << 8,
    ROW_DAMAGED = 1 << 9,
    ROW_SEAL_BROKEN = 1 << 10,
    ROW_SENT_RAW = 1 << 11,
    ROW_RAW = 1 << 12,
    ROW_BODY_TEXT = 1 << 13, /* other kinds: `text` is their body, not only a field */
    ROW_ALL = (1 << 14) - 1
};

static uint32_t flag_if(bool cond, uint32_t flag) { return cond ? flag : 0; }

static uint32_t row_flags(const struct content *c)
{
    bool sealed = c->body_kind == BODY_SEALED;

    return flag_if(c->from.data != NULL, ROW_FROM) | flag_if(c->sent != TIME_NONE, ROW_SENT) |
           flag_if(c->text.data != NULL && !sealed, ROW_TEXT) |
           flag_if(c->id.data != NULL, ROW_ID) | flag_if(c->reply_to.data != NULL, ROW_REPLY_TO) |
           flag_if(c->n_attachments > 0, ROW_ATTACHMENTS) | flag_if(c->n_to > 0, ROW_TO) |
           flag_if(sealed, ROW_SEALED) | flag_if(sealed && c->opened.data != NULL, ROW_OPENED) |
           flag_if(sealed && c->seal_broken, ROW_SEAL_BROKEN) | flag_if(c->damaged, ROW_DAMAGED) |
           flag_if(c->sent_raw.data != NULL, ROW_SENT_RAW) | flag_if(c->raw.data != NULL, ROW_RAW) |
           flag_if(c->kind != DOC_MESSAGE && c->body_kind == BODY_TEXT, ROW_BODY_TEXT);
}

/* Writers put their bytes at p, where there is room for them, and say where they end (as in
 * content.c, and for its reason). */
#define VARINT_ROOM 10

static uint8_t *put_bytes(uint8_t *p, const void *data, size_t len)
{
    if (len)
        memcpy(p, data, len);
    return p + len;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *put_blob(uint8_t *p, struct slice s)
{
    return put_bytes(put_varint(p, s.len), s.data, s.len);
}

static uint8_t *put_blob_if(uint8_t *p, uint32_t flags, uint32_t flag, struct slice s)
{
    return flags & flag ? put_blob(p, s) : p;
}

static uint8_t *put_list(uint8_t *p, const struct slice *items, size_t n)
{
    p = put_varint(p, n);
    for (size_t i = 0; i < n; i++)
        p = put_blob(p, items[i]);
    return p;
}

static size_t list_room(const struct slice *items, size_t n)
{
    size_t room = VARINT_ROOM;
    for (size_t i = 0; i < n; i++)
        room += VARINT_ROOM + items[i].len;
    return room;
}

/* Kind, flags, hash, sent, ten blobs, two lists. */
static size_t row_room(const struct content *c)
{
    return 1 + VARINT_ROOM + SHA256_SIZE + VARINT_ROOM + 10 * VARINT_ROOM + c->from.len +
           c->text.len + c->id.len + c->reply_to.len + c->seal_key.len + c->seal_nonce.len +
           c->seal_box.len + c->opened.len + c->sent_raw.len + c->raw.len +
           list_room(c->attachments, c->n_attachments) + list_room(c->to, c->n_to);
}

static uint8_t *put_row(uint8_t *p, const struct content *c)
{
    uint32_t flags = row_flags(c);

    *p++ = c->kind;
    p = put_varint(p, flags);
    if (c->stored_hash)
        p = put_bytes(p, c->stored_hash, SHA256_SIZE);
    p = put_blob_if(p, flags, ROW_FROM, c->from);
    if (flags & ROW_SENT)
        p = put_varint(p, (uint64_t)c->sent << 1 ^ (0 - ((uint64_t)c->sent >> 63))); /* zigzag */
    p = put_blob_if(p, flags, ROW_TEXT, c->text);
    p = put_blob_if(p, flags, ROW_ID, c->id);
    p = put_blob_if(p, flags, ROW_REPLY_TO, c->reply_to);
    if (flags & ROW_ATTACHMENTS)
        p = put_list(p, c->attachments, c->n_attachments);
    if (flags & ROW_TO)
        p = put_list(p, c->to, c->n_to);
    p = put_blob_if(p, flags, ROW_SEALED, c->seal_key);
    p = put_blob_if(p, flags, ROW_SEALED, c->seal_nonce);
    p = put_blob_if(p, flags, ROW_SEALED, c->seal_box);
    p = put_blob_if(p, flags, ROW_OPENED, c->opened);
    p = put_blob_if(p, flags, ROW_SENT_RAW, c->sent_raw);
    return put_blob_if(p, flags, ROW_RAW, c->raw);
}

void content_encode(const struct content *c, struct buf *out)
{
    MUST((c->kind == DOC_MESSAGE) == (c->stored_hash == NULL));
    MUST(c->body_kind != BODY_TEXT || c->text.data);
    size_t room = row_room(c);
    uint8_t *p = buf_reserve(out, room);
    if (!p)
        return;
    size_t len = (size_t)(put_row(p, c) - p);
    MUST(len <= room);
    out->len += len;
}

/* Absent is data NULL; present is never NULL, also when empty. */
static struct slice get_blob_if(struct cursor *c, uint32_t flags, uint32_t flag)
{
    if (!(flags & flag))
        return (struct slice){0};
    struct slice s = cursor_blob(c);
    return s.data ? s : slice_of("", 0);
}

static const struct slice *get_list(struct cursor *c, struct arena *a, size_t *n, bool *no_memory)
{
    /* An item takes a byte at least: a count beyond what is left is a lie, not an allocation. */
    size_t count = (size_t)cursor_varint_max(c, cursor_left(c));
    if (c->bad || count == 0) {
        c->bad = true;
        return NULL;
    }
    struct slice *items = arena_array(a, count, sizeof(*items));
    if (!items) {
        *no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count && !c->bad; i++)
        items[i] = get_blob_if(c, 1, 1);
    *n = count;
    return items;
}

/* Combinations that no encoder writes. */
static bool flags_are_sane(uint8_t kind, uint32_t flags)
{
    bool message = kind == DOC_MESSAGE;

    if ((flags & ROW_SEALED) && (flags & ROW_TEXT))
        return false;
    if (!(flags & ROW_SEALED) && (flags & (ROW_OPENED | ROW_SEAL_BROKEN)))
        return false;
    return !(flags & ROW_BODY_TEXT) || (!message && (flags & ROW_TEXT));
}

enum status content_decode(struct slice row, struct arena *lists, struct content *out,
                           struct err *err)
{
    struct cursor c = cursor_of(row);
    struct content r = {.sent = TIME_NONE, .conv = out->conv};
    bool no_memory = false;

    r.kind = cursor_u8(&c);
    uint32_t flags = (uint32_t)cursor_varint_max(&c, ROW_ALL);
    if (c.bad || r.kind >= DOC_KINDS || !flags_are_sane(r.kind, flags))
        return err_set(err, ST_DAMAGED, "body row: its head is not one of ours");
    if (r.kind != DOC_MESSAGE)
        r.stored_hash = cursor_bytes(&c, SHA256_SIZE).data;
    r.from = get_blob_if(&c, flags, ROW_FROM);
    if (flags & ROW_SENT) {
        r.sent = cursor_zigzag(&c);
        c.bad |= r.sent == TIME_NONE;
    }
    r.text = get_blob_if(&c, flags, ROW_TEXT);
    r.id = get_blob_if(&c, flags, ROW_ID);
    r.reply_to = get_blob_if(&c, flags, ROW_REPLY_TO);
    if (flags & ROW_ATTACHMENTS)
        r.attachments = get_list(&c, lists, &r.n_attachments, &no_memory);
    if (flags & ROW_TO)
        r.to = get_list(&c, lists, &r.n_to, &no_memory);
    if (no_memory)
        return err_no_memory(err);
    r.seal_key = get_blob_if(&c, flags, ROW_SEALED);
    r.seal_nonce = get_blob_if(&c, flags, ROW_SEALED);
    r.seal_box = get_blob_if(&c, flags, ROW_SEALED);
    r.opened = get_blob_if(&c, flags, ROW_OPENED);
    r.sent_raw = get_blob_if(&c, flags, ROW_SENT_RAW);
    r.raw = get_blob_if(&c, flags, ROW_RAW);
    r.damaged = (flags & ROW_DAMAGED) != 0;
    r.seal_broken = (flags & ROW_SEAL_BROKEN) != 0;
    if (flags & ROW_SEALED)
        r.body_kind = BODY_SEALED;
    else if ((flags & ROW_BODY_TEXT) || ((flags & ROW_TEXT) && r.kind == DOC_MESSAGE))
        r.body_kind = BODY_TEXT;
    TRY(cursor_done(&c, "body row", err));
    *out = r;
    return ST_OK;
}
