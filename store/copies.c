/* copies — who held a content, as bytes and back; which copies make the k-th message; and what
 * follows from all of them. Times of a copy lie seconds apart, and those of the next copy near
 * them: each is written as the difference from the one before. Differences are taken modulo 2^64,
 * so that any two times of a hostile record have one. */
#include "lictor/copies.h"

#include "lictor/arena.h"

enum {
    VERSION_DELIVERED = 1,
    VERSION_READ = 2,
    VERSION_COLLECTED = 4,
    VERSION_EXTRA = 8,
    VERSION_SIGHTINGS = 16, /* more than one */
    VERSION_ALL = 31
};
/* Least bytes of each, to hold a count against what is left. */
#define COPY_LEAST 6
#define VERSION_LEAST 4
#define SIGHTING_LEAST 2

static int bytes_cmp_absent_first(struct slice a, struct slice b)
{
    if (!a.data || !b.data)
        return (a.data != NULL) - (b.data != NULL);
    return slice_cmp(a, b);
}

int stream_cmp(const struct stream_ref *a, const struct stream_ref *b)
{
    int c = slice_cmp(a->source, b->source);
    if (c)
        return c;
    if (a->stage != b->stage)
        return a->stage < b->stage ? -1 : 1;
    c = bytes_cmp_absent_first(a->epoch, b->epoch);
    if (c)
        return c;
    if (a->numbered != b->numbered)
        return a->numbered ? -1 : 1;
    return memcmp(a->dump_sha256, b->dump_sha256, SHA256_SIZE);
}

static bool set_holds(const struct slice *set, size_t n, struct slice s)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(set[i], s))
            return true;
    return false;
}

enum side copy_side(const struct content *c, struct slice source, struct slice account)
{
    if (account.data) {
        if (c->from.data && slice_eq(c->from, account))
            return SIDE_FROM;
        /* A message's `to` outside a set is one copy's word, so not looked at. */
        if (c->conv.kind == CONV_GROUP ||
            (c->kind != DOC_MESSAGE && set_holds(c->to, c->n_to, account)) ||
            (c->conv.kind == CONV_SET && set_holds(c->conv.set, c->conv.n_set, account)))
            return SIDE_TO;
    }
    if (source.len >= 7 && memcmp(source.data, "server:", 7) == 0)
        return SIDE_SERVER;
    return SIDE_UNKNOWN;
}

enum side side_of_both(enum side a, enum side b)
{
    static const enum side order[] = {SIDE_FROM, SIDE_TO, SIDE_SERVER};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return SIDE_UNKNOWN;
}

static void put_time(struct buf *out, int64_t t, uint64_t *before)
{
    if (t == TIME_NONE)
        return;
    buf_put_zigzag(out, (int64_t)((uint64_t)t - *before));
    *before = (uint64_t)t;
}

/* A line lies as far into its dump as its seq into the stream: the difference is small. */
static void put_sighting(struct buf *out, const struct sighting *s, uint64_t seq)
{
    buf_put_varint(out, s->dump);
    buf_put_zigzag(out, (int64_t)(s->line - seq));
}

static void put_version(struct buf *out, const struct copy_version *v, uint64_t seq,
                        uint64_t *before)
{
    uint8_t flags = (uint8_t)((v->delivered != TIME_NONE ? VERSION_DELIVERED : 0) |
                              (v->read != TIME_NONE ? VERSION_READ : 0) |
                              (v->collected != TIME_NONE ? VERSION_COLLECTED : 0) |
                              (v->extra.len > 0 ? VERSION_EXTRA : 0) |
                              (v->n_sightings > 1 ? VERSION_SIGHTINGS : 0));

    MUST(v->n_sightings > 0);
    buf_put_u8(out, flags);
    buf_put_varint(out, v->origin);
    put_time(out, v->delivered, before);
    put_time(out, v->read, before);
    put_time(out, v->collected, before);
    if (flags & VERSION_EXTRA)
        buf_put_blob(out, v->extra);
    if (flags & VERSION_SIGHTINGS)
        buf_put_varint(out, v->n_sightings);
    for (size_t i = 0; i < v->n_sightings; i++)
        put_sighting(out, &v->sightings[i], seq);
}

void copies_encode(const struct copy *copies, size_t n, struct buf *out)
{
    uint64_t before = 0;

    buf_put_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        const struct copy *c = &copies[i];
        MUST(c->n_versions > 0);
        bool many = c->n_versions > 1;
        buf_put_varint(out, (uint64_t)c->stream << 1 | many);
        buf_put_varint(out, c->seq);
        if (many)
            buf_put_varint(out, c->n_versions);
        for (size_t k = 0; k < c->n_versions; k++)
            put_version(out, &c->versions[k], c->seq, &before);
    }
}

/* What decoding hands down: the cursor, where memory comes from, the time before. */
struct copies_reader {
    struct cursor c;
    struct arena *a;
    uint64_t before;
    bool no_memory;
};

/* Array for `count` items of at least `least` bytes each; NULL turns the cursor bad or says that
 * there is no memory. */
static void *get_array(struct copies_reader *r, uint64_t count, size_t least, size_t size)
{
    if (r->c.bad || count == 0 || count > cursor_left(&r->c) / least) {
        r->c.bad = true;
        return NULL;
    }
    void *items = arena_array(r->a, (size_t)count, size);
    r->no_memory |= !items;
    r->c.bad |= !items;
    return items;
}

static int64_t get_time(struct copies_reader *r, bool there)
{
    if (!there)
        return TIME_NONE;
    r->before += (uint64_t)cursor_zigzag(&r->c);
    int64_t t = (int64_t)r->before;
    r->c.bad |= t == TIME_NONE;
    return t;
}

