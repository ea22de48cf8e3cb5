/* thread_day — a conversation a day at a time: which day is meant, and which days with records
 * stand before and behind it. Days are civil days of the zone, as `on:` has them. Owns: nothing.
 * Threads: one. */
#ifndef QUERY_THREAD_DAY_H
#define QUERY_THREAD_DAY_H

#include "query/render.h"
#include "query/timeline.h"

/* What --day asked for, and what was found beside it. */
struct thread_day {
    char label[TIMELINE_LABEL_SIZE];
    int64_t before, behind; /* records with a time next to the day; TIME_NONE: none */
};

/* "2020-04-02", or `first` or `last`: of all conversations named by keys; or `hit`: the day of the
 * record at `hit` (NULL: none). Draws the limits in to it. ST_USAGE where it is none of these;
 * ST_NOT_FOUND where the conversations have no record with a time, or the hit has none. */
MUST_USE enum status thread_day_pick(struct view *v, const char *asked, const struct buf *keys,
                                     const struct message_ref *hit, struct thread_limits *limits,
                                     struct thread_day *out, struct err *err);
/* Takes note of what stands outside the limits of `t`. */
MUST_USE enum status thread_day_note(struct thread_day *d, struct thread *t, struct err *err);
/* "Earlier: --day 2020-04-01; later: --day 2020-04-04." */
void thread_day_words(const struct thread_day *d, struct zone *zone, struct buf *out);
/* The same for machines: `day`, `day_before`, `day_after`. */
void thread_day_summary(const struct thread_day *d, struct zone *zone, struct summary *sum);

#endif
