/* lictor-ingest — opens deliveries with their keys and writes a case. This file: the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "indexer/cmd.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define PROGRAM "lictor-ingest"

struct command {
    const char *name;
    int (*run)(const struct cmd_options *o);
    const char *options; /* letters of `option_table` it takes */
    int min_rest, max_rest;
    const char *usage, *help;
};

static const struct command commands[] = {
    {"init", cmd_init, "kyYE", 0, 0,
     "init CASE --key FILE | init CASE --passphrase | init CASE --no-encryption",
     "Makes an empty case, and its key file (mode 0600; an existing FILE is refused).\n"
     "Keep the key file apart from the case: without it nobody can read the case.\n"
     "\n"
     "  --key FILE         the key file to make (else $LICTOR_KEY_FILE)\n"
     "  --passphrase       no key file: asks for a passphrase, twice\n"
     "  --passphrase-file FILE  the same, from a file that only you can read (one line)\n"
     "  --no-encryption    store everything readable; checksums find accidents, not attackers\n"},
    {"add", cmd_add, "kijmApbtafPwST", 1, -1, "add CASE [options] DUMP|DIR|-...",
     "Opens dumps and adds their records. May be stopped or killed at any time: the same command\n"
     "again goes on at the last commit; stopped by Ctrl-C it commits what it has read. A dump that "
     "is in the case already is passed over.\n"
     "\n"
     "  --key FILE                   the case key (else $LICTOR_KEY_FILE)\n"
     "  -i, --identity FILE          age identity file; may be given several times\n"
     "  --dump-passphrase-file FILE  passphrase of scrypt dumps\n"
     "  --scrypt-max N               highest scrypt work factor accepted (log2, default 20)\n"
     "  --body-keys FILE             keys of sealed bodies, lines `id base64key`\n"
     "  --trust FILE                 refuse dumps without a good minisign signature by these keys\n"
     "  -j, --threads N              worker threads (default: one per processor)\n"
     "  --memory SIZE                memory to work in, such as 256M or 8G (default: a quarter)\n"
     "  --aside SIZE                 what does not fit into memory is put aside on the disk of\n"
     "                               the case, up to SIZE, then joined and committed (default:\n"
     "                               as the disk allows; 0: commit whenever memory is full)\n"
     "  --window SIZE                largest zstd window accepted (default 8M)\n"
     "  --again                      read dumps again that are in the case already\n"
     "  --format text|json           how the books are printed (default text)\n"
     "  --progress auto|plain|none   progress on stderr (default: on a terminal)\n"
     "  --stages                     say on stderr where the time went\n"},
    {"unseal", cmd_unseal, "kbfjmP", 0, 0, "unseal CASE --body-keys FILE [--format json]",
     "Opens sealed bodies whose keys have arrived. Ids, order and content digest stay; the texts\n"
     "become searchable. `add --body-keys` does the same for what it brings.\n"
     "\n"
     "  --body-keys FILE             keys of sealed bodies, lines `id base64key`\n"
     "  -j, --threads N   --memory SIZE   --key FILE   --progress auto|plain|none\n"
     "  --format text|json           messages opened, with broken seals, still sealed\n"},
    {"status", cmd_status, "kfBW", 0, 0, "status CASE [--sections] [--pairs] [--format json]",
     "Messages, copies, other records, dumps by state, segments, bytes, time span, content "
     "digest.\n"
     "The content digest is the same for every case that holds the same records.\n"
     "\n"
     "  --sections         also what the bytes of the segments are for, whole and a message\n"
     "  --pairs            count the messages that may be the same as another in a large case "
     "too:\n"
     "                     it reads every conversation, so that with more than 2 million messages\n"
     "                     it is left out else\n"
     "  --key FILE         the case key (else $LICTOR_KEY_FILE)\n"},
    {"ledger", cmd_ledger, "kfsN", 0, 0,
     "ledger CASE [--state partial,refused] [--format json] | ledger CASE --head FILE",
     "The intake ledger: every dump that came, with its books and what is to be asked for again;\n"
     "and what was done to the case between them: compact, unseal, rekey, reopen (by `verify`).\n"
     "\n"
     "  --state LIST       only dumps of these states: complete, partial, refused\n"
     "  --head FILE        instead, write the ends of ledger and query log into a new FILE (`-`:\n"
     "                     print them). Kept outside the case, with a time stamp or a signature, "
     "it\n"
     "                     shows when the case was taken back: `verify CASE --head FILE` "
     "compares\n"
     "  --key FILE         the case key (else $LICTOR_KEY_FILE)\n"},
    {"quarantine", cmd_quarantine, "kfro", 0, 0, "quarantine CASE [--raw -o FILE]",
     "Lines that could not be read as records, with dump, line and reason.\n"
     "\n"
     "  --raw              the lines byte for byte, one after the other\n"
     "  -o, --output FILE  where to (a new file)\n"
     "  --key FILE         the case key (else $LICTOR_KEY_FILE)\n"},
    {"compact", cmd_compact, "kjmP", 0, 0, "compact CASE [-j N] [--memory SIZE]",
     "Merges segments and overlays. Ids, answers and digest stay the same.\n"
     "\n"
     "  --key FILE         the case key (else $LICTOR_KEY_FILE)\n"
     "  -j, --threads N   --memory SIZE   --progress auto|plain|none\n"},
    {"rekey", cmd_rekey, "kynuv", 0, 0,
     "rekey CASE (--new-key FILE | --new-passphrase | --new-passphrase-file FILE)",
     "Gives the case another key, and stands in the ledger; what opened it before is refused "
     "then.\n"
     "Only the file CASE is written anew: copies of the case that were made before open by the "
     "old\n"
     "key still. May be killed at any time: the old key or the new one holds, and the next `add`,\n"
     "`compact` or `rekey` finishes.\n"
     "\n"
     "  --key FILE   --passphrase-file FILE   what opens it now (a passphrase is asked for)\n"
     "  --new-key FILE               make a key file (mode 0600; an existing FILE is refused)\n"
     "  --new-passphrase             ask for a passphrase, twice\n"
     "  --new-passphrase-file FILE   the same, from a file that only you can read (one line)\n"},
    {"verify", cmd_verify, "kdfPNR", 0, 0, "verify CASE [--deep] [--head FILE] [--no-reopen]",
     "Checks every checksum and seal of the case, and the chain of the ledger. Damage to a "
     "segment\n"
     "costs its messages until its dumps are read again: the damaged files are set aside (kept as\n"
     "*.damaged), the dumps concerned are named and noted in the ledger as partial, and `add` of\n"
     "the same dumps heals the case.\n"
     "\n"
     "  --deep             also derives the index again from the stored messages and compares\n"
     "  --head FILE        also that the ledger continues the head in FILE (`ledger --head`)\n"
     "  --no-reopen        only report damage, change nothing\n"
     "  --key FILE         the case key (else $LICTOR_KEY_FILE)\n"},
};

