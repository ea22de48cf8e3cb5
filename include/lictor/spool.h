/* spool — bytes that can be read only once, kept to be read again: an unlinked temporary file,
 * encrypted under a random key that is never written.
 * Owns: the file and the key.  Threads: one. */
#ifndef LICTOR_SPOOL_H
#define LICTOR_SPOOL_H

#include "lictor/bytes.h"

struct spool;
/* Reads `fd` to its end. ST_IO if there is no room for it. */
MUST_USE enum status spool_new(int fd, struct spool **out, struct err *err);
void spool_free(struct spool *s);
/* Up to `cap` bytes at `off`; *got = 0 at the end. */
MUST_USE enum status spool_read(struct spool *s, uint64_t off, uint8_t *buf, size_t cap,
                                size_t *got, struct err *err);

#endif
