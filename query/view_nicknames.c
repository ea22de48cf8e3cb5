/* view_nicknames — what the address books of the case call a handle. A nickname belongs to the
 * owner of the book, never to the handle; handles of different services are different. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/view.h"

#define BUCKETS 4096

/* One nickname, with the service it holds for. */
struct known_name {
    struct nickname n;
    struct slice service; /* data NULL if absent */
};
struct known_handle {
    struct known_handle *next;
    struct slice handle;
    struct nickname *names; /* sorted, distinct; without regard to the service */
    size_t n_names;
    struct known_name *by_service; /* sorted, distinct with the service */
    size_t n_by_service;
};
struct nickname_cache {
    struct known_handle *buckets[BUCKETS];
};

void nickname_cache_free(struct nickname_cache *c) { free(c); }

/* SHA-256, since handles are chosen by those who are watched: no chain can be made long. */
static size_t bucket_of(struct view *v, struct slice handle)
{
    uint8_t hash[SHA256_SIZE];
    sha256_begin(&v->hasher.sha);
    sha256_add(&v->hasher.sha, handle.data, handle.len);
    sha256_end(&v->hasher.sha, hash);
    return load_u32(hash) % BUCKETS;
}

static int name_cmp(const struct nickname *a, const struct nickname *b)
{
    int c = slice_cmp(a->nickname, b->nickname);
    return c ? c : slice_cmp(a->owner, b->owner);
}

static int known_cmp(const void *a, const void *b)
{
    const struct known_name *x = a, *y = b;
    int c = name_cmp(&x->n, &y->n);
    if (c)
        return c;
    if (!x->service.data || !y->service.data)
        return (x->service.data != NULL) - (y->service.data != NULL);
    return slice_cmp(x->service, y->service);
}

static bool keep(struct view *v, struct slice *s)
{
    if (!s->data)
        return true;
    *s = arena_copy(&v->names, *s);
    return s->data;
}

/* One contact record; its service and owner are mostly those of the record before. */
static enum status add_contact(struct view *v, uint32_t segment, uint32_t doc, struct slice handle,
                               struct buf *found, struct err *err)
{
    struct message_view m;
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    arena_reset(&v->tmp);
    TRY(view_load(v, &ref, VIEW_CONTENT, &v->tmp, &m, err));
    if (m.c.kind != DOC_CONTACT)
        return ST_OK;
    struct known_name k = {
        .n = {.handle = handle, .nickname = m.c.text, .owner = m.c.from},
        .service = m.c.conv.service,
    };
    if (!keep(v, &k.n.nickname) || !keep(v, &k.n.owner) || !keep(v, &k.service))
        return err_no_memory(err);
    buf_put(found, &k, sizeof k);
    return buf_status(found, err);
}

static enum status add_segment(struct view *v, uint32_t segment, struct slice handle,
                               struct buf *found, struct err *err)
{
    struct segment *s = casefile_segment(v->cf, segment);
    struct term t;
    struct term_entry e;
    struct posting_iter *it;
    uint32_t doc = 0;
    term_make(&t, &v->hasher.sha, TERM_CONTACT, handle);
    enum status st = segment_term(s, v->scratch[segment], term_slice(&t), &e, err);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    TRY(st);
    TRY(posting_iter_open(s, e.handle, &it, err));
    while ((st = posting_iter_seek(it, doc, &doc, err)) == ST_OK && doc != DOC_END) {
        st = stop_asked() ? err_set(err, ST_INTERRUPTED, "interrupted")
                          : add_contact(v, segment, doc, handle, found, err);
        if (st != ST_OK)
            break;
        doc++;
    }
    posting_iter_close(it);
    return st;
}

