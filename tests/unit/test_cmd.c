/* test_cmd — what the commands that write a case ask of it first. */
#include "indexer/cmd.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "lictor/words.h"

static int open_case_of(const char *rules)
{
    char dir[] = "/tmp/lictor-cmd-XXXXXX";
    struct err err = {0};
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(casefile_create(dir, NULL, rules, &err), ST_OK, "%s", err.text);
    const struct cmd_options o = {.dir = dir};
    struct casefile *cf = NULL;
    int code = cmd_open_words(&o, &cf);
    cr_expect_eq(cf != NULL, code == EXIT_GOOD);
    casefile_close(cf);
    char *rm;
    cr_assert_gt(asprintf(&rm, "rm -rf %s", dir), 0);
    if (system(rm) != 0) /* where the process is confined, it may not start others */
        cr_log_warn("%s is left over", dir);
    free(rm);
    return code;
}

Test(cmd, adds_words_to_a_case_of_its_own_rules)
{
    cr_expect_eq(open_case_of(words_version()), EXIT_GOOD);
}

Test(cmd, adds_no_words_to_a_case_of_other_rules)
{
    cr_expect_eq(open_case_of("1/15.0"), EXIT_FAILURE_ENV);
}
