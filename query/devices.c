/* devices — the sources of the case, from the streams of its segments and from the intake ledger:
 * only the ledger knows of dumps that brought nothing, and what a dump line says of the time it
 * covers. */
#include "query/devices.h"

#include <stdlib.h>

#include "query/wild.h"

struct loader {
    struct devices *d;
    struct buf dumps; /* struct device_dump */
    uint64_t order;
};

/* A dump without a `dump` line is a source of its own, named after its bytes. */
static struct slice source_of(struct arena *a, const struct ledger_dump *l)
{
    char name[5 + 2 * SHA256_SIZE + 1] = "dump:";
    if (l->source.len || l->state == DUMP_REFUSED)
        return arena_copy(a, l->source);
    hex_encode(l->sha256, SHA256_SIZE, name + 5);
    return arena_copy(a, slice_of(name, 5 + 16));
}

static enum status take_dump(struct loader *x, const struct ledger_dump *l, struct err *err)
{
    struct arena *a = &x->d->a;
    struct device_dump d = {.name = arena_copy(a, l->name),
                            .stage = arena_copy(a, l->stage),
                            .epoch = arena_copy(a, l->epoch),
                            .account = arena_copy(a, l->account),
                            .service = arena_copy(a, l->service),
                            .reason_code = arena_copy(a, l->reason_code),
                            .source = source_of(a, l),
                            .state = l->state,
                            .superseded = l->superseded,
                            .records = l->books.records,
                            .collected_from = l->collected_from,
                            .collected_to = l->collected_to,
                            .order = x->order++};
    memcpy(d.sha256, l->sha256, SHA256_SIZE);
    if (!d.name.data || !d.stage.data || !d.epoch.data || !d.account.data || !d.service.data ||
        !d.reason_code.data || !d.source.data)
        return err_no_memory(err);
    buf_put(&x->dumps, &d, sizeof d);
    return buf_status(&x->dumps, err);
}

static enum status take_entry(void *ctx, const struct ledger_entry *e, struct err *err)
{
    for (size_t i = 0; i < e->n_dumps; i++)
        TRY(take_dump(ctx, &e->dumps[i], err));
    return ST_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const struct device_dump *x = a, *y = b;
    int c = memcmp(x->sha256, y->sha256, SHA256_SIZE);
    if (!c)
        c = slice_cmp(x->name, y->name);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static int by_source(const void *a, const void *b)
{
    const struct device_dump *x = a, *y = b;
    int c = slice_cmp(x->source, y->source);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

/* A dump that came again (refused, then complete; or --again) is one dump: what the ledger says
 * last. One that could not be read has no bytes; its name tells it from others. */
static size_t dumps_settle(struct device_dump *all, size_t n)
{
    static const uint8_t unread[SHA256_SIZE];
    size_t kept = 0;
    if (n > 1)
        qsort(all, n, sizeof *all, by_bytes);
    for (size_t i = 0; i < n; i++) {
        bool same = kept && memcmp(all[kept - 1].sha256, all[i].sha256, SHA256_SIZE) == 0;
        if (same && memcmp(all[i].sha256, unread, sizeof unread) == 0)
            same = slice_eq(all[kept - 1].name, all[i].name);
        if (same && all[kept - 1].order > all[i].order)
            continue;
        kept -= same;
        all[kept++] = all[i];
    }
    if (kept > 1)
        qsort(all, kept, sizeof *all, by_source);
    return kept;
}

static void add_name(struct slice *names, size_t *n, struct slice name)
{
    if (name.len == 0)
        return;
    for (size_t i = 0; i < *n; i++)
        if (slice_eq(names[i], name))
            return;
    size_t at = (*n)++;
    for (; at > 0 && slice_cmp(names[at - 1], name) > 0; at--)
        names[at] = names[at - 1];
    names[at] = name;
}

static enum status device_fill(struct devices *d, struct device *v, struct err *err)
{
    struct slice *accounts = arena_array(&d->a, v->n_dumps + 1, sizeof *accounts);
    struct slice *services = arena_array(&d->a, v->n_dumps + 1, sizeof *services);
    if (!accounts || !services)
        return err_no_memory(err);
    v->collected_from = v->collected_to = TIME_NONE;
    for (size_t i = 0; i < v->n_dumps; i++) {
        const struct device_dump *p = &v->dumps[i];
        add_name(accounts, &v->n_accounts, p->account);
        add_name(services, &v->n_services, p->service);
        if (p->collected_from != TIME_NONE &&
            (v->collected_from == TIME_NONE || p->collected_from < v->collected_from))
            v->collected_from = p->collected_from;
        if (p->collected_to != TIME_NONE &&
            (v->collected_to == TIME_NONE || p->collected_to > v->collected_to))
            v->collected_to = p->collected_to;
    }
    v->accounts = accounts;
    v->services = services;
    return ST_OK;
}

/* Both lists go by source. */
static enum status join(struct devices *d, const struct device_dump *dumps, size_t n_dumps,
                        struct err *err)
{
    const struct case_stream *streams = d->streams.all;
    size_t n_streams = d->streams.n, s = 0, p = 0;
    d->all = arena_array(&d->a, n_dumps + n_streams, sizeof *d->all);
    if (!d->all)
        return err_no_memory(err);
    for (; p < n_dumps && dumps[p].source.len == 0; p++)
        d->nameless++;
    while (s < n_streams || p < n_dumps) {
        struct device *v = &d->all[d->n++];
        bool by_dump = s == n_streams ||
                       (p < n_dumps && slice_cmp(dumps[p].source, streams[s].ref.source) < 0);
        v->source = by_dump ? dumps[p].source : streams[s].ref.source;
        v->streams = streams + s;
        v->dumps = dumps + p;
        for (; s < n_streams && slice_eq(streams[s].ref.source, v->source); s++)
            v->n_streams++;
        for (; p < n_dumps && slice_eq(dumps[p].source, v->source); p++)
            v->n_dumps++;
        TRY(device_fill(d, v, err));
    }
    return ST_OK;
}

static enum status load(struct devices *d, struct loader *x, struct err *err)
{
    TRY(case_streams_load(d->v, &d->streams, err));
    TRY(ledger_walk(d->v->cf, take_entry, x, err));
    size_t n = x->dumps.len / sizeof(struct device_dump);
    struct device_dump *all = arena_array(&d->a, n, sizeof *all);
    if (!all)
        return err_no_memory(err);
    if (n)
        memcpy(all, x->dumps.data, x->dumps.len);
    return join(d, all, dumps_settle(all, n), err);
}

enum status devices_load(struct view *v, struct devices *out, struct err *err)
{
    struct loader x = {.d = out};
    *out = (struct devices){.v = v};
    arena_init(&out->a, (size_t)64 << 10);
    enum status st = load(out, &x, err);
    buf_release(&x.dumps);
    if (st != ST_OK)
        devices_release(out);
    return st;
}

void devices_release(struct devices *d)
{
    case_streams_release(&d->streams);
    arena_release(&d->a);
    *d = (struct devices){0};
}

bool device_matches(const struct device *d, struct slice pattern)
{
    bool yes = pattern.len == 0 || wild_match(pattern, d->source);
    for (size_t i = 0; !yes && i < d->n_accounts; i++)
        yes = wild_match(pattern, d->accounts[i]);
    return yes;
}
