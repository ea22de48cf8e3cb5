/* case_testing — what the tests of section files and cases share: a directory of their own, and
 * files that are read, changed and put back. */
#ifndef TESTS_CASE_TESTING_H
#define TESTS_CASE_TESTING_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lictor/casefile.h"
#include "lictor/os.h"

static char dir_path[] = P_tmpdir "/lictor-test-XXXXXX";
static int dir = -1;

static int tree_entry_remove(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    (void)sb;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void tree_remove(const char *path)
{
    nftw(path, tree_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void dir_make(void)
{
    cr_assert_not_null(mkdtemp(dir_path));
    cr_assert_eq(os_open_dir(AT_FDCWD, dir_path, &dir, NULL), ST_OK);
}

static void dir_remove(void)
{
    (void)os_fault_set(0, 0);
    os_close(&dir);
    tree_remove(dir_path);
}

struct file_bytes {
    uint8_t *data;
    size_t len;
};

static inline struct file_bytes file_get(const char *name)
{
    struct file_bytes f = {0};
    struct err err = {0};
    cr_assert_eq(os_read_file(dir, name, (size_t)64 << 20, &f.data, &f.len, &err), ST_OK, "%s",
                 err.text);
    return f;
}

static inline void file_put(const char *name, const uint8_t *data, size_t len)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static inline bool file_is_there(const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- cases ---- */

static char case_path[128], key_path[128];

/* The paths of a case and its key in the directory; nothing is made. */
static inline void case_name(const char *name)
{
    snprintf(case_path, sizeof case_path, "%s/%s", dir_path, name);
    snprintf(key_path, sizeof key_path, "%s/%s.key", dir_path, name);
}

static inline const char *case_key_path(bool plain) { return plain ? NULL : key_path; }

static inline void case_make(const char *name, bool plain)
{
    struct err err = {0};
    case_name(name);
    cr_assert_eq(casefile_create(case_path, case_key_path(plain), "words/1", &err), ST_OK, "%s",
                 err.text);
}

static inline enum status case_try(bool plain, enum casefile_mode mode, struct casefile **c,
                                   struct err *err)
{
    return casefile_open(case_path, case_key_path(plain), mode, 1 << 20, c, err);
}

static inline struct casefile *case_get(bool plain, enum casefile_mode mode)
{
    struct casefile *c = NULL;
    struct err err = {0};
    cr_assert_eq(case_try(plain, mode, &c, &err), ST_OK, "%s", err.text);
    return c;
}

/* A finished quarantine file with one line. */
static inline struct file_seal quarantine_make(struct casefile *c, const char *text)
{
    struct quarantine_writer *w = NULL;
    struct file_seal seal = {0};
    struct quarantine_line l = {.dump_name = slice_str("dump-1"),
                                .line = 17,
                                .fault = slice_str("not-json"),
                                .bytes = slice_str(text)};
    memset(l.dump_sha256, 9, sizeof l.dump_sha256);
    cr_assert_eq(quarantine_writer_open(c, &w, NULL), ST_OK);
    cr_assert_eq(quarantine_add(w, &l, NULL), ST_OK);
    cr_assert_eq(quarantine_writer_finish(w, &seal, NULL), ST_OK);
    return seal;
}

/* A manifest after the present one that names one quarantine file more. */
static inline struct manifest *manifest_with(struct casefile *c, const struct file_seal *seal)
{
    struct manifest *m = NULL;
    cr_assert_eq(manifest_copy(casefile_manifest(c), &m, NULL), ST_OK);
    m->quarantine = realloc(m->quarantine, (m->n_quarantine + 1) * sizeof *m->quarantine);
    m->quarantine[m->n_quarantine++] = *seal;
    m->quarantined++;
    return m;
}

/* A commit that makes nothing but one quarantine file; needs no segment. */
static inline enum status case_commit_line(struct casefile *c, const char *text, struct err *err)
{
    struct ledger_dump d = {.name = slice_str("dump-1"), .bytes = 100, .state = DUMP_COMPLETE};
    struct file_seal seal = quarantine_make(c, text);
    return casefile_commit(c, manifest_with(c, &seal), LEDGER_ADD, &d, 1, err);
}

static inline uint64_t case_generation(bool plain)
{
    struct casefile *c = case_get(plain, CASE_READ);
    uint64_t g = casefile_manifest(c)->generation;
    casefile_close(c);
    return g;
}

static inline void damage_count(void *ctx, const char *file, const char *what)
{
    snprintf(ctx, 256, "%s: %s", file, what);
}

/* Damages that verify finds; the last one in `last`. */
static inline uint64_t case_damages(bool plain, char last[256])
{
    struct casefile *c = case_get(plain, CASE_VERIFY);
    uint64_t n = 0;
    last[0] = 0;
    cr_assert_eq(casefile_verify(c, damage_count, last, &n, NULL), ST_OK);
    casefile_close(c);
    return n;
}

static inline void expect_refused(bool plain, const char *file, const char *what, size_t n)
{
    struct casefile *c = NULL;
    struct err err = {0};
    enum status st = case_try(plain, CASE_READ, &c, &err);
    cr_assert_eq(st, ST_DAMAGED, "%s, %s %zu: %d %s", file, what, n, st, err.text);
}

#endif
