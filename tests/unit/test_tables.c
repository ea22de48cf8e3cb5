/* Unit tests of the small parts of a segment: its head, the entries of its tables, messages a
 * minute. What is written comes back; cut, changed and made-up bytes are refused or mean something
 * whole. */
#include <criterion/criterion.h>

#include "segment_testing.h"
#include "store/segment_private.h"

static struct arena arena;
static struct buf scratch;
static struct err err;

static void setup(void) { arena_init(&arena, 0); }

static void teardown(void)
{
    arena_release(&arena);
    buf_release(&scratch);
}

TestSuite(tables, .init = setup, .fini = teardown);

/* ---- every entry through one door ---- */

enum entry { META, DUMP, STREAM, ORIGIN, CONVERSATION };
#define STREAMS 3

/* Parses bytes that end where their memory ends; encodes again what was taken. */
static enum status taken(enum entry kind, struct slice bytes, struct buf *again)
{
    uint8_t *exact = calloc(1, bytes.len ? bytes.len : 1);
    struct slice s = slice_of(exact, bytes.len);
    enum status st = ST_OK;
    memcpy(exact, bytes.data, bytes.len);
    buf_clear(again);
    if (kind == META) {
        struct segment_meta m;
        if ((st = meta_parse(s, &m, &err)) == ST_OK)
            meta_encode(&m, again);
    } else if (kind == DUMP) {
        struct dump_ref d;
        if ((st = dump_parse(s, &d, &err)) == ST_OK)
            dump_encode(&d, again);
    } else if (kind == STREAM) {
        struct stream_ref r = {0};
        if ((st = stream_parse(s, &r, &err)) == ST_OK)
            stream_encode(&r, again);
    } else if (kind == ORIGIN) {
        struct origin_ref o = {0};
        if ((st = origin_parse(s, STREAMS, &o, &err)) == ST_OK)
            origin_encode(&o, again);
    } else {
        struct conversation c;
        if ((st = conversation_parse(s, &arena, &c, &err)) == ST_OK)
            conversation_encode(&c, again);
    }
    free(exact);
    return st;
}

/* A head that an older Lictor wrote is named as such and is no damage, or `verify` would set a
 * whole case aside. */
static bool is_older_head(enum entry kind, const struct buf *b, uint32_t version)
{
    return kind == META && load_u32(b->data) > 0 && load_u32(b->data) < version;
}

