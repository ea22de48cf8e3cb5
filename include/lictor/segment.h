/* segment — an immutable part of the index: documents in the one order (conversation, sent, source
 * order), their words, their bodies and their copies; and the overlays bound to it.
 * A document is one content; document numbers count from 0 within a segment.
 * Owns: writer and reader own their section file.
 * Threads: a writer belongs to one thread; a reader may be shared, each thread with its own
 * struct segment_scratch.
 * Trusts: nothing read from disk.  Format: docs/FORMAT.md, "Segment". */
#ifndef LICTOR_SEGMENT_H
#define LICTOR_SEGMENT_H

#include "lictor/copies.h"
#include "lictor/section.h"
#include "lictor/term.h"

#define SEGMENT_DOCS_MAX ((uint32_t)1 << 31)
#define FILE_SEGMENT 1
#define FILE_OVERLAY 2
#define FILE_QUARANTINE 3

/* ---- writing ---- */

struct segment_writer;
struct segment_info;

/* `base` NULL: a base segment. Else an overlay of the segment with that id. */
MUST_USE enum status segment_writer_open(int dirfd, const struct case_key *key, const uint8_t *base,
                                         struct segment_writer **out, struct err *err);
/* Tables first; indices are the order of calls, from 0. */
MUST_USE enum status segment_add_dump(struct segment_writer *w, const struct dump_ref *d,
                                      struct err *err);
MUST_USE enum status segment_add_stream(struct segment_writer *w, const struct stream_ref *s,
                                        struct err *err);
MUST_USE enum status segment_add_origin(struct segment_writer *w, const struct origin_ref *o,
                                        struct err *err);
/* Base only: announces the number of documents and when each was sent (TIME_NONE if not known).
 * From then on documents, their copies (by segment_add_copies, none with segment_add_doc), terms
 * and the numbers of streams may come from a thread each; those of documents and copies call their
 * `_end`. */
MUST_USE enum status segment_expect_docs(struct segment_writer *w, uint32_t n,
                                         int64_t (*sent)(void *ctx, uint32_t doc), void *ctx,
                                         struct err *err);
MUST_USE enum status segment_docs_end(struct segment_writer *w, struct err *err);
/* `sent`: that of the document, as it was announced. */
MUST_USE enum status segment_add_copies(struct segment_writer *w, const struct copy *copies,
                                        size_t n, int64_t sent, struct err *err);
MUST_USE enum status segment_copies_end(struct segment_writer *w, struct err *err);
/* Base only: conversations by key, each followed by its documents. */
MUST_USE enum status segment_add_conversation(struct segment_writer *w, const uint8_t key[KEY_SIZE],
                                              const struct conversation *c, struct err *err);
/* Base only: the next document of the conversation added last. `row` = content_encode,
 * `copies` = copies_encode. */
MUST_USE enum status segment_add_doc(struct segment_writer *w, const uint8_t key[KEY_SIZE],
                                     int64_t sent, struct slice row, const struct doc_state *state,
                                     struct slice copies, struct err *err);
/* Overlay only: documents of the base in ascending order: copies that the base (and earlier
 * overlays) do not have, or versions of such that they have (may be empty), and the state that
 * holds from now on. */
MUST_USE enum status segment_add_patch(struct segment_writer *w, uint32_t doc,
                                       const struct doc_state *state, struct slice copies,
                                       struct err *err);
/* Overlay only: the totals of base and all overlays, this one included, that hold from now on (the
 * writer of an overlay cannot see the states it replaces). docs and conversations are the base's.
 * Without it segment_info keeps showing the older totals. */
void segment_set_info(struct segment_writer *w, const struct segment_info *info);
/* Base only: terms in byte order. docs ascending; tf[i] >= 1 positions of docs[i], one after the
 * other in `positions` (ascending within a document); tf NULL: no positions (field terms). */
MUST_USE enum status segment_add_term(struct segment_writer *w, struct slice term, uint32_t n,
                                      const uint32_t *docs, const uint32_t *tf,
                                      const uint32_t *positions, struct err *err);
/* Both: for each stream in table order, its records: seqs ascending (equal ones: a clash, by doc),
 * docs of the base. Call once a stream, also with n = 0. `last_seq` = greatest `end.last_seq` seen
 * for it (0 if none), `selection`: records were left out by order. */
