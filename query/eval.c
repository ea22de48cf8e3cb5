/* eval — what a query says of one message: true, false or unknown. A node is asked only where its
 * own walk stands at the document, so that the walks under it are never passed over it. */
#include "query/plan.h"
#include "query/then.h"

static enum status test(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                        unsigned *truth, struct err *err);

enum status plan_seek(struct plan *p, uint32_t doc, uint32_t *out, struct err *err)
{
    uint32_t got;
    for (;; doc = got + 1) {
        TRY(walk_seek(&p->set, p->root->cand, doc, &got, err));
        if (got == DOC_END)
            break;
        if (got >= p->set.docs)
            return err_set(err, ST_DAMAGED, "a list of documents goes beyond the segment");
        uint32_t hidden = DOC_END;
        if (p->hidden)
            TRY(walk_seek(&p->set, p->hidden, got, &hidden, err));
        if (hidden != got)
            break;
    }
    *out = got;
    return ST_OK;
}

enum status eval_state(struct plan *p, uint32_t doc, const struct doc_state **out, struct err *err)
{
    if (!p->state_known || p->tested.doc != doc) {
        TRY(segment_state(p->set.segment, p->set.scratch, doc, &p->state, err));
        p->tested.doc = doc;
        p->state_known = true;
    }
    *out = &p->state;
    return ST_OK;
}

static enum status stands_at(struct plan *p, struct walk *w, uint32_t doc, bool *yes,
                             struct err *err)
{
    uint32_t got;
    TRY(walk_seek(&p->set, w, doc, &got, err));
    *yes = got == doc;
    return ST_OK;
}

/* A body that did not match: false, or sealed and therefore unknown. */
static enum status unmatched(struct plan *p, const struct plan_node *x, uint32_t doc,
                             unsigned *truth, struct err *err)
{
    bool came_sealed = false;
    const struct doc_state *state;
    *truth = TRUTH_FALSE;
    if (!x->sealed || !p->sealed)
        return ST_OK;
    TRY(stands_at(p, p->sealed, doc, &came_sealed, err));
    if (!came_sealed)
        return ST_OK;
    TRY(eval_state(p, doc, &state, err));
    *truth = state->flags & DOC_SEALED ? TRUTH_SEALED : TRUTH_FALSE;
    return ST_OK;
}

static enum status test_spans(struct plan *p, const struct plan_node *x, uint32_t doc,
                              unsigned *truth, struct err *err)
{
    bool yes = true;
    if (x->match)
        TRY(stands_at(p, x->match, doc, &yes, err));
    if (yes)
        TRY(eval_spans(p, x, doc, &yes, err));
    *truth = TRUTH_TRUE;
    return yes ? ST_OK : unmatched(p, x, doc, truth, err);
}

/* ---- other leaves ---- */

/* Flags of message k and its copies. A content that is several messages tells by all its copies
 * only. */
static enum status message_state(struct plan *p, uint32_t doc, uint32_t k, bool exact,
                                 uint16_t *flags, uint32_t *copies, struct err *err)
{
    const struct doc_state *state;
    TRY(eval_state(p, doc, &state, err));
    *flags = state->flags;
    *copies = state->copies;
    if (state->messages == 1 || !exact)
        return ST_OK;
    struct message_ref ref = {.segment = p->segment, .doc = doc, .k = k};
    return view_flags(p->view, &ref, flags, copies, err);
}

static enum status test_state(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                              unsigned *truth, struct err *err)
{
    static const uint16_t asked[] = {
        [STATE_SEALED] = DOC_SEALED,
        [STATE_CONFLICT] = DOC_CONFLICT,
        [STATE_REPEATED] = DOC_REPEATED,
        [STATE_COPIES] = 0,
    };
    enum node_state what = x->node->state;
    uint16_t flags;
    uint32_t copies;
    TRY(message_state(p, doc, k, what == STATE_CONFLICT || what == STATE_COPIES, &flags, &copies,
                      err));
    bool yes = what == STATE_COPIES ? copies > 1 : (flags & asked[what]) != 0;
    *truth = yes ? TRUTH_TRUE : TRUTH_FALSE;
    return ST_OK;
}

