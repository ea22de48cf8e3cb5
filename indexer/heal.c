/* heal — of the damaged files not one byte is used: which dumps stood in them is known from the
 * ledger, and the digest is made anew of what is left. */
#include "indexer/heal.h"

#include <stdlib.h>

#include "indexer/dump_ctx.h"
#include "indexer/grown.h"
#include "indexer/progress.h"
#include "indexer/resum.h"
#include "lictor/cli.h"

static const char reason_text[] =
    "what of it stood in a damaged file is no longer in the case: add the dump again";

/* A dump that stood in a damaged file. */
struct lost {
    uint8_t sha256[SHA256_SIZE];
    bool in_ledger; /* else it was never finished, and its name is not known */
    struct ledger_dump dump;
};
struct heal {
    struct grown lost; /* struct lost, by SHA-256 */
    struct arena strings;
};

static enum status take_lost(void *ctx, const uint8_t sha256[SHA256_SIZE], struct err *err)
{
    struct heal *h = ctx;
    struct lost *l = grown_add(&h->lost, sizeof *l);
    if (!l)
        return err_no_memory(err);
    *l = (struct lost){.in_ledger = false};
    memcpy(l->sha256, sha256, SHA256_SIZE);
    return ST_OK;
}

static int lost_cmp(const void *key, const void *item)
{
    return memcmp(key, ((const struct lost *)item)->sha256, SHA256_SIZE);
}

static struct lost *find_lost(const struct heal *h, const uint8_t sha256[SHA256_SIZE])
{
    return h->lost.n ? bsearch(sha256, h->lost.items, h->lost.n, sizeof(struct lost), lost_cmp)
                     : NULL;
}

/* The last entry of each is what holds of it. */
static enum status take_entry(void *ctx, const struct ledger_entry *e, struct err *err)
{
    struct heal *h = ctx;
    for (size_t i = 0; i < e->n_dumps; i++) {
        struct lost *l = find_lost(h, e->dumps[i].sha256);
        if (!l || e->dumps[i].state == DUMP_REFUSED)
            continue;
        l->in_ledger = true;
        l->dump = e->dumps[i];
        struct ledger_dump *d = &l->dump;
        struct slice *s[] = {&d->name,  &d->authority, &d->serial,  &d->source, &d->stage,
                             &d->epoch, &d->signer,    &d->account, &d->service};
        for (size_t k = 0; k < sizeof s / sizeof *s; k++)
            if (!arena_keep(&h->strings, s[k]))
                return err_no_memory(err);
        d->state = DUMP_PARTIAL;
        d->superseded = false;
        d->reason_code = slice_str("damaged");
        d->reason_text = slice_str(reason_text);
        d->reason_at = 0;
    }
    return ST_OK;
}

/* ---- the new manifest ---- */

static struct dump_progress *progress_at(struct manifest *m, const uint8_t sha256[SHA256_SIZE])
{
    for (size_t i = 0; i < m->n_progress; i++)
        if (memcmp(m->progress[i].sha256, sha256, SHA256_SIZE) == 0)
            return &m->progress[i];
    return NULL;
}

/* From now on it is read from its first line, and its books stand. */
static enum status reopen(struct manifest *m, const struct lost *l, struct err *err)
{
    struct progress_state s = {.again = true, .before = l->dump.books};
    struct buf state = {0};
    struct dump_progress *p = progress_at(m, l->sha256);
    if (p)
        s.before = progress_books(p);
    progress_put(&state, &s);
    TRY(buf_status(&state, err));
    if (p) {
        free((void *)(uintptr_t)p->state.data); /* ours; the slice is const for its readers */
    } else {
        p = realloc(m->progress, (m->n_progress + 1) * sizeof *p);
        if (!p) {
            buf_release(&state);
            return err_no_memory(err);
        }
        m->progress = p;
        p = &m->progress[m->n_progress++];
    }
    *p = (struct dump_progress){.state = buf_slice(&state)};
    memcpy(p->sha256, l->sha256, SHA256_SIZE);
    return ST_OK;
}

static enum status prepare(struct casefile *cf, const struct heal *h, struct manifest *next,
                           struct ledger_dump *dumps, size_t *n, struct err *err)
{
    const struct lost *lost = h->lost.items;
    TRY(resum_case(cf, next->digest_sum, &next->quarantined, err));
    for (size_t i = 0; i < h->lost.n; i++) {
        TRY(reopen(next, &lost[i], err));
        if (!lost[i].in_ledger)
            continue;
        dumps[(*n)++] = lost[i].dump;
        next->dumps[DUMP_PARTIAL]++;
    }
    return ST_OK;
}

static void tell(const struct heal *h, struct buf *out)
{
    const struct lost *lost = h->lost.items;
    for (size_t i = 0; i < h->lost.n; i++) {
        char hex[2 * SHA256_SIZE + 1];
        hex_encode(lost[i].sha256, SHA256_SIZE, hex);
        buf_put_str(out, "reopened ");
        if (lost[i].in_ledger)
            cli_safe(out, lost[i].dump.name, false);
        else
            buf_put_str(out, "(a dump that never came whole)");
        buf_printf(out, "  sha256 %s\n", hex);
    }
    buf_printf(out,
               "What stood in the damaged files is no longer in the case, and they are kept in it "
               "as *.damaged. Add the %zu dump%s above again with `add`: that heals the case. "
               "Bodies that `unseal` opened need it again (or --body-keys).\n",
               h->lost.n, h->lost.n == 1 ? "" : "s");
}

static enum status publish(struct casefile *cf, const struct heal *h, struct err *err)
{
    struct manifest *next = NULL;
    size_t n = 0;
    struct ledger_dump *dumps = calloc(h->lost.n + 1, sizeof *dumps);
    enum status st = dumps ? manifest_copy(casefile_manifest(cf), &next, err) : err_no_memory(err);
    if (st == ST_OK)
        st = prepare(cf, h, next, dumps, &n, err);
    if (st == ST_OK) {
        st = casefile_commit(cf, next, LEDGER_REOPEN, dumps, n, err);
        next = NULL;
    }
    manifest_free(next);
    free(dumps);
    return st;
}

enum status heal_reopen(struct casefile *cf, struct buf *out, struct err *err)
{
    struct heal h = {0};
    arena_init(&h.strings, 0);
    enum status st = casefile_set_aside(cf, err);
    if (st == ST_OK)
        st = casefile_concerned(cf, take_lost, &h, err);
    if (st == ST_OK)
        st = ledger_walk(cf, take_entry, &h, err);
    if (st == ST_OK)
        st = publish(cf, &h, err);
    if (st == ST_OK) {
        casefile_keep_aside(cf);
        tell(&h, out);
    }
    grown_release(&h.lost);
    arena_release(&h.strings);
    return st;
}
