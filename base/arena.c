/* arena — chunks in a ring. `head` is the one being filled; the chunks behind it in the ring are
 * empty ones kept by a reset, up to the first that is in use. So taking memory, also after a reset,
 * is one look at the neighbour and never a search. */
#include "lictor/arena.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/asan.h"

#define CHUNK_DEFAULT ((size_t)256 << 10)
#define HUGE_PAGE ((size_t)2 << 20)
#define ALIGN ((size_t)8)

/* One allocation an object? A test sets it to 0 to have the chunks checked by ASan as well. */
#ifndef ARENA_SINGLE
#define ARENA_SINGLE UNDER_ASAN
#endif

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    size_t pos;
    size_t pad; /* keeps data at 32 */
    uint8_t data[];
};

void arena_init(struct arena *a, size_t chunk)
{
    *a = (struct arena){.chunk = chunk ? chunk : CHUNK_DEFAULT};
}

void arena_release(struct arena *a)
{
    struct arena_chunk *c = a->head;
    if (c) {
        struct arena_chunk *next = c->next;
        c->next = NULL;
        for (c = next; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    arena_init(a, a->chunk);
}

static size_t usual_cap(const struct arena *a)
{
    return a->chunk > sizeof(struct arena_chunk)
               ? (a->chunk - sizeof(struct arena_chunk)) & ~(ALIGN - 1)
               : 0;
}

static void ring_add(struct arena *a, struct arena_chunk *c)
{
    c->next = c;
    if (a->head) {
        c->next = a->head->next;
        a->head->next = c;
    }
}

static void chunk_drop(struct arena *a, struct arena_chunk *c)
{
    if (c)
        a->held -= sizeof *c + c->cap;
    free(c);
}

/* Of the chunks made for one large object each, the largest is kept, next in line. Kept all, they
 * would become as many as the rounds: small objects come before the large one, and then its chunk
 * is no neighbour. */
void arena_reset(struct arena *a)
{
    if (ARENA_SINGLE) {
        arena_release(a);
        return;
    }
    a->used = 0;
    if (!a->head)
        return;
    struct arena_chunk *c = a->head->next, *large = NULL, *next;
    a->head->next = NULL;
    a->head = NULL;
    for (; c; c = next) {
        next = c->next;
        c->pos = 0;
        if (c->cap <= usual_cap(a)) {
            ring_add(a, c);
            a->head = c;
        } else if (!large || c->cap > large->cap) {
            chunk_drop(a, large);
            large = c;
        } else {
            chunk_drop(a, c);
        }
    }
    if (large) {
        ring_add(a, large);
        a->head = a->head ? a->head : large;
    }
}

/* First touch of fresh memory is the dearest part of a big arena (performance.md): chunks of
 * 2 MiB and more ask for huge pages. */
static struct arena_chunk *chunk_alloc(size_t size)
{
    if (ARENA_SINGLE || size < HUGE_PAGE || size > (size_t)PTRDIFF_MAX - HUGE_PAGE)
        return malloc(size);
    size_t whole = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    struct arena_chunk *c = aligned_alloc(HUGE_PAGE, whole);
    if (c)
        (void)madvise(c, whole, MADV_HUGEPAGE); /* advice: works without */
    return c;
}

/* A new chunk for `n` bytes becomes the head. */
static struct arena_chunk *chunk_add(struct arena *a, size_t n)
{
    size_t cap = n;
    if (!ARENA_SINGLE && cap < usual_cap(a))
        cap = usual_cap(a);
    struct arena_chunk *c = chunk_alloc(sizeof *c + cap);
    if (!c)
        return NULL;
    *c = (struct arena_chunk){.cap = cap};
    ring_add(a, c);
    a->head = c;
    a->held += sizeof *c + cap;
    return c;
}

static struct arena_chunk *chunk_with_room(struct arena *a, size_t n)
{
    struct arena_chunk *c = a->head;
    if (!ARENA_SINGLE && c) {
        if (n <= c->cap - c->pos)
            return c;
        if (c->next->pos == 0 && n <= c->next->cap) {
            a->head = c->next;
            return a->head;
        }
    }
    return chunk_add(a, n);
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > (size_t)PTRDIFF_MAX - sizeof(struct arena_chunk) - ALIGN)
        return NULL;
    /* Under ASan the exact size, so that the byte behind it is seen. */
    size_t whole = n == 0 ? ALIGN : ARENA_SINGLE ? n : (n + ALIGN - 1) & ~(ALIGN - 1);
    struct arena_chunk *c = chunk_with_room(a, whole);
    if (!c)
        return NULL;
    void *p = c->data + c->pos;
    c->pos += whole;
    a->used += whole;
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(n, size, &len))
        return NULL;
    void *p = arena_alloc(a, len);
    return p ? memset(p, 0, len) : NULL;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    uint8_t *p = arena_alloc(a, s.len);
    if (!p)
        return slice_of(NULL, 0);
    if (s.len)
        memcpy(p, s.data, s.len);
    return slice_of(p, s.len);
}

bool arena_keep(struct arena *a, struct slice *s)
{
    if (!s->data)
        return true;
    *s = arena_copy(a, *s);
    return s->data != NULL;
}
