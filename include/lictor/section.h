/* section — the sealed file every part of a case is made of: a header, sections cut into sealed
 * blocks, and a table of contents sealed last. A section is one long run of bytes: written by
 * appending, read at any offset.
 * Owns: writers and readers own their file descriptor and buffers.
 * Threads: one section_file_writer a thread (its sections may be appended in any interleaving);
 * a reader may be shared for section_read only with one `struct section_scratch` per thread.
 * Trusts: nothing; every block is authenticated (or checksummed in an unencrypted case) before a
 * byte of it is returned.  Format: docs/FORMAT.md, "Section file". */
#ifndef LICTOR_SECTION_H
#define LICTOR_SECTION_H

#include "lictor/bytes.h"

#define FILE_ID_SIZE 16
#define SECTION_INDEX_BLOCK ((uint32_t)16 << 10)
#define SECTION_BODY_BLOCK ((uint32_t)64 << 10)
#define SECTION_MAX 64 /* section numbers are below this */

/* Key under which the files of a case are sealed; `plain` for --no-encryption (XXH3-128 tags). */
struct case_key {
    bool plain;
    uint8_t *key; /* 32 bytes, sodium_malloc; NULL if plain */
};

/* What names a finished file: the manifest holds it. */
struct file_seal {
    uint8_t id[FILE_ID_SIZE];
    uint64_t size;
    uint8_t toc_hash[32]; /* SHA-256 of the sealed table of contents */
};

struct section_file_writer;
/* New file named hex(id).tmp in `dirfd`, id random (in seal->id after finish). `kind` is a byte of
 * the caller that the reader checks (segment, overlay, quarantine). */
MUST_USE enum status section_file_create(int dirfd, uint8_t kind, const struct case_key *key,
                                         struct section_file_writer **out, struct err *err);
/* Declares section `number` with its block size; once each. */
MUST_USE enum status section_begin(struct section_file_writer *w, unsigned number,
                                   uint32_t block_size, struct err *err);
MUST_USE enum status section_append(struct section_file_writer *w, unsigned number,
                                    const void *data, size_t len, struct err *err);
/* Bytes appended so far = offset of the next byte. */
uint64_t section_size(const struct section_file_writer *w, unsigned number);
/* Writes what is left and the table of contents, fsyncs, renames to hex(id). Frees w always; on
 * failure the temporary file is removed. The directory is not synced: commit does that. */
MUST_USE enum status section_file_finish(struct section_file_writer *w, struct file_seal *seal,
                                         struct err *err);
void section_file_abort(struct section_file_writer *w);

/* Decrypted blocks, bounded, shared by all files of one reader. Threads: has its own lock. */
struct block_cache;
MUST_USE enum status block_cache_new(size_t bytes, struct block_cache **out, struct err *err);
void block_cache_free(struct block_cache *c); /* wipes */

struct section_file;
/* Opens hex(seal->id); checks size, table of contents (against seal->toc_hash), that sections do
 * not overlap or overrun. */
MUST_USE enum status section_file_open(int dirfd, uint8_t kind, const struct case_key *key,
                                       const struct file_seal *seal, struct block_cache *cache,
                                       struct section_file **out, struct err *err);
void section_file_close(struct section_file *f);
/* Bytes of a section; 0 if the file has none of that number. */
uint64_t section_len(const struct section_file *f, unsigned number);
/* `len` bytes at `off`. *out is borrowed from `scratch`, which the caller owns (a buf that it
 * reuses): valid until the next read into the same scratch. Past the end is ST_DAMAGED. */
MUST_USE enum status section_read(struct section_file *f, unsigned number, uint64_t off, size_t len,
                                  struct buf *scratch, struct slice *out, struct err *err);
/* Reads and checks every block. */
MUST_USE enum status section_file_verify(struct section_file *f, struct err *err);
const uint8_t *section_file_id(const struct section_file *f);

#endif
