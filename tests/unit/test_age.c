/* test_age — whole age files: round trips, keys, armor, every truncation and every flipped bit.
 * What a header may say stands in test_age_header, what a payload may in test_age_payload. */
#include "age_testing.h"

static struct age_identities *ids, *other, *pass_ids;
static struct age_recipients *to, *to_both, *to_pass;
static char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE];
static char identity2[AGE_IDENTITY_SIZE], recipient2[AGE_RECIPIENT_SIZE];
static const uint8_t seed[32] = {1, 2, 3}, seed2[32] = {4};
static struct buf plain, file, back;
static struct err err;

static void setup(void)
{
    cr_assert_eq(age_keygen(seed, identity, recipient, NULL), ST_OK);
    cr_assert_eq(age_keygen(seed2, identity2, recipient2, NULL), ST_OK);
    cr_assert_eq(age_identities_new(&ids, NULL), ST_OK);
    cr_assert_eq(age_identities_add(ids, slice_str(identity), "one", NULL), ST_OK);
    cr_assert_eq(age_identities_new(&other, NULL), ST_OK);
    cr_assert_eq(age_identities_add(other, slice_str(identity2), "two", NULL), ST_OK);
    cr_assert_eq(age_identities_new(&pass_ids, NULL), ST_OK);
    cr_assert_eq(age_identities_passphrase(pass_ids, slice_str("horse battery\n"), NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to, NULL), ST_OK);
    cr_assert_eq(age_recipients_add(to, recipient, NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to_both, NULL), ST_OK);
    cr_assert_eq(age_recipients_add(to_both, recipient2, NULL), ST_OK);
    cr_assert_eq(age_recipients_add(to_both, recipient, NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to_pass, NULL), ST_OK);
    cr_assert_eq(age_recipients_passphrase(to_pass, slice_str("horse battery"), 6, NULL), ST_OK);
}

static void teardown(void)
{
    age_identities_free(ids);
    age_identities_free(other);
    age_identities_free(pass_ids);
    age_recipients_free(to);
    age_recipients_free(to_both);
    age_recipients_free(to_pass);
    buf_release(&plain);
    buf_release(&file);
    buf_release(&back);
}

TestSuite(age, .init = setup, .fini = teardown);

static void reads_back(size_t step, const struct age_identities *with)
{
    cr_assert_eq(age_read_all(buf_slice(&file), step, with, &back, &err), ST_OK, "%s", err.text);
    cr_assert(slice_eq(buf_slice(&plain), buf_slice(&back)));
}

Test(age, reads_what_it_writes_at_every_edge_of_a_chunk)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131071, 131072, 131073, 2500000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fill_plain(&plain, sizes[i]);
        for (int armor = 0; armor < 2; armor++) {
            age_write_all(buf_slice(&plain), 100000, to, armor, NULL, &file);
            cr_assert(age_recognise(buf_slice(&file)));
            reads_back(0, ids);
            reads_back(1000, ids);
        }
    }
}

Test(age, does_not_care_how_bytes_are_cut_into_pieces)
{
    struct buf once = {0};
    fill_plain(&plain, 70000);
    for (int armor = 0; armor < 2; armor++) {
        age_write_all(buf_slice(&plain), SIZE_MAX, to, armor, seed, &once);
        age_write_all(buf_slice(&plain), 1, to, armor, seed, &file);
        cr_assert(slice_eq(buf_slice(&once), buf_slice(&file)));
        age_write_all(buf_slice(&plain), 65537, to, armor, seed, &file);
        cr_assert(slice_eq(buf_slice(&once), buf_slice(&file)));
        reads_back(1, ids);
    }
    buf_release(&once);
}

Test(age, opens_for_any_recipient_with_any_identity)
{
    fill_plain(&plain, 100);
    age_write_all(buf_slice(&plain), 100, to_both, false, NULL, &file);
    reads_back(0, ids);
    reads_back(0, other);
    cr_assert_eq(age_identities_add(other, slice_str(identity), "both", NULL), ST_OK);
    age_write_all(buf_slice(&plain), 100, to, false, NULL, &file);
    reads_back(0, other);
}

