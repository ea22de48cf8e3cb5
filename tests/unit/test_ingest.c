/* The core of `add`, fed through a socket pair: books, states, and that nothing depends on order.
 */
#include <criterion/criterion.h>

#include "tests/unit/ingest_testing.h"

#define HEAD(source, account)                                                                      \
    "{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"" source                     \
    "\",\"stage\":\"live\",\"account\":\"" account "\"}\n"
#define MSG(seq, from, to, sent, text)                                                             \
    "{\"kind\":\"message\",\"seq\":" #seq ",\"from\":\"" from "\",\"to\":[\"" to                   \
    "\"],\"sent\":" #sent ",\"text\":\"" text "\"}\n"
#define END(n, last) "{\"kind\":\"end\",\"records\":" #n ",\"last_seq\":" #last "}\n"

static char root[] = P_tmpdir "/lictor-ingest-XXXXXX";
static char where[80];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(root));
    snprintf(where, sizeof where, "%s/case", root);
}

static void teardown(void) { nftw(root, tree_drop, 16, FTW_DEPTH | FTW_PHYS); }

TestSuite(ingest, .init = setup, .fini = teardown);

static struct test_result add(const struct test_dump *dumps, size_t n)
{
    struct test_result r;
    test_ingest(where, dumps, n, 2, (uint64_t)256 << 20, &r);
    return r;
}

static const struct test_dump anna = {"a", HEAD("imei:A", "anna") MSG(1, "anna", "bert", 1000, "ok")
                                               MSG(2, "anna", "bert", 1000, "ok") END(2, 2)};
static const struct test_dump bert = {"b", HEAD("imei:B", "bert") MSG(1, "anna", "bert", 1000, "ok")
                                               END(1, 1)};

Test(ingest, counts_two_real_oks_as_two_messages_and_the_other_side_as_a_copy)
{
    const struct test_dump dumps[] = {anna, bert};
    struct test_result r = add(dumps, 2);
    cr_expect_eq(r.books.records, 5);
    cr_expect_eq(r.books.messages, 2);
    cr_expect_eq(r.books.copies, 1);
    cr_expect_eq(r.books.other, 2);
    cr_expect_eq(r.states[0], DUMP_COMPLETE);
}

Test(ingest, gives_the_same_digest_in_any_order_and_number_of_adds)
{
    char other[80];
    struct test_result first, second;
    const struct test_dump forward[] = {anna, bert}, backward[] = {bert, anna};
    snprintf(other, sizeof other, "%s/other", root);
    first = add(forward, 2);
    test_ingest(other, &backward[0], 1, 1, (uint64_t)256 << 20, &second);
    cr_expect_str_neq(first.digest, second.digest);
    test_ingest(other, &backward[1], 1, 1, (uint64_t)256 << 20, &second);
    cr_expect_str_eq(first.digest, second.digest);
}

Test(ingest, keeps_the_digest_through_compaction)
{
    struct casefile *cf;
    struct err err = {0};
    char digest[65];
    (void)add(&anna, 1);
    struct test_result both = add(&bert, 1);
    cr_assert_eq(casefile_open(where, NULL, CASE_WRITE, (size_t)8 << 20, &cf, &err), ST_OK);
    struct core_options o = {.memory = (uint64_t)256 << 20, .progress = CLI_PROGRESS_NONE};
    cr_expect_eq(compact_all(cf, &o, &err), ST_OK, "%s", err.text);
    cr_expect_eq(casefile_segments(cf), 1);
    cr_expect_eq(segment_info(casefile_segment(cf, 0))->messages, 2);
    cr_expect_eq(segment_info(casefile_segment(cf, 0))->copies, 1);
    casefile_digest(cf, digest);
    cr_expect_str_eq(digest, both.digest);
    casefile_close(cf);
}

Test(ingest, knows_a_dump_that_came_before)
{
    (void)add(&anna, 1);
    const struct test_dump dumps[] = {anna, anna};
    struct test_result r = add(dumps, 2);
    cr_expect_eq(r.states[0], DUMP_ALREADY);
    cr_expect_eq(r.states[1], DUMP_ALREADY);
    cr_expect_eq(r.books.records, 0);
}

Test(ingest, takes_the_same_bytes_only_once_in_one_run)
{
    const struct test_dump dumps[] = {anna, {"again", anna.text}};
    struct test_result r = add(dumps, 2);
    cr_expect_eq(r.states[0], DUMP_COMPLETE);
    cr_expect_eq(r.states[1], DUMP_ALREADY);
    cr_expect_eq(r.books.redelivered, 0);
}

Test(ingest, counts_the_same_seq_and_content_as_redelivered)
{
    const struct test_dump dumps[] = {
        anna, {"c", HEAD("imei:A", "anna") MSG(2, "anna", "bert", 1000, "ok") END(1, 2)}};
    struct test_result r = add(dumps, 2);
    cr_expect_eq(r.books.messages, 2);
    cr_expect_eq(r.books.redelivered, 1);
}

