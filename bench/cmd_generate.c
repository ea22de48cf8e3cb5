/* cmd_generate — the command line of `lictor-bench generate`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gen.h"
#include "bench/measure.h"
#include "lictor/os.h"
#include "lictor/thread.h"

static const char usage_text[] =
    "usage: lictor-bench generate OUTDIR [options]\n"
    "\n"
    "Makes a synthetic delivery: encrypted dumps in OUTDIR/dumps, beside it their keys and\n"
    "truth.json, which says what a correct reader must find. The same options give the same\n"
    "bytes, whatever -j. Prints the commands that ingest and search it.\n"
    "\n"
    "  -n, --messages N      messages, about (default 200000)\n"
    "  -s, --seed S          seed (default 1)\n"
    "  -d, --dumps D         dumps (default one for every 16,000 messages, at least 5)\n"
    "      --text FILE       messages are the lines of FILE, again and again; repeatable; "
    "truth.json\n"
    "                        then holds totals alone\n"
    "      --scripts WHICH   mixed (default) or ascii\n"
    "      --shape SHAPE     handsets (default) or server\n"
    "      --doubts          one conversation more (of 1,000 messages on): copies that differ in\n"
    "                        text, time or seal though they are one message, or are not there\n"
    "      --clocks WHOSE    stamps of messages: service (default) or sender: by the senders' "
    "own\n"
    "                        clocks, of which some jump\n"
    "      --age             zstd inside age (default)\n"
    "      --zstd            zstd, not encrypted\n"
    "      --plain           plain NDJSON\n"
    "      --level L         zstd level (default 1)\n"
    "      --key FILE        where the age identity goes (default OUTDIR/case.agekey)\n"
    "      --body-keys FILE  where the body keys go (default OUTDIR/body.keys)\n"
    "      --truth FILE      where the truth goes (default OUTDIR/truth.json)\n"
    "  -j, --threads N       threads (default: all processors)\n"
    "      --progress HOW    auto, plain or none\n"
    "      --help, --version\n";

enum {
    OPT_SCRIPTS = 256,
    OPT_TEXT,
    OPT_SHAPE,
    OPT_CLOCKS,
    OPT_DOUBTS,
    OPT_AGE,
    OPT_ZSTD,
    OPT_PLAIN,
    OPT_LEVEL,
    OPT_KEY,
    OPT_BODY_KEYS,
    OPT_TRUTH,
    OPT_PROGRESS,
    OPT_HELP,
    OPT_VERSION
};

static const struct cli_option options[] = {
    {'n', 'n', "messages", "a number from 1 to 2000000000"},
    {'s', 's', "seed", "a number"},
    {'d', 'd', "dumps", "a number from 1 to 1000000"},
    {'j', 'j', "threads", "a number from 1 to 1024"},
    {OPT_SCRIPTS, 0, "scripts", "mixed or ascii"},
    {OPT_TEXT, 0, "text", "a file"},
    {OPT_SHAPE, 0, "shape", "handsets or server"},
    {OPT_CLOCKS, 0, "clocks", "service or sender"},
    {OPT_DOUBTS, 0, "doubts", NULL},
    {OPT_AGE, 0, "age", NULL},
    {OPT_ZSTD, 0, "zstd", NULL},
    {OPT_PLAIN, 0, "plain", NULL},
    {OPT_LEVEL, 0, "level", "a number from 1 to 19"},
    {OPT_KEY, 0, "key", "a file"},
    {OPT_BODY_KEYS, 0, "body-keys", "a file"},
    {OPT_TRUTH, 0, "truth", "a file"},
    {OPT_PROGRESS, 0, "progress", "auto, plain or none"},
    {OPT_HELP, 'h', "help", NULL},
    {OPT_VERSION, 0, "version", NULL},
};

/* Which of two words was given; false if neither. */
static bool one_of(const char *given, const char *no, const char *yes, bool *out)
{
    *out = strcmp(given, yes) == 0;
    return *out || strcmp(given, no) == 0;
}

static bool number_option(int opt, const char *arg, struct gen_options *o)
{
    uint64_t v = 0;

    switch (opt) {
    case 'n':
        return cli_uint(arg, 1, UINT64_C(2000000000), &o->messages);
    case 's':
        return cli_uint(arg, 0, UINT64_MAX, &o->seed);
    case 'd':
        if (!cli_uint(arg, 1, 1000000, &v))
            return false;
        o->dumps = (uint32_t)v;
        return true;
    case 'j':
        if (!cli_uint(arg, 1, 1024, &v))
            return false;
        o->threads = (unsigned)v;
        return true;
    default:
        if (!cli_uint(arg, 1, 19, &v))
            return false;
        o->level = (int)v;
        return true;
    }
}

