/* case_rekey — a case gets another key. The order is the crash argument:
 *   new key file, synced → CASE.next, which says whose generation's it is, synced → commit of that
 *   generation (commit.c), whose ledger entry is a rekey → CASE.next renamed to CASE.
 * Until the entry of the ledger is whole, the old key holds, and CASE.next is a leftover; from then
 * on the new one does, and whoever finds CASE.next reads it in the place of CASE; the next writer
 * renames it. A generation is made once, so its number says all. */
#include "store/case_private.h"

#include <string.h>
#include <unistd.h>

#include "lictor/os.h"

static enum status put_in_place(struct casefile *c, struct err *err)
{
    TRY(os_rename(c->dir, CASE_NEXT_NAME, "CASE", err));
    return os_fsync(c->dir, err);
}

enum status case_next_settle(struct casefile *c, struct err *err)
{
    struct case_head next;
    struct err ignored = {0};
    if (!c->next_bytes)
        return ST_OK;
    bool whole = case_peek(slice_of(c->next_bytes, c->next_len), &next, &ignored) == ST_OK;
    bool committed = whole && memcmp(next.id, c->id, sizeof c->id) == 0 &&
                     next.way.generation > 1 && next.way.generation <= c->manifest->generation;
    if (c->by_next && !committed)
        return err_set(err, ST_DENIED,
                       "the key does not belong to this case: giving it this key was interrupted, "
                       "and the one before holds");
    if (c->mode == CASE_WRITE)
        TRY(committed ? put_in_place(c, err) : os_unlink(c->dir, CASE_NEXT_NAME, err));
    if (committed && !c->by_next)
        return err_set(err, ST_DENIED,
                       "the case has another key since generation %llu (`rekey` was interrupted, "
                       "but had happened)",
                       (unsigned long long)next.way.generation);
    return ST_OK;
}

static enum status write_next(const struct casefile *c, const struct case_lock *l, struct err *err)
{
    struct buf bytes = {0};
    int fd = -1;
    enum status st = case_encode(l, &c->key, c->id, c->words_version, &bytes, err);
    if (st == ST_OK)
        st = os_create(c->dir, CASE_NEXT_NAME, 0600, &fd, err);
    if (st == ST_OK)
        st = os_write(fd, bytes.data, bytes.len, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    if (st == ST_OK)
        st = os_fsync(c->dir, err);
    os_close(&fd);
    buf_release(&bytes);
    return st;
}

/* From here on a failure leaves it open which key holds. */
static enum status commit(struct casefile *c, const char *made, struct err *err)
{
    struct manifest *next = NULL;
    TRY(manifest_copy(c->manifest, &next, err));
    enum status st = casefile_commit(c, next, LEDGER_REKEY, NULL, 0, err);
    if (st == ST_OK)
        st = put_in_place(c, err);
    if (st != ST_OK)
        err_prefix(err, "keep both keys%s%s until one of them was tried", made ? ", also " : "",
                   made ? made : "");
    return st;
}

enum status casefile_rekey(struct casefile *c, const struct case_secret *to, struct err *err)
{
    struct case_lock l = {0};
    MUST(c->mode == CASE_WRITE);
    if (c->key.plain)
        return err_set(err, ST_USAGE,
                       "the case is not encrypted: it has no key to change; add its dumps to a new "
                       "case that has one");
    TRY(case_lock_make(to, c->id, &l, err));
    MUST(l.key);
    l.way.generation = c->manifest->generation + 1;
    enum status st = write_next(c, &l, err);
    if (st != ST_OK) {
        (void)unlinkat(c->dir, CASE_NEXT_NAME, 0); /* beside the seam: the cause has been told */
        case_lock_release(&l, true);
        return st;
    }
    st = commit(c, l.made, err);
    if (st == ST_OK)
        c->head.way = l.way;
    case_lock_release(&l, false);
    return st;
}
