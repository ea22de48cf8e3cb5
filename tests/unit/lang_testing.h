/* lang_testing — a parser at hand and short ways to ask it, for the tests of the query language.
 * Each test program includes it once. */
#ifndef TESTS_LANG_TESTING_H
#define TESTS_LANG_TESTING_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/lang.h"

static struct splitter *splitter;
static struct zone *zone;
static struct query *query;
static struct query_error qe;
static struct err err;

static inline void setup(void)
{
    cr_assert_eq(splitter_new(&splitter, &err), ST_OK);
    cr_assert_eq(zone_open("UTC", &zone, &err), ST_OK);
}

static inline void teardown(void)
{
    query_free(query);
    zone_close(zone);
    splitter_free(splitter);
}

static inline enum status parse(struct slice text)
{
    query_free(query);
    query = NULL;
    return query_parse(text, splitter, zone, &query, &qe, &err);
}

static inline const struct node *root_of(const char *text)
{
    cr_assert_eq(parse(slice_str(text)), ST_OK, "%s: %s", text, err.text);
    return query->root;
}

static inline void print_is(const char *text, const char *want)
{
    struct buf out = {0};
    root_of(text);
    query_print(query, &out);
    buf_put_u8(&out, 0);
    cr_assert_str_eq((const char *)out.data, want, "%s", text);
    /* The printed form is a query, and prints as itself. */
    struct buf again = {0};
    root_of((const char *)out.data);
    query_print(query, &again);
    cr_assert(slice_eq_str(buf_slice(&again), want), "%s", want);
    buf_release(&out);
    buf_release(&again);
}

/* `text` is refused, the caret is under [from, to) and the message holds `says`. */
static inline void refused(const char *text, size_t from, size_t to, const char *says)
{
    cr_assert_eq(parse(slice_str(text)), ST_BAD_INPUT, "%s", text);
    cr_assert(qe.from == from && qe.to == to, "%s: at [%zu, %zu): %s", text, qe.from, qe.to,
              qe.text);
    cr_assert_not_null(strstr(qe.text, says), "%s: %s", text, qe.text);
    cr_assert_str_eq(err.text, qe.text);
}

#endif