MUST_USE enum status segment_add_stream_seqs(struct segment_writer *w, uint32_t stream, size_t n,
                                             const uint64_t *seqs, const uint32_t *docs,
                                             uint64_t last_seq, bool selection, bool partial,
                                             struct err *err);
/* Writes all, frees w in any case. */
MUST_USE enum status segment_writer_finish(struct segment_writer *w, struct file_seal *seal,
                                           struct err *err);
void segment_writer_abort(struct segment_writer *w);

/* ---- reading ---- */

struct segment; /* a base with its overlays, oldest first */

MUST_USE enum status segment_open(int dirfd, const struct case_key *key,
                                  const struct file_seal *base, const struct file_seal *overlays,
                                  size_t n_overlays, struct block_cache *cache,
                                  struct segment **out, struct err *err);
void segment_close(struct segment *s);
MUST_USE enum status segment_verify(struct segment *s,
                                    struct err *err); /* every block of all files */

struct segment_info {
    uint32_t docs, hidden_docs;
    uint32_t conversations;
    uint64_t messages;      /* base and overlays: sum of state.messages over kind message */
    uint64_t copies;        /* sum of (copies - messages) over kind message */
    uint64_t others, notes; /* documents of other kinds; notes: of which */
    uint64_t sealed, conflict, untimed; /* messages so flagged, as in `messages` */
    uint32_t repeated_docs;
    uint32_t copy_to_docs;         /* with DOC_COPY_TO */
    int64_t first_sent, last_sent; /* of timed messages; TIME_NONE if none */
};
const struct segment_info *segment_info(const struct segment *s);

/* What the bytes of a segment are for; directories are counted with what they lead to. */
enum segment_part {
    SEGMENT_TABLES, /* dumps, streams, origins */
    SEGMENT_CONVERSATIONS,
    SEGMENT_BODIES,
    SEGMENT_COPIES,
    SEGMENT_SENT,
    SEGMENT_STATE, /* patches and the list of repeats, too */
    SEGMENT_KEYS,
    SEGMENT_LEXICON,
    SEGMENT_POSTINGS,
    SEGMENT_POSITIONS,
    SEGMENT_SEQS, /* numbers of the streams */
    SEGMENT_MINUTES,
    SEGMENT_PARTS
};
const char *segment_part_name(enum segment_part part);
/* Adds what each part of base and overlays takes. Headers, seals and tables of contents are not
 * in: they are what is missing to the size of the files. */
void segment_sizes(const struct segment *s, uint64_t bytes[SEGMENT_PARTS]);

/* What one thread needs to read; grow-only buffers. */
struct segment_scratch;
MUST_USE enum status segment_scratch_new(struct segment_scratch **out, struct err *err);
void segment_scratch_free(struct segment_scratch *x);

/* Columns: O(1), a block of 128 is decoded and kept in the scratch. */
MUST_USE enum status segment_sent(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                  int64_t *sent, struct err *err);
/* Least and greatest sent (TIME_NONE left out; none: *min = INT64_MAX, *max = INT64_MIN) of the
 * documents [doc / 128 * 128, + 128); from an array of bounds, without decoding. */
MUST_USE enum status segment_sent_bounds(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                         int64_t *min, int64_t *max, bool *has_untimed,
                                         struct err *err);
/* The same for blocks [first, first + n) of 128 documents: earliest[i] is INT64_MIN if some of
 * block i have no time that may be shown, latest[i] INT64_MIN if none has one. */
MUST_USE enum status segment_sent_times(struct segment *s, struct segment_scratch *x,
                                        uint32_t first, uint32_t n, int64_t *earliest,
                                        int64_t *latest, struct err *err);
/* State with all overlays applied. */
MUST_USE enum status segment_state(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                   struct doc_state *state, struct err *err);
/* Documents with state.messages > 1, ascending, with overlays; borrowed, loaded once. */
MUST_USE enum status segment_repeats(struct segment *s, const uint32_t **docs,
                                     const uint32_t **messages, size_t *n, struct err *err);
/* Documents with DOC_COPY_TO or DOC_LOCATED, ascending, with overlays: a pass over the heads of all
 * blocks of states. Into `docs`, empty before, as uint32_t. */
MUST_USE enum status segment_flagged(struct segment *s, uint16_t flag, struct buf *docs,
                                     struct err *err);
/* Those with DOC_COPY_TO; borrowed, loaded once. */
MUST_USE enum status segment_copy_to(struct segment *s, const uint32_t **docs, size_t *n,
                                     struct err *err);
