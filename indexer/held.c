/* held — k-th copies of each stream belong to the k-th message, so one pass over the sorted copies
 * with a counter per stream gives every message its sides. */
#include "indexer/held.h"

#include <stdlib.h>

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
    enum { FROM = 1, TO = 2, OTHER = 4 };
    uint8_t *seen = arena_array(a, messages, 1);
    if (!seen)
        return err_no_memory(err);
    uint32_t k = 0;
    for (size_t i = 0; i < n; i++) {
        k = i && !has_id && same_stream(&h[i], &h[i - 1]) ? k + 1 : 0;
        enum side s = copy_side(c, h[i].stream->source, h[i].versions[0].origin->account);
        seen[has_id ? 0 : k] |= (uint8_t)(s == SIDE_FROM ? FROM : s == SIDE_TO ? TO : OTHER);
    }
    *out = false;
    for (uint32_t i = 0; i < messages; i++)
        *out |= seen[i] == FROM || seen[i] == TO;
    return ST_OK;
}

static void add_slice(struct sha256 *sha, struct slice s)
{
    uint8_t len[8];
    store_u64(len, s.data ? s.len : UINT64_MAX);
    sha256_add(sha, len, sizeof len);
    if (s.len)
        sha256_add(sha, s.data, s.len);
}

static void add_u64(struct sha256 *sha, uint64_t v)
{
    uint8_t b[8];
    store_u64(b, v);
    sha256_add(sha, b, sizeof b);
}

/* A dump without a dump line names its source by its own hash: that is custody, not content. */
static struct slice content_source(struct slice source)
{
    struct slice unnamed = slice_str("dump:");
    bool is_unnamed = source.len == 21 && memcmp(source.data, unnamed.data, unnamed.len) == 0;
    return is_unnamed ? unnamed : source;
}

static void version_hash(struct sha256 *sha, const struct held_copy *h,
                         const struct held_version *v, uint8_t out[SHA256_SIZE])
{
    const struct origin_ref *o = v->origin;
    sha256_begin(sha);
    add_slice(sha, content_source(h->stream->source));
    add_u64(sha, h->stream->stage);
    add_slice(sha, h->stream->epoch);
    add_u64(sha, h->stream->numbered ? h->seq + 1 : 0);
    const struct slice f[] = {o->account, o->authority, o->warrant, o->liid,
                              o->cin,     o->point,     o->serial,  o->selection};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        add_slice(sha, f[i]);
    add_u64(sha, o->direction);
    add_u64(sha, (uint64_t)v->delivered);
    add_u64(sha, (uint64_t)v->read);
    add_u64(sha, (uint64_t)v->collected);
    add_slice(sha, v->extra.len ? v->extra : (struct slice){0});
    sha256_end(sha, out);
}

static int hash_cmp(const void *a, const void *b) { return memcmp(a, b, SHA256_SIZE); }

enum status held_hash(struct content_hasher *hasher, const struct content *c,
                      const uint8_t hash[SHA256_SIZE], const struct held_copy *h, size_t n,
                      struct arena *a, uint8_t out[SHA256_SIZE], struct err *err)
{
    static const char magic[] = "lictor-held/1";
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += h[i].n_versions;
    uint8_t(*hashes)[SHA256_SIZE] = arena_array(a, total, SHA256_SIZE);
    if (!hashes)
        return err_no_memory(err);
    struct sha256 *sha = &hasher->sha;
    for (size_t i = 0; i < n; i++)
        for (size_t v = 0; v < h[i].n_versions; v++)
            version_hash(sha, &h[i], &h[i].versions[v], hashes[at++]);
    qsort(hashes, total, SHA256_SIZE, hash_cmp);
    sha256_begin(sha);
    sha256_add(sha, magic, sizeof magic);
    add_u64(sha, c->kind);
    if (c->kind == DOC_MESSAGE) {
        sha256_add(sha, hash, SHA256_SIZE);
    } else { /* the hash of other kinds names their stream, which may be a dump's own */
        add_slice(sha, c->conv.service);
        add_slice(sha, c->raw);
    }
    sha256_add(sha, hashes, total * SHA256_SIZE);
    sha256_end(sha, out);
    return ST_OK;
}
