/* manifest_io — MANIFEST as bytes, and its file. The body (all but the ledger position) is also
 * what each ledger entry carries: the position cannot stand in the entry that defines it. */
#include "store/case_private.h"

#include <stdlib.h>

#include "lictor/os.h"

#define SEAL_BYTES_MIN (FILE_ID_SIZE + 1 + 32)
#define PROGRESS_BYTES_MIN (32 + 1 + 8 + 1)

static void seal_put(struct buf *out, const struct file_seal *s)
{
    buf_put(out, s->id, sizeof s->id);
    buf_put_varint(out, s->size);
    buf_put(out, s->toc_hash, sizeof s->toc_hash);
}

static void seals_put(struct buf *out, const struct file_seal *s, size_t n)
{
    buf_put_varint(out, n);
    for (size_t i = 0; i < n; i++)
        seal_put(out, &s[i]);
}

static void fixed_get(struct cursor *c, uint8_t *out, size_t n)
{
    struct slice s = cursor_bytes(c, n);
    if (s.len == n)
        memcpy(out, s.data, n);
}

static void seal_get(struct cursor *c, struct file_seal *s)
{
    fixed_get(c, s->id, sizeof s->id);
    s->size = cursor_varint(c);
    fixed_get(c, s->toc_hash, sizeof s->toc_hash);
}

void manifest_encode_body(const struct manifest *m, struct buf *out)
{
    buf_put_varint(out, m->generation);
    buf_put_varint(out, m->n_segments);
    for (size_t i = 0; i < m->n_segments; i++) {
        seal_put(out, &m->segments[i].base);
        buf_put_varint(out, m->segments[i].docs);
        seals_put(out, m->segments[i].overlays, m->segments[i].n_overlays);
    }
    seals_put(out, m->quarantine, m->n_quarantine);
    buf_put_varint(out, m->quarantined);
    buf_put_varint(out, m->n_progress);
    for (size_t i = 0; i < m->n_progress; i++) {
        buf_put(out, m->progress[i].sha256, 32);
        buf_put_varint(out, m->progress[i].lines);
        books_put(out, &m->progress[i].books);
        buf_put_blob(out, m->progress[i].state);
    }
    buf_put(out, m->digest_sum, DIGEST_SUM_SIZE);
    for (int i = 0; i < 3; i++)
        buf_put_varint(out, m->dumps[i]);
}

void books_put(struct buf *out, const struct books *b)
{
    buf_put_varint(out, b->records);
    buf_put_varint(out, b->messages);
    buf_put_varint(out, b->copies);
    buf_put_varint(out, b->redelivered);
    buf_put_varint(out, b->other);
    buf_put_varint(out, b->quarantined);
    buf_put_varint(out, b->sealed);
    buf_put_varint(out, b->conflict);
}

void books_get(struct cursor *c, struct books *b)
{
    b->records = cursor_varint(c);
    b->messages = cursor_varint(c);
    b->copies = cursor_varint(c);
    b->redelivered = cursor_varint(c);
    b->other = cursor_varint(c);
    b->quarantined = cursor_varint(c);
    b->sealed = cursor_varint(c);
    b->conflict = cursor_varint(c);
}

/* An array whose count was read from input: no more than the bytes left can hold. NULL for none;
 * NULL and *ok false without memory. */
static void *array_get(struct cursor *c, size_t item_min, size_t item_size, size_t *n, bool *ok)
{
    uint64_t count = cursor_varint_max(c, cursor_left(c) / item_min);
    if (!count || c->bad)
        return NULL;
    void *p = calloc((size_t)count, item_size);
    if (p)
        *n = (size_t)count;
    else
        *ok = false;
    return p;
}

static struct file_seal *seals_get(struct cursor *c, size_t *n, bool *ok)
{
    struct file_seal *s = array_get(c, SEAL_BYTES_MIN, sizeof *s, n, ok);
    for (size_t i = 0; i < *n; i++)
        seal_get(c, &s[i]);
    return s;
}

static bool segments_get(struct cursor *c, struct manifest *m)
{
    bool ok = true;
    m->segments = array_get(c, SEAL_BYTES_MIN + 2, sizeof *m->segments, &m->n_segments, &ok);
    for (size_t i = 0; i < m->n_segments && ok && !c->bad; i++) {
        struct manifest_segment *s = &m->segments[i];
        seal_get(c, &s->base);
        s->docs = (uint32_t)cursor_varint_max(c, SEGMENT_DOCS_MAX);
        s->overlays = seals_get(c, &s->n_overlays, &ok);
    }
    return ok;
}

static bool progress_get(struct cursor *c, struct manifest *m)
{
    bool ok = true;
    m->progress = array_get(c, PROGRESS_BYTES_MIN, sizeof *m->progress, &m->n_progress, &ok);
    for (size_t i = 0; i < m->n_progress && ok && !c->bad; i++) {
        struct dump_progress *p = &m->progress[i];
        fixed_get(c, p->sha256, sizeof p->sha256);
        p->lines = cursor_varint(c);
        books_get(c, &p->books);
        struct slice state = cursor_blob(c);
        if (state.len == 0)
            continue;
        uint8_t *copy = malloc(state.len);
        if (!copy)
            return false;
        memcpy(copy, state.data, state.len);
        p->state = slice_of(copy, state.len);
    }
    return ok;
}

