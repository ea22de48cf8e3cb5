/* test_record — lines to records, and every reason for which a line is none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "lictor/record.h"

static struct record_reader *reader;
static struct record rec;
static struct slice key;
static struct err err;

static void setup(void) { cr_assert_eq(record_reader_new(&reader, &err), ST_OK); }

static void teardown(void) { record_reader_free(reader); }

TestSuite(record, .init = setup, .fini = teardown);

static enum record_fault parse_bytes(const void *data, size_t len, bool first)
{
    enum record_fault fault = RF_COUNT;
    key = (struct slice){0};
    cr_assert_eq(record_parse(reader, slice_of(data, len), first, &rec, &fault, &key, &err), ST_OK);
    return fault;
}

static enum record_fault parse(const char *line) { return parse_bytes(line, strlen(line), false); }

#define GOOD(line) cr_assert_eq(parse(line), RF_NONE, "%s", line)
#define FAULT(line, f) cr_assert_eq(parse(line), f, "%s: %s", line, record_fault_name(parse(line)))
#define FAULT_AT(line, f, k)                                                                       \
    do {                                                                                           \
        FAULT(line, f);                                                                            \
        cr_assert(slice_eq_str(key, k), "%s: key %.*s", line, (int)key.len,                        \
                  (const char *)key.data);                                                         \
    } while (0)
#define STR_IS(id, want) cr_assert(rec.str[id].present &&slice_eq_str(rec.str[id].s, want))
#define SLICE_IS(s, want) cr_assert(slice_eq_str(s, want), "%.*s", (int)(s).len, (s).data)

static const char full_message[] =
    "{\"kind\":\"message\",\"seq\":7,\"from\":\"fox\",\"to\":[\"owl\",\"elk\"],\"group\":\"g1\","
    "\"group_name\":\"The \\\"four\\\"\",\"sent\":1585844591123,"
    "\"delivered\":\"2020-04-02T18:23:11.500+02:00\",\"read\":\"2020-04-02T18:23:11\","
    "\"collected\":1.5,\"id\":\"a1\",\"text\":\"caf\xc3\xa9 \\ud83d\\ude00\",\"burn\":30,"
    "\"reply_to\":\"a0\",\"deleted\":true,\"location\":{\"lat\":1},"
    "\"attachments\":[{\"name\":\"p.jpg\",\"mime\":\"image/jpeg\",\"size\":120034,\"type\":"
    "\"photo\",\"duration_ms\":0,\"caption\":\"\",\"sha256\":"
    "\"ABCDEF0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789\"},{}],"
    "\"account\":\"fox\",\"direction\":\"from\",\"x-new\":{\"a\":[1,2]}}";

Test(record, reads_every_key_of_a_message)
{
    GOOD(full_message);
    cr_assert_eq(rec.kind, RECORD_MESSAGE);
    STR_IS(RS_FROM, "fox");
    STR_IS(RS_GROUP, "g1");
    STR_IS(RS_GROUP_NAME, "The \"four\"");
    STR_IS(RS_ID, "a1");
    STR_IS(RS_TEXT, "caf\xc3\xa9 \xf0\x9f\x98\x80");
    STR_IS(RS_REPLY_TO, "a0");
    STR_IS(RS_ACCOUNT, "fox");
    STR_IS(RS_DIRECTION, "from");
    cr_assert(!rec.str[RS_TEXT].damaged && !rec.str[RS_OWNER].present);
    cr_assert(record_has(&rec, RI_SEQ) && record_has(&rec, RI_BURN) &&
              !record_has(&rec, RI_RECORDS));
    cr_assert(rec.num[RI_SEQ] == 7 && rec.num[RI_BURN] == 30);
    cr_assert(rec.list[RL_TO].present && rec.list[RL_TO].n == 2 && !rec.list[RL_WHO].present);
    SLICE_IS(rec.list[RL_TO].items[0], "owl");
    SLICE_IS(rec.list[RL_TO].items[1], "elk");
}

Test(record, reads_times_as_numbers_and_as_text)
{
    GOOD(full_message);
    const struct record_when *t = rec.time;
    cr_assert(t[RT_SENT].state == RTS_INSTANT && t[RT_SENT].ms == 1585844591123 &&
              !t[RT_SENT].is_text);
    cr_assert(t[RT_DELIVERED].state == RTS_INSTANT && t[RT_DELIVERED].ms == 1585844591500);
    cr_assert(t[RT_DELIVERED].is_text && t[RT_DELIVERED].has_offset &&
              t[RT_DELIVERED].offset_minutes == 120);
    SLICE_IS(t[RT_DELIVERED].raw, "\"2020-04-02T18:23:11.500+02:00\"");
    cr_assert(t[RT_READ].state == RTS_LOCAL && t[RT_READ].ms == 1585851791000 &&
              !t[RT_READ].has_offset);
    cr_assert(t[RT_COLLECTED].state == RTS_BAD);
    SLICE_IS(t[RT_COLLECTED].raw, "1.5");
    cr_assert(t[RT_DELETED].state == RTS_BOOL && t[RT_DELETED].ms == 1);
    cr_assert(t[RT_TIME].state == RTS_ABSENT);
}

Test(record, unreadable_times_are_kept_and_no_fault)
{
    static const char *const bad[] = {
        "1e3",           "1.0",  "9223372036854775808",     "-9223372036854775809",
        "\"yesterday\"", "\"\"", "\"2020-13-01T00:00:00Z\""};
    char line[128];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(line, sizeof line, "{\"kind\":\"message\",\"sent\":%s}", bad[i]);
        GOOD(line);
        cr_assert_eq(rec.time[RT_SENT].state, RTS_BAD, "%s", bad[i]);
        SLICE_IS(rec.time[RT_SENT].raw, bad[i]);
    }
    GOOD("{\"kind\":\"message\",\"sent\":-9223372036854775808}");
    cr_assert(rec.time[RT_SENT].state == RTS_INSTANT && rec.time[RT_SENT].ms == INT64_MIN);
    GOOD("{\"kind\":\"message\",\"sent\":9223372036854775807}");
    cr_assert(rec.time[RT_SENT].state == RTS_INSTANT && rec.time[RT_SENT].ms == INT64_MAX);
    GOOD("{\"kind\":\"message\",\"sent\":-0,\"deleted\":false}");
    cr_assert(rec.time[RT_SENT].state == RTS_INSTANT && rec.time[RT_SENT].ms == 0);
    cr_assert(rec.time[RT_DELETED].state == RTS_BOOL && rec.time[RT_DELETED].ms == 0);
}

Test(record, reads_attachments)
{
    GOOD(full_message);
    cr_assert(rec.attachments_present && rec.n_attachments == 2);
    const struct record_attachment *a = rec.attachments;
    SLICE_IS(a[0].name, "p.jpg");
    SLICE_IS(a[0].mime, "image/jpeg");
    SLICE_IS(a[0].size, "120034");
    SLICE_IS(a[0].type, "photo");
    cr_assert(a[0].caption.data && a[0].caption.len == 0);
    SLICE_IS(a[0].sha256, "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
    cr_assert(!a[1].name.data && !a[1].size.data && !a[1].sha256.data && !a[1].damaged);
}

Test(record, of_a_name_twice_inside_an_attachment_the_last_wins)
{
    GOOD("{\"kind\":\"message\",\"attachments\":[{\"size\":\"x\",\"name\":\"\xff\","
         "\"n\\u0061me\":\"b\",\"size\":5,\"sha256\":\"ABC\"}]}");
    SLICE_IS(rec.attachments[0].name, "b");
    SLICE_IS(rec.attachments[0].size, "5");
    SLICE_IS(rec.attachments[0].sha256, "ABC");
    cr_assert(!rec.attachments[0].damaged);
    GOOD("{\"kind\":\"message\",\"attachments\":[{\"caption\":\"\\udc00\"}]}");
    cr_assert(rec.attachments[0].damaged);
}

Test(record, pairs_are_the_line_in_its_order)
{
    GOOD(" { \"b\\u0020c\" : [ 1 ] , \"kind\" : \"note\", \"owner\":\"o\",\"text\":\"t\","
         "\"lat\":\"not known here\" } \r");
    cr_assert_eq(rec.n_pairs, 5);
    SLICE_IS(rec.pairs[0].key, "b c");
    SLICE_IS(rec.pairs[0].value, "[ 1 ]");
    SLICE_IS(rec.pairs[4].value, "\"not known here\"");
    static const bool known[] = {false, true, true, true, false};
    for (int i = 0; i < 5; i++)
        cr_assert_eq(rec.pairs[i].known, known[i]);
}

Test(record, kind_may_come_last_and_keys_may_be_escaped)
{
    GOOD("{\"te\\u0078t\":\"hi\",\"k\\u0069nd\":\"mess\\u0061ge\"}");
    cr_assert_eq(rec.kind, RECORD_MESSAGE);
    STR_IS(RS_TEXT, "hi");
}

static const char *const examples[RECORD_KINDS] = {
    [RECORD_DUMP] = "{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"server:1\","
                    "\"stage\":\"live\",\"serial\":12,\"zone\":\"+01:00\",\"seq\":\"unknown here\","
                    "\"collected_from\":1,\"collected_to\":\"2020-01-01T00:00:00Z\"}",
    [RECORD_MESSAGE] = "{\"kind\":\"message\"}",
    [RECORD_EVENT] = "{\"kind\":\"event\",\"what\":\"join\",\"who\":[\"a\"],\"time\":5}",
    [RECORD_CONTACT] = "{\"kind\":\"contact\",\"owner\":\"a\",\"handle\":\"b\",\"nickname\":\"c\","
                       "\"deleted\":true}",
    [RECORD_NOTE] = "{\"kind\":\"note\",\"owner\":\"a\",\"text\":\"b\"}",
    [RECORD_LOCATION] = "{\"kind\":\"location\",\"time\":1,\"lat\":-1.5e0,\"lon\":2,"
                        "\"accuracy_m\":5.0}",
    [RECORD_CALL] = "{\"kind\":\"call\",\"from\":\"a\",\"to\":[\"b\"],\"started\":1,\"ended\":2}",
    [RECORD_KEEPALIVE] = "{\"kind\":\"keepalive\",\"time\":1,\"interval_s\":60}",
    [RECORD_END] = "{\"kind\":\"end\",\"records\":9,\"last_seq\":8,\"seq\":[]}",
};

Test(record, reads_every_kind)
{
    for (unsigned k = 0; k < RECORD_KINDS; k++) {
        GOOD(examples[k]);
        cr_assert_eq(rec.kind, k);
        cr_assert(strstr(examples[k], record_kind_name(rec.kind)));
    }
    GOOD("{\"kind\":\"location\",\"time\":1,\"cell\":{\"mcc\":1}}");
}

Test(record, what_a_kind_must_have_is_asked_for)
{
    FAULT_AT("{\"kind\":\"dump\",\"source\":\"s\",\"stage\":\"live\"}", RF_TYPE, "format");
    FAULT_AT("{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"stage\":\"live\"}", RF_TYPE,
             "source");
    FAULT_AT("{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"s\"}", RF_TYPE,
             "stage");
    FAULT_AT("{\"kind\":\"event\"}", RF_TYPE, "what");
    FAULT_AT("{\"kind\":\"contact\",\"owner\":\"a\",\"handle\":\"b\"}", RF_TYPE, "nickname");
    FAULT_AT("{\"kind\":\"contact\",\"owner\":\"a\",\"nickname\":\"b\"}", RF_TYPE, "handle");
    FAULT_AT("{\"kind\":\"note\",\"text\":\"a\"}", RF_TYPE, "owner");
    FAULT_AT("{\"kind\":\"note\",\"owner\":\"a\"}", RF_TYPE, "text");
    FAULT_AT("{\"kind\":\"location\",\"lat\":1,\"lon\":2}", RF_TYPE, "time");
    FAULT_AT("{\"kind\":\"location\",\"time\":1,\"lat\":1}", RF_TYPE, "lon");
    FAULT_AT("{\"kind\":\"location\",\"time\":1}", RF_TYPE, "lat");
    FAULT_AT("{\"kind\":\"call\",\"from\":\"a\",\"started\":1}", RF_TYPE, "to");
    FAULT_AT("{\"kind\":\"call\",\"from\":\"a\",\"to\":[]}", RF_TYPE, "started");
    FAULT_AT("{\"kind\":\"keepalive\"}", RF_TYPE, "time");
    FAULT_AT("{\"kind\":\"end\"}", RF_TYPE, "records");
}

Test(record, known_keys_have_types)
{
    static const struct {
        const char *key, *value;
    } wrong[] = {
        {"from", "1"},
        {"from", "null"},
        {"text", "[\"a\"]"},
        {"to", "\"a\""},
        {"to", "[1]"},
        {"to", "[\"a\",null]"},
        {"to", "{}"},
        {"seq", "-1"},
        {"seq", "1.0"},
        {"seq", "1e0"},
        {"seq", "\"1\""},
        {"seq", "9223372036854775808"},
        {"seq", "18446744073709551617"},
        {"burn", "null"},
        {"sent", "true"},
        {"sent", "null"},
        {"sent", "[]"},
        {"deleted", "null"},
        {"deleted", "{}"},
        {"location", "[]"},
        {"location", "null"},
        {"direction", "\"up\""},
        {"attachments", "{}"},
        {"attachments", "[1]"},
        {"attachments", "[{\"name\":1}]"},
        {"attachments", "[{\"size\":-1}]"},
        {"attachments", "[{\"size\":1.5}]"},
        {"attachments", "[{\"size\":\"1\"}]"},
        {"attachments", "[{\"duration_ms\":null}]"},
        {"sealed", "\"x\""},
        {"sealed", "{}"},
    };
    char line[256];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(line, sizeof line, "{\"kind\":\"message\",\"%s\":%s}", wrong[i].key,
                 wrong[i].value);
        FAULT_AT(line, RF_TYPE, wrong[i].key);
        /* A kind that does not know the key keeps it, whatever it says. */
        if (strcmp(wrong[i].key, "direction") == 0)
            continue;
        snprintf(line, sizeof line, "{\"kind\":\"end\",\"records\":0,\"%s\":%s}", wrong[i].key,
                 wrong[i].value);
        GOOD(line);
        cr_assert(!rec.pairs[2].known);
    }
    GOOD("{\"kind\":\"message\",\"seq\":9223372036854775807}");
    cr_assert_eq(rec.num[RI_SEQ], (uint64_t)INT64_MAX);
    FAULT("{\"kind\":\"location\",\"time\":1,\"lat\":\"1\",\"lon\":2}", RF_TYPE);
    FAULT("{\"kind\":\"location\",\"time\":1,\"cell\":[]}", RF_TYPE);
    FAULT("{\"kind\":\"dump\",\"format\":\"lictor-delivery/2\",\"source\":\"\",\"stage\":\"live\"}",
          RF_TYPE);
    FAULT("{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"\",\"stage\":\"Live\"}",
          RF_TYPE);
    FAULT("{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"\",\"stage\":\"live\","
          "\"serial\":1.5}",
          RF_TYPE);
}

