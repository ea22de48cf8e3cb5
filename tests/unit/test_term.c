/* test_term — short terms as they are, long ones cut and closed with a hash. */
#include <criterion/criterion.h>

#include "lictor/sha256.h"
#include "lictor/term.h"

static struct sha256 sha;

Test(term, is_the_field_byte_and_the_bytes)
{
    struct term t;
    term_make(&t, &sha, TERM_WORD, slice_str("harbour"));
    cr_assert(slice_eq_str(term_slice(&t), "wharbour"));
    term_make(&t, &sha, TERM_ID, (struct slice){0});
    cr_assert(slice_eq_str(term_slice(&t), "i"));
}

Test(term, the_longest_whole_term_is_one_byte_below_the_limit)
{
    char bytes[400];
    struct term t;

    memset(bytes, 'a', sizeof(bytes));
    term_make(&t, &sha, TERM_FROM, slice_of(bytes, TERM_MAX - 2));
    cr_assert_eq(t.len, TERM_MAX - 1);
    cr_assert_arr_eq(t.bytes + 1, bytes, TERM_MAX - 2);
}

Test(term, a_longer_one_is_cut_and_closed_with_its_hash)
{
    char bytes[400];
    struct term t;

    memset(bytes, 'a', sizeof(bytes));
    term_make(&t, &sha, TERM_FROM, slice_of(bytes, 239));
    cr_assert_eq(t.len, TERM_MAX);
    cr_assert_eq(t.bytes[207], 0xFF);
    cr_assert_arr_eq(t.bytes + 1, bytes, 206);
    cr_assert_arr_eq(t.bytes + 208, "064b3d122abe25c36265f79fc794b0ad", 32);
}

Test(term, long_ones_that_differ_at_the_end_stay_apart)
{
    char a[400], b[400];
    struct term x, y;

    memset(a, 'a', sizeof(a));
    memcpy(b, a, sizeof(a));
    b[399] = 'b';
    term_make(&x, &sha, TERM_FROM, slice_of(a, sizeof(a)));
    term_make(&y, &sha, TERM_FROM, slice_of(b, sizeof(b)));
    cr_assert_not(slice_eq(term_slice(&x), term_slice(&y)));
}

Test(term, bytes_made_to_look_like_a_cut_term_are_not_taken_for_it)
{
    char bytes[400];
    struct term cut, forged;

    memset(bytes, 'a', sizeof(bytes));
    term_make(&cut, &sha, TERM_FROM, slice_of(bytes, sizeof(bytes)));
    term_make(&forged, &sha, TERM_FROM, slice_of(cut.bytes + 1, cut.len - 1));
    cr_assert_not(slice_eq(term_slice(&cut), term_slice(&forged)));
}
