/* age_read — an age file read from a source: input buffer, header, chunks.
 * One chunk and one byte are looked at before a chunk is opened: a final chunk is known only by
 * what follows it. Nothing is handed out that did not authenticate. */
#include <sodium.h>
#include <stdlib.h>

#include "delivery/age_private.h"

/* Holds the longest header and one byte more, or 16 sealed chunks. */
#define INPUT_CAP (16 * AGE_SEALED)
_Static_assert(INPUT_CAP > AGE_HEADER_MAX + 1, "the header must fit the input buffer");

struct age_reader {
    struct byte_source src; /* of the age file's bytes: the caller's or the armor */
    struct age_armor armor;
    bool armored, by_passphrase;
    uint8_t *data;
    size_t pos, end;
    uint64_t off; /* of data[pos] in the age file */
    bool eof;
    struct err damage; /* malformed armor at the end of the bytes; ST_OK for a clean end */

    uint8_t *file_key;    /* sodium_malloc; freed once the payload key is known */
    uint8_t *payload_key; /* sodium_malloc */
    struct age_chunks chunks;
    uint8_t *out; /* the chunk handed out */
    uint64_t counter;
    bool final;      /* the final chunk was handed out */
    struct err last; /* latched failure or end */
};

/* At least `need` bytes, or all there are. */
static enum status input_fill(struct age_reader *r, size_t need, struct err *err)
{
    MUST(need <= INPUT_CAP);
    while (r->end - r->pos < need && !r->eof) {
        if (INPUT_CAP - r->pos < need) {
            memmove(r->data, r->data + r->pos, r->end - r->pos);
            r->end -= r->pos;
            r->pos = 0;
        }
        size_t got = 0;
        struct err why = {0};
        enum status st = r->src.read(r->src.ctx, r->data + r->end, INPUT_CAP - r->end, &got, &why);
        if (st != ST_OK && !(r->armored && r->armor.bad)) {
            if (err)
                *err = why;
            return st;
        }
        if (st != ST_OK)
            r->damage = why;
        r->end += st == ST_OK ? got : 0;
        r->eof = st != ST_OK || got == 0;
    }
    return ST_OK;
}

static void input_take(struct age_reader *r, size_t n)
{
    r->pos += n;
    r->off += n;
}

static enum status reader_new(struct byte_source src, struct age_reader **out, struct err *err)
{
    TRY(age_crypto_begin(err));
    struct age_reader *r = calloc(1, sizeof *r);
    if (!r)
        return err_no_memory(err);
    r->src = src;
    r->data = malloc(INPUT_CAP);
    r->out = malloc(AGE_CHUNK);
    r->file_key = sodium_malloc(AGE_FILE_KEY);
    if (!r->data || !r->out || !r->file_key) {
        age_reader_close(r);
        return err_no_memory(err);
    }
    *out = r;
    return ST_OK;
}

void age_reader_close(struct age_reader *r)
{
    if (!r)
        return;
    age_chunks_release(&r->chunks);
    age_armor_release(&r->armor);
    sodium_free(r->file_key);
    sodium_free(r->payload_key);
    if (r->out)
        sodium_memzero(r->out, AGE_CHUNK);
    free(r->out);
    free(r->data);
    free(r);
}

bool age_reader_by_passphrase(const struct age_reader *r) { return r->by_passphrase; }

/* An age file starts with a letter; an armored one with a dash or white space. */
static enum status reader_begin(struct age_reader *r, struct err *err)
{
    size_t got = 0;
    TRY(r->src.read(r->src.ctx, r->data, AGE_ARMOR_RAW, &got, err));
    r->eof = got == 0;
    r->end = got;
    if (got == 0 || !memchr("- \t\r\n", r->data[0], 5))
        return ST_OK;
    TRY(age_armor_init(&r->armor, r->src, slice_of(r->data, got), err));
    r->armored = true;
    r->src = (struct byte_source){.ctx = &r->armor, .read = age_armor_read};
    r->end = 0;
    return ST_OK;
}

static enum status header_cut(const struct age_reader *r, struct err *err)
{
    const char *text = r->damage.status != ST_OK ? r->damage.text : "it ends inside the age header";
    return err_reason(err, ST_BAD_INPUT, "bad-header", r->end, "%s", text);
}

/* The header's bytes in the input buffer, read so far as needed. */
static enum status reader_header(struct age_reader *r, struct slice *text, struct err *err)
{
    for (size_t scan = 0, len;;) {
        len = age_header_end(slice_of(r->data, r->end), &scan);
        if (len > 0) {
            *text = slice_of(r->data, len);
            return ST_OK;
        }
        if (r->end > AGE_HEADER_MAX)
            return err_reason(err, ST_BAD_INPUT, "bad-header", AGE_HEADER_MAX,
                              "age header: longer than 1 MiB");
        if (r->eof)
            return header_cut(r, err);
        TRY(input_fill(r, r->end + 1, err));
    }
}

