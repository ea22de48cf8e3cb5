/* section_header — the fixed ends of a section file: the header that wraps the file's own key under
 * the case key, and the footer that finds the table of contents. Each file has its own random key
 * so that block numbers may serve as nonces: no two files ever share a key. */
#include "store/section_private.h"

#include <sodium.h>

#include "lictor/os.h"

/* magic 8 | version u16 | kind u8 | flags u8 | zero u32 | id 16 | nonce 24 | wrapped key 32 | tag
 * 16
 */
static const char header_magic[8] = "LICTORSF";
static const char footer_magic[8] = "LICTORSE";
#define HEADER_VERSION 1
#define HEADER_PLAIN 1
#define HEADER_AD 32
#define HEADER_NONCE 32
#define HEADER_KEY 56
#define HEADER_TAG 88

enum status section_keys_new(struct section_keys **out, struct err *err)
{
    TRY(seal_ready(err));
    struct section_keys *k = sodium_malloc(sizeof *k);
    if (!k)
        return err_no_memory(err);
    memset(k, 0, sizeof *k);
    *out = k;
    return ST_OK;
}

void section_keys_free(struct section_keys *k) { sodium_free(k); }

static void keys_derive(struct section_keys *keys)
{
    seal_section_key(keys->file, SECTION_TOC, keys->toc);
    for (uint32_t i = 0; i < SECTION_MAX; i++)
        seal_section_key(keys->file, i, keys->section[i]);
}

static void header_clear_part(const struct case_key *key, uint8_t kind,
                              const uint8_t id[FILE_ID_SIZE], uint8_t out[HEADER_AD])
{
    memset(out, 0, HEADER_AD);
    memcpy(out, header_magic, sizeof header_magic);
    out[8] = HEADER_VERSION;
    out[10] = kind;
    out[11] = key->plain ? HEADER_PLAIN : 0;
    memcpy(out + 16, id, FILE_ID_SIZE);
}

enum status section_header_make(const struct case_key *key, uint8_t kind,
                                const uint8_t id[FILE_ID_SIZE], struct section_keys *keys,
                                uint8_t out[SECTION_HEADER_SIZE], struct err *err)
{
    unsigned long long tag_len = 0;
    memset(out, 0, SECTION_HEADER_SIZE);
    header_clear_part(key, kind, id, out);
    if (key->plain) {
        seal_checksum(slice_of(out, HEADER_TAG), out + HEADER_TAG);
        return ST_OK;
    }
    TRY(os_random(keys->file, sizeof keys->file, err));
    TRY(os_random(out + HEADER_NONCE, SEAL_NONCE_SIZE, err));
    keys_derive(keys);
    MUST(crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
             out + HEADER_KEY, out + HEADER_TAG, &tag_len, keys->file, sizeof keys->file, out,
             HEADER_AD, NULL, out + HEADER_NONCE, key->key) == 0);
    return ST_OK;
}

static enum status header_refused(const uint8_t *in, const uint8_t *want, bool plain,
                                  struct err *err)
{
    if (memcmp(in, header_magic, sizeof header_magic) != 0)
        return err_set(err, ST_DAMAGED, "not a file of a case (no LICTORSF at its start)");
    if (in[8] != HEADER_VERSION || in[9])
        return err_set(err, ST_DAMAGED, "format version %u is not known to this program",
                       in[8] | (unsigned)in[9] << 8);
    if (in[10] != want[10])
        return err_set(err, ST_DAMAGED, "a file of kind %u stands where kind %u belongs", in[10],
                       want[10]);
    if (in[11] != want[11])
        return err_set(err, ST_DAMAGED,
                       plain ? "an encrypted file in an unencrypted case"
                             : "an unencrypted file in an encrypted case");
    return err_set(err, ST_DAMAGED, "the header says that it is another file");
}

enum status section_header_open(const struct case_key *key, uint8_t kind,
                                const uint8_t id[FILE_ID_SIZE], struct section_keys *keys,
                                const uint8_t in[SECTION_HEADER_SIZE], struct err *err)
{
    uint8_t want[SECTION_HEADER_SIZE] = {0};
    header_clear_part(key, kind, id, want);
    if (memcmp(in, want, HEADER_AD) != 0)
        return header_refused(in, want, key->plain, err);
    if (key->plain) {
        seal_checksum(slice_of(want, HEADER_TAG), want + HEADER_TAG);
        if (memcmp(in, want, SECTION_HEADER_SIZE) != 0)
            return err_set(err, ST_DAMAGED, "the checksum of the header does not fit");
        return ST_OK;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            keys->file, NULL, in + HEADER_KEY, sizeof keys->file, in + HEADER_TAG, in, HEADER_AD,
            in + HEADER_NONCE, key->key) != 0)
        return err_set(err, ST_DAMAGED, "the seal of the header is broken");
    keys_derive(keys);
    return ST_OK;
}

void section_block_ad(const uint8_t id[FILE_ID_SIZE], uint32_t section, uint64_t block, bool last,
                      uint8_t out[SECTION_AD_SIZE])
{
    memcpy(out, id, FILE_ID_SIZE);
    store_u32(out + 16, section);
    store_u64(out + 20, block);
    out[28] = last ? 1 : 0;
}

void section_footer_make(uint64_t toc_off, uint64_t toc_len, const uint8_t tag[SEAL_TAG_SIZE],
                         uint8_t out[SECTION_FOOTER_SIZE])
{
    memcpy(out, footer_magic, sizeof footer_magic);
    store_u64(out + 8, toc_off);
    store_u64(out + 16, toc_len);
    memcpy(out + 24, tag, SEAL_TAG_SIZE);
}

enum status section_footer_parse(const uint8_t in[SECTION_FOOTER_SIZE], uint64_t size,
                                 uint64_t *toc_off, size_t *toc_len, uint8_t tag[SEAL_TAG_SIZE],
                                 struct err *err)
{
    if (memcmp(in, footer_magic, sizeof footer_magic) != 0)
        return err_set(err, ST_DAMAGED, "the file does not end as a finished file does");
    uint64_t off = load_u64(in + 8), len = load_u64(in + 16);
    if (size < SECTION_HEADER_SIZE + SECTION_FOOTER_SIZE || len > SECTION_TOC_MAX ||
        len > size - SECTION_HEADER_SIZE - SECTION_FOOTER_SIZE ||
        off != size - SECTION_FOOTER_SIZE - len)
        return err_set(err, ST_DAMAGED, "the table of contents is not where the footer says");
    *toc_off = off;
    *toc_len = (size_t)len;
    memcpy(tag, in + 24, SEAL_TAG_SIZE);
    return ST_OK;
}
