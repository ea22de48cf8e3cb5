/* commit — publishes a new generation. The order is the crash argument:
 *   files finished (fsync, rename) by their writers → their directories synced → ledger entry with
 *   the whole new manifest, synced → MANIFEST.
 * Before the ledger entry is whole, the old generation holds and the new files are leftovers; from
 * then on the new one does, and the next opening finishes what is missing. Old files are unlinked
 * last. Any failure makes the handle useless: after a failed fsync nothing can be said about what
 * is on the disk, so the only way on is to open the case again. */
#include "store/case_private.h"

#include <stdlib.h>

#include "lictor/os.h"

static enum status next_check(const struct casefile *c, const struct manifest *next,
                              struct err *err)
{
    for (int i = 0; i < 2; i++) {
        uint8_t *ids;
        size_t n;
        TRY(manifest_ids(next, i == 1, &ids, &n, err));
        free(ids);
    }
    return case_files_exist(c, next, err);
}

static enum status publish(const struct casefile *c, struct manifest *next, enum ledger_kind kind,
                           const struct ledger_dump *dumps, size_t n_dumps, struct err *err)
{
    struct ledger_pos pos = ledger_pos_of(c->manifest);
    TRY(os_fsync(c->segments_dir, err));
    TRY(os_fsync(c->quarantine_dir, err));
    TRY(ledger_append(c, &pos, kind, dumps, n_dumps, next, err));
    return manifest_write(c, next, err);
}

static void show_segments(struct casefile *c, struct segment **list, size_t n,
                          struct manifest *staged)
{
    case_segments_close(c->segments, c->n_open, list, n);
    c->segments = list;
    c->n_open = n;
    manifest_free(c->staged);
    c->staged = staged;
}

/* Cannot fail any more: what does not work here is made good by the next opening. */
static void show_next(struct casefile *c, struct manifest *next, struct segment **list)
{
    struct manifest *old = c->manifest;
    show_segments(c, list, next->n_segments, NULL);
    c->manifest = next;
    case_files_retire(c, old, next);
    manifest_free(old);
}

enum status casefile_stage(struct casefile *c, const struct manifest *next, struct err *err)
{
    struct segment **list = NULL;
    struct manifest *copy = NULL;
    if (c->mode != CASE_WRITE)
        return err_set(err, ST_USAGE, "the case is open for reading only");
    TRY(manifest_copy(next, &copy, err));
    enum status st = case_segments_open(c, copy, &list, err);
    if (st != ST_OK) {
        manifest_free(copy);
        return st;
    }
    show_segments(c, list, copy->n_segments, copy);
    return ST_OK;
}

enum status casefile_commit(struct casefile *c, struct manifest *next, enum ledger_kind kind,
                            const struct ledger_dump *dumps, size_t n_dumps, struct err *err)
{
    struct segment **list = NULL;
    enum status st = ST_OK;
    if (c->mode != CASE_WRITE)
        st = err_set(err, ST_USAGE, "the case is open for reading only");
    else if (c->broken)
        st = err_set(err, ST_IO, "an earlier commit failed: open the case again");
    if (st != ST_OK) {
        manifest_free(next);
        return st;
    }
    c->broken = true;
    next->generation = c->manifest->generation + 1;
    st = next_check(c, next, err);
    /* Opened before they are published: a segment that cannot be read is never committed. */
    if (st == ST_OK)
        st = case_segments_open(c, next, &list, err);
    if (st == ST_OK) {
        st = publish(c, next, kind, dumps, n_dumps, err);
        if (st != ST_OK)
            case_segments_close(list, next->n_segments, c->segments, c->n_open);
    }
    if (st != ST_OK) {
        manifest_free(next);
        return st;
    }
    show_next(c, next, list);
    c->broken = false;
    return ST_OK;
}
