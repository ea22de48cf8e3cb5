/* eval — what a query says of one message: true, false or unknown. A node is asked only where its
 * own walk stands at the document, so that the walks under it are never passed over it. */
#include "query/plan.h"

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

/* ---- phrases ---- */

/* First of the ascending positions [*at, n) that is >= want; *at moves there. */
static bool position_at(const uint32_t *positions, uint32_t n, uint32_t *at, uint64_t want)
{
    uint32_t lo = *at, step = 1;
    while (n - lo > step && positions[lo + step] < want) {
        lo += step;
        step *= 2;
    }
    uint32_t hi = n - lo > step ? lo + step : n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (positions[mid] < want)
            lo = mid + 1;
        else
            hi = mid;
    }
    *at = lo;
    return lo < n && positions[lo] == want;
}

struct phrase_part {
    const uint32_t *positions;
    uint32_t n, at, offset;
};

static bool phrase_stands(struct phrase_part *parts, size_t n)
{
    const struct phrase_part *least = &parts[0];
    for (size_t i = 1; i < n; i++)
        if (parts[i].n < least->n)
            least = &parts[i];
    for (uint32_t j = 0; j < least->n; j++) {
        bool all = least->positions[j] >= least->offset;
        for (size_t i = 0; all && i < n; i++)
            if (&parts[i] != least)
                all = position_at(parts[i].positions, parts[i].n, &parts[i].at,
                                  (uint64_t)least->positions[j] - least->offset + parts[i].offset);
        if (all)
            return true;
    }
    return false;
}

static enum status phrase_positions(struct plan *p, const struct plan_node *x, bool *yes,
                                    struct err *err)
{
    size_t n = x->node->text.n;
    *yes = true;
    if (n == 1)
        return ST_OK;
    arena_reset(&p->text);
    struct phrase_part *parts = arena_array(&p->text, n, sizeof *parts);
    if (!parts)
        return err_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        TRY(posting_iter_positions(x->parts[i]->posting, &parts[i].positions, &parts[i].n, err));
        parts[i].offset = x->node->text.parts[i].offset;
    }
    *yes = phrase_stands(parts, n);
    return ST_OK;
}

static bool token_is(const struct node *node, const struct text_part *part, const struct token *t,
                     struct slice text)
{
    if (!node->text.exact)
        return slice_eq(part->folded, slice_of(t->text, t->len));
    return t->kind == part->kind &&
           slice_eq(part->written, slice_of(text.data + t->from, t->to - t->from));
}

bool eval_parts_at(const struct node *node, const struct words *w, struct slice text, size_t i,
                   uint32_t *end)
{
    const struct text_part *parts = node->text.parts;
    if (!token_is(node, &parts[0], &w->tokens[i], text))
        return false;
    *end = w->tokens[i].to;
    for (size_t part = 1, j = i; part < node->text.n; part++) {
        uint64_t want = (uint64_t)w->tokens[i].pos + parts[part].offset;
        while (j < w->n && w->tokens[j].pos < want)
            j++;
        while (j < w->n && w->tokens[j].pos == want &&
               !token_is(node, &parts[part], &w->tokens[j], text))
            j++;
        if (j >= w->n || w->tokens[j].pos != want)
            return false;
        *end = w->tokens[j].to;
    }
    return true;
}

/* As written: the stored text is split again and its bytes are compared. */
static enum status phrase_text(struct plan *p, const struct plan_node *x, uint32_t doc, bool *yes,
                               struct err *err)
{
    struct slice row;
    struct content c;
    struct words w;
    uint32_t end;
    arena_reset(&p->text);
    TRY(segment_row(p->set.segment, p->set.scratch, doc, &row, err));
    TRY(content_decode(row, &p->text, &c, err));
    struct slice text = c.body_kind == BODY_SEALED ? c.opened : c.text;
    TRY(splitter_split(p->view->splitter, text, &w, err));
    *yes = false;
    for (size_t i = 0; !*yes && i < w.n; i++)
        *yes = eval_parts_at(x->node, &w, text, i, &end);
    return ST_OK;
}

static enum status test_phrase(struct plan *p, const struct plan_node *x, uint32_t doc,
                               unsigned *truth, struct err *err)
{
    bool yes;
    TRY(stands_at(p, x->match, doc, &yes, err));
    if (yes)
        TRY(phrase_positions(p, x, &yes, err));
    if (yes && x->node->text.exact)
        TRY(phrase_text(p, x, doc, &yes, err));
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
    if (sent == TIME_NONE || sent <= 0 || sent > TIME_MAX_MS)
        *truth = TRUTH_UNTIMED;
    else
        *truth = sent >= x->node->time.from && sent < x->node->time.to ? TRUTH_TRUE : TRUTH_FALSE;
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
    case PLAN_PHRASE:
        return test_phrase(p, x, doc, truth, err);
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
    case PLAN_ATTACHMENT:
        return eval_attachment(p, x, doc, truth, err);
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
