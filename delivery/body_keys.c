/* body_keys — keys are few (thousands at most) and looked up by binary search over their ids. */
#include "lictor/body_keys.h"

#include <stdlib.h>

#include <sodium.h>

#include "lictor/os.h"

#define BODY_KEY_FILE_MAX ((size_t)64 << 20)
#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

struct body_key {
    struct slice id;
    uint8_t *key; /* in `secrets` */
};

struct body_keys {
    uint8_t *file; /* the file's text; the base64 in it is wiped */
    size_t file_len;
    uint8_t *secrets;
    struct body_key *items;
    size_t n;
};

static int key_cmp(const void *a, const void *b)
{
    return slice_cmp(((const struct body_key *)a)->id, ((const struct body_key *)b)->id);
}

static enum status take_line(struct body_keys *k, uint8_t *line, size_t len, const char *path,
                             size_t number, struct err *err)
{
    while (len && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len == 0 || line[0] == '#')
        return ST_OK;
    uint8_t *gap = memchr(line, ' ', len);
    size_t got = 0;
    uint8_t key[KEY_BYTES + 3];
    bool good = gap && gap != line && (size_t)(line + len - gap - 1) == 44 &&
                base64_decode(slice_of(gap + 1, 44), true, key, &got) && got == KEY_BYTES;
    if (!good)
        return err_set(err, ST_BAD_INPUT, "%s:%zu: expected `id base64key` with a key of 32 bytes",
                       path, number);
    struct body_key *item = &k->items[k->n];
    item->id = slice_of(line, (size_t)(gap - line));
    item->key = k->secrets + k->n * KEY_BYTES;
    memcpy(item->key, key, KEY_BYTES);
    sodium_memzero(key, sizeof key);
    sodium_memzero(gap + 1, 44);
    k->n++;
    return ST_OK;
}

static enum status take_lines(struct body_keys *k, size_t len, const char *path, struct err *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < len; i++)
        lines += k->file[i] == '\n';
    k->items = calloc(lines, sizeof *k->items);
    k->secrets = sodium_allocarray(lines, KEY_BYTES);
    if (!k->items || !k->secrets)
        return err_no_memory(err);
    size_t at = 0;
    for (size_t number = 1; at < len; number++) {
        uint8_t *nl = memchr(k->file + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - (k->file + at)) : len - at;
        TRY(take_line(k, k->file + at, n, path, number, err));
        at += n + 1;
    }
    if (k->n)
        qsort(k->items, k->n, sizeof *k->items, key_cmp);
    for (size_t i = 1; i < k->n; i++)
        if (slice_eq(k->items[i].id, k->items[i - 1].id))
            return err_set(err, ST_BAD_INPUT, "%s: the key id %.*s stands there twice", path,
                           (int)(k->items[i].id.len > 64 ? 64 : k->items[i].id.len),
                           (const char *)k->items[i].id.data);
    return ST_OK;
}

enum status body_keys_load(const char *path, struct body_keys **out, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ST_IO, "libsodium does not start");
    struct body_keys *k = calloc(1, sizeof *k);
    if (!k)
        return err_no_memory(err);
    size_t len = 0;
    enum status st = os_read_secret(path, BODY_KEY_FILE_MAX, &k->file, &len, err);
    k->file_len = len;
    if (st == ST_OK)
        st = take_lines(k, len, path, err);
    if (st != ST_OK) {
        body_keys_free(k);
        return st;
    }
    *out = k;
    return ST_OK;
}

void body_keys_free(struct body_keys *k)
{
    if (!k)
        return;
    sodium_free(k->secrets);
    free(k->items);
    os_secret_free(k->file, k->file_len + 1);
    free(k);
}

enum body_opening body_keys_open(const struct body_keys *k, struct slice key_id, struct slice nonce,
                                 struct slice box, struct slice from, struct slice sent_decimal,
                                 struct buf *out)
{
    struct body_key wanted = {.id = key_id};
    const struct body_key *found =
        k && k->n ? bsearch(&wanted, k->items, k->n, sizeof *k->items, key_cmp) : NULL;
    if (!found)
        return BODY_NO_KEY;
    if (nonce.len != NONCE_BYTES || box.len < TAG_BYTES)
        return BODY_BROKEN;
    struct buf ad = {0};
    buf_put_slice(&ad, from);
    buf_put_u8(&ad, 0);
    buf_put_slice(&ad, sent_decimal);
    uint8_t *text = buf_reserve(out, box.len);
    bool good =
        text && !ad.failed &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(text, NULL, NULL, box.data, box.len, ad.data,
                                                   ad.len, nonce.data, found->key) == 0;
    out->failed |= ad.failed; /* no memory is no broken seal: the caller asks `out` */
    buf_release(&ad);
    if (!good)
        return BODY_BROKEN;
    out->len += box.len - TAG_BYTES;
    return BODY_OPENED;
}
