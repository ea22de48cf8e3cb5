/* then — conversations stand in each segment by key: merging the segments by key brings together
 * what belongs to one conversation, and no more than that is in memory. */
#include "query/then.h"

#include <stdlib.h>

#include "lictor/thread.h"

#define THEN_STOP_EVERY 4096 /* documents between two looks at the stop flag */

/* Where a segment stands. */
struct then_place {
    uint32_t doc, end; /* DOC_END: no more; end of the conversation of doc */
    uint8_t key[KEY_SIZE];
};

struct then_run {
    struct view *v;
    const struct query *q;
    const struct node *n;
    const struct then_source *source;
    uint32_t segments;
    struct then_place *places;
    struct then_line line;
    struct arena a;      /* one row, one conversation */
    bool earlier, later; /* a message of the conversation may be matched by that side */
    uint32_t looked;
};

static enum status move(struct then_run *t, uint32_t s, uint32_t doc, struct err *err)
{
    struct then_place *p = &t->places[s];
    if (++t->looked % THEN_STOP_EVERY == 0 && stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    TRY(t->source->seek(t->source->ctx, s, doc, &p->doc, err));
    if (p->doc == DOC_END || p->doc < p->end)
        return ST_OK;
    return view_conversation_key(t->v, s, p->doc, p->key, &p->end, err);
}

/* ---- the messages of a document ---- */

static enum status sender_of(struct then_run *t, uint32_t s, uint32_t doc,
                             struct then_sender *sender, struct err *err)
{
    struct slice row;
    struct content c;
    uint8_t hash[SHA256_SIZE], present;
    struct sha256 *sha = &t->v->hasher.sha;
    arena_reset(&t->a);
    TRY(segment_row(casefile_segment(t->v->cf, s), t->v->scratch[s], doc, &row, err));
    TRY(content_decode(row, &t->a, &c, err));
    present = c.from.data != NULL;
    sha256_begin(sha);
    sha256_add(sha, &present, 1);
    sha256_add(sha, c.from.data, c.from.len);
    sha256_end(sha, hash);
    memcpy(sender->key, hash, KEY_SIZE);
    return ST_OK;
}

static enum status put_message(struct then_run *t, const struct then_message *m, struct err *err)
{
    if (t->line.messages.len / sizeof *m >= THEN_CONVERSATION_MAX)
        return err_set(err, ST_LIMIT,
                       "THEN meets more than %zu messages of one conversation: narrow its sides",
                       THEN_CONVERSATION_MAX);
    buf_put(&t->line.messages, m, sizeof *m);
    return buf_status(&t->line.messages, err);
}

static enum status sent_of(struct then_run *t, uint32_t s, uint32_t doc, int64_t *sent,
                           struct err *err)
{
    TRY(segment_sent(casefile_segment(t->v->cf, s), t->v->scratch[s], doc, sent, err));
    if (time_untimed(*sent))
        *sent = TIME_NONE;
    return ST_OK;
}

/* Both sides, the later one with what by:HANDLE says. */
static enum status test_message(struct then_run *t, struct then_message *m, struct err *err)
{
    const struct then_source *src = t->source;
    const struct message_ref *r = &m->ref;
    unsigned earlier, later, sender = TRUTH_TRUE;
    TRY(src->test(src->ctx, THEN_EARLIER, r->segment, r->doc, r->k, &earlier, err));
    TRY(src->test(src->ctx, THEN_LATER, r->segment, r->doc, r->k, &later, err));
    if (later != TRUTH_FALSE && t->n->then.by == THEN_BY_HANDLE)
        TRY(src->test(src->ctx, THEN_SENDER, r->segment, r->doc, r->k, &sender, err));
    if (sender == TRUTH_FALSE)
        later = TRUTH_FALSE;
    else if (sender != TRUTH_TRUE)
        later = later == TRUTH_TRUE ? sender : later | sender;
    m->earlier = (uint8_t)earlier;
    m->later = (uint8_t)later;
    return ST_OK;
}

static enum status add_document(struct then_run *t, uint32_t s, uint32_t doc, struct err *err)
{
    struct then_message m = {.ref = {.segment = s, .doc = doc}};
    struct then_sender sender;
    enum then_by by = t->n->then.by;
    bool by_sender = by == THEN_BY_SAME || by == THEN_BY_OTHER, known = false;
    bool whole_line = t->source->every && t->n->then.unit == THEN_MESSAGES;
    uint32_t messages;
    TRY(view_messages(t->v, s, doc, &messages, err));
    TRY(sent_of(t, s, doc, &m.ref.sent, err));
    for (uint32_t k = 1; k <= messages; k++) {
        m.ref.k = k;
        TRY(test_message(t, &m, err));
        bool matters = m.earlier != TRUTH_FALSE || m.later != TRUTH_FALSE;
        t->earlier |= m.earlier != TRUTH_FALSE;
        t->later |= m.later != TRUTH_FALSE;
        if (matters && by_sender) {
            if (!known)
                TRY(sender_of(t, s, doc, &sender, err));
            known = true;
            sender.message = (uint32_t)(t->line.messages.len / sizeof m);
            buf_put(&t->line.senders, &sender, sizeof sender);
            TRY(buf_status(&t->line.senders, err));
        }
        if (matters || whole_line)
            TRY(put_message(t, &m, err));
    }
    return ST_OK;
}

/* ---- THEN/nmsg counts all messages of the conversation ---- */

/* Those of a document that neither side matches; `*at` of the first `n` messages gathered, which
 * stand by place, are behind. */
static enum status add_others(struct then_run *t, uint32_t s, uint32_t doc, size_t n, size_t *at,
                              struct err *err)
{
    struct doc_state state;
    struct then_message m = {.ref = {.segment = s, .doc = doc}};
    TRY(segment_state(casefile_segment(t->v->cf, s), t->v->scratch[s], doc, &state, err));
    if ((state.flags & DOC_HIDDEN) && !t->q->has_kind)
        return ST_OK;
    TRY(sent_of(t, s, doc, &m.ref.sent, err));
    for (uint32_t k = 1; k <= state.messages; k++) {
        struct then_message known = {.ref = {.segment = UINT32_MAX}};
        if (*at < n)
            memcpy(&known, t->line.messages.data + *at * sizeof known, sizeof known);
        m.ref.k = k;
        if (known.ref.segment == s && known.ref.doc == doc && known.ref.k == k)
            ++*at;
        else
            TRY(put_message(t, &m, err));
    }
    return ST_OK;
}

static enum status add_line(struct then_run *t, const uint8_t key[KEY_SIZE], struct err *err)
{
    size_t n = t->line.messages.len / sizeof(struct then_message), at = 0;
    for (uint32_t s = 0; s < t->segments; s++) {
        struct segment *segment = casefile_segment(t->v->cf, s);
        struct segment_conversation c;
        uint32_t number, count;
        TRY(segment_conversation_find(segment, t->v->scratch[s], key, KEY_SIZE, &number, &count,
                                      err));
        if (count == 0)
            continue;
        arena_reset(&t->a);
        TRY(segment_conversation_at(segment, t->v->scratch[s], number, &t->a, &c, err));
        for (uint32_t i = 0; i < c.docs; i++) {
            if (i % THEN_STOP_EVERY == 0 && stop_asked())
                return err_set(err, ST_INTERRUPTED, "interrupted");
            TRY(add_others(t, s, c.first + i, n, &at, err));
        }
    }
    return ST_OK;
}

/* ---- one conversation after the other ---- */

static enum status gather(struct then_run *t, uint32_t s, struct err *err)
{
    uint32_t end = t->places[s].end;
    while (t->places[s].doc < end) {
        uint32_t doc = t->places[s].doc;
        TRY(add_document(t, s, doc, err));
        TRY(move(t, s, doc + 1, err));
    }
    return ST_OK;
}

static enum status run_conversation(struct then_run *t, const uint8_t key[KEY_SIZE],
                                    struct buf *found, struct err *err)
{
    buf_clear(&t->line.messages);
    buf_clear(&t->line.senders);
    t->earlier = t->later = false;
    for (uint32_t s = 0; s < t->segments; s++)
        if (t->places[s].doc != DOC_END && memcmp(t->places[s].key, key, KEY_SIZE) == 0)
            TRY(gather(t, s, err));
    if (!t->earlier || !t->later)
        return ST_OK;
    if (t->n->then.unit == THEN_MESSAGES && !t->source->every)
        TRY(add_line(t, key, err));
    return then_line_join(&t->line, found, err);
}

static enum status run_all(struct then_run *t, struct buf *found, struct err *err)
{
    for (uint32_t s = 0; s < t->segments; s++)
        TRY(move(t, s, 0, err));
    for (;;) {
        const struct then_place *least = NULL;
        uint8_t key[KEY_SIZE];
        for (uint32_t s = 0; s < t->segments; s++) {
            const struct then_place *p = &t->places[s];
            if (p->doc != DOC_END && (!least || memcmp(p->key, least->key, KEY_SIZE) < 0))
                least = p;
        }
        if (!least)
            return ST_OK;
        memcpy(key, least->key, KEY_SIZE);
        TRY(run_conversation(t, key, found, err));
    }
}

static int by_place(const void *a, const void *b)
{
    const struct then_found *x = a, *y = b;
    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    if (x->doc != y->doc)
        return x->doc < y->doc ? -1 : 1;
    return (x->k > y->k) - (x->k < y->k);
}

enum status then_find(struct view *v, const struct query *q, const struct node *n,
                      const struct then_source *source, struct buf *found, struct err *err)
{
    struct then_run t = {.v = v, .q = q, .n = n, .source = source, .line = {.v = v, .n = n}};
    t.segments = (uint32_t)casefile_segments(v->cf);
    arena_init(&t.a, 0);
    t.places = calloc(t.segments + 1, sizeof *t.places);
    enum status st = t.places ? run_all(&t, found, err) : err_no_memory(err);
    if (st == ST_OK && found->len > sizeof(struct then_found))
        qsort(found->data, found->len / sizeof(struct then_found), sizeof(struct then_found),
              by_place);
    free(t.places);
    arena_release(&t.a);
    buf_release(&t.line.messages);
    buf_release(&t.line.senders);
    return st;
}

/* ---- what was found ---- */

/* The first that does not stand before `key`. */
static size_t lower_bound(const struct buf *found, const struct then_found *key)
{
    const void *data = found->data;
    const struct then_found *all = data;
    size_t lo = 0, hi = found->len / sizeof *all;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_place(&all[mid], key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

unsigned then_truth(const struct buf *found, uint32_t segment, uint32_t doc, uint32_t k)
{
    const struct then_found key = {.segment = segment, .doc = doc, .k = k};
    const void *data = found->data;
    const struct then_found *all = data;
    size_t at = lower_bound(found, &key);
    if (at == found->len / sizeof key || by_place(&all[at], &key) != 0)
        return TRUTH_FALSE;
    return all[at].truth;
}

size_t then_of_segment(const struct buf *found, uint32_t segment, const struct then_found **first)
{
    const struct then_found from = {.segment = segment}, to = {.segment = segment + 1};
    const void *data = found->data;
    size_t lo = lower_bound(found, &from), hi = lower_bound(found, &to);
    *first = data ? (const struct then_found *)data + lo : NULL;
    return hi - lo;
}

enum status then_each(const struct node *root,
                      enum status (*run)(void *ctx, const struct node *n, struct err *err),
                      void *ctx, struct err *err)
{
    switch (root->kind) {
    case NODE_NOT:
    case NODE_AND:
    case NODE_OR:
    case NODE_THEN:
        for (size_t i = 0; i < root->list.n; i++)
            TRY(then_each(root->list.kids[i], run, ctx, err));
        return root->kind == NODE_THEN ? run(ctx, root, err) : ST_OK;
    default:
        return ST_OK; /* NEAR has none under it */
    }
}
