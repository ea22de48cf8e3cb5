/* view_find — a message by its own id, or the beginning of one. Ids are not stored: the first id of
 * a content is the key its document is filed under; further ones can only be computed again. */
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

static enum status find_further(struct view *v, uint32_t segment, const struct search_id *id,
                                struct buf *refs, struct err *err)
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
            if (view_hex_match(own, id->key, id->digits))
                buf_put(refs, &m.ref, sizeof m.ref);
        }
    }
    return ST_OK;
}

enum status view_find_id(struct view *v, struct slice hex, struct buf *refs, struct err *err)
{
    struct search_id id = {.digits = hex.len};
    if (!view_hex(hex, id.key))
        return err_set(err, ST_BAD_INPUT, "an id has 8 to 32 hex digits");
    struct buf docs = {0};
    size_t had = refs->len;
    enum status st = ST_OK;
    uint32_t segments = (uint32_t)casefile_segments(v->cf);
    for (uint32_t s = 0; st == ST_OK && s < segments; s++)
        st = find_first(v, s, &id, &docs, refs, err);
    bool done = hex.len == 2 * KEY_SIZE && refs->len > had; /* 128 bits of SHA-256: no second one */
    for (uint32_t s = 0; !done && st == ST_OK && s < segments; s++)
        st = find_further(v, s, &id, refs, err);
    buf_release(&docs);
    return st == ST_OK ? buf_status(refs, err) : st;
}
