/* flush_classify — every record is exactly one of: message, further copy, re-delivery, other. The
 * decision is made on sorted copies: the streams of a content, their seqs, and what the case had
 * before. */
#include "indexer/flush.h"
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
static enum status held_of_entries(struct flush *f, size_t from, size_t to, struct held_copy *out,
                                   struct err *err)
{
    const struct run_tables *t = &f->run->tables;
    struct held_version *v = arena_array(&f->temp, to - from, sizeof *v);
    struct held_sighting *s = arena_array(&f->temp, to - from, sizeof *s);
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
                                       .extra = slice_of(c->extra, c->extra_len),
                                       .sightings = &s[i - from],
                                       .n_sightings = 1};
    }
    *out = (struct held_copy){.stream = entry_stream(f, &f->entries[from]),
                              .seq = f->entries[from].copy->seq,
                              .versions = v,
                              .n_versions = n};
    return ST_OK;
}

static bool same_slice(struct slice a, struct slice b)
{
    return (a.data == NULL) == (b.data == NULL) && slice_eq(a, b);
}

static bool same_version(const struct held_version *a, const struct held_version *b)
{
    const struct origin_ref *x = a->origin, *y = b->origin;
    return a->delivered == b->delivered && a->read == b->read && a->collected == b->collected &&
           slice_eq(a->extra, b->extra) && x->direction == y->direction &&
           same_slice(x->account, y->account) && same_slice(x->authority, y->authority) &&
           same_slice(x->warrant, y->warrant) && same_slice(x->liid, y->liid) &&
           same_slice(x->cin, y->cin) && same_slice(x->point, y->point) &&
           same_slice(x->serial, y->serial) && same_slice(x->selection, y->selection);
}

/* `into` takes the versions of `more` that it lacks. */
static enum status unite(struct flush *f, struct held_copy *into, const struct held_copy *more,
                         struct err *err)
{
    struct held_version *v = arena_array(&f->temp, into->n_versions + more->n_versions, sizeof *v);
    if (!v)
        return err_no_memory(err);
    size_t n = into->n_versions;
    memcpy(v, into->versions, n * sizeof *v);
    for (size_t i = 0; i < more->n_versions; i++) {
        bool known = false;
        for (size_t j = 0; j < into->n_versions && !known; j++)
            known = same_version(&v[j], &more->versions[i]);
        if (!known)
            v[n++] = more->versions[i];
    }
    into->versions = v;
    into->n_versions = n;
    return ST_OK;
}

