/* invert — each worker has ids of its own; sorting all their terms once gives the global order and
 * a map per worker. Documents are then walked in the one order, so every term's list comes out
 * sorted. */
#include "indexer/invert.h"

#include <stdlib.h>

struct named {
    struct slice term;
    uint32_t worker, id;
};

struct inversion {
    struct flush *f;
    struct named *names;
    size_t n_names;
    uint32_t **map; /* by worker, by local id: global id */
    struct slice *terms;
    uint32_t n_terms;
    uint64_t *first; /* by global id: where its list begins; n_terms + 1 */
    uint32_t *docs, *positions;
    struct grown d, tf, pos; /* one term's list, compressed */
};

static int named_cmp(const void *a, const void *b)
{
    return slice_cmp(((const struct named *)a)->term, ((const struct named *)b)->term);
}

static enum status unite_vocabularies(struct inversion *v, struct err *err)
{
    const struct run *r = v->f->run;
    size_t total = 0, at = 0;
    for (unsigned w = 0; w < r->workers; w++)
        total += r->stores[w].vocab.n;
    v->names = malloc((total ? total : 1) * sizeof *v->names);
    v->terms = malloc((total ? total : 1) * sizeof *v->terms);
    v->map = calloc(r->workers + 1u, sizeof *v->map);
    if (!v->names || !v->terms || !v->map)
        return err_no_memory(err);
    for (unsigned w = 0; w < r->workers; w++) {
        const struct vocab *voc = &r->stores[w].vocab;
        v->map[w] = malloc((voc->n ? voc->n : 1) * sizeof **v->map);
        if (!v->map[w])
            return err_no_memory(err);
        for (uint32_t i = 0; i < voc->n; i++)
            v->names[at++] = (struct named){vocab_term(voc, i), w, i};
    }
    v->n_names = total;
    if (total > 1)
        qsort(v->names, total, sizeof *v->names, named_cmp);
    for (size_t i = 0; i < total; i++) {
        if (i == 0 || !slice_eq(v->names[i].term, v->names[i - 1].term))
            v->terms[v->n_terms++] = v->names[i].term;
        v->map[v->names[i].worker][v->names[i].id] = v->n_terms - 1;
    }
    return ST_OK;
}

/* Calls for each token of document i of the one order; positions only for words. */
static void walk_doc(struct inversion *v, uint32_t i, bool scatter)
{
    const struct target *t = flush_target(v->f, i);
    const struct run_doc *d = flush_doc(v->f, t);
    const struct run_store *s = &v->f->run->stores[RUN_REF_WORKER(t->ref)];
    const uint32_t *map = v->map[RUN_REF_WORKER(t->ref)];
    const uint32_t *tokens = (const uint32_t *)s->tokens.items + d->first_token;
    uint32_t n = d->n_fields + d->n_words, pos = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t g = map[tokens[k] & ~TOKEN_SAME];
        if (k > d->n_fields && !(tokens[k] & TOKEN_SAME))
            pos++;
        if (!scatter) {
            v->first[g + 1]++;
            continue;
        }
        uint64_t at = v->first[g]++;
        v->docs[at] = i;
        v->positions[at] = pos;
    }
}

static enum status scatter(struct inversion *v, struct err *err)
{
    v->first = calloc((size_t)v->n_terms + 2, sizeof *v->first);
    if (!v->first)
        return err_no_memory(err);
    for (uint32_t i = 0; i < v->f->n_new; i++)
        walk_doc(v, i, false);
    for (uint32_t g = 0; g < v->n_terms; g++)
        v->first[g + 1] += v->first[g];
    uint64_t total = v->first[v->n_terms];
    v->docs = malloc((total ? total : 1) * sizeof *v->docs);
    v->positions = malloc((total ? total : 1) * sizeof *v->positions);
    if (!v->docs || !v->positions)
        return err_no_memory(err);
    for (uint32_t i = 0; i < v->f->n_new; i++)
        walk_doc(v, i, true);
    /* The scatter moved each beginning to its end, which is the next one's beginning. */
    for (uint32_t g = v->n_terms; g > 0; g--)
        v->first[g] = v->first[g - 1];
    v->first[0] = 0;
    return ST_OK;
}

static bool push(struct grown *g, uint32_t value)
{
    uint32_t *slot = grown_add(g, sizeof *slot);
    if (slot)
        *slot = value;
    return slot != NULL;
}

/* (doc, position) pairs of one term as documents, frequencies and positions, each pair once. */
static enum status list_term(struct inversion *v, uint32_t g, struct inverted *out, struct err *err)
{
    uint64_t from = v->first[g], to = v->first[g + 1];
    bool words = v->terms[g].data[0] == TERM_WORD, good = true;
    v->d.n = v->tf.n = v->pos.n = 0;
    for (uint64_t i = from; i < to && good; i++) {
        bool new_doc = i == from || v->docs[i] != v->docs[i - 1];
        if (new_doc)
            good = push(&v->d, v->docs[i]) && push(&v->tf, 0);
        if (good && words && (new_doc || v->positions[i] != v->positions[i - 1])) {
            ((uint32_t *)v->tf.items)[v->tf.n - 1]++;
            good = push(&v->pos, v->positions[i]);
        }
    }
    if (!good)
        return err_no_memory(err);
    *out = (struct inverted){.term = v->terms[g],
                             .n = (uint32_t)v->d.n,
                             .docs = v->d.items,
                             .tf = words ? v->tf.items : NULL,
                             .positions = words ? v->pos.items : NULL};
    return ST_OK;
}

enum status invert(struct flush *f,
                   enum status (*emit)(void *ctx, const struct inverted *t, struct err *err),
                   void *ctx, struct err *err)
{
    struct inversion v = {.f = f};
    enum status st = unite_vocabularies(&v, err);
    if (st == ST_OK)
        st = scatter(&v, err);
    for (uint32_t g = 0; st == ST_OK && g < v.n_terms; g++) {
        struct inverted t;
        st = list_term(&v, g, &t, err);
        if (st == ST_OK && t.n)
            st = emit(ctx, &t, err);
    }
    for (unsigned i = 0; v.map && i < f->run->workers; i++)
        free(v.map[i]);
    free(v.map);
    free(v.names);
    free(v.terms);
    free(v.first);
    free(v.docs);
    free(v.positions);
    grown_release(&v.d);
    grown_release(&v.tf);
    grown_release(&v.pos);
    return st;
}
