/* test_record_jansson — our reader against jansson on generated and mutated lines.
 *
 * Where both should agree: a line is a JSON object or not, and what its values are. Where they
 * differ on purpose, and the line is not compared:
 * - jansson refuses malformed UTF-8, lone surrogates and NUL in a name; ours keeps them.
 * - jansson refuses numbers beyond 64 bits or the range of a double; ours keeps them as written.
 * - ours refuses nesting beyond 32 (jansson 2048).
 * - ours refuses a name twice at the top level; jansson, asked to, at every level. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "lictor/record.h"

#define MUTATIONS 30000

static struct record_reader *reader;
static struct err err;

static uint64_t state = 0x853c49e6748fea9bu;

static unsigned random_below(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 20) % n;
}

/* ---- generated lines ---- */

static void string_make(struct buf *b)
{
    static const char *const pieces[] = {
        "a",
        "hello ",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u0041",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\u0000",
        "\xd0\x96",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\\u20AC",
        "\\t\\r\\b\\f",
        "\x7f",
        "0123456789abcdef0123456789",
    };
    buf_put_u8(b, '"');
    for (unsigned n = random_below(6); n > 0; n--)
        buf_put_str(b, pieces[random_below(sizeof pieces / sizeof *pieces)]);
    buf_put_u8(b, '"');
}

static void value_make(struct buf *b, int depth)
{
    static const char *const scalars[] = {"0",    "-1",   "17",    "1.5",  "-0.25e3",
                                          "1E+2", "true", "false", "null", "1585844591123",
                                          "[]",   "{}",   "[ ]",   "{\t}"};
    unsigned what = random_below(depth < 4 ? 4 : 2);
    unsigned n = random_below(4);
    if (what == 0) {
        buf_put_str(b, scalars[random_below(sizeof scalars / sizeof *scalars)]);
    } else if (what == 1) {
        string_make(b);
    } else {
        buf_put_u8(b, what == 2 ? '[' : '{');
        for (unsigned i = 0; i < n; i++) {
            if (what == 3)
                buf_printf(b, "\"n%u\":", i);
            value_make(b, depth + 1);
            if (i + 1 < n)
                buf_put_str(b, random_below(4) ? "," : " , ");
        }
        buf_put_u8(b, what == 2 ? ']' : '}');
    }
}

static void line_make(struct buf *b)
{
    static const char *const strings[] = {"from", "group", "id", "text", "reply_to", "account"};
    buf_clear(b);
    buf_put_str(b, "{\"kind\":\"message\",\"seq\":12,\"to\":[\"a\",");
    string_make(b);
    buf_put_str(b, "],\"sent\":1585844591123");
    for (unsigned i = 0; i < sizeof strings / sizeof *strings; i++) {
        buf_printf(b, ",\"%s\":", strings[i]);
        string_make(b);
    }
    for (unsigned i = random_below(4); i > 0; i--) {
        buf_printf(b, ", \"x%u\" :", i);
        value_make(b, 1);
    }
    buf_put_str(b, "}");
}

static void line_mutate(struct buf *b)
{
    static const char bytes[] = "\"\\{}[]:,0123456789.eE+-utfn \x01\xff\xc3\xed";
    for (unsigned n = 1 + random_below(2); n > 0 && b->len > 0; n--) {
        size_t at = random_below((unsigned)b->len);
        switch (random_below(4)) {
        case 0:
            b->data[at] = (uint8_t)(b->data[at] ^ 1u << random_below(8));
            break;
        case 1:
            b->data[at] = (uint8_t)bytes[random_below(sizeof bytes - 1)];
            break;
        case 2:
            memmove(b->data + at, b->data + at + 1, b->len - at - 1);
            b->len--;
            break;
        default:
            buf_put_u8(b, 0);
            memmove(b->data + at + 1, b->data + at, b->len - 1 - at);
            b->data[at] = (uint8_t)bytes[random_below(sizeof bytes - 1)];
        }
    }
}

/* ---- the two readers ---- */

enum theirs { ACCEPTED, REFUSED, NOT_COMPARED };

static enum theirs jansson_judge(struct slice line, size_t flags, json_t **out)
{
    json_error_t e;
    *out = json_loadb((const char *)line.data, line.len, flags | JSON_ALLOW_NUL, &e);
    if (*out)
        return json_is_object(*out) ? ACCEPTED : REFUSED;
    switch (json_error_code(&e)) {
    case json_error_invalid_utf8:
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_stack_overflow:
        return NOT_COMPARED;
    default:
        /* Reported as plain syntax errors, but they are the surrogates and NULs named above. */
        return strstr(e.text, "invalid Unicode") || strstr(e.text, "NUL byte") ? NOT_COMPARED
                                                                               : REFUSED;
    }
}

static bool is_syntax_fault(enum record_fault f) { return f == RF_JSON || f == RF_EMPTY; }

