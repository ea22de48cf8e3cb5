/* test_conversation — query/thread_*.c: one conversation out of all segments, its order, its holes,
 * its limits, and what stands around a message. */
#include "conversation_testing.h"

TestSuite(conversation, .init = setup, .fini = teardown);

/* ---- order ---- */

Test(conversation, merges_segments_by_time)
{
    SEGMENT(MSG(5, "five", "p", 5), MSG(1, "one", "p", 1), OTHER(2, "not mine", "p", 2));
    SEGMENT(MSG(3, "three", "p", 3), MSG(4, "four", "p", 4), MSG(9, "nine", "q", 1));
    look();
    cr_assert_str_eq(show(0, 0), "one three four five nine");
}

Test(conversation, orders_equal_times_by_the_least_copy_of_all_segments)
{
    SEGMENT(MSG(1, "third", "p", 3), MSG(1, "first", "p", 1));
    SEGMENT(MSG(1, "second", "p", 2), MSG(1, "fourth", "q", 1));
    look();
    cr_assert_str_eq(show(0, 0), "first second third fourth");
}

Test(conversation, shows_every_message_of_a_repeated_content)
{
    SEGMENT({.from = "a",
             .to = "b",
             .text = "ok",
             .sent = DAY + 1000,
             .copies = {{.source = "p", .seq = 1},
                        {.source = "p", .seq = 3},
                        {.source = "q", .seq = 1}}},
            MSG(1, "well", "p", 2));
    look();
    cr_assert_str_eq(show(0, 0), "ok well ok");
}

Test(conversation, places_untimed_records_by_delivery_then_by_number_then_last)
{
    SEGMENT(MSG(1, "one", "p", 1), MSG(0, "after one", "p", 2), MSG(3, "three", "p", 3),
            MSG(0, "at the end", "p", 9), MSG(0, "alone", "r", 4), MSG(0, "also after one", "p", 3),
            {.from = "a",
             .to = "b",
             .text = "delivered at two",
             .copies = {{.source = "p", .seq = 8, .delivered = DAY + 2000}}});
    look();
    cr_assert_str_eq(show(0, 0), "one after one/seq also after one/seq [3-8:4] "
                                 "delivered at two/delivered three at the end/seq alone/seq");
}

Test(conversation, places_an_untimed_record_before_the_first_that_follows_in_any_stream)
{
    SEGMENT({.from = "a",
             .to = "b",
             .text = "u",
             .copies = {{.source = "p", .seq = 5}, {.source = "q", .seq = 1}}},
            MSG(1, "one", "p", 4), MSG(2, "two", "q", 2), MSG(3, "three", "p", 6));
    look();
    cr_assert_str_eq(show(0, 0), "one u/seq two three");
}

/* ---- holes ---- */

Test(conversation, shows_a_hole_once_between_two_of_its_records)
{
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "two", "p", 4), MSG(3, "three", "p", 5));
    look();
    cr_assert_str_eq(show(0, 0), "one [1-4:2] two three");
}

Test(conversation, does_not_take_numbers_of_other_conversations_for_holes)
{
    SEGMENT(MSG(1, "one", "p", 1), OTHER(2, "x", "p", 2), OTHER(2, "y", "p", 3),
            MSG(2, "two", "p", 5));
    SEGMENT(OTHER(1, "z", "p", 4));
    look();
    cr_assert_str_eq(show(0, 0), "one two");
}

Test(conversation, shows_holes_between_other_records_in_its_middle)
{
    SEGMENT(MSG(1, "one", "p", 1), OTHER(2, "x", "p", 10), MSG(2, "two", "p", 20));
    look();
    cr_assert_str_eq(show(0, 0), "one [1-10:8] [10-20:9] two");
}

Test(conversation, leaves_out_holes_before_its_first_and_behind_its_last_record)
{
    SEGMENT(OTHER(1, "x", "p", 1), MSG(2, "one", "p", 5), MSG(3, "two", "p", 6),
            OTHER(4, "y", "p", 9));
    look();
    cr_assert_str_eq(show(0, 0), "one two");
}

Test(conversation, shows_a_hole_before_the_first_record_shown_with_a_greater_number)
{
    /* The clock of the handset was wrong: number 9 is shown before number 2. */
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "nine", "p", 9), MSG(3, "two", "p", 2),
            MSG(4, "ten", "p", 10));
    look();
    cr_assert_str_eq(show(0, 0), "one [2-9:6] nine two ten");
}

Test(conversation, keeps_the_holes_of_streams_apart)
{
    SEGMENT({.from = "a",
             .to = "b",
             .text = "one",
             .sent = DAY + 1000,
             .copies = {{.source = "p", .seq = 1}, {.source = "q", .seq = 7}}},
            {.from = "a",
             .to = "b",
             .text = "two",
             .sent = DAY + 2000,
             .copies = {{.source = "p", .seq = 3}, {.source = "q", .seq = 9}}},
            MSG(3, "three", "q", 10));
    look();
    cr_assert_str_eq(show(0, 0), "one [1-3:1] [7-9:1] two three");
}

