/* test_content — identities against vectors that an independent script computed from delivery.md,
 * and rows: round trip, every truncation, every single-bit flip. */
#include <criterion/criterion.h>

#include "lictor/arena.h"
#include "lictor/content.h"

static struct content_hasher hasher;
static struct arena arena;
static struct err err;

static void setup(void)
{
    cr_assert_eq(content_hasher_init(&hasher, &err), ST_OK);
    arena_init(&arena, 0);
}

static void teardown(void)
{
    content_hasher_release(&hasher);
    arena_release(&arena);
}

TestSuite(content, .init = setup, .fini = teardown);

static const struct slice absent = {0};

static void hash_is(const struct content *c, const char *hex)
{
    uint8_t hash[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];

    cr_assert_eq(content_hash(&hasher, c, absent, hash, &err), ST_OK);
    hex_encode(hash, sizeof(hash), text);
    cr_assert_str_eq(text, hex);
}

static struct slice pair_set[2];

static struct content plain_message(void)
{
    pair_set[0] = slice_str("anna");
    pair_set[1] = slice_str("bert");
    return (struct content){
        .kind = DOC_MESSAGE,
        .conv = {.kind = CONV_SET, .service = slice_str("skyecc"), .set = pair_set, .n_set = 2},
        .from = slice_str("anna"),
        .sent = 1585699200123,
        .body_kind = BODY_TEXT,
        .text = slice_str("ok"),
    };
}

static uint8_t nonce[24];
static struct slice media[3];
static struct slice members[2];

static struct content sealed_message(void)
{
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)i;
    media[0] = slice_str("abababababababababababababababababababababababababababababababab");
    media[1] = slice_of("a.jpg\0"
                        "123",
                        9);
    media[2] = slice_of("\0", 1);
    members[0] = slice_str("x");
    members[1] = slice_str("");
    return (struct content){
        .kind = DOC_MESSAGE,
        .conv = {.kind = CONV_GROUP, .name = slice_str("team")},
        .from = slice_str("anna"),
        .id = slice_str(""),
        .sent = TIME_NONE,
        .body_kind = BODY_SEALED,
        .seal_key = slice_str("k1"),
        .seal_nonce = slice_of(nonce, sizeof(nonce)),
        .seal_box = slice_of("\xff\0box", 5),
        .reply_to = slice_str("m-0"),
        .attachments = media,
        .n_attachments = 3,
        .to = members,
        .n_to = 2,
    };
}

Test(content, hashes_a_plain_message_as_the_document_says)
{
    struct content c = plain_message();
    hash_is(&c, "43955040675dad634c93c51087fafa3d7788dea762ba044b24ce6f7a6bc99313");
}

Test(content, hashes_a_sealed_group_message_with_an_empty_id_and_attachments)
{
    struct content c = sealed_message();
    hash_is(&c, "86a9adb6d5224e4728c9b34d0033e5de483500c1dabf2e4509c0b1440f674843");
}

Test(content, hashes_an_incomplete_message_with_unreadable_sent_and_damaged_text)
{
    struct content c = {
        .kind = DOC_MESSAGE,
        .conv = {.kind = CONV_SOURCE,
                 .service = slice_str(""),
                 .name = slice_str("imei:350000000000017")},
        .sent = TIME_NONE,
        .sent_raw = slice_str("\"yesterday\""),
        .body_kind = BODY_TEXT,
        .damaged = true,
        .text = slice_str("\xed\xa0\x80\xff\xf0\x9f\x98\x80\xc3\xa9\\u00e9"),
    };
    hash_is(&c, "0ef8288c4ebbe6660f31cb5b14b7d2a05f630eb987e53e59e0b8fc57f37813a2");
}

Test(content, hashes_a_message_without_body_and_with_a_time_before_1970)
{
    struct slice set[1] = {slice_str("a")};
    struct content c = {.kind = DOC_MESSAGE,
                        .conv = {.kind = CONV_SET, .set = set, .n_set = 1},
                        .from = slice_str("a"),
                        .sent = -5};
    hash_is(&c, "78f2ebf5162daf720857bb99dcb8ee4c61f80980ea5772047a139d4e88d26f76");
    cr_assert(content_untimed(&c));
}

