/* Unit tests of what locks a case: key files, passphrases, and changing one for another so that at
 * every instant at least one of them opens it. */
#include "case_testing.h"

#include <errno.h>

#include "store/case_private.h"

TestSuite(rekey, .init = dir_make, .fini = dir_remove);

static char new_key[160];

static const struct case_secret *old_way(void)
{
    static struct case_secret s;
    s = (struct case_secret){.key_file = key_path};
    return &s;
}

static const struct case_secret *new_way(void)
{
    static struct case_secret s;
    s = (struct case_secret){.key_file = new_key};
    return &s;
}

static void locked_case(void)
{
    case_make("a", false);
    snprintf(new_key, sizeof new_key, "%s/new.key", dir_path);
}

static enum status try_way(const struct case_secret *s, enum casefile_mode mode)
{
    struct casefile *c = NULL;
    struct err err = {0};
    enum status st = casefile_unlock(case_path, s, mode, 1 << 20, &c, &err);
    casefile_close(c);
    return st;
}

static enum status rekey(struct err *err)
{
    struct casefile *c = NULL;
    cr_assert_eq(casefile_unlock(case_path, old_way(), CASE_WRITE, 1 << 20, &c, err), ST_OK, "%s",
                 err->text);
    enum status st = casefile_rekey(c, new_way(), err);
    casefile_close(c);
    return st;
}

static uint64_t damages(const struct case_secret *s, char last[256])
{
    struct casefile *c = NULL;
    struct err err = {0};
    uint64_t n = 0;
    cr_assert_eq(casefile_unlock(case_path, s, CASE_VERIFY, 1 << 20, &c, &err), ST_OK, "%s",
                 err.text);
    cr_assert_eq(casefile_verify(c, damage_count, last, &n, NULL), ST_OK);
    casefile_close(c);
    return n;
}

static enum status last_kind(void *ctx, const struct ledger_entry *e, struct err *err)
{
    (void)err;
    *(uint8_t *)ctx = e->kind;
    return ST_OK;
}

Test(rekey, opens_by_the_new_key_alone)
{
    struct err err = {0};
    char last[256] = "";
    struct casefile *c = NULL;
    uint8_t kind = 0;
    locked_case();
    cr_assert_eq(rekey(&err), ST_OK, "%s", err.text);
    cr_assert_eq(try_way(old_way(), CASE_READ), ST_DENIED);
    cr_assert_eq(try_way(old_way(), CASE_WRITE), ST_DENIED);
    cr_assert_eq(try_way(new_way(), CASE_WRITE), ST_OK);
    cr_assert_eq(damages(new_way(), last), 0, "%s", last);
    cr_assert(!file_is_there("a/" CASE_NEXT_NAME));
    cr_assert_eq(casefile_unlock(case_path, new_way(), CASE_READ, 0, &c, &err), ST_OK);
    cr_assert_eq(ledger_walk(c, last_kind, &kind, &err), ST_OK);
    cr_assert_eq(kind, LEDGER_REKEY);
    cr_assert_eq(casefile_manifest(c)->generation, 2);
    casefile_close(c);
}

Test(rekey, keeps_a_key_file_that_is_there)
{
    struct err err = {0};
    locked_case();
    file_put("new.key", (const uint8_t *)"mine", 4);
    cr_assert_eq(rekey(&err), ST_USAGE);
    cr_assert_eq(try_way(old_way(), CASE_WRITE), ST_OK);
    cr_assert(!file_is_there("a/" CASE_NEXT_NAME));
    struct file_bytes f = file_get("new.key");
    cr_assert_eq(f.len, 4);
    free(f.data);
}

Test(rekey, is_refused_by_a_case_without_a_key)
{
    struct err err = {0};
    case_make("plain", true);
    struct casefile *c = case_get(true, CASE_WRITE);
    cr_assert_eq(casefile_rekey(c, &(struct case_secret){.key_file = "x"}, &err), ST_USAGE);
    casefile_close(c);
}

