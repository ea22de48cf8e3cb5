/* test_search — queries against small cases: what is found, in which order, and what the summary
 * counts; and random queries against an oracle that looks at every message. */
#include "query_testing.h"

#include "lictor/thread.h"
#include "query/search.h"

#define T0 INT64_C(1585821600000) /* 2020-04-02T10:00:00Z */
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct casefile *cf;
static struct view view;
static struct err err;

static void setup(void)
{
    dir_make();
    cf = query_case_make();
}

static void teardown(void)
{
    view_close(&view);
    casefile_close(cf);
    dir_remove();
}

TestSuite(search, .init = setup, .fini = teardown);

/* A label is the first word of the text; contents are told apart by it. */
static const struct spec first_segment[] = {
    {.from = "bob",
     .to = "alice",
     .text = "m1 blue van harbour",
     .sent = T0,
     .copies = {{"p1", 1, "bob"}, {"p2", 1, "alice"}}},
    {.from = "alice",
     .to = "bob",
     .text = "m2 van blue Harbour http://x.org/a",
     .sent = T0 + MINUTE,
     .copies = {{"p1", 2, "bob"}}},
    {.from = "carl",
     .to = "dora",
     .group = "red team",
     .text = "m3 blue \xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD \xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD",
     .sent = T0 + DAY,
     .copies = {{"p3", 1, "carl"}},
     .attachment = "aabb"},
    {.from = "bob",
     .to = "alice",
     .text = "m4 blue",
     .sealed = true,
     .sent = T0 + 2 * HOUR,
     .copies = {{"p1", 3, "bob"}}},
    {.from = "bob", .to = "carl", .text = "m5 blue van", .copies = {{"p1", 4, "bob"}}},
    {.kind = DOC_EVENT,
     .hidden = true,
     .from = "bob",
     .text = "m6 blue",
     .sent = T0 + 3 * HOUR,
     .copies = {{"p1", 5, "bob"}}},
    {.kind = DOC_NOTE,
     .from = "bob",
     .text = "m7 Gr\xC3\xBC\xC3\x9F"
             "e blue",
     .sent = T0 + 4 * HOUR,
     .copies = {{"p1", 6, "bob"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m8 ok ok",
     .sent = T0 + 5 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p1", 10, "bob"}, {"p1", 11, "bob"}, {"p2", 10, "alice"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m9 first version",
     .id = "svc-1",
     .sent = T0 + 6 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p1", 12, "bob"}, {"p1", 13, "bob"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m12 blue",
     .sealed = true,
     .copies = {{"p1", 14, "bob"}}},
};
static const struct spec second_segment[] = {
    {.from = "bob",
     .to = "alice",
     .text = "m10 second version",
     .id = "svc-1",
     .sent = T0 + 6 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p2", 12, "alice"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m11 clash",
     .sent = T0 + 7 * HOUR,
     .flags = DOC_RELATED | DOC_CONFLICT,
     .copies = {{"p1", 11, "bob"}}},
    {.kind = DOC_CONTACT,
     .hidden = true,
     .from = "alice",
     .handle = "bob",
     .text = "Bobby",
     .sent = T0,
     .copies = {{"p2", 20, "alice"}}},
    {.kind = DOC_CONTACT,
     .hidden = true,
     .from = "dora",
     .handle = "bob",
     .text = "Boss",
     .sent = T0,
     .copies = {{"p4", 1, "dora"}}},
    {.kind = DOC_CONTACT,
     .hidden = true,
     .from = "alice",
     .handle = "bob",
     .text = "Bobby",
     .sent = T0 + DAY,
     .copies = {{"p2", 21, "alice"}}},
    {.from = "bob",
     .to = "alice",
     .text = "m13 opened blue",
     .sealed = true,
     .opened = true,
     .sent = T0 + 8 * HOUR,
     .copies = {{"p1", 15, "bob"}},
     .reply_to = "svc-1"},
};

#define N(a) (sizeof a / sizeof *a)

static void make_both(void)
{
    segment_make(cf, first_segment, N(first_segment));
    segment_make(cf, second_segment, N(second_segment));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
}

static struct query *parse(const char *text)
{
    struct query *q = NULL;
    struct query_error qe;
    cr_assert_eq(query_parse(slice_str(text), view.splitter, view.zone, &q, &qe, &err), ST_OK,
                 "%s: %s", text, err.text);
    return q;
}

static struct slice label_of(const struct content *c)
{
    struct slice s = c->body_kind == BODY_SEALED ? c->seal_box : c->text;
    size_t n = 0;
    while (n < s.len && s.data[n] != ' ')
        n++;
    return slice_of(s.data, n);
}

/* "m1 m8/1 m8/2": the hits in order. */
static void put_labels(const struct search_result *r, struct buf *out)
{
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < r->n_hits; i++) {
        struct message_view m;
        cr_assert_eq(view_load(&view, &r->hits[i], VIEW_CONTENT, &a, &m, &err), ST_OK, "%s",
                     err.text);
        if (i > 0)
            buf_put_u8(out, ' ');
        buf_put_slice(out, label_of(&m.c));
        if (m.state.messages > 1)
            buf_printf(out, "/%u", m.ref.k);
        cr_assert_eq(m.ref.sent, r->hits[i].sent);
    }
    buf_put_u8(out, 0);
    arena_release(&a);
}

static struct search_result run(const char *text, enum search_sort sort, uint64_t limit)
{
    struct search_result r;
    struct search_options o = {.sort = sort, .limit = limit};
    struct query *q = parse(text);
    cr_assert_eq(search_run(&view, q, &o, &r, &err), ST_OK, "%s: %s", text, err.text);
    query_free(q);
    return r;
}

static void finds(const char *text, const char *want)
{
    struct buf labels = {0};
    struct search_result r = run(text, SORT_NEWEST, UINT64_MAX);
    put_labels(&r, &labels);
    cr_assert_str_eq((const char *)labels.data, want, "%s: %s", text, (const char *)labels.data);
    cr_assert_eq(r.total, r.n_hits, "%s", text);
    struct search_result count = run(text, SORT_NEWEST, 0);
    cr_assert_eq(count.total, r.total, "%s: counted %llu", text, (unsigned long long)count.total);
    cr_assert_eq(count.n_hits, 0u);
    cr_assert(count.sealed == r.sealed && count.untimed == r.untimed, "%s", text);
    search_result_release(&r);
    search_result_release(&count);
    buf_release(&labels);
}

static void untestable(const char *text, uint64_t sealed, uint64_t untimed)
{
    struct search_result r = run(text, SORT_NEWEST, 10);
    cr_assert(r.sealed == sealed && r.untimed == untimed, "%s: %llu %llu", text,
              (unsigned long long)r.sealed, (unsigned long long)r.untimed);
    search_result_release(&r);
}

Test(search, finds_folded_words_newest_first_untimed_last)
{
    make_both();
    finds("blue", "m3 m13 m7 m2 m1 m5");
    finds("BLUE van", "m2 m1 m5");
    finds("harbour", "m2 m1");
    finds("nowhere", "");
    finds("van OR version", "m9 m10 m2 m1 m5");
}

Test(search, sorts_oldest_first_with_untimed_last)
{
    make_both();
    struct buf labels = {0};
    struct search_result r = run("blue", SORT_OLDEST, UINT64_MAX);
    put_labels(&r, &labels);
    cr_assert_str_eq((const char *)labels.data, "m1 m2 m7 m13 m3 m5");
    search_result_release(&r);
    buf_release(&labels);
}

Test(search, finds_phrases_at_successive_positions)
{
    make_both();
    finds("\"blue van\"", "m1 m5");
    finds("\"van blue\"", "m2");
    finds("\"ok ok\"", "m8/1 m8/2");
    finds("\"ok ok ok\"", "");
    finds("\"blue nowhere\"", "");
    finds("x.org", "m2");
}

Test(search, finds_exact_words_as_written)
{
    make_both();
    finds("=Harbour", "m2");
    finds("=harbour", "m1");
    finds("gruesse", "");
    finds("GR\xC3\x9CSSE", "m7");
    finds("=Gr\xC3\xBC\xC3\x9F"
          "e",
          "m7");
    finds("=gr\xC3\xBC\xC3\x9F"
          "e",
          "");
    finds("=\"blue Harbour\"", "m2");
    finds("=\"blue harbour\"", "");
}

Test(search, finds_prefixes)
{
    make_both();
    finds("harb*", "m2 m1");
    finds("ver*", "m9 m10");
    finds("zz*", "");
    finds("m1*", "m13 m11 m10 m1");
    finds("m*", "m3 m13 m11 m9 m10 m8/1 m8/2 m7 m2 m1 m5");
}

Test(search, finds_substrings_of_cjk_and_bases_of_emoji)
{
    make_both();
    finds("\xE6\x9D\xB1\xE4\xBA\xAC", "m3");
    finds("\xE4\xBA\xAC\xE9\x83\xBD", "m3");
    finds("\xE6\x9D\xB1\xE9\x83\xBD", "");
    finds("\xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD", "m3");
    finds("\xE4\xBA\xAC", "m3");
    finds("\xF0\x9F\x91\x8D", "m3");
    finds("=\xF0\x9F\x91\x8D", "");
    finds("=\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD", "m3");
}

Test(search, finds_by_fields)
{
    make_both();
    finds("from:alice", "m2");
    finds("to:carl", "m5");
    finds("with:carl", "m3 m5");
    finds("with:ca*", "m3 m5");
    finds("from:Alice", "");
    finds("group:\"red team\"", "m3");
    finds("group:re*", "m3");
    finds("has:attachment", "m3");
    finds("has:link", "m2");
    finds("has:emoji", "m3");
    finds("has:reply", "m13");
    finds("id:svc-1", "m9 m10");
    finds("id:svc", "");
}

Test(search, leaves_hidden_records_out_unless_a_kind_is_named)
{
    make_both();
    finds("blue kind:event", "m6");
    finds("kind:event", "m6");
    finds("kind:note", "m7");
    finds("kind:contact from:alice", "Bobby Bobby");
    finds("blue (kind:event OR kind:message)", "m3 m13 m6 m2 m1 m5");
    finds("kind:message", "m3 m13 m11 m9 m10 m8/1 m8/2 m4 m2 m1 m12 m5");
    finds("NOT kind:message NOT kind:contact", "m7 m6");
    finds("from:bob NOT to:alice", "m7 m5");
}

Test(search, negates)
{
    make_both();
    finds("NOT blue", "m11 m9 m10 m8/1 m8/2");
    finds("blue -van", "m3 m13 m7");
    finds("NOT NOT van", "m2 m1 m5");
    finds("NOT (van OR from:bob)", "m3");
    finds("*", "m3 m13 m11 m9 m10 m8/1 m8/2 m7 m4 m2 m1 m12 m5");
    finds("NOT *", "");
}

Test(search, matches_nothing_that_it_cannot_test)
{
    make_both();
    finds("from:bob blue", "m13 m7 m1 m5");
    untestable("blue", 2, 0);
    untestable("NOT blue", 2, 0);
    untestable("blue from:alice", 0, 0);
    untestable("blue from:bob", 2, 0);
    untestable("blue OR from:bob", 0, 0);
    untestable("*", 0, 0);
    untestable("on:2020-04-02", 0, 2);
    untestable("NOT on:2020-04-02", 0, 2);
    untestable("on:2020-04-02 van", 2, 2);
    untestable("on:2020-04-02 blue", 2, 2);
    untestable("on:2020-04-02 (blue OR from:bob)", 0, 2);
    untestable("on:2020-04-03 blue", 1, 2);
    untestable("\"blue van\"", 2, 0);
    untestable("=blue", 2, 0);
    untestable("bl* OR va*", 2, 0);
}

Test(search, filters_by_time)
{
    make_both();
    finds("on:2020-04-02 blue", "m13 m7 m2 m1");
    finds("on:2020-04-03", "m3");
    finds("NOT on:2020-04-02", "m3");
    finds("on:2020-04-02T10:00", "m1");
    finds("on:2020-04-02T10:00..2020-04-02T10:01", "m2 m1");
    finds("on:2020-04-02T12:01+02:00", "m2");
    finds("after:2020-04-02T17:00", "m3 m13 m11");
    finds("before:2020-04-02T10:01", "m1");
    finds("before:2020 OR after:2021", "");
}

Test(search, knows_the_state_of_each_message)
{
    make_both();
    finds("has:sealed", "m4 m12");
    finds("has:repeated", "m8/1 m8/2");
    finds("has:copies", "m9 m8/1 m1");
    finds("from:bob NOT has:copies to:alice", "m13 m11 m10 m8/2 m4 m12");
    finds("has:conflict", "m11 m9 m10 m8/2");
    finds("ok NOT has:conflict", "m8/1");
}

static struct message_view load(const char *text, size_t i, enum view_depth depth, struct arena *a)
{
    struct message_view m;
    struct search_result r = run(text, SORT_NEWEST, UINT64_MAX);
    cr_assert_lt(i, r.n_hits);
    cr_assert_eq(view_load(&view, &r.hits[i], depth, a, &m, &err), ST_OK, "%s", err.text);
    search_result_release(&r);
    return m;
}

Test(search, finds_messages_by_their_own_id_and_conversation)
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

Test(search, counts_conversations_over_all_segments)
{
    make_both();
    struct search_result r = run("from:bob -kind:note", SORT_NEWEST, 1);
    cr_assert_eq(r.n_hits, 1u);
    search_result_release(&r);
    r = run("from:bob NOT gr\xC3\xBC\xC3\x9F"
            "e NOT sealed",
            SORT_NEWEST, 3);
    cr_assert_eq(r.conversations, 2u); /* alice and bob in both segments, bob and carl */
    search_result_release(&r);
}

Test(search, shows_what_stands_against_a_message_from_both_sides)
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

Test(search, gives_nicknames_with_the_owner_of_the_address_book)
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

Test(search, gives_no_nickname_of_another_service)
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

Test(search, says_that_it_was_interrupted)
{
    static struct spec many[9000];
    static char texts[9000][16];
    for (size_t i = 0; i < N(many); i++) {
        (void)snprintf(texts[i], sizeof texts[i], "t%zu word", i);
        many[i] = (struct spec){.from = "a",
                                .to = "b",
                                .text = texts[i],
                                .sent = T0 + (int64_t)i,
                                .copies = {{"p", i, NULL}}};
    }
    segment_make(cf, many, N(many));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    struct search_result r = run("t*", SORT_NEWEST, 2);
    cr_assert_eq(r.total, N(many));
    cr_assert_eq(r.hits[0].sent, T0 + 8999);
    search_result_release(&r);
    struct query *q = parse("t*");
    struct search_options o = {.limit = 10};
    stop_ask();
    cr_assert_eq(search_run(&view, q, &o, &r, &err), ST_INTERRUPTED);
    query_free(q);
}

Test(search, refuses_ids_that_are_none)
{
    make_both();
    struct buf refs = {0};
    static const char *const bad[] = {"", "1234567", "0123456789abcdef0123456789abcdef0",
                                      "xyzxyzxyz"};
    for (size_t i = 0; i < N(bad); i++)
        cr_assert_eq(view_find_id(&view, slice_str(bad[i]), &refs, &err), ST_BAD_INPUT);
    buf_release(&refs);
}

Test(search, highlights_what_was_asked_for)
{
    make_both();
    struct arena a;
    struct text_range *r;
    size_t n;
    struct slice text =
        slice_str("Blue van, VAN keys; \xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD harbours");
    struct query *q =
        parse("(\"blue van\" OR harb*) \xE6\x9D\xB1\xE4\xBA\xAC\xE9\x83\xBD =VAN -keys from:x");
    arena_init(&a, 0);
    cr_assert_eq(query_highlight(q, view.splitter, text, &a, &r, &n, &err), ST_OK);
    cr_assert_eq(n, 4u);
    cr_assert(r[0].from == 0 && r[0].to == 8);
    cr_assert(r[1].from == 10 && r[1].to == 13);
    cr_assert(r[2].from == 20 && r[2].to == 29);
    cr_assert(r[3].from == 30 && r[3].to == 38);
    query_free(q);
    arena_release(&a);
}

Test(search, orders_ties_by_conversation_then_source_then_content)
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

/* ---- against an oracle ---- */

#define SPECS 400
#define VOCABULARY 6

static uint64_t seed = 88172645463325252u;
static uint32_t dice(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 16) % n);
}