/* `id` ties an option to the commands that take it. */
static const struct cli_option option_table[] = {
    {'k', 0, "key", "a key file"},
    {'y', 0, "passphrase-file", "a file"},
    {'Y', 0, "passphrase", NULL},
    {'n', 0, "new-key", "a file"},
    {'u', 0, "new-passphrase-file", "a file"},
    {'v', 0, "new-passphrase", NULL},
    {'E', 0, "no-encryption", NULL},
    {'i', 'i', "identity", "an age identity file"},
    {'j', 'j', "threads", "a number from 1 to 60"},
    {'m', 0, "memory", "a size from 64M on"},
    {'A', 0, "aside", "a size such as 20G, or 0"},
    {'p', 0, "dump-passphrase-file", "a file"},
    {'S', 0, "scrypt-max", "a number from 1 to 30"},
    {'b', 0, "body-keys", "a file"},
    {'t', 0, "trust", "a file of minisign keys"},
    {'a', 0, "again", NULL},
    {'T', 0, "stages", NULL},
    {'B', 0, "sections", NULL},
    {'W', 0, "pairs", NULL},
    {'f', 0, "format", "text or json"},
    {'P', 0, "progress", "auto, plain or none"},
    {'w', 0, "window", "a size from 1K to 2G"},
    {'s', 0, "state", "complete, partial and refused, with commas"},
    {'r', 0, "raw", NULL},
    {'o', 'o', "output", "a file"},
    {'d', 0, "deep", NULL},
    {'N', 0, "head", "a file"},
    {'R', 0, "no-reopen", NULL},
    {CLI_ID_HELP, 'h', "help", NULL},
    {CLI_ID_VERSION, 0, "version", NULL},
};
#define OPTIONS (sizeof option_table / sizeof *option_table)

static const char help_of_all[] = "\n"
                                  "  --passphrase-file FILE  instead of a key file: the passphrase "
                                  "of the case (one line; else it "
                                  "is\n"
                                  "                          asked for at the terminal)\n";

static void print_usage(FILE *f)
{
    fputs("usage: " PROGRAM " COMMAND CASE [options] [arguments]\n"
          "Opens deliveries of intercepted messages with their keys and writes a case.\n\n",
          f);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(f, "  %s\n", commands[i].usage);
    fputs(
        "\nMore on one of them: " PROGRAM " COMMAND --help\n"
        "Exit: 0 all in and balanced; 1 done, but something was quarantined, partial or refused,\n"
        "or damage was found; 2 usage; 3 failure; 130 interrupted after a clean stop.\n",
        f);
}

