/* case_verify — reads every byte of a case again and says what is damaged. Files are opened anew:
 * what the process holds open may differ from what the names lead to. Goes on after each damage, so
 * that one run gives the whole list. */
#include "store/case_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "lictor/os.h"
#include "lictor/query_log.h"

struct verify {
    struct casefile *c;
    void (*found)(void *ctx, const char *file, const char *what);
    void *ctx;
    uint64_t damaged;
};

/* ST_OK for a damage that was reported; memory is the only thing that stops. `id`: of a file whose
 * records stand in dumps; else NULL. */
static enum status verify_report(struct verify *v, const char *file, const uint8_t id[FILE_ID_SIZE],
                                 enum status st, const struct err *what, struct err *err)
{
    if (st == ST_OK)
        return ST_OK;
    if (st == ST_NO_MEMORY || st == ST_INTERRUPTED)
        return err_set(err, st, "%s", what->text);
    v->damaged++;
    v->c->damage_elsewhere |= !id || (st != ST_DAMAGED && st != ST_NOT_FOUND);
    v->found(v->ctx, file, what->text);
    return id ? casefile_damage_note(v->c, id, err) : ST_OK;
}

static enum status verify_case_file(struct verify *v, struct err *err)
{
    struct casefile *c = v->c;
    struct err e = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum status st = os_read_file(c->dir, "CASE", CASE_FILE_MAX, &bytes, &len, &e);
    if (st == ST_OK && (len != c->case_len || memcmp(bytes, c->case_bytes, len) != 0))
        st = err_set(&e, ST_DAMAGED, "CASE is not what it was when the case was opened");
    free(bytes);
    return verify_report(v, "CASE", NULL, st, &e, err);
}

/* A reader may be behind; of the same generation every byte must agree. */
static enum status verify_manifest(struct verify *v, struct err *err)
{
    struct casefile *c = v->c;
    struct err e = {0};
    struct manifest *m = NULL;
    struct buf now = {0}, then = {0};
    enum status st = manifest_read(c, &m, &e);
    /* One less where the reader itself took the generation from the ledger. */
    if (st == ST_OK && m->generation + 1 < c->manifest->generation)
        st = err_set(&e, ST_DAMAGED, "MANIFEST went back to generation %llu",
                     (unsigned long long)m->generation);
    if (st == ST_OK && m->generation == c->manifest->generation) {
        st = manifest_encode(m, &now, &e);
        if (st == ST_OK)
            st = manifest_encode(c->manifest, &then, &e);
        if (st == ST_OK && !slice_eq(buf_slice(&now), buf_slice(&then)))
            st = err_set(&e, ST_DAMAGED, "MANIFEST is not what it was when the case was opened");
    }
    buf_release(&now);
    buf_release(&then);
    manifest_free(m);
    return verify_report(v, "MANIFEST", NULL, st, &e, err);
}

static enum status verify_ledger(struct verify *v, struct err *err)
{
    struct casefile *c = v->c;
    struct err e = {0};
    struct buf last = {0}, body = {0};
    struct manifest *m = NULL, *next = NULL;
    enum ledger_tail tail = LEDGER_TAIL_NONE;
    enum status st = ledger_check(c, &last, &e);
    manifest_encode_body(c->manifest, &body);
    if (st == ST_OK)
        st = buf_status(&body, &e);
    if (st == ST_OK && !slice_eq(buf_slice(&last), buf_slice(&body)))
        st = err_set(&e, ST_DAMAGED, "the last entry does not carry what MANIFEST says");
    /* A writer may be at work: measured from the MANIFEST of now. */
    if (st == ST_OK)
        st = manifest_read(c, &m, &e);
    if (st == ST_OK)
        st = ledger_look_ahead(c, m, &tail, &next, &e);
    manifest_free(m);
    manifest_free(next);
    buf_release(&last);
    buf_release(&body);
    return verify_report(v, "ledger", NULL, st, &e, err);
}

static enum status visit_lock(void *ctx, const struct ledger_entry *e, struct err *err)
{
    uint64_t *generation = ctx;
    (void)err;
    if (e->kind == LEDGER_REKEY)
        *generation = e->generation;
    return ST_OK;
}