Test(ingest, keeps_both_sides_of_a_clash_also_across_adds)
{
    const struct test_dump clash = {
        "d", HEAD("imei:B", "bert") MSG(1, "anna", "bert", 1000, "something else") END(1, 1)};
    (void)add(&bert, 1);
    struct test_result r = add(&clash, 1);
    cr_expect_eq(r.books.messages, 1);
    cr_expect_eq(r.books.conflict, 1);
    struct casefile *cf;
    struct err err = {0};
    cr_assert_eq(casefile_open(where, NULL, CASE_READ, (size_t)8 << 20, &cf, &err), ST_OK);
    cr_expect_eq(segment_info(casefile_segment(cf, 0))->conflict, 1);
    cr_expect_eq(segment_info(casefile_segment(cf, 1))->conflict, 1);
    casefile_close(cf);
}

Test(ingest, puts_everything_after_end_into_quarantine)
{
    const struct test_dump d = {"e", HEAD("imei:E", "eve") MSG(1, "eve", "fay", 1000, "before") END(
                                         1, 1) MSG(2, "eve", "fay", 2000, "\\u0065nd") END(2, 2)};
    struct test_result r = add(&d, 1);
    cr_expect_eq(r.books.records, 4);
    cr_expect_eq(r.books.messages, 1);
    cr_expect_eq(r.books.other, 1);
    cr_expect_eq(r.books.quarantined, 2);
}

Test(ingest, finds_an_end_that_is_spelled_with_escapes)
{
    const struct test_dump d = {
        "e", HEAD("imei:E", "eve")
                 MSG(1, "eve", "fay", 1000,
                     "before") "{\"kind\":\"\\u0065n\\u0064\",\"records\":1}\n" MSG(2, "eve", "fay",
                                                                                    2000, "after")};
    struct test_result r = add(&d, 1);
    cr_expect_eq(r.books.messages, 1);
    cr_expect_eq(r.books.quarantined, 1);
    cr_expect_eq(r.states[0], DUMP_COMPLETE);
}

Test(ingest, puts_a_second_dump_line_and_all_after_it_into_quarantine)
{
    const struct test_dump d = {"s", HEAD("imei:E", "eve") MSG(1, "eve", "fay", 1000, "before")
                                         HEAD("imei:F", "fay") MSG(2, "eve", "fay", 2000, "after")};
    struct test_result r = add(&d, 1);
    cr_expect_eq(r.books.records, 3);
    cr_expect_eq(r.books.messages, 1);
    cr_expect_eq(r.books.quarantined, 2);
    cr_expect_eq(r.states[0], DUMP_PARTIAL);
}

Test(ingest, says_partial_where_end_is_missing_or_disagrees)
{
    const struct test_dump dumps[] = {
        {"no end", HEAD("imei:1", "a") MSG(1, "a", "b", 1000, "x")},
        {"count", HEAD("imei:2", "a") MSG(1, "a", "b", 1000, "y") END(2, 1)},
        {"seq", HEAD("imei:3", "a") MSG(7, "a", "b", 1000, "z") END(1, 6)},
        {"no dump line", MSG(1, "a", "b", 1000, "no head, no end")},
    };
    struct test_result r = add(dumps, 4);
    cr_expect_eq(r.states[0], DUMP_PARTIAL);
    cr_expect_eq(r.states[1], DUMP_PARTIAL);
    cr_expect_eq(r.states[2], DUMP_PARTIAL);
    cr_expect_eq(r.states[3], DUMP_COMPLETE);
    cr_expect_eq(r.books.messages, 4);
}

Test(ingest, keeps_a_line_without_lf_at_the_end_of_a_whole_dump)
{
    const struct test_dump d = {
        "f",
        "{\"kind\":\"message\",\"seq\":1,\"from\":\"a\",\"to\":[\"b\"],\"sent\":1,\"text\":\"x\"}"};
    struct test_result r = add(&d, 1);
    cr_expect_eq(r.books.records, 1);
    cr_expect_eq(r.books.messages, 1);
}

Test(ingest, keeps_a_line_of_three_mebibytes_byte_for_byte)
{
    struct buf b = {0};
    buf_put_str(&b, HEAD("imei:L", "l") "{\"kind\":\"note\",\"owner\":\"l\",\"text\":\"");
    for (int i = 0; i < 3 << 20; i++)
        buf_put_u8(&b, (uint8_t)('a' + i % 26));
    buf_put_str(&b, "\"}\n" MSG(2, "l", "m", 1000, "after") END(2, 2));
    buf_put_u8(&b, 0);
    const struct test_dump d = {"long", (const char *)b.data};
    struct test_result r = add(&d, 1);
    cr_expect_eq(r.books.records, 3);
    cr_expect_eq(r.books.quarantined, 1);
    cr_expect_eq(r.books.messages, 1);
    cr_expect_eq(r.states[0], DUMP_COMPLETE);
    buf_release(&b);
}

