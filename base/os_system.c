/* os_system — random bytes, clocks, what the machine has, and the fault counter of the seam. */
#include "base/os_private.h"

#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* One atomic addition a call; system calls cost a hundred times more. */
static atomic_uint_least64_t fault_calls;
static atomic_uint_least64_t fault_at; /* 0 = off */
static atomic_int fault_errno;

uint64_t os_fault_set(uint64_t n, int errno_value)
{
    atomic_store(&fault_at, 0);
    uint64_t calls = atomic_exchange(&fault_calls, 0);
    atomic_store(&fault_errno, errno_value);
    atomic_store(&fault_at, n);
    return calls;
}

#ifdef LICTOR_TEST_HOOKS
/* Tests of whole programs: $LICTOR_TEST_FAULT is "CALL ERRNO". */
__attribute__((constructor)) static void fault_of_environment(void)
{
    const char *text = getenv("LICTOR_TEST_FAULT");
    char *end = NULL;
    uint64_t n = text ? strtoull(text, &end, 10) : 0;
    if (n)
        (void)os_fault_set(n, (int)strtol(end, NULL, 10));
}
#endif

bool os_fault_hit(void)
{
    uint64_t call = atomic_fetch_add_explicit(&fault_calls, 1, memory_order_relaxed) + 1;
    if (call != atomic_load_explicit(&fault_at, memory_order_relaxed))
        return false;
    errno = atomic_load(&fault_errno);
    return true;
}

enum status os_random(void *buf, size_t len, struct err *err)
{
    uint8_t *p = buf;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "the system gives no random bytes");
        p += n;
        len -= (size_t)n;
    }
    return ST_OK;
}

static int64_t clock_read(clockid_t clock, int64_t per_second)
{
    struct timespec ts;
    MUST(clock_gettime(clock, &ts) == 0);
    return ts.tv_sec * per_second + ts.tv_nsec / (1000000000 / per_second);
}

int64_t os_now_ms(void) { return clock_read(CLOCK_REALTIME, 1000); }

int64_t os_monotonic_us(void) { return clock_read(CLOCK_MONOTONIC, 1000000); }

int64_t os_cpu_us(void) { return clock_read(CLOCK_PROCESS_CPUTIME_ID, 1000000); }

unsigned os_cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    if (n < 1) { /* more processors than the set holds */
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 && online < 65536 ? (int)online : 1;
    }
    return (unsigned)n;
}

/* Not ru_maxrss: that one is inherited through exec from a fatter parent. */
uint64_t os_peak_memory(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    if (!f)
        return 0;
    char line[256];
    unsigned long long kb = 0;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kb = strtoull(line + 6, NULL, 10);
            break;
        }
    }
    fclose(f);
    return (uint64_t)kb * 1024;
}

void os_user(char out[OS_WHO_SIZE])
{
    struct passwd entry, *found = NULL;
    char room[4096];
    out[0] = 0;
    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found)
        snprintf(out, OS_WHO_SIZE, "%s", entry.pw_name);
}

void os_host(char out[OS_WHO_SIZE])
{
    if (gethostname(out, OS_WHO_SIZE) != 0)
        out[0] = 0;
    out[OS_WHO_SIZE - 1] = 0;
}

uint8_t *os_secret_new(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)mlock(p, len);
    (void)madvise(p, len, MADV_DONTDUMP);
    (void)madvise(p, len, MADV_DONTFORK);
    return p;
}

void os_secret_free(uint8_t *secret, size_t len)
{
    if (!secret)
        return;
    explicit_bzero(secret, len);
    (void)munmap(secret, len);
}

void os_protect_process(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
