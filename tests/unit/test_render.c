/* test_render — query/render*.c and extra.c: what is printed, and that nothing of evidence acts. */
#include "query/cmd.h"
#include "query/extra.h"
#include "query_testing.h"

#include "lictor/utf8.h"

static struct casefile *cf;
static struct view v;
static struct render r;
static struct buf out;

static void setup(void)
{
    dir_make();
    cf = query_case_make();
    cr_assert_eq(view_open(cf, "UTC", &v, NULL), ST_OK);
    render_init(&r, &v);
}

static void teardown(void)
{
    render_release(&r);
    view_close(&v);
    casefile_close(cf);
    buf_release(&out);
    dir_remove();
}

TestSuite(render, .init = setup, .fini = teardown);

static const char *printed(void)
{
    buf_put_u8(&out, 0);
    cr_assert(!out.failed);
    return (const char *)out.data;
}

static bool all_safe(void)
{
    for (size_t pos = 0; pos < out.len;) {
        uint32_t cp = utf8_next(out.data, out.len, &pos);
        bool isolate = cp == 0x2068 || cp == 0x2069; /* ours */
        if (cp == UTF8_BAD || (utf8_unsafe(cp) && cp != '\n' && cp != '\r' && !isolate))
            return false;
    }
    return true;
}

/* ---- extra ---- */

#define OBJECT "{\"a\":[1,{\"b\":\"]}\\\"\"},[]],\"c\":\"x\\ud83d\\ude00\\n\\u0041\",\"d\":-1.5e3}"

Test(render, finds_values_of_a_canonical_object)
{
    struct slice raw;
    cr_assert(extra_find(slice_str(OBJECT), "a", &raw));
    cr_assert(slice_eq_str(raw, "[1,{\"b\":\"]}\\\"\"},[]]"));
    cr_assert(extra_find(slice_str(OBJECT), "d", &raw));
    cr_assert(slice_eq_str(raw, "-1.5e3"));
    cr_assert(!extra_find(slice_str(OBJECT), "b", &raw));
    cr_assert(!extra_find(slice_str("[1]"), "a", &raw));
    cr_assert(!extra_find(slice_str(""), "a", &raw));
    cr_assert(!extra_find(slice_str("{}"), "", &raw));
}

Test(render, walks_arrays_and_objects)
{
    struct extra_iter it;
    struct slice key, value;
    size_t n = 0;
    cr_assert(extra_begin(slice_str("[\"a,]\",{\"x\":[1,2]},3]"), &it));
    for (; extra_next(&it, &key, &value); n++)
        cr_assert_eq(key.len, 0u);
    cr_assert_eq(n, 3u);
    cr_assert(extra_begin(slice_str("[]"), &it));
    cr_assert(!extra_next(&it, &key, &value));
    cr_assert(!extra_begin(slice_str("\"text\""), &it));
}

Test(render, decodes_strings)
{
    struct slice raw;
    cr_assert(extra_find(slice_str(OBJECT), "c", &raw));
    cr_assert(extra_string(raw, &out));
    cr_assert_str_eq(printed(), "x\xf0\x9f\x98\x80\nA");
    buf_clear(&out);
    cr_assert(extra_string(slice_str("\"\\udc00\\ud800x\""), &out));
    cr_assert_str_eq(printed(), "\xed\xb0\x80\xed\xa0\x80x");
    cr_assert(!extra_string(slice_str("12"), &out));
}

static void take_apart(struct slice s)
{
    struct extra_iter it;
    struct slice key, value;
    buf_clear(&out);
    extra_safe(s, &out);
    cr_assert(all_safe() || memchr(s.data, '\n', s.len));
    (void)extra_string(s, &out);
    if (extra_begin(s, &it))
        for (size_t n = 0; extra_next(&it, &key, &value); n++)
            cr_assert_lt(n, s.len);
    (void)extra_find(s, "c", &value);
}

Test(render, survives_every_truncation_and_bit_flip_of_json)
{
    static const char json[] = OBJECT;
    size_t len = sizeof json - 1;
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *mine = malloc(cut + !cut); /* so that an overrun is seen */
        cr_assert_not_null(mine);
        memcpy(mine, json, cut);
        take_apart(slice_of(mine, cut));
        for (size_t bit = 0; bit < 8 * cut; bit++) {
            mine[bit / 8] = (uint8_t)(mine[bit / 8] ^ 1u << bit % 8);
            take_apart(slice_of(mine, cut));
            mine[bit / 8] = (uint8_t)(mine[bit / 8] ^ 1u << bit % 8);
        }
        free(mine);
    }
}

