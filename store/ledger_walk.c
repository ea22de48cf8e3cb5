/* ledger_walk — reading the ledger: one entry, all of them, and what a killed writer left behind
 * the last one. */
#include "store/case_private.h"

#include <stdlib.h>

#include "lictor/os.h"

/* Length, seal, hash of the entry at *pos. */
static enum status entry_load(const struct casefile *c, int fd, uint64_t end,
                              const struct ledger_pos *pos, struct ledger_item *it,
                              uint8_t hash[32], uint64_t *size, struct err *err)
{
    uint8_t ad[CASE_HEADER_SIZE], len_bytes[4];
    struct buf unit = {0};
    if (pos->bytes > end || end - pos->bytes < sizeof len_bytes)
        return err_set(err, ST_DAMAGED, "the entry is cut short");
    TRY(os_read_at(fd, len_bytes, sizeof len_bytes, pos->bytes, err));
    uint32_t len = load_u32(len_bytes);
    if (len < SEAL_UNIT_OVERHEAD || len > LEDGER_ENTRY_MAX ||
        len > end - pos->bytes - sizeof len_bytes)
        return err_set(err, ST_DAMAGED, "the entry has an impossible length (%u)", len);
    if (!buf_reserve(&unit, len))
        return err_no_memory(err);
    enum status st = os_read_at(fd, unit.data, len, pos->bytes + sizeof len_bytes, err);
    unit.len = len;
    case_header_make(LEDGER_MAGIC, c->key.plain, c->id, ad);
    if (st == ST_OK)
        st = seal_open_unit(&c->key, slice_of(ad, sizeof ad), buf_slice(&unit), &it->payload, err);
    if (st == ST_OK)
        seal_sha256(slice_of(len_bytes, sizeof len_bytes), buf_slice(&unit), hash);
    buf_release(&unit);
    if (st == ST_OK)
        *size = sizeof len_bytes + len;
    return st;
}

static enum status entry_follows(const struct ledger_pos *pos, const struct ledger_entry *e,
                                 struct err *err)
{
    if (e->number != pos->entries)
        return err_set(err, ST_DAMAGED, "entry %llu stands where entry %llu belongs",
                       (unsigned long long)e->number, (unsigned long long)pos->entries);
    if (memcmp(e->previous, pos->head, sizeof e->previous) != 0)
        return err_set(err, ST_DAMAGED, "the entry does not follow the one before it");
    return ST_OK;
}

enum status ledger_read(const struct casefile *c, int fd, uint64_t end, struct ledger_pos *pos,
                        struct ledger_item *it, struct err *err)
{
    uint64_t size = 0;
    uint8_t hash[32];
    enum status st = entry_load(c, fd, end, pos, it, hash, &size, err);
    if (st == ST_OK)
        st = ledger_entry_decode(c->id, it, err);
    if (st == ST_OK)
        st = entry_follows(pos, &it->entry, err);
    if (st != ST_OK) {
        err_prefix(err, "ledger: entry %llu at byte %llu", (unsigned long long)pos->entries,
                   (unsigned long long)pos->bytes);
        return st;
    }
    memcpy(it->entry.hash, hash, sizeof hash);
    memcpy(pos->head, hash, sizeof hash);
    pos->entries++;
    pos->bytes += size;
    return ST_OK;
}

static enum status ledger_open(const struct casefile *c, int *fd, struct err *err)
{
    enum status st = os_open_read(c->dir, "ledger", fd, err);
    return st == ST_NOT_FOUND ? err_set(err, ST_DAMAGED, "the ledger is missing") : st;
}

/* ---- what a killed writer left ---- */

/* A single entry that did not get to the disk whole: its length reaches beyond the file, or is
 * nonsense (blocks written out of order), or it fills the file and its seal does not fit. */
static enum status tail_is_torn(int fd, uint64_t at, uint64_t tail, bool *torn, struct err *err)
{
    uint8_t len_bytes[4];
    *torn = true;
    if (tail < sizeof len_bytes)
        return ST_OK;
    TRY(os_read_at(fd, len_bytes, sizeof len_bytes, at, err));
    uint32_t len = load_u32(len_bytes);
    *torn = len < SEAL_UNIT_OVERHEAD || len > LEDGER_ENTRY_MAX || len > tail - sizeof len_bytes;
    return ST_OK;
}

