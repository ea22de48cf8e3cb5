/* test_view — one message made whole: its ids, what stands against it, nicknames, its place. */
#include "search_testing.h"

TestSuite(view, .init = setup, .fini = teardown);

Test(view, finds_messages_by_their_own_id_and_conversation)
{
    make_both();
    struct arena a;
    char hex[2 * KEY_SIZE + 1], text[64];
    arena_init(&a, 0);
    struct message_view second = load("ok", 1, VIEW_CONTENT, &a);
    cr_assert_eq(second.ref.k, 2u);
    for (int digits = 8; digits <= 32; digits++) {
        hex_encode(second.id, KEY_SIZE, hex);
        (void)snprintf(text, sizeof text, "id:%.*s", digits, hex);
        finds(text, "m8/2");
    }
    struct message_view first = load("ok", 0, VIEW_CONTENT, &a);
    hex_encode(first.id, KEY_SIZE, hex);
    (void)snprintf(text, sizeof text, "id:%.9s", hex);
    finds(text, "m8/1");
    (void)snprintf(text, sizeof text, "ok NOT id:%s", hex);
    finds(text, "m8/2");
    struct message_view group = load("group:\"red team\"", 0, VIEW_CONTENT, &a);
    hex_encode(group.conversation_key, KEY_SIZE, hex);
    for (int digits = 8; digits <= 32; digits++) {
        (void)snprintf(text, sizeof text, "conv:%.*s", digits, hex);
        finds(text, "m3");
    }
    hex[8] = hex[8] == '0' ? '1' : '0';
    (void)snprintf(text, sizeof text, "conv:%.9s", hex);
    finds(text, "");
    arena_release(&a);
}

Test(view, shows_what_stands_against_a_message_from_both_sides)
{
    make_both();
    struct arena a;
    arena_init(&a, 0);
    struct message_view m9 = load("first version", 0, VIEW_COPIES, &a);
    struct message_view m10 = load("second version", 0, VIEW_COPIES, &a);
    cr_assert_eq(m9.n_related, 1u);
    cr_assert_eq(m10.n_related, 1u);
    cr_assert_str_eq(m9.related[0].why, "same-id");
    cr_assert(m9.related[0].conflict);
    cr_assert_eq(memcmp(m9.related[0].id, m10.id, KEY_SIZE), 0);
    cr_assert_eq(memcmp(m10.related[0].id, m9.id, KEY_SIZE), 0);
    cr_assert_eq(m9.n_copies, 2u);
    struct message_view first = load("ok", 0, VIEW_COPIES, &a);
    struct message_view second = load("ok", 1, VIEW_COPIES, &a);
    struct message_view clash = load("clash", 0, VIEW_COPIES, &a);
    cr_assert_eq(first.n_related, 0u);
    cr_assert_eq(first.n_copies, 2u);
    cr_assert_eq(first.flags & (DOC_CONFLICT | DOC_RELATED | DOC_ONE_SIDED), 0);
    cr_assert_eq(second.n_copies, 1u);
    cr_assert_eq(second.copies[0]->seq, 11u);
    cr_assert(slice_eq_str(second.copies[0]->stream->source, "p1"));
    cr_assert(slice_eq_str(second.copies[0]->versions[0].origin->account, "bob"));
    cr_assert_eq(second.copies[0]->versions[0].sightings[0].line, 2u);
    cr_assert(slice_eq_str(second.copies[0]->versions[0].sightings[0].dump->name, "d1"));
    cr_assert_eq(second.flags & (DOC_CONFLICT | DOC_RELATED | DOC_ONE_SIDED),
                 DOC_CONFLICT | DOC_RELATED | DOC_ONE_SIDED);
    cr_assert_eq(second.n_related, 1u);
    cr_assert_str_eq(second.related[0].why, "same-seq");
    cr_assert_eq(memcmp(second.related[0].id, clash.id, KEY_SIZE), 0);
    cr_assert_eq(clash.n_related, 1u);
    cr_assert_eq(memcmp(clash.related[0].id, second.id, KEY_SIZE), 0);
    cr_assert_neq(memcmp(first.id, second.id, KEY_SIZE), 0);
    arena_release(&a);
}

