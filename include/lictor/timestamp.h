/* timestamp — instants as milliseconds since 1970 UTC, and their written form (RFC 3339).
 * Proleptic Gregorian, years 1 to 9999.  Threads: any. */
#ifndef LICTOR_TIMESTAMP_H
#define LICTOR_TIMESTAMP_H

#include "lictor/bytes.h"

#define TIME_NONE INT64_MIN
#define TIME_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define TIME_TEXT_SIZE 32

struct civil {
    int year, month, day, hour, minute, second, ms; /* month and day from 1 */
};

/* Days since 1970-01-01 of a civil date. */
int64_t civil_days(int year, int month, int day);
/* Milliseconds of a civil time taken as UTC. */
int64_t civil_ms(const struct civil *c);
/* The civil time of `ms` taken as UTC. */
void civil_of(int64_t ms, struct civil *out);
/* 0 Monday … 6 Sunday. */
int civil_weekday(int64_t ms);

struct rfc3339 {
    int64_t local_ms;   /* as written, taken as UTC */
    bool has_offset;    /* "Z" or "+hh:mm" was there */
    int offset_minutes; /* UTC = local - offset */
};

/* "2020-04-02T18:23:11.123+02:00"; also a blank or 't' for 'T', 'z', fractions of any length (cut
 * to ms), leap second :60 (read as :59.999), no offset. False if malformed or out of range. */
bool rfc3339_parse(struct slice s, struct rfc3339 *out);
/* "2020-04-02T18:23:11.123Z"; `ms` in years 1..9999, else a decimal number. */
void time_text(int64_t ms, char out[TIME_TEXT_SIZE]);

#endif
