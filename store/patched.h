/* patched — integers in as many bits as most of them need; the few that need more (the exceptions)
 * give their high bits after them. One long gap then costs two bytes instead of a bit in each of
 * 128.
 * Owns: nothing.  Threads: any.  Trusts: nothing.  Format: docs/FORMAT.md, "Packed integers". */
#ifndef STORE_PATCHED_H
#define STORE_PATCHED_H

#include "store/bitpack.h"

/* ---- up to 128 values, always read whole ---- */

/* Appends; 1 <= n <= 128. */
void patched_put(const uint32_t *values, uint32_t n, struct buf *out);
/* n values from the cursor, latched there; `out` has room for 128. */
void patched_get(struct cursor *c, uint32_t n, uint32_t *out);

/* ---- any number of values, any of which can be read alone ---- */

struct patched_list {
    unsigned bits;
    uint64_t n;
    struct slice run;
    struct buf exceptions; /* pairs of u64 index and high bits, ascending; owned */
};
void patched_list_release(struct patched_list *l);
void patched_list_put(const uint32_t *values, size_t n, struct buf *out);
/* Over all of `s`, borrowed. */
MUST_USE enum status patched_list_open(struct slice s, uint64_t n, struct patched_list *out,
                                       struct err *err);
/* Values [from, from + n), which are there. */
void patched_list_get(const struct patched_list *l, uint64_t from, uint32_t n, uint32_t *out);

#endif
