/* cmd_unseal — the command line of unseal. */
#include <stdio.h>

#include "indexer/cmd.h"
#include "indexer/unseal.h"
#include "lictor/body_keys.h"
#include "lictor/os.h"

static void put_count(struct buf *out, uint64_t n, const char *what)
{
    char text[32];
    cli_count_text(n, text);
    buf_printf(out, "%s message%s %s\n", text, n == 1 ? "" : "s", what);
}

static void put_report(struct buf *out, const struct cmd_options *o, const struct unseal_counts *n,
                       const struct casefile *cf)
{
    char digest[65];
    casefile_digest(cf, digest);
    if (o->json) {
        buf_printf(out,
                   "{\"opened\":%llu,\"seal_broken\":%llu,\"sealed\":%llu,\"digest\":\"%s\"}\n",
                   (unsigned long long)n->opened, (unsigned long long)n->broken,
                   (unsigned long long)n->sealed, digest);
        return;
    }
    put_count(out, n->opened, "opened");
    if (n->broken)
        put_count(out, n->broken,
                  "do not open under their key: the seal is broken or the key is another's");
    if (n->sealed)
        put_count(out, n->sealed, "stay sealed: their keys are not in the file");
    buf_printf(out, "content digest %s\n", digest);
}

int cmd_unseal(const struct cmd_options *o)
{
    struct casefile *cf = NULL;
    struct body_keys *keys = NULL;
    struct err err = {0};
    struct unseal_counts counts = {0};
    enum status st = body_keys_load(o->body_keys_file, &keys, &err);
    if (st != ST_OK) {
        err.status = st;
        return cmd_fail(&err);
    }
    int code = cmd_open_words(o, &cf);
    if (code)
        goto out;
    struct core_options options = {.threads = cmd_threads(o),
                                   .memory = cmd_memory(o),
                                   .body_keys = keys,
                                   .progress = o->progress};
    st = unseal_all(cf, &options, &counts, &err);
    if (st != ST_OK) {
        err.status = st;
        code = cmd_fail(&err);
        goto out;
    }
    struct buf out = {0};
    put_report(&out, o, &counts, cf);
    code = cmd_print(&out);
    if (code == EXIT_GOOD && counts.broken)
        code = EXIT_REMARKS;
out:
    casefile_close(cf);
    body_keys_free(keys);
    return code;
}
