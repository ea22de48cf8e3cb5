/* case_open — opens a case at one generation.
 * A writer repairs first what a killed one left: an entry of the ledger that MANIFEST does not know
 * yet is a commit whose files are durable, so it is finished; a torn entry never was one, so it is
 * cut off. A reader changes nothing: it reads the newest whole generation, and starts again from
 * the new MANIFEST when a writer took files away meanwhile. */
#include "store/case_private.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "lictor/os.h"

/* Each failed try means that a whole commit happened meanwhile. */
#define READER_TRIES 64

/* Of a case that is one, a file that is missing is damage. */
static enum status missing_is_damage(enum status st, struct err *err)
{
    return st == ST_NOT_FOUND ? err_set(err, ST_DAMAGED, "%s", err ? err->text : "") : st;
}

static enum status read_next(struct casefile *c, struct err *err)
{
    free(c->next_bytes);
    c->next_bytes = NULL;
    enum status st =
        os_read_file(c->dir, CASE_NEXT_NAME, CASE_FILE_MAX, &c->next_bytes, &c->next_len, err);
    return st == ST_NOT_FOUND || st == ST_LIMIT ? ST_OK : st;
}

static enum status open_dirs(struct casefile *c, const char *dir, struct err *err)
{
    enum status st = os_open_dir(AT_FDCWD, dir, &c->dir, err);
    if (st == ST_NOT_FOUND)
        return err_set(err, ST_NOT_FOUND, "%s is not a case: it does not exist", dir);
    if (st != ST_OK)
        return st;
    st = os_read_file(c->dir, "CASE", CASE_FILE_MAX, &c->case_bytes, &c->case_len, err);
    if (st == ST_NOT_FOUND)
        return err_set(err, ST_NOT_FOUND, "%s is not a case: there is no file CASE in it", dir);
    if (st == ST_LIMIT)
        return err_set(err, ST_DAMAGED, "%s: CASE is damaged: it is too long", dir);
    if (st == ST_OK)
        st = read_next(c, err);
    if (st == ST_OK)
        st = os_open_dir(c->dir, "segments", &c->segments_dir, err);
    if (st == ST_OK)
        st = os_open_dir(c->dir, "quarantine", &c->quarantine_dir, err);
    if (st != ST_OK)
        err_prefix(err, "%s", dir);
    return missing_is_damage(st, err);
}

static enum status open_case_bytes(struct casefile *c, struct slice bytes,
                                   const struct case_secret *secret, struct err *err)
{
    uint8_t *lock_key = NULL;
    TRY(seal_ready(err));
    TRY(case_peek(bytes, &c->head, err));
    memcpy(c->id, c->head.id, sizeof c->id);
    TRY(case_lock_key(secret, &c->head.way, &lock_key, err));
    enum status st = case_decode(bytes, lock_key, &c->key, &c->words_version, err);
    sodium_free(lock_key);
    return st;
}

/* By CASE; what does not open it may be the new key of a rekey that was interrupted. */
static enum status open_key(struct casefile *c, const struct case_secret *secret, struct err *err)
{
    enum status st = open_case_bytes(c, slice_of(c->case_bytes, c->case_len), secret, err);
    if (st != ST_DENIED || !c->next_bytes)
        return st;
    struct err ignored = {0};
    struct case_head head = c->head;
    c->by_next =
        open_case_bytes(c, slice_of(c->next_bytes, c->next_len), secret, &ignored) == ST_OK &&
        memcmp(head.id, c->head.id, sizeof head.id) == 0;
    return c->by_next ? ST_OK : st;
}

static enum status open_lock(struct casefile *c, struct err *err)
{
    TRY(os_open_append(c->dir, "lock", 0600, &c->lock, err));
    return os_lock(c->lock, err);
}

/* ---- writer ---- */

static enum status finish_commit(struct casefile *c, const struct manifest *m,
                                 const struct manifest *next, struct err *err)
{
    enum status st = case_files_exist(c, next, err);
    if (st != ST_OK) {
        err_prefix(err, "the ledger has generation %llu, but its files are not whole",
                   (unsigned long long)next->generation);
        return st;
    }
    TRY(ledger_renew(c, m, next, err));
    TRY(manifest_write(c, next, err));
    snprintf(c->notes, sizeof c->notes,
             "finished generation %llu, whose commit had been interrupted",
             (unsigned long long)next->generation);
    return ST_OK;
}

