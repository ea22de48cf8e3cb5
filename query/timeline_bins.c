/* timeline_bins — where hours, days, weeks and months begin. A day is [first midnight, first
 * midnight of the next one), as `on:` has it: what the clock shows twice belongs to where it lies
 * between those instants, not to the date it shows. */
#include <stdio.h>

#include "query/timeline.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)

const char *timeline_by_name(enum timeline_by by)
{
    static const char *const names[] = {"hour", "day", "week", "month"};
    return names[by];
}

static int64_t day_floor(int64_t ms)
{
    int64_t rest = ms % DAY_MS;
    return ms - (rest < 0 ? rest + DAY_MS : rest);
}

/* Beginning of the day, week or month of a local time. */
static int64_t local_begin(enum timeline_by by, int64_t local)
{
    struct civil c;
    int64_t day = day_floor(local);
    if (by == BY_WEEK)
        return day - civil_weekday(day) * DAY_MS;
    if (by != BY_MONTH)
        return day;
    civil_of(local, &c);
    return civil_days(c.year, c.month, 1) * DAY_MS;
}

static int64_t local_next(enum timeline_by by, int64_t begin)
{
    struct civil c;
    if (by == BY_WEEK)
        return begin + 7 * DAY_MS;
    if (by != BY_MONTH)
        return begin + DAY_MS;
    civil_of(begin, &c);
    return civil_days(c.month < 12 ? c.year : c.year + 1, c.month < 12 ? c.month + 1 : 1, 1) *
           DAY_MS;
}

void timeline_bin_of(struct zone *zone, enum timeline_by by, int64_t ms, struct timeline_bin *out)
{
    int64_t begin = local_begin(by, ms + zone_offset(zone, ms));
    struct timeline_bin bin = {.from = zone_to_utc(zone, begin),
                               .to = zone_to_utc(zone, local_next(by, begin))};
    while (ms >= bin.to) {
        begin = local_next(by, begin);
        bin.from = bin.to;
        bin.to = zone_to_utc(zone, local_next(by, begin));
    }
    while (ms < bin.from) {
        begin = local_begin(by, begin - 1);
        bin.to = bin.from;
        bin.from = zone_to_utc(zone, begin);
    }
    if (by == BY_HOUR) {
        int64_t end = bin.to;
        bin.from += (ms - bin.from) / HOUR_MS * HOUR_MS;
        bin.to = end - bin.from < HOUR_MS ? end : bin.from + HOUR_MS;
    }
    *out = bin;
}

uint64_t timeline_empty(struct zone *zone, enum timeline_by by, int64_t from, int64_t to,
                        uint64_t max)
{
    struct timeline_bin bin;
    uint64_t n = 0;
    for (; from < to && n < max; n++) {
        timeline_bin_of(zone, by, from, &bin);
        from = bin.to;
    }
    return n;
}

/* The ISO year of a week is that of its Thursday. */
static void week_label(int64_t local, char out[TIMELINE_LABEL_SIZE])
{
    struct civil c;
    int64_t thursday = local_begin(BY_WEEK, local) + 3 * DAY_MS;
    civil_of(thursday, &c);
    int64_t days = thursday / DAY_MS - civil_days(c.year, 1, 1);
    snprintf(out, TIMELINE_LABEL_SIZE, "%04d-W%02d", c.year, (int)(days / 7) + 1);
}

void timeline_label(struct zone *zone, enum timeline_by by, int64_t from,
                    char out[TIMELINE_LABEL_SIZE])
{
    struct civil c;
    int64_t offset = zone_offset(zone, from), minutes = offset < 0 ? -offset : offset;
    minutes /= 60000;
    civil_of(from + offset, &c);
    if (by == BY_WEEK) {
        week_label(from + offset, out);
        return;
    }
    int n = snprintf(out, TIMELINE_LABEL_SIZE, "%04d-%02d", c.year, c.month);
    if (by == BY_MONTH)
        return;
    n += snprintf(out + n, (size_t)(TIMELINE_LABEL_SIZE - n), "-%02d", c.day);
    if (by != BY_HOUR)
        return;
    n += snprintf(out + n, (size_t)(TIMELINE_LABEL_SIZE - n), " %02d:%02d", c.hour, c.minute);
    if (strcmp(zone_name(zone), "UTC") != 0 && strcmp(zone_name(zone), "Z") != 0)
        snprintf(out + n, (size_t)(TIMELINE_LABEL_SIZE - n), " %c%02d:%02d", offset < 0 ? '-' : '+',
                 (int)(minutes / 60), (int)(minutes % 60));
}
