/* cmd_add — two processes: the opener is forked before the case key is read, so it never has it;
 * this process never has a dump key. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "indexer/cmd_add.h"
#include "indexer/compact.h"
#include "indexer/opener.h"
#include "indexer/report.h"
#include "lictor/os.h"

static int start_opener(const struct cmd_options *o, const struct walk_list *dumps,
                        struct inwork *w, int *fd, pid_t *pid, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        (void)err_errno(err, errno, "socket pair");
        return EXIT_FAILURE_ENV;
    }
    fflush(NULL);
    *pid = fork();
    if (*pid < 0) {
        (void)err_errno(err, errno, "the process that opens the dumps cannot be started");
        return EXIT_FAILURE_ENV;
    }
    if (*pid == 0) {
        struct opener_options opener = {.dumps = dumps,
                                        .identity_files = o->identities,
                                        .n_identity_files = o->n_identities,
                                        .passphrase_file = o->passphrase_file,
                                        .trust_file = o->trust,
                                        .scrypt_max = o->scrypt_max,
                                        .inwork = w};
        close(pair[0]);
        _exit(opener_run(pair[1], &opener));
    }
    close(pair[1]);
    *fd = pair[0];
    return EXIT_GOOD;
}

static int report(const struct cmd_options *o, const struct core *core)
{
    struct buf out = {0};
    if (o->json)
        report_json(core, &out);
    else
        report_text(core, &out);
    int code = cmd_print(&out);
    return code ? code : report_exit(core);
}

static void print_stages(struct core *core)
{
    struct buf out = {0};
    stages_text(&core->stages, &out);
    if (!out.failed && fwrite(out.data, 1, out.len, stderr) != out.len)
        clearerr(stderr); /* only figures: nothing depends on them */
    buf_release(&out);
}

static int ingest(const struct cmd_options *o, const struct walk_list *dumps, int fd,
                  const struct body_keys *keys, pid_t opener, struct inwork *w,
                  const struct inwork_plan *plan)
{
    struct casefile *cf;
    struct cmd_options confined = *o;
    confined.child = opener;
    int code = cmd_open_words(&confined, &cf);
    if (code)
        return code;
    struct core_options options = {.threads = cmd_threads(o),
                                   .memory = cmd_memory(o),
                                   .aside = o->aside,
                                   .aside_none = o->aside_none,
                                   .again = o->again,
                                   .body_keys = keys,
                                   .progress = o->progress,
                                   .total_bytes = dumps->bytes,
                                   .window = o->window,
                                   .links = dumps->links,
                                   .inwork = w,
                                   .plan = plan};
    struct core *core = NULL;
    struct err err = {0};
    inwork_begin(w);
    enum status st = core_open(cf, fd, &options, &core, &err);
    if (st == ST_OK)
        st = core_run(core, &err);
    inwork_end(w, o->dir);
    enum status compacted = st == ST_OK ? compact_if_many(cf, &options, &err) : ST_OK;
    if (core) {
        cli_progress_end(&core->progress);
        if (st == ST_OK || report_anything(core))
            code = report(o, core);
        if (o->stages)
            print_stages(core);
    }
    if (st != ST_OK || compacted != ST_OK) {
        err.status = st != ST_OK ? st : compacted;
        code = cmd_fail(&err);
        if (err.status == ST_IO)
            cli_error("lictor-ingest",
                      "what was committed is in, and nothing is half-written: mend "
                      "this (on a full disk make room), then run the same command "
                      "again");
    }
    core_close(core);
    casefile_close(cf);
    return code;
}

int cmd_add_once(const struct cmd_options *o, struct inwork *w, const struct inwork_plan *plan)
{
    struct walk_list dumps = {0};
    struct body_keys *keys = NULL;
    struct err err = {0};
    int fd = -1, code;
    pid_t pid = -1;
    enum status st = walk_args(o->rest, o->n_rest, &dumps, &err);
    code = st == ST_OK ? start_opener(o, &dumps, w, &fd, &pid, &err) : EXIT_FAILURE_ENV;
    if (st == ST_OK && code == EXIT_GOOD && o->body_keys_file)
        st = body_keys_load(o->body_keys_file, &keys, &err);
    if (st != ST_OK || code != EXIT_GOOD)
        code = cmd_fail(&err);
    else
        code = ingest(o, &dumps, fd, keys, pid, w, plan);
    body_keys_free(keys);
    os_close(&fd);
    if (pid > 0) {
        if (code != EXIT_GOOD && code != EXIT_REMARKS)
            kill(pid, SIGKILL); /* it may still be reading a large dump */
        waitpid(pid, NULL, 0);
    }
    walk_release(&dumps);
    return code;
}

int cmd_add(const struct cmd_options *o)
{
    struct inwork *w = inwork_open(o->dir);
    int code = inwork_is_suspicious(w) ? cmd_add_again(o, w) : cmd_add_once(o, w, NULL);
    inwork_close(w);
    return code;
}
