/* scratch — a directory for what a measurement writes, gone when it ends; and whether there is room
 * for it before hours are spent. */
#include "bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define OPEN_DIRS 16

char *path_join(const char *dir, const char *name)
{
    struct buf b = {0};
    struct err err = {0};
    buf_printf(&b, "%s/%s", dir, name);
    buf_put_u8(&b, 0);
    if (buf_status(&b, &err) == ST_OK)
        return (char *)b.data;
    buf_release(&b);
    return NULL;
}

enum status scratch_room(const char *path, uint64_t need, struct err *err)
{
    struct statvfs fs;
    char want[24], have[24];
    if (statvfs(path, &fs) != 0)
        return err_errno(err, errno, "%s", path);
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (room >= need)
        return ST_OK;
    cli_bytes_text(need, want);
    cli_bytes_text(room, have);
    return err_set(err, ST_IO,
                   "%s: %s are free, this needs about %s: make room or name another directory with "
                   "--scratch",
                   path, have, want);
}

enum status scratch_make(const struct measure_options *o, uint64_t need, char **path,
                         struct err *err)
{
    const char *base = o->scratch ? o->scratch : getenv("TMPDIR");
    if (!base || !*base)
        base = "/tmp";
    TRY(scratch_room(base, need, err));
    char *name = path_join(base, "lictor-bench-XXXXXX");
    if (!name)
        return err_no_memory(err);
    if (!mkdtemp(name)) {
        enum status st = err_errno(err, errno, "%s: no directory can be made in it", base);
        free(name);
        return st;
    }
    *path = name;
    return ST_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)at;
    /* what cannot be removed is said once, by the directory that stays */
    if ((type == FTW_DP ? rmdir(path) : unlink(path)) != 0 && at->level == 0)
        cli_error(BENCH_PROGRAM, "the scratch directory could not be removed whole");
    return 0;
}

void scratch_remove(char *path)
{
    if (path)
        (void)nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
    free(path);
}

static uint64_t tree_sum; /* nftw has no context; one thread measures */

static int sum_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)path, (void)at;
    if (type == FTW_F)
        tree_sum += (uint64_t)st->st_size;
    return 0;
}

enum status tree_bytes(const char *dir, uint64_t *bytes, struct err *err)
{
    tree_sum = 0;
    if (nftw(dir, sum_one, OPEN_DIRS, FTW_PHYS) != 0)
        return err_errno(err, errno, "%s", dir);
    *bytes = tree_sum;
    return ST_OK;
}
