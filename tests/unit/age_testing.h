/* age_testing — what the tests of age share: memory sources and sinks, whole files in one call,
 * and files forged below the public functions. */
#ifndef LICTOR_TESTS_AGE_TESTING_H
#define LICTOR_TESTS_AGE_TESTING_H

#include <criterion/criterion.h>

#include "delivery/age_private.h"

/* `step` bytes a read at most, 0 for no limit; fails with ST_IO at `fail_at` if that is not 0. */
struct memory {
    struct slice bytes;
    size_t pos, step, fail_at;
};

static inline enum status memory_read(void *ctx, uint8_t *buf, size_t cap, size_t *got,
                                      struct err *err)
{
    struct memory *m = ctx;
    size_t n = m->bytes.len - m->pos;
    if (m->step && n > m->step)
        n = m->step;
    if (n > cap)
        n = cap;
    if (m->fail_at && m->pos + n >= m->fail_at)
        return err_set(err, ST_IO, "the disk is gone");
    if (n)
        memcpy(buf, m->bytes.data + m->pos, n);
    m->pos += n;
    *got = n;
    return ST_OK;
}

static inline struct byte_source memory_source(struct memory *m)
{
    return (struct byte_source){.ctx = m, .read = memory_read};
}

static inline enum status memory_write(void *ctx, const uint8_t *data, size_t len, struct err *err)
{
    buf_put(ctx, data, len);
    return buf_status(ctx, err);
}

/* The text of `n` bytes that a file of size n holds in these tests. */
static inline void fill_plain(struct buf *b, size_t n)
{
    buf_clear(b);
    uint8_t *p = buf_reserve(b, n);
    cr_assert_not_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    b->len = n;
}

/* Reads a whole file; what was authenticated before a failure stands in *plain. */
static inline enum status age_read_all(struct slice file, size_t step,
                                       const struct age_identities *ids, struct buf *plain,
                                       struct err *err)
{
    struct memory m = {.bytes = file, .step = step};
    struct age_reader *r = NULL;
    struct slice chunk;
    buf_clear(plain);
    TRY(age_reader_open(memory_source(&m), ids, &r, err));
    enum status st;
    while ((st = age_reader_next(r, &chunk, err)) == ST_OK)
        buf_put_slice(plain, chunk);
    age_reader_close(r);
    return st == ST_END ? ST_OK : st;
}

static inline void age_write_all(struct slice plain, size_t step, const struct age_recipients *to,
                                 bool armor, const uint8_t *seed, struct buf *file)
{
    struct age_writer *w = NULL;
    buf_clear(file);
    struct byte_sink sink = {.ctx = file, .write = memory_write};
    cr_assert_eq(age_writer_open(sink, to, armor, seed, &w, NULL), ST_OK);
    for (size_t pos = 0; pos < plain.len;) {
        size_t n = plain.len - pos < step ? plain.len - pos : step;
        cr_assert_eq(age_writer_write(w, plain.data + pos, n, NULL), ST_OK);
        pos += n;
    }
    cr_assert_eq(age_writer_finish(w, NULL), ST_OK);
}

/* Version line, these stanzas, and the MAC that fits them. */
static inline void forge_header(struct buf *out, const uint8_t file_key[AGE_FILE_KEY],
                                struct slice stanzas)
{
    uint8_t mac[32];
    buf_clear(out);
    buf_put_str(out, AGE_VERSION_LINE "\n");
    buf_put_slice(out, stanzas);
    buf_put_str(out, "---");
    age_header_mac(file_key, buf_slice(out), mac);
    buf_put_u8(out, ' ');
    base64_encode(slice_of(mac, sizeof mac), out);
    out->data[out->len - 1] = '\n';
}

struct forged_chunk {
    size_t len;       /* of plaintext */
    uint64_t counter; /* sealed under this number */
    bool last;
};

/* A zero nonce and these chunks, each sealed as it says. */
static inline void forge_payload(struct buf *out, const uint8_t file_key[AGE_FILE_KEY],
                                 const struct forged_chunk *chunks, size_t n)
{
    static const uint8_t nonce[AGE_NONCE];
    uint8_t key[AGE_KEY];
    struct age_chunks c;
    struct buf plain = {0};
    buf_put(out, nonce, sizeof nonce);
    age_payload_key(file_key, nonce, key);
    cr_assert_eq(age_chunks_init(&c, key, true, NULL), ST_OK);
    for (size_t i = 0; i < n; i++) {
        fill_plain(&plain, chunks[i].len);
        uint8_t *p = buf_reserve(out, chunks[i].len + AGE_TAG);
        cr_assert_not_null(p);
        age_chunk_seal(&c, chunks[i].counter, chunks[i].last, plain.data, chunks[i].len, p);
        out->len += chunks[i].len + AGE_TAG;
    }
    buf_release(&plain);
    age_chunks_release(&c);
}

#endif