#define NONCE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX" /* 24 bytes */
#define TAG "AAECAwQFBgcICQoLDA0ODw=="           /* 16 bytes */

Test(record, reads_a_sealed_body)
{
    GOOD("{\"kind\":\"message\",\"sealed\":{\"box\":\"" TAG "\",\"nonce\":\"" NONCE
         "\",\"key\":\"k\\u0031\",\"more\":1}}");
    cr_assert(rec.sealed);
    SLICE_IS(rec.seal_key, "k1");
    cr_assert_eq(rec.seal_nonce.len, 24);
    cr_assert_eq(rec.seal_box.len, 16);
    for (uint8_t i = 0; i < 16; i++)
        cr_assert(rec.seal_box.data[i] == i && rec.seal_nonce.data[i] == i);
}

Test(record, refuses_a_malformed_seal)
{
    FAULT("{\"kind\":\"message\",\"sealed\":{\"key\":\"k\",\"nonce\":\"" NONCE "\"}}", RF_TYPE);
    FAULT("{\"kind\":\"message\",\"sealed\":{\"key\":1,\"nonce\":\"" NONCE "\",\"box\":\"" TAG
          "\"}}",
          RF_TYPE);
    FAULT("{\"kind\":\"message\",\"sealed\":{\"key\":\"k\",\"nonce\":\"" TAG "\",\"box\":\"" TAG
          "\"}}",
          RF_TYPE);
    FAULT("{\"kind\":\"message\",\"sealed\":{\"key\":\"k\",\"nonce\":\"" NONCE
          "\",\"box\":\"AAECAwQFBgcICQoLDA0O\"}}",
          RF_TYPE);
    FAULT("{\"kind\":\"message\",\"sealed\":{\"key\":\"k\",\"nonce\":\"" NONCE
          "\",\"box\":\"AAECAwQFBgcICQoLDA0ODw\"}}",
          RF_TYPE);
}