static enum status test_copies(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                               unsigned *truth, struct err *err)
{
    uint16_t flags;
    uint32_t copies;
    TRY(message_state(p, doc, k, true, &flags, &copies, err));
    bool yes = copies >= x->node->copies.from && copies <= x->node->copies.to;
    *truth = yes ? TRUTH_TRUE : TRUTH_FALSE;
    return ST_OK;
}

static enum status test_time(struct plan *p, const struct plan_node *x, uint32_t doc,
                             unsigned *truth, struct err *err)
{
    int64_t sent;
    TRY(segment_sent(p->set.segment, p->set.scratch, doc, &sent, err));
    if (time_untimed(sent))
        *truth = TRUTH_UNTIMED;
    else
        *truth = lang_span_has(&x->node->time, sent) ? TRUTH_TRUE : TRUTH_FALSE;
    return ST_OK;
}

static enum status test_id(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                           unsigned *truth, struct err *err)
{
    bool yes;
    TRY(stands_at(p, x->match, doc, &yes, err));
    const struct buf *refs = &p->ids->refs[x->node->number];
    for (size_t i = 0; !yes && i < refs->len / sizeof(struct message_ref); i++) {
        struct message_ref r;
        memcpy(&r, refs->data + i * sizeof r, sizeof r);
        yes = r.segment == p->segment && r.doc == doc && r.k == k;
    }
    *truth = yes ? TRUTH_TRUE : TRUTH_FALSE;
    return ST_OK;
}

/* ---- operators ---- */

/* AND ends at the first false, OR at the first true; what is unknown adds its reasons. */
static enum status test_list(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                             unsigned *truth, struct err *err)
{
    unsigned ends = x->kind == PLAN_AND ? TRUTH_FALSE : TRUTH_TRUE;
    unsigned reasons = 0;
    for (size_t i = 0; i < x->n; i++) {
        unsigned one;
        TRY(test(p, x->kids[i], doc, k, &one, err));
        if (one == ends) {
            *truth = ends;
            return ST_OK;
        }
        if (one != TRUTH_TRUE)
            reasons |= one;
    }
    *truth = reasons ? reasons : x->kind == PLAN_AND ? TRUTH_TRUE : TRUTH_FALSE;
    return ST_OK;
}

static enum status test(struct plan *p, const struct plan_node *x, uint32_t doc, uint32_t k,
                        unsigned *truth, struct err *err)
{
    bool may = true;
    if (x->cand)
        TRY(stands_at(p, x->cand, doc, &may, err));
    *truth = TRUTH_FALSE;
    if (!may)
        return ST_OK;
    switch (x->kind) {
    case PLAN_ANY:
        *truth = TRUTH_TRUE;
        return ST_OK;
    case PLAN_MATCH:
        *truth = TRUTH_TRUE;
        TRY(stands_at(p, x->match, doc, &may, err));
        return may ? ST_OK : unmatched(p, x, doc, truth, err);
    case PLAN_SPANS:
        return test_spans(p, x, doc, truth, err);
    case PLAN_STATE:
        return test_state(p, x, doc, k, truth, err);
    case PLAN_ID:
        return test_id(p, x, doc, k, truth, err);
    case PLAN_TIME:
        return test_time(p, x, doc, truth, err);
    case PLAN_HELD:
        return eval_held(p, x, doc, k, truth, err);
    case PLAN_COPIES:
        return test_copies(p, x, doc, k, truth, err);
    case PLAN_THEN:
        *truth = then_truth(&p->ids->thens[x->node->number], p->segment, doc, k);
        return ST_OK;
    case PLAN_NOT:
        TRY(test(p, x->kids[0], doc, k, truth, err));
        if (*truth == TRUTH_FALSE || *truth == TRUTH_TRUE)
            *truth = TRUTH_TRUE - *truth;
        return ST_OK;
    case PLAN_AND:
    case PLAN_OR:
        return test_list(p, x, doc, k, truth, err);
    }
    return ST_OK;
}

enum status plan_test(struct plan *p, uint32_t doc, uint32_t k, unsigned *truth, struct err *err)
{
    return test(p, p->root, doc, k, truth, err);
}