static struct spec specs[SPECS];
static char texts[SPECS][64];
static const char *const people[] = {"ann", "ben", "cat", "anna"};
static const char *const vocabulary[] = {"red", "reed", "blue", "van", "vans", "Red"};

static void make_spec(size_t i)
{
    struct spec *s = &specs[i];
    size_t len = (size_t)snprintf(texts[i], sizeof texts[i], "t%zu", i);
    for (uint32_t w = dice(5); w > 0; w--)
        len += (size_t)snprintf(texts[i] + len, sizeof texts[i] - len, " %s",
                                vocabulary[dice(VOCABULARY)]);
    *s = (struct spec){.text = texts[i], .from = people[dice(4)], .to = people[dice(4)]};
    s->sent = dice(8) ? T0 + dice(10) * HOUR * 5 : 0;
    s->group = dice(4) ? NULL : "g";
    s->sealed = dice(7) == 0;
    s->opened = s->sealed && dice(3) == 0;
    s->attachment = dice(5) ? NULL : "f";
    if (dice(9) == 0) {
        s->kind = dice(2) ? DOC_NOTE : DOC_EVENT;
        s->hidden = s->kind == DOC_EVENT && dice(2);
        s->group = s->to = NULL;
        s->sealed = s->opened = false;
        s->copies[0] = (struct spec_copy){"p0", 1000 + i, NULL};
        return;
    }
    uint32_t copies = 1 + dice(3);
    for (uint32_t c = 0; c < copies; c++)
        s->copies[c] = (struct spec_copy){dice(2) ? "p1" : "p2", 10 * i + c, NULL};
}

