/* content — the identity of a record: what is hashed, in which order (delivery.md, "What is one
 * message"). Every field stands behind its length, so no choice of texts or handles can move a
 * border between two fields. The whole message is put together first and hashed in one call: the
 * calls into OpenSSL cost more than the copying. */
#include "lictor/content.h"

#include "store/sha256_many.h"

#define FIELD_ABSENT UINT64_MAX

static const char message_domain[] = "lictor-message/1";
static const char record_domain[] = "lictor-record/1";
static const char conversation_domain[] = "lictor-conversation/1";

/* Writers put their bytes at p, where there is room for them, and say where they end: room is taken
 * once a message, because a check for each of its twenty pieces costs as much as the hash. */
static uint8_t *put_bytes(uint8_t *p, const void *data, size_t len)
{
    if (len)
        memcpy(p, data, len);
    return p + len;
}

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
    store_u64(p, v);
    return p + 8;
}

/* A part always has a length, absent or not: it is only there because its field is. */
static uint8_t *put_part(uint8_t *p, struct slice s)
{
    return put_bytes(put_u64(p, s.len), s.data, s.len);
}

static uint8_t *put_field(uint8_t *p, struct slice s)
{
    return s.data ? put_part(p, s) : put_u64(p, FIELD_ABSENT);
}

/* A field of several parts: its length is filled in before them. */
static uint8_t *field_end(uint8_t *begin, uint8_t *end)
{
    put_u64(begin, (uint64_t)(end - begin) - 8);
    return end;
}

static size_t parts_room(const struct slice *parts, size_t n)
{
    size_t room = 0;
    for (size_t i = 0; i < n; i++)
        room += 8 + parts[i].len;
    return room;
}

static uint8_t *put_parts(uint8_t *p, const struct slice *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p = put_part(p, parts[i]);
    return p;
}

static size_t conversation_room(const struct conversation *c)
{
    return 1 + c->name.len + parts_room(c->set, c->n_set);
}

static uint8_t *put_conversation(uint8_t *p, const struct conversation *c)
{
    *p++ = c->kind;
    if (c->kind != CONV_SET)
        return put_bytes(p, c->name.data, c->name.len);
    return put_parts(p, c->set, c->n_set);
}

void conversation_bytes(const struct conversation *c, struct buf *out)
{
    uint8_t *p = buf_reserve(out, conversation_room(c));
    if (p)
        out->len += (size_t)(put_conversation(p, c) - p);
}

/* Feeds SHA-256 from a small window: a key is made for every record and must not allocate. */
struct stage {
    struct sha256 *sha;
    size_t len;
    uint8_t bytes[256];
};

static void stage_put(struct stage *s, const void *data, size_t len)
{
    if (len > sizeof(s->bytes) - s->len) {
        sha256_add(s->sha, s->bytes, s->len);
        s->len = 0;
    }
    if (len > sizeof(s->bytes)) {
        sha256_add(s->sha, data, len);
    } else if (len > 0) {
        memcpy(s->bytes + s->len, data, len);
        s->len += len;
    }
}

static void stage_put_part(struct stage *s, struct slice part)
{
    uint8_t len[8];

    store_u64(len, part.data ? part.len : FIELD_ABSENT);
    stage_put(s, len, sizeof(len));
    if (part.data)
        stage_put(s, part.data, part.len);
}

void conversation_key(struct sha256 *h, const struct conversation *c, uint8_t key[KEY_SIZE])
{
    struct stage s = {.sha = h};
    uint8_t hash[SHA256_SIZE];

    sha256_begin(h);
    stage_put(&s, conversation_domain, sizeof(conversation_domain));
    stage_put_part(&s, c->service);
    stage_put(&s, &c->kind, 1);
    if (c->kind == CONV_SET) {
        for (size_t i = 0; i < c->n_set; i++)
            stage_put_part(&s, c->set[i]);
    } else {
        stage_put_part(&s, c->name);
    }
    sha256_add(h, s.bytes, s.len);
    sha256_end(h, hash);
    memcpy(key, hash, KEY_SIZE);
}

enum status content_hasher_init(struct content_hasher *h, struct err *err)
{
    (void)err;
    *h = (struct content_hasher){0};
    return ST_OK;
}

void content_hasher_release(struct content_hasher *h) { buf_release(&h->scratch); }

#define NUMBER_ROOM 24

static uint8_t *put_sent(uint8_t *p, const struct content *c)
{
    uint8_t text[NUMBER_ROOM], *end = text + sizeof(text), *t = end;

    if (c->sent == TIME_NONE)
        return put_field(p, c->sent_raw);
    /* by hand: snprintf took a fiftieth of an ingest */
    uint64_t left = c->sent < 0 ? 0 - (uint64_t)c->sent : (uint64_t)c->sent;
    do
        *--t = (uint8_t)('0' + left % 10);
    while (left /= 10);
    if (c->sent < 0)
        *--t = '-';
    return put_part(p, slice_of(t, (size_t)(end - t)));
}