/* Twice as much as the memory allows is a handful of outputs: what a run kept from the one before
 * must not make it look full at once. */
Test(ingest, compacts_in_little_memory_into_few_segments)
{
    struct buf text[2] = {{0}};
    struct test_dump dumps[2] = {{.name = "one"}, {.name = "two"}};
    for (int d = 0; d < 2; d++) {
        buf_printf(&text[d], "{\"kind\":\"dump\",\"source\":\"imei:%d\"}\n", d);
        for (int i = 1; i <= 3000; i++)
            buf_printf(&text[d],
                       "{\"kind\":\"message\",\"seq\":%d,\"from\":\"a\",\"to\":[\"b%d\"],"
                       "\"sent\":%d,\"text\":\"words of %d\"}\n",
                       i, i % 50, i * 1000 + d, i);
        buf_put_u8(&text[d], 0);
        dumps[d].text = (const char *)text[d].data;
        (void)add(&dumps[d], 1);
    }
    struct casefile *cf;
    struct err err = {0};
    struct core_options o = {.threads = 1, .memory = 3 << 20, .progress = CLI_PROGRESS_NONE};
    cr_assert_eq(casefile_open(where, NULL, CASE_WRITE, (size_t)8 << 20, &cf, &err), ST_OK);
    cr_assert_eq(casefile_segments(cf), 2);
    cr_assert_eq(compact_all(cf, &o, &err), ST_OK, "%s", err.text);
    cr_expect_geq(casefile_segments(cf), 2);
    cr_expect_leq(casefile_segments(cf), 12, "%zu segments", casefile_segments(cf));
    casefile_close(cf);
    buf_release(&text[0]);
    buf_release(&text[1]);
}

/* Both sides of many messages, some of them twice, and lines that are no records. */
static void both_sides(struct buf text[2], struct test_dump dumps[2])
{
    for (int d = 0; d < 2; d++) {
        buf_put_str(&text[d], d ? HEAD("imei:B", "b") : HEAD("imei:A", "a"));
        for (int i = 1; i <= 20000; i++) {
            buf_printf(&text[d],
                       "{\"kind\":\"message\",\"seq\":%d,\"from\":\"a\",\"to\":[\"b%d\"],"
                       "\"sent\":%d,\"delivered\":%d,\"text\":\"words of %d\"%s}\n",
                       i, i % 50, i * 1000, i * 1000 + d, i - i % 7 / 6,
                       i % 11 ? "" : ",\"note\":\"own\"");
            if (i % 1000 == 0)
                buf_put_str(&text[d], "no record\n");
        }
        buf_put_u8(&text[d], 0);
        cr_assert_eq(text[d].failed, false);
        dumps[d] = (struct test_dump){d ? "two" : "one", (const char *)text[d].data};
    }
}

static void expect_same_books(const struct books *a, const struct books *b)
{
    cr_expect_eq(a->records, b->records);
    cr_expect_eq(a->messages, b->messages);
    cr_expect_eq(a->copies, b->copies);
    cr_expect_eq(a->redelivered, b->redelivered);
    cr_expect_eq(a->other, b->other);
    cr_expect_eq(a->quarantined, b->quarantined);
    cr_expect_eq(a->conflict, b->conflict);
}

/* With memory for a tenth of it the case is the same, and no segment had to be touched again. */
Test(ingest, joins_what_memory_has_no_room_for)
{
    struct buf text[2] = {{0}};
    struct test_dump dumps[2];
    struct test_result whole, joined;
    char other[100];
    both_sides(text, dumps);
    snprintf(other, sizeof other, "%s/other", root);
    test_ingest(where, dumps, 2, 2, (uint64_t)256 << 20, &whole);
    test_ingest(other, dumps, 2, 2, (uint64_t)3 << 20, &joined);
    cr_expect_str_eq(whole.digest, joined.digest);
    expect_same_books(&whole.books, &joined.books);
    cr_expect_eq(joined.books.quarantined, 40);
    struct casefile *cf;
    struct err err = {0};
    cr_assert_eq(casefile_open(other, NULL, CASE_READ, (size_t)8 << 20, &cf, &err), ST_OK);
    cr_expect_gt(casefile_segments(cf), 3, "%zu segments", casefile_segments(cf));
    cr_expect_eq(casefile_manifest(cf)->generation, 2, "one commit");
    for (size_t i = 0; i < casefile_manifest(cf)->n_segments; i++)
        cr_expect_eq(casefile_manifest(cf)->segments[i].n_overlays, 0, "segment %zu", i);
    casefile_close(cf);
    buf_release(&text[0]);
    buf_release(&text[1]);
}
