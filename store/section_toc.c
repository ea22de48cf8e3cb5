/* section_toc — takes the table of contents of a section file apart.
 * The blocks of all sections must lie in the file one after the other without gap or overlap, from
 * the header to the table of contents; the writer produces nothing else, and so every byte of a
 * file is covered by exactly one tag. */
#include "store/section_private.h"

#include <stdlib.h>

/* A block takes at least one byte of gap and its tag: bounds allocation by bytes that are there. */
#define TOC_BLOCK_MIN (1 + SEAL_TAG_SIZE)

static enum status toc_blocks_parse(struct cursor *c, uint64_t toc_off, struct section_entry *e,
                                    struct err *err)
{
    uint64_t pos = SECTION_HEADER_SIZE; /* first byte that the next block may have */
    for (uint64_t i = 0; i < e->n_blocks; i++) {
        size_t len = section_block_len(e, i);
        uint64_t gap = cursor_varint_max(c, toc_off - pos);
        struct slice tag = cursor_bytes(c, SEAL_TAG_SIZE);
        if (c->bad || len > toc_off - pos - gap)
            return err_set(err, ST_DAMAGED, "block %llu of a section lies outside of the file",
                           (unsigned long long)i);
        e->blocks[i].off = pos + gap;
        memcpy(e->blocks[i].tag, tag.data, SEAL_TAG_SIZE);
        pos += gap + len;
    }
    return ST_OK;
}

static enum status toc_section_parse(struct cursor *c, uint64_t toc_off, uint64_t next_number,
                                     struct section_toc *toc, uint64_t *number, struct err *err)
{
    uint64_t n = cursor_varint_max(c, SECTION_MAX - 1);
    uint32_t block_size = (uint32_t)cursor_varint_max(c, SECTION_BLOCK_MAX);
    uint64_t len = cursor_varint_max(c, toc_off - SECTION_HEADER_SIZE);
    if (c->bad || block_size < SECTION_BLOCK_MIN || n < next_number)
        return err_set(err, ST_DAMAGED, "the table of contents names an impossible section");
    struct section_entry *e = &toc->sections[n];
    uint64_t n_blocks = len / block_size + (len % block_size != 0);
    if (n_blocks > cursor_left(c) / TOC_BLOCK_MIN)
        return err_set(err, ST_DAMAGED, "the table of contents is cut short");
    e->present = true;
    e->block_size = block_size;
    e->len = len;
    e->n_blocks = n_blocks;
    if (n_blocks) {
        e->blocks = calloc((size_t)n_blocks, sizeof *e->blocks);
        if (!e->blocks)
            return err_no_memory(err);
    }
    *number = n;
    return toc_blocks_parse(c, toc_off, e, err);
}

struct cover {
    uint64_t next[SECTION_MAX];  /* block of each section that has not come by */
    uint8_t recent[SECTION_MAX]; /* sections, the one that had the last block first */
};

/* The section whose next block begins at `pos`; SECTION_MAX: none. Two or three sections are
 * written in turn, so those that came last are asked first. */
static size_t cover_find(struct cover *c, const struct section_toc *toc, uint64_t pos)
{
    for (size_t k = 0; k < SECTION_MAX; k++) {
        uint8_t i = c->recent[k];
        const struct section_entry *e = &toc->sections[i];
        if (c->next[i] == e->n_blocks || e->blocks[c->next[i]].off != pos)
            continue;
        for (; k > 0; k--)
            c->recent[k] = c->recent[k - 1];
        c->recent[0] = i;
        return i;
    }
    return SECTION_MAX;
}

/* Offsets ascend within a section, so one merge over all sections sees the file in order. */
static enum status toc_check_cover(const struct section_toc *toc, uint64_t toc_off, struct err *err)
{
    struct cover c = {.next = {0}};
    uint64_t pos = SECTION_HEADER_SIZE;
    for (size_t i = 0; i < SECTION_MAX; i++)
        c.recent[i] = (uint8_t)i;
    while (pos < toc_off) {
        size_t found = cover_find(&c, toc, pos);
        if (found == SECTION_MAX)
            return err_set(err, ST_DAMAGED, "byte %llu of the file belongs to no block",
                           (unsigned long long)pos);
        pos += section_block_len(&toc->sections[found], c.next[found]++);
    }
    for (size_t i = 0; i < SECTION_MAX; i++)
        if (c.next[i] != toc->sections[i].n_blocks)
            return err_set(err, ST_DAMAGED, "blocks of section %zu overlap others", i);
    return ST_OK;
}

enum status section_toc_parse(struct slice bytes, uint64_t toc_off, struct section_toc *toc,
                              struct err *err)
{
    struct cursor c = cursor_of(bytes);
    uint64_t next_number = 0, number = 0;
    MUST(toc_off >= SECTION_HEADER_SIZE);
    uint64_t n = cursor_varint_max(&c, SECTION_MAX);
    for (uint64_t i = 0; i < n && !c.bad; i++) {
        TRY(toc_section_parse(&c, toc_off, next_number, toc, &number, err));
        next_number = number + 1;
    }
    TRY(cursor_done(&c, "table of contents", err));
    return toc_check_cover(toc, toc_off, err);
}

void section_toc_release(struct section_toc *toc)
{
    for (size_t i = 0; i < SECTION_MAX; i++)
        free(toc->sections[i].blocks);
    *toc = (struct section_toc){0};
}
