/* thread_pick — from what a person writes to keys of conversations. Keys are hashes over service
 * and names, so a set or group is looked for once in each service of the case. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/thread.h"

static int by_slice(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* A term too long for the lexicon is cut there: a document of it has the whole. */
static enum status whole_service(struct view *v, uint32_t segment, const struct term_entry *e,
                                 struct arena *a, struct slice *out, struct err *err)
{
    struct segment *s = casefile_segment(v->cf, segment);
    struct segment_conversation sc;
    struct posting_iter *it;
    uint32_t doc;
    TRY(posting_iter_open(s, e->handle, &it, err));
    enum status st = posting_iter_seek(it, 0, &doc, err);
    posting_iter_close(it);
    TRY(st);
    if (doc == DOC_END)
        return err_set(err, ST_DAMAGED, "a term of the lexicon has no document");
    TRY(segment_conversation_of(s, v->scratch[segment], doc, a, &sc, err));
    *out = sc.c.service;
    return ST_OK;
}

static enum status add_services(struct view *v, uint32_t segment, struct arena *a, struct buf *out,
                                struct err *err)
{
    static const uint8_t field = TERM_SERVICE;
    struct term_entry e;
    struct term_iter *it;
    enum status st;
    TRY(term_iter_open(casefile_segment(v->cf, segment), slice_of(&field, 1), &it, err));
    while ((st = term_iter_next(it, &e, err)) == ST_OK && e.term.data[0] == TERM_SERVICE) {
        struct slice name;
        if (e.term.len == TERM_MAX)
            st = whole_service(v, segment, &e, a, &name, err);
        else
            name = arena_copy(a, slice_of(e.term.data + 1, e.term.len - 1));
        if (st != ST_OK)
            break;
        if (!name.data)
            st = err_no_memory(err);
        buf_put(out, &name, sizeof name);
        if (st != ST_OK || (st = buf_status(out, err)) != ST_OK)
            break;
    }
    term_iter_close(it);
    return st == ST_END ? ST_OK : st;
}

static bool key_known(const struct buf *keys, const uint8_t key[KEY_SIZE])
{
    for (size_t i = 0; i < keys->len; i += KEY_SIZE)
        if (memcmp(keys->data + i, key, KEY_SIZE) == 0)
            return true;
    return false;
}

/* Appends the key of `c` if some segment has it. */
static enum status add_if_there(struct view *v, const struct conversation *c, struct buf *keys,
                                struct err *err)
{
    uint8_t key[KEY_SIZE];
    uint32_t number, n = 0;
    conversation_key(&v->hasher.sha, c, key);
    for (uint32_t s = 0; n == 0 && s < casefile_segments(v->cf); s++)
        TRY(segment_conversation_find(casefile_segment(v->cf, s), v->scratch[s], key, KEY_SIZE,
                                      &number, &n, err));
    if (n > 0 && !key_known(keys, key))
        buf_put(keys, key, KEY_SIZE);
    return buf_status(keys, err);
}

/* In every service, and in none. */
static enum status pick(struct view *v, struct conversation *c, struct buf *keys, struct err *err)
{
    struct buf services = {0};
    struct arena a;
    arena_init(&a, (size_t)16 << 10);
    enum status st = add_if_there(v, c, keys, err);
    for (uint32_t s = 0; st == ST_OK && s < casefile_segments(v->cf); s++)
        st = add_services(v, s, &a, &services, err);
    void *data = services.data;
    struct slice *all = data;
    size_t n = services.len / sizeof *all;
    if (st == ST_OK && n > 1)
        qsort(all, n, sizeof *all, by_slice);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        if (i > 0 && slice_eq(all[i - 1], all[i]))
            continue;
        c->service = all[i];
        st = add_if_there(v, c, keys, err);
    }
    buf_release(&services);
    arena_release(&a);
    return st;
}

enum status thread_pick_set(struct view *v, const struct slice *handles, size_t n, struct buf *keys,
                            struct err *err)
{
    struct slice *set = calloc(n + 1, sizeof *set);
    struct conversation c = {.kind = CONV_SET, .set = set};
    if (!set)
        return err_no_memory(err);
    if (n)
        memcpy(set, handles, n * sizeof *set);
    if (n > 1)
        qsort(set, n, sizeof *set, by_slice);
    for (size_t i = 0; i < n; i++)
        if (c.n_set == 0 || !slice_eq(set[c.n_set - 1], set[i]))
            set[c.n_set++] = set[i];
    enum status st = pick(v, &c, keys, err);
    free(set);
    return st;
}

enum status thread_pick_group(struct view *v, struct slice group, struct buf *keys, struct err *err)
{
    struct conversation c = {.kind = CONV_GROUP, .name = group};
    return pick(v, &c, keys, err);
}

static enum status pick_in(struct view *v, uint32_t segment, const uint8_t key[KEY_SIZE],
                           size_t digits, struct buf *keys, struct err *err)
{
    struct segment *s = casefile_segment(v->cf, segment);
    uint32_t number, n;
    TRY(segment_conversation_find(s, v->scratch[segment], key, digits / 2, &number, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        struct segment_conversation sc;
        arena_reset(&v->tmp);
        TRY(segment_conversation_at(s, v->scratch[segment], number + i, &v->tmp, &sc, err));
        if (view_hex_match(sc.key, key, digits) && !key_known(keys, sc.key))
            buf_put(keys, sc.key, KEY_SIZE);
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return buf_status(keys, err);
}

enum status thread_pick_key(struct view *v, struct slice hex, struct buf *keys, struct err *err)
{
    uint8_t key[KEY_SIZE];
    if (!view_hex(hex, key))
        return err_set(err, ST_BAD_INPUT, "a conversation is named by 8 to 32 hex digits");
    for (uint32_t s = 0; s < casefile_segments(v->cf); s++)
        TRY(pick_in(v, s, key, hex.len, keys, err));
    return ST_OK;
}

enum status thread_conversation(struct view *v, const uint8_t key[KEY_SIZE], struct arena *a,
                                struct conversation *out, struct err *err)
{
    for (uint32_t s = 0; s < casefile_segments(v->cf); s++) {
        struct segment_conversation sc;
        uint32_t number, n;
        TRY(segment_conversation_find(casefile_segment(v->cf, s), v->scratch[s], key, KEY_SIZE,
                                      &number, &n, err));
        if (n == 0)
            continue;
        TRY(segment_conversation_at(casefile_segment(v->cf, s), v->scratch[s], number, a, &sc,
                                    err));
        *out = sc.c;
        return ST_OK;
    }
    return err_set(err, ST_NOT_FOUND, "no such conversation in the delivered data");
}
