/* test_record_canon — one value, one spelling. */
#include <criterion/criterion.h>

#include "lictor/record.h"

static struct record_reader *reader;
static struct record rec;
static struct err err;
static struct buf line, out;

static void setup(void) { cr_assert_eq(record_reader_new(&reader, &err), ST_OK); }

static void teardown(void)
{
    record_reader_free(reader);
    buf_release(&line);
    buf_release(&out);
}

TestSuite(record_canon, .init = setup, .fini = teardown);

/* Puts the value into a record, as canonical forms are only asked of accepted lines. */
static struct slice canon(struct slice raw)
{
    enum record_fault fault;
    buf_clear(&line);
    buf_put_str(&line, "{\"kind\":\"message\",\"x\":");
    buf_put_slice(&line, raw);
    buf_put_str(&line, "}");
    cr_assert_eq(record_parse(reader, buf_slice(&line), false, &rec, &fault, NULL, &err), ST_OK);
    cr_assert_eq(fault, RF_NONE, "%.*s", (int)raw.len, (const char *)raw.data);
    buf_clear(&out);
    record_canon(reader, rec.pairs[1].value, &out);
    cr_assert(!out.failed);
    return buf_slice(&out);
}

static void canon_is(const char *raw, const char *want)
{
    struct slice got = canon(slice_str(raw));
    cr_assert(slice_eq_str(got, want), "%s gives %.*s, not %s", raw, (int)got.len,
              (const char *)got.data, want);
    got = canon(slice_str(want));
    cr_assert(slice_eq_str(got, want), "%s is not stable: %.*s", want, (int)got.len,
              (const char *)got.data);
}

Test(record_canon, scalars_stay_as_written)
{
    canon_is("1", "1");
    canon_is("-1.50E+3", "-1.50E+3");
    canon_is("true", "true");
    canon_is("false", "false");
    canon_is("null", "null");
}

Test(record_canon, white_space_goes)
{
    canon_is("[ 1 ,\t2\n, [ ] , { } ]", "[1,2,[],{}]");
    canon_is("{ \"a\" : [ { \"b\" : 1 } ] }", "{\"a\":[{\"b\":1}]}");
}