Test(record, text_and_seal_together_are_two_bodies)
{
    FAULT("{\"kind\":\"message\",\"text\":\"\",\"sealed\":{\"key\":\"k\",\"nonce\":\"" NONCE
          "\",\"box\":\"" TAG "\"}}",
          RF_TWO_BODIES);
    GOOD("{\"kind\":\"note\",\"owner\":\"a\",\"text\":\"\",\"sealed\":1}");
}

Test(record, malformed_text_is_kept_and_marked)
{
    static const struct {
        const char *in, *out;
    } damaged[] = {
        {"a\xff", "a\xff"},
        {"\xc3", "\xc3"},
        {"\xed\xa0\x80", "\xed\xa0\x80"},
        {"\\ud800", "\xed\xa0\x80"},
        {"\xc0\xaf", "\xc0\xaf"},
        {"\\udc00\\ud800", "\xed\xb0\x80\xed\xa0\x80"},
    };
    char line[128];
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        snprintf(line, sizeof line, "{\"kind\":\"message\",\"text\":\"%s\",\"%s\":1}",
                 damaged[i].in, damaged[i].in);
        GOOD(line);
        cr_assert(rec.str[RS_TEXT].damaged);
        STR_IS(RS_TEXT, damaged[i].out);
        SLICE_IS(rec.pairs[2].key, damaged[i].out);
    }
    GOOD("{\"kind\":\"message\",\"text\":\"\\u0000\"}");
    cr_assert(!rec.str[RS_TEXT].damaged && rec.str[RS_TEXT].s.len == 1 &&
              rec.str[RS_TEXT].s.data[0] == 0);
}

