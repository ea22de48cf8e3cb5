/* pin — the first n processors that this process may use: what `-j n` is measured on, so that one
 * thread's figure is that of one processor, whatever helper threads a program has.
 * Threads: any. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <sched.h>
#include <stdbool.h>

/* False where the system does not say, or has no more than these. */
static inline bool pin_set(unsigned n, cpu_set_t *out)
{
    cpu_set_t all;
    unsigned taken = 0;
    if (sched_getaffinity(0, sizeof all, &all) != 0 || (unsigned)CPU_COUNT(&all) <= n)
        return false;
    CPU_ZERO(out);
    for (size_t i = 0; i < CPU_SETSIZE && taken < n; i++)
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, out);
            taken++;
        }
    return taken == n;
}

#endif
