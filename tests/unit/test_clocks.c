/* test_clocks — query/clock_*.c: clocks from delays, with jumps and outliers made by hand. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "dice.h"
#include "query/clocks.h"

#define BEGIN INT64_C(1586000000000)
#define HOUR INT64_C(3600000)
#define DEVICES_MOST 40

struct world {
    struct clock_seen *seen;
    size_t n, cap;
    size_t devices;
    bool service; /* stamps true times */
    int64_t ahead[DEVICES_MOST], later[DEVICES_MOST], jump_at[DEVICES_MOST];
};

static struct world w;
static struct clocks c;

static int64_t die(int64_t sides)
{
    return dice((uint32_t)(sides > UINT32_MAX ? UINT32_MAX : sides));
}

static void setup(void)
{
    w = (struct world){.devices = 3};
    for (size_t i = 0; i < DEVICES_MOST; i++)
        w.jump_at[i] = INT64_MAX;
}

static void teardown(void)
{
    free(w.seen);
    clocks_release(&c);
}

TestSuite(clocks, .init = setup, .fini = teardown);

static int64_t shown(size_t device, int64_t t)
{
    return t + (t < w.jump_at[device] ? w.ahead[device] : w.later[device]);
}

static void see(size_t by, size_t at, int64_t sent, int64_t delivered)
{
    if (w.n == w.cap) {
        w.cap = w.cap ? 2 * w.cap : 1024;
        w.seen = realloc(w.seen, w.cap * sizeof *w.seen);
        cr_assert(w.seen);
    }
    w.seen[w.n++] = (struct clock_seen){(uint32_t)by, (uint32_t)at, sent, delivered};
}

/* Delays of 0.2 s and more, most of them short. */
static void message(size_t by, size_t at, int64_t t)
{
    int64_t delay = 200 + die(4000) + (die(5) == 0 ? die(600000) : 0);
    see(by, at, w.service ? t : shown(by, t), shown(at, t + delay));
}

static void talk(size_t a, size_t b, size_t messages, int64_t every)
{
    for (size_t i = 0; i < messages; i++) {
        int64_t t = BEGIN + (int64_t)i * every + die(every);
        if (i % 2)
            message(a, b, t);
        else
            message(b, a, t);
    }
}

static void fit(void)
{
    struct err err = {0};
    cr_assert_eq(clocks_fit(w.seen, w.n, w.devices, &c, &err), ST_OK, "%s", err.text);
    cr_assert_eq(c.n, w.devices);
}

/* The difference of two clocks at an instant, which both must be known at. */
static int64_t apart(size_t a, size_t b, int64_t t)
{
    int64_t x, y;
    cr_assert(clock_ahead(&c.all[a], shown(a, t), &x), "clock %zu is not known", a);
    cr_assert(clock_ahead(&c.all[b], shown(b, t), &y), "clock %zu is not known", b);
    return x - y;
}

static void expect_apart(size_t a, size_t b, int64_t t)
{
    int64_t want = (shown(a, t) - t) - (shown(b, t) - t), got = apart(a, b, t);
    cr_assert(llabs(got - want) <= 1000, "clocks %zu and %zu: %lld ms, not %lld", a, b,
              (long long)got, (long long)want);
}

Test(clocks, are_told_apart_by_twenty_messages_between_two)
{
    w.devices = 2;
    w.ahead[0] = 120000;
    w.ahead[1] = -45000;
    talk(0, 1, 20, HOUR);
    fit();
    cr_assert_eq(c.stamps, STAMPS_SENDER);
    expect_apart(0, 1, BEGIN + HOUR);
}

Test(clocks, are_given_against_the_middle_one)
{
    w.ahead[2] = 7200000;
    talk(0, 1, 60, HOUR);
    talk(1, 2, 60, HOUR);
    talk(0, 2, 60, HOUR);
    fit();
    int64_t ahead;
    cr_assert(clock_ahead(&c.all[0], BEGIN, &ahead));
    cr_assert(llabs(ahead) <= 1000);
    cr_assert(clock_ahead(&c.all[2], BEGIN, &ahead));
    cr_assert(llabs(ahead - 7200000) <= 1000, "%lld", (long long)ahead);
    cr_assert(llabs(c.most_ahead - 7200000) <= 1000);
    cr_assert(c.most_behind <= 1000);
}