/* Copies of message k: one of each stream that has so many. */
static uint32_t copies_of(const struct spec *s, uint32_t k)
{
    uint32_t one = 0, two = 0;
    for (size_t i = 0; i < SPEC_COPIES && s->copies[i].source; i++) {
        one += strcmp(s->copies[i].source, "p1") == 0;
        two += strcmp(s->copies[i].source, "p2") == 0;
    }
    return one + two == 0 ? k == 1 : (k <= one) + (k <= two);
}

static bool word_at(const char **p, const char *word, bool fold, bool prefix)
{
    size_t n = strlen(word), len = strcspn(*p, " ");
    return (prefix ? len >= n : len == n) &&
           (fold ? strncasecmp(*p, word, n) : strncmp(*p, word, n)) == 0;
}

static bool text_has(const char *text, const char *word, const char *next, bool fold, bool prefix)
{
    for (const char *p = text; *p;) {
        const char *after = p + strcspn(p, " ");
        after += *after == ' ';
        if (word_at(&p, word, fold, prefix) &&
            (!next || (*after && word_at(&after, next, fold, false))))
            return true;
        p = after;
    }
    return false;
}

enum { NO, YES = 4 }; /* 1, 2: unknown because sealed, untimed */

/* A random query: its text, and what the oracle says of message k of a spec. */
struct asked {
    int kind;
    const char *a, *b;
    int64_t from, to;
    struct asked *kids[3];
    int n;
};

