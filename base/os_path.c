/* os_path — what is done to names: renaming, removing, listing, and whole files read at once. */
#include "base/os_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status path_errno(struct err *err, int errno_value, const char *verb, const char *path)
{
    if (errno_value == ENOENT)
        return err_set(err, ST_NOT_FOUND, "cannot %s %s: it does not exist", verb, path);
    return err_errno(err, errno_value, "cannot %s %s", verb, path);
}

enum status os_rename(int dirfd, const char *from, const char *to, struct err *err)
{
    if (os_fault_hit() || renameat(dirfd, from, dirfd, to) != 0)
        return path_errno(err, errno, "rename", from);
    os_trace_renamed(dirfd, from, to);
    return ST_OK;
}

enum status os_unlink(int dirfd, const char *path, struct err *err)
{
    if (os_fault_hit() || unlinkat(dirfd, path, 0) != 0)
        return path_errno(err, errno, "remove", path);
    os_trace_unlinked(dirfd, path);
    return ST_OK;
}

enum status os_mkdir(int dirfd, const char *path, mode_t mode, struct err *err)
{
    if (os_fault_hit() || mkdirat(dirfd, path, mode) != 0)
        return err_errno(err, errno, "cannot make the directory %s", path);
    os_trace_made(dirfd, path, true);
    return ST_OK;
}

/* Reads `fd` to its end into one allocation of at most `max` + 1 bytes: a byte more than `max`
 * tells a file that is too long. A regular file of honest size is allocated once. */
static enum status fd_read_whole(int fd, const char *path, size_t max, uint64_t size_hint,
                                 struct buf *b, struct err *err)
{
    size_t limit = max < SIZE_MAX ? max + 1 : max;
    size_t step = size_hint < limit ? (size_t)size_hint + 1 : limit;
    while (b->len < limit) {
        size_t room = limit - b->len < step ? limit - b->len : step;
        uint8_t *p = buf_reserve(b, room);
        if (!p)
            return err_no_memory(err);
        size_t got;
        TRY(os_read(fd, p, room, &got, err));
        b->len += got;
        if (got < room)
            return ST_OK;
        if (step < (size_t)64 << 10)
            step = (size_t)64 << 10;
    }
    if (b->len > max)
        return err_set(err, ST_LIMIT, "%s is longer than %zu bytes", path, max);
    return ST_OK;
}

static enum status read_and_close(int fd, const char *path, size_t max, uint8_t **data, size_t *len,
                                  struct err *err)
{
    struct buf b = {0};
    uint64_t size = 0;
    enum status st = os_size(fd, &size, err);
    if (st == ST_OK)
        st = fd_read_whole(fd, path, max, size, &b, err);
    os_close(&fd);
    if (st != ST_OK) {
        buf_release(&b);
        return st;
    }
    *data = b.data;
    *len = b.len;
    return ST_OK;
}

enum status os_read_file(int dirfd, const char *path, size_t max, uint8_t **data, size_t *len,
                         struct err *err)
{
    int fd = -1;
    TRY(os_open_read(dirfd, path, &fd, err));
    return read_and_close(fd, path, max, data, len, err);
}

static enum status secret_check(int fd, const char *path, struct err *err)
{
    struct stat sb;
    if (fstat(fd, &sb) != 0)
        return err_errno(err, errno, "cannot look at %s", path);
    if (!S_ISREG(sb.st_mode))
        return err_set(err, ST_DENIED, "%s is not a regular file; a key must be one", path);
    if (sb.st_uid != geteuid())
        return err_set(err, ST_DENIED, "%s belongs to another user; refused as a key", path);
    if (sb.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
        return err_set(err, ST_DENIED, "%s is open to others (mode %04o); chmod 600 it", path,
                       (unsigned)(sb.st_mode & 07777));
    return ST_OK;
}

/* A file that grew since it was asked for its size is no key at rest. */
static enum status secret_read(int fd, const char *path, size_t max, uint8_t **data, size_t *len,
                               struct err *err)
{
    uint64_t size = 0;
    size_t got = 0;
    TRY(os_size(fd, &size, err));
    if (size > max)
        return err_set(err, ST_LIMIT, "%s is longer than %zu bytes", path, max);
    size_t room = (size_t)size + 1;
    uint8_t *secret = os_secret_new(room);
    if (!secret)
        return err_no_memory(err);
    enum status st = os_read(fd, secret, room, &got, err);
    if (st == ST_OK && got != size)
        st = err_set(err, ST_DENIED, "%s changed while it was read", path);
    if (st != ST_OK) {
        os_secret_free(secret, room);
        return st;
    }
    *data = secret;
    *len = got;
    return ST_OK;
}

enum status os_read_secret(const char *path, size_t max, uint8_t **data, size_t *len,
                           struct err *err)
{
    /* Looked at before it is opened too: opening a FIFO would wait for its writer. The check that
     * counts is the one on the open descriptor. */
    struct stat sb;
    if (stat(path, &sb) == 0 && !S_ISREG(sb.st_mode))
        return err_set(err, ST_DENIED, "%s is not a regular file; a key must be one", path);
    int fd = -1;
    TRY(os_open_read(AT_FDCWD, path, &fd, err));
    enum status st = secret_check(fd, path, err);
    if (st == ST_OK)
        st = secret_read(fd, path, max, data, len, err);
    os_close(&fd);
    return st;
}

struct names {
    char **at;
    size_t n, cap;
};

static enum status names_add(struct names *names, const char *name, struct err *err)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64;
        char **at = reallocarray(names->at, cap, sizeof *at);
        if (!at)
            return err_no_memory(err);
        names->at = at;
        names->cap = cap;
    }
    char *copy = strdup(name);
    if (!copy)
        return err_no_memory(err);
    names->at[names->n++] = copy;
    return ST_OK;
}

static int name_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status dir_read(DIR *dir, const char *path, struct names *names, struct err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e)
            return errno ? err_errno(err, errno, "cannot list %s", path) : ST_OK;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            TRY(names_add(names, e->d_name, err));
    }
}

enum status os_list(int dirfd, const char *path, char ***names, size_t *n, struct err *err)
{
    int fd = -1;
    TRY(os_open_dir(dirfd, path, &fd, err));
    DIR *dir = fdopendir(fd);
    if (!dir) {
        enum status st = err_errno(err, errno, "cannot list %s", path);
        os_close(&fd);
        return st;
    }
    struct names found = {0};
    enum status st = dir_read(dir, path, &found, err);
    closedir(dir);
    if (st != ST_OK) {
        os_list_free(found.at, found.n);
        return st;
    }
    if (found.n > 1)
        qsort(found.at, found.n, sizeof found.at[0], name_cmp);
    *names = found.at;
    *n = found.n;
    return ST_OK;
}

void os_list_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}
