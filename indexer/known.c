/* known — SHA-256 values are their own hash: nobody can choose many with the same first bytes
 * cheaply, and a crowded table would only be slow. */
#include "indexer/known.h"

#include <stdlib.h>

static struct known_dump *slot_of(struct known *k, const uint8_t sha256[SHA256_SIZE])
{
    size_t i = (size_t)load_u64(sha256) & (k->cap - 1);
    while (k->slots[i].used && memcmp(k->slots[i].sha256, sha256, SHA256_SIZE) != 0)
        i = (i + 1) & (k->cap - 1);
    return &k->slots[i];
}

static enum status grow(struct known *k, struct err *err)
{
    struct known old = *k;
    size_t cap = old.cap ? old.cap * 2 : 256;
    struct known_dump *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return err_no_memory(err);
    k->slots = slots;
    k->cap = cap;
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].used)
            *slot_of(k, old.slots[i].sha256) = old.slots[i];
    free(old.slots);
    return ST_OK;
}

enum status known_get(struct known *k, const uint8_t sha256[SHA256_SIZE], struct known_dump **out,
                      struct err *err)
{
    if ((k->n + 1) * 2 > k->cap)
        TRY(grow(k, err));
    struct known_dump *d = slot_of(k, sha256);
    if (!d->used) {
        *d = (struct known_dump){.used = true, .state = DUMP_REFUSED};
        memcpy(d->sha256, sha256, SHA256_SIZE);
        k->n++;
    }
    *out = d;
    return ST_OK;
}

static enum status visit(void *ctx, const struct ledger_entry *e, struct err *err)
{
    static const uint8_t no_hash[SHA256_SIZE];
    struct known *k = ctx;
    for (size_t i = 0; i < e->n_dumps; i++) {
        if (memcmp(e->dumps[i].sha256, no_hash, SHA256_SIZE) == 0) {
            k->unhashed++;
            continue;
        }
        struct known_dump *d;
        TRY(known_get(k, e->dumps[i].sha256, &d, err));
        d->state = e->dumps[i].state;
        d->books = e->dumps[i].books;
    }
    return ST_OK;
}

enum status known_load(struct known *k, struct casefile *cf, struct err *err)
{
    return ledger_walk(cf, visit, k, err);
}

void known_release(struct known *k)
{
    free(k->slots);
    *k = (struct known){0};
}
