/* Unit tests of os: files, secrets, locks, the fault counter. Each test works in a directory of
 * its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lictor/os.h"

static char dir_path[] = P_tmpdir "/lictor-test-XXXXXX";
static int dir = -1;

static void dir_make(void)
{
    cr_assert_not_null(mkdtemp(dir_path));
    cr_assert_eq(os_open_dir(AT_FDCWD, dir_path, &dir, NULL), ST_OK);
}

static void dir_remove(void)
{
    char **names = NULL;
    size_t n = 0;
    (void)os_fault_set(0, 0);
    if (os_list(dir, ".", &names, &n, NULL) == ST_OK) {
        for (size_t i = 0; i < n; i++)
            if (unlinkat(dir, names[i], 0) != 0)
                unlinkat(dir, names[i], AT_REMOVEDIR);
        os_list_free(names, n);
    }
    os_close(&dir);
    rmdir(dir_path);
}

TestSuite(os, .init = dir_make, .fini = dir_remove);

static void file_make(const char *name, const char *text, mode_t mode)
{
    int fd = -1;
    cr_assert_eq(os_create(dir, name, 0600, &fd, NULL), ST_OK);
    cr_assert_eq(os_write(fd, text, strlen(text), NULL), ST_OK);
    cr_assert_eq(fchmod(fd, mode), 0);
    os_close(&fd);
    cr_assert_eq(fd, -1);
}

static const char *path_of(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", dir_path, name);
    return out;
}

Test(os, reads_back_what_it_wrote_at_any_place)
{
    int fd = -1;
    struct err err = {0};
    cr_assert_eq(os_create(dir, "f", 0600, &fd, &err), ST_OK);
    cr_assert_eq(os_write(fd, "0123456789", 10, &err), ST_OK);
    cr_assert_eq(os_write_at(fd, "xy", 2, 4, &err), ST_OK);
    cr_assert_eq(os_fsync(fd, &err), ST_OK);
    char got[16] = {0};
    cr_assert_eq(os_read_at(fd, got, 5, 3, &err), ST_OK);
    cr_assert_str_eq(got, "3xy67");
    uint64_t size = 0;
    cr_assert_eq(os_size(fd, &size, &err), ST_OK);
    cr_assert_eq(size, 10);
    cr_assert_eq(os_truncate(fd, 4, &err), ST_OK);
    cr_assert_eq(os_read_at(fd, got, 5, 0, &err), ST_DAMAGED, "the file is short now");
    cr_assert_not_null(strstr(err.text, "f is too short"));
    cr_assert_eq(os_read_at(fd, got, 5, UINT64_MAX, &err), ST_DAMAGED);
    os_close(&fd);

    cr_assert_eq(os_open_read(dir, "f", &fd, &err), ST_OK);
    size_t len = 0;
    cr_assert_eq(os_read(fd, got, sizeof got, &len, &err), ST_OK);
    cr_assert_eq(len, 4);
    os_close(&fd);
}

Test(os, append_goes_to_the_end_and_keeps_what_is_there)
{
    int fd = -1;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(os_open_append(dir, "log", 0600, &fd, NULL), ST_OK);
        cr_assert_eq(os_write(fd, "ab", 2, NULL), ST_OK);
        os_close(&fd);
    }
    uint8_t *data = NULL;
    size_t len = 0;
    cr_assert_eq(os_read_file(dir, "log", 100, &data, &len, NULL), ST_OK);
    cr_assert(slice_eq_str(slice_of(data, len), "abab"));
    free(data);
}

Test(os, names_the_path_and_tells_missing_from_refused)
{
    int fd = -1;
    struct err err = {0};
    cr_assert_eq(os_open_read(dir, "nothing", &fd, &err), ST_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "nothing"));
    cr_assert_eq(os_unlink(dir, "nothing", &err), ST_NOT_FOUND);
    cr_assert_eq(os_rename(dir, "nothing", "else", &err), ST_NOT_FOUND);
    file_make("there", "", 0600);
    cr_assert_eq(os_create(dir, "there", 0600, &fd, &err), ST_IO);
    cr_assert_eq(os_mkdir(dir, "there", 0700, &err), ST_IO);
    cr_assert_eq(os_open_dir(dir, "there", &fd, &err), ST_IO);
    cr_assert_eq(fd, -1);
}

Test(os, renames_replaces_and_removes)
{
    file_make("new", "new", 0600);
    file_make("old", "old", 0600);
    cr_assert_eq(os_rename(dir, "new", "old", NULL), ST_OK);
    uint8_t *data = NULL;
    size_t len = 0;
    cr_assert_eq(os_read_file(dir, "old", 3, &data, &len, NULL), ST_OK);
    cr_assert(slice_eq_str(slice_of(data, len), "new"));
    free(data);
    cr_assert_eq(os_unlink(dir, "old", NULL), ST_OK);
    cr_assert_eq(os_read_file(dir, "old", 3, &data, &len, NULL), ST_NOT_FOUND);
}

Test(os, a_whole_file_is_read_up_to_its_limit)
{
    file_make("f", "12345", 0600);
    file_make("empty", "", 0600);
    uint8_t *data = NULL;
    size_t len = 9;
    cr_assert_eq(os_read_file(dir, "f", 4, &data, &len, NULL), ST_LIMIT);
    cr_assert_null(data);
    cr_assert_eq(os_read_file(dir, "f", 5, &data, &len, NULL), ST_OK);
    cr_assert_eq(len, 5);
    free(data);
    cr_assert_eq(os_read_file(dir, "empty", 0, &data, &len, NULL), ST_OK);
    cr_assert_not_null(data);
    cr_assert_eq(len, 0);
    free(data);
    data = NULL;
    /* Its size says 0, its bytes never end. */
    cr_assert_eq(os_read_file(AT_FDCWD, "/dev/zero", 300000, &data, &len, NULL), ST_LIMIT);
    cr_assert_eq(os_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &len, NULL), ST_OK);
    cr_assert_gt(len, 100);
    free(data);
}

