/* test_dump_write — every wrapping opened again with zstd's and age's own readers; the file's
 * life. Each test works in a directory of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "age_testing.h"
#include "lictor/dump_write.h"
#include "lictor/os.h"
#include "lictor/sha256.h"

static char dir[] = P_tmpdir "/lictor-test-XXXXXX";
static char path[sizeof dir + 8];
static const uint8_t seed[32] = {5, 5};
static struct age_identities *ids;
static struct age_recipients *to;
static struct buf plain, back;
static uint8_t *file;
static size_t file_len;
static struct err err;

static void setup(void)
{
    char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/dump", dir);
    cr_assert_eq(age_keygen(seed, identity, recipient, NULL), ST_OK);
    cr_assert_eq(age_identities_new(&ids, NULL), ST_OK);
    cr_assert_eq(age_identities_add(ids, slice_str(identity), "id", NULL), ST_OK);
    cr_assert_eq(age_recipients_new(&to, NULL), ST_OK);
    cr_assert_eq(age_recipients_add(to, recipient, NULL), ST_OK);
}

static void teardown(void)
{
    (void)os_fault_set(0, 0);
    age_identities_free(ids);
    age_recipients_free(to);
    buf_release(&plain);
    buf_release(&back);
    free(file);
    unlink(path);
    rmdir(dir);
}

TestSuite(dump_write, .init = setup, .fini = teardown);

/* Writes `plain` as `o` says, in pieces, and takes the file up again into `file`. */
static void writes(const struct dump_options *o, size_t step)
{
    struct dump_writer *w = NULL;
    uint8_t told[32], hash[32];
    uint64_t bytes = 0;
    struct sha256 h;
    unlink(path);
    cr_assert_eq(dump_writer_open(path, o, &w, &err), ST_OK, "%s", err.text);
    for (size_t pos = 0; pos < plain.len;) {
        size_t n = plain.len - pos < step ? plain.len - pos : step;
        cr_assert_eq(dump_writer_write(w, plain.data + pos, n, NULL), ST_OK);
        pos += n;
    }
    cr_assert_eq(dump_writer_finish(w, told, &bytes, &err), ST_OK, "%s", err.text);
    free(file);
    file = NULL;
    cr_assert_eq(os_read_file(AT_FDCWD, path, 1 << 28, &file, &file_len, NULL), ST_OK);
    sha256_begin(&h);
    sha256_add(&h, file, file_len);
    sha256_end(&h, hash);
    cr_assert_eq(bytes, file_len);
    cr_assert_arr_eq(told, hash, 32);
}

/* Takes zstd off `packed` frame by frame; what is left must be `plain`. Returns the frames. */
static size_t inflates(struct slice packed)
{
    size_t frames = 0;
    struct buf out = {0};
    uint8_t *room = malloc(plain.len + 1);
    for (; packed.len; frames++) {
        size_t n = ZSTD_findFrameCompressedSize(packed.data, packed.len);
        cr_assert_not(ZSTD_isError(n));
        size_t got = ZSTD_decompress(room, plain.len + 1, packed.data, n);
        cr_assert_not(ZSTD_isError(got));
        buf_put(&out, room, got);
        packed = slice_of(packed.data + n, packed.len - n);
    }
    cr_assert(slice_eq(buf_slice(&out), buf_slice(&plain)));
    free(room);
    buf_release(&out);
    return frames;
}

static void opens(void)
{
    cr_assert_eq(age_read_all(slice_of(file, file_len), 0, ids, &back, &err), ST_OK, "%s",
                 err.text);
}

Test(dump_write, writes_plain_bytes)
{
    static const size_t sizes[] = {0, 1, 1 << 20, (1 << 20) + 1, 3000000};
    for (size_t i = 0; i < 5; i++) {
        fill_plain(&plain, sizes[i]);
        writes(NULL, 70001);
        cr_assert(slice_eq(slice_of(file, file_len), buf_slice(&plain)));
    }
}

