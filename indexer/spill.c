/* spill — begins and ends, and what is held where. Putting aside is in spill_put.c, taking back in
 * spill_take.c. */
#include "indexer/spill_private.h"

#include <stdlib.h>

#define BLOCK_MIN ((size_t)16 << 10)
#define BLOCK_MAX ((size_t)512 << 10)
/* Of the memory, what all open blocks may take together. */
#define BLOCKS_SHARE 16
/* One in so many parts of the memory holds the hashes of what is aside. It is given back before
 * parts are joined. */
#define SEEN_SHARE 5
/* A part leaves the disk before what becomes of it is written, and that is smaller; a run and the
 * last files take more. */
#define DISK_MARGIN 4

enum status spill_new(int dirfd, unsigned threads, uint64_t memory, struct spill **out,
                      struct err *err)
{
    struct spill *s = calloc(1, sizeof *s);
    if (!s)
        return err_no_memory(err);
    s->threads = threads;
    s->workers = threads + 1;
    size_t fair = (size_t)(memory / BLOCKS_SHARE / SPILL_PARTS / s->workers);
    s->block_size = fair < BLOCK_MIN ? BLOCK_MIN : fair > BLOCK_MAX ? BLOCK_MAX : fair;
    s->io = calloc(s->workers, sizeof(struct blocks_io *));
    s->seen = calloc(threads, sizeof *s->seen);
    for (unsigned i = 0; s->seen && i < threads; i++)
        s->seen[i].most = (size_t)(memory / SEEN_SHARE / threads);
    enum status st = s->io && s->seen ? blocks_new(dirfd, &s->blocks, err) : err_no_memory(err);
    for (; st == ST_OK && s->n_io < s->workers; s->n_io += st == ST_OK)
        st = blocks_io_new(s->blocks, &s->io[s->n_io], err);
    if (st != ST_OK) {
        spill_free(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

static void chunks_release(struct spill *s)
{
    for (size_t c = 0; c < s->chunks.n; c++) {
        struct spill_chunk *chunk = (struct spill_chunk *)s->chunks.items + c;
        for (size_t i = 0; i < (size_t)SPILL_PARTS * s->workers * SPILL_KINDS; i++)
            grown_release(&chunk->pieces[i].blocks);
        free(chunk->pieces);
    }
    s->chunks.n = 0;
}

void spill_seen_forget(struct spill *s)
{
    for (unsigned i = 0; s->seen && i < s->threads; i++)
        seen_release(&s->seen[i]);
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    chunks_release(s);
    grown_release(&s->chunks);
    for (unsigned i = 0; i < s->n_io; i++)
        blocks_io_free(s->io[i]);
    free(s->io);
    spill_seen_forget(s);
    free(s->seen);
    blocks_free(s->blocks);
    free(s);
}

bool spill_is_empty(const struct spill *s) { return s->chunks.n == 0; }

enum status spill_is_enough(const struct spill *s, uint64_t limit, bool *out, struct err *err)
{
    uint64_t room, aside = blocks_size(s->blocks);
    TRY(blocks_free_space(s->blocks, &room, err));
    *out = (limit && aside >= limit) || room < aside / DISK_MARGIN;
    return ST_OK;
}

enum status spill_clear(struct spill *s, struct err *err)
{
    chunks_release(s);
    spill_seen_forget(s);
    return blocks_clear(s->blocks, err);
}
