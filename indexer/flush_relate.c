/* flush_relate — two contents contradict each other where they claim to be one: the same (stream,
 * seq), or the same service id in the same conversation from the same sender. Claims are sorted;
 * each group is judged once, with what the case already has at the same place. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "indexer/sort.h"

#define SEQS_AT_ONCE 1024

/* A claim is a struct sort_item: (rank, seq) or 128 bits of a hash, and the target. */
static bool same_claim(const struct sort_item *x, const struct sort_item *y)
{
    return x->hi == y->hi && x->lo == y->lo;
}

static int claim_cmp(const void *pa, const void *pb)
{
    const struct sort_item *x = pa, *y = pb;
    return (x->value > y->value) - (x->value < y->value);
}

static void set_flag(struct target *t, uint16_t flag)
{
    if ((t->state.flags & flag) == flag)
        return;
    t->state.flags |= flag;
    t->changed = true;
}

/* Judges claims [from, to), all of one group: each pair until a contradiction is found. */
static enum status judge(struct flush *f, const struct sort_item *claims, size_t from, size_t to,
                         struct err *err)
{
    arena_reset(&f->temp);
    size_t n = 0;
    struct content *contents = arena_array(&f->temp, to - from, sizeof *contents);
    struct target **targets = arena_array(&f->temp, to - from, sizeof *targets);
    if (!contents || !targets)
        return err_no_memory(err);
    for (size_t i = from; i < to; i++) {
        if (i > from && claims[i].value == claims[i - 1].value)
            continue;
        targets[n] = flush_target(f, claims[i].value);
        TRY(flush_content(f, targets[n], &f->temp, &contents[n], err));
        n++;
    }
    if (n < 2)
        return ST_OK;
    for (size_t i = 0; i < n; i++)
        set_flag(targets[i], DOC_RELATED);
    for (size_t i = 0; i < n; i++) {
        bool silent = contents[i].body_kind == BODY_NONE && (targets[i]->state.flags & DOC_DELETED);
        for (size_t j = 0; j < n && !silent && !(targets[i]->state.flags & DOC_CONFLICT); j++)
            if (j != i && contents_conflict(&contents[i], targets[i]->state.flags, &contents[j],
                                            targets[j]->state.flags)) {
                set_flag(targets[i], DOC_CONFLICT);
                set_flag(targets[j], DOC_CONFLICT);
            }
    }
    return ST_OK;
}

static enum status judge_all(struct flush *f, struct grown *claims, struct err *err)
{
    struct sort_item *c = claims->items;
    TRY(sort_items(c, claims->n, err));
    for (size_t i = 0; i < claims->n;) {
        size_t j = i + 1;
        bool many = false;
        for (; j < claims->n && same_claim(&c[i], &c[j]); j++)
            many |= c[j].value != c[i].value;
        if (many) {
            qsort(c + i, j - i, sizeof *c, claim_cmp);
            TRY(judge(f, c, i, j, err));
        }
        i = j;
    }
    return ST_OK;
}

static enum status add_claim(struct grown *g, uint64_t hi, uint64_t lo, uint32_t target,
                             struct err *err)
{
    struct sort_item *c = grown_add(g, sizeof *c);
    if (!c)
        return err_no_memory(err);
    *c = (struct sort_item){.hi = hi, .lo = lo, .value = target};
    return ST_OK;
}

/* ---- same stream and seq ---- */

static enum status claims_of_run(struct flush *f, struct grown *g, struct err *err)
{
    for (size_t i = 0; i < f->n_entries; i++) {
        const struct entry *e = &f->entries[i];
        if (tables_stream_at(&f->run->tables, f->by_rank[e->rank])->numbered)
            TRY(add_claim(g, e->rank, e->copy->seq, e->target, err));
    }
    return sort_items(g->items, g->n, err);
}

/* A walk over the (seq, doc) pairs of one stream of a segment. */
struct seq_page {
    struct seq_doc items[SEQS_AT_ONCE];
    size_t n, at;
};

/* Moves to the first pair with seq >= `seq`; false at the end of the stream. */
static enum status page_seek(struct flush *f, uint32_t segment, size_t stream, uint64_t seq,
                             struct seq_page *p, bool *found, struct err *err)
{
    while (p->at < p->n && p->items[p->at].seq < seq)
        p->at++;
    if (p->at == p->n) {
        p->at = 0;
        TRY(segment_stream_seqs_from(casefile_segment(f->cf, segment), f->scratch, stream, seq, 0,
                                     p->items, SEQS_AT_ONCE, &p->n, err));
    }
    *found = p->at < p->n;
    return ST_OK;
}

