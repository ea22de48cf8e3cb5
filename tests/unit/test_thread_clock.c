/* test_thread_clock — query/thread_clock.c: a conversation by clocks made by hand. */
#include "conversation_testing.h"

static struct devices devices;
static struct clocks clocks;
static struct device_clock all[4];
static struct clock_piece pieces[4][2];

/* Sources p, q, r, s; a has p, b has q. */
#define HELD(who, other, s, words, src, n)                                                         \
    {                                                                                              \
        .from = who, .to = other, .text = words, .sent = (s) ? DAY + (s)*1000 : 0, .copies = {     \
            {.source = src, .seq = n, .account = who}                                              \
        }                                                                                          \
    }
#define BY_A(s, words, n) HELD("a", "b", s, words, "p", n)
#define BY_B(s, words, n) HELD("b", "a", s, words, "q", n)

static void begin(void)
{
    setup();
    memset(all, 0, sizeof all);
    memset(pieces, 0, sizeof pieces);
    by_clocks = NULL;
}

static void end(void)
{
    if (v.cf)
        devices_release(&devices);
    teardown();
}

TestSuite(thread_clock, .init = begin, .fini = end);

/* The clock of p is ahead by `first`, and from `at` on by `second`. */
static void clocks_make(int64_t first, int64_t at, int64_t second, int64_t grain)
{
    struct err err = {0};
    look();
    cr_assert_eq(devices_load(&v, &devices, &err), ST_OK, "%s", err.text);
    cr_assert(devices.n <= 4);
    for (size_t i = 0; i < devices.n; i++) {
        bool is_p = slice_eq_str(devices.all[i].source, "p");
        pieces[i][0] = (struct clock_piece){INT64_MIN, is_p ? first : 0, 100, true};
        pieces[i][1] = (struct clock_piece){DAY + at * 1000, second, 100, true};
        all[i] = (struct device_clock){pieces[i], is_p && at ? 2 : 1, 100, grain};
    }
    clocks = (struct clocks){.all = all, .n = devices.n, .stamps = STAMPS_SENDER};
    clocks.devices = &devices;
    clocks.most_ahead = first > second ? first : second;
    clocks.most_ahead = clocks.most_ahead < 0 ? 0 : clocks.most_ahead;
    clocks.most_behind = first < second ? -first : -second;
    clocks.most_behind = clocks.most_behind < 0 ? 0 : clocks.most_behind;
    by_clocks = &clocks;
}

Test(thread_clock, turns_round_what_a_clock_that_is_ahead_stamped)
{
    SEGMENT(BY_A(10, "one", 1), BY_A(12, "three", 2), BY_A(14, "five", 3));
    SEGMENT(BY_B(1, "two", 1), BY_B(3, "four", 2), BY_B(100, "six", 3));
    clocks_make(10000, 0, 0, 1);
    cr_assert_str_eq(show(0, 0), "one/corrected two three/corrected four five/corrected six");
    by_clocks = NULL;
    cr_assert_str_eq(show(0, 0), "two four one three five six");
}

Test(thread_clock, turns_round_what_a_clock_that_is_behind_stamped)
{
    SEGMENT(BY_A(1, "two", 1), BY_A(3, "four", 2), BY_B(10, "one", 1), BY_B(12, "three", 2));
    clocks_make(-10000, 0, 0, 1);
    cr_assert_str_eq(show(0, 0), "one two/corrected three four/corrected");
}

Test(thread_clock, changes_with_the_pieces_of_a_clock)
{
    SEGMENT(BY_A(1, "one", 1), BY_B(2, "two", 1), BY_A(103, "three", 2), BY_B(4, "four", 2),
            BY_A(105, "five", 3));
    clocks_make(0, 50, 100000, 1);
    cr_assert_str_eq(show(0, 0), "one two three/corrected four five/corrected");
}

