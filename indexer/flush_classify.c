/* flush_classify — every record is exactly one of: message, further copy, re-delivery, other. The
 * decision is made on sorted copies: the streams of a content, their seqs, and what the case had
 * before. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "indexer/dump_ctx.h"
#include "indexer/held.h"

/* The copies of one target: what the case had, and both together. */
struct gathered {
    struct content content;
    bool has_id;
    const struct held_copy *old;
    size_t n_old;
    struct held_copy *now;
    size_t n_now;
};

/* Entries [from, to) of a target that are one copy. */
static size_t copy_end(const struct flush *f, size_t from, size_t end)
{
    const struct entry *e = f->entries;
    size_t to = from + 1;
    while (to < end && e[to].rank == e[from].rank && e[to].copy->seq == e[from].copy->seq)
        to++;
    return to;
}

static const struct stream_ref *entry_stream(const struct flush *f, const struct entry *e)
{
    return tables_stream_at(&f->run->tables, f->by_rank[e->rank]);
}

/* Entries [from, to) of one copy as a held copy: equal versions united. */
static enum status held_of_entries(const struct flush *f, struct flush_lane *lane, size_t from,
                                   size_t to, struct held_copy *out, struct err *err)
{
    const struct run_tables *t = &f->run->tables;
    struct held_version *v = arena_array(&lane->temp, to - from, sizeof *v);
    struct held_sighting *s = arena_array(&lane->temp, to - from, sizeof *s);
    if (!v || !s)
        return err_no_memory(err);
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        const struct run_copy *c = f->entries[i].copy;
        s[i - from] = (struct held_sighting){
            .dump = (const struct dump_ref *)t->dumps.items + c->dump, .line = c->line};
        if (i > from && version_cmp(t, f->entries[i - 1].copy, c) == 0) {
            v[n - 1].n_sightings++;
            continue;
        }
        v[n++] = (struct held_version){.origin = tables_origin_at(t, c->origin),
                                       .delivered = c->delivered,
                                       .read = c->read,
                                       .collected = c->collected,
                                       .extra = run_copy_extra(c),
                                       .sightings = &s[i - from],
                                       .n_sightings = 1};
    }
    *out = (struct held_copy){.stream = entry_stream(f, &f->entries[from]),
                              .seq = f->entries[from].copy->seq,
                              .versions = v,
                              .n_versions = n};
    return ST_OK;
}

/* ---- the digest ---- */

/* A version that the case did not have, for the digest. */
static enum status digest_version(const struct flush *f, struct flush_lane *lane, uint8_t kind,
                                  const uint8_t what[SHA256_SIZE], uint32_t origin,
                                  const struct held_facts *v, struct err *err)
{
    uint8_t hash[SHA256_SIZE];
    TRY(held_version_hash(&lane->hasher, kind, what, f->origin_hash[origin], v, hash, err));
    digest_many_add(&lane->digest, hash);
    return ST_OK;
}

static enum status hash_origins(struct flush *f, struct err *err)
{
    const struct run_tables *t = &f->run->tables;
    f->origin_hash = arena_array(&f->arena, t->origins.n, SHA256_SIZE);
    if (!f->origin_hash)
        return err_no_memory(err);
    for (uint32_t i = 0; i < t->origins.n; i++) {
        const struct origin_ref *o = tables_origin_at(t, i);
        TRY(held_origin_hash(&f->hasher, tables_stream_at(t, o->stream), o, f->origin_hash[i],
                             err));
    }
    return ST_OK;
}

/* ---- a document of the case, with further copies ---- */

