/* Unit tests of cli: numbers, safe text, progress. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/cli.h"
#include "lictor/os.h"

static bool size_is(const char *text, uint64_t want)
{
    uint64_t got = 0;
    return cli_size(text, &got) && got == want;
}

Test(cli, reads_sizes_with_units)
{
    cr_assert(size_is("0", 0));
    cr_assert(size_is("65536", 65536));
    cr_assert(size_is("1K", 1024));
    cr_assert(size_is("256M", UINT64_C(256) << 20));
    cr_assert(size_is("1g", UINT64_C(1) << 30));
    cr_assert(size_is("1.5G", UINT64_C(3) << 29));
    cr_assert(size_is("2T", UINT64_C(2) << 40));
    cr_assert(size_is("18446744073709551615", UINT64_MAX));
}

Test(cli, refuses_sizes_it_does_not_understand)
{
    static const char *const bad[] = {"",          "M",
                                      "-1",        "+1",
                                      "1.5",       "1.",
                                      "1.G",       ".5G",
                                      "1GB",       "1 G",
                                      "0x10",      " 1",
                                      "1e3",       "1K ",
                                      "1..5G",     "18446744073709551616",
                                      "16777216T", "99999999999999999999999"};
    uint64_t got;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(!cli_size(bad[i], &got), "%s", bad[i]);
}

Test(cli, reads_numbers_within_limits)
{
    uint64_t got = 0;
    cr_assert(cli_uint("7", 1, 7, &got));
    cr_assert_eq(got, 7);
    cr_assert(!cli_uint("8", 1, 7, &got));
    cr_assert(!cli_uint("0", 1, 7, &got));
    cr_assert(!cli_uint("", 0, 7, &got));
    cr_assert(!cli_uint("7x", 0, 7, &got));
    cr_assert(!cli_uint("-1", 0, UINT64_MAX, &got));
}

static bool bytes_text_is(uint64_t bytes, const char *want)
{
    char text[24];
    cli_bytes_text(bytes, text);
    return strcmp(text, want) == 0;
}

Test(cli, writes_sizes_and_counts_for_people)
{
    cr_assert(bytes_text_is(0, "0 B"));
    cr_assert(bytes_text_is(999, "999 B"));
    cr_assert(bytes_text_is(1536, "1.5 KB"));
    cr_assert(bytes_text_is(12 * 1024, "12 KB"));
    cr_assert(bytes_text_is(UINT64_C(3) << 29, "1.5 GB"));
    cr_assert(bytes_text_is(1048575, "1.0 MB"));
    cr_assert(bytes_text_is(UINT64_MAX, "16 EB"));
    char text[32];
    cli_count_text(1234567, text);
    cr_assert_str_eq(text, "1,234,567");
    cli_count_text(999, text);
    cr_assert_str_eq(text, "999");
    cli_count_text(UINT64_MAX, text);
    cr_assert_str_eq(text, "18,446,744,073,709,551,615");
}

static bool safe_is(struct slice s, bool keep_newlines, const char *want)
{
    struct buf b = {0};
    cli_safe(&b, s, keep_newlines);
    bool same = slice_eq_str(buf_slice(&b), want);
    buf_release(&b);
    return same;
}

Test(cli, evidence_cannot_act_on_the_terminal)
{
    cr_assert(safe_is(slice_str("na\xc3\xafve"), false, "na\xc3\xafve"));
    cr_assert(safe_is(slice_str("\x1b[2J\r\b"), false, "\\u{1b}[2J\\u{d}\\u{8}"));
    cr_assert(safe_is(slice_str("a\xe2\x80\xae"
                                "b"),
                      false, "a\\u{202e}b"));
    cr_assert(safe_is(slice_of("\xff\0", 2), false, "\\x{ff}\\u{0}"));
    cr_assert(safe_is(slice_str("\xf3\xa0\x81\x81"), false, "\\u{e0041}"));
    cr_assert(safe_is(slice_str("a\nb\tc"), false, "a\\nb\\tc"));
    cr_assert(safe_is(slice_str("a\nb\tc"), true, "a\nb\\tc"));
}

Test(cli, no_byte_string_leaves_a_control_character)
{
    uint32_t seed = 7;
    for (int round = 0; round < 5000; round++) {
        uint8_t raw[16];
        for (size_t i = 0; i < sizeof raw; i++) {
            seed = seed * 1664525 + 1013904223;
            raw[i] = (uint8_t)(seed >> 24);
        }
        struct buf b = {0};
        cli_safe(&b, slice_of(raw, sizeof raw), false);
        for (size_t i = 0; i < b.len; i++)
            if (b.data[i] < 0x20 || b.data[i] == 0x7f ||
                (b.data[i] == 0xc2 && i + 1 < b.len && b.data[i + 1] < 0xa0))
                cr_assert_fail("round %d left a control character", round);
        buf_release(&b);
    }
}

Test(cli, width_is_that_of_the_safe_text)
{
    cr_assert_eq(cli_width(slice_str("abc")), 3);
    cr_assert_eq(cli_width(slice_str("e\xcc\x81")), 1);
    cr_assert_eq(cli_width(slice_str("\xe6\xb8\xaf")), 2);
    cr_assert_eq(cli_width(slice_str("\x1b")), 6);
    cr_assert_eq(cli_width(slice_str("\xff")), 6);
    cr_assert_eq(cli_width(slice_str("\n")), 2);
    cr_assert_eq(cli_width(slice_of(NULL, 0)), 0);
}

Test(cli, a_file_is_no_terminal)
{
    FILE *f = tmpfile();
    cr_assert_not_null(f);
    cr_assert_eq(cli_columns(f), 0);
    cr_assert(!cli_colour(f));
    fclose(f);
}

/* What `p` prints on stderr when asked once, ten seconds and more after its last line. */
static size_t progress_text(struct cli_progress *p, char *out, size_t cap)
{
    FILE *f = tmpfile();
    cr_assert_not_null(f);
    int before = dup(fileno(stderr));
    fflush(stderr);
    dup2(fileno(f), fileno(stderr));
    p->last_us -= 20000000;
    p->started_us -= 20000000;
    cli_progress_step(p, UINT64_C(1) << 30, UINT64_C(4) << 30, 1000000);
    cli_progress_end(p);
    fflush(stderr);
    dup2(before, fileno(stderr));
    close(before);
    rewind(f);
    size_t len = fread(out, 1, cap - 1, f);
    out[len] = '\0';
    fclose(f);
    return len;
}

