/* ingest_testing — an `add` without files: frames of dumps go through a socket pair into the core,
 * as the opener would send them. For unit and race tests, so without Criterion. */
#ifndef TESTS_INGEST_TESTING_H
#define TESTS_INGEST_TESTING_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "indexer/compact.h"
#include "indexer/core.h"
#include "lictor/os.h"
#include "lictor/words.h"

struct test_dump {
    const char *name;
    const char *text; /* NDJSON */
};

struct test_feed {
    int fd;
    const struct test_dump *dumps;
    size_t n;
};

static inline int tree_drop(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    (void)sb;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* The opener's part: every dump whole, whatever the core answers. */
static inline void feed_main(void *arg)
{
    struct test_feed *f = arg;
    struct wire w;
    struct sha256 sha;
    struct err err = {0};
    wire_init(&w, f->fd);
    for (size_t i = 0; i < f->n; i++) {
        uint8_t hash[SHA256_SIZE];
        const char *text = f->dumps[i].text;
        enum wire_type type;
        struct slice payload;
        sha256_begin(&sha);
        sha256_add(&sha, text, strlen(text));
        sha256_end(&sha, hash);
        wire_begin(&w, WIRE_BEGIN);
        buf_put_varint(&w.out, strlen(text));
        buf_put(&w.out, hash, sizeof hash);
        buf_put_blob(&w.out, slice_str(f->dumps[i].name));
        buf_put_blob(&w.out, slice_str(""));
        MUST(wire_send(&w, &err) == ST_OK);
        MUST(wire_next(&w, &type, &payload, &err) == ST_OK);
        if (type == WIRE_ALREADY)
            continue;
        MUST(wire_send_data(&w, (const uint8_t *)text, strlen(text), &err) == ST_OK);
        wire_begin(&w, WIRE_END);
        buf_put_u8(&w.out, 1);
        buf_put_varint(&w.out, 0);
        buf_put_blob(&w.out, slice_str(""));
        buf_put_blob(&w.out, slice_str(""));
        MUST(wire_send(&w, &err) == ST_OK);
    }
    wire_begin(&w, WIRE_DONE);
    MUST(wire_send(&w, &err) == ST_OK);
    wire_release(&w);
}

struct test_result {
    struct books books;
    char digest[65];
    enum dump_state states[32];
    enum status status;
};

/* Adds the dumps to the case in `dir` (made plain if it is not there). */
static inline void test_ingest(const char *dir, const struct test_dump *dumps, size_t n,
                               unsigned threads, uint64_t memory, struct test_result *out)
{
    struct casefile *cf;
    struct core *core;
    struct err err = {0};
    struct thread *feeder;
    int pair[2];
    if (access(dir, F_OK) != 0)
        MUST(casefile_create(dir, NULL, words_version(), &err) == ST_OK);
    MUST(casefile_open(dir, NULL, CASE_WRITE, (size_t)8 << 20, &cf, &err) == ST_OK);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    struct test_feed feed = {pair[1], dumps, n};
    struct core_options o = {.threads = threads, .memory = memory, .progress = CLI_PROGRESS_NONE};
    MUST(thread_start(feed_main, &feed, &feeder, &err) == ST_OK);
    MUST(core_open(cf, pair[0], &o, &core, &err) == ST_OK);
    *out = (struct test_result){.status = core_run(core, &err)};
    MUST(out->status == ST_OK);
    for (size_t i = 0; i < core->dumps.n; i++) {
        const struct dump_ctx *d = core_dump(core, i);
        if (i < 32)
            out->states[i] = d->already ? DUMP_ALREADY : (enum dump_state)d->entry.state;
        out->books.records += d->entry.books.records;
        out->books.messages += d->entry.books.messages;
        out->books.copies += d->entry.books.copies;
        out->books.redelivered += d->entry.books.redelivered;
        out->books.other += d->entry.books.other;
        out->books.quarantined += d->entry.books.quarantined;
        out->books.conflict += d->entry.books.conflict;
    }
    casefile_digest(cf, out->digest);
    core_close(core);
    casefile_close(cf);
    thread_join(feeder);
    close(pair[0]);
    close(pair[1]);
}

#endif