static enum status tail_entry(const struct casefile *c, int fd, uint64_t end,
                              const struct manifest *m, enum ledger_tail *tail,
                              struct manifest **next, struct err *err)
{
    struct ledger_pos pos = ledger_pos_of(m);
    struct ledger_item it = {0};
    struct manifest *ahead = NULL;
    uint64_t size = 0;
    uint8_t hash[32];
    enum status st = entry_load(c, fd, end, &pos, &it, hash, &size, err);
    if (st == ST_DAMAGED) {
        uint8_t len_bytes[4];
        ledger_item_release(&it);
        TRY(os_read_at(fd, len_bytes, sizeof len_bytes, pos.bytes, err));
        if (sizeof len_bytes + load_u32(len_bytes) != end - pos.bytes)
            return err_set(err, ST_DAMAGED,
                           "ledger: what follows entry %llu is no entry of this case",
                           (unsigned long long)pos.entries);
        *tail = LEDGER_TAIL_TORN;
        return ST_OK;
    }
    ledger_item_release(&it);
    if (st == ST_OK)
        st = ledger_read(c, fd, end, &pos, &it, err);
    if (st == ST_OK && pos.bytes != end)
        st = err_set(err, ST_DAMAGED,
                     "the ledger is more than one commit ahead of MANIFEST: an older MANIFEST was "
                     "put back (rollback)");
    if (st == ST_OK && it.entry.generation != m->generation + 1)
        st = err_set(err, ST_DAMAGED, "the ledger goes on with generation %llu after %llu",
                     (unsigned long long)it.entry.generation, (unsigned long long)m->generation);
    if (st == ST_OK)
        st = manifest_decode_body(it.body, &ahead, err);
    if (st == ST_OK && ahead->generation != it.entry.generation) {
        manifest_free(ahead);
        st = err_set(err, ST_DAMAGED, "the last ledger entry contradicts itself");
    }
    ledger_item_release(&it);
    if (st != ST_OK)
        return st;
    ahead->ledger_entries = pos.entries;
    ahead->ledger_bytes = pos.bytes;
    memcpy(ahead->ledger_head, pos.head, sizeof pos.head);
    *next = ahead;
    *tail = LEDGER_TAIL_ENTRY;
    return ST_OK;
}

enum status ledger_look_ahead(const struct casefile *c, const struct manifest *m,
                              enum ledger_tail *tail, struct manifest **next, struct err *err)
{
    int fd = -1;
    uint64_t size = 0;
    bool torn = false;
    TRY(ledger_open(c, &fd, err));
    enum status st = os_size(fd, &size, err);
    if (st == ST_OK && size < m->ledger_bytes)
        st = err_set(err, ST_DAMAGED, "the ledger has %llu bytes, MANIFEST knows of %llu",
                     (unsigned long long)size, (unsigned long long)m->ledger_bytes);
    *tail = LEDGER_TAIL_NONE;
    if (st == ST_OK && size > m->ledger_bytes) {
        st = tail_is_torn(fd, m->ledger_bytes, size - m->ledger_bytes, &torn, err);
        if (st == ST_OK && torn)
            *tail = LEDGER_TAIL_TORN;
        else if (st == ST_OK)
            st = tail_entry(c, fd, size, m, tail, next, err);
    }
    os_close(&fd);
    return st;
}

/* ---- all entries ---- */

/* What came complete, and with which entry last: a partial or refused dump of the same is
 * superseded if it was before that. The same is the same bytes, or the same unit. */
struct whole {
    uint8_t hash[32];
    uint64_t entry;
    uint64_t dump;
};
struct wholes {
    struct whole *at;
    size_t n, cap;
};
enum same { SAME_BYTES, SAME_UNIT, SAME_ENDS };

/* A dump without a serial names no unit: two such dumps of one device are two deliveries, and
 * calling one superseded by the other would hide that it is still to be asked for. A dump that
 * could not be read at all has no bytes. The first byte keeps the two ways apart: a dump's bytes
 * may be chosen to be those of a unit. */
static bool same_hash(const struct ledger_dump *d, enum same way, struct buf *scratch,
                      uint8_t hash[32], enum status *st, struct err *err)
{
    static const uint8_t unread[32];
    bool named =
        way == SAME_UNIT ? d->serial.len != 0 : memcmp(d->sha256, unread, sizeof unread) != 0;
    if (!named)
        return false;
    buf_clear(scratch);
    buf_put_u8(scratch, (uint8_t)way);
    if (way == SAME_BYTES) {
        buf_put(scratch, d->sha256, sizeof d->sha256);
    } else {
        buf_put_blob(scratch, d->authority);
        buf_put_blob(scratch, d->serial);
        buf_put_blob(scratch, d->source);
        buf_put_blob(scratch, d->stage);
        buf_put_blob(scratch, d->epoch);
    }
    *st = buf_status(scratch, err);
    if (*st == ST_OK)
        seal_sha256(buf_slice(scratch), slice_of("", 0), hash);
    return *st == ST_OK;
}

static enum status wholes_put(struct wholes *u, const struct whole *w, struct err *err)
{
    if (u->n == u->cap) {
        size_t cap = u->cap ? 2 * u->cap : 64;
        struct whole *at = reallocarray(u->at, cap, sizeof *at);
        if (!at)
            return err_no_memory(err);
        u->at = at;
        u->cap = cap;
    }
    u->at[u->n++] = *w;
    return ST_OK;
}

static enum status wholes_add(struct wholes *u, const struct ledger_entry *e, struct buf *scratch,
                              struct err *err)
{
    for (size_t i = 0; i < e->n_dumps; i++) {
        if (e->dumps[i].state != DUMP_COMPLETE)
            continue;
        for (enum same way = 0; way < SAME_ENDS; way++) {
            struct whole w = {.entry = e->number, .dump = i};
            enum status st = ST_OK;
            if (same_hash(&e->dumps[i], way, scratch, w.hash, &st, err))
                st = wholes_put(u, &w, err);
            TRY(st);
        }
    }
    return ST_OK;
}

