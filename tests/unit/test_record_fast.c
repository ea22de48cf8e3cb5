/* test_record_fast — the way for the usual line (record_fast.c) against the general one: on any
 * line they give the same record, or the same fault and key. Lines are generated in many spellings
 * and mutated; each is put at the end of a buffer of its own size, so that a byte read too far is
 * seen by the sanitizer. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "delivery/record_private.h"
#include "tests/unit/dice.h"
#include "tests/unit/record_same.h"

#define LINES 6000
#define MUTATIONS 60000

static struct record_reader *fast, *general;
static struct err err;

static void setup(void)
{
    cr_assert_eq(record_reader_new(&fast, &err), ST_OK);
    cr_assert_eq(record_reader_new(&general, &err), ST_OK);
    general->general_only = true;
}

static void teardown(void)
{
    record_reader_free(fast);
    record_reader_free(general);
}

TestSuite(record_fast, .init = setup, .fini = teardown);

/* What both made of it. */
static enum record_fault compare(struct slice line)
{
    struct record a, b;
    enum record_fault fa, fb;
    struct slice ka = {0}, kb = {0};
    uint8_t *exact = malloc(line.len ? line.len : 1);
    cr_assert_not_null(exact);
    if (line.len)
        memcpy(exact, line.data, line.len);
    struct slice copy = slice_of(exact, line.len);
    cr_assert_eq(record_parse(general, copy, false, &b, &fb, &kb, &err), ST_OK);
    cr_assert_eq(record_parse(fast, copy, false, &a, &fa, &ka, &err), ST_OK);
    cr_assert_eq(fa, fb, "fast says %s, general %s: %.*s", record_fault_name(fa),
                 record_fault_name(fb), (int)line.len, (const char *)line.data);
    cr_assert(slice_same(ka, kb), "%.*s", (int)line.len, (const char *)line.data);
    cr_assert(records_same(&a, &b), "%.*s", (int)line.len, (const char *)line.data);
    free(exact);
    return fa;
}

static bool is_fast(const char *line)
{
    struct record rec = {0};
    struct slice s = slice_str(line);
    fast->bytes_used = fast->n_pairs = 0;
    return RECORD_GROW(fast, fast->bytes, fast->bytes_cap, 2 * s.len + 64) &&
           record_fast_read(fast, s, &rec);
}

/* ---- lines ---- */

static void white_make(struct buf *b, bool loose)
{
    static const char *const white[] = {"", " ", "  ", "\t", " \t"};
    if (loose)
        buf_put_str(b, white[dice(5)]);
}

static void string_make(struct buf *b)
{
    static const char *const pieces[] = {
        "a",
        "b0b0b0",
        "hello ",
        "where are you now, my friend? ",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud800",
        "\\u0000",
        "\xd0\x96",
        "\xf0\x9f\x98\x80",
        "\xff",
        "\x7f",
        "",
    };
    unsigned n = dice(4);
    buf_put_u8(b, '"');
    for (unsigned i = 0; i < n; i++)
        buf_put_str(b, pieces[dice(dice(2) ? 4 : 16)]);
    buf_put_u8(b, '"');
}

static void number_make(struct buf *b)
{
    static const char *const odd[] = {
        "0",
        "7",
        "-1",
        "00",
        "01",
        "1.5",
        "1e3",
        "99999999",
        "100000000",
        "999999999999999",
        "1E2",
        "-0.5",
        "1.",
        "1585844591123",
        "9223372036854775807",
        "9223372036854775808",
        "1234567890123456",
        "12345678",
        "123456789",
        "1x",
        "1-",
    };
    if (dice(3))
        buf_printf(b, "%llu",
                   (unsigned long long)((uint64_t)dice(UINT32_MAX) * dice(UINT32_MAX) >> dice(62)));
    else
        buf_put_str(b, odd[dice(sizeof odd / sizeof *odd)]);
}

static void time_make(struct buf *b)
{
    static const char *const odd[] = {
        "\"2020-04-02T18:23:11.123Z\"",
        "\"2020-04-02T18:23:11+02:00\"",
        "\"2020-04-02 18:23:11\"",
        "\"2020-02-30T00:00:00Z\"",
        "\"\"",
        "true",
        "false",
        "null",
        "\"2020-04-02T18:23:1\\u0031Z\"",
        "[1]",
    };
    if (dice(4))
        number_make(b);
    else
        buf_put_str(b, odd[dice(sizeof odd / sizeof *odd)]);
}

static void list_make(struct buf *b, bool loose)
{
    unsigned n = dice(4);
    buf_put_u8(b, '[');
    for (unsigned i = 0; i < n; i++) {
        white_make(b, loose);
        if (dice(12))
            string_make(b);
        else
            number_make(b);
        white_make(b, loose);
        if (i + 1 < n || !dice(30))
            buf_put_u8(b, ',');
    }
    white_make(b, loose);
    buf_put_u8(b, ']');
}