static struct asked pool[256];
static int pool_n;

static struct asked *ask(int depth, struct buf *out)
{
    struct asked *q = &pool[pool_n++];
    *q = (struct asked){.kind = (int)dice(depth > 0 ? 15 : 12)};
    switch (q->kind) {
    case 0:
    case 1:
        q->a = vocabulary[dice(VOCABULARY)];
        buf_put_str(out, q->a);
        break;
    case 2:
        q->a = vocabulary[dice(VOCABULARY)];
        q->b = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "\"%s %s\"", q->a, q->b);
        break;
    case 3:
        q->a = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "=%s", q->a);
        break;
    case 4:
        q->a = dice(2) ? "re" : dice(2) ? "t1" : "v";
        buf_printf(out, "%s*", q->a);
        break;
    case 5:
        q->a = people[dice(4)];
        buf_printf(out, "from:%s", q->a);
        break;
    case 6:
        q->a = people[dice(4)];
        buf_printf(out, "with:%s*", q->a);
        break;
    case 7: {
        char text[TIME_TEXT_SIZE];
        q->from = T0 + dice(10) * 5 * HOUR;
        q->to = q->from + MINUTE;
        time_text(q->from, text);
        buf_printf(out, "on:%.16sZ", text);
        break;
    }
    case 8:
        q->from = T0 - T0 % DAY + DAY;
        q->to = INT64_MAX;
        buf_put_str(out, "after:2020-04-03");
        break;
    case 9:
        buf_put_str(out, "has:copies");
        break;
    case 10:
        buf_put_str(out, dice(2) ? "has:sealed" : (q->kind = 11, "has:attachment"));
        break;
    case 11:
        buf_put_str(out, "has:attachment");
        break;
    case 12:
        buf_put_str(out, "NOT ");
        q->kids[0] = ask(depth - 1, out);
        break;
    default:
        q->n = 2 + (int)dice(2);
        buf_put_u8(out, '(');
        for (int i = 0; i < q->n; i++) {
            if (i)
                buf_put_str(out, q->kind == 13 ? " " : " OR ");
            q->kids[i] = ask(depth - 1, out);
        }
        buf_put_u8(out, ')');
    }
    return q;
}