Test(cli, plain_progress_prints_lines_and_none_prints_nothing)
{
    struct cli_progress p;
    char text[256];
    cli_progress_begin(&p, CLI_PROGRESS_PLAIN, "reading");
    progress_text(&p, text, sizeof text);
    cr_assert_not_null(strstr(text, "reading 1.0 GB of 4.0 GB, 25%, "), "%s", text);
    cr_assert_not_null(strstr(text, "ETA "));
    cr_assert_null(strchr(text, '\r'));
    cr_assert_eq(text[strlen(text) - 1], '\n');
    cli_progress_begin(&p, CLI_PROGRESS_PLAIN, "reading");
    cli_progress_part(&p, 0.1);
    progress_text(&p, text, sizeof text);
    cr_assert_not_null(strstr(text, "reading 1.0 GB of 4.0 GB, 10%, "), "%s", text);
    cr_assert_not_null(strstr(text, "ETA 3:0"), "nine times the 20 seconds so far: %s", text);
    cli_progress_begin(&p, CLI_PROGRESS_NONE, "reading");
    cr_assert_eq(progress_text(&p, text, sizeof text), 0);
}

Test(cli, errors_are_one_safe_line)
{
    FILE *f = tmpfile();
    int before = dup(fileno(stderr));
    fflush(stderr);
    dup2(fileno(f), fileno(stderr));
    cli_error("lictor-x", "bad \x1b[2J name");
    fflush(stderr);
    dup2(before, fileno(stderr));
    close(before);
    rewind(f);
    char text[128] = {0};
    (void)!fread(text, 1, sizeof text - 1, f);
    cr_assert_str_eq(text, "lictor-x: bad \\u{1b}[2J name\n");
    fclose(f);
}

static const struct cli_option scan_options[] = {
    {'j', 'j', "jobs", "a number from 1 on"}, {'a', 0, "all", NULL}, {'h', 'h', "help", NULL}};

/* Every step in words. */
static void scan_is(bool dashes, const char *const *args, const char *want)
{
    char *argv[16], got[512] = "", fault[CLI_FAULT_SIZE];
    int argc = 0;
    for (; args[argc]; argc++)
        argv[argc] = strdup(args[argc]);
    char *all[16];
    memcpy(all, argv, sizeof all);
    struct cli_scan s = {
        .argv = argv, .argc = argc, .options = scan_options, .n_options = 3, .dashes = dashes};
    enum cli_found found;
    while ((found = cli_scan_next(&s)) != CLI_END) {
        if (found == CLI_OPTION) {
            strcat(strcat(strcat(got, s.option->name), "="), s.value ? s.value : "");
        } else {
            cli_scan_fault(&s, found, fault);
            strcat(got, fault);
        }
        strcat(got, "|");
    }
    for (int i = 0; i < s.n_rest; i++)
        strcat(strcat(got, " "), s.argv[i]);
    cr_expect_str_eq(got, want);
    for (int i = 0; i < argc; i++)
        free(all[i]);
}
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(cli, options_may_stand_anywhere)
{
    scan_is(false, ARGS("case", "--jobs", "3", "x", "-j4", "-j", "5", "--jobs=6", "--all", "-"),
            "jobs=3|jobs=4|jobs=5|jobs=6|all=| case x -");
    scan_is(false, ARGS("a", "--", "--all", "-j"), " a --all -j");
    scan_is(false, ARGS("-h"), "help=|");
}

Test(cli, a_dash_before_a_word_is_no_option_where_queries_stand)
{
    scan_is(true, ARGS("case", "love", "-house", "-j", "--all", "-h"),
            "all=|help=| case love -house -j");
}

Test(cli, option_errors_name_what_was_written)
{
    scan_is(false, ARGS("e1", "love", "-kilo", "-house", "--al"),
            "-kilo: no such option here|-house: no such option here|--al: no such option here| e1 "
            "love");
    scan_is(false, ARGS("--all=3", "c", "--jobs"),
            "--all takes no value|--jobs takes a number from 1 on: it is missing| c");
    char text[CLI_FAULT_SIZE], zero[] = "0";
    struct cli_scan s = {.option = &scan_options[0], .value = zero};
    cli_scan_fault(&s, CLI_OPTION, text);
    cr_expect_str_eq(text, "--jobs takes a number from 1 on, not `0`");
}
