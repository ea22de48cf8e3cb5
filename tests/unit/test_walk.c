#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "indexer/walk.h"

static char root[] = P_tmpdir "/lictor-walk-XXXXXX";

static int drop(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    (void)sb;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(root));
    cr_assert_eq(chdir(root), 0);
}

static void teardown(void)
{
    cr_expect_eq(chdir("/"), 0);
    nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(walk, .init = setup, .fini = teardown);

Test(walk, takes_a_directory_in_byte_order_of_relative_paths)
{
    struct walk_list l = {0};
    struct err err = {0};
    char dir[] = "d", *args[] = {dir};
    cr_assert_eq(mkdir("d", 0700), 0);
    cr_assert_eq(mkdir("d/a", 0700), 0);
    put("d/a.x", "12");
    put("d/a/z", "1");
    put("d/B", "1");
    put("d/a-x", "1");
    cr_assert_eq(walk_args(args, 1, &l, &err), ST_OK);
    const char *want[] = {"d/B", "d/a-x", "d/a.x", "d/a/z"};
    cr_assert_eq(l.n, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_str_eq(l.items[i].path, want[i]);
    cr_expect_eq(l.bytes, 5);
    walk_release(&l);
}

Test(walk, leaves_signatures_and_symbolic_links_out_of_a_directory)
{
    struct walk_list l = {0};
    struct err err = {0};
    char dir[] = "d", *args[] = {dir};
    cr_assert_eq(mkdir("d", 0700), 0);
    put("d/one", "1");
    put("d/one.minisig", "1");
    cr_assert_eq(symlink("..", "d/loop"), 0);
    cr_assert_eq(symlink("one", "d/two"), 0);
    cr_assert_eq(walk_args(args, 1, &l, &err), ST_OK);
    cr_assert_eq(l.n, 1);
    cr_expect_str_eq(l.items[0].path, "d/one");
    cr_expect_eq(l.links, 2);
    walk_release(&l);
}

Test(walk, refuses_the_whole_command_if_one_dump_does_not_exist)
{
    struct walk_list l = {0};
    struct err err = {0};
    char one[] = "one", none[] = "none", *args[] = {one, none};
    put("one", "1");
    cr_expect_eq(walk_args(args, 2, &l, &err), ST_USAGE);
    cr_expect_not_null(strstr(err.text, "none"));
    cr_expect_eq(l.n, 0);
    walk_release(&l);
}

Test(walk, names_what_is_no_regular_file_instead_of_waiting_on_it)
{
    struct walk_list l = {0};
    struct err err = {0};
    char dir[] = "d", *args[] = {dir};
    cr_assert_eq(mkdir("d", 0700), 0);
    cr_assert_eq(mkfifo("d/pipe", 0600), 0);
    cr_assert_eq(walk_args(args, 1, &l, &err), ST_OK);
    cr_assert_eq(l.n, 1);
    cr_expect_not_null(l.items[0].problem);
    walk_release(&l);
}
