/* source — where the decoders of a segment read from and its encoders write to: the sections of a
 * sealed file, or plain memory (unit tests and fuzzers enter here).
 * Owns: nothing.  Threads: a source may be shared; each section of a sink belongs to one thread.
 * Trusts: nothing; a read past the end is ST_DAMAGED. */
#ifndef STORE_SOURCE_H
#define STORE_SOURCE_H

#include "lictor/section.h"

struct source {
    struct section_file *file; /* NULL: memory */
    const struct slice *mem;   /* one slice a section number */
    uint8_t id[FILE_ID_SIZE];  /* names the file in caches of decoded blocks */
};

uint64_t source_len(const struct source *s, unsigned section);
/* As section_read. */
MUST_USE enum status source_read(const struct source *s, unsigned section, uint64_t off, size_t len,
                                 struct buf *scratch, struct slice *out, struct err *err);

struct sink {
    struct section_file_writer *file; /* NULL: memory */
    struct buf *mem;                  /* one buf a section number */
};

MUST_USE enum status sink_append(struct sink *s, unsigned section, const void *data, size_t len,
                                 struct err *err);
/* Appends all of `b` and clears it; reports a put that found no memory. */
MUST_USE enum status sink_take(struct sink *s, unsigned section, struct buf *b, struct err *err);
uint64_t sink_size(const struct sink *s, unsigned section);

/* ---- directories: sections of entries of one width, sorted, searched where they lie ---- */

struct directory {
    const struct source *src;
    unsigned section;
    uint32_t width;
    uint64_t n;
};

/* The directory over all of a section; ST_DAMAGED unless it has exactly `n` entries. */
MUST_USE enum status directory_open(struct directory *d, const struct source *src, unsigned section,
                                    uint32_t width, uint64_t n, struct err *err);
/* Entries [i, i + n) side by side. */
MUST_USE enum status directory_read(const struct directory *d, uint64_t i, uint64_t n,
                                    struct buf *scratch, struct slice *out, struct err *err);
/* How many entries have cmp(entry, key) <= 0; they come first. */
MUST_USE enum status directory_search(const struct directory *d,
                                      int (*cmp)(const uint8_t *entry, const void *key),
                                      const void *key, struct buf *scratch, uint64_t *count,
                                      struct err *err);
/* Entry i of a directory whose entries hold, at `field`, the u64 offset of a piece of `section`:
 * the piece reaches to the next entry's offset or the end. A piece above `max` is ST_DAMAGED.
 * `entry` is borrowed from scratch. */
struct piece {
    const uint8_t *entry;
    uint64_t off;
    size_t len;
};
MUST_USE enum status directory_piece(const struct directory *d, uint64_t i, uint32_t field,
                                     unsigned section, size_t max, struct buf *scratch,
                                     struct piece *out, struct err *err);

#endif
