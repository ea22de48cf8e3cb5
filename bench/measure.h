/* measure — what the measuring subcommands of lictor-bench share: options, scratch space, child
 * programs, latencies, and the figures that come out as text or JSON. What each figure means is
 * written in bench/README.md.
 * Owns: see each.  Threads: one, but for floor_run, which makes its own. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "indexer/walk.h"
#include "lictor/cli.h"
#include "lictor/json_out.h"

#define BENCH_PROGRAM "lictor-bench"

enum { EXIT_GOOD = 0, EXIT_USAGE = 2, EXIT_FAILED = 3, EXIT_STOPPED = 130 };

struct measure_options {
    char **identities;
    int n_identities;
    const char *key_file; /* --key; NULL if not given */
    const char *case_dir; /* --case: where the case goes, or which is taken */
    const char *body_keys;
    const char *scratch; /* --scratch, else $TMPDIR, else /tmp */
    const char
        *programs;      /* --programs: where lictor-ingest and lictor-query are; NULL: beside us */
    const char *list;   /* --list: every query and its total */
    const char *memory; /* --memory, as it was given */
    unsigned threads;   /* 0: all processors */
    uint64_t queries;   /* of each class */
    uint64_t seconds;   /* a class may take */
    uint64_t seed;
    unsigned classes; /* --class: bits of enum pick_class, PICK_START; 0: all */
    bool json, no_compact;
    char **rest; /* arguments behind the options */
    int n_rest;
};

/* Each takes the parsed options and returns the exit code. */
int cmd_generate(int argc, char **argv);
int cmd_floor(const struct measure_options *o);
int cmd_ingest(const struct measure_options *o);
int cmd_query(const struct measure_options *o);
int cmd_peers(const struct measure_options *o);
int cmd_disentangle_train(const struct measure_options *o);
int cmd_disentangle_score(const struct measure_options *o);

/* Prints the error and gives the exit code that goes with it. */
int measure_fail(const struct err *err);
/* What is being done now, on stderr if that is a terminal. */
void measure_note(const char *text);

/* ---- figures (figures.c): one line each, or one JSON object ---- */

struct figures {
    bool as_json;
    struct buf out;
    struct json_out json;
};
void figures_begin(struct figures *f, bool as_json, const char *command);
/* `key`: in JSON; `says`: in text. */
void figure_count(struct figures *f, const char *key, const char *says, uint64_t v);
/* Three digits behind the point; unit "" or "s", "MB/s" … */
void figure_real(struct figures *f, const char *key, const char *says, double v, const char *unit);
/* Ends and prints; the exit code. */
int figures_print(struct figures *f);
/* a / b, 0 where b is 0. */
double figure_ratio(double a, double b);

/* ---- scratch space (scratch.c) ---- */

/* A new directory that only we can enter; *path is freed by scratch_remove. `need`: bytes that will
 * be written, ST_IO if they are not free. */
MUST_USE enum status scratch_make(const struct measure_options *o, uint64_t need, char **path,
                                  struct err *err);
/* ST_IO, saying how much, if less than `need` bytes are free where `path` is. */
MUST_USE enum status scratch_room(const char *path, uint64_t need, struct err *err);
/* Removes the tree (symbolic links are not followed) and frees the path; NULL is fine. */
void scratch_remove(char *path);
/* "dir/name", for free(); NULL without memory. */
char *path_join(const char *dir, const char *name);
/* Bytes of all files below. */
MUST_USE enum status tree_bytes(const char *dir, uint64_t *bytes, struct err *err);

/* ---- child programs (child.c) ---- */

struct child_result {
    int code;                          /* of exit; 128 + signal where one ended it */
    int64_t wall_us, cpu_us, first_us; /* first_us: until the first byte of output, -1: none came */
    uint64_t peak;                     /* bytes; the largest of it and its own children */
    struct buf out, err;               /* what it printed */
};
/* Runs argv[0] with standard input from /dev/null, on the first `cpus` processors (0: all), and
 * waits. Ctrl-C reaches it too; then ST_INTERRUPTED once it has ended. */
MUST_USE enum status child_run(char *const *argv, unsigned cpus, struct child_result *r,
                               struct err *err);
void child_release(struct child_result *r);
/* ST_IO with the end of what it said on stderr, unless its code is 0 (or `also`). */
MUST_USE enum status child_good(const struct child_result *r, const char *name, int also,
                                struct err *err);
/* Path of "lictor-ingest" or "lictor-query", for free(). */
MUST_USE enum status program_path(const struct measure_options *o, const char *name, char **out,
                                  struct err *err);

/* ---- a delivery (floor.c) ---- */

struct delivery {
    struct walk_list dumps;
    char *dumps_dir; /* what `add` is given; NULL: the arguments themselves */
    char *identity;  /* found beside the dumps */
    char *body_keys; /* found beside the dumps */
};
/* A directory that `generate` made (dumps/, case.agekey, body.keys), or dumps and directories. */
MUST_USE enum status delivery_find(const struct measure_options *o, struct delivery *d,
                                   struct err *err);
void delivery_release(struct delivery *d);

struct floor_result {
    int64_t wall_us;
    uint64_t raw_bytes; /* NDJSON that came out */
};
/* Opens and inflates every dump on `threads` threads, confined to as many processors; nothing is
 * kept. The best of `times`. */
MUST_USE enum status floor_run(const struct measure_options *o, const struct delivery *d,
                               unsigned threads, unsigned times, struct floor_result *r,
                               struct err *err);

/* ---- one ingest (ingest.c) ---- */

#define INGEST_STAGES_MAX 16
struct ingest_result {
    int64_t wall_us, cpu_us;
    uint64_t peak;
    uint64_t records, messages, copies, other, quarantined;
    struct {
        char name[16];
        double wall_s, cpu_s;
    } stages[INGEST_STAGES_MAX];
    size_t n_stages;
};
/* `init` of a new case with a new key, then `add`, by the real program. */
MUST_USE enum status ingest_run(const struct measure_options *o, const struct delivery *d,
                                unsigned threads, const char *case_dir, const char *key_file,
                                struct ingest_result *r, struct err *err);
/* About how many bytes the case of a delivery will take at most. */
uint64_t ingest_room(const struct delivery *d);

#endif
