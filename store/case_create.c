/* case_create — makes a case. Everything that can be refused is looked at before anything is made;
 * CASE is written last, so that a directory is a case only when it is whole; what was made is
 * removed again when a later step fails. */
#include "store/case_private.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/os.h"
#include "lictor/query_log.h"

struct creation {
    const char *dir;
    struct casefile c;
    struct case_lock lock;
    bool made_dir;
};

static enum status refuse_dir(const char *dir, bool *exists, struct err *err)
{
    char **names = NULL;
    size_t n = 0;
    enum status st = os_list(AT_FDCWD, dir, &names, &n, err);
    if (st == ST_NOT_FOUND) {
        *exists = false;
        return ST_OK;
    }
    if (st != ST_OK)
        return st;
    os_list_free(names, n);
    *exists = true;
    if (n)
        return err_set(err, ST_USAGE, "%s exists and is not empty", dir);
    return ST_OK;
}

static enum status make_keys(struct creation *n, const struct case_secret *secret, struct err *err)
{
    struct casefile *c = &n->c;
    TRY(seal_ready(err));
    TRY(os_random(c->id, sizeof c->id, err));
    TRY(case_lock_make(secret, c->id, &n->lock, err));
    n->lock.way.generation = 1;
    c->key.plain = n->lock.way.method == CASE_PLAIN;
    if (c->key.plain)
        return ST_OK;
    TRY(case_key_new(&c->key.key, err));
    return os_random(c->key.key, SEAL_KEY_SIZE, err);
}

static enum status make_dirs(struct creation *n, bool exists, struct err *err)
{
    struct casefile *c = &n->c;
    if (!exists) {
        TRY(os_mkdir(AT_FDCWD, n->dir, 0700, err));
        n->made_dir = true;
    }
    TRY(os_open_dir(AT_FDCWD, n->dir, &c->dir, err));
    TRY(os_mkdir(c->dir, "segments", 0700, err));
    return os_mkdir(c->dir, "quarantine", 0700, err);
}

static enum status make_file(int dir, const char *name, struct slice bytes, struct err *err)
{
    int fd = -1;
    TRY(os_create(dir, name, 0600, &fd, err));
    enum status st = ST_OK;
    if (bytes.len)
        st = os_write(fd, bytes.data, bytes.len, err);
    if (st == ST_OK)
        st = os_fsync(fd, err);
    os_close(&fd);
    return st;
}

static enum status make_case(struct creation *n, const char *words_version, struct err *err)
{
    struct casefile *c = &n->c;
    struct buf bytes = {0};
    enum status st = case_encode(&n->lock, &c->key, c->id, words_version, &bytes, err);
    if (st == ST_OK)
        st = make_file(c->dir, "CASE.tmp", buf_slice(&bytes), err);
    buf_release(&bytes);
    if (st == ST_OK)
        st = os_rename(c->dir, "CASE.tmp", "CASE", err);
    return st;
}

static enum status make_query_log(const struct casefile *c, struct err *err)
{
    struct query_log *l = NULL;
    TRY(query_log_open(c, NULL, QUERY_LOG_APPEND, &l, err));
    enum status st = os_fsync(query_log_fd(l), err);
    query_log_close(l);
    return st;
}

static enum status make_files(struct creation *n, const char *words_version, struct err *err)
{
    struct casefile *c = &n->c;
    struct manifest first = {.generation = 1};
    struct ledger_pos start = {0};
    TRY(make_file(c->dir, "lock", (struct slice){0}, err));
    TRY(make_file(c->dir, "ledger", (struct slice){0}, err));
    TRY(ledger_append(c, &start, LEDGER_INIT, NULL, 0, &first, err));
    TRY(manifest_write(c, &first, err));
    TRY(make_query_log(c, err));
    TRY(make_case(n, words_version, err));
    TRY(os_fsync(c->dir, err));
    return case_parent_sync(n->dir, err);
}

/* Best effort, beside the seam: the cause of the failure has been told, and a second one would only
 * hide it. */
static void creation_undo(const struct creation *n)
{
    static const char *const files[] = {"CASE",         "CASE.tmp", "MANIFEST",    "ledger",
                                        "MANIFEST.tmp", "lock",     QUERY_LOG_NAME};
    if (n->c.dir >= 0) {
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            (void)unlinkat(n->c.dir, files[i], 0);
        (void)unlinkat(n->c.dir, "segments", AT_REMOVEDIR);
        (void)unlinkat(n->c.dir, "quarantine", AT_REMOVEDIR);
    }
    if (n->made_dir)
        (void)rmdir(n->dir);
}

enum status casefile_make(const char *dir, const struct case_secret *secret,
                          const char *words_version, struct err *err)
{
    struct creation n = {.dir = dir, .c = {.dir = -1}};
    bool exists = false;
    TRY(refuse_dir(dir, &exists, err));
    enum status st = make_keys(&n, secret, err);
    if (st == ST_OK)
        st = make_dirs(&n, exists, err);
    if (st == ST_OK)
        st = make_files(&n, words_version, err);
    if (st != ST_OK)
        creation_undo(&n);
    os_close(&n.c.dir);
    sodium_free(n.c.key.key);
    case_lock_release(&n.lock, st != ST_OK);
    return st;
}

enum status casefile_create(const char *dir, const char *key_file, const char *words_version,
                            struct err *err)
{
    return casefile_make(dir, &(struct case_secret){.key_file = key_file}, words_version, err);
}
