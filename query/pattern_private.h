/* pattern_private — what a pattern is inside: pattern.c (common, wildcards), pattern_fuzzy.c,
 * pattern_regex.c.
 * Owns: see pattern.h.  Threads: one at a time. */
#ifndef QUERY_PATTERN_PRIVATE_H
#define QUERY_PATTERN_PRIVATE_H

#include "query/pattern.h"

/* Signs of a wildcard pattern beside code points. */
#define GLOB_ONE 0x110000u /* ? */
#define GLOB_RUN 0x110001u /* * */

struct glob {
    const uint32_t *signs;
    size_t n;
};

struct fuzzy {
    const uint32_t *codes;
    size_t n;
    unsigned edits;
    /* Exact ones: at least `common` code points of `folded` stand in a folded word in their order
     * (longest common subsequence); 0: nothing is known. */
    const uint32_t *folded;
    size_t folded_n, common;
};

struct pattern {
    enum pattern_kind kind;
    bool exact, any, is_prefix;
    struct slice prefix;
    struct slice text; /* as given, for messages */
    struct glob glob;  /* PATTERN_WILD: of folded words, or of words as written */
    struct glob may;   /* exact, PATTERN_WILD: of the folded words it can match */
    struct fuzzy fuzzy;
    void *regex; /* struct regex of pattern_regex.c */
    size_t number;
    bool again; /* it stands more than once in the query */
    struct pattern *next;
};

/* The one of the set that is equal, NULL if there is none. `edits`: 0 but for PATTERN_FUZZY. */
struct pattern *pattern_find(const struct pattern_maker *m, enum pattern_kind kind,
                             struct slice text, bool exact, unsigned edits);
/* One that pattern_find did not find, and will not before it is said to be good; NULL without
 * memory. */
struct pattern *pattern_new(const struct pattern_maker *m, enum pattern_kind kind,
                            struct slice text, bool exact, unsigned edits);
void pattern_found_good(const struct pattern_maker *m, struct pattern *p);
/* Code points of `s` in the arena, malformed bytes as UTF8_BAD. */
MUST_USE enum status codes_of(struct arena *a, struct slice s, const uint32_t **out, size_t *n,
                              struct err *err);

/* One row of distances from the two before; true if an entry is within the edits. A row has n + 1
 * entries that stop at edits + 1. `before` NULL: there is none. */
bool fuzzy_row(const struct fuzzy *f, const uint8_t *before, const uint8_t *last, uint32_t before_c,
               uint32_t c, uint8_t *row);
bool fuzzy_match(const struct fuzzy *f, struct slice word);
/* Exact ones: whether a folded word can be of a match. */
bool fuzzy_may(const struct fuzzy *f, struct slice folded);

MUST_USE enum status regex_match(const struct pattern *p, struct slice word, bool *yes,
                                 struct err *err);
void regex_free(void *regex);
uint64_t regex_slow(const void *regex);

#endif
