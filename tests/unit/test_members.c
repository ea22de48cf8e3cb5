/* test_members — query/members.c: who is in a group at a time. */
#include "conversation_testing.h"
#include "query/members.h"

TestSuite(members, .init = setup, .fini = teardown);

/* An event of group g at second `s` (0: without a time). */
#define EVENT(s, who, json, src, n)                                                                \
    {                                                                                              \
        .kind = DOC_EVENT, .hidden = true, .from = who, .group = "g", .raw = json,                 \
        .sent = (s) ? DAY + (s)*1000 : 0, .copies = {                                              \
            {.source = src, .seq = n}                                                              \
        }                                                                                          \
    }

/* "anna bert? -carl zoe!": in, disputed, out, only seen speaking. */
static const char *at(int64_t second, bool speakers)
{
    struct group_members g;
    uint8_t key[KEY_SIZE];
    struct err err = {0};
    const struct conversation c = {.kind = CONV_GROUP, .name = slice_str("g")};
    conversation_key(&v.hasher.sha, &c, key);
    enum status st =
        members_at(&v, key, second < 0 ? INT64_MAX : DAY + second * 1000, speakers, &g, &err);
    cr_assert_eq(st, ST_OK, "%s", err.text);
    line[0] = 0;
    for (size_t i = 0; i < g.n; i++) {
        const struct group_member *m = g.all[i];
        bool spoke = m->how == HOW_SPOKE;
        size_t len = strlen(line);
        (void)snprintf(line + len, sizeof line - len, "%s%s%.*s%s%s", len ? " " : "",
                       m->in || spoke ? "" : "-", (int)m->handle.len, (const char *)m->handle.data,
                       m->disputed ? "?" : "", spoke ? "!" : "");
    }
    size_t len = strlen(line);
    (void)snprintf(line + len, sizeof line - len, " %llu/%llu/%llu", (unsigned long long)g.lists,
                   (unsigned long long)g.changes, (unsigned long long)g.untimed);
    members_release(&g);
    return line;
}

Test(members, are_those_of_the_last_list_and_what_follows)
{
    SEGMENT(EVENT(10, "anna", "{\"what\":\"members\",\"who\":[\"bert\",\"anna\"]}", "p", 1),
            EVENT(30, "anna", "{\"what\":\"add\",\"who\":[\"carl\",\"dora\"]}", "p", 3));
    SEGMENT(EVENT(20, "bert", "{\"what\":\"leave\"}", "p", 2),
            EVENT(40, "emil", "{\"what\":\"join\"}", "p", 4),
            EVENT(50, "anna", "{\"what\":\"remove\",\"who\":[\"carl\"]}", "p", 5),
            EVENT(60, "anna", "{\"what\":\"members\",\"who\":[\"anna\"]}", "p", 6));
    look();
    cr_assert_str_eq(at(9, false), " 0/0/0");
    cr_assert_str_eq(at(10, false), "anna bert 1/0/0");
    cr_assert_str_eq(at(20, false), "anna -bert 1/1/0");
    cr_assert_str_eq(at(35, false), "anna -bert carl dora 1/2/0");
    cr_assert_str_eq(at(55, false), "anna -bert -carl dora emil 1/4/0");
    cr_assert_str_eq(at(-1, false), "anna -bert -carl -dora -emil 2/0/0");
}

Test(members, say_who_speaks_apart)
{
    SEGMENT({.from = "zoe",
             .group = "g",
             .text = "x",
             .sent = DAY + 5000,
             .copies = {{.source = "p", .seq = 1}}},
            {.from = "yves",
             .group = "g",
             .text = "x",
             .sent = DAY + 15000,
             .copies = {{.source = "p", .seq = 3}}},
            EVENT(10, "anna", "{\"what\":\"join\"}", "p", 2));
    look();
    cr_assert_str_eq(at(12, true), "anna zoe! 0/1/0");
    cr_assert_str_eq(at(-1, true), "anna yves! zoe! 0/1/0");
    cr_assert_str_eq(at(-1, false), "anna 0/1/0");
}

Test(members, are_disputed_where_lists_of_one_instant_differ)
{
    SEGMENT(EVENT(10, "anna", "{\"what\":\"members\",\"who\":[\"anna\",\"bert\"]}", "p", 1),
            EVENT(10, "anna", "{\"what\":\"members\",\"who\":[\"anna\",\"carl\"]}", "q", 1),
            EVENT(20, "anna", "{\"what\":\"members\",\"who\":[\"anna\",\"carl\"]}", "q", 2));
    look();
    cr_assert_str_eq(at(15, false), "anna bert? carl? 2/0/0");
    cr_assert_str_eq(at(-1, false), "anna -bert carl 3/0/0", "a later list settles it");
}

Test(members, are_disputed_who_came_and_went_at_one_instant)
{
    SEGMENT(EVENT(10, "anna", "{\"what\":\"join\"}", "p", 1),
            EVENT(10, "anna", "{\"what\":\"leave\"}", "q", 1),
            EVENT(11, "bert", "{\"what\":\"join\"}", "p", 2),
            EVENT(11, "bert", "{\"what\":\"join\"}", "q", 2));
    look();
    cr_assert_str_eq(at(-1, false), "-anna? bert 0/4/0");
}

Test(members, survive_records_of_any_shape)
{
    SEGMENT(EVENT(10, "anna", "{\"what\":\"members\"}", "p", 1),
            EVENT(11, "anna", "{\"what\":\"members\",\"who\":\"anna\"}", "p", 2),
            EVENT(12, "anna",
                  "{\"what\":\"members\",\"who\":[1,null,{\"x\":[]},\"bert\",\"bert\"]}", "p", 3),
            EVENT(13, NULL, "{\"what\":\"leave\"}", "p", 4),
            EVENT(14, "anna", "{\"what\":\"add\",\"who\":[]}", "p", 5),
            EVENT(15, "anna", "{\"what\":\"add\",\"who\":[\"", "p", 6),
            EVENT(16, "anna", "{\"what\":7,\"who\":[\"x\"]}", "p", 7),
            EVENT(0, "anna", "{\"what\":\"leave\",\"who\":[\"bert\"]}", "p", 8),
            EVENT(17, "anna", "{\"what\":\"rename\",\"value\":\"x\"}", "p", 9));
    look();
    cr_assert_str_eq(at(-1, false), "bert 3/3/1");
}
