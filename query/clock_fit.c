/* clock_fit — from delays to clocks, in two ways of which the better one is taken.
 * Stamps by the service: all that a device saw delivered makes one series, whose level is its
 * clock. Stamps by the senders: each ordered pair of devices makes a series; a jump shows in all
 * series of the device that jumped, so every step votes for both, and the device with more votes
 * has it. What the pieces then are is for clock_graph.c. */
#include <stdlib.h>

#include "query/clocks.h"

/* By how much stamps of the senders must be worse before stamps of the service are believed. */
#define CHOICE_ROOM_MS 150
#define VOTES_MOST 1024 /* of the steps of all series: looking for jumps costs their square */

struct series { /* seen[from, to) */
    uint32_t by, at;
    size_t from, to;
};

struct vote { /* a step of a series may be a jump of either of its devices */
    uint32_t device;
    int64_t lo, hi, step; /* step: how much further ahead it is from then on */
    size_t twin;
    bool gone;
};

struct fit {
    struct clock_seen *seen;
    size_t n;
    size_t devices;
    struct clock_point *points; /* n */
    int64_t *scratch;           /* n */
    struct clock_run *runs;     /* n / 10 + 1 */
    struct vote *votes;
    size_t n_votes;
};

static int64_t middle(int64_t a, int64_t b) { return a + (b - a) / 2; }
static int64_t size_of(int64_t x) { return x < 0 ? -x : x; }

/* ---- series ---- */

static int by_pair(const void *a, const void *b)
{
    const struct clock_seen *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->by != y->by)
        return x->by < y->by ? -1 : 1;
    if (x->sent != y->sent)
        return x->sent < y->sent ? -1 : 1;
    return (x->delivered > y->delivered) - (x->delivered < y->delivered);
}

static int by_sent(const void *a, const void *b)
{
    const struct clock_point *x = a, *y = b;
    if (x->sent != y->sent)
        return x->sent < y->sent ? -1 : 1;
    return (x->late > y->late) - (x->late < y->late);
}

static void points_of(struct fit *f, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        f->points[i - from] =
            (struct clock_point){f->seen[i].sent, f->seen[i].delivered - f->seen[i].sent};
}

/* The series from seen[from] on. */
static struct series series_at(const struct fit *f, size_t from)
{
    struct series s = {.by = f->seen[from].by, .at = f->seen[from].at, .from = from, .to = from};
    while (s.to < f->n && f->seen[s.to].by == s.by && f->seen[s.to].at == s.at)
        s.to++;
    return s;
}

static size_t device_end(const struct fit *f, size_t from)
{
    size_t to = from;
    while (to < f->n && f->seen[to].at == f->seen[from].at)
        to++;
    return to;
}

/* ---- pieces ---- */

static enum status one_piece_each(struct clocks *c, size_t devices, struct err *err)
{
    c->all = arena_array(&c->a, devices + 1, sizeof *c->all);
    if (!c->all)
        return err_no_memory(err);
    c->n = devices;
    for (size_t i = 0; i < devices; i++) {
        c->all[i].pieces = arena_array(&c->a, CLOCK_PIECES_MOST, sizeof *c->all[i].pieces);
        if (!c->all[i].pieces)
            return err_no_memory(err);
        c->all[i].pieces[0].from = INT64_MIN;
        c->all[i].n = 1;
    }
    return ST_OK;
}

size_t clock_piece_at(const struct device_clock *c, int64_t ms)
{
    size_t i = c->n - 1;
    while (i > 0 && c->pieces[i].from > ms)
        i--;
    return i;
}

/* ---- stamps by the service ---- */

static void service_device(struct fit *f, struct device_clock *c, size_t from, size_t to)
{
    size_t n = to - from;
    points_of(f, from, to);
    qsort(f->points, n, sizeof *f->points, by_sent);
    c->n = clock_runs(f->points, n, f->scratch, f->runs);
    for (size_t i = 0; i < c->n; i++) {
        const struct clock_run *r = &f->runs[i];
        int64_t begin = i ? middle(r->seen_lo, r->seen_hi) + (r->seen_lo < r->seen_hi) : INT64_MIN;
        if (i > 0 && begin <= c->pieces[i - 1].from)
            begin = c->pieces[i - 1].from + 1; /* put back over a piece: that had no time alone */
        c->pieces[i] = (struct clock_piece){.from = begin,
                                            .ahead_ms = r->level,
                                            .messages = r->to - r->from,
                                            .known = r->to - r->from >= CLOCK_LEAST};
    }
}

