/* blocks — a block is packed by the fastest of zstd, sealed, and put where the last one ends. */
#include "lictor/blocks.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <zstd.h>

#include "lictor/os.h"
#include "store/seal.h"

#define LEVEL (-3)

struct blocks {
    int fd;
    uint8_t *key;
    _Atomic uint64_t end;
};

struct blocks_io {
    struct blocks *of;
    struct sealer sealer;
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    struct buf stored, raw;
};

static enum status open_nameless(int dirfd, int *fd, struct err *err)
{
    uint8_t id[16];
    char name[2 * sizeof id + sizeof ".tmp"];
    TRY(os_random(id, sizeof id, err));
    hex_encode(id, sizeof id, name);
    memcpy(name + 2 * sizeof id, ".tmp", sizeof ".tmp");
    TRY(os_create(dirfd, name, 0600, fd, err));
    return os_unlink(dirfd, name, err);
}

enum status blocks_new(int dirfd, struct blocks **out, struct err *err)
{
    TRY(seal_ready(err));
    struct blocks *b = calloc(1, sizeof *b);
    if (!b)
        return err_no_memory(err);
    b->fd = -1;
    b->key = sodium_malloc(SEAL_KEY_SIZE);
    enum status st = b->key ? os_random(b->key, SEAL_KEY_SIZE, err) : err_no_memory(err);
    if (st == ST_OK)
        st = open_nameless(dirfd, &b->fd, err);
    if (st != ST_OK) {
        blocks_free(b);
        return st;
    }
    *out = b;
    return ST_OK;
}

void blocks_free(struct blocks *b)
{
    if (!b)
        return;
    os_close(&b->fd);
    sodium_free(b->key);
    free(b);
}

uint64_t blocks_size(const struct blocks *b) { return atomic_load(&b->end); }

enum status blocks_free_space(const struct blocks *b, uint64_t *out, struct err *err)
{
    return os_free_space(b->fd, out, err);
}

enum status blocks_clear(struct blocks *b, struct err *err)
{
    /* A number is used once under a key. */
    TRY(os_random(b->key, SEAL_KEY_SIZE, err));
    TRY(os_truncate(b->fd, 0, err));
    atomic_store(&b->end, 0);
    return ST_OK;
}

enum status blocks_io_new(struct blocks *b, struct blocks_io **out, struct err *err)
{
    struct blocks_io *io = calloc(1, sizeof *io);
    if (!io)
        return err_no_memory(err);
    io->of = b;
    io->pack = ZSTD_createCCtx();
    io->unpack = ZSTD_createDCtx();
    enum status st = io->pack && io->unpack ? sealer_init(&io->sealer, err) : err_no_memory(err);
    if (st != ST_OK) {
        blocks_io_free(io);
        return st;
    }
    *out = io;
    return ST_OK;
}

void blocks_io_free(struct blocks_io *io)
{
    if (!io)
        return;
    ZSTD_freeCCtx(io->pack);
    ZSTD_freeDCtx(io->unpack);
    sealer_release(&io->sealer);
    buf_release(&io->stored);
    buf_release(&io->raw);
    free(io);
}

enum status blocks_put(struct blocks_io *io, struct slice raw, bool pack, struct block_place *out,
                       struct err *err)
{
    if (raw.len > BLOCK_RAW_MAX)
        return err_set(err, ST_LIMIT, "a block of %zu bytes is too long", raw.len);
    size_t room = ZSTD_compressBound(raw.len) + SEAL_TAG_SIZE, n = 0;
    buf_clear(&io->stored);
    uint8_t *p = buf_reserve(&io->stored, room);
    if (!p)
        return err_no_memory(err);
    if (pack)
        n = ZSTD_compressCCtx(io->pack, p, room, raw.data, raw.len, LEVEL);
    bool packed = pack && !ZSTD_isError(n) && n < raw.len;
    if (!packed) {
        n = raw.len;
        if (n)
            memcpy(p, raw.data, n);
    }
    uint64_t offset = atomic_fetch_add(&io->of->end, n + SEAL_TAG_SIZE);
    TRY(seal_block(&io->sealer, io->of->key, offset, slice_of(NULL, 0), p, n, p + n, err));
    *out = (struct block_place){.offset = offset,
                                .stored = (uint32_t)(n + SEAL_TAG_SIZE),
                                .raw = (uint32_t)raw.len,
                                .packed = packed};
    return os_write_at(io->of->fd, p, n + SEAL_TAG_SIZE, offset, err);
}

enum status blocks_get(struct blocks_io *io, const struct block_place *at, struct slice *out,
                       struct err *err)
{
    buf_clear(&io->stored);
    uint8_t *p = buf_reserve(&io->stored, at->stored);
    if (!p)
        return err_no_memory(err);
    size_t n = at->stored - SEAL_TAG_SIZE;
    TRY(os_read_at(io->of->fd, p, at->stored, at->offset, err));
    TRY(seal_open_block(&io->sealer, io->of->key, at->offset, slice_of(NULL, 0), p, n, p + n, err));
    *out = slice_of(p, n);
    if (!at->packed)
        return ST_OK;
    buf_clear(&io->raw);
    uint8_t *raw = buf_reserve(&io->raw, at->raw);
    if (!raw)
        return err_no_memory(err);
    size_t got = ZSTD_decompressDCtx(io->unpack, raw, at->raw, p, n);
    if (ZSTD_isError(got) || got != at->raw)
        return err_set(err, ST_DAMAGED, "what was put aside cannot be read again");
    *out = slice_of(raw, got);
    return ST_OK;
}

void blocks_drop(struct blocks_io *io, const struct block_place *at)
{
    os_give_back(io->of->fd, at->offset, at->stored);
}
