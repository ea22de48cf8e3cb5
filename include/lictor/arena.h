/* arena — memory that lives and dies together (a batch, a query).
 * Owns: its chunks.  Threads: one.  Under AddressSanitizer each object is its own allocation, so
 * that overruns are seen. Pointers stay valid until reset or release. */
#ifndef LICTOR_ARENA_H
#define LICTOR_ARENA_H

#include "lictor/bytes.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *head;
    size_t chunk; /* bytes of a new chunk */
    size_t used;  /* bytes handed out since the last reset */
    size_t held;  /* bytes held from the system */
};

/* `chunk`: size of the pieces taken from the system, 0 for 256 KiB. Allocates nothing yet. */
void arena_init(struct arena *a, size_t chunk);
void arena_release(struct arena *a);
/* Forgets every object; keeps the memory for the next round, but of objects larger than a chunk
 * only that of the largest. */
void arena_reset(struct arena *a);
/* `n` bytes aligned to 8, not zeroed; NULL without memory. n = 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n);
/* Zeroed array with checked multiplication; NULL without memory or on overflow. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A copy of `s`, borrowed from the arena; data is NULL without memory. */
struct slice arena_copy(struct arena *a, struct slice s);
/* *s becomes a copy in the arena; an absent one (data NULL) stays absent. False without memory. */
bool arena_keep(struct arena *a, struct slice *s);

#endif
