/* os_file — opening, reading and writing, with partial results and EINTR dealt with.
 * A call that a signal interrupts is made again, unless the user asked to stop: then the wait on a
 * pipe or a terminal must end. */
#include "base/os_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "lictor/thread.h"

/* The kernel moves at most 2 GiB a call. */
#define IO_STEP ((size_t)1 << 30)

const char *os_fd_name(int fd, char out[OS_NAME_SIZE])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, OS_NAME_SIZE - 1);
    if (n > 0)
        out[n] = '\0';
    else
        snprintf(out, OS_NAME_SIZE, "descriptor %d", fd);
    return out;
}

static enum status fd_errno(struct err *err, int errno_value, int fd, const char *verb)
{
    char name[OS_NAME_SIZE];
    return err_errno(err, errno_value, "cannot %s %s", verb, os_fd_name(fd, name));
}

static enum status open_flags(int dirfd, const char *path, int flags, mode_t mode, const char *verb,
                              int *fd, struct err *err)
{
    int got;
    do {
        got = os_fault_hit() ? -1 : openat(dirfd, path, flags | O_CLOEXEC | O_NOCTTY, mode);
    } while (got < 0 && errno == EINTR && !stop_asked());
    if (got >= 0) {
        if (flags & O_CREAT)
            os_trace_made(dirfd, path, false);
        *fd = got;
        return ST_OK;
    }
    if (errno == EINTR)
        return err_set(err, ST_INTERRUPTED, "stopped while opening %s", path);
    enum status st = err_errno(err, errno, "cannot %s %s", verb, path);
    if (errno != ENOENT || flags & O_CREAT)
        return st;
    return err_set(err, ST_NOT_FOUND, "%s does not exist", path);
}

enum status os_open_read(int dirfd, const char *path, int *fd, struct err *err)
{
    return open_flags(dirfd, path, O_RDONLY, 0, "open", fd, err);
}

/* Read and write, here and below: the writer of a file may want to look at what it wrote. */
enum status os_create(int dirfd, const char *path, mode_t mode, int *fd, struct err *err)
{
    return open_flags(dirfd, path, O_RDWR | O_CREAT | O_EXCL, mode, "create", fd, err);
}

enum status os_open_append(int dirfd, const char *path, mode_t mode, int *fd, struct err *err)
{
    return open_flags(dirfd, path, O_RDWR | O_CREAT | O_APPEND, mode, "open for writing", fd, err);
}

enum status os_open_file(int dirfd, const char *path, mode_t mode, int *fd, struct err *err)
{
    struct stat sb;
    int got = -1;
    /* Without O_NONBLOCK a device or a pipe could make the opening wait. */
    TRY(open_flags(dirfd, path, O_RDWR | (mode ? O_CREAT : 0) | O_NOFOLLOW | O_NONBLOCK, mode,
                   "open for writing", &got, err));
    if (fstat(got, &sb) == 0 && S_ISREG(sb.st_mode)) {
        *fd = got;
        return ST_OK;
    }
    os_close(&got);
    return err_set(err, ST_IO, "%s is no file", path);
}

enum status os_open_dir(int dirfd, const char *path, int *fd, struct err *err)
{
    return open_flags(dirfd, path, O_RDONLY | O_DIRECTORY, 0, "open the directory", fd, err);
}

void os_close(int *fd)
{
    if (*fd >= 0)
        close(*fd); /* what had to last was synced before; there is nothing left to fail */
    *fd = -1;
}

enum status os_size(int fd, uint64_t *size, struct err *err)
{
    struct stat sb;
    if (fstat(fd, &sb) != 0)
        return fd_errno(err, errno, fd, "ask for the size of");
    *size = (uint64_t)sb.st_size;
    return ST_OK;
}

enum status os_free_space(int fd, uint64_t *bytes, struct err *err)
{
    struct statvfs v;
    if (os_fault_hit())
        return fd_errno(err, errno, fd, "ask for the free space at");
    if (fstatvfs(fd, &v) != 0)
        return fd_errno(err, errno, fd, "ask for the free space at");
    *bytes = (uint64_t)v.f_bavail * v.f_frsize;
    return ST_OK;
}

/* One read; at `off` if >= 0. Bytes read, 0 at the end, -1 with errno. */
static ssize_t read_once(int fd, void *buf, size_t len, off_t off)
{
    if (os_fault_hit())
        return -1;
    return off < 0 ? read(fd, buf, len) : pread(fd, buf, len, off);
}

