/* csv — one row at a time of RFC 4180, every field in quotes. A spreadsheet takes what begins with
 * = + - @ for a formula: such fields get an apostrophe in front. What could act on a terminal is
 * shown as cli_safe shows it.
 * Owns: the field being gathered, until csv_row_end.  Threads: one. */
#ifndef QUERY_CSV_H
#define QUERY_CSV_H

#include "lictor/content.h"

struct csv {
    struct buf *out;
    struct buf field; /* gathered raw; put as CSV at its end */
    bool any;
};

/* Ends the field: what stands in it, and an empty one if nothing does. */
void csv_end(struct csv *c);
/* Adds to a field whose items are joined by "; ". */
void csv_item(struct csv *c, struct slice s);
void csv_row_end(struct csv *c);

/* Whole fields. */
void csv_field(struct csv *c, struct slice s);
void csv_str(struct csv *c, const char *s);
void csv_uint(struct csv *c, uint64_t n);
void csv_hex(struct csv *c, const uint8_t id[KEY_SIZE]);
void csv_time(struct csv *c, int64_t ms); /* empty for TIME_NONE */

#endif
