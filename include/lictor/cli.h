/* cli — what the three programs share on the command line: sizes, colours, progress, safe text.
 * Threads: one. */
#ifndef LICTOR_CLI_H
#define LICTOR_CLI_H

#include <stdio.h>

#include "lictor/bytes.h"

#define LICTOR_VERSION "0.1.0"

/* "256M", "1G", "65536", "1.5G"; units K M G T (1024). False if malformed or too large. */
bool cli_size(const char *text, uint64_t *bytes);
/* Unsigned decimal within [min, max]. */
bool cli_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "1.5 GB", "12 KB" into out. */
void cli_bytes_text(uint64_t bytes, char out[24]);
/* 1234567 -> "1,234,567". */
void cli_count_text(uint64_t n, char out[32]);
/* True if `f` is a terminal and NO_COLOR is not set or empty, TERM not "dumb". */
bool cli_colour(FILE *f);
/* Columns of the terminal behind `f`, 80 if unknown, 0 if not a terminal. */
int cli_columns(FILE *f);

/* Appends `s` so that it can do no harm on a terminal: unsafe code points and malformed bytes are
 * shown as \u{202e}, \x{ff}; newline and tab as `newline` ("\n" kept only if keep_newlines). */
void cli_safe(struct buf *out, struct slice s, bool keep_newlines);
/* Columns that cli_safe output takes. */
int cli_width(struct slice s);

enum cli_progress_mode { CLI_PROGRESS_AUTO, CLI_PROGRESS_PLAIN, CLI_PROGRESS_NONE };

/* "auto", "plain", "none"; false: none of them. */
bool cli_progress_parse(const char *arg, enum cli_progress_mode *mode);

/* Progress on stderr: bytes done of all, records/s, ETA. AUTO draws one line on a terminal at most
 * 5 times a second; PLAIN prints a line every 10 s; NONE nothing. total 0 = unknown. */
struct cli_progress {
    enum cli_progress_mode mode;
    const char *verb;
    const char *unit; /* what is counted; NULL: bytes */
    int64_t started_us, last_us;
    double part; /* see cli_progress_part */
    bool drawn;
};
void cli_progress_begin(struct cli_progress *p, enum cli_progress_mode mode, const char *verb);
/* The same where not bytes but things are counted: "records". */
void cli_progress_begin_counted(struct cli_progress *p, enum cli_progress_mode mode,
                                const char *verb, const char *unit);
void cli_progress_step(struct cli_progress *p, uint64_t bytes, uint64_t total_bytes,
                       uint64_t records);
/* How much of the whole work is done, 0 to 1, where bytes do not tell it: percent and ETA go by it.
 */
void cli_progress_part(struct cli_progress *p, double part);
void cli_progress_end(struct cli_progress *p);

/* Asks at the terminal for a passphrase that is not shown, `twice` for a new one. *text, to be
 * freed with cli_free_secret, is locked and in no core dump. ST_DENIED: no terminal, or what was
 * typed cannot be one; ST_INTERRUPTED. */
MUST_USE enum status cli_ask_secret(const char *prompt, bool twice, uint8_t **text, size_t *len,
                                    struct err *err);
void cli_free_secret(uint8_t *text);

/* ---- options ---- */

struct cli_option {
    int id;
    char brief;        /* `-j`; 0: none */
    const char *name;  /* without -- */
    const char *takes; /* its values in words, "a number from 1 on"; NULL: it takes none */
};
/* Walks a command line: `--name VALUE`, `--name=VALUE`, `-nVALUE`, `-n VALUE`; `--` ends options;
 * options may stand anywhere. Names are never guessed from their beginning. */
struct cli_scan {
    char **argv; /* what is no option is moved to its front */
    int argc, at;
    int n_rest; /* at the end: what is no option */
    const struct cli_option *options;
    size_t n_options;
    bool dashes; /* `-word` is no option but an argument; only exactly `-h` is one */
    bool ended;
    /* the step last made */
    const struct cli_option *option;
    char *value;
    const char *given; /* as it was written */
};
enum cli_found { CLI_END, CLI_OPTION, CLI_UNKNOWN, CLI_MISSING, CLI_NOT_WANTED };
enum cli_found cli_scan_next(struct cli_scan *s);
/* What is wrong with the last step; CLI_OPTION: its value is none that the option takes. */
#define CLI_FAULT_SIZE 600
void cli_scan_fault(const struct cli_scan *s, enum cli_found found, char out[CLI_FAULT_SIZE]);

/* ---- a program of several commands ---- */

#define CLI_USAGE 2     /* exit code */
#define CLI_ID_HELP 'h' /* ids that every command has */
#define CLI_ID_VERSION 256

struct cli_command {
    const char *name;
    const char *options; /* ids of the options that it takes, each a letter */
    const char *usage;   /* behind the program's name */
    const char *help;
};
struct cli_program {
    const char *name;
    const struct cli_option *options;
    size_t n_options;
    const char *options_of_all; /* ids that every command takes besides */
    const char *help_of_all;    /* behind the help of each */
    /* Takes one option into `ctx`; false if its value is malformed. */
    bool (*take)(void *ctx, int id, char *value);
    /* Why a command does not take an option, better than "no such option"; NULL: it does, or there
     * is no more to say. May be NULL. */
    const char *(*refuse)(const struct cli_command *c, int id);
};
/* stderr: what is wrong and where help is; `c` may be NULL. Gives CLI_USAGE. */
int cli_usage_error(const struct cli_program *p, const struct cli_command *c, const char *what,
                    const char *why);
/* Walks the options of a command: 0, with what is no option in scan->argv and scan->n_rest; or
 * CLI_USAGE, said already. --help and --version print and end the process. The caller sets argv,
 * argc and dashes of `scan`. */
int cli_command_options(const struct cli_program *p, const struct cli_command *c,
                        struct cli_scan *scan, void *ctx);

/* stderr: "lictor-x: text\n", the text made safe. */
void cli_error(const char *program, const char *text);
/* stdout: "lictor-x 1.0"; if verbose also how this machine lets the process be confined. */
void cli_version(const char *program, bool verbose);

#endif
