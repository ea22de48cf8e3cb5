/* case_files — the files that a manifest names: opening them, looking whether they are there, and
 * removing those that no manifest names any more. */
#include "store/case_private.h"

#include <stdlib.h>

#include "lictor/os.h"

#define NAME_LEN (2 * (size_t)FILE_ID_SIZE)

static bool seal_eq(const struct file_seal *a, const struct file_seal *b)
{
    return a->size == b->size && memcmp(a->id, b->id, sizeof a->id) == 0 &&
           memcmp(a->toc_hash, b->toc_hash, sizeof a->toc_hash) == 0;
}

static bool segment_same(const struct manifest_segment *a, const struct manifest_segment *b)
{
    if (!seal_eq(&a->base, &b->base) || a->n_overlays != b->n_overlays)
        return false;
    for (size_t i = 0; i < a->n_overlays; i++)
        if (!seal_eq(&a->overlays[i], &b->overlays[i]))
            return false;
    return true;
}

static int segment_id_cmp(const void *a, const void *b)
{
    const struct manifest_segment *const *x = a, *const *y = b;
    return memcmp((*x)->base.id, (*y)->base.id, FILE_ID_SIZE);
}

static const struct manifest *shown(const struct casefile *c)
{
    return c->staged ? c->staged : c->manifest;
}

/* The open segment of `c` that is exactly `s`, or NULL. `sorted` points into what is shown. */
static struct segment *segment_reuse(const struct casefile *c,
                                     const struct manifest_segment **sorted,
                                     const struct manifest_segment *s)
{
    if (!c->n_open)
        return NULL;
    const struct manifest_segment **found =
        bsearch(&s, sorted, c->n_open, sizeof *sorted, segment_id_cmp);
    if (!found || !segment_same(*found, s))
        return NULL;
    return c->segments[*found - shown(c)->segments];
}

void case_segments_close(struct segment **list, size_t n, struct segment *const *keep,
                         size_t n_keep)
{
    for (size_t i = 0; i < n; i++) {
        bool kept = false;
        for (size_t k = 0; k < n_keep && !kept; k++)
            kept = keep[k] == list[i];
        if (!kept)
            segment_close(list[i]);
    }
    free(list);
}

enum status case_segments_open(const struct casefile *c, const struct manifest *m,
                               struct segment ***out, struct err *err)
{
    enum status st = ST_OK;
    size_t n = 0;
    struct segment **list = calloc(m->n_segments + 1, sizeof *list);
    const struct manifest_segment **sorted = calloc(c->n_open + 1, sizeof *sorted);
    if (!list || !sorted) {
        free(list);
        free(sorted);
        return err_no_memory(err);
    }
    for (size_t i = 0; i < c->n_open; i++)
        sorted[i] = &shown(c)->segments[i];
    qsort(sorted, c->n_open, sizeof *sorted, segment_id_cmp);
    while (n < m->n_segments && st == ST_OK) {
        const struct manifest_segment *s = &m->segments[n];
        list[n] = segment_reuse(c, sorted, s);
        if (!list[n]) {
            st = segment_open(c->segments_dir, &c->key, &s->base, s->overlays, s->n_overlays,
                              c->cache, &list[n], err);
            if (st != ST_OK)
                list[n] = NULL;
        }
        if (st == ST_OK)
            n++;
    }
    free(sorted);
    if (st != ST_OK) {
        err_prefix(err, "segments");
        case_segments_close(list, n, c->segments, c->n_open);
        return st;
    }
    *out = list;
    return ST_OK;
}

static enum status file_exists(int dir, const char *what, const struct file_seal *s,
                               struct err *err)
{
    char name[NAME_LEN + 1];
    uint64_t size = 0;
    int fd = -1;
    hex_encode(s->id, FILE_ID_SIZE, name);
    enum status st = os_open_read(dir, name, &fd, err);
    if (st == ST_OK)
        st = os_size(fd, &size, err);
    os_close(&fd);
    if (st == ST_OK && size != s->size)
        st = err_set(err, ST_DAMAGED, "%s has %llu bytes instead of %llu", name,
                     (unsigned long long)size, (unsigned long long)s->size);
    if (st != ST_OK)
        err_prefix(err, "%s", what);
    return st;
}

