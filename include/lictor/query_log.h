/* query_log — who asked what of a case, when, and how much was found: chained, sealed under the
 * case key, appended to by every query. The case's own log is the file `queries` in it; a party may
 * name a file of its own, which is sealed the same way.
 * A query is two entries: *asked*, before anything is shown, and *answered*; of one that was killed
 * the second is missing. Nothing is synced: a power failure may take the last entries or leave
 * zeros in their place, and that shows for good (as a break), like any other cut. Owns: an open log
 * owns its file.  Threads: one; any number of processes (flock, one entry long). Trusts: nothing on
 * disk.  Format: docs/FORMAT.md, "Query log". */
#ifndef LICTOR_QUERY_LOG_H
#define LICTOR_QUERY_LOG_H

#include "lictor/casefile.h"

struct query_log;

#define QUERY_LOG_NAME "queries" /* the case's own, in its directory */

enum query_log_mode { QUERY_LOG_READ, QUERY_LOG_APPEND };

/* Opens the log of `c`, or with `path` that file. QUERY_LOG_APPEND makes it where it is missing (a
 * case of an older program has none) and needs no further access to the file system later. `c` must
 * outlive it. Errors: ST_NOT_FOUND; ST_IO it cannot be written; ST_DENIED it is something else, or
 * of another case. */
MUST_USE enum status query_log_open(const struct casefile *c, const char *path,
                                    enum query_log_mode mode, struct query_log **out,
                                    struct err *err);
void query_log_close(struct query_log *l);
/* The descriptor, for lictor/confine.h. */
int query_log_fd(const struct query_log *l);

enum query_log_kind { QUERY_LOG_ASKED = 1, QUERY_LOG_ANSWERED, QUERY_LOG_BREAK };
enum query_log_outcome {
    QUERY_LOG_FOUND,
    QUERY_LOG_NOTHING,
    QUERY_LOG_REFUSED, /* no query, or nothing that can be asked */
    QUERY_LOG_FAILED,
    QUERY_LOG_INTERRUPTED,
    QUERY_LOG_LEFT, /* nobody read on */
    QUERY_LOG_OUTCOMES
};

struct query_log_entry {
    uint64_t number;  /* from 0 */
    uint8_t hash[32]; /* only on reading */
    uint8_t kind;
    int64_t time_ms; /* the clock of the machine that asked */
    /* asked */
    struct slice user, host, command, query, version;
    uint64_t uid;
    uint8_t digest[32]; /* content digest of the case, and its generation */
    uint64_t generation;
    /* answered */
    uint64_t asked; /* number of that entry */
    uint8_t outcome;
    uint64_t total, took_ms;
    /* break: the log had been cut here */
    uint64_t first_missing; /* up to number - 1; number itself: it is not known how many */
    uint64_t hole_at; /* only on reading: not an entry, zeros stand from this byte of the file on */
};

/* Appends; sets number and time. Waits at most 5 s for another process: ST_LOCKED. Goes on behind
 * what a killed query left. */
MUST_USE enum status query_log_append(struct query_log *l, struct query_log_entry *e,
                                      struct err *err);

/* All entries, oldest first, the chain checked: ST_DAMAGED where it does not hold. Where a power
 * failure left zeros, a break is shown in their place, and what follows them. Entries borrow
 * memory until visit returns. `visit` may stop with any status other than ST_OK. */
typedef enum status query_log_visit(void *ctx, const struct query_log_entry *e, struct err *err);
MUST_USE enum status query_log_walk(struct query_log *l, query_log_visit *visit, void *ctx,
                                    struct err *err);

/* What a break says, as a sentence. */
void query_log_break_text(const struct query_log_entry *e, struct buf *out);

/* Where it ends now. */
struct query_log_head {
    uint64_t entries;
    uint8_t hash[32]; /* of the last entry; zero if there is none */
};
MUST_USE enum status query_log_head(struct query_log *l, struct query_log_head *out,
                                    struct err *err);

/* Calls `found` for every damage: edits, cuts, breaks. As casefile_verify, which does it for the
 * case's own log. */
MUST_USE enum status query_log_verify(struct query_log *l,
                                      void (*found)(void *ctx, const char *file, const char *what),
                                      void *ctx, uint64_t *damaged, struct err *err);

#endif
