/* rng — random numbers that are a function of a seed and of what they are for, never of who asks
 * first: the sender's and the recipient's copy of a message are written by different threads and
 * must agree. SplitMix64; integer arithmetic only, so that every machine gives the same bytes.
 * Owns: nothing.  Threads: any.  Not for keys of anything real. */
#ifndef BENCH_RNG_H
#define BENCH_RNG_H

#include <stdint.h>

static inline uint64_t rng_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* The n-th number of a family. */
static inline uint64_t rng_at(uint64_t family, uint64_t n)
{
    return rng_mix(family ^ (n * UINT64_C(0xD1342543DE82EF95) + 1));
}

struct rng {
    uint64_t state;
};

static inline struct rng rng_of(uint64_t seed) { return (struct rng){.state = seed}; }

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t x = rng_mix(r->state);
    r->state += UINT64_C(0x9E3779B97F4A7C15);
    return x;
}

/* [0, n), n < 2^32. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

#endif
