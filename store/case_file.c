/* case_file — CASE as bytes. The case key is random and never changes; CASE holds it wrapped under
 * a key derived from what locks the case, beside a commitment to that: XChaCha20-Poly1305 does not
 * commit to its key, and only the commitment tells a wrong key from damage. A checksum over the
 * whole of CASE is tested first, so that a flipped bit is not taken for a wrong key. */
#include "store/case_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_SIZE 32
#define COMMITTED (CASE_HEADER_SIZE + COMMIT_SIZE)
#define WAY_SIZE 40
#define UNIT_VERSION 1
#define FLAG_PLAIN 1
/* What any machine that holds cases can do, and an attacker who wrote CASE can make it do. */
#define PASSES_MAX 16
#define KIB_MIN 8
#define KIB_MAX (1u << 20)

void case_header_make(const char *magic, bool plain, const uint8_t id[CASE_ID_SIZE],
                      uint8_t out[CASE_HEADER_SIZE])
{
    memset(out, 0, CASE_HEADER_SIZE);
    memcpy(out, magic, 8);
    out[8] = UNIT_VERSION;
    out[10] = plain ? FLAG_PLAIN : 0;
    memcpy(out + 16, id, CASE_ID_SIZE);
}

/* BLAKE2b-256 keyed by what locks the case, over label || case id. */
static void lock_derive(const uint8_t lock_key[SEAL_KEY_SIZE], const char *label,
                        const uint8_t id[CASE_ID_SIZE], uint8_t out[32])
{
    crypto_generichash_state h;
    MUST(crypto_generichash_init(&h, lock_key, SEAL_KEY_SIZE, 32) == 0);
    MUST(crypto_generichash_update(&h, (const uint8_t *)label, strlen(label)) == 0);
    MUST(crypto_generichash_update(&h, id, CASE_ID_SIZE) == 0);
    MUST(crypto_generichash_final(&h, out, 32) == 0);
    sodium_memzero(&h, sizeof h);
}

#define LABEL_COMMIT "lictor-case-commit/1"
#define LABEL_WRAP "lictor-case-wrap/1"

/* ---- how it is locked ---- */

static void way_put(const struct case_way *w, uint8_t out[WAY_SIZE])
{
    memset(out, 0, WAY_SIZE);
    memcpy(out, w->salt, sizeof w->salt);
    out[16] = w->method;
    store_u32(out + 20, w->passes);
    store_u32(out + 24, w->kib);
    store_u64(out + 32, w->generation);
}

