/* vocab — XXH3 with a secret seed is no defence by itself (its collisions can be built); the probe
 * limit is: when one is passed, a new seed scatters whatever was built against the old one. */
#include "indexer/vocab.h"

#include <stdlib.h>

#include "lictor/hash.h"
#include "lictor/os.h"

#define VOCAB_START ((size_t)1 << 14)
#define VOCAB_PROBES 64
#define VOCAB_RESEEDS 4

enum status vocab_init(struct vocab *v, struct err *err)
{
    *v = (struct vocab){0};
    arena_init(&v->bytes, 0);
    TRY(os_random(&v->seed, sizeof v->seed, err));
    v->slots = calloc(VOCAB_START, sizeof *v->slots);
    if (!v->slots)
        return err_no_memory(err);
    v->cap = VOCAB_START;
    return ST_OK;
}

void vocab_release(struct vocab *v)
{
    free(v->slots);
    free(v->terms);
    arena_release(&v->bytes);
    *v = (struct vocab){0};
}

void vocab_reset(struct vocab *v)
{
    memset(v->slots, 0, v->cap * sizeof *v->slots);
    arena_reset(&v->bytes);
    v->n = 0;
}

uint64_t vocab_held(const struct vocab *v)
{
    size_t slots = (size_t)v->n * 4 < v->cap ? (size_t)v->n * 4 : v->cap;
    return slots * sizeof *v->slots + (size_t)v->n * sizeof *v->terms + v->bytes.used;
}

static bool slot_is(const struct vocab_slot *s, uint64_t hash, struct slice term)
{
    if (s->hash != hash || s->len != term.len)
        return false;
    const uint8_t *key = s->len <= VOCAB_INLINE ? s->key.inl : s->key.ptr;
    return term.len == 0 || memcmp(key, term.data, term.len) == 0;
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
        memcpy(s->key.inl, term.data, term.len);
    else
        s->key.ptr = term.data;
}

/* Puts every term into a table of `cap` slots under a new seed. false: a probe was too long. */
static enum status rebuild(struct vocab *v, size_t cap, bool *done, struct err *err)
{
    struct vocab_slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return err_no_memory(err);
    free(v->slots);
    v->slots = slots;
    v->cap = cap;
    *done = false;
    TRY(os_random(&v->seed, sizeof v->seed, err));
    for (uint32_t id = 0; id < v->n; id++) {
        uint64_t hash = hash_bytes(v->terms[id], v->seed);
        struct vocab_slot *s = probe(v, hash, v->terms[id]);
        if (!s)
            return ST_OK;
        slot_fill(s, hash, v->terms[id], id);
    }
    *done = true;
    return ST_OK;
}

static enum status reseed(struct vocab *v, size_t cap, struct err *err)
{
    for (int tries = 0;; tries++) {
        bool done;
        TRY(rebuild(v, tries < VOCAB_RESEEDS ? cap : cap << (tries - VOCAB_RESEEDS + 1), &done,
                    err));
        if (done)
            return ST_OK;
    }
}

static enum status add_term(struct vocab *v, struct slice term, struct slice *kept, struct err *err)
{
    if (v->n == v->terms_cap) {
        size_t cap = v->terms_cap ? v->terms_cap * 2 : VOCAB_START;
        struct slice *terms = realloc(v->terms, cap * sizeof *terms);
        if (!terms)
            return err_no_memory(err);
        v->terms = terms;
        v->terms_cap = cap;
    }
    *kept = arena_copy(&v->bytes, term);
    if (!kept->data)
        return err_no_memory(err);
    v->terms[v->n] = *kept;
    return ST_OK;
}

enum status vocab_id(struct vocab *v, struct slice term, uint32_t *id, struct err *err)
{
    if ((v->n + 1) * (size_t)2 > v->cap)
        TRY(reseed(v, v->cap * 2, err));
    for (;;) {
        uint64_t hash = hash_bytes(term, v->seed);
        struct vocab_slot *s = probe(v, hash, term);
        if (!s) {
            TRY(reseed(v, v->cap, err));
            continue;
        }
        if (s->id == 0) {
            struct slice kept;
            TRY(add_term(v, term, &kept, err));
            slot_fill(s, hash, kept, v->n++);
        }
        *id = s->id - 1;
        return ST_OK;
    }
}
