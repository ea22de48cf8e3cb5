/* Unit tests of arena. */
#include <criterion/criterion.h>

#include "lictor/arena.h"

Test(arena, gives_aligned_memory_that_does_not_overlap)
{
    struct arena a;
    arena_init(&a, 4096);
    uint8_t *at[500];
    for (size_t i = 0; i < 500; i++) {
        at[i] = arena_alloc(&a, i);
        cr_assert_not_null(at[i]);
        cr_assert_eq((uintptr_t)at[i] % 8, 0);
        memset(at[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_eq(at[i][k], i & 0xff);
    arena_release(&a);
    cr_assert_eq(a.held, 0);
}

Test(arena, serves_objects_larger_than_a_chunk)
{
    struct arena a;
    arena_init(&a, 128);
    uint8_t *big = arena_alloc(&a, 100000);
    uint8_t *small = arena_alloc(&a, 16);
    cr_assert(big && small);
    memset(big, 1, 100000);
    memset(small, 2, 16);
    cr_assert_eq(big[99999], 1);
    arena_release(&a);
}

Test(arena, holds_no_more_after_many_equal_rounds)
{
    struct arena a;
    arena_init(&a, 4096);
    size_t held = 0;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 1000; i++)
            cr_assert_not_null(arena_alloc(&a, 24));
        cr_assert_eq(a.used, 24000);
        if (round == 1)
            held = a.held;
        if (round > 1)
            cr_assert_eq(a.held, held, "round %d", round);
        arena_reset(&a);
        cr_assert_eq(a.used, 0);
    }
    arena_release(&a);
}

Test(arena, holds_no_more_after_many_rounds_of_small_and_large)
{
    struct arena a;
    size_t most = 0;
    arena_init(&a, 4096);
    for (size_t round = 0; round < 100; round++) {
        cr_assert_not_null(arena_alloc(&a, 40));
        memset(arena_alloc(&a, 100000 + round), 0xcc, 100000 + round);
        cr_assert_not_null(arena_alloc(&a, 5000));
        memset(arena_alloc(&a, 90000), 0xdd, 90000);
        most = a.held > most ? a.held : most;
        arena_reset(&a);
    }
    cr_assert_lt(most, 400000);
    arena_release(&a);
}

Test(arena, keeps_its_chunks_apart_when_rounds_differ)
{
    struct arena a;
    arena_init(&a, 256);
    for (size_t round = 1; round < 40; round++) {
        uint8_t *first = arena_alloc(&a, round * 37);
        memset(first, 0xaa, round * 37);
        for (size_t i = 0; i < round; i++)
            memset(arena_alloc(&a, 64), 0xbb, 64);
        for (size_t k = 0; k < round * 37; k++)
            cr_assert_eq(first[k], 0xaa);
        arena_reset(&a);
    }
    arena_release(&a);
}

Test(arena, arrays_are_zeroed_and_refuse_overflow)
{
    struct arena a;
    arena_init(&a, 0);
    memset(arena_alloc(&a, 800), 0xff, 800);
    arena_reset(&a);
    uint64_t *v = arena_array(&a, 100, sizeof *v);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(v[i], 0);
    cr_assert_null(arena_array(&a, SIZE_MAX / 4, 8));
    cr_assert_null(arena_alloc(&a, SIZE_MAX));
    arena_release(&a);
}

Test(arena, copies_slices_also_empty_ones)
{
    struct arena a;
    arena_init(&a, 0);
    cr_assert(slice_eq_str(arena_copy(&a, slice_str("words")), "words"));
    struct slice empty = arena_copy(&a, slice_of(NULL, 0));
    cr_assert_not_null(empty.data);
    cr_assert_eq(empty.len, 0);
    arena_release(&a);
    arena_release(&a);
}
