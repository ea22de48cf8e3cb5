/* test_age_header — what an age header may say and what not. Headers are forged with a MAC that
 * fits, so that each is refused for its own reason and not for its MAC. */
#include "age_testing.h"

static struct age_identities *ids, *pass_ids;
static struct age_recipients *to, *to_pass;
static uint8_t file_key[AGE_FILE_KEY] = "a file key 16 b";
static struct buf x25519, scrypt, stanzas, file, back;
static struct err err;

static void wrap(const struct age_recipients *r, struct buf *out)
{
    static const uint8_t seed[32] = {7};
    struct age_random random = {.seed = seed};
    cr_assert_eq(age_stanzas_wrap(r, &random, file_key, out, NULL), ST_OK);
    buf_put_u8(out, 0);
    out->len--;
}

static void setup(void)
{
    static const uint8_t seed[32] = {1, 2, 3};
    char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE];
    cr_assert_eq(age_keygen(seed, identity, recipient, NULL), ST_OK);
    cr_assert_eq(age_identities_new(&ids, NULL), ST_OK);
    cr_assert_eq(age_identities_add(ids, slice_str(identity), "one", NULL), ST_OK);
    cr_assert_eq(age_identities_new(&pass_ids, NULL), ST_OK);
    cr_assert_eq(age_identities_passphrase(pass_ids, slice_str("pass"), NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to, NULL), ST_OK);
    cr_assert_eq(age_recipients_add(to, recipient, NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to_pass, NULL), ST_OK);
    cr_assert_eq(age_recipients_passphrase(to_pass, slice_str("pass"), 6, NULL), ST_OK);
    wrap(to, &x25519);
    wrap(to_pass, &scrypt);
}

static void teardown(void)
{
    age_identities_free(ids);
    age_identities_free(pass_ids);
    age_recipients_free(to);
    age_recipients_free(to_pass);
    struct buf *all[] = {&x25519, &scrypt, &stanzas, &file, &back};
    for (size_t i = 0; i < 5; i++)
        buf_release(all[i]);
}

TestSuite(age_header, .init = setup, .fini = teardown);

static const struct forged_chunk payload[] = {{.len = 5, .last = true}};

static enum status reads(const struct age_identities *with)
{
    memset(&err, 0, sizeof err);
    enum status st = age_read_all(buf_slice(&file), 0, with, &back, &err);
    if (st == ST_OK)
        cr_assert_eq(back.len, 5);
    return st;
}

/* How a file with these stanzas reads. */
static enum status reads_stanzas(struct slice text, const struct age_identities *with)
{
    forge_header(&file, file_key, text);
    forge_payload(&file, file_key, payload, 1);
    return reads(with);
}

static enum status reads_text(const char *text) { return reads_stanzas(slice_str(text), ids); }

