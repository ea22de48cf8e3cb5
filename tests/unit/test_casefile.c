/* Unit tests of casefile: making and opening a case, and what damage and wrong keys do to it. */
#include "case_testing.h"

#include <errno.h>

#include "store/case_private.h"

TestSuite(casefile, .init = dir_make, .fini = dir_remove);

Test(casefile, is_empty_and_whole_after_it_was_made)
{
    for (int plain = 0; plain < 2; plain++) {
        char last[256], digest[65];
        case_make(plain ? "p" : "s", plain);
        struct casefile *c = case_get(plain, CASE_READ);
        cr_assert_eq(casefile_manifest(c)->generation, 1);
        cr_assert_eq(casefile_manifest(c)->ledger_entries, 1);
        cr_assert_eq(casefile_segments(c), 0);
        cr_assert_eq(casefile_is_plain(c), plain);
        cr_assert_str_eq(casefile_words_version(c), "words/1");
        cr_assert_str_eq(casefile_notes(c), "");
        casefile_digest(c, digest);
        /* sha256sum of "lictor-digest/1", NUL and 256 zero bytes */
        cr_assert_str_eq(digest,
                         "bde0eedf395fd9d973213104a063b840b8ab9d0a524b07805f8727952c45b3c6");
        casefile_close(c);
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
    }
}

Test(casefile, keeps_what_stood_there_when_it_refuses_to_be_made)
{
    struct err err = {0};
    case_name("c");
    file_put("c.key", (const uint8_t *)"mine", 4);
    cr_assert_eq(casefile_create(case_path, key_path, "w", &err), ST_USAGE);
    cr_assert_not(file_is_there("c"));
    struct file_bytes f = file_get("c.key");
    cr_assert_eq(f.len, 4);
    free(f.data);

    cr_assert_eq(mkdirat(dir, "full", 0700), 0);
    file_put("full/x", (const uint8_t *)"x", 1);
    case_name("full");
    cr_assert_eq(casefile_create(case_path, key_path, "w", &err), ST_USAGE);
    cr_assert_not(file_is_there("full.key"));
    cr_assert(file_is_there("full/x"));

    cr_assert_eq(mkdirat(dir, "empty", 0700), 0);
    case_make("empty", false);
    cr_assert_eq(case_generation(false), 1);
}

Test(casefile, makes_files_that_only_the_owner_may_read)
{
    static const char *const names[] = {"c.key", "c/CASE", "c/MANIFEST", "c/ledger", "c/lock"};
    case_make("c", false);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat sb;
        cr_assert_eq(fstatat(dir, names[i], &sb, 0), 0);
        cr_assert_eq(sb.st_mode & 0777, 0600, "%s", names[i]);
    }
    struct file_bytes k = file_get("c.key");
    cr_assert_not_null(memmem(k.data, k.len, "\nLICTOR-CASE-KEY-1 ", 19));
    cr_assert_eq(k.data[k.len - 1], '\n');
    free(k.data);
}

Test(casefile, tells_why_a_key_does_not_open_it)
{
    struct casefile *c = NULL;
    struct err err = {0};
    case_make("other", false);
    case_make("p", true);
    case_make("c", false);
    char own[128], other[128];
    snprintf(own, sizeof own, "%s/c.key", dir_path);
    snprintf(other, sizeof other, "%s/other.key", dir_path);

    cr_expect_eq(casefile_open(case_path, other, CASE_READ, 0, &c, &err), ST_DENIED);
    cr_expect(strstr(err.text, "does not belong to this case"), "%s", err.text);
    cr_expect_eq(casefile_open(case_path, NULL, CASE_READ, 0, &c, &err), ST_DENIED);
    cr_expect(strstr(err.text, "encrypted"), "%s", err.text);
    cr_expect_eq(casefile_open(case_path, case_path, CASE_READ, 0, &c, &err), ST_DENIED);
    snprintf(other, sizeof other, "%s/none.key", dir_path);
    cr_expect_eq(casefile_open(case_path, other, CASE_READ, 0, &c, &err), ST_DENIED);
    cr_expect(strstr(err.text, "does not exist"), "%s", err.text);

    static const char age[] = "# made by age-keygen\nAGE-SECRET-KEY-1QQQQQQQQ\n";
    file_put("none.key", (const uint8_t *)age, sizeof age - 1);
    cr_expect_eq(casefile_open(case_path, other, CASE_READ, 0, &c, &err), ST_DENIED);
    cr_expect(strstr(err.text, "age identity"), "%s", err.text);

    cr_assert_eq(chmod(own, 0640), 0);
    cr_expect_eq(casefile_open(case_path, own, CASE_READ, 0, &c, &err), ST_DENIED);
    cr_expect(strstr(err.text, "open to others"), "%s", err.text);
    cr_assert_eq(chmod(own, 0600), 0);

    snprintf(case_path, sizeof case_path, "%s/p", dir_path);
    cr_expect_eq(casefile_open(case_path, own, CASE_READ, 0, &c, &err), ST_DENIED);
    cr_expect(strstr(err.text, "not encrypted"), "%s", err.text);
}

#define KEY_LINE "LICTOR-CASE-KEY-1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

