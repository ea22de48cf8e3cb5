/* spool — blocks of 64 KiB under XChaCha20 with the block number as nonce: no authentication is
 * needed, the file has no name and the dump is hashed on both readings. */
#include "lictor/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "lictor/os.h"

#define SPOOL_BLOCK ((size_t)64 << 10)

struct spool {
    int fd;
    uint64_t size;
    uint8_t key[crypto_stream_xchacha20_KEYBYTES];
    uint8_t block[SPOOL_BLOCK];
};

static void crypt_block(struct spool *s, uint64_t number, size_t len)
{
    uint8_t nonce[crypto_stream_xchacha20_NONCEBYTES] = {0};
    store_u64(nonce, number);
    crypto_stream_xchacha20_xor(s->block, s->block, len, nonce, s->key);
}

static enum status open_temporary(int *fd, struct err *err)
{
    const char *dir = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/lictor-XXXXXX", dir && *dir ? dir : P_tmpdir);
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0)
        return err_errno(err, errno, "%s: cannot make a temporary file (set TMPDIR)", path);
    unlink(path);
    return ST_OK;
}

static enum status fill(struct spool *s, int from, struct err *err)
{
    for (uint64_t n = 0;; n++) {
        size_t got;
        TRY(os_read(from, s->block, SPOOL_BLOCK, &got, err));
        crypt_block(s, n, got);
        TRY(os_write(s->fd, s->block, got, err));
        s->size += got;
        if (got < SPOOL_BLOCK)
            return ST_OK;
    }
}

enum status spool_new(int fd, struct spool **out, struct err *err)
{
    struct spool *s = calloc(1, sizeof *s);
    if (!s)
        return err_no_memory(err);
    randombytes_buf(s->key, sizeof s->key);
    enum status st = open_temporary(&s->fd, err);
    if (st == ST_OK)
        st = fill(s, fd, err);
    if (st != ST_OK) {
        spool_free(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    os_close(&s->fd);
    sodium_memzero(s, sizeof *s);
    free(s);
}

enum status spool_read(struct spool *s, uint64_t off, uint8_t *buf, size_t cap, size_t *got,
                       struct err *err)
{
    *got = 0;
    while (*got < cap && off < s->size) {
        uint64_t number = off / SPOOL_BLOCK, start = number * SPOOL_BLOCK;
        size_t len = s->size - start < SPOOL_BLOCK ? (size_t)(s->size - start) : SPOOL_BLOCK;
        TRY(os_read_at(s->fd, s->block, len, start, err));
        crypt_block(s, number, len);
        size_t skip = (size_t)(off - start), n = len - skip;
        if (n > cap - *got)
            n = cap - *got;
        memcpy(buf + *got, s->block + skip, n);
        *got += n;
        off += n;
    }
    return ST_OK;
}
