/* test_times — times of a query in zones whose clocks change: days of 23 and 25 hours, days without
 * midnight, hours that are skipped or come twice. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "query/lang.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct zone *zone;
static struct err err;

static void in(const char *name)
{
    zone_close(zone);
    cr_assert_eq(zone_open(name, &zone, &err), ST_OK, "%s", err.text);
}

static void teardown(void) { zone_close(zone); }

TestSuite(times, .fini = teardown);

/* "2020-03-29T01:00" in UTC */
static int64_t utc(const char *text)
{
    int y, mo, d, h, mi;
    cr_assert_eq(sscanf(text, "%d-%d-%dT%d:%d", &y, &mo, &d, &h, &mi), 5);
    return civil_days(y, mo, d) * DAY + h * HOUR + mi * MINUTE;
}

static struct lang_span span_of(const char *text)
{
    struct lang_span span = {0};
    const char *wrong = parse_span(slice_str(text), zone, &span);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return span;
}

static void is(const char *text, const char *from, const char *to, int64_t again)
{
    struct lang_span span = span_of(text);
    cr_expect(span.from == utc(from) && span.to == utc(to) && span.again == again,
              "%s in %s: from %+lld min, to %+lld min, again %lld", text, zone_name(zone),
              (long long)(span.from - utc(from)) / MINUTE, (long long)(span.to - utc(to)) / MINUTE,
              (long long)span.again);
}

Test(times, know_days_of_23_and_25_hours)
{
    in("Europe/Paris");
    is("2020-03-29", "2020-03-28T23:00", "2020-03-29T22:00", 0);
    is("2020-10-25", "2020-10-24T22:00", "2020-10-25T23:00", 0);
    is("2020-03", "2020-02-29T23:00", "2020-03-31T22:00", 0);
    is("2020", "2019-12-31T23:00", "2020-12-31T23:00", 0);
    in("America/New_York");
    is("2020-03-08", "2020-03-08T05:00", "2020-03-09T04:00", 0);
    is("2020-11-01", "2020-11-01T04:00", "2020-11-02T05:00", 0);
    in("Asia/Kolkata"); /* never changes */
    is("2020-03-29", "2020-03-28T18:30", "2020-03-29T18:30", 0);
    is("2020-10-25T02:30", "2020-10-24T21:00", "2020-10-24T21:01", 0);
}

Test(times, know_days_without_midnight_and_with_two)
{
    in("America/Sao_Paulo");
    is("2018-11-04", "2018-11-04T03:00", "2018-11-05T02:00", 0);
    is("2018-11-03", "2018-11-03T03:00", "2018-11-04T03:00", 0);
    is("2018-11-04T01:00", "2018-11-04T03:00", "2018-11-04T03:01", 0);
    is("2018-02-17", "2018-02-17T02:00", "2018-02-18T03:00", 0); /* 25 hours: 23 h comes twice */
    in("Asia/Beirut");
    is("2020-03-29", "2020-03-28T22:00", "2020-03-29T21:00", 0);
    is("2020-10-24", "2020-10-23T21:00", "2020-10-24T22:00", 0);
    in("America/Havana"); /* at one o'clock it is midnight again */
    is("2020-10-31", "2020-10-31T04:00", "2020-11-01T04:00", 0);
    is("2020-11-01", "2020-11-01T04:00", "2020-11-02T05:00", 0);
}

Test(times, take_what_clocks_skip_for_the_moment_they_skip_it)
{
    in("Europe/Paris");
    is("2020-03-29T02", "2020-03-29T01:00", "2020-03-29T01:00", 0);
    is("2020-03-29T02:30", "2020-03-29T01:00", "2020-03-29T01:00", 0);
    is("2020-03-29T03", "2020-03-29T01:00", "2020-03-29T02:00", 0);
    is("2020-03-29T01:59", "2020-03-29T00:59", "2020-03-29T01:00", 0);
    in("Australia/Lord_Howe"); /* half an hour: of 2 o'clock only its second half is there */
    is("2020-10-04T02", "2020-10-03T15:30", "2020-10-03T16:00", 0);
    in("Pacific/Apia"); /* a whole day is missing */
    is("2011-12-30", "2011-12-30T10:00", "2011-12-30T10:00", 0);
    is("2011-12-31", "2011-12-30T10:00", "2011-12-31T10:00", 0);
}

Test(times, mean_both_where_clocks_show_a_time_twice)
{
    in("Europe/Paris");
    is("2020-10-25T02", "2020-10-25T00:00", "2020-10-25T02:00", 0);
    is("2020-10-25T02:30", "2020-10-25T00:30", "2020-10-25T00:31", HOUR);
    is("2020-10-25T02:00", "2020-10-25T00:00", "2020-10-25T00:01", HOUR);
    is("2020-10-25T02:59", "2020-10-25T00:59", "2020-10-25T01:00", HOUR);
    is("2020-10-25T03:00", "2020-10-25T02:00", "2020-10-25T02:01", 0);
    is("2020-10-25T01:59", "2020-10-24T23:59", "2020-10-25T00:00", 0);
    is("2020-10-25T02:30+01:00", "2020-10-25T01:30", "2020-10-25T01:31", 0);
    is("2020-10-25T02:30Z", "2020-10-25T02:30", "2020-10-25T02:31", 0);
    struct lang_span span = span_of("2020-10-25T02:30");
    cr_expect(lang_span_has(&span, utc("2020-10-25T00:30")));
    cr_expect(lang_span_has(&span, utc("2020-10-25T01:30")));
    cr_expect_not(lang_span_has(&span, utc("2020-10-25T00:31")));
    cr_expect_not(lang_span_has(&span, utc("2020-10-25T01:31")));
    cr_expect_not(lang_span_has(&span, utc("2020-10-25T01:29")));
    in("America/New_York");
    is("2020-11-01T01", "2020-11-01T05:00", "2020-11-01T07:00", 0);
    is("2020-11-01T01:15", "2020-11-01T05:15", "2020-11-01T05:16", HOUR);
}

/* Each minute of the days around a change belongs to exactly the day and hour that clocks show. */
static void covers(const char *name, const char *from, int hours)
{
    in(name);
    for (int64_t at = utc(from), end = at + hours * HOUR; at < end; at += MINUTE) {
        char day[40], hour[60], minute[80];
        int64_t local = at + zone_offset(zone, at);
        struct civil c;
        civil_of(local, &c);
        (void)snprintf(day, sizeof day, "%04d-%02d-%02d", c.year, c.month, c.day);
        (void)snprintf(hour, sizeof hour, "%sT%02d", day, c.hour);
        (void)snprintf(minute, sizeof minute, "%s:%02d", hour, c.minute);
        const char *const forms[] = {day, hour, minute};
        for (size_t i = 0; i < 3; i++) {
            struct lang_span span = span_of(forms[i]);
            cr_assert(lang_span_has(&span, at), "%s in %s", forms[i], name);
        }
    }
}

Test(times, cover_all_that_clocks_show)
{
    covers("Europe/Paris", "2020-03-28T12:00", 30);
    covers("Europe/Paris", "2020-10-24T12:00", 30);
    covers("America/Sao_Paulo", "2018-11-03T20:00", 12);
    covers("America/Sao_Paulo", "2018-02-17T20:00", 12);
    covers("Asia/Beirut", "2020-10-24T18:00", 10);
    covers("Australia/Lord_Howe", "2020-04-04T12:00", 10);
    covers("Pacific/Apia", "2011-12-30T04:00", 12);
}
