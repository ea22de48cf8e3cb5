/* timeline — counts into bins. Messages come in the order of conversations, so times jump, and
 * asking ICU for each of a hundred million would take minutes: most hours lie in one bin whole, and
 * which one that was is remembered. */
#include "query/timeline.h"

#include <stdlib.h>

#include "lictor/thread.h"

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)
#define STOP_EVERY 65536

struct timeline_hour {
    int64_t hour; /* since 1970; -1: none */
    size_t bin;
};

enum status timeline_init(struct timeline *t, struct zone *zone, enum timeline_by by, size_t hours,
                          struct err *err)
{
    *t = (struct timeline){.zone = zone, .by = by, .n_hours = hours, .n_slots = 64};
    t->slots = calloc(t->n_slots, sizeof *t->slots);
    t->hours = calloc(t->n_hours, sizeof *t->hours);
    if (!t->slots || !t->hours) {
        timeline_release(t);
        return err_no_memory(err);
    }
    for (size_t i = 0; i < t->n_hours; i++)
        t->hours[i].hour = -1;
    return ST_OK;
}

void timeline_release(struct timeline *t)
{
    free(t->bins);
    free(t->slots);
    free(t->hours);
    *t = (struct timeline){0};
}

/* ---- bins by their beginning ---- */

/* Times are chosen by whoever sends: a multiplication spreads those that follow a pattern. */
static size_t slot_of(const struct timeline *t, int64_t from)
{
    uint64_t h = (uint64_t)from * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(h >> 32) & (t->n_slots - 1);
}

static void slots_put(struct timeline *t, size_t bin)
{
    size_t at = slot_of(t, t->bins[bin].from);
    while (t->slots[at])
        at = (at + 1) & (t->n_slots - 1);
    t->slots[at] = (uint32_t)bin + 1;
}

static enum status slots_grow(struct timeline *t, struct err *err)
{
    uint32_t *slots = calloc(2 * t->n_slots, sizeof *slots);
    if (!slots)
        return err_no_memory(err);
    free(t->slots);
    t->slots = slots;
    t->n_slots *= 2;
    for (size_t i = 0; i < t->n; i++)
        slots_put(t, i);
    return ST_OK;
}

static enum status bin_new(struct timeline *t, const struct timeline_bin *bin, struct err *err)
{
    if (t->n == TIMELINE_BINS_MAX)
        return err_set(err, ST_USAGE,
                       "more than %u %ss have messages: count by something longer (--by), or "
                       "narrow the query with after: and before:",
                       TIMELINE_BINS_MAX, timeline_by_name(t->by));
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 256;
        struct timeline_bin *bins = reallocarray(t->bins, cap, sizeof *bins);
        if (!bins)
            return err_no_memory(err);
        t->bins = bins;
        t->cap = cap;
    }
    if (2 * (t->n + 1) > t->n_slots)
        TRY(slots_grow(t, err));
    t->bins[t->n] = *bin;
    slots_put(t, t->n++);
    return ST_OK;
}

static enum status bin_get(struct timeline *t, const struct timeline_bin *bin, size_t *out,
                           struct err *err)
{
    for (size_t at = slot_of(t, bin->from); t->slots[at]; at = (at + 1) & (t->n_slots - 1))
        if (t->bins[t->slots[at] - 1].from == bin->from) {
            *out = t->slots[at] - 1;
            return ST_OK;
        }
    TRY(bin_new(t, bin, err));
    *out = t->n - 1;
    return ST_OK;
}

/* ---- adding ---- */

static enum status bin_at(struct timeline *t, int64_t ms, size_t *out, struct err *err)
{
    struct timeline_hour *kept = &t->hours[(uint64_t)(ms / HOUR_MS) % t->n_hours];
    struct timeline_bin bin;
    if (kept->hour == ms / HOUR_MS) {
        *out = kept->bin;
        return ST_OK;
    }
    timeline_bin_of(t->zone, t->by, ms, &bin);
    TRY(bin_get(t, &bin, out, err));
    int64_t hour = ms / HOUR_MS;
    if (bin.from <= hour * HOUR_MS && bin.to >= (hour + 1) * HOUR_MS)
        *kept = (struct timeline_hour){hour, *out};
    return ST_OK;
}

enum status timeline_add(struct timeline *t, int64_t sent, uint64_t messages, struct err *err)
{
    size_t bin;
    if (time_untimed(sent)) {
        t->untimed += messages;
        return ST_OK;
    }
    TRY(bin_at(t, sent, &bin, err));
    t->bins[bin].count += messages;
    t->timed += messages;
    return ST_OK;
}

struct minutes {
    struct timeline *t;
    bool split; /* a bin begins within a minute that has messages */
    uint32_t asked;
};

static enum status add_minute(void *ctx, uint32_t minute, uint64_t messages, struct err *err)
{
    struct minutes *m = ctx;
    int64_t from = minute * MINUTE_MS;
    size_t bin;
    if (++m->asked % STOP_EVERY == 0 && stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    TRY(bin_at(m->t, from, &bin, err));
    m->split |= m->t->bins[bin].to < from + MINUTE_MS;
    m->t->bins[bin].count += messages;
    m->t->timed += messages;
    return ST_OK;
}

/* The minutes of a segment count only what is not hidden; its documents must be asked. */
static enum status add_documents(struct timeline *t, struct view *v, uint32_t segment,
                                 struct err *err)
{
    struct segment *s = casefile_segment(v->cf, segment);
    struct doc_state state;
    int64_t sent;
    for (uint32_t doc = 0; doc < segment_info(s)->docs; doc++) {
        if (doc % STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(segment_state(s, v->scratch[segment], doc, &state, err));
        if (state.flags & DOC_HIDDEN)
            continue;
        TRY(segment_sent(s, v->scratch[segment], doc, &sent, err));
        if (sent > 0 && sent <= TIME_MAX_MS)
            TRY(timeline_add(t, sent, state.messages, err));
    }
    return ST_OK;
}

/* Counts are taken back, bins stay: they are those of messages. */
static void forget(struct timeline *t)
{
    for (size_t i = 0; i < t->n; i++)
        t->bins[i].count = 0;
    t->timed = 0;
}

enum status timeline_add_all(struct timeline *t, struct view *v, struct err *err)
{
    struct minutes m = {.t = t};
    uint32_t n = (uint32_t)casefile_segments(v->cf);
    for (uint32_t i = 0; i < n && !m.split; i++)
        TRY(segment_minutes_each(casefile_segment(v->cf, i), v->scratch[i], add_minute, &m, err));
    if (!m.split)
        return ST_OK;
    forget(t);
    for (uint32_t i = 0; i < n; i++)
        TRY(add_documents(t, v, i, err));
    return ST_OK;
}

static int by_from(const void *a, const void *b)
{
    const struct timeline_bin *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

void timeline_finish(struct timeline *t)
{
    size_t n = 0;
    if (t->n > 1)
        qsort(t->bins, t->n, sizeof *t->bins, by_from);
    for (size_t i = 0; i < t->n; i++) { /* a minute that was split may have left an empty one */
        if (t->bins[i].count == 0)
            continue;
        t->most = t->bins[i].count > t->most ? t->bins[i].count : t->most;
        t->bins[n++] = t->bins[i];
    }
    t->n = n;
}