static void service_fit(struct fit *f, struct clocks *c)
{
    for (size_t from = 0, to; from < f->n; from = to) {
        to = device_end(f, from);
        service_device(f, &c->all[f->seen[from].at], from, to);
    }
}

/* How badly levels of single pairs agree with it; -1: nothing to compare. */
static int64_t service_cost(struct fit *f, const struct clocks *c)
{
    int64_t sum = 0, n = 0;
    for (size_t from = 0, to; from < f->n; from = to) {
        struct series s = series_at(f, from);
        const struct device_clock *at = &c->all[s.at];
        to = s.to;
        for (size_t i = s.from, end; i < s.to; i = end) {
            size_t piece = clock_piece_at(at, f->seen[i].delivered), k = 0;
            for (end = i; end < s.to && clock_piece_at(at, f->seen[end].delivered) == piece; end++)
                f->scratch[k++] = f->seen[end].delivered - f->seen[end].sent;
            if (k < CLOCK_LEAST)
                continue;
            int64_t off = size_of(clock_level(f->scratch, k) - at->pieces[piece].ahead_ms);
            sum += off < CLOCK_COST_MOST_MS ? off : CLOCK_COST_MOST_MS;
            n++;
        }
    }
    return n ? sum / n : -1;
}

/* ---- stamps by the senders: who jumped, and when ---- */

static void vote(struct fit *f, const struct series *s, const struct clock_run *before,
                 const struct clock_run *r)
{
    int64_t step = r->level - before->level;
    struct vote *v = &f->votes[f->n_votes];
    if (f->n_votes + 2 > VOTES_MOST)
        return;
    v[0] = (struct vote){s->at, r->seen_lo, r->seen_hi, step, f->n_votes + 1, false};
    v[1] = (struct vote){s->by, r->cut_lo, r->cut_hi, -step, f->n_votes, false};
    f->n_votes += 2;
}

static void votes_take(struct fit *f)
{
    for (size_t from = 0; from < f->n;) {
        struct series s = series_at(f, from);
        size_t n = s.to - s.from, runs = 1;
        from = s.to;
        if (s.by == s.at || n < CLOCK_RUN_LEAST + CLOCK_LEAST)
            continue;
        points_of(f, s.from, s.to);
        runs = clock_runs(f->points, n, f->scratch, f->runs);
        for (size_t i = 1; i < runs; i++)
            vote(f, &s, &f->runs[i - 1], &f->runs[i]);
    }
}

/* Do two steps of one device look like one jump? */
static bool agrees(const struct vote *a, const struct vote *b)
{
    int64_t room = size_of(a->step) / 4;
    room = room < CLOCK_JUMP_LEAST_MS ? CLOCK_JUMP_LEAST_MS : room;
    return !b->gone && a->device == b->device && a->lo <= b->hi && b->lo <= a->hi &&
           size_of(a->step - b->step) <= room;
}

/* The vote with most that agree, itself included; of equal ones the earliest. 0: none is left. */
static size_t votes_best(const struct fit *f, size_t *best)
{
    size_t most = 0;
    for (size_t i = 0; i < f->n_votes; i++) {
        size_t n = 0;
        for (size_t k = 0; !f->votes[i].gone && k < f->n_votes; k++)
            n += agrees(&f->votes[i], &f->votes[k]);
        if (n > most) {
            most = n;
            *best = i;
        }
    }
    return most;
}

static void cut_put(struct device_clock *c, int64_t from)
{
    size_t at = c->n;
    for (size_t i = 0; i < c->n; i++)
        if (c->pieces[i].from == from || c->n == CLOCK_PIECES_MOST)
            return;
    for (; at > 0 && c->pieces[at - 1].from > from; at--)
        c->pieces[at] = c->pieces[at - 1];
    c->pieces[at] = (struct clock_piece){.from = from};
    c->n++;
}

static void jumps_find(struct fit *f, struct clocks *c)
{
    size_t best = 0;
    votes_take(f);
    while (votes_best(f, &best) > 0) {
        struct vote anchor = f->votes[best];
        int64_t lo = anchor.lo, hi = anchor.hi;
        for (size_t i = 0; i < f->n_votes; i++) {
            struct vote *v = &f->votes[i];
            if (!agrees(&anchor, v))
                continue;
            if (v->lo < hi && v->hi > lo) { /* as narrow as those that agree allow */
                lo = v->lo > lo ? v->lo : lo;
                hi = v->hi < hi ? v->hi : hi;
            }
            v->gone = f->votes[v->twin].gone = true;
        }
        cut_put(&c->all[anchor.device], lo == hi ? hi : middle(lo, hi) + 1);
    }
}

