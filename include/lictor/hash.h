/* hash — XXH3 for tables whose entries are compared: never for identity (its collisions can be
 * built, see Cyan4973/xxHash#1127).
 * Threads: any. */
#ifndef LICTOR_HASH_H
#define LICTOR_HASH_H

#ifndef __clang_analyzer__ /* it does not follow the inline code */
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include "lictor/bytes.h"

static inline uint64_t hash_bytes(struct slice s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.data, s.len, seed);
}

#endif
