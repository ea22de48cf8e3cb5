/* query_log — opening the query log and adding to it.
 * An append, under the lock: entry written behind the last one, then the head that says so, in the
 * slot that does not hold the present head. Killed between the two, the log is one whole entry
 * longer than its head: it counts. A rest that is no whole entry never was one: it is cut off. A
 * log that is shorter than its head has lost entries: whether by hand or by a power failure
 * (nothing is synced) cannot be told, so the next entry is a break that says which, for good. Zeros
 * behind the last entry are what a power failure leaves of entries whose head it took, too: a break
 * that cannot say how many. Zeros before that stay where they are, and readers go past them. */
#include "store/query_log_private.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lictor/cli.h"
#include "lictor/os.h"

#define LOCK_WAIT_MS 5000

/* ---- heads ---- */

static struct slice log_ad(const struct query_log *l) { return slice_of(l->start, LOG_AD_SIZE); }

static uint8_t *head_at(struct query_log *l, unsigned slot)
{
    return l->start + LOG_AD_SIZE + slot * LOG_HEAD_SIZE;
}

/* The additional data of a head: that of the file, and which slot. */
static void head_ad(const struct query_log *l, unsigned slot, uint8_t out[LOG_AD_SIZE + 1])
{
    memcpy(out, l->start, LOG_AD_SIZE);
    out[LOG_AD_SIZE] = (uint8_t)slot;
}

static enum status head_seal(struct query_log *l, unsigned slot, const struct log_head *h,
                             struct err *err)
{
    uint8_t ad[LOG_AD_SIZE + 1], payload[LOG_HEAD_PAYLOAD];
    struct buf unit = {0};
    head_ad(l, slot, ad);
    store_u64(payload, h->entries);
    store_u64(payload + 8, h->bytes);
    memcpy(payload + 16, h->hash, sizeof h->hash);
    enum status st = seal_unit(&l->c->key, slice_of(ad, sizeof ad),
                               slice_of(payload, sizeof payload), &unit, err);
    if (st == ST_OK) {
        MUST(unit.len == LOG_HEAD_SIZE);
        memcpy(head_at(l, slot), unit.data, LOG_HEAD_SIZE);
    }
    buf_release(&unit);
    return st;
}

static enum status head_open(struct query_log *l, unsigned slot, struct log_head *h, bool *good,
                             struct err *err)
{
    uint8_t ad[LOG_AD_SIZE + 1];
    struct buf payload = {0};
    head_ad(l, slot, ad);
    enum status st = seal_open_unit(&l->c->key, slice_of(ad, sizeof ad),
                                    slice_of(head_at(l, slot), LOG_HEAD_SIZE), &payload, err);
    *good = st == ST_OK;
    if (st == ST_OK) {
        h->entries = load_u64(payload.data);
        h->bytes = load_u64(payload.data + 8);
        memcpy(h->hash, payload.data + 16, sizeof h->hash);
        *good = h->bytes >= LOG_START;
    }
    buf_release(&payload);
    return st == ST_DAMAGED ? ST_OK : st;
}

enum status query_log_lock(struct query_log *l, struct err *err)
{
    enum status st = os_lock_wait(l->fd, LOCK_WAIT_MS, err);
    if (st == ST_LOCKED)
        return err_set(err, st,
                       "%s: another process holds the query log for more than %d seconds; try "
                       "again, or use a log of your own (--log FILE)",
                       l->name, LOCK_WAIT_MS / 1000);
    return st;
}

void query_log_unlock(struct query_log *l) { os_unlock(l->fd); }

enum status query_log_state(struct query_log *l, struct log_state *s, struct err *err)
{
    TRY(os_size(l->fd, &s->size, err));
    if (s->size < LOG_START)
        return err_set(err, ST_DAMAGED, "%s is cut short within its head", l->name);
    TRY(os_read_at(l->fd, head_at(l, 0), (size_t)2 * LOG_HEAD_SIZE, LOG_AD_SIZE, err));
    for (unsigned i = 0; i < 2; i++)
        TRY(head_open(l, i, &s->heads[i], &s->good[i], err));
    if (!s->good[0] && !s->good[1])
        return err_set(err, ST_DAMAGED, "%s: both heads of the query log are damaged", l->name);
    bool second = !s->good[0] || (s->good[1] && s->heads[1].entries > s->heads[0].entries);
    s->head = s->heads[second];
    return ST_OK;
}

/* What was written in part is taken away again; where that fails, too, the next one cuts it off. */
static void take_back(const struct query_log *l, uint64_t at)
{
    struct err ignored;
    if (os_truncate(l->fd, at, &ignored) != ST_OK)
        return;
}

/* ---- opening ---- */

