/* Unit tests of timestamp. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lictor/timestamp.h"

static bool parses(const char *text, int64_t local_ms, bool has_offset, int offset_minutes)
{
    struct rfc3339 r;
    return rfc3339_parse(slice_str(text), &r) && r.local_ms == local_ms &&
           r.has_offset == has_offset && r.offset_minutes == offset_minutes;
}

static bool refuses(const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    struct rfc3339 r;
    bool ok = rfc3339_parse(slice_of(exact, len), &r);
    free(exact);
    return !ok;
}

Test(timestamp, civil_time_agrees_with_the_c_library)
{
    for (int64_t s = -62135596800; s <= 253402300799; s += 86400 * 97 + 12345) {
        time_t t = (time_t)s;
        struct tm tm;
        cr_assert_not_null(gmtime_r(&t, &tm));
        struct civil c;
        civil_of(s * 1000 + 7, &c);
        if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday ||
            c.hour != tm.tm_hour || c.minute != tm.tm_min || c.second != tm.tm_sec || c.ms != 7 ||
            civil_weekday(s * 1000) != (tm.tm_wday + 6) % 7 || civil_ms(&c) != s * 1000 + 7)
            cr_assert_fail("differs at %lld", (long long)s);
    }
}

Test(timestamp, every_day_follows_the_one_before)
{
    int64_t want = civil_days(1, 1, 1);
    for (int64_t days = want; days <= civil_days(2500, 1, 1); days++, want++) {
        struct civil c;
        civil_of(days * 86400000, &c);
        if (civil_days(c.year, c.month, c.day) != want)
            cr_assert_fail("day %lld", (long long)days);
    }
    cr_assert_eq(civil_days(1970, 1, 1), 0);
}

Test(timestamp, writes_what_it_reads)
{
    char text[TIME_TEXT_SIZE];
    static const char *const times[] = {"0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z",
                                        "1970-01-01T00:00:00.000Z", "2020-02-29T12:34:56.789Z",
                                        "9999-12-31T23:59:59.999Z"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct rfc3339 r;
        cr_assert(rfc3339_parse(slice_str(times[i]), &r));
        time_text(r.local_ms, text);
        cr_assert_str_eq(text, times[i]);
    }
    cr_assert_eq(TIME_MAX_MS, civil_ms(&(struct civil){9999, 12, 31, 23, 59, 59, 999}));
}

Test(timestamp, writes_a_number_outside_the_years_it_knows)
{
    char text[TIME_TEXT_SIZE];
    time_text(TIME_NONE, text);
    cr_assert_str_eq(text, "-9223372036854775808");
    time_text(TIME_MAX_MS + 1, text);
    cr_assert_str_eq(text, "253402300800000");
}

Test(timestamp, reads_offsets_fractions_and_blanks)
{
    const int64_t at = 1585851791123;
    cr_assert(parses("2020-04-02T18:23:11.123Z", at, true, 0));
    cr_assert(parses("2020-04-02t18:23:11.123z", at, true, 0));
    cr_assert(parses("2020-04-02 18:23:11.123+02:00", at, true, 120));
    cr_assert(parses("2020-04-02T18:23:11.123-05:30", at, true, -330));
    cr_assert(parses("2020-04-02T18:23:11.123456789012345678901234567890Z", at, true, 0));
    cr_assert(parses("2020-04-02T18:23:11.1Z", at - 23, true, 0));
    cr_assert(parses("2020-04-02T18:23:11Z", at - 123, true, 0));
    cr_assert(parses("2020-04-02T18:23:11.123", at, false, 0));
    cr_assert(parses("2016-12-31T23:59:60Z", 1483228799999, true, 0));
}

Test(timestamp, refuses_what_is_no_time)
{
    static const char *const bad[] = {"",
                                      "2020",
                                      "2020-04-02",
                                      "2020-04-02T18:23",
                                      "2020-04-02T18:23:11.",
                                      "2020-04-02T18:23:11.Z",
                                      "2020-04-02T18:23:11+0200",
                                      "2020-04-02T18:23:11+02",
                                      "2020-04-02T18:23:11+24:00",
                                      "2020-04-02T18:23:11+02:60",
                                      "2020-04-02T18:23:11Zx",
                                      "2020-04-02T18:23:11 Z",
                                      "2020-13-02T18:23:11Z",
                                      "2020-00-02T18:23:11Z",
                                      "2020-04-31T18:23:11Z",
                                      "2020-04-00T18:23:11Z",
                                      "2019-02-29T18:23:11Z",
                                      "1900-02-29T18:23:11Z",
                                      "2020-04-02T24:00:00Z",
                                      "2020-04-02T18:60:00Z",
                                      "2020-04-02T18:23:61Z",
                                      "0000-01-01T00:00:00Z",
                                      "-020-04-02T18:23:11Z",
                                      "2020_04-02T18:23:11Z",
                                      "20200-04-02T18:23:11Z",
                                      " 2020-04-02T18:23:11Z",
                                      "0001-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(refuses(bad[i]), "%s", bad[i]);
    cr_assert(parses("2000-02-29T00:00:00Z", 951782400000, true, 0));
}

Test(timestamp, every_truncation_is_refused_or_a_shorter_time)
{
    const char *text = "2020-04-02T18:23:11.123+02:00";
    for (size_t len = 0; len < strlen(text); len++) {
        char part[40] = {0};
        memcpy(part, text, len);
        bool whole = len == 19 || (len > 20 && len <= 23); /* without offset, fraction cut */
        cr_assert_eq(!refuses(part), whole, "%s", part);
    }
}
