/* inwork — stores to a shared mapping stay when the process dies, without one system call on the
 * way of a record. */
#include "indexer/inwork.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lictor/sha256.h"

static const char file_magic[8] = "LICTORIW";
static struct inwork *noted; /* where the handler writes */

static void put_path(const char *case_dir, struct buf *out)
{
    buf_put_str(out, case_dir);
    buf_put(out, "/" INWORK_FILE, sizeof "/" INWORK_FILE);
}

static int open_file(const char *case_dir)
{
    struct buf path = {0};
    int fd = -1;
    buf_put_str(&path, case_dir);
    buf_put(&path, "/CASE", sizeof "/CASE");
    bool good = !path.failed && access((const char *)path.data, R_OK) == 0;
    buf_clear(&path);
    put_path(case_dir, &path);
    if (good && !path.failed)
        fd = open((const char *)path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    buf_release(&path);
    return fd;
}

struct inwork *inwork_open(const char *case_dir)
{
    int fd = open_file(case_dir);
    if (fd < 0)
        return NULL;
    struct inwork *w = NULL;
    if (ftruncate(fd, sizeof *w) == 0) {
        void *p = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        w = p == MAP_FAILED ? NULL : p;
    }
    close(fd);
    if (w && memcmp(w->magic, file_magic, sizeof file_magic) != 0) {
        memset(w, 0, sizeof *w);
        memcpy(w->magic, file_magic, sizeof file_magic);
    }
    return w;
}

void inwork_close(struct inwork *w)
{
    if (w)
        (void)munmap(w, sizeof *w);
}

bool inwork_is_suspicious(const struct inwork *w)
{
    return w && atomic_load(&w->running) && (atomic_load(&w->died) || atomic_load(&w->starts) >= 2);
}

/* The default action, which SA_RESETHAND brought back, ends the process as if nobody had looked. */
static void on_fault(int sig)
{
    atomic_store(&noted->died, (uint64_t)sig);
    raise(sig);
}

static void watch_faults(void)
{
    /* Sanitizers report the others themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    static const int signals[] = {SIGABRT};
#else
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
#endif
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaction(signals[i], &sa, NULL);
}

void inwork_begin(struct inwork *w)
{
    if (!w)
        return;
    uint64_t starts = atomic_load(&w->running) ? atomic_load(&w->starts) : 0;
    atomic_store(&w->starts, starts + 1);
    atomic_store(&w->died, 0);
    atomic_store(&w->from, 0);
    atomic_store(&w->to, 0);
    atomic_store(&w->alone, 0);
    memset(w->dump, 0, sizeof w->dump);
    atomic_store(&w->running, 1);
    noted = w;
    watch_faults();
}

void inwork_end(struct inwork *w, const char *case_dir)
{
    struct buf path = {0};
    if (!w || !atomic_load(&w->running))
        return;
    atomic_store(&w->running, 0);
    put_path(case_dir, &path);
    if (!path.failed)
        (void)unlink((const char *)path.data); /* `running` says the same */
    buf_release(&path);
}

void inwork_dump(struct inwork *w, const uint8_t dump[SHA256_SIZE], uint64_t from, bool alone)
{
    if (!w)
        return;
    memcpy(w->dump, dump, SHA256_SIZE);
    atomic_store(&w->from, from);
    atomic_store(&w->to, from);
    atomic_store(&w->alone, alone);
}

void inwork_committed(struct inwork *w, uint64_t line)
{
    if (!w)
        return;
    atomic_store(&w->from, line);
    atomic_store(&w->to, line);
    atomic_store(&w->alone, 1);
    atomic_store(&w->starts, 0);
}

void inwork_name(const struct casefile *cf, const uint8_t sha256[SHA256_SIZE],
                 uint8_t out[SHA256_SIZE])
{
    static const char magic[] = "lictor-in-work/1";
    const struct case_key *key = casefile_key(cf);
    struct sha256 h;
    sha256_begin(&h);
    sha256_add(&h, magic, sizeof magic);
    if (!key->plain)
        sha256_add(&h, key->key, 32);
    sha256_add(&h, sha256, SHA256_SIZE);
    sha256_end(&h, out);
}

/* ---- the plan ---- */

struct inwork_plan inwork_plan_of(const struct inwork *w)
{
    struct inwork_plan p = {.each_dump = !atomic_load(&w->alone),
                            .from = atomic_load(&w->from),
                            .to = atomic_load(&w->to)};
    memcpy(p.dump, w->dump, sizeof p.dump);
    if (p.to < p.from)
        p.to = p.from;
    return p;
}

uint64_t inwork_plan_stop(const struct inwork_plan *p, uint64_t line)
{
    if (p->each_dump || p->to == p->from)
        return 0;
    const uint64_t stops[] = {p->from, p->from + (p->to - p->from) / 2, p->to};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (stops[i] > line)
            return stops[i];
    return 0;
}

uint64_t inwork_plan_killer(const struct inwork_plan *p)
{
    return !p->each_dump && p->to - p->from == 1 ? p->to : 0;
}

#ifdef LICTOR_TEST_HOOKS
void inwork_test_fault(const char *where, struct slice bytes)
{
    const char *needle = getenv("LICTOR_TEST_KILL"), *at = getenv("LICTOR_TEST_KILL_AT");
    if (needle && at && strcmp(at, where) == 0 &&
        memmem(bytes.data, bytes.len, needle, strlen(needle)))
        abort();
}
#endif
