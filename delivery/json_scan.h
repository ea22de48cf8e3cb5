/* json_scan — finds where the JSON values of one line end, strictly after RFC 8259, and decodes
 * strings. It judges syntax and nesting only; what a key means is record_read.c's business.
 * Owns: nothing, every slice borrows the line.  Threads: any.  Trusts: nothing. */
#ifndef DELIVERY_JSON_SCAN_H
#define DELIVERY_JSON_SCAN_H

#include "lictor/record.h"

#define JSON_ESCAPED 1u /* has a backslash */
#define JSON_HIGH 2u    /* has a byte above 0x7f */

enum json_verdict {
    JSON_GOOD,
    JSON_BAD,
    JSON_DEEP, /* nested deeper than RECORD_NESTING_MAX */
};

static inline const uint8_t *json_white_end(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* First byte at or behind p that ends a run of plain string bytes: a quote, a backslash or a
 * control character; `end` if none. Adds JSON_HIGH to *marks for bytes before it. The first is the
 * one to use, the second its portable twin. */
const uint8_t *json_plain_end(const uint8_t *p, const uint8_t *end, unsigned *marks);
const uint8_t *json_plain_end_word(const uint8_t *p, const uint8_t *end, unsigned *marks);

/* p stands behind the opening quote; the closing quote, or NULL if the string is malformed. */
const uint8_t *json_string_end(const uint8_t *p, const uint8_t *end, unsigned *marks);

/* *p stands at the first byte of a value inside `depth` open containers and moves behind it.
 * *marks is set for strings, else 0. Iterative; linear. */
enum json_verdict json_value_end(const uint8_t **p, const uint8_t *end, unsigned depth,
                                 unsigned *marks);

/* Decodes the inside of a string that json_string_end accepted: at most body.len bytes are
 * written. Surrogate pairs combine, lone surrogates become their three bytes. */
size_t json_string_decode(struct slice body, uint8_t *out);

/* Walks the members of an object or the items of an array that json_value_end accepted. */
struct json_walk {
    const uint8_t *p, *end;
    bool object;
};
struct json_member {
    struct slice name; /* inside the quotes, still escaped; empty in an array */
    unsigned name_marks;
    struct slice raw;
    unsigned marks;
};
struct json_walk json_walk_of(struct slice raw);
bool json_walk_next(struct json_walk *w, struct json_member *m);

#endif