static enum status way_get(const uint8_t in[WAY_SIZE], bool plain, struct case_way *w,
                           struct err *err)
{
    uint8_t again[WAY_SIZE];
    *w = (struct case_way){.method = in[16],
                           .passes = load_u32(in + 20),
                           .kib = load_u32(in + 24),
                           .generation = load_u64(in + 32)};
    memcpy(w->salt, in, sizeof w->salt);
    static const uint8_t no_salt[CASE_SALT_SIZE];
    bool stretched = w->method == CASE_PASSPHRASE;
    bool bare = w->passes == 0 && w->kib == 0 && memcmp(w->salt, no_salt, sizeof no_salt) == 0;
    way_put(w, again);
    if (w->method > CASE_PASSPHRASE || plain != (w->method == CASE_PLAIN) || stretched == bare ||
        w->generation == 0 || memcmp(again, in, WAY_SIZE) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: how it is locked cannot be");
    if (stretched &&
        (w->passes < 1 || w->passes > PASSES_MAX || w->kib < KIB_MIN || w->kib > KIB_MAX))
        return err_set(err, ST_DAMAGED,
                       "CASE asks for %u passes over %u KB to open its passphrase; at most %u over "
                       "%u are done",
                       w->passes, w->kib, PASSES_MAX, KIB_MAX);
    return ST_OK;
}

static void head_make(const struct case_head *h, uint8_t out[CASE_HEADER_SIZE])
{
    case_header_make(CASE_MAGIC, h->way.method == CASE_PLAIN, h->id, out);
    out[8] = (uint8_t)h->version;
}

/* ---- writing ---- */

enum status case_encode(const struct case_lock *lock, const struct case_key *key,
                        const uint8_t id[CASE_ID_SIZE], const char *words_version, struct buf *out,
                        struct err *err)
{
    uint8_t head[COMMITTED + WAY_SIZE] = {0}, sum[SEAL_TAG_SIZE];
    struct case_head h = {.version = CASE_FORMAT_VERSION, .way = lock->way};
    struct case_key wrap = {.plain = lock->way.method == CASE_PLAIN};
    struct buf payload = {0};
    enum status st = ST_OK;
    if (strlen(words_version) > CASE_WORDS_VERSION_MAX)
        return err_set(err, ST_LIMIT, "the version of the word rules is too long");
    memcpy(h.id, id, CASE_ID_SIZE);
    head_make(&h, head);
    way_put(&lock->way, head + COMMITTED);
    if (!wrap.plain) {
        lock_derive(lock->key, LABEL_COMMIT, id, head + CASE_HEADER_SIZE);
        TRY(case_key_new(&wrap.key, err));
        lock_derive(lock->key, LABEL_WRAP, id, wrap.key);
    }
    if (!buf_reserve(&payload, SEAL_KEY_SIZE + CASE_WORDS_VERSION_MAX + 10))
        st = err_no_memory(err);
    if (st == ST_OK && !wrap.plain)
        buf_put(&payload, key->key, SEAL_KEY_SIZE);
    buf_put_blob(&payload, slice_str(words_version));
    buf_put(out, head, sizeof head);
    if (st == ST_OK)
        st = seal_unit(&wrap, slice_of(head, sizeof head), buf_slice(&payload), out, err);
    if (st == ST_OK) {
        seal_checksum(buf_slice(out), sum);
        buf_put(out, sum, sizeof sum);
        st = buf_status(out, err);
    }
    seal_wipe_buf(&payload);
    sodium_free(wrap.key);
    return st;
}

/* ---- reading ---- */

enum status case_peek(struct slice bytes, struct case_head *out, struct err *err)
{
    uint8_t want[CASE_HEADER_SIZE], sum[SEAL_TAG_SIZE];
    struct case_head h = {.unit = COMMITTED, .way.generation = 1};
    if (bytes.len < COMMITTED + SEAL_UNIT_OVERHEAD + SEAL_TAG_SIZE ||
        memcmp(bytes.data, CASE_MAGIC, 8) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: it does not start as it should");
    seal_checksum(slice_of(bytes.data, bytes.len - SEAL_TAG_SIZE), sum);
    if (memcmp(sum, bytes.data + bytes.len - SEAL_TAG_SIZE, SEAL_TAG_SIZE) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: its checksum does not fit");
    h.version = bytes.data[8] | (unsigned)bytes.data[9] << 8;
    if (h.version != CASE_FORMAT_VERSION && h.version != CASE_FORMAT_OLD)
        return err_set(err, ST_DAMAGED, "the case has format version %u, this program reads %u",
                       h.version, CASE_FORMAT_VERSION);
    bool plain = bytes.data[10] == FLAG_PLAIN;
    h.way.method = plain ? CASE_PLAIN : CASE_KEY_FILE;
    memcpy(h.id, bytes.data + 16, CASE_ID_SIZE);
    head_make(&h, want);
    if (memcmp(want, bytes.data, CASE_HEADER_SIZE) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: unknown flags");
    if (h.version == CASE_FORMAT_VERSION) {
        h.unit += WAY_SIZE;
        if (bytes.len < h.unit + SEAL_UNIT_OVERHEAD + SEAL_TAG_SIZE)
            return err_set(err, ST_DAMAGED, "CASE is damaged: it is too short");
        TRY(way_get(bytes.data + COMMITTED, plain, &h.way, err));
    }
    *out = h;
    return ST_OK;
}

static enum status case_payload_parse(struct slice payload, struct case_key *key,
                                      char **words_version, struct err *err)
{
    struct cursor c = cursor_of(payload);
    struct slice wrapped = cursor_bytes(&c, key->plain ? 0 : SEAL_KEY_SIZE);
    struct slice words = cursor_blob(&c);
    TRY(cursor_done(&c, "CASE", err));
    if (words.len > CASE_WORDS_VERSION_MAX || (words.len && memchr(words.data, 0, words.len)))
        return err_set(err, ST_DAMAGED, "CASE: impossible version of the word rules");
    char *text = calloc(1, words.len + 1);
    if (!text)
        return err_no_memory(err);
    if (words.len)
        memcpy(text, words.data, words.len);
    if (!key->plain)
        memcpy(key->key, wrapped.data, SEAL_KEY_SIZE);
    *words_version = text;
    return ST_OK;
}

enum status case_decode(struct slice bytes, const uint8_t *lock_key, struct case_key *key,
                        char **words_version, struct err *err)
{
    uint8_t commit[COMMIT_SIZE] = {0};
    struct case_head h;
    struct case_key wrap = {0}, made = {0};
    struct buf payload = {0};
    enum status st;
    TRY(case_peek(bytes, &h, err));
    wrap.plain = made.plain = h.way.method == CASE_PLAIN;
    if (wrap.plain != !lock_key)
        return err_set(err, ST_DENIED,
                       wrap.plain ? "the case is not encrypted: no key belongs to it"
                                  : "the case is encrypted: its key is needed");
    if (lock_key)
        lock_derive(lock_key, LABEL_COMMIT, h.id, commit);
    if (sodium_memcmp(commit, bytes.data + CASE_HEADER_SIZE, COMMIT_SIZE) != 0)
        return err_set(err, ST_DENIED,
                       h.way.method == CASE_PASSPHRASE ? "the passphrase is not that of this case"
                                                       : "the key does not belong to this case");
    if (lock_key) {
        TRY(case_key_new(&wrap.key, err));
        lock_derive(lock_key, LABEL_WRAP, h.id, wrap.key);
        st = case_key_new(&made.key, err);
        if (st != ST_OK)
            goto out;
    }
    st = seal_open_unit(&wrap, slice_of(bytes.data, h.unit),
                        slice_of(bytes.data + h.unit, bytes.len - h.unit - SEAL_TAG_SIZE), &payload,
                        err);
    if (st != ST_OK)
        err_prefix(err, "CASE");
    if (st == ST_OK)
        st = case_payload_parse(buf_slice(&payload), &made, words_version, err);
out:
    seal_wipe_buf(&payload);
    sodium_free(wrap.key);
    if (st == ST_OK)
        *key = made;
    else
        sodium_free(made.key);
    return st;
}