static int says(bool yes) { return yes ? YES : NO; }

static int oracle(const struct asked *q, const struct spec *s, uint32_t k)
{
    bool sealed = s->sealed && !s->opened;
    int all = 0;
    switch (q->kind) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return sealed ? 1 : says(text_has(s->text, q->a, q->b, q->kind != 3, q->kind == 4));
    case 5:
        return says(strcmp(s->from, q->a) == 0);
    case 6:
        return says(strncmp(s->from, q->a, strlen(q->a)) == 0 ||
                    (s->to && strncmp(s->to, q->a, strlen(q->a)) == 0));
    case 7:
    case 8:
        return s->sent == 0 ? 2 : says(s->sent >= q->from && s->sent < q->to);
    case 9:
        return says(copies_of(s, k) > 1);
    case 10:
        return says(sealed);
    case 11:
        return says(s->attachment != NULL);
    case 12:
        all = oracle(q->kids[0], s, k);
        return all == YES ? NO : all == NO ? YES : all;
    default:
        for (int i = 0; i < q->n; i++) {
            int one = oracle(q->kids[i], s, k);
            if (one == (q->kind == 13 ? NO : YES))
                return one;
            all |= one == YES ? 0 : one;
        }
        return all ? all : q->kind == 13 ? YES : NO;
    }
}

