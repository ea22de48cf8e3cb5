/* view_pairs — the messages that may be the same as one, though nothing the service gave tells so.
 * A message is asked for by a look around it. Once a conversation has cost as much as finding all
 * its pairs would, that is done, and they are kept: so a conversation of any size begins at once,
 * and read to its end costs twice the best at most. */
#include <search.h>
#include <stdlib.h>

#include "lictor/pairs.h"
#include "query/view.h"

#define KEPT_BYTES_MAX ((size_t)64 << 20)
#define ASK_COST 64 /* what one look costs besides, in documents looked at by finding all */
#define ASKED_KEPT 256
#define WORDS_PROBED 4

struct kept { /* the pairs of one conversation */
    uint8_t key[KEY_SIZE];
    struct pairs pairs;
};

/* In a crowd of one moment all name the same few partners, which lie far apart: each would inflate
 * a block of rows for every message. */
#define PARTNERS_KEPT 1024

struct partner {
    bool any;
    struct pair_ref of;
    struct message_ref ref;
    uint8_t id[KEY_SIZE];
};

struct asked { /* what looks at a conversation have cost */
    uint8_t key[KEY_SIZE];
    uint64_t spent;
};

struct pair_cache {
    struct asked asked[ASKED_KEPT];
    void *tree; /* tsearch, by key */
    size_t bytes;
    struct partner partners[PARTNERS_KEPT];
};

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct kept *)a)->key, ((const struct kept *)b)->key, KEY_SIZE);
}

static void kept_free(void *node)
{
    struct kept *k = node;
    pairs_release(&k->pairs);
    free(k);
}

void pair_cache_free(struct pair_cache *c)
{
    if (!c)
        return;
    tdestroy(c->tree, kept_free);
    free(c);
}

static enum status kept_make(struct view *v, const uint8_t key[KEY_SIZE],
                             const struct pair_ask *ask, const struct pairs **out, struct err *err)
{
    struct pair_cache *c = v->pairs;
    struct kept *k = calloc(1, sizeof *k);
    if (!k)
        return err_no_memory(err);
    memcpy(k->key, key, KEY_SIZE);
    enum status st = pairs_find(v->cf, v->scratch, ask->ranges, ask->n_ranges, &k->pairs, err);
    if (st == ST_OK && c->bytes > KEPT_BYTES_MAX) {
        tdestroy(c->tree, kept_free);
        c->tree = NULL;
        c->bytes = 0;
    }
    if (st == ST_OK && !tsearch(k, &c->tree, by_key))
        st = err_no_memory(err);
    if (st != ST_OK) {
        kept_free(k);
        return st;
    }
    c->bytes += 4 * sizeof *k + k->pairs.n * sizeof *k->pairs.all;
    *out = &k->pairs;
    return ST_OK;
}

/* NULL: they are not kept. */
static const struct pairs *pairs_kept(const struct pair_cache *c, const uint8_t key[KEY_SIZE])
{
    struct kept look;
    const struct kept *found;
    memcpy(look.key, key, KEY_SIZE);
    void *node = tfind(&look, &c->tree, by_key);
    if (!node)
        return NULL;
    memcpy(&found, node, sizeof(void *)); /* a node begins with its key */
    return &found->pairs;
}

static struct asked *asked_of(struct pair_cache *c, const uint8_t key[KEY_SIZE])
{
    struct asked *a = &c->asked[key[0]]; /* keys are hashes */
    if (memcmp(a->key, key, KEY_SIZE) != 0) {
        memcpy(a->key, key, KEY_SIZE);
        a->spent = 0;
    }
    return a;
}

/* ---- as related ---- */

static enum status partner_load(struct view *v, const struct pair_ref *of, struct partner *out,
                                struct err *err)
{
    struct message_ref ref = {.segment = of->segment, .doc = of->doc, .k = of->k};
    struct message_view o;
    uint32_t at = (of->segment * 31 + of->doc + of->k * 7) % PARTNERS_KEPT;
    struct partner *kept = &v->pairs->partners[at];
    if (kept->any && pair_ref_cmp(&kept->of, of) == 0) {
        *out = *kept;
        return ST_OK;
    }
    arena_reset(&v->tmp);
    TRY(view_load(v, &ref, VIEW_CONTENT, &v->tmp, &o, err));
    *out = (struct partner){.any = true, .of = *of, .ref = o.ref};
    memcpy(out->id, o.id, KEY_SIZE);
    *kept = *out;
    return ST_OK;
}

