/* cmd — the subcommands of lictor-ingest, and what they share: options, errors, exit codes.
 * Threads: one. */
#ifndef INDEXER_CMD_H
#define INDEXER_CMD_H

#include <sys/types.h>

#include "lictor/casefile.h"
#include "lictor/cli.h"

enum { EXIT_GOOD = 0, EXIT_REMARKS = 1, EXIT_USAGE = 2, EXIT_FAILURE_ENV = 3, EXIT_STOPPED = 130 };

struct cmd_options {
    const char *dir;      /* CASE */
    const char *key_file; /* --key, else $LICTOR_KEY_FILE, else NULL */
    bool key_given;       /* it was --key */
    const char *case_passphrase_file;
    struct case_secret
        secret;      /* what of these opens the case, and a passphrase that was asked for */
    bool passphrase; /* init: ask for a new one */
    const char *new_key, *new_passphrase_file; /* rekey */
    bool new_passphrase;
    bool json;
    bool no_encryption, again, deep, raw, stages, sections, pairs;
    bool no_reopen; /* verify changes nothing */
    enum cli_progress_mode progress;
    char **identities; /* in the order given */
    int n_identities;
    const char *passphrase_file, *body_keys_file, *output, *states, *trust;
    const char *head; /* ledger: write it there; verify: compare with it */
    unsigned threads; /* 0: as many as processors */
    unsigned scrypt_max;
    uint64_t memory, window;
    uint64_t aside; /* 0: as the disk allows */
    bool aside_none;
    char **rest; /* arguments after CASE */
    int n_rest;
    long child; /* the opener of an add; else 0 */
};

/* Each takes the parsed options and returns the exit code. */
int cmd_init(const struct cmd_options *o);
int cmd_add(const struct cmd_options *o);
int cmd_status(const struct cmd_options *o);
int cmd_ledger(const struct cmd_options *o);
int cmd_quarantine(const struct cmd_options *o);
int cmd_compact(const struct cmd_options *o);
int cmd_unseal(const struct cmd_options *o);
int cmd_rekey(const struct cmd_options *o);
int cmd_verify(const struct cmd_options *o);

#define CMD_CACHE_BYTES ((size_t)64 << 20) /* of decrypted blocks */

/* Prints the error and gives the exit code that goes with it. */
int cmd_fail(const struct err *err);
/* Opens the case of the options; prints what opening repaired. From then on the process is confined
 * to it (lictor/confine.h): open everything else before. 0, or the exit code. */
int cmd_open(const struct cmd_options *o, enum casefile_mode mode, struct casefile **out);
/* The same for CASE_WRITE, where words will be made: refuses a case of other rules for words, since
 * no version could search the two together. */
int cmd_open_words(const struct cmd_options *o, struct casefile **out);
/* cmd_open without confining it; then that, with one more directory that may be written and
 * a file that may be read, or NULL. */
int cmd_open_only(const struct cmd_options *o, enum casefile_mode mode, struct casefile **out);
MUST_USE enum status cmd_confine(const struct cmd_options *o, bool write, const char *also,
                                 const char *read, struct err *err);
/* The same for reading, after a new file `output` was made, since none can be made there later;
 * NULL for none: *fd stays as it is. If the case does not open, the file is removed again. */
int cmd_open_output(const struct cmd_options *o, const char *output, mode_t mode, int *fd,
                    struct casefile **out);
/* Writes a buffer to stdout; 0, or the exit code (a closed pipe is quiet). */
int cmd_print(struct buf *out);
/* The memory to use: --memory, or a quarter of what the machine has. */
uint64_t cmd_memory(const struct cmd_options *o);
/* The threads to work with: --threads, or one for each processor; no more than a run has stores. */
unsigned cmd_threads(const struct cmd_options *o);

#endif