Test(render, makes_json_of_others_harmless)
{
    extra_safe(slice_str("{\"k\":\"\xe2\x80\xae \xff \\ud800 \\ud83d\\ude00 \\\\ \x7f\"}"), &out);
    cr_assert_str_eq(printed(),
                     "{\"k\":\"\\u202e \xef\xbf\xbd \\ufffd \\ud83d\\ude00 \\\\ \\u007f\"}");
}

/* ---- ids ---- */

static int digits_of(const char *const *ids, size_t n)
{
    struct id_set set = {0};
    for (size_t i = 0; i < n; i++) {
        uint8_t id[KEY_SIZE];
        cr_assert(hex_decode(ids[i], KEY_SIZE, id));
        id_set_add(&set, id);
    }
    int digits = id_set_digits(&set);
    id_set_release(&set);
    return digits;
}

Test(render, shows_as_many_digits_as_tell_ids_apart)
{
    static const char *const ids[] = {
        "0123456789abcdef0000000000000000",
        "0123456780abcdef0000000000000000",
        "1123456789abcdef0000000000000000",
        "0123456789abcdef0000000000000001",
    };
    cr_assert_eq(digits_of(ids, 0), 8);
    cr_assert_eq(digits_of(ids, 1), 8);
    cr_assert_eq(digits_of(ids, 2), 10);
    cr_assert_eq(digits_of(ids, 3), 10);
    cr_assert_eq(digits_of(ids, 4), 32);
    struct id_set many = {.more = 1000000};
    cr_assert_eq(id_set_digits(&many), 16);
}

/* ---- messages ---- */

/* The one message of a fresh case. */
static void load(const struct spec *s, struct arena *a, struct message_view *m)
{
    struct message_ref ref = {.k = 1};
    render_release(&r);
    view_close(&v);
    segment_make(cf, s, 1);
    cr_assert_eq(view_open(cf, "Europe/Paris", &v, NULL), ST_OK);
    render_init(&r, &v);
    cr_assert_eq(view_load(&v, &ref, VIEW_FULL, a, m, NULL), ST_OK);
}

static const struct spec plain = {.from = "anna",
                                  .to = "bert,carl",
                                  .id = "s1",
                                  .text = "hi",
                                  .sent = INT64_C(1585844591123),
                                  .reply_to = "s0",
                                  .attachment = "ab12",
                                  .flags = DOC_ONE_SIDED,
                                  .copies = {{.source = "p", .seq = 7, .account = "anna"}}};

Test(render, writes_the_keys_of_the_contract_in_order)
{
    struct arena a;
    struct message_view m;
    char want[512], id[2 * KEY_SIZE + 1], conv[2 * KEY_SIZE + 1];
    arena_init(&a, 0);
    load(&plain, &a, &m);
    hex_encode(m.id, KEY_SIZE, id);
    hex_encode(m.conversation_key, KEY_SIZE, conv);
    json_record(&m, false, NULL, &out);
    (void)snprintf(
        want, sizeof want,
        "{\"type\":\"message\",\"id\":\"%s\",\"service_id\":\"s1\",\"conversation\":\"%s\","
        "\"from\":\"anna\",\"to\":[\"bert\",\"carl\"],\"sent\":\"2020-04-02T16:23:11.123Z\","
        "\"text\":\"hi\",\"copies\":1,\"flags\":[\"one-sided\"],"
        "\"attachments\":[{\"sha256\":\"ab12\"}],\"reply_to\":\"s0\",\"reply_missing\":true}",
        id, conv);
    cr_assert_str_eq(printed(), want);
    buf_clear(&out);
    json_record(&m, true, "sent", &out);
    const char *full = printed();
    cr_assert(strstr(full,
                     "\"order\":\"sent\",\"all_copies\":[{\"source\":\"p\",\"stage\":\"live\","
                     "\"seq\":7,\"side\":\"from\",\"dump\":\"d1\",\"dump_sha256\":\"01"));
    cr_assert(strstr(full, "\"line\":2,\"account\":\"anna\"}]}"));
    arena_release(&a);
}

