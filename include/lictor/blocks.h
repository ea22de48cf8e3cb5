/* blocks — a file of sealed blocks that only the process that made it can read: what does not fit
 * into memory and is needed once more. Its key is drawn by chance and kept nowhere, its name is
 * gone as soon as it is open, so that a killed process leaves nothing to read and nothing to clear.
 * Owns: the file. Borrows: nothing.  Threads: any number, each with a struct blocks_io of its own.
 */
#ifndef LICTOR_BLOCKS_H
#define LICTOR_BLOCKS_H

#include "lictor/bytes.h"

struct blocks;
struct blocks_io;

/* Where a block lies. */
struct block_place {
    uint64_t offset; /* also its number under the seal */
    uint32_t stored, raw;
    bool packed;
};
#define BLOCK_RAW_MAX ((size_t)1 << 30)

/* `dirfd`: the directory whose file system it shall use. */
MUST_USE enum status blocks_new(int dirfd, struct blocks **out, struct err *err);
void blocks_free(struct blocks *b);
/* Bytes written so far. */
uint64_t blocks_size(const struct blocks *b);
/* Bytes that are free where the file is. */
MUST_USE enum status blocks_free_space(const struct blocks *b, uint64_t *out, struct err *err);
/* Forgets all blocks. */
MUST_USE enum status blocks_clear(struct blocks *b, struct err *err);

MUST_USE enum status blocks_io_new(struct blocks *b, struct blocks_io **out, struct err *err);
void blocks_io_free(struct blocks_io *io);
/* Writes a block; `pack`: try to make it smaller. */
MUST_USE enum status blocks_put(struct blocks_io *io, struct slice raw, bool pack,
                                struct block_place *out, struct err *err);
/* Its bytes, borrowed until the next call. */
MUST_USE enum status blocks_get(struct blocks_io *io, const struct block_place *at,
                                struct slice *out, struct err *err);
/* It is not needed any more: the disk gets its room back. */
void blocks_drop(struct blocks_io *io, const struct block_place *at);

#endif
