/* resum — the way of flush_classify backward: there each new version is added as it comes, here all
 * that a document has. */
#include "indexer/resum.h"

#include "indexer/held.h"
#include "lictor/thread.h"

struct resum {
    struct content_hasher hasher;
    struct segment_scratch *scratch;
    struct arena temp;
    uint8_t *sum;
    uint64_t lines;
};

static enum status add_copy(struct resum *r, uint8_t kind, const uint8_t what[SHA256_SIZE],
                            const struct held_copy *h, struct err *err)
{
    for (size_t i = 0; i < h->n_versions; i++) {
        const struct held_version *v = &h->versions[i];
        struct held_facts facts = {h->stream->numbered, h->seq,  v->delivered, v->read,
                                   v->collected,        v->extra};
        uint8_t origin[SHA256_SIZE], hash[SHA256_SIZE];
        TRY(held_origin_hash(&r->hasher, h->stream, v->origin, origin, err));
        TRY(held_version_hash(&r->hasher, kind, what, origin, &facts, hash, err));
        digest_add(r->sum, hash);
    }
    return ST_OK;
}

static enum status add_doc(struct resum *r, struct segment *s,
                           const struct segment_conversation *conv, uint32_t doc, struct err *err)
{
    struct slice row;
    struct content c;
    const struct held_copy *copies;
    size_t n;
    uint8_t hash[SHA256_SIZE], what[SHA256_SIZE];
    arena_reset(&r->temp);
    TRY(segment_row(s, r->scratch, doc, &row, err));
    row = arena_copy(&r->temp, row);
    if (!row.data)
        return err_no_memory(err);
    TRY(content_decode(row, &r->temp, &c, err));
    c.conv = conv->c;
    TRY(content_rehash(&r->hasher, &c, hash, err));
    TRY(held_what(&r->hasher, &c, hash, what, err));
    TRY(segment_copies(s, r->scratch, doc, &r->temp, &copies, &n, err));
    for (size_t i = 0; i < n; i++)
        TRY(add_copy(r, c.kind, what, &copies[i], err));
    return ST_OK;
}

static enum status add_segment(struct resum *r, struct segment *s, struct err *err)
{
    struct arena arena;
    enum status st = ST_OK;
    arena_init(&arena, 4096);
    for (uint32_t n = 0; st == ST_OK && n < segment_info(s)->conversations; n++) {
        struct segment_conversation conv;
        arena_reset(&arena);
        st = segment_conversation_at(s, r->scratch, n, &arena, &conv, err);
        for (uint32_t i = 0; st == ST_OK && i < conv.docs; i++)
            st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted")
                              : add_doc(r, s, &conv, conv.first + i, err);
    }
    arena_release(&arena);
    return st;
}

static enum status add_line(void *ctx, const struct quarantine_line *l, struct err *err)
{
    struct resum *r = ctx;
    uint8_t hash[SHA256_SIZE];
    (void)err;
    held_line_hash(&r->hasher, l->bytes, hash);
    digest_add(r->sum, hash);
    r->lines++;
    return ST_OK;
}

enum status resum_case(struct casefile *cf, uint8_t sum[DIGEST_SUM_SIZE], uint64_t *quarantined,
                       struct err *err)
{
    struct resum r = {.sum = sum};
    memset(sum, 0, DIGEST_SUM_SIZE);
    arena_init(&r.temp, 0);
    enum status st = content_hasher_init(&r.hasher, err);
    if (st == ST_OK)
        st = segment_scratch_new(&r.scratch, err);
    for (size_t i = 0; st == ST_OK && i < casefile_segments(cf); i++)
        st = add_segment(&r, casefile_segment(cf, i), err);
    if (st == ST_OK)
        st = quarantine_walk(cf, add_line, &r, err);
    *quarantined = r.lines;
    segment_scratch_free(r.scratch);
    content_hasher_release(&r.hasher);
    arena_release(&r.temp);
    return st;
}
