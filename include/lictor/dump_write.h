/* dump_write — makes one dump as delivery.md describes it: NDJSON bytes, optionally through zstd
 * (one frame or several), optionally through age, into a new file of mode 0600. For synthetic
 * deliveries and tests; records of any size may be written in pieces of any size.
 * The same options, seed and bytes give the same file.
 * Owns: the file until finish or abort, its buffers; borrows recipients only during open.
 * Threads: one each.  Trusts: its caller.  Speed: zstd is the cost; pieces are gathered to 1 MiB.
 */
#ifndef LICTOR_DUMP_WRITE_H
#define LICTOR_DUMP_WRITE_H

#include "lictor/age.h"

/* All zero: plain NDJSON. */
struct dump_options {
    bool zstd;                       /* compress */
    int level;                       /* zstd level, 0 = zstd's default (3), below 0 = faster */
    unsigned window_log;             /* zstd window, 0 = as the level says */
    uint64_t frame_bytes;            /* input bytes of one zstd frame, 0 = one frame for all */
    const struct age_recipients *to; /* encrypt for these (or their passphrase), NULL = do not */
    bool armor;                      /* text armor around the age file */
    const uint8_t *seed;             /* 32 bytes: every random choice follows from them */
};

struct dump_writer;

/* `options` NULL = plain. An existing file is refused (ST_IO). */
MUST_USE enum status dump_writer_open(const char *path, const struct dump_options *options,
                                      struct dump_writer **out, struct err *err);
MUST_USE enum status dump_writer_write(struct dump_writer *w, const void *data, size_t len,
                                       struct err *err);
/* Ends frame, age file and file; the writer is freed in any case. Without success the file is
 * removed. sha256 and bytes (both may be NULL) are those of the file. Not fsynced. */
MUST_USE enum status dump_writer_finish(struct dump_writer *w, uint8_t sha256[32], uint64_t *bytes,
                                        struct err *err);
/* Frees the writer and removes the file. */
void dump_writer_abort(struct dump_writer *w);

#endif
