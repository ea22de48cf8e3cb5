/* age_stanza — how the file key gets into and out of stanzas: X25519 and scrypt.
 * All known stanzas of a header are checked before the first key is tried, so that whether a file
 * is malformed does not depend on whose keys are at hand. */
#include <sodium.h>
#include <stdio.h>

#include "delivery/age_private.h"

#define WRAPPED (AGE_FILE_KEY + AGE_TAG)

static const char type_x25519[] = "X25519", type_scrypt[] = "scrypt";

static enum status stanza_bad(const char *text, struct err *err)
{
    return err_reason(err, ST_BAD_INPUT, "bad-header", 0, "age header: %s", text);
}

/* Unpadded base64 of exactly `len` (at most 32) bytes. */
static bool argument_bytes(struct slice arg, size_t len, uint8_t *out)
{
    uint8_t bytes[36];
    size_t n = 0;
    if (arg.len > 43 || !base64_decode(arg, false, bytes, &n) || n != len)
        return false;
    memcpy(out, bytes, len);
    return true;
}

static bool argument_log_n(struct slice arg, unsigned *log_n)
{
    unsigned v = 0;
    if (arg.len == 0 || arg.data[0] == '0')
        return false;
    for (size_t i = 0; i < arg.len; i++) {
        if (arg.data[i] < '0' || arg.data[i] > '9')
            return false;
        v = v > 1000 ? v : 10 * v + (unsigned)(arg.data[i] - '0');
    }
    *log_n = v;
    return true;
}

static enum status x25519_check(const struct age_stanza *s, struct err *err)
{
    uint8_t share[32];
    if (s->n_args != 1 || !argument_bytes(s->args[0], sizeof share, share))
        return stanza_bad("an X25519 stanza without a share of 32 bytes", err);
    if (s->body.len != WRAPPED)
        return stanza_bad("an X25519 stanza whose body is not 32 bytes", err);
    return ST_OK;
}

static enum status scrypt_check(const struct age_header *h, const struct age_stanza *s,
                                struct err *err)
{
    uint8_t salt[AGE_SCRYPT_SALT];
    unsigned log_n;
    if (h->n != 1)
        return stanza_bad("an scrypt stanza that does not stand alone", err);
    if (s->n_args != 2 || !argument_bytes(s->args[0], sizeof salt, salt))
        return stanza_bad("an scrypt stanza without a salt of 16 bytes", err);
    if (!argument_log_n(s->args[1], &log_n))
        return stanza_bad("an scrypt stanza without a work factor", err);
    if (s->body.len != WRAPPED)
        return stanza_bad("an scrypt stanza whose body is not 32 bytes", err);
    return ST_OK;
}

/* ST_NOT_FOUND if none of the keys fits. */
static enum status x25519_try(const struct age_stanza *s, const struct age_identities *ids,
                              uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
    uint8_t share[32], key[AGE_KEY];
    enum status st = ST_NOT_FOUND;
    MUST(argument_bytes(s->args[0], sizeof share, share));
    for (size_t i = 0; i < ids->n && st == ST_NOT_FOUND; i++) {
        const struct age_identity *id = &ids->list[i];
        if (!age_x25519_wrap_key(id->secret, share, share, id->recipient, key))
            st = stanza_bad("an X25519 share that gives an all-zero secret", err);
        else if (age_file_key_unwrap(key, s->body.data, file_key))
            st = ST_OK;
    }
    sodium_memzero(key, sizeof key);
    return st;
}

static enum status scrypt_try(const struct age_stanza *s, const struct age_identities *ids,
                              uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
    uint8_t salt[AGE_SCRYPT_SALT], key[AGE_KEY];
    unsigned log_n = 0;
    MUST(argument_bytes(s->args[0], sizeof salt, salt) && argument_log_n(s->args[1], &log_n));
    if (log_n > ids->scrypt_max)
        return err_reason(
            err, ST_BAD_INPUT, "bad-header", 0,
            "scrypt work factor %s%u is above the limit of %u (" AGE_SCRYPT_OPTION ")",
            log_n > 1000 ? "beyond " : "", log_n > 1000 ? 1000 : log_n, ids->scrypt_max);
    if (!ids->pass)
        return err_reason(err, ST_BAD_INPUT, "no-key", 0, AGE_WANTS_PASSPHRASE);
    enum status st = age_scrypt_wrap_key(slice_of(ids->pass, ids->pass_len), salt, log_n, key, err);
    if (st == ST_OK && !age_file_key_unwrap(key, s->body.data, file_key))
        st = err_reason(err, ST_BAD_INPUT, "bad-passphrase", 0, "the passphrase does not open it");
    sodium_memzero(key, sizeof key);
    return st;
}