static bool parse_small(const char *arg, uint64_t min, uint64_t max, unsigned *out)
{
    uint64_t v;
    if (!cli_uint(arg, min, max, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

/* One option; false if its value is malformed. */
static bool take_option(void *ctx, int c, char *arg)
{
    struct cmd_options *o = ctx;
    switch (c) {
    case 'k':
        o->key_file = arg;
        return o->key_given = true;
    case 'y':
        o->case_passphrase_file = arg;
        return true;
    case 'Y':
        return o->passphrase = true;
    case 'n':
        o->new_key = arg;
        return true;
    case 'u':
        o->new_passphrase_file = arg;
        return true;
    case 'v':
        return o->new_passphrase = true;
    case 'E':
        return o->no_encryption = true;
    case 'i':
        o->identities[o->n_identities++] = arg;
        return true;
    case 'j':
        return parse_small(arg, 1, 60, &o->threads);
    case 'm':
        return cli_size(arg, &o->memory) && o->memory >= ((uint64_t)64 << 20);
    case 'A':
        o->aside_none = strcmp(arg, "0") == 0;
        return o->aside_none || (cli_size(arg, &o->aside) && o->aside > 0);
    case 'w':
        return cli_size(arg, &o->window) && o->window >= 1024 && o->window <= ((uint64_t)1 << 31);
    case 'p':
        o->passphrase_file = arg;
        return true;
    case 'S':
        return parse_small(arg, 1, 30, &o->scrypt_max);
    case 'b':
        o->body_keys_file = arg;
        return true;
    case 't':
        o->trust = arg;
        return true;
    case 'a':
        return o->again = true;
    case 'T':
        return o->stages = true;
    case 'B':
        return o->sections = true;
    case 'W':
        return o->pairs = true;
    case 'f':
        o->json = strcmp(arg, "json") == 0;
        return o->json || strcmp(arg, "text") == 0;
    case 'P':
        return cli_progress_parse(arg, &o->progress);
    case 's':
        o->states = arg;
        return true;
    case 'r':
        return o->raw = true;
    case 'o':
        o->output = arg;
        return true;
    case 'd':
        return o->deep = true;
    case 'N':
        o->head = arg;
        return true;
    case 'R':
        return o->no_reopen = true;
    default:
        return false;
    }
}

static const struct cli_program program = {
    .name = PROGRAM,
    .options = option_table,
    .n_options = OPTIONS,
    .options_of_all = "y",
    .help_of_all = help_of_all,
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

static int parse(const struct command *cmd, int argc, char **argv, struct cmd_options *o)
{
    struct cli_scan scan = {.argv = argv, .argc = argc};
    const struct cli_command cli = cli_of(cmd);
    int code = cli_command_options(&program, &cli, &scan, o);
    if (code)
        return code;
    if (scan.n_rest == 0)
        return usage_error(cmd, cmd->name, "which CASE?");
    o->dir = argv[0];
    o->rest = argv + 1;
    o->n_rest = scan.n_rest - 1;
    if (o->n_rest < cmd->min_rest)
        return usage_error(cmd, cmd->name, "which DUMPs?");
    if (cmd->run == cmd_unseal && !o->body_keys_file)
        return usage_error(cmd, cmd->name, "which keys? --body-keys FILE");
    int news = (o->new_key != NULL) + (o->new_passphrase_file != NULL) + o->new_passphrase;
    if (cmd->run == cmd_rekey && news != 1)
        return usage_error(cmd, cmd->name,
                           "which new one? --new-key FILE, --new-passphrase or "
                           "--new-passphrase-file FILE");
    if (o->key_given && o->case_passphrase_file)
        return usage_error(cmd, "--passphrase-file", "does not go with --key");
    if (cmd->max_rest >= 0 && o->n_rest > cmd->max_rest)
        return usage_error(cmd, o->rest[cmd->max_rest], "unexpected argument");
    return EXIT_GOOD;
}

/* Before anything is begun that would compete for the terminal. */
static int open_and_run(const struct command *cmd, struct cmd_options *o)
{
    struct err err = {0};
    uint8_t *asked = NULL;
    o->secret =
        (struct case_secret){.key_file = o->key_file, .passphrase_file = o->case_passphrase_file};
    if (cmd->run != cmd_init)
        err.status = casefile_ask(o->dir, &o->secret, !o->key_given, cli_ask_secret, &asked, &err);
    int code = err.status == ST_OK ? cmd->run(o) : cmd_fail(&err);
    cli_free_secret(asked);
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
        cli_version(PROGRAM, argc > 2 && strcmp(argv[2], "--verbose") == 0);
        return EXIT_GOOD;
    }
    const struct command *cmd = NULL;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            cmd = &commands[i];
    if (!cmd)
        return cli_usage_error(&program, NULL, argv[1], "no such command");
    struct cmd_options o = {.key_file = getenv("LICTOR_KEY_FILE")};
    if (o.key_file && !*o.key_file)
        o.key_file = NULL;
    o.identities = calloc((size_t)argc, sizeof *o.identities);
    if (!o.identities) {
        cli_error(program.name, "no memory is left");
        return EXIT_FAILURE_ENV;
    }
    int code = parse(cmd, argc - 2, argv + 2, &o);
    if (code == EXIT_GOOD) {
        stop_install();
        os_protect_process();
        code = open_and_run(cmd, &o);
    }
    free(o.identities);
    return code;
}
