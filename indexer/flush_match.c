/* flush_match — new keys are sorted and merged against each segment's sorted fingerprints, but for
 * segments that cannot have them (staged.h); a
 * fingerprint that agrees is confirmed by the whole key, recomputed from the stored content. That
 * is done in the order of the documents: in the order of the keys every row would lie in another
 * block, and inflating blocks was nine tenths of an add to a case that has the other copies. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "indexer/sort.h"
#include "lictor/pages.h"

#define KEYS_AT_ONCE 4096

static uint64_t fingerprint(const uint8_t *key) { return __builtin_bswap64(load_u64(key)); }

static enum status list_keys(struct flush *f, struct sort_item **out, size_t *n, struct err *err)
{
    size_t total = 0, at = 0;
    for (unsigned w = 0; w < f->run->workers; w++)
        total += f->run->stores[w].docs.n;
    struct sort_item *keys = pages_alloc_raw(total * sizeof *keys);
    if (!keys)
        return err_no_memory(err);
    for (unsigned w = 0; w < f->run->workers; w++)
        for (uint32_t i = 0; i < f->run->stores[w].docs.n; i++) {
            run_ref ref = (run_ref)w << 25 | i;
            keys[at++] =
                (struct sort_item){.hi = fingerprint(run_doc_at(f->run, ref)->hash), .value = ref};
        }
    *out = keys;
    *n = total;
    return sort_items(keys, total, err);
}

struct candidate {
    uint32_t doc;
    run_ref ref;
    bool good; /* the stored document is the content of `ref` */
};

static int candidate_cmp(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->doc != y->doc)
        return x->doc < y->doc ? -1 : 1;
    return (x->ref > y->ref) - (x->ref < y->ref);
}

static enum status list_candidates(struct flush *f, struct segment *s, const struct sort_item *keys,
                                   size_t n, struct key_entry *page, struct grown *out,
                                   struct err *err)
{
    uint32_t docs = segment_info(s)->docs;
    size_t k = 0;
    for (uint32_t from = 0; from < docs && k < n;) {
        uint32_t got = docs - from < KEYS_AT_ONCE ? docs - from : KEYS_AT_ONCE;
        TRY(segment_keys(s, f->scratch, from, got, page, err));
        for (uint32_t i = 0; i < got && k < n; i++) {
            while (k < n && keys[k].hi < page[i].fingerprint)
                k++;
            for (size_t j = k; j < n && keys[j].hi == page[i].fingerprint; j++) {
                struct candidate *c = grown_add(out, sizeof *c);
                if (!c)
                    return err_no_memory(err);
                *c = (struct candidate){page[i].doc, keys[j].value, false};
            }
        }
        from += got;
    }
    return ST_OK;
}

struct confirmation {
    uint32_t segment;
    struct candidate *candidates;
};

static enum status confirm(struct flush *f, struct flush_lane *lane, void *ctx, size_t from,
                           size_t to, struct err *err)
{
    const struct confirmation *k = ctx;
    for (size_t i = from; i < to; i++) {
        struct candidate *c = &k->candidates[i];
        struct target t = {.segment = k->segment, .doc = c->doc};
        struct content content;
        uint8_t hash[SHA256_SIZE];
        arena_reset(&lane->temp);
        TRY(flush_content_with(f, lane->scratch, &t, &lane->temp, &content, err));
        TRY(content_rehash(&lane->hasher, &content, hash, err));
        c->good = memcmp(hash, run_doc_at(f->run, c->ref)->hash, KEY_SIZE) == 0;
    }
    return ST_OK;
}

static enum status match_segment(struct flush *f, uint32_t segment, const struct sort_item *keys,
                                 size_t n, struct key_entry *page, struct err *err)
{
    struct grown found = {0};
    enum status st =
        list_candidates(f, casefile_segment(f->cf, segment), keys, n, page, &found, err);
    struct candidate *c = found.items;
    if (found.n > 1)
        qsort(found.items, found.n, sizeof *c, candidate_cmp);
    struct confirmation k = {segment, c};
    if (st == ST_OK)
        st = flush_parallel(f, found.n, confirm, &k, err);
    for (size_t i = 0; st == ST_OK && i < found.n; i++) {
        uint32_t target;
        if (!c[i].good)
            continue;
        st = flush_touch(f, segment, c[i].doc, &target, err);
        if (st != ST_OK)
            break;
        flush_target(f, target)->ref = c[i].ref;
        f->target_of[RUN_REF_WORKER(c[i].ref)][RUN_REF_INDEX(c[i].ref)] = target;
    }
    grown_release(&found);
    return st;
}

enum status flush_match(struct flush *f, struct err *err)
{
    struct sort_item *keys = NULL;
    size_t n = 0;
    size_t segments = casefile_segments(f->cf), apart = 0;
    for (size_t i = 0; i < segments; i++)
        apart += staged_is_apart(f->staged, i);
    if (apart == segments)
        return ST_OK;
    struct key_entry *page = malloc(KEYS_AT_ONCE * sizeof *page);
    enum status st = page ? list_keys(f, &keys, &n, err) : err_no_memory(err);
    for (uint32_t i = 0; st == ST_OK && n && i < segments; i++)
        if (!staged_is_apart(f->staged, i))
            st = match_segment(f, i, keys, n, page, err);
    pages_free(keys, n * sizeof *keys);
    free(page);
    return st;
}
