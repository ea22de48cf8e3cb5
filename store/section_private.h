/* section_private — the bytes that section_write.c and section_read.c must agree on.
 * Format: docs/FORMAT.md, "Section file". */
#ifndef STORE_SECTION_PRIVATE_H
#define STORE_SECTION_PRIVATE_H

#include "store/seal.h"

#define SECTION_HEADER_SIZE 104
#define SECTION_FOOTER_SIZE 40
#define SECTION_TOC UINT32_MAX /* the section number that seals the table of contents */
#define SECTION_TOC_MAX ((size_t)256 << 20)
#define SECTION_BLOCK_MIN 64
#define SECTION_BLOCK_MAX ((uint32_t)1 << 20)
#define SECTION_NAME_SIZE (2 * FILE_ID_SIZE + 1)
#define SECTION_AD_SIZE 29

/* Keys of one file, in locked memory. */
struct section_keys {
    uint8_t file[SEAL_KEY_SIZE];
    uint8_t toc[SEAL_KEY_SIZE];
    uint8_t section[SECTION_MAX][SEAL_KEY_SIZE];
};
MUST_USE enum status section_keys_new(struct section_keys **out, struct err *err);
void section_keys_free(struct section_keys *k); /* wipes */

/* Header for a new file: random file key (into keys->file), wrapped. keys NULL if plain. */
MUST_USE enum status section_header_make(const struct case_key *key, uint8_t kind,
                                         const uint8_t id[FILE_ID_SIZE], struct section_keys *keys,
                                         uint8_t out[SECTION_HEADER_SIZE], struct err *err);
/* Checks a header against what the file must be, unwraps the file key and derives the others. */
MUST_USE enum status section_header_open(const struct case_key *key, uint8_t kind,
                                         const uint8_t id[FILE_ID_SIZE], struct section_keys *keys,
                                         const uint8_t in[SECTION_HEADER_SIZE], struct err *err);

/* Additional data of a block. */
void section_block_ad(const uint8_t id[FILE_ID_SIZE], uint32_t section, uint64_t block, bool last,
                      uint8_t out[SECTION_AD_SIZE]);

/* ---- table of contents ---- */

struct section_block {
    uint64_t off; /* in the file */
    uint8_t tag[SEAL_TAG_SIZE];
};
struct section_entry {
    bool present;
    uint32_t block_size;
    uint64_t len;
    uint64_t n_blocks;
    struct section_block *blocks;
};
struct section_toc {
    struct section_entry sections[SECTION_MAX];
};
/* Bytes of block `i`: all are full but the last. */
static inline size_t section_block_len(const struct section_entry *e, uint64_t i)
{
    uint64_t left = e->len - i * e->block_size;
    return left < e->block_size ? (size_t)left : e->block_size;
}
/* Reads a table of contents whose blocks must cover the file from the header up to `toc_off`, each
 * byte once. `toc` must be zeroed; release it also after failure. */
MUST_USE enum status section_toc_parse(struct slice bytes, uint64_t toc_off,
                                       struct section_toc *toc, struct err *err);
void section_toc_release(struct section_toc *toc);

/* Footer. */
void section_footer_make(uint64_t toc_off, uint64_t toc_len, const uint8_t tag[SEAL_TAG_SIZE],
                         uint8_t out[SECTION_FOOTER_SIZE]);
/* Checks magic and that header, table of contents and footer fill a file of `size` bytes. */
MUST_USE enum status section_footer_parse(const uint8_t in[SECTION_FOOTER_SIZE], uint64_t size,
                                          uint64_t *toc_off, size_t *toc_len,
                                          uint8_t tag[SEAL_TAG_SIZE], struct err *err);

/* As section_file_open, of an open descriptor that then belongs to the reader. On failure it is
 * closed. */
MUST_USE enum status section_file_open_fd(int fd, uint8_t kind, const struct case_key *key,
                                          const struct file_seal *seal, struct block_cache *cache,
                                          struct section_file **out, struct err *err);

/* ---- block cache, as section_read.c uses it ---- */

/* A number that names a file in the cache; never given twice. */
uint64_t block_cache_file(struct block_cache *c);
/* Copies [from, from + len) of the block to `out`; false if it is not there. */
bool block_cache_get(struct block_cache *c, uint64_t file, uint32_t section, uint64_t block,
                     size_t from, size_t len, uint8_t *out);
/* Takes `data` (malloc), whether it keeps it or not. */
void block_cache_put(struct block_cache *c, uint64_t file, uint32_t section, uint64_t block,
                     uint8_t *data, size_t len);

#endif
