/* segment_minutes — messages per minute of a base with its overlays. What the base counted when it
 * was written stands in it with running totals (minutes.c); what overlays added to it since is
 * gathered once and kept the same way. */
#include <stdlib.h>

#include "store/segment_private.h"

struct minutes_added {
    struct minute_extra *all; /* by minute */
    uint64_t *before;         /* n + 1: messages added in the minutes before all[i] */
    size_t n;
};

void minutes_added_free(struct minutes_added *a)
{
    if (!a)
        return;
    free(a->all);
    free(a->before);
    free(a);
}

static int by_minute(const void *a, const void *b)
{
    uint32_t x = ((const struct minute_extra *)a)->minute;
    uint32_t y = ((const struct minute_extra *)b)->minute;
    return (x > y) - (x < y);
}

/* What each repeated document has more than when the base was written; `base` are its repeats
 * then. Repeats never go: both lists ascend. */
static enum status added_gather(struct segment *s, struct segment_scratch *x,
                                const struct repeats *base, struct minutes_added *a,
                                struct err *err)
{
    const uint32_t *docs, *messages;
    size_t n, at = 0;

    TRY(segment_repeats(s, &docs, &messages, &n, err));
    a->all = calloc(n + 1, sizeof *a->all);
    a->before = calloc(n + 1, sizeof *a->before);
    if (!a->all || !a->before)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        int64_t sent;
        while (at < base->n && base->docs[at] < docs[i])
            at++;
        uint32_t had = at < base->n && base->docs[at] == docs[i] ? base->messages[at] : 1;
        if (messages[i] <= had)
            continue;
        TRY(segment_sent(s, x, docs[i], &sent, err));
        uint32_t after = minute_after(sent);
        if (after && after != MINUTE_BEYOND)
            a->all[a->n++] =
                (struct minute_extra){.minute = after - 1, .messages = messages[i] - had};
    }
    return ST_OK;
}

static enum status added_load(struct segment *s, struct segment_scratch *x, struct minutes_added *a,
                              struct err *err)
{
    struct repeats base = {0};
    size_t n = s->files[0].meta.repeats;

    base.docs = calloc(n + 1, sizeof *base.docs);
    base.messages = calloc(n + 1, sizeof *base.messages);
    enum status st = base.docs && base.messages ? ST_OK : err_no_memory(err);
    if (st == ST_OK)
        st = repeats_of(s, 0, x, &base, err);
    if (st == ST_OK)
        st = added_gather(s, x, &base, a, err);
    free(base.docs);
    free(base.messages);
    TRY(st);
    if (a->n > 1)
        qsort(a->all, a->n, sizeof *a->all, by_minute);
    for (size_t i = 0; i < a->n; i++)
        a->before[i + 1] = a->before[i] + a->all[i].messages;
    return ST_OK;
}

/* *out NULL: there are no overlays. */
static enum status added_get(struct segment *s, struct segment_scratch *x,
                             const struct minutes_added **out, struct err *err)
{
    *out = NULL;
    if (s->n_files == 1)
        return ST_OK;
    pthread_mutex_lock(&s->mu);
    *out = s->added;
    pthread_mutex_unlock(&s->mu);
    if (*out)
        return ST_OK;
    struct minutes_added *mine = calloc(1, sizeof *mine);
    if (!mine)
        return err_no_memory(err);
    enum status st = added_load(s, x, mine, err);
    if (st == ST_OK) {
        pthread_mutex_lock(&s->mu);
        if (!s->added) {
            s->added = mine;
            mine = NULL;
        }
        *out = s->added;
        pthread_mutex_unlock(&s->mu);
    }
    minutes_added_free(mine);
    return st;
}

static uint64_t added_before(const struct minutes_added *a, uint32_t minute)
{
    size_t lo = 0, hi = a->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (a->all[mid].minute < minute)
            lo = mid + 1;
        else
            hi = mid;
    }
    return a->before[lo];
}

enum status segment_minutes(struct segment *s, struct segment_scratch *x, uint32_t from,
                            uint32_t to, uint64_t *count, struct err *err)
{
    const struct minutes_added *added;
    uint64_t before = 0, until = 0, more = 0;

    TRY(added_get(s, x, &added, err));
    if (to > from) {
        TRY(minutes_before(&s->files[0].src, &x->data, from, &before, err));
        TRY(minutes_before(&s->files[0].src, &x->data, to, &until, err));
        more = added ? added_before(added, to) - added_before(added, from) : 0;
    }
    if (until < before || more > UINT64_MAX - (until - before))
        return err_set(err, ST_DAMAGED, "the running totals of minutes are not possible");
    *count = until - before + more;
    return ST_OK;
}

enum status segment_minutes_each(struct segment *s, struct segment_scratch *x,
                                 enum status (*visit)(void *ctx, uint32_t minute, uint64_t messages,
                                                      struct err *err),
                                 void *ctx, struct err *err)
{
    const struct minutes_added *added;

    TRY(added_get(s, x, &added, err));
    TRY(minutes_each(&s->files[0].src, &x->data, visit, ctx, err));
    for (size_t i = 0; added && i < added->n; i++)
        TRY(visit(ctx, added->all[i].minute, added->all[i].messages, err));
    return ST_OK;
}
