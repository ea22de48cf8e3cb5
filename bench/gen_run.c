/* gen_run — writes the dumps of one holder: its conversations merged in time through a heap, each
 * record given the next number of its stream, lost stretches left out. A live stream in two parts
 * delivers the end of the first again at the head of the second. */
#include "bench/gen_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/gen_line.h"
#include "lictor/thread.h"

static void text_clear(struct text *t)
{
    t->len = 0;
    memset(t->slots, 0, sizeof(t->slots));
    t->phrases = 0;
    t->link = t->emoji = false;
}

/* The words of a content; other != 0: what a conflict or a clash says instead. */
static void content_text(const struct lexis *l, const struct message *m, unsigned other,
                         struct text *t)
{
    struct rng r = rng_of(rng_at(m->key ^ 0x54455854, other));
    char ref[40];

    text_clear(t);
    if (m->conv->story) {
        text_put_prose(l, t, story_text(m->i, other != 0));
        return;
    }
    if (m->special == SP_NEEDLE)
        text_put_needle(l, t, (m->i < 48 ? m->i + 2 : (unsigned)(m->key >> 9)) % lexis_needles(l));
    text_make(l, t, m->conv->script, &r);
    if (m->special == SP_UNTIMED) {
        /* Without sent, only the text tells it from another untimed one. */
        snprintf(ref, sizeof(ref), " %u %u", m->conv_no, m->i);
        text_put(t, ref);
    }
    if (m->special == SP_DAMAGED)
        text_put(t, " \xff\xfe");
}

/* ---- the heap: by time, then conversation; a repeat follows what it repeats ---- */

static bool before(const struct merged *a, const struct merged *b)
{
    if (a->m.t != b->m.t)
        return a->m.t < b->m.t;
    return a->m.conv_no < b->m.conv_no;
}

static void sift_down(struct merged *heap, uint32_t n, uint32_t i)
{
    struct merged x = heap[i];

    for (uint32_t k; (k = 2 * i + 1) < n; i = k) {
        if (k + 1 < n && before(&heap[k + 1], &heap[k]))
            k++;
        if (!before(&heap[k], &x))
            break;
        heap[i] = heap[k];
    }
    heap[i] = x;
}

static enum status heap_make(struct run *r, struct err *err)
{
    const struct world *w = r->env->w;
    uint32_t from = r->holder ? w->of_start[r->holder] : 0, to = w->of_start[r->holder + 1];

    r->heap = calloc((size_t)(to - from) + 1, sizeof(*r->heap));
    if (!r->heap)
        return err_no_memory(err);
    for (uint32_t i = from; i < to; i++) {
        struct merged *x = &r->heap[r->n_heap];
        x->walk = (struct conv_walk){.w = w, .conv_no = w->of_holder[i]};
        if (conv_walk_next(&x->walk, &x->m))
            r->n_heap++;
    }
    for (uint32_t i = r->n_heap / 2; i-- > 0;)
        sift_down(r->heap, r->n_heap, i);
    return ST_OK;
}

/* ---- messages ---- */

struct owned { /* what the streams of one content say together */
    unsigned streams, sides;
    bool mine; /* this stream is the first of them */
};

static struct owned owned_by(const struct presence *p, bool variant, uint32_t holder,
                             unsigned stage)
{
    struct owned o = {0};

    for (unsigned i = 0; i < p->n; i++) {
        if ((p->at[i].holder == p->variant) != variant)
            continue;
        for (unsigned s = 0; s < STAGES; s++) {
            if (!(p->at[i].stages >> s & 1))
                continue;
            if (o.streams++ == 0)
                o.mine = p->at[i].holder == holder && s == stage;
            o.sides |= 1u << p->at[i].side;
        }
    }
    return o;
}

struct counted { /* a content as its owner counts it */
    const struct message *m;
    const struct text *text;
    unsigned streams, sides;
    bool incomplete, conflict, broken, sealed;
};

static void count_message(struct run *r, const struct counted *c)
{
    const struct message *m = c->m;
    const struct world *w = r->env->w;
    const uint32_t *members = &w->members[m->conv->members];
    struct tally *y = r->y;
    bool sealed = c->sealed, set = !m->conv->group && !c->incomplete;
    uint32_t handles[4] = {members[m->sender]};
    unsigned n = 1;

    for (unsigned i = 0; set && i < m->conv->n_members && n < 4; i++)
        if (i != m->sender)
            handles[n++] = members[i];
    struct tally_doc d = {.text = sealed ? NULL : c->text,
                          .handles = handles,
                          .n_handles = n,
                          .group = m->conv->group && !c->incomplete ? m->conv_no : UINT32_MAX,
                          .t = m->special == SP_UNTIMED ? TIME_NONE : message_stamp(w, m)};
    tally_count(y, w, r->env->l, &d);
    y->messages++;
    y->flags[GF_REPEATED] += m->repeated;
    y->flags[GF_ONE_SIDED] += c->sides == 1u << SIDE_FROM || c->sides == 1u << SIDE_TO;
    y->flags[GF_CONFLICT] += c->conflict;
    y->flags[GF_SEALED] += sealed;
    y->flags[GF_UNTIMED] += m->special == SP_UNTIMED;
    y->flags[GF_INCOMPLETE] += c->incomplete;
    y->flags[GF_DAMAGED] += m->special == SP_DAMAGED;
    y->sealed_no_key += m->conv->seal == SEAL_NO_KEY;
    y->seal_broken += c->broken;
    y->has[GH_ATTACHMENT] += message_has_attachment(m);
    y->has[GH_REPLY] += message_replies(m);
    y->has[GH_COPIES] += c->streams > 1;
    y->demo_pair += m->conv_no == 0 && !c->incomplete;
    y->demo_story += m->conv->story;
    y->demo_group += m->conv_no == w->first_group && !c->incomplete;
}