static void nested_make(struct buf *b)
{
    static const char *const values[] = {
        "{}",
        "{\"a\":[1,{\"b\":null}]}",
        "[[],{}]",
        "{\"lat\":52.1,\"lon\":4.3}",
        "{\"key\":\"k1\",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"box\":"
        "\"AAAAAAAAAAAAAAAAAAAAAA==\"}",
        "{\"key\":\"k1\"}",
        "[{\"name\":\"a.jpg\",\"size\":17,\"sha256\":"
        "\"ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789\"}]",
        "[{\"name\":\"a\\u002ejpg\"},{}]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "true",
        "null",
    };
    buf_put_str(b, values[dice(sizeof values / sizeof *values)]);
}

enum shape { STRING, TIME, NUMBER, LIST, NESTED };

static const struct {
    const char *name;
    enum shape shape;
} keys[] = {
    {"from", STRING},
    {"to", LIST},
    {"group", STRING},
    {"group_name", STRING},
    {"sent", TIME},
    {"delivered", TIME},
    {"read", TIME},
    {"collected", TIME},
    {"id", STRING},
    {"text", STRING},
    {"reply_to", STRING},
    {"seq", NUMBER},
    {"burn", NUMBER},
    {"deleted", TIME},
    {"sealed", NESTED},
    {"attachments", NESTED},
    {"location", NESTED},
    {"account", STRING},
    {"direction", STRING},
    {"x_app", NESTED},
    {"x", STRING},
    {"what", STRING},
    {"by", STRING},
    {"who", LIST},
    {"value", STRING},
    {"owner", STRING},
    {"handle", STRING},
    {"nickname", STRING},
    {"time", TIME},
    {"lat", NUMBER},
    {"lon", NUMBER},
    {"records", NUMBER},
    {"last_seq", NUMBER},
    {"format", STRING},
    {"source", STRING},
    {"collected_from", TIME},
    {"tex\\u0074", STRING},
    {"sixteen_letters_", STRING},
    {"", STRING},
    {"fro", STRING},
    {"t\\u006f\\u0000", LIST},
};

static void pair_make(struct buf *b, const char *name, enum shape shape, bool loose)
{
    buf_printf(b, "\"%s\"", name);
    white_make(b, loose);
    buf_put_u8(b, ':');
    white_make(b, loose);
    if (!dice(40))
        shape = (enum shape)dice(5);
    switch (shape) {
    case STRING:
        string_make(b);
        break;
    case TIME:
        time_make(b);
        break;
    case NUMBER:
        number_make(b);
        break;
    case LIST:
        list_make(b, loose);
        break;
    default:
        nested_make(b);
    }
    white_make(b, loose);
}

static void kind_make(struct buf *b, bool loose)
{
    static const char *const kinds[] = {
        "message",  "message", "message",   "message", "event", "contact", "note",
        "location", "call",    "keepalive", "end",     "dump",  "messag",  "m\\u0065ssage"};
    buf_put_str(b, "\"kind\"");
    white_make(b, loose);
    buf_put_u8(b, ':');
    white_make(b, loose);
    buf_printf(b, "\"%s\"", kinds[dice(dice(4) ? 4 : 14)]);
}

/* Keys in the order above from a random one on, each perhaps; sometimes one more, anywhere. */
static void line_make(struct buf *b)
{
    bool loose = !dice(4), first = true;
    unsigned kind_at = dice(5) ? 0 : dice(12), n = sizeof keys / sizeof *keys;
    unsigned from = dice(3) ? 0 : dice(n), often = 1 + dice(3), at = 0;
    buf_clear(b);
    buf_put_u8(b, '{');
    for (unsigned i = 0; i < n; i++) {
        if (at == kind_at) {
            buf_put_str(b, first ? "" : ",");
            kind_make(b, loose);
            first = false;
            kind_at = UINT32_MAX;
        }
        unsigned k = dice(60) ? (from + i) % n : dice(n);
        if (k >= 13 ? dice(16) : dice(often + 1) == 0)
            continue;
        at++;
        buf_put_str(b, first ? "" : ",");
        first = false;
        white_make(b, loose);
        pair_make(b, keys[k].name, keys[k].shape, loose);
    }
    buf_put_u8(b, '}');
    white_make(b, loose);
}