enum status case_files_exist(const struct casefile *c, const struct manifest *m, struct err *err)
{
    for (size_t i = 0; i < m->n_segments; i++) {
        TRY(file_exists(c->segments_dir, "segments", &m->segments[i].base, err));
        for (size_t k = 0; k < m->segments[i].n_overlays; k++)
            TRY(file_exists(c->segments_dir, "segments", &m->segments[i].overlays[k], err));
    }
    for (size_t i = 0; i < m->n_quarantine; i++)
        TRY(file_exists(c->quarantine_dir, "quarantine", &m->quarantine[i], err));
    return ST_OK;
}

/* Only names that we give: whatever else a person put there is not ours to remove. */
static bool name_is_leftover(const char *name, const uint8_t *ids, size_t n)
{
    uint8_t id[FILE_ID_SIZE];
    size_t len = strlen(name);
    bool tmp = len == NAME_LEN + 4 && strcmp(name + NAME_LEN, ".tmp") == 0;
    if (len != NAME_LEN && !tmp)
        return false;
    char hex[NAME_LEN + 1] = {0};
    memcpy(hex, name, NAME_LEN);
    if (!hex_decode(hex, FILE_ID_SIZE, id))
        return false;
    return tmp || !manifest_ids_have(ids, n, id);
}

static enum status dir_sweep(const struct casefile *c, const struct manifest *m, bool quarantine,
                             struct err *err)
{
    int dir = quarantine ? c->quarantine_dir : c->segments_dir;
    uint8_t *ids = NULL;
    char **names = NULL;
    size_t n_ids = 0, n = 0;
    enum status st = manifest_ids(m, quarantine, &ids, &n_ids, err);
    if (st == ST_OK)
        st = os_list(dir, ".", &names, &n, err);
    for (size_t i = 0; i < n && st == ST_OK; i++)
        if (name_is_leftover(names[i], ids, n_ids))
            st = os_unlink(dir, names[i], err);
    if (names)
        os_list_free(names, n);
    free(ids);
    return st;
}

enum status case_files_sweep(const struct casefile *c, const struct manifest *m, struct err *err)
{
    TRY(dir_sweep(c, m, false, err));
    return dir_sweep(c, m, true, err);
}

static void dir_retire(const struct casefile *c, const struct manifest *old,
                       const struct manifest *next, bool quarantine)
{
    int dir = quarantine ? c->quarantine_dir : c->segments_dir;
    uint8_t *was = NULL, *is = NULL;
    size_t n_was = 0, n_is = 0;
    char name[NAME_LEN + 1];
    if (manifest_ids(old, quarantine, &was, &n_was, NULL) == ST_OK &&
        manifest_ids(next, quarantine, &is, &n_is, NULL) == ST_OK)
        for (size_t i = 0; i < n_was; i++) {
            const uint8_t *id = was + FILE_ID_SIZE * i;
            hex_encode(id, FILE_ID_SIZE, name);
            if (!manifest_ids_have(is, n_is, id) && os_unlink(dir, name, NULL) != ST_OK)
                continue;
        }
    free(was);
    free(is);
}

void case_files_retire(const struct casefile *c, const struct manifest *old,
                       const struct manifest *next)
{
    dir_retire(c, old, next, false);
    dir_retire(c, old, next, true);
}

enum status case_quarantine_open(struct casefile *c, struct err *err)
{
    const struct manifest *m = c->manifest;
    case_quarantine_close(c);
    c->quarantine = calloc(m->n_quarantine + 1, sizeof(struct section_file *));
    if (!c->quarantine)
        return err_no_memory(err);
    for (size_t i = 0; i < m->n_quarantine; i++) {
        enum status st = section_file_open(c->quarantine_dir, FILE_QUARANTINE, &c->key,
                                           &m->quarantine[i], c->cache, &c->quarantine[i], err);
        c->n_quarantine_open = i + 1;
        if (st != ST_OK)
            c->quarantine[i] = NULL;
        if (st == ST_NOT_FOUND || st == ST_NO_MEMORY) {
            err_prefix(err, "quarantine");
            return st;
        }
    }
    return ST_OK;
}

void case_quarantine_close(struct casefile *c)
{
    for (size_t i = 0; i < c->n_quarantine_open; i++)
        section_file_close(c->quarantine[i]);
    free(c->quarantine);
    c->quarantine = NULL;
    c->n_quarantine_open = 0;
}