/* As a killed rekey left it between two of its steps. */
Test(rekey, killed_before_the_ledger_has_it_leaves_the_old_key)
{
    struct err err = {0};
    locked_case();
    struct file_bytes old = file_get("a/CASE"), ledger = file_get("a/ledger"),
                      manifest = file_get("a/MANIFEST");
    cr_assert_eq(rekey(&err), ST_OK);
    struct file_bytes new = file_get("a/CASE");
    for (int whole = 0; whole < 2; whole++) {
        file_put("a/CASE", old.data, old.len);
        file_put("a/ledger", ledger.data, ledger.len);
        file_put("a/MANIFEST", manifest.data, manifest.len);
        file_put("a/" CASE_NEXT_NAME, new.data, whole ? new.len : new.len / 2);
        cr_assert_eq(try_way(old_way(), CASE_READ), ST_OK);
        cr_assert_eq(try_way(new_way(), CASE_READ), ST_DENIED);
        cr_assert_eq(try_way(new_way(), CASE_WRITE), ST_DENIED);
        cr_assert(file_is_there("a/" CASE_NEXT_NAME));
        cr_assert_eq(try_way(old_way(), CASE_WRITE), ST_OK);
        cr_assert(!file_is_there("a/" CASE_NEXT_NAME));
    }
    free(old.data);
    free(new.data);
    free(ledger.data);
    free(manifest.data);
}

Test(rekey, killed_after_the_ledger_has_it_leaves_the_new_key)
{
    struct err err = {0};
    char last[256] = "";
    locked_case();
    struct file_bytes old = file_get("a/CASE"), manifest = file_get("a/MANIFEST");
    cr_assert_eq(rekey(&err), ST_OK);
    struct file_bytes new = file_get("a/CASE"), later = file_get("a/MANIFEST");
    for (int i = 0; i < 4; i++) { /* MANIFEST written or not; who comes first */
        const struct file_bytes *m = i & 1 ? &manifest : &later;
        file_put("a/CASE", old.data, old.len);
        file_put("a/MANIFEST", m->data, m->len);
        file_put("a/" CASE_NEXT_NAME, new.data, new.len);
        cr_assert_eq(try_way(old_way(), CASE_READ), ST_DENIED);
        cr_assert_eq(try_way(new_way(), CASE_READ), ST_OK);
        cr_assert_eq(damages(new_way(), last), 0, "%s", last);
        cr_assert_eq(try_way(i & 2 ? old_way() : new_way(), CASE_WRITE), i & 2 ? ST_DENIED : ST_OK);
        cr_assert(!file_is_there("a/" CASE_NEXT_NAME));
        cr_assert_eq(try_way(old_way(), CASE_WRITE), ST_DENIED);
        cr_assert_eq(try_way(new_way(), CASE_WRITE), ST_OK);
        cr_assert_eq(damages(new_way(), last), 0, "%s", last);
    }
    free(old.data);
    free(new.data);
    free(manifest.data);
    free(later.data);
}

Test(rekey, whichever_call_fails_a_key_that_is_there_opens_it)
{
    char last[256] = "";
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct err err = {0};
        struct casefile *c = NULL;
        locked_case();
        cr_assert_eq(casefile_unlock(case_path, old_way(), CASE_WRITE, 1 << 20, &c, &err), ST_OK);
        (void)os_fault_set(n, EIO);
        enum status st = casefile_rekey(c, new_way(), &err);
        done = os_fault_set(0, 0) < n;
        casefile_close(c);
        cr_assert_eq(done, st == ST_OK, "%llu", (unsigned long long)n);
        bool old = try_way(old_way(), CASE_READ) == ST_OK;
        bool new = try_way(new_way(), CASE_READ) == ST_OK;
        cr_assert_eq(old + new, 1, "call %llu: %d %d %s", (unsigned long long)n, old, new,
                     err.text);
        const struct case_secret *s = old ? old_way() : new_way();
        cr_assert_eq(try_way(s, CASE_WRITE), ST_OK);
        cr_assert_eq(damages(s, last), 0, "call %llu: %s", (unsigned long long)n, last);
        tree_remove(case_path);
        unlink(key_path);
        unlink(new_key);
    }
}

