/* ground — what every question about a segment needs and no question changes: which documents are
 * out of range, which bodies are sealed, and between which minutes the documents of a block were
 * sent. Read window by window, when first asked for, and kept. Owns: its arrays: at most 3 bits a
 * document and 16 bytes a block of 128.  Threads: one. */
#ifndef QUERY_GROUND_H
#define QUERY_GROUND_H

#include "query/bits.h"
#include "query/view.h"

#define WINDOW_DOCS 65536u
#define WINDOW_WORDS ((size_t)WINDOW_DOCS / 64)
#define COLUMN_DOCS 128u /* segment_sent_bounds speaks for so many */
#define WINDOW_COLUMNS (WINDOW_DOCS / COLUMN_DOCS)

/* Documents [first, first + docs) of a segment; all windows but the last have WINDOW_DOCS. */
struct doc_window {
    uint32_t first, docs;
    size_t words;
};
struct doc_window window_at(uint32_t first, uint32_t docs_of_segment);

struct ground;
/* Of a segment of the view; kept by the view. */
MUST_USE enum status ground_of(struct view *v, uint32_t segment, struct ground **out,
                               struct err *err);
void grounds_free(struct view *v);

/* Documents of the window that are out of range. Borrowed. */
MUST_USE enum status ground_hidden(struct ground *g, const struct doc_window *w,
                                   struct doc_bits *out, struct err *err);
/* Messages of the window whose bodies are sealed and not opened. Borrowed. */
MUST_USE enum status ground_sealed(struct ground *g, const struct doc_window *w,
                                   struct doc_bits *out, struct err *err);
/* Bounds of the window's blocks of COLUMN_DOCS, as by segment_sent_times. Borrowed. */
MUST_USE enum status ground_times(struct ground *g, const struct doc_window *w,
                                  const int64_t **earliest, const int64_t **latest,
                                  struct err *err);

#endif
