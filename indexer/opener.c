/* opener — each dump is hashed before a byte of it is used, and what was ledgered is what is read:
 * a dump that fits into the room we keep is read once and opened from there; a larger one is read
 * twice, and hashed again while it is opened. What can be read only once (standard input, a pipe)
 * goes through an unlinked temporary file, encrypted under a key that dies with us.
 */
#include "indexer/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/stat.h>

#include "indexer/wire.h"
#include "lictor/age.h"
#include "lictor/cli.h"
#include "lictor/confine.h"
#include "lictor/copies.h"
#include "lictor/minisign.h"
#include "lictor/os.h"
#include "lictor/pages.h"
#include "lictor/sha256.h"
#include "lictor/spool.h"

#define READ_SIZE ((size_t)1 << 20)
/* Most dumps are smaller. Only what a dump fills is ever touched. */
#define KEPT_SIZE ((size_t)32 << 20)
#define IDENTITY_FILE_MAX ((size_t)1 << 20)
#define FIRST_BYTES ((size_t)16 << 10)
#define SIGNATURE_MAX ((size_t)64 << 10)

struct opener {
    struct wire wire;
    const struct opener_options *options;
    struct age_identities *ids;
    struct sha256 sha;
    struct minisign_keys *trust; /* NULL: signatures are not looked at */
    struct minisign_hash *signed_hash;
    uint8_t *buf;     /* READ_SIZE */
    uint8_t *kept;    /* KEPT_SIZE: the dump at hand, if it fits */
    const char *name; /* of the dump at hand */
};

/* The dump at hand, read from `fd` or from the spool; once it is hashed, from memory if it is there
 * whole. */
struct dump_input {
    struct opener *o;
    int fd;
    struct spool *spool;
    struct slice kept; /* data NULL: not whole in memory */
    uint64_t pos;
    struct stat before; /* as it was when hashed */
    bool watch;         /* a regular file: stop if it changes */
    bool changed;
};

static enum status load_keys(struct opener *o, struct err *err)
{
    TRY(age_identities_new(&o->ids, err));
    if (o->options->scrypt_max)
        age_identities_scrypt_max(o->ids, o->options->scrypt_max);
    for (int i = 0; i < o->options->n_identity_files; i++) {
        const char *path = o->options->identity_files[i];
        uint8_t *data;
        size_t len;
        TRY(os_read_secret(path, IDENTITY_FILE_MAX, &data, &len, err));
        enum status st = age_identities_add(o->ids, slice_of(data, len), path, err);
        os_secret_free(data, len + 1);
        TRY(st);
    }
    if (o->options->trust_file) {
        TRY(minisign_keys_load(o->options->trust_file, &o->trust, err));
        TRY(minisign_hash_new(&o->signed_hash, err));
    }
    if (o->options->passphrase_file) {
        uint8_t *data;
        size_t len;
        TRY(os_read_secret(o->options->passphrase_file, IDENTITY_FILE_MAX, &data, &len, err));
        enum status st = age_identities_passphrase(o->ids, slice_of(data, len), err);
        os_secret_free(data, len + 1);
        TRY(st);
    }
    return ST_OK;
}

static enum status input_read(struct dump_input *in, uint8_t *buf, size_t cap, size_t *got,
                              struct err *err)
{
    if (in->kept.data) {
        size_t left = in->kept.len - (size_t)in->pos;
        *got = cap < left ? cap : left;
        memcpy(buf, in->kept.data + in->pos, *got);
    } else if (in->spool) {
        TRY(spool_read(in->spool, in->pos, buf, cap, got, err));
    } else {
        TRY(os_read(in->fd, buf, cap, got, err));
    }
    in->pos += *got;
    return ST_OK;
}

/* To its first byte. */
static enum status input_rewind(struct dump_input *in, struct err *err)
{
    in->pos = 0;
    if (!in->kept.data && !in->spool && lseek(in->fd, 0, SEEK_SET) != 0)
        return err_errno(err, errno, "cannot read it a second time");
    return ST_OK;
}

/* First pass. */
static enum status hash_input(struct dump_input *in, uint8_t hash[SHA256_SIZE], uint64_t *size,
                              struct err *err)
{
    struct opener *o = in->o;
    sha256_begin(&o->sha);
    if (o->trust)
        minisign_hash_begin(o->signed_hash);
    *size = 0;
    for (;;) {
        bool fits = *size <= KEPT_SIZE - READ_SIZE;
        uint8_t *buf = fits ? o->kept + *size : o->buf;
        size_t got;
        TRY(input_read(in, buf, READ_SIZE, &got, err));
        if (got == 0) {
            if (fits)
                in->kept = slice_of(o->kept, (size_t)*size);
            break;
        }
        sha256_add(&o->sha, buf, got);
        if (o->trust)
            minisign_hash_add(o->signed_hash, buf, got);
        *size += got;
    }
    sha256_end(&o->sha, hash);
    return input_rewind(in, err);
}