static enum status start_make(struct query_log *l, struct err *err)
{
    const struct log_head empty = {.bytes = LOG_START};
    case_header_make(LOG_MAGIC, l->c->key.plain, l->c->id, l->start);
    memset(l->start + CASE_HEADER_SIZE, 0, LOG_ID_SIZE);
    if (!l->own)
        TRY(os_random(l->start + CASE_HEADER_SIZE, LOG_ID_SIZE, err));
    TRY(head_seal(l, 0, &empty, err));
    TRY(head_seal(l, 1, &empty, err));
    enum status st = os_write_at(l->fd, l->start, LOG_START, 0, err);
    if (st != ST_OK)
        take_back(l, 0);
    return st;
}

static enum status start_check(struct query_log *l, uint64_t size, struct err *err)
{
    static const uint8_t no_id[LOG_ID_SIZE];
    uint8_t want[CASE_HEADER_SIZE];
    size_t len = size < LOG_AD_SIZE ? (size_t)size : LOG_AD_SIZE;
    TRY(os_read_at(l->fd, l->start, len, 0, err));
    if (len < LOG_AD_SIZE || memcmp(l->start, LOG_MAGIC, 8) != 0)
        return err_set(err, l->own ? ST_DAMAGED : ST_DENIED,
                       l->own ? "%s is damaged: it does not begin as a query log"
                              : "%s is no query log: it is not touched",
                       l->name);
    case_header_make(LOG_MAGIC, l->c->key.plain, l->c->id, want);
    if (memcmp(want, l->start, sizeof want) != 0)
        return err_set(err, l->own ? ST_DAMAGED : ST_DENIED, "%s is the query log of another case",
                       l->name);
    if (l->own != (memcmp(l->start + CASE_HEADER_SIZE, no_id, LOG_ID_SIZE) == 0))
        return err_set(err, l->own ? ST_DAMAGED : ST_DENIED, "%s is %s", l->name,
                       l->own ? "the query log of a party, not that of the case"
                              : "a copy of the query log of the case, not a party's own");
    return ST_OK;
}

/* A case has its log from the beginning, or else from its first query on (older programs): one that
 * was taken away or emptied is not begun anew. */
static mode_t mode_if_missing(const struct query_log *l)
{
    return l->own && l->c->head.version > CASE_FORMAT_OLD ? 0 : 0600;
}

static enum status start_load(struct query_log *l, struct err *err)
{
    uint64_t size = 0;
    TRY(query_log_lock(l, err));
    enum status st = os_size(l->fd, &size, err);
    if (st == ST_OK)
        st = size == 0 && l->append && mode_if_missing(l) ? start_make(l, err)
                                                          : start_check(l, size, err);
    query_log_unlock(l);
    return st;
}

enum status query_log_open(const struct casefile *c, const char *path, enum query_log_mode mode,
                           struct query_log **out, struct err *err)
{
    struct query_log *l = calloc(1, sizeof *l);
    if (!l)
        return err_no_memory(err);
    *l = (struct query_log){.c = c, .fd = -1, .append = mode == QUERY_LOG_APPEND, .own = !path};
    int in = path ? AT_FDCWD : c->dir;
    l->name = strdup(path ? path : QUERY_LOG_NAME);
    enum status st = l->name ? ST_OK : err_no_memory(err);
    if (st == ST_OK)
        st = l->append ? os_open_file(in, l->name, mode_if_missing(l), &l->fd, err)
                       : os_open_read(in, l->name, &l->fd, err);
    if (st == ST_OK)
        st = start_load(l, err);
    if (st == ST_OK)
        *out = l;
    else
        query_log_close(l);
    return st;
}

void query_log_close(struct query_log *l)
{
    if (!l)
        return;
    os_close(&l->fd);
    free(l->name);
    free(l);
}

int query_log_fd(const struct query_log *l) { return l->fd; }

/* ---- adding ---- */

static void entry_encode(const struct query_log_entry *e, const uint8_t previous[32],
                         struct buf *out)
{
    buf_put_varint(out, e->number);
    buf_put(out, previous, 32);
    buf_put_zigzag(out, e->time_ms);
    buf_put_u8(out, e->kind);
    switch (e->kind) {
    case QUERY_LOG_ASKED:
        buf_put_blob(out, e->user);
        buf_put_varint(out, e->uid);
        buf_put_blob(out, e->host);
        buf_put_blob(out, e->command);
        buf_put_blob(out, e->query);
        buf_put(out, e->digest, sizeof e->digest);
        buf_put_varint(out, e->generation);
        buf_put_blob(out, e->version);
        break;
    case QUERY_LOG_ANSWERED:
        buf_put_varint(out, e->asked);
        buf_put_u8(out, e->outcome);
        buf_put_varint(out, e->total);
        buf_put_varint(out, e->took_ms);
        break;
    default:
        buf_put_varint(out, e->first_missing);
    }
}

static enum status head_write(struct query_log *l, const struct log_head *h, struct err *err)
{
    unsigned slot = h->entries & 1;
    TRY(head_seal(l, slot, h, err));
    return os_write_at(l->fd, head_at(l, slot), LOG_HEAD_SIZE,
                       LOG_AD_SIZE + (uint64_t)slot * LOG_HEAD_SIZE, err);
}