static bool has_version(const struct held_copy *h, const struct held_version *v)
{
    size_t lo = 0, hi = h->n_versions;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = held_version_cmp(&h->versions[mid], v);
        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

/* `into`, a copy of the case (its versions are in held_version_cmp order) or empty, takes the
 * versions of `more` that it lacks; these go into the digest. */
static enum status unite(const struct flush *f, struct flush_lane *lane, uint8_t kind,
                         const uint8_t what[SHA256_SIZE], struct held_copy *into,
                         const struct held_copy *more, struct err *err)
{
    const struct origin_ref *origins = f->run->tables.origins.items;
    struct held_version *v =
        arena_array(&lane->temp, into->n_versions + more->n_versions, sizeof *v);
    if (!v)
        return err_no_memory(err);
    size_t n = into->n_versions;
    if (n)
        memcpy(v, into->versions, n * sizeof *v);
    for (size_t i = 0; i < more->n_versions; i++) {
        const struct held_version *m = &more->versions[i];
        if (has_version(into, m))
            continue;
        v[n++] = *m;
        struct held_facts facts = {more->stream->numbered, more->seq, m->delivered, m->read,
                                   m->collected,           m->extra};
        TRY(digest_version(f, lane, kind, what, (uint32_t)(m->origin - origins), &facts, err));
    }
    *into = *more;
    into->versions = v;
    into->n_versions = n;
    return ST_OK;
}

static int held_cmp(const struct held_copy *a, const struct held_copy *b)
{
    int c = stream_cmp(a->stream, b->stream);
    return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static int sighting_cmp(const void *pa, const void *pb)
{
    const struct held_sighting *a = pa, *b = pb;
    int c = memcmp(a->dump->sha256, b->dump->sha256, SHA256_SIZE);
    return c ? c : (a->line > b->line) - (a->line < b->line);
}

/* All records that were read into the copy, in sighting_cmp order. */
static enum status sightings_of(const struct held_copy *h, struct arena *a,
                                struct held_sighting **out, size_t *n, struct err *err)
{
    size_t all = 0;
    for (size_t v = 0; v < h->n_versions; v++)
        all += h->versions[v].n_sightings;
    struct held_sighting *s = arena_array(a, all, sizeof *s);
    if (!s)
        return err_no_memory(err);
    *n = 0;
    for (size_t v = 0; v < h->n_versions; v++)
        for (size_t i = 0; i < h->versions[v].n_sightings; i++)
            s[(*n)++] = h->versions[v].sightings[i];
    if (all > 1)
        qsort(s, all, sizeof *s, sighting_cmp);
    *out = s;
    return ST_OK;
}

/* Entries [from, to) are of a copy that the case has. Only a record of a dump that is read again
 * may have been read into it before. */
static enum status mark_held(struct flush *f, struct flush_lane *lane, const struct held_copy *old,
                             size_t from, size_t to, struct err *err)
{
    const struct dump_ref *dumps = f->run->tables.dumps.items;
    struct held_sighting *all = NULL;
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        struct entry *e = &f->entries[i];
        struct held_sighting own = {.dump = &dumps[e->copy->dump], .line = e->copy->line};
        e->held = true;
        if (own.line > f->lines_before[e->copy->dump])
            continue;
        if (!all)
            TRY(sightings_of(old, &lane->temp, &all, &n, err));
        e->known = n && bsearch(&own, all, n, sizeof own, sighting_cmp);
    }
    return ST_OK;
}

/* Old copies and the run's, merged in order; entries learn whether they were held. */
static enum status gather(struct flush *f, struct flush_lane *lane, const struct target *t,
                          struct gathered *g, struct err *err)
{
    uint8_t hash[SHA256_SIZE] = {0}, what[SHA256_SIZE];
    TRY(flush_content_with(f, lane->scratch, t, &lane->temp, &g->content, err));
    g->has_id = g->content.kind == DOC_MESSAGE && g->content.id.len != 0;
    if (t->ref != UINT32_MAX)
        memcpy(hash, flush_doc(f, t)->hash, SHA256_SIZE);
    TRY(held_what(&lane->hasher, &g->content, hash, what, err));
    TRY(segment_copies(casefile_segment(f->cf, t->segment), lane->scratch, t->doc, &lane->temp,
                       &g->old, &g->n_old, err));
    g->now = arena_array(&lane->temp, g->n_old + t->n_entries, sizeof *g->now);
    if (!g->now)
        return err_no_memory(err);
    size_t at = t->first_entry, end = at + t->n_entries, o = 0;
    while (at < end || o < g->n_old) {
        struct held_copy h = {0}, both = {0};
        size_t to = at;
        if (at < end) {
            to = copy_end(f, at, end);
            TRY(held_of_entries(f, lane, at, to, &h, err));
        }
        int c = at == end ? 1 : o == g->n_old ? -1 : held_cmp(&h, &g->old[o]);
        if (c > 0) {
            g->now[g->n_now++] = g->old[o++];
            continue;
        }
        if (c == 0) {
            both = g->old[o++];
            TRY(mark_held(f, lane, &both, at, to, err));
        }
        TRY(unite(f, lane, t->kind, what, &both, &h, err));
        g->now[g->n_now++] = both;
        at = to;
    }
    return ST_OK;
}

/* ---- credits ---- */

/* First copy of the richest stream among entries that are new copies: [*from, *to) in entries. */
static void richest(const struct flush *f, const struct target *t, size_t *from, size_t *to)
{
    size_t end = t->first_entry + t->n_entries, best = 0;
    *from = *to = t->first_entry;
    for (size_t i = t->first_entry; i < end;) {
        size_t j = i, copies = 0;
        while (j < end && f->entries[j].rank == f->entries[i].rank) {
            copies += !f->entries[j].held;
            j = copy_end(f, j, end);
        }
        if (copies > best) {
            best = copies;
            *from = i;
            *to = j;
        }
        i = j;
    }
}

/* The record that made a copy is credited as message, copy or other; the rest are re-deliveries.
 * `messages` of the new copies are messages, those of the richest stream first. */
static void credit(struct flush *f, const struct target *t, uint32_t messages)
{
    size_t end = t->first_entry + t->n_entries, from, to;
    richest(f, t, &from, &to);
    for (size_t i = t->first_entry; i < end;) {
        size_t j = copy_end(f, i, end);
        for (size_t k = i; k < j; k++)
            f->entries[k].credit = CREDIT_REDELIVERED;
        if (!f->entries[i].held) {
            bool message = i >= from && i < to && messages;
            messages -= message;
            f->entries[i].credit = t->kind != DOC_MESSAGE ? CREDIT_OTHER
                                   : message              ? CREDIT_MESSAGE
                                                          : CREDIT_COPY;
        }
        i = j;
    }
    /* Fewer in the richest stream than messages: the case had the other streams. */
    for (size_t i = t->first_entry; i < end && messages && t->kind == DOC_MESSAGE;
         i = copy_end(f, i, end))
        if (f->entries[i].credit == CREDIT_COPY) {
            f->entries[i].credit = CREDIT_MESSAGE;
            messages--;
        }
}

/* ---- states ---- */

static void set_state(const struct flush *f, struct target *t, uint32_t messages, uint32_t copies,
                      bool one_sided, bool no_body)
{
    struct doc_state *s = &t->state;
    s->messages = messages;
    s->copies = copies;
    s->flags &= (uint16_t) ~(DOC_REPEATED | DOC_ONE_SIDED);
    if (messages > 1)
        s->flags |= DOC_REPEATED;
    if (one_sided)
        s->flags |= DOC_ONE_SIDED;
    for (size_t i = t->first_entry; i < t->first_entry + t->n_entries; i++)
        s->flags |= (uint16_t)((f->entries[i].copy->deleted ? DOC_DELETED : 0) |
                               (f->entries[i].copy->copy_to ? DOC_COPY_TO : 0) |
                               (f->entries[i].copy->located ? DOC_LOCATED : 0));
    /* A deleted record without a body contradicts nothing. */
    if ((s->flags & DOC_DELETED) && no_body)
        s->flags &= (uint16_t)~DOC_CONFLICT;
}

static enum status classify_old(struct flush *f, struct flush_lane *lane, struct target *t,
                                struct err *err)
{
    struct gathered g = {0};
    bool one_sided = false, message = t->kind == DOC_MESSAGE;
    TRY(gather(f, lane, t, &g, err));
    uint32_t messages = message ? held_messages(g.now, g.n_now, g.has_id) : 1;
    if (message)
        TRY(held_one_sided(&g.content, g.now, g.n_now, g.has_id, messages, &lane->temp, &one_sided,
                           err));
    set_state(f, t, messages, (uint32_t)g.n_now, one_sided, g.content.body_kind == BODY_NONE);
    credit(f, t, messages - t->old.messages);
    return ST_OK;
}

/* ---- a new document: all is in its entries ---- */

static enum status what_of_new(const struct flush *f, struct flush_lane *lane,
                               const struct target *t, uint8_t what[SHA256_SIZE], struct err *err)
{
    const struct run_doc *d = flush_doc(f, t);
    struct content c;
    if (t->kind == DOC_MESSAGE) {
        memcpy(what, d->hash, SHA256_SIZE);
        return ST_OK;
    }
    TRY(flush_content_with(f, lane->scratch, t, &lane->temp, &c, err));
    return held_what(&lane->hasher, &c, d->hash, what, err);
}

/* The versions of one copy, entries [from, to), into the digest. */
static enum status digest_copy(const struct flush *f, struct flush_lane *lane, uint8_t kind,
                               const uint8_t what[SHA256_SIZE], size_t from, size_t to,
                               struct err *err)
{
    const struct run_tables *t = &f->run->tables;
    bool numbered = entry_stream(f, &f->entries[from])->numbered;
    for (size_t i = from; i < to; i++) {
        const struct run_copy *c = f->entries[i].copy;
        if (i > from && version_cmp(t, f->entries[i - 1].copy, c) == 0)
            continue;
        struct held_facts facts = {numbered, c->seq,       c->delivered,
                                   c->read,  c->collected, run_copy_extra(c)};
        TRY(digest_version(f, lane, kind, what, c->origin, &facts, err));
    }
    return ST_OK;
}

static enum status classify_new(struct flush *f, struct flush_lane *lane, struct target *t,
                                struct err *err)
{
    enum { FEW = 64 };
    const struct run_doc *d = flush_doc(f, t);
    uint8_t what[SHA256_SIZE], few[FEW] = {0}, *seen = few; /* by message: sides of its copies */
    uint32_t copies = 0, messages = 1, k = 0;
    TRY(what_of_new(f, lane, t, what, err));
    if (t->n_entries > FEW && !(seen = arena_array(&lane->temp, t->n_entries, 1)))
        return err_no_memory(err);
    size_t end = t->first_entry + t->n_entries;
    for (size_t i = t->first_entry, j; i < end; i = j) {
        const struct entry *e = &f->entries[i];
        bool again = copies && !d->has_id && e->rank == f->entries[i - 1].rank;
        j = copy_end(f, i, end);
        k = again ? k + 1 : 0;
        messages = k + 1 > messages ? k + 1 : messages;
        copies++;
        enum side side = SIDE_UNKNOWN;
        for (size_t v = i; v < j; v++)
            side = side_of_both(side, (enum side)f->entries[v].copy->side);
        seen[k] |= held_seen_of(side);
        TRY(digest_copy(f, lane, t->kind, what, i, j, err));
    }
    bool message = t->kind == DOC_MESSAGE;
    messages = message ? messages : 1;
    set_state(f, t, messages, copies, message && held_any_one_sided(seen, messages), d->no_body);
    credit(f, t, messages);
    return ST_OK;
}

static void fetch_ahead(const struct flush *f, size_t i, size_t to)
{
    if (i + 2 * FLUSH_AHEAD < to)
        flush_fetch_entries(f, (uint32_t)(i + 2 * FLUSH_AHEAD));
    if (i + FLUSH_AHEAD >= to)
        return;
    flush_fetch_copies(f, (uint32_t)(i + FLUSH_AHEAD));
    if (flush_target(f, (uint32_t)(i + FLUSH_AHEAD))->ref != UINT32_MAX)
        flush_fetch_doc(f, (uint32_t)(i + FLUSH_AHEAD));
}

/* The entries of one target into the lane's books. */
static void book(const struct flush *f, struct flush_lane *lane, const struct target *t)
{
    bool sealed = (t->state.flags & DOC_SEALED) != 0;
    for (size_t i = t->first_entry; i < t->first_entry + t->n_entries; i++) {
        const struct entry *e = &f->entries[i];
        struct books *b = &lane->books[e->copy->dump];
        if (e->copy->line <= f->lines_before[e->copy->dump])
            continue; /* a dump that is read again is no re-delivery of itself */
        b->messages += e->credit == CREDIT_MESSAGE;
        b->copies += e->credit == CREDIT_COPY;
        b->redelivered += e->credit == CREDIT_REDELIVERED;
        b->other += e->credit == CREDIT_OTHER;
        b->sealed += e->credit == CREDIT_MESSAGE && sealed;
    }
}

static enum status classify(struct flush *f, struct flush_lane *lane, void *ctx, size_t from,
                            size_t to, struct err *err)
{
    (void)ctx;
    for (size_t i = from; i < to; i++) {
        struct target *t = flush_target(f, (uint32_t)i);
        fetch_ahead(f, i, to);
        arena_reset(&lane->temp);
        if (t->segment == NO_SEGMENT)
            TRY(classify_new(f, lane, t, err));
        else
            TRY(classify_old(f, lane, t, err));
        for (size_t k = t->first_entry; k < t->first_entry + t->n_entries; k++)
            t->changed |= !f->entries[k].known;
        book(f, lane, t);
    }
    return ST_OK;
}

enum status flush_classify(struct flush *f, struct err *err)
{
    size_t dumps = f->run->tables.dumps.n;
    TRY(hash_origins(f, err));
    for (unsigned i = 0; i < f->threads; i++)
        if (!(f->lanes[i].books = arena_array(&f->arena, dumps, sizeof *f->lanes[i].books)))
            return err_no_memory(err);
    TRY(flush_parallel(f, f->targets.n, classify, NULL, err));
    for (unsigned i = 0; i < f->threads; i++)
        digest_many_settle(&f->lanes[i].digest, f->digest_sum);
    for (unsigned i = 0; i < f->threads; i++)
        for (size_t d = 0; d < dumps; d++)
            books_sum(&f->books[d], &f->lanes[i].books[d]);
    return ST_OK;
}