/* The signature beside the dump; the bytes it is about were hashed in the first pass. */
static enum status check_signature(struct opener *o, const char *path,
                                   char signer[MINISIGN_SIGNER_SIZE], struct err *err)
{
    uint8_t hash[MINISIGN_HASH_SIZE], *data = NULL;
    size_t len = 0;
    struct buf name = {0};
    minisign_hash_end(o->signed_hash, hash);
    buf_put_str(&name, path);
    buf_put(&name, ".minisig", sizeof ".minisig");
    enum status st = buf_status(&name, err);
    if (st == ST_OK)
        st = os_read_file(AT_FDCWD, (const char *)name.data, SIGNATURE_MAX, &data, &len, err);
    if (st != ST_OK && st != ST_NO_MEMORY)
        st = err_reason(err, ST_BAD_INPUT, "bad-signature", 0,
                        "no signature (.minisig) can be read beside it");
    if (st == ST_OK)
        st = minisign_check(o->trust, slice_of(data, len), hash, signer, err);
    free(data);
    buf_release(&name);
    return st;
}

static bool still_the_same(const struct dump_input *in)
{
    struct stat now;
    return fstat(in->fd, &now) == 0 && now.st_size == in->before.st_size &&
           now.st_mtim.tv_sec == in->before.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == in->before.st_mtim.tv_nsec;
}

/* Second pass, as a byte source: every byte that is used is hashed again, unless it is the very
 * byte that was. */
static enum status source_read(void *ctx, uint8_t *buf, size_t cap, size_t *got, struct err *err)
{
    struct dump_input *in = ctx;
    if (in->watch && !still_the_same(in)) {
        in->changed = true;
        return err_reason(err, ST_BAD_INPUT, "changed", in->pos,
                          "the file changed while it was read");
    }
    TRY(input_read(in, buf, cap, got, err));
    if (!in->kept.data)
        sha256_add(&in->o->sha, buf, *got);
    return ST_OK;
}

static enum status send_refused(struct opener *o, const char *name, uint64_t size,
                                const uint8_t hash[SHA256_SIZE], const struct err *why,
                                struct err *err)
{
    wire_begin(&o->wire, WIRE_REFUSED);
    buf_put_varint(&o->wire.out, size);
    buf_put(&o->wire.out, hash, SHA256_SIZE);
    buf_put_blob(&o->wire.out, slice_str(name));
    buf_put_varint(&o->wire.out, why->at);
    buf_put_blob(&o->wire.out, slice_str(why->reason ? why->reason : "unreadable"));
    buf_put_blob(&o->wire.out, slice_str(why->text));
    return wire_send(&o->wire, err);
}

static enum status send_end(struct opener *o, const struct err *damage, struct err *err)
{
    wire_begin(&o->wire, WIRE_END);
    buf_put_u8(&o->wire.out, damage ? 0 : 1);
    buf_put_varint(&o->wire.out, damage ? damage->at : 0);
    buf_put_blob(&o->wire.out, slice_str(damage ? damage->reason : ""));
    buf_put_blob(&o->wire.out, slice_str(damage ? damage->text : ""));
    return wire_send(&o->wire, err);
}

/* Tells the core of a dump; *take says whether it wants it. */
static enum status send_begin(struct opener *o, const char *name, uint64_t size,
                              const uint8_t hash[SHA256_SIZE], const char *signer, bool *take,
                              struct err *err)
{
    wire_begin(&o->wire, WIRE_BEGIN);
    buf_put_varint(&o->wire.out, size);
    buf_put(&o->wire.out, hash, SHA256_SIZE);
    buf_put_blob(&o->wire.out, slice_str(name));
    buf_put_blob(&o->wire.out, slice_str(signer));
    TRY(wire_send(&o->wire, err));
    enum wire_type type;
    struct slice payload;
    TRY(wire_next(&o->wire, &type, &payload, err));
    if (type != WIRE_TAKE && type != WIRE_ALREADY)
        return err_set(err, ST_BAD_INPUT, "unexpected answer from the core");
    *take = type == WIRE_TAKE;
    return ST_OK;
}

static enum status send_form(struct opener *o, bool from_stdin, const struct age_reader *reader,
                             struct err *err)
{
    uint8_t form = from_stdin ? DUMP_STDIN : 0;
    if (reader)
        form |= age_reader_by_passphrase(reader) ? DUMP_AGE | DUMP_PASSPHRASE : DUMP_AGE;
    wire_begin(&o->wire, WIRE_FORM);
    buf_put_u8(&o->wire.out, form);
    return wire_send(&o->wire, err);
}