static int held_cmp(const struct held_copy *a, const struct held_copy *b)
{
    int c = stream_cmp(a->stream, b->stream);
    return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

/* Has this very record (dump and line) been read into this copy before? */
static bool sighted(const struct held_copy *h, const struct dump_ref *dump, uint64_t line)
{
    for (size_t v = 0; v < h->n_versions; v++)
        for (size_t s = 0; s < h->versions[v].n_sightings; s++) {
            const struct held_sighting *x = &h->versions[v].sightings[s];
            if (x->line == line && memcmp(x->dump->sha256, dump->sha256, SHA256_SIZE) == 0)
                return true;
        }
    return false;
}

static void mark_held(struct flush *f, const struct held_copy *old, size_t from, size_t to)
{
    const struct dump_ref *dumps = f->run->tables.dumps.items;
    for (size_t i = from; i < to; i++) {
        struct entry *e = &f->entries[i];
        e->held = true;
        e->known = sighted(old, &dumps[e->copy->dump], e->copy->line);
    }
}

/* Old copies and the run's, merged in order; entries learn whether they were held. */
static enum status gather(struct flush *f, const struct target *t, struct gathered *g,
                          struct err *err)
{
    TRY(flush_content(f, t, &f->temp, &g->content, err));
    g->has_id = g->content.kind == DOC_MESSAGE && g->content.id.len != 0;
    if (t->segment != NO_SEGMENT)
        TRY(segment_copies(casefile_segment(f->cf, t->segment), f->scratch, t->doc, &f->temp,
                           &g->old, &g->n_old, err));
    g->now = arena_array(&f->temp, g->n_old + t->n_entries, sizeof *g->now);
    if (!g->now)
        return err_no_memory(err);
    size_t at = t->first_entry, end = at + t->n_entries, o = 0;
    while (at < end || o < g->n_old) {
        struct held_copy h = {0};
        size_t to = at;
        if (at < end) {
            to = copy_end(f, at, end);
            TRY(held_of_entries(f, at, to, &h, err));
        }
        int c = at == end ? 1 : o == g->n_old ? -1 : held_cmp(&h, &g->old[o]);
        if (c > 0) {
            g->now[g->n_now++] = g->old[o++];
            continue;
        }
        if (c == 0) {
            struct held_copy both = g->old[o];
            TRY(unite(f, &both, &h, err));
            mark_held(f, &g->old[o++], at, to);
            h = both;
        }
        g->now[g->n_now++] = h;
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

static enum status new_state(struct flush *f, struct target *t, const struct gathered *g,
                             struct err *err)
{
    struct doc_state *s = &t->state;
    s->messages = t->kind == DOC_MESSAGE ? held_messages(g->now, g->n_now, g->has_id) : 1;
    s->copies = (uint32_t)g->n_now;
    s->flags &= (uint16_t) ~(DOC_REPEATED | DOC_ONE_SIDED);
    if (s->messages > 1)
        s->flags |= DOC_REPEATED;
    bool one_sided = false;
    if (t->kind == DOC_MESSAGE)
        TRY(held_one_sided(&g->content, g->now, g->n_now, g->has_id, s->messages, &f->temp,
                           &one_sided, err));
    if (one_sided)
        s->flags |= DOC_ONE_SIDED;
    for (size_t i = t->first_entry; i < t->first_entry + t->n_entries; i++)
        if (f->entries[i].copy->deleted)
            s->flags |= DOC_DELETED;
    /* A deleted record without a body contradicts nothing. */
    if ((s->flags & DOC_DELETED) && g->content.body_kind == BODY_NONE)
        s->flags &= (uint16_t)~DOC_CONFLICT;
    return ST_OK;
}

static enum status update_digest(struct flush *f, const struct target *t, const struct gathered *g,
                                 struct err *err)
{
    uint8_t hash[SHA256_SIZE], before[SHA256_SIZE], after[SHA256_SIZE];
    if (t->ref != UINT32_MAX)
        memcpy(hash, flush_doc(f, t)->hash, SHA256_SIZE);
    else
        TRY(content_rehash(&f->hasher, &g->content, hash, err));
    TRY(held_hash(&f->hasher, &g->content, hash, g->now, g->n_now, &f->temp, after, err));
    if (t->segment != NO_SEGMENT) {
        TRY(held_hash(&f->hasher, &g->content, hash, g->old, g->n_old, &f->temp, before, err));
        digest_subtract(f->digest_sum, before);
    }
    digest_add(f->digest_sum, after);
    return ST_OK;
}

static enum status classify(struct flush *f, struct target *t, struct err *err)
{
    struct gathered g = {0};
    arena_reset(&f->temp);
    TRY(gather(f, t, &g, err));
    uint32_t before = t->segment == NO_SEGMENT ? 0 : t->old.messages;
    TRY(new_state(f, t, &g, err));
    credit(f, t, t->state.messages - before);
    for (size_t i = t->first_entry; i < t->first_entry + t->n_entries; i++)
        t->changed |= !f->entries[i].known;
    return update_digest(f, t, &g, err);
}

static void book(struct flush *f)
{
    for (size_t i = 0; i < f->n_entries; i++) {
        const struct entry *e = &f->entries[i];
        struct books *b = &f->books[e->copy->dump];
        if (e->copy->line <= f->lines_before[e->copy->dump])
            continue; /* a dump that is read again is no re-delivery of itself */
        b->messages += e->credit == CREDIT_MESSAGE;
        b->copies += e->credit == CREDIT_COPY;
        b->redelivered += e->credit == CREDIT_REDELIVERED;
        b->other += e->credit == CREDIT_OTHER;
        if (e->credit == CREDIT_MESSAGE && (flush_target(f, e->target)->state.flags & DOC_SEALED))
            b->sealed++;
    }
}

enum status flush_classify(struct flush *f, struct err *err)
{
    for (uint32_t i = 0; i < f->targets.n; i++)
        TRY(classify(f, flush_target(f, i), err));
    book(f);
    return ST_OK;
}
