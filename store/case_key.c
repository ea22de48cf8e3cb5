/* case_key — from what a person has, a key file or a passphrase, to the 32 bytes that lock CASE.
 * Argon2id stretches a passphrase; its cost stands in CASE, where anybody may have written it, so
 * it is bounded before a byte of memory is spent. */
#include "store/case_private.h"

#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lictor/os.h"

#define KEY_FILE_WORD "LICTOR-CASE-KEY-1"

/* About half a second and 256 MB: what RFC 9106 calls the second choice is 64 MB, for machines that
 * hold less than those that hold cases. */
#define PASSES 3
#define KIB (256u << 10)

/* ---- the key file ---- */

static struct slice line_trim(struct slice l)
{
    while (l.len && (l.data[0] == ' ' || l.data[0] == '\t'))
        l = slice_of(l.data + 1, l.len - 1);
    while (l.len &&
           (l.data[l.len - 1] == ' ' || l.data[l.len - 1] == '\t' || l.data[l.len - 1] == '\r'))
        l.len--;
    return l;
}

static bool line_starts(struct slice l, const char *word)
{
    size_t n = strlen(word);
    return l.len >= n && memcmp(l.data, word, n) == 0;
}

static enum status key_line_parse(struct slice l, uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    uint8_t raw[64];
    size_t raw_len = 0;
    if (line_starts(l, "AGE-SECRET-KEY-") || line_starts(l, "AGE-PLUGIN-"))
        return err_set(err, ST_DENIED,
                       "this is an age identity, which opens deliveries; the key of a case is the "
                       "file that `lictor-ingest init` wrote");
    if (!line_starts(l, KEY_FILE_WORD " "))
        return err_set(err, ST_DENIED,
                       "this is not the key file of a case (no line \"" KEY_FILE_WORD " ...\")");
    l = line_trim(slice_of(l.data + sizeof KEY_FILE_WORD, l.len - sizeof KEY_FILE_WORD));
    bool good = l.len == 44 && base64_decode(l, true, raw, &raw_len) && raw_len == SEAL_KEY_SIZE;
    if (good)
        memcpy(out, raw, SEAL_KEY_SIZE);
    sodium_memzero(raw, sizeof raw);
    if (!good)
        return err_set(err, ST_DENIED, "the line \"" KEY_FILE_WORD "\" of the key file is damaged");
    return ST_OK;
}

enum status case_key_file_parse(struct slice text, uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    bool found = false;
    for (size_t pos = 0; pos < text.len;) {
        const uint8_t *lf = memchr(text.data + pos, '\n', text.len - pos);
        size_t end = lf ? (size_t)(lf - text.data) : text.len;
        struct slice l = line_trim(slice_of(text.data + pos, end - pos));
        pos = end + 1;
        if (l.len == 0 || l.data[0] == '#')
            continue;
        if (found)
            return err_set(err, ST_DENIED, "the key file has more than one key");
        TRY(key_line_parse(l, out, err));
        found = true;
    }
    if (!found)
        return err_set(err, ST_DENIED,
                       "this is not the key file of a case (no line \"" KEY_FILE_WORD " ...\")");
    return ST_OK;
}

enum status case_key_file_read(const char *path, uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum status st = os_read_secret(path, CASE_KEY_FILE_MAX, &text, &len, err);
    if (st == ST_LIMIT)
        return err_set(err, ST_DENIED, "%s: this is not the key file of a case (too long)", path);
    if (st == ST_NOT_FOUND)
        return err_set(err, ST_DENIED, "the key file %s does not exist", path);
    if (st != ST_OK)
        return st;
    st = case_key_file_parse(slice_of(text, len), out, err);
    if (st != ST_OK)
        err_prefix(err, "%s", path);
    os_secret_free(text, len + 1);
    return st;
}