struct tally {
    uint64_t total, sealed, untimed;
    bool hit[SPECS][4];
};

static void ask_oracle(const struct asked *q, struct tally *t)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < SPECS; i++)
        for (uint32_t k = 1; !specs[i].hidden && copies_of(&specs[i], k) > 0; k++) {
            int one = oracle(q, &specs[i], k);
            t->total += one == YES;
            t->hit[i][k] = one == YES;
            t->sealed += one != YES && (one & 1);
            t->untimed += one != YES && (one & 2);
        }
}

static void compare(const char *text, const struct asked *q)
{
    static struct tally t;
    struct arena a;
    struct search_result r = run(text, SORT_NEWEST, UINT64_MAX);
    ask_oracle(q, &t);
    cr_assert(r.total == t.total && r.sealed == t.sealed && r.untimed == t.untimed,
              "%s: %llu %llu %llu, not %llu %llu %llu", text, (unsigned long long)r.total,
              (unsigned long long)r.sealed, (unsigned long long)r.untimed,
              (unsigned long long)t.total, (unsigned long long)t.sealed,
              (unsigned long long)t.untimed);
    arena_init(&a, 0);
    for (size_t i = 0; i < r.n_hits; i++) {
        struct message_view m;
        arena_reset(&a);
        cr_assert_eq(view_load(&view, &r.hits[i], VIEW_CONTENT, &a, &m, &err), ST_OK);
        struct slice label = label_of(&m.c);
        size_t number = 0;
        for (size_t j = 1; j < label.len; j++)
            number = number * 10 + (size_t)(label.data[j] - '0');
        cr_assert(t.hit[number][m.ref.k], "%s: t%zu/%u", text, number, m.ref.k);
        t.hit[number][m.ref.k] = false;
        cr_assert(i == 0 || r.hits[i - 1].sent >= r.hits[i].sent);
    }
    /* The first ones of a limited search are the same. */
    struct search_result few = run(text, SORT_NEWEST, 7);
    cr_assert_eq(few.total, r.total);
    cr_assert_eq(few.conversations, r.conversations);
    for (size_t i = 0; i < few.n_hits; i++)
        cr_assert(few.hits[i].segment == r.hits[i].segment && few.hits[i].doc == r.hits[i].doc &&
                  few.hits[i].k == r.hits[i].k);
    search_result_release(&few);
    search_result_release(&r);
    arena_release(&a);
}

