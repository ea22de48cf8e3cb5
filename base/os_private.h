/* os_private — what the parts of the OS seam share. */
#ifndef LICTOR_BASE_OS_PRIVATE_H
#define LICTOR_BASE_OS_PRIVATE_H

#include "lictor/os.h"

/* Counts one call through the seam. True, with errno set, if it is the one that has to fail. */
bool os_fault_hit(void);
/* Path of an open descriptor for error texts, or "descriptor N". */
#define OS_NAME_SIZE 256
const char *os_fd_name(int fd, char out[OS_NAME_SIZE]);

/* Tests record what was done, once it was done (os_trace.c); otherwise these are nothing. A write
 * at `off` < 0 stood at the place of the descriptor. */
#ifdef LICTOR_TEST_HOOKS
void os_trace_made(int dirfd, const char *path, bool dir);
void os_trace_wrote(int fd, const void *data, size_t n, off_t off);
void os_trace_cut(int fd, uint64_t to);
uint64_t os_trace_sync_begins(int fd);
void os_trace_sync_ended(uint64_t id);
void os_trace_renamed(int dirfd, const char *from, const char *to);
void os_trace_unlinked(int dirfd, const char *path);
#else
#define os_trace_made(dirfd, path, dir) ((void)0)
#define os_trace_wrote(fd, data, n, off) ((void)0)
#define os_trace_cut(fd, to) ((void)0)
#define os_trace_sync_begins(fd) ((uint64_t)0)
#define os_trace_sync_ended(id) ((void)(id))
#define os_trace_renamed(dirfd, from, to) ((void)0)
#define os_trace_unlinked(dirfd, path) ((void)0)
#endif

#endif
