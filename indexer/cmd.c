/* cmd — what the subcommands share. */
#include "indexer/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "indexer/run.h"
#include "lictor/confine.h"
#include "lictor/os.h"
#include "lictor/words.h"

#define PROGRAM "lictor-ingest"
#define MEMORY_LEAST ((uint64_t)256 << 20)

int cmd_fail(const struct err *err)
{
    cli_error(PROGRAM, err->text[0] ? err->text : "failed");
    switch (err->status) {
    case ST_USAGE:
        return EXIT_USAGE;
    case ST_INTERRUPTED:
        return EXIT_STOPPED;
    default:
        return EXIT_FAILURE_ENV;
    }
}

/* From here on the case is all that this process needs; /proc tells how much memory it used. */
enum status cmd_confine(const struct cmd_options *o, bool write, const char *also, const char *read,
                        struct err *err)
{
    struct confine_path paths[4] = {{o->dir, write}};
    size_t n = 1;
    if (access("/proc/self/status", R_OK) == 0)
        paths[n++] = (struct confine_path){"/proc/self/status", false};
    if (also)
        paths[n++] = (struct confine_path){also, true};
    if (read)
        paths[n++] = (struct confine_path){read, false};
    const struct confine_rules rules = {
        .paths = paths, .n_paths = n, .writes = write, .child = o->child};
    return confine_process(&rules, err);
}

int cmd_open_only(const struct cmd_options *o, enum casefile_mode mode, struct casefile **out)
{
    struct err err = {0};
    enum status st = casefile_unlock(o->dir, &o->secret, mode, CMD_CACHE_BYTES, out, &err);
    if (st != ST_OK) {
        err.status = st;
        int code = cmd_fail(&err);
        if (st == ST_DAMAGED && mode != CASE_VERIFY)
            cli_error(PROGRAM, "`lictor-ingest verify CASE` says what is damaged and which dumps "
                               "to add again");
        return code;
    }
    if (*casefile_notes(*out))
        cli_error(PROGRAM, casefile_notes(*out));
    return EXIT_GOOD;
}

int cmd_open(const struct cmd_options *o, enum casefile_mode mode, struct casefile **out)
{
    struct err err = {0};
    int code = cmd_open_only(o, mode, out);
    if (code)
        return code;
    enum status st = cmd_confine(o, mode == CASE_WRITE || (mode == CASE_VERIFY && !o->no_reopen),
                                 NULL, NULL, &err);
    if (st != ST_OK) {
        casefile_close(*out);
        *out = NULL;
        err.status = st;
        return cmd_fail(&err);
    }
    return EXIT_GOOD;
}

int cmd_open_words(const struct cmd_options *o, struct casefile **out)
{
    struct err err = {0};
    int code = cmd_open(o, CASE_WRITE, out);
    if (code || strcmp(casefile_words_version(*out), words_version()) == 0)
        return code;
    err.status = err_set(&err, ST_BAD_INPUT,
                         "the case was indexed with rules for words %s, this program has %s: go on "
                         "with the version that made it, or add the dumps to a new case",
                         casefile_words_version(*out), words_version());
    casefile_close(*out);
    *out = NULL;
    return cmd_fail(&err);
}

int cmd_open_output(const struct cmd_options *o, const char *output, mode_t mode, int *fd,
                    struct casefile **out)
{
    struct err err = {0};
    if (output && (err.status = os_create(AT_FDCWD, output, mode, fd, &err)) != ST_OK)
        return cmd_fail(&err);
    int code = cmd_open(o, CASE_READ, out);
    if (code && output) { /* empty, and nothing will come */
        (void)unlink(output);
        os_close(fd);
    }
    return code;
}

int cmd_print(struct buf *out)
{
    int code = EXIT_GOOD;
    struct err err = {0};
    if (out->failed) {
        (void)err_no_memory(&err);
        code = cmd_fail(&err);
    } else if (out->len && (fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout))) {
        code = EXIT_FAILURE_ENV;
        if (errno != EPIPE)
            cli_error(PROGRAM, "the output could not be written");
    }
    buf_release(out);
    return code;
}

unsigned cmd_threads(const struct cmd_options *o)
{
    unsigned n = o->threads ? o->threads : os_cpus();
    return n > RUN_WORKERS_MAX - 4 ? RUN_WORKERS_MAX - 4 : n;
}

uint64_t cmd_memory(const struct cmd_options *o)
{
    if (o->memory)
        return o->memory;
    uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return all / 4 > MEMORY_LEAST ? all / 4 : MEMORY_LEAST;
}
