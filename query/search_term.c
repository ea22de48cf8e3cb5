/* search_term — the newest messages of a single term, by the bounds of its blocks of 128 documents:
 * those whose newest message is the newest of all are decoded, and no others. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/search_private.h"

#define LIMIT_MAX 1024     /* hits; for more it is as well to go through all */
#define MINUTES_READ 4096u /* bounds at a time */
#define MINUTE_MS INT64_C(60000)

bool search_term_fits(const struct segment_search *x)
{
    const struct plan_node *root = x->plan.root;
    const struct search_options *o = x->s->o;
    return root->kind == PLAN_MATCH && root->match->kind == WALK_POSTING &&
           o->want == SEARCH_HITS && !o->visit && !o->after && o->sort == SORT_NEWEST &&
           o->limit > 0 && o->limit <= LIMIT_MAX &&
           posting_iter_blocks(root->match->posting) > 2 * o->limit;
}

/* A block and the bound of its times. */
struct bound {
    uint32_t minute, block;
};

struct newest {
    struct segment_search *x;
    struct posting_iter *it;
    struct ground *ground;
    struct bound *best; /* a heap, the oldest first */
    size_t n, most;
    struct buf done; /* struct bound: the blocks taken, by number */
};

static int by_block(const void *a, const void *b)
{
    uint32_t x = ((const struct bound *)a)->block, y = ((const struct bound *)b)->block;
    return (x > y) - (x < y);
}

/* ---- the best blocks not taken yet ---- */

static void sift_down(struct bound *heap, size_t n)
{
    struct bound moved = heap[0];
    size_t i = 0;
    for (size_t kid; (kid = 2 * i + 1) < n; i = kid) {
        if (kid + 1 < n && heap[kid + 1].minute < heap[kid].minute)
            kid++;
        if (moved.minute <= heap[kid].minute)
            break;
        heap[i] = heap[kid];
    }
    heap[i] = moved;
}

static void best_add(struct newest *s, struct bound b)
{
    if (s->n == s->most) {
        if (b.minute <= s->best[0].minute)
            return;
        s->best[0] = b;
        sift_down(s->best, s->n);
        return;
    }
    size_t i = s->n++;
    for (; i > 0 && s->best[(i - 1) / 2].minute > b.minute; i = (i - 1) / 2)
        s->best[i] = s->best[(i - 1) / 2];
    s->best[i] = b;
}

/* What a block must reach to be looked at: more than that is known to be older than all hits. */
static bool reaches(const struct newest *s, uint32_t minute)
{
    int64_t latest = minute == UINT32_MAX ? INT64_MAX : minute * MINUTE_MS - 1;
    return search_times_wanted(s->x->s, INT64_MIN, minute ? latest : INT64_MIN);
}

static enum status best_find(struct newest *s, struct err *err)
{
    const struct bound *done = (const struct bound *)(const void *)s->done.data;
    size_t n_done = s->done.len / sizeof *done, at = 0;
    uint32_t minutes[MINUTES_READ], blocks = posting_iter_blocks(s->it);
    s->n = 0;
    for (uint32_t first = 0, n; first < blocks; first += n) {
        n = blocks - first < MINUTES_READ ? blocks - first : MINUTES_READ;
        TRY(posting_iter_minutes(s->it, first, n, minutes, err));
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        for (uint32_t i = 0; i < n; i++) {
            if (s->n == s->most && minutes[i] <= s->best[0].minute)
                continue;
            while (at < n_done && done[at].block < first + i)
                at++;
            if ((at == n_done || done[at].block != first + i) && reaches(s, minutes[i]))
                best_add(s, (struct bound){minutes[i], first + i});
        }
    }
    return ST_OK;
}

/* ---- their documents ---- */

static enum status is_hidden(struct newest *s, const struct doc_window *w, uint32_t doc, bool *yes,
                             struct err *err)
{
    struct doc_bits hidden = {0};
    if (s->x->plan.hidden)
        TRY(ground_hidden(s->ground, w, &hidden, err));
    *yes = bits_have(&hidden, doc - w->first);
    return ST_OK;
}

/* The block's newest message is in a column whose bound is as late: `fresh` takes those of such
 * columns, else the others are taken, now that the worst hit is known. */
static enum status take_doc(struct newest *s, uint32_t doc, uint32_t minute, bool fresh,
                            struct err *err)
{
    struct segment_search *x = s->x;
    struct doc_window w = window_at(doc / WINDOW_DOCS * WINDOW_DOCS, x->plan.set.docs);
    const int64_t *earliest, *latest;
    bool hidden;
    TRY(ground_times(s->ground, &w, &earliest, &latest, err));
    int64_t bound = latest[(doc - w.first) / COLUMN_DOCS];
    if ((bound >= (minute - INT64_C(1)) * MINUTE_MS) != fresh ||
        !search_times_wanted(x->s, INT64_MIN, bound))
        return ST_OK;
    TRY(is_hidden(s, &w, doc, &hidden, err));
    return hidden ? ST_OK : search_add_hits(x, doc, 1, search_repeats_of(&x->repeats, doc), err);
}

static enum status take_blocks(struct newest *s, bool fresh, struct err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        const uint32_t *docs;
        uint32_t n;
        if (!reaches(s, s->best[i].minute))
            continue;
        TRY(posting_iter_block(s->it, s->best[i].block, &docs, &n, err));
        for (uint32_t k = 0; k < n; k++)
            TRY(take_doc(s, docs[k], s->best[i].minute, fresh, err));
    }
    return search_cut(s->x->s, err);
}

/* As many blocks as hits are wanted have hits enough, unless some are hidden: then more. */
static enum status add_newest(struct newest *s, struct err *err)
{
    for (;;) {
        TRY(best_find(s, err));
        if (s->n == 0)
            return ST_OK;
        TRY(take_blocks(s, true, err));
        TRY(take_blocks(s, false, err));
        buf_put(&s->done, s->best, s->n * sizeof *s->best);
        TRY(buf_status(&s->done, err));
        qsort(s->done.data, s->done.len / sizeof *s->best, sizeof *s->best, by_block);
    }
}

enum status search_term_run(struct segment_search *x, struct err *err)
{
    struct newest s = {.x = x, .it = x->plan.root->match->posting, .most = (size_t)x->s->o->limit};
    x->s->skipped = true;
    TRY(ground_of(x->s->v, x->plan.segment, &s.ground, err));
    s.best = malloc(s.most * sizeof *s.best);
    enum status st = s.best ? add_newest(&s, err) : err_no_memory(err);
    free(s.best);
    buf_release(&s.done);
    return st;
}
