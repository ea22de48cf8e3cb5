/* What spill_put.c writes and spill_take.c reads: how documents and copies stand in blocks, and
 * where these are. A chunk is one run put aside: for each part, the documents and the copies of
 * each worker, in blocks. A copy names its document by worker and number within (part, worker), so
 * that taking it in needs no search. A document that an earlier chunk has is only its hash
 * ("again"): it is looked up once the whole ones are in. Only this process reads any of it. */
#ifndef INDEXER_SPILL_PRIVATE_H
#define INDEXER_SPILL_PRIVATE_H

#include "indexer/seen.h"
#include "indexer/spill.h"

/* What becomes of the parts is smaller than what was put aside: with so much more than that free,
 * it may stay until the end. */
#define DISK_SPARE (UINT64_C(1) << 30)
#define UNPLACED UINT32_MAX
/* Items that are looked up are fetched so far ahead. */
#define AHEAD 16

enum spill_kind { SPILL_DOCS, SPILL_AGAIN, SPILL_COPIES, SPILL_KINDS };

/* A document as it stands in a block: this, its row, and what is said of its conversation when it
 * is met first. Only this process reads it. */
struct spill_doc {
    uint8_t hash[SHA256_SIZE];
    int64_t sent;
    uint32_t conv, row;
    uint16_t flags;
    uint8_t kind;
    uint8_t bits;
};
enum { DOC_BIT_ID = 1, DOC_BIT_NO_BODY = 2 };

/* The blocks of one (chunk, part, worker) of one kind, in order. */
struct spill_piece {
    struct grown blocks; /* struct block_place */
    uint64_t n;          /* documents or copies */
    uint64_t held;       /* what they take in a run */
};

struct spill_chunk {
    struct spill_piece *pieces; /* by part, worker, kind */
};

struct spill {
    struct blocks *blocks;
    struct blocks_io **io; /* by worker */
    unsigned n_io;
    unsigned threads, workers; /* workers: stores of a run */
    size_t block_size;
    struct seen *seen;   /* by thread: each has its share of the hashes */
    bool pack;           /* rows are packed: the disk fills */
    bool short_of_disk;  /* then a block leaves the disk as soon as it is taken */
    struct grown chunks; /* struct spill_chunk */
};

static inline struct spill_piece *piece_of(const struct spill *s, size_t chunk, unsigned part,
                                           unsigned w, enum spill_kind kind)
{
    const struct spill_chunk *c = (const struct spill_chunk *)s->chunks.items + chunk;
    return &c->pieces[((size_t)part * s->workers + w) * SPILL_KINDS + kind];
}

enum {
    COPY_DELETED = 4,
    COPY_COPY_TO = 8,
    COPY_LOCATED = 16,
    COPY_EXTRA = 32
}; /* above the side */
_Static_assert((int)SIDE_SERVER < (int)COPY_DELETED, "a side is two bits");

void spill_seen_forget(struct spill *s);

#endif