static enum status reader_open_header(struct age_reader *r, const struct age_identities *ids,
                                      struct err *err)
{
    struct slice text;
    struct age_header h;
    uint8_t mac[32];
    TRY(reader_begin(r, err));
    TRY(reader_header(r, &text, err));
    TRY(age_header_parse(text, &h, err));
    enum status st = age_stanzas_unwrap(&h, ids, r->file_key, err);
    if (st == ST_OK) {
        age_header_mac(r->file_key, h.maced, mac);
        if (sodium_memcmp(mac, h.mac, sizeof mac) != 0)
            st = err_reason(err, ST_BAD_INPUT, "bad-header", h.maced.len,
                            "age header: the MAC does not fit, it was changed");
    }
    r->by_passphrase = age_stanzas_passphrase(&h);
    age_header_release(&h);
    if (st == ST_OK)
        input_take(r, text.len);
    return st;
}

enum status age_reader_open(struct byte_source src, const struct age_identities *ids,
                            struct age_reader **out, struct err *err)
{
    struct age_reader *r = NULL;
    TRY(reader_new(src, &r, err));
    enum status st = reader_open_header(r, ids, err);
    if (st != ST_OK) {
        age_reader_close(r);
        return st;
    }
    *out = r;
    return ST_OK;
}

enum status age_reader_open_payload(struct byte_source src, const uint8_t file_key[AGE_FILE_KEY],
                                    struct age_reader **out, struct err *err)
{
    struct age_reader *r = NULL;
    TRY(reader_new(src, &r, err));
    memcpy(r->file_key, file_key, AGE_FILE_KEY);
    *out = r;
    return ST_OK;
}

/* The input ends here, and not after a final chunk. Where bytes are left, a cut cannot be told from
 * a change in a last chunk that is short. */
static enum status payload_cut(struct age_reader *r)
{
    const char *text = r->end - r->pos < AGE_TAG ? "the file ends before its final chunk"
                                                 : "the file ends before its final chunk, or that "
                                                   "was changed";
    if (r->damage.status != ST_OK)
        return err_reason(&r->last, ST_BAD_INPUT, r->damage.reason, r->off, "%s", r->damage.text);
    return err_reason(&r->last, ST_BAD_INPUT, "cut", r->off, "%s", text);
}

static enum status payload_begin(struct age_reader *r)
{
    TRY(input_fill(r, AGE_NONCE, &r->last));
    if (r->end - r->pos < AGE_NONCE)
        return payload_cut(r);
    r->payload_key = sodium_malloc(AGE_KEY);
    if (!r->payload_key)
        return err_no_memory(&r->last);
    age_payload_key(r->file_key, r->data + r->pos, r->payload_key);
    enum status st = age_chunks_init(&r->chunks, r->payload_key, false, &r->last);
    sodium_free(r->file_key);
    r->file_key = NULL;
    input_take(r, AGE_NONCE);
    return st;
}

static bool chunk_try(struct age_reader *r, bool last, size_t len)
{
    return age_chunk_open(&r->chunks, r->counter, last, r->data + r->pos, len, r->out);
}

/* Opens the chunk at pos into out; *len is its sealed length. */
static enum status payload_chunk(struct age_reader *r, size_t *len)
{
    TRY(input_fill(r, AGE_SEALED + 1, &r->last));
    size_t left = r->end - r->pos;
    bool ends = left <= AGE_SEALED; /* only as long as the input has ended */
    *len = ends ? left : AGE_SEALED;
    if (*len < AGE_TAG)
        return payload_cut(r);
    if (chunk_try(r, ends, *len)) {
        r->final = ends;
        if (ends && *len == AGE_TAG && r->counter > 0)
            return err_reason(&r->last, ST_BAD_INPUT, "chunk", r->off,
                              "the final chunk is empty, but the payload is not");
        return ST_OK;
    }
    /* A whole chunk may yet be a good one that stands in the wrong place; what it says is
     * authentic, and what is wrong comes with the next call. */
    if (*len == AGE_SEALED && chunk_try(r, !ends, *len)) {
        r->final = !ends;
        return ST_OK;
    }
    /* Or a final chunk that is short, and something was appended. */
    size_t found =
        age_chunk_end(r->payload_key, r->counter, r->data + r->pos, *len, r->counter > 0 ? 1 : 0);
    if (found && chunk_try(r, true, found)) {
        *len = found;
        r->final = true;
        return ST_OK;
    }
    return ends ? payload_cut(r)
                : err_reason(&r->last, ST_BAD_INPUT, "chunk", r->off,
                             "a chunk does not authenticate: it was changed");
}

static enum status payload_end(struct age_reader *r)
{
    TRY(input_fill(r, 1, &r->last));
    if (r->end > r->pos)
        return err_reason(&r->last, ST_BAD_INPUT, "trailing-bytes", r->off,
                          "bytes follow the final chunk");
    return r->damage.status != ST_OK ? payload_cut(r) : ST_END;
}

enum status age_reader_next(struct age_reader *r, struct slice *chunk, struct err *err)
{
    enum status st = r->last.status;
    size_t len = 0;
    if (st == ST_OK && r->file_key)
        st = payload_begin(r);
    if (st == ST_OK)
        st = r->final ? payload_end(r) : payload_chunk(r, &len);
    if (st != ST_OK) {
        r->last.status = st;
        if (err)
            *err = r->last;
        return st;
    }
    input_take(r, len);
    r->counter++;
    *chunk = slice_of(r->out, len - AGE_TAG);
    return ST_OK;
}
