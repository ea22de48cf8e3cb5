/* report — the books of an `add`, for people and for scripts.
 * Threads: one. */
#ifndef INDEXER_REPORT_H
#define INDEXER_REPORT_H

#include "indexer/core.h"

/* {"dumps":[…],"totals":{…}} of commands.md. */
void report_json(const struct core *c, struct buf *out);
/* Failures first, one line each with what to do, then the totals. */
void report_text(const struct core *c, struct buf *out);
/* Exit code of an add that came to its end. */
int report_exit(const struct core *c);
/* Was anything of a dump read or settled? If not, books of zeros would say nothing. */
bool report_anything(const struct core *c);
/* What to do about a failure, by its reason code and text. */
const char *report_advice(struct slice reason_code, struct slice text);

#endif
