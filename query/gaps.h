/* gaps — what `gaps` shows of one device, for cmd_gaps.c (rows) and gaps_svg.c (the picture).
 * Owns: see gaps_picture_release.  Threads: one. */
#ifndef QUERY_GAPS_H
#define QUERY_GAPS_H

#include "query/device_text.h"

/* A picture of all devices: gathered device by device, drawn at the end. */
struct gaps_picture {
    struct zone *zone;
    struct gaps_row {
        const struct device *device;
        struct timeline_bin *days; /* with records */
        size_t n_days;
        struct gaps_span {    /* a hole or a silence, by days; those that touch are one */
            int64_t from, to; /* both have records */
            bool silence;
        } * spans;
        size_t n_spans, cap_spans;
        uint64_t unplaced; /* holes without a time on both sides */
        uint64_t missing;
    } * rows;
    size_t n, cap;
};
/* The next device; then its holes and silences, then its days. */
MUST_USE enum status gaps_picture_device(struct gaps_picture *p, const struct device *d,
                                         struct err *err);
MUST_USE enum status gaps_picture_hole(struct gaps_picture *p, const struct device_hole *h,
                                       struct err *err);
MUST_USE enum status gaps_picture_silence(struct gaps_picture *p, const struct device_silence *s,
                                          struct err *err);
/* Takes the days of the report. */
void gaps_picture_days(struct gaps_picture *p, struct device_report *r);
/* ST_USAGE where there are more cells than a picture can show. */
MUST_USE enum status gaps_picture_draw(struct gaps_picture *p, struct buf *out, struct err *err);
void gaps_picture_release(struct gaps_picture *p);

#endif