enum status case_key_file_make(const char *path, const uint8_t id[CASE_ID_SIZE],
                               uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    char hex[2 * CASE_ID_SIZE + 1];
    struct buf text = {0};
    int fd = -1;
    TRY(os_random(out, SEAL_KEY_SIZE, err));
    hex_encode(id, CASE_ID_SIZE, hex);
    /* One allocation, so that growing leaves no copy of the key behind. */
    if (!buf_reserve(&text, 512))
        return err_no_memory(err);
    buf_printf(&text,
               "# The key of a Lictor case. Keep it apart from the case: whoever has both "
               "can read it,\n# and without it nobody can.\n# case: %s\n" KEY_FILE_WORD " ",
               hex);
    base64_encode(slice_of(out, SEAL_KEY_SIZE), &text);
    buf_put_u8(&text, '\n');
    enum status st = buf_status(&text, err);
    if (st == ST_OK)
        st = os_create(AT_FDCWD, path, 0600, &fd, err);
    if (st == ST_OK)
        st = os_write(fd, text.data, text.len, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    seal_wipe_buf(&text);
    if (st != ST_OK && fd >= 0 && os_unlink(AT_FDCWD, path, NULL) != ST_OK)
        err_prefix(err, "%s is useless and may be removed", path);
    os_close(&fd);
    return st;
}

/* ---- a passphrase ---- */

static enum status passphrase_check(struct slice text, struct err *err)
{
    if (text.len == 0)
        return err_set(err, ST_DENIED, "the passphrase is empty");
    if (text.len > CASE_PASSPHRASE_MAX)
        return err_set(err, ST_DENIED, "the passphrase is longer than %d bytes",
                       CASE_PASSPHRASE_MAX);
    if (memchr(text.data, '\n', text.len))
        return err_set(err, ST_DENIED, "the passphrase is more than one line");
    return ST_OK;
}

static enum status passphrase_stretch(struct slice text, const struct case_way *way,
                                      uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    TRY(passphrase_check(text, err));
    if (crypto_pwhash(out, SEAL_KEY_SIZE, (const char *)text.data, text.len, way->salt, way->passes,
                      (size_t)way->kib << 10, crypto_pwhash_ALG_ARGON2ID13) == 0)
        return ST_OK;
    return err_set(err, ST_NO_MEMORY, "%u MB of memory are needed to open a case by its passphrase",
                   way->kib >> 10);
}

/* Without the end of its line. */
static enum status passphrase_file(const char *path, const struct case_way *way,
                                   uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    uint8_t *text = NULL;
    size_t size = 0;
    enum status st = os_read_secret(path, CASE_KEY_FILE_MAX, &text, &size, err);
    if (st == ST_LIMIT)
        return err_set(err, ST_DENIED, "%s: too long for a passphrase", path);
    if (st == ST_NOT_FOUND)
        return err_set(err, ST_DENIED, "the passphrase file %s does not exist", path);
    if (st != ST_OK)
        return st;
    size_t len = size;
    if (len && text[len - 1] == '\n')
        len--;
    if (len && text[len - 1] == '\r')
        len--;
    st = passphrase_stretch(slice_of(text, len), way, out, err);
    if (st == ST_DENIED)
        err_prefix(err, "%s", path);
    os_secret_free(text, size + 1);
    return st;
}

static enum status passphrase_key(const struct case_secret *s, const struct case_way *way,
                                  uint8_t out[SEAL_KEY_SIZE], struct err *err)
{
    if (s->passphrase_file)
        return passphrase_file(s->passphrase_file, way, out, err);
    return passphrase_stretch(slice_of(s->passphrase, s->passphrase_len), way, out, err);
}

/* ---- both ---- */

enum status case_key_new(uint8_t **out, struct err *err)
{
    TRY(seal_ready(err));
    uint8_t *k = sodium_malloc(SEAL_KEY_SIZE);
    if (!k)
        return err_no_memory(err);
    *out = k;
    return ST_OK;
}

static bool by_passphrase(const struct case_secret *s)
{
    return s->passphrase_file || s->passphrase;
}

static enum status secret_fits(const struct case_secret *s, enum case_method method,
                               struct err *err)
{
    bool any = s->key_file || by_passphrase(s);
    if (method == CASE_PLAIN)
        /* An attacker could have put a plain case in the place of the sealed one. */
        return !any ? ST_OK
                    : err_set(err, ST_DENIED,
                              "the case is not encrypted, and a key was given: leave it (--key, "
                              "$LICTOR_KEY_FILE) out if this is the case you mean");
    if (method == CASE_KEY_FILE && by_passphrase(s))
        return err_set(err, ST_DENIED, "the case opens with a key file (--key), not a passphrase");
    if (method == CASE_PASSPHRASE && s->key_file)
        return err_set(err, ST_DENIED,
                       "the case opens with a passphrase, not the key file %s: leave --key (and "
                       "$LICTOR_KEY_FILE) out",
                       s->key_file);
    if (any)
        return ST_OK;
    return err_set(err, ST_DENIED,
                   method == CASE_KEY_FILE
                       ? "the case is encrypted: its key file is needed"
                       : "the case is encrypted: its passphrase is needed (--passphrase-file FILE, "
                         "or a terminal to ask for it)");
}

enum status case_lock_key(const struct case_secret *s, const struct case_way *way, uint8_t **out,
                          struct err *err)
{
    *out = NULL;
    TRY(secret_fits(s, way->method, err));
    if (way->method == CASE_PLAIN)
        return ST_OK;
    TRY(case_key_new(out, err));
    enum status st = way->method == CASE_KEY_FILE ? case_key_file_read(s->key_file, *out, err)
                                                  : passphrase_key(s, way, *out, err);
    if (st == ST_OK)
        return ST_OK;
    sodium_free(*out);
    *out = NULL;
    return st;
}

/* The entry of a new file is durable only when its directory is synced. */
enum status case_parent_sync(const char *path, struct err *err)
{
    int fd = -1;
    char *copy = strdup(path);
    if (!copy)
        return err_no_memory(err);
    enum status st = os_open_dir(AT_FDCWD, dirname(copy), &fd, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    os_close(&fd);
    free(copy);
    return st;
}

static enum status refuse_key_file(const char *path, struct err *err)
{
    int fd = -1;
    enum status st = os_open_read(AT_FDCWD, path, &fd, err);
    os_close(&fd);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK)
        return err_set(err, ST_USAGE, "the key file %s exists already; it is never overwritten",
                       path);
    return st;
}

static enum status lock_fill(const struct case_secret *s, const uint8_t id[CASE_ID_SIZE],
                             struct case_lock *l, struct err *err)
{
    if (!by_passphrase(s)) {
        l->way.method = CASE_KEY_FILE;
        TRY(refuse_key_file(s->key_file, err));
        TRY(case_key_file_make(s->key_file, id, l->key, err));
        l->made = s->key_file;
        return case_parent_sync(s->key_file, err);
    }
    l->way.method = CASE_PASSPHRASE;
    l->way.passes = PASSES;
    l->way.kib = KIB;
    TRY(os_random(l->way.salt, sizeof l->way.salt, err));
    return passphrase_key(s, &l->way, l->key, err);
}

enum status case_lock_make(const struct case_secret *s, const uint8_t id[CASE_ID_SIZE],
                           struct case_lock *l, struct err *err)
{
    *l = (struct case_lock){.way.method = CASE_PLAIN};
    if (!s->key_file && !by_passphrase(s))
        return ST_OK;
    TRY(case_key_new(&l->key, err));
    enum status st = lock_fill(s, id, l, err);
    if (st != ST_OK)
        case_lock_release(l, true);
    return st;
}

/* Beside the seam, as case_create does it: the cause of the failure has been told. */
void case_lock_release(struct case_lock *l, bool undo)
{
    if (undo && l->made)
        (void)remove(l->made);
    sodium_free(l->key);
    *l = (struct case_lock){0};
}
