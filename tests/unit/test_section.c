/* Unit tests of section: round trips at any offset, and that no changed byte is ever returned. */
#include "case_testing.h"

#include <sodium.h>

#include "lictor/section.h"
#include "lictor/thread.h"
#include "store/section_private.h"

#define KIND 3

TestSuite(section, .init = dir_make, .fini = dir_remove);

static struct case_key keys[2]; /* plain, sealed */
static struct block_cache *cache;

static void keys_make(void)
{
    cr_assert(sodium_init() >= 0);
    keys[0] = (struct case_key){.plain = true};
    keys[1] = (struct case_key){.key = sodium_malloc(32)};
    memset(keys[1].key, 7, 32);
    cr_assert_eq(block_cache_new(1 << 20, &cache, NULL), ST_OK);
}

static void keys_free(void)
{
    sodium_free(keys[1].key);
    block_cache_free(cache);
}

/* Byte `i` of section `s`; differs between files by `salt`. */
static uint8_t byte_at(unsigned s, uint64_t i, unsigned salt)
{
    return (uint8_t)((i * 2654435761u >> 7) + s * 31 + salt * 101);
}

static void section_fill(struct section_file_writer *w, unsigned s, size_t n, unsigned salt)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t b = byte_at(s, section_size(w, s), salt);
        cr_assert_eq(section_append(w, s, &b, 1, NULL), ST_OK);
    }
}

/* Three sections in one small file, blocks of 64 bytes mixed; the second one empty. */
static struct file_seal small_file(const struct case_key *key, unsigned salt)
{
    struct section_file_writer *w = NULL;
    struct file_seal seal = {0};
    cr_assert_eq(section_file_create(dir, KIND, key, &w, NULL), ST_OK);
    cr_assert_eq(section_begin(w, 0, 64, NULL), ST_OK);
    cr_assert_eq(section_begin(w, 5, 128, NULL), ST_OK);
    cr_assert_eq(section_begin(w, 63, 64, NULL), ST_OK);
    section_fill(w, 0, 70, salt);
    section_fill(w, 63, 130, salt);
    section_fill(w, 0, 60, salt);
    cr_assert_eq(section_file_finish(w, &seal, NULL), ST_OK);
    return seal;
}

static const char *seal_name(const struct file_seal *seal, char out[33])
{
    hex_encode(seal->id, 16, out);
    return out;
}

/* ST_OK only if the file opens, verifies and gives the bytes that were written. */
static enum status small_check(const struct case_key *key, const struct file_seal *seal,
                               unsigned salt)
{
    struct section_file *f = NULL;
    struct buf scratch = {0};
    struct slice s;
    enum status st = section_file_open(dir, KIND, key, seal, cache, &f, NULL);
    if (st != ST_OK)
        return st;
    st = section_file_verify(f, NULL);
    if (section_len(f, 0) != 130 || section_len(f, 63) != 130 || section_len(f, 5) != 0)
        st = ST_DAMAGED;
    for (unsigned n = 0; n < SECTION_MAX && st == ST_OK; n += 63) {
        st = section_read(f, n, 0, 130, &scratch, &s, NULL);
        for (size_t i = 0; st == ST_OK && i < 130; i++)
            cr_assert_eq(s.data[i], byte_at(n, i, salt), "a wrong byte was returned");
    }
    buf_release(&scratch);
    section_file_close(f);
    return st;
}

Test(section, gives_back_what_was_appended_in_any_interleaving)
{
    keys_make();
    for (int k = 0; k < 2; k++) {
        struct file_seal seal = small_file(&keys[k], 1);
        cr_assert_eq(small_check(&keys[k], &seal, 1), ST_OK);
    }
    keys_free();
}

