/* thread_also — where the members of a conversation meet besides it. Postings of a handle are
 * walked from conversation to conversation, never from message to message. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/thread.h"

struct met { /* a conversation, and which of the handles is in it */
    uint8_t key[KEY_SIZE];
    uint32_t handle;
};

struct meeting_search {
    struct view *v;
    const struct conversation *set;
    struct arena a;
    struct buf met; /* struct met */
    uint32_t handle;
};

static bool set_holds_all(const struct conversation *c, const struct conversation *set)
{
    size_t at = 0;
    for (size_t i = 0; i < set->n_set; i++, at++) {
        while (at < c->n_set && slice_cmp(c->set[at], set->set[i]) < 0)
            at++;
        if (at == c->n_set || !slice_eq(c->set[at], set->set[i]))
            return false;
    }
    return true;
}

static bool same_service(const struct conversation *a, const struct conversation *b)
{
    return (a->service.data != NULL) == (b->service.data != NULL) &&
           slice_eq(a->service, b->service);
}

static void met_add(struct meeting_search *s, const struct segment_conversation *sc)
{
    struct met m = {.handle = s->handle};
    if (!same_service(&sc->c, s->set))
        return;
    memcpy(m.key, sc->key, KEY_SIZE);
    if (sc->c.kind == CONV_GROUP)
        buf_put(&s->met, &m, sizeof m);
    if (sc->c.kind != CONV_SET || s->handle > 0 || sc->c.n_set <= s->set->n_set ||
        !set_holds_all(&sc->c, s->set))
        return;
    for (m.handle = 0; m.handle < s->set->n_set; m.handle++) /* all are in it */
        buf_put(&s->met, &m, sizeof m);
}

static enum status walk_term(struct meeting_search *s, uint32_t segment, enum term_field field,
                             bool groups, struct err *err)
{
    struct segment *seg = casefile_segment(s->v->cf, segment);
    struct segment_conversation sc;
    struct term_entry e;
    struct posting_iter *it;
    struct term t;
    uint32_t doc = 0;
    term_make(&t, &s->v->hasher.sha, field, s->set->set[s->handle]);
    enum status st = segment_term(seg, s->v->scratch[segment], term_slice(&t), &e, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    TRY(st);
    TRY(posting_iter_open(seg, e.handle, &it, err));
    while ((st = posting_iter_seek(it, doc, &doc, err)) == ST_OK && doc != DOC_END) {
        arena_reset(&s->a);
        st = segment_conversation_of(seg, s->v->scratch[segment], doc, &s->a, &sc, err);
        if (st == ST_OK && stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted");
        if (st != ST_OK)
            break;
        if (groups || sc.c.kind == CONV_SET)
            met_add(s, &sc);
        doc = sc.first + sc.docs;
    }
    posting_iter_close(it);
    return st == ST_OK ? buf_status(&s->met, err) : st;
}

static int by_met(const void *a, const void *b)
{
    const struct met *x = a, *y = b;
    int c = memcmp(x->key, y->key, KEY_SIZE);
    return c ? c : (x->handle > y->handle) - (x->handle < y->handle);
}

/* Conversations in which every handle was met. */
static enum status common(struct meeting_search *s, struct arena *a, struct thread_meeting **out,
                          size_t *n, struct err *err)
{
    void *data = s->met.data;
    struct met *all = data;
    size_t len = s->met.len / sizeof *all;
    struct thread_meeting *found =
        arena_array(a, len / (s->set->n_set + !s->set->n_set) + 1, sizeof *found);
    if (!found)
        return err_no_memory(err);
    if (len > 1)
        qsort(all, len, sizeof *all, by_met);
    *n = 0;
    for (size_t i = 0, end; i < len; i = end) {
        size_t handles = 1;
        for (end = i + 1; end < len && memcmp(all[end].key, all[i].key, KEY_SIZE) == 0; end++)
            handles += all[end].handle != all[end - 1].handle;
        if (handles < s->set->n_set)
            continue;
        struct thread_meeting *m = &found[(*n)++];
        memcpy(m->key, all[i].key, KEY_SIZE);
        TRY(thread_conversation(s->v, m->key, a, &m->c, err));
    }
    *out = found;
    return ST_OK;
}

enum status thread_also(struct view *v, const struct conversation *set, struct arena *a,
                        struct thread_meeting **out, size_t *n, struct err *err)
{
    struct meeting_search s = {.v = v, .set = set};
    enum status st = ST_OK;
    arena_init(&s.a, (size_t)16 << 10);
    for (uint32_t g = 0; g < casefile_segments(v->cf); g++)
        for (s.handle = 0; st == ST_OK && s.handle < set->n_set; s.handle++) {
            st = walk_term(&s, g, TERM_FROM, true, err);
            if (st == ST_OK && s.handle == 0)
                st = walk_term(&s, g, TERM_TO, false, err);
        }
    if (st == ST_OK)
        st = common(&s, a, out, n, err);
    buf_release(&s.met);
    arena_release(&s.a);
    return st;
}
