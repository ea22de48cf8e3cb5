/* manifest — copying, freeing and looking through the list of what is live. Every array is an
 * allocation of its own, so that a writer may grow it with realloc. */
#include "store/case_private.h"

#include <stdlib.h>

enum status manifest_new(struct manifest **out, struct err *err)
{
    struct manifest *m = calloc(1, sizeof *m);
    if (!m)
        return err_no_memory(err);
    *out = m;
    return ST_OK;
}

void manifest_free(struct manifest *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_segments; i++)
        free(m->segments[i].overlays);
    for (size_t i = 0; i < m->n_progress; i++)
        /* ours; the slice is const for its readers */
        free((void *)(uintptr_t)m->progress[i].state.data);
    free(m->segments);
    free(m->quarantine);
    free(m->progress);
    free(m);
}

/* NULL for nothing; NULL and *ok false without memory. */
static void *array_dup(const void *from, size_t n, size_t size, bool *ok)
{
    void *p = NULL;
    if (n == 0)
        return NULL;
    p = calloc(n, size);
    if (p)
        memcpy(p, from, n * size);
    else
        *ok = false;
    return p;
}

/* Pointers are taken over only with their count, so that manifest_free fits at any point. */
static bool copy_arrays(const struct manifest *m, struct manifest *to)
{
    bool ok = true;
    to->segments = array_dup(m->segments, m->n_segments, sizeof *m->segments, &ok);
    to->quarantine = array_dup(m->quarantine, m->n_quarantine, sizeof *m->quarantine, &ok);
    to->progress = array_dup(m->progress, m->n_progress, sizeof *m->progress, &ok);
    to->n_segments = to->segments ? m->n_segments : 0;
    to->n_quarantine = to->quarantine ? m->n_quarantine : 0;
    to->n_progress = to->progress ? m->n_progress : 0;
    for (size_t i = 0; i < to->n_segments; i++)
        to->segments[i].overlays = array_dup(m->segments[i].overlays, m->segments[i].n_overlays,
                                             sizeof(struct file_seal), &ok);
    for (size_t i = 0; i < to->n_progress; i++)
        to->progress[i].state.data =
            array_dup(m->progress[i].state.data, m->progress[i].state.len, 1, &ok);
    return ok;
}

enum status manifest_copy(const struct manifest *m, struct manifest **out, struct err *err)
{
    struct manifest *to = NULL;
    TRY(manifest_new(&to, err));
    *to = *m;
    if (!copy_arrays(m, to)) {
        manifest_free(to);
        return err_no_memory(err);
    }
    *out = to;
    return ST_OK;
}

static int id_cmp(const void *a, const void *b) { return memcmp(a, b, FILE_ID_SIZE); }

static size_t ids_collect(const struct manifest *m, bool quarantine, uint8_t *ids)
{
    size_t n = 0;
    if (quarantine) {
        for (size_t i = 0; i < m->n_quarantine; i++)
            memcpy(ids + FILE_ID_SIZE * n++, m->quarantine[i].id, FILE_ID_SIZE);
        return n;
    }
    for (size_t i = 0; i < m->n_segments; i++) {
        const struct manifest_segment *s = &m->segments[i];
        memcpy(ids + FILE_ID_SIZE * n++, s->base.id, FILE_ID_SIZE);
        for (size_t k = 0; k < s->n_overlays; k++)
            memcpy(ids + FILE_ID_SIZE * n++, s->overlays[k].id, FILE_ID_SIZE);
    }
    return n;
}

enum status manifest_ids(const struct manifest *m, bool quarantine, uint8_t **ids, size_t *n,
                         struct err *err)
{
    size_t count = quarantine ? m->n_quarantine : m->n_segments;
    for (size_t i = 0; !quarantine && i < m->n_segments; i++)
        count += m->segments[i].n_overlays;
    uint8_t *all = calloc(count + 1, FILE_ID_SIZE);
    if (!all)
        return err_no_memory(err);
    MUST(ids_collect(m, quarantine, all) == count);
    qsort(all, count, FILE_ID_SIZE, id_cmp);
    for (size_t i = 1; i < count; i++)
        if (id_cmp(all + FILE_ID_SIZE * (i - 1), all + FILE_ID_SIZE * i) == 0) {
            free(all);
            return err_set(err, ST_DAMAGED, "a manifest names one file twice");
        }
    *ids = all;
    *n = count;
    return ST_OK;
}

bool manifest_ids_have(const uint8_t *ids, size_t n, const uint8_t id[FILE_ID_SIZE])
{
    return bsearch(id, ids, n, FILE_ID_SIZE, id_cmp) != NULL;
}

const char *dump_state_name(enum dump_state s)
{
    static const char *const names[] = {"complete", "partial", "refused", "already"};
    MUST((unsigned)s < sizeof names / sizeof *names);
    return names[s];
}
