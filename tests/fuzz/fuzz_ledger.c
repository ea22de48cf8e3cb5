/* fuzz_ledger — a ledger of entries that are sealed anew, so that what is behind the seal is
 * reached, on a MANIFEST that knows some of them. A model of the chain says whether the walk goes
 * through, and what stands behind the last entry.
 * Input: entries that MANIFEST knows less than there are; bytes cut off the end; then entries:
 * flags, length, that many bytes of text for its fields. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/case_private.h"

#include "lictor/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENTRIES_MAX 12
#define DUMPS_MAX 3

enum {
    RAW = 1,      /* the bytes are the payload */
    NUMBER = 2,   /* not the number that belongs here */
    PREVIOUS = 4, /* not the hash of the entry before */
    DAMAGE = 8,   /* a bit of the sealed entry is changed */
    OTHER = 16,   /* it is of another case */
    DUMPS_SHIFT = 5,
};

struct chain {
    struct buf bytes;
    struct ledger_pos pos[ENTRIES_MAX + 1]; /* before entry i; behind the last */
    bool good[ENTRIES_MAX];
    size_t n;
};

static char dir_name[200];
static struct casefile base;

static void dir_remove(void)
{
    (void)unlinkat(base.dir, "ledger", 0);
    (void)rmdir(dir_name);
}

static void dir_make(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir_name, sizeof dir_name, "%s/lictor-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    MUST(mkdtemp(dir_name));
    base.dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(base.dir >= 0);
    base.key.plain = true;
    memset(base.id, 7, sizeof base.id);
    atexit(dir_remove);
}

static struct slice some(struct cursor *c)
{
    size_t n = cursor_left(c) < 5 ? cursor_left(c) : 5;
    return cursor_bytes(c, n);
}

static void payload_make(const struct ledger_pos *pos, unsigned flags, struct cursor *text,
                         struct buf *out)
{
    struct ledger_dump dumps[DUMPS_MAX];
    struct ledger_entry e = {.number = pos->entries + (flags & NUMBER ? 1 : 0),
                             .kind = LEDGER_ADD,
                             .time_ms = 1586000000000,
                             .generation = pos->entries + 1,
                             .dumps = dumps,
                             .n_dumps = flags >> DUMPS_SHIFT & DUMPS_MAX};
    uint8_t id[CASE_ID_SIZE];
    struct manifest *m = NULL;
    struct buf body = {0};
    memset(dumps, 0, sizeof dumps);
    memcpy(id, base.id, sizeof id);
    id[3] ^= flags & OTHER ? 1 : 0;
    memcpy(e.previous, pos->head, sizeof e.previous);
    e.previous[9] ^= flags & PREVIOUS ? 1 : 0;
    e.version = some(text);
    for (size_t i = 0; i < e.n_dumps; i++) {
        struct ledger_dump *d = &dumps[i];
        d->state = (uint8_t)(cursor_left(text) % 3);
        d->serial = some(text);
        d->source = some(text);
        d->name = some(text);
        struct slice sha = some(text);
        if (sha.len)
            memcpy(d->sha256, sha.data, sha.len);
    }
    MUST(manifest_new(&m, NULL) == ST_OK);
    m->generation = e.generation;
    manifest_encode_body(m, &body);
    ledger_entry_encode(&e, id, buf_slice(&body), out);
    manifest_free(m);
    buf_release(&body);
}

static void chain_add(struct chain *ch, unsigned flags, struct slice text)
{
    struct ledger_pos *pos = &ch->pos[ch->n];
    struct cursor c = cursor_of(text);
    struct buf payload = {0};
    uint8_t ad[CASE_HEADER_SIZE];
    size_t at = ch->bytes.len;
    if (flags & RAW)
        buf_put_slice(&payload, text);
    else
        payload_make(pos, flags, &c, &payload);
    case_header_make(LEDGER_MAGIC, true, base.id, ad);
    buf_put_u32(&ch->bytes, (uint32_t)(payload.len + SEAL_UNIT_OVERHEAD));
    MUST(seal_unit(&base.key, slice_of(ad, sizeof ad), buf_slice(&payload), &ch->bytes, NULL) ==
         ST_OK);
    if (flags & DAMAGE)
        ch->bytes.data[at + 4 + text.len % (ch->bytes.len - at - 4)] ^= 0x10;
    ch->good[ch->n] = !(flags & (RAW | NUMBER | PREVIOUS | DAMAGE | OTHER));
    pos[1] = (struct ledger_pos){.entries = pos->entries + 1, .bytes = ch->bytes.len};
    seal_sha256(slice_of(ch->bytes.data + at, ch->bytes.len - at), slice_of("", 0), pos[1].head);
    buf_release(&payload);
    ch->n++;
}

