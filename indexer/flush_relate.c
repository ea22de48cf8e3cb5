/* flush_relate — two contents contradict each other where they claim to be one: the same (stream,
 * seq), or the same service id in the same conversation from the same sender. Claims are sorted;
 * each group is judged once, with what the case already has at the same place. */
#include "indexer/flush.h"

#include <stdlib.h>

#include "indexer/invert.h"
#include "indexer/sort.h"
#include "lictor/thread.h"

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
static enum status judge(struct flush *f, const struct sort_item *claims, size_t from, size_t to,
                         struct err *err)
{
    struct judged pair[2] = {{.of = NULL}, {.of = NULL}};
    size_t n = 0;
    arena_reset(&f->temp);
    struct target **targets = arena_array(&f->temp, to - from, sizeof *targets);
    if (!targets)
        return err_no_memory(err);
    for (size_t i = from; i < to; i++)
        if (i == from || claims[i].value != claims[i - 1].value)
            targets[n++] = flush_target(f, claims[i].value);
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

/* Claims stand in order. */
static enum status judge_groups(struct flush *f, struct grown *claims, struct err *err)
{
    struct sort_item *c = claims->items;
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

enum status flush_judge(struct flush *f, struct grown *claims, struct err *err)
{
    TRY(sort_items(claims->items, claims->n, err));
    return judge_groups(f, claims, err);
}

enum status flush_claim(struct grown *g, uint64_t hi, uint64_t lo, uint32_t target, struct err *err)
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
    if (!grown_reserve(g, f->n_entries, sizeof(struct sort_item)))
        return err_no_memory(err);
    for (size_t i = 0; i < f->n_entries; i++) {
        const struct entry *e = &f->entries[i];
        if (tables_stream_at(&f->run->tables, f->by_rank[e->rank])->numbered)
            TRY(flush_claim(g, e->rank, e->copy->seq, e->target, err));
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

/* Of the run's claims in order, those at places that an earlier run of this commit claimed too. */
static enum status claimed_before(struct flush *f, struct grown *again, struct err *err)
{
    const struct sort_item *items = f->seqs.items;
    for (size_t i = 0, j; i < f->seqs.n; i = j) {
        bool before;
        TRY(staged_claim(f->staged, f->by_rank[items[i].hi], items[i].lo, &before, err));
        for (j = i; j < f->seqs.n && same_claim(&items[i], &items[j]); j++)
            if (before)
                TRY(flush_claim(again, items[j].hi, items[j].lo, items[j].value, err));
    }
    return ST_OK;
}

/* What the run has at one place, items [i, to) of one stream, against `target` of the case. */
static enum status claim_both(struct grown *g, const struct sort_item *items, size_t i, size_t to,
                              uint32_t target, struct err *err)
{
    uint64_t seq = items[i].lo;
    bool other = false;
    for (size_t k = i; k < to && items[k].lo == seq; k++)
        other |= items[k].value != target;
    if (!other)
        return ST_OK;
    TRY(flush_claim(g, items[i].hi, seq, target, err));
    for (size_t k = i; k < to && items[k].lo == seq; k++)
        TRY(flush_claim(g, items[i].hi, seq, items[k].value, err));
    return ST_OK;
}

/* Claims [from, to) of the run are of one stream, which the segment has as its `stream`. Of more
 * than a page of records at one seq the first page is taken: they contradict each other already,
 * and one of them is enough to contradict the new one. */
static enum status claims_of_stream(struct flush *f, struct grown *g, const struct sort_item *items,
                                    size_t from, size_t to, uint32_t segment, size_t stream,
                                    struct err *err)
{
    struct seq_page page = {.n = 0};
    for (size_t i = from; i < to; i++) {
        bool found;
        if (i > from && items[i - 1].lo == items[i].lo)
            continue;
        TRY(page_seek(f, segment, stream, items[i].lo, &page, &found, err));
        if (!found)
            return ST_OK;
        for (; page.at < page.n && page.items[page.at].seq == items[i].lo; page.at++) {
            uint32_t target;
            TRY(flush_touch(f, segment, page.items[page.at].doc, &target, err));
            TRY(claim_both(g, items, i, to, target, err));
        }
    }
    return ST_OK;
}

static int seg_stream_cmp(const void *a, const void *b)
{
    return stream_cmp(&(*(const struct segment_stream *const *)a)->ref,
                      &(*(const struct segment_stream *const *)b)->ref);
}

/* Streams of the run and of the segment, both in stream_cmp order, are merged; `claims` are the
 * run's, in order. */
static enum status claims_of_segment(struct flush *f, struct grown *g, const struct grown *claims,
                                     uint32_t segment, struct err *err)
{
    const struct sort_item *items = claims->items;
    size_t n_run = claims->n;
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
        uint64_t rank = items[i].hi;
        size_t j = i;
        while (j < n_run && items[j].hi == rank)
            j++;
        const struct stream_ref *ref = tables_stream_at(&f->run->tables, f->by_rank[rank]);
        while (s < n && stream_cmp(&sorted[s]->ref, ref) < 0)
            s++;
        if (s < n && stream_cmp(&sorted[s]->ref, ref) == 0)
            st = claims_of_stream(f, g, items, i, j, segment, (size_t)(sorted[s] - streams), err);
        i = j;
    }
    free(sorted);
    return st;
}

static enum status relate_seqs(struct flush *f, struct err *err)
{
    struct grown g = {0}, again = {0};
    TRY(judge_groups(f, &f->seqs, err));
    enum status st = ST_OK;
    if (f->staged && f->staged->joining)
        st = claimed_before(f, &again, err);
    for (uint32_t i = 0; st == ST_OK && i < casefile_segments(f->cf); i++) {
        const struct grown *claims = staged_has(f->staged, i) ? &again : &f->seqs;
        if (claims->n)
            st = claims_of_segment(f, &g, claims, i, err);
    }
    if (st == ST_OK)
        st = flush_judge(f, &g, err);
    grown_release(&again);
    grown_release(&g);
    return st;
}

/* A message that counts in a dump's books may have turned out to be contradicted. */
static void book_conflicts(struct flush *f)
{
    for (uint32_t i = 0; i < f->targets.n; i++) {
        const struct target *t = flush_target(f, i);
        if (!(t->state.flags & DOC_CONFLICT))
            continue;
        for (uint32_t k = t->first_entry; k < t->first_entry + t->n_entries; k++) {
            const struct entry *e = &f->entries[k];
            f->books[e->copy->dump].conflict +=
                e->credit == CREDIT_MESSAGE && e->copy->line > f->lines_before[e->copy->dump];
        }
    }
}

static enum status list_part(void *arg, size_t i, struct err *err)
{
    struct flush *f = arg;
    return i == 0 ? claims_of_run(f, &f->seqs, err) : invert_open(f, &f->inversion, err);
}

enum status flush_relate(struct flush *f, struct err *err)
{
    TRY(thread_each(f->threads, 2, list_part, f, err));
    TRY(relate_seqs(f, err));
    TRY(flush_relate_ids(f, err));
    book_conflicts(f);
    return ST_OK;
}
