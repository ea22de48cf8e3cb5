/* bits — counting. The one that uses the processor's own instruction is chosen at run time;
 * elsewhere than on x86-64 the compiler knows what the processor has. */
#include "query/bits.h"

static uint64_t count(const uint64_t *words, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        if (words[i])
            all += (unsigned)__builtin_popcountll(words[i]);
    return all;
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static uint64_t count_popcnt(const uint64_t *words, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += (unsigned)__builtin_popcountll(words[i]);
    return all;
}
#endif

uint64_t bits_count(const uint64_t *words, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        return count_popcnt(words, n);
#endif
    return count(words, n);
}
