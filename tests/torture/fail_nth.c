/* fail_nth — for tests: the n-th allocation, thread start or call on a file of a program fails.
 * Loaded in front of the C library (LD_PRELOAD), so that no program has to be built for it and what
 * ICU, OpenSSL, zstd and PCRE2 ask for counts, too. $LICTOR_FAIL_NTH names a file that is shared by
 * the processes of one run and holds struct plan: a failure comes once in a run, whichever process
 * makes the call. tests/torture/faults.py writes it before and reads it after. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Memory that the program itself asks for, and that its libraries do. */
enum kind { MEMORY, LIBRARIES, THREADS, FILES, KINDS };

struct plan {
    atomic_uint_least64_t fail_at[KINDS]; /* 1 = the first call; 0 = none */
    atomic_uint_least64_t calls[KINDS];
    uint64_t error; /* errno of calls on files */
};

static struct plan *plan;

/* Where the code of an object stands. libseccomp 2.5 crashes or runs for ever when it gets no
 * memory: it is spared, since base/confine.c sees to it that there is enough before it is called.
 */
struct range {
    uintptr_t from, to;
};

static struct range program, spared;

/* dlsym may itself allocate: that comes from here, and is never given back. */
/* Found without a call, which a sanitizer would answer before it is ready; volatile, since dlsym is
 * declared as one that does not come back to us. */
static _Thread_local volatile bool looking_up __attribute__((tls_model("initial-exec")));
static _Alignas(16) unsigned char early[1 << 16];
static atomic_size_t early_used;

static void *early_alloc(size_t size)
{
    size_t at = atomic_fetch_add(&early_used, (size + 15) & ~(size_t)15);
    return at + size <= sizeof early ? early + at : NULL;
}

static bool is_early(const void *p) { return (uintptr_t)p - (uintptr_t)early < sizeof early; }

static void *next_of(const char *name)
{
    looking_up = true;
    void *f = dlsym(RTLD_NEXT, name);
    looking_up = false;
    if (!f)
        abort();
    return f;
}

/* The function behind ours of that name, in a variable `next` of its type (as POSIX has it). */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = next_of(#name)

static bool fails(enum kind kind)
{
    if (!plan)
        return false;
    uint64_t call = atomic_fetch_add(&plan->calls[kind], 1) + 1;
    if (call != atomic_load(&plan->fail_at[kind]))
        return false;
    errno = kind == THREADS ? EAGAIN : kind == FILES ? (int)plan->error : ENOMEM;
    return true;
}

static bool in_range(const struct range *r, const void *p)
{
    return (uintptr_t)p >= r->from && (uintptr_t)p < r->to;
}

/* Asked for by the code at `caller`. */
static bool no_memory(const void *caller)
{
    return !in_range(&spared, caller) && fails(in_range(&program, caller) ? MEMORY : LIBRARIES);
}

#define NO_MEMORY() no_memory(__builtin_return_address(0))

/* The first object is the program. */
static int note_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
    struct range *r = strstr(info->dlpi_name, "/libseccomp.") ? &spared : &program;
    (void)size;
    (void)ctx;
    if (r->from)
        return 0;
    r->from = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t end = r->from + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end > r->to)
            r->to = end;
    }
    return 0;
}

__attribute__((constructor)) static void plan_open(void)
{
    const char *path = getenv("LICTOR_FAIL_NTH");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        abort();
    (void)dl_iterate_phdr(note_object, NULL);
    plan = p;
}

/* ---- memory ---- */

void *malloc(size_t size)
{
    if (looking_up)
        return early_alloc(size);
    NEXT(malloc);
    return NO_MEMORY() ? NULL : next(size);
}

void *calloc(size_t n, size_t size)
{
    if (looking_up)
        return early_alloc(n * size); /* zero, and never used before */
    NEXT(calloc);
    return NO_MEMORY() ? NULL : next(n, size);
}

void *realloc(void *p, size_t size)
{
    NEXT(realloc);
    return NO_MEMORY() ? NULL : next(p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    NEXT(reallocarray);
    return NO_MEMORY() ? NULL : next(p, n, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    NEXT(aligned_alloc);
    return NO_MEMORY() ? NULL : next(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    NEXT(posix_memalign);
    return NO_MEMORY() ? ENOMEM : next(out, align, size);
}

void free(void *p)
{
    if (looking_up || is_early(p))
        return;
    NEXT(free);
    next(p);
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t off)
{
    NEXT(mmap);
    return NO_MEMORY() ? MAP_FAILED : next(at, len, protection, flags, fd, off);
}

void *mremap(void *p, size_t old, size_t len, int flags, ...)
{
    NEXT(mremap);
    return NO_MEMORY() ? MAP_FAILED : next(p, old, len, flags); /* nobody names a place */
}

/* ---- threads and processes ---- */

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    NEXT(pthread_create);
    return fails(THREADS) ? EAGAIN : next(id, attr, run, arg);
}

pid_t fork(void)
{
    NEXT(fork);
    return fails(THREADS) ? -1 : next();
}

/* ---- files and the socket between opener and core ---- */

int openat(int dir, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    NEXT(openat);
    return fails(FILES) ? -1 : next(dir, path, flags, mode);
}

#define CALL_ON_FILE(type, name, parameters, arguments)                                            \
    type name parameters                                                                           \
    {                                                                                              \
        NEXT(name);                                                                                \
        return fails(FILES) ? -1 : next arguments;                                                 \
    }

CALL_ON_FILE(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
CALL_ON_FILE(ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
CALL_ON_FILE(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n))
CALL_ON_FILE(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at))
CALL_ON_FILE(ssize_t, send, (int fd, const void *m, size_t n, int flags), (fd, m, n, flags))
CALL_ON_FILE(ssize_t, recv, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
CALL_ON_FILE(int, ftruncate, (int fd, off_t n), (fd, n))
CALL_ON_FILE(int, fsync, (int fd), (fd))
CALL_ON_FILE(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
CALL_ON_FILE(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
CALL_ON_FILE(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode))
