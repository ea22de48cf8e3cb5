/* gen_lines — a delivery of given text: each line is a message, in its turn and as often as needed,
 * with other handles and times each time round, so that nothing measured holds for invented words
 * alone. Every block of lines is one conversation of two handsets; both hold every message. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/gen.h"
#include "lictor/dump_write.h"
#include "lictor/json_out.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define FILE_MAX ((size_t)2 << 30)
#define LINE_BYTES_MAX ((size_t)256 << 10) /* a record of it stays below 1 MiB */
#define BLOCK 50
#define FLUSH_AT ((size_t)64 << 10)

struct lines {
    const struct gen_options *o;
    const struct age_recipients *to;
    uint8_t **files;
    struct buf slices; /* struct slice: lines that are not empty */
    uint64_t key;
    int64_t step_ms;
};

static enum status take_lines(struct lines *l, const char *path, struct slice s, struct err *err)
{
    while (s.len) {
        const uint8_t *nl = memchr(s.data, '\n', s.len);
        size_t len = nl ? (size_t)(nl - s.data) : s.len, skip = len + (nl != NULL);
        struct slice line = slice_of(s.data, len && s.data[len - 1] == '\r' ? len - 1 : len);
        if (line.len > LINE_BYTES_MAX)
            return err_set(err, ST_USAGE, "%s: a line of %zu bytes; one message a line, please",
                           path, line.len);
        if (line.len)
            buf_put(&l->slices, &line, sizeof line);
        s = slice_of(s.data + skip, s.len - skip);
    }
    return buf_status(&l->slices, err);
}

static enum status read_files(struct lines *l, struct err *err)
{
    for (int i = 0; i < l->o->n_texts; i++) {
        size_t len;
        TRY(os_read_file(AT_FDCWD, l->o->texts[i], FILE_MAX, &l->files[i], &len, err));
        TRY(take_lines(l, l->o->texts[i], slice_of(l->files[i], len), err));
    }
    return l->slices.len ? ST_OK : err_set(err, ST_USAGE, "--text: no line in what was given");
}

/* The two handsets of a block. */
static void block_pair(const struct lines *l, uint64_t block, uint32_t pair[2])
{
    uint64_t x = rng_at(l->key, block);
    pair[0] = (uint32_t)(x % l->o->dumps);
    pair[1] = (pair[0] + 1 + (uint32_t)((x >> 32) % (l->o->dumps - 1))) % l->o->dumps;
}

static void put_handle(struct json_out *j, uint32_t holder, uint64_t round)
{
    char name[48];
    int n = snprintf(name, sizeof name, "h%ur%llu", holder, (unsigned long long)round);
    json_string(j, slice_of(name, (size_t)n));
}

static void put_message(const struct lines *l, uint64_t i, const uint32_t pair[2], uint64_t seq,
                        struct buf *b)
{
    const struct slice *all = (const void *)l->slices.data;
    size_t n = l->slices.len / sizeof *all;
    bool other = rng_at(l->key ^ 1, i) & 1;
    struct json_out j = json_out_to(b);
    json_begin_object(&j);
    json_key_str(&j, "kind", "message");
    json_key_uint(&j, "seq", seq);
    json_key(&j, "from");
    put_handle(&j, pair[other], i / n);
    json_key(&j, "to");
    json_begin_array(&j);
    put_handle(&j, pair[!other], i / n);
    json_end_array(&j);
    json_key_int(&j, "sent", GEN_BEGIN_MS + (int64_t)i * l->step_ms);
    json_key_slice(&j, "text", all[i % n]);
    json_end_object(&j);
    buf_put_u8(b, '\n');
}

static enum status flush(struct dump_writer *w, struct buf *b, size_t at, struct err *err)
{
    TRY(buf_status(b, err));
    if (b->len < at || b->len == 0)
        return ST_OK;
    TRY(dump_writer_write(w, b->data, b->len, err));
    buf_clear(b);
    return ST_OK;
}

