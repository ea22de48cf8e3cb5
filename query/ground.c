/* ground — one array over the whole segment for each thing known, and a byte a window that says
 * whether its part is read. Memory that is never touched is never there: calloc of so much comes
 * from the system as pages of zeros. */
#include "query/ground.h"

#include <stdlib.h>

enum { KNOWN_HIDDEN = 1, KNOWN_SEALED = 2, KNOWN_TIMES = 4, SOME_HIDDEN = 8, SOME_SEALED = 16 };

/* The documents of a term, as bits. */
struct term_bits {
    uint64_t *words;
    struct posting_iter *it; /* NULL before the first window, and where no document has the term */
    uint32_t next;           /* the iterator has been asked for what stands before */
    bool looked_up, none;
    uint64_t handle;
};

struct ground {
    struct view *view;
    uint32_t segment, docs;
    uint8_t *known; /* a window each */
    struct term_bits hidden, sealed;
    int64_t *earliest, *latest; /* a column each */
};

struct doc_window window_at(uint32_t first, uint32_t docs_of_segment)
{
    uint32_t left = docs_of_segment - first, n = left < WINDOW_DOCS ? left : WINDOW_DOCS;
    return (struct doc_window){first, n, (n + (size_t)63) / 64};
}

static void term_bits_free(struct term_bits *t)
{
    posting_iter_close(t->it);
    free(t->words);
}

static void ground_free(struct ground *g)
{
    if (!g)
        return;
    term_bits_free(&g->hidden);
    term_bits_free(&g->sealed);
    free(g->known);
    free(g->earliest);
    free(g->latest);
    free(g);
}

void grounds_free(struct view *v)
{
    for (size_t i = 0; v->grounds && i < casefile_segments(v->cf); i++)
        ground_free(v->grounds[i]);
    free(v->grounds);
    v->grounds = NULL;
}

enum status ground_of(struct view *v, uint32_t segment, struct ground **out, struct err *err)
{
    if (!v->grounds)
        v->grounds = calloc(casefile_segments(v->cf) + 1, sizeof(struct ground *));
    if (!v->grounds)
        return err_no_memory(err);
    struct ground *g = v->grounds[segment];
    if (!g) {
        g = v->grounds[segment] = calloc(1, sizeof *g);
        if (!g)
            return err_no_memory(err);
        g->view = v;
        g->segment = segment;
        g->docs = segment_info(casefile_segment(v->cf, segment))->docs;
        g->known = calloc(g->docs / WINDOW_DOCS + (size_t)1, 1);
        if (!g->known)
            return err_no_memory(err);
    }
    *out = g;
    return ST_OK;
}

static enum status term_look_up(struct ground *g, struct term_bits *t, enum term_field field,
                                const char *value, struct err *err)
{
    struct term term;
    struct term_entry e;
    if (t->looked_up)
        return ST_OK;
    term_make(&term, &g->view->hasher.sha, field, slice_str(value));
    enum status st = segment_term(casefile_segment(g->view->cf, g->segment),
                                  g->view->scratch[g->segment], term_slice(&term), &e, err);
    t->none = st == ST_NOT_FOUND;
    t->looked_up = st == ST_OK || t->none;
    t->handle = e.handle;
    return t->none ? ST_OK : st;
}

/* The window's documents of a term into its place. An iterator does not go back: whoever asks for a
 * window before it gets a new one. */
static enum status term_fill(struct ground *g, struct term_bits *t, const struct doc_window *w,
                             bool *some, struct err *err)
{
    if (!t->words)
        t->words = calloc(g->docs / 64 + (size_t)1, sizeof *t->words);
    if (!t->words)
        return err_no_memory(err);
    if (!t->it || w->first < t->next) {
        posting_iter_close(t->it);
        t->it = NULL;
        TRY(posting_iter_open(casefile_segment(g->view->cf, g->segment), t->handle, &t->it, err));
    }
    t->next = w->first + w->docs;
    return posting_iter_fill(t->it, w->first, w->docs, NULL, t->words + w->first / 64, some, err);
}

static struct doc_bits bits_of(struct ground *g, const struct term_bits *t,
                               const struct doc_window *w, unsigned some)
{
    struct doc_bits b = {.some = g->known[w->first / WINDOW_DOCS] & some};
    b.words = b.some ? t->words + w->first / 64 : NULL;
    return b;
}

enum status ground_hidden(struct ground *g, const struct doc_window *w, struct doc_bits *out,
                          struct err *err)
{
    uint8_t *known = &g->known[w->first / WINDOW_DOCS];
    bool some = false;
    TRY(term_look_up(g, &g->hidden, TERM_KIND, "hidden", err));
    if (!(*known & KNOWN_HIDDEN)) {
        if (!g->hidden.none)
            TRY(term_fill(g, &g->hidden, w, &some, err));
        *known = (uint8_t)(*known | KNOWN_HIDDEN | (some ? SOME_HIDDEN : 0));
    }
    *out = bits_of(g, &g->hidden, w, SOME_HIDDEN);
    return ST_OK;
}

/* The term is of what came sealed: takes out what has been opened since. */
static enum status drop_opened(struct ground *g, const struct doc_window *w, bool *some,
                               struct err *err)
{
    struct segment *s = casefile_segment(g->view->cf, g->segment);
    uint64_t *words = g->sealed.words + w->first / 64;
    *some = false;
    for (uint32_t bit = bits_next(words, w->words, 0); bit < w->docs;
         bit = bits_next(words, w->words, bit + 1)) {
        struct doc_state state;
        TRY(segment_state(s, g->view->scratch[g->segment], w->first + bit, &state, err));
        if (state.flags & DOC_SEALED)
            *some = true;
        else
            words[bit / 64] &= ~(UINT64_C(1) << bit % 64);
    }
    return ST_OK;
}

enum status ground_sealed(struct ground *g, const struct doc_window *w, struct doc_bits *out,
                          struct err *err)
{
    uint8_t *known = &g->known[w->first / WINDOW_DOCS];
    bool some = false;
    TRY(term_look_up(g, &g->sealed, TERM_HAS, "sealed", err));
    if (!(*known & KNOWN_SEALED)) {
        if (!g->sealed.none)
            TRY(term_fill(g, &g->sealed, w, &some, err));
        if (some)
            TRY(drop_opened(g, w, &some, err));
        *known = (uint8_t)(*known | KNOWN_SEALED | (some ? SOME_SEALED : 0));
    }
    *out = bits_of(g, &g->sealed, w, SOME_SEALED);
    return ST_OK;
}

enum status ground_times(struct ground *g, const struct doc_window *w, const int64_t **earliest,
                         const int64_t **latest, struct err *err)
{
    uint8_t *known = &g->known[w->first / WINDOW_DOCS];
    size_t columns = g->docs / COLUMN_DOCS + (size_t)1;
    uint32_t at = w->first / COLUMN_DOCS, n = (w->docs + COLUMN_DOCS - 1) / COLUMN_DOCS;
    if (!g->earliest)
        g->earliest = calloc(columns, sizeof *g->earliest);
    if (!g->latest)
        g->latest = calloc(columns, sizeof *g->latest);
    if (!g->earliest || !g->latest)
        return err_no_memory(err);
    if (!(*known & KNOWN_TIMES)) {
        TRY(segment_sent_times(casefile_segment(g->view->cf, g->segment),
                               g->view->scratch[g->segment], at, n, g->earliest + at,
                               g->latest + at, err));
        *known |= KNOWN_TIMES;
    }
    *earliest = g->earliest + at;
    *latest = g->latest + at;
    return ST_OK;
}
