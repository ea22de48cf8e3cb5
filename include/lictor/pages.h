/* pages — memory for large arrays: on huge pages, grown without copying. First touch of memory is
 * the dearest part of a big array on virtual machines (docs/ARCHITECTURE.md), and a table that is
 * looked up at random costs a miss of the TLB each time on small pages.
 * Owns: the caller owns what it gets and says its size again. Small sizes come from malloc, and all
 * of them under AddressSanitizer.  Threads: any. */
#ifndef LICTOR_PAGES_H
#define LICTOR_PAGES_H

#include "lictor/bytes.h"

/* `size` zeroed bytes; NULL without memory. size 0 gives a valid pointer. */
void *pages_alloc(size_t size);
/* The same, not zeroed. */
void *pages_alloc_raw(size_t size);
/* The first `used` bytes of `p` (from pages_alloc, `old` bytes) in a place of `size` bytes, size >=
 * old; what is beyond `used` is unspecified. NULL without memory: then `p` is untouched. p may be
 * NULL if old is 0. */
void *pages_grow(void *p, size_t old, size_t used, size_t size);
void pages_free(void *p, size_t size);
/* Freed bytes are kept for later arrays as long as they and the large arrays in use are not more
 * than this together (0 at first). */
void pages_keep(size_t bytes);

#endif