/* Whether a place is in memory that is left out of core dumps (mlock does nothing under sanitizers,
 * so that it cannot be asked for). */
static bool never_dumped(const void *place)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false, yes = false;
    cr_assert_not_null(f);
    while (fgets(line, sizeof line, f)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            here = (uintptr_t)place >= from && (uintptr_t)place < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            yes |= strstr(line, " dd") != NULL;
    }
    (void)fclose(f);
    return yes;
}

Test(os, a_secret_open_to_others_is_refused)
{
    char path[128];
    uint8_t *data = NULL;
    size_t len = 0;
    static const mode_t open_modes[] = {0640, 0620, 0604, 0602, 0644, 0666};
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        file_make("key", "secret", open_modes[i]);
        struct err err = {0};
        cr_assert_eq(os_read_secret(path_of("key", path), 100, &data, &len, &err), ST_DENIED);
        cr_assert_not_null(strstr(err.text, "open to others"));
        cr_assert_eq(os_unlink(dir, "key", NULL), ST_OK);
    }
    file_make("key", "secret", 0600);
    cr_assert_eq(os_read_secret(path_of("key", path), 100, &data, &len, NULL), ST_OK);
    cr_assert(slice_eq_str(slice_of(data, len), "secret"));
    cr_assert_eq(data[len], 0);
    cr_assert_eq((uintptr_t)data % 4096, 0u, "pages of its own");
    cr_assert(never_dumped(data), "in no core dump: memory for secrets");
    os_secret_free(data, len + 1);
    cr_assert_not(never_dumped(data), "and given back");
    file_make("long", "secret", 0600);
    cr_assert_eq(os_read_secret(path_of("long", path), 5, &data, &len, NULL), ST_LIMIT);
    cr_assert_eq(os_read_secret(path_of("missing", path), 100, &data, &len, NULL), ST_NOT_FOUND);
}

Test(os, a_secret_must_be_a_regular_file, .timeout = 30)
{
    char path[128];
    uint8_t *data = NULL;
    size_t len = 0;
    cr_assert_eq(mkfifo(path_of("pipe", path), 0600), 0);
    cr_assert_eq(os_read_secret(path, 100, &data, &len, NULL), ST_DENIED);
    cr_assert_eq(os_read_secret(dir_path, 100, &data, &len, NULL), ST_DENIED);
}

Test(os, a_lock_keeps_a_second_opener_out_until_it_is_closed)
{
    file_make("lock", "", 0600);
    int first = -1, second = -1;
    cr_assert_eq(os_open_read(dir, "lock", &first, NULL), ST_OK);
    cr_assert_eq(os_open_read(dir, "lock", &second, NULL), ST_OK);
    cr_assert_eq(os_lock(first, NULL), ST_OK);
    cr_assert_eq(os_lock(second, NULL), ST_LOCKED);
    os_close(&first);
    cr_assert_eq(os_lock(second, NULL), ST_OK);
    os_close(&second);
}