static uint8_t side_of(const struct presence *p, uint32_t holder)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->at[i].holder == holder)
            return p->at[i].side;
    return SIDE_UNKNOWN;
}

/* Another text under the same number. */
static enum status put_clash(struct run *r, struct record_plan *plan, unsigned stage,
                             struct err *err)
{
    struct counted c = {
        .m = plan->m, .text = &r->text, .streams = 1, .sides = 1u << plan->side, .conflict = true};

    content_text(r->env->l, plan->m, 2, &r->text);
    line_message(&r->line, r->env->w, plan);
    count_message(r, &c);
    return dump_put(r, stage, true, false, plan->m->t, err);
}

static bool is_sealed(const struct message *m, bool variant)
{
    return m->conv->seal != SEAL_NONE || (variant && m->doubt == DOUBT_SEALED);
}

static enum status put_message(struct run *r, const struct message *m, unsigned stage,
                               const struct presence *p, bool broken, struct err *err)
{
    bool variant = p->variant == r->holder, clash = m->special == SP_CLASH;
    bool sealed = is_sealed(m, variant);
    struct owned own = owned_by(p, variant, r->holder, stage);
    struct record_plan plan = {.m = m,
                               .text = &r->text,
                               .sealed = sealed ? &r->sealed : NULL,
                               .seq = r->seq[stage],
                               .holder = r->holder,
                               .side = side_of(p, r->holder),
                               .incomplete = variant && m->special == SP_INCOMPLETE};
    struct counted c = {.m = m,
                        .text = &r->text,
                        .streams = own.streams,
                        .sides = own.sides,
                        .incomplete = plan.incomplete,
                        .conflict =
                            clash || (m->special == SP_CONFLICT && p->variant != UINT32_MAX),
                        .broken = broken,
                        .sealed = sealed};

    /* An incomplete one has no recipients that an account could be one of. */
    if (plan.incomplete && plan.side == SIDE_TO)
        c.sides = 1u << SIDE_UNKNOWN;
    line_message(&r->line, r->env->w, &plan);
    if (own.mine)
        count_message(r, &c);
    else
        r->y->copies++;
    TRY(dump_put(r, stage, true, true, m->t, err));
    return own.mine && clash ? put_clash(r, &plan, stage, err) : ST_OK;
}

static enum status put_other(struct run *r, const struct message *m, unsigned stage, uint64_t what,
                             struct err *err)
{
    const struct world *w = r->env->w;
    const uint32_t *members = &w->members[m->conv->members];
    struct text *t = &r->text;
    bool edit = false;
    int64_t when = 0;
    uint32_t handles[4];
    unsigned n = 0;

    text_clear(t);
    enum doc_kind kind =
        line_other(&r->line, w, r->env->l, m, r->holder, r->seq[stage], what, t, &edit, &when);
    r->y->other++;
    r->y->kinds[kind]++;
    r->y->edits += edit;
    if (kind == DOC_NOTE)
        handles[n++] = r->holder;
    if (edit)
        handles[n++] = members[m->sender];
    for (unsigned i = 0; edit && !m->conv->group && i < m->conv->n_members && n < 4; i++)
        if (i != m->sender)
            handles[n++] = members[i];
    struct tally_doc d = {.text = t,
                          .handles = handles,
                          .n_handles = n,
                          .group = edit && m->conv->group ? m->conv_no : UINT32_MAX,
                          .t = when};
    if (n > 0)
        tally_count(r->y, w, r->env->l, &d);
    return dump_put(r, stage, false, true, m->t, err);
}

/* A record of number r->seq[stage]: what was lost before it is a hole. */
static enum status note_number(struct run *r, unsigned stage, bool delivered, struct err *err)
{
    struct gen_stream *s = &r->h->streams[stage];
    struct gen_hole hole = {r->seq[stage] - s->lost - 1, r->seq[stage]};