static ssize_t write_once(int fd, const void *buf, size_t len, off_t off)
{
    if (os_fault_hit())
        return -1;
    ssize_t n = off < 0 ? write(fd, buf, len) : pwrite(fd, buf, len, off);
    if (n > 0)
        os_trace_wrote(fd, buf, (size_t)n, off);
    return n;
}

static enum status read_all(int fd, uint8_t *buf, size_t len, off_t off, size_t *got,
                            struct err *err)
{
    size_t done = 0;
    while (done < len) {
        size_t step = len - done < IO_STEP ? len - done : IO_STEP;
        ssize_t n = read_once(fd, buf + done, step, off < 0 ? off : off + (off_t)done);
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return fd_errno(err, errno, fd, "read");
        else if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "stopped while reading");
    }
    *got = done;
    return ST_OK;
}

enum status os_read(int fd, void *buf, size_t len, size_t *got, struct err *err)
{
    return read_all(fd, buf, len, -1, got, err);
}

/* `off` + `len` as the kernel takes it: false where a file cannot reach. */
static bool range_fits(uint64_t off, size_t len)
{
    return len <= INT64_MAX && off <= (uint64_t)INT64_MAX - len;
}

enum status os_read_at(int fd, void *buf, size_t len, uint64_t off, struct err *err)
{
    size_t got = 0;
    if (range_fits(off, len))
        TRY(read_all(fd, buf, len, (off_t)off, &got, err));
    if (got == len)
        return ST_OK;
    char name[OS_NAME_SIZE];
    return err_reason(err, ST_DAMAGED, NULL, off,
                      "%s is too short: %zu of %zu bytes are there at %llu", os_fd_name(fd, name),
                      got, len, (unsigned long long)off);
}

static enum status write_all(int fd, const uint8_t *buf, size_t len, off_t off, struct err *err)
{
    size_t done = 0;
    while (done < len) {
        size_t step = len - done < IO_STEP ? len - done : IO_STEP;
        ssize_t n = write_once(fd, buf + done, step, off < 0 ? off : off + (off_t)done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return fd_errno(err, errno, fd, "write");
        else if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "stopped while writing");
    }
    return ST_OK;
}

enum status os_write(int fd, const void *buf, size_t len, struct err *err)
{
    return write_all(fd, buf, len, -1, err);
}

enum status os_write_at(int fd, const void *buf, size_t len, uint64_t off, struct err *err)
{
    if (!range_fits(off, len))
        return fd_errno(err, EFBIG, fd, "write");
    return write_all(fd, buf, len, (off_t)off, err);
}

enum status os_truncate(int fd, uint64_t len, struct err *err)
{
    if (len > INT64_MAX)
        return fd_errno(err, EFBIG, fd, "cut");
    if (os_fault_hit() || ftruncate(fd, (off_t)len) != 0)
        return fd_errno(err, errno, fd, "cut");
    os_trace_cut(fd, len);
    return ST_OK;
}

void os_write_behind(int fd, uint64_t from, uint64_t len)
{
    if (from <= INT64_MAX && len <= INT64_MAX)
        (void)sync_file_range(fd, (off_t)from, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

void os_give_back(int fd, uint64_t from, uint64_t len)
{
    if (from <= INT64_MAX && len <= INT64_MAX)
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)len);
}

enum status os_fsync(int fd, struct err *err)
{
    uint64_t id = os_trace_sync_begins(fd);
    if (os_fault_hit() || fsync(fd) != 0)
        return fd_errno(err, errno, fd, "sync");
    os_trace_sync_ended(id);
    return ST_OK;
}

enum status os_lock(int fd, struct err *err)
{
    int st;
    do {
        st = flock(fd, LOCK_EX | LOCK_NB);
    } while (st != 0 && errno == EINTR && !stop_asked());
    if (st == 0)
        return ST_OK;
    if (errno == EWOULDBLOCK)
        return err_set(err, ST_LOCKED, "another process is writing here");
    return fd_errno(err, errno, fd, "lock");
}

/* There is no flock with a limit of time but by a signal, which a library may not take from its
 * program. Whoever waits here waits for one small write. */
enum status os_lock_wait(int fd, unsigned ms, struct err *err)
{
    const int64_t until = os_monotonic_us() + (int64_t)ms * 1000;
    for (long pause_ns = 100000;;) {
        enum status st = os_lock(fd, err);
        if (st != ST_LOCKED || os_monotonic_us() >= until)
            return st;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "stopped while waiting for a lock");
        (void)nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
        if (pause_ns < 20000000)
            pause_ns *= 2;
    }
}

void os_unlock(int fd) { (void)flock(fd, LOCK_UN); }
