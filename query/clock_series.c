/* clock_series — delays of one sort as a series in time, cut where their lower edge steps. Blocks
 * of ten (more in a long series) are joined as long as their edges are alike; what is then too
 * short to be a piece of its own is an outlier and goes to its neighbour without moving its level.
 */
#include <stdlib.h>

#include "query/clocks.h"

#define BLOCK 10         /* points, at least */
#define BLOCKS_MOST 2000 /* joining costs their square */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One in twenty may be an outlier. From there the spacing of the values tells how far the edge
 * still is: with it twenty messages with delays of 0.2 to 4 s are right to 0.3 s. */
int64_t clock_level(int64_t *late, size_t n)
{
    size_t first = n / 20, step = n / 5 < 4 ? 4 : n / 5 > 32 ? 32 : n / 5;
    if (n > 1)
        qsort(late, n, sizeof *late, by_value);
    if (first + step >= n)
        return late[first];
    int64_t to_edge = (late[first + step] - late[first]) / (int64_t)step * (int64_t)(first + 1);
    return late[first] - (to_edge < 1000 ? to_edge : 1000);
}

/* The edge for comparing: robust, but not drawn out. */
static int64_t edge_of(const struct clock_point *p, size_t from, size_t to, int64_t *scratch)
{
    size_t n = to - from, at = n / 20 < 1 ? 1 : n / 20;
    for (size_t i = 0; i < n; i++)
        scratch[i] = p[from + i].late;
    if (n > 1)
        qsort(scratch, n, sizeof *scratch, by_value);
    return scratch[at < n ? at : n - 1];
}

static int64_t apart(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

static void drop(struct clock_run *runs, size_t *n, size_t at)
{
    for (size_t i = at; i + 1 < *n; i++)
        runs[i] = runs[i + 1];
    --*n;
}

/* Joins the two neighbours that are most alike; false if none are. */
static bool join_alike(struct clock_run *runs, size_t *n)
{
    size_t best = SIZE_MAX;
    int64_t least = CLOCK_JUMP_LEAST_MS;
    for (size_t i = 0; i + 1 < *n; i++)
        if (apart(runs[i].level, runs[i + 1].level) < least) {
            least = apart(runs[i].level, runs[i + 1].level);
            best = i;
        }
    if (best == SIZE_MAX)
        return false;
    struct clock_run *r = &runs[best], *next = &runs[best + 1];
    int64_t n_r = (int64_t)(r->to - r->from), n_next = (int64_t)(next->to - next->from);
    r->level += (next->level - r->level) * n_next / (n_r + n_next);
    r->to = next->to;
    drop(runs, n, best + 1);
    return true;
}

/* A phone that was off gets all at once: arrivals bunched although they were sent over a time. */
static bool bunched(const struct clock_point *p, const struct clock_run *r)
{
    int64_t sent = p[r->to - 1].sent - p[r->from].sent, first = INT64_MAX, last = INT64_MIN;
    for (size_t i = r->from; i < r->to; i++) {
        int64_t delivered = p[i].sent + p[i].late;
        first = delivered < first ? delivered : first;
        last = delivered > last ? delivered : last;
    }
    return last - first < sent / 2;
}

static bool is_weak(const struct clock_point *p, const struct clock_run *runs, size_t n, size_t i)
{
    bool above = (i == 0 || runs[i].level > runs[i - 1].level) &&
                 (i + 1 == n || runs[i].level > runs[i + 1].level);
    return runs[i].to - runs[i].from < CLOCK_RUN_LEAST || (above && bunched(p, &runs[i]));
}

/* Gives the shortest weak run to the neighbour that is nearer, whose level stays; false if there is
 * none. */
static bool absorb_weak(const struct clock_point *p, struct clock_run *runs, size_t *n)
{
    size_t weak = SIZE_MAX;
    for (size_t i = 0; i<*n && * n> 1; i++) {
        bool shorter =
            weak == SIZE_MAX || runs[i].to - runs[i].from < runs[weak].to - runs[weak].from;
        if (shorter && is_weak(p, runs, *n, i))
            weak = i;
    }
    if (weak == SIZE_MAX)
        return false;
    bool back = weak + 1 == *n || (weak > 0 && apart(runs[weak].level, runs[weak - 1].level) <
                                                   apart(runs[weak].level, runs[weak + 1].level));
    if (back)
        runs[weak - 1].to = runs[weak].to;
    else
        runs[weak + 1].from = runs[weak].from;
    drop(runs, n, weak);
    return true;
}

/* Blocks cut where they happened to end; the step itself lies where points change sides of the
 * middle between the levels. */
static void place_cut(const struct clock_point *p, size_t block, struct clock_run *before,
                      struct clock_run *r)
{
    int64_t middle = before->level + (r->level - before->level) / 2;
    size_t lo = r->from - before->from > block ? r->from - block : before->from + 1;
    size_t hi = r->to - r->from > block ? r->from + block : r->to - 1, cut;
    if (r->level > before->level) {
        for (cut = hi; cut > lo && p[cut - 1].late >= middle; cut--)
            ;
    } else {
        for (cut = lo; cut < hi && p[cut].late >= middle; cut++)
            ;
    }
    before->to = r->from = cut;
    r->cut_lo = p[cut - 1].sent;
    r->cut_hi = p[cut].sent;
}

/* Outliers that a neighbour took in lie far below its level. */
static void set_level(const struct clock_point *p, struct clock_run *r, int64_t *scratch)
{
    size_t n = 0;
    for (size_t i = r->from; i < r->to; i++)
        if (p[i].late >= r->level - CLOCK_JUMP_LEAST_MS / 2)
            scratch[n++] = p[i].late;
    if (n > 0)
        r->level = clock_level(scratch, n);
}

size_t clock_runs(const struct clock_point *p, size_t n, int64_t *scratch, struct clock_run *runs)
{
    size_t block = n / BLOCKS_MOST > BLOCK ? n / BLOCKS_MOST : BLOCK;
    size_t blocks = n / block ? n / block : 1, left = blocks;
    for (size_t i = 0; i < blocks; i++) {
        size_t to = i + 1 == blocks ? n : (i + 1) * block;
        runs[i] = (struct clock_run){.from = i * block, .to = to};
        runs[i].level = edge_of(p, runs[i].from, to, scratch);
    }
    do {
        while (join_alike(runs, &left))
            ;
    } while (absorb_weak(p, runs, &left));
    if (left > CLOCK_PIECES_MOST) {
        runs[0] = (struct clock_run){.from = 0, .to = n, .level = edge_of(p, 0, n, scratch)};
        left = 1;
    }
    for (size_t i = 1; i < left; i++)
        place_cut(p, block, &runs[i - 1], &runs[i]);
    for (size_t i = 0; i < left; i++)
        set_level(p, &runs[i], scratch);
    for (size_t i = 1; i < left; i++) {
        int64_t lo = runs[i].cut_lo + runs[i - 1].level, hi = runs[i].cut_hi + runs[i].level;
        runs[i].seen_lo = lo < hi ? lo : hi;
        runs[i].seen_hi = lo < hi ? hi : lo;
    }
    return left;
}