static void line_mutate(struct buf *b)
{
    static const char bytes[] = "\"\\{}[]:,0123456789.eE+-utfn \x01\xff\xc3\xed\r";
    for (unsigned n = 1 + dice(2); n > 0 && b->len > 0; n--) {
        size_t at = dice((unsigned)b->len);
        switch (dice(5)) {
        case 0:
            b->data[at] = (uint8_t)(b->data[at] ^ 1u << dice(8));
            break;
        case 1:
            b->data[at] = (uint8_t)bytes[dice(sizeof bytes - 1)];
            break;
        case 2:
            memmove(b->data + at, b->data + at + 1, b->len - at - 1);
            b->len--;
            break;
        case 3:
            b->len = at;
            break;
        default:
            buf_put_u8(b, 0);
            memmove(b->data + at + 1, b->data + at, b->len - 1 - at);
            b->data[at] = (uint8_t)bytes[dice(sizeof bytes - 1)];
        }
    }
}

Test(record_fast, says_what_the_general_way_says_of_generated_lines)
{
    struct buf line = {0};
    unsigned faults[RF_COUNT] = {0};
    for (int i = 0; i < LINES; i++) {
        line_make(&line);
        cr_assert(!line.failed);
        faults[compare(buf_slice(&line))]++;
    }
    cr_assert_gt(faults[RF_NONE], LINES / 8);
    cr_assert_gt(faults[RF_TYPE], LINES / 50);
    cr_assert_gt(faults[RF_NAME_TWICE], 20);
    buf_release(&line);
}

Test(record_fast, says_what_the_general_way_says_of_mutated_lines)
{
    struct buf line = {0}, mutated = {0};
    unsigned good = 0, bad = 0;
    for (int i = 0; i < MUTATIONS; i++) {
        if (i % 20 == 0)
            line_make(&line);
        buf_clear(&mutated);
        buf_put_slice(&mutated, buf_slice(&line));
        line_mutate(&mutated);
        cr_assert(!line.failed && !mutated.failed);
        if (compare(buf_slice(&mutated)) == RF_NONE)
            good++;
        else
            bad++;
    }
    cr_assert(good > MUTATIONS / 50 && bad > MUTATIONS / 4, "%u good, %u bad", good, bad);
    buf_release(&line);
    buf_release(&mutated);
}

Test(record_fast, says_what_the_general_way_says_of_every_beginning_of_a_line)
{
    struct buf line = {0};
    for (int i = 0; i < 40; i++) {
        line_make(&line);
        for (size_t n = 0; n <= line.len; n++)
            compare(slice_of(line.data, n));
    }
    buf_release(&line);
}

#define PLAIN                                                                                      \
    "{\"kind\":\"message\",\"seq\":12,\"from\":\"a\",\"to\":[\"b\",\"c\"],\"sent\":1585844591123," \
    "\"text\":\"tot zo, niet voor acht uur\",\"burn\":604800,\"x_app\":{\"v\":[1]}}"

/* Without this the others would hold for a way that gives every line to the general one. */
Test(record_fast, takes_usual_lines_itself)
{
    cr_assert(is_fast(PLAIN));
    cr_assert(is_fast("{ \"kind\": \"message\", \"to\": [ \"a\", \"b\" ], \"text\": \"x\\ny\" } "));
    cr_assert(is_fast("{\"from\":\"a\",\"kind\":\"message\",\"x\":1,\"y\":2,\"sent\":\"2020\"}"));
    cr_assert(
        is_fast("{\"kind\":\"contact\",\"owner\":\"a\",\"handle\":\"b\",\"nickname\":\"c\"}"));
}

Test(record_fast, leaves_every_fault_to_the_general_way)
{
    cr_assert(!is_fast("{\"kind\":\"message\",\"x\":1,\"x\":2}"));
    cr_assert(!is_fast("{\"kind\":\"message\",\"id\":\"a\",\"id\":\"a\"}"));
    cr_assert(!is_fast("{\"kind\":\"message\",\"id\":17}      "));
    cr_assert(!is_fast("{\"kind\":\"message\",\"seq\":-1}     "));
    cr_assert(!is_fast("{\"from\":\"a\",\"text\":\"b\"}       "));
    cr_assert(!is_fast("{\"kind\":\"note\",\"owner\":\"b\"}   "));
    cr_assert(!is_fast("{\"kind\":\"message\",\"id\":\"a\"},  "));
    cr_assert(!is_fast("{\"kind\":\"message\",\"id\":\"a\",}  "));
}

/* The kind of the line before is only a guess. */
Test(record_fast, reads_keys_before_the_kind_by_the_kind_that_comes)
{
    compare(slice_str("{\"kind\":\"event\",\"what\":\"join\",\"time\":5,\"by\":\"a\"}"));
    cr_assert_eq(compare(slice_str("{\"text\":\"a\",\"kind\":\"message\",\"time\":[]}")), RF_NONE);
    cr_assert_eq(compare(slice_str("{\"time\":[],\"kind\":\"message\",\"text\":\"a\"}")), RF_NONE);
    cr_assert_eq(compare(slice_str("{\"time\":[],\"kind\":\"event\",\"what\":\"join\"}")), RF_TYPE);
}