Test(record, refuses_what_is_not_one_json_object)
{
    static const char *const bad[] = {
        "{",
        "}",
        "[]",
        "1",
        "null",
        "\"{}\"",
        "{}{}",
        "{} x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":nulll}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1}",
        "{\"a\":{\"b\":1]}",
        "{\"a\":{\"b\"}}",
        "{\"a\":{1:2}}",
        "{\"a\":{\"b\":1,}}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\",
        "{\"a\":\"b",
        "{\"\x1f\":1}",
        "{\"a\":1/**/}",
        "\xef\xbb\xbf{\"kind\":\"message\"}",
        "{\"kind\":\"message\"}\xc2\xa0",
        "{\"a\":1\f}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAULT(bad[i], RF_JSON);
    cr_assert_eq(parse_bytes("{}\0", 3, false), RF_JSON);
    cr_assert_eq(parse_bytes("{\"a\":\"\0\"}", 9, false), RF_JSON);
}

Test(record, a_byte_order_mark_may_open_the_first_line_only)
{
    static const char line[] = "\xef\xbb\xbf {\"kind\":\"message\"}";
    cr_assert_eq(parse_bytes(line, strlen(line), true), RF_NONE);
    cr_assert_eq(parse_bytes(line, strlen(line), false), RF_JSON);
    cr_assert_eq(parse_bytes("{\"kind\":\"message\"}", 18, true), RF_NONE);
    cr_assert_eq(parse_bytes("\xef\xbb\xbf\xef\xbb\xbf{}", 8, true), RF_JSON);
}

