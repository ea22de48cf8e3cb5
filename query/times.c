/* times — when each document was sent, and of what kind it is. */
#include "query/times.h"

#include <stdlib.h>

#include "lictor/thread.h"

#define STOP_EVERY 65536
#define BEYOND UINT32_MAX

enum status case_times_exact(struct case_times *t, uint32_t segment, uint32_t doc, int64_t *ms,
                             struct err *err)
{
    TRY(segment_sent(casefile_segment(t->v->cf, segment), t->v->scratch[segment], doc, ms, err));
    if (time_untimed(*ms))
        *ms = TIME_NONE;
    return ST_OK;
}

enum status case_times_second(struct case_times *t, uint32_t segment, uint32_t doc, int64_t *ms,
                              struct err *err)
{
    const uint32_t *all = t->seconds[segment];
    if (!all || all[doc] == BEYOND)
        return case_times_exact(t, segment, doc, ms, err);
    /* A second begins at or before the time itself; the first one of all begins at no time. */
    *ms = all[doc] == 0 ? TIME_NONE : all[doc] == 1 ? 1 : (int64_t)(all[doc] - 1) * 1000;
    return ST_OK;
}

static enum status seconds_load(struct case_times *t, uint32_t segment, struct err *err)
{
    uint32_t docs = segment_info(casefile_segment(t->v->cf, segment))->docs;
    uint32_t *all = malloc((docs + (size_t)1) * sizeof *all);
    t->seconds[segment] = all;
    if (!all)
        return err_no_memory(err);
    for (uint32_t doc = 0; doc < docs; doc++) {
        int64_t ms;
        TRY(case_times_exact(t, segment, doc, &ms, err));
        all[doc] = ms == TIME_NONE          ? 0
                   : ms / 1000 + 1 < BEYOND ? (uint32_t)(ms / 1000 + 1)
                                            : BEYOND;
        if (doc % STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

static enum status mark(struct segment *s, uint64_t handle, uint8_t *bits, uint8_t *more,
                        struct err *err)
{
    uint32_t docs = segment_info(s)->docs, doc = 0;
    struct posting_iter *it;
    enum status st;
    TRY(posting_iter_open(s, handle, &it, err));
    while ((st = posting_iter_seek(it, doc, &doc, err)) == ST_OK && doc < docs) {
        bits[doc / 8] = (uint8_t)(bits[doc / 8] | 1u << doc % 8);
        if (more)
            more[doc / 8] = (uint8_t)(more[doc / 8] | 1u << doc % 8);
        doc++;
    }
    posting_iter_close(it);
    return st;
}

static enum status kinds_load(struct case_times *t, uint32_t segment, struct err *err)
{
    static const uint8_t kind = TERM_KIND;
    struct segment *s = casefile_segment(t->v->cf, segment);
    size_t bytes = segment_info(s)->docs / 8 + (size_t)1;
    struct term_entry e;
    struct term_iter *it;
    enum status st;
    t->other[segment] = calloc(bytes, 1);
    t->keepalive[segment] = calloc(bytes, 1);
    if (!t->other[segment] || !t->keepalive[segment])
        return err_no_memory(err);
    TRY(term_iter_open(s, slice_of(&kind, 1), &it, err));
    while ((st = term_iter_next(it, &e, err)) == ST_OK && e.term.data[0] == TERM_KIND) {
        struct slice name = slice_of(e.term.data + 1, e.term.len - 1);
        bool alive = slice_eq_str(name, doc_kind_name(DOC_KEEPALIVE));
        st = mark(s, e.handle, t->other[segment], alive ? t->keepalive[segment] : NULL, err);
        if (st != ST_OK)
            break;
    }
    term_iter_close(it);
    return st == ST_END ? ST_OK : st;
}

enum status case_times_load(struct view *v, struct case_times *out, struct err *err)
{
    struct case_times t = {.v = v};
    uint32_t n = (uint32_t)casefile_segments(v->cf);
    uint64_t docs = 0;
    t.seconds = calloc(n + (size_t)1, sizeof *t.seconds);
    t.other = calloc(n + (size_t)1, sizeof *t.other);
    t.keepalive = calloc(n + (size_t)1, sizeof *t.keepalive);
    enum status st = t.seconds && t.other && t.keepalive ? ST_OK : err_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        docs += segment_info(casefile_segment(v->cf, i))->docs;
    for (uint32_t i = 0; st == ST_OK && i < n; i++) {
        st = kinds_load(&t, i, err);
        if (st == ST_OK && docs <= TIMES_DOCS_MAX)
            st = seconds_load(&t, i, err);
    }
    if (st == ST_OK)
        *out = t;
    else
        case_times_release(&t);
    return st;
}

void case_times_release(struct case_times *t)
{
    for (size_t i = 0; t->v && i < casefile_segments(t->v->cf); i++) {
        if (t->seconds)
            free(t->seconds[i]);
        if (t->other)
            free(t->other[i]);
        if (t->keepalive)
            free(t->keepalive[i]);
    }
    free(t->seconds);
    free(t->other);
    free(t->keepalive);
    *t = (struct case_times){0};
}