Test(render, gives_a_message_to_oneself_its_recipient)
{
    struct slice set[] = {slice_str("anna")}, to;
    struct content c = {.from = slice_str("anna"),
                        .conv = {.kind = CONV_SET, .set = set, .n_set = 1}};
    size_t i = 0;
    cr_assert(render_recipient(&c, &i, &to));
    cr_assert(slice_eq_str(to, "anna"));
    cr_assert(!render_recipient(&c, &i, &to));
}

static void render_all(const struct message_view *m)
{
    struct err err = {0};
    json_record(m, true, "seq", &out);
    csv_record(m, "seq", &out);
    cr_assert_eq(text_hit(&r, m, &out, &err), ST_OK);
    text_message(&r, m, &out);
    cr_assert_eq(text_thread_record(&r, m, &out, &err), ST_OK);
}

Test(render, keeps_hostile_text_inert_everywhere)
{
    static const struct spec s = {.from = "\x1b]0;x\x07",
                                  .to = "\xe2\x80\xaetreb",
                                  .id = "\xff",
                                  .text = "\x1b[2J\xe2\x80\xae\x7f\r\n\xff\xed\xa0\x80",
                                  .attachment = "\x1b[1m",
                                  .reply_to = "\x9b",
                                  .sent = 1000,
                                  .copies = {{.source = "\x1b[H", .seq = 1, .account = "\x08"}}};
    struct arena a;
    struct message_view m;
    arena_init(&a, 0);
    load(&s, &a, &m);
    render_all(&m);
    cr_assert(all_safe());
    cr_assert(memmem(out.data, out.len, "\"text_base64\":\"G1syS", 20));
    arena_release(&a);
}

Test(render, neutralises_formulas_in_csv)
{
    static const struct {
        const char *text, *field;
    } all[] = {
        {"=1+1", "\"'=1+1\""},
        {"+49", "\"'+49\""},
        {"-x", "\"'-x\""},
        {"@x", "\"'@x\""},
        {"\t=1", "\"'\\t=1\""},
        {"\xef\xbc\x9d"
         "1",
         "\"'\xef\xbc\x9d"
         "1\""},
        {"say \"so\"", "\"say \"\"so\"\"\""},
        {"a,b\nc", "\"a,b\nc\""},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct message_view m = {
            .c = {.kind = DOC_MESSAGE, .body_kind = BODY_TEXT, .sent = TIME_NONE}};
        m.c.text = slice_str(all[i].text);
        buf_clear(&out);
        csv_record(&m, NULL, &out);
        cr_assert(strstr(printed(), all[i].field), "%s: %s", all[i].field, printed());
    }
}

Test(render, gives_every_row_of_csv_the_columns_of_its_header)
{
    struct message_view m = {.c = {.kind = DOC_MESSAGE, .sent = TIME_NONE}};
    struct stream_ref stream = {.source = slice_str("p")};
    struct thread_gap gap = {.stream = &stream, .missing = 2, .why = "selection"};
    struct handle_row h = {.handle = slice_str("a"), .first = TIME_NONE, .last = TIME_NONE};
    size_t commas[5] = {0};
    for (int i = 0; i < 5; i++) {
        buf_clear(&out);
        if (i == 0 || i == 3)
            csv_header(i == 3, &out);
        else if (i == 1)
            csv_record(&m, NULL, &out);
        else if (i == 2)
            csv_gap(&gap, &out);
        else
            csv_handle(&h, &out);
        bool quoted = false;
        for (size_t k = 0; k < out.len; k++) {
            quoted ^= out.data[k] == '"';
            commas[i] += out.data[k] == ',' && !quoted;
        }
        cr_assert_eq(memcmp(out.data + out.len - 2, "\r\n", 2), 0);
    }
    cr_assert_eq(commas[1], commas[0]);
    cr_assert_eq(commas[2], commas[0]);
    cr_assert_eq(commas[4], commas[3]);
}

/* ---- text ---- */

#define BAR "\xe2\x94\x82 "

static const char *wrapped(const char *text, int columns)
{
    buf_clear(&out);
    r.columns = columns;
    text_wrap(&r, &out, slice_str(text), 2, 2, NULL, 0);
    return printed();
}