Test(content, hashes_other_kinds_under_their_own_domain)
{
    uint8_t hash[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    struct content c = {.kind = DOC_NOTE, .sent = TIME_NONE};

    cr_assert_eq(content_hash(&hasher, &c, slice_str("OTHER"), hash, &err), ST_OK);
    hex_encode(hash, sizeof(hash), text);
    cr_assert_str_eq(text, "bb58f1b8fbe4100fd3e14257cdbe99fc8940fbf224c19ceb31fefadd8d34a9bf");
}

Test(content, gives_the_first_message_the_hash_and_the_second_a_hash_of_it)
{
    struct content c = plain_message();
    uint8_t hash[SHA256_SIZE], id[KEY_SIZE];
    char text[2 * KEY_SIZE + 1];

    cr_assert_eq(content_hash(&hasher, &c, absent, hash, &err), ST_OK);
    message_id(&hasher, hash, 1, id);
    cr_assert_arr_eq(id, hash, KEY_SIZE);
    message_id(&hasher, hash, 2, id);
    hex_encode(id, KEY_SIZE, text);
    cr_assert_str_eq(text, "ea0ae4fb4613e4c22254caeba82f93cc");
}

Test(content, every_field_changes_the_hash)
{
    struct content c[12];
    uint8_t hash[12][SHA256_SIZE];

    for (size_t i = 0; i < 12; i++)
        c[i] = plain_message();
    struct slice other[3] = {slice_str("ann"), slice_str("abert"), slice_str("")};
    c[1].conv.service = absent;
    c[2].from = slice_str("bert");
    c[3].conv.set = other;
    c[4].id = slice_str("");
    c[5].sent++;
    c[6].text = slice_str("");
    c[7].body_kind = BODY_NONE;
    c[8].reply_to = slice_str("");
    c[9].attachments = other;
    c[9].n_attachments = 1;
    c[10].conv.set = other;
    c[10].conv.n_set = 3;
    c[11].from = absent;
    for (size_t i = 0; i < 12; i++) {
        cr_assert_eq(content_hash(&hasher, &c[i], absent, hash[i], &err), ST_OK);
        for (size_t k = 0; k < i; k++)
            cr_assert_arr_neq(hash[i], hash[k], SHA256_SIZE, "%zu equals %zu", i, k);
    }
}

Test(content, makes_conversation_keys_as_the_document_says)
{
    struct content c = plain_message();
    uint8_t key[KEY_SIZE];
    char text[2 * KEY_SIZE + 1], longer[300];

    conversation_key(&hasher.sha, &c.conv, key);
    hex_encode(key, KEY_SIZE, text);
    cr_assert_str_eq(text, "7ffc8aaa844c7360ece16f4b1a32e780");
    memset(longer, 'x', sizeof(longer));
    struct conversation g = {.kind = CONV_GROUP, .name = slice_of(longer, sizeof(longer))};
    conversation_key(&hasher.sha, &g, key);
    hex_encode(key, KEY_SIZE, text);
    cr_assert_str_eq(text, "6c92fce3a366fe71d5b669afdd03a33d");
}

Test(content, keeps_groups_sets_and_sources_of_one_name_apart)
{
    struct slice one[1] = {slice_str("a")};
    struct conversation c[4] = {
        {.kind = CONV_GROUP, .name = slice_str("a")},
        {.kind = CONV_SOURCE, .name = slice_str("a")},
        {.kind = CONV_SET, .set = one, .n_set = 1},
        {.kind = CONV_GROUP, .service = slice_str(""), .name = slice_str("a")},
    };
    uint8_t key[4][KEY_SIZE];

    for (size_t i = 0; i < 4; i++) {
        conversation_key(&hasher.sha, &c[i], key[i]);
        for (size_t k = 0; k < i; k++)
            cr_assert_arr_neq(key[i], key[k], KEY_SIZE);
    }
}

/* ---- rows ---- */

static void slices_equal(struct slice a, struct slice b)
{
    cr_assert_eq(a.data == NULL, b.data == NULL);
    cr_assert(slice_eq(a, b));
}

static void contents_equal(const struct content *a, const struct content *b)
{
    cr_assert_eq(a->kind, b->kind);
    cr_assert_eq(a->sent, b->sent);
    cr_assert_eq(a->body_kind, b->body_kind);
    cr_assert_eq(a->damaged, b->damaged);
    cr_assert_eq(a->seal_broken, b->seal_broken);
    slices_equal(a->from, b->from);
    slices_equal(a->id, b->id);
    slices_equal(a->sent_raw, b->sent_raw);
    slices_equal(a->text, b->text);
    slices_equal(a->seal_key, b->seal_key);
    slices_equal(a->seal_nonce, b->seal_nonce);
    slices_equal(a->seal_box, b->seal_box);
    slices_equal(a->opened, b->opened);
    slices_equal(a->reply_to, b->reply_to);
    slices_equal(a->raw, b->raw);
    cr_assert_eq(a->n_attachments, b->n_attachments);
    for (size_t i = 0; i < a->n_attachments; i++)
        slices_equal(a->attachments[i], b->attachments[i]);
    cr_assert_eq(a->n_to, b->n_to);
    for (size_t i = 0; i < a->n_to; i++)
        slices_equal(a->to[i], b->to[i]);
    cr_assert_eq(a->stored_hash == NULL, b->stored_hash == NULL);
    if (a->stored_hash)
        cr_assert_arr_eq(a->stored_hash, b->stored_hash, SHA256_SIZE);
}

static uint8_t some_hash[SHA256_SIZE] = {1, 2, 3};

static size_t samples(struct content out[7])
{
    out[0] = plain_message();
    out[1] = sealed_message();
    out[2] = sealed_message();
    out[2].opened = slice_str("");
    out[2].sent = -1;
    out[3] = sealed_message();
    out[3].seal_broken = true;
    out[4] = (struct content){.kind = DOC_MESSAGE,
                              .conv = {.kind = CONV_SOURCE, .name = slice_str("s")},
                              .sent = TIME_NONE,
                              .sent_raw = slice_str("1.5"),
                              .body_kind = BODY_TEXT,
                              .text = slice_str(""),
                              .damaged = true};
    out[5] = (struct content){.kind = DOC_NOTE,
                              .from = slice_str("anna"),
                              .sent = INT64_MAX,
                              .body_kind = BODY_TEXT,
                              .text = slice_str("buy rope"),
                              .raw = slice_str("{\"kind\":\"note\"}"),
                              .stored_hash = some_hash};
    out[6] = (struct content){.kind = DOC_CONTACT,
                              .sent = TIME_NONE,
                              .text = slice_str("Bär"),
                              .raw = slice_str("{}"),
                              .stored_hash = some_hash};
    return 7;
}

Test(content, row_gives_back_every_field_and_tells_absent_from_empty)
{
    struct content in[7];
    size_t n = samples(in);

    for (size_t i = 0; i < n; i++) {
        struct buf row = {0};
        struct content out = {.conv = in[i].conv};
        uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
        content_encode(&in[i], &row);
        cr_assert_eq(content_decode(buf_slice(&row), &arena, &out, &err), ST_OK, "%s", err.text);
        contents_equal(&in[i], &out);
        cr_assert_eq(content_rehash(&hasher, &in[i], a, &err), ST_OK);
        cr_assert_eq(content_rehash(&hasher, &out, b, &err), ST_OK);
        cr_assert_arr_eq(a, b, SHA256_SIZE);
        buf_release(&row);
    }
}

Test(content, an_ordinary_row_costs_two_bytes_beyond_its_fields)
{
    struct content c = plain_message();
    struct buf row = {0};

    content_encode(&c, &row);
    cr_assert_eq(row.len, 2 + (1 + 4) + 6 + (1 + 2));
    buf_release(&row);
}

/* Exactly as long as the row, so that the sanitizer sees a read past the end. */
static enum status decode_exact(const uint8_t *data, size_t len, struct buf *again)
{
    uint8_t *copy = malloc(len ? len : 1);
    struct content out = {0};

    cr_assert(copy);
    if (len > 0)
        memcpy(copy, data, len);
    arena_reset(&arena);
    enum status st = content_decode(slice_of(copy, len), &arena, &out, &err);
    if (st == ST_OK)
        content_encode(&out, again);
    free(copy);
    return st;
}

Test(content, refuses_every_truncation_of_a_row)
{
    struct content in[7];
    size_t n = samples(in);

    for (size_t i = 0; i < n; i++) {
        struct buf row = {0}, again = {0};
        content_encode(&in[i], &row);
        for (size_t len = 0; len < row.len; len++)
            cr_assert_eq(decode_exact(row.data, len, &again), ST_DAMAGED);
        buf_put_u8(&row, 0);
        cr_assert_eq(decode_exact(row.data, row.len, &again), ST_DAMAGED);
        buf_release(&row);
        buf_release(&again);
    }
}

Test(content, a_flipped_bit_is_refused_or_is_another_whole_row)
{
    struct content in[7];
    size_t n = samples(in), refused = 0;

    for (size_t i = 0; i < n; i++) {
        struct buf row = {0}, again = {0};
        content_encode(&in[i], &row);
        for (size_t bit = 0; bit < row.len * 8; bit++) {
            row.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            buf_clear(&again);
            if (decode_exact(row.data, row.len, &again) == ST_OK)
                cr_assert(slice_eq(buf_slice(&row), buf_slice(&again)));
            else
                refused++;
            row.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        buf_release(&row);
        buf_release(&again);
    }
    cr_assert_gt(refused, 100);
}

Test(content, refuses_a_count_larger_than_the_row)
{
    uint8_t row[] = {DOC_MESSAGE, 1 << 5, 0xff, 0xff, 0x03, 0};
    struct buf again = {0};
    cr_assert_eq(decode_exact(row, sizeof(row), &again), ST_DAMAGED);
}

Test(content, leaves_the_conversation_of_the_caller_alone)
{
    struct content in = plain_message(), out = {.conv = {.kind = CONV_GROUP}};
    struct buf row = {0};

    content_encode(&in, &row);
    cr_assert_eq(content_decode(buf_slice(&row), &arena, &out, &err), ST_OK);
    cr_assert_eq(out.conv.kind, CONV_GROUP);
    buf_release(&row);
}

Test(content, says_no_memory_when_a_put_failed)
{
    struct content c = plain_message();
    uint8_t hash[SHA256_SIZE];

    hasher.scratch.failed = true;
    cr_assert_eq(content_hash(&hasher, &c, absent, hash, &err), ST_NO_MEMORY);
}
