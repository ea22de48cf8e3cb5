/* words_of — the words of the case that a word or pattern stands for, and how many messages have
 * each: messages, notes and edits, as a search for the word counts them.
 * Owns: a list owns its words.  Threads: one.  Trusts: nothing read from disk.
 * Memory: the words kept; with a limit, of twice as many as are wanted. WORDS_OF_BYTES at most,
 * then ST_LIMIT. Cost: one walk of the lexicons; where a segment hides records or has repeats, also
 * the postings of each word. */
#ifndef QUERY_WORDS_OF_H
#define QUERY_WORDS_OF_H

#include "query/lang.h"

#define WORDS_OF_BYTES ((size_t)1 << 30)

struct word_count {
    uint64_t messages;
    struct slice word; /* folded */
};
struct words_of {
    struct word_count *rows; /* most messages first, then by word */
    size_t n;                /* at most the limit */
    uint64_t total;          /* words that match */
    struct buf bytes;        /* what `word` points into */
};
/* Of an exact pattern: the words that may be it, for their text decides. limit >= 1; UINT64_MAX:
 * all. */
MUST_USE enum status words_of_find(struct view *v, const struct text_part *part, uint64_t limit,
                                   struct words_of *out, struct err *err);
void words_of_release(struct words_of *w);

#endif
