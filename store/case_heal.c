/* case_heal — what a damaged file costs, and a writer that goes on without it.
 * Which dumps stand in a file is nowhere stored: it follows from the ledger, whose entries carry
 * each whole manifest. A file was born in one commit; if that was an `add`, the dumps of that entry
 * are in it, and if it was a merge, those of the files that vanished with it. So the history is
 * read once forward and then followed backward. */
#include "store/case_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "lictor/os.h"

static int sha_cmp(const void *a, const void *b) { return memcmp(a, b, 32); }

static bool ids_have(const struct buf *ids, const uint8_t id[FILE_ID_SIZE])
{
    for (size_t at = 0; at < ids->len; at += FILE_ID_SIZE)
        if (memcmp(ids->data + at, id, FILE_ID_SIZE) == 0)
            return true;
    return false;
}

enum status casefile_damage_note(struct casefile *c, const uint8_t id[FILE_ID_SIZE],
                                 struct err *err)
{
    if (!id)
        c->damage_elsewhere = true;
    else if (!ids_have(&c->damage, id))
        buf_put(&c->damage, id, FILE_ID_SIZE);
    return buf_status(&c->damage, err);
}

bool casefile_damage_heals(const struct casefile *c)
{
    return c->damage.len && !c->damage_elsewhere;
}

/* ---- setting aside ---- */

static bool segment_damaged(const struct casefile *c, const struct manifest_segment *s)
{
    bool any = ids_have(&c->damage, s->base.id);
    for (size_t i = 0; i < s->n_overlays; i++)
        any |= ids_have(&c->damage, s->overlays[i].id);
    return any;
}

static void leave_out(struct casefile *c, struct manifest *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n_segments; i++) {
        struct manifest_segment *s = &m->segments[i];
        if (!segment_damaged(c, s)) {
            m->segments[kept++] = *s;
            continue;
        }
        buf_put(&c->aside, s->base.id, FILE_ID_SIZE);
        for (size_t k = 0; k < s->n_overlays; k++)
            buf_put(&c->aside, s->overlays[k].id, FILE_ID_SIZE);
        free(s->overlays);
    }
    m->n_segments = kept;
    kept = 0;
    for (size_t i = 0; i < m->n_quarantine; i++) {
        if (ids_have(&c->damage, m->quarantine[i].id))
            buf_put(&c->aside, m->quarantine[i].id, FILE_ID_SIZE);
        else
            m->quarantine[kept++] = m->quarantine[i];
    }
    m->n_quarantine = kept;
}

enum status casefile_set_aside(struct casefile *c, struct err *err)
{
    uint64_t generation = c->manifest->generation;
    MUST(c->mode == CASE_VERIFY && casefile_damage_heals(c));
    manifest_free(c->manifest);
    c->manifest = NULL;
    c->mode = CASE_WRITE;
    enum status st = case_load_writing(c, err);
    if (st == ST_OK && c->manifest->generation != generation)
        st = err_set(err, ST_USAGE, "the case went on while it was verified: verify it again");
    if (st != ST_OK)
        return st;
    leave_out(c, c->manifest);
    TRY(buf_status(&c->aside, err));
    TRY(case_segments_open(c, c->manifest, &c->segments, err));
    c->n_open = c->manifest->n_segments;
    return ST_OK;
}

void casefile_keep_aside(const struct casefile *c)
{
    for (size_t at = 0; at < c->aside.len; at += FILE_ID_SIZE) {
        char name[2 * FILE_ID_SIZE + 1], kept[sizeof name + 8];
        hex_encode(c->aside.data + at, FILE_ID_SIZE, name);
        snprintf(kept, sizeof kept, "%s.damaged", name);
        if (os_rename(c->segments_dir, name, kept, NULL) != ST_OK &&
            os_rename(c->quarantine_dir, name, kept, NULL) != ST_OK)
            continue; /* it was missing from the beginning */
    }
}

/* ---- the history ---- */

/* One commit: where its part of the lists ends. */
struct step {
    uint8_t kind;
    size_t born, gone, dumps;
};
struct history {
    struct buf steps, born, gone, dumps; /* struct step; ids; ids; SHA-256 values */
    struct manifest *before;
};