static void strings_equal(const struct record *rec, json_t *root)
{
    static const struct {
        const char *key;
        enum record_string id;
    } keys[] = {{"from", RS_FROM}, {"group", RS_GROUP},       {"id", RS_ID},
                {"text", RS_TEXT}, {"reply_to", RS_REPLY_TO}, {"account", RS_ACCOUNT}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *theirs = json_object_get(root, keys[i].key);
        const struct record_text *ours = &rec->str[keys[i].id];
        cr_assert_eq(ours->present, theirs != NULL, "%s", keys[i].key);
        if (theirs)
            cr_assert(
                slice_eq(ours->s, slice_of(json_string_value(theirs), json_string_length(theirs))),
                "%s", keys[i].key);
    }
    json_t *to = json_object_get(root, "to");
    cr_assert_eq(rec->list[RL_TO].n, json_array_size(to));
    for (size_t i = 0; i < rec->list[RL_TO].n; i++) {
        json_t *item = json_array_get(to, i);
        cr_assert(slice_eq(rec->list[RL_TO].items[i],
                           slice_of(json_string_value(item), json_string_length(item))));
    }
}

static bool keep_all(void *ctx, const struct record_pair *p)
{
    (void)ctx;
    (void)p;
    return true;
}

/* The canonical form says, to jansson, what the line said. */
static void canon_equal(const struct record *rec, json_t *root)
{
    struct buf out = {0};
    json_t *again;
    cr_assert_eq(rec->n_pairs, json_object_size(root));
    record_canon_pairs(reader, rec, keep_all, NULL, &out);
    cr_assert_eq(jansson_judge(buf_slice(&out), 0, &again), ACCEPTED);
    cr_assert(json_equal(root, again));
    json_decref(again);
    buf_release(&out);
}

struct tally {
    unsigned accepted, refused, not_compared, records, twice;
};

static void compare(struct slice line, struct tally *t)
{
    struct record rec;
    enum record_fault fault;
    json_t *root;
    enum theirs theirs = jansson_judge(line, 0, &root);
    cr_assert_eq(record_parse(reader, line, false, &rec, &fault, NULL, &err), ST_OK);
    if (theirs == ACCEPTED) {
        t->accepted++;
        cr_assert(!is_syntax_fault(fault), "jansson accepts, ours refuses: %.*s", (int)line.len,
                  (const char *)line.data);
    } else if (theirs == REFUSED) {
        t->refused++;
        cr_assert(is_syntax_fault(fault), "jansson refuses, ours says %s: %.*s",
                  record_fault_name(fault), (int)line.len, (const char *)line.data);
    } else {
        t->not_compared++;
    }
    if (fault == RF_NAME_TWICE && theirs == ACCEPTED) {
        json_t *strict;
        t->twice++;
        cr_assert_eq(jansson_judge(line, JSON_REJECT_DUPLICATES, &strict), REFUSED);
    }
    if (fault == RF_NONE && theirs == ACCEPTED) {
        t->records++;
        strings_equal(&rec, root);
        canon_equal(&rec, root);
    }
    json_decref(root);
}

static void setup(void) { cr_assert_eq(record_reader_new(&reader, &err), ST_OK); }

static void teardown(void) { record_reader_free(reader); }

TestSuite(record_jansson, .init = setup, .fini = teardown);

Test(record_jansson, generated_lines_are_read_alike)
{
    struct buf line = {0};
    struct tally t = {0};
    for (int i = 0; i < 2000; i++) {
        line_make(&line);
        compare(buf_slice(&line), &t);
    }
    cr_assert_eq(t.records, 2000);
    buf_release(&line);
}

Test(record_jansson, mutated_lines_are_judged_alike)
{
    struct buf line = {0};
    struct tally t = {0};
    for (int i = 0; i < MUTATIONS; i++) {
        line_make(&line);
        line_mutate(&line);
        compare(buf_slice(&line), &t);
    }
    /* All sides of the comparison were met, and only a part was left out. */
    cr_assert(t.accepted > MUTATIONS / 10 && t.refused > MUTATIONS / 10, "%u %u", t.accepted,
              t.refused);
    cr_assert(t.records > MUTATIONS / 20 && t.not_compared < MUTATIONS / 4, "%u %u", t.records,
              t.not_compared);
    buf_release(&line);
}

Test(record_jansson, a_name_twice_is_a_name_twice_to_both)
{
    struct buf line = {0};
    struct tally t = {0};
    for (int i = 0; i < 500; i++) {
        line_make(&line);
        line.len--;
        buf_put_str(&line, random_below(2) ? ",\"te\\u0078t\":\"\"}" : ",\"id\":1}");
        compare(buf_slice(&line), &t);
    }
    cr_assert_eq(t.twice, 500);
    buf_release(&line);
}
