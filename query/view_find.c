/* view_find — a message by its own id, or the beginning of one. Ids are not stored: the first id of
 * a content is the key its document is filed under; further ones can only be computed again. */
#include <stdlib.h>

#include "lictor/thread.h"
#include "query/view.h"

#define HEX_MIN 8
#define FOUND_MAX                                                                                  \
    ((size_t)1 << 20) /* documents under one prefix; 32 bits of a hash at the least                \
                       */
#define KEY_BYTES 8   /* stored of a key */

bool view_hex(struct slice hex, uint8_t key[KEY_SIZE])
{
    char all[2 * KEY_SIZE];
    if (hex.len < HEX_MIN || hex.len > sizeof all)
        return false;
    memset(all, '0', sizeof all);
    memcpy(all, hex.data, hex.len);
    return hex_decode(all, KEY_SIZE, key);
}

bool view_hex_match(const uint8_t a[KEY_SIZE], const uint8_t b[KEY_SIZE], size_t digits)
{
    size_t whole = digits / 2;
    if (memcmp(a, b, whole) != 0)
        return false;
    return digits % 2 == 0 || (a[whole] & 0xF0) == (b[whole] & 0xF0);
}

struct search_id {
    uint8_t key[KEY_SIZE];
    size_t digits;
    struct buf *refs;
};

static enum status hash_of(struct view *v, uint32_t segment, uint32_t doc, struct message_view *m,
                           struct err *err)
{
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    arena_reset(&v->tmp);
    return view_load(v, &ref, VIEW_CONTENT, &v->tmp, m, err);
}

static enum status find_first(struct view *v, uint32_t segment, const struct search_id *id,
                              struct buf *docs, struct buf *refs, struct err *err)
{
    size_t bytes = id->digits / 2 < KEY_BYTES ? id->digits / 2 : KEY_BYTES;
    buf_clear(docs);
    TRY(segment_key_find(casefile_segment(v->cf, segment), v->scratch[segment], id->key, bytes,
                         FOUND_MAX, docs, err));
    for (size_t i = 0; i < docs->len / sizeof(uint32_t); i++) {
        uint32_t doc;
        struct message_view m;
        memcpy(&doc, docs->data + i * sizeof doc, sizeof doc);
        TRY(hash_of(v, segment, doc, &m, err));
        if (view_hex_match(m.id, id->key, id->digits))
            buf_put(refs, &m.ref, sizeof m.ref);
    }
    return ST_OK;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct search_id *)a)->key, ((const struct search_id *)b)->key, KEY_SIZE);
}

/* First of the sorted ids whose first digits, those that every id has, are not below those of
 * `own`. */
static size_t first_like(const struct search_id *ids, size_t n, const uint8_t own[KEY_SIZE])
{
    size_t lo = 0;
    while (lo < n) {
        size_t mid = lo + (n - lo) / 2;
        if (memcmp(ids[mid].key, own, HEX_MIN / 2) < 0)
            lo = mid + 1;
        else
            n = mid;
    }
    return lo;
}

static void put_matching(const struct search_id *ids, size_t n, const uint8_t own[KEY_SIZE],
                         const struct message_ref *ref)
{
    for (size_t i = first_like(ids, n, own); i < n && memcmp(ids[i].key, own, HEX_MIN / 2) == 0;
         i++)
        if (view_hex_match(own, ids[i].key, ids[i].digits))
            buf_put(ids[i].refs, ref, sizeof *ref);
}

/* Every repeated content is read, once for all ids. */
static enum status find_further(struct view *v, uint32_t segment, const struct search_id *ids,
                                size_t n_ids, struct err *err)
{
    const uint32_t *docs, *messages;
    size_t n;
    TRY(segment_repeats(casefile_segment(v->cf, segment), &docs, &messages, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct message_view m;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        TRY(hash_of(v, segment, docs[i], &m, err));
        for (uint32_t k = 2; k <= messages[i]; k++) {
            uint8_t own[KEY_SIZE];
            message_id(&v->hasher, m.hash, k, own);
            m.ref.k = k;
            put_matching(ids, n_ids, own, &m.ref);
        }
    }
    return ST_OK;
}

/* Leaves in `ids` those that further messages of a content may have, too. */
static enum status find_firsts(struct view *v, struct search_id *ids, size_t *n, struct err *err)
{
    struct buf docs = {0};
    enum status st = ST_OK;
    size_t left = 0;
    for (size_t i = 0; st == ST_OK && i < *n; i++) {
        size_t had = ids[i].refs->len;
        for (uint32_t s = 0; st == ST_OK && s < casefile_segments(v->cf); s++)
            st = find_first(v, s, &ids[i], &docs, ids[i].refs, err);
        /* 128 bits of SHA-256: no second one */
        if (ids[i].digits < 2 * KEY_SIZE || ids[i].refs->len == had)
            ids[left++] = ids[i];
    }
    *n = left;
    buf_release(&docs);
    return st;
}

enum status view_find_ids(struct view *v, const struct view_id *wanted, size_t n, struct err *err)
{
    struct search_id *ids = calloc(n + 1, sizeof *ids);
    enum status st = ids ? ST_OK : err_no_memory(err);
    size_t left = n;
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        ids[i] = (struct search_id){.digits = wanted[i].hex.len, .refs = wanted[i].refs};
        if (!view_hex(wanted[i].hex, ids[i].key))
            st = err_set(err, ST_BAD_INPUT, "an id has 8 to 32 hex digits");
    }
    if (st == ST_OK)
        st = find_firsts(v, ids, &left, err);
    if (st == ST_OK && left > 1)
        qsort(ids, left, sizeof *ids, by_key);
    for (uint32_t s = 0; st == ST_OK && left > 0 && s < casefile_segments(v->cf); s++)
        st = find_further(v, s, ids, left, err);
    for (size_t i = 0; st == ST_OK && i < n; i++)
        st = buf_status(wanted[i].refs, err);
    free(ids);
    return st;
}

enum status view_find_id(struct view *v, struct slice hex, struct buf *refs, struct err *err)
{
    const struct view_id one = {hex, refs};
    return view_find_ids(v, &one, 1, err);
}
