/* search_pages — any number of hits in bounded memory: one search a page, each going on behind the
 * last hit of the one before. Why not one pass that sorts on disk: nothing readable of a case may
 * lie on disk. Why not a merge of segments: documents stand by conversation, not by time. A page
 * passes over blocks of other times, so that all pages together cost little more than one search
 * for each SEARCH_PAGE_MAX hits at the worst. */
#include <stdlib.h>

#include "query/plan.h"
#include "query/search.h"

#define GROWTH 16

void search_pages_begin(struct search_pages *p, struct view *v, const struct query *q,
                        const struct search_options *o, uint64_t first, bool totals_first)
{
    *p = (struct search_pages){.v = v, .q = q, .o = *o, .left = o->limit, .size = first};
    p->o.want = totals_first ? SEARCH_WHOLE : SEARCH_HITS;
    if (o->after) {
        p->after = *o->after;
        p->o.after = &p->after;
    }
    p->more = o->limit > 0;
}

static void take_sums(struct search_pages *p, const struct search_result *r)
{
    p->sums = *r;
    p->sums.hits = NULL;
    p->sums.n_hits = 0;
}

static enum status look_up(struct search_pages *p, struct err *err)
{
    if (p->ids)
        return ST_OK;
    struct plan_ids *ids = calloc(1, sizeof *ids);
    if (!ids)
        return err_no_memory(err);
    enum status st = plan_ids_find(p->v, p->q, ids, err);
    if (st != ST_OK) {
        free(ids);
        return st;
    }
    p->o.ids = p->ids = ids;
    return ST_OK;
}

enum status search_pages_next(struct search_pages *p, const struct message_ref **hits, size_t *n,
                              struct err *err)
{
    struct search_result r;
    *n = 0;
    search_result_release(&p->page);
    if (!p->more || p->left == 0)
        return ST_OK;
    TRY(look_up(p, err));
    uint64_t ask = p->size < SEARCH_PAGE_MAX ? p->size : SEARCH_PAGE_MAX;
    if (ask > p->left)
        ask = p->left;
    struct search_options o = p->o;
    o.limit = ask + 1; /* the one too many says that there are more */
    TRY(search_run(p->v, p->q, &o, &r, err));
    if (o.want == SEARCH_WHOLE || (r.whole && !p->sums.whole))
        take_sums(p, &r);
    p->page = r;
    p->o.want = SEARCH_HITS;
    p->more = r.n_hits > ask;
    *hits = r.hits;
    *n = p->more ? (size_t)ask : r.n_hits;
    p->left -= *n;
    p->size = ask * GROWTH;
    if (*n > 0) {
        p->last = p->after = r.hits[*n - 1];
        p->o.after = &p->after;
    }
    return ST_OK;
}

enum status search_pages_sum(struct search_pages *p, struct err *err)
{
    struct search_result r;
    if (p->sums.whole)
        return ST_OK;
    TRY(look_up(p, err));
    struct search_options o = p->o;
    o.want = SEARCH_TOTALS;
    TRY(search_run(p->v, p->q, &o, &r, err));
    take_sums(p, &r);
    search_result_release(&r);
    return ST_OK;
}

void search_pages_release(struct search_pages *p)
{
    search_result_release(&p->page);
    if (p->ids)
        plan_ids_release(p->ids);
    free(p->ids);
    p->ids = NULL;
}
