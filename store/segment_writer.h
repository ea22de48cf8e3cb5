/* segment_writer — the state of a segment or overlay that is being written. 16 bytes and a bit are
 * held for each document, all else goes to its section at once.  Format: docs/FORMAT.md,
 * "Segment". */
#ifndef STORE_SEGMENT_WRITER_H
#define STORE_SEGMENT_WRITER_H

#include "store/segment_private.h"

struct segment_writer {
    struct section_file_writer *file;
    struct sink out;
    struct segment_meta meta;
    bool docs_closed;
    bool keys_closed;
    bool copies_closed;
    uint32_t expected; /* documents announced; 0: terms come after the last document */
    struct buf entry;  /* scratch for one table entry: of documents, and before them of tables */
    /* conversations */
    uint8_t conversation_key[KEY_SIZE];
    uint64_t conversation_off;
    uint32_t conversation_first;
    /* rows and columns */
    struct rows_writer bodies;
    struct copies_writer copies;
    struct arena rows; /* copies that came as bytes */
    uint32_t in_block;
    int64_t sent[COLUMN_BLOCK];
    struct doc_state states[COLUMN_BLOCK];
    uint32_t patch_docs[COLUMN_BLOCK];
    uint32_t last_patch;
    /* one a document, until finish */
    struct key_item *keys;
    uint32_t *minutes;
    uint8_t *hidden; /* bits */
    uint32_t cap;
    struct minute_extra *extra; /* of documents with more than one message */
    size_t n_extra, cap_extra;
    struct postings_writer postings;
    struct lexicon_writer lexicon;
    uint32_t streams_done;
    struct buf seqs; /* scratch */
};

/* Opens over any sink; `file` is set by the caller. For tests, too. */
MUST_USE enum status segment_writer_init(struct segment_writer *w, const uint8_t *base,
                                         struct err *err);
void segment_writer_release(struct segment_writer *w);
/* Writes all that is left, the meta section last. */
MUST_USE enum status segment_writer_close(struct segment_writer *w, struct err *err);

#endif
