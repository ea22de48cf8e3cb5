/* view_pairs — the messages that may be the same as one, though nothing the service gave tells so.
 * A single message is asked for by a look around it. Where many of a conversation will be asked
 * for, all its pairs are found once and kept; most conversations have none and cost a key. */
#include <search.h>
#include <stdlib.h>

#include "lictor/pairs.h"
#include "query/view.h"

#define KEPT_BYTES_MAX ((size_t)64 << 20)

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

struct pair_cache {
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

static enum status kept_make(struct view *v, const uint8_t key[KEY_SIZE], const struct pairs **out,
                             struct err *err)
{
    struct pair_cache *c = v->pairs;
    struct kept *k = calloc(1, sizeof *k);
    if (!k)
        return err_no_memory(err);
    memcpy(k->key, key, KEY_SIZE);
    enum status st = pairs_find(v->cf, v->scratch, key, &k->pairs, err);
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

static enum status pairs_kept(struct view *v, const uint8_t key[KEY_SIZE], const struct pairs **out,
                              struct err *err)
{
    struct kept look;
    struct kept *found;
    memcpy(look.key, key, KEY_SIZE);
    if (!v->pairs)
        v->pairs = calloc(1, sizeof *v->pairs);
    if (!v->pairs)
        return err_no_memory(err);
    void *node = tfind(&look, &v->pairs->tree, by_key);
    if (!node)
        return kept_make(v, key, out, err);
    memcpy(&found, node, sizeof(void *)); /* a node begins with its key */
    *out = &found->pairs;
    return ST_OK;
}

/* ---- as related ---- */

static enum status partner_load(struct view *v, const struct pair_ref *of, struct partner *out,
                                struct err *err)
{
    struct message_ref ref = {.segment = of->segment, .doc = of->doc, .k = of->k};
    struct message_view o;
    uint32_t at = (of->segment * 31 + of->doc + of->k * 7) % PARTNERS_KEPT;
    struct partner *kept = v->pairs ? &v->pairs->partners[at] : NULL;
    if (kept && kept->any && pair_ref_cmp(&kept->of, of) == 0) {
        *out = *kept;
        return ST_OK;
    }
    arena_reset(&v->tmp);
    TRY(view_load(v, &ref, VIEW_CONTENT, &v->tmp, &o, err));
    *out = (struct partner){.any = true, .of = *of, .ref = o.ref};
    memcpy(out->id, o.id, KEY_SIZE);
    if (kept)
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

enum status view_pairs(struct view *v, struct message_view *m, struct arena *a, struct err *err)
{
    const struct content *c = &m->c;
    struct pair_ref of = {m->ref.segment, m->ref.doc, m->ref.k};
    if (c->kind != DOC_MESSAGE || !c->from.data || content_untimed(c) ||
        (c->body_kind == BODY_SEALED && !c->opened.data))
        return ST_OK;
    if (v->pairs_whole) {
        const struct pairs *kept = NULL;
        TRY(pairs_kept(v, m->conversation_key, &kept, err));
        return add(v, kept, &of, m, a, err);
    }
    struct pairs own = {0};
    TRY(pairs_find_of(v->cf, v->scratch, m->conversation_key, &of, c->sent, &own, err));
    enum status st = add(v, &own, &of, m, a, err);
    pairs_release(&own);
    return st;
}

bool view_in_pair(const struct message_view *m)
{
    for (size_t i = 0; i < m->n_related; i++)
        if (m->related[i].pair)
            return true;
    return false;
}
