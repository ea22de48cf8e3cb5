/* vocab — the words of one worker's run: term bytes -> dense id.
 * Open addressing with 32-byte slots, keys up to 16 bytes inline; hash seeded at random per
 * process; a probe longer than 64 slots gives the table a new seed (an adversary chooses the
 * words). Owns: its table and bytes.  Threads: one. */
#ifndef INDEXER_VOCAB_H
#define INDEXER_VOCAB_H

#include "indexer/grown.h"
#include "lictor/arena.h"

#define VOCAB_INLINE 16

struct vocab_slot {
    uint64_t hash;
    uint32_t id; /* + 1; 0 = free */
    uint32_t len;
    union {
        uint8_t inl[VOCAB_INLINE];
        const uint8_t *ptr;
    } key;
};

struct vocab {
    struct vocab_slot *slots;
    size_t cap;
    uint32_t n;
    uint64_t seed;
    struct arena bytes; /* terms, all of them, in order of id */
    struct grown terms; /* struct slice, by id */
};

MUST_USE enum status vocab_init(struct vocab *v, struct err *err);
void vocab_release(struct vocab *v);
void vocab_reset(struct vocab *v);
/* The ids of n <= VOCAB_BATCH terms, in order; new terms are copied. A term shorter than
 * VOCAB_INLINE is padded with zeros to it. The slots are fetched all at once: one at a time each
 * lookup waits for memory. */
#define VOCAB_BATCH 64
MUST_USE enum status vocab_ids(struct vocab *v, const struct slice *terms, size_t n, uint32_t *ids,
                               struct err *err);
static inline struct slice vocab_term(const struct vocab *v, uint32_t id)
{
    return ((const struct slice *)v->terms.items)[id];
}
uint64_t vocab_held(const struct vocab *v);

#endif
