/* cmd_scan — the answer of search without the index, by reading every message. */
#include "query/cmd.h"
#include "query/scan.h"

int cmd_scan(const struct cmd_options *o)
{
    struct session s;
    struct err err = {0};
    struct query *q = NULL;
    struct search_result r = {0};
    struct buf shown = {0};
    uint64_t read = 0;
    int code = session_open(o, &s);
    if (code)
        return code;
    enum status st = session_query(&s, &q, &shown, &err);
    bool query_error = st == ST_BAD_INPUT;
    const struct search_options options = {.sort = o->sort, .limit = cmd_limit(o)};
    const struct scan_options how = {
        .threads = (unsigned)o->threads, .tz = o->tz, .progress = o->progress};
    if (st == ST_OK)
        st = scan_run(&s.v, q, &options, &how, &r, &read, &err);
    if (st == ST_OK && o->count)
        buf_printf(&s.out, "%llu\n", (unsigned long long)r.total);
    else if (st == ST_OK)
        st = cmd_show_result(&s, q, buf_slice(&shown), &r, "scan", read, &err);
    bool found = r.total != 0;
    if (query_error) /* the place was shown already */
        st = ST_CLOSED;
    code = session_close(&s, st, found, &err);
    search_result_release(&r);
    query_free(q);
    buf_release(&shown);
    return query_error ? EXIT_USAGE : code;
}
