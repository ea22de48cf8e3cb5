/* test_copies — order of streams, sides, which copies are the k-th message, contradictions, and
 * copy rows: round trip, every truncation, every single-bit flip. */
#include <criterion/criterion.h>

#include "lictor/arena.h"
#include "lictor/copies.h"

static struct arena arena;
static struct err err;

static void setup(void) { arena_init(&arena, 0); }

static void teardown(void) { arena_release(&arena); }

TestSuite(copies, .init = setup, .fini = teardown);

Test(copies, orders_streams_by_source_stage_epoch_counter_and_dump)
{
    struct stream_ref s[7] = {
        {.source = slice_str("a"), .stage = 1},
        {.source = slice_str("b"), .stage = 0, .numbered = true},
        {.source = slice_str("b"), .stage = 0},
        {.source = slice_str("b"), .stage = 0, .dump_sha256 = {1}},
        {.source = slice_str("b"), .stage = 0, .epoch = slice_str(""), .numbered = true},
        {.source = slice_str("b"), .stage = 0, .epoch = slice_str("1"), .numbered = true},
        {.source = slice_str("b"), .stage = 1, .numbered = true},
    };
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 7; k++) {
            int c = stream_cmp(&s[i], &s[k]);
            cr_assert_eq((c > 0) - (c < 0), (i > k) - (i < k), "%d %d", i, k);
        }
}

static struct slice ab[2];

static struct content message(const char *text)
{
    ab[0] = slice_str("a");
    ab[1] = slice_str("b");
    return (struct content){.kind = DOC_MESSAGE,
                            .conv = {.kind = CONV_SET, .set = ab, .n_set = 2},
                            .from = slice_str("a"),
                            .id = slice_str("m1"),
                            .sent = 1000,
                            .body_kind = BODY_TEXT,
                            .text = slice_str(text)};
}

Test(copies, side_is_where_the_account_stands)
{
    struct content c = message("x");
    struct slice imei = slice_str("imei:1"), server = slice_str("server:1"), none = {0};

    cr_assert_eq(copy_side(&c, imei, slice_str("a")), SIDE_FROM);
    cr_assert_eq(copy_side(&c, imei, slice_str("b")), SIDE_TO);
    cr_assert_eq(copy_side(&c, imei, slice_str("c")), SIDE_UNKNOWN);
    cr_assert_eq(copy_side(&c, imei, none), SIDE_UNKNOWN);
    cr_assert_eq(copy_side(&c, server, none), SIDE_SERVER);
    cr_assert_eq(copy_side(&c, server, slice_str("b")), SIDE_TO);
    cr_assert_eq(copy_side(&c, slice_str("server"), none), SIDE_UNKNOWN);
    c.conv = (struct conversation){.kind = CONV_GROUP, .name = slice_str("g")};
    cr_assert_eq(copy_side(&c, imei, slice_str("c")), SIDE_TO);
    cr_assert_eq(copy_side(&c, imei, slice_str("a")), SIDE_FROM);
    cr_assert_eq(copy_side(&c, server, none), SIDE_SERVER);
    cr_assert_str_eq(side_name(SIDE_SERVER), "server");
}

static const struct sighting one[1] = {{0, 2}};
static const struct copy_version plain = {.delivered = TIME_NONE,
                                          .read = TIME_NONE,
                                          .collected = TIME_NONE,
                                          .sightings = one,
                                          .n_sightings = 1};

Test(copies, of_two_sides_the_surer_one_counts)
{
    static const enum side order[] = {SIDE_FROM, SIDE_TO, SIDE_SERVER, SIDE_UNKNOWN};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            cr_assert_eq(side_of_both(order[i], order[k]), order[i < k ? i : k]);
}

Test(copies, the_kth_of_one_stream_pairs_with_the_kth_of_another)
{
    struct copy c[6] = {{1, 5, &plain, 1}, {1, 6, &plain, 1}, {1, 9, &plain, 1},
                        {2, 4, &plain, 1}, {4, 1, &plain, 1}, {4, 2, &plain, 1}};
    uint32_t pick[6];

    cr_assert_eq(copies_messages(c, 6, false), 3);
    cr_assert_eq(copies_pick(c, 6, false, 1, pick), 3);
    cr_assert(pick[0] == 0 && pick[1] == 3 && pick[2] == 4);
    cr_assert_eq(copies_pick(c, 6, false, 2, pick), 2);
    cr_assert(pick[0] == 1 && pick[1] == 5);
    cr_assert_eq(copies_pick(c, 6, false, 3, pick), 1);
    cr_assert_eq(pick[0], 2);
    cr_assert_eq(copies_pick(c, 6, false, 4, pick), 0);
}

