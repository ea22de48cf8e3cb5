/* pattern — words given by a wildcard, by a number of edits or by a regular expression.
 * A folded pattern is compared with folded words, an exact one with words as written. Lexicons hold
 * folded words only, and of very long ones only the beginning: pattern_may says whether such a word
 * can be of a matching one, pattern_match decides where the text is at hand.
 * Owns: a pattern borrows the arena and owns the compiled expression; see pattern_free_all.
 * Threads: one at a time.  Trusts: nothing; a match is bounded, see PATTERN_STEPS.
 * Cost of a match: wildcards length x length of the pattern at worst, edits and expressions about
 * length, and PATTERN_STEPS more. */
#ifndef QUERY_PATTERN_H
#define QUERY_PATTERN_H

#include "lictor/arena.h"
#include "lictor/words.h"

#define PATTERN_MAX 1000      /* bytes of one as written */
#define PATTERN_FUZZY_MAX 200 /* code points of a word with ~1 or ~2 */
#define PATTERN_STEPS                                                                              \
    10000 /* of backtracking a regular expression has, and 16 a byte of the word */

enum pattern_kind { PATTERN_WILD, PATTERN_FUZZY, PATTERN_REGEX };

struct pattern;

/* Those of one query, each once (pattern_set.c). Zero to begin; its memory is the maker's arena. */
struct pattern_set {
    struct pattern *all;    /* linked */
    struct pattern **slots; /* by a hash; NULL: free */
    size_t n_slots, n;
};
struct pattern_maker {
    struct arena *arena;
    struct splitter *splitter;
    struct pattern_set *set;
};
/* Give the pattern of the set that is equal, or a new one, whose text must live as long as the set.
 * The functions return ST_BAD_INPUT with what is wrong in *err and where in [*from, *to) of
 * `text`. */
struct pattern_fault {
    size_t from, to;
};
/* `text` with * and ?; \ takes the next sign as it is. */
MUST_USE enum status pattern_wild(const struct pattern_maker *m, struct slice text, bool exact,
                                  struct pattern **out, struct pattern_fault *fault,
                                  struct err *err);
/* Words within `edits` (1, 2) of `word`: insertions, deletions, substitutions, transpositions of
 * neighbours (optimal string alignment) of code points. */
MUST_USE enum status pattern_fuzzy(const struct pattern_maker *m, struct slice word, unsigned edits,
                                   bool exact, struct pattern **out, struct pattern_fault *fault,
                                   struct err *err);
/* `text` between the slashes: PCRE2, the whole word. */
MUST_USE enum status pattern_regex(const struct pattern_maker *m, struct slice text, bool exact,
                                   struct pattern **out, struct pattern_fault *fault,
                                   struct err *err);
/* Frees what the patterns hold outside the arena. */
void pattern_free_all(struct pattern_set *set);
/* From 0 in its set; whether it was asked for more than once. */
size_t pattern_number(const struct pattern *p);
bool pattern_stands_again(const struct pattern *p);

/* What one search of a query may cost by comparing words of lexicons with its patterns. Free are
 * PATTERN_FREE_WALKS walks a segment; others cost a unit a word, and any so many units as an
 * expression is slow, of PATTERN_RUNG steps each. */
#define PATTERN_FREE_WALKS 64
#define PATTERN_BUDGET ((uint64_t)1 << 26)
#define PATTERN_RUNG 256
struct pattern_budget {
    uint64_t segments; /* looked at so far */
    uint64_t walks, spent;
};
/* One walk; ST_LIMIT where the budget is spent. */
MUST_USE enum status pattern_charge(struct pattern_budget *b, uint64_t words, uint64_t slow,
                                    struct err *err);
/* Units that its expression was slow so far; 0 for other kinds. */
uint64_t pattern_slow(const struct pattern *p);

enum pattern_kind pattern_kind(const struct pattern *p);
bool pattern_exact(const struct pattern *p);
/* Every word matches. */
bool pattern_any(const struct pattern *p);
/* Folded bytes that each matching word begins with, folded; may be empty. */
struct slice pattern_prefix(const struct pattern *p);
/* Exactly the words that begin with pattern_prefix match. */
bool pattern_is_prefix(const struct pattern *p);

/* Whether a word of a text, whole and as written, matches. ST_LIMIT: an expression that takes too
 * many steps; *err names both. */
MUST_USE enum status pattern_match(const struct pattern *p, struct slice folded,
                                   struct slice written, bool *yes, struct err *err);

/* Folded words in ascending order, one after the other: what they share is not compared again. */
struct pattern_walk {
    const struct pattern *pattern;
    struct buf last;            /* the word before */
    uint8_t *rows;              /* PATTERN_FUZZY: a row of distances a code point */
    uint16_t *ends;             /* where the code points of `last` end */
    size_t depth, dead, rows_n; /* rows that hold; first row without hope; rows there are */
};
MUST_USE enum status pattern_walk_init(struct pattern_walk *w, const struct pattern *p,
                                       struct err *err);
void pattern_walk_release(struct pattern_walk *w);
/* Whether a word with these folded bytes may match; for a folded pattern: does. */
MUST_USE enum status pattern_walk_may(struct pattern_walk *w, struct slice folded, bool *yes,
                                      struct err *err);

#endif