struct seen {
    uint64_t entries;
    uint8_t head[32];
};

static enum status see(void *ctx, const struct ledger_entry *e, struct err *err)
{
    struct seen *s = ctx;
    (void)err;
    MUST(e->number == s->entries && memcmp(e->previous, s->head, 32) == 0);
    for (size_t i = 0; i < e->n_dumps; i++)
        MUST(!e->dumps[i].superseded || e->dumps[i].state != DUMP_COMPLETE);
    memcpy(s->head, e->hash, 32);
    s->entries++;
    return ST_OK;
}

static void check(struct chain *ch, size_t known, size_t cut)
{
    struct manifest *m = NULL, *next = NULL;
    struct casefile c = base;
    struct seen seen = {0};
    struct err err = {0};
    enum ledger_tail tail = LEDGER_TAIL_NONE;
    bool good = true;
    MUST(manifest_new(&m, NULL) == ST_OK);
    c.manifest = m;
    m->generation = known;
    m->ledger_entries = ch->pos[known].entries;
    m->ledger_bytes = ch->pos[known].bytes;
    memcpy(m->ledger_head, ch->pos[known].head, 32);
    for (size_t i = 0; i < known; i++)
        good &= ch->good[i];
    bool there = ch->bytes.len >= m->ledger_bytes;
    enum status st = ledger_walk(&c, see, &seen, &err);
    MUST((st == ST_OK) == (good && there));
    MUST(st == ST_OK ? seen.entries == known : st == ST_DAMAGED && err.text[0]);
    st = ledger_look_ahead(&c, m, &tail, &next, &err);
    MUST(st == ST_OK || (st == ST_DAMAGED && err.text[0]));
    MUST(there || st != ST_OK);
    if (there && ch->bytes.len == m->ledger_bytes)
        MUST(st == ST_OK && tail == LEDGER_TAIL_NONE);
    if (known + 1 == ch->n && cut == 0 && ch->good[known])
        MUST(st == ST_OK && tail == LEDGER_TAIL_ENTRY && next->generation == known + 1);
    if (known + 1 == ch->n && cut > 0 && there && ch->bytes.len > m->ledger_bytes)
        MUST(st == ST_OK && tail == LEDGER_TAIL_TORN);
    if (known + 1 < ch->n && ch->good[known] && ch->bytes.len > ch->pos[known + 1].bytes)
        MUST(st == ST_DAMAGED); /* two commits ahead: an older MANIFEST was put back */
    MUST((next != NULL) == (st == ST_OK && tail == LEDGER_TAIL_ENTRY));
    manifest_free(next);
    manifest_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(slice_of(data, size));
    struct chain ch = {0};
    unsigned behind = cursor_u8(&c), cut = cursor_u8(&c);
    int fd = -1;
    if (c.bad)
        return 0;
    if (!dir_name[0])
        dir_make();
    while (cursor_left(&c) >= 2 && ch.n < ENTRIES_MAX) {
        unsigned flags = cursor_u8(&c);
        size_t len = cursor_u8(&c);
        chain_add(&ch, flags, cursor_bytes(&c, len < cursor_left(&c) ? len : cursor_left(&c)));
    }
    if (ch.n == 0)
        return 0;
    cut = cut < ch.bytes.len ? cut : 0;
    ch.bytes.len -= cut;
    fd = openat(base.dir, "ledger", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && os_write(fd, ch.bytes.data, ch.bytes.len, NULL) == ST_OK);
    os_close(&fd);
    check(&ch, ch.n - behind % (ch.n + 1), cut);
    buf_release(&ch.bytes);
    return 0;
}