/* An isolate ends with its line: where words of ours wrap inside a name that runs from right to
 * left, what is left of it must not reorder what stands beside it. */
#define SHALOM "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"
#define ISOLATED(s) "\xe2\x81\xa8" s "\xe2\x81\xa9"
Test(render, closes_isolates_at_the_end_of_a_line_and_opens_them_anew)
{
    struct buf words = {0};
    buf_put_str(&words, "says ");
    text_name(&words, slice_str(SHALOM " " SHALOM " " SHALOM " " SHALOM), 0);
    buf_put_str(&words, " at 5");
    r.columns = 28;
    text_wrap_words(&r, &out, buf_slice(&words), 2);
    buf_release(&words);
    cr_assert_str_eq(printed(), "says " ISOLATED(SHALOM " " SHALOM) "\n  " ISOLATED(
                                    SHALOM " " SHALOM) " at 5\n");
}

Test(render, wraps_text_at_blanks_and_breaks_long_words)
{
    cr_assert_str_eq(wrapped("", 40), "\n");
    cr_assert_str_eq(wrapped("one two", 40), "one two\n");
    cr_assert_str_eq(wrapped("a\nb\n\nc", 40), "a\n" BAR "b\n" BAR "\n" BAR "c\n");
    cr_assert_str_eq(wrapped("aaaa bbbb cccc dddd eeee ffff", 26),
                     "aaaa bbbb cccc dddd eeee\n" BAR "ffff\n");
    cr_assert_str_eq(wrapped("aaaaaaaaaabbbbbbbbbbccccccccccdddd", 26),
                     "aaaaaaaaaabbbbbbbbbbcccc\n" BAR "ccccccdddd\n");
    cr_assert_str_eq(wrapped("x aaaaaaaaaabbbbbbbbbbcccccccccc", 26),
                     "x\n" BAR "aaaaaaaaaabbbbbbbbbbcccc\n" BAR "cccccc\n");
}

Test(render, isolates_what_runs_from_right_to_left)
{
    text_name(&out, slice_str("\xd7\xa9\xd7\x9c"), 0);
    cr_assert_str_eq(printed(), "\xe2\x81\xa8\xd7\xa9\xd7\x9c\xe2\x81\xa9");
    buf_clear(&out);
    text_name(&out, slice_str("anna"), 0);
    cr_assert_str_eq(printed(), "anna");
}

Test(render, cuts_long_names_to_their_column)
{
    cr_assert_eq(text_name(&out, slice_str("a-long-handle"), 6), 6);
    cr_assert_str_eq(printed(), "a-lon\xe2\x80\xa6");
    buf_clear(&out);
    cr_assert_eq(text_name(&out, slice_str("\xe6\x98\x8e\xe5\xa4\xa9\xe8\xa7\x81"), 5), 5);
    cr_assert_str_eq(printed(), "\xe6\x98\x8e\xe5\xa4\xa9\xe2\x80\xa6");
    buf_clear(&out);
    cr_assert_eq(text_name(&out, slice_str("sixsix"), 6), 6);
    cr_assert_str_eq(printed(), "sixsix");
}

Test(render, shows_local_time_and_utc)
{
    struct arena a;
    struct message_view m;
    arena_init(&a, 0);
    load(&plain, &a, &m);
    text_when(&r, &out, INT64_C(1585844591123));
    cr_assert_str_eq(printed(), "2020-04-02 18:23:11 +02:00 (16:23:11 UTC)");
    buf_clear(&out);
    text_when(&r, &out, INT64_C(1585778400000));
    cr_assert_str_eq(printed(), "2020-04-02 00:00:00 +02:00 (2020-04-01 22:00:00 UTC)");
    arena_release(&a);
}

static const struct known_id known_ids[] = {
    {.service_id = {.data = (const uint8_t *)"s0", .len = 2}, .id = {0xab, 0xcd, 0xef, 1, 2}},
    {.service_id = {.data = (const uint8_t *)"s1", .len = 2}, .several = true},
};

Test(render, names_the_record_that_a_service_id_means)
{
    r.known = known_ids;
    r.n_known = 2;
    text_service_id(&r, slice_str("s0"), &out);
    buf_put_u8(&out, ' ');
    text_service_id(&r, slice_str("s1"), &out);
    buf_put_u8(&out, ' ');
    text_service_id(&r, slice_str("s"), &out);
    cr_assert_str_eq(printed(), "abcdef01 \xe2\x80\x9cs1\xe2\x80\x9d (service id) "
                                "\xe2\x80\x9cs\xe2\x80\x9d (service id)");
    r.n_known = 0;
}

