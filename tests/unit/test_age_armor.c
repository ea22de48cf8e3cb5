/* test_age_armor — the strictness of the text form, in header and payload. */
#include "age_testing.h"

#define BEGIN AGE_ARMOR_BEGIN "\n"
#define END AGE_ARMOR_END "\n"

static struct age_armor armor;
static struct buf file, back;
static struct err err;

static void teardown(void)
{
    age_armor_release(&armor);
    buf_release(&file);
    buf_release(&back);
}

TestSuite(age_armor, .fini = teardown);

/* Takes the armor off a text; `step` bytes arrive at once, `first` are there before. */
static enum status takes(struct slice text, size_t step, size_t first)
{
    uint8_t piece[100];
    size_t got = 0;
    first = first < text.len ? first : text.len;
    struct memory m = {.bytes = text, .pos = first, .step = step};
    age_armor_release(&armor);
    memset(&err, 0, sizeof err);
    cr_assert_eq(age_armor_init(&armor, memory_source(&m), slice_of(text.data, first), NULL),
                 ST_OK);
    buf_clear(&back);
    enum status st;
    while ((st = age_armor_read(&armor, piece, 1 + back.len % 99, &got, &err)) == ST_OK && got)
        buf_put(&back, piece, got);
    cr_assert_eq(armor.bad, st != ST_OK);
    return st;
}

static enum status takes_text(const char *text)
{
    enum status a = takes(slice_str(text), 0, 0), b = takes(slice_str(text), 1, 0);
    cr_assert_eq(a, b);
    cr_assert_eq(takes(slice_str(text), 3, 40), a);
    return a;
}

#define FULL_LINE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

Test(age_armor, takes_every_form_that_is_allowed)
{
    static const struct {
        const char *text;
        size_t len;
    } good[] = {
        {BEGIN "QUJD\n" END, 3},
        {BEGIN "QUI=\n" END, 2},
        {BEGIN "QQ==\n" END, 1},
        {BEGIN FULL_LINE END, 48},
        {BEGIN FULL_LINE FULL_LINE "QQ==\n" END, 97},
        {BEGIN "QUJD\n" AGE_ARMOR_END, 3},
        {"\n\r   \t\n" BEGIN "QUJD\n" END "\n\r   \t\n", 3},
        {AGE_ARMOR_BEGIN "\r\nQUJD\r\n" AGE_ARMOR_END "\r\n", 3},
        {BEGIN END, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert_eq(takes_text(good[i].text), ST_OK, "%zu: %s", i, err.text);
        cr_assert_eq(back.len, good[i].len);
    }
}

Test(age_armor, refuses_every_other_form)
{
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"x\n" BEGIN "QUJD\n" END, "chunk"},
        {"-----begin age encrypted file-----\nQUJD\n" END, "chunk"},
        {"-----BEGIN AGE ENCRYPTED MESSAGE-----\nQUJD\n" END, "chunk"},
        {AGE_ARMOR_BEGIN " \nQUJD\n" END, "chunk"},
        {AGE_ARMOR_BEGIN "\r\r\nQUJD\n" END, "chunk"},
        {AGE_ARMOR_BEGIN "QUJD\n" END, "chunk"},
        {BEGIN "Comment: x\n\nQUJD\n" END, "chunk"},
        {BEGIN "\nQUJD\n" END, "chunk"},
        {BEGIN "QUJD\n\n" END, "chunk"},
        {BEGIN "\n" END, "chunk"},
        {BEGIN FULL_LINE "\n" END, "chunk"},
        {BEGIN " QUJD\n" END, "chunk"},
        {BEGIN "QUJD \n" END, "chunk"},
        {BEGIN "QUJD\n " END, "chunk"},
        {BEGIN "QUJ\n" END, "chunk"},
        {BEGIN "QUI\n" END, "chunk"},
        {BEGIN "QUJ=\n" END, "chunk"},
        {BEGIN "QQ=\n=\n" END, "chunk"},
        {BEGIN "Q*JD\n" END, "chunk"},
        {BEGIN "QU-_\n" END, "chunk"},
        {BEGIN "====\n" END, "chunk"},
        {BEGIN "QUJD\nQUJD\n" END, "chunk"},
        {BEGIN "QQ==\nQUJD\n" END, "chunk"},
        {BEGIN "QUJD\n=abcd\n" END, "chunk"},
        {BEGIN "AAAA" FULL_LINE END, "chunk"},
        {BEGIN "A" FULL_LINE END, "chunk"},
        {BEGIN "QUJD\n-----END AGE ENCRYPTED FILE----\n", "chunk"},
        {BEGIN "QUJD\n" AGE_ARMOR_END "x", "trailing-bytes"},
        {BEGIN "QUJD\n" END BEGIN "QUJD\n" END, "trailing-bytes"},
        {BEGIN "QUJD\n", "cut"},
        {BEGIN "QUJD", "cut"},
        {BEGIN "QUJD\n-----END AGE ENC", "cut"},
        {"  ", "cut"},
        {AGE_ARMOR_BEGIN, "cut"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_eq(takes_text(bad[i].text), ST_BAD_INPUT, "%zu: %s", i, bad[i].text);
        cr_assert_str_eq(err.reason, bad[i].reason, "%zu: %s", i, bad[i].text);
    }
}

