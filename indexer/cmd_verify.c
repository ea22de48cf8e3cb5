/* cmd_verify — every damage is named and the rest is still looked at. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "indexer/head.h"
#include "indexer/verify_deep.h"

static void print_found(void *ctx, const char *file, const char *what)
{
    struct buf *out = ctx;
    buf_put_str(out, "damaged  ");
    cli_safe(out, slice_str(file), false);
    buf_put_str(out, ": ");
    cli_safe(out, slice_str(what), false);
    buf_put_str(out, "\n");
}

int cmd_verify(const struct cmd_options *o)
{
    /* CASE_VERIFY opens no segments; `deep` needs them, and cmd_open closes the way to the key. A
     * case that does not open has damage, which is what the first part finds. */
    struct casefile *cf, *deep = NULL;
    struct err err = {0}, deep_err = {0};
    struct buf out = {0};
    uint64_t damaged = 0;
    struct head head;
    if (o->head && head_read(o->head, &head, &err) != ST_OK) {
        err.status = ST_USAGE;
        return cmd_fail(&err);
    }
    enum status deep_st =
        o->deep ? casefile_open(o->dir, o->key_file, CASE_READ, CMD_CACHE_BYTES, &deep, &deep_err)
                : ST_OK;
    int code = cmd_open(o, CASE_VERIFY, &cf);
    if (code) {
        casefile_close(deep);
        return code;
    }
    enum status st = casefile_verify(cf, print_found, &out, &damaged, &err);
    if (st == ST_OK && o->head)
        st = head_check(cf, &head, print_found, &out, &damaged, &err);
    struct core_options options = {.memory = cmd_memory(o)};
    if (st == ST_OK && o->deep && damaged == 0) {
        st = deep_st;
        err = deep_err;
        if (st == ST_OK)
            st = verify_deep(deep, &options, print_found, &out, &damaged, &err);
    }
    if (st == ST_OK && damaged == 0) {
        char digest[65];
        casefile_digest(cf, digest);
        buf_printf(&out, "%s: %s; content digest %s, generation %llu\n", "whole",
                   o->deep ? "every seal holds, and the index is that of the stored messages"
                   : casefile_is_plain(cf) ? "every checksum holds (not encrypted)"
                                           : "every seal holds",
                   digest, (unsigned long long)casefile_manifest(cf)->generation);
    } else if (st == ST_OK) {
        buf_printf(&out,
                   "%llu damaged: restore the case from a copy, or make a new one from its dumps\n",
                   (unsigned long long)damaged);
    }
    code = cmd_print(&out);
    if (st != ST_OK) {
        err.status = st;
        code = cmd_fail(&err);
    } else if (code == EXIT_GOOD && damaged) {
        code = EXIT_REMARKS;
    }
    casefile_close(deep);
    casefile_close(cf);
    return code;
}
