/* timeline — how many messages each hour, day, week or month has.
 * Hours, days, weeks (ISO: from Monday) and months are those of a zone; a bin is [from, to) in UTC
 * and begins where `on:` begins it, so a day has 23 or 25 hours where the clock changes. Hours
 * count from the beginning of their day. Owns: a timeline owns its bins.  Threads: one.  Trusts:
 * nothing. Memory: 40 bytes a bin that is not empty, TIMELINE_BINS_MAX of them at most. */
#ifndef QUERY_TIMELINE_H
#define QUERY_TIMELINE_H

#include "query/view.h"

enum timeline_by { BY_HOUR, BY_DAY, BY_WEEK, BY_MONTH };
const char *timeline_by_name(enum timeline_by by);

#define TIMELINE_BINS_MAX 4000000u

struct timeline_bin {
    int64_t from, to; /* [from, to), UTC */
    uint64_t count;
};

struct timeline {
    struct zone *zone;
    enum timeline_by by;
    struct timeline_bin *bins; /* by `from` once finished */
    size_t n, cap;
    uint32_t *slots; /* bin + 1 by hash of `from` */
    size_t n_slots;
    struct timeline_hour *hours; /* hours seen lately that lie in one bin whole */
    size_t n_hours;
    uint64_t timed, untimed; /* messages with and without a time */
    uint64_t most;           /* in one bin; once finished */
};

/* `hours`: how many hours are remembered (16 bytes each): TIMELINE_HOURS for times that jump, few
 * for times that go up. */
#define TIMELINE_HOURS 65536u /* seven years */
MUST_USE enum status timeline_init(struct timeline *t, struct zone *zone, enum timeline_by by,
                                   size_t hours, struct err *err);
void timeline_release(struct timeline *t);
/* ST_USAGE where the bins become too many. */
MUST_USE enum status timeline_add(struct timeline *t, int64_t sent, uint64_t messages,
                                  struct err *err);
/* What no query restricts, from the minutes that segments have counted; if a bin begins within a
 * minute, by looking at every document. `untimed` is left to the caller. */
MUST_USE enum status timeline_add_all(struct timeline *t, struct view *v, struct err *err);
/* Sorts the bins. */
void timeline_finish(struct timeline *t);

/* The bin that holds `ms`, count 0. */
void timeline_bin_of(struct zone *zone, enum timeline_by by, int64_t ms, struct timeline_bin *out);
/* Empty bins in [from, to), which are beginnings of bins: at most `max` are counted. */
uint64_t timeline_empty(struct zone *zone, enum timeline_by by, int64_t from, int64_t to,
                        uint64_t max);
/* "2020-04-02 18:00 +02:00", "2020-04-02", "2020-W14", "2020-04"; the offset only where the zone is
 * not UTC. */
#define TIMELINE_LABEL_SIZE 48
void timeline_label(struct zone *zone, enum timeline_by by, int64_t from,
                    char out[TIMELINE_LABEL_SIZE]);

#endif
