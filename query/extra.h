/* extra — takes apart the canonical JSON that the indexer kept (what a copy says beyond the known
 * fields, and whole records of other kinds), and makes it harmless to print.
 * Owns: nothing, slices are borrowed.  Threads: any.
 * Trusts: nothing; malformed JSON ends early and never harms. Loops, no recursion. */
#ifndef QUERY_EXTRA_H
#define QUERY_EXTRA_H

#include "lictor/bytes.h"

/* Members of an object or elements of an array, one after the other. */
struct extra_iter {
    struct slice s;
    size_t pos;
    bool object;
};
/* False if `raw` is neither. */
bool extra_begin(struct slice raw, struct extra_iter *it);
/* Raw key (with quotes; empty in arrays) and raw value; false behind the last one. */
bool extra_next(struct extra_iter *it, struct slice *key, struct slice *value);
/* Raw value of a top-level key, which is given without escapes. */
bool extra_find(struct slice object, const char *key, struct slice *value);
/* Decoded bytes of a raw string, appended; lone surrogates as their three bytes. False if it is no
 * string. */
bool extra_string(struct slice raw, struct buf *out);
/* Raw JSON as pure, printable UTF-8: malformed bytes and lone surrogates become U+FFFD, unsafe
 * characters \u escapes. Appends. */
void extra_safe(struct slice raw, struct buf *out);

#endif
