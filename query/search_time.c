/* search_time — the short way to the total of a time alone ("how many messages that day?"): each
 * segment keeps count of its messages per minute, so no message is looked at. */
#include "query/search_private.h"

#define MINUTE_MS INT64_C(60000)
#define MINUTES_ALL UINT32_MAX

/* The minute that begins at `ms`; false if none does. Beyond the times that count as such it does
 * not matter where. */
static bool minute_at(int64_t ms, uint32_t *minute)
{
    if (ms <= 0 || ms > TIME_MAX_MS) {
        *minute = ms <= 0 ? 0 : MINUTES_ALL;
        return true;
    }
    *minute = (uint32_t)(ms / MINUTE_MS);
    return ms % MINUTE_MS == 0;
}

bool search_time_fits(const struct search *s)
{
    const struct search_options *o = s->o;
    const struct node *root = s->q->root;
    const struct lang_span *t = &root->time;
    uint32_t minute;
    return root->kind == NODE_TIME && o->limit == 0 && !o->visit && !o->counts && t->again == 0 &&
           minute_at(t->from, &minute) && minute_at(t->to, &minute);
}

enum status search_time_run(struct search *s, uint32_t segment, struct err *err)
{
    struct segment *of = casefile_segment(s->v->cf, segment);
    const struct segment_info *info = segment_info(of);
    const struct lang_span *t = &s->q->root->time;
    uint32_t from, to;
    uint64_t count, timed;
    MUST(minute_at(t->from, &from) && minute_at(t->to, &to));
    TRY(segment_minutes(of, s->v->scratch[segment], from, to, &count, err));
    TRY(segment_minutes(of, s->v->scratch[segment], 0, MINUTES_ALL, &timed, err));
    /* Messages are never hidden. */
    uint64_t hidden = info->hidden_docs, all = info->messages + info->others;
    if (hidden > all || timed > all - hidden)
        return err_set(err, ST_DAMAGED, "its minutes have more messages than it has");
    s->out->total += count;
    s->out->untimed += all - hidden - timed;
    return ST_OK;
}
