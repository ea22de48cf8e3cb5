/* segment_private — what the files of one segment share: section numbers, the meta section, writer
 * and reader structs.  Format: docs/FORMAT.md, "Segment". */
#ifndef STORE_SEGMENT_PRIVATE_H
#define STORE_SEGMENT_PRIVATE_H

#include <pthread.h>

#include "lictor/arena.h"
#include "lictor/segment.h"
#include "store/bitpack.h"
#include "store/column.h"
#include "store/copies_block.h"
#include "store/rows.h"
#include "store/source.h"

enum segment_section {
    SEC_META,
    SEC_DUMPS,
    SEC_DUMPS_DIR,
    SEC_STREAMS,
    SEC_STREAMS_DIR,
    SEC_ORIGINS,
    SEC_ORIGINS_DIR,
    SEC_CONVERSATIONS,
    SEC_CONVERSATION_DATA,
    SEC_BODIES,
    SEC_BODIES_DIR,
    SEC_COPIES,
    SEC_COPIES_DIR,
    SEC_SENT,
    SEC_SENT_DIR,
    SEC_STATE,
    SEC_STATE_DIR,
    SEC_PATCHES,
    SEC_PATCHES_DIR,
    SEC_KEYS,
    SEC_KEYS_DIR,
    SEC_LEXICON,
    SEC_LEXICON_DIR,
    SEC_POSTINGS,
    SEC_POSITIONS,
    SEC_SEQS,
    SEC_SEQS_DIR,
    SEC_STREAM_INFO,
    SEC_REPEATS,
    SEC_MINUTES,
    SEC_MINUTES_DIR,
    SEC_COUNT
};

/* ---- minutes: when, in 32 bits ---- */

#define MINUTE_MS 60000
#define MINUTE_BEYOND UINT32_MAX /* a time after year 9999 */
/* 0 for no time and times up to 1970; else a minute that is past by `sent`, so that
 * result * MINUTE_MS > sent. Real minutes end at year 9999 and stay below MINUTE_BEYOND. */
static inline uint32_t minute_after(int64_t sent)
{
    if (sent == TIME_NONE || sent <= 0)
        return 0;
    return sent > TIME_MAX_MS ? MINUTE_BEYOND : (uint32_t)(sent / MINUTE_MS) + 1;
}

/* ---- meta ---- */

struct segment_meta {
    bool overlay;
    uint8_t base[FILE_ID_SIZE]; /* of an overlay */
    uint32_t rows;              /* copy rows: documents of a base, patches of an overlay */
    uint32_t dumps, streams, origins;
    uint32_t repeats; /* entries of SEC_REPEATS */
    uint64_t terms;
    bool has_info; /* an overlay may have none: older totals hold */
    struct segment_info info;
};
void meta_encode(const struct segment_meta *m, struct buf *out);
MUST_USE enum status meta_parse(struct slice s, struct segment_meta *out, struct err *err);

/* ---- tables ---- */

#define TABLE_ENTRY_MAX ((size_t)4 << 20) /* longest entry: strings of two lines of 1 MiB */
#define CONVERSATION_ENTRY 32             /* key, first document, documents, offset */
#define REPEAT_ENTRY 8                    /* document, messages */

void dump_encode(const struct dump_ref *d, struct buf *out);
void stream_encode(const struct stream_ref *s, struct buf *out);
void origin_encode(const struct origin_ref *o, struct buf *out);
void conversation_encode(const struct conversation *c, struct buf *out);
/* Slices borrow `s`; sets live in the arena. */
MUST_USE enum status dump_parse(struct slice s, struct dump_ref *out, struct err *err);
MUST_USE enum status stream_parse(struct slice s, struct stream_ref *out, struct err *err);
MUST_USE enum status origin_parse(struct slice s, uint32_t streams, struct origin_ref *out,
                                  struct err *err);
MUST_USE enum status conversation_parse(struct slice s, struct arena *a, struct conversation *out,
                                        struct err *err);
/* Entry i of the table whose directory (u64 offsets) has n entries; copied into the arena. */
MUST_USE enum status table_read(const struct source *src, unsigned section, unsigned dir_section,
                                uint32_t n, uint32_t i, struct buf *scratch, struct arena *a,
                                struct slice *out, struct err *err);
MUST_USE enum status table_add(struct sink *out, unsigned section, unsigned dir_section,
                               struct buf *entry, struct err *err);

/* ---- keys ---- */

struct key_item {
    uint32_t hi, lo, doc; /* 12 bytes a document; a u64 would make it 16 */
};
/* By fingerprint, then document; in place, linear but for equal fingerprints (n log n). */
void keys_sort(struct key_item *keys, size_t n);
MUST_USE enum status keys_write(struct sink *out, const struct key_item *keys, uint32_t n,
                                struct err *err);