/* Is this failure about the dump (told to the core), or about us? */
static bool about_dump(enum status st)
{
    return st != ST_OK && st != ST_CLOSED && st != ST_NO_MEMORY;
}

static enum status pass_plain(struct opener *o, struct dump_input *in, struct err *damage,
                              struct err *err)
{
    for (;;) {
        size_t got;
        enum status st = source_read(in, o->buf, WIRE_DATA_MAX, &got, damage);
        if (st != ST_OK) {
            if (!damage->reason)
                damage->reason = "unreadable";
            return st == ST_NO_MEMORY ? err_no_memory(err) : send_end(o, damage, err);
        }
        if (got == 0)
            return ST_END;
        TRY(wire_send_data(&o->wire, o->buf, got, err));
    }
}

static enum status pass_age(struct opener *o, struct age_reader *r, struct err *damage,
                            struct err *err)
{
    for (;;) {
        struct slice chunk;
        enum status st = age_reader_next(r, &chunk, damage);
        if (st == ST_END)
            return ST_END;
        if (about_dump(st)) {
            if (!damage->reason)
                damage->reason = "unreadable";
            return send_end(o, damage, err);
        }
        if (st != ST_OK) {
            *err = *damage;
            return st;
        }
        TRY(wire_send_data(&o->wire, chunk.data, chunk.len, err));
    }
}

/* After the last opened byte: does the hash of the second pass agree with the first? */
static enum status finish_dump(struct opener *o, struct dump_input *in,
                               const uint8_t hash[SHA256_SIZE], struct err *err)
{
    if (in->kept.data)
        return send_end(o, NULL, err);
    /* Bytes behind the end of an age file are an error of the reader; here only to hash all. */
    for (;;) {
        size_t got;
        struct err e = {0};
        enum status st = source_read(in, o->buf, READ_SIZE, &got, &e);
        if (st != ST_OK) {
            if (!e.reason)
                e.reason = "unreadable";
            return send_end(o, &e, err);
        }
        if (got == 0)
            break;
    }
    uint8_t again[SHA256_SIZE];
    sha256_end(&o->sha, again);
    if (memcmp(again, hash, SHA256_SIZE) == 0)
        return send_end(o, NULL, err);
    struct err e = {0};
    (void)err_reason(&e, ST_BAD_INPUT, "changed", in->pos,
                     "the bytes read second are not the bytes hashed first");
    return send_end(o, &e, err);
}

static enum status first_bytes(struct dump_input *in, struct slice *first, struct err *err)
{
    size_t got;
    TRY(input_read(in, in->o->buf, FIRST_BYTES, &got, err));
    *first = slice_of(in->o->buf, got);
    return input_rewind(in, err);
}

static enum status open_dump(struct opener *o, struct dump_input *in, const char *name,
                             struct err *err)
{
    uint8_t hash[SHA256_SIZE] = {0};
    uint64_t size = 0;
    struct slice first;
    struct err why = {0};
    char signer[MINISIGN_SIGNER_SIZE] = "";
    enum status st = hash_input(in, hash, &size, &why);
    if (st == ST_OK && o->trust)
        st = check_signature(o, name, signer, &why);
    if (st == ST_OK)
        st = first_bytes(in, &first, &why);
    if (st == ST_OK && size == 0)
        st = err_reason(&why, ST_BAD_INPUT, "empty", 0, "the file is empty");
    if (st == ST_NO_MEMORY)
        return err_no_memory(err);
    if (st != ST_OK)
        return send_refused(o, name, size, hash, &why, err);

    struct age_reader *reader = NULL;
    bool is_age = age_recognise(first), take = false;
    struct byte_source src = {.ctx = in, .read = source_read};
    sha256_begin(&o->sha);
    TRY(send_begin(o, name, size, hash, signer, &take, err));
    if (!take)
        return ST_OK;
    if (is_age) {
        st = age_reader_open(src, o->ids, &reader, &why);
        if (about_dump(st)) {
            if (why.reason && strcmp(why.reason, "cut") == 0)
                why.reason = "bad-header";
            return send_refused(o, name, size, hash, &why, err);
        }
        if (st != ST_OK) {
            *err = why;
            return st;
        }
    }
    st = send_form(o, in->fd == STDIN_FILENO, reader, err);
    if (st == ST_OK)
        st = reader ? pass_age(o, reader, &why, err) : pass_plain(o, in, &why, err);
    age_reader_close(reader);
    return st == ST_END ? finish_dump(o, in, hash, err) : st;
}