Test(record, empty_lines_have_their_own_reason)
{
    cr_assert_eq(parse_bytes(NULL, 0, true), RF_EMPTY);
    FAULT("", RF_EMPTY);
    FAULT("\r", RF_EMPTY);
    FAULT(" \t ", RF_EMPTY);
}

Test(record, kind_is_judged)
{
    FAULT("{}", RF_NO_KIND);
    FAULT("{\"Kind\":\"message\"}", RF_NO_KIND);
    FAULT_AT("{\"kind\":\"Message\"}", RF_KIND, "kind");
    FAULT_AT("{\"kind\":\"\"}", RF_KIND, "kind");
    FAULT_AT("{\"kind\":1}", RF_TYPE, "kind");
    FAULT_AT("{\"kind\":null}", RF_TYPE, "kind");
}

Test(record, faults_are_judged_in_a_fixed_order)
{
    FAULT("{\"a\":1,\"a\":2,\"kind\":\"?\"", RF_JSON);
    FAULT("{\"a\":1,\"a\":2,\"kind\":\"?\"}", RF_NAME_TWICE);
    FAULT("{\"from\":1,\"kind\":\"?\"}", RF_KIND);
    FAULT_AT("{\"from\":1,\"seq\":-1,\"kind\":\"message\"}", RF_TYPE, "from");
    FAULT_AT("{\"kind\":\"note\",\"seq\":-1}", RF_TYPE, "seq");
}