static bool option_take(int opt, const char *arg, struct gen_options *o)
{
    switch (opt) {
    case 'n':
    case 's':
    case 'd':
    case 'j':
    case OPT_LEVEL:
        return number_option(opt, arg, o);
    case OPT_TEXT:
        o->texts[o->n_texts++] = (char *)(uintptr_t)arg;
        return true;
    case OPT_SCRIPTS:
        return one_of(arg, "mixed", "ascii", &o->ascii);
    case OPT_SHAPE:
        return one_of(arg, "handsets", "server", &o->server);
    case OPT_CLOCKS:
        return one_of(arg, "service", "sender", &o->sender_clocks);
    case OPT_DOUBTS:
        return o->doubts = true;
    case OPT_AGE:
    case OPT_ZSTD:
    case OPT_PLAIN:
        o->age = opt == OPT_AGE;
        o->zstd = opt != OPT_PLAIN;
        return true;
    case OPT_KEY:
        o->key = arg;
        return true;
    case OPT_BODY_KEYS:
        o->body_keys = arg;
        return true;
    case OPT_TRUTH:
        o->truth = arg;
        return true;
    case OPT_PROGRESS:
        return cli_progress_parse(arg, &o->progress);
    default:
        return false;
    }
}

static int usage_error(const char *text)
{
    cli_error("lictor-bench", text);
    fputs("Try: lictor-bench generate --help\n", stderr);
    return 2;
}

/* For a shell: in single quotes where a byte could mean something else. */
static void put_quoted(struct buf *b, const char *dir, const char *rest)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./-+,:=@%";
    bool quote = dir[strspn(dir, plain)] != 0;

    buf_put_str(b, quote ? "'" : "");
    for (const char *s = dir; *s; s++) {
        if (*s == '\'')
            buf_put_str(b, "'\\''");
        else
            buf_put_u8(b, (uint8_t)*s);
    }
    buf_put_str(b, rest);
    buf_put_str(b, quote ? "'" : "");
}

static void put_key(struct buf *b, const struct gen_options *o, const char *option,
                    const char *given, const char *name)
{
    buf_put_str(b, option);
    put_quoted(b, given ? given : o->dir, given ? "" : name);
}

/* How to go on, to be copied line by line. */
static void print_next(const struct gen_options *o)
{
    struct buf b = {0};
    struct err err = {0};

    buf_put_str(&b, "Next:\n  lictor-ingest init ");
    put_quoted(&b, o->dir, "/case");
    put_key(&b, o, " --key ", NULL, "/case.key");
    buf_put_str(&b, "\n  lictor-ingest add ");
    put_quoted(&b, o->dir, "/case");
    put_key(&b, o, " --key ", NULL, "/case.key");
    if (o->age)
        put_key(&b, o, " -i ", o->key, "/case.agekey");
    if (!o->n_texts)
        put_key(&b, o, " --body-keys ", o->body_keys, "/body.keys");
    put_key(&b, o, " ", NULL, "/dumps");
    buf_put_str(&b, "\n  lictor-query search ");
    put_quoted(&b, o->dir, "/case");
    put_key(&b, o, " --key ", NULL, "/case.key");
    buf_put_str(&b, !o->n_texts && o->messages >= STORY_LEAST && o->dumps > 1 ? " '\"blue van\"'\n"
                                                                              : " '*'\n");
    if (buf_status(&b, &err) == ST_OK)
        fwrite(b.data, 1, b.len, stdout);
    buf_release(&b);
}

static int run_generate(struct gen_options *o)
{
    struct err err = {0};
    struct tally sum;
    char records[32], messages[32];

    if (o->dumps == 0) {
        uint64_t d = o->messages / 16000;
        o->dumps = (uint32_t)(d < 5 ? 5 : d > 4000 ? 4000 : d);
    }
    stop_install();
    enum status st = generate(o, &sum, &err);
    if (st != ST_OK) {
        cli_error("lictor-bench", err.text);
        return st == ST_INTERRUPTED ? 130 : st == ST_USAGE ? 2 : 3;
    }
    cli_count_text(sum.records, records);
    cli_count_text(sum.messages, messages);
    printf("%s records, %s messages, %u dumps in %s/dumps\n", records, messages, o->dumps, o->dir);
    print_next(o);
    return 0;
}

static int take_options(int argc, char **argv, struct gen_options *o)
{
    char text[CLI_FAULT_SIZE];
    struct cli_scan scan = {.argv = argv + 1,
                            .argc = argc - 1,
                            .options = options,
                            .n_options = sizeof options / sizeof *options};
    for (enum cli_found found; (found = cli_scan_next(&scan)) != CLI_END;) {
        int id = found == CLI_OPTION ? scan.option->id : 0;
        if (id == OPT_HELP) {
            fputs(usage_text, stdout);
            return 0;
        }
        if (id == OPT_VERSION) {
            puts("lictor-bench " LICTOR_VERSION);
            return 0;
        }
        if (found != CLI_OPTION || !option_take(id, scan.value, o)) {
            cli_scan_fault(&scan, found, text);
            return usage_error(text);
        }
    }
    if (scan.n_rest != 1)
        return usage_error("generate takes one directory");
    o->dir = scan.argv[0];
    return run_generate(o);
}

int cmd_generate(int argc, char **argv)
{
    struct gen_options o = {.texts = calloc((size_t)argc, sizeof *o.texts),
                            .messages = 200000,
                            .seed = 1,
                            .level = 1,
                            .zstd = true,
                            .age = true,
                            .threads = os_cpus()};
    int code = o.texts ? take_options(argc, argv, &o) : EXIT_FAILED;

    free(o.texts);
    return code;
}
