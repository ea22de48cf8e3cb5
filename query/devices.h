/* devices — the sources of the case (devices and servers): their streams, what the dump lines say
 * of them, and one pass over their records that finds what is missing, where they were silent, and
 * on which days they have records. Owns: `devices` owns all it gives.  Threads: one.  Trusts:
 * nothing. Memory: what is in a report, and case_times. */
#ifndef QUERY_DEVICES_H
#define QUERY_DEVICES_H

#include "query/streams.h"
#include "query/timeline.h"
#include "query/times.h"

struct device_dump { /* as the ledger has it last */
    struct slice source, name, stage, epoch, account, service, reason_code;
    uint8_t sha256[SHA256_SIZE];
    uint8_t state; /* enum dump_state */
    bool superseded;
    uint64_t records;
    int64_t collected_from, collected_to; /* TIME_NONE: not said */
    uint64_t order;
};
struct device {
    struct slice source;
    const struct case_stream *streams;
    size_t n_streams;
    const struct device_dump *dumps;
    size_t n_dumps;
    const struct slice *accounts, *services; /* distinct, by bytes */
    size_t n_accounts, n_services;
    int64_t collected_from, collected_to; /* of all its dumps; TIME_NONE: none says it */
};
struct devices {
    struct view *v;
    struct case_streams streams;
    struct device *all; /* by source */
    size_t n;
    uint64_t nameless; /* dumps of the ledger whose source is not known: they could not be opened */
    struct arena a;
};
MUST_USE enum status devices_load(struct view *v, struct devices *out, struct err *err);
void devices_release(struct devices *d);
/* True if the pattern is empty or names the source or one of its accounts. */
bool device_matches(const struct device *d, struct slice pattern);

/* ---- one device ---- */

struct device_hole { /* numbers that no record of the case has */
    const struct case_stream *stream;
    uint64_t after_seq, before_seq; /* before_seq: meaningless at the end */
    uint64_t missing;
    bool at_end; /* `end.last_seq` is beyond the last number */
    bool alone;  /* at the end of a stream without records: after_seq means nothing */
    const char *why;
    int64_t after, before; /* when the records on both sides were sent; TIME_NONE: not known */
};
/* A time longer than SILENCE_FACTOR times the interval that the keepalive before it promises, in
 * which the stream has no record: between two keepalives that follow each other by number, records
 * between them count by their times. */
#define SILENCE_FACTOR 2
struct device_silence {
    const struct case_stream *stream;
    int64_t from, to;
    uint64_t interval_s;
    uint64_t after_seq, before_seq; /* of the keepalives around it */
    uint64_t missing;               /* numbers missing between these: loss, not silence */
    bool again;                     /* not the first between these: the same numbers are missing */
};
struct device_visitor {
    enum status (*hole)(void *ctx, const struct device_hole *h, struct err *err);
    enum status (*silence)(void *ctx, const struct device_silence *s, struct err *err);
    /* After all of a stream's. */
    enum status (*stream)(void *ctx, const struct case_stream *s, uint64_t holes, uint64_t missing,
                          uint64_t silences, struct err *err);
    void *ctx;
};
struct device_report {
    uint64_t records, messages; /* of these: messages, each record of one */
    uint64_t untimed;
    uint64_t holes, missing, silences;
    int64_t first, last;  /* TIME_NONE: no record has a time */
    struct timeline days; /* finished */
};
/* `times` from case_times_load. Any function of the visitor may be NULL. */
MUST_USE enum status device_report(struct devices *d, const struct device *dev,
                                   struct case_times *times, const struct device_visitor *visit,
                                   struct device_report *out, struct err *err);
void device_report_release(struct device_report *r);

/* Sum that stays at UINT64_MAX: numbers reach 2^63 - 1. */
static inline uint64_t count_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#endif