Test(search, agrees_with_an_oracle_on_random_queries)
{
    for (size_t i = 0; i < SPECS; i++)
        make_spec(i);
    segment_make(cf, specs, 300);
    segment_make(cf, specs + 300, SPECS - 300);
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    for (int i = 0; i < 400; i++) {
        struct buf text = {0};
        pool_n = 0;
        struct asked *q = ask(3, &text);
        buf_put_u8(&text, 0);
        compare((const char *)text.data, q);
        buf_release(&text);
    }
}

/* One term is answered from the lexicon and from bounds of blocks; twice the same in an OR is not.
 */
Test(search, answers_one_term_as_it_answers_any_query)
{
    static struct spec many[6000];
    static char texts_of[6000][24];
    static const uint64_t limits[] = {0, 1, 7, 300, 5000, UINT64_MAX};
    for (size_t i = 0; i < N(many); i++) {
        (void)snprintf(texts_of[i], sizeof texts_of[i], "t%zu %s", i, dice(3) ? "word" : "none");
        many[i] =
            (struct spec){.from = people[dice(4)], .to = people[dice(4)], .text = texts_of[i]};
        many[i].sent = dice(10) ? T0 + dice(3000) * MINUTE : 0;
        many[i].copies[0] = (struct spec_copy){"p", 10 * i, NULL};
        if (dice(20) == 0)
            many[i].copies[1] = (struct spec_copy){"p", 10 * i + 1, NULL};
        if (dice(20) == 0) {
            many[i].kind = DOC_EVENT;
            many[i].hidden = true;
            many[i].to = NULL;
            many[i].copies[1] = (struct spec_copy){0};
        }
    }
    segment_make(cf, many, 5000);
    segment_make(cf, many + 5000, N(many) - 5000);
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    for (size_t i = 0; i < N(limits); i++) {
        struct search_result a = run("word", SORT_NEWEST, limits[i]);
        struct search_result b = run("word OR word", SORT_NEWEST, limits[i]);
        cr_assert_gt(a.total, 3000u);
        cr_assert(a.total == b.total && a.conversations == b.conversations && a.n_hits == b.n_hits,
                  "limit %zu", i);
        for (size_t h = 0; h < a.n_hits; h++)
            cr_assert(a.hits[h].segment == b.hits[h].segment && a.hits[h].doc == b.hits[h].doc &&
                      a.hits[h].k == b.hits[h].k && a.hits[h].sent == b.hits[h].sent);
        search_result_release(&a);
        search_result_release(&b);
        a = run("*", SORT_NEWEST, limits[i]);
        b = run("* OR word", SORT_NEWEST, limits[i]);
        cr_assert(a.total == b.total && a.n_hits == b.n_hits);
        search_result_release(&a);
        search_result_release(&b);
    }
}

Test(search, answers_ten_thousand_alternatives)
{
    make_both();
    struct buf text = {0};
    for (int i = 0; i < 10000; i++)
        buf_printf(&text, "w%d OR ", i);
    for (int i = 0; i < 100; i++)
        buf_put_str(&text, "version OR van OR from:carl OR ");
    buf_put_str(&text, "harbour");
    buf_put_u8(&text, 0);
    finds((const char *)text.data, "m3 m9 m10 m2 m1 m5");
    untestable((const char *)text.data, 2, 0);
    buf_release(&text);
}