/* As reads_text, with our own stanza behind `before` and ahead of `after`. */
static enum status reads_around(const char *before, const char *after)
{
    buf_clear(&stanzas);
    buf_put_str(&stanzas, before);
    buf_put_slice(&stanzas, buf_slice(&x25519));
    buf_put_str(&stanzas, after);
    return reads_stanzas(buf_slice(&stanzas), ids);
}

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        cr_assert_eq(call, ST_BAD_INPUT, "%s", #call);                                             \
        cr_assert_str_eq(err.reason, "bad-header", "%s: %s", #call, err.text);                     \
    } while (0)

/* Our stanza's body line (43 columns) and its share (43 characters). */
static const char *body(void) { return strchr((const char *)x25519.data, '\n') + 1; }
static const char *share(void) { return (const char *)x25519.data + strlen("-> X25519 "); }

static enum status reads_x25519(const char *args, int n, const char *body_lines)
{
    char text[400];
    snprintf(text, sizeof text, "-> X25519%.*s\n%s\n", n, args, body_lines);
    return reads_text(text);
}

Test(age_header, reads_what_was_wrapped)
{
    cr_assert_eq(reads_around("", ""), ST_OK, "%s", err.text);
    cr_assert_eq(reads_stanzas(buf_slice(&scrypt), pass_ids), ST_OK, "%s", err.text);
}

Test(age_header, skips_unknown_stanzas)
{
    cr_assert_eq(reads_around("-> x\n\n", "-> !~ a b c d !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\nQUJD\n"),
                 ST_OK, "%s", err.text);
    cr_assert_eq(reads_around("-> full-line\n"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                              "\n",
                              "-> x25519 lower case\nQQ\n"),
                 ST_OK, "%s", err.text);
    cr_assert_eq(reads_text("-> unknown\n\n"), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "no-key");
}

Test(age_header, refuses_malformed_lines)
{
    REFUSED(reads_text(""));
    REFUSED(reads_around("\n", ""));
    REFUSED(reads_around("->x\n\n", ""));
    REFUSED(reads_around("->\n\n", ""));
    REFUSED(reads_around("-> \n\n", ""));
    REFUSED(reads_around("- > x\n\n", ""));
    REFUSED(reads_around(" -> x\n\n", ""));
    REFUSED(reads_around("-> x \n\n", ""));
    REFUSED(reads_around("-> x  y\n\n", ""));
    REFUSED(reads_around("->  x\n\n", ""));
    REFUSED(reads_around("-> x\ty\n\n", ""));
    REFUSED(reads_around("-> x\x7f\n\n", ""));
    REFUSED(reads_around("-> \xc3\xa9\n\n", ""));
    REFUSED(reads_around("-> x\r\n\n", ""));
    REFUSED(reads_around("", "-> x\n"));
}

#define COLUMNS_62 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Test(age_header, refuses_bodies_that_are_not_canonical_base64)
{
    REFUSED(reads_around("-> x\nQQ==\n", ""));
    REFUSED(reads_around("-> x\nQR\n", ""));
    REFUSED(reads_around("-> x\nQUI\r\n", ""));
    REFUSED(reads_around("-> x\nQ\n", ""));
    REFUSED(reads_around("-> x\nQU J\n", ""));
    REFUSED(reads_around("-> x\nQU-_\n", ""));
}

Test(age_header, refuses_bodies_that_are_not_wrapped_at_64_columns)
{
    cr_assert_eq(reads_around("-> x\n" COLUMNS_62 "AA\nAA\n", ""), ST_OK, "%s", err.text);
    REFUSED(reads_around("-> x\n" COLUMNS_62 "AA\n", ""));
    REFUSED(reads_around("-> x\n" COLUMNS_62 "AAAA\n", ""));
    REFUSED(reads_around("-> x\n" COLUMNS_62 "AAA\n\n", ""));
    REFUSED(reads_around("-> x\nAA\nAA\n", ""));
    REFUSED(reads_around("-> x\n\n\n", ""));
}

Test(age_header, refuses_another_version_and_crlf)
{
    reads_around("", "");
    file.data[20] = '2';
    REFUSED(reads(ids));
    reads_around("", "");
    file.data[21] = '\r';
    REFUSED(reads(ids));
    buf_clear(&file);
    REFUSED(reads(ids));
    buf_put_str(&file, "{\"kind\":\"dump\"}\n");
    REFUSED(reads(ids));
}

Test(age_header, takes_a_thousand_stanzas_and_no_more)
{
    for (int n = 999; n <= 1000; n++) {
        buf_clear(&stanzas);
        for (int i = 0; i < n; i++)
            buf_put_str(&stanzas, "-> x\n\n");
        buf_put_slice(&stanzas, buf_slice(&x25519));
        if (n == 999)
            cr_assert_eq(reads_stanzas(buf_slice(&stanzas), ids), ST_OK, "%s", err.text);
        else
            REFUSED(reads_stanzas(buf_slice(&stanzas), ids));
    }
}

/* A header of `size` bytes in all, our stanza first. */
static enum status reads_header_of(size_t size)
{
    size_t fixed = strlen(AGE_VERSION_LINE "\n") + x25519.len + strlen("-> \n\n") + 48;
    buf_clear(&stanzas);
    buf_put_slice(&stanzas, buf_slice(&x25519));
    buf_put_str(&stanzas, "-> ");
    for (size_t i = fixed; i < size; i++)
        buf_put_u8(&stanzas, 'x');
    buf_put_str(&stanzas, "\n\n");
    return reads_stanzas(buf_slice(&stanzas), ids);
}

Test(age_header, takes_a_header_of_one_mebibyte_and_no_more)
{
    cr_assert_eq(reads_header_of(AGE_HEADER_MAX), ST_OK, "%s", err.text);
    REFUSED(reads_header_of(AGE_HEADER_MAX + 1));
    REFUSED(reads_header_of(AGE_HEADER_MAX + 100));
    REFUSED(reads_header_of(2 * AGE_HEADER_MAX));
}

Test(age_header, refuses_a_header_without_end_after_one_mebibyte)
{
    buf_clear(&file);
    buf_put_str(&file, AGE_VERSION_LINE "\n");
    for (int i = 0; i < 3 << 20; i += 6)
        buf_put_str(&file, "-> x\n\n");
    struct memory m = {.bytes = buf_slice(&file), .step = 1000};
    struct age_reader *r = NULL;
    REFUSED(age_reader_open(memory_source(&m), ids, &r, &err));
    cr_assert_leq(m.pos, AGE_HEADER_MAX + 2000);
}

/* The MAC line, which is the last one of the forged header. */
static char *mac_line(void)
{
    buf_clear(&file);
    forge_header(&file, file_key, buf_slice(&x25519));
    return (char *)file.data + file.len - 48;
}

static enum status reads_mac(const char *line)
{
    mac_line();
    file.len -= 48;
    buf_put_str(&file, line);
    forge_payload(&file, file_key, payload, 1);
    return reads(ids);
}

Test(age_header, rejects_a_header_with_a_bad_mac)
{
    char line[49] = {0}, changed[60];
    memcpy(line, mac_line(), 48);
    cr_assert_eq(reads_mac(line), ST_OK, "%s", err.text);
    memcpy(changed, line, 49);
    changed[10] = changed[10] == 'A' ? 'B' : 'A';
    REFUSED(reads_mac(changed));
    snprintf(changed, sizeof changed, "---%s", line + 4);
    REFUSED(reads_mac(changed));
    snprintf(changed, sizeof changed, "---  %s", line + 4);
    REFUSED(reads_mac(changed));
    snprintf(changed, sizeof changed, "%.47s \n", line);
    REFUSED(reads_mac(changed));
    snprintf(changed, sizeof changed, "%.47s=\n", line);
    REFUSED(reads_mac(changed));
    snprintf(changed, sizeof changed, "%.46s\n", line);
    REFUSED(reads_mac(changed));
    snprintf(changed, sizeof changed, "%.47s\r\n", line);
    REFUSED(reads_mac(changed));
    REFUSED(reads_mac("---\n"));
    REFUSED(reads_mac(""));
    /* 43 characters carry 258 bits: the last two must be zero. */
    memcpy(changed, line, 49);
    changed[46] = (char)(changed[46] + 1);
    REFUSED(reads_mac(changed));
}

Test(age_header, refuses_shares_and_bodies_of_the_wrong_length)
{
    char text[200];
    snprintf(text, sizeof text, "%.43s", body());
    char args[100];
    snprintf(args, sizeof args, " %.43s", share());
    cr_assert_eq(reads_x25519(args, 44, text), ST_OK, "%s", err.text);
    REFUSED(reads_x25519(args, 43, text));
    REFUSED(reads_x25519(args, 42, text));
    REFUSED(reads_x25519("", 0, text));
    REFUSED(reads_x25519(args, 44, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));   /* 31 */
    REFUSED(reads_x25519(args, 44, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")); /* 33 */
    REFUSED(reads_x25519(args, 44, ""));
    snprintf(args, sizeof args, " %.43sA", share());
    REFUSED(reads_x25519(args, 45, text)); /* 33 bytes */
    snprintf(args, sizeof args, " %.43s A", share());
    REFUSED(reads_x25519(args, 46, text));
    snprintf(args, sizeof args, " %.42s%c", share(), share()[42] + 1);
    REFUSED(reads_x25519(args, 44, text)); /* not canonical */
}

Test(age_header, checks_every_known_stanza_before_any_key)
{
    REFUSED(reads_around("", "-> X25519 AA\n\n"));
    cr_assert_eq(reads_stanzas(slice_str("-> X25519 AA\n\n"), pass_ids), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "bad-header");
}

Test(age_header, refuses_an_all_zero_shared_secret)
{
    static const char zero_share[] = " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    REFUSED(reads_x25519(zero_share, 44, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    cr_assert_not_null(strstr(err.text, "all-zero"));
}

Test(age_header, refuses_scrypt_beside_other_stanzas)
{
    REFUSED(reads_around((const char *)scrypt.data, ""));
    REFUSED(reads_around("", (const char *)scrypt.data));
    buf_clear(&stanzas);
    buf_put_slice(&stanzas, buf_slice(&scrypt));
    buf_put_slice(&stanzas, buf_slice(&scrypt));
    REFUSED(reads_stanzas(buf_slice(&stanzas), pass_ids));
    buf_clear(&stanzas);
    buf_put_slice(&stanzas, buf_slice(&scrypt));
    buf_put_str(&stanzas, "-> x\n\n");
    REFUSED(reads_stanzas(buf_slice(&stanzas), pass_ids));
}

static enum status reads_scrypt(const char *args, const char *lines)
{
    char text[300];
    snprintf(text, sizeof text, "-> scrypt%s\n%s\n", args, lines);
    return reads_stanzas(slice_str(text), pass_ids);
}

#define SALT_16 " AAAAAAAAAAAAAAAAAAAAAA"
#define BODY_32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Test(age_header, refuses_malformed_scrypt_stanzas)
{
    static const char *const args[] = {
        "",
        " 10",
        SALT_16,
        SALT_16 " 010",
        SALT_16 " 0",
        SALT_16 " 00",
        SALT_16 " +10",
        SALT_16 " -1",
        SALT_16 " 0x0a",
        SALT_16 " 1e1",
        SALT_16 " 10 ",
        SALT_16 " 10 10",
        SALT_16 " a10",
        SALT_16 "AA 10",
        " AAAAAAAAAAAAAAAAAAAAA 10",
        " AAAAAAAAAAAAAAAAAAAAAB 10",
        " AAAAAAAAAAAAAAAAAAAAAA== 10",
    };
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++)
        REFUSED(reads_scrypt(args[i], BODY_32));
    REFUSED(reads_scrypt(SALT_16 " 1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    REFUSED(reads_scrypt(SALT_16 " 1", BODY_32 "A"));
    cr_assert_eq(reads_scrypt(SALT_16 " 1", BODY_32), ST_BAD_INPUT);
    cr_assert_str_eq(err.reason, "bad-passphrase");
}

Test(age_header, refuses_a_work_factor_above_the_limit)
{
    REFUSED(reads_scrypt(SALT_16 " 21", BODY_32));
    cr_assert_not_null(strstr(err.text, "--scrypt-max"));
    REFUSED(reads_scrypt(SALT_16 " 64", BODY_32));
    REFUSED(reads_scrypt(SALT_16 " 4294967300", BODY_32));
    REFUSED(reads_scrypt(SALT_16 " 18446744073709551617", BODY_32));
    age_identities_scrypt_max(pass_ids, 5);
    REFUSED(reads_stanzas(buf_slice(&scrypt), pass_ids));
    age_identities_scrypt_max(pass_ids, 6);
    cr_assert_eq(reads_stanzas(buf_slice(&scrypt), pass_ids), ST_OK);
}

Test(age_header, finds_the_end_of_a_header_whichever_way_it_arrives)
{
    reads_around("-> ---\nAAAA\n", "");
    size_t whole = 0, scan = 0;
    size_t len = age_header_end(buf_slice(&file), &whole);
    cr_assert_eq(len, file.len - AGE_NONCE - 5 - AGE_TAG);
    for (size_t n = 0; n < len; n++)
        cr_assert_eq(age_header_end(slice_of(file.data, n), &scan), 0, "%zu", n);
    cr_assert_eq(age_header_end(slice_of(file.data, len), &scan), len);
}

Test(age_header, refuses_bytes_behind_the_mac)
{
    struct age_header h;
    forge_header(&file, file_key, buf_slice(&x25519));
    cr_assert_eq(age_header_parse(buf_slice(&file), &h, &err), ST_OK);
    cr_assert_eq(h.n, 1);
    age_header_release(&h);
    buf_put_str(&file, "-> x\n\n");
    REFUSED(age_header_parse(buf_slice(&file), &h, &err));
}