Test(conversation, survives_the_greatest_numbers)
{
    SEGMENT(MSG(1, "one", "p", 0), MSG(2, "two", "p", INT64_MAX));
    look();
    cr_assert_str_eq(show(0, 0), "one [0-9223372036854775807:9223372036854775806] two");
}

Test(conversation, shows_what_is_missing_at_the_end_of_a_stream)
{
    made_streams.end_last_seq = 6;
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "two", "p", 2), OTHER(1, "x", "q", 1));
    look();
    cr_assert_str_eq(show(0, 0), "one two [2-:4]");
    cr_assert_str_eq(show(0, 2), "one");
}

static const char *why_of(void)
{
    struct thread t;
    struct thread_item it;
    struct thread_limits limits = {.after = INT64_MIN, .before = INT64_MAX};
    const char *why = "none";
    uint8_t key[KEY_SIZE];
    key_of("a,b", key);
    cr_assert_eq(thread_open(&v, key, &limits, &t, NULL), ST_OK);
    while (thread_next(&t, &it, NULL) == ST_OK)
        if (it.is_gap)
            why = it.gap.why;
    thread_close(&t);
    return why;
}

Test(conversation, says_that_a_hole_was_not_delivered)
{
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "two", "p", 4));
    look();
    cr_assert_str_eq(why_of(), "not-delivered");
}

Test(conversation, says_that_a_hole_was_left_out_by_order)
{
    made_streams.selection = true;
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "two", "p", 4));
    look();
    cr_assert_str_eq(why_of(), "selection");
}

Test(conversation, says_that_a_hole_comes_from_a_partial_dump)
{
    made_streams.partial = true;
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "two", "p", 4));
    look();
    cr_assert_str_eq(why_of(), "partial-dump");
}

/* ---- limits ---- */

static void make_limits(void)
{
    SEGMENT(MSG(1, "one", "p", 1), MSG(2, "two", "p", 4), MSG(3, "three", "p", 6),
            MSG(0, "early", "p", 2), MSG(0, "late", "p", 5), MSG(0, "lost", "r", 1));
    SEGMENT(MSG(4, "four", "p", 7), MSG(5, "five", "p", 10), MSG(0, "last", "p", 12));
    look();
}

Test(conversation, keeps_within_limits_and_shows_only_holes_there)
{
    make_limits();
    cr_assert_str_eq(show(0, 0), "one early/seq [2-4:1] two late/seq three four [7-10:2] five "
                                 "[10-12:1] last/seq lost/seq");
    cr_assert_str_eq(show(3, 0), "late/seq three four [7-10:2] five [10-12:1] last/seq");
    cr_assert_str_eq(show(5, 0), "[7-10:2] five [10-12:1] last/seq");
    cr_assert_str_eq(show(2, 4), "early/seq [2-4:1] two late/seq three");
    cr_assert_str_eq(show(0, 2), "one");
    cr_assert_str_eq(show(6, 9), "");
}

/* ---- around ---- */

Test(conversation, gives_exactly_n_messages_on_each_side)
{
    SEGMENT(MSG(1, "m1", "p", 1), MSG(1, "m2", "p", 2), MSG(2, "m3", "p", 3), MSG(2, "m4", "p", 5));
    SEGMENT(MSG(2, "m5", "p", 6), MSG(3, "m6", "p", 7), MSG(3, "m7", "p", 9), MSG(4, "m8", "q", 1));
    look();
    cr_assert_str_eq(show_around("m4", 1, 0), "m4");
    cr_assert_str_eq(show_around("m4", 1, 1), "m3 [3-5:1] m4 m5");
    cr_assert_str_eq(show_around("m5", 1, 2), "m3 [3-5:1] m4 m5 m6 [7-9:1] m7");
    cr_assert_str_eq(show_around("m1", 1, 2), "m1 m2 m3");
    cr_assert_str_eq(show_around("m8", 1, 2), "m6 [7-9:1] m7 m8");
    cr_assert_str_eq(show_around("m3", 1, 100), "m1 m2 m3 [3-5:1] m4 m5 m6 [7-9:1] m7 m8");
}