Test(record, a_name_may_not_stand_twice)
{
    FAULT_AT("{\"kind\":\"message\",\"text\":\"a\",\"text\":\"a\"}", RF_NAME_TWICE, "text");
    FAULT_AT("{\"kind\":\"message\",\"x\":1,\"\\u0078\":1}", RF_NAME_TWICE, "x");
    FAULT_AT("{\"kind\":\"message\",\"\":1,\"\":1}", RF_NAME_TWICE, "");
    FAULT_AT("{\"kind\":\"message\",\"\\ud800\":1,\"\xed\xa0\x80\":1}", RF_NAME_TWICE,
             "\xed\xa0\x80");
    /* A key of another kind counts as well. */
    FAULT_AT("{\"kind\":\"message\",\"lat\":1,\"lat\":1}", RF_NAME_TWICE, "lat");
    FAULT_AT("{\"kind\":\"message\",\"kind\":\"message\"}", RF_NAME_TWICE, "kind");
    GOOD("{\"kind\":\"message\",\"x\":{\"a\":1,\"a\":2},\"X\":1,\"x \":1}");
}

static enum record_fault many_names(struct buf *line, unsigned n, unsigned twice)
{
    buf_clear(line);
    buf_put_str(line, "{\"kind\":\"message\"");
    for (unsigned i = 0; i < n; i++)
        buf_printf(line, ",\"%x\":0", i + 1 == n && twice != n ? twice : i);
    buf_put_str(line, "}");
    return parse_bytes(line->data, line->len, false);
}

Test(record, finds_a_name_twice_among_few_and_among_many)
{
    static const unsigned counts[] = {2, 11, 12, 13, 14, 1000, 100000};
    struct buf line = {0};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        unsigned n = counts[i];
        cr_assert_eq(many_names(&line, n, n), RF_NONE, "%u", n);
        cr_assert_eq(rec.n_pairs, n + 1);
        cr_assert_eq(many_names(&line, n, 0), RF_NAME_TWICE, "%u", n);
        SLICE_IS(key, "0");
        cr_assert_eq(many_names(&line, n, n - 2), RF_NAME_TWICE, "%u", n);
    }
    buf_release(&line);
}

static enum record_fault nested(struct buf *line, unsigned depth, const char *open,
                                const char *close)
{
    buf_clear(line);
    buf_put_str(line, "{\"kind\":\"message\",\"x\":");
    for (unsigned i = 1; i < depth; i++)
        buf_put_str(line, open);
    buf_put_str(line, "1");
    for (unsigned i = 1; i < depth; i++)
        buf_put_str(line, close);
    buf_put_str(line, "}");
    return parse_bytes(line->data, line->len, false);
}