static void hostile(enum entry kind, struct buf *b, bool ends_with_name)
{
    struct buf again = {0};
    uint32_t version = kind == META ? load_u32(b->data) : 0;
    cr_assert_eq(taken(kind, buf_slice(b), &again), ST_OK, "%s", err.text);
    cr_assert(slice_eq(buf_slice(&again), buf_slice(b)));
    for (size_t len = 0; len < b->len; len++) {
        enum status st = taken(kind, slice_of(b->data, len), &again);
        cr_assert(st == ST_DAMAGED || (ends_with_name && st == ST_OK), "%d: %zu", kind, len);
    }
    /* A longer spelling of a number may stand for the same: then again it is not longer. */
    for (size_t bit = 0; bit < 8 * b->len; bit++) {
        b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum status st = taken(kind, buf_slice(b), &again);
        if (is_older_head(kind, b, version))
            cr_assert_eq(st, ST_LIMIT, "%zu", bit);
        else
            cr_assert(st == ST_DAMAGED || (st == ST_OK && again.len <= b->len), "%d: %zu", kind,
                      bit);
        b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_put_u8(b, 0);
    cr_assert(ends_with_name || taken(kind, buf_slice(b), &again) == ST_DAMAGED);
    buf_release(&again);
    buf_release(b);
}

Test(tables, entries_come_back_and_are_never_taken_cut)
{
    struct buf b = {0};
    struct dump_ref d = {.sha256 = {1, 2}, .form = 1, .name = slice_str("imei:1")};
    dump_encode(&d, &b);
    hostile(DUMP, &b, true);

    struct stream_ref r = {.source = slice_str("s"), .stage = 2, .dump_sha256 = {3}};
    stream_encode(&r, &b);
    hostile(STREAM, &b, false);
    r = (struct stream_ref){.source = slice_of("", 0), .epoch = slice_str("e"), .numbered = true};
    stream_encode(&r, &b);
    hostile(STREAM, &b, false);

    struct origin_ref o = {.stream = 2,
                           .direction = 3,
                           .account = slice_str("fox"),
                           .warrant = slice_of("", 0),
                           .selection = slice_str("all")};
    origin_encode(&o, &b);
    hostile(ORIGIN, &b, false);

    struct slice set[] = {slice_str("elk"), slice_of("", 0), slice_str("owl")};
    struct conversation c = {.kind = CONV_SET, .set = set, .n_set = 3};
    conversation_encode(&c, &b);
    hostile(CONVERSATION, &b, false);
    c = (struct conversation){
        .kind = CONV_GROUP, .service = slice_str("x"), .name = slice_str("g")};
    conversation_encode(&c, &b);
    hostile(CONVERSATION, &b, false);
    c = (struct conversation){.kind = CONV_SOURCE, .name = slice_str("imei:1")};
    conversation_encode(&c, &b);
    hostile(CONVERSATION, &b, false);

    struct segment_meta m = {.rows = 7, .has_info = true, .info = {.docs = 7, .first_sent = -1}};
    meta_encode(&m, &b);
    hostile(META, &b, false);
}

static void refused(enum entry kind, struct buf *b)
{
    struct buf again = {0};
    cr_assert_eq(taken(kind, buf_slice(b), &again), ST_DAMAGED);
    buf_release(&again);
    buf_release(b);
}

Test(tables, what_no_writer_makes_is_refused)
{
    struct buf b = {0};
    dump_encode(&(struct dump_ref){.form = DUMP_FORMS + 1, .name = slice_str("x")}, &b);
    refused(DUMP, &b);
    origin_encode(&(struct origin_ref){.stream = STREAMS}, &b);
    refused(ORIGIN, &b);
    origin_encode(&(struct origin_ref){.direction = 4}, &b);
    refused(ORIGIN, &b);
    buf_put(&b, "\0\0\0\2", 4); /* a stream neither numbered nor not */
    for (int i = 0; i < SHA256_SIZE; i++)
        buf_put_u8(&b, 0);
    refused(STREAM, &b);
    buf_put(&b, "\xee\0\0", 3); /* a conversation of no kind */
    refused(CONVERSATION, &b);
    buf_put_u8(&b, CONV_SET); /* of more handles than bytes */
    buf_put(&b, "\0\xff\xff\xff\xff\x0f\1a", 8);
    refused(CONVERSATION, &b);
}

Test(tables, a_head_of_impossible_counts_is_refused)
{
    const struct segment_meta bad[] = {
        {.rows = 1, .has_info = true},
        {.rows = 0},
        {.overlay = true, .rows = SEGMENT_DOCS_MAX + 1u},
        {.overlay = true, .has_info = true, .info = {.docs = SEGMENT_DOCS_MAX + 1u}},
        {.rows = SEGMENT_DOCS_MAX + 1u, .has_info = true, .info = {.docs = SEGMENT_DOCS_MAX + 1u}},
    };
    struct buf b = {0}, again = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        meta_encode(&bad[i], &b);
        refused(META, &b);
    }
    const struct segment_meta good = {.overlay = true, .rows = SEGMENT_DOCS_MAX};
    meta_encode(&good, &b);
    cr_assert_eq(taken(META, buf_slice(&b), &again), ST_OK);
    for (size_t at = 0; at < 6; at++) { /* version, overlay, has_info */
        uint8_t was = b.data[at];
        b.data[at] = 9;
        cr_assert_eq(taken(META, buf_slice(&b), &again), ST_DAMAGED, "%zu", at);
        b.data[at] = was;
    }
    buf_release(&b);
    buf_release(&again);
}

