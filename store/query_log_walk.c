/* query_log_walk — reading the query log, and what verify finds in it. The lock is held only to see
 * where it ends: what stands before that never changes again. */
#include "store/query_log_private.h"

#include <string.h>

#include "lictor/os.h"

#define TIME_MAX INT64_C(253402300799999) /* the end of 9999 */

void log_item_release(struct log_item *it)
{
    buf_release(&it->payload);
    *it = (struct log_item){0};
}

static void entry_decode(struct cursor *c, struct log_item *it)
{
    struct query_log_entry *e = &it->entry;
    e->number = cursor_varint(c);
    struct slice previous = cursor_bytes(c, sizeof it->previous);
    e->time_ms = cursor_zigzag(c);
    e->kind = cursor_u8(c);
    if (e->time_ms < 0 || e->time_ms > TIME_MAX)
        c->bad = true;
    if (!c->bad)
        memcpy(it->previous, previous.data, sizeof it->previous);
    if (e->kind == QUERY_LOG_ASKED) {
        e->user = cursor_blob(c);
        e->uid = cursor_varint(c);
        e->host = cursor_blob(c);
        e->command = cursor_blob(c);
        e->query = cursor_blob(c);
        struct slice digest = cursor_bytes(c, sizeof e->digest);
        if (!c->bad)
            memcpy(e->digest, digest.data, sizeof e->digest);
        e->generation = cursor_varint(c);
        e->version = cursor_blob(c);
    } else if (e->kind == QUERY_LOG_ANSWERED) {
        e->asked = cursor_varint(c);
        e->outcome = cursor_u8(c);
        e->total = cursor_varint(c);
        e->took_ms = cursor_varint(c);
        if (e->outcome >= QUERY_LOG_OUTCOMES || e->asked >= e->number)
            c->bad = true;
    } else if (e->kind == QUERY_LOG_BREAK) {
        e->first_missing = cursor_varint(c);
        if (e->first_missing > e->number)
            c->bad = true;
    } else {
        c->bad = true;
    }
}

enum status log_item_read(const struct query_log *l, uint64_t at, uint64_t end, struct log_item *it,
                          struct err *err)
{
    uint8_t len_bytes[4];
    struct buf unit = {0};
    if (at > end || end - at < sizeof len_bytes)
        return err_set(err, ST_DAMAGED, "the entry is cut short");
    TRY(os_read_at(l->fd, len_bytes, sizeof len_bytes, at, err));
    uint32_t len = load_u32(len_bytes);
    if (len < SEAL_UNIT_OVERHEAD || len > LOG_ENTRY_MAX || len > end - at - sizeof len_bytes)
        return err_set(err, ST_DAMAGED, "the entry has an impossible length (%u)", len);
    if (!buf_reserve(&unit, len))
        return err_no_memory(err);
    enum status st = os_read_at(l->fd, unit.data, len, at + sizeof len_bytes, err);
    unit.len = len;
    if (st == ST_OK)
        st = seal_open_unit(&l->c->key, slice_of(l->start, LOG_AD_SIZE), buf_slice(&unit),
                            &it->payload, err);
    if (st == ST_OK)
        seal_sha256(slice_of(len_bytes, sizeof len_bytes), buf_slice(&unit), it->hash);
    buf_release(&unit);
    if (st != ST_OK)
        return st;
    struct cursor c = cursor_of(buf_slice(&it->payload));
    entry_decode(&c, it);
    it->size = sizeof len_bytes + len;
    return cursor_done(&c, "entry of the query log", err);
}

enum status log_item_follows(const struct log_item *it, struct log_head *pos, struct err *err)
{
    const struct query_log_entry *e = &it->entry;
    bool gap = e->kind == QUERY_LOG_BREAK;
    if ((gap ? e->first_missing : e->number) != pos->entries)
        return err_set(err, ST_DAMAGED, "entry %llu stands where entry %llu belongs",
                       (unsigned long long)e->number, (unsigned long long)pos->entries);
    if (!gap && memcmp(it->previous, pos->hash, sizeof it->previous) != 0)
        return err_set(err, ST_DAMAGED, "the entry does not follow the one before it");
    pos->entries = e->number + 1;
    pos->bytes += it->size;
    memcpy(pos->hash, it->hash, sizeof pos->hash);
    return ST_OK;
}