/* Claims [from, to) are of one stream, which the segment has as its `stream`. What the segment has
 * at the same seqs joins the claims. Of more than a page of records at one seq the first page is
 * taken: they contradict each other already, and one of them is enough to contradict the new one.
 */
static enum status claims_of_stream(struct flush *f, struct grown *g, size_t from, size_t to,
                                    uint32_t segment, size_t stream, struct err *err)
{
    struct seq_page page = {.n = 0};
    for (size_t i = from; i < to; i++) {
        struct sort_item c = ((struct sort_item *)g->items)[i];
        bool found;
        if (i > from && ((struct sort_item *)g->items)[i - 1].lo == c.lo)
            continue;
        TRY(page_seek(f, segment, stream, c.lo, &page, &found, err));
        if (!found)
            return ST_OK;
        for (; page.at < page.n && page.items[page.at].seq == c.lo; page.at++) {
            uint32_t target;
            TRY(flush_touch(f, segment, page.items[page.at].doc, &target, err));
            TRY(add_claim(g, c.hi, c.lo, target, err));
        }
    }
    return ST_OK;
}

static int seg_stream_cmp(const void *a, const void *b)
{
    return stream_cmp(&(*(const struct segment_stream *const *)a)->ref,
                      &(*(const struct segment_stream *const *)b)->ref);
}

/* Streams of the run and of the segment, both in stream_cmp order, are merged. */
static enum status claims_of_segment(struct flush *f, struct grown *g, size_t n_run,
                                     uint32_t segment, struct err *err)
{
    const struct segment_stream *streams;
    size_t n, s = 0;
    TRY(segment_streams(casefile_segment(f->cf, segment), &streams, &n, err));
    const struct segment_stream **sorted = calloc(n ? n : 1, sizeof *sorted);
    if (!sorted)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &streams[i];
    if (n > 1)
        qsort(sorted, n, sizeof *sorted, seg_stream_cmp);
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < n_run;) {
        uint64_t rank = ((struct sort_item *)g->items)[i].hi;
        size_t j = i;
        while (j < n_run && ((struct sort_item *)g->items)[j].hi == rank)
            j++;
        const struct stream_ref *ref = tables_stream_at(&f->run->tables, f->by_rank[rank]);
        while (s < n && stream_cmp(&sorted[s]->ref, ref) < 0)
            s++;
        if (s < n && stream_cmp(&sorted[s]->ref, ref) == 0)
            st = claims_of_stream(f, g, i, j, segment, (size_t)(sorted[s] - streams), err);
        i = j;
    }
    free(sorted);
    return st;
}

static enum status relate_seqs(struct flush *f, struct err *err)
{
    struct grown g = {0};
    enum status st = claims_of_run(f, &g, err);
    size_t n_run = g.n;
    for (uint32_t i = 0; st == ST_OK && n_run && i < casefile_segments(f->cf); i++)
        st = claims_of_segment(f, &g, n_run, i, err);
    if (st == ST_OK)
        st = judge_all(f, &g, err);
    grown_release(&g);
    return st;
}

/* ---- same service id ---- */

static void id_key(struct content_hasher *h, const struct content *c, const uint8_t conv[KEY_SIZE],
                   uint64_t key[2])
{
    uint8_t out[SHA256_SIZE], len[8];
    struct sha256 *sha = &h->sha;
    sha256_begin(sha);
    sha256_add(sha, conv, KEY_SIZE);
    store_u64(len, c->from.data ? c->from.len : UINT64_MAX);
    sha256_add(sha, len, sizeof len);
    sha256_add(sha, c->from.data, c->from.len);
    sha256_add(sha, c->id.data, c->id.len);
    sha256_end(sha, out);
    key[0] = load_u64(out);
    key[1] = load_u64(out + 8);
}

