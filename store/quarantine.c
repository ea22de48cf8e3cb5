/* quarantine — lines that could not be read as records, byte for byte. A file is a section file
 * with one section: per line its length as u64, then dump, name, line number, fault, bytes. */
#include "store/case_private.h"

#include <stdlib.h>

#define SECTION_LINES 0

struct quarantine_writer {
    struct section_file_writer *file;
    struct buf row; /* reused */
};

enum status quarantine_writer_open(struct casefile *c, struct quarantine_writer **out,
                                   struct err *err)
{
    struct quarantine_writer *w = calloc(1, sizeof *w);
    if (!w)
        return err_no_memory(err);
    enum status st =
        section_file_create(c->quarantine_dir, FILE_QUARANTINE, &c->key, &w->file, err);
    if (st != ST_OK) {
        free(w);
        return st;
    }
    st = section_begin(w->file, SECTION_LINES, SECTION_BODY_BLOCK, err);
    if (st != ST_OK) {
        quarantine_writer_abort(w);
        return st;
    }
    *out = w;
    return ST_OK;
}

/* All but the bytes of the line, which may be long and are appended from where they are. */
enum status quarantine_add(struct quarantine_writer *w, const struct quarantine_line *l,
                           struct err *err)
{
    uint8_t len[8];
    if (l->bytes.len > QUARANTINE_ENTRY_MAX || l->dump_name.len > QUARANTINE_ENTRY_MAX)
        return err_set(err, ST_LIMIT, "a line of %zu bytes is too long for the quarantine",
                       l->bytes.len);
    buf_clear(&w->row);
    buf_put(&w->row, l->dump_sha256, sizeof l->dump_sha256);
    buf_put_blob(&w->row, l->dump_name);
    buf_put_varint(&w->row, l->line);
    buf_put_blob(&w->row, l->fault);
    buf_put_varint(&w->row, l->bytes.len);
    TRY(buf_status(&w->row, err));
    store_u64(len, w->row.len + l->bytes.len);
    TRY(section_append(w->file, SECTION_LINES, len, sizeof len, err));
    TRY(section_append(w->file, SECTION_LINES, w->row.data, w->row.len, err));
    return section_append(w->file, SECTION_LINES, l->bytes.data, l->bytes.len, err);
}

enum status quarantine_writer_finish(struct quarantine_writer *w, struct file_seal *seal,
                                     struct err *err)
{
    enum status st = section_file_finish(w->file, seal, err);
    buf_release(&w->row);
    free(w);
    return st;
}

void quarantine_writer_abort(struct quarantine_writer *w)
{
    if (!w)
        return;
    section_file_abort(w->file);
    buf_release(&w->row);
    free(w);
}

static enum status line_decode(struct slice row, struct quarantine_line *l, struct err *err)
{
    struct cursor c = cursor_of(row);
    struct slice sha256 = cursor_bytes(&c, sizeof l->dump_sha256);
    l->dump_name = cursor_blob(&c);
    l->line = cursor_varint(&c);
    l->fault = cursor_blob(&c);
    l->bytes = cursor_blob(&c);
    TRY(cursor_done(&c, "quarantined line", err));
    memcpy(l->dump_sha256, sha256.data, sizeof l->dump_sha256);
    return ST_OK;
}

struct quarantine_visit {
    enum status (*visit)(void *ctx, const struct quarantine_line *l, struct err *err);
    void *ctx;
};

static enum status file_walk(struct section_file *f, const struct quarantine_visit *v,
                             struct buf *scratch, struct err *err)
{
    uint64_t end = section_len(f, SECTION_LINES);
    for (uint64_t off = 0; off < end;) {
        struct quarantine_line l = {0};
        struct slice s;
        TRY(section_read(f, SECTION_LINES, off, 8, scratch, &s, err));
        uint64_t len = load_u64(s.data);
        off += 8;
        if (len > end - off)
            return err_set(err, ST_DAMAGED, "a quarantined line reaches beyond its file");
        TRY(section_read(f, SECTION_LINES, off, (size_t)len, scratch, &s, err));
        TRY(line_decode(s, &l, err));
        TRY(v->visit(v->ctx, &l, err));
        off += len;
    }
    return ST_OK;
}

enum status quarantine_walk(struct casefile *c,
                            enum status (*visit)(void *ctx, const struct quarantine_line *l,
                                                 struct err *err),
                            void *ctx, struct err *err)
{
    struct quarantine_visit v = {visit, ctx};
    struct buf scratch = {0};
    enum status st = ST_OK;
    for (size_t i = 0; i < c->manifest->n_quarantine && st == ST_OK; i++) {
        struct section_file *f = i < c->n_quarantine_open ? c->quarantine[i] : NULL;
        struct section_file *own = NULL;
        if (!f) { /* did not open with the case: now it says why */
            st = section_file_open(c->quarantine_dir, FILE_QUARANTINE, &c->key,
                                   &c->manifest->quarantine[i], c->cache, &own, err);
            f = own;
        }
        if (st == ST_NOT_FOUND)
            st = err_set(err, ST_DAMAGED, "a quarantine file is missing");
        if (st == ST_OK)
            st = file_walk(f, &v, &scratch, err);
        section_file_close(own);
    }
    buf_release(&scratch);
    return st;
}