/* Behind `at`, which it moves. */
static enum status entry_add(struct query_log *l, struct log_head *at, struct query_log_entry *e,
                             struct err *err)
{
    struct buf payload = {0}, bytes = {0};
    struct log_head next = {0};
    e->number = at->entries;
    e->time_ms = os_now_ms();
    entry_encode(e, at->hash, &payload);
    enum status st = buf_status(&payload, err);
    if (st == ST_OK && payload.len + SEAL_UNIT_OVERHEAD > LOG_ENTRY_MAX)
        st = err_set(err, ST_LIMIT, "a query of %zu bytes is too long to be logged", payload.len);
    if (st == ST_OK) {
        buf_put_u32(&bytes, (uint32_t)(payload.len + SEAL_UNIT_OVERHEAD));
        st = seal_unit(&l->c->key, log_ad(l), buf_slice(&payload), &bytes, err);
    }
    seal_sha256(buf_slice(&bytes), slice_of("", 0), next.hash);
    if (st == ST_OK && (st = os_write_at(l->fd, bytes.data, bytes.len, at->bytes, err)) != ST_OK)
        take_back(l, at->bytes);
    next.entries = at->entries + 1;
    next.bytes = at->bytes + bytes.len;
    buf_release(&payload);
    buf_release(&bytes);
    if (st != ST_OK)
        return st;
    st = head_write(l, &next, err);
    if (st == ST_OK)
        *at = next;
    else
        take_back(l, at->bytes);
    return st;
}

/* A killed query leaves the beginning of an entry, never zeros. */
static enum status cut_tail(struct query_log *l, struct log_state *s, struct err *err)
{
    struct query_log_entry gap = {.kind = QUERY_LOG_BREAK, .first_missing = s->head.entries};
    uint64_t past;
    bool zeros = false;
    TRY(log_zeros(l, s->head.bytes, s->size, s->size, &zeros, &past, err));
    TRY(os_truncate(l->fd, s->head.bytes, err));
    return zeros ? entry_add(l, &s->head, &gap, err) : ST_OK;
}

/* Entries that a killed query left behind the head get theirs, so that never more than one is
 * without; what else stands there is cut off. */
static enum status take_tail(struct query_log *l, struct log_state *s, struct err *err)
{
    enum status st = ST_OK;
    while (s->size > s->head.bytes) {
        struct log_item it = {0};
        st = log_item_read(l, s->head.bytes, s->size, &it, err);
        if (st == ST_OK)
            st = log_item_follows(&it, &s->head, err);
        if (st == ST_OK)
            st = head_write(l, &s->head, err);
        log_item_release(&it);
        if (st != ST_OK)
            break;
    }
    return st == ST_DAMAGED ? cut_tail(l, s, err) : st;
}

/* Does the rest of the file hold only the beginning of an entry? */
static enum status is_beginning(const struct query_log *l, uint64_t at, uint64_t size, bool *yes,
                                struct err *err)
{
    uint8_t len[4];
    *yes = true;
    if (size - at < sizeof len)
        return ST_OK;
    TRY(os_read_at(l->fd, len, sizeof len, at, err));
    *yes = load_u32(len) <= LOG_ENTRY_MAX && load_u32(len) > size - at - sizeof len;
    return ST_OK;
}

/* Shorter than its head: cut to its last whole entry, and a break for what is gone. Where an entry
 * before that is damaged by more than zeros, nothing is cut: what stands behind it would be lost.
 */
static enum status mark_break(struct query_log *l, struct log_state *s, struct err *err)
{
    struct query_log_entry gap = {.kind = QUERY_LOG_BREAK};
    struct log_head pos = {.bytes = LOG_START};
    enum status st = ST_OK;
    for (bool cut = false; st == ST_OK && pos.bytes < s->size;) {
        struct log_item it = {0};
        struct log_hole hole;
        TRY(is_beginning(l, pos.bytes, s->size, &cut, err));
        if (cut)
            break;
        st = log_item_next(l, s->size, s->size, &pos, &it, &hole, err);
        log_item_release(&it);
    }
    if (st != ST_OK && st != ST_END)
        return st;
    TRY(os_truncate(l->fd, pos.bytes, err));
    s->head.bytes = pos.bytes;
    gap.first_missing = pos.entries;
    return entry_add(l, &s->head, &gap, err);
}

static enum status append_locked(struct query_log *l, struct query_log_entry *e, struct err *err)
{
    struct log_state s = {0};
    TRY(query_log_state(l, &s, err));
    if (s.size > s.head.bytes)
        TRY(take_tail(l, &s, err));
    else if (s.size < s.head.bytes)
        TRY(mark_break(l, &s, err));
    return entry_add(l, &s.head, e, err);
}

enum status query_log_append(struct query_log *l, struct query_log_entry *e, struct err *err)
{
    MUST(l->append);
    TRY(query_log_lock(l, err));
    enum status st = append_locked(l, e, err);
    query_log_unlock(l);
    return st;
}
