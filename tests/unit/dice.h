/* dice — the same random numbers at every run (xorshift64: Marsaglia, "Xorshift RNGs", 2003). Each
 * test program includes it once. */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

static uint64_t dice_seed = 88172645463325252u;

/* 0 .. n - 1. */
static inline uint32_t dice(uint32_t n)
{
    dice_seed ^= dice_seed << 13;
    dice_seed ^= dice_seed >> 7;
    dice_seed ^= dice_seed << 17;
    return (uint32_t)((dice_seed >> 16) % n);
}

#endif
