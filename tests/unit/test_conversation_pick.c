/* test_conversation_pick — which conversation is meant by a set, a group or a key, and where its
 * members also meet. */
#include "conversation_testing.h"

TestSuite(conversation_pick, .init = setup, .fini = teardown);

static size_t picked(enum status st, struct buf *keys)
{
    cr_assert_eq(st, ST_OK);
    size_t n = keys->len / KEY_SIZE;
    buf_release(keys);
    return n;
}

Test(conversation_pick, is_picked_by_set_group_and_key_in_every_service)
{
    SEGMENT(MSG(1, "one", "p", 1),
            {.from = "b",
             .to = "a",
             .text = "two",
             .service = "s1",
             .sent = DAY,
             .copies = {{.source = "p", .seq = 2}}},
            {.from = "a",
             .group = "g",
             .text = "three",
             .service = "s2",
             .sent = DAY,
             .copies = {{.source = "p", .seq = 3}}},
            {.from = "a",
             .to = "b,c",
             .text = "four",
             .sent = DAY,
             .copies = {{.source = "p", .seq = 4}}});
    SEGMENT({.from = "c",
             .group = "g",
             .text = "five",
             .sent = DAY,
             .copies = {{.source = "p", .seq = 5}}});
    look();
    struct buf keys = {0};
    struct slice ba[] = {slice_str("b"), slice_str("a"), slice_str("b")};
    cr_assert_eq(picked(thread_pick_set(&v, ba, 3, &keys, NULL), &keys), 2u);
    cr_assert_eq(picked(thread_pick_set(&v, ba, 1, &keys, NULL), &keys), 0u);
    cr_assert_eq(picked(thread_pick_group(&v, slice_str("g"), &keys, NULL), &keys), 2u);
    cr_assert_eq(picked(thread_pick_group(&v, slice_str("h"), &keys, NULL), &keys), 0u);
    uint8_t key[KEY_SIZE];
    char hex[2 * KEY_SIZE + 1];
    struct slice abc[] = {slice_str("a"), slice_str("b"), slice_str("c")};
    cr_assert_eq(thread_pick_set(&v, abc, 3, &keys, NULL), ST_OK);
    cr_assert_eq(keys.len, (size_t)KEY_SIZE);
    memcpy(key, keys.data, KEY_SIZE);
    buf_release(&keys);
    hex_encode(key, KEY_SIZE, hex);
    for (size_t digits = 8; digits <= 32; digits++)
        cr_assert_eq(picked(thread_pick_key(&v, slice_of(hex, digits), &keys, NULL), &keys), 1u);
    cr_assert_eq(thread_pick_key(&v, slice_of(hex, 7), &keys, NULL), ST_BAD_INPUT);
    cr_assert_eq(thread_pick_key(&v, slice_str("xxxxxxxx"), &keys, NULL), ST_BAD_INPUT);
    buf_release(&keys);
}

Test(conversation_pick, that_does_not_exist_is_not_found)
{
    SEGMENT(MSG(1, "one", "p", 1));
    look();
    struct thread t;
    struct thread_limits limits = {.after = INT64_MIN, .before = INT64_MAX};
    static const uint8_t key[KEY_SIZE] = {1};
    cr_assert_eq(thread_open(&v, key, &limits, &t, NULL), ST_NOT_FOUND);
}

Test(conversation_pick, names_where_its_members_also_meet)
{
    SEGMENT(
        MSG(1, "one", "p", 1),
        {.from = "c", .to = "a,b", .text = "t", .sent = DAY, .copies = {{.source = "p", .seq = 2}}},
        {.from = "a", .to = "c", .text = "t", .sent = DAY, .copies = {{.source = "p", .seq = 3}}},
        {.from = "a",
         .group = "both",
         .text = "t",
         .sent = DAY,
         .copies = {{.source = "p", .seq = 4}}},
        {.from = "a",
         .group = "one only",
         .text = "t",
         .sent = DAY,
         .copies = {{.source = "p", .seq = 5}}},
        {.from = "b",
         .to = "a,c",
         .text = "t",
         .service = "else",
         .sent = DAY,
         .copies = {{.source = "p", .seq = 6}}});
    SEGMENT({.from = "b",
             .group = "both",
             .text = "u",
             .sent = DAY,
             .copies = {{.source = "p", .seq = 7}}},
            {.from = "c",
             .group = "one only",
             .text = "u",
             .sent = DAY,
             .copies = {{.source = "p", .seq = 8}}});
    look();
    struct arena a;
    struct conversation c;
    struct thread_meeting *all;
    uint8_t key[KEY_SIZE];
    size_t n, groups = 0, sets = 0;
    arena_init(&a, 0);
    key_of("a,b", key);
    cr_assert_eq(thread_conversation(&v, key, &a, &c, NULL), ST_OK);
    cr_assert_eq(thread_also(&v, &c, &a, &all, &n, NULL), ST_OK);
    cr_assert_eq(n, 2u);
    for (size_t i = 0; i < n; i++) {
        groups += all[i].c.kind == CONV_GROUP && slice_eq_str(all[i].c.name, "both");
        sets += all[i].c.kind == CONV_SET && all[i].c.n_set == 3;
    }
    cr_assert_eq(groups, 1u);
    cr_assert_eq(sets, 1u);
    arena_release(&a);
}