/* Documents of one segment with this id, in this conversation, from this sender. */
static enum status claims_of_id(struct flush *f, struct grown *g, uint32_t segment,
                                const struct content *c, const uint8_t conv[KEY_SIZE],
                                const uint64_t key[2], struct err *err)
{
    struct segment *s = casefile_segment(f->cf, segment);
    struct term t;
    struct term_entry entry;
    uint32_t number, n;
    term_make(&t, &f->hasher.sha, TERM_ID, c->id);
    enum status st = segment_term(s, f->scratch, term_slice(&t), &entry, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    TRY(st);
    TRY(segment_conversation_find(s, f->scratch, conv, KEY_SIZE, &number, &n, err));
    if (n == 0)
        return ST_OK;
    struct segment_conversation sc;
    TRY(segment_conversation_at(s, f->scratch, number, &f->temp, &sc, err));
    struct posting_iter *it;
    TRY(posting_iter_open(s, entry.handle, &it, err));
    uint32_t doc = 0;
    st = posting_iter_seek(it, sc.first, &doc, err);
    while (st == ST_OK && doc < sc.first + sc.docs) {
        struct content other;
        struct target probe = {.segment = segment, .doc = doc};
        uint32_t target;
        st = flush_content(f, &probe, &f->temp, &other, err);
        if (st == ST_OK && (other.from.data == NULL) == (c->from.data == NULL) &&
            slice_eq(other.from, c->from)) {
            st = flush_touch(f, segment, doc, &target, err);
            if (st == ST_OK)
                st = add_claim(g, key[0], key[1], target, err);
        }
        if (st == ST_OK)
            st = posting_iter_seek(it, doc + 1, &doc, err);
    }
    posting_iter_close(it);
    return st;
}

/* Claims of the documents [from, to); the lanes write to places of their own. */
static enum status ids_of_range(struct flush *f, struct flush_lane *lane, size_t from, size_t to,
                                struct err *err)
{
    for (size_t i = from; i < to; i++) {
        const struct target *t = flush_target(f, (uint32_t)i);
        const struct run_doc *d = flush_doc(f, t);
        struct content c;
        struct sort_item *claim = &f->id_claims[i];
        claim->value = UINT32_MAX;
        if (!d->has_id)
            continue;
        arena_reset(&lane->temp);
        TRY(flush_content_with(f, lane->scratch, t, &lane->temp, &c, err));
        uint64_t key[2];
        id_key(&lane->hasher, &c, d->conv->key, key);
        *claim = (struct sort_item){key[0], key[1], (uint32_t)i};
    }
    return ST_OK;
}

static enum status ids_of_run(struct flush *f, struct grown *g, struct err *err)
{
    if (f->n_new == 0)
        return ST_OK;
    f->id_claims = grown_add_many(g, f->n_new, sizeof *f->id_claims);
    if (!f->id_claims)
        return err_no_memory(err);
    TRY(flush_parallel(f, f->n_new, ids_of_range, err));
    size_t n = 0;
    for (size_t i = 0; i < f->n_new; i++)
        if (f->id_claims[i].value != UINT32_MAX)
            f->id_claims[n++] = f->id_claims[i];
    g->n = n;
    return sort_items(g->items, n, err);
}

/* What the case has under the same claim: looked up once for each group of the run. */
static enum status ids_of_case(struct flush *f, struct grown *g, struct err *err)
{
    size_t n_run = casefile_segments(f->cf) ? g->n : 0;
    for (size_t i = 0; i < n_run; i++) {
        struct sort_item now = ((struct sort_item *)g->items)[i];
        if (i && same_claim(&((struct sort_item *)g->items)[i - 1], &now))
            continue;
        const struct target *t = flush_target(f, now.value);
        const uint8_t *conv = flush_doc(f, t)->conv->key;
        struct content c;
        uint64_t key[2] = {now.hi, now.lo};
        arena_reset(&f->temp);
        TRY(flush_content(f, t, &f->temp, &c, err));
        for (uint32_t s = 0; s < casefile_segments(f->cf); s++)
            TRY(claims_of_id(f, g, s, &c, conv, key, err));
    }
    return ST_OK;
}

static enum status relate_ids(struct flush *f, struct err *err)
{
    struct grown g = {0};
    enum status st = ids_of_run(f, &g, err);
    if (st == ST_OK)
        st = ids_of_case(f, &g, err);
    if (st == ST_OK)
        st = judge_all(f, &g, err);
    grown_release(&g);
    return st;
}

/* A message that counts in a dump's books may have turned out to be contradicted. */
static void book_conflicts(struct flush *f)
{
    for (size_t i = 0; i < f->n_entries; i++) {
        const struct entry *e = &f->entries[i];
        if (e->credit == CREDIT_MESSAGE && e->copy->line > f->lines_before[e->copy->dump] &&
            (flush_target(f, e->target)->state.flags & DOC_CONFLICT))
            f->books[e->copy->dump].conflict++;
    }
}

enum status flush_relate(struct flush *f, struct err *err)
{
    TRY(relate_seqs(f, err));
    TRY(relate_ids(f, err));
    book_conflicts(f);
    return ST_OK;
}