Test(os, lists_names_in_byte_order)
{
    file_make("b", "", 0600);
    file_make("a", "", 0600);
    file_make(".hidden", "", 0600);
    file_make("B", "", 0600);
    char **names = NULL;
    size_t n = 0;
    cr_assert_eq(os_list(dir, ".", &names, &n, NULL), ST_OK);
    cr_assert_eq(n, 4);
    cr_assert_str_eq(names[0], ".hidden");
    cr_assert_str_eq(names[1], "B");
    cr_assert_str_eq(names[2], "a");
    cr_assert_str_eq(names[3], "b");
    os_list_free(names, n);
    cr_assert_eq(os_list(dir, "missing", &names, &n, NULL), ST_NOT_FOUND);
}

/* One file published as the store does it; every call goes through the seam. */
static enum status publish(struct err *err)
{
    int fd = -1;
    TRY(os_create(dir, "tmp", 0600, &fd, err));
    enum status st = os_write(fd, "data", 4, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    if (st == ST_OK)
        st = os_truncate(fd, 4, err);
    os_close(&fd);
    if (st == ST_OK)
        st = os_rename(dir, "tmp", "done", err);
    if (st == ST_OK)
        st = os_mkdir(dir, "sub", 0700, err);
    if (st == ST_OK)
        st = os_unlink(dir, "done", err);
    return st;
}

static void publish_clear(void)
{
    unlinkat(dir, "tmp", 0);
    unlinkat(dir, "done", 0);
    unlinkat(dir, "sub", AT_REMOVEDIR);
}

Test(os, the_nth_call_fails_and_only_that_one)
{
    (void)os_fault_set(0, 0);
    cr_assert_eq(publish(NULL), ST_OK);
    uint64_t calls = os_fault_set(0, 0);
    cr_assert_eq(calls, 7);
    publish_clear();
    for (uint64_t n = 1; n <= calls; n++) {
        struct err err = {0};
        (void)os_fault_set(n, ENOSPC);
        cr_assert_eq(publish(&err), ST_IO, "call %d", (int)n);
        cr_assert_not_null(strstr(err.text, "No space left"));
        cr_assert_eq(os_fault_set(0, 0), n, "nothing was tried after the failure");
        publish_clear();
    }
    (void)os_fault_set(calls + 1, ENOSPC);
    cr_assert_eq(publish(NULL), ST_OK);
}

Test(os, an_injected_interruption_is_tried_again)
{
    file_make("f", "12345", 0600);
    int fd = -1;
    (void)os_fault_set(1, EINTR);
    cr_assert_eq(os_open_read(dir, "f", &fd, NULL), ST_OK);
    char got[5];
    size_t len = 0;
    (void)os_fault_set(1, EINTR);
    cr_assert_eq(os_read(fd, got, sizeof got, &len, NULL), ST_OK);
    cr_assert_eq(len, 5);
    os_close(&fd);
}

Test(os, a_full_disk_is_told)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    struct err err = {0};
    cr_assert_eq(os_write(fd, "x", 1, &err), ST_IO);
    cr_assert_str_eq(err.text, "cannot write /dev/full: No space left on device");
    os_close(&fd);
}

Test(os, tells_clocks_processors_memory_and_random_bytes)
{
    cr_assert_gt(os_now_ms(), INT64_C(1577836800000));
    int64_t before = os_monotonic_us();
    cr_assert_geq(os_monotonic_us(), before);
    cr_assert_geq(os_cpus(), 1);
    cr_assert_gt(os_peak_memory(), 100000);
    uint8_t a[32], b[32];
    cr_assert_eq(os_random(a, sizeof a, NULL), ST_OK);
    cr_assert_eq(os_random(b, sizeof b, NULL), ST_OK);
    cr_assert_neq(memcmp(a, b, sizeof a), 0);
}

Test(os, a_protected_process_leaves_no_core)
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        os_protect_process();
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    int st = 0;
    cr_assert_eq(waitpid(pid, &st, 0), pid);
    cr_assert(WIFSIGNALED(st));
    cr_assert(!WCOREDUMP(st));
}