enum status age_stanzas_unwrap(const struct age_header *h, const struct age_identities *ids,
                               uint8_t file_key[AGE_FILE_KEY], struct err *err)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct age_stanza *s = &h->stanzas[i];
        if (slice_eq_str(s->type, type_x25519))
            TRY(x25519_check(s, err));
        else if (slice_eq_str(s->type, type_scrypt))
            TRY(scrypt_check(h, s, err));
    }
    for (size_t i = 0; i < h->n; i++) {
        const struct age_stanza *s = &h->stanzas[i];
        if (slice_eq_str(s->type, type_scrypt))
            return scrypt_try(s, ids, file_key, err);
        if (!slice_eq_str(s->type, type_x25519))
            continue;
        enum status st = x25519_try(s, ids, file_key, err);
        if (st != ST_NOT_FOUND)
            return st;
    }
    return err_reason(err, ST_BAD_INPUT, "no-key", 0, "none of the identities opens it");
}

bool age_stanzas_passphrase(const struct age_header *h)
{
    return h->n == 1 && slice_eq_str(h->stanzas[0].type, type_scrypt);
}

/* Unpadded, as stanzas have it. */
static void put_base64(struct buf *out, struct slice bytes)
{
    base64_encode(bytes, out);
    while (!out->failed && out->len > 0 && out->data[out->len - 1] == '=')
        out->len--;
}

static void put_body(struct buf *out, const uint8_t body[WRAPPED])
{
    buf_put_u8(out, '\n');
    put_base64(out, slice_of(body, WRAPPED)); /* 43 columns: one line */
    buf_put_u8(out, '\n');
}

static enum status x25519_put(const uint8_t recipient[32], struct age_random *random,
                              const uint8_t file_key[AGE_FILE_KEY], struct buf *out,
                              struct err *err)
{
    uint8_t secret[32], share[32], key[AGE_KEY], body[WRAPPED];
    TRY(age_random_draw(random, secret, sizeof secret, err));
    enum status st = ST_OK;
    MUST(crypto_scalarmult_base(share, secret) == 0);
    if (age_x25519_wrap_key(secret, recipient, share, recipient, key)) {
        age_file_key_wrap(key, file_key, body);
        buf_printf(out, "-> %s ", type_x25519);
        put_base64(out, slice_of(share, sizeof share));
        put_body(out, body);
    } else {
        st = err_set(err, ST_BAD_INPUT, "a recipient is no usable X25519 key");
    }
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(key, sizeof key);
    return st;
}

static enum status scrypt_put(const struct age_recipients *to, struct age_random *random,
                              const uint8_t file_key[AGE_FILE_KEY], struct buf *out,
                              struct err *err)
{
    uint8_t salt[AGE_SCRYPT_SALT], key[AGE_KEY], body[WRAPPED];
    TRY(age_random_draw(random, salt, sizeof salt, err));
    TRY(age_scrypt_wrap_key(slice_of(to->pass, to->pass_len), salt, to->log_n, key, err));
    age_file_key_wrap(key, file_key, body);
    sodium_memzero(key, sizeof key);
    buf_printf(out, "-> %s ", type_scrypt);
    put_base64(out, slice_of(salt, sizeof salt));
    buf_printf(out, " %u", to->log_n);
    put_body(out, body);
    return ST_OK;
}

enum status age_stanzas_wrap(const struct age_recipients *to, struct age_random *random,
                             const uint8_t file_key[AGE_FILE_KEY], struct buf *out, struct err *err)
{
    if (to->pass)
        return scrypt_put(to, random, file_key, out, err);
    if (to->n == 0)
        return err_set(err, ST_USAGE, "no recipient to encrypt for");
    for (size_t i = 0; i < to->n; i++)
        TRY(x25519_put(to->list[i], random, file_key, out, err));
    return ST_OK;
}
