/* generate — the whole of `lictor-bench generate`: keys, world, all holders on some threads, truth.
 * Holders are handed out heaviest first; what each writes depends on nothing but itself, so the
 * number of threads changes no byte. */
#include "bench/gen.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lictor/age.h"
#include "lictor/chan.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define UNITS_MAX 2048 /* tallies held at once */

struct session {
    struct gen_run_env env;
    struct tally *tallies;
    uint32_t *order; /* holders, heaviest first */
    size_t units;
    unsigned threads;
    struct err err;
    enum status status;
};

void dump_name(const struct gen_options *o, uint32_t dump, char out[48])
{
    snprintf(out, 48, "part-%04u.ndjson%s%s", dump + 1, o->zstd ? ".zst" : "",
             o->age ? ".age" : "");
}

static enum status run_unit(void *arg, size_t i, struct err *err)
{
    struct session *s = arg;

    for (size_t h = i; h < s->env.w->n_holders; h += s->units)
        TRY(holder_run(&s->env, s->order[h], &s->tallies[i], err));
    return ST_OK;
}

static void run_all(void *arg)
{
    struct session *s = arg;

    s->status = thread_each(s->threads, s->units, run_unit, s, &s->err);
    chan_close(s->env.progress);
}

static const struct holder *sorted_holders; /* qsort has no context; set by one thread */

static int heavier(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t p = sorted_holders[x].weight, q = sorted_holders[y].weight;

    if (p != q)
        return p > q ? -1 : 1;
    return x < y ? -1 : 1;
}

static enum status path_of(const struct gen_options *o, const char *given, const char *name,
                           struct buf *out, struct err *err)
{
    buf_clear(out);
    if (given)
        buf_put_str(out, given);
    else
        buf_printf(out, "%s/%s", o->dir, name);
    buf_put_u8(out, 0);
    return buf_status(out, err);
}

static enum status write_file(const char *path, const char *text, struct err *err)
{
    int fd = -1;

    TRY(os_create(AT_FDCWD, path, 0600, &fd, err));
    enum status st = os_write(fd, text, strlen(text), err);
    os_close(&fd);
    return st;
}

/* The identity follows from the seed: these dumps protect nothing. */
static enum status make_identity(const struct gen_options *o, uint64_t key, struct buf *path,
                                 struct age_recipients **to, struct err *err)
{
    char identity[AGE_IDENTITY_SIZE], recipient[AGE_RECIPIENT_SIZE], text[256];
    uint8_t seed[32];

    if (!o->age)
        return ST_OK;
    for (unsigned i = 0; i < 4; i++)
        store_u64(seed + 8 * i, rng_at(key ^ 0x49444e54, i));
    TRY(age_keygen(seed, identity, recipient, err));
    snprintf(text, sizeof(text), "# synthetic delivery, test key\n# public key: %s\n%s\n",
             recipient, identity);
    TRY(path_of(o, o->key, "case.agekey", path, err));
    TRY(write_file((const char *)path->data, text, err));
    TRY(age_recipients_new(to, err));
    return age_recipients_add(*to, recipient, err);
}

static enum status make_keys(const struct world *w, struct buf *path, struct age_recipients **to,
                             struct err *err)
{
    TRY(path_of(w->o, w->o->body_keys, "body.keys", path, err));
    TRY(seal_keys_write(w, (const char *)path->data, err));
    return make_identity(w->o, w->key, path, to, err);
}

static enum status session_run(struct session *s, struct tally *sum, struct err *err)
{
    struct world *w = s->env.w;
    struct cli_progress progress;
    struct thread *thread = NULL;
    uint64_t records = 0, expected = 0;

    s->units = w->n_holders < UNITS_MAX ? w->n_holders : UNITS_MAX;
    s->tallies = calloc(s->units, sizeof(*s->tallies));
    s->order = calloc(w->n_holders, sizeof(*s->order));
    if (!s->tallies || !s->order)
        return err_no_memory(err);
    for (uint32_t h = 0; h < w->n_holders; h++) {
        s->order[h] = h;
        expected += w->holders[h].weight;
    }
    sorted_holders = w->holders;
    qsort(s->order, w->n_holders, sizeof(*s->order), heavier);
    TRY(chan_new(64, &s->env.progress, err));
    TRY(thread_start(run_all, s, &thread, err));
    cli_progress_begin(&progress, w->o->progress, "generating");
    for (void *n; (n = chan_recv(s->env.progress)) != NULL;) {
        records += (uintptr_t)n;
        /* About 240 bytes a record: an estimate, for the share done and the time left. */
        cli_progress_step(&progress, records * 240, (expected < records ? records : expected) * 240,
                          records);
    }
    cli_progress_end(&progress);
    thread_join(thread);
    if (s->status != ST_OK) {
        *err = s->err;
        return s->status;
    }
    for (size_t i = 0; i < s->units; i++)
        tally_add(sum, &s->tallies[i]);
    return ST_OK;
}

static enum status generate_in(struct session *s, const struct gen_options *o, struct tally *sum,
                               struct buf *path, struct age_recipients **to, struct err *err)
{
    struct lexis *l = NULL;

    if (o->n_texts) {
        TRY(make_identity(o, rng_mix(o->seed), path, to, err));
        TRY(path_of(o, o->truth, "truth.json", path, err));
        return generate_lines(o, *to, (const char *)path->data, sum, err);
    }
    TRY(world_new(o, &s->env.w, err));
    TRY(lexis_new(o->ascii, &l, err));
    s->env.l = l;
    TRY(make_keys(s->env.w, path, to, err));
    s->env.to = *to;
    s->threads = o->threads ? o->threads : 1;
    TRY(session_run(s, sum, err));
    TRY(path_of(o, o->truth, "truth.json", path, err));
    return truth_write(s->env.w, s->env.l, sum, (const char *)path->data, err);
}

/* The dumps lie apart from keys and truth: a reader is given their directory and nothing else. */
static enum status make_dirs(const char *dir, struct buf *path, struct err *err)
{
    char **names = NULL;
    size_t n = 0;
    struct stat st;

    if (stat(dir, &st) != 0) {
        TRY(os_mkdir(AT_FDCWD, dir, 0700, err));
    } else {
        TRY(os_list(AT_FDCWD, dir, &names, &n, err));
        os_list_free(names, n);
        if (n > 0)
            return err_set(err, ST_USAGE, "%s: not empty; name a new directory", dir);
    }
    buf_printf(path, "%s/dumps", dir);
    buf_put_u8(path, 0);
    TRY(buf_status(path, err));
    return os_mkdir(AT_FDCWD, (const char *)path->data, 0700, err);
}

enum status generate(const struct gen_options *o, struct tally *sum, struct err *err)
{
    struct session s = {0};
    struct tally *total = calloc(1, sizeof(*total));
    struct age_recipients *to = NULL;
    struct buf path = {0};

    if (!total)
        return err_no_memory(err);
    enum status st = sodium_init() < 0 ? err_set(err, ST_IO, "libsodium does not start") : ST_OK;
    if (st == ST_OK)
        st = make_dirs(o->dir, &path, err);
    if (st == ST_OK)
        st = generate_in(&s, o, total, &path, &to, err);
    if (st == ST_OK && sum)
        *sum = *total;
    age_recipients_free(to);
    chan_free(s.env.progress);
    lexis_free((struct lexis *)(uintptr_t)s.env.l);
    world_free(s.env.w);
    free(s.tallies);
    free(s.order);
    buf_release(&path);
    free(total);
    return st;
}