static enum status ids_check(const struct manifest *m, struct err *err)
{
    for (int i = 0; i < 2; i++) {
        uint8_t *ids;
        size_t n;
        TRY(manifest_ids(m, i == 1, &ids, &n, err));
        free(ids);
    }
    return ST_OK;
}

static enum status body_get(struct cursor *c, struct manifest *m, struct err *err)
{
    bool ok = true;
    m->generation = cursor_varint(c);
    if (!segments_get(c, m))
        return err_no_memory(err);
    m->quarantine = seals_get(c, &m->n_quarantine, &ok);
    if (!ok)
        return err_no_memory(err);
    m->quarantined = cursor_varint(c);
    if (!progress_get(c, m))
        return err_no_memory(err);
    fixed_get(c, m->digest_sum, DIGEST_SUM_SIZE);
    for (int i = 0; i < 3; i++)
        m->dumps[i] = cursor_varint(c);
    if (c->bad || m->generation == 0)
        return err_set(err, ST_DAMAGED, "a manifest cannot be read");
    return ids_check(m, err);
}

enum status manifest_decode_body(struct slice body, struct manifest **out, struct err *err)
{
    struct manifest *m;
    struct cursor c = cursor_of(body);
    TRY(manifest_new(&m, err));
    enum status st = body_get(&c, m, err);
    if (st == ST_OK)
        st = cursor_done(&c, "manifest", err);
    if (st == ST_OK)
        *out = m;
    else
        manifest_free(m);
    return st;
}

enum status manifest_encode(const struct manifest *m, struct buf *out, struct err *err)
{
    manifest_encode_body(m, out);
    buf_put_varint(out, m->ledger_entries);
    buf_put_varint(out, m->ledger_bytes);
    buf_put(out, m->ledger_head, sizeof m->ledger_head);
    return buf_status(out, err);
}

enum status manifest_decode(struct slice payload, struct manifest **out, struct err *err)
{
    struct manifest *m;
    struct cursor c = cursor_of(payload);
    TRY(manifest_new(&m, err));
    enum status st = body_get(&c, m, err);
    if (st == ST_OK) {
        m->ledger_entries = cursor_varint(&c);
        m->ledger_bytes = cursor_varint(&c);
        fixed_get(&c, m->ledger_head, sizeof m->ledger_head);
        st = cursor_done(&c, "MANIFEST", err);
    }
    if (st == ST_OK)
        *out = m;
    else
        manifest_free(m);
    return st;
}

enum status manifest_read(const struct casefile *c, struct manifest **out, struct err *err)
{
    uint8_t header[CASE_HEADER_SIZE];
    uint8_t *data = NULL;
    size_t len = 0;
    struct buf payload = {0};
    enum status st = os_read_file(c->dir, "MANIFEST", MANIFEST_FILE_MAX, &data, &len, err);
    if (st == ST_NOT_FOUND || st == ST_LIMIT)
        return err_set(err, ST_DAMAGED,
                       st == ST_LIMIT ? "MANIFEST is too long" : "MANIFEST is missing");
    if (st != ST_OK)
        return st;
    case_header_make(MANIFEST_MAGIC, c->key.plain, c->id, header);
    if (len < CASE_HEADER_SIZE || memcmp(data, header, CASE_HEADER_SIZE) != 0)
        st = err_set(err, ST_DAMAGED, "MANIFEST does not belong to this case, or is damaged");
    if (st == ST_OK) {
        st = seal_open_unit(&c->key, slice_of(header, sizeof header),
                            slice_of(data + CASE_HEADER_SIZE, len - CASE_HEADER_SIZE), &payload,
                            err);
        if (st != ST_OK)
            err_prefix(err, "MANIFEST");
    }
    if (st == ST_OK)
        st = manifest_decode(buf_slice(&payload), out, err);
    buf_release(&payload);
    free(data);
    return st;
}

static enum status manifest_write_tmp(const struct casefile *c, struct slice bytes, struct err *err)
{
    int fd = -1;
    TRY(os_create(c->dir, "MANIFEST.tmp", 0600, &fd, err));
    enum status st = os_write(fd, bytes.data, bytes.len, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    os_close(&fd);
    return st;
}

enum status manifest_write(const struct casefile *c, const struct manifest *m, struct err *err)
{
    uint8_t header[CASE_HEADER_SIZE];
    struct buf payload = {0}, bytes = {0};
    case_header_make(MANIFEST_MAGIC, c->key.plain, c->id, header);
    enum status st = manifest_encode(m, &payload, err);
    buf_put(&bytes, header, sizeof header);
    if (st == ST_OK)
        st = seal_unit(&c->key, slice_of(header, sizeof header), buf_slice(&payload), &bytes, err);
    if (st == ST_OK && bytes.len > MANIFEST_FILE_MAX)
        st = err_set(err, ST_LIMIT, "MANIFEST would grow beyond %zu bytes", MANIFEST_FILE_MAX);
    if (st == ST_OK)
        st = manifest_write_tmp(c, buf_slice(&bytes), err);
    if (st == ST_OK)
        st = os_rename(c->dir, "MANIFEST.tmp", "MANIFEST", err);
    if (st == ST_OK)
        st = os_fsync(c->dir, err);
    buf_release(&payload);
    buf_release(&bytes);
    return st;
}
