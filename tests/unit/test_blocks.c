/* Unit tests of blocks: what is put comes back, packed or not; nothing of it can be found. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/blocks.h"
#include "lictor/os.h"

static char dir[] = P_tmpdir "/lictor-blocks-XXXXXX";
static int dirfd_of_test = -1;

static void setup(void)
{
    struct err err;
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(os_open_dir(AT_FDCWD, dir, &dirfd_of_test, &err), ST_OK);
}

static void teardown(void)
{
    os_close(&dirfd_of_test);
    rmdir(dir);
}

TestSuite(blocks, .init = setup, .fini = teardown);

Test(blocks, come_back_as_they_were_put)
{
    enum { N = 50 };
    struct blocks *b;
    struct blocks_io *io;
    struct block_place at[N];
    struct err err = {0};
    static uint8_t bytes[N * 1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251 % 16);
    cr_assert_eq(blocks_new(dirfd_of_test, &b, &err), ST_OK, "%s", err.text);
    cr_assert_eq(blocks_io_new(b, &io, &err), ST_OK);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < N; i++)
            cr_assert_eq(blocks_put(io, slice_of(bytes, i * 1000), i % 2 == 0, &at[i], &err), ST_OK,
                         "%s", err.text);
        for (size_t i = N; i-- > 0;) {
            struct slice got;
            cr_assert_eq(blocks_get(io, &at[i], &got, &err), ST_OK, "%s", err.text);
            cr_assert_eq(got.len, i * 1000);
            cr_assert(slice_eq(got, slice_of(bytes, i * 1000)), "block %zu", i);
        }
        cr_expect_lt(at[48].stored, 24000, "packed");
        cr_expect_geq(at[49].stored, 49000, "not packed");
        uint64_t size = blocks_size(b), room = 0;
        cr_expect_gt(size, 0);
        cr_expect_eq(blocks_free_space(b, &room, &err), ST_OK);
        cr_assert_eq(blocks_clear(b, &err), ST_OK);
        cr_expect_eq(blocks_size(b), 0);
    }
    char **names;
    size_t n;
    cr_assert_eq(os_list(dirfd_of_test, ".", &names, &n, &err), ST_OK);
    cr_expect_eq(n, 0, "the file has no name");
    os_list_free(names, n);
    blocks_io_free(io);
    blocks_free(b);
}

Test(blocks, that_were_overwritten_are_damage)
{
    struct blocks *b;
    struct blocks_io *io;
    struct block_place at, other;
    struct slice got;
    struct err err = {0};
    cr_assert_eq(blocks_new(dirfd_of_test, &b, &err), ST_OK);
    cr_assert_eq(blocks_io_new(b, &io, &err), ST_OK);
    cr_assert_eq(blocks_put(io, slice_str("one of two blocks"), false, &at, &err), ST_OK);
    cr_assert_eq(blocks_put(io, slice_str("two of two blocks"), false, &other, &err), ST_OK);
    struct block_place moved = at;
    moved.offset = other.offset - 1;
    cr_expect_eq(blocks_get(io, &moved, &got, &err), ST_DAMAGED);
    at.stored--;
    cr_expect_eq(blocks_get(io, &at, &got, &err), ST_DAMAGED);
    blocks_io_free(io);
    blocks_free(b);
}