/* Only one device was asked for: of the others no more is known than what they have with it. */
Test(clocks, are_not_right_for_having_most_messages)
{
    int64_t ahead;
    w.devices = 8;
    w.ahead[0] = -3600000;
    for (size_t i = 1; i < w.devices; i++)
        talk(0, i, 40, HOUR);
    fit();
    cr_assert(clock_ahead(&c.all[0], BEGIN, &ahead));
    cr_assert(llabs(ahead + 3600000) <= 1000, "%lld", (long long)ahead);
}

Test(clocks, are_compared_through_others)
{
    w.devices = 10;
    for (size_t i = 0; i < w.devices; i++)
        w.ahead[i] = (int64_t)i * 61000 - 200000;
    for (size_t i = 0; i + 1 < w.devices; i++)
        talk(i, i + 1, 200, HOUR / 2);
    fit();
    for (size_t i = 0; i + 1 < w.devices; i++)
        expect_apart(i, i + 1, BEGIN + HOUR);
}

Test(clocks, are_not_known_from_few_messages)
{
    int64_t ahead;
    talk(0, 1, CLOCK_LEAST - 1, HOUR);
    fit();
    cr_assert(!clock_ahead(&c.all[0], BEGIN, &ahead));
    cr_assert(!clock_ahead(&c.all[2], BEGIN, &ahead));
}

Test(clocks, are_cut_where_one_jumps)
{
    w.devices = 4;
    w.later[1] = 600000;
    w.jump_at[1] = BEGIN + 50 * HOUR;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = i + 1; k < 4; k++)
            talk(i, k, 120, HOUR);
    fit();
    cr_assert_eq(c.all[1].n, 2u);
    cr_assert_eq(c.all[0].n, 1u, "who stays is not cut");
    cr_assert(llabs(c.all[1].pieces[1].from - w.jump_at[1]) < HOUR, "%lld",
              (long long)(c.all[1].pieces[1].from - w.jump_at[1]));
    for (size_t i = 0; i < 4; i++) {
        expect_apart(1, i, BEGIN + 20 * HOUR);
        expect_apart(1, i, BEGIN + 80 * HOUR);
    }
}

Test(clocks, jump_back_too_and_each_at_its_time)
{
    w.devices = 5;
    w.ahead[3] = 90000;
    w.later[3] = -30000;
    w.jump_at[3] = BEGIN + 30 * HOUR;
    w.ahead[4] = -5000;
    w.later[4] = 400000;
    w.jump_at[4] = BEGIN + 80 * HOUR;
    for (size_t i = 0; i < 5; i++)
        for (size_t k = i + 1; k < 5; k++)
            talk(i, k, 150, HOUR);
    fit();
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(c.all[i].n, 1u);
    for (size_t i = 0; i < 4; i++) {
        expect_apart(3, i, BEGIN + 10 * HOUR);
        expect_apart(4, i, BEGIN + 50 * HOUR);
        expect_apart(4, i, BEGIN + 120 * HOUR);
    }
}

/* One phone is off for a night, and gets 30 messages at once in the morning. */
Test(clocks, do_not_jump_where_a_phone_was_off)
{
    int64_t night = BEGIN + 40 * HOUR, morning = night + 9 * HOUR;
    talk(0, 1, 80, HOUR / 2);
    for (int i = 0; i < 30; i++)
        see(0, 1, night + die(8 * HOUR), morning + die(20000));
    for (int i = 0; i < 80; i++) {
        int64_t t = morning + 60000 + i * HOUR / 2;
        message((size_t)i % 2, 1 - (size_t)i % 2, t);
    }
    fit();
    cr_assert_eq(c.all[1].n, 1u);
    expect_apart(0, 1, BEGIN + HOUR);
}

Test(clocks, are_not_moved_by_one_message_in_twenty)
{
    w.ahead[1] = 30000;
    talk(0, 1, 400, HOUR / 4);
    for (size_t i = 0; i < w.n; i += 40)
        w.seen[i].delivered = i % 80 ? w.seen[i].delivered - 3 * HOUR : 1;
    fit();
    cr_assert_eq(c.all[1].n, 1u);
    expect_apart(0, 1, BEGIN + HOUR);
}

