/* cmd_init — the command line side of casefile_create. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "lictor/words.h"

static enum status make(const struct cmd_options *o, const struct case_secret *given,
                        struct err *err)
{
    struct case_secret s = *given;
    uint8_t *asked = NULL;
    if (o->passphrase) {
        TRY(cli_ask_secret("Passphrase of the new case", true, &asked, &s.passphrase_len, err));
        s.passphrase = asked;
    }
    enum status st = casefile_make(o->dir, &s, words_version(), err);
    cli_free_secret(asked);
    return st;
}

int cmd_init(const struct cmd_options *o)
{
    struct err err = {0};
    struct case_secret s = {.passphrase_file = o->case_passphrase_file};
    bool by_passphrase = o->passphrase || o->case_passphrase_file;
    int ways = o->no_encryption + o->passphrase + (o->case_passphrase_file != NULL) + o->key_given;
    if (ways > 1 || (ways == 0 && !o->key_file)) {
        (void)err_set(&err, ST_USAGE,
                      "say one of: where the key file is to be made (--key FILE), --passphrase, "
                      "--passphrase-file FILE, --no-encryption");
        return cmd_fail(&err);
    }
    const char *key = o->no_encryption || by_passphrase ? NULL : o->key_file;
    s.key_file = key;
    enum status st = make(o, &s, &err);
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
    } else if (by_passphrase) {
        buf_put_str(&out, "; without its passphrase it cannot be read");
    } else {
        buf_put_str(&out, " without encryption: whoever has the files can read and change it");
    }
    buf_put_str(&out, "\n");
    return cmd_print(&out);
}