Test(age_armor, bounds_the_white_space_before_the_block)
{
    for (size_t lead = AGE_ARMOR_LEAD_MAX; lead <= AGE_ARMOR_LEAD_MAX + 1; lead++) {
        buf_clear(&file);
        for (size_t i = 0; i < lead; i++)
            buf_put_u8(&file, ' ');
        buf_put_str(&file, BEGIN "QUJD\n" END);
        bool good = lead == AGE_ARMOR_LEAD_MAX;
        cr_assert_eq(takes(buf_slice(&file), 0, 0), good ? ST_OK : ST_BAD_INPUT);
        cr_assert_eq(age_recognise(buf_slice(&file)), good);
    }
}

Test(age_armor, takes_any_white_space_behind_the_block)
{
    buf_put_str(&file, BEGIN "QUJD\n" END);
    for (size_t i = 0; i < 3 * AGE_ARMOR_RAW; i++)
        buf_put_u8(&file, '\n');
    cr_assert_eq(takes(buf_slice(&file), 0, 0), ST_OK);
    file.data[file.len - 1] = 'x';
    cr_assert_eq(takes(buf_slice(&file), 0, 0), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "trailing-bytes");
}

Test(age_armor, reads_what_it_writes_at_every_length)
{
    struct buf plain = {0};
    for (size_t n = 0; n < 300; n++) {
        struct age_armor_writer w;
        struct byte_sink sink = {.ctx = &file, .write = memory_write};
        fill_plain(&plain, n);
        buf_clear(&file);
        age_armor_writer_init(&w, sink);
        cr_assert_eq(age_armor_write(&w, plain.data, n / 3, NULL), ST_OK);
        cr_assert_eq(age_armor_write(&w, plain.data + n / 3, n - n / 3, NULL), ST_OK);
        cr_assert_eq(age_armor_writer_finish(&w, NULL), ST_OK);
        age_armor_writer_release(&w);
        cr_assert_eq(takes(buf_slice(&file), 7, 0), ST_OK, "%s", err.text);
        cr_assert(slice_eq(buf_slice(&plain), buf_slice(&back)));
        for (size_t i = 0; i + 1 < file.len; i++)
            if (takes(slice_of(file.data, i), 0, 0) != ST_BAD_INPUT)
                cr_assert_fail("%zu of %zu", i, file.len);
    }
    buf_release(&plain);
}

Test(age_armor, recognises_age_files_by_their_first_bytes)
{
    static const char *const good[] = {"age-encryption.org/v1\n-> X", "age-encryption.org/",
                                       AGE_ARMOR_BEGIN, " \r\n\t" AGE_ARMOR_BEGIN "\r\n"};
    static const char *const bad[] = {"",
                                      "age-encryption.org",
                                      " age-encryption.org/v1",
                                      "-----BEGIN AGE ENCRYPTED FILE",
                                      "{",
                                      "   ",
                                      "x" AGE_ARMOR_BEGIN,
                                      "-----BEGIN PGP MESSAGE-----"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(age_recognise(slice_str(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(age_recognise(slice_str(bad[i])), "%s", bad[i]);
}

/* An armored file of three chunks for `ids`, with CRLF if asked. */
static struct age_identities *whole_file(bool crlf)
{
    static const uint8_t seed[32] = {3};
    char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE];
    struct age_identities *ids = NULL;
    struct age_recipients *to = NULL;
    struct buf plain = {0}, lf = {0};
    cr_assert_eq(age_keygen(seed, identity, recipient, NULL), ST_OK);
    cr_assert_eq(age_identities_new(&ids, NULL), ST_OK);
    cr_assert_eq(age_identities_add(ids, slice_str(identity), "id", NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to, NULL), ST_OK);
    cr_assert_eq(age_recipients_add(to, recipient, NULL), ST_OK);
    fill_plain(&plain, 3 * AGE_CHUNK);
    age_write_all(buf_slice(&plain), SIZE_MAX, to, true, seed, &lf);
    buf_clear(&file);
    for (size_t i = 0; i < lf.len; i++) {
        if (crlf && lf.data[i] == '\n')
            buf_put_u8(&file, '\r');
        buf_put_u8(&file, lf.data[i]);
    }
    age_recipients_free(to);
    buf_release(&plain);
    buf_release(&lf);
    return ids;
}

Test(age_armor, carries_whole_files_with_lf_and_crlf)
{
    for (int crlf = 0; crlf < 2; crlf++) {
        struct age_identities *ids = whole_file(crlf);
        cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_OK, "%s", err.text);
        cr_assert_eq(back.len, 3 * AGE_CHUNK);
        age_identities_free(ids);
    }
}

Test(age_armor, gives_the_chunks_before_the_damage_and_counts_decoded_bytes)
{
    struct age_identities *ids = whole_file(false);
    /* A line in the second chunk; the header and nonce are 200 bytes or so. */
    file.data[130000] = '*';
    cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "chunk");
    cr_assert_not_null(strstr(err.text, "armor"));
    cr_assert_eq(back.len, AGE_CHUNK);
    cr_assert_gt(err.at, AGE_SEALED);
    cr_assert_lt(err.at, AGE_SEALED + 300);
    file.data[300] = '*';
    cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_BAD_INPUT);
    cr_assert_eq(back.len, 0);
    file.data[100] = '*';
    cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "bad-header");
    age_identities_free(ids);
}

Test(age_armor, is_not_done_before_its_end_line)
{
    struct age_identities *ids = whole_file(false);
    size_t whole = file.len;
    file.len = whole - strlen(END);
    cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "cut");
    cr_assert_eq(back.len, 3 * AGE_CHUNK);
    file.len = whole;
    buf_put_str(&file, "x");
    cr_assert_eq(age_read_all(buf_slice(&file), 0, ids, &back, &err), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "trailing-bytes");
    cr_assert_eq(back.len, 3 * AGE_CHUNK);
    age_identities_free(ids);
}
