/* age_write — an age file written to a sink: header at once, then chunks.
 * A full chunk is sealed only when more bytes come: until then it may be the final one. Whole
 * chunks are sealed straight from the caller's bytes and handed on 16 at a time. */
#include <sodium.h>
#include <stdlib.h>

#include "delivery/age_private.h"

#define OUTPUT_CAP (16 * AGE_SEALED)

struct age_writer {
    struct byte_sink sink; /* the caller's or the armor */
    struct age_armor_writer armor;
    bool armored;
    struct age_chunks chunks;
    uint64_t counter;
    uint8_t *part; /* plaintext not sealed yet */
    size_t part_len;
    uint8_t *out; /* sealed chunks not handed on yet */
    size_t out_len;
};

static enum status writer_flush(struct age_writer *w, struct err *err)
{
    if (w->out_len)
        TRY(w->sink.write(w->sink.ctx, w->out, w->out_len, err));
    w->out_len = 0;
    return ST_OK;
}

static enum status writer_seal(struct age_writer *w, const uint8_t *data, size_t len, bool last,
                               struct err *err)
{
    if (OUTPUT_CAP - w->out_len < AGE_SEALED)
        TRY(writer_flush(w, err));
    age_chunk_seal(&w->chunks, w->counter++, last, data, len, w->out + w->out_len);
    w->out_len += len + AGE_TAG;
    return ST_OK;
}

static enum status header_put(const struct age_recipients *to, struct age_random *random,
                              const uint8_t file_key[AGE_FILE_KEY], struct buf *out,
                              struct err *err)
{
    uint8_t mac[32];
    buf_put_str(out, AGE_VERSION_LINE "\n");
    TRY(age_stanzas_wrap(to, random, file_key, out, err));
    buf_put_str(out, "---");
    TRY(buf_status(out, err));
    age_header_mac(file_key, buf_slice(out), mac);
    buf_put_u8(out, ' ');
    base64_encode(slice_of(mac, sizeof mac), out);
    TRY(buf_status(out, err));
    out->data[out->len - 1] = '\n'; /* 32 bytes have one '=', which age leaves out */
    return ST_OK;
}

/* Header and nonce; the payload key stays in the cipher alone. */
static enum status writer_begin(struct age_writer *w, const struct age_recipients *to,
                                const uint8_t *seed, uint8_t file_key[AGE_FILE_KEY],
                                struct buf *head, struct err *err)
{
    struct age_random random = {.seed = seed};
    uint8_t nonce[AGE_NONCE], key[AGE_KEY];
    TRY(age_random_draw(&random, file_key, AGE_FILE_KEY, err));
    TRY(age_random_draw(&random, nonce, sizeof nonce, err));
    TRY(header_put(to, &random, file_key, head, err));
    buf_put(head, nonce, sizeof nonce);
    TRY(buf_status(head, err));
    age_payload_key(file_key, nonce, key);
    enum status st = age_chunks_init(&w->chunks, key, true, err);
    sodium_memzero(key, sizeof key);
    if (st != ST_OK)
        return st;
    return w->sink.write(w->sink.ctx, head->data, head->len, err);
}

enum status age_writer_open(struct byte_sink sink, const struct age_recipients *to, bool armor,
                            const uint8_t *seed, struct age_writer **out, struct err *err)
{
    TRY(age_crypto_begin(err));
    struct age_writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_no_memory(err);
    struct buf head = {0};
    enum status st;
    w->sink = sink;
    w->armored = armor;
    if (armor) {
        age_armor_writer_init(&w->armor, sink);
        w->sink = (struct byte_sink){.ctx = &w->armor, .write = age_armor_write};
    }
    w->part = malloc(AGE_CHUNK);
    w->out = malloc(OUTPUT_CAP);
    uint8_t *file_key = sodium_malloc(AGE_FILE_KEY);
    st = w->part && w->out && file_key ? writer_begin(w, to, seed, file_key, &head, err)
                                       : err_no_memory(err);
    sodium_free(file_key);
    buf_release(&head);
    if (st != ST_OK) {
        age_writer_abort(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

enum status age_writer_write(struct age_writer *w, const uint8_t *data, size_t len, struct err *err)
{
    while (len > 0) {
        if (w->part_len == AGE_CHUNK) {
            TRY(writer_seal(w, w->part, AGE_CHUNK, false, err));
            w->part_len = 0;
        }
        if (w->part_len == 0 && len > AGE_CHUNK) {
            TRY(writer_seal(w, data, AGE_CHUNK, false, err));
            data += AGE_CHUNK;
            len -= AGE_CHUNK;
            continue;
        }
        size_t room = AGE_CHUNK - w->part_len, take = len < room ? len : room;
        memcpy(w->part + w->part_len, data, take);
        w->part_len += take;
        data += take;
        len -= take;
    }
    return ST_OK;
}

enum status age_writer_finish(struct age_writer *w, struct err *err)
{
    enum status st = writer_seal(w, w->part, w->part_len, true, err);
    if (st == ST_OK)
        st = writer_flush(w, err);
    if (st == ST_OK && w->armored)
        st = age_armor_writer_finish(&w->armor, err);
    age_writer_abort(w);
    return st;
}

void age_writer_abort(struct age_writer *w)
{
    if (!w)
        return;
    age_chunks_release(&w->chunks);
    age_armor_writer_release(&w->armor);
    if (w->part)
        sodium_memzero(w->part, AGE_CHUNK);
    free(w->part);
    free(w->out);
    free(w);
}
