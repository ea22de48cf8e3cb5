/* lictor-bench — makes synthetic deliveries and measures. This file: the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/pick.h"
#include "lictor/thread.h"

struct command {
    const char *name;
    int (*run)(const struct measure_options *o);
    const char *options;
    int max_rest; /* -1: any number */
    const char *missing, *usage, *help;
};

#define DELIVERY_HELP                                                                              \
    "DELIVERY is a directory that `lictor-bench generate` made, or dumps and directories of\n"     \
    "dumps (then with -i for what is encrypted).\n"
#define COMMON_HELP                                                                                \
    "  --format text|json\n"                                                                       \
    "  --scratch DIR          where to write what is measured (default $TMPDIR, else /tmp);\n"     \
    "                         removed at the end\n"                                                \
    "  --programs DIR         where lictor-ingest and lictor-query are (default: beside this)\n"

static const struct command commands[] = {
    {"floor", cmd_floor, "ijfS", -1, "which DELIVERY?", "floor DELIVERY... [options]",
     "Opens and inflates the dumps and does nothing else: no indexer can be faster.\n" DELIVERY_HELP
     "\n"
     "  -i, --identity FILE    age identity; again for more\n"
     "  -j, --threads N        dumps at a time, on as many processors (default: all)\n"
     "  --format text|json\n"},
    {"ingest", cmd_ingest, "ijfSPmcBCk", -1, "which DELIVERY?", "ingest DELIVERY... [options]",
     "Adds a delivery to a new case with the real program: ratio to the floor of the same run,\n"
     "throughput, peak memory, time of each stage, and bytes of the case.\n" DELIVERY_HELP "\n"
     "  -i, --identity FILE    age identity; again for more\n"
     "      --body-keys FILE   keys of sealed bodies\n"
     "  -j, --threads N        threads, on as many processors (default: all)\n"
     "      --memory SIZE      passed to add and compact\n"
     "      --case DIR         make the case there and keep it; its key is in --key FILE or\n"
     "                         DIR.key\n"
     "      --no-compact       leave the case as add left it\n" COMMON_HELP},
    {"query", cmd_query, "kfPqtdLx", 1, "which CASE?", "query CASE [options]",
     "Measures every class of query on a case: words, phrases, days ... that stand in it, drawn "
     "by\n"
     "chance; each run once to warm and once timed, in one process, with exact totals and the\n"
     "newest ten messages read. Then the program from its start to the first byte of its answer.\n"
     "\n"
     "      --key FILE         the case key (else $LICTOR_KEY_FILE)\n"
     "      --queries N        of each class (default 200)\n"
     "      --seconds N        that a class may take (default 10); slow ones then have fewer\n"
     "      --seed S           which queries are drawn (default 1)\n"
     "      --class NAME       only this class, by its key in json, or start; again for more\n"
     "      --list FILE        write every query and its total there, as jsonl\n"
     "      --programs DIR     where lictor-query is (default: beside this)\n"
     "      --format text|json\n"},
    {"peers", cmd_peers, "ifSPmBqtdL", -1, "which DELIVERY?", "peers DELIVERY... [options]",
     "Adds a delivery to a case, puts the same messages into an SQLite FTS5 table and into a file\n"
     "that zstd compressed, and asks all three the same queries. Messages/s (one thread each), "
     "peak\n"
     "memory, bytes a message, latencies. Holds all messages in memory once.\n" DELIVERY_HELP "\n"
     "  -i, --identity FILE    age identity; again for more\n"
     "      --body-keys FILE   keys of sealed bodies\n"
     "      --memory SIZE      passed to add\n"
     "      --queries N        of each class (default 200)\n"
     "      --seconds N        that a class may take (default 10)\n"
     "      --seed S           which queries are drawn (default 1)\n"
     "      --list FILE        write Lictor's queries and totals there, as jsonl\n" COMMON_HELP},
    {"disentangle-score", cmd_disentangle_score, "", 2, "which DATA?",
     "disentangle-score DATA [SET]",
     "How well `thread --disentangle` finds which message each message answers: F1 of links, and "
     "of\n"
     "talks found exactly, on annotated logs. DATA has gold.SET.graphs.txt and SET/*.raw.txt, as\n"
     "published by Kummerfeld et al. (ACL 2019); SET is dev if not given.\n"},
    {"disentangle-train", cmd_disentangle_train, "d", 2, "which DATA?",
     "disentangle-train DATA FILE [--seed S]",
     "Trains the model on DATA's set train, checks it on dev after each pass, and writes the "
     "weights\n"
     "of the best one into a new FILE, which takes the place of query/answers_weights.c.\n"},
};

