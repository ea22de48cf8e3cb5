/* times — when each document of the case was sent, and of what kind it is, for those who meet
 * documents in an order of their own (streams jump from conversation to conversation: the columns
 * of a segment would be decoded again for each).
 * Owns: 4 bytes and two bits a document, TIMES_DOCS_MAX documents at most; in a larger case the
 * columns are asked. Made when first asked for.  Threads: one. */
#ifndef QUERY_TIMES_H
#define QUERY_TIMES_H

#include "query/view.h"

#define TIMES_DOCS_MAX ((uint64_t)1 << 28) /* a gigabyte */

struct case_times {
    struct view *v;
    uint32_t **seconds;  /* per segment: second since 1970 + 1; 0 no time; UINT32_MAX: ask */
    uint8_t **other;     /* per segment: bit a document, no message */
    uint8_t **keepalive; /* per segment: bit a document, a sign of life */
};
MUST_USE enum status case_times_load(struct view *v, struct case_times *out, struct err *err);
void case_times_release(struct case_times *t);
/* Milliseconds, exact to the second; TIME_NONE if untimed. */
MUST_USE enum status case_times_second(struct case_times *t, uint32_t segment, uint32_t doc,
                                       int64_t *ms, struct err *err);
/* To the millisecond. */
MUST_USE enum status case_times_exact(struct case_times *t, uint32_t segment, uint32_t doc,
                                      int64_t *ms, struct err *err);
static inline bool case_times_other(const struct case_times *t, uint32_t segment, uint32_t doc)
{
    return (t->other[segment][doc / 8] >> doc % 8 & 1) != 0;
}
static inline bool case_times_keepalive(const struct case_times *t, uint32_t segment, uint32_t doc)
{
    return (t->keepalive[segment][doc / 8] >> doc % 8 & 1) != 0;
}

#endif