/* Sorted and distinct, once with the service and once without. */
static enum status fill(struct view *v, struct known_handle *h, const struct buf *found,
                        struct err *err)
{
    size_t n = found->len / sizeof(struct known_name);
    h->by_service = arena_array(&v->names, n, sizeof *h->by_service);
    h->names = arena_array(&v->names, n, sizeof *h->names);
    if (!h->by_service || !h->names)
        return err_no_memory(err);
    if (n)
        memcpy(h->by_service, found->data, found->len);
    if (n > 1)
        qsort(h->by_service, n, sizeof *h->by_service, known_cmp);
    for (size_t i = 0; i < n; i++) {
        const struct known_name *k = &h->by_service[i];
        if (h->n_by_service && known_cmp(&h->by_service[h->n_by_service - 1], k) == 0)
            continue;
        if (!h->n_names || name_cmp(&h->names[h->n_names - 1], &k->n) != 0)
            h->names[h->n_names++] = k->n;
        h->by_service[h->n_by_service++] = *k;
    }
    return ST_OK;
}

static enum status look_up(struct view *v, struct slice handle, struct known_handle **out,
                           struct err *err)
{
    struct known_handle *h = arena_array(&v->names, 1, sizeof *h);
    if (!h)
        return err_no_memory(err);
    h->handle = arena_copy(&v->names, handle);
    if (!h->handle.data)
        return err_no_memory(err);
    struct buf found = {0};
    enum status st = ST_OK;
    for (uint32_t s = 0; st == ST_OK && s < casefile_segments(v->cf); s++)
        st = add_segment(v, s, h->handle, &found, err);
    if (st == ST_OK)
        st = fill(v, h, &found, err);
    buf_release(&found);
    *out = h;
    return st;
}

static enum status known(struct view *v, struct slice handle, const struct known_handle **out,
                         struct err *err)
{
    if (!v->nicknames)
        v->nicknames = calloc(1, sizeof *v->nicknames);
    if (!v->nicknames)
        return err_no_memory(err);
    struct known_handle **bucket = &v->nicknames->buckets[bucket_of(v, handle)];
    for (struct known_handle *h = *bucket; h; h = h->next)
        if (slice_eq(h->handle, handle)) {
            *out = h;
            return ST_OK;
        }
    struct known_handle *fresh = NULL;
    TRY(look_up(v, handle, &fresh, err));
    fresh->next = *bucket;
    *bucket = fresh;
    *out = fresh;
    return ST_OK;
}

enum status view_nicknames(struct view *v, struct slice handle, const struct nickname **out,
                           size_t *n, struct err *err)
{
    const struct known_handle *h = NULL;
    TRY(known(v, handle, &h, err));
    *out = h->names;
    *n = h->n_names;
    return ST_OK;
}

static enum status add_handle(struct view *v, const struct message_view *m, struct slice handle,
                              struct buf *names, struct err *err)
{
    const struct known_handle *h = NULL;
    struct slice service = m->c.conv.service;
    if (!handle.data)
        return ST_OK;
    TRY(known(v, handle, &h, err));
    for (size_t i = 0; i < h->n_by_service; i++) {
        struct slice s = h->by_service[i].service;
        if ((s.data != NULL) == (service.data != NULL) && slice_eq(s, service))
            buf_put(names, &h->by_service[i].n, sizeof(struct nickname));
    }
    return ST_OK;
}

enum status view_nicknames_of(struct view *v, struct message_view *m, struct arena *a,
                              struct err *err)
{
    struct buf names = {0};
    const struct content *c = &m->c;
    enum status st = add_handle(v, m, c->from, &names, err);
    for (size_t i = 0; st == ST_OK && i < c->conv.n_set; i++)
        if (!c->from.data || !slice_eq(c->conv.set[i], c->from))
            st = add_handle(v, m, c->conv.set[i], &names, err);
    for (size_t i = 0; st == ST_OK && c->conv.kind != CONV_SET && i < c->n_to; i++)
        if (!c->from.data || !slice_eq(c->to[i], c->from))
            st = add_handle(v, m, c->to[i], &names, err);
    if (st == ST_OK)
        st = buf_status(&names, err);
    if (st == ST_OK) {
        struct slice all = arena_copy(a, buf_slice(&names));
        m->n_nicknames = names.len / sizeof(struct nickname);
        m->nicknames = (const void *)all.data;
        st = all.data ? ST_OK : err_no_memory(err);
    }
    buf_release(&names);
    return st;
}
