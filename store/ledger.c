/* ledger — one entry of the ledger as bytes, and adding one. An entry on disk is its length and a
 * sealed unit; its hash is taken over both, and the next entry names it. */
#include "store/case_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "lictor/cli.h"
#include "lictor/confine.h"
#include "lictor/os.h"

#define DUMP_BYTES_MIN (1 + 32 + 1 + 1 + 1 + 1 + 1 + 8 + 6)

struct ledger_pos ledger_pos_of(const struct manifest *m)
{
    struct ledger_pos pos = {.entries = m->ledger_entries, .bytes = m->ledger_bytes};
    memcpy(pos.head, m->ledger_head, sizeof pos.head);
    return pos;
}

void ledger_item_release(struct ledger_item *it)
{
    free(it->entry.dumps);
    buf_release(&it->payload);
    *it = (struct ledger_item){0};
}

static void dump_put(struct buf *out, const struct ledger_dump *d)
{
    buf_put_blob(out, d->name);
    buf_put(out, d->sha256, sizeof d->sha256);
    buf_put_varint(out, d->bytes);
    buf_put_u8(out, d->state);
    buf_put_blob(out, d->reason_code);
    buf_put_blob(out, d->reason_text);
    buf_put_varint(out, d->reason_at);
    books_put(out, &d->books);
    buf_put_blob(out, d->authority);
    buf_put_blob(out, d->serial);
    buf_put_blob(out, d->source);
    buf_put_blob(out, d->stage);
    buf_put_blob(out, d->epoch);
    buf_put_blob(out, d->signer);
}

static void dump_get(struct cursor *c, struct ledger_dump *d)
{
    d->name = cursor_blob(c);
    struct slice sha256 = cursor_bytes(c, sizeof d->sha256);
    if (sha256.len == sizeof d->sha256)
        memcpy(d->sha256, sha256.data, sizeof d->sha256);
    d->bytes = cursor_varint(c);
    d->state = cursor_u8(c);
    if (d->state > DUMP_REFUSED)
        c->bad = true;
    d->reason_code = cursor_blob(c);
    d->reason_text = cursor_blob(c);
    d->reason_at = cursor_varint(c);
    books_get(c, &d->books);
    d->authority = cursor_blob(c);
    d->serial = cursor_blob(c);
    d->source = cursor_blob(c);
    d->stage = cursor_blob(c);
    d->epoch = cursor_blob(c);
    d->signer = cursor_blob(c);
}

/* What entries of older programs do not have: it stands behind the manifest. */
static void dump_more_put(struct buf *out, const struct ledger_dump *d)
{
    buf_put_blob(out, d->account);
    buf_put_blob(out, d->service);
    buf_put_zigzag(out, d->collected_from);
    buf_put_zigzag(out, d->collected_to);
}

static void dump_more_get(struct cursor *c, struct ledger_dump *d)
{
    d->account = cursor_blob(c);
    d->service = cursor_blob(c);
    d->collected_from = cursor_zigzag(c);
    d->collected_to = cursor_zigzag(c);
}

void ledger_entry_encode(const struct ledger_entry *e, const uint8_t case_id[CASE_ID_SIZE],
                         struct slice body, struct buf *out)
{
    buf_put_varint(out, e->number);
    buf_put(out, e->previous, sizeof e->previous);
    buf_put(out, case_id, CASE_ID_SIZE);
    buf_put_zigzag(out, e->time_ms);
    buf_put_u8(out, e->kind);
    buf_put_varint(out, e->generation);
    buf_put_blob(out, e->version);
    buf_put_varint(out, e->n_dumps);
    for (size_t i = 0; i < e->n_dumps; i++)
        dump_put(out, &e->dumps[i]);
    buf_put_blob(out, body);
    for (size_t i = 0; i < e->n_dumps; i++)
        dump_more_put(out, &e->dumps[i]);
}

enum status ledger_entry_decode(const uint8_t case_id[CASE_ID_SIZE], struct ledger_item *it,
                                struct err *err)
{
    struct cursor c = cursor_of(buf_slice(&it->payload));
    struct ledger_entry *e = &it->entry;
    e->number = cursor_varint(&c);
    struct slice previous = cursor_bytes(&c, sizeof e->previous);
    struct slice id = cursor_bytes(&c, CASE_ID_SIZE);
    if (c.bad || memcmp(id.data, case_id, CASE_ID_SIZE) != 0)
        return err_set(err, ST_DAMAGED, "the entry belongs to another case");
    memcpy(e->previous, previous.data, sizeof e->previous);
    e->time_ms = cursor_zigzag(&c);
    e->kind = cursor_u8(&c);
    e->generation = cursor_varint(&c);
    e->version = cursor_blob(&c);
    uint64_t n = cursor_varint_max(&c, cursor_left(&c) / DUMP_BYTES_MIN);
    if (e->kind < LEDGER_INIT || e->kind > LEDGER_REOPEN)
        c.bad = true;
    if (n && !c.bad) {
        e->dumps = calloc((size_t)n, sizeof *e->dumps);
        if (!e->dumps)
            return err_no_memory(err);
        e->n_dumps = (size_t)n;
    }
    for (size_t i = 0; i < e->n_dumps && !c.bad; i++)
        dump_get(&c, &e->dumps[i]);
    it->body = cursor_blob(&c);
    bool more = cursor_left(&c) > 0;
    for (size_t i = 0; i < e->n_dumps && !c.bad; i++) {
        e->dumps[i].collected_from = e->dumps[i].collected_to = TIME_NONE;
        if (more)
            dump_more_get(&c, &e->dumps[i]);
    }
    return cursor_done(&c, "ledger entry", err);
}

