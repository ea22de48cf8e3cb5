/* pages — mmap for 4 MiB and more, malloc below; mremap moves page tables, not bytes. What is freed
 * is kept for the next array: given back, it would have to be touched a first time again. What is
 * kept makes room for what is needed, so that both together stay below the limit. */
#include "lictor/pages.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/asan.h"

#define MAPPED_MIN ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)
#define SMALL_PAGE ((size_t)4 << 10)

/* A test sets it to 0 to have the mapped ones checked by ASan as well. */
#ifndef PAGES_MALLOC
#define PAGES_MALLOC UNDER_ASAN
#endif

static bool is_mapped(size_t size) { return !PAGES_MALLOC && size >= MAPPED_MIN; }

static size_t whole_pages(size_t size) { return (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1); }

/* ---- what was freed is kept for the next ---- */

#define KEPT_MAX 64

struct kept {
    uint8_t *p;
    size_t size; /* whole pages */
};

static struct {
    pthread_mutex_t mu;
    /* guarded by mu */
    struct kept items[KEPT_MAX]; /* the one freed last is last */
    size_t n, bytes;             /* kept */
    size_t lent;                 /* mapped and in use */
    size_t limit;                /* of both */
} pool = {.mu = PTHREAD_MUTEX_INITIALIZER};

/* Takes a piece out of the list without giving it back. */
static struct kept pool_remove(size_t i)
{
    struct kept k = pool.items[i];
    pool.bytes -= k.size;
    memmove(&pool.items[i], &pool.items[i + 1], (pool.n - i - 1) * sizeof *pool.items);
    pool.n--;
    return k;
}

static void pool_drop(size_t i)
{
    struct kept k = pool_remove(i);
    MUST(munmap(k.p, k.size) == 0);
}

/* Keeps so little that `more` bytes have room. */
static void pool_shrink(size_t more)
{
    while (pool.n && pool.lent + pool.bytes + more > pool.limit)
        pool_drop(0);
}

void pages_keep(size_t bytes)
{
    pthread_mutex_lock(&pool.mu);
    pool.limit = bytes;
    pool_shrink(0);
    pthread_mutex_unlock(&pool.mu);
}

/* `more` bytes are about to be mapped. */
static void pool_lend(size_t more)
{
    pthread_mutex_lock(&pool.mu);
    pool_shrink(more);
    pool.lent += more;
    pthread_mutex_unlock(&pool.mu);
}

static void pool_unlend(size_t size)
{
    pthread_mutex_lock(&pool.mu);
    pool.lent -= size;
    pthread_mutex_unlock(&pool.mu);
}

/* Pieces that touch become one: arrays of one phase seldom have the size of those of the next. */
static struct kept pool_join(struct kept k)
{
    for (size_t i = 0; i < pool.n;) {
        const struct kept *o = &pool.items[i];
        if (o->p + o->size != k.p && k.p + k.size != o->p) {
            i++;
            continue;
        }
        struct kept other = pool_remove(i);
        k.p = other.p < k.p ? other.p : k.p;
        k.size += other.size;
        i = 0;
    }
    return k;
}

static void pool_put(void *p, size_t size)
{
    struct kept k = {p, size};
    pthread_mutex_lock(&pool.mu);
    pool.lent -= size;
    pool_shrink(size);
    if (pool.lent + size <= pool.limit) {
        if (pool.n == KEPT_MAX)
            pool_drop(0);
        k = pool_join(k);
        pool.items[pool.n++] = k;
        pool.bytes += k.size;
        k.p = NULL;
    }
    pthread_mutex_unlock(&pool.mu);
    if (k.p)
        MUST(munmap(k.p, k.size) == 0);
}

/* The smallest piece that holds `size`; the rest of it stays. NULL if there is none. */
static void *pool_take(size_t size)
{
    uint8_t *p = NULL;
    size_t best = SIZE_MAX;
    pthread_mutex_lock(&pool.mu);
    for (size_t i = 0; i < pool.n; i++)
        if (pool.items[i].size >= size &&
            (best == SIZE_MAX || pool.items[i].size < pool.items[best].size))
            best = i;
    if (best != SIZE_MAX) {
        struct kept *k = &pool.items[best];
        p = k->p;
        k->p += size;
        k->size -= size;
        pool.bytes -= size;
        pool.lent += size;
        if (k->size == 0)
            (void)pool_remove(best);
    }
    pthread_mutex_unlock(&pool.mu);
    return p;
}

/* Writes to each page. A table is read before it is written, and a page that is read first costs
 * two faults and a flush of the other threads' TLB. */
static void touch(uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i += SMALL_PAGE)
        *(volatile uint8_t *)(p + i) = 0;
}

static void *map(size_t size, bool zero)
{
    if (size > (size_t)PTRDIFF_MAX - HUGE_PAGE)
        return NULL;
    size_t whole = whole_pages(size);
    void *p = pool_take(whole);
    if (p)
        return zero ? memset(p, 0, size) : p;
    pool_lend(whole);
    p = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        pool_unlend(whole);
        return NULL;
    }
    (void)madvise(p, whole, MADV_HUGEPAGE); /* advice: works without */
    if (zero)
        touch(p, size);
    return p;
}

void *pages_alloc(size_t size)
{
    if (is_mapped(size))
        return map(size, true);
    void *p = calloc(1, size ? size : 1);
    if (p)
        touch(p, size);
    return p;
}

void *pages_alloc_raw(size_t size)
{
    return is_mapped(size) ? map(size, false) : malloc(size ? size : 1);
}

void *pages_grow(void *p, size_t old, size_t used, size_t size)
{
    MUST(used <= old && old <= size);
    if (!p)
        return pages_alloc_raw(size);
    if (!is_mapped(size))
        return realloc(p, size);
    if (is_mapped(old)) {
        size_t more = whole_pages(size) - whole_pages(old);
        pool_lend(more);
        void *q = mremap(p, whole_pages(old), whole_pages(size), MREMAP_MAYMOVE);
        if (q != MAP_FAILED) {
            (void)madvise(q, whole_pages(size), MADV_HUGEPAGE);
            return q;
        }
        /* A joined piece may be of two mappings, which cannot be moved as one. */
        pool_unlend(more);
    }
    void *q = map(size, false);
    if (!q)
        return NULL;
    memcpy(q, p, used);
    pages_free(p, old);
    return q;
}

void pages_free(void *p, size_t size)
{
    if (!p)
        return;
    if (is_mapped(size))
        pool_put(p, whole_pages(size));
    else
        free(p);
}