static enum status put_records(const struct lines *l, uint32_t holder, struct dump_writer *w,
                               struct buf *b, struct err *err)
{
    uint64_t seq = 0, n = l->o->messages;
    buf_printf(b,
               "{\"kind\":\"dump\",\"format\":\"lictor-delivery/1\",\"source\":\"imei:%015u\","
               "\"stage\":\"live\"}\n",
               holder + 1);
    for (uint64_t from = 0; from < n; from += BLOCK) {
        uint32_t pair[2];
        block_pair(l, from / BLOCK, pair);
        if (pair[0] != holder && pair[1] != holder)
            continue;
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        for (uint64_t i = from; i < from + BLOCK && i < n; i++)
            put_message(l, i, pair, ++seq, b);
        TRY(flush(w, b, FLUSH_AT, err));
    }
    buf_printf(b, "{\"kind\":\"end\",\"records\":%llu", (unsigned long long)seq);
    if (seq)
        buf_printf(b, ",\"last_seq\":%llu", (unsigned long long)seq);
    buf_put_str(b, "}\n");
    return flush(w, b, 0, err);
}

static enum status write_dump(void *ctx, size_t holder, struct err *err)
{
    const struct lines *l = ctx;
    const struct gen_options *o = l->o;
    uint8_t seed[32];
    char name[48];
    struct dump_writer *w = NULL;
    struct buf b = {0};
    for (unsigned i = 0; i < 4; i++)
        store_u64(seed + 8 * i, rng_at(l->key ^ 0x414745, holder * 4 + i));
    const struct dump_options options = {
        .zstd = o->zstd, .level = o->level, .to = l->to, .seed = seed};
    dump_name(o, (uint32_t)holder, name);
    buf_printf(&b, "%s/dumps/%s", o->dir, name);
    buf_put_u8(&b, 0);
    enum status st = buf_status(&b, err);
    if (st == ST_OK)
        st = dump_writer_open((const char *)b.data, &options, &w, err);
    buf_clear(&b);
    if (st == ST_OK)
        st = put_records(l, (uint32_t)holder, w, &b, err);
    buf_release(&b);
    if (st == ST_OK)
        return dump_writer_finish(w, NULL, NULL, err);
    if (w)
        dump_writer_abort(w);
    return st;
}

/* All contents differ in their time: what was written is what there is. */
static enum status write_truth(const struct lines *l, const char *path, struct tally *sum,
                               struct err *err)
{
    struct buf b = {0};
    struct json_out j = json_out_to(&b);
    int fd = -1;
    sum->messages = sum->copies = l->o->messages;
    sum->other = l->o->dumps;
    sum->records = sum->messages + sum->copies + sum->other;
    json_begin_object(&j);
    json_key_str(&j, "of", "text");
    json_key_uint(&j, "lines", l->slices.len / sizeof(struct slice));
    json_key_uint(&j, "records", sum->records);
    json_key_uint(&j, "messages", sum->messages);
    json_key_uint(&j, "copies", sum->copies);
    json_key_uint(&j, "other", sum->other);
    json_end_object(&j);
    buf_put_u8(&b, '\n');
    enum status st = buf_status(&b, err);
    if (st == ST_OK)
        st = os_create(AT_FDCWD, path, 0600, &fd, err);
    if (st == ST_OK)
        st = os_write(fd, b.data, b.len, err);
    os_close(&fd);
    buf_release(&b);
    return st;
}

enum status generate_lines(const struct gen_options *o, const struct age_recipients *to,
                           const char *truth, struct tally *sum, struct err *err)
{
    struct lines l = {.o = o,
                      .to = to,
                      .key = rng_mix(o->seed ^ 0x4c494e45),
                      .step_ms = GEN_DAYS * DAY_MS / (int64_t)o->messages,
                      .files = calloc((size_t)o->n_texts, sizeof *l.files)};
    if (l.step_ms < 1)
        l.step_ms = 1;
    enum status st = l.files ? ST_OK : err_no_memory(err);
    if (st == ST_OK && o->dumps < 2)
        st = err_set(err, ST_USAGE, "--text: two handsets talk, so --dumps is 2 or more");
    if (st == ST_OK)
        st = read_files(&l, err);
    if (st == ST_OK)
        st = thread_each(o->threads ? o->threads : 1, o->dumps, write_dump, &l, err);
    if (st == ST_OK)
        st = write_truth(&l, truth, sum, err);
    for (int i = 0; l.files && i < o->n_texts; i++)
        free(l.files[i]);
    free(l.files);
    buf_release(&l.slices);
    return st;
}
