/* case_key — the key file and CASE. The case key is random and never changes; CASE holds it wrapped
 * under a key derived from the key file, beside a commitment to that key file: XChaCha20-Poly1305
 * does not commit to its key, and only the commitment tells a wrong key from damage. A checksum
 * over the whole of CASE is tested first, so that a flipped bit is not taken for a wrong key. */
#include "store/case_private.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>

#include "lictor/os.h"

#define KEY_FILE_WORD "LICTOR-CASE-KEY-1"
#define COMMIT_SIZE 32
#define CASE_UNIT (CASE_HEADER_SIZE + COMMIT_SIZE)
#define FLAG_PLAIN 1

void case_header_make(const char *magic, bool plain, const uint8_t id[CASE_ID_SIZE],
                      uint8_t out[CASE_HEADER_SIZE])
{
    memset(out, 0, CASE_HEADER_SIZE);
    memcpy(out, magic, 8);
    out[8] = CASE_FORMAT_VERSION;
    out[10] = plain ? FLAG_PLAIN : 0;
    memcpy(out + 16, id, CASE_ID_SIZE);
}

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
    if (text)
        sodium_memzero(text, len);
    free(text);
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

/* ---- CASE ---- */

enum status case_key_new(uint8_t **out, struct err *err)
{
    TRY(seal_ready(err));
    uint8_t *k = sodium_malloc(SEAL_KEY_SIZE);
    if (!k)
        return err_no_memory(err);
    *out = k;
    return ST_OK;
}

/* BLAKE2b-256 keyed by the key file, over label || case id. */
static void file_key_derive(const uint8_t file_key[SEAL_KEY_SIZE], const char *label,
                            const uint8_t id[CASE_ID_SIZE], uint8_t out[32])
{
    crypto_generichash_state h;
    MUST(crypto_generichash_init(&h, file_key, SEAL_KEY_SIZE, 32) == 0);
    MUST(crypto_generichash_update(&h, (const uint8_t *)label, strlen(label)) == 0);
    MUST(crypto_generichash_update(&h, id, CASE_ID_SIZE) == 0);
    MUST(crypto_generichash_final(&h, out, 32) == 0);
    sodium_memzero(&h, sizeof h);
}

#define LABEL_COMMIT "lictor-case-commit/1"
#define LABEL_WRAP "lictor-case-wrap/1"

enum status case_encode(const uint8_t *file_key, const struct case_key *key,
                        const uint8_t id[CASE_ID_SIZE], const char *words_version, struct buf *out,
                        struct err *err)
{
    uint8_t head[CASE_UNIT] = {0}, sum[SEAL_TAG_SIZE];
    struct case_key wrap = {.plain = !file_key};
    struct buf payload = {0};
    enum status st = ST_OK;
    if (strlen(words_version) > CASE_WORDS_VERSION_MAX)
        return err_set(err, ST_LIMIT, "the version of the word rules is too long");
    case_header_make(CASE_MAGIC, wrap.plain, id, head);
    if (file_key) {
        file_key_derive(file_key, LABEL_COMMIT, id, head + CASE_HEADER_SIZE);
        TRY(case_key_new(&wrap.key, err));
        file_key_derive(file_key, LABEL_WRAP, id, wrap.key);
    }
    if (!buf_reserve(&payload, SEAL_KEY_SIZE + CASE_WORDS_VERSION_MAX + 10))
        st = err_no_memory(err);
    if (st == ST_OK && file_key)
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

enum status case_peek(struct slice bytes, bool *plain, uint8_t id[CASE_ID_SIZE], struct err *err)
{
    uint8_t want[CASE_HEADER_SIZE], sum[SEAL_TAG_SIZE];
    if (bytes.len < CASE_UNIT + SEAL_UNIT_OVERHEAD + SEAL_TAG_SIZE ||
        memcmp(bytes.data, CASE_MAGIC, 8) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: it does not start as it should");
    seal_checksum(slice_of(bytes.data, bytes.len - SEAL_TAG_SIZE), sum);
    if (memcmp(sum, bytes.data + bytes.len - SEAL_TAG_SIZE, SEAL_TAG_SIZE) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: its checksum does not fit");
    unsigned version = bytes.data[8] | (unsigned)bytes.data[9] << 8;
    if (version != CASE_FORMAT_VERSION)
        return err_set(err, ST_DAMAGED, "the case has format version %u, this program reads %u",
                       version, CASE_FORMAT_VERSION);
    bool is_plain = bytes.data[10] == FLAG_PLAIN;
    case_header_make(CASE_MAGIC, is_plain, bytes.data + 16, want);
    if (memcmp(want, bytes.data, CASE_HEADER_SIZE) != 0)
        return err_set(err, ST_DAMAGED, "CASE is damaged: unknown flags");
    *plain = is_plain;
    memcpy(id, bytes.data + 16, CASE_ID_SIZE);
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

enum status case_decode(struct slice bytes, const uint8_t *file_key, struct case_key *key,
                        char **words_version, struct err *err)
{
    uint8_t id[CASE_ID_SIZE], commit[COMMIT_SIZE] = {0};
    struct case_key wrap = {0}, made = {0};
    struct buf payload = {0};
    enum status st;
    TRY(case_peek(bytes, &wrap.plain, id, err));
    if (wrap.plain != !file_key)
        return err_set(err, ST_DENIED,
                       wrap.plain ? "the case is not encrypted: no key belongs to it"
                                  : "the case is encrypted: its key is needed");
    if (file_key)
        file_key_derive(file_key, LABEL_COMMIT, id, commit);
    if (sodium_memcmp(commit, bytes.data + CASE_HEADER_SIZE, COMMIT_SIZE) != 0)
        return err_set(err, ST_DENIED, "the key does not belong to this case");
    made.plain = wrap.plain;
    if (file_key) {
        TRY(case_key_new(&wrap.key, err));
        file_key_derive(file_key, LABEL_WRAP, id, wrap.key);
        st = case_key_new(&made.key, err);
        if (st != ST_OK)
            goto out;
    }
    st = seal_open_unit(&wrap, slice_of(bytes.data, CASE_UNIT),
                        slice_of(bytes.data + CASE_UNIT, bytes.len - CASE_UNIT - SEAL_TAG_SIZE),
                        &payload, err);
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
