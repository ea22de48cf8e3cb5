/* cmd_init — the command line side of casefile_create. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "lictor/words.h"

int cmd_init(const struct cmd_options *o)
{
    struct err err = {0};
    if (!o->no_encryption && !o->key_file) {
        (void)err_set(&err, ST_USAGE,
                      "say where the key file is to be made (--key FILE), or --no-encryption");
        return cmd_fail(&err);
    }
    const char *key = o->no_encryption ? NULL : o->key_file;
    enum status st = casefile_create(o->dir, key, words_version(), &err);
    if (st != ST_OK) {
        err.status = st;
        return cmd_fail(&err);
    }
    struct buf out = {0};
    buf_put_str(&out, "made the case ");
    cli_safe(&out, slice_str(o->dir), false);
    if (key) {
        buf_put_str(&out, " and its key file ");
        cli_safe(&out, slice_str(key), false);
        buf_put_str(&out,
                    "; keep them apart, and the key safe: without it the case cannot be read");
    } else {
        buf_put_str(&out, " without encryption: whoever has the files can read and change it");
    }
    buf_put_str(&out, "\n");
    return cmd_print(&out);
}