static enum status state_read(struct query_log *l, struct log_state *s, struct err *err)
{
    TRY(query_log_lock(l, err));
    enum status st = query_log_state(l, s, err);
    query_log_unlock(l);
    return st;
}

static enum status item_at(struct query_log *l, uint64_t end, struct log_head *pos,
                           struct log_item *it, struct err *err)
{
    enum status st = log_item_read(l, pos->bytes, end, it, err);
    uint64_t number = pos->entries, at = pos->bytes;
    if (st == ST_OK)
        st = log_item_follows(it, pos, err);
    memcpy(it->entry.hash, it->hash, sizeof it->hash);
    if (st == ST_DAMAGED)
        err_prefix(err, "%s: entry %llu at byte %llu", l->name, (unsigned long long)number,
                   (unsigned long long)at);
    return st;
}

/* ---- holes: zeros where entries stood ---- */

#define ZEROS_LEAST 16
/* Bytes that the search for the next entry may try to open: whoever fills a file with lengths that
 * look right shall not make reading it endless. */
#define SEARCH_MAX ((uint64_t)64 << 20)

/* A piece of the file, to look at byte by byte. */
struct window {
    const struct query_log *l;
    uint64_t from;
    size_t n;
    uint8_t bytes[4096];
};

/* `n` bytes at `at`, of a file that reaches to `end`. */
static enum status window_at(struct window *w, uint64_t at, size_t n, uint64_t end,
                             const uint8_t **bytes, struct err *err)
{
    if (at < w->from || at + n > w->from + w->n) {
        w->from = at;
        w->n = end - at < sizeof w->bytes ? (size_t)(end - at) : sizeof w->bytes;
        TRY(os_read_at(w->l->fd, w->bytes, w->n, at, err));
    }
    *bytes = w->bytes + (at - w->from);
    return ST_OK;
}

enum status log_zeros(const struct query_log *l, uint64_t from, uint64_t starts_to, uint64_t to,
                      bool *found, uint64_t *past, struct err *err)
{
    struct window w = {.l = l};
    uint64_t start = from; /* of the zeros that end at `at` */
    const uint8_t *byte = NULL;
    *found = false;
    for (uint64_t at = from; start < starts_to; at++) {
        if (at < to)
            TRY(window_at(&w, at, 1, to, &byte, err));
        if (at < to && *byte == 0)
            continue;
        *found = at - start >= ZEROS_LEAST;
        *past = at;
        if (*found || at >= to)
            return ST_OK;
        start = at + 1;
    }
    return ST_OK;
}

/* How far zeros may begin to have damaged the entry at `at`: to its end, as far as that is told. */
static enum status extent(const struct query_log *l, uint64_t at, uint64_t end, uint64_t *to,
                          struct err *err)
{
    uint8_t len[4];
    *to = at + sizeof len;
    if (*to > end)
        return ST_OK;
    TRY(os_read_at(l->fd, len, sizeof len, at, err));
    if (load_u32(len) <= LOG_ENTRY_MAX)
        *to += load_u32(len);
    return ST_OK;
}

static uint64_t first_number(const struct query_log_entry *e)
{
    return e->kind == QUERY_LOG_BREAK ? e->first_missing : e->number;
}

/* The first whole entry in [from, end) that comes after entry `number`, with its place in *at;
 * ST_END: there is none. */
static enum status find_entry(struct query_log *l, uint64_t from, uint64_t end, uint64_t number,
                              uint64_t *at, struct log_item *it, struct err *err)
{
    struct window w = {.l = l};
    const uint8_t *len_bytes;
    uint64_t tried = 0;
    for (*at = from; *at + 4 <= end; ++*at) {
        TRY(window_at(&w, *at, 4, end, &len_bytes, err));
        uint32_t len = load_u32(len_bytes);
        if (len < SEAL_UNIT_OVERHEAD || len > LOG_ENTRY_MAX || len > end - *at - 4)
            continue;
        struct err no_entry;
        enum status st = log_item_read(l, *at, end, it, &no_entry);
        if (st == ST_OK && first_number(&it->entry) > number)
            return ST_OK;
        log_item_release(it);
        if (st != ST_OK && st != ST_DAMAGED)
            return err_set(err, st, "%s", no_entry.text);
        tried += len;
        if (tried > SEARCH_MAX)
            return err_set(err, ST_DAMAGED, "%s: nothing is found behind zeros at byte %llu",
                           l->name, (unsigned long long)from);
    }
    return ST_END;
}

