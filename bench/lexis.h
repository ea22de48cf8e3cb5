/* lexis — the tables behind gen_text: syllables of each script, the words and emoji that are
 * counted, and the needles.
 * Owns: a lexis owns its tables.  Threads: read-only once made. */
#ifndef BENCH_LEXIS_H
#define BENCH_LEXIS_H

#include "bench/gen.h"

#define LEXIS_TABLE 256 /* slots found by (script, rank) */
#define SYLLABLES_MAX 256
#define LEXIS_EMOJI 24
#define LEXIS_EMOJI_COUNTED 3

struct syllable {
    char bytes[11];
    uint8_t len;
};

struct syllables {
    struct syllable plain[SYLLABLES_MAX];
    struct syllable *marked; /* the same with diacritics, NULL if there are none */
    uint32_t n;
    bool spaces, cased;
};

struct lexis {
    struct syllables scripts[SCRIPTS];
    struct {
        uint32_t key; /* 0 free */
        uint8_t slot;
    } table[LEXIS_TABLE];
    struct {
        char query[40];
        const char *script;
    } slots[SLOTS];
    int pairs[PAIRS][2], phrases[PHRASES][2];
    unsigned n_slots, n_pairs, n_phrases, first_emoji, first_needle, n_needles;
    bool ascii;
};

/* The first LEXIS_EMOJI_COUNTED stand in no other one. */
extern const char *const lexis_emoji[LEXIS_EMOJI];

static inline uint32_t lexis_key(unsigned script, uint32_t rank)
{
    return (script << 20 | rank) + 1;
}

/* Appends the word of that rank (from 0). */
void lexis_word(const struct lexis *l, unsigned script, uint32_t rank, struct text *t);

#endif