static int whole_cmp(const void *a, const void *b)
{
    const struct whole *x = a, *y = b;
    int c = memcmp(x->hash, y->hash, sizeof x->hash);
    if (c)
        return c;
    c = (x->entry > y->entry) - (x->entry < y->entry);
    return c ? c : (x->dump > y->dump) - (x->dump < y->dump);
}

/* Sorted, with only the last of each kept. */
static void wholes_finish(struct wholes *u)
{
    size_t n = 0;
    if (u->n)
        qsort(u->at, u->n, sizeof *u->at, whole_cmp);
    for (size_t i = 0; i < u->n; i++) {
        if (n && memcmp(u->at[n - 1].hash, u->at[i].hash, 32) == 0)
            n--;
        u->at[n++] = u->at[i];
    }
    u->n = n;
}

static int whole_hash_cmp(const void *a, const void *b)
{
    const struct whole *x = a, *y = b;
    return memcmp(x->hash, y->hash, sizeof x->hash);
}

/* Did the same come complete after dump `i` of `e`? */
static enum status made_good(const struct wholes *u, const struct ledger_entry *e, size_t i,
                             enum same way, struct buf *scratch, bool *good, struct err *err)
{
    struct whole key = {0};
    enum status st = ST_OK;
    *good = false;
    if (!same_hash(&e->dumps[i], way, scratch, key.hash, &st, err))
        return st;
    const struct whole *last = bsearch(&key, u->at, u->n, sizeof key, whole_hash_cmp);
    *good = last && (last->entry > e->number || (last->entry == e->number && last->dump > i));
    return ST_OK;
}

static enum status wholes_mark(const struct wholes *u, struct ledger_entry *e, struct buf *scratch,
                               struct err *err)
{
    for (size_t i = 0; i < e->n_dumps && u->n; i++)
        for (enum same way = 0; e->dumps[i].state != DUMP_COMPLETE && way < SAME_ENDS; way++) {
            bool good;
            TRY(made_good(u, e, i, way, scratch, &good, err));
            e->dumps[i].superseded |= good;
        }
    return ST_OK;
}

struct walk {
    enum status (*visit)(void *ctx, struct ledger_item *it, struct err *err);
    void *ctx;
};

static enum status walk_all(const struct casefile *c, const struct walk *w, struct err *err)
{
    const struct manifest *m = c->manifest;
    struct ledger_pos pos = {0};
    struct ledger_item it = {0};
    int fd = -1;
    TRY(ledger_open(c, &fd, err));
    enum status st = ST_OK;
    while (st == ST_OK && pos.bytes < m->ledger_bytes) {
        st = ledger_read(c, fd, m->ledger_bytes, &pos, &it, err);
        if (st == ST_OK)
            st = w->visit(w->ctx, &it, err);
        ledger_item_release(&it);
    }
    os_close(&fd);
    if (st != ST_OK)
        return st;
    if (pos.entries != m->ledger_entries || pos.bytes != m->ledger_bytes ||
        memcmp(pos.head, m->ledger_head, sizeof pos.head) != 0)
        return err_set(err, ST_DAMAGED, "the ledger does not end where MANIFEST says");
    return ST_OK;
}

struct walk_state {
    struct wholes wholes;
    struct buf scratch;
    enum status (*visit)(void *ctx, const struct ledger_entry *e, struct err *err);
    void *ctx;
};

static enum status visit_wholes(void *ctx, struct ledger_item *it, struct err *err)
{
    struct walk_state *s = ctx;
    return wholes_add(&s->wholes, &it->entry, &s->scratch, err);
}

static enum status visit_marked(void *ctx, struct ledger_item *it, struct err *err)
{
    struct walk_state *s = ctx;
    TRY(wholes_mark(&s->wholes, &it->entry, &s->scratch, err));
    return s->visit(s->ctx, &it->entry, err);
}

enum status ledger_walk(struct casefile *c,
                        enum status (*visit)(void *ctx, const struct ledger_entry *e,
                                             struct err *err),
                        void *ctx, struct err *err)
{
    struct walk_state s = {.visit = visit, .ctx = ctx};
    enum status st = walk_all(c, &(struct walk){visit_wholes, &s}, err);
    wholes_finish(&s.wholes);
    if (st == ST_OK)
        st = walk_all(c, &(struct walk){visit_marked, &s}, err);
    free(s.wholes.at);
    buf_release(&s.scratch);
    return st;
}

static enum status visit_body(void *ctx, struct ledger_item *it, struct err *err)
{
    struct buf *body = ctx;
    buf_clear(body);
    buf_put_slice(body, it->body);
    return buf_status(body, err);
}

enum status ledger_walk_items(const struct casefile *c,
                              enum status (*visit)(void *ctx, struct ledger_item *it,
                                                   struct err *err),
                              void *ctx, struct err *err)
{
    return walk_all(c, &(struct walk){visit, ctx}, err);
}

enum status ledger_check(const struct casefile *c, struct buf *body, struct err *err)
{
    return ledger_walk_items(c, visit_body, body, err);
}
