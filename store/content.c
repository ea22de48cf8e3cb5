/* content — the identity of a record: what is hashed, in which order (delivery.md, "What is one
 * message"). Every field stands behind its length, so no choice of texts or handles can move a
 * border between two fields. The whole message is put together first and hashed in one call: the
 * calls into OpenSSL cost more than the copying. */
#include "lictor/content.h"

#define FIELD_ABSENT UINT64_MAX

static const char message_domain[] = "lictor-message/1";
static const char record_domain[] = "lictor-record/1";
static const char conversation_domain[] = "lictor-conversation/1";

static void put_field(struct buf *b, struct slice s)
{
    if (!s.data) {
        buf_put_u64(b, FIELD_ABSENT);
        return;
    }
    buf_put_u64(b, s.len);
    buf_put_slice(b, s);
}

/* A field made of parts whose bytes are put after it: its length is filled in at the end. */
static size_t field_begin(struct buf *b)
{
    buf_put_u64(b, 0);
    return b->len;
}

static void field_end(struct buf *b, size_t begin)
{
    if (!b->failed)
        store_u64(b->data + begin - 8, b->len - begin);
}

/* A part always has a length, absent or not: it is only there because its field is. */
static void put_part(struct buf *b, struct slice s)
{
    buf_put_u64(b, s.len);
    buf_put_slice(b, s);
}

void conversation_bytes(const struct conversation *c, struct buf *out)
{
    buf_put_u8(out, c->kind);
    if (c->kind != CONV_SET) {
        buf_put_slice(out, c->name);
        return;
    }
    for (size_t i = 0; i < c->n_set; i++)
        put_part(out, c->set[i]);
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
    *h = (struct content_hasher){0};
    return sha256_init(&h->sha, err);
}

void content_hasher_release(struct content_hasher *h)
{
    sha256_release(&h->sha);
    buf_release(&h->scratch);
}

static void put_sent(struct buf *b, const struct content *c)
{
    char text[24];

    if (c->sent == TIME_NONE) {
        put_field(b, c->sent_raw);
        return;
    }
    /* by hand: snprintf took a fiftieth of an ingest */
    char *end = text + sizeof(text), *p = end;
    uint64_t left = c->sent < 0 ? 0 - (uint64_t)c->sent : (uint64_t)c->sent;
    do
        *--p = (char)('0' + left % 10);
    while (left /= 10);
    if (c->sent < 0)
        *--p = '-';
    put_field(b, slice_of(p, (size_t)(end - p)));
}

static void put_body(struct buf *b, const struct content *c)
{
    if (c->body_kind == BODY_TEXT) {
        put_field(b, slice_str("text"));
        put_part(b, c->text);
    } else if (c->body_kind == BODY_SEALED) {
        put_field(b, slice_str("sealed"));
        size_t begin = field_begin(b);
        put_part(b, c->seal_key);
        put_part(b, c->seal_nonce);
        put_part(b, c->seal_box);
        field_end(b, begin);
    } else {
        put_field(b, (struct slice){0});
        put_field(b, (struct slice){0});
    }
}

static void put_attachments(struct buf *b, const struct content *c)
{
    if (c->n_attachments == 0) {
        put_field(b, (struct slice){0});
        return;
    }
    size_t begin = field_begin(b);
    for (size_t i = 0; i < c->n_attachments; i++)
        put_part(b, c->attachments[i]);
    field_end(b, begin);
}

static void put_message(struct buf *b, const struct content *c)
{
    buf_put(b, message_domain, sizeof(message_domain));
    put_field(b, c->conv.service);
    put_field(b, c->from);
    size_t begin = field_begin(b);
    conversation_bytes(&c->conv, b);
    field_end(b, begin);
    put_field(b, c->id);
    put_sent(b, c);
    put_body(b, c);
    put_field(b, c->reply_to);
    put_attachments(b, c);
}

enum status content_hash(struct content_hasher *h, const struct content *c, struct slice other,
                         uint8_t hash[SHA256_SIZE], struct err *err)
{
    struct buf *b = &h->scratch;

    buf_clear(b);
    if (c->kind == DOC_MESSAGE) {
        put_message(b, c);
    } else {
        buf_put(b, record_domain, sizeof(record_domain));
        put_field(b, slice_str(doc_kind_name((enum doc_kind)c->kind)));
        put_field(b, c->conv.service);
        buf_put_slice(b, other);
    }
    TRY(buf_status(b, err));
    sha256_begin(&h->sha);
    sha256_add(&h->sha, b->data, b->len);
    sha256_end(&h->sha, hash);
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
