/* thread_range — where a conversation lies in each segment: one range of documents, its timed ones
 * first and by time, so that limits are two binary searches. */
#include <stdlib.h>

#include "query/thread.h"

static bool is_timed(int64_t sent) { return sent > 0 && sent <= TIME_MAX_MS; }

static enum status sent_of(struct thread *t, uint32_t segment, uint32_t doc, int64_t *sent,
                           struct err *err)
{
    return segment_sent(casefile_segment(t->v->cf, segment), t->v->scratch[segment], doc, sent,
                        err);
}

/* Where the untimed ones begin. */
static enum status timed_end_find(struct thread *t, struct thread_range *r, struct err *err)
{
    uint32_t lo = r->first, hi = r->end;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int64_t sent;
        TRY(sent_of(t, r->segment, mid, &sent, err));
        if (is_timed(sent))
            lo = mid + 1;
        else
            hi = mid;
    }
    r->timed_end = lo;
    return ST_OK;
}

enum status thread_range_find(struct thread *t, const struct thread_range *r, int64_t ms,
                              uint32_t *doc, struct err *err)
{
    uint32_t lo = r->first, hi = r->timed_end;
    if (ms == INT64_MIN || ms == INT64_MAX) {
        *doc = ms == INT64_MIN ? lo : hi;
        return ST_OK;
    }
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int64_t sent;
        TRY(sent_of(t, r->segment, mid, &sent, err));
        if (sent < ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    *doc = lo;
    return ST_OK;
}

enum status thread_range_load(struct thread *t, struct thread_range *r, struct err *err)
{
    return r->next < r->hi ? sent_of(t, r->segment, r->next, &r->sent, err) : ST_OK;
}

static enum status range_open(struct thread *t, const struct conversation_range *of,
                              struct err *err)
{
    struct thread_range *r = &t->ranges[t->n_ranges++];
    *r = (struct thread_range){.segment = of->segment, .first = of->first, .end = of->end};
    TRY(timed_end_find(t, r, err));
    TRY(thread_range_find(t, r, t->after, &r->lo, err));
    TRY(thread_range_find(t, r, t->before, &r->hi, err));
    if (r->hi < r->lo)
        r->hi = r->lo;
    t->cut_before |= r->lo > r->first;
    t->cut_after |= r->hi < r->timed_end;
    r->next = r->lo;
    return thread_range_load(t, r, err);
}

enum status thread_ranges_open(struct thread *t, struct err *err)
{
    const struct conversation_range *all;
    size_t n;
    TRY(view_ranges(t->v, t->key, &all, &n, err));
    t->ranges = calloc(n + 1, sizeof *t->ranges);
    if (!t->ranges)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++)
        TRY(range_open(t, &all[i], err));
    if (n == 0)
        return err_set(err, ST_NOT_FOUND, "no such conversation in the delivered data");
    return ST_OK;
}

const struct thread_range *thread_range_in(const struct thread *t, uint32_t segment)
{
    size_t lo = 0, hi = t->n_ranges;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->ranges[mid].segment < segment)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n_ranges && t->ranges[lo].segment == segment ? &t->ranges[lo] : NULL;
}

enum status thread_outside(struct thread *t, int64_t *before, int64_t *behind, struct err *err)
{
    *before = *behind = TIME_NONE;
    for (size_t i = 0; i < t->n_ranges; i++) {
        const struct thread_range *r = &t->ranges[i];
        int64_t sent;
        if (r->lo > r->first) {
            TRY(sent_of(t, r->segment, r->lo - 1, &sent, err));
            *before = *before == TIME_NONE || sent > *before ? sent : *before;
        }
        if (r->hi < r->timed_end) {
            TRY(sent_of(t, r->segment, r->hi, &sent, err));
            *behind = *behind == TIME_NONE || sent < *behind ? sent : *behind;
        }
    }
    return ST_OK;
}
