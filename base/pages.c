/* pages — mmap for 4 MiB and more, malloc below; mremap moves page tables, not bytes. */
#include "lictor/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#define MAPPED_MIN ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

#if defined(__SANITIZE_ADDRESS__)
#define PAGES_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PAGES_MALLOC 1
#endif
#endif
#ifndef PAGES_MALLOC
#define PAGES_MALLOC 0
#endif

static bool is_mapped(size_t size) { return !PAGES_MALLOC && size >= MAPPED_MIN; }

static size_t whole_pages(size_t size) { return (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1); }

static void *map(size_t size)
{
    if (size > (size_t)PTRDIFF_MAX - HUGE_PAGE)
        return NULL;
    size_t whole = whole_pages(size);
    void *p = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, whole, MADV_HUGEPAGE); /* advice: works without */
    return p;
}

void *pages_alloc(size_t size) { return is_mapped(size) ? map(size) : calloc(1, size ? size : 1); }

void *pages_grow(void *p, size_t old, size_t used, size_t size)
{
    MUST(used <= old && old <= size);
    if (!p || old == 0)
        return pages_alloc(size);
    if (!is_mapped(size))
        return realloc(p, size);
    if (is_mapped(old)) {
        void *q = mremap(p, whole_pages(old), whole_pages(size), MREMAP_MAYMOVE);
        if (q == MAP_FAILED)
            return NULL;
        (void)madvise(q, whole_pages(size), MADV_HUGEPAGE);
        return q;
    }
    void *q = map(size);
    if (!q)
        return NULL;
    memcpy(q, p, used);
    free(p);
    return q;
}

void pages_free(void *p, size_t size)
{
    if (!p)
        return;
    if (is_mapped(size))
        MUST(munmap(p, whole_pages(size)) == 0);
    else
        free(p);
}