Test(copies, a_service_id_makes_all_of_them_one_message)
{
    struct copy c[3] = {{1, 5, &plain, 1}, {1, 6, &plain, 1}, {2, 4, &plain, 1}};
    uint32_t pick[3];

    cr_assert_eq(copies_messages(c, 3, true), 1);
    cr_assert_eq(copies_pick(c, 3, true, 1, pick), 3);
    cr_assert_eq(copies_pick(c, 3, true, 2, pick), 0);
}

Test(copies, other_text_under_one_id_is_a_conflict)
{
    struct content a = message("x"), b = message("y");
    cr_assert(contents_conflict(&a, 0, &b, 0));
    b.body_kind = BODY_NONE;
    b.text = (struct slice){0};
    cr_assert(contents_conflict(&a, 0, &b, 0));
    b.kind = DOC_NOTE;
    cr_assert(contents_conflict(&a, 0, &b, 0));
}

Test(copies, sealed_and_plain_contradict_only_when_opening_shows_other_text)
{
    struct content plain_body = message("x"), sealed = message("x");
    sealed.body_kind = BODY_SEALED;
    sealed.text = (struct slice){0};
    cr_assert_not(contents_conflict(&plain_body, 0, &sealed, DOC_SEALED));
    cr_assert_not(contents_conflict(&sealed, DOC_SEALED, &plain_body, 0));
    sealed.opened = slice_str("x");
    cr_assert_not(contents_conflict(&sealed, 0, &plain_body, 0));
    sealed.opened = slice_str("y");
    cr_assert(contents_conflict(&sealed, 0, &plain_body, 0));
    cr_assert(contents_conflict(&plain_body, 0, &sealed, 0));
    cr_assert(contents_conflict(&sealed, 0, &sealed, 0));
    sealed.opened = (struct slice){0};
    sealed.sent++;
    cr_assert(contents_conflict(&sealed, 0, &plain_body, 0));
}

Test(copies, a_deleted_record_without_a_body_contradicts_nothing_it_does_not_say)
{
    struct content a = message("x"), gone = message("");
    gone.body_kind = BODY_NONE;
    gone.text = (struct slice){0};
    cr_assert_not(contents_conflict(&a, 0, &gone, DOC_DELETED));
    gone.sent = TIME_NONE;
    gone.from = (struct slice){0};
    gone.conv = (struct conversation){.kind = CONV_SOURCE, .name = slice_str("imei:1")};
    cr_assert_not(contents_conflict(&gone, DOC_DELETED, &a, 0));
    gone.from = slice_str("b");
    cr_assert(contents_conflict(&gone, DOC_DELETED, &a, 0));
}

/* ---- rows ---- */

static const struct sighting many[3] = {{7, 100}, {8, UINT64_MAX}, {UINT32_MAX, 0}};

static size_t rich(struct copy out[3], struct copy_version v[4])
{
    v[0] = (struct copy_version){.origin = 3,
                                 .delivered = 1585699200500,
                                 .read = 1585699260000,
                                 .collected = 1585699200900,
                                 .sightings = one,
                                 .n_sightings = 1};
    v[1] = (struct copy_version){.origin = UINT32_MAX,
                                 .delivered = INT64_MAX,
                                 .read = INT64_MIN + 1,
                                 .collected = TIME_NONE,
                                 .extra = slice_str("{\"deleted\":true}"),
                                 .sightings = many,
                                 .n_sightings = 3};
    v[2] = plain;
    v[3] = plain;
    v[3].collected = 0;
    out[0] = (struct copy){.stream = 0, .seq = 1, .versions = &v[0], .n_versions = 1};
    out[1] = (struct copy){.stream = 9, .seq = INT64_MAX, .versions = &v[1], .n_versions = 2};
    out[2] = (struct copy){.stream = UINT32_MAX, .seq = 0, .versions = &v[3], .n_versions = 1};
    return 3;
}