Test(conversation, counts_repeated_and_untimed_messages_around_one)
{
    SEGMENT({.from = "a",
             .to = "b",
             .text = "ok",
             .sent = DAY + 1000,
             .copies = {{.source = "p", .seq = 1},
                        {.source = "p", .seq = 2},
                        {.source = "p", .seq = 3}}},
            MSG(2, "next", "p", 6), MSG(0, "u", "p", 5), MSG(3, "last", "p", 7));
    look();
    cr_assert_str_eq(show_around("ok", 2, 1), "ok ok ok");
    cr_assert_str_eq(show_around("next", 1, 1), "u/seq next last");
    cr_assert_str_eq(show_around("u", 1, 2), "ok ok [3-5:1] u/seq next last");
}

/* ---- a piece is a piece of the whole ---- */

static uint64_t random_state;
static uint32_t random_below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % n;
}

enum { MADE = 60, MADE_NAME = 8 };
static char made_names[MADE][MADE_NAME];
static struct spec made_specs[MADE];

/* Two segments of random records; about a third of the numbers is missing. */
static void make_random(uint64_t seed)
{
    static const char *const sources[] = {"p", "q", "r"};
    random_state = seed;
    memset(made_specs, 0, sizeof made_specs);
    for (uint32_t i = 0; i < MADE; i++) {
        struct spec *s = &made_specs[i];
        bool mine = random_below(3) > 0;
        (void)snprintf(made_names[i], MADE_NAME, "m%u", (unsigned)i);
        s->from = mine ? "a" : "x";
        s->to = mine ? "b" : "y";
        s->text = made_names[i];
        s->sent = random_below(8) ? DAY + 1000 * (int64_t)(1 + random_below(20)) : 0;
        for (uint32_t c = 0; c < 1 + random_below(2); c++)
            s->copies[c] = (struct spec_copy){
                .source = sources[(i + c) % 3],
                .seq = 3 * i + random_below(3),
                .delivered = random_below(3) ? 0 : DAY + 1000 * (int64_t)(1 + random_below(20))};
    }
    put_segment(made_specs, MADE / 2);
    put_segment(made_specs + MADE / 2, MADE - MADE / 2);
}

/* A fresh case for the next seed. */
static void start_again(void)
{
    view_close(&v);
    casefile_close(cf);
    tree_remove(dir_path);
    cr_assert_eq(mkdir(dir_path, 0700), 0);
    cf = query_case_make();
}

static size_t words_of(char *text, const char **words, size_t most)
{
    size_t n = 0;
    for (char *p = strtok(text, " "); p && n < most; p = strtok(NULL, " "))
        words[n++] = p;
    return n;
}

Test(conversation, around_is_always_a_piece_of_the_whole)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        static char whole[1 << 16], piece[1 << 16];
        const char *all[4 * MADE];
        make_random(seed);
        look();
        (void)strcpy(whole, show(0, 0));
        (void)strcpy(piece, whole);
        size_t n = words_of(piece, all, 4 * MADE), messages = 0;
        for (size_t i = 0; i < n; i++) {
            char name[MADE_NAME + 8];
            if (all[i][0] == '[')
                continue;
            messages++;
            (void)snprintf(name, sizeof name, "%s", all[i]);
            name[strcspn(name, "/")] = 0;
            for (uint64_t context = 0; context < 6; context += 2) {
                const char *got = show_around(name, 1, context);
                cr_assert(strstr(whole, got), "seed %llu: %s\nis not in\n%s",
                          (unsigned long long)seed, got, whole);
            }
        }
        cr_assert_gt(messages, 10u);
        start_again();
    }
}

/* Numbers missing between the least and the greatest number that a's and b's records have. */
static uint64_t missing_in(const char *source)
{
    bool there[3 * MADE] = {false};
    size_t first = 3 * MADE, last = 0;
    uint64_t missing = 0;
    for (size_t i = 0; i < MADE; i++)
        for (size_t c = 0; c < SPEC_COPIES && made_specs[i].copies[c].source; c++) {
            size_t seq = (size_t)made_specs[i].copies[c].seq;
            if (strcmp(made_specs[i].copies[c].source, source) != 0)
                continue;
            there[seq] = true;
            if (strcmp(made_specs[i].from, "a") == 0) {
                first = seq < first ? seq : first;
                last = seq > last ? seq : last;
            }
        }
    for (size_t i = first; i < last; i++)
        missing += !there[i];
    return missing;
}

Test(conversation, misses_exactly_the_numbers_that_no_record_has)
{
    for (uint64_t seed = 21; seed <= 32; seed++) {
        const char *all[4 * MADE];
        uint64_t missing = 0;
        make_random(seed);
        look();
        (void)show(0, 0);
        size_t n = words_of(line, all, 4 * MADE);
        for (size_t i = 0; i < n; i++)
            if (all[i][0] == '[')
                missing += strtoull(strchr(all[i], ':') + 1, NULL, 10);
        cr_assert_eq(missing, missing_in("p") + missing_in("q") + missing_in("r"), "seed %llu",
                     (unsigned long long)seed);
        start_again();
    }
}