static uint8_t *put_body(uint8_t *p, const struct content *c)
{
    const struct slice sealed[] = {c->seal_key, c->seal_nonce, c->seal_box};

    if (c->body_kind == BODY_TEXT)
        return put_part(put_field(p, slice_str("text")), c->text);
    if (c->body_kind == BODY_SEALED) {
        p = put_field(p, slice_str("sealed"));
        return field_end(p, put_parts(p + 8, sealed, 3));
    }
    return put_u64(put_u64(p, FIELD_ABSENT), FIELD_ABSENT);
}

static uint8_t *put_attachments(uint8_t *p, const struct content *c)
{
    if (c->n_attachments == 0)
        return put_u64(p, FIELD_ABSENT);
    return field_end(p, put_parts(p + 8, c->attachments, c->n_attachments));
}

/* Nine fields, two names, three parts of a sealed body. */
static size_t message_room(const struct content *c)
{
    return sizeof(message_domain) + (9 + 2 + 3) * 8 + NUMBER_ROOM + c->conv.service.len +
           c->from.len + conversation_room(&c->conv) + c->id.len + c->sent_raw.len +
           sizeof("sealed") + c->text.len + c->seal_key.len + c->seal_nonce.len + c->seal_box.len +
           c->reply_to.len + parts_room(c->attachments, c->n_attachments);
}

static uint8_t *put_message(uint8_t *p, const struct content *c)
{
    p = put_bytes(p, message_domain, sizeof(message_domain));
    p = put_field(p, c->conv.service);
    p = put_field(p, c->from);
    p = field_end(p, put_conversation(p + 8, &c->conv));
    p = put_field(p, c->id);
    p = put_sent(p, c);
    p = put_body(p, c);
    p = put_field(p, c->reply_to);
    return put_attachments(p, c);
}

static size_t record_room(const struct content *c, struct slice kind, struct slice other)
{
    return sizeof(record_domain) + 2 * 8 + kind.len + c->conv.service.len + other.len;
}

static uint8_t *put_record(uint8_t *p, const struct content *c, struct slice kind,
                           struct slice other)
{
    p = put_bytes(p, record_domain, sizeof(record_domain));
    p = put_field(p, kind);
    p = put_field(p, c->conv.service);
    return put_bytes(p, other.data, other.len);
}

enum status content_hashed(const struct content *c, struct slice other, struct buf *out,
                           struct err *err)
{
    bool message = c->kind == DOC_MESSAGE;
    struct slice kind = slice_str(doc_kind_name((enum doc_kind)c->kind));

    size_t room = message ? message_room(c) : record_room(c, kind, other);
    uint8_t *p = buf_reserve(out, room + SHA256_PAD_ROOM);
    if (!p)
        return err_no_memory(err);
    uint8_t *end = message ? put_message(p, c) : put_record(p, c, kind, other);
    MUST((size_t)(end - p) <= room);
    out->len += (size_t)(end - p);
    return ST_OK;
}

void content_hash_many(struct content_hasher *h, struct buf *const hashed[],
                       uint8_t *const hashes[], size_t n)
{
    struct sha256_message m[CONTENT_HASH_MANY];

    MUST(n <= CONTENT_HASH_MANY);
    for (size_t i = 0; i < n; i++)
        m[i] = (struct sha256_message){
            .data = hashed[i]->data, .len = hashed[i]->len, .hash = hashes[i]};
    sha256_many(&h->sha, m, n);
}

enum status content_hash(struct content_hasher *h, const struct content *c, struct slice other,
                         uint8_t hash[SHA256_SIZE], struct err *err)
{
    struct buf *const scratch = &h->scratch;

    buf_clear(scratch);
    TRY(content_hashed(c, other, scratch, err));
    content_hash_many(h, &scratch, &hash, 1);
    return ST_OK;
}

enum status content_rehash(struct content_hasher *h, const struct content *c,
                           uint8_t hash[SHA256_SIZE], struct err *err)
{
    if (c->kind == DOC_MESSAGE)
        return content_hash(h, c, (struct slice){0}, hash, err);
    if (!c->stored_hash)
        return err_set(err, ST_DAMAGED, "a record of kind %s has no stored hash",
                       doc_kind_name((enum doc_kind)c->kind));
    memcpy(hash, c->stored_hash, SHA256_SIZE);
    return ST_OK;
}

void message_id(struct content_hasher *h, const uint8_t hash[SHA256_SIZE], uint32_t k,
                uint8_t id[KEY_SIZE])
{
    uint8_t in[SHA256_SIZE + 4], out[SHA256_SIZE];

    MUST(k > 0);
    if (k == 1) {
        memcpy(id, hash, KEY_SIZE);
        return;
    }
    memcpy(in, hash, SHA256_SIZE);
    store_u32(in + SHA256_SIZE, k);
    sha256_begin(&h->sha);
    sha256_add(&h->sha, in, sizeof(in));
    sha256_end(&h->sha, out);
    memcpy(id, out, KEY_SIZE);
}