static void get_version(struct copies_reader *r, uint64_t seq, struct copy_version *v)
{
    uint8_t flags = cursor_u8(&r->c);

    r->c.bad |= flags > VERSION_ALL;
    v->origin = (uint32_t)cursor_varint_max(&r->c, UINT32_MAX);
    v->delivered = get_time(r, flags & VERSION_DELIVERED);
    v->read = get_time(r, flags & VERSION_READ);
    v->collected = get_time(r, flags & VERSION_COLLECTED);
    if (flags & VERSION_EXTRA) {
        v->extra = cursor_blob(&r->c);
        r->c.bad |= v->extra.len == 0;
    }
    uint64_t n = 1;
    if (flags & VERSION_SIGHTINGS) {
        n = cursor_varint(&r->c);
        r->c.bad |= n < 2;
    }
    struct sighting *s = get_array(r, n, SIGHTING_LEAST, sizeof(*s));
    for (uint64_t i = 0; i < n && !r->c.bad; i++) {
        s[i].dump = (uint32_t)cursor_varint_max(&r->c, UINT32_MAX);
        s[i].line = seq + (uint64_t)cursor_zigzag(&r->c);
    }
    v->sightings = s;
    v->n_sightings = (size_t)n;
}

static void get_copy(struct copies_reader *r, struct copy *copy)
{
    uint64_t head = cursor_varint_max(&r->c, (uint64_t)UINT32_MAX << 1 | 1);
    uint64_t n = 1;

    copy->stream = (uint32_t)(head >> 1);
    copy->seq = cursor_varint(&r->c);
    if (head & 1) {
        n = cursor_varint(&r->c);
        r->c.bad |= n < 2;
    }
    struct copy_version *v = get_array(r, n, VERSION_LEAST, sizeof(*v));
    for (uint64_t i = 0; i < n && !r->c.bad; i++)
        get_version(r, copy->seq, &v[i]);
    copy->versions = v;
    copy->n_versions = (size_t)n;
}

enum status copies_decode(struct slice row, struct arena *a, struct copy **out, size_t *n,
                          struct err *err)
{
    struct copies_reader r = {.c = cursor_of(row), .a = a};
    struct copy *copies = NULL;

    uint64_t count = cursor_varint(&r.c);
    if (count > 0)
        copies = get_array(&r, count, COPY_LEAST, sizeof(*copies));
    for (uint64_t i = 0; i < count && !r.c.bad; i++)
        get_copy(&r, &copies[i]);
    if (r.no_memory)
        return err_no_memory(err);
    TRY(cursor_done(&r.c, "copy row", err));
    *out = copies;
    *n = (size_t)count;
    return ST_OK;
}

size_t copies_pick(const struct copy *copies, size_t n, bool has_id, uint32_t k, uint32_t *pick)
{
    size_t picked = 0;
    uint32_t rank = 0;

    for (size_t i = 0; i < n; i++) {
        rank = i > 0 && copies[i].stream == copies[i - 1].stream ? rank + 1 : 1;
        if (has_id ? k == 1 : rank == k)
            pick[picked++] = (uint32_t)i;
    }
    return picked;
}

uint32_t copies_messages(const struct copy *copies, size_t n, bool has_id)
{
    uint32_t most = 0, rank = 0;

    if (has_id)
        return 1;
    for (size_t i = 0; i < n; i++) {
        rank = i > 0 && copies[i].stream == copies[i - 1].stream ? rank + 1 : 1;
        if (rank > most)
            most = rank;
    }
    return most;
}

static bool slices_contradict(struct slice a, struct slice b)
{
    return a.data && b.data && !slice_eq(a, b);
}

static bool lists_contradict(const struct slice *a, size_t n_a, const struct slice *b, size_t n_b)
{
    if (n_a == 0 || n_b == 0)
        return false;
    if (n_a != n_b)
        return true;
    for (size_t i = 0; i < n_a; i++)
        if (!slice_eq(a[i], b[i]))
            return true;
    return false;
}

static bool conversations_contradict(const struct conversation *a, const struct conversation *b)
{
    if (slices_contradict(a->service, b->service))
        return true;
    if (a->kind == CONV_SOURCE || b->kind == CONV_SOURCE)
        return false;
    return a->kind != b->kind || slices_contradict(a->name, b->name) ||
           lists_contradict(a->set, a->n_set, b->set, b->n_set);
}

/* What both say, they say differently; a field that one of them lacks is no contradiction. */
static bool heads_contradict(const struct content *a, const struct content *b)
{
    return slices_contradict(a->from, b->from) || slices_contradict(a->id, b->id) ||
           (a->sent != TIME_NONE && b->sent != TIME_NONE && a->sent != b->sent) ||
           slices_contradict(a->reply_to, b->reply_to) ||
           lists_contradict(a->attachments, a->n_attachments, b->attachments, b->n_attachments) ||
           conversations_contradict(&a->conv, &b->conv);
}

static bool is_tombstone(const struct content *c, uint16_t flags)
{
    return (flags & DOC_DELETED) && c->body_kind == BODY_NONE;
}

bool contents_conflict(const struct content *a, uint16_t a_flags, const struct content *b,
                       uint16_t b_flags)
{
    if (a->kind != DOC_MESSAGE || b->kind != DOC_MESSAGE)
        return true;
    if (is_tombstone(a, a_flags) || is_tombstone(b, b_flags))
        return heads_contradict(a, b);
    const struct content *sealed = a->body_kind == BODY_SEALED ? a : b;
    const struct content *plain = sealed == a ? b : a;
    if (sealed->body_kind != BODY_SEALED || plain->body_kind != BODY_TEXT)
        return true;
    if (sealed->opened.data && !slice_eq(sealed->opened, plain->text))
        return true;
    return heads_contradict(a, b);
}