static enum status cut_torn(struct casefile *c, const struct manifest *m, struct err *err)
{
    TRY(ledger_cut(c, m, err));
    snprintf(c->notes, sizeof c->notes,
             "cut an unfinished entry off the ledger (a commit after generation %llu had been "
             "interrupted); add the same dumps again",
             (unsigned long long)m->generation);
    return ST_OK;
}

enum status case_load_writing(struct casefile *c, struct err *err)
{
    struct manifest *next = NULL;
    enum ledger_tail tail = LEDGER_TAIL_NONE;
    TRY(open_lock(c, err));
    TRY(read_next(c, err)); /* whoever had the lock may have left it */
    enum status st = os_unlink(c->dir, "MANIFEST.tmp", err);
    if (st != ST_OK && st != ST_NOT_FOUND)
        return st;
    TRY(manifest_read(c, &c->manifest, err));
    TRY(ledger_look_ahead(c, c->manifest, &tail, &next, err));
    if (tail == LEDGER_TAIL_TORN)
        TRY(cut_torn(c, c->manifest, err));
    if (tail == LEDGER_TAIL_ENTRY) {
        st = finish_commit(c, c->manifest, next, err);
        if (st != ST_OK) {
            manifest_free(next);
            return st;
        }
        manifest_free(c->manifest);
        c->manifest = next;
    }
    TRY(case_next_settle(c, err));
    return case_files_sweep(c, c->manifest, err);
}

static enum status load_for_writing(struct casefile *c, struct err *err)
{
    TRY(case_load_writing(c, err));
    TRY(case_segments_open(c, c->manifest, &c->segments, err));
    c->n_open = c->manifest->n_segments;
    return ST_OK;
}

/* ---- reader ---- */

static enum status look_ahead_reading(struct casefile *c, struct err *err)
{
    struct manifest *next = NULL;
    enum ledger_tail tail = LEDGER_TAIL_NONE;
    enum status st = ledger_look_ahead(c, c->manifest, &tail, &next, err);
    /* To be found by casefile_verify, which reads on. */
    if (c->mode == CASE_VERIFY && st == ST_DAMAGED)
        return ST_OK;
    if (c->mode == CASE_VERIFY && st == ST_OK && tail == LEDGER_TAIL_TORN)
        snprintf(c->notes, sizeof c->notes,
                 "the ledger goes on behind its last entry with what is no whole entry: a commit "
                 "that was interrupted, or something that was put there; it counts for nothing, "
                 "and the next `add` or `compact` cuts it off");
    if (st == ST_OK && tail == LEDGER_TAIL_ENTRY) {
        manifest_free(c->manifest);
        c->manifest = next;
    }
    return st;
}

static enum status load_once(struct casefile *c, struct err *err)
{
    TRY(look_ahead_reading(c, err));
    if (c->mode == CASE_VERIFY)
        return ST_OK;
    TRY(case_segments_open(c, c->manifest, &c->segments, err));
    c->n_open = c->manifest->n_segments;
    return case_quarantine_open(c, err);
}

static void unload(struct casefile *c)
{
    case_segments_close(c->segments, c->n_open, NULL, 0);
    c->segments = NULL;
    c->n_open = 0;
    case_quarantine_close(c);
    manifest_free(c->manifest);
    manifest_free(c->staged);
    c->manifest = c->staged = NULL;
}

static enum status load_for_reading(struct casefile *c, struct err *err)
{
    uint64_t generation = 0;
    enum status st = ST_OK;
    for (int i = 0; i < READER_TRIES; i++) {
        struct err read_err = {0};
        enum status read_st = manifest_read(c, &c->manifest, &read_err);
        if (read_st != ST_OK)
            return err_set(err, read_st, "%s", read_err.text);
        MUST(c->manifest);
        /* Nothing has happened since the last try: the damage is real. */
        if (c->manifest->generation == generation)
            return st;
        generation = c->manifest->generation;
        st = load_once(c, err);
        if (st != ST_DAMAGED && st != ST_NOT_FOUND)
            return st;
        unload(c);
    }
    return st;
}

/* ---- both ---- */

