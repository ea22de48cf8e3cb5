/* Unit tests of ledger: every field comes back, the chain holds, and no changed byte passes. */
#include "case_testing.h"

#include "store/case_private.h"

TestSuite(ledger, .init = dir_make, .fini = dir_remove);

static struct ledger_dump dump_sample(const char *serial, enum dump_state state)
{
    static uint8_t made; /* no two have the same bytes */
    return (struct ledger_dump){
        .name = slice_str("part-0001.ndjson.zst.age"),
        .sha256 = {1, 2, ++made},
        .bytes = 123456789,
        .state = (uint8_t)state,
        .reason_code = slice_str(state == DUMP_COMPLETE ? "" : "chunk"),
        .reason_text = slice_str(state == DUMP_COMPLETE ? "" : "chunk 7 does not open"),
        .reason_at = state == DUMP_COMPLETE ? 0 : 458752,
        .books = {10, 5, 2, 1, 1, 1, 3, 4},
        .authority = slice_str("police-1"),
        .serial = slice_str(serial),
        .source = slice_str("imei:350000000000017"),
        .stage = slice_str("live"),
        .epoch = slice_str(""),
        .signer = slice_str("RWQ"),
        .account = slice_str("anna"),
        .service = slice_str("skyecc"),
        .collected_from = 1586000000000,
        .collected_to = TIME_NONE,
    };
}

static void commit_dumps(struct casefile *c, const struct ledger_dump *d, size_t n)
{
    struct manifest *m = NULL;
    struct err err = {0};
    cr_assert_eq(manifest_copy(casefile_manifest(c), &m, NULL), ST_OK);
    cr_assert_eq(casefile_commit(c, m, LEDGER_ADD, d, n, &err), ST_OK, "%s", err.text);
}

struct seen {
    uint64_t entries, dumps, superseded;
    uint8_t head[32];
    char marks[64]; /* one per dump: state letter, upper case if superseded */
    uint64_t stop_at;
};

static enum status see(void *ctx, const struct ledger_entry *e, struct err *err)
{
    struct seen *s = ctx;
    cr_assert_eq(e->number, s->entries);
    cr_assert_eq(e->generation, s->entries + 1);
    cr_assert_eq(memcmp(e->previous, s->head, 32), 0);
    cr_assert_eq(e->kind, e->number ? LEDGER_ADD : LEDGER_INIT);
    cr_assert_gt(e->time_ms, 1500000000000);
    cr_assert(e->version.len > 0);
    memcpy(s->head, e->hash, 32);
    if (s->stop_at && e->number == s->stop_at)
        return err_set(err, ST_INTERRUPTED, "stopped");
    for (size_t i = 0; i < e->n_dumps; i++) {
        char mark = "cpr"[e->dumps[i].state];
        s->superseded += e->dumps[i].superseded;
        s->marks[s->dumps++] = (char)(e->dumps[i].superseded ? mark - 'a' + 'A' : mark);
    }
    s->entries++;
    return ST_OK;
}

