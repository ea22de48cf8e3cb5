/* pairs_gather — the messages of a conversation that may stand in a pair. A conversation is one
 * range of documents a segment, timed ones first and by time; the ranges are walked side by side,
 * so that documents of one time meet also where they lie in different segments. Columns decide
 * which rows are read: those of one side only, and those that share their time. Of one message
 * alone the others of its text are found by the rarest of its words, since a day of a busy
 * conversation has a hundred thousand messages. */
#include <stdlib.h>

#include "lictor/arena.h"
#include "lictor/thread.h"
#include "store/pairs_private.h"

struct lane { /* the conversation in one segment */
    uint32_t segment, next, end;
    int64_t sent; /* of `next`, INT64_MAX at the end */
};

#define PRUNE_LEAST ((size_t)1 << 15) /* entries */

struct gather {
    struct casefile *cf;
    struct segment_scratch *const *scratch;
    const struct conversation_range *ranges;
    struct pair_window w;
    struct lane *lanes;
    size_t n; /* of both */
    struct arena row;
    struct sha256 sha;
    struct buf *entries;
    size_t prune_at; /* entries; SIZE_MAX: never */
    uint64_t looked;
    const struct pair_ask *ask; /* only messages of its sender; NULL: all */
    uint8_t sender[PAIR_HASH_SIZE], text[PAIR_HASH_SIZE]; /* of the one that is asked for */
    bool same_text;                                       /* only messages with its text */
    bool empty;                                           /* it has none, and no attachments */
};

static bool is_timed(int64_t sent) { return sent > 0 && sent <= TIME_MAX_MS; }

static enum status sent_of(struct gather *g, const struct lane *l, uint32_t doc, int64_t *sent,
                           struct err *err)
{
    return segment_sent(casefile_segment(g->cf, l->segment), g->scratch[l->segment], doc, sent,
                        err);
}

/* The first document of [lo, hi) that is untimed or sent at `from` or later. */
static enum status lane_seek(struct gather *g, struct lane *l, int64_t from, struct err *err)
{
    uint32_t lo = l->next, hi = l->end;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int64_t sent;
        TRY(sent_of(g, l, mid, &sent, err));
        if (is_timed(sent) && sent < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    l->next = lo;
    return ST_OK;
}

static enum status lane_load(struct gather *g, struct lane *l, struct err *err)
{
    l->sent = INT64_MAX;
    if (l->next == l->end)
        return ST_OK;
    g->looked++;
    TRY(sent_of(g, l, l->next, &l->sent, err));
    if (!is_timed(l->sent) || l->sent >= g->w.before) {
        l->next = l->end;
        l->sent = INT64_MAX;
    }
    return ST_OK;
}

static enum status lanes_open(struct gather *g, struct err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct conversation_range *r = &g->ranges[i];
        struct lane *l = &g->lanes[i];
        *l = (struct lane){.segment = r->segment, .next = r->first, .end = r->end};
        if (g->w.after != INT64_MIN)
            TRY(lane_seek(g, l, g->w.after, err));
        TRY(lane_load(g, l, err));
    }
    return ST_OK;
}

/* ---- rows ---- */

static void hash_part(struct sha256 *sha, struct slice s)
{
    uint8_t len[8];
    store_u64(len, s.len);
    sha256_add(sha, len, sizeof len);
    sha256_add(sha, s.data, s.len);
}

static void hash_end(struct sha256 *sha, uint8_t out[PAIR_HASH_SIZE])
{
    uint8_t all[SHA256_SIZE];
    sha256_end(sha, all);
    memcpy(out, all, PAIR_HASH_SIZE);
}

static void hash16(struct sha256 *sha, struct slice s, uint8_t out[PAIR_HASH_SIZE])
{
    sha256_begin(sha);
    hash_part(sha, s);
    hash_end(sha, out);
}

static void hash_text(struct sha256 *sha, const struct content *c, struct slice text,
                      uint8_t out[PAIR_HASH_SIZE])
{
    sha256_begin(sha);
    hash_part(sha, text);
    for (size_t i = 0; i < c->n_attachments; i++)
        hash_part(sha, c->attachments[i]);
    hash_end(sha, out);
}

