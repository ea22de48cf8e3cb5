/* wild — values given with wildcards: handles, groups, services, sources, dumps, nicknames.
 * A pattern is text in which * stands for any run of code points, also none, ? for one, and \ takes
 * the next sign as it is; all else stands for its bytes. A malformed byte counts as a code point.
 * Owns: nothing.  Threads: any.  Trusts: nothing.
 * Words have patterns of their own (pattern.h): they are folded and of code points; these compare
 * as delivered, byte for byte. */
#ifndef QUERY_WILD_H
#define QUERY_WILD_H

#include "lictor/arena.h"
#include "lictor/bytes.h"

/* A wildcard stands in it that is not escaped. */
bool wild_any(struct slice pattern);
/* Length of the pattern times length of the text at worst. */
bool wild_match(struct slice pattern, struct slice text);
/* The bytes that all it matches begin with, at most `cap` of them; how many. */
size_t wild_head(struct slice pattern, uint8_t *out, size_t cap);
/* Appends the text that a pattern without wildcards stands for: escapes undone. */
void wild_undo(struct slice pattern, struct buf *out);
/* Appends the pattern that stands for `text` alone: escapes made. */
void wild_escape(struct slice text, struct buf *out);
/* A value of a query: literal, or with wildcards. */
static inline bool wild_is(struct slice value, bool wild, struct slice text)
{
    return wild ? wild_match(value, text) : slice_eq(value, text);
}

#endif