/* ---- tables ---- */

Test(tables, an_entry_is_found_by_its_number_and_no_longer_than_the_limit)
{
    struct memory_file f = {0};
    struct sink out = {.mem = f.bufs};
    struct source src = {.mem = f.slices};
    struct buf entry = {0};
    struct slice got;
    for (uint32_t i = 0; i < 5; i++) {
        buf_printf(&entry, "%.*s", (int)i, "abcd");
        cr_assert_eq(table_add(&out, SEC_DUMPS, SEC_DUMPS_DIR, &entry, NULL), ST_OK);
    }
    cr_assert_not_null(buf_reserve(&entry, TABLE_ENTRY_MAX + 1));
    entry.len = TABLE_ENTRY_MAX + 1;
    cr_assert_eq(table_add(&out, SEC_DUMPS, SEC_DUMPS_DIR, &entry, &err), ST_LIMIT);
    buf_release(&entry);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        f.slices[i] = buf_slice(&f.bufs[i]);
#define READ(i) table_read(&src, SEC_DUMPS, SEC_DUMPS_DIR, 5, i, &scratch, &arena, &got, &err)
    for (uint32_t i = 0; i < 5; i++) {
        cr_assert_eq(READ(i), ST_OK, "%s", err.text);
        cr_assert_eq(got.len, i);
        cr_assert_eq(memcmp(got.data, "abcd", i), 0);
    }
    cr_assert_eq(READ(5), ST_DAMAGED);
    f.slices[SEC_DUMPS].len -= 1; /* the last entry ends there, whatever it was */
    cr_assert_eq(READ(4), ST_OK);
    cr_assert_eq(got.len, 3);
    f.slices[SEC_DUMPS].len = 5; /* it would begin behind the end */
    cr_assert_eq(READ(4), ST_DAMAGED);
    store_u64(f.bufs[SEC_DUMPS_DIR].data + 8, UINT64_MAX);
    cr_assert_eq(READ(1), ST_DAMAGED);
    cr_assert_eq(READ(0), ST_DAMAGED);
    memory_release(&f);
}

/* ---- minutes ---- */

struct seen {
    uint64_t minutes, messages, stop;
    uint32_t last;
};

static enum status minute_seen(void *ctx, uint32_t minute, uint64_t messages, struct err *e)
{
    struct seen *s = ctx;
    cr_assert(s->minutes == 0 || minute > s->last);
    s->last = minute;
    s->messages += messages;
    if (++s->minutes == s->stop)
        return err_set(e, ST_LIMIT, "enough");
    return ST_OK;
}

static void minutes_made(struct memory_file *f, size_t n)
{
    struct sink out = {.mem = f->bufs};
    uint32_t *m = calloc(n, sizeof *m), *spare = calloc(n, sizeof *spare);
    /* one minute before any message, one between two, one twice, one beyond */
    struct minute_extra extra[] = {{2000, 5},  {1, 99},   {1000, 2},
                                   {1001, 77}, {1000, 1}, {9000000, 3}};
    for (size_t i = 0; i < n; i++)
        m[n - 1 - i] = (uint32_t)(1000 + i / 2 * 1000);
    cr_assert_eq(minutes_write(&out, m, n, spare, extra, 6, NULL), ST_OK);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        f->slices[i] = buf_slice(&f->bufs[i]);
    free(m);
    free(spare);
}