Test(age, refuses_with_no_key_what_is_not_for_us)
{
    fill_plain(&plain, 100);
    age_write_all(buf_slice(&plain), 100, to, false, NULL, &file);
    cr_assert_eq(age_read_all(buf_slice(&file), 0, other, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "no-key");
    cr_assert_eq(age_read_all(buf_slice(&file), 0, pass_ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "no-key");
    age_write_all(buf_slice(&plain), 100, to_pass, false, NULL, &file);
    cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "no-key");
}

Test(age, opens_with_a_passphrase_and_says_when_it_is_wrong)
{
    fill_plain(&plain, 100);
    age_write_all(buf_slice(&plain), 100, to_pass, true, NULL, &file);
    reads_back(1, pass_ids);
    cr_assert_eq(age_identities_passphrase(pass_ids, slice_str("horse battery\r\n"), NULL), ST_OK);
    reads_back(0, pass_ids);
    cr_assert_eq(age_identities_passphrase(pass_ids, slice_str("horse battery\n\n"), NULL), ST_OK);
    cr_assert_eq(age_read_all(buf_slice(&file), 0, pass_ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "bad-passphrase");
    cr_assert_neq(age_identities_passphrase(pass_ids, slice_str("\n"), NULL), ST_OK);
}

Test(age, writes_the_same_file_from_the_same_seed_only)
{
    struct buf again = {0};
    fill_plain(&plain, 1000);
    const struct age_recipients *all[] = {to_both, to_pass};
    for (int i = 0; i < 2; i++) {
        age_write_all(buf_slice(&plain), 1000, all[i], true, seed, &file);
        age_write_all(buf_slice(&plain), 1000, all[i], true, seed, &again);
        cr_assert(slice_eq(buf_slice(&file), buf_slice(&again)));
        age_write_all(buf_slice(&plain), 1000, all[i], true, seed2, &again);
        cr_assert_not(slice_eq(buf_slice(&file), buf_slice(&again)));
        age_write_all(buf_slice(&plain), 1000, all[i], true, NULL, &file);
        age_write_all(buf_slice(&plain), 1000, all[i], true, NULL, &again);
        cr_assert_not(slice_eq(buf_slice(&file), buf_slice(&again)));
    }
    buf_release(&again);
}

/* Whatever came out before the failure is the beginning of what went in. */
static void is_refused(struct slice bytes, size_t place)
{
    cr_assert_eq(age_read_all(bytes, 0, ids, &back, &err), ST_BAD_INPUT, "%zu", place);
    cr_assert_not_null(err.reason);
    cr_assert(back.len <= plain.len);
    cr_assert(back.len == 0 || memcmp(back.data, plain.data, back.len) == 0);
}

Test(age, refuses_every_flipped_bit)
{
    fill_plain(&plain, 21);
    for (int armor = 0; armor < 2; armor++) {
        age_write_all(buf_slice(&plain), 100, to, armor, seed, &file);
        for (size_t bit = 0; bit < 8 * file.len; bit++) {
            file.data[bit / 8] = (uint8_t)(file.data[bit / 8] ^ 1u << bit % 8);
            is_refused(buf_slice(&file), bit);
            file.data[bit / 8] = (uint8_t)(file.data[bit / 8] ^ 1u << bit % 8);
        }
        reads_back(0, ids);
    }
}

Test(age, refuses_every_truncation)
{
    fill_plain(&plain, 21);
    for (int armor = 0; armor < 2; armor++) {
        age_write_all(buf_slice(&plain), 100, to, armor, seed, &file);
        /* An armored file is whole without its last line feed. */
        for (size_t n = 0; n < file.len - (size_t)armor; n++)
            is_refused(slice_of(file.data, n), n);
        file.len -= (size_t)armor;
        reads_back(0, ids);
    }
}

Test(age, opens_a_file_made_by_the_age_program)
{
    static const char key[] = "# created: once\n\n"
                              "AGE-SECRET-KEY-12VAHPFDWF8UFJ5YM5ZV340J2ZW5PZV3LYEN64MJUC57P7XTXVU8"
                              "SSYPHK7\n";
    static const char text[] = "-----BEGIN AGE ENCRYPTED FILE-----\n"
                               "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSAxU2tYUHk5QlJIcVdPZVg4\n"
                               "Y1QwNjYyeWdXWmp6ZmRlTUlObDF0TklrUjJnClJnTDRWenZlWUV5TTBMNFJ1S29F\n"
                               "NzllZ0Z1MkFqVUJjcTVJU2JvSTk4TjQKLS0tIEF5Z3dsV2t4V2ZFN296S3paM0Zu\n"
                               "ODV3TmRaa3doUXlITG83VUMyOUtIQ1kKdfhZpahQ4FGgc3XhI75EPWxFvWDxGZWq\n"
                               "BV6KcnY2arryI8ihrLuC5v4psu6SytE=\n"
                               "-----END AGE ENCRYPTED FILE-----\n";
    cr_assert_eq(age_identities_add(other, slice_str(key), "key", NULL), ST_OK);
    cr_assert_eq(age_read_all(slice_str(text), 0, other, &back, &err), ST_OK, "%s", err.text);
    cr_assert(slice_eq_str(buf_slice(&back), "Guten Tag, 123\n"));
}

static enum status adds(const char *text)
{
    memset(&err, 0, sizeof err);
    return age_identities_add(other, slice_str(text), "keys.txt", &err);
}

Test(age, refuses_other_kinds_of_identities_by_name)
{
    cr_assert_eq(adds("# x\n\nAGE-SECRET-KEY-PQ-1QQQQ\n"), ST_BAD_INPUT);
    cr_assert_not_null(strstr(err.text, "post-quantum"));
    cr_assert_not_null(strstr(err.text, "keys.txt:3"));
    cr_assert_eq(adds("AGE-PLUGIN-YUBIKEY-1QQQQ"), ST_BAD_INPUT);
    cr_assert_not_null(strstr(err.text, "plugin"));
    cr_assert_eq(adds(recipient), ST_BAD_INPUT);
    cr_assert_not_null(strstr(err.text, "recipient"));
    cr_assert_eq(adds("-----BEGIN OPENSSH PRIVATE KEY-----\n"), ST_BAD_INPUT);
    cr_assert_eq(adds("hello\n"), ST_BAD_INPUT);
    cr_assert_eq(adds("# nothing\n\n"), ST_BAD_INPUT);
    cr_assert_eq(adds(""), ST_BAD_INPUT);
}

Test(age, refuses_mistyped_identities_and_does_not_repeat_them)
{
    char text[2 * AGE_IDENTITY_SIZE];
    memcpy(text, identity, sizeof identity);
    text[30] = text[30] == 'Q' ? 'P' : 'Q';
    cr_assert_eq(adds(text), ST_BAD_INPUT);
    cr_assert_null(strstr(err.text, text + 20));
    memcpy(text, identity, sizeof identity);
    for (char *c = text; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
    cr_assert_eq(adds(text), ST_BAD_INPUT);
    memcpy(text, identity, sizeof identity);
    text[20] = (char)(text[20] + 32);
    cr_assert_eq(adds(text), ST_BAD_INPUT);
    snprintf(text, sizeof text, "%s ", identity);
    cr_assert_eq(adds(text), ST_BAD_INPUT);
    snprintf(text, sizeof text, " %s", identity);
    cr_assert_eq(adds(text), ST_BAD_INPUT);
    identity[73] = 0;
    cr_assert_eq(adds(identity), ST_BAD_INPUT);
}

Test(age, takes_all_identities_of_a_file_or_none)
{
    char text[400];
    fill_plain(&plain, 10);
    age_write_all(buf_slice(&plain), 100, to, false, NULL, &file);
    snprintf(text, sizeof text, "%s\nAGE-PLUGIN-X-1\n", identity);
    cr_assert_eq(adds(text), ST_BAD_INPUT);
    cr_assert_eq(age_read_all(buf_slice(&file), 0, other, &back, &err), ST_BAD_INPUT);
    snprintf(text, sizeof text, "# a\r\n%s\r\n%s", identity2, identity);
    cr_assert_eq(adds(text), ST_OK);
    reads_back(0, other);
}

Test(age, holds_many_identities)
{
    char key[AGE_IDENTITY_SIZE], rec[AGE_RECIPIENT_SIZE];
    for (uint8_t i = 0; i < 40; i++) {
        uint8_t s[32] = {9, i};
        cr_assert_eq(age_keygen(s, key, rec, NULL), ST_OK);
        cr_assert_eq(adds(key), ST_OK);
    }
    cr_assert_eq(adds(identity), ST_OK);
    fill_plain(&plain, 10);
    age_write_all(buf_slice(&plain), 100, to, false, NULL, &file);
    reads_back(0, other);
}

Test(age, refuses_what_is_no_recipient)
{
    static const char *const bad[] = {"", "age1", "age1qqqq", "age1pq1qqqqqq", "A12UEL5L"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(age_recipients_add(to, bad[i], &err), ST_BAD_INPUT, "%s", bad[i]);
    cr_assert_eq(age_recipients_add(to, identity, &err), ST_BAD_INPUT);
    recipient[10] = (char)(recipient[10] - 32);
    cr_assert_eq(age_recipients_add(to, recipient, &err), ST_BAD_INPUT);
}

Test(age, does_not_mix_recipients_with_a_passphrase)
{
    cr_assert_eq(age_recipients_passphrase(to, slice_str("x"), 10, NULL), ST_USAGE);
    cr_assert_eq(age_recipients_add(to_pass, recipient, NULL), ST_USAGE);
    cr_assert_eq(age_recipients_passphrase(to_pass, slice_str("x"), 0, NULL), ST_USAGE);
    cr_assert_eq(age_recipients_passphrase(to_pass, slice_str("x"), 31, NULL), ST_USAGE);
}

Test(age, writes_nothing_for_nobody)
{
    struct age_recipients *nobody = NULL;
    struct age_writer *w = NULL;
    struct byte_sink sink = {.ctx = &file, .write = memory_write};
    cr_assert_eq(age_recipients_new(&nobody, NULL), ST_OK);
    cr_assert_eq(age_writer_open(sink, nobody, false, NULL, &w, NULL), ST_USAGE);
    cr_assert_null(w);
    cr_assert_eq(file.len, 0);
    age_recipients_free(nobody);
}

Test(age, generates_keys_from_a_seed_or_at_random)
{
    char a[AGE_IDENTITY_SIZE], b[AGE_IDENTITY_SIZE], r[AGE_RECIPIENT_SIZE];
    cr_assert_eq(age_keygen(seed, a, r, NULL), ST_OK);
    cr_assert_str_eq(a, identity);
    cr_assert_str_eq(r, recipient);
    cr_assert_eq(strlen(a), 74);
    cr_assert_eq(strlen(r), 62);
    cr_assert_eq(age_keygen(NULL, a, r, NULL), ST_OK);
    cr_assert_eq(age_keygen(NULL, b, r, NULL), ST_OK);
    cr_assert_str_neq(a, b);
}

static enum status no_room(void *ctx, const uint8_t *data, size_t len, struct err *e)
{
    size_t *room = ctx;
    (void)data;
    if (len > *room)
        return err_set(e, ST_IO, "no room");
    *room -= len;
    return ST_OK;
}

Test(age, passes_failures_of_source_and_sink_on)
{
    fill_plain(&plain, 200000);
    for (int armor = 0; armor < 2; armor++) {
        age_write_all(buf_slice(&plain), SIZE_MAX, to, armor, NULL, &file);
        struct memory m = {.bytes = buf_slice(&file), .step = 100, .fail_at = 50};
        struct age_reader *r = NULL;
        struct slice chunk;
        cr_assert_eq(age_reader_open(memory_source(&m), ids, &r, &err), ST_IO);
        m = (struct memory){.bytes = buf_slice(&file), .step = 100, .fail_at = 150000};
        cr_assert_eq(age_reader_open(memory_source(&m), ids, &r, &err), ST_OK);
        enum status st;
        while ((st = age_reader_next(r, &chunk, &err)) == ST_OK)
            continue;
        cr_assert_eq(st, ST_IO);
        cr_assert_str_eq(err.text, "the disk is gone");
        age_reader_close(r);
    }
    for (size_t room = 0; room < 210000; room += 104000) {
        size_t left = room;
        struct age_writer *w = NULL;
        struct byte_sink sink = {.ctx = &left, .write = no_room};
        enum status st = age_writer_open(sink, to, room > 104000, NULL, &w, &err);
        if (st == ST_OK)
            st = age_writer_write(w, plain.data, plain.len, &err);
        if (w)
            st = age_writer_finish(w, &err);
        cr_assert_eq(st, ST_IO, "%zu", room);
    }
}
