/* gen_seal — bodies under keys of their own: one key a conversation, some of which are never handed
 * over, and some boxes broken on the way. Every key and nonce follows from the seed: fit for
 * synthetic data only. */
#include "bench/gen.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>

#include "lictor/os.h"

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES

static void bytes_of(uint64_t seed, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        uint8_t eight[8];
        store_u64(eight, rng_at(seed, i));
        memcpy(out + i, eight, n - i < 8 ? n - i : 8);
    }
}

static void conv_key(const struct conv *c, uint8_t key[KEY_LEN])
{
    bytes_of(c->key ^ 0x5345414c, key, KEY_LEN);
}

void seal_make(const struct world *w, const struct message *m, const struct text *text,
               struct buf *out, bool *broken)
{
    uint8_t key[KEY_LEN], nonce[NONCE_LEN], box[TEXT_MAX + TAG_LEN];
    char ad[HANDLE_LEN + 32];
    unsigned long long len = 0;

    conv_key(m->conv, key);
    bytes_of(m->key ^ 0x4e4f4e43, nonce, NONCE_LEN);
    handle_name(w->members[m->conv->members + m->sender], ad);
    int n = snprintf(ad + HANDLE_LEN + 1, sizeof(ad) - HANDLE_LEN - 1, "%lld",
                     (long long)message_stamp(w, m));
    ad[HANDLE_LEN] = 0;
    size_t ad_len = HANDLE_LEN + 1 + (size_t)n;
    int sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        box, &len, text->bytes, text->len, (const uint8_t *)ad, ad_len, NULL, nonce, key);
    MUST(sealed == 0);
    *broken = m->conv->seal == SEAL_KEY && (m->key >> 50) % 50 == 0;
    if (*broken)
        box[0] ^= 1;
    buf_clear(out);
    buf_printf(out, "{\"key\":\"bk-%04x\",\"nonce\":\"", m->conv_no);
    base64_encode(slice_of(nonce, NONCE_LEN), out);
    buf_put_str(out, "\",\"box\":\"");
    base64_encode(slice_of(box, (size_t)len), out);
    buf_put_str(out, "\"}");
}

enum status seal_keys_write(const struct world *w, const char *path, struct err *err)
{
    struct buf b = {0};
    int fd = -1;

    for (uint32_t c = 0; c < w->n_convs; c++) {
        if (w->convs[c].seal != SEAL_KEY && c != w->doubts)
            continue;
        uint8_t key[KEY_LEN];
        conv_key(&w->convs[c], key);
        buf_printf(&b, "bk-%04x ", c);
        base64_encode(slice_of(key, KEY_LEN), &b);
        buf_put_u8(&b, '\n');
    }
    enum status st = buf_status(&b, err);
    if (st == ST_OK)
        st = os_create(AT_FDCWD, path, 0600, &fd, err);
    if (st == ST_OK)
        st = os_write(fd, b.data, b.len, err);
    os_close(&fd);
    buf_release(&b);
    return st;
}