Test(record, nesting_ends_at_32)
{
    struct buf line = {0};
    cr_assert_eq(nested(&line, 32, "[", "]"), RF_NONE);
    cr_assert_eq(nested(&line, 33, "[", "]"), RF_NESTING);
    cr_assert_eq(nested(&line, 32, "{\"a\":", "}"), RF_NONE);
    cr_assert_eq(nested(&line, 33, "{\"a\":", "}"), RF_NESTING);
    cr_assert_eq(nested(&line, 32, " [ 1 , [ ] , ", ", {} ]"), RF_NESTING);
    cr_assert_eq(nested(&line, 31, " [ 1 , [ ] , ", ", {} ]"), RF_NONE);
    cr_assert_eq(nested(&line, 100000, "[", "]"), RF_NESTING);
    cr_assert_eq(nested(&line, 100000, "[", ""), RF_NESTING);
    buf_release(&line);
}

Test(record, a_line_ends_at_1_mib)
{
    struct buf line = {0};
    buf_put_str(&line, "{\"kind\":\"message\",\"text\":\"");
    while (line.len < RECORD_LINE_MAX - 2)
        buf_put_u8(&line, 'a');
    buf_put_str(&line, "\"}");
    cr_assert_eq(parse_bytes(line.data, line.len, false), RF_NONE);
    cr_assert_eq(rec.str[RS_TEXT].s.len, RECORD_LINE_MAX - 28);
    buf_put_u8(&line, ' ');
    cr_assert_eq(parse_bytes(line.data, line.len, false), RF_TOO_LONG);
    buf_release(&line);
}

Test(record, a_fault_leaves_an_empty_record)
{
    GOOD(full_message);
    FAULT("{\"kind\":\"message\",\"text\":\"a\",\"seq\":-1}", RF_TYPE);
    cr_assert(!rec.str[RS_TEXT].present && !rec.pairs && rec.n_pairs == 0 && rec.num_present == 0);
}

Test(record, every_fault_and_kind_has_a_name)
{
    for (unsigned i = 0; i < RF_COUNT; i++) {
        cr_assert(record_fault_name((enum record_fault)i) &&
                  record_fault_text((enum record_fault)i));
        for (unsigned j = 0; j < i; j++)
            cr_assert_str_neq(record_fault_name((enum record_fault)i),
                              record_fault_name((enum record_fault)j));
    }
    for (unsigned k = 0; k < RECORD_KINDS; k++)
        cr_assert(record_kind_name((enum record_kind)k));
}

/* Exactly as long as the line, so that AddressSanitizer sees a read past its end. */
static enum record_fault parse_exact(const char *line, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    cr_assert(copy);
    memcpy(copy, line, len);
    enum record_fault f = parse_bytes(copy, len, false);
    free(copy);
    return f;
}

Test(record, every_truncation_is_refused)
{
    for (size_t len = 0; len + 1 < sizeof full_message; len++)
        cr_assert_eq(parse_exact(full_message, len), len == 0 ? RF_EMPTY : RF_JSON);
    for (unsigned k = 0; k < RECORD_KINDS; k++)
        for (size_t len = 1; len < strlen(examples[k]); len++)
            cr_assert_eq(parse_exact(examples[k], len), RF_JSON);
}

Test(record, every_single_bit_flip_is_judged)
{
    char line[sizeof full_message];
    unsigned seen[RF_COUNT] = {0};
    for (size_t bit = 0; bit < 8 * (sizeof line - 1); bit++) {
        memcpy(line, full_message, sizeof line);
        line[bit / 8] = (char)(line[bit / 8] ^ 1 << bit % 8);
        seen[parse_exact(line, sizeof line - 1)]++;
    }
    cr_assert(seen[RF_NONE] && seen[RF_JSON] && seen[RF_TYPE] && seen[RF_NO_KIND] && seen[RF_KIND]);
}
