/* cmd_rekey — the command line of casefile_rekey. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "indexer/cmd.h"

static enum status new_secret(const struct cmd_options *o, struct case_secret *to, uint8_t **asked,
                              struct err *err)
{
    *to = (struct case_secret){.key_file = o->new_key, .passphrase_file = o->new_passphrase_file};
    if (!o->new_passphrase)
        return ST_OK;
    TRY(cli_ask_secret("New passphrase of the case", true, asked, &to->passphrase_len, err));
    to->passphrase = *asked;
    return ST_OK;
}

static enum status rekey(const struct cmd_options *o, struct casefile *cf,
                         const struct case_secret *to, struct err *err)
{
    char *path = strdup(to->key_file ? to->key_file : "");
    if (!path)
        return err_no_memory(err);
    enum status st =
        cmd_confine(o, true, to->key_file ? dirname(path) : NULL, to->passphrase_file, err);
    free(path);
    return st == ST_OK ? casefile_rekey(cf, to, err) : st;
}

int cmd_rekey(const struct cmd_options *o)
{
    struct casefile *cf = NULL;
    struct err err = {0};
    struct case_secret to;
    uint8_t *asked = NULL;
    int code = cmd_open_only(o, CASE_WRITE, &cf);
    if (code)
        return code;
    enum status st = new_secret(o, &to, &asked, &err);
    if (st == ST_OK)
        st = rekey(o, cf, &to, &err);
    cli_free_secret(asked);
    if (st != ST_OK) {
        err.status = st;
        code = cmd_fail(&err);
    } else {
        struct buf out = {0};
        buf_printf(&out, "generation %llu opens by ",
                   (unsigned long long)casefile_manifest(cf)->generation);
        if (to.key_file) {
            buf_put_str(&out, "the key file ");
            cli_safe(&out, slice_str(to.key_file), false);
        } else {
            buf_put_str(&out, "the new passphrase");
        }
        buf_put_str(&out, " alone. Copies of the case that were made before open by the old way "
                          "still\n");
        code = cmd_print(&out);
    }
    casefile_close(cf);
    return code;
}