static enum status add(struct view *v, const struct pairs *p, const struct pair_ref *of,
                       struct message_view *m, struct arena *a, struct err *err)
{
    size_t from = pairs_first(p, of), n = 0;
    while (from + n < p->n && pair_ref_cmp(&p->all[from + n].of, of) == 0)
        n++;
    if (n == 0)
        return ST_OK;
    struct related *all = arena_array(a, m->n_related + n, sizeof *all);
    if (!all)
        return err_no_memory(err);
    if (m->n_related)
        memcpy(all, m->related, m->n_related * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        const struct pair *one = &p->all[from + i];
        struct partner o;
        TRY(partner_load(v, &one->other, &o, err));
        struct related *r = &all[m->n_related + i];
        *r = (struct related){
            .ref = o.ref, .why = pair_why_name((enum pair_why)one->why), .pair = true};
        memcpy(r->id, o.id, KEY_SIZE);
        m->related_more |= one->more;
    }
    m->related = all;
    m->n_related += n;
    return ST_OK;
}

/* ---- asking ---- */

/* What every message of the same sender and text has in the lexicon. Of the words the longest are
 * rare as a rule. */
struct probes {
    struct term terms[WORDS_PROBED + 2];
    struct slice slices[WORDS_PROBED + 2];
    size_t n;
};

static void probe_add(struct view *v, struct probes *p, enum term_field field, struct slice bytes)
{
    term_make(&p->terms[p->n], &v->hasher.sha, field, bytes);
    p->slices[p->n] = term_slice(&p->terms[p->n]);
    p->n++;
}

static enum status probes_make(struct view *v, const struct content *c, struct probes *p,
                               struct err *err)
{
    const struct token *longest[WORDS_PROBED];
    struct words w;
    size_t n = 0;
    p->n = 0;
    probe_add(v, p, TERM_FROM, c->from);
    if (c->n_attachments)
        probe_add(v, p, TERM_HAS, slice_str("attachment"));
    if (strcmp(casefile_words_version(v->cf), words_version()) != 0)
        return ST_OK;
    TRY(splitter_split(v->splitter, content_readable(c), &w, err));
    for (size_t i = 0; i < w.n; i++) {
        size_t at = n;
        while (at > 0 && longest[at - 1]->len < w.tokens[i].len)
            at--;
        if (at == WORDS_PROBED)
            continue;
        n += n < WORDS_PROBED;
        memmove(&longest[at + 1], &longest[at], (n - 1 - at) * sizeof(struct token *));
        longest[at] = &w.tokens[i];
    }
    for (size_t i = 0; i < n; i++)
        probe_add(v, p, TERM_WORD, slice_of(longest[i]->text, longest[i]->len));
    return ST_OK;
}

static enum status ask_one(struct view *v, const struct pair_ask *given, struct message_view *m,
                           struct asked *asked, struct arena *a, struct err *err)
{
    struct probes probes;
    struct pair_ask ask = *given;
    struct pairs own = {0};
    TRY(probes_make(v, &m->c, &probes, err));
    ask.terms = probes.slices;
    ask.n_terms = probes.n;
    asked->spent += ASK_COST;
    TRY(pairs_find_of(v->cf, v->scratch, &ask, &own, &asked->spent, err));
    enum status st = add(v, &own, &ask.of, m, a, err);
    pairs_release(&own);
    return st;
}

static uint64_t docs_of(const struct pair_ask *ask)
{
    uint64_t docs = 0;
    for (size_t i = 0; i < ask->n_ranges; i++)
        docs += ask->ranges[i].end - ask->ranges[i].first;
    return docs;
}

enum status view_pairs(struct view *v, struct message_view *m, struct arena *a, struct err *err)
{
    const struct content *c = &m->c;
    const uint8_t *key = m->conversation_key;
    struct pair_ask ask = {.of = {m->ref.segment, m->ref.doc, m->ref.k}, .sent = c->sent};
    bool possible;
    if (c->kind != DOC_MESSAGE || !c->from.data || content_untimed(c) ||
        (c->body_kind == BODY_SEALED && !c->opened.data))
        return ST_OK;
    if (!v->pairs && !(v->pairs = calloc(1, sizeof *v->pairs)))
        return err_no_memory(err);
    TRY(view_ranges(v, key, &ask.ranges, &ask.n_ranges, err));
    TRY(pairs_possible(v->cf, v->scratch, &ask, &possible, err));
    if (!possible)
        return ST_OK;
    struct asked *asked = asked_of(v->pairs, key);
    const struct pairs *kept = pairs_kept(v->pairs, key);
    if (!kept && asked->spent <= docs_of(&ask))
        return ask_one(v, &ask, m, asked, a, err);
    if (!kept)
        TRY(kept_make(v, key, &ask, &kept, err));
    return add(v, kept, &ask.of, m, a, err);
}

bool view_in_pair(const struct message_view *m)
{
    for (size_t i = 0; i < m->n_related; i++)
        if (m->related[i].pair)
            return true;
    return false;
}