static const struct cli_option option_table[] = {
    {'i', 'i', "identity", "a file with an age identity"},
    {'j', 'j', "threads", "a number from 1 to 1024"},
    {'f', 0, "format", "text or json"},
    {'S', 0, "scratch", "a directory"},
    {'P', 0, "programs", "a directory"},
    {'m', 0, "memory", "a size such as 512M or 8G"},
    {'c', 0, "case", "a directory"},
    {'k', 0, "key", "a key file"},
    {'B', 0, "body-keys", "a file"},
    {'C', 0, "no-compact", NULL},
    {'q', 0, "queries", "a number from 1 to 100000"},
    {'t', 0, "seconds", "a number from 1 to 86400"},
    {'d', 0, "seed", "a number"},
    {'L', 0, "list", "a new file"},
    {'x', 0, "class",
     "frequent, rare, sender, and, phrase, prefix, day, conversation, exact, "
     "leading, regex, fuzzy, near, then, not or start"},
    {CLI_ID_HELP, 'h', "help", NULL},
    {CLI_ID_VERSION, 0, "version", NULL},
};
#define OPTIONS (sizeof option_table / sizeof *option_table)

static void print_usage(FILE *f)
{
    fputs("usage: " BENCH_PROGRAM " COMMAND [options] [arguments]\n"
          "Makes synthetic deliveries and measures what is done with them.\n\n"
          "  generate OUTDIR [options]\n",
          f);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(f, "  %s\n", commands[i].usage);
    fputs("\nMore on one of them: " BENCH_PROGRAM " COMMAND --help\n"
          "Exit: 0 done; 2 usage; 3 failure; 130 interrupted.\n",
          f);
}

/* One option; false if its value is malformed. */
static bool take_option(void *ctx, int c, char *arg)
{
    struct measure_options *o = ctx;
    uint64_t v;
    unsigned class;
    switch (c) {
    case 'i':
        o->identities[o->n_identities++] = arg;
        return true;
    case 'j':
        if (!cli_uint(arg, 1, 1024, &v))
            return false;
        o->threads = (unsigned)v;
        return true;
    case 'f':
        o->json = strcmp(arg, "json") == 0;
        return o->json || strcmp(arg, "text") == 0;
    case 'S':
        o->scratch = arg;
        return true;
    case 'P':
        o->programs = arg;
        return true;
    case 'm':
        o->memory = arg;
        return cli_size(arg, &v);
    case 'c':
        o->case_dir = arg;
        return true;
    case 'k':
        o->key_file = arg;
        return true;
    case 'q':
        return cli_uint(arg, 1, 100000, &o->queries);
    case 't':
        return cli_uint(arg, 1, 86400, &o->seconds);
    case 'd':
        return cli_uint(arg, 0, UINT64_MAX, &o->seed);
    case 'L':
        o->list = arg;
        return true;
    case 'x':
        if (!pick_by_key(arg, &class))
            return false;
        o->classes |= 1u << class;
        return true;
    case 'B':
        o->body_keys = arg;
        return true;
    default:
        o->no_compact = true;
        return true;
    }
}

static const struct cli_program program = {
    .name = BENCH_PROGRAM,
    .options = option_table,
    .n_options = OPTIONS,
    .options_of_all = "",
    .help_of_all = "",
    .take = take_option,
};

static struct cli_command cli_of(const struct command *c)
{
    return (struct cli_command){c->name, c->options, c->usage, c->help};
}

static int usage_error(const struct command *c, const char *what, const char *why)
{
    const struct cli_command cli = cli_of(c);
    return cli_usage_error(&program, &cli, what, why);
}

static int parse(const struct command *cmd, int argc, char **argv, struct measure_options *o)
{
    struct cli_scan scan = {.argv = argv, .argc = argc};
    const struct cli_command cli = cli_of(cmd);
    int code = cli_command_options(&program, &cli, &scan, o);
    if (code)
        return code;
    if (scan.n_rest == 0)
        return usage_error(cmd, cmd->name, cmd->missing);
    if (cmd->max_rest >= 0 && scan.n_rest > cmd->max_rest)
        return usage_error(cmd, argv[cmd->max_rest], "unexpected argument");
    o->rest = argv;
    o->n_rest = scan.n_rest;
    return EXIT_GOOD;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
    struct measure_options o = {.identities = calloc((size_t)argc + 1, sizeof(char *)),
                                .queries = 200,
                                .seconds = 10,
                                .seed = 1};
    int code = o.identities ? parse(cmd, argc, argv, &o) : EXIT_FAILED;
    if (code == EXIT_GOOD) {
        stop_install();
        code = cmd->run(&o);
    }
    free(o.identities);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return cli_usage_error(&program, NULL, "which command", "none was given");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        cli_version(BENCH_PROGRAM, false);
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "generate") == 0)
        return cmd_generate(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(&commands[i], argc - 2, argv + 2);
    return cli_usage_error(&program, NULL, argv[1], "no such command");
}
