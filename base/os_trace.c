/* os_trace — for tests: what was done to files, in order, so that a test can replay a lost power.
 * $LICTOR_TEST_TRACE names a file outside the case; only in builds with LICTOR_TEST_HOOKS. */
#include "base/os_private.h"

#ifdef LICTOR_TEST_HOOKS
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int trace_fd = -1;
static atomic_uint_least64_t sync_count;

/* Opened before the process is confined, and inherited by the processes it forks. */
__attribute__((constructor)) static void trace_of_environment(void)
{
    const char *path = getenv("LICTOR_TEST_TRACE");
    if (path)
        trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    MUST(!path || trace_fd >= 0);
}

/* One call a line: appending is atomic, so that the lines of two processes do not mix. Data of a
 * write follows its line. A trace that lacks something would prove nothing: better to die. */
static void put(const char *line, int len, const void *data, size_t n)
{
    struct iovec parts[] = {{(void *)(uintptr_t)line, (size_t)len}, {(void *)(uintptr_t)data, n}};
    MUST(writev(trace_fd, parts, n ? 2 : 1) == (ssize_t)((size_t)len + n));
}

/* Files go by number: names change. False: a file without a name, which no crash leaves behind. */
static bool number_of(int fd, uint64_t *number)
{
    struct stat sb;
    MUST(fstat(fd, &sb) == 0);
    *number = sb.st_ino;
    return (S_ISREG(sb.st_mode) && sb.st_nlink > 0) || S_ISDIR(sb.st_mode);
}

static uint64_t number_of_path(int dirfd, const char *path)
{
    struct stat sb;
    MUST(fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) == 0);
    return sb.st_ino;
}

static uint64_t number_of_dir(int dirfd)
{
    return dirfd == AT_FDCWD ? 0 : number_of_path(dirfd, ".");
}

void os_trace_made(int dirfd, const char *path, bool dir)
{
    if (trace_fd < 0)
        return;
    int saved = errno;
    char line[512];
    int n = snprintf(line, sizeof line, "%s %" PRIu64 " %" PRIu64 " %s\n", dir ? "mkdir" : "create",
                     number_of_dir(dirfd), number_of_path(dirfd, path), path);
    MUST(n > 0 && (size_t)n < sizeof line);
    put(line, n, NULL, 0);
    errno = saved;
}

void os_trace_wrote(int fd, const void *data, size_t n, off_t off)
{
    uint64_t number;
    if (trace_fd < 0)
        return;
    int saved = errno;
    if (number_of(fd, &number)) {
        char line[96];
        off_t at = off < 0 ? lseek(fd, 0, SEEK_CUR) - (off_t)n : off;
        int len = snprintf(line, sizeof line, "write %" PRIu64 " %" PRIu64 " %zu\n", number,
                           (uint64_t)at, n);
        put(line, len, data, n);
    }
    errno = saved;
}

void os_trace_cut(int fd, uint64_t to)
{
    uint64_t number;
    if (trace_fd < 0 || !number_of(fd, &number))
        return;
    char line[96];
    put(line, snprintf(line, sizeof line, "truncate %" PRIu64 " %" PRIu64 "\n", number, to), NULL,
        0);
}

/* A sync covers what was done before it began, and holds once it has ended. */
uint64_t os_trace_sync_begins(int fd)
{
    uint64_t number;
    if (trace_fd < 0 || !number_of(fd, &number))
        return 0;
    uint64_t id = (atomic_fetch_add(&sync_count, 1) + 1) << 32 | (uint64_t)getpid();
    char line[96];
    put(line, snprintf(line, sizeof line, "sync %" PRIu64 " %" PRIu64 "\n", number, id), NULL, 0);
    return id;
}

void os_trace_sync_ended(uint64_t id)
{
    if (!id)
        return;
    char line[64];
    put(line, snprintf(line, sizeof line, "synced %" PRIu64 "\n", id), NULL, 0);
}

void os_trace_renamed(int dirfd, const char *from, const char *to)
{
    if (trace_fd < 0)
        return;
    char line[512];
    int n =
        snprintf(line, sizeof line, "rename %" PRIu64 " %s %s\n", number_of_dir(dirfd), from, to);
    MUST(n > 0 && (size_t)n < sizeof line);
    put(line, n, NULL, 0);
}

void os_trace_unlinked(int dirfd, const char *path)
{
    if (trace_fd < 0)
        return;
    char line[512];
    int n = snprintf(line, sizeof line, "unlink %" PRIu64 " %s\n", number_of_dir(dirfd), path);
    MUST(n > 0 && (size_t)n < sizeof line);
    put(line, n, NULL, 0);
}
#endif