Test(section, reads_any_range_with_any_cache)
{
    static const size_t sizes[] = {0, 5000, 40000, (size_t)20 << 20};
    keys_make();
    for (int k = 0; k < 2; k++) {
        struct section_file_writer *w = NULL;
        struct file_seal seal = {0};
        cr_assert_eq(section_file_create(dir, KIND, &keys[k], &w, NULL), ST_OK);
        cr_assert_eq(section_begin(w, 1, 4096, NULL), ST_OK);
        section_fill(w, 1, 100001, 0);
        cr_assert_eq(section_size(w, 1), 100001);
        cr_assert_eq(section_file_finish(w, &seal, NULL), ST_OK);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct block_cache *c = NULL;
            struct section_file *f = NULL;
            struct buf scratch = {0};
            struct slice s;
            uint32_t r = 1;
            cr_assert_eq(block_cache_new(sizes[i], &c, NULL), ST_OK);
            cr_assert_eq(section_file_open(dir, KIND, &keys[k], &seal, c, &f, NULL), ST_OK);
            cr_assert_eq(memcmp(section_file_id(f), seal.id, 16), 0);
            for (int n = 0; n < 300; n++) {
                r = r * 1664525u + 1013904223u;
                uint64_t off = (r >> 8) % 100002;
                size_t len = r % 9000;
                if (len > 100001 - off)
                    len = (size_t)(100001 - off);
                cr_assert_eq(section_read(f, 1, off, len, &scratch, &s, NULL), ST_OK);
                cr_assert_eq(s.len, len);
                for (size_t j = 0; j < len; j++)
                    cr_assert_eq(s.data[j], byte_at(1, off + j, 0));
            }
            buf_release(&scratch);
            section_file_close(f);
            block_cache_free(c);
        }
    }
    keys_free();
}

Test(section, refuses_to_read_past_the_end)
{
    keys_make();
    struct file_seal seal = small_file(&keys[1], 1);
    struct section_file *f = NULL;
    struct buf scratch = {0};
    struct slice s;
    cr_assert_eq(section_file_open(dir, KIND, &keys[1], &seal, cache, &f, NULL), ST_OK);
    cr_expect_eq(section_read(f, 0, 130, 0, &scratch, &s, NULL), ST_OK);
    cr_expect_eq(section_read(f, 0, 130, 1, &scratch, &s, NULL), ST_DAMAGED);
    cr_expect_eq(section_read(f, 0, 131, 0, &scratch, &s, NULL), ST_DAMAGED);
    cr_expect_eq(section_read(f, 0, 1, SIZE_MAX, &scratch, &s, NULL), ST_DAMAGED);
    cr_expect_eq(section_read(f, 0, UINT64_MAX, 2, &scratch, &s, NULL), ST_DAMAGED);
    cr_expect_eq(section_read(f, 7, 0, 1, &scratch, &s, NULL), ST_DAMAGED);
    cr_expect_eq(section_read(f, 1000, 0, 1, &scratch, &s, NULL), ST_DAMAGED);
    cr_expect_eq(section_len(f, 1000), 0);
    buf_release(&scratch);
    section_file_close(f);
    keys_free();
}

