/* dump_write — NDJSON → zstd → age → file, each step optional. The steps are sinks that push into
 * the next one; the last one hashes and writes. Records are small and each step is cheapest on
 * large pieces, so they are gathered to 1 MiB first. zstd runs in this thread and without its own
 * threads: its output must follow from its input alone. */
#include <fcntl.h>
#include <stdlib.h>
#include <zstd.h>

#include "lictor/dump_write.h"
#include "lictor/os.h"
#include "lictor/sha256.h"

#define GATHER_CAP ((size_t)1 << 20)

struct dump_writer {
    char *path;
    int fd;
    struct sha256 hash;
    uint64_t bytes; /* of the file */
    struct age_writer *age;
    ZSTD_CCtx *zstd;
    uint64_t frame_bytes; /* input of a frame, UINT64_MAX for no limit */
    uint64_t frame_left;
    bool in_frame;  /* a frame is begun */
    bool any_frame; /* a frame is written */
    uint8_t *gather;
    size_t gathered;
    uint8_t *packed; /* GATHER_CAP bytes out of zstd */
};

static enum status file_write(void *ctx, const uint8_t *data, size_t len, struct err *err)
{
    struct dump_writer *w = ctx;
    TRY(os_write(w->fd, data, len, err));
    sha256_add(&w->hash, data, len);
    w->bytes += len;
    return ST_OK;
}

static enum status step_age(struct dump_writer *w, const uint8_t *data, size_t len, struct err *err)
{
    return w->age ? age_writer_write(w->age, data, len, err) : file_write(w, data, len, err);
}

/* `len` bytes, at most what is left of the frame, into it; `end` ends it. */
static enum status frame_put(struct dump_writer *w, const uint8_t *data, size_t len, bool end,
                             struct err *err)
{
    ZSTD_inBuffer in = {.src = data, .size = len};
    ZSTD_EndDirective how = end ? ZSTD_e_end : ZSTD_e_continue;
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = w->packed, .size = GATHER_CAP};
        left = ZSTD_compressStream2(w->zstd, &out, &in, how);
        if (ZSTD_isError(left))
            return err_set(err, ST_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(left));
        if (out.pos)
            TRY(step_age(w, w->packed, out.pos, err));
    } while (end ? left != 0 : in.pos < in.size);
    w->in_frame = !end;
    w->any_frame |= end;
    w->frame_left = end ? w->frame_bytes : w->frame_left - len;
    return ST_OK;
}

static enum status step_zstd(struct dump_writer *w, const uint8_t *data, size_t len,
                             struct err *err)
{
    if (!w->zstd)
        return len ? step_age(w, data, len, err) : ST_OK;
    while (len > 0) {
        size_t take = len < w->frame_left ? len : (size_t)w->frame_left;
        TRY(frame_put(w, data, take, take == w->frame_left, err));
        data += take;
        len -= take;
    }
    return ST_OK;
}

static enum status writer_flush(struct dump_writer *w, struct err *err)
{
    TRY(step_zstd(w, w->gather, w->gathered, err));
    w->gathered = 0;
    return ST_OK;
}

enum status dump_writer_write(struct dump_writer *w, const void *data, size_t len, struct err *err)
{
    const uint8_t *p = data;
    while (len > 0) {
        size_t room = GATHER_CAP - w->gathered, take = len < room ? len : room;
        memcpy(w->gather + w->gathered, p, take);
        w->gathered += take;
        p += take;
        len -= take;
        if (w->gathered == GATHER_CAP)
            TRY(writer_flush(w, err));
    }
    return ST_OK;
}

static enum status zstd_begin(struct dump_writer *w, const struct dump_options *o, struct err *err)
{
    w->frame_bytes = o->frame_bytes ? o->frame_bytes : UINT64_MAX;
    w->frame_left = w->frame_bytes;
    w->zstd = ZSTD_createCCtx();
    w->packed = malloc(GATHER_CAP);
    if (!w->zstd || !w->packed)
        return err_no_memory(err);
    if (ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, o->level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1)))
        return err_set(err, ST_USAGE, "zstd does not know level %d", o->level);
    if (o->window_log &&
        ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_windowLog, (int)o->window_log)))
        return err_set(err, ST_USAGE, "zstd does not know a window of 2^%u", o->window_log);
    return ST_OK;
}

static enum status writer_begin(struct dump_writer *w, const char *path,
                                const struct dump_options *o, struct err *err)
{
    w->path = strdup(path);
    w->gather = malloc(GATHER_CAP);
    if (!w->path || !w->gather)
        return err_no_memory(err);
    sha256_begin(&w->hash);
    if (o->zstd)
        TRY(zstd_begin(w, o, err));
    TRY(os_create(AT_FDCWD, path, 0600, &w->fd, err));
    struct byte_sink sink = {.ctx = w, .write = file_write};
    if (o->to)
        TRY(age_writer_open(sink, o->to, o->armor, o->seed, &w->age, err));
    return ST_OK;
}

enum status dump_writer_open(const char *path, const struct dump_options *options,
                             struct dump_writer **out, struct err *err)
{
    static const struct dump_options plain;
    struct dump_writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_no_memory(err);
    w->fd = -1;
    enum status st = writer_begin(w, path, options ? options : &plain, err);
    if (st != ST_OK) {
        dump_writer_abort(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

static void writer_free(struct dump_writer *w)
{
    age_writer_abort(w->age);
    ZSTD_freeCCtx(w->zstd);
    os_close(&w->fd);
    free(w->gather);
    free(w->packed);
    free(w->path);
    free(w);
}

enum status dump_writer_finish(struct dump_writer *w, uint8_t sha256[32], uint64_t *bytes,
                               struct err *err)
{
    enum status st = writer_flush(w, err);
    /* No input at all still makes one empty frame: an empty file is no zstd file. */
    if (st == ST_OK && w->zstd && (w->in_frame || !w->any_frame))
        st = frame_put(w, w->gather, 0, true, err);
    if (st == ST_OK && w->age) {
        struct age_writer *age = w->age;
        w->age = NULL;
        st = age_writer_finish(age, err);
    }
    if (st != ST_OK) {
        dump_writer_abort(w);
        return st;
    }
    uint8_t digest[SHA256_SIZE];
    sha256_end(&w->hash, digest);
    if (sha256)
        memcpy(sha256, digest, sizeof digest);
    if (bytes)
        *bytes = w->bytes;
    writer_free(w);
    return ST_OK;
}

void dump_writer_abort(struct dump_writer *w)
{
    if (!w)
        return;
    /* The first error is the one to tell; a file that cannot be removed either is of the same. */
    enum status st = w->fd >= 0 ? os_unlink(AT_FDCWD, w->path, NULL) : ST_OK;
    (void)st;
    writer_free(w);
}