/* ---- the choice ---- */

static enum status fit_room(struct fit *f, struct err *err)
{
    f->points = calloc(f->n + 1, sizeof *f->points);
    f->scratch = calloc(f->n + 1, sizeof *f->scratch);
    f->runs = calloc(f->n / 10 + 1, sizeof *f->runs);
    f->votes = calloc(VOTES_MOST + 2, sizeof *f->votes);
    return f->points && f->scratch && f->runs && f->votes ? ST_OK : err_no_memory(err);
}

static enum status fit_both(struct fit *f, struct clocks *service, struct clocks *senders,
                            bool *by_service, struct err *err)
{
    int64_t own, theirs;
    TRY(one_piece_each(service, f->devices, err));
    TRY(one_piece_each(senders, f->devices, err));
    service_fit(f, service);
    theirs = service_cost(f, service);
    jumps_find(f, senders);
    TRY(clock_graph_fit(f->seen, f->n, senders, &own, err));
    /* A stamp is the sender's unless the delays clearly say otherwise. */
    *by_service = theirs >= 0 && own > 2 * theirs + CHOICE_ROOM_MS;
    return ST_OK;
}

static void extremes(struct clocks *c)
{
    for (size_t i = 0; i < c->n && c->stamps == STAMPS_SENDER; i++)
        for (size_t k = 0; k < c->all[i].n; k++) {
            int64_t ahead = c->all[i].pieces[k].ahead_ms;
            if (!c->all[i].pieces[k].known)
                continue;
            c->most_ahead = ahead > c->most_ahead ? ahead : c->most_ahead;
            c->most_behind = -ahead > c->most_behind ? -ahead : c->most_behind;
        }
}

/* Two cuts for one jump leave a piece between that is like its neighbour. */
static void pieces_join(struct device_clock *c)
{
    size_t kept = 1;
    for (size_t i = 1; i < c->n; i++) {
        struct clock_piece *last = &c->pieces[kept - 1], *p = &c->pieces[i];
        bool alike =
            last->known && p->known && size_of(last->ahead_ms - p->ahead_ms) < CLOCK_JUMP_LEAST_MS;
        if (!alike) {
            c->pieces[kept++] = *p;
            continue;
        }
        double share = (double)p->messages / (double)(last->messages + p->messages);
        last->ahead_ms += (int64_t)((double)(p->ahead_ms - last->ahead_ms) * share);
        last->messages += p->messages;
    }
    c->n = kept;
}

static void device_totals(struct fit *f, struct clocks *c)
{
    for (size_t i = 0; i < c->n; i++) {
        c->all[i].grain = 60000;
        pieces_join(&c->all[i]);
        for (size_t k = 0; k < c->all[i].n; k++)
            c->all[i].messages += c->all[i].pieces[k].messages;
    }
    for (size_t i = 0; i < f->n; i++) {
        struct device_clock *by = &c->all[f->seen[i].by];
        while (f->seen[i].sent % by->grain != 0)
            by->grain = by->grain == 60000 ? 1000 : 1;
    }
}

enum status clocks_fit(struct clock_seen *seen, size_t n, size_t devices, struct clocks *out,
                       struct err *err)
{
    struct fit f = {.seen = seen, .n = n, .devices = devices};
    struct clocks service = {.stamps = STAMPS_SERVICE}, senders = {.stamps = STAMPS_SENDER};
    bool by_service = false;
    arena_init(&service.a, 0);
    arena_init(&senders.a, 0);
    if (n > 1)
        qsort(seen, n, sizeof *seen, by_pair);
    enum status st = fit_room(&f, err);
    if (st == ST_OK)
        st = fit_both(&f, &service, &senders, &by_service, err);
    *out = by_service ? service : senders;
    arena_release(by_service ? &senders.a : &service.a);
    if (st == ST_OK) {
        device_totals(&f, out);
        extremes(out);
    } else {
        clocks_release(out);
    }
    free(f.points);
    free(f.scratch);
    free(f.runs);
    free(f.votes);
    return st;
}

void clocks_release(struct clocks *c)
{
    arena_release(&c->a);
    *c = (struct clocks){0};
}