static enum status open_all(struct casefile *c, const char *dir, const struct case_secret *secret,
                            size_t cache_bytes, struct err *err)
{
    TRY(open_dirs(c, dir, err));
    enum status st = open_key(c, secret, err);
    if (st == ST_OK)
        st = block_cache_new(cache_bytes, &c->cache, err);
    if (st == ST_OK)
        st = c->mode == CASE_WRITE ? load_for_writing(c, err) : load_for_reading(c, err);
    if (st == ST_OK && c->mode != CASE_WRITE)
        st = case_next_settle(c, err);
    if (st == ST_OK)
        return ST_OK;
    if (st != ST_NO_MEMORY)
        err_prefix(err, "%s", dir);
    return missing_is_damage(st, err);
}

enum status casefile_unlock(const char *dir, const struct case_secret *secret,
                            enum casefile_mode mode, size_t cache_bytes, struct casefile **out,
                            struct err *err)
{
    struct casefile *c = calloc(1, sizeof *c);
    if (!c)
        return err_no_memory(err);
    c->mode = mode;
    c->dir = c->segments_dir = c->quarantine_dir = c->lock = -1;
    enum status st = open_all(c, dir, secret, cache_bytes, err);
    if (st != ST_OK) {
        casefile_close(c);
        return st;
    }
    *out = c;
    return ST_OK;
}

enum status casefile_open(const char *dir, const char *key_file, enum casefile_mode mode,
                          size_t cache_bytes, struct casefile **out, struct err *err)
{
    const struct case_secret secret = {.key_file = key_file};
    return casefile_unlock(dir, &secret, mode, cache_bytes, out, err);
}

enum status casefile_method(const char *dir, enum case_method *out, struct err *err)
{
    struct casefile c = {.dir = -1, .segments_dir = -1, .quarantine_dir = -1};
    enum status st = open_dirs(&c, dir, err);
    if (st == ST_OK)
        st = case_peek(slice_of(c.case_bytes, c.case_len), &c.head, err);
    if (st == ST_OK)
        *out = (enum case_method)c.head.way.method;
    os_close(&c.segments_dir);
    os_close(&c.quarantine_dir);
    os_close(&c.dir);
    free(c.case_bytes);
    free(c.next_bytes);
    return st;
}

enum status casefile_ask(const char *dir, struct case_secret *s, bool by_default, case_ask *ask,
                         uint8_t **asked, struct err *err)
{
    enum case_method method = CASE_PLAIN;
    *asked = NULL;
    if (s->passphrase_file && by_default)
        s->key_file = NULL;
    if (s->passphrase_file || (s->key_file && !by_default))
        return ST_OK;
    struct err ignored = {0};
    if (casefile_method(dir, &method, &ignored) != ST_OK)
        return ST_OK;
    if (method != CASE_PASSPHRASE)
        return ST_OK;
    s->key_file = NULL;
    TRY(ask("Passphrase of the case", false, asked, &s->passphrase_len, err));
    s->passphrase = *asked;
    return ST_OK;
}

void casefile_close(struct casefile *c)
{
    if (!c)
        return;
    unload(c);
    block_cache_free(c->cache);
    os_close(&c->segments_dir);
    os_close(&c->quarantine_dir);
    os_close(&c->dir);
    os_close(&c->lock);
    sodium_free(c->key.key);
    buf_release(&c->damage);
    buf_release(&c->aside);
    free(c->words_version);
    free(c->case_bytes);
    free(c->next_bytes);
    free(c);
}

const struct manifest *casefile_manifest(const struct casefile *c) { return c->manifest; }

size_t casefile_segments(const struct casefile *c) { return c->n_open; }

struct segment *casefile_segment(const struct casefile *c, size_t i)
{
    MUST(i < c->n_open);
    return c->segments[i];
}

const struct case_key *casefile_key(const struct casefile *c) { return &c->key; }

const uint8_t *casefile_id(const struct casefile *c) { return c->id; }

int casefile_segments_dir(const struct casefile *c) { return c->segments_dir; }

int casefile_quarantine_dir(const struct casefile *c) { return c->quarantine_dir; }

const char *casefile_words_version(const struct casefile *c) { return c->words_version; }

bool casefile_is_plain(const struct casefile *c) { return c->key.plain; }

const char *casefile_notes(const struct casefile *c) { return c->notes; }