enum status log_item_next(struct query_log *l, uint64_t end, uint64_t holes_end,
                          struct log_head *pos, struct log_item *it, struct log_hole *hole,
                          struct err *err)
{
    uint64_t at = pos->bytes, to, past = 0;
    bool zeros;
    *hole = (struct log_hole){0};
    enum status st = item_at(l, end, pos, it, err);
    if (st != ST_DAMAGED || at >= holes_end)
        return st;
    TRY(extent(l, at, holes_end, &to, err));
    TRY(log_zeros(l, at, to, holes_end, &zeros, &past, err));
    if (!zeros)
        return st;
    log_item_release(it);
    /* The length of the next entry may begin with zeros of its own. */
    TRY(find_entry(l, past - 3, holes_end, pos->entries, &to, it, err));
    *hole = (struct log_hole){pos->entries, first_number(&it->entry), at};
    pos->entries = hole->number;
    pos->bytes = to;
    memcpy(pos->hash, it->previous, sizeof pos->hash);
    return log_item_follows(it, pos, err);
}

/* ---- all of it ---- */

static enum status visit_hole(const struct log_hole *hole, query_log_visit *visit, void *ctx,
                              struct err *err)
{
    const struct query_log_entry e = {.kind = QUERY_LOG_BREAK,
                                      .number = hole->number,
                                      .time_ms = TIME_NONE,
                                      .first_missing = hole->first_missing,
                                      .hole_at = hole->hole_at};
    return hole->hole_at ? visit(ctx, &e, err) : ST_OK;
}

/* Zeros up to the newer head: all that it knows of is gone. */
static void pass_to_head(const struct log_state *s, struct log_head *pos, struct log_hole *hole)
{
    *hole = (struct log_hole){pos->entries, s->head.entries, pos->bytes};
    *pos = s->head;
}

/* Up to the newer head of `s`, and the whole entry that a killed query may have left behind it.
 * *pos: where it ended. */
static enum status walk(struct query_log *l, const struct log_state *s, query_log_visit *visit,
                        void *ctx, struct log_head *pos, struct err *err)
{
    *pos = (struct log_head){.bytes = LOG_START};
    uint64_t end = s->size, known = s->head.bytes < end ? s->head.bytes : end;
    while (pos->bytes < end) {
        bool behind = pos->bytes >= s->head.bytes;
        struct log_item it = {0};
        struct log_hole hole;
        enum status st = log_item_next(l, end, known, pos, &it, &hole, err);
        bool to_head = st == ST_END && known == s->head.bytes && pos->entries < s->head.entries;
        if (st == ST_END && !to_head)
            break;
        if (to_head)
            pass_to_head(s, pos, &hole);
        if (st == ST_OK || to_head)
            st = visit_hole(&hole, visit, ctx, err);
        if (st == ST_OK && !to_head)
            st = visit(ctx, &it.entry, err);
        log_item_release(&it);
        if (behind && st == ST_DAMAGED)
            return ST_OK; /* not whole: it counts for nothing */
        TRY(st);
        if (pos->bytes == s->head.bytes &&
            (pos->entries != s->head.entries || memcmp(pos->hash, s->head.hash, 32) != 0))
            return err_set(err, ST_DAMAGED, "%s: its head is not that of its last entry", l->name);
    }
    if (pos->bytes < s->head.bytes)
        return err_set(err, ST_DAMAGED,
                       "%s ends with %llu entries of %llu: the last ones were cut off, or lost in "
                       "a power failure",
                       l->name, (unsigned long long)pos->entries,
                       (unsigned long long)s->head.entries);
    return ST_OK;
}