Test(record_canon, strings_take_the_shortest_escape)
{
    canon_is("\"\\u0061\\/\\u002f\\u0022\\u005C\"", "\"a//\\\"\\\\\"");
    canon_is("\"\\u0008\\u0009\\u000A\\u000b\\u000C\\u000d\"", "\"\\b\\t\\n\\u000b\\f\\r\"");
    canon_is("\"\\u0000\\u001F\\u007f\"", "\"\\u0000\\u001f\x7f\"");
    canon_is("\"\\u00E9\\u20ac\\uD83D\\uDE00\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

Test(record_canon, malformed_bytes_are_kept)
{
    canon_is("\"a\xff\xc3\"", "\"a\xff\xc3\"");
    canon_is("\"\xed\"", "\"\xed\"");
    canon_is("\"\xed\xa0\"", "\"\xed\xa0\"");
    canon_is("\"\xed\x9f\xbf\"", "\"\xed\x9f\xbf\""); /* U+D7FF is no surrogate */
}

Test(record_canon, lone_surrogates_are_escaped)
{
    canon_is("\"\\uD800\"", "\"\\ud800\"");
    canon_is("\"\xed\xa0\x80\"", "\"\\ud800\"");
    canon_is("\"\\udfff\\ud800\"", "\"\\udfff\\ud800\"");
    canon_is("\"\\ud83d\\ud83d\\ude00\"", "\"\\ud83d\xf0\x9f\x98\x80\"");
}

/* Two halves side by side that are no pair must not become one. */
Test(record_canon, surrogates_that_are_no_pair_do_not_become_one)
{
    canon_is("\"\xed\xa0\xbd\xed\xb8\x80\"", "\"\\ud83d\xed\xb8\x80\"");
    canon_is("\"\\ud83d\xed\xb8\x80\"", "\"\\ud83d\xed\xb8\x80\"");
    canon_is("\"\xed\xa0\xbd\\ude00\"", "\"\\ud83d\xed\xb8\x80\"");
    canon_is("\"\xed\xa0\xbd\\ude00\\ude00\"", "\"\\ud83d\xed\xb8\x80\\ude00\"");
}

Test(record_canon, names_are_sorted_by_decoded_bytes)
{
    canon_is("{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}");
    canon_is("{\"aa\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"aa\":1}");
    canon_is("{\"\\u0061b\":1,\"aa\":2}", "{\"aa\":2,\"ab\":1}");
    /* 0x0a comes before '!' though its escape does not. */
    canon_is("{\"!\":1,\"\\n\":2}", "{\"\\n\":2,\"!\":1}");
    canon_is("{\"\xff\":1,\"z\":2}", "{\"z\":2,\"\xff\":1}");
    canon_is("{\"c\":{\"z\":1,\"y\":{\"q\":1,\"p\":2}},\"b\":[{\"n\":1,\"m\":2}]}",
             "{\"b\":[{\"m\":2,\"n\":1}],\"c\":{\"y\":{\"p\":2,\"q\":1},\"z\":1}}");
}

Test(record_canon, of_equal_names_the_last_stays)
{
    canon_is("{\"a\":1,\"a\":2}", "{\"a\":2}");
    canon_is("{\"b\":1,\"a\":1,\"\\u0062\":2,\"a\":[3],\"b\":{\"c\":1}}",
             "{\"a\":[3],\"b\":{\"c\":1}}");
    canon_is("{\"a\":{\"x\":1},\"a\":{},\"b\":0}", "{\"a\":{},\"b\":0}");
}

Test(record_canon, goes_as_deep_as_a_record_may)
{
    struct buf deep = {0};
    for (int i = 1; i < RECORD_NESTING_MAX; i++)
        buf_put_str(&deep, i % 2 ? "{\"b\":0,\"a\":" : "[");
    buf_put_str(&deep, "1");
    for (int i = RECORD_NESTING_MAX - 1; i >= 1; i--)
        buf_put_str(&deep, i % 2 ? "}" : "]");
    struct slice got = canon(buf_slice(&deep));
    cr_assert_eq(got.len, deep.len);
    cr_assert(memcmp(got.data, "{\"a\":[{\"a\":[", 12) == 0);
    buf_release(&deep);
}

static bool is_unknown(void *ctx, const struct record_pair *p)
{
    (void)ctx;
    return !p->known;
}

static bool none(void *ctx, const struct record_pair *p)
{
    (void)ctx;
    (void)p;
    return false;
}

Test(record_canon, pairs_make_one_object)
{
    static const char text[] = "{\"z\":[1, 2],\"kind\":\"message\",\"text\":\"t\","
                               "\"\\u0061\":{\"c\":1,\"b\":2},\"\\n\":\"\\/\"}";
    enum record_fault fault;
    cr_assert_eq(record_parse(reader, slice_str(text), false, &rec, &fault, NULL, &err), ST_OK);
    cr_assert_eq(fault, RF_NONE);
    buf_put_str(&out, "before");
    record_canon_pairs(reader, &rec, is_unknown, NULL, &out);
    cr_assert(
        slice_eq_str(buf_slice(&out), "before{\"\\n\":\"/\",\"a\":{\"b\":2,\"c\":1},\"z\":[1,2]}"));
    buf_clear(&out);
    record_canon_pairs(reader, &rec, none, NULL, &out);
    cr_assert(slice_eq_str(buf_slice(&out), "{}"));
}

Test(record_canon, pairs_go_as_deep_as_a_record_may)
{
    enum record_fault fault;
    buf_put_str(&line, "{\"x\":");
    for (int i = 1; i < RECORD_NESTING_MAX; i++)
        buf_put_str(&line, i % 2 ? "[" : "{\"a\":");
    buf_put_str(&line, "\"b\""); /* inside all 32 */
    for (int i = RECORD_NESTING_MAX - 1; i >= 1; i--)
        buf_put_str(&line, i % 2 ? "]" : "}");
    size_t len = line.len;
    buf_put_str(&line, ",\"kind\":\"message\"}");
    cr_assert_eq(record_parse(reader, buf_slice(&line), false, &rec, &fault, NULL, &err), ST_OK);
    cr_assert_eq(fault, RF_NONE);
    record_canon_pairs(reader, &rec, is_unknown, NULL, &out);
    cr_assert_eq(out.len, len + 1);
    cr_assert(memcmp(out.data, line.data, len) == 0);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void white_put(struct buf *b, uint64_t *state)
{
    for (uint64_t n = random_next(state) % 3; n > 0; n--)
        buf_put_u8(b, " \t\r"[random_next(state) % 3]);
}

/* A value written in two random spellings; the shape comes from `shape`, the spelling from `how`.
 */
static void value_spell(struct buf *b, uint64_t *shape, uint64_t *how, int depth)
{
    unsigned what = (unsigned)(random_next(shape) % (depth > 3 ? 2 : 4));
    unsigned n = (unsigned)(random_next(shape) % 4);
    white_put(b, how);
    if (what == 0) {
        buf_printf(b, "%u", n);
    } else if (what == 1) {
        buf_put_u8(b, '"');
        for (unsigned i = 0; i < n; i++)
            buf_printf(b, random_next(how) % 2 ? "\\u00%02X" : "\\u00%02x",
                       (unsigned)(random_next(shape) % 256));
        buf_put_u8(b, '"');
    } else if (what == 2) {
        buf_put_u8(b, '[');
        for (unsigned i = 0; i < n; i++) {
            buf_put_str(b, i ? "," : "");
            value_spell(b, shape, how, depth + 1);
        }
        buf_put_u8(b, ']');
    } else {
        struct buf member[4] = {{0}, {0}, {0}, {0}};
        unsigned turn = (unsigned)(random_next(how) % 4);
        for (unsigned i = 0; i < n; i++) {
            buf_printf(&member[i], random_next(how) % 2 ? "\"k%u\"" : "\"\\u006b%u\"", i);
            white_put(&member[i], how);
            buf_put_u8(&member[i], ':');
            value_spell(&member[i], shape, how, depth + 1);
        }
        buf_put_u8(b, '{');
        for (unsigned i = 0; i < n; i++) {
            buf_put_str(b, i ? "," : "");
            buf_put_slice(b, buf_slice(&member[(i + turn) % n]));
        }
        buf_put_u8(b, '}');
        for (unsigned i = 0; i < 4; i++)
            buf_release(&member[i]);
    }
    white_put(b, how);
}

Test(record_canon, two_spellings_of_one_value_give_the_same_bytes)
{
    uint64_t how = 0x9e3779b97f4a7c15u;
    struct buf value = {0}, first = {0};
    unsigned differ = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        for (int spelling = 0; spelling < 2; spelling++) {
            uint64_t shape = seed * 0xd1342543de82ef95u | 1;
            buf_clear(&value);
            value_spell(&value, &shape, &how, 0);
            struct slice got = canon(buf_slice(&value));
            if (spelling == 0) {
                buf_clear(&first);
                buf_put_slice(&first, got);
            } else {
                cr_assert(slice_eq(got, buf_slice(&first)), "%.*s", (int)value.len,
                          (const char *)value.data);
            }
        }
        differ += !slice_eq(buf_slice(&value), buf_slice(&first));
    }
    cr_assert(differ > 500); /* the spellings really were others */
    buf_release(&value);
    buf_release(&first);
}

static bool not_kind(void *ctx, const struct record_pair *p)
{
    (void)ctx;
    return !p->known || p->number != RECORD_KEY_KIND;
}

/* Flat pairs are written as they stand, others one by one: one pair of the other sort makes the
 * whole object go the other way, and the rest of it must come out the same. */
Test(record_canon, writes_flat_pairs_as_it_writes_others)
{
    static const char *const flat[] = {"\"sent\":\"2020-04-02T18:23:11+02:00\"",
                                       "\"burn\":604800",
                                       "\"deleted\":false",
                                       "\"x\":\"a b\"",
                                       "\"\":0",
                                       "\"zz\":-1.50e+3",
                                       "\"b\":null",
                                       "\"x_y\":\"\""};
    struct buf got = {0}, want = {0};
    for (unsigned set = 0; set < 256; set++) {
        for (unsigned other = 0; other < 2; other++) {
            enum record_fault fault;
            buf_clear(&line);
            buf_put_str(&line, other ? "{\"kind\":\"message\",\"~\":{}" : "{\"kind\":\"message\"");
            for (unsigned i = 0; i < 8; i++)
                if (set >> i & 1)
                    buf_printf(&line, " , %s", flat[i]);
            buf_put_str(&line, "}");
            cr_assert_eq(record_parse(reader, buf_slice(&line), false, &rec, &fault, NULL, &err),
                         ST_OK);
            cr_assert_eq(fault, RF_NONE);
            struct buf *to = other ? &want : &got;
            buf_clear(to);
            record_canon_pairs(reader, &rec, not_kind, NULL, to);
        }
        /* "~" comes last in byte order */
        const char *tail = set ? ",\"~\":{}}" : "\"~\":{}}";
        cr_assert_eq(want.len, got.len - 1 + strlen(tail), "set %u", set);
        cr_assert_arr_eq(want.data, got.data, got.len - 1);
        cr_assert_arr_eq(want.data + got.len - 1, tail, strlen(tail));
    }
    buf_release(&got);
    buf_release(&want);
}