/* Whoever puts an older CASE back opens the case with a key that was taken from it. */
static enum status verify_lock(struct verify *v, struct err *err)
{
    struct casefile *c = v->c;
    struct err e = {0};
    uint64_t generation = 1;
    enum status st = ledger_walk(c, visit_lock, &generation, &e);
    if (st == ST_DAMAGED) /* told of as such */
        return ST_OK;
    if (st == ST_OK && generation != c->head.way.generation)
        st = err_set(&e, ST_DAMAGED,
                     "CASE has the key of generation %llu, the ledger says that of %llu: an older "
                     "one was put back",
                     (unsigned long long)c->head.way.generation, (unsigned long long)generation);
    return verify_report(v, "CASE", NULL, st, &e, err);
}

static enum status verify_file(struct verify *v, const char *folder, int dir, uint8_t kind,
                               const struct file_seal *seal, struct err *err)
{
    char hex[2 * FILE_ID_SIZE + 1], name[64];
    struct section_file *f = NULL;
    struct err e = {0};
    hex_encode(seal->id, FILE_ID_SIZE, hex);
    snprintf(name, sizeof name, "%s/%s", folder, hex);
    enum status st = section_file_open(dir, kind, &v->c->key, seal, v->c->cache, &f, &e);
    if (st == ST_OK)
        st = section_file_verify(f, &e);
    section_file_close(f);
    return verify_report(v, name, seal->id, st, &e, err);
}

/* Whole, as the readers take it; where that fails, file by file, so that each damaged one is named.
 * What no file alone explains is a contradiction within the segment. */
static enum status verify_segment(struct verify *v, const struct manifest_segment *s,
                                  struct err *err)
{
    struct casefile *c = v->c;
    struct segment *seg = NULL;
    struct err e = {0};
    uint64_t before = v->damaged;
    enum status st = segment_open(c->segments_dir, &c->key, &s->base, s->overlays, s->n_overlays,
                                  c->cache, &seg, &e);
    if (st == ST_OK) {
        if (segment_info(seg)->docs != s->docs)
            st = err_set(&e, ST_DAMAGED, "%u documents instead of %u", segment_info(seg)->docs,
                         s->docs);
        if (st == ST_OK)
            st = segment_verify(seg, &e);
        segment_close(seg);
    }
    if (st == ST_OK)
        return ST_OK;
    TRY(verify_file(v, "segments", c->segments_dir, FILE_SEGMENT, &s->base, err));
    for (size_t i = 0; i < s->n_overlays; i++)
        TRY(verify_file(v, "segments", c->segments_dir, FILE_OVERLAY, &s->overlays[i], err));
    if (v->damaged > before)
        return ST_OK;
    char hex[2 * FILE_ID_SIZE + 1], name[64];
    hex_encode(s->base.id, FILE_ID_SIZE, hex);
    snprintf(name, sizeof name, "segments/%s", hex);
    return verify_report(v, name, s->base.id, st, &e, err);
}

static enum status verify_query_log(struct verify *v, struct err *err)
{
    struct query_log *l = NULL;
    struct err e = {0};
    enum status st = query_log_open(v->c, NULL, QUERY_LOG_READ, &l, &e);
    if (st == ST_NOT_FOUND && v->c->head.version == CASE_FORMAT_OLD)
        return ST_OK; /* its first query makes it */
    if (st == ST_NOT_FOUND)
        st = err_set(&e, ST_DAMAGED, "the query log is missing");
    if (st == ST_OK)
        st = query_log_verify(l, v->found, v->ctx, &v->damaged, &e);
    query_log_close(l);
    bool elsewhere = v->c->damage_elsewhere;
    st = verify_report(v, QUERY_LOG_NAME, NULL, st, &e, err);
    v->c->damage_elsewhere = elsewhere; /* nothing of the case hangs on it */
    return st;
}

enum status casefile_verify(struct casefile *c,
                            void (*found)(void *ctx, const char *file, const char *what), void *ctx,
                            uint64_t *damaged, struct err *err)
{
    struct verify v = {.c = c, .found = found, .ctx = ctx};
    const struct manifest *m = c->manifest;
    TRY(verify_case_file(&v, err));
    TRY(verify_manifest(&v, err));
    TRY(verify_ledger(&v, err));
    TRY(verify_lock(&v, err));
    TRY(verify_query_log(&v, err));
    for (size_t i = 0; i < m->n_segments; i++)
        TRY(verify_segment(&v, &m->segments[i], err));
    for (size_t i = 0; i < m->n_quarantine; i++)
        TRY(verify_file(&v, "quarantine", c->quarantine_dir, FILE_QUARANTINE, &m->quarantine[i],
                        err));
    *damaged = v.damaged;
    return ST_OK;
}