    if (!delivered) {
        s->lost++;
        return ST_OK;
    }
    if (s->lost > 0 && s->written > 0)
        buf_put(&s->holes, &hole, sizeof(hole));
    s->lost = 0;
    return buf_status(&s->holes, err);
}

static enum status step(struct run *r, const struct message *m, struct err *err)
{
    const struct world *w = r->env->w;
    unsigned delivered, there = message_stages(w, m, r->holder, &delivered);
    struct presence p;
    struct message own = *m; /* as this holder has it */
    bool broken = false;

    if (m->t >= r->h->part_at && !r->in_part_two)
        TRY(dump_part_two(r, err));
    if (delivered) {
        message_presence(w, m, &p);
        bool variant = p.variant == r->holder;
        content_text(r->env->l, m, variant && (m->special == SP_CONFLICT || m->doubt == DOUBT_TEXT),
                     &r->text);
        if (variant && m->conv->doubts)
            doubt_variant(m, &own);
        if (is_sealed(m, variant)) {
            seal_make(w, m, &r->text, &r->sealed, &broken);
            TRY(buf_status(&r->sealed, err));
        }
    }
    for (unsigned s = STAGES; s-- > 0;) { /* live first: a clash may overwrite the text */
        if (!(there >> s & 1))
            continue;
        r->seq[s]++;
        TRY(note_number(r, s, delivered >> s & 1, err));
        if (!(delivered >> s & 1))
            continue;
        if (m->special == SP_CLASH)
            content_text(r->env->l, m, 0, &r->text);
        TRY(put_message(r, &own, s, &p, broken, err));
    }
    uint64_t what = rng_at(m->key ^ r->h->key ^ 0x4f54, m->i);
    if (what % 48 != 0 || !there || m->conv->story || m->conv->doubts)
        return ST_OK;
    unsigned stage = there >> STAGE_LIVE & 1 ? STAGE_LIVE : STAGE_STORED;
    r->seq[stage]++;
    TRY(note_number(r, stage, delivered >> stage & 1, err));
    return delivered >> stage & 1 ? put_other(r, m, stage, what / 48, err) : ST_OK;
}

static enum status put_contacts(struct run *r, unsigned stage, struct err *err)
{
    const struct world *w = r->env->w;
    uint32_t from = r->holder ? w->of_start[r->holder] : 0, to = w->of_start[r->holder + 1];

    for (uint32_t i = from; i < to && !w->o->server; i++) {
        if (w->convs[w->of_holder[i]].n_members != 2)
            continue;
        line_contact(&r->line, w, r->env->l, r->holder, w->of_holder[i], ++r->seq[stage]);
        r->y->other++;
        r->y->kinds[DOC_CONTACT]++;
        TRY(dump_put(r, stage, false, true, GEN_BEGIN_MS, err));
    }
    return ST_OK;
}

static enum status run_all(struct run *r, struct err *err)
{
    bool stored = r->h->stored_to != INT64_MIN, live = r->h->live_from != INT64_MAX;

    if (stored)
        TRY(dump_open(r, STAGE_STORED, r->h->first_dump, err));
    if (live)
        TRY(dump_open(r, STAGE_LIVE, r->h->first_dump + (stored ? 1 : 0), err));
    TRY(heap_make(r, err));
    TRY(put_contacts(r, stored ? STAGE_STORED : STAGE_LIVE, err));
    for (uint64_t n = 0; r->n_heap > 0; n++) {
        struct merged *top = &r->heap[0];
        if (n % REPORT_RECORDS == 0 && stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(step(r, &top->m, err));
        if (!conv_walk_next(&top->walk, &top->m))
            *top = r->heap[--r->n_heap];
        if (r->n_heap > 0)
            sift_down(r->heap, r->n_heap, 0);
    }
    if (r->h->part_at != INT64_MAX && !r->in_part_two)
        TRY(dump_part_two(r, err));
    for (unsigned s = 0; s < STAGES; s++) {
        struct gen_stream *g = &r->h->streams[s];
        if (r->out[s].w)
            TRY(dump_end(r, s, err));
        g->last_seq = r->seq[s];
        g->missing = g->written > 0 ? g->last_seq - g->first_seq + 1 - g->written : g->last_seq;
    }
    return ST_OK;
}

enum status holder_run(const struct gen_run_env *env, uint32_t holder, struct tally *y,
                       struct err *err)
{
    struct run *r = calloc(1, sizeof(*r));

    if (!r)
        return err_no_memory(err);
    r->env = env;
    r->y = y;
    r->holder = holder;
    r->h = &env->w->holders[holder];
    r->reported = y->records;
    enum status st = run_all(r, err);
    run_report(r, true);
    for (unsigned s = 0; s < STAGES; s++)
        if (r->out[s].w)
            dump_writer_abort(r->out[s].w);
    for (unsigned i = 0; i < TAIL; i++)
        buf_release(&r->tail[i].bytes);
    buf_release(&r->sealed);
    free(r->heap);
    free(r);
    return st;
}
