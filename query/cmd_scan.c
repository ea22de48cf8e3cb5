/* cmd_scan — the answer of search without the index, by reading every message. */
#include "query/cmd.h"
#include "query/scan.h"

/* One hit more than is shown says whether there are more. */
static enum status answer(struct session *s, const struct query *q, struct slice query, bool *found,
                          struct err *err)
{
    const struct cmd_options *o = s->o;
    uint64_t limit = cmd_limit(o), read = 0;
    struct message_ref after;
    struct search_result r = {0};
    struct search_options options = {.sort = o->sort, .limit = limit};
    const struct scan_options how = {
        .threads = (unsigned)o->threads, .tz = o->tz, .progress = o->progress};
    if (o->after_hit) {
        TRY(cmd_find_id(s, o->after_hit, &after, err));
        options.after = &after;
    }
    if (limit > 0 && limit < UINT64_MAX)
        options.limit++;
    TRY(scan_run(&s->v, q, &options, &how, &r, &read, err));
    s->total = r.total;
    *found = r.total != 0;
    bool more = r.n_hits > limit && limit > 0;
    enum status st = ST_OK;
    if (more)
        r.n_hits = (size_t)limit;
    if (o->count)
        buf_printf(&s->out, "%llu\n", (unsigned long long)r.total);
    else
        st = cmd_show_result(s, q, query, &r, more, "scan", read, err);
    search_result_release(&r);
    return st;
}

int cmd_scan(const struct cmd_options *o) { return cmd_with_query(o, answer); }