Test(rekey, an_older_case_that_is_put_back_shows)
{
    struct err err = {0};
    char last[256] = "";
    locked_case();
    struct file_bytes old = file_get("a/CASE");
    cr_assert_eq(rekey(&err), ST_OK);
    file_put("a/CASE", old.data, old.len);
    cr_assert_eq(damages(old_way(), last), 1);
    cr_assert(strstr(last, "put back"), "%s", last);
    free(old.data);
}

static struct case_secret typed(const char *text)
{
    return (struct case_secret){.passphrase = (const uint8_t *)text,
                                .passphrase_len = strlen(text)};
}

Test(rekey, a_passphrase_opens_a_case)
{
    struct case_secret good = typed("correct horse"), bad = typed("correct horsf"),
                       file = {.key_file = key_path};
    struct err err = {0};
    enum case_method method = CASE_PLAIN;
    case_name("a");
    cr_assert_eq(casefile_make(case_path, &good, "words/1", &err), ST_OK, "%s", err.text);
    cr_assert_eq(casefile_method(case_path, &method, &err), ST_OK);
    cr_assert_eq(method, CASE_PASSPHRASE);
    cr_assert_eq(try_way(&good, CASE_READ), ST_OK);
    cr_assert_eq(try_way(&bad, CASE_READ), ST_DENIED);
    cr_assert_eq(try_way(&file, CASE_READ), ST_DENIED);
    cr_assert_eq(try_way(&(struct case_secret){0}, CASE_READ), ST_DENIED);
    struct file_bytes f = file_get("a/CASE");
    cr_assert_null(memmem(f.data, f.len, "horse", 5));
    free(f.data);
}

/* Whoever writes CASE could ask for all memory and for hours. */
Test(rekey, does_not_do_whatever_work_a_case_asks_for)
{
    struct case_secret good = typed("x");
    struct err err = {0};
    case_name("a");
    cr_assert_eq(casefile_make(case_path, &good, "words/1", &err), ST_OK, "%s", err.text);
    struct file_bytes f = file_get("a/CASE");
    static const struct {
        uint32_t passes, kib;
        uint8_t method;
    } hostile[] = {{UINT32_MAX, 8, 2},     {17, 8, 2},       {0, 8, 2}, {1, UINT32_MAX, 2},
                   {1, (1u << 20) + 1, 2}, {1, 7, 2},        {1, 0, 2}, {3, 256 << 10, 1},
                   {3, 256 << 10, 3},      {3, 256 << 10, 0}};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        f.data[80] = hostile[i].method;
        store_u32(f.data + 84, hostile[i].passes);
        store_u32(f.data + 88, hostile[i].kib);
        seal_checksum(slice_of(f.data, f.len - SEAL_TAG_SIZE), f.data + f.len - SEAL_TAG_SIZE);
        file_put("a/CASE", f.data, f.len);
        cr_assert_eq(try_way(&good, CASE_READ), ST_DAMAGED, "%zu", i);
    }
    free(f.data);
}

/* CASE as older programs wrote it. */
Test(rekey, reads_a_case_of_version_1)
{
    struct err err = {0};
    char last[256] = "";
    const struct case_key plain = {.plain = true};
    struct buf bytes = {0}, payload = {0};
    uint8_t head[64] = {0}, sum[SEAL_TAG_SIZE];
    case_make("a", true);
    struct file_bytes f = file_get("a/CASE");
    case_header_make(CASE_MAGIC, true, f.data + 16, head);
    buf_put(&bytes, head, sizeof head);
    buf_put_blob(&payload, slice_str("words/1"));
    cr_assert_eq(seal_unit(&plain, slice_of(head, sizeof head), buf_slice(&payload), &bytes, &err),
                 ST_OK);
    seal_checksum(buf_slice(&bytes), sum);
    buf_put(&bytes, sum, sizeof sum);
    file_put("a/CASE", bytes.data, bytes.len);
    cr_assert_eq(unlinkat(dir, "a/queries", 0), 0);
    cr_assert_eq(case_damages(true, last), 0, "%s", last);
    struct casefile *c = case_get(true, CASE_WRITE);
    cr_assert_str_eq(casefile_words_version(c), "words/1");
    casefile_close(c);
    buf_release(&bytes);
    buf_release(&payload);
    free(f.data);
}
