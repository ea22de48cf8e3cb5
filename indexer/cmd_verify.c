/* cmd_verify — every damage is named and the rest is still looked at; what the dumps can make good
 * is reopened, unless it may not be. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "indexer/head.h"
#include "indexer/heal.h"
#include "indexer/verify_deep.h"

struct findings {
    struct buf out;
    struct casefile *cf; /* learns what deep verification finds; else NULL */
    enum status st;      /* of telling it */
};

static void print_found(void *ctx, const char *file, const char *what)
{
    struct findings *f = ctx;
    struct buf *out = &f->out;
    uint8_t id[FILE_ID_SIZE];
    bool segment = strlen(file) == 2 * FILE_ID_SIZE && hex_decode(file, FILE_ID_SIZE, id);
    if (f->cf && f->st == ST_OK)
        f->st = casefile_damage_note(f->cf, segment ? id : NULL, NULL);
    buf_put_str(out, "damaged  ");
    cli_safe(out, slice_str(file), false);
    buf_put_str(out, ": ");
    cli_safe(out, slice_str(what), false);
    buf_put_str(out, "\n");
}

/* What can be made good is: the dumps are named and reopened. */
static void reopen(const struct cmd_options *o, struct casefile *cf, uint64_t damaged,
                   struct buf *out)
{
    struct err err = {0};
    buf_printf(out, "%llu damaged", (unsigned long long)damaged);
    if (!casefile_damage_heals(cf)) {
        buf_put_str(out, ": restore the case from a copy, or make a new one from its dumps\n");
        return;
    }
    if (o->no_reopen) {
        buf_put_str(out, ": `verify` without --no-reopen names the dumps concerned and reopens "
                         "them; adding these again heals the case\n");
        return;
    }
    buf_put_str(out, "\n");
    if (heal_reopen(cf, out, &err) != ST_OK) {
        buf_put_str(out, "The dumps concerned could not be reopened: ");
        cli_safe(out, slice_str(err.text), false);
        buf_put_str(out, ". Run `verify` again where the case can be written, or restore it from a "
                         "copy.\n");
    }
}

static void print_whole(const struct cmd_options *o, const struct casefile *cf, struct buf *out)
{
    char digest[65];
    casefile_digest(cf, digest);
    buf_printf(out, "%s: %s; content digest %s, generation %llu\n", "whole",
               o->deep ? "every seal holds, and the index is that of the stored messages"
               : casefile_is_plain(cf) ? "every checksum holds (not encrypted)"
                                       : "every seal holds",
               digest, (unsigned long long)casefile_manifest(cf)->generation);
}

static enum status look_deep(const struct cmd_options *o, struct casefile *deep,
                             struct casefile *cf, struct findings *f, uint64_t *damaged,
                             struct err *err)
{
    struct core_options options = {.memory = cmd_memory(o)};
    f->cf = cf;
    TRY(verify_deep(deep, &options, print_found, f, damaged, err));
    return f->st == ST_OK ? ST_OK : err_no_memory(err);
}

int cmd_verify(const struct cmd_options *o)
{
    /* CASE_VERIFY opens no segments; `deep` needs them, and cmd_open closes the way to the key. A
     * case that does not open has damage, which is what the first part finds. */
    struct casefile *cf, *deep = NULL;
    struct err err = {0}, deep_err = {0};
    struct findings f = {.st = ST_OK};
    uint64_t damaged = 0;
    struct head head;
    if (o->head && head_read(o->head, &head, &err) != ST_OK) {
        err.status = ST_USAGE;
        return cmd_fail(&err);
    }
    enum status deep_st =
        o->deep ? casefile_unlock(o->dir, &o->secret, CASE_READ, CMD_CACHE_BYTES, &deep, &deep_err)
                : ST_OK;
    int code = cmd_open(o, CASE_VERIFY, &cf);
    if (code) {
        casefile_close(deep);
        return code;
    }
    enum status st = casefile_verify(cf, print_found, &f, &damaged, &err);
    if (st == ST_OK && o->head) {
        uint64_t before = damaged;
        st = head_check(cf, &head, print_found, &f, &damaged, &err);
        if (st == ST_OK && damaged > before)
            st = casefile_damage_note(cf, NULL, &err);
    }
    if (st == ST_OK && o->deep && damaged == 0) {
        st = deep_st;
        err = deep_err;
        if (st == ST_OK)
            st = look_deep(o, deep, cf, &f, &damaged, &err);
    }
    casefile_close(deep);
    if (st == ST_OK && damaged == 0)
        print_whole(o, cf, &f.out);
    else if (st == ST_OK)
        reopen(o, cf, damaged, &f.out);
    code = cmd_print(&f.out);
    if (st != ST_OK) {
        err.status = st;
        code = cmd_fail(&err);
    } else if (code == EXIT_GOOD && damaged) {
        code = EXIT_REMARKS;
    }
    casefile_close(cf);
    return code;
}
