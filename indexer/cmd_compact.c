/* cmd_compact — the command line side of compact. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "indexer/compact.h"
#include "lictor/os.h"

int cmd_compact(const struct cmd_options *o)
{
    struct casefile *cf;
    struct err err = {0};
    int code = cmd_open(o, CASE_WRITE, &cf);
    if (code)
        return code;
    size_t before = casefile_segments(cf);
    struct core_options options = {
        .threads = cmd_threads(o), .memory = cmd_memory(o), .progress = o->progress};
    enum status st = compact_all(cf, &options, &err);
    if (st != ST_OK) {
        err.status = st;
        code = cmd_fail(&err);
    } else {
        struct buf out = {0};
        char digest[65];
        casefile_digest(cf, digest);
        buf_printf(&out, "%zu segment%s became %zu; content digest %s\n", before,
                   before == 1 ? "" : "s", casefile_segments(cf), digest);
        code = cmd_print(&out);
    }
    casefile_close(cf);
    return code;
}