static void versions_equal(const struct copy_version *a, const struct copy_version *b)
{
    cr_assert_eq(a->origin, b->origin);
    cr_assert_eq(a->delivered, b->delivered);
    cr_assert_eq(a->read, b->read);
    cr_assert_eq(a->collected, b->collected);
    cr_assert(slice_eq(a->extra, b->extra));
    cr_assert_eq(a->n_sightings, b->n_sightings);
    for (size_t i = 0; i < a->n_sightings; i++) {
        cr_assert_eq(a->sightings[i].dump, b->sightings[i].dump);
        cr_assert_eq(a->sightings[i].line, b->sightings[i].line);
    }
}

Test(copies, row_gives_back_every_copy_version_and_sighting)
{
    struct copy in[3], *out = NULL;
    struct copy_version v[4];
    struct buf row = {0};
    size_t n = rich(in, v), got = 0;

    copies_encode(in, n, &row);
    cr_assert_eq(copies_decode(buf_slice(&row), &arena, &out, &got, &err), ST_OK, "%s", err.text);
    cr_assert_eq(got, n);
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(out[i].stream, in[i].stream);
        cr_assert_eq(out[i].seq, in[i].seq);
        cr_assert_eq(out[i].n_versions, in[i].n_versions);
        for (size_t k = 0; k < in[i].n_versions; k++)
            versions_equal(&in[i].versions[k], &out[i].versions[k]);
    }
    buf_release(&row);
}

Test(copies, an_empty_list_is_one_byte)
{
    struct buf row = {0};
    struct copy *out = NULL;
    size_t n = 1;

    copies_encode(NULL, 0, &row);
    cr_assert_eq(row.len, 1);
    cr_assert_eq(copies_decode(buf_slice(&row), &arena, &out, &n, &err), ST_OK);
    cr_assert_eq(n, 0);
    buf_release(&row);
}

static enum status decode_exact(const uint8_t *data, size_t len, struct buf *again)
{
    uint8_t *copy = malloc(len ? len : 1);
    struct copy *out = NULL;
    size_t n = 0;

    cr_assert(copy);
    if (len > 0)
        memcpy(copy, data, len);
    arena_reset(&arena);
    enum status st = copies_decode(slice_of(copy, len), &arena, &out, &n, &err);
    if (st == ST_OK)
        copies_encode(out, n, again);
    free(copy);
    return st;
}

Test(copies, refuses_every_truncation_of_a_row)
{
    struct copy in[3];
    struct copy_version v[4];
    struct buf row = {0}, again = {0};

    copies_encode(in, rich(in, v), &row);
    for (size_t len = 0; len < row.len; len++)
        cr_assert_eq(decode_exact(row.data, len, &again), ST_DAMAGED);
    buf_put_u8(&row, 0);
    cr_assert_eq(decode_exact(row.data, row.len, &again), ST_DAMAGED);
    buf_release(&row);
    buf_release(&again);
}

Test(copies, a_flipped_bit_is_refused_or_is_another_whole_row)
{
    struct copy in[3];
    struct copy_version v[4];
    struct buf row = {0}, again = {0};
    size_t refused = 0;

    copies_encode(in, rich(in, v), &row);
    for (size_t bit = 0; bit < row.len * 8; bit++) {
        row.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        buf_clear(&again);
        if (decode_exact(row.data, row.len, &again) == ST_OK)
            cr_assert(slice_eq(buf_slice(&row), buf_slice(&again)), "bit %zu", bit);
        else
            refused++;
        row.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert_gt(refused, 50);
    buf_release(&row);
    buf_release(&again);
}

Test(copies, refuses_counts_larger_than_the_row)
{
    uint8_t copies[] = {0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0};
    uint8_t versions[] = {1, 1, 0, 0xff, 0xff, 0x7f, 0, 0, 0, 0};
    uint8_t sightings[] = {1, 0, 0, 16, 0, 0xff, 0xff, 0x7f, 0, 0};
    struct buf again = {0};

    cr_assert_eq(decode_exact(copies, sizeof(copies), &again), ST_DAMAGED);
    cr_assert_eq(decode_exact(versions, sizeof(versions), &again), ST_DAMAGED);
    cr_assert_eq(decode_exact(sightings, sizeof(sightings), &again), ST_DAMAGED);
    /* several that are but one, or none: each has one spelling */
    for (uint8_t n = 0; n < 2; n++) {
        versions[3] = sightings[5] = n;
        versions[4] = sightings[6] = 0;
        cr_assert_eq(decode_exact(versions, sizeof(versions), &again), ST_DAMAGED);
        cr_assert_eq(decode_exact(sightings, sizeof(sightings), &again), ST_DAMAGED);
    }
}
