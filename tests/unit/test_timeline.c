/* test_timeline — bins are a partition of time in every zone, days are those of `on:`, and counts
 * go where a plain search of the bins puts them. */
#include <criterion/criterion.h>

#include "query/lang.h"
#include "query/timeline.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static struct err err;

/* Half-hour changes, a day that was skipped, changes at midnight, offsets with seconds. */
static const char *const zones[] = {"UTC",
                                    "Europe/Paris",
                                    "Australia/Lord_Howe",
                                    "Pacific/Apia",
                                    "America/Havana",
                                    "Asia/Kolkata",
                                    "America/Sao_Paulo",
                                    "Africa/Monrovia",
                                    "Asia/Gaza",
                                    "+05:45",
                                    "America/Toronto"};
#define N(a) (sizeof a / sizeof *a)

static struct zone *zone_of(const char *name)
{
    struct zone *z = NULL;
    cr_assert_eq(zone_open(name, &z, &err), ST_OK, "%s: %s", name, err.text);
    return z;
}

static uint64_t seed = 1;
static int64_t random_below(int64_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(seed >> 16) % n;
}

Test(timeline, bins_are_a_partition_in_every_zone)
{
    for (size_t i = 0; i < N(zones); i++) {
        struct zone *z = zone_of(zones[i]);
        for (unsigned by = BY_HOUR; by <= BY_MONTH; by++)
            for (int k = 0; k < 2000; k++) {
                /* Mostly 1970 to 2033, some to 9999. */
                int64_t t = 1 + random_below(k % 8 ? INT64_C(2000000000000) : TIME_MAX_MS);
                struct timeline_bin b, same, next, before;
                timeline_bin_of(z, by, t, &b);
                cr_assert(b.from <= t && t < b.to, "%s by %u at %lld: [%lld, %lld)", zones[i], by,
                          (long long)t, (long long)b.from, (long long)b.to);
                timeline_bin_of(z, by, b.from, &same);
                timeline_bin_of(z, by, b.to, &next);
                timeline_bin_of(z, by, b.from - 1, &before);
                cr_assert(same.from == b.from && same.to == b.to, "%s by %u", zones[i], by);
                cr_assert(next.from == b.to && before.to == b.from, "%s by %u at %lld", zones[i],
                          by, (long long)t);
                cr_assert(by != BY_HOUR || b.to - b.from <= HOUR);
                cr_assert(by != BY_DAY ||
                              (b.to - b.from >= 22 * HOUR && b.to - b.from <= 26 * HOUR),
                          "%s at %lld", zones[i], (long long)t);
            }
        zone_close(z);
    }
}

Test(timeline, hours_follow_each_other_through_the_changes_of_a_year)
{
    static const char *const changing[] = {"Australia/Lord_Howe", "America/Havana"};
    for (size_t i = 0; i < N(changing); i++) {
        struct zone *z = zone_of(changing[i]);
        struct timeline_bin b, next;
        unsigned shorter = 0;
        timeline_bin_of(z, BY_HOUR, INT64_C(1577836800000), &b);
        for (int k = 0; k < 366 * 24; k++, b = next) {
            timeline_bin_of(z, BY_HOUR, b.to, &next);
            cr_assert(next.from == b.to && next.to > next.from && next.to - next.from <= HOUR,
                      "%s at %lld", changing[i], (long long)b.to);
            timeline_bin_of(z, BY_HOUR, b.to - 1, &next);
            cr_assert(next.from == b.from && next.to == b.to, "%s at %lld", changing[i],
                      (long long)b.to);
            shorter += b.to - b.from < HOUR;
            timeline_bin_of(z, BY_HOUR, b.to, &next);
        }
        cr_assert_eq(shorter, i == 0 ? 2 : 0); /* Lord Howe changes by half an hour */
        zone_close(z);
    }
}

