/* disentangle — annotated channel logs, read for training and scoring the model of query/answers.h.
 * Format of the data: a directory with gold.SET.graphs.txt and SET/NAME.raw.txt as published by
 * Kummerfeld et al. (ACL 2019), SET being train, dev …: lines `[HH:MM] <nick> text` (or `* nick
 * text`), all others being the system's; links `NAME:a b -`, b answers a, a = b: starts a talk.
 * Owns: a set owns its files.  Threads: one.  Trusts: nothing. */
#ifndef BENCH_DISENTANGLE_H
#define BENCH_DISENTANGLE_H

#include "query/answers.h"

#define LOG_NONE UINT32_MAX

struct log_line {
    struct answers_line said;
    bool system;         /* not a message: takes no part */
    uint32_t first_link; /* into links of the log, those of this line */
    uint32_t n_links;    /* 0: not annotated */
};

struct log_file {
    char *name;
    uint8_t *bytes;
    struct log_line *lines;
    uint32_t n_lines;
    uint32_t *links; /* line numbers that are answered; the line's own: none */
};

struct log_set {
    struct log_file *files;
    size_t n_files;
    uint64_t annotated; /* lines */
};

MUST_USE enum status log_set_read(const char *dir, const char *set, struct log_set *out,
                                  struct err *err);
void log_set_release(struct log_set *s);

struct link_score {
    uint64_t right, proposed, gold;                   /* links, a talk's start is one to itself */
    uint64_t talks_right, talks_proposed, talks_gold; /* of more than one line, exactly the same */
    uint64_t messages;                                /* that were gone through */
    double seconds;                                   /* of one processor */
};
/* Goes through all logs with the model as a reader would. `system`: also counts the system's lines,
 * each of which answers nothing (as published scores do). */
MUST_USE enum status log_set_score(const struct log_set *s, const struct answers_model *m,
                                   bool system, struct link_score *out, struct err *err);
/* F1 of what is right of what was proposed and of what there is. */
double link_f1(uint64_t right, uint64_t proposed, uint64_t gold);

#endif
