/* terms — the terms under which a document is found: its fields, then its words, as a forward list
 * of ids of the maker's own vocabulary. Owns: splitter, vocabulary, list.  Threads: one maker a
 * thread. */
#ifndef INDEXER_TERMS_H
#define INDEXER_TERMS_H

#include "indexer/vocab.h"
#include "lictor/content.h"
#include "lictor/record.h"
#include "lictor/sha256.h"
#include "lictor/term.h"
#include "lictor/words.h"

#define TOKEN_SAME UINT32_C(0x80000000) /* stands at its predecessor's position */

/* Terms on their way to the vocabulary. */
struct term_batch {
    size_t n;
    struct slice terms[VOCAB_BATCH];
    uint32_t marks[VOCAB_BATCH];
    struct term bytes[VOCAB_BATCH];
};

struct term_maker {
    struct splitter *splitter;
    struct sha256 sha;
    struct record_reader *reader; /* for the canonical records of other kinds */
    struct vocab vocab;
    struct grown tokens; /* uint32_t: id | TOKEN_SAME */
    struct term_batch batch;
    struct term id; /* the service id of the last document; len 0 if it has none */
};

/* How many tokens of a document are fields (without position), and how many words follow. */
struct term_counts {
    uint32_t fields, words;
};

MUST_USE enum status term_maker_init(struct term_maker *m, struct err *err);
void term_maker_release(struct term_maker *m);
/* Appends the tokens of one document, but for its service id: ids are nearly all different, and
 * would fill the vocabulary for nothing. `handle` of a contact and `of`, `who` of an event are read
 * from its canonical record. */
MUST_USE enum status term_maker_add(struct term_maker *m, const struct content *c, uint16_t flags,
                                    struct term_counts *counts, struct err *err);

#endif
