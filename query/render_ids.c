/* render_ids — how many digits tell ids apart that are shown together. */
#include <stdlib.h>

#include "query/render.h"

void id_set_add(struct id_set *s, const uint8_t id[KEY_SIZE])
{
    uint64_t prefix = 0;
    if (s->prefixes.len / sizeof prefix >= ID_SET_EXACT) {
        s->more++;
        return;
    }
    for (int i = 0; i < 8; i++)
        prefix = prefix << 8 | id[i];
    buf_put(&s->prefixes, &prefix, sizeof prefix);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Digits which two values share at their beginning. */
static int shared_digits(uint64_t a, uint64_t b)
{
    return a == b ? 16 : __builtin_clzll(a ^ b) / 4;
}

static int exact_digits(struct id_set *s)
{
    void *data = s->prefixes.data;
    uint64_t *all = data;
    size_t n = s->prefixes.len / sizeof *all;
    int digits = RENDER_ID_LEAST;
    if (n > 1)
        qsort(all, n, sizeof *all, by_value);
    for (size_t i = 1; i < n; i++) {
        int shared = shared_digits(all[i - 1], all[i]);
        if (shared >= 16)
            return 2 * KEY_SIZE;
        digits = shared + 1 > digits ? shared + 1 : digits;
    }
    return digits;
}

int id_set_digits(struct id_set *s)
{
    if (s->more == 0 && !s->prefixes.failed)
        return exact_digits(s);
    /* n ids of 2 log2(n) + 24 bits clash once in 2^25 outputs. */
    uint64_t n = s->more + ID_SET_EXACT;
    int bits = 64 - __builtin_clzll(n);
    int digits = (2 * bits + 24 + 3) / 4;
    return digits < 2 * KEY_SIZE ? digits : 2 * KEY_SIZE;
}

void id_set_release(struct id_set *s)
{
    buf_release(&s->prefixes);
    *s = (struct id_set){0};
}
