/* search_term — the short way for a single term: its total stands in the lexicon; conversations are
 * counted by leaping from one to the next; the newest hits are found by the bounds of posting
 * blocks. Each of the three walks the term for itself and reads a part of it. */
#include "lictor/thread.h"
#include "query/search_private.h"

bool search_term_fits(const struct segment_search *x)
{
    const struct plan_node *root = x->plan.root;
    const struct search_options *o = x->s->o;
    bool term = root->kind == PLAN_MATCH && !root->sealed && root->match->kind == WALK_POSTING;
    if (o->visit || o->counts)
        return false;
    if (o->limit == 0 || o->want == SEARCH_TOTALS)
        return term || root->kind == PLAN_ANY;
    return term && o->sort == SORT_NEWEST && o->limit < root->match->cost;
}

/* Documents of both; `b` is the shorter one as a rule. */
static enum status common(struct walk_set *set, struct walk *a, struct walk *b, uint64_t *n,
                          struct err *err)
{
    uint32_t doc = 0, other = 0;
    for (*n = 0;; doc++) {
        TRY(walk_seek(set, b, doc, &doc, err));
        if (doc == DOC_END)
            return ST_OK;
        TRY(walk_seek(set, a, doc, &other, err));
        if (other == DOC_END)
            return ST_OK;
        *n += other == doc;
        doc = other == doc ? doc : other - 1;
    }
}

static enum status add_total(struct segment_search *x, struct err *err)
{
    struct plan p;
    uint64_t hidden = 0;
    TRY(plan_open(x->s->v, x->s->q, &x->s->ids, x->plan.segment, &p, err));
    enum status st = ST_OK;
    uint64_t total = p.root->cand->cost;
    if (p.hidden)
        st = common(&p.set, p.root->cand, p.hidden, &hidden, err);
    plan_close(&p);
    TRY(st);
    total -= hidden < total ? hidden : total;
    /* Only messages repeat, and messages are never hidden. */
    TRY(plan_open(x->s->v, x->s->q, &x->s->ids, x->plan.segment, &p, err));
    for (size_t i = 0; st == ST_OK && i < x->repeats.n; i++) {
        uint32_t got = DOC_END;
        st = walk_seek(&p.set, p.root->cand, x->repeats.docs[i], &got, err);
        if (st == ST_OK && got == x->repeats.docs[i])
            total += x->repeats.messages[i] - 1;
    }
    plan_close(&p);
    x->s->out->total += total;
    return st;
}

static enum status add_conversations(struct segment_search *x, struct err *err)
{
    uint32_t doc = 0;
    struct plan p;
    TRY(plan_open(x->s->v, x->s->q, &x->s->ids, x->plan.segment, &p, err));
    enum status st = ST_OK;
    for (uint32_t n = 1; st == ST_OK; n++) {
        st = plan_seek(&p, doc, &doc, err);
        if (st != ST_OK || doc == DOC_END)
            break;
        st = search_count_conversation(x, doc, err);
        doc = x->conversation_end > doc ? x->conversation_end : doc + 1;
        if (st == ST_OK && n % SEARCH_STOP_EVERY == 0 && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
    }
    plan_close(&p);
    return st;
}

/* Blocks whose newest message is older than the worst hit kept are passed over unread. */
static enum status pass_old_blocks(struct segment_search *x, uint32_t *doc, struct err *err)
{
    while (x->s->cut) {
        int64_t newest;
        uint32_t last;
        TRY(posting_iter_peek(x->plan.root->match->posting, *doc, &newest, &last, err));
        if (newest >= search_rank(SORT_NEWEST, x->s->worst.sent) && last != DOC_END)
            break;
        if (last >= x->plan.set.docs) {
            *doc = DOC_END;
            break;
        }
        *doc = last + 1;
    }
    return ST_OK;
}

static enum status add_newest(struct segment_search *x, struct err *err)
{
    uint32_t doc = 0;
    for (uint32_t n = 1;; n++, doc++) {
        TRY(pass_old_blocks(x, &doc, err));
        if (doc == DOC_END)
            return ST_OK;
        TRY(plan_seek(&x->plan, doc, &doc, err));
        if (doc == DOC_END)
            return ST_OK;
        uint32_t found = doc;
        TRY(search_pass_blocks(x, &doc, err));
        if (doc == DOC_END)
            return ST_OK;
        if (doc != found) {
            doc--; /* this one is asked for next */
            continue;
        }
        if (n % SEARCH_STOP_EVERY == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(search_add_hits(x, doc, 1, search_repeats_of(&x->repeats, doc), err));
    }
}

enum status search_term_run(struct segment_search *x, struct err *err)
{
    const struct search_options *o = x->s->o;
    if (o->want == SEARCH_HITS) {
        x->s->skipped = true;
        return add_newest(x, err);
    }
    TRY(add_total(x, err));
    if (o->want == SEARCH_WHOLE && o->limit == 0)
        return ST_OK;
    TRY(add_conversations(x, err));
    return o->want == SEARCH_TOTALS ? ST_OK : add_newest(x, err);
}
