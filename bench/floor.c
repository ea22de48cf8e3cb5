/* floor — what no indexer can go below: every dump of a delivery opened and inflated, as many at a
 * time as there are threads, by the same code that `add` opens and inflates with. Nothing is
 * hashed, parsed or kept. */
#include "bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/pin.h"
#include "lictor/age.h"
#include "lictor/inflate.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define FIRST_BYTES ((size_t)16 << 10)
#define READ_SIZE ((size_t)1 << 20)
#define IDENTITY_MAX ((size_t)1 << 20)

/* ---- which dumps ---- */

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* *out: "dir/name" if that is there, else NULL. */
static enum status beside(const char *dir, const char *name, char **out, struct err *err)
{
    char *path = path_join(dir, name);
    if (!path)
        return err_no_memory(err);
    if (access(path, F_OK) != 0) {
        free(path);
        path = NULL;
    }
    *out = path;
    return ST_OK;
}

static enum status find_parts(const struct measure_options *o, struct delivery *d, struct err *err)
{
    if (o->n_rest == 1 && is_dir(o->rest[0])) {
        TRY(beside(o->rest[0], "dumps", &d->dumps_dir, err));
        if (d->dumps_dir) {
            TRY(beside(o->rest[0], "case.agekey", &d->identity, err));
            TRY(beside(o->rest[0], "body.keys", &d->body_keys, err));
        }
    }
    TRY(walk_args(d->dumps_dir ? &d->dumps_dir : o->rest, d->dumps_dir ? 1 : o->n_rest, &d->dumps,
                  err));
    for (size_t i = 0; i < d->dumps.n; i++) {
        const struct walk_item *it = &d->dumps.items[i];
        if (it->problem)
            return err_set(err, ST_IO, "%s: %s", it->path, it->problem);
        if (strcmp(it->path, "-") == 0)
            return err_set(err, ST_USAGE,
                           "standard input cannot be measured: it is read more than once");
    }
    if (d->dumps.n == 0)
        return err_set(err, ST_USAGE, "%s: no dump in it", o->rest[0]);
    return ST_OK;
}

enum status delivery_find(const struct measure_options *o, struct delivery *d, struct err *err)
{
    *d = (struct delivery){0};
    enum status st = find_parts(o, d, err);
    if (st != ST_OK)
        delivery_release(d);
    return st;
}

void delivery_release(struct delivery *d)
{
    walk_release(&d->dumps);
    free(d->dumps_dir);
    free(d->identity);
    free(d->body_keys);
    *d = (struct delivery){0};
}

/* ---- opening them ---- */

struct floor {
    const struct walk_list *dumps;
    struct age_identities *ids;
    uint64_t *raw; /* one a dump */
};

static enum status file_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err)
{
    return os_read(*(int *)ctx, buf, cap, got, err);
}

static enum status inflate_some(struct inflate *z, struct slice in, uint64_t *raw, struct err *err)
{
    struct slice out;
    do {
        TRY(inflate_next(z, &in, &out, err));
        *raw += out.len;
    } while (in.len || out.len);
    return ST_OK;
}

static enum status inflate_rest(struct inflate *z, uint64_t *raw, struct err *err)
{
    struct slice out;
    enum status st;
    while ((st = inflate_finish(z, &out, err)) == ST_OK)
        *raw += out.len;
    return st == ST_END ? ST_OK : st;
}

static enum status pass_age(struct age_reader *r, struct inflate *z, uint64_t *raw, struct err *err)
{
    struct slice chunk;
    enum status st;
    while ((st = age_reader_next(r, &chunk, err)) == ST_OK)
        TRY(inflate_some(z, chunk, raw, err));
    return st == ST_END ? ST_OK : st;
}

static enum status pass_plain(int fd, uint8_t *buf, struct inflate *z, uint64_t *raw,
                              struct err *err)
{
    for (;;) {
        size_t got;
        TRY(os_read(fd, buf, READ_SIZE, &got, err));
        if (got == 0)
            return ST_OK;
        TRY(inflate_some(z, slice_of(buf, got), raw, err));
    }
}

static enum status open_one(const struct floor *f, int fd, uint8_t *buf, struct inflate *z,
                            uint64_t *raw, struct err *err)
{
    size_t got;
    TRY(os_read(fd, buf, FIRST_BYTES, &got, err));
    if (lseek(fd, 0, SEEK_SET) != 0)
        return err_errno(err, errno, "cannot be read again");
    if (!age_recognise(slice_of(buf, got))) {
        TRY(pass_plain(fd, buf, z, raw, err));
        return inflate_rest(z, raw, err);
    }
    struct byte_source src = {.ctx = &fd, .read = file_read};
    struct age_reader *r = NULL;
    TRY(age_reader_open(src, f->ids, &r, err));
    enum status st = pass_age(r, z, raw, err);
    age_reader_close(r);
    return st == ST_OK ? inflate_rest(z, raw, err) : st;
}