enum status query_log_walk(struct query_log *l, query_log_visit *visit, void *ctx, struct err *err)
{
    struct log_state s = {0};
    struct log_head pos;
    TRY(state_read(l, &s, err));
    return walk(l, &s, visit, ctx, &pos, err);
}

static enum status visit_nothing(void *ctx, const struct query_log_entry *e, struct err *err)
{
    (void)ctx;
    (void)e;
    (void)err;
    return ST_OK;
}

enum status query_log_head(struct query_log *l, struct query_log_head *out, struct err *err)
{
    struct log_state s = {0};
    struct log_head pos;
    TRY(state_read(l, &s, err));
    TRY(walk(l, &s, visit_nothing, NULL, &pos, err));
    out->entries = pos.entries;
    memcpy(out->hash, pos.hash, sizeof out->hash);
    return ST_OK;
}

/* ---- verify ---- */

struct log_verify {
    struct query_log *l;
    void (*found)(void *ctx, const char *file, const char *what);
    void *ctx;
    uint64_t damaged;
};

static void report(struct log_verify *v, const char *what)
{
    v->damaged++;
    v->found(v->ctx, v->l->name, what);
}

static enum status visit_breaks(void *ctx, const struct query_log_entry *e, struct err *err)
{
    struct buf what = {0};
    if (e->kind != QUERY_LOG_BREAK)
        return ST_OK;
    query_log_break_text(e, &what);
    buf_put_u8(&what, 0);
    enum status st = buf_status(&what, err);
    if (st == ST_OK)
        report(ctx, (const char *)what.data);
    buf_release(&what);
    return st;
}

void query_log_break_text(const struct query_log_entry *e, struct buf *out)
{
    unsigned long long first = e->first_missing, last = e->number - 1;
    if (e->first_missing == e->number)
        buf_printf(out,
                   "what stood behind entry %llu of the query log is gone, how many entries is "
                   "not known: lost in a power failure, or overwritten with zeros",
                   last);
    else if (e->hole_at)
        buf_printf(out,
                   "entries %llu to %llu of the query log are zeros from byte %llu on: lost in "
                   "a power failure, or overwritten",
                   first, last, (unsigned long long)e->hole_at);
    else
        buf_printf(out,
                   "entries %llu to %llu of the query log are gone: cut off, or lost in a power "
                   "failure",
                   first, last);
}

/* The heads take turns, so that they are one entry apart. */
static void verify_heads(struct log_verify *v, const struct log_state *s)
{
    const struct log_head *a = &s->heads[0], *b = &s->heads[1];
    uint64_t apart = a->entries > b->entries ? a->entries - b->entries : b->entries - a->entries;
    if (!s->good[0] || !s->good[1])
        report(v, "a head of the query log is damaged");
    else if (apart > 1)
        report(v, "a head of the query log is older than it can be: it was put back");
    else if (s->head.entries && (s->heads[s->head.entries & 1].entries != s->head.entries))
        report(v, "the heads of the query log are not in their places");
}

static enum status verify(struct log_verify *v, struct err *err)
{
    struct log_state s = {0};
    struct log_head pos = {0};
    TRY(state_read(v->l, &s, err));
    verify_heads(v, &s);
    TRY(walk(v->l, &s, visit_breaks, v, &pos, err));
    if (pos.bytes < s.size)
        report(v, "what stands behind the last entry of the query log is no entry");
    else if (pos.entries > s.head.entries + 1)
        report(v, "the heads of the query log are older than its entries: they were put back");
    return ST_OK;
}

enum status query_log_verify(struct query_log *l,
                             void (*found)(void *ctx, const char *file, const char *what),
                             void *ctx, uint64_t *damaged, struct err *err)
{
    struct log_verify v = {.l = l, .found = found, .ctx = ctx};
    struct err e = {0};
    enum status st = verify(&v, &e);
    if (st == ST_DAMAGED)
        report(&v, e.text);
    else if (st != ST_OK)
        return err_set(err, st, "%s", e.text);
    *damaged += v.damaged;
    return ST_OK;
}
