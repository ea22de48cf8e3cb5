/* fuzz_query — any bytes as a query: refused with a caret inside the text, or parsed into a form
 * whose printed text parses again to the same printed text. */
#include "query/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct splitter *splitter;
static struct zone *zone;

static void print_and_parse_again(const struct query *q)
{
    struct query *again = NULL;
    struct query_error qe;
    struct buf first = {0}, second = {0};
    query_print(q, &first);
    MUST(buf_status(&first, NULL) == ST_OK);
    if (first.len <= LANG_TEXT_MAX) {
        enum status st = query_parse(buf_slice(&first), splitter, zone, &again, &qe, NULL);
        /* The parentheses that precedence needs are the ones that were there. */
        MUST(st == ST_OK);
        query_print(again, &second);
        MUST(slice_eq(buf_slice(&first), buf_slice(&second)));
    }
    query_free(again);
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query *q = NULL;
    struct query_error qe;
    struct buf drawn = {0};
    if (!splitter)
        MUST(splitter_new(&splitter, NULL) == ST_OK &&
             zone_open("Europe/Paris", &zone, NULL) == ST_OK);
    enum status st = query_parse(slice_of(data, size), splitter, zone, &q, &qe, NULL);
    if (st == ST_OK) {
        struct arena a;
        struct text_range *ranges;
        size_t n;
        arena_init(&a, 0);
        print_and_parse_again(q);
        MUST(query_highlight(q, splitter, slice_of(data, size), &a, &ranges, &n, NULL) == ST_OK);
        for (size_t i = 0; i < n; i++)
            MUST(ranges[i].from < ranges[i].to && ranges[i].to <= size &&
                 (i == 0 || ranges[i - 1].to < ranges[i].from));
        arena_release(&a);
    } else {
        MUST(st == ST_BAD_INPUT && qe.from <= qe.to && qe.to <= size);
        query_error_print(slice_of(data, size), &qe, &drawn);
        MUST(buf_status(&drawn, NULL) == ST_OK);
    }
    buf_release(&drawn);
    query_free(q);
    return 0;
}
