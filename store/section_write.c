/* section_write — writes a section file. Each section collects one block; a full block is sealed
 * only when a further byte comes, because the seal of a block says whether it is the last. Blocks
 * go to the file in the order in which they fill up, sections mixed; each section keeps its part of
 * the table of contents.
 * Different sections may be written by different threads: all but the end of the file is a
 * section's own. */
#include "store/section_private.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lictor/os.h"

/* Bytes that are sent to the disk at a time, while the rest is still made. */
#define BEHIND_STEP ((uint64_t)8 << 20)

struct writer_section {
    bool begun;
    uint32_t block_size;
    uint64_t len;    /* appended so far */
    uint64_t blocks; /* sealed so far */
    uint8_t *block;  /* block_size bytes, `fill` of them used */
    size_t fill;
    uint64_t end;   /* file offset after its last sealed block */
    struct buf toc; /* gap and tag of each sealed block */
    struct sealer sealer;
};

struct section_file_writer {
    int dirfd, fd;
    uint8_t id[FILE_ID_SIZE];
    char name[SECTION_NAME_SIZE], tmp[SECTION_NAME_SIZE + 4];
    struct sealer sealer;      /* of the table of contents */
    struct section_keys *keys; /* NULL if plain */
    struct writer_section sections[SECTION_MAX];
    atomic_bool failed; /* latched: a file with a hole must not be finished */
    pthread_mutex_t mu;
    /* guarded by mu while sections are appended to */
    uint64_t off;    /* bytes written */
    uint64_t behind; /* of these on their way to the disk */
};

static void writer_free(struct section_file_writer *w)
{
    os_close(&w->fd);
    for (size_t i = 0; i < SECTION_MAX; i++) {
        struct writer_section *s = &w->sections[i];
        if (s->block)
            sodium_memzero(s->block, s->block_size);
        free(s->block);
        buf_release(&s->toc);
        sealer_release(&s->sealer);
    }
    sealer_release(&w->sealer);
    section_keys_free(w->keys);
    pthread_mutex_destroy(&w->mu);
    free(w);
}

void section_file_abort(struct section_file_writer *w)
{
    if (!w)
        return;
    /* The next writer of the case removes what cannot be removed now. */
    if (w->fd >= 0 && os_unlink(w->dirfd, w->tmp, NULL) != ST_OK)
        w->failed = true;
    writer_free(w);
}

static enum status writer_put(struct section_file_writer *w, const void *data, size_t len,
                              struct err *err)
{
    enum status st = os_write(w->fd, data, len, err);
    if (st != ST_OK)
        err_prefix(err, "%s", w->tmp);
    else
        w->off += len;
    if (w->off - w->behind >= BEHIND_STEP) {
        os_write_behind(w->fd, w->behind, w->off - w->behind);
        w->behind = w->off;
    }
    return st;
}