Test(render, shows_a_conversation_in_columns)
{
    struct arena a;
    struct message_view m;
    char id[2 * KEY_SIZE + 1], want[256];
    arena_init(&a, 0);
    load(&plain, &a, &m);
    hex_encode(m.id, KEY_SIZE, id);
    r.speaker_columns = 6;
    m.c.n_attachments = 0;
    cr_assert_eq(text_thread_record(&r, &m, &out, NULL), ST_OK);
    (void)snprintf(want, sizeof want,
                   "\n\xe2\x94\x80\xe2\x94\x80 Thursday 2 April 2020 (UTC+02:00) "
                   "\xe2\x94\x80\xe2\x94\x80\n\n%.8s  18:23:11  anna    hi\n%28sonly the sender's "
                   "copy is there \xc2\xb7 answers \xe2\x80\x9cs0\xe2\x80\x9d (service id), which "
                   "is\n%28snot in the delivered data\n",
                   id, "", "");
    cr_assert_str_eq(printed(), want);
    arena_release(&a);
}

Test(render, says_what_is_missing)
{
    struct stream_ref stream = {.source = slice_str("imei:1"), .stage = 1};
    struct thread_gap gap = {
        .stream = &stream, .after_seq = 4, .before_seq = 8, .missing = 3, .why = "not-delivered"};
    text_gap_words(&gap, &out);
    cr_assert_str_eq(printed(), "3 records of imei:1 (live) are not in the delivered data between "
                                "these two (numbers 4 and 8); which conversation they belong to is "
                                "not known.");
    buf_clear(&out);
    json_gap(&gap, &out);
    cr_assert_str_eq(printed(),
                     "{\"type\":\"gap\",\"source\":\"imei:1\",\"stage\":\"live\",\"after_seq\":4,"
                     "\"before_seq\":8,\"missing\":3,\"why\":\"not-delivered\"}");
}

static const char *shell(const char *name, size_t len)
{
    buf_clear(&out);
    text_shell_name(slice_of(name, len), &out);
    return printed();
}

Test(render, quotes_names_for_the_shell)
{
    cr_assert_str_eq(shell("part-1.age", 10), "part-1.age");
    cr_assert_str_eq(shell("-rf", 3), "./-rf");
    cr_assert_str_eq(shell("a b", 3), "'a b'");
    cr_assert_str_eq(shell("a'b", 3), "'a'\\''b'");
    cr_assert_str_eq(shell("$(x)`", 5), "'$(x)`'");
    cr_assert_str_eq(shell("a\nb'\\", 5), "$'a\\x0ab\\x27\\x5c'");
    cr_assert_str_eq(shell("", 0), "''");
}

Test(render, wraps_summaries_as_each_format_wants)
{
    struct summary s = {.query = slice_str("x"),
                        .total = 1,
                        .conversations = UINT64_MAX,
                        .digest = "d",
                        .generation = 2};
    static const char keys[] =
        "\"query\":\"x\",\"total\":1,\"sealed\":0,\"untimed\":0,\"digest\":\"d\","
        "\"generation\":2,\"version\":\"" LICTOR_VERSION "\"";
    char want[512];
    r.format = RENDER_JSONL;
    render_begin(&r, &s, &out);
    render_end(&r, &s, true, &out);
    (void)snprintf(want, sizeof want, "{\"type\":\"summary\",%s}\n", keys);
    cr_assert_str_eq(printed(), want);
    buf_clear(&out);
    r.format = RENDER_JSON;
    render_begin(&r, &s, &out);
    render_end(&r, &s, true, &out);
    (void)snprintf(want, sizeof want, "{%s,\"hits\":[]}\n", keys);
    cr_assert_str_eq(printed(), want);
    buf_clear(&out);
    r.hits_open = false;
    render_begin(&r, NULL, &out);
    render_end(&r, &s, false, &out);
    (void)snprintf(want, sizeof want, "{\"hits\":[],%s}\n", keys);
    cr_assert_str_eq(printed(), want);
}