/* ---- messages per minute ---- */

#define MINUTES_BLOCK 128
#define MINUTES_ENTRY 20 /* first minute, messages before, offset */
struct minute_extra {
    uint32_t minute, messages;
};
/* `minutes` (of minute_after, 1 .. MINUTE_BEYOND - 1) of one message each, and further messages;
 * both are sorted in place. `spare` has room for n. */
MUST_USE enum status minutes_write(struct sink *out, uint32_t *minutes, size_t n, uint32_t *spare,
                                   struct minute_extra *extra, size_t n_extra, struct err *err);
/* Messages with minute (floor of sent / 60000) below `minute`. */
MUST_USE enum status minutes_before(const struct source *src, struct buf *scratch, uint32_t minute,
                                    uint64_t *count, struct err *err);

/* Every minute and its messages, ascending. */
MUST_USE enum status minutes_each(const struct source *src, struct buf *scratch,
                                  enum status (*visit)(void *ctx, uint32_t minute,
                                                       uint64_t messages, struct err *err),
                                  void *ctx, struct err *err);

/* ---- postings ---- */

#define POSTING_BLOCK BITPACK_BLOCK
#define POSTING_BYTES_MAX 2048    /* no block is longer */
#define POSITIONS_BESIDE_MAX 1024 /* bytes of positions that stand beside a single block */
#define POSITIONS_BYTES_MAX ((uint64_t)256 << 20) /* of a block */
enum { POSTINGS_HAVE_POSITIONS = 1, POSTINGS_BESIDE = 2 };
#define POSTING_TF_MAX ((uint32_t)1 << 21)
#define INLINE_DOCS 3
#define INLINE_POSITIONS 8
#define INLINE_BYTES_MAX 80 /* head and inline postings */

enum { HEAD_INLINE = 1, HEAD_POSITIONS = 2, HEAD_ONCE = 4, HEAD_SHIFT = 3 };
enum { HANDLE_INLINE = 1, HANDLE_SHIFT = 1 };

struct postings_in {
    uint32_t n;
    const uint32_t *docs, *tf, *positions;
};
struct inline_postings {
    uint32_t n;
    bool has_positions;
    uint32_t docs[INLINE_DOCS], tf[INLINE_DOCS];
    uint32_t positions[INLINE_POSITIONS];
};
bool postings_fit_inline(const struct postings_in *p);
/* Head and postings, appended. */
void inline_encode(const struct postings_in *p, struct buf *out);
/* After the head was read from `c`. */
MUST_USE enum status inline_parse(struct cursor *c, uint64_t head, uint32_t docs,
                                  struct inline_postings *out, struct err *err);

struct postings_writer {
    struct sink *out;
    struct buf skip_last, skip_minute, skip_end, block, positions;
    struct buf steps; /* scratch: uint32_t */
};
void postings_writer_release(struct postings_writer *w);
/* `minutes` = minute_after of every document. *at: where the postings begin. */
MUST_USE enum status postings_write(struct postings_writer *w, const struct postings_in *p,
                                    const uint32_t *minutes, uint64_t *at, struct err *err);

/* ---- lexicon ---- */

#define LEXICON_BLOCK 32
#define LEXICON_BYTES_MAX ((size_t)16 << 10)

struct lexicon_writer {
    struct sink *out;
    uint8_t last[TERM_MAX];
    size_t last_len;
    uint64_t terms;
    uint64_t last_postings; /* of the block */
    struct buf block;
};
void lexicon_writer_release(struct lexicon_writer *w);
/* Terms ascend. Inline postings, or where they were written. */
MUST_USE enum status lexicon_add(struct lexicon_writer *w, struct slice term,
                                 const struct postings_in *p, bool in_line, uint64_t postings,
                                 struct err *err);
MUST_USE enum status lexicon_finish(struct lexicon_writer *w, struct err *err);

/* ---- streams ---- */

#define SEQS_BLOCK 512
#define SEQS_ENTRY 16                     /* first seq, offset */
#define SEQS_BYTES_MAX ((size_t)16 << 10) /* no block is longer */
#define STREAM_INFO_ENTRY 41              /* records, first block, first, last, end, flags */
#define SEQ_MAX ((uint64_t)INT64_MAX)     /* delivery.md: seq is at most 2^63-1 */
enum { STREAM_SELECTION = 1, STREAM_PARTIAL = 2 };
enum { SEQS_PACKED, SEQS_RECENT };
#define RECENT_DOCS 15
#define RECENT_STEP 16
#define RECENT_MISS 0xFF