Test(timeline, days_and_months_are_those_of_on)
{
    for (size_t i = 0; i < N(zones); i++) {
        struct zone *z = zone_of(zones[i]);
        for (int k = 0; k < 500; k++) {
            char label[TIMELINE_LABEL_SIZE];
            struct timeline_bin b;
            int64_t from, to;
            for (unsigned by = BY_DAY; by <= BY_MONTH; by += 2) {
                timeline_bin_of(z, by, 1 + random_below(INT64_C(2000000000000)), &b);
                timeline_label(z, by, b.from, label);
                cr_assert_null(parse_time(slice_str(label), z, &from, &to), "%s", label);
                cr_assert(from == b.from && to == b.to, "%s in %s", label, zones[i]);
            }
        }
        zone_close(z);
    }
}

Test(timeline, days_have_23_and_25_hours)
{
    struct zone *z = zone_of("Europe/Paris");
    struct timeline_bin b;
    timeline_bin_of(z, BY_DAY, INT64_C(1585443600000), &b); /* 2020-03-29 */
    cr_assert_eq(b.to - b.from, 23 * HOUR);
    cr_assert_eq(timeline_empty(z, BY_HOUR, b.from, b.to, 100), 23);
    timeline_bin_of(z, BY_DAY, INT64_C(1603584000000), &b); /* 2020-10-25 */
    cr_assert_eq(b.to - b.from, 25 * HOUR);
    cr_assert_eq(timeline_empty(z, BY_HOUR, b.from, b.to, 100), 25);
    zone_close(z);
}

Test(timeline, names_weeks_by_the_year_of_their_thursday)
{
    static const struct {
        int64_t at;
        const char *label;
    } known[] = {
        {INT64_C(1577836800000), "2020-W01"}, /* 2020-01-01, a Wednesday */
        {INT64_C(1609459200000), "2020-W53"}, /* 2021-01-01, a Friday */
        {INT64_C(1230681600000), "2009-W01"}, /* 2008-12-31 */
        {INT64_C(1262476800000), "2009-W53"}, /* 2010-01-03 */
        {1, "1970-W01"},
    };
    struct zone *z = zone_of("UTC");
    for (size_t i = 0; i < N(known); i++) {
        char label[TIMELINE_LABEL_SIZE];
        struct timeline_bin b;
        timeline_bin_of(z, BY_WEEK, known[i].at, &b);
        timeline_label(z, BY_WEEK, b.from, label);
        cr_assert_str_eq(label, known[i].label);
    }
    zone_close(z);
}

Test(timeline, counts_where_a_plain_search_puts_them)
{
    for (size_t i = 0; i < N(zones); i++) {
        struct zone *z = zone_of(zones[i]);
        struct timeline t;
        uint64_t untimed = 0, timed = 0, sum = 0;
        cr_assert_eq(timeline_init(&t, z, BY_HOUR, 16, &err), ST_OK);
        static int64_t at[5000];
        for (size_t k = 0; k < N(at); k++) {
            at[k] = k % 50 ? INT64_C(1585000000000) + random_below(40 * DAY)
                           : (const int64_t[]){0, -5, TIME_NONE, TIME_MAX_MS + 1}[k / 50 % 4];
            cr_assert_eq(timeline_add(&t, at[k], 1 + k % 3, &err), ST_OK);
            *(k % 50 ? &timed : &untimed) += 1 + k % 3;
        }
        timeline_finish(&t);
        cr_assert_eq(t.timed, timed);
        cr_assert_eq(t.untimed, untimed);
        for (size_t b = 0; b < t.n; b++) {
            uint64_t n = 0;
            for (size_t k = 0; k < N(at); k++)
                n += at[k] >= t.bins[b].from && at[k] < t.bins[b].to ? 1 + k % 3 : 0;
            cr_assert_eq(n, t.bins[b].count, "%s: bin %zu", zones[i], b);
            cr_assert(b == 0 || t.bins[b - 1].to <= t.bins[b].from);
            sum += n;
        }
        cr_assert_eq(sum, timed);
        timeline_release(&t);
        zone_close(z);
    }
}