static enum status row_decode(struct gather *g, uint32_t segment, uint32_t doc, struct content *c,
                              struct slice *row, struct err *err)
{
    arena_reset(&g->row);
    TRY(segment_row(casefile_segment(g->cf, segment), g->scratch[segment], doc, row, err));
    return content_decode(*row, &g->row, c, err);
}

static enum status entry_add(struct gather *g, const struct lane *l, uint32_t doc,
                             const struct doc_state *state, struct err *err)
{
    struct content c;
    struct slice row;
    TRY(row_decode(g, l->segment, doc, &c, &row, err));
    bool sealed = c.body_kind == BODY_SEALED;
    struct slice text = sealed ? c.opened : c.text;
    if (c.kind != DOC_MESSAGE || !c.from.data || (sealed && !c.opened.data))
        return ST_OK;
    struct pair_entry e = {.sent = l->sent,
                           .ref = {.segment = l->segment, .doc = doc},
                           .opened = sealed,
                           .has_id = c.id.len != 0,
                           .empty = text.len == 0 && c.n_attachments == 0};
    hash16(&g->sha, c.from, e.sender);
    if (g->ask && memcmp(e.sender, g->sender, PAIR_HASH_SIZE) != 0)
        return ST_OK;
    hash_text(&g->sha, &c, text, e.text);
    if (g->same_text && memcmp(e.text, g->text, PAIR_HASH_SIZE) != 0)
        return ST_OK;
    hash16(&g->sha, row, e.order);
    for (e.ref.k = 1; e.ref.k <= state->messages; e.ref.k++)
        buf_put(g->entries, &e, sizeof e);
    return buf_status(g->entries, err);
}