/* Messages (state.messages of the documents not hidden) sent in the minutes [from, to) since 1970,
 * exactly, with overlays; cost two searches, and once a pass over what is repeated where there are
 * overlays. */
MUST_USE enum status segment_minutes(struct segment *s, struct segment_scratch *x, uint32_t from,
                                     uint32_t to, uint64_t *count, struct err *err);
/* Every minute (sent / 60000) that has messages and how many, ascending; then, where overlays made
 * repeats of a document, its minute again with what they add. Together they are exact: what
 * state.messages says of all timed documents that are not hidden. */
MUST_USE enum status segment_minutes_each(struct segment *s, struct segment_scratch *x,
                                          enum status (*visit)(void *ctx, uint32_t minute,
                                                               uint64_t messages, struct err *err),
                                          void *ctx, struct err *err);
/* Body row; borrowed until the next segment_row with this scratch. */
MUST_USE enum status segment_row(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                 struct slice *row, struct err *err);

struct segment_conversation {
    uint8_t key[KEY_SIZE];
    uint32_t number;       /* within the segment */
    uint32_t first, docs;  /* its documents */
    struct conversation c; /* slices live in the arena given */
};
MUST_USE enum status segment_conversation_at(struct segment *s, struct segment_scratch *x,
                                             uint32_t number, struct arena *a,
                                             struct segment_conversation *out, struct err *err);
/* The conversation of a document. */
MUST_USE enum status segment_conversation_of(struct segment *s, struct segment_scratch *x,
                                             uint32_t doc, struct arena *a,
                                             struct segment_conversation *out, struct err *err);
/* The documents of a conversation in one segment of a case: [first, end). */
struct conversation_range {
    uint32_t segment, first, end;
};
/* By key, or by the first `len` bytes of it (1..16): conversations [*number, + *n). */
MUST_USE enum status segment_conversation_find(struct segment *s, struct segment_scratch *x,
                                               const uint8_t *key, size_t len, uint32_t *number,
                                               uint32_t *n, struct err *err);
/* Documents whose content key begins with these `len` bytes (1..8): appended to `docs` as u32.
 * At most `max` (then ST_LIMIT). Callers confirm by content_rehash: keys are stored as 64-bit
 * fingerprints. */
MUST_USE enum status segment_key_find(struct segment *s, struct segment_scratch *x,
                                      const uint8_t *key, size_t len, size_t max, struct buf *docs,
                                      struct err *err);
/* The sorted fingerprints, for merging: reads entries [from, from + n) (n <= 65536) as
 * (first 8 bytes of the key, big-endian value; doc). */
struct key_entry {
    uint64_t fingerprint;
    uint32_t doc;
};
MUST_USE enum status segment_keys(struct segment *s, struct segment_scratch *x, uint32_t from,
                                  uint32_t n, struct key_entry *out, struct err *err);

/* Copies of a document, base and overlays merged: sorted by stream_cmp, seq; versions united.
 * Streams, origins and dumps are resolved: see struct held_copy. All memory in `a`. */
struct held_version {
    const struct origin_ref *origin; /* its `stream` field is meaningless here */
    int64_t delivered, read, collected;
    struct slice extra;
    const struct held_sighting {
        const struct dump_ref *dump;
        uint64_t line;
    } * sightings;
    size_t n_sightings;
};
struct held_copy {
    const struct stream_ref *stream;
    uint64_t seq;
    const struct held_version *versions;
    size_t n_versions;
};
/* The side of a copy: that of all its versions together. */
enum side held_side(const struct content *c, const struct held_copy *h);
/* The order in which readers show versions; 0 where they are equal in all but their sightings. */
int held_version_cmp(const struct held_version *a, const struct held_version *b);
MUST_USE enum status segment_copies(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                    struct arena *a, const struct held_copy **out, size_t *n,
                                    struct err *err);

/* Streams of base and overlays together (equal streams united). */
struct segment_stream {
    struct stream_ref ref;
    uint64_t records; /* (seq, doc) pairs */
    uint64_t first_seq, last_seq;
    uint64_t end_last_seq;
    bool selection, partial;
};
MUST_USE enum status segment_streams(struct segment *s, const struct segment_stream **out,
                                     size_t *n, struct err *err);
/* The dumps that base and overlays name; one that several files name comes as often. In `a`. */
MUST_USE enum status segment_dumps(struct segment *s, struct arena *a, const struct dump_ref **out,
                                   size_t *n, struct err *err);
