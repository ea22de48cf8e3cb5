/* section_read — reads a section file. The table of contents is checked and kept; a block is read,
 * opened and put into the cache when a byte of it is wanted. Threads share a reader: its tables do
 * not change after opening, and each decryption takes a sealer of its own from a small pool. */
#include "store/section_private.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "lictor/os.h"

#define POOL_SIZE 8

struct section_file {
    /* fixed after open */
    int fd;
    uint8_t kind;
    uint8_t id[FILE_ID_SIZE];
    char name[SECTION_NAME_SIZE];
    struct section_keys *keys; /* NULL if plain */
    struct section_toc toc;
    struct block_cache *cache; /* borrowed */
    uint64_t cache_file;
    pthread_mutex_t mu;
    /* guarded by mu */
    struct sealer pool[POOL_SIZE];
    size_t n_pool;
};

static enum status sealer_take(struct section_file *f, struct sealer *s, struct err *err)
{
    bool got = false;
    pthread_mutex_lock(&f->mu);
    if (f->n_pool > 0) {
        *s = f->pool[--f->n_pool];
        got = true;
    }
    pthread_mutex_unlock(&f->mu);
    return got ? ST_OK : sealer_init(s, err);
}

static void sealer_give(struct section_file *f, struct sealer *s)
{
    bool kept = false;
    pthread_mutex_lock(&f->mu);
    if (f->n_pool < POOL_SIZE) {
        f->pool[f->n_pool++] = *s;
        kept = true;
    }
    pthread_mutex_unlock(&f->mu);
    if (!kept)
        sealer_release(s);
}

/* Footer, table of contents, header: in this order, because the manifest's hash of the table tells
 * a replaced file from a damaged one before anything in it is believed. */
static enum status file_read_toc(struct section_file *f, const struct case_key *key,
                                 const struct file_seal *seal, struct err *err)
{
    uint8_t footer[SECTION_FOOTER_SIZE], header[SECTION_HEADER_SIZE];
    uint8_t ad[SECTION_AD_SIZE], tag[SEAL_TAG_SIZE], hash[32];
    uint64_t size, toc_off;
    size_t toc_len;
    struct sealer s = {0};
    uint8_t *toc = NULL;
    enum status st;

    TRY(os_size(f->fd, &size, err));
    if (size != seal->size || size < SECTION_HEADER_SIZE + SECTION_FOOTER_SIZE)
        return err_set(err, ST_DAMAGED, "%llu bytes long instead of %llu", (unsigned long long)size,
                       (unsigned long long)seal->size);
    TRY(os_read_at(f->fd, footer, sizeof footer, size - sizeof footer, err));
    TRY(section_footer_parse(footer, size, &toc_off, &toc_len, tag, err));
    TRY(os_read_at(f->fd, header, sizeof header, 0, err));
    TRY(section_header_open(key, f->kind, f->id, f->keys, header, err));
    toc = malloc(toc_len + 1);
    if (!toc)
        return err_no_memory(err);
    st = os_read_at(f->fd, toc, toc_len, toc_off, err);
    if (st == ST_OK)
        seal_sha256(slice_of(toc, toc_len), slice_of(tag, sizeof tag), hash);
    if (st == ST_OK && memcmp(hash, seal->toc_hash, sizeof hash) != 0)
        st = err_set(err, ST_DAMAGED, "the table of contents is not the one of the manifest");
    if (st == ST_OK)
        st = sealer_init(&s, err);
    section_block_ad(f->id, SECTION_TOC, 0, true, ad);
    if (st == ST_OK)
        st = seal_open_block(&s, f->keys ? f->keys->toc : NULL, 0, slice_of(ad, sizeof ad), toc,
                             toc_len, tag, err);
    if (st == ST_OK)
        st = section_toc_parse(slice_of(toc, toc_len), toc_off, &f->toc, err);
    sealer_release(&s);
    free(toc);
    return st;
}

enum status section_file_open_fd(int fd, uint8_t kind, const struct case_key *key,
                                 const struct file_seal *seal, struct block_cache *cache,
                                 struct section_file **out, struct err *err)
{
    enum status st = ST_OK;
    struct section_file *f = calloc(1, sizeof *f);
    if (!f) {
        os_close(&fd);
        return err_no_memory(err);
    }
    f->fd = fd;
    f->kind = kind;
    memcpy(f->id, seal->id, FILE_ID_SIZE);
    hex_encode(f->id, FILE_ID_SIZE, f->name);
    f->cache = cache;
    f->cache_file = block_cache_file(cache);
    pthread_mutex_init(&f->mu, NULL);
    if (!key->plain)
        st = section_keys_new(&f->keys, err);
    if (st == ST_OK)
        st = file_read_toc(f, key, seal, err);
    if (st != ST_OK) {
        err_prefix(err, "%s", f->name);
        section_file_close(f);
        return st;
    }
    *out = f;
    return ST_OK;
}

enum status section_file_open(int dirfd, uint8_t kind, const struct case_key *key,
                              const struct file_seal *seal, struct block_cache *cache,
                              struct section_file **out, struct err *err)
{
    char name[SECTION_NAME_SIZE];
    int fd = -1;
    hex_encode(seal->id, FILE_ID_SIZE, name);
    TRY(os_open_read(dirfd, name, &fd, err));
    return section_file_open_fd(fd, kind, key, seal, cache, out, err);
}