Test(section, refuses_every_flipped_bit)
{
    keys_make();
    for (int k = 0; k < 2; k++) {
        char name[33];
        struct file_seal seal = small_file(&keys[k], 1);
        struct file_bytes f = file_get(seal_name(&seal, name));
        for (size_t bit = 0; bit < 8 * f.len; bit++) {
            f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            file_put(name, f.data, f.len);
            cr_assert_neq(small_check(&keys[k], &seal, 1), ST_OK, "bit %zu, key %d", bit, k);
            f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        file_put(name, f.data, f.len);
        cr_assert_eq(small_check(&keys[k], &seal, 1), ST_OK);
        free(f.data);
    }
    keys_free();
}

Test(section, refuses_every_truncation_and_a_longer_file)
{
    keys_make();
    for (int k = 0; k < 2; k++) {
        char name[33];
        struct file_seal seal = small_file(&keys[k], 1);
        struct file_bytes f = file_get(seal_name(&seal, name));
        for (size_t len = 0; len <= f.len + 1; len++) {
            uint8_t *more = calloc(1, f.len + 1);
            memcpy(more, f.data, f.len);
            file_put(name, more, len);
            free(more);
            struct file_seal own = seal;
            own.size = len; /* a manifest that agrees does not help */
            cr_assert_eq(small_check(&keys[k], &own, 1), len == f.len ? ST_OK : ST_DAMAGED);
        }
        free(f.data);
    }
    keys_free();
}

Test(section, refuses_swapped_blocks_within_a_file)
{
    keys_make();
    for (int k = 0; k < 2; k++) {
        char name[33];
        struct file_seal seal = small_file(&keys[k], 1);
        struct file_bytes f = file_get(seal_name(&seal, name));
        uint8_t t[64];
        /* First blocks of section 0 and section 63, both of 64 bytes. */
        memcpy(t, f.data + 104, 64);
        memcpy(f.data + 104, f.data + 168, 64);
        memcpy(f.data + 168, t, 64);
        file_put(name, f.data, f.len);
        cr_assert_eq(small_check(&keys[k], &seal, 1), ST_DAMAGED);
        free(f.data);
    }
    keys_free();
}

Test(section, refuses_blocks_and_whole_files_of_another_file)
{
    keys_make();
    for (int k = 0; k < 2; k++) {
        char name[33], other_name[33];
        struct file_seal seal = small_file(&keys[k], 1), other = small_file(&keys[k], 2);
        struct file_bytes f = file_get(seal_name(&seal, name));
        struct file_bytes o = file_get(seal_name(&other, other_name));
        cr_assert_eq(f.len, o.len);
        file_put(name, o.data, o.len);
        cr_assert_eq(small_check(&keys[k], &seal, 1), ST_DAMAGED);
        struct file_seal mixed = other;
        memcpy(mixed.id, seal.id, 16);
        cr_assert_eq(small_check(&keys[k], &mixed, 2), ST_DAMAGED, "the id is bound to the bytes");
        memcpy(f.data + 104, o.data + 104, 64);
        file_put(name, f.data, f.len);
        cr_assert_eq(small_check(&keys[k], &seal, 1), ST_DAMAGED);
        free(f.data);
        free(o.data);
    }
    keys_free();
}

Test(section, refuses_another_kind_key_and_mode)
{
    keys_make();
    struct file_seal seal = small_file(&keys[1], 1), plain = small_file(&keys[0], 1);
    struct section_file *f = NULL;
    struct err err = {0};
    struct case_key wrong = {.key = sodium_malloc(32)};
    memset(wrong.key, 8, 32);
    cr_expect_eq(section_file_open(dir, KIND + 1, &keys[1], &seal, cache, &f, &err), ST_DAMAGED);
    cr_expect(strstr(err.text, "kind"), "%s", err.text);
    cr_expect_eq(section_file_open(dir, KIND, &wrong, &seal, cache, &f, &err), ST_DAMAGED);
    cr_expect_eq(section_file_open(dir, KIND, &keys[0], &seal, cache, &f, &err), ST_DAMAGED);
    cr_expect_eq(section_file_open(dir, KIND, &keys[1], &plain, cache, &f, &err), ST_DAMAGED);
    seal.id[0] ^= 1;
    cr_expect_eq(section_file_open(dir, KIND, &keys[1], &seal, cache, &f, &err), ST_NOT_FOUND);
    sodium_free(wrong.key);
    keys_free();
}

/* Two libraries, one cipher: what FORMAT.md says must be readable with libsodium alone. */
Test(section, seals_blocks_as_xchacha20_poly1305)
{
    struct sealer sealer = {0};
    uint8_t key[32], ad[3] = {1, 2, 3};
    cr_assert(sodium_init() >= 0);
    memset(key, 5, sizeof key);
    cr_assert_eq(sealer_init(&sealer, NULL), ST_OK);
    for (size_t len = 0; len < 300; len += 37) {
        uint8_t subkey[32], nonce[24] = {0}, tag[16], want_tag[16];
        uint8_t data[300] = {0}, want[300] = {0};
        uint64_t number = len * 1000003;
        store_u32(nonce, 42);
        store_u64(nonce + 16, number);
        crypto_aead_xchacha20poly1305_ietf_encrypt_detached(want, want_tag, NULL, data, len, ad,
                                                            sizeof ad, NULL, nonce, key);
        seal_section_key(key, 42, subkey);
        cr_assert_eq(
            seal_block(&sealer, subkey, number, slice_of(ad, sizeof ad), data, len, tag, NULL),
            ST_OK);
        cr_assert_eq(memcmp(data, want, sizeof data), 0);
        cr_assert_eq(memcmp(tag, want_tag, sizeof tag), 0);
    }
    sealer_release(&sealer);
}

Test(section, shows_nothing_of_sealed_content)
{
    keys_make();
    struct section_file_writer *w = NULL;
    struct file_seal seal = {0};
    char name[33];
    static const char secret[] = "a word that must not be readable";
    cr_assert_eq(section_file_create(dir, KIND, &keys[1], &w, NULL), ST_OK);
    cr_assert_eq(section_begin(w, 0, 64, NULL), ST_OK);
    cr_assert_eq(section_append(w, 0, secret, sizeof secret, NULL), ST_OK);
    cr_assert_eq(section_file_finish(w, &seal, NULL), ST_OK);
    struct file_bytes f = file_get(seal_name(&seal, name));
    cr_assert_null(memmem(f.data, f.len, secret, 6));
    free(f.data);
    keys_free();
}

Test(section, leaves_no_file_when_a_write_fails)
{
    keys_make();
    for (uint64_t n = 1;; n++) {
        struct section_file_writer *w = NULL;
        struct file_seal seal = {0};
        (void)os_fault_set(n, 5);
        enum status st = section_file_create(dir, KIND, &keys[1], &w, NULL);
        if (st == ST_OK) {
            cr_assert_eq(section_begin(w, 0, 64, NULL), ST_OK);
            for (int i = 0; i < 300 && st == ST_OK; i++)
                st = section_append(w, 0, "x", 1, NULL);
            enum status finished = section_file_finish(w, &seal, NULL);
            if (st != ST_OK)
                cr_assert_neq(finished, ST_OK, "a file with a hole was finished");
            st = finished;
        }
        uint64_t calls = os_fault_set(0, 0);
        char **names = NULL;
        size_t n_names = 0;
        cr_assert_eq(os_list(dir, ".", &names, &n_names, NULL), ST_OK);
        os_list_free(names, n_names);
        cr_assert_eq(n_names, st == ST_OK ? 1 : 0, "call %d", (int)n);
        if (st == ST_OK) {
            cr_assert_lt(calls, n);
            break;
        }
    }
    keys_free();
}

Test(section, aborts_without_a_trace)
{
    keys_make();
    struct section_file_writer *w = NULL;
    char **names = NULL;
    size_t n = 1;
    cr_assert_eq(section_file_create(dir, KIND, &keys[1], &w, NULL), ST_OK);
    section_file_abort(w);
    section_file_abort(NULL);
    cr_assert_eq(os_list(dir, ".", &names, &n, NULL), ST_OK);
    cr_assert_eq(n, 0);
    os_list_free(names, n);
    keys_free();
}

static enum status read_some(void *arg, size_t i, struct err *err)
{
    struct section_file *f = arg;
    struct buf scratch = {0};
    struct slice s;
    enum status st = ST_OK;
    for (uint64_t n = 0; n < 400 && st == ST_OK; n++) {
        uint64_t off = (n * 7919 + i * 104729) % 60000;
        st = section_read(f, 2, off, 1000, &scratch, &s, err);
        for (size_t j = 0; st == ST_OK && j < 1000; j++)
            if (s.data[j] != byte_at(2, off + j, 0))
                st = err_set(err, ST_DAMAGED, "wrong byte");
    }
    buf_release(&scratch);
    return st;
}

Test(section, is_read_by_several_threads_at_once)
{
    keys_make();
    struct section_file_writer *w = NULL;
    struct section_file *f = NULL;
    struct block_cache *small = NULL;
    struct file_seal seal = {0};
    struct err err = {0};
    cr_assert_eq(section_file_create(dir, KIND, &keys[1], &w, NULL), ST_OK);
    cr_assert_eq(section_begin(w, 2, 1024, NULL), ST_OK);
    section_fill(w, 2, 61000, 0);
    cr_assert_eq(section_file_finish(w, &seal, NULL), ST_OK);
    cr_assert_eq(block_cache_new(20000, &small, NULL), ST_OK);
    cr_assert_eq(section_file_open(dir, KIND, &keys[1], &seal, small, &f, NULL), ST_OK);
    cr_assert_eq(thread_each(4, 12, read_some, f, &err), ST_OK, "%s", err.text);
    section_file_close(f);
    block_cache_free(small);
    keys_free();
}

/* ---- table of contents ---- */

static void toc_section(struct buf *b, uint64_t number, uint64_t block, uint64_t len)
{
    buf_put_varint(b, number);
    buf_put_varint(b, block);
    buf_put_varint(b, len);
}

static void toc_block(struct buf *b, uint64_t gap)
{
    static const uint8_t tag[16];
    buf_put_varint(b, gap);
    buf_put(b, tag, sizeof tag);
}

static enum status toc_try(struct buf *b, uint64_t toc_off)
{
    struct section_toc toc = {0};
    enum status st = section_toc_parse(buf_slice(b), toc_off, &toc, NULL);
    section_toc_release(&toc);
    buf_release(b);
    return st;
}

Test(section, refuses_tables_with_overlaps_gaps_and_overruns)
{
    struct buf b = {0};
    buf_put_varint(&b, 2);
    toc_section(&b, 0, 64, 100);
    toc_block(&b, 0);
    toc_block(&b, 10);
    toc_section(&b, 1, 64, 10);
    toc_block(&b, 64);
    cr_expect_eq(toc_try(&b, 104 + 110), ST_OK);

    buf_put_varint(&b, 2);
    toc_section(&b, 0, 64, 64);
    toc_block(&b, 0);
    toc_section(&b, 1, 64, 64);
    toc_block(&b, 0);
    cr_expect_eq(toc_try(&b, 104 + 64), ST_DAMAGED, "two sections at one place");

    buf_put_varint(&b, 2);
    toc_section(&b, 0, 64, 64);
    toc_block(&b, 0);
    toc_section(&b, 1, 64, 64);
    toc_block(&b, 63);
    cr_expect_eq(toc_try(&b, 104 + 127), ST_DAMAGED, "overlap by one byte");

    buf_put_varint(&b, 1);
    toc_section(&b, 0, 64, 64);
    toc_block(&b, 1);
    cr_expect_eq(toc_try(&b, 104 + 65), ST_DAMAGED, "a byte that no block covers");

    buf_put_varint(&b, 1);
    toc_section(&b, 0, 64, 64);
    toc_block(&b, 0);
    cr_expect_eq(toc_try(&b, 104 + 65), ST_DAMAGED, "a byte behind the last block");

    buf_put_varint(&b, 1);
    toc_section(&b, 0, 64, 64);
    toc_block(&b, UINT64_MAX);
    cr_expect_eq(toc_try(&b, 104 + 64), ST_DAMAGED, "an offset that wraps");

    buf_put_varint(&b, 1);
    toc_section(&b, 0, 64, UINT64_MAX);
    cr_expect_eq(toc_try(&b, 104 + 64), ST_DAMAGED, "a length beyond the file");

    buf_put_varint(&b, 2);
    toc_section(&b, 1, 64, 0);
    toc_section(&b, 1, 64, 0);
    cr_expect_eq(toc_try(&b, 104), ST_DAMAGED, "a section twice");

    buf_put_varint(&b, 1);
    toc_section(&b, 64, 64, 0);
    cr_expect_eq(toc_try(&b, 104), ST_DAMAGED, "a section number beyond the last");

    buf_put_varint(&b, 1);
    toc_section(&b, 0, 0, 0);
    cr_expect_eq(toc_try(&b, 104), ST_DAMAGED, "blocks of no bytes");

    buf_put_varint(&b, 0);
    buf_put_u8(&b, 0);
    cr_expect_eq(toc_try(&b, 104), ST_DAMAGED, "bytes behind the table");
}