Test(tables, minutes_are_counted_with_their_extras)
{
    struct memory_file f = {0};
    struct source src = {.mem = f.slices};
    struct seen seen = {0};
    uint64_t n = 0;
    minutes_made(&f, 1000);
    static const struct {
        uint32_t minute;
        uint64_t before;
    } want[] = {{0, 0},     {999, 0},       {1000, 5},      {1999, 5},
                {2000, 12}, {499999, 1006}, {500000, 1008}, {UINT32_MAX, 1008}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        cr_assert_eq(minutes_before(&src, &scratch, want[i].minute, &n, &err), ST_OK);
        cr_assert_eq(n, want[i].before, "%u: %d", want[i].minute, (int)n);
    }
    cr_assert_eq(minutes_each(&src, &scratch, minute_seen, &seen, &err), ST_OK);
    cr_assert_eq(seen.minutes, 500);
    cr_assert_eq(seen.messages, 1008);
    seen = (struct seen){.stop = 200};
    cr_assert_eq(minutes_each(&src, &scratch, minute_seen, &seen, &err), ST_LIMIT);
    cr_assert_eq(seen.minutes, 200);
    memory_release(&f);
}

static enum status minutes_all(const struct source *src)
{
    struct seen seen = {0};
    enum status worst = minutes_each(src, &scratch, minute_seen, &seen, &err);
    for (uint32_t minute = 0; minute < 600000; minute += 99999) {
        uint64_t n;
        enum status st = minutes_before(src, &scratch, minute, &n, &err);
        worst = worst == ST_OK ? st : worst;
    }
    return worst;
}

Test(tables, minutes_survive_every_truncation_and_flip)
{
    static const unsigned sections[] = {SEC_MINUTES, SEC_MINUTES_DIR};
    struct memory_file f = {0};
    struct source src = {.mem = f.slices};
    minutes_made(&f, 600);
    for (size_t k = 0; k < 2; k++) {
        struct slice whole = f.slices[sections[k]];
        struct buf *b = &f.bufs[sections[k]];
        for (size_t len = 0; len < whole.len; len++) {
            f.slices[sections[k]].len = len;
            enum status st = minutes_all(&src);
            cr_assert(st == ST_OK || st == ST_DAMAGED);
            cr_assert(k == 0 || len % MINUTES_ENTRY == 0 || st == ST_DAMAGED);
        }
        f.slices[sections[k]] = whole;
        for (size_t bit = 0; bit < 8 * b->len; bit++) {
            b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            enum status st = minutes_all(&src);
            cr_assert(st == ST_OK || st == ST_DAMAGED);
            b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    memory_release(&f);
}

Test(tables, minutes_that_add_up_to_too_much_are_refused)
{
    struct memory_file f = {0};
    struct source src = {.mem = f.slices};
    struct seen seen = {0};
    uint8_t entry[MINUTES_ENTRY] = {0};
    uint64_t n;
    buf_put_varint(&f.bufs[SEC_MINUTES], 0);
    buf_put_varint(&f.bufs[SEC_MINUTES], 8);
    buf_put_varint(&f.bufs[SEC_MINUTES], UINT32_MAX);
    buf_put_varint(&f.bufs[SEC_MINUTES], 1);
    store_u32(entry, 5);
    store_u64(entry + 4, UINT64_MAX - 7);
    buf_put(&f.bufs[SEC_MINUTES_DIR], entry, sizeof entry);
    for (unsigned i = 0; i < SEC_COUNT; i++)
        f.slices[i] = buf_slice(&f.bufs[i]);
    cr_assert_eq(minutes_before(&src, &scratch, 6, &n, &err), ST_DAMAGED, "2^64 messages");
    cr_assert_eq(minutes_each(&src, &scratch, minute_seen, &seen, &err), ST_DAMAGED,
                 "minute 2^32 + 4");
    store_u64(f.bufs[SEC_MINUTES_DIR].data + 4, 0);
    cr_assert_eq(minutes_before(&src, &scratch, 6, &n, &err), ST_DAMAGED);
    f.slices[SEC_MINUTES].len = 2; /* without the second minute it is sound */
    cr_assert_eq(minutes_before(&src, &scratch, 6, &n, &err), ST_OK);
    cr_assert_eq(n, 8);
    memory_release(&f);
}
