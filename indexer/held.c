/* held — k-th copies of each stream belong to the k-th message, so one pass over the sorted copies
 * with a counter per stream gives every message its sides. */
#include "indexer/held.h"

static bool same_stream(const struct held_copy *a, const struct held_copy *b)
{
    return a->stream == b->stream || stream_cmp(a->stream, b->stream) == 0;
}

uint32_t held_messages(const struct held_copy *h, size_t n, bool has_id)
{
    if (has_id || n < 2)
        return 1;
    uint32_t most = 1, here = 1;
    for (size_t i = 1; i < n; i++) {
        here = same_stream(&h[i], &h[i - 1]) ? here + 1 : 1;
        if (here > most)
            most = here;
    }
    return most;
}

enum status held_one_sided(const struct content *c, const struct held_copy *h, size_t n,
                           bool has_id, uint32_t messages, struct arena *a, bool *out,
                           struct err *err)
{
    uint8_t *seen = arena_array(a, messages, 1);
    if (!seen)
        return err_no_memory(err);
    uint32_t k = 0;
    for (size_t i = 0; i < n; i++) {
        k = i && !has_id && same_stream(&h[i], &h[i - 1]) ? k + 1 : 0;
        seen[has_id ? 0 : k] |= held_seen_of(held_side(c, &h[i]));
    }
    *out = held_any_one_sided(seen, messages);
    return ST_OK;
}

/* A dump without a dump line names its source by its own hash: that is custody, not content. */
static struct slice content_source(struct slice source)
{
    struct slice unnamed = slice_str("dump:");
    bool is_unnamed = source.len == 21 && memcmp(source.data, unnamed.data, unnamed.len) == 0;
    return is_unnamed ? unnamed : source;
}

static void put_field(struct buf *b, struct slice s)
{
    buf_put_u64(b, s.data ? s.len : UINT64_MAX);
    buf_put_slice(b, s);
}

static enum status hash_scratch(struct content_hasher *h, uint8_t out[SHA256_SIZE], struct err *err)
{
    TRY(buf_status(&h->scratch, err));
    sha256_begin(&h->sha);
    sha256_add(&h->sha, h->scratch.data, h->scratch.len);
    sha256_end(&h->sha, out);
    return ST_OK;
}

enum status held_origin_hash(struct content_hasher *h, const struct stream_ref *stream,
                             const struct origin_ref *o, uint8_t out[SHA256_SIZE], struct err *err)
{
    static const char magic[] = "lictor-origin/1";
    struct buf *b = &h->scratch;
    buf_clear(b);
    buf_put(b, magic, sizeof magic);
    put_field(b, content_source(stream->source));
    buf_put_u64(b, stream->stage);
    put_field(b, stream->epoch);
    const struct slice f[] = {o->account, o->authority, o->warrant, o->liid,
                              o->cin,     o->point,     o->serial,  o->selection};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        put_field(b, f[i]);
    buf_put_u64(b, o->direction);
    return hash_scratch(h, out, err);
}

enum status held_what(struct content_hasher *h, const struct content *c,
                      const uint8_t hash[SHA256_SIZE], uint8_t what[SHA256_SIZE], struct err *err)
{
    static const char magic[] = "lictor-what/2";
    if (c->kind == DOC_MESSAGE) {
        memcpy(what, hash, SHA256_SIZE);
        return ST_OK;
    }
    /* the hash of other kinds names their stream, which may be a dump's own */
    buf_clear(&h->scratch);
    buf_put(&h->scratch, magic, sizeof magic);
    put_field(&h->scratch, c->conv.service);
    put_field(&h->scratch, c->raw);
    buf_put_u64(&h->scratch, (uint64_t)c->sent); /* may be by the zone of a dump line */
    return hash_scratch(h, what, err);
}

enum status held_version_hash(struct content_hasher *h, uint8_t kind,
                              const uint8_t what[SHA256_SIZE], const uint8_t origin[SHA256_SIZE],
                              const struct held_facts *v, uint8_t out[SHA256_SIZE], struct err *err)
{
    static const char magic[] = "held/2";
    uint8_t fixed[sizeof magic + 1 + 2 * SHA256_SIZE + 5 * 8], *p = fixed;
    memcpy(p, magic, sizeof magic);
    p += sizeof magic;
    *p++ = kind;
    memcpy(p, what, SHA256_SIZE);
    memcpy(p + SHA256_SIZE, origin, SHA256_SIZE);
    p += 2 * SHA256_SIZE;
    store_u64(p, v->numbered ? v->seq + 1 : 0);
    store_u64(p + 8, (uint64_t)v->delivered);
    store_u64(p + 16, (uint64_t)v->read);
    store_u64(p + 24, (uint64_t)v->collected);
    store_u64(p + 32, v->extra.len ? v->extra.len : UINT64_MAX);
    sha256_begin(&h->sha);
    if (v->extra.len == 0) {
        sha256_add(&h->sha, fixed, sizeof fixed);
    } else {
        buf_clear(&h->scratch);
        buf_put(&h->scratch, fixed, sizeof fixed);
        buf_put_slice(&h->scratch, v->extra);
        TRY(buf_status(&h->scratch, err));
        sha256_add(&h->sha, h->scratch.data, h->scratch.len);
    }
    sha256_end(&h->sha, out);
    return ST_OK;
}

void held_line_hash(struct content_hasher *h, struct slice line, uint8_t out[SHA256_SIZE])
{
    static const char magic[] = "lictor-quarantine/1";
    sha256_begin(&h->sha);
    sha256_add(&h->sha, magic, sizeof magic);
    sha256_add(&h->sha, line.data, line.len);
    sha256_end(&h->sha, out);
}
