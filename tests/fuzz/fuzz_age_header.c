/* fuzz_age_header — an age file from anywhere: armor, header and stanzas, with an X25519 identity
 * and a passphrase at hand; and the same bytes as an identity file and as Bech32. The first byte
 * says how many bytes a read gives. */
#include <stdlib.h>

#include "delivery/age_private.h"
#include "delivery/bech32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    struct slice bytes;
    size_t pos, step;
};

static enum status memory_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err)
{
    struct memory *m = ctx;
    size_t n = m->bytes.len - m->pos;
    (void)err;
    n = m->step && n > m->step ? m->step : n;
    n = n > cap ? cap : n;
    if (n)
        memcpy(buf, m->bytes.data + m->pos, n);
    m->pos += n;
    *got = n;
    return ST_OK;
}

static struct age_identities *identities(void)
{
    static const uint8_t seed[32] = {1, 2, 3};
    char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE];
    struct age_identities *ids = NULL;
    MUST(age_identities_new(&ids, NULL) == ST_OK);
    MUST(age_keygen(seed, identity, recipient, NULL) == ST_OK);
    MUST(age_identities_add(ids, slice_str(identity), "id", NULL) == ST_OK);
    MUST(age_identities_passphrase(ids, slice_str("pass"), NULL) == ST_OK);
    age_identities_scrypt_max(ids, 8); /* deeper costs time and finds nothing */
    return ids;
}

static void read_file(struct slice bytes, size_t step, const struct age_identities *ids)
{
    struct memory m = {.bytes = bytes, .step = step};
    struct age_reader *r = NULL;
    struct slice chunk;
    struct err err = {0};
    size_t total = 0;
    (void)age_recognise(bytes);
    if (age_reader_open((struct byte_source){.ctx = &m, .read = memory_read}, ids, &r, &err) !=
        ST_OK) {
        MUST(err.reason);
        return;
    }
    while (age_reader_next(r, &chunk, &err) == ST_OK)
        total += chunk.len;
    MUST(total <= bytes.len);
    age_reader_close(r);
}

static void read_keys(struct slice text)
{
    struct age_identities *ids = NULL;
    uint8_t bytes[BECH32_DATA_MAX];
    struct slice hrp;
    size_t len;
    MUST(age_identities_new(&ids, NULL) == ST_OK);
    if (age_identities_add(ids, text, "fuzz", NULL) == ST_OK)
        MUST(ids->n > 0);
    age_identities_free(ids);
    if (bech32_decode(text, &hrp, bytes, &len))
        MUST(hrp.len > 0 && len <= BECH32_DATA_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct age_identities *ids;
    if (!ids)
        ids = identities();
    if (size == 0)
        return 0;
    struct slice bytes = slice_of(data + 1, size - 1);
    read_file(bytes, data[0], ids);
    read_keys(bytes);
    return 0;
}