Test(view, gives_nicknames_with_the_owner_of_the_address_book)
{
    make_both();
    struct arena a;
    arena_init(&a, 0);
    struct message_view m1 = load("m1", 0, VIEW_FULL, &a);
    cr_assert_eq(m1.n_nicknames, 2u);
    cr_assert(slice_eq_str(m1.nicknames[0].nickname, "Bobby"));
    cr_assert(slice_eq_str(m1.nicknames[0].owner, "alice"));
    cr_assert(slice_eq_str(m1.nicknames[0].handle, "bob"));
    cr_assert(slice_eq_str(m1.nicknames[1].nickname, "Boss"));
    const struct nickname *names;
    size_t n;
    cr_assert_eq(view_nicknames(&view, slice_str("nobody"), &names, &n, &err), ST_OK);
    cr_assert_eq(n, 0u);
    cr_assert_eq(view_nicknames(&view, slice_str("bob"), &names, &n, &err), ST_OK);
    cr_assert_eq(n, 2u);
    arena_release(&a);
}

Test(view, gives_no_nickname_of_another_service)
{
    static const struct spec specs[] = {
        {.service = "a", .from = "x", .to = "y", .text = "m1", .sent = T0, .copies = {{"p", 1, 0}}},
        {.service = "b", .from = "x", .to = "y", .text = "m2", .sent = T0, .copies = {{"p", 2, 0}}},
        {.kind = DOC_CONTACT,
         .hidden = true,
         .service = "a",
         .from = "y",
         .handle = "x",
         .text = "Alpha",
         .copies = {{"p", 3, 0}}},
    };
    segment_make(cf, specs, N(specs));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    struct arena a;
    arena_init(&a, 0);
    cr_assert_eq(load("m1", 0, VIEW_FULL, &a).n_nicknames, 1u);
    cr_assert_eq(load("m2", 0, VIEW_FULL, &a).n_nicknames, 0u);
    arena_release(&a);
}

Test(view, refuses_ids_that_are_none)
{
    make_both();
    struct buf refs = {0};
    static const char *const bad[] = {"", "1234567", "0123456789abcdef0123456789abcdef0",
                                      "xyzxyzxyz"};
    for (size_t i = 0; i < N(bad); i++)
        cr_assert_eq(view_find_id(&view, slice_str(bad[i]), &refs, &err), ST_BAD_INPUT);
    buf_release(&refs);
}

Test(view, orders_ties_by_conversation_then_source_then_content)
{
    static const struct spec specs[] = {
        {.from = "a", .to = "b", .text = "m1", .sent = T0, .copies = {{"p2", 1, 0}}},
        {.from = "a", .to = "b", .text = "m2", .sent = T0, .copies = {{"p1", 9, 0}, {"p3", 1, 0}}},
        {.from = "a", .to = "b", .text = "m3", .sent = T0, .copies = {{"p1", 8, 0}}},
        {.from = "a", .to = "b", .text = "m4", .copies = {{"p1", 7, 0}}},
        {.from = "a", .to = "b", .text = "m5", .copies = {{"p1", 6, 0}}},
    };
    static const struct spec later[] = {
        {.from = "a", .to = "b", .text = "m6", .sent = T0, .copies = {{"p0", 1, 0}}},
    };
    segment_make(cf, specs, N(specs));
    segment_make(cf, later, N(later));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    finds("*", "m6 m3 m2 m1 m5 m4");
    struct search_result r = run("*", SORT_OLDEST, UINT64_MAX);
    for (size_t i = 0; i < r.n_hits; i++)
        for (size_t j = 0; j < r.n_hits; j++) {
            int c;
            cr_assert_eq(view_order(&view, &r.hits[i], &r.hits[j], &c, &err), ST_OK);
            cr_assert_eq((c > 0) - (c < 0), (i > j) - (i < j), "%zu %zu", i, j);
        }
    search_result_release(&r);
}
