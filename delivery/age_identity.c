/* age_identity — the keys that open: X25519 identities from identity files, and a passphrase.
 * Texts of identities are secrets: errors name the place, never the text. */
#include <sodium.h>

#include "delivery/age_private.h"
#include "delivery/bech32.h"

#define IDENTITY_HRP "AGE-SECRET-KEY-"

enum status age_identities_new(struct age_identities **out, struct err *err)
{
    TRY(age_crypto_begin(err));
    struct age_identities *ids = sodium_malloc(sizeof *ids);
    if (!ids)
        return err_no_memory(err);
    memset(ids, 0, sizeof *ids);
    ids->scrypt_max = AGE_SCRYPT_DEFAULT;
    *out = ids;
    return ST_OK;
}

void age_identities_free(struct age_identities *ids)
{
    if (!ids)
        return;
    sodium_free(ids->list);
    sodium_free(ids->pass);
    sodium_free(ids);
}

void age_identities_scrypt_max(struct age_identities *ids, unsigned log_n)
{
    ids->scrypt_max = log_n < 1 ? 1 : log_n > AGE_SCRYPT_LIMIT ? AGE_SCRYPT_LIMIT : log_n;
}

static enum status identities_grow(struct age_identities *ids, struct err *err)
{
    if (ids->n < ids->cap)
        return ST_OK;
    size_t cap = ids->cap ? 2 * ids->cap : 8;
    struct age_identity *list = sodium_allocarray(cap, sizeof *list);
    if (!list)
        return err_no_memory(err);
    if (ids->n)
        memcpy(list, ids->list, ids->n * sizeof *list);
    sodium_free(ids->list);
    ids->list = list;
    ids->cap = cap;
    return ST_OK;
}

static bool starts_with(struct slice s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

/* What stands there instead of an X25519 identity, said so that the user knows what to do. */
static const char *identity_refusal(struct slice line)
{
    static const struct {
        const char *prefix, *text;
    } kinds[] = {
        {"AGE-SECRET-KEY-PQ-1", "a post-quantum identity (AGE-SECRET-KEY-PQ-1…) is not supported"},
        {"AGE-PLUGIN-", "an identity of an age plugin (AGE-PLUGIN-…) is not supported"},
        {"age1", "this is a recipient (age1…), not an identity"},
        {"age-encryption.org/", "the identity file is itself encrypted; open it with age first"},
        {"-----BEGIN AGE ENCRYPTED",
         "the identity file is itself encrypted; open it with age first"},
        {"-----BEGIN ", "an SSH or PEM key is not supported"},
        {"AGE-SECRET-KEY-1", "the identity is mistyped or cut (checksum, length or letter case)"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (starts_with(line, kinds[i].prefix))
            return kinds[i].text;
    return "not an age identity (AGE-SECRET-KEY-1…)";
}

static bool identity_decode(struct slice line, struct age_identity *id)
{
    uint8_t data[BECH32_DATA_MAX];
    struct slice hrp;
    size_t len;
    bool good = bech32_decode(line, &hrp, data, &len) && slice_eq_str(hrp, IDENTITY_HRP) &&
                len == sizeof id->secret;
    if (good) {
        memcpy(id->secret, data, sizeof id->secret);
        MUST(crypto_scalarmult_base(id->recipient, id->secret) == 0);
    }
    sodium_memzero(data, sizeof data);
    return good;
}

static enum status identities_add_line(struct age_identities *ids, struct slice line,
                                       struct err *err)
{
    if (line.len == 0 || line.data[0] == '#')
        return ST_OK;
    if (ids->n >= AGE_IDENTITIES_MAX)
        return err_set(err, ST_LIMIT, "more than %d identities", AGE_IDENTITIES_MAX);
    TRY(identities_grow(ids, err));
    if (!identity_decode(line, &ids->list[ids->n]))
        return err_set(err, ST_BAD_INPUT, "%s", identity_refusal(line));
    ids->n++;
    return ST_OK;
}

enum status age_identities_add(struct age_identities *ids, struct slice text, const char *name,
                               struct err *err)
{
    size_t before = ids->n;
    unsigned long number = 0;
    for (size_t pos = 0; pos < text.len;) {
        const uint8_t *start = text.data + pos, *lf = memchr(start, '\n', text.len - pos);
        size_t len = lf ? (size_t)(lf - start) : text.len - pos;
        pos += len + 1;
        number++;
        if (len > 0 && start[len - 1] == '\r')
            len--;
        enum status st = identities_add_line(ids, slice_of(start, len), err);
        if (st != ST_OK) {
            err_prefix(err, "%s:%lu", name, number);
            ids->n = before;
            return st;
        }
    }
    if (ids->n == before)
        return err_set(err, ST_BAD_INPUT, "%s: no identity (AGE-SECRET-KEY-1…) in it", name);
    return ST_OK;
}

enum status age_passphrase_copy(struct slice text, uint8_t **pass, size_t *len, struct err *err)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
        if (text.len > 0 && text.data[text.len - 1] == '\r')
            text.len--;
    }
    if (text.len == 0)
        return err_set(err, ST_BAD_INPUT, "the passphrase is empty");
    if (text.len > AGE_PASSPHRASE_MAX)
        return err_set(err, ST_LIMIT, "the passphrase is longer than %d bytes", AGE_PASSPHRASE_MAX);
    uint8_t *copy = sodium_malloc(text.len);
    if (!copy)
        return err_no_memory(err);
    memcpy(copy, text.data, text.len);
    sodium_free(*pass);
    *pass = copy;
    *len = text.len;
    return ST_OK;
}

enum status age_identities_passphrase(struct age_identities *ids, struct slice pass,
                                      struct err *err)
{
    return age_passphrase_copy(pass, &ids->pass, &ids->pass_len, err);
}

enum status age_keygen(const uint8_t *seed, char identity[AGE_IDENTITY_SIZE],
                       char recipient[AGE_RECIPIENT_SIZE], struct err *err)
{
    uint8_t public_key[32];
    TRY(age_crypto_begin(err));
    uint8_t *secret = sodium_malloc(32);
    if (!secret)
        return err_no_memory(err);
    struct age_random random = {.seed = seed};
    enum status st = age_random_draw(&random, secret, 32, err);
    if (st == ST_OK) {
        MUST(crypto_scalarmult_base(public_key, secret) == 0);
        MUST(bech32_encode(IDENTITY_HRP, secret, 32, identity, AGE_IDENTITY_SIZE));
        MUST(bech32_encode("age", public_key, 32, recipient, AGE_RECIPIENT_SIZE));
    }
    sodium_free(secret);
    return st;
}