Test(dump_write, writes_one_zstd_frame_or_several)
{
    fill_plain(&plain, 2500000);
    writes(&(struct dump_options){.zstd = true, .level = 1}, 254);
    cr_assert_eq(inflates(slice_of(file, file_len)), 1);
    writes(&(struct dump_options){.zstd = true, .level = 1, .frame_bytes = 1000000}, 254);
    cr_assert_eq(inflates(slice_of(file, file_len)), 3);
    writes(&(struct dump_options){.zstd = true, .frame_bytes = 500000}, 254);
    cr_assert_eq(inflates(slice_of(file, file_len)), 5);
    writes(&(struct dump_options){.zstd = true, .frame_bytes = 2500000}, SIZE_MAX);
    cr_assert_eq(inflates(slice_of(file, file_len)), 1);
    fill_plain(&plain, 40);
    writes(&(struct dump_options){.zstd = true, .frame_bytes = 1}, 40);
    cr_assert_eq(inflates(slice_of(file, file_len)), 40);
    fill_plain(&plain, 0);
    writes(&(struct dump_options){.zstd = true}, 1);
    cr_assert_eq(inflates(slice_of(file, file_len)), 1);
}

Test(dump_write, asks_zstd_for_the_window_it_was_told)
{
    fill_plain(&plain, 100000);
    writes(&(struct dump_options){.zstd = true, .window_log = 24}, SIZE_MAX);
    /* No single segment; window descriptor: exponent 24 - 10 in the upper five bits. */
    cr_assert_eq(file[5], (24 - 10) << 3);
    inflates(slice_of(file, file_len));
}

Test(dump_write, refuses_a_window_that_zstd_does_not_know)
{
    struct dump_writer *w = NULL;
    struct dump_options o = {.zstd = true, .window_log = 70};
    cr_assert_eq(dump_writer_open(path, &o, &w, NULL), ST_USAGE);
    cr_assert_neq(access(path, F_OK), 0);
}

Test(dump_write, wraps_in_age_with_and_without_zstd_and_armor)
{
    fill_plain(&plain, 1500000);
    for (unsigned i = 0; i < 4; i++) {
        struct dump_options o = {.zstd = i & 1, .to = to, .armor = i & 2};
        writes(&o, 1000);
        cr_assert_eq(file[0], i & 2 ? '-' : 'a');
        opens();
        if (o.zstd)
            inflates(buf_slice(&back));
        else
            cr_assert(slice_eq(buf_slice(&back), buf_slice(&plain)));
    }
}

Test(dump_write, writes_the_same_file_from_the_same_seed)
{
    struct buf first = {0};
    struct dump_options o = {.zstd = true, .level = 1, .to = to, .seed = seed};
    fill_plain(&plain, 1300000);
    writes(&o, 100);
    buf_put(&first, file, file_len);
    writes(&o, 77777);
    cr_assert(slice_eq(slice_of(file, file_len), buf_slice(&first)));
    o.seed = NULL;
    writes(&o, 100);
    cr_assert_not(slice_eq(slice_of(file, file_len), buf_slice(&first)));
    buf_release(&first);
}

Test(dump_write, makes_a_new_file_for_its_owner_alone)
{
    struct stat st;
    struct dump_writer *w = NULL;
    fill_plain(&plain, 10);
    writes(NULL, 10);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(dump_writer_open(path, NULL, &w, NULL), ST_IO);
    cr_assert_eq(access(path, F_OK), 0, "the file of others was removed");
}

Test(dump_write, leaves_nothing_behind_when_it_is_aborted)
{
    struct dump_writer *w = NULL;
    cr_assert_eq(dump_writer_open(path, &(struct dump_options){.to = to}, &w, NULL), ST_OK);
    cr_assert_eq(dump_writer_write(w, "x", 1, NULL), ST_OK);
    dump_writer_abort(w);
    cr_assert_neq(access(path, F_OK), 0);
    dump_writer_abort(NULL);
}

Test(dump_write, leaves_nothing_behind_when_the_disk_fails)
{
    struct dump_writer *w = NULL;
    struct dump_options o = {.zstd = true, .to = to};
    fill_plain(&plain, 10);
    cr_assert_eq(dump_writer_open(path, &o, &w, NULL), ST_OK);
    cr_assert_eq(dump_writer_write(w, plain.data, plain.len, NULL), ST_OK);
    (void)os_fault_set(1, ENOSPC);
    cr_assert_eq(dump_writer_finish(w, NULL, NULL, &err), ST_IO);
    (void)os_fault_set(0, 0);
    cr_assert_neq(access(path, F_OK), 0);
    w = NULL;
    (void)os_fault_set(2, ENOSPC); /* the age header */
    cr_assert_eq(dump_writer_open(path, &o, &w, &err), ST_IO);
    (void)os_fault_set(0, 0);
    cr_assert_null(w);
    cr_assert_neq(access(path, F_OK), 0);
}