/* The documents seen last, newest first. */
struct recent {
    uint32_t docs[RECENT_DOCS];
    unsigned n;
};
void recent_push(struct recent *r, unsigned from, uint32_t doc);

void seqs_encode(const uint64_t *seqs, const uint32_t *docs, uint32_t n, struct buf *out);
MUST_USE enum status seqs_parse(struct slice block, uint64_t first, uint32_t n, uint32_t limit,
                                struct seq_doc *out, struct err *err);

struct stream_info {
    uint64_t records, first_block, first_seq, last_seq, end_last_seq;
    uint8_t flags;
};
void stream_info_encode(const struct stream_info *i, uint8_t out[STREAM_INFO_ENTRY]);
void stream_info_parse(const uint8_t in[STREAM_INFO_ENTRY], struct stream_info *out);

/* ---- reader ---- */

struct segment_file {
    struct section_file *file; /* NULL: memory */
    struct source src;
    struct segment_meta meta;
};

/* One file's share of a united stream. */
struct stream_part {
    uint32_t file; /* 0 base, then overlays */
    struct stream_info info;
};
struct stream_table {
    struct arena arena;
    struct segment_stream *streams;
    struct stream_part *parts; /* of stream i: [first[i], first[i + 1]) */
    size_t *first;
    size_t n;
};
void stream_table_free(struct stream_table *t);

struct segment {
    /* fixed after open */
    uint32_t docs;
    struct segment_info info;
    struct segment_file *files; /* base, then overlays, oldest first */
    size_t n_files;
    struct directory sent, state, keys, conversations, lexicon;
    struct block_cache *cache;
    /* guarded by mu: loaded once, then fixed; never locked over I/O */
    pthread_mutex_t mu;
    struct stream_table *streams;
    uint32_t *repeat_docs, *repeat_messages;
    size_t n_repeats;
    bool repeats_loaded;
    struct buf copy_to; /* uint32_t documents */
    bool copy_to_loaded;
    struct minutes_added *added; /* NULL: not loaded */
};

/* Documents that are more than one message, ascending. */
struct repeats {
    uint32_t *docs, *messages;
    size_t n;
};
/* One file's list, appended; room for its meta.repeats more. */
MUST_USE enum status repeats_of(const struct segment *s, size_t file, struct segment_scratch *x,
                                struct repeats *r, struct err *err);
void minutes_added_free(struct minutes_added *a);

/* As many overlays of one segment are read without loading their blocks again and again. */
#define PATCH_SLOTS 64
/* A decoded block and where it came from. */
struct block_slot {
    bool valid;
    uint8_t id[FILE_ID_SIZE];
    uint64_t number;
    struct buf bytes;
};
struct segment_scratch {
    struct buf dir, data, extra;
    struct block_slot sent_slot, state_slot;
    struct sent_block sent;
    struct state_block state;
    struct patch_slot {
        struct block_slot slot;
        uint32_t lo, hi; /* the block answers for documents [lo, hi) */
        bool empty;      /* before the first block */
        struct patch_block patches;
    } patch[PATCH_SLOTS];
    struct rows_cache bodies;
    struct copies_block copies, overlay_copies[PATCH_SLOTS];
    struct key_entry keys[COLUMN_BLOCK];
    struct seq_doc seqs[SEQS_BLOCK];
    struct buf term;
    bool conversation_valid;
    uint8_t conversation_id[FILE_ID_SIZE];
    uint8_t conversation_entry[CONVERSATION_ENTRY];
    uint32_t conversation;
};

/* A segment over memory, for tests and fuzzers: for the base and each overlay an array of
 * SEC_COUNT slices, which must outlive it. */
MUST_USE enum status segment_open_memory(const struct slice *const *files, size_t n,
                                         struct segment **out, struct err *err);
/* Cached block of a slot: true if it holds block `number` of the source. */
bool slot_has(const struct block_slot *slot, const struct source *src, uint64_t number);
/* Reads a piece into the slot; *bytes stays until the slot is filled anew. Not valid yet: set
 * slot->valid once the block is parsed. */
MUST_USE enum status slot_fill(struct block_slot *slot, const struct source *src, unsigned section,
                               const struct piece *p, uint64_t number, struct buf *scratch,
                               struct slice *bytes, struct err *err);

/* State in the base, without overlays; leaves its block in x->state. */
MUST_USE enum status base_state(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                struct doc_state *state, struct err *err);
/* Where in overlay file `i` (1..) a document is patched. ST_NOT_FOUND if it is not: no text. */
MUST_USE enum status patch_find(struct segment *s, struct segment_scratch *x, size_t i,
                                uint32_t doc, uint32_t *ordinal, struct doc_state *state,
                                struct err *err);

#endif
