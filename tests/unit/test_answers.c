/* What the trained model proposes for plain cases, and what it must never do. The scores on real
 * channels are printed by `lictor-bench disentangle-score`. */
#include "query/answers.h"

#include <stdio.h>

#include <criterion/criterion.h>

#include "lictor/copies.h"

#define MINUTE 60000

static struct answers_proposal say(struct answers *a, const char *who, int minute, const char *text)
{
    struct answers_proposal p;
    struct answers_line line = {slice_str(who), (int64_t)(1000 + minute) * MINUTE, slice_str(text)};
    answers_next(a, &line, &p);
    return p;
}

static struct answers *fresh(void)
{
    struct answers *a = NULL;
    cr_assert_eq(answers_new(&answers_trained, &a, NULL), ST_OK);
    return a;
}

Test(answers, begins_a_talk_with_the_first_message)
{
    struct answers *a = fresh();
    struct answers_proposal p = say(a, "anna", 0, "hello, how do I mount a disk?");
    cr_assert_eq(p.back, 0);
    cr_assert_eq(p.talk, 1);
    cr_assert_eq(p.percent, 100);
    answers_free(a);
}

Test(answers, follows_the_name_through_two_talks_at_once)
{
    struct answers *a = fresh();
    say(a, "anna", 0, "hello, how do I mount a disk?");
    struct answers_proposal other =
        say(a, "carl", 0, "my sound is gone since the last update, any idea?");
    cr_expect_eq(other.back, 0);
    struct answers_proposal p = say(a, "bert", 1, "anna: use the mount command");
    cr_expect_eq(p.back, 2);
    cr_expect_eq(p.talk, 1);
    p = say(a, "dora", 1, "carl: is it muted in alsamixer?");
    cr_expect_eq(p.back, 2);
    cr_expect_eq(p.talk, other.talk);
    p = say(a, "anna", 2, "bert: thanks");
    cr_expect_eq(p.back, 2);
    cr_expect_eq(p.talk, 1);
    answers_free(a);
}

Test(answers, never_points_beyond_its_window_or_the_begin)
{
    struct answers *a = fresh();
    uint64_t talks = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        char who[16], text[64];
        snprintf(who, sizeof who, "user%u", i * 7919 % 23);
        snprintf(text, sizeof text, "user%u: word%u and %s", i * 104729 % 23, i % 11,
                 i % 3 ? "?" : "");
        struct answers_proposal p = say(a, who, (int)(i / 3), text);
        cr_assert_leq(p.back, i);
        cr_assert_lt(p.back, ANSWERS_WINDOW);
        cr_assert_leq(p.percent, 100);
        cr_assert_eq(p.talk > talks, p.back == 0);
        talks = p.talk > talks ? p.talk : talks;
    }
    answers_free(a);
}

Test(answers, takes_what_is_hostile_or_absent)
{
    struct answers *a = fresh();
    struct answers_proposal p;
    static char huge[1 << 20];
    memset(huge, 'x', sizeof huge);
    for (size_t i = 0; i < sizeof huge; i += 2)
        huge[i] = ' ';
    struct answers_line lines[] = {
        {{0}, TIME_NONE, {0}},
        {slice_str(""), INT64_MIN, slice_str("")},
        {slice_str("\xff\xfe"), INT64_MAX, slice_str("\xff: \xff")},
        {slice_of(huge, sizeof huge), 0, slice_of(huge, sizeof huge)},
        {slice_str("@"), -1, slice_str(":::: @@@ ((( ???")},
    };
    for (int round = 0; round < 40; round++)
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
            answers_next(a, &lines[i], &p);
    answers_free(a);
}