static enum status run_take(struct gather *g, struct lane *l, int64_t sent, bool shared,
                            struct err *err)
{
    while (l->sent == sent) {
        struct doc_state state;
        TRY(segment_state(casefile_segment(g->cf, l->segment), g->scratch[l->segment], l->next,
                          &state, err));
        if (shared || (state.flags & DOC_ONE_SIDED))
            TRY(entry_add(g, l, l->next, &state, err));
        l->next++;
        TRY(lane_load(g, l, err));
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

/* Whether a second document has this time; lane `at` stands at the first. */
static enum status run_shared(struct gather *g, size_t at, bool *shared, struct err *err)
{
    const struct lane *l = &g->lanes[at];
    int64_t sent = INT64_MAX;
    for (size_t i = 0; i < g->n; i++)
        if (i != at && g->lanes[i].sent == l->sent) {
            *shared = true;
            return ST_OK;
        }
    if (l->next + 1 < l->end)
        TRY(sent_of(g, l, l->next + 1, &sent, err));
    *shared = sent == l->sent;
    return ST_OK;
}

/* Sorting costs more the more there are: each time twice as many as were left. */
static enum status prune(struct gather *g, int64_t reached, struct err *err)
{
    if (g->entries->len / sizeof(struct pair_entry) < g->prune_at)
        return ST_OK;
    TRY(pairs_prune(g->cf, g->scratch, g->entries, reached, err));
    size_t left = g->entries->len / sizeof(struct pair_entry);
    g->prune_at = left < PRUNE_LEAST / 2 ? PRUNE_LEAST : 2 * left;
    return ST_OK;
}

static enum status walk(struct gather *g, struct err *err)
{
    for (;;) {
        size_t least = 0;
        bool shared;
        for (size_t i = 1; i < g->n; i++)
            if (g->lanes[i].sent < g->lanes[least].sent)
                least = i;
        if (g->n == 0 || g->lanes[least].sent == INT64_MAX)
            return ST_OK;
        int64_t sent = g->lanes[least].sent;
        TRY(prune(g, sent, err));
        TRY(run_shared(g, least, &shared, err));
        for (size_t i = least; i < g->n; i++)
            if (g->lanes[i].sent == sent)
                TRY(run_take(g, &g->lanes[i], sent, shared, err));
    }
}

static void gather_release(struct gather *g)
{
    free(g->lanes);
    arena_release(&g->row);
}

static enum status gather_init(struct gather *g, struct err *err)
{
    arena_init(&g->row, (size_t)16 << 10);
    g->lanes = calloc(g->n + 1, sizeof *g->lanes);
    return g->lanes ? ST_OK : err_no_memory(err);
}

enum status pairs_gather(struct casefile *cf, struct segment_scratch *const *scratch,
                         const struct conversation_range *ranges, size_t n, struct buf *entries,
                         struct err *err)
{
    struct gather g = {.cf = cf,
                       .scratch = scratch,
                       .ranges = ranges,
                       .n = n,
                       .w = {INT64_MIN, INT64_MAX},
                       .entries = entries,
                       .prune_at = PRUNE_LEAST};
    enum status st = gather_init(&g, err);
    if (st == ST_OK)
        st = lanes_open(&g, err);
    if (st == ST_OK)
        st = walk(&g, err);
    gather_release(&g);
    return st;
}

/* ---- what can take part in the pairs of one message ---- */

static enum status asked_find(struct gather *g, struct err *err)
{
    const struct pair_ref *of = &g->ask->of;
    struct content c;
    struct slice row;
    TRY(row_decode(g, of->segment, of->doc, &c, &row, err));
    hash16(&g->sha, c.from, g->sender);
    hash_text(&g->sha, &c, content_readable(&c), g->text);
    g->empty = content_readable(&c).len == 0 && c.n_attachments == 0;
    return ST_OK;
}

/* Whether another document of the conversation has the time of `doc`, which lies in range `at`. */
static enum status doc_shared(struct gather *g, size_t at, uint32_t doc, int64_t sent, bool *shared,
                              struct err *err)
{
    *shared = false;
    for (size_t i = 0; !*shared && i < g->n; i++) {
        const struct conversation_range *r = &g->ranges[i];
        struct lane l = {.segment = r->segment, .next = r->first, .end = r->end};
        int64_t before = INT64_MAX, behind = INT64_MAX;
        if (i != at)
            TRY(lane_seek(g, &l, sent, err));
        else
            l.next = doc + 1;
        if (i == at && doc > r->first)
            TRY(sent_of(g, &l, doc - 1, &before, err));
        if (l.next < l.end)
            TRY(sent_of(g, &l, l.next, &behind, err));
        *shared = before == sent || behind == sent;
    }
    return ST_OK;
}

/* As run_take and run_shared decide, of one document. */
static enum status doc_takes_part(struct gather *g, size_t at, uint32_t doc, int64_t sent,
                                  struct doc_state *state, bool *yes, struct err *err)
{
    uint32_t segment = g->ranges[at].segment;
    TRY(segment_state(casefile_segment(g->cf, segment), g->scratch[segment], doc, state, err));
    *yes = state->flags & DOC_ONE_SIDED;
    return *yes ? ST_OK : doc_shared(g, at, doc, sent, yes, err);
}

enum status pairs_possible(struct casefile *cf, struct segment_scratch *const *scratch,
                           const struct pair_ask *ask, bool *yes, struct err *err)
{
    struct gather g = {.cf = cf, .scratch = scratch, .ranges = ask->ranges, .n = ask->n_ranges};
    struct doc_state state;
    *yes = false;
    for (size_t i = 0; i < g.n; i++)
        if (g.ranges[i].segment == ask->of.segment)
            return doc_takes_part(&g, i, ask->of.doc, ask->sent, &state, yes, err);
    return ST_OK;
}

/* ---- by the words of its text ---- */

#define PROBES 6 /* words that are walked together: the rarest */

struct probe {
    struct term_entry terms[PROBES]; /* by documents */
    struct posting_iter *its[PROBES];
    size_t n;
};

static void probe_offer(struct probe *p, const struct term_entry *e)
{
    size_t at = p->n;
    while (at > 0 && p->terms[at - 1].docs > e->docs)
        at--;
    if (at == PROBES)
        return;
    p->n += p->n < PROBES;
    memmove(&p->terms[at + 1], &p->terms[at], (p->n - 1 - at) * sizeof *e);
    p->terms[at] = *e;
}

/* p->n 0: a word is not in the segment, and so no such text. */
static enum status probe_open(struct gather *g, struct segment *s, struct segment_scratch *x,
                              struct probe *p, struct err *err)
{
    for (size_t i = 0; i < g->ask->n_terms; i++) {
        struct term_entry e;
        enum status st = segment_term(s, x, g->ask->terms[i], &e, err);
        if (st == ST_NOT_FOUND) {
            p->n = 0;
            return ST_OK;
        }
        TRY(st);
        probe_offer(p, &e);
    }
    for (size_t i = 0; i < p->n; i++)
        TRY(posting_iter_open(s, p->terms[i].handle, &p->its[i], err));
    return ST_OK;
}

/* The first document from `doc` on that has all the words; `end` or more: there is none. */
static enum status probe_seek(struct probe *p, uint32_t doc, uint32_t end, uint32_t *out,
                              struct err *err)
{
    for (size_t agreed = 0; agreed < p->n && doc < end;) {
        uint32_t got;
        TRY(posting_iter_seek(p->its[agreed], doc, &got, err));
        agreed = got == doc ? agreed + 1 : agreed == 0 ? 1 : 0;
        doc = got;
    }
    *out = doc;
    return ST_OK;
}

static enum status probe_take(struct gather *g, size_t at, uint32_t doc, struct err *err)
{
    struct lane l = {.segment = g->ranges[at].segment};
    struct doc_state state;
    bool yes;
    g->looked++;
    TRY(sent_of(g, &l, doc, &l.sent, err));
    if (l.sent == g->ask->sent)
        return ST_OK; /* has been taken with its moment */
    TRY(doc_takes_part(g, at, doc, l.sent, &state, &yes, err));
    return yes ? entry_add(g, &l, doc, &state, err) : ST_OK;
}

static enum status probe_range(struct gather *g, size_t at, struct err *err)
{
    const struct conversation_range *r = &g->ranges[at];
    struct segment *s = casefile_segment(g->cf, r->segment);
    struct lane from = {.segment = r->segment, .next = r->first, .end = r->end}, to = from;
    struct probe p = {.n = 0};
    TRY(lane_seek(g, &from, g->w.after, err));
    TRY(lane_seek(g, &to, g->w.before, err));
    enum status st = probe_open(g, s, g->scratch[r->segment], &p, err);
    for (uint32_t doc = from.next; st == ST_OK && p.n > 0 && doc < to.next; doc++) {
        st = probe_seek(&p, doc, to.next, &doc, err);
        if (st == ST_OK && doc < to.next)
            st = probe_take(g, at, doc, err);
        if (st == ST_OK && doc >= to.next)
            break;
        if (st == ST_OK && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
    }
    for (size_t i = 0; i < PROBES; i++)
        posting_iter_close(p.its[i]);
    return st;
}

static enum status gather_of(struct gather *g, const struct pair_window *w, struct err *err)
{
    TRY(asked_find(g, err));
    g->w = *w;
    if (g->empty || g->ask->n_terms)
        g->w = (struct pair_window){g->ask->sent, g->ask->sent + 1};
    TRY(lanes_open(g, err));
    TRY(walk(g, err));
    g->w = *w;
    g->same_text = true;
    for (size_t i = 0; !g->empty && g->ask->n_terms && i < g->n; i++)
        TRY(probe_range(g, i, err));
    return ST_OK;
}

enum status pairs_gather_of(struct casefile *cf, struct segment_scratch *const *scratch,
                            const struct pair_ask *ask, const struct pair_window *w,
                            struct buf *entries, uint64_t *looked, struct err *err)
{
    struct gather g = {.cf = cf,
                       .scratch = scratch,
                       .ranges = ask->ranges,
                       .n = ask->n_ranges,
                       .ask = ask,
                       .entries = entries,
                       .prune_at = SIZE_MAX};
    enum status st = gather_init(&g, err);
    if (st == ST_OK)
        st = gather_of(&g, w, err);
    *looked += g.looked;
    gather_release(&g);
    return st;
}

/* ---- sides ---- */

struct sides {
    struct casefile *cf;
    struct segment_scratch *const *scratch;
    struct arena a;
    struct buf seen; /* a byte a message of the document: bits 1 << side */
    struct pair_ref of;
    bool any;
};

/* What the copies of a document say of each of its messages: the k-th of each stream is of the
 * k-th. */
static enum status doc_sides(struct sides *s, const struct pair_ref *ref, struct err *err)
{
    struct segment *seg = casefile_segment(s->cf, ref->segment);
    struct segment_scratch *x = s->scratch[ref->segment];
    struct segment_conversation sc;
    const struct held_copy *held;
    struct content c;
    struct slice row;
    size_t n;
    uint32_t k = 0;
    arena_reset(&s->a);
    TRY(segment_conversation_of(seg, x, ref->doc, &s->a, &sc, err));
    TRY(segment_row(seg, x, ref->doc, &row, err));
    if (!arena_keep(&s->a, &row))
        return err_no_memory(err);
    TRY(content_decode(row, &s->a, &c, err));
    c.conv = sc.c;
    TRY(segment_copies(seg, x, ref->doc, &s->a, &held, &n, err));
    buf_clear(&s->seen);
    for (size_t i = 0; i < n; i++) {
        bool same = i > 0 && stream_cmp(held[i - 1].stream, held[i].stream) == 0;
        k = c.id.len != 0 ? 0 : same ? k + 1 : 0;
        while (s->seen.len <= k && !s->seen.failed)
            buf_put_u8(&s->seen, 0);
        if (!s->seen.failed)
            s->seen.data[k] |= (uint8_t)(1u << held_side(&c, &held[i]));
    }
    s->of = *ref;
    s->any = true;
    return buf_status(&s->seen, err);
}

static int by_ref(const void *a, const void *b)
{
    const struct pair_entry *const *x = a, *const *y = b;
    return pair_ref_cmp(&(*x)->ref, &(*y)->ref);
}

static enum status entry_side(struct sides *s, struct pair_entry *e, struct err *err)
{
    const struct pair_ref *r = &e->ref;
    if (!s->any || s->of.segment != r->segment || s->of.doc != r->doc)
        TRY(doc_sides(s, r, err));
    uint8_t seen = r->k <= s->seen.len ? s->seen.data[r->k - 1] : 0;
    e->sided = true;
    e->side = seen == 1u << SIDE_FROM ? SIDE_FROM : seen == 1u << SIDE_TO ? SIDE_TO : SIDE_UNKNOWN;
    return stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted") : ST_OK;
}

/* In the order of the documents: entries come by text, and each would inflate a block of rows. */
enum status pairs_sides(struct casefile *cf, struct segment_scratch *const *scratch,
                        struct pair_entry *all, size_t n, struct err *err)
{
    struct sides s = {.cf = cf, .scratch = scratch};
    struct buf asked = {0};
    for (size_t i = 0; i < n; i++) {
        struct pair_entry *e = &all[i];
        if (!e->sided && (e->chained || e->timed))
            buf_put(&asked, &e, sizeof e);
    }
    enum status st = buf_status(&asked, err);
    void *data = asked.data;
    struct pair_entry **e = data;
    size_t n_asked = st == ST_OK ? asked.len / sizeof *e : 0;
    if (n_asked > 1)
        qsort(e, n_asked, sizeof *e, by_ref);
    arena_init(&s.a, (size_t)16 << 10);
    for (size_t i = 0; st == ST_OK && i < n_asked; i++)
        st = entry_side(&s, e[i], err);
    arena_release(&s.a);
    buf_release(&s.seen);
    buf_release(&asked);
    return st;
}