/* ---- adding ---- */

#define VERSION_SIZE (sizeof LICTOR_VERSION + 1 + CONFINE_TEXT_SIZE)

/* The version also says how the process was confined that wrote the entry. */
static void entry_stamp(struct ledger_entry *e, const struct ledger_pos *pos,
                        char version[VERSION_SIZE])
{
    const char *confined = confine_text();
    snprintf(version, VERSION_SIZE, LICTOR_VERSION "%s%s", *confined ? " " : "", confined);
    e->number = pos->entries;
    memcpy(e->previous, pos->head, sizeof e->previous);
    e->time_ms = os_now_ms();
    e->version = slice_str(version);
}

/* Length and sealed unit, appended to `out`. */
static enum status entry_seal(const struct casefile *c, struct slice payload, struct buf *out,
                              struct err *err)
{
    uint8_t ad[CASE_HEADER_SIZE];
    size_t len = payload.len + SEAL_UNIT_OVERHEAD;
    if (len > LEDGER_ENTRY_MAX)
        return err_set(err, ST_LIMIT, "a ledger entry of %zu bytes is too long", len);
    case_header_make(LEDGER_MAGIC, c->key.plain, c->id, ad);
    buf_put_u32(out, (uint32_t)len);
    return seal_unit(&c->key, slice_of(ad, sizeof ad), payload, out, err);
}

static enum status entry_write(const struct casefile *c, uint64_t at, struct slice bytes,
                               struct err *err)
{
    int fd = -1;
    uint64_t size = 0;
    TRY(os_open_append(c->dir, "ledger", 0600, &fd, err));
    enum status st = os_size(fd, &size, err);
    if (st == ST_OK && size != at)
        st =
            err_set(err, ST_DAMAGED, "the ledger changed under this program (%llu bytes, not %llu)",
                    (unsigned long long)size, (unsigned long long)at);
    if (st == ST_OK)
        st = os_write(fd, bytes.data, bytes.len, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    os_close(&fd);
    return st;
}

enum status ledger_append(const struct casefile *c, const struct ledger_pos *pos,
                          enum ledger_kind kind, const struct ledger_dump *dumps, size_t n_dumps,
                          struct manifest *next, struct err *err)
{
    struct buf body = {0}, payload = {0}, bytes = {0};
    struct ledger_entry e = {.kind = (uint8_t)kind,
                             .generation = next->generation,
                             .n_dumps = n_dumps,
                             /* only read here; the struct is also what readers get */
                             .dumps = (struct ledger_dump *)(uintptr_t)dumps};
    uint8_t hash[32];
    char version[VERSION_SIZE];
    entry_stamp(&e, pos, version);
    manifest_encode_body(next, &body);
    ledger_entry_encode(&e, c->id, buf_slice(&body), &payload);
    enum status st = buf_status(&body, err);
    if (st == ST_OK)
        st = buf_status(&payload, err);
    if (st == ST_OK)
        st = entry_seal(c, buf_slice(&payload), &bytes, err);
    if (st == ST_OK)
        st = entry_write(c, pos->bytes, buf_slice(&bytes), err);
    if (st == ST_OK) {
        seal_sha256(buf_slice(&bytes), slice_of("", 0), hash);
        next->ledger_entries = pos->entries + 1;
        next->ledger_bytes = pos->bytes + bytes.len;
        memcpy(next->ledger_head, hash, sizeof hash);
    }
    buf_release(&body);
    buf_release(&payload);
    buf_release(&bytes);
    return st;
}

enum status ledger_cut(const struct casefile *c, const struct manifest *m, struct err *err)
{
    int fd = -1;
    TRY(os_open_append(c->dir, "ledger", 0600, &fd, err));
    enum status st = os_truncate(fd, m->ledger_bytes, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    os_close(&fd);
    return st;
}

enum status ledger_renew(const struct casefile *c, const struct manifest *m,
                         const struct manifest *next, struct err *err)
{
    int fd = -1;
    MUST(next->ledger_bytes > m->ledger_bytes);
    size_t len = (size_t)(next->ledger_bytes - m->ledger_bytes);
    uint8_t *data = malloc(len);
    if (!data)
        return err_no_memory(err);
    enum status st = os_open_append(c->dir, "ledger", 0600, &fd, err);
    if (st == ST_OK)
        st = os_read_at(fd, data, len, m->ledger_bytes, err);
    if (st == ST_OK)
        st = os_truncate(fd, m->ledger_bytes, err);
    if (st == ST_OK)
        st = os_write(fd, data, len, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    os_close(&fd);
    free(data);
    return st;
}
