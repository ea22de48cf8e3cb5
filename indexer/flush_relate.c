/* flush_relate — two contents contradict each other where they claim to be one: the same (stream,
 * seq), or the same service id in the same conversation from the same sender. Claims are sorted;
 * each group is judged once, with what the case already has at the same place. */
#include "indexer/flush.h"

#include <stdlib.h>

#define SEQS_AT_ONCE 1024

struct claim {
    uint64_t a, b; /* same-seq: rank, seq; same-id: 128 bits of a hash */
    uint32_t target;
};

static int claim_cmp(const void *pa, const void *pb)
{
    const struct claim *x = pa, *y = pb;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    return (x->target > y->target) - (x->target < y->target);
}

static bool same_claim(const struct claim *x, const struct claim *y)
{
    return x->a == y->a && x->b == y->b;
}

static void set_flag(struct target *t, uint16_t flag)
{
    if ((t->state.flags & flag) == flag)
        return;
    t->state.flags |= flag;
    t->changed = true;
}

/* One of the contents that are compared, and the memory it stands in. */
struct judged {
    struct arena a;
    struct content c;
    const struct target *of;
};

static enum status judged_load(struct flush *f, const struct target *t, struct judged *j,
                               struct err *err)
{
    if (j->of == t)
        return ST_OK;
    j->of = NULL;
    arena_reset(&j->a);
    TRY(flush_content(f, t, &j->a, &j->c, err));
    j->of = t;
    return ST_OK;
}

static bool pair_conflicts(const struct judged *x, const struct judged *y)
{
    return contents_conflict(&x->c, x->of->state.flags, &y->c, y->of->state.flags);
}

/* Whom does targets[i] contradict? The first one that it does is enough. */
static enum status judge_one(struct flush *f, struct target **targets, size_t n, size_t i,
                             struct judged pair[2], struct err *err)
{
    TRY(judged_load(f, targets[i], &pair[0], err));
    if (pair[0].c.body_kind == BODY_NONE && (targets[i]->state.flags & DOC_DELETED))
        return ST_OK;
    for (size_t j = 0; j < n; j++) {
        if (j == i)
            continue;
        TRY(judged_load(f, targets[j], &pair[1], err));
        if (!pair_conflicts(&pair[0], &pair[1]))
            continue;
        set_flag(targets[i], DOC_CONFLICT);
        set_flag(targets[j], DOC_CONFLICT);
        break;
    }
    return ST_OK;
}

/* Judges claims [from, to), all of one group: each pair until a contradiction is found. Any number
 * of large texts may claim one place, so two are held at a time and read again where needed. */
static enum status judge(struct flush *f, const struct claim *claims, size_t from, size_t to,
                         struct err *err)
{
    struct judged pair[2] = {{.of = NULL}, {.of = NULL}};
    size_t n = 0;
    arena_reset(&f->temp);
    struct target **targets = arena_array(&f->temp, to - from, sizeof *targets);
    if (!targets)
        return err_no_memory(err);
    for (size_t i = from; i < to; i++)
        if (i == from || claims[i].target != claims[i - 1].target)
            targets[n++] = flush_target(f, claims[i].target);
    if (n < 2)
        return ST_OK;
    enum status st = ST_OK;
    for (size_t i = 0; i < n; i++)
        set_flag(targets[i], DOC_RELATED);
    arena_init(&pair[0].a, (size_t)16 << 10);
    arena_init(&pair[1].a, (size_t)16 << 10);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        if (!(targets[i]->state.flags & DOC_CONFLICT))
            st = judge_one(f, targets, n, i, pair, err);
    arena_release(&pair[0].a);
    arena_release(&pair[1].a);
    return st;
}

static enum status judge_all(struct flush *f, struct grown *claims, struct err *err)
{
    struct claim *c = claims->items;
    if (claims->n > 1)
        qsort(c, claims->n, sizeof *c, claim_cmp);
    for (size_t i = 0; i < claims->n;) {
        size_t j = i + 1;
        bool many = false;
        for (; j < claims->n && same_claim(&c[i], &c[j]); j++)
            many |= c[j].target != c[i].target;
        if (many)
            TRY(judge(f, c, i, j, err));
        i = j;
    }
    return ST_OK;
}

static enum status add_claim(struct grown *g, uint64_t a, uint64_t b, uint32_t target,
                             struct err *err)
{
    struct claim *c = grown_add(g, sizeof *c);
    if (!c)
        return err_no_memory(err);
    *c = (struct claim){.a = a, .b = b, .target = target};
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
    if (g->n > 1)
        qsort(g->items, g->n, sizeof(struct claim), claim_cmp);
    return ST_OK;
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
        struct claim c = ((struct claim *)g->items)[i];
        bool found;
        if (i > from && ((struct claim *)g->items)[i - 1].b == c.b)
            continue;
        TRY(page_seek(f, segment, stream, c.b, &page, &found, err));
        if (!found)
            return ST_OK;
        for (; page.at < page.n && page.items[page.at].seq == c.b; page.at++) {
            uint32_t target;
            TRY(flush_touch(f, segment, page.items[page.at].doc, &target, err));
            TRY(add_claim(g, c.a, c.b, target, err));
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
        uint64_t rank = ((struct claim *)g->items)[i].a;
        size_t j = i;
        while (j < n_run && ((struct claim *)g->items)[j].a == rank)
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

static void id_key(struct flush *f, const struct content *c, const uint8_t conv[KEY_SIZE],
                   uint64_t key[2])
{
    uint8_t out[SHA256_SIZE], len[8];
    struct sha256 *sha = &f->hasher.sha;
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

static enum status ids_of_run(struct flush *f, struct grown *g, struct err *err)
{
    for (uint32_t i = 0; i < f->n_new; i++) {
        const struct run_doc *d = flush_doc(f, flush_target(f, i));
        struct content c;
        uint64_t key[2];
        if (!d->has_id)
            continue;
        arena_reset(&f->temp);
        TRY(flush_content(f, flush_target(f, i), &f->temp, &c, err));
        id_key(f, &c, d->conv->key, key);
        TRY(add_claim(g, key[0], key[1], i, err));
    }
    if (g->n > 1)
        qsort(g->items, g->n, sizeof(struct claim), claim_cmp);
    return ST_OK;
}

/* What the case has under the same claim: looked up once for each group of the run. */
static enum status ids_of_case(struct flush *f, struct grown *g, struct err *err)
{
    size_t n_run = g->n;
    for (size_t i = 0; i < n_run; i++) {
        struct claim now = ((struct claim *)g->items)[i];
        if (i && same_claim(&((struct claim *)g->items)[i - 1], &now))
            continue;
        const struct target *t = flush_target(f, now.target);
        const uint8_t *conv = flush_doc(f, t)->conv->key;
        struct content c;
        uint64_t key[2] = {now.a, now.b};
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