Test(ledger, gives_back_entries_in_order_and_chained)
{
    for (int plain = 0; plain < 2; plain++) {
        struct seen s = {0};
        case_make(plain ? "p" : "s", plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        struct ledger_dump d[2] = {dump_sample("1", DUMP_COMPLETE), dump_sample("2", DUMP_REFUSED)};
        for (int i = 0; i < 5; i++)
            commit_dumps(c, d, 2);
        cr_assert_eq(ledger_walk(c, see, &s, NULL), ST_OK);
        cr_assert_eq(s.entries, 6);
        cr_assert_eq(s.dumps, 10);
        cr_assert_eq(memcmp(s.head, casefile_manifest(c)->ledger_head, 32), 0);
        s = (struct seen){.stop_at = 3};
        cr_assert_eq(ledger_walk(c, see, &s, NULL), ST_INTERRUPTED);
        cr_assert_eq(s.entries, 3);
        casefile_close(c);
    }
}

static enum status see_fields(void *ctx, const struct ledger_entry *e, struct err *err)
{
    const struct ledger_dump *want = ctx;
    (void)err;
    for (size_t i = 0; i < e->n_dumps; i++) {
        const struct ledger_dump *d = &e->dumps[i];
        cr_assert(slice_eq(d->name, want->name));
        cr_assert_eq(memcmp(d->sha256, want->sha256, 32), 0);
        cr_assert_eq(d->bytes, want->bytes);
        cr_assert_eq(d->state, want->state);
        cr_assert(slice_eq(d->reason_code, want->reason_code));
        cr_assert(slice_eq(d->reason_text, want->reason_text));
        cr_assert_eq(d->reason_at, want->reason_at);
        cr_assert_eq(memcmp(&d->books, &want->books, sizeof d->books), 0);
        cr_assert(slice_eq(d->authority, want->authority));
        cr_assert(slice_eq(d->serial, want->serial));
        cr_assert(slice_eq(d->source, want->source));
        cr_assert(slice_eq(d->stage, want->stage));
        cr_assert(slice_eq(d->epoch, want->epoch));
        cr_assert(slice_eq(d->signer, want->signer));
        cr_assert(slice_eq(d->account, want->account));
        cr_assert(slice_eq(d->service, want->service));
        cr_assert_eq(d->collected_from, want->collected_from);
        cr_assert_eq(d->collected_to, want->collected_to);
    }
    return ST_OK;
}

Test(ledger, keeps_every_field_of_a_dump)
{
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    struct ledger_dump d = dump_sample("7", DUMP_PARTIAL);
    commit_dumps(c, &d, 1);
    cr_assert_eq(ledger_walk(c, see_fields, &d, NULL), ST_OK);
    casefile_close(c);
}

Test(ledger, marks_what_a_later_complete_dump_of_the_same_unit_superseded)
{
    case_make("c", false);
    struct seen s = {0};
    struct casefile *c = case_get(false, CASE_WRITE);
    struct ledger_dump a[3] = {dump_sample("1", DUMP_PARTIAL), dump_sample("2", DUMP_PARTIAL),
                               dump_sample("", DUMP_PARTIAL)};
    struct ledger_dump b[4] = {dump_sample("1", DUMP_REFUSED), dump_sample("1", DUMP_COMPLETE),
                               dump_sample("", DUMP_COMPLETE), dump_sample("1", DUMP_PARTIAL)};
    struct ledger_dump other = dump_sample("2", DUMP_COMPLETE);
    other.epoch = slice_str("2");
    commit_dumps(c, a, 3);
    commit_dumps(c, b, 4);
    commit_dumps(c, &other, 1);
    cr_assert_eq(ledger_walk(c, see, &s, NULL), ST_OK);
    cr_assert_str_eq(s.marks, "PppRccpc");
    casefile_close(c);
}

Test(ledger, marks_what_later_came_complete_with_the_same_bytes)
{
    case_make("c", false);
    struct seen s = {0};
    struct casefile *c = case_get(false, CASE_WRITE);
    struct ledger_dump unread = dump_sample("", DUMP_REFUSED), good;
    struct ledger_dump a[3] = {dump_sample("", DUMP_REFUSED), dump_sample("", DUMP_PARTIAL)};
    memset(unread.sha256, 0, sizeof unread.sha256);
    a[2] = unread;
    commit_dumps(c, a, 3);
    for (size_t i = 0; i < 3; i++) {
        good = dump_sample("9", DUMP_COMPLETE);
        memcpy(good.sha256, a[i].sha256, sizeof good.sha256);
        commit_dumps(c, &good, 1);
    }
    commit_dumps(c, &a[1], 1);
    cr_assert_eq(ledger_walk(c, see, &s, NULL), ST_OK);
    cr_assert_str_eq(s.marks, "RPrcccp");
    casefile_close(c);
}

Test(ledger, refuses_every_flipped_bit)
{
    for (int plain = 0; plain < 2; plain++) {
        char name[32], last[256];
        snprintf(name, sizeof name, "%s/ledger", plain ? "p" : "s");
        case_make(plain ? "p" : "s", plain);
        struct casefile *c = case_get(plain, CASE_WRITE);
        struct ledger_dump d = dump_sample("1", DUMP_COMPLETE);
        commit_dumps(c, &d, 1);
        struct file_bytes f = file_get(name);
        for (size_t bit = 0; bit < 8 * f.len; bit++) {
            struct seen s = {0};
            f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            file_put(name, f.data, f.len);
            cr_assert_eq(ledger_walk(c, see, &s, NULL), ST_DAMAGED, "bit %zu", bit);
            if (bit % 97 == 0) {
                cr_assert_eq(case_damages(plain, last), 1);
                cr_assert(strstr(last, "ledger"), "%s", last);
            }
            f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        file_put(name, f.data, f.len);
        struct seen s = {0};
        cr_assert_eq(ledger_walk(c, see, &s, NULL), ST_OK);
        casefile_close(c);
        free(f.data);
    }
}

Test(ledger, refuses_swapped_and_repeated_entries)
{
    case_make("c", false);
    struct casefile *c = case_get(false, CASE_WRITE);
    struct ledger_dump d = dump_sample("1", DUMP_COMPLETE);
    for (int i = 0; i < 2; i++)
        commit_dumps(c, &d, 1);
    struct file_bytes f = file_get("c/ledger");
    size_t first = 4 + load_u32(f.data), len = 4 + load_u32(f.data + first);
    cr_assert_eq(f.len, first + 2 * len, "two entries of one length");
    uint8_t *swapped = malloc(f.len);
    memcpy(swapped, f.data, first);
    memcpy(swapped + first, f.data + first + len, len);
    memcpy(swapped + first + len, f.data + first, len);
    file_put("c/ledger", swapped, f.len);
    struct seen s = {0};
    struct err err = {0};
    cr_expect_eq(ledger_walk(c, see, &s, &err), ST_DAMAGED);
    memcpy(swapped + first, f.data + first, len);
    memcpy(swapped + first + len, f.data + first, len);
    file_put("c/ledger", swapped, f.len);
    s = (struct seen){0};
    cr_expect_eq(ledger_walk(c, see, &s, &err), ST_DAMAGED);
    free(swapped);
    free(f.data);
    casefile_close(c);
}

Test(ledger, survives_every_truncated_and_flipped_entry)
{
    static const uint8_t id[CASE_ID_SIZE] = {1};
    struct ledger_dump d[2] = {dump_sample("1", DUMP_COMPLETE), dump_sample("2", DUMP_PARTIAL)};
    struct ledger_entry e = {.number = 3,
                             .kind = LEDGER_ADD,
                             .time_ms = -1,
                             .generation = 4,
                             .dumps = d,
                             .n_dumps = 2,
                             .version = slice_str("0.1.0")};
    struct buf bytes = {0};
    struct ledger_item it = {0};
    ledger_entry_encode(&e, id, slice_str("body"), &bytes);
    buf_put_slice(&it.payload, buf_slice(&bytes));
    cr_assert_eq(ledger_entry_decode(id, &it, NULL), ST_OK);
    cr_assert_eq(it.entry.time_ms, -1);
    cr_assert_eq(it.entry.n_dumps, 2);
    cr_assert(slice_eq_str(it.body, "body"));
    cr_assert(slice_eq_str(it.entry.dumps[1].reason_code, "chunk"));
    ledger_item_release(&it);
    size_t older = 0; /* entries of the first programs end with the body */
    for (size_t len = 0; len < bytes.len; len++) {
        buf_put(&it.payload, bytes.data, len);
        if (ledger_entry_decode(id, &it, NULL) == ST_OK) {
            cr_assert_eq(older, 0, "lengths %zu and %zu", older, len);
            cr_assert(slice_eq_str(it.body, "body"));
            cr_assert_eq(memcmp(bytes.data + len - 4, "body", 4), 0);
            cr_assert_eq(it.entry.dumps[1].account.len, 0);
            cr_assert_eq(it.entry.dumps[1].collected_from, TIME_NONE);
            older = len;
        }
        ledger_item_release(&it);
    }
    cr_assert_neq(older, 0);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        buf_put_slice(&it.payload, buf_slice(&bytes));
        it.payload.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum status st = ledger_entry_decode(id, &it, NULL);
        cr_assert(st == ST_OK || st == ST_DAMAGED);
        ledger_item_release(&it);
    }
    buf_release(&bytes);
}