/* Ids of a that b does not have. */
static enum status ids_less(const struct manifest *a, const struct manifest *b, struct buf *out,
                            struct err *err)
{
    for (int quarantine = 0; quarantine < 2; quarantine++) {
        uint8_t *has = NULL, *had = NULL;
        size_t n = 0, n_had = 0;
        enum status st = manifest_ids(a, quarantine, &has, &n, err);
        if (st == ST_OK)
            st = manifest_ids(b, quarantine, &had, &n_had, err);
        for (size_t i = 0; st == ST_OK && i < n; i++)
            if (!manifest_ids_have(had, n_had, has + FILE_ID_SIZE * i))
                buf_put(out, has + FILE_ID_SIZE * i, FILE_ID_SIZE);
        free(has);
        free(had);
        TRY(st);
    }
    return buf_status(out, err);
}

/* Dumps that this commit ended, and the one that it had some lines of. */
static void dumps_of(const struct ledger_entry *e, const struct manifest *before,
                     const struct manifest *m, struct buf *out)
{
    for (size_t i = 0; i < e->n_dumps; i++)
        if (e->dumps[i].state != DUMP_REFUSED)
            buf_put(out, e->dumps[i].sha256, 32);
    for (size_t i = 0; i < m->n_progress; i++) {
        const struct dump_progress *p = &m->progress[i];
        bool same = p->lines == 0;
        for (size_t k = 0; k < before->n_progress && !same; k++)
            same = memcmp(p->sha256, before->progress[k].sha256, 32) == 0 &&
                   p->lines == before->progress[k].lines;
        if (!same)
            buf_put(out, p->sha256, 32);
    }
}

static enum status take_step(void *ctx, struct ledger_item *it, struct err *err)
{
    struct history *h = ctx;
    struct manifest *m = NULL;
    TRY(manifest_decode_body(it->body, &m, err));
    enum status st = ids_less(m, h->before, &h->born, err);
    if (st == ST_OK)
        st = ids_less(h->before, m, &h->gone, err);
    if (it->entry.kind == LEDGER_ADD)
        dumps_of(&it->entry, h->before, m, &h->dumps);
    struct step s = {it->entry.kind, h->born.len, h->gone.len, h->dumps.len};
    buf_put(&h->steps, &s, sizeof s);
    if (st == ST_OK)
        st = buf_status(&h->dumps, err);
    if (st == ST_OK)
        st = buf_status(&h->steps, err);
    manifest_free(h->before);
    h->before = m;
    return st;
}

static struct step step_at(const struct history *h, size_t i)
{
    struct step s;
    memcpy(&s, h->steps.data + i * sizeof s, sizeof s);
    return s;
}

static bool bears(const struct history *h, size_t from, size_t to, const struct buf *wanted)
{
    for (size_t at = from; at < to; at += FILE_ID_SIZE)
        if (ids_have(wanted, h->born.data + at))
            return true;
    return false;
}

/* From the last commit to the first: `wanted` grows by the files that a wanted one was made of. */
static void follow(const struct history *h, struct buf *wanted, struct buf *concerned)
{
    for (size_t i = h->steps.len / sizeof(struct step); i > 0; i--) {
        struct step now = step_at(h, i - 1), last = {0};
        if (i > 1)
            last = step_at(h, i - 2);
        if (!bears(h, last.born, now.born, wanted))
            continue;
        if (now.kind == LEDGER_ADD)
            buf_put(concerned, h->dumps.data + last.dumps, now.dumps - last.dumps);
        else
            buf_put(wanted, h->gone.data + last.gone, now.gone - last.gone);
    }
}

enum status casefile_concerned(struct casefile *c,
                               enum status (*visit)(void *ctx, const uint8_t sha256[32],
                                                    struct err *err),
                               void *ctx, struct err *err)
{
    struct history h = {0};
    struct buf wanted = {0}, concerned = {0};
    enum status st = manifest_new(&h.before, err);
    if (st == ST_OK)
        st = ledger_walk_items(c, take_step, &h, err);
    buf_put_slice(&wanted, buf_slice(&c->aside));
    if (st == ST_OK) {
        follow(&h, &wanted, &concerned);
        st = buf_status(&wanted, err);
    }
    if (st == ST_OK)
        st = buf_status(&concerned, err);
    if (st == ST_OK && concerned.len)
        qsort(concerned.data, concerned.len / 32, 32, sha_cmp);
    for (size_t at = 0; at < concerned.len && st == ST_OK; at += 32)
        if (at == 0 || sha_cmp(concerned.data + at - 32, concerned.data + at) != 0)
            st = visit(ctx, concerned.data + at, err);
    manifest_free(h.before);
    buf_release(&h.steps);
    buf_release(&h.born);
    buf_release(&h.gone);
    buf_release(&h.dumps);
    buf_release(&wanted);
    buf_release(&concerned);
    return st;
}