Test(casefile, reads_only_canonical_key_files)
{
    static const char *const good[] = {KEY_LINE "\n", KEY_LINE, "# c\n\n  " KEY_LINE " \r\n#\n"};
    static const char *const bad[] = {"",
                                      "#" KEY_LINE "\n",
                                      "x" KEY_LINE "\n",
                                      KEY_LINE "A\n",
                                      KEY_LINE "\n" KEY_LINE "\n",
                                      KEY_LINE " x\n"};
    uint8_t out[32];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_expect_eq(case_key_file_parse(slice_str(good[i]), out, NULL), ST_OK, "%s", good[i]);
        for (uint8_t k = 0; k < 32; k++)
            cr_assert_eq(out[k], k);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(case_key_file_parse(slice_str(bad[i]), out, NULL), ST_DENIED, "%s", bad[i]);
    for (size_t len = 0; len < sizeof KEY_LINE - 1; len++)
        cr_expect_eq(case_key_file_parse(slice_of(KEY_LINE, len), out, NULL), ST_DENIED);
}

Test(casefile, says_what_is_not_a_case)
{
    struct casefile *c = NULL;
    struct err err = {0};
    case_name("nothing");
    cr_expect_eq(case_try(true, CASE_READ, &c, &err), ST_NOT_FOUND);
    cr_expect(strstr(err.text, "is not a case"), "%s", err.text);
    cr_assert_eq(mkdirat(dir, "nothing", 0700), 0);
    cr_expect_eq(case_try(true, CASE_READ, &c, &err), ST_NOT_FOUND);
    cr_expect(strstr(err.text, "is not a case"), "%s", err.text);
}

/* ---- damage ---- */

Test(casefile, refuses_every_flipped_bit_of_case_and_manifest)
{
    static const char *const files[] = {"CASE", "MANIFEST"};
    for (int plain = 0; plain < 2; plain++) {
        case_make(plain ? "p" : "s", plain);
        for (int i = 0; i < 2; i++) {
            char name[32];
            snprintf(name, sizeof name, "%s/%s", plain ? "p" : "s", files[i]);
            struct file_bytes f = file_get(name);
            for (size_t bit = 0; bit < 8 * f.len; bit++) {
                f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
                file_put(name, f.data, f.len);
                expect_refused(plain, name, "bit", bit);
                f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            file_put(name, f.data, f.len);
            free(f.data);
        }
        cr_assert_eq(case_generation(plain), 1);
    }
}

Test(casefile, refuses_every_truncation)
{
    static const char *const files[] = {"CASE", "MANIFEST", "ledger"};
    for (int plain = 0; plain < 2; plain++) {
        case_make(plain ? "p" : "s", plain);
        for (int i = 0; i < 3; i++) {
            char name[32];
            snprintf(name, sizeof name, "%s/%s", plain ? "p" : "s", files[i]);
            struct file_bytes f = file_get(name);
            for (size_t len = 0; len < f.len; len++) {
                file_put(name, f.data, len);
                expect_refused(plain, name, "length", len);
            }
            file_put(name, f.data, f.len);
            free(f.data);
        }
        cr_assert_eq(case_generation(plain), 1);
    }
}

Test(casefile, takes_no_file_of_another_case)
{
    static const char *const files[] = {"CASE", "MANIFEST", "ledger"};
    case_make("a", true);
    case_make("b", true);
    for (int i = 0; i < 3; i++) {
        char from[32], to[32], last[256];
        snprintf(from, sizeof from, "a/%s", files[i]);
        snprintf(to, sizeof to, "b/%s", files[i]);
        struct file_bytes other = file_get(from), own = file_get(to);
        file_put(to, other.data, other.len);
        if (i < 2)
            expect_refused(true, to, "swapped", 0);
        else
            cr_expect_gt(case_damages(true, last), 0);
        file_put(to, own.data, own.len);
        free(other.data);
        free(own.data);
    }
}

Test(casefile, names_each_damaged_file_and_goes_on)
{
    for (int plain = 0; plain < 2; plain++) {
        const char *name = plain ? "p" : "s";
        char path[2][128], hex[33], last[256];
        case_make(name, plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(case_commit_line(c, "some line", NULL), ST_OK);
            hex_encode(casefile_manifest(c)->quarantine[i].id, 16, hex);
            snprintf(path[i], sizeof path[i], "%s/quarantine/%s", name, hex);
        }
        casefile_close(c);
        cr_assert_eq(case_damages(plain, last), 0, "%s", last);
        for (int i = 0; i < 2; i++) {
            struct file_bytes f = file_get(path[i]);
            f.data[110] ^= 1;
            file_put(path[i], f.data, f.len);
            free(f.data);
            cr_assert_eq(case_damages(plain, last), (uint64_t)i + 1);
            cr_expect(strstr(last, path[i] + 2), "%s", last);
        }
        cr_assert_eq(unlinkat(dir, path[1], 0), 0);
        cr_assert_eq(case_damages(plain, last), 2);
    }
}

/* ---- failing disks ---- */

static void expect_nothing_left(const char *name, uint64_t n)
{
    char key[64];
    snprintf(key, sizeof key, "%s.key", name);
    cr_assert_not(file_is_there(key), "key file after failure of call %d", (int)n);
    cr_assert_not(file_is_there(name), "directory after failure of call %d", (int)n);
}

Test(casefile, leaves_nothing_half_made_whichever_call_fails)
{
    for (int plain = 0; plain < 2; plain++)
        for (uint64_t n = 1;; n++) {
            struct err err = {0};
            const char *name = plain ? "p" : "s";
            case_name(name);
            (void)os_fault_set(n, ENOSPC);
            enum status st = casefile_create(case_path, case_key_path(plain), "w", &err);
            uint64_t calls = os_fault_set(0, 0);
            if (st == ST_OK) {
                cr_assert_lt(calls, n, "call %d failed unseen", (int)n);
                cr_assert_gt(n, 15);
                cr_assert_eq(case_generation(plain), 1);
                break;
            }
            cr_assert_neq(err.text[0], 0);
            expect_nothing_left(name, n);
        }
}