Test(thread_clock, keeps_the_order_of_a_source_that_stamps_whole_seconds)
{
    SEGMENT(BY_A(5, "a1", 1), BY_A(5, "a2", 2), BY_A(6, "a3", 3), BY_B(5, "b1", 1));
    clocks_make(400, 0, 0, 1000);
    cr_assert_str_eq(show(0, 0), "a1 a2 b1 a3", "less than half of what it stamps is nothing");
    for (size_t i = 0; i < devices.n; i++)
        pieces[i][0].ahead_ms = slice_eq_str(devices.all[i].source, "p") ? 600 : 0;
    cr_assert_str_eq(show(0, 0), "a1/corrected a2/corrected b1 a3/corrected");
}

Test(thread_clock, leaves_stamps_of_a_service)
{
    SEGMENT(BY_A(10, "two", 1), BY_B(1, "one", 1));
    clocks_make(10000, 0, 0, 1);
    clocks.stamps = STAMPS_SERVICE;
    clocks.most_ahead = 0;
    cr_assert_str_eq(show(0, 0), "one two");
}

Test(thread_clock, places_untimed_records_by_corrected_delivery)
{
    SEGMENT(BY_B(1, "one", 1), BY_B(3, "three", 2),
            {.from = "b",
             .to = "a",
             .text = "two",
             .copies = {{.source = "p", .seq = 1, .account = "a", .delivered = DAY + 102000}}});
    clocks_make(100000, 0, 0, 1);
    cr_assert_str_eq(show(0, 0), "one two/delivered three");
}

Test(thread_clock, takes_limits_for_stamps)
{
    SEGMENT(BY_A(10, "one", 1), BY_A(12, "three", 2), BY_B(1, "two", 1), BY_B(3, "four", 2));
    clocks_make(10000, 0, 0, 1);
    cr_assert_str_eq(show(5, 12), "one/corrected");
}

Test(thread_clock, shows_around_a_message_a_piece_of_the_whole)
{
    static char whole[1 << 12];
    static const char *const names[] = {"m0", "m1", "m2", "m3", "m4",  "m5",
                                        "m6", "m7", "m8", "m9", "m10", "m11"};
    struct spec specs[12];
    for (int i = 0; i < 12; i++)
        specs[i] = (struct spec){.from = i % 2 ? "a" : "b",
                                 .to = i % 2 ? "b" : "a",
                                 .text = names[i],
                                 .sent = DAY + (i + (i % 2 ? 7 : 0)) * 1000,
                                 .copies = {{.source = i % 2 ? "p" : "q",
                                             .seq = (uint64_t)i + 1,
                                             .account = i % 2 ? "a" : "b"}}};
    put_segment(specs, 12);
    clocks_make(7000, 0, 0, 1);
    (void)snprintf(whole, sizeof whole, "%s", show(0, 0));
    for (int i = 0; i < 12; i++)
        for (uint64_t n = 0; n < 13; n++) {
            size_t shown = 1;
            const char *around = show_around(names[i], 1, n);
            cr_assert(strstr(whole, around), "%s is not in %s", around, whole);
            for (const char *p = around; *p; p++)
                shown += *p == ' ';
            size_t before = (uint64_t)i < n ? (size_t)i : (size_t)n;
            size_t behind = (uint64_t)(11 - i) < n ? (size_t)(11 - i) : (size_t)n;
            size_t gaps = 0;
            for (const char *p = around; *p; p++)
                gaps += *p == '[';
            cr_assert_eq(shown - gaps, before + 1 + behind, "%s: %s", names[i], around);
        }
}

/* Clocks off by anything: every record once, by corrected times. */
Test(thread_clock, gives_every_record_once_whatever_clocks_say)
{
    static const int64_t off[] = {
        INT64_C(-200000000000000), -1, 1, 86400000, INT64_C(1585999990000),
        INT64_C(200000000000000)};
    SEGMENT(BY_A(1, "a1", 1), BY_A(2, "a2", 2), BY_B(1, "b1", 1), BY_B(2, "b2", 2));
    SEGMENT(BY_A(3, "a3", 3), BY_B(3, "b3", 3));
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        int n = 1;
        clocks_make(off[i], 0, 0, 1);
        for (const char *p = show(0, 0); *p; p++)
            n += *p == ' ';
        cr_assert_eq(n, 6, "%s", line);
        devices_release(&devices);
        view_close(&v);
        v = (struct view){0};
    }
}
