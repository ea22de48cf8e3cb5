/* bits — sets of the documents of a window (query/window.h), a bit each.
 * Owns: nothing.  Threads: any. */
#ifndef QUERY_BITS_H
#define QUERY_BITS_H

#include "lictor/bytes.h"

/* `some` false: none; then nobody looks at what the words have. */
struct doc_bits {
    uint64_t *words;
    bool some;
};

/* How many are set. */
uint64_t bits_count(const uint64_t *words, size_t n);

static inline bool bits_any(const uint64_t *words, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= words[i];
    return all != 0;
}

static inline void bits_clear(struct doc_bits *a) { a->some = false; }

static inline void bits_copy(struct doc_bits *a, const struct doc_bits *b, size_t n)
{
    a->some = b->some;
    if (b->some)
        memcpy(a->words, b->words, n * sizeof *a->words);
}

/* Documents [from, to) of the window. */
static inline void bits_range(struct doc_bits *a, size_t n, uint32_t from, uint32_t to)
{
    if (from >= to)
        return;
    if (!a->some)
        memset(a->words, 0, n * sizeof *a->words);
    a->some = true;
    size_t first = from / 64, last = (to - 1) / 64;
    uint64_t head = UINT64_MAX << from % 64, tail = UINT64_MAX >> (63 - (to - 1) % 64);
    if (first == last) {
        a->words[first] |= head & tail;
        return;
    }
    a->words[first] |= head;
    for (size_t i = first + 1; i < last; i++)
        a->words[i] = UINT64_MAX;
    a->words[last] |= tail;
}

static inline void bits_put(struct doc_bits *a, size_t n, uint32_t bit)
{
    bits_range(a, n, bit, bit + 1);
}

static inline bool bits_have(const struct doc_bits *a, uint32_t bit)
{
    return a->some && (a->words[bit / 64] >> bit % 64 & 1);
}

static inline void bits_or(struct doc_bits *a, const struct doc_bits *b, size_t n)
{
    if (!b->some)
        return;
    if (!a->some) {
        bits_copy(a, b, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        a->words[i] |= b->words[i];
}

static inline void bits_and(struct doc_bits *a, const struct doc_bits *b, size_t n)
{
    a->some &= b->some;
    for (size_t i = 0; a->some && i < n; i++)
        a->words[i] &= b->words[i];
}

static inline void bits_and_not(struct doc_bits *a, const struct doc_bits *b, size_t n)
{
    if (!b->some)
        return;
    for (size_t i = 0; a->some && i < n; i++)
        a->words[i] &= ~b->words[i];
}

/* NULL: all. */
static inline void bits_mask(struct doc_bits *a, const uint64_t *mask, size_t n)
{
    for (size_t i = 0; mask && a->some && i < n; i++)
        a->words[i] &= mask[i];
}

/* First set bit >= `bit` below 64 * n, or 64 * n. */
static inline uint32_t bits_next(const uint64_t *words, size_t n, uint32_t bit)
{
    size_t i = bit / 64;
    if (i >= n)
        return (uint32_t)(n * 64);
    uint64_t word = words[i] & UINT64_MAX << bit % 64;
    while (word == 0) {
        if (++i == n)
            return (uint32_t)(n * 64);
        word = words[i];
    }
    return (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
}

#endif
