/* tables — the short lists of a segment: dumps, streams, origins, conversations; writer beside
 * reader. Entries have no fixed width, a directory of offsets finds them one by one: a segment of a
 * hundred thousand dumps costs nothing to open. */
#include "store/segment_private.h"

/* Absent and empty differ: 0, or length + 1 and the bytes. */
static void put_optional(struct buf *out, struct slice s)
{
    if (!s.data) {
        buf_put_varint(out, 0);
        return;
    }
    buf_put_varint(out, (uint64_t)s.len + 1);
    buf_put_slice(out, s);
}

static struct slice get_optional(struct cursor *c)
{
    uint64_t n = cursor_varint_max(c, (uint64_t)cursor_left(c) + 1);
    if (c->bad || n == 0)
        return (struct slice){0};
    struct slice s = cursor_bytes(c, (size_t)n - 1);
    return s.data ? s : slice_of("", 0);
}

void dump_encode(const struct dump_ref *d, struct buf *out)
{
    buf_put(out, d->sha256, SHA256_SIZE);
    buf_put_u8(out, d->form);
    buf_put_slice(out, d->name);
}

enum status dump_parse(struct slice s, struct dump_ref *out, struct err *err)
{
    if (s.len < SHA256_SIZE + 1)
        return err_set(err, ST_DAMAGED, "a dump of a segment's table is cut");
    if (s.data[SHA256_SIZE] > DUMP_FORMS)
        return err_set(err, ST_DAMAGED, "a dump of a segment's table has an unknown form");
    memcpy(out->sha256, s.data, SHA256_SIZE);
    out->form = s.data[SHA256_SIZE];
    out->name = slice_of(s.data + SHA256_SIZE + 1, s.len - SHA256_SIZE - 1);
    return ST_OK;
}

void stream_encode(const struct stream_ref *s, struct buf *out)
{
    put_optional(out, s->source);
    buf_put_u8(out, s->stage);
    put_optional(out, s->epoch);
    buf_put_u8(out, s->numbered ? 1 : 0);
    if (!s->numbered)
        buf_put(out, s->dump_sha256, SHA256_SIZE);
}

enum status stream_parse(struct slice s, struct stream_ref *out, struct err *err)
{
    struct cursor c = cursor_of(s);
    struct stream_ref r = {0};

    r.source = get_optional(&c);
    r.stage = cursor_u8(&c);
    r.epoch = get_optional(&c);
    uint8_t numbered = cursor_u8(&c);
    r.numbered = numbered == 1;
    if (numbered > 1)
        c.bad = true;
    if (!r.numbered) {
        struct slice hash = cursor_bytes(&c, SHA256_SIZE);
        if (hash.len == SHA256_SIZE)
            memcpy(r.dump_sha256, hash.data, SHA256_SIZE);
    }
    TRY(cursor_done(&c, "stream of a segment's table", err));
    *out = r;
    return ST_OK;
}

static const size_t origin_fields[] = {
    offsetof(struct origin_ref, account), offsetof(struct origin_ref, authority),
    offsetof(struct origin_ref, warrant), offsetof(struct origin_ref, liid),
    offsetof(struct origin_ref, cin),     offsetof(struct origin_ref, point),
    offsetof(struct origin_ref, serial),  offsetof(struct origin_ref, selection),
};
enum { ORIGIN_FIELDS = sizeof(origin_fields) / sizeof(*origin_fields) };

void origin_encode(const struct origin_ref *o, struct buf *out)
{
    buf_put_varint(out, o->stream);
    buf_put_u8(out, o->direction);
    for (size_t i = 0; i < ORIGIN_FIELDS; i++) {
        struct slice s;
        memcpy(&s, (const char *)o + origin_fields[i], sizeof(s));
        put_optional(out, s);
    }
}

enum status origin_parse(struct slice s, uint32_t streams, struct origin_ref *out, struct err *err)
{
    struct cursor c = cursor_of(s);
    struct origin_ref r = {0};

    r.stream = (uint32_t)cursor_varint_max(&c, UINT32_MAX);
    r.direction = cursor_u8(&c);
    if (r.stream >= streams || r.direction > 3)
        c.bad = true;
    for (size_t i = 0; i < ORIGIN_FIELDS; i++) {
        struct slice f = get_optional(&c);
        memcpy((char *)&r + origin_fields[i], &f, sizeof(f));
    }
    TRY(cursor_done(&c, "origin of a segment's table", err));
    *out = r;
    return ST_OK;
}

void conversation_encode(const struct conversation *c, struct buf *out)
{
    buf_put_u8(out, c->kind);
    put_optional(out, c->service);
    if (c->kind != CONV_SET) {
        put_optional(out, c->name);
        return;
    }
    buf_put_varint(out, c->n_set);
    for (size_t i = 0; i < c->n_set; i++)
        buf_put_blob(out, c->set[i]);
}

static enum status set_parse(struct cursor *c, struct arena *a, struct conversation *out,
                             struct err *err)
{
    /* A handle takes a byte at least, so the count is no more than what is left. */
    size_t n = (size_t)cursor_varint_max(c, cursor_left(c));
    if (c->bad)
        return ST_OK; /* latched, the caller asks */
    struct slice *set = arena_array(a, n, sizeof(*set));
    if (!set)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++)
        set[i] = cursor_blob(c);
    out->set = set;
    out->n_set = n;
    return ST_OK;
}

enum status conversation_parse(struct slice s, struct arena *a, struct conversation *out,
                               struct err *err)
{
    struct cursor c = cursor_of(s);
    struct conversation r = {0};

    r.kind = cursor_u8(&c);
    r.service = get_optional(&c);
    if (r.kind == CONV_SET)
        TRY(set_parse(&c, a, &r, err));
    else if (r.kind == CONV_GROUP || r.kind == CONV_SOURCE)
        r.name = get_optional(&c);
    else
        c.bad = true;
    TRY(cursor_done(&c, "conversation", err));
    *out = r;
    return ST_OK;
}

enum status table_add(struct sink *out, unsigned section, unsigned dir_section, struct buf *entry,
                      struct err *err)
{
    uint8_t off[8];

    if (entry->len > TABLE_ENTRY_MAX)
        return err_set(err, ST_LIMIT, "a name of %zu bytes is longer than a case can hold",
                       entry->len);
    store_u64(off, sink_size(out, section));
    TRY(sink_append(out, dir_section, off, sizeof(off), err));
    return sink_take(out, section, entry, err);
}

enum status table_read(const struct source *src, unsigned section, unsigned dir_section, uint32_t n,
                       uint32_t i, struct buf *scratch, struct arena *a, struct slice *out,
                       struct err *err)
{
    struct directory dir = {0};
    struct piece p = {0};
    struct slice s = {0};

    TRY(directory_open(&dir, src, dir_section, 8, n, err));
    if (i >= n)
        return err_set(err, ST_DAMAGED, "table section %u has no entry %u", section, i);
    TRY(directory_piece(&dir, i, 0, section, TABLE_ENTRY_MAX, scratch, &p, err));
    TRY(source_read(src, section, p.off, p.len, scratch, &s, err));
    *out = arena_copy(a, s);
    return out->data ? ST_OK : err_no_memory(err);
}
