/* fuzz_inflate — opened bytes from anywhere, in one piece and in small ones: the same verdict, the
 * same bytes. The first byte is the size of the small pieces. Tight limits keep each run short. */
#include "lictor/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct inflate_limits limits = {
    .window = UINT64_C(1) << 20,
    .ratio = 50,
    .free_bytes = UINT64_C(1) << 20,
};

struct result {
    struct buf bytes;
    enum status status;
    const char *reason;
    uint64_t at;
};

static void run(struct inflate *z, struct slice input, size_t piece, struct result *r)
{
    struct slice out;
    struct err err = {0};
    r->status = ST_OK;
    inflate_reset(z, &limits);
    while (input.len > 0 && r->status == ST_OK) {
        size_t n = piece < input.len ? piece : input.len;
        struct slice in = slice_of(input.data, n);
        input = slice_of(input.data + n, input.len - n);
        do {
            r->status = inflate_next(z, &in, &out, &err);
            if (r->status == ST_OK)
                buf_put_slice(&r->bytes, out);
        } while (r->status == ST_OK && (in.len > 0 || out.len > 0));
    }
    while (r->status == ST_OK) {
        r->status = inflate_finish(z, &out, &err);
        if (r->status == ST_OK)
            buf_put_slice(&r->bytes, out);
    }
    r->reason = err.reason;
    r->at = err.at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inflate *z = NULL;
    struct result whole = {0}, pieces = {0};
    if (size == 0 || inflate_new(&z, NULL) != ST_OK)
        return 0;
    run(z, slice_of(data + 1, size - 1), SIZE_MAX, &whole);
    run(z, slice_of(data + 1, size - 1), data[0] % 64 + 1u, &pieces);
    MUST(whole.status == pieces.status && whole.at == pieces.at);
    MUST(whole.reason == pieces.reason ||
         (whole.reason && pieces.reason && strcmp(whole.reason, pieces.reason) == 0));
    MUST(slice_eq(buf_slice(&whole.bytes), buf_slice(&pieces.bytes)));
    MUST(whole.status == ST_END || whole.status == ST_BAD_INPUT);
    MUST(whole.status != ST_END || whole.bytes.len > 0);
    buf_release(&whole.bytes);
    buf_release(&pieces.bytes);
    inflate_free(z);
    return 0;
}