static enum status take_item(struct opener *o, const struct walk_item *it, struct err *err)
{
    static const uint8_t no_hash[SHA256_SIZE];
    struct err why = {0};
    struct dump_input in = {.o = o, .fd = -1};
    bool is_stdin = strcmp(it->path, "-") == 0;
    const char *name = is_stdin ? "(standard input)" : it->path;
    enum status st = ST_OK;
    o->name = name;
    if (it->problem)
        st = err_reason(&why, ST_IO, "unreadable", 0, "%s", it->problem);
    else if (is_stdin)
        in.fd = STDIN_FILENO;
    else
        st = os_open_read(AT_FDCWD, it->path, &in.fd, &why);
    if (st == ST_OK && fstat(in.fd, &in.before) != 0)
        st = err_errno(&why, errno, "cannot be examined");
    if (st == ST_OK && S_ISREG(in.before.st_mode)) {
        in.watch = true;
        if (is_stdin)
            (void)lseek(in.fd, 0, SEEK_SET);
    } else if (st == ST_OK) {
        st = spool_new(in.fd, &in.spool, &why);
    }
    if (st == ST_OK)
        st = open_dump(o, &in, name, err);
    else if (st == ST_NO_MEMORY)
        st = err_no_memory(err);
    else
        st = send_refused(o, name, 0, no_hash, &why, err);
    spool_free(in.spool);
    if (!is_stdin)
        os_close(&in.fd);
    return st;
}

static enum status run(struct opener *o, struct err *err)
{
    o->buf = malloc(READ_SIZE);
    o->kept = pages_alloc_raw(KEPT_SIZE);
    if (!o->buf || !o->kept)
        return err_no_memory(err);
    TRY(load_keys(o, err));
    for (size_t i = 0; i < o->options->dumps->n; i++)
        TRY(take_item(o, &o->options->dumps->items[i], err));
    wire_begin(&o->wire, WIRE_DONE);
    return wire_send(&o->wire, err);
}

/* Dumps and keys may lie anywhere; written is at most the spool of what can be read only once. */
static enum status confine(struct err *err)
{
    const char *dir = getenv("TMPDIR");
    const struct confine_path spool = {dir && *dir ? dir : P_tmpdir, true};
    const struct confine_rules rules = {.paths = &spool,
                                        .n_paths = access(spool.path, W_OK) == 0,
                                        .reads_anywhere = true,
                                        .writes = true};
    return confine_process(&rules, err);
}

/* The core went without a word: what it was about, for people. */
static void tell_death(const struct opener *o)
{
    const struct inwork *w = o->options->inwork;
    struct buf text = {0};
    if (!w || !atomic_load(&w->running) || !o->name)
        return;
    uint64_t from = atomic_load(&w->from), to = atomic_load(&w->to);
    buf_put_str(&text, "the process that reads the records died in ");
    cli_safe(&text, slice_str(o->name), false);
    if (to > from)
        buf_printf(&text, ", lines %llu to %llu", (unsigned long long)from + 1,
                   (unsigned long long)to);
    buf_put_str(&text, atomic_load(&w->alone) ? "" : ", or in a dump before it");
    buf_put_str(&text,
                ". What was committed is in; run the same command again: it finds the record "
                "that kills it, sets it aside and goes on");
    buf_put_u8(&text, 0);
    if (!text.failed)
        cli_error("lictor-ingest", (const char *)text.data);
    buf_release(&text);
}

int opener_run(int fd, const struct opener_options *options)
{
    struct opener o = {.options = options};
    struct err err = {0};
    /* Ctrl-C reaches both processes; the core decides, and its end ends us. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    os_protect_process();
    wire_init(&o.wire, fd);
    enum status st = confine(&err);
    if (st == ST_OK)
        st = run(&o, &err);
    if (st != ST_OK && st != ST_CLOSED) {
        struct err ignored = {0};
        wire_begin(&o.wire, WIRE_FATAL);
        buf_put_u8(&o.wire.out, (uint8_t)st);
        buf_put_blob(&o.wire.out, slice_str(err.text));
        st = wire_send(&o.wire, &ignored);
    }
    age_identities_free(o.ids);
    minisign_keys_free(o.trust);
    minisign_hash_free(o.signed_hash);
    free(o.buf);
    pages_free(o.kept, KEPT_SIZE);
    /* All keys are wiped. What was sent is not yet committed, so its end is waited for. */
    enum wire_type type;
    struct slice payload;
    enum status end = st;
    while (end == ST_OK)
        end = wire_next(&o.wire, &type, &payload, &err);
    if (end == ST_CLOSED)
        tell_death(&o);
    wire_release(&o.wire);
    return st == ST_OK ? 0 : 3;
}