Test(clocks, know_stamps_of_a_service_and_correct_none)
{
    w.devices = 6;
    w.service = true;
    for (size_t i = 0; i < 6; i++)
        w.ahead[i] = (int64_t)i * 40000 - 70000;
    w.later[2] = 900000;
    w.jump_at[2] = BEGIN + 60 * HOUR;
    for (size_t i = 0; i < 6; i++)
        for (size_t k = i + 1; k < 6; k++)
            talk(i, k, 120, HOUR);
    fit();
    cr_assert_eq(c.stamps, STAMPS_SERVICE);
    cr_assert_eq(c.all[2].n, 2u);
    for (size_t i = 0; i < 6; i++) {
        int64_t ahead;
        cr_assert(clock_ahead(&c.all[i], BEGIN + HOUR, &ahead));
        cr_assert(llabs(ahead - w.ahead[i]) <= 1000, "%zu: %lld", i, (long long)ahead);
        cr_assert(!clocks_correction(&c, i, BEGIN + HOUR, &ahead));
    }
    cr_assert_eq(c.most_ahead, 0);
}

/* What a sender's own copy says of its own clock does not hide whose stamps they are. */
Test(clocks, tell_stamps_of_senders_by_their_own_copies)
{
    w.devices = 2;
    w.ahead[1] = 3000;
    for (int service = 0; service < 2; service++) {
        w.n = 0;
        w.service = service;
        talk(0, 1, 200, HOUR);
        for (int i = 0; i < 60; i++)
            message((size_t)i % 2, (size_t)i % 2, BEGIN + i * HOUR);
        fit();
        cr_assert_eq(c.stamps, service ? STAMPS_SERVICE : STAMPS_SENDER);
        clocks_release(&c);
    }
}

Test(clocks, correct_coarse_stamps_by_whole_units)
{
    int64_t ahead;
    w.devices = 2;
    w.ahead[0] = 150000;
    talk(0, 1, 200, HOUR);
    for (size_t i = 0; i < w.n; i++)
        w.seen[i].sent -= w.seen[i].sent % 60000;
    fit();
    cr_assert_eq(c.all[0].grain, 60000);
    cr_assert_eq(c.all[1].grain, 60000);
    int64_t sum = 0;
    if (clocks_correction(&c, 0, BEGIN, &ahead)) {
        cr_assert_eq(ahead % 60000, 0);
        sum += ahead;
    }
    if (clocks_correction(&c, 1, BEGIN, &ahead)) {
        cr_assert_eq(ahead % 60000, 0);
        sum -= ahead;
    }
    cr_assert(sum == 120000 || sum == 180000, "%lld", (long long)sum);
}

/* One device that all others write to: its series is long, its steps are many. */
Test(clocks, end_soon_where_one_device_has_most, .timeout = 60)
{
    w.devices = DEVICES_MOST;
    for (int64_t i = 0; i < 400000; i++)
        see((size_t)(1 + i % 39), 0, BEGIN + i * 1000, BEGIN + i * 1000 + (i / 37 % 9) * 20000);
    fit();
    cr_assert_leq(c.all[0].n, (size_t)CLOCK_PIECES_MOST);
}

/* Anything at all: it ends, and what it says is within what it saw. */
Test(clocks, survive_any_times)
{
    for (int round = 0; round < 60; round++) {
        w.n = 0;
        w.devices = 1 + (size_t)die(DEVICES_MOST);
        size_t n = (size_t)die(3000);
        for (size_t i = 0; i < n; i++) {
            int64_t top = die(3) ? 1 + die(100000) : TIME_MAX_MS;
            see((size_t)die((int64_t)w.devices), (size_t)die((int64_t)w.devices), 1 + die(top),
                1 + die(top));
        }
        fit();
        for (size_t i = 0; i < c.n; i++) {
            cr_assert(c.all[i].n >= 1 && c.all[i].n <= CLOCK_PIECES_MOST);
            cr_assert_eq(c.all[i].pieces[0].from, INT64_MIN);
            for (size_t k = 1; k < c.all[i].n; k++)
                cr_assert(c.all[i].pieces[k].from > c.all[i].pieces[k - 1].from);
        }
        clocks_release(&c);
    }
}
