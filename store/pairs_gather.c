/* pairs_gather — the messages of a conversation that may stand in a pair. A conversation is one
 * range of documents a segment, timed ones first and by time; the ranges are walked side by side,
 * so that documents of one time meet also where they lie in different segments. Columns decide
 * which rows are read: those of one side only, and those that share their time. */
#include <stdlib.h>

#include "lictor/arena.h"
#include "lictor/thread.h"
#include "store/pairs_private.h"

struct lane { /* the conversation in one segment */
    uint32_t segment, next, end;
    int64_t sent; /* of `next`, INT64_MAX at the end */
    struct conversation c;
};

#define PRUNE_LEAST ((size_t)1 << 15) /* entries */

struct gather {
    struct casefile *cf;
    struct segment_scratch *const *scratch;
    const struct pair_window *w;
    struct lane *lanes;
    size_t n;
    struct arena names, row;
    struct sha256 sha;
    struct buf *entries;
    size_t prune_at;                /* entries; SIZE_MAX: never */
    uint8_t sender[PAIR_HASH_SIZE]; /* of w->of */
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
    TRY(sent_of(g, l, l->next, &l->sent, err));
    if (!is_timed(l->sent) || l->sent >= g->w->before) {
        l->next = l->end;
        l->sent = INT64_MAX;
    }
    return ST_OK;
}

static enum status lanes_open(struct gather *g, const uint8_t key[KEY_SIZE], struct err *err)
{
    uint32_t segments = (uint32_t)casefile_segments(g->cf);
    g->lanes = arena_array(&g->names, segments + (size_t)1, sizeof *g->lanes);
    if (!g->lanes)
        return err_no_memory(err);
    for (uint32_t i = 0; i < segments; i++) {
        struct segment_conversation sc;
        uint32_t number, n;
        TRY(segment_conversation_find(casefile_segment(g->cf, i), g->scratch[i], key, KEY_SIZE,
                                      &number, &n, err));
        if (n == 0)
            continue;
        TRY(segment_conversation_at(casefile_segment(g->cf, i), g->scratch[i], number, &g->names,
                                    &sc, err));
        struct lane *l = &g->lanes[g->n++];
        *l = (struct lane){.segment = i, .next = sc.first, .end = sc.first + sc.docs, .c = sc.c};
        if (g->w->after != INT64_MIN)
            TRY(lane_seek(g, l, g->w->after, err));
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
    if (g->w->of && memcmp(e.sender, g->sender, PAIR_HASH_SIZE) != 0)
        return ST_OK;
    hash_text(&g->sha, &c, text, e.text);
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

static enum status sender_find(struct gather *g, struct err *err)
{
    struct content c;
    struct slice row;
    TRY(row_decode(g, g->w->of->segment, g->w->of->doc, &c, &row, err));
    hash16(&g->sha, c.from, g->sender);
    return ST_OK;
}

enum status pairs_gather(struct casefile *cf, struct segment_scratch *const *scratch,
                         const uint8_t key[KEY_SIZE], const struct pair_window *w,
                         struct buf *entries, struct err *err)
{
    struct gather g = {.cf = cf, .scratch = scratch, .w = w, .entries = entries};
    bool whole = !w->of && w->after == INT64_MIN && w->before == INT64_MAX;
    g.prune_at = whole ? PRUNE_LEAST : SIZE_MAX;
    arena_init(&g.names, (size_t)4 << 10);
    arena_init(&g.row, (size_t)16 << 10);
    enum status st = sha256_init(&g.sha, err);
    if (st == ST_OK && w->of)
        st = sender_find(&g, err);
    if (st == ST_OK)
        st = lanes_open(&g, key, err);
    if (st == ST_OK)
        st = walk(&g, err);
    sha256_release(&g.sha);
    arena_release(&g.names);
    arena_release(&g.row);
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
