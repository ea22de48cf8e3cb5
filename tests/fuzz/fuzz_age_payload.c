/* fuzz_age_payload — chunks that authenticate, in any order and shape. The input is a program of
 * five-byte steps: kind, counter, length (u16), argument; each appends a sealed chunk, a damaged
 * one or raw bytes. A model that knows nothing of buffers says what the reader must give. */
#include <stdlib.h>

#include "delivery/age_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 24
#define STEP 5

struct memory {
    struct buf bytes;
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

/* Bits of a step's kind. */
enum {
    KIND_LAST = 1,   /* sealed as final chunk */
    KIND_FULL = 2,   /* 64 KiB instead of the length */
    KIND_NEXT = 4,   /* counter: the number of the step instead of the byte */
    KIND_DAMAGE = 8, /* one bit flipped, the argument says where */
    KIND_RAW = 16,   /* the bytes as they are, not sealed */
    KIND_CUT = 32,   /* the last `argument` bytes are cut off again */
};

struct model {
    bool good;       /* nothing but what a reader must take so far */
    bool ended;      /* a good final chunk was appended */
    size_t given;    /* plaintext bytes that must come out */
    size_t given_at; /* bytes of the file that they came from */
};

static void model_chunk(struct model *m, size_t i, const uint8_t *s, size_t len, size_t end)
{
    bool last = s[0] & KIND_LAST;
    uint64_t counter = s[0] & KIND_NEXT ? i : s[1];
    bool cut = s[0] & KIND_CUT && s[4] > 0;
    bool whole = !(s[0] & (KIND_DAMAGE | KIND_RAW)) && !cut && counter == i;
    if (!m->good || m->ended || !whole || (len < AGE_CHUNK && !last) || (len == 0 && i > 0)) {
        m->good = false;
        return;
    }
    m->given += len;
    m->given_at = end;
    m->ended = last;
}

static void append_step(struct buf *out, struct age_chunks *c, size_t i, const uint8_t *s,
                        struct model *m)
{
    static const uint8_t zeros[AGE_CHUNK];
    size_t len = s[0] & KIND_FULL ? AGE_CHUNK : (size_t)(s[2] | s[3] << 8);
    uint8_t *p = buf_reserve(out, len + AGE_TAG);
    MUST(p);
    age_chunk_seal(c, s[0] & KIND_NEXT ? i : s[1], s[0] & KIND_LAST, zeros, len, p);
    if (s[0] & KIND_RAW)
        memset(p, s[4], len + AGE_TAG);
    if (s[0] & KIND_DAMAGE)
        p[s[4] * len / 256] ^= 1;
    out->len += len + AGE_TAG;
    if (s[0] & KIND_CUT)
        out->len -= s[4] < len + AGE_TAG ? s[4] : len + AGE_TAG;
    model_chunk(m, i, s, len, out->len);
}

static void check(struct memory *mem, const uint8_t *file_key, const struct model *m)
{
    struct age_reader *r = NULL;
    struct slice chunk;
    struct err err = {0};
    size_t given = 0;
    enum status st;
    MUST(age_reader_open_payload((struct byte_source){.ctx = mem, .read = memory_read}, file_key,
                                 &r, NULL) == ST_OK);
    while ((st = age_reader_next(r, &chunk, &err)) == ST_OK) {
        for (size_t i = 0; i < chunk.len; i++)
            MUST(chunk.data[i] == 0);
        given += chunk.len;
    }
    age_reader_close(r);
    bool ends_well = m->ended && m->given_at == mem->bytes.len;
    MUST((st == ST_END) == ends_well);
    MUST(st == ST_END || (st == ST_BAD_INPUT && err.reason && err.at <= mem->bytes.len));
    /* A short final chunk with more behind it cannot be told from a damaged one, and then does not
     * come out; whole ones always do. */
    MUST(given == m->given ||
         (!ends_well && m->ended && given == m->given / AGE_CHUNK * AGE_CHUNK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t file_key[AGE_FILE_KEY] = "fixed file key!", nonce[AGE_NONCE] = "nonce";
    uint8_t key[AGE_KEY];
    struct age_chunks c;
    struct memory mem = {0};
    struct model m = {.good = true};
    if (size == 0 || (size - 1) / STEP > STEPS_MAX)
        return 0;
    /* Single bytes only for small files: a read of one byte each is slow, not new. */
    mem.step = size < 2 * STEP + 1 ? data[0] : data[0] * (size_t)257;
    MUST(age_crypto_begin(NULL) == ST_OK);
    age_payload_key(file_key, nonce, key);
    MUST(age_chunks_init(&c, key, true, NULL) == ST_OK);
    buf_put(&mem.bytes, nonce, sizeof nonce);
    for (size_t i = 0; 1 + (i + 1) * STEP <= size; i++) {
        size_t before = mem.bytes.len;
        append_step(&mem.bytes, &c, i, data + 1 + i * STEP, &m);
        if (mem.bytes.len == before) /* all of it cut off: as if it had not been */
            break;
    }
    check(&mem, file_key, &m);
    age_chunks_release(&c);
    buf_release(&mem.bytes);
    return 0;
}
