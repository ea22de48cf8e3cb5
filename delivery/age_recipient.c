/* age_recipient — whom a file is for: X25519 recipients, or one passphrase. Never both: an scrypt
 * stanza must stand alone, or whoever has a listed key could make a file that seems to come from
 * one who knows the passphrase. */
#include <sodium.h>
#include <stdlib.h>

#include "delivery/age_private.h"
#include "delivery/bech32.h"

enum status age_recipients_new(struct age_recipients **out, struct err *err)
{
    TRY(age_crypto_begin(err));
    *out = calloc(1, sizeof **out);
    return *out ? ST_OK : err_no_memory(err);
}

void age_recipients_free(struct age_recipients *r)
{
    if (!r)
        return;
    free(r->list);
    sodium_free(r->pass);
    free(r);
}

static enum status recipients_grow(struct age_recipients *r, struct err *err)
{
    if (r->n < r->cap)
        return ST_OK;
    if (r->n >= AGE_RECIPIENTS_MAX)
        return err_set(err, ST_LIMIT, "more than %d recipients", AGE_RECIPIENTS_MAX);
    size_t cap = r->cap ? 2 * r->cap : 4;
    void *list = realloc(r->list, cap * sizeof r->list[0]);
    if (!list)
        return err_no_memory(err);
    r->list = list;
    r->cap = cap;
    return ST_OK;
}

enum status age_recipients_add(struct age_recipients *r, const char *recipient, struct err *err)
{
    uint8_t data[BECH32_DATA_MAX];
    struct slice hrp;
    size_t len;
    if (r->pass)
        return err_set(err, ST_USAGE, "recipients and a passphrase cannot go together");
    if (strncmp(recipient, "age1pq1", 7) == 0)
        return err_set(err, ST_BAD_INPUT, "a post-quantum recipient (age1pq1…) is not supported");
    if (strncmp(recipient, "AGE-", 4) == 0)
        return err_set(err, ST_BAD_INPUT, "this is an identity, not a recipient (age1…)");
    if (!bech32_decode(slice_str(recipient), &hrp, data, &len))
        return err_set(err, ST_BAD_INPUT, "not an age recipient (age1…): mistyped or cut");
    if (hrp.len > 4 && memcmp(hrp.data, "age1", 4) == 0)
        return err_set(err, ST_BAD_INPUT, "a recipient of an age plugin (%.*s1…) is not supported",
                       (int)hrp.len, (const char *)hrp.data);
    if (!slice_eq_str(hrp, "age") || len != 32)
        return err_set(err, ST_BAD_INPUT, "not an age recipient (age1…)");
    TRY(recipients_grow(r, err));
    memcpy(r->list[r->n++], data, 32);
    return ST_OK;
}

enum status age_recipients_passphrase(struct age_recipients *r, struct slice pass, unsigned log_n,
                                      struct err *err)
{
    if (r->n)
        return err_set(err, ST_USAGE, "recipients and a passphrase cannot go together");
    if (log_n < 1 || log_n > AGE_SCRYPT_LIMIT)
        return err_set(err, ST_USAGE, "scrypt's log2 N must be from 1 to %d", AGE_SCRYPT_LIMIT);
    TRY(age_passphrase_copy(pass, &r->pass, &r->pass_len, err));
    r->log_n = log_n;
    return ST_OK;
}