void section_file_close(struct section_file *f)
{
    if (!f)
        return;
    os_close(&f->fd);
    section_toc_release(&f->toc);
    section_keys_free(f->keys);
    while (f->n_pool > 0)
        sealer_release(&f->pool[--f->n_pool]);
    pthread_mutex_destroy(&f->mu);
    free(f);
}

uint64_t section_len(const struct section_file *f, unsigned number)
{
    return number < SECTION_MAX ? f->toc.sections[number].len : 0;
}

const uint8_t *section_file_id(const struct section_file *f) { return f->id; }

/* Reads and opens block `i` into `data`, which has room for it. */
static enum status block_load(struct section_file *f, struct sealer *s, uint32_t number, uint64_t i,
                              uint8_t *data, struct err *err)
{
    const struct section_entry *e = &f->toc.sections[number];
    size_t len = section_block_len(e, i);
    uint8_t ad[SECTION_AD_SIZE];
    enum status st = os_read_at(f->fd, data, len, e->blocks[i].off, err);
    section_block_ad(f->id, number, i, i + 1 == e->n_blocks, ad);
    if (st == ST_OK)
        st = seal_open_block(s, f->keys ? f->keys->section[number] : NULL, i,
                             slice_of(ad, sizeof ad), data, len, e->blocks[i].tag, err);
    if (st != ST_OK)
        err_prefix(err, "%s: section %u, block %llu at byte %llu", f->name, number,
                   (unsigned long long)i, (unsigned long long)e->blocks[i].off);
    return st;
}

/* [from, from + len) of block `i` to `out`, by way of the cache. */
static enum status block_fetch(struct section_file *f, uint32_t number, uint64_t i, size_t from,
                               size_t len, uint8_t *out, struct err *err)
{
    struct sealer s = {0};
    size_t block_len = section_block_len(&f->toc.sections[number], i);
    if (block_cache_get(f->cache, f->cache_file, number, i, from, len, out))
        return ST_OK;
    uint8_t *data = malloc(block_len);
    if (!data)
        return err_no_memory(err);
    enum status st = sealer_take(f, &s, err);
    if (st == ST_OK) {
        st = block_load(f, &s, number, i, data, err);
        sealer_give(f, &s);
    }
    if (st != ST_OK) {
        free(data);
        return st;
    }
    memcpy(out, data + from, len);
    block_cache_put(f->cache, f->cache_file, number, i, data, block_len);
    return ST_OK;
}

enum status section_read(struct section_file *f, unsigned number, uint64_t off, size_t len,
                         struct buf *scratch, struct slice *out, struct err *err)
{
    if (off > section_len(f, number) || len > section_len(f, number) - off)
        return err_set(err, ST_DAMAGED, "%s: %zu bytes at %llu lie beyond section %u (%llu bytes)",
                       f->name, len, (unsigned long long)off, number,
                       (unsigned long long)section_len(f, number));
    buf_clear(scratch);
    uint8_t *to = buf_reserve(scratch, len ? len : 1);
    if (!to)
        return err_no_memory(err);
    uint32_t block_size = len ? f->toc.sections[number].block_size : 1;
    for (size_t done = 0; done < len;) {
        uint64_t i = (off + done) / block_size;
        size_t from = (size_t)((off + done) % block_size);
        size_t n = section_block_len(&f->toc.sections[number], i) - from;
        if (n > len - done)
            n = len - done;
        TRY(block_fetch(f, number, i, from, n, to + done, err));
        done += n;
    }
    scratch->len = len;
    *out = slice_of(to, len);
    return ST_OK;
}

static enum status section_verify(struct section_file *f, struct sealer *s, uint32_t number,
                                  uint8_t *data, uint64_t *bad, struct err *first)
{
    for (uint64_t i = 0; i < f->toc.sections[number].n_blocks; i++) {
        struct err e = {0};
        enum status st = block_load(f, s, number, i, data, &e);
        if (st == ST_NO_MEMORY) {
            *first = e;
            return st;
        }
        if (st != ST_OK && (*bad)++ == 0)
            *first = e;
    }
    return ST_OK;
}

enum status section_file_verify(struct section_file *f, struct err *err)
{
    struct sealer s = {0};
    struct err first = {0};
    uint64_t bad = 0;
    uint8_t *data = malloc(SECTION_BLOCK_MAX);
    if (!data)
        return err_no_memory(err);
    enum status st = sealer_init(&s, &first);
    for (uint32_t i = 0; i < SECTION_MAX && st == ST_OK; i++)
        st = section_verify(f, &s, i, data, &bad, &first);
    sealer_release(&s);
    sodium_memzero(data, SECTION_BLOCK_MAX);
    free(data);
    if (st != ST_OK)
        return err_set(err, st, "%s", first.text);
    if (bad == 0)
        return ST_OK;
    /* EIO of a dying disk counts as damage too: the bytes of the case are not there. */
    if (bad == 1)
        return err_set(err, ST_DAMAGED, "%s", first.text);
    return err_set(err, ST_DAMAGED, "%llu blocks are damaged, the first: %s",
                   (unsigned long long)bad, first.text);
}
