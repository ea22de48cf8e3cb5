/* os_private — what the parts of the OS seam share. */
#ifndef LICTOR_BASE_OS_PRIVATE_H
#define LICTOR_BASE_OS_PRIVATE_H

#include "lictor/os.h"

/* Counts one call through the seam. True, with errno set, if it is the one that has to fail. */
bool os_fault_hit(void);
/* Path of an open descriptor for error texts, or "descriptor N". */
#define OS_NAME_SIZE 256
const char *os_fd_name(int fd, char out[OS_NAME_SIZE]);

#endif
