/* vocab — XXH3 with a secret seed is no defence by itself (its collisions can be built); the probe
 * limit is: when one is passed, a new seed scatters whatever was built against the old one. */
#include "indexer/vocab.h"

#include "lictor/hash.h"
#include "lictor/os.h"
#include "lictor/pages.h"

#define VOCAB_START ((size_t)1 << 14)
#define VOCAB_PROBES 64
#define VOCAB_RESEEDS 4

enum status vocab_init(struct vocab *v, struct err *err)
{
    *v = (struct vocab){0};
    arena_init(&v->bytes, 0);
    TRY(os_random(&v->seed, sizeof v->seed, err));
    v->slots = pages_alloc(VOCAB_START * sizeof *v->slots);
    if (!v->slots)
        return err_no_memory(err);
    v->cap = VOCAB_START;
    return ST_OK;
}

void vocab_release(struct vocab *v)
{
    pages_free(v->slots, v->cap * sizeof *v->slots);
    grown_release(&v->terms);
    arena_release(&v->bytes);
    *v = (struct vocab){0};
}

void vocab_reset(struct vocab *v)
{
    memset(v->slots, 0, v->cap * sizeof *v->slots);
    arena_reset(&v->bytes);
    v->n = 0;
    v->terms.n = 0;
}

uint64_t vocab_held(const struct vocab *v)
{
    size_t slots = (size_t)v->n * 4 < v->cap ? (size_t)v->n * 4 : v->cap;
    return slots * sizeof *v->slots + (size_t)v->n * sizeof(struct slice) + v->bytes.used;
}

/* Terms shorter than the inline key are padded with zeros, so that most compare as two words. */
static inline bool slot_is(const struct vocab_slot *s, uint64_t hash, struct slice term)
{
    if (s->hash != hash || s->len != term.len)
        return false;
    if (s->len > VOCAB_INLINE)
        return memcmp(s->key.ptr, term.data, term.len) == 0;
    return load_u64(s->key.inl) == load_u64(term.data) &&
           load_u64(s->key.inl + 8) == load_u64(term.data + 8);
}

/* The slot of `term`, or the free one where it belongs; NULL after too long a probe. */
static struct vocab_slot *probe(struct vocab *v, uint64_t hash, struct slice term)
{
    size_t i = hash & (v->cap - 1);
    for (int n = 0; n < VOCAB_PROBES; n++, i = (i + 1) & (v->cap - 1)) {
        struct vocab_slot *s = &v->slots[i];
        if (s->id == 0 || slot_is(s, hash, term))
            return s;
    }
    return NULL;
}

static void slot_fill(struct vocab_slot *s, uint64_t hash, struct slice term, uint32_t id)
{
    s->hash = hash;
    s->id = id + 1;
    s->len = (uint32_t)term.len;
    if (term.len <= VOCAB_INLINE)
        memcpy(s->key.inl, term.data, VOCAB_INLINE);
    else
        s->key.ptr = term.data;
}

/* Puts every term into a table of `cap` slots under a new seed. false: a probe was too long. */
static enum status rebuild(struct vocab *v, size_t cap, bool *done, struct err *err)
{
    struct vocab_slot *slots = pages_alloc(cap * sizeof *slots);
    if (!slots)
        return err_no_memory(err);
    pages_free(v->slots, v->cap * sizeof *v->slots);
    v->slots = slots;
    v->cap = cap;
    *done = false;
    TRY(os_random(&v->seed, sizeof v->seed, err));
    for (uint32_t id = 0; id < v->n; id++) {
        struct slice term = vocab_term(v, id);
        uint64_t hash = hash_bytes(term, v->seed);
        struct vocab_slot *s = probe(v, hash, term);
        if (!s)
            return ST_OK;
        slot_fill(s, hash, term, id);
    }
    *done = true;
    return ST_OK;
}

static enum status reseed(struct vocab *v, size_t cap, struct err *err)
{
    for (int tries = 0;; tries++) {
        bool done = false;
        TRY(rebuild(v, tries < VOCAB_RESEEDS ? cap : cap << (tries - VOCAB_RESEEDS + 1), &done,
                    err));
        if (done)
            return ST_OK;
    }
}

static enum status add_term(struct vocab *v, struct slice term, struct slice *kept, struct err *err)
{
    struct slice *slot = grown_add(&v->terms, sizeof *slot);
    if (!slot)
        return err_no_memory(err);
    size_t room = term.len > VOCAB_INLINE ? term.len : VOCAB_INLINE;
    *kept = arena_copy(&v->bytes, slice_of(term.data, room));
    if (!kept->data)
        return err_no_memory(err);
    kept->len = term.len;
    *slot = *kept;
    return ST_OK;
}

/* The id of a term whose hash under the present seed is `hash`. */
static enum status find(struct vocab *v, struct slice term, uint64_t hash, uint32_t *id,
                        struct err *err)
{
    struct vocab_slot *s;
    while (!(s = probe(v, hash, term))) {
        TRY(reseed(v, v->cap, err));
        hash = hash_bytes(term, v->seed);
    }
    if (s->id == 0) {
        struct slice kept;
        TRY(add_term(v, term, &kept, err));
        slot_fill(s, hash, kept, v->n++);
    }
    *id = s->id - 1;
    return ST_OK;
}

enum status vocab_ids(struct vocab *v, const struct slice *terms, size_t n, uint32_t *ids,
                      struct err *err)
{
    uint64_t hash[VOCAB_BATCH];
    MUST(n <= VOCAB_BATCH);
    while ((v->n + n) * (size_t)2 > v->cap)
        TRY(reseed(v, v->cap * 2, err));
    for (size_t i = 0; i < n; i++) {
        hash[i] = hash_bytes(terms[i], v->seed);
        __builtin_prefetch(&v->slots[hash[i] & (v->cap - 1)], 1);
    }
    uint64_t seed = v->seed;
    for (size_t i = 0; i < n; i++)
        TRY(find(v, terms[i], v->seed == seed ? hash[i] : hash_bytes(terms[i], v->seed), &ids[i],
                 err));
    return ST_OK;
}