/* (seq, doc) of stream `i` with seq >= from, ascending, at most `cap`; *n = 0 at the end. */
struct seq_doc {
    uint64_t seq;
    uint32_t doc;
};
MUST_USE enum status segment_stream_seqs(struct segment *s, struct segment_scratch *x, size_t i,
                                         uint64_t from, struct seq_doc *out, size_t cap, size_t *n,
                                         struct err *err);

/* As above, from (seq, doc) on: goes on exactly where a batch ended, also within a clash.
 * segment_stream_seqs never splits a seq over two calls; if one seq alone has more than `cap`
 * documents it is ST_LIMIT. */
MUST_USE enum status segment_stream_seqs_from(struct segment *s, struct segment_scratch *x,
                                              size_t i, uint64_t seq, uint32_t doc,
                                              struct seq_doc *out, size_t cap, size_t *n,
                                              struct err *err);

/* ---- lexicon and postings ---- */

struct term_entry {
    struct slice term; /* borrowed from the iterator until its next step */
    uint32_t docs;     /* documents, base only; exact */
    uint64_t handle;   /* where its postings are; opaque */
    bool has_positions;
};
/* ST_NOT_FOUND if the term is not there. */
MUST_USE enum status segment_term(struct segment *s, struct segment_scratch *x, struct slice term,
                                  struct term_entry *out, struct err *err);
struct term_iter;
/* Terms from `from` on, in byte order. */
MUST_USE enum status term_iter_open(struct segment *s, struct slice from, struct term_iter **out,
                                    struct err *err);
MUST_USE enum status term_iter_next(struct term_iter *it, struct term_entry *out, struct err *err);
void term_iter_close(struct term_iter *it);

#define DOC_END UINT32_MAX
struct posting_iter;
MUST_USE enum status posting_iter_open(struct segment *s, uint64_t handle,
                                       struct posting_iter **out, struct err *err);
void posting_iter_close(struct posting_iter *it);
/* First document >= `doc` (DOC_END when there is none); never goes back. Skips whole blocks. */
MUST_USE enum status posting_iter_seek(struct posting_iter *it, uint32_t doc, uint32_t *out,
                                       struct err *err);
/* Upper bound of `sent` (ms, rounded up to minutes) in the block that holds the current document
 * and the last document of that block: for newest-first. */
MUST_USE enum status posting_iter_bound(struct posting_iter *it, int64_t *max_sent,
                                        uint32_t *last_doc, struct err *err);
/* The same for the block that the first document >= `doc` would be in, without going there or
 * decoding it; INT64_MIN and DOC_END if there is none. Documents in [doc, *last_doc] of this word
 * are not later than *max_sent. */
MUST_USE enum status posting_iter_peek(struct posting_iter *it, uint32_t doc, int64_t *max_sent,
                                       uint32_t *last_doc, struct err *err);
/* The documents of [first, first + n) as bits that are added to `bits`: bit i % 64 of word i / 64
 * is document first + i. Blocks without a document of `mask` (the same shape; NULL: all are wanted)
 * are passed over, so that documents outside of it may be set or not. *some: false says that `bits`
 * is not made yet, then it is cleared before the first bit is set. An iterator that fills does not
 * seek; it is asked for ascending ranges. Bits from n on are never set. */
MUST_USE enum status posting_iter_fill(struct posting_iter *it, uint32_t first, uint32_t n,
                                       const uint64_t *mask, uint64_t *bits, bool *some,
                                       struct err *err);
/* Blocks of 128 documents that have a bound each; 0 if there are so few documents that none is kept
 * apart from them. */
uint32_t posting_iter_blocks(const struct posting_iter *it);
/* Bounds of blocks [first, first + n): all times are below latest[i] minutes; 0: none has a time,
 * UINT32_MAX: some are beyond year 9999. */
MUST_USE enum status posting_iter_minutes(struct posting_iter *it, uint32_t first, uint32_t n,
                                          uint32_t *latest, struct err *err);
/* The documents of one block, borrowed until the next call; in any order of blocks, by an iterator
 * that neither seeks nor fills. */
MUST_USE enum status posting_iter_block(struct posting_iter *it, uint32_t block,
                                        const uint32_t **docs, uint32_t *n, struct err *err);
/* Positions of the current document, borrowed until the next call. */
MUST_USE enum status posting_iter_positions(struct posting_iter *it, const uint32_t **positions,
                                            uint32_t *n, struct err *err);

#endif