enum status section_file_create(int dirfd, uint8_t kind, const struct case_key *key,
                                struct section_file_writer **out, struct err *err)
{
    uint8_t header[SECTION_HEADER_SIZE];
    enum status st;
    struct section_file_writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_no_memory(err);
    w->dirfd = dirfd;
    w->fd = -1;
    MUST(pthread_mutex_init(&w->mu, NULL) == 0);
    st = os_random(w->id, sizeof w->id, err);
    if (st == ST_OK && !key->plain)
        st = section_keys_new(&w->keys, err);
    if (st == ST_OK)
        st = sealer_init(&w->sealer, err);
    if (st == ST_OK)
        st = section_header_make(key, kind, w->id, w->keys, header, err);
    if (st == ST_OK) {
        hex_encode(w->id, sizeof w->id, w->name);
        memcpy(w->tmp, w->name, sizeof w->name);
        memcpy(w->tmp + sizeof w->name - 1, ".tmp", 5);
        st = os_create(dirfd, w->tmp, 0600, &w->fd, err);
    }
    if (st == ST_OK)
        st = writer_put(w, header, sizeof header, err);
    if (st != ST_OK) {
        section_file_abort(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

enum status section_begin(struct section_file_writer *w, unsigned number, uint32_t block_size,
                          struct err *err)
{
    MUST(number < SECTION_MAX && !w->sections[number].begun);
    MUST(block_size >= SECTION_BLOCK_MIN && block_size <= SECTION_BLOCK_MAX);
    struct writer_section *s = &w->sections[number];
    s->block = malloc(block_size);
    if (!s->block) {
        w->failed = true;
        return err_no_memory(err);
    }
    enum status st = sealer_init(&s->sealer, err);
    if (st != ST_OK) {
        w->failed = true;
        return st;
    }
    s->begun = true;
    s->block_size = block_size;
    s->end = SECTION_HEADER_SIZE;
    return ST_OK;
}

static enum status writer_seal(struct section_file_writer *w, unsigned number, bool last,
                               struct err *err)
{
    struct writer_section *s = &w->sections[number];
    uint8_t ad[SECTION_AD_SIZE], tag[SEAL_TAG_SIZE];
    section_block_ad(w->id, number, s->blocks, last, ad);
    TRY(seal_block(&s->sealer, w->keys ? w->keys->section[number] : NULL, s->blocks,
                   slice_of(ad, sizeof ad), s->block, s->fill, tag, err));
    pthread_mutex_lock(&w->mu);
    uint64_t gap = w->off - s->end;
    enum status st = writer_put(w, s->block, s->fill, err);
    s->end = w->off;
    pthread_mutex_unlock(&w->mu);
    TRY(st);
    buf_put_varint(&s->toc, gap);
    buf_put(&s->toc, tag, sizeof tag);
    s->blocks++;
    s->fill = 0;
    return buf_status(&s->toc, err);
}

enum status section_append(struct section_file_writer *w, unsigned number, const void *data,
                           size_t len, struct err *err)
{
    MUST(number < SECTION_MAX && w->sections[number].begun);
    struct writer_section *s = &w->sections[number];
    const uint8_t *p = data;
    if (w->failed)
        return err_set(err, ST_IO, "an earlier write to this file failed");
    while (len > 0) {
        if (s->fill == s->block_size) {
            enum status st = writer_seal(w, number, false, err);
            if (st != ST_OK) {
                w->failed = true;
                return st;
            }
        }
        size_t n = s->block_size - s->fill;
        if (n > len)
            n = len;
        memcpy(s->block + s->fill, p, n);
        s->fill += n;
        s->len += n;
        p += n;
        len -= n;
    }
    return ST_OK;
}

uint64_t section_size(const struct section_file_writer *w, unsigned number)
{
    MUST(number < SECTION_MAX);
    return w->sections[number].len;
}

/* Writes the last blocks, then all tables as one sealed block, then the footer. */
static enum status writer_put_toc(struct section_file_writer *w, struct buf *toc,
                                  struct file_seal *seal, struct err *err)
{
    uint8_t ad[SECTION_AD_SIZE], tag[SEAL_TAG_SIZE], footer[SECTION_FOOTER_SIZE];
    uint64_t n = 0, toc_off;
    for (unsigned i = 0; i < SECTION_MAX; i++) {
        n += w->sections[i].begun;
        if (w->sections[i].fill > 0)
            TRY(writer_seal(w, i, true, err));
    }
    buf_put_varint(toc, n);
    for (unsigned i = 0; i < SECTION_MAX; i++) {
        struct writer_section *s = &w->sections[i];
        if (!s->begun)
            continue;
        buf_put_varint(toc, i);
        buf_put_varint(toc, s->block_size);
        buf_put_varint(toc, s->len);
        buf_put_slice(toc, buf_slice(&s->toc));
    }
    TRY(buf_status(toc, err));
    if (toc->len > SECTION_TOC_MAX)
        return err_set(err, ST_LIMIT, "%s: the file has too many blocks", w->tmp);
    section_block_ad(w->id, SECTION_TOC, 0, true, ad);
    TRY(seal_block(&w->sealer, w->keys ? w->keys->toc : NULL, 0, slice_of(ad, sizeof ad), toc->data,
                   toc->len, tag, err));
    seal_sha256(buf_slice(toc), slice_of(tag, sizeof tag), seal->toc_hash);
    toc_off = w->off;
    TRY(writer_put(w, toc->data, toc->len, err));
    section_footer_make(toc_off, toc->len, tag, footer);
    return writer_put(w, footer, sizeof footer, err);
}

enum status section_file_finish(struct section_file_writer *w, struct file_seal *seal,
                                struct err *err)
{
    struct buf toc = {0};
    struct file_seal made = {0};
    enum status st;
    if (w->failed)
        st = err_set(err, ST_IO, "an earlier write to this file failed");
    else
        st = writer_put_toc(w, &toc, &made, err);
    if (st == ST_OK)
        st = os_fsync(w->fd, err);
    if (st == ST_OK)
        st = os_rename(w->dirfd, w->tmp, w->name, err);
    buf_release(&toc);
    if (st != ST_OK) {
        section_file_abort(w);
        return st;
    }
    memcpy(made.id, w->id, FILE_ID_SIZE);
    made.size = w->off;
    *seal = made;
    writer_free(w);
    return ST_OK;
}
