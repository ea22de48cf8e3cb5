/* os — the seam to the operating system: files, durability, locks, clocks, random bytes.
 * Everything of Lictor that writes goes through here, so that tests can make the n-th call fail.
 * Owns: nothing but what os_file says.  Threads: any; a file descriptor belongs to its opener. */
#ifndef LICTOR_OS_H
#define LICTOR_OS_H

#include <sys/types.h>

#include "lictor/bytes.h"

/* All paths are C strings relative to `dirfd` (AT_FDCWD for none). Errors name the path. */

/* Opens for reading, O_CLOEXEC. A missing file is ST_NOT_FOUND. */
MUST_USE enum status os_open_read(int dirfd, const char *path, int *fd, struct err *err);
/* Creates a new file of `mode` for writing; an existing one is ST_IO. */
MUST_USE enum status os_create(int dirfd, const char *path, mode_t mode, int *fd, struct err *err);
/* Opens for appending (created with `mode` where missing). */
MUST_USE enum status os_open_append(int dirfd, const char *path, mode_t mode, int *fd,
                                    struct err *err);
/* Opens a regular file for reading and writing at any place (created with `mode` where missing; 0:
 * it must be there); no
 * symbolic link is followed, and what is no file is ST_IO. */
MUST_USE enum status os_open_file(int dirfd, const char *path, mode_t mode, int *fd,
                                  struct err *err);
MUST_USE enum status os_open_dir(int dirfd, const char *path, int *fd, struct err *err);
void os_close(int *fd); /* closes if >= 0 and sets to -1 */
MUST_USE enum status os_size(int fd, uint64_t *size, struct err *err);
/* Bytes that this process may still write to the file system of `fd`. */
MUST_USE enum status os_free_space(int fd, uint64_t *bytes, struct err *err);
/* Reads until `len` bytes or the end; *got says how many. */
MUST_USE enum status os_read(int fd, void *buf, size_t len, size_t *got, struct err *err);
/* Exactly `len` bytes at `off`; a short file is ST_DAMAGED. */
MUST_USE enum status os_read_at(int fd, void *buf, size_t len, uint64_t off, struct err *err);
MUST_USE enum status os_write(int fd, const void *buf, size_t len, struct err *err);
MUST_USE enum status os_write_at(int fd, const void *buf, size_t len, uint64_t off,
                                 struct err *err);
MUST_USE enum status os_truncate(int fd, uint64_t len, struct err *err);
/* Asks for [from, from + len) of the file to be on its way to the disk, so that the fsync later has
 * less to wait for. A hint: promises nothing, cannot fail. */
void os_write_behind(int fd, uint64_t from, uint64_t len);
/* A failed fsync is final (the kernel may have dropped the pages): never try it again. */
/* Gives the disk back what these bytes take; they are zero afterwards, or what they were where the
 * file system cannot. */
void os_give_back(int fd, uint64_t from, uint64_t len);
MUST_USE enum status os_fsync(int fd, struct err *err);
MUST_USE enum status os_rename(int dirfd, const char *from, const char *to, struct err *err);
MUST_USE enum status os_unlink(int dirfd, const char *path, struct err *err);
MUST_USE enum status os_mkdir(int dirfd, const char *path, mode_t mode, struct err *err);
/* Whole file into memory; more than `max` bytes is ST_LIMIT. Caller frees *data with free(). */
MUST_USE enum status os_read_file(int dirfd, const char *path, size_t max, uint8_t **data,
                                  size_t *len, struct err *err);
/* As os_read_file, but refuses (ST_DENIED) a file that group or others may read or write, and one
 * that is not a regular file or not ours: for keys. *data is locked memory with a zero byte behind
 * the file: freed with os_secret_free(data, len + 1), also if the file is empty. */
MUST_USE enum status os_read_secret(const char *path, size_t max, uint8_t **data, size_t *len,
                                    struct err *err);
/* Exclusive flock without waiting; ST_LOCKED if another process has it. */
MUST_USE enum status os_lock(int fd, struct err *err);
/* The same, but waits for it, at most `ms` milliseconds. */
MUST_USE enum status os_lock_wait(int fd, unsigned ms, struct err *err);
void os_unlock(int fd);
/* Names in a directory (without . and ..), byte order; caller frees with os_list_free. */
MUST_USE enum status os_list(int dirfd, const char *path, char ***names, size_t *n,
                             struct err *err);
void os_list_free(char **names, size_t n);

MUST_USE enum status os_random(void *buf, size_t len, struct err *err);
int64_t os_now_ms(void);       /* wall clock, ms since 1970 UTC */
int64_t os_monotonic_us(void); /* for rates and ETA */
int64_t os_cpu_us(void);       /* processor time of this process, all threads */
unsigned os_cpus(void);        /* processors this process may use, at least 1 */
uint64_t os_peak_memory(void); /* VmHWM of this process, bytes */
/* Who runs this process, and where: the name of its user ("" if it has none) and of the machine.
 * Asks the user database: before the process is confined. */
#define OS_WHO_SIZE 256
void os_user(char out[OS_WHO_SIZE]);
void os_host(char out[OS_WHO_SIZE]);
/* Memory for a secret: not swapped out (as far as RLIMIT_MEMLOCK allows), in no core dump, and
 * not in processes forked later; NULL: none is left. Freeing wipes it; NULL is fine. */
uint8_t *os_secret_new(size_t len);
void os_secret_free(uint8_t *secret, size_t len);
/* No core dumps, not dumpable: the process holds keys. */
void os_protect_process(void);

/* For tests: the n-th call from now (1 = next) of open, read, write, fsync, rename, unlink, mkdir
 * fails with `errno_value`; 0 switches off. Returns how many calls were made since the last set. */
uint64_t os_fault_set(uint64_t n, int errno_value);

#endif