static enum status floor_one(void *ctx, size_t i, struct err *err)
{
    struct floor *f = ctx;
    const char *path = f->dumps->items[i].path;
    struct inflate *z = NULL;
    uint8_t *buf = NULL;
    int fd = -1;
    if (stop_asked())
        return err_set(err, ST_INTERRUPTED, "interrupted");
    f->raw[i] = 0;
    enum status st = os_open_read(AT_FDCWD, path, &fd, err);
    if (st != ST_OK)
        return st;
    st = inflate_new(&z, err);
    if (st == ST_OK && !(buf = malloc(READ_SIZE)))
        st = err_no_memory(err);
    if (st == ST_OK) {
        inflate_reset(z, NULL);
        st = open_one(f, fd, buf, z, &f->raw[i], err);
        if (st != ST_OK)
            err_prefix(err, "%s", path);
    }
    free(buf);
    inflate_free(z);
    os_close(&fd);
    return st;
}

static enum status load_identity(struct age_identities *ids, const char *path, struct err *err)
{
    uint8_t *data;
    size_t len;
    TRY(os_read_secret(path, IDENTITY_MAX, &data, &len, err));
    enum status st = age_identities_add(ids, slice_of(data, len), path, err);
    os_secret_free(data, len + 1);
    return st;
}

static enum status load_identities(const struct measure_options *o, const struct delivery *d,
                                   struct age_identities **ids, struct err *err)
{
    TRY(age_identities_new(ids, err));
    for (int i = 0; i < o->n_identities; i++)
        TRY(load_identity(*ids, o->identities[i], err));
    return o->n_identities == 0 && d->identity ? load_identity(*ids, d->identity, err) : ST_OK;
}

static enum status run_times(struct floor *f, unsigned threads, unsigned times,
                             struct floor_result *r, struct err *err)
{
    for (unsigned t = 0; t < times; t++) {
        int64_t started = os_monotonic_us();
        TRY(thread_each(threads, f->dumps->n, floor_one, f, err));
        int64_t took = os_monotonic_us() - started;
        if (r->wall_us == 0 || took < r->wall_us)
            r->wall_us = took;
    }
    r->raw_bytes = 0;
    for (size_t i = 0; i < f->dumps->n; i++)
        r->raw_bytes += f->raw[i];
    return ST_OK;
}

enum status floor_run(const struct measure_options *o, const struct delivery *d, unsigned threads,
                      unsigned times, struct floor_result *r, struct err *err)
{
    struct floor f = {.dumps = &d->dumps, .raw = calloc(d->dumps.n, sizeof *f.raw)};
    cpu_set_t before, set;
    *r = (struct floor_result){0};
    enum status st = f.raw ? load_identities(o, d, &f.ids, err) : err_no_memory(err);
    bool pinned = st == ST_OK && sched_getaffinity(0, sizeof before, &before) == 0 &&
                  pin_set(threads, &set) && sched_setaffinity(0, sizeof set, &set) == 0;
    if (st == ST_OK)
        st = run_times(&f, threads, times, r, err);
    if (pinned)
        (void)sched_setaffinity(0, sizeof before, &before);
    age_identities_free(f.ids);
    free(f.raw);
    return st;
}

int cmd_floor(const struct measure_options *o)
{
    struct delivery d;
    struct floor_result r;
    struct figures f;
    struct err err = {0};
    unsigned threads = o->threads ? o->threads : os_cpus();
    enum status st = delivery_find(o, &d, &err);
    if (st == ST_OK) {
        measure_note("opening and inflating, three times");
        st = floor_run(o, &d, threads, 3, &r, &err);
    }
    if (st != ST_OK) {
        delivery_release(&d);
        err.status = st;
        return measure_fail(&err);
    }
    double wall = (double)r.wall_us / 1e6;
    figures_begin(&f, o->json, "floor");
    figure_count(&f, "threads", "threads", threads);
    figure_count(&f, "dumps", "dumps", d.dumps.n);
    figure_count(&f, "dump_bytes", "bytes of the dumps", d.dumps.bytes);
    figure_count(&f, "raw_bytes", "bytes of NDJSON", r.raw_bytes);
    figure_real(&f, "floor_s", "open and inflate, best of 3", wall, "s");
    figure_real(&f, "raw_mb_per_s", "NDJSON", figure_ratio((double)r.raw_bytes / 1e6, wall),
                "MB/s");
    delivery_release(&d);
    return figures_print(&f);
}
