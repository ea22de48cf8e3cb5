/* test_zone — offsets and wall times, by known transitions. */
#include <criterion/criterion.h>

#include "lictor/zone.h"

static struct err err;

static int64_t at(const char *text)
{
    struct rfc3339 t;
    cr_assert(rfc3339_parse(slice_str(text), &t), "%s", text);
    return t.local_ms;
}

#define HOUR INT64_C(3600000)

static struct zone *opened(const char *name)
{
    struct zone *z = NULL;
    cr_assert_eq(zone_open(name, &z, &err), ST_OK, "%s: %s", name, err.text);
    cr_assert_str_eq(zone_name(z), name);
    return z;
}

Test(zone, knows_utc_and_fixed_offsets)
{
    static const struct {
        const char *name;
        int64_t minutes;
    } fixed[] = {{"UTC", 0},       {"Z", 0},        {"+00:00", 0},    {"+02:00", 120},
                 {"-05:30", -330}, {"+14:00", 840}, {"-12:00", -720}, {"GMT", 0}};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        struct zone *z = opened(fixed[i].name);
        int64_t offset = fixed[i].minutes * 60000, now = at("2020-04-02T18:00:00");
        cr_expect_eq(zone_offset(z, now), offset);
        cr_expect_eq(zone_to_utc(z, now), now - offset);
        zone_close(z);
    }
}

Test(zone, knows_summer_time)
{
    struct zone *z = opened("Europe/Paris");
    cr_expect_eq(zone_offset(z, at("2020-01-15T12:00:00")), HOUR);
    cr_expect_eq(zone_offset(z, at("2020-07-15T12:00:00")), 2 * HOUR);
    cr_expect_eq(zone_offset(z, at("2020-03-29T00:59:59")), HOUR);
    cr_expect_eq(zone_offset(z, at("2020-03-29T01:00:00")), 2 * HOUR);
    cr_expect_eq(zone_to_utc(z, at("2020-07-15T14:00:00")), at("2020-07-15T12:00:00"));
    cr_expect_eq(zone_to_utc(z, at("2020-01-15T13:00:00")), at("2020-01-15T12:00:00"));
    zone_close(z);
}

Test(zone, moves_a_time_that_does_not_exist_forward)
{
    struct zone *z = opened("Europe/Paris");
    cr_expect_eq(zone_to_utc(z, at("2020-03-29T01:59:59")), at("2020-03-29T00:59:59"));
    cr_expect_eq(zone_to_utc(z, at("2020-03-29T02:30:00")), at("2020-03-29T01:30:00"));
    cr_expect_eq(zone_to_utc(z, at("2020-03-29T03:00:00")), at("2020-03-29T01:00:00"));
    zone_close(z);
    /* Midnight itself can be missing. */
    z = opened("Asia/Beirut");
    cr_expect_eq(zone_to_utc(z, at("2020-03-29T00:00:00")), at("2020-03-28T22:00:00"));
    zone_close(z);
    /* Or a whole day. */
    z = opened("Pacific/Apia");
    cr_expect_eq(zone_to_utc(z, at("2011-12-29T23:00:00")), at("2011-12-30T09:00:00"));
    cr_expect_eq(zone_to_utc(z, at("2011-12-31T00:00:00")), at("2011-12-30T10:00:00"));
    zone_close(z);
}

Test(zone, takes_the_first_of_a_time_that_stands_twice)
{
    struct zone *z = opened("Europe/Paris");
    cr_expect_eq(zone_to_utc(z, at("2020-10-25T01:59:59")), at("2020-10-24T23:59:59"));
    cr_expect_eq(zone_to_utc(z, at("2020-10-25T02:30:00")), at("2020-10-25T00:30:00"));
    cr_expect_eq(zone_to_utc(z, at("2020-10-25T03:00:00")), at("2020-10-25T02:00:00"));
    zone_close(z);
    z = opened("America/New_York");
    cr_expect_eq(zone_to_utc(z, at("2020-11-01T01:30:00")), at("2020-11-01T05:30:00"));
    zone_close(z);
}

Test(zone, goes_to_and_fro)
{
    static const char *const names[] = {"Europe/Paris",        "America/New_York",
                                        "Australia/Lord_Howe", "Asia/Kathmandu",
                                        "Africa/Casablanca",   "Pacific/Apia"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *z = opened(names[i]);
        for (int64_t t = at("2009-12-20T00:00:00"); t < at("2012-02-01T00:00:00"); t += 1801000) {
            int64_t local = t + zone_offset(z, t), back = zone_to_utc(z, local);
            /* The same instant, or the earlier one that shows the same time. */
            cr_assert_leq(back, t);
            cr_assert_eq(back + zone_offset(z, back), local, "%s %lld", names[i], (long long)t);
        }
        zone_close(z);
    }
}

Test(zone, refuses_what_is_no_zone)
{
    static const char *const names[] = {
        "",       "Europe/Pari", "europe/paris", "Etc/Unknown", "GMT+2", "UTC+2",
        "+2",     "+0200",       "+24:00",       "+02:60",      "02:00", "+02:00 ",
        "PST",    "BST",         "IST",          "Z0",          "\xff",  "Europe/Paris\n",
        "+2:000", "../etc",      "Mars/Olympus", "-",           "utc"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *z = NULL;
        cr_expect_eq(zone_open(names[i], &z, &err), ST_BAD_INPUT, "%s", names[i]);
        cr_expect_null(z);
    }
    char longer[300];
    memset(longer, 'A', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    struct zone *z = NULL;
    cr_expect_eq(zone_open(longer, &z, &err), ST_BAD_INPUT);
    zone_close(NULL);
}

Test(zone, survives_any_instant)
{
    static const char *const names[] = {"Europe/Paris", "+02:00", "-02:00", "Pacific/Apia"};
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX,
                                    0,         TIME_MAX_MS,   -TIME_MAX_MS};
    for (size_t i = 0; i < 4; i++) {
        struct zone *z = opened(names[i]);
        for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
            int64_t offset = zone_offset(z, times[k]);
            cr_expect(offset > -24 * HOUR && offset < 24 * HOUR);
            (void)zone_to_utc(z, times[k]);
        }
        zone_close(z);
    }
}
