/* device_text — what `sources` and `gaps` share in showing devices and their streams.
 * Owns: nothing; appends.  Threads: one. */
#ifndef QUERY_DEVICE_TEXT_H
#define QUERY_DEVICE_TEXT_H

#include "query/csv.h"
#include "query/devices.h"
#include "query/render.h"

/* The name, its accounts and services, on a line of its own. */
void text_device(struct render *r, const struct device *d, struct buf *out);
/* "live", "stored, epoch 2", "live, without numbers (dump 1a2b3c4d)": which stream of its source.
 */
void text_stream(const struct case_stream *s, struct buf *out);
/* "2020-04-02 20:23:11" in the zone; "no time" for TIME_NONE. */
void text_time(const struct render *r, int64_t ms, struct buf *out);
/* "\n  collected <from> to <to>"; nothing if neither is known. */
void text_collected(const struct render *r, const struct device *d, struct buf *out);
/* "1 hole", "1,234 holes". */
void text_count(uint64_t n, const char *one, const char *many, struct buf *out);
/* source, stage, epoch, and of a stream without numbers the dump it is. */
void json_stream(struct json_out *j, const struct stream_ref *ref);
/* Left out if it is TIME_NONE. */
void json_time(struct json_out *j, const char *key, int64_t ms);
/* source, stage, epoch. */
void csv_stream(struct csv *c, const struct stream_ref *ref);
/* Begins an object of a device: type "source", source, accounts, services if asked, then the totals
 * of a report (records, messages, untimed, first, last, days, holes, missing, silences) and when it
 * was collected. The caller adds what it has besides and ends the object. */
void json_device(struct json_out *j, const struct device *d, const struct device_report *r,
                 bool services);

#endif
