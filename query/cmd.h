/* cmd — the subcommands of lictor-query, and what they share: options, the open case, output, exit
 * codes.
 * Owns: a session owns the open case, its view and the bytes not yet printed.  Threads: one. */
#ifndef QUERY_CMD_H
#define QUERY_CMD_H

#include "lictor/cli.h"
#include "lictor/os.h"
#include "query/pager.h"
#include "query/render.h"

#define QUERY_PROGRAM "lictor-query"

enum { EXIT_FOUND = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_NO_CASE = 3, EXIT_STOPPED = 130 };

enum cmd_colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };
enum cmd_mark { MARK_AUTO, MARK_SIGNS, MARK_NONE };

struct cmd_options {
    const char *command;  /* search, thread, … */
    const char *dir;      /* CASE */
    const char *key_file; /* --key, else $LICTOR_KEY_FILE, else NULL */
    bool key_given;       /* it was --key */
    const char *passphrase_file;
    struct case_secret secret; /* what of these opens the case, and a passphrase asked for */
    const char *tz;            /* NULL: UTC */
    enum render_format format;
    enum cmd_colour colour;
    enum cmd_mark mark; /* how matches are marked in text */
    bool whole;         /* long texts of hits are shown whole */
    struct screen screen;
    bool no_pager;
    enum search_sort sort;
    uint64_t limit; /* 0: not given */
    bool all, count, hits, explain;
    const char *after_hit; /* --continue */
    bool terms;
    const char *conv, *group, *around;
    char **with; /* in the order given */
    int n_with;
    uint64_t context;
    bool context_given;
    const char *output;  /* -o: directory of html */
    bool talks;          /* thread: list them */
    bool disentangle;    /* thread: propose what answers what */
    const char *members; /* thread: at which time */
    bool correct_clocks; /* thread, sources: estimate what the devices' clocks are off */
    const char *after, *before;
    const char *day;  /* thread: a day, `first`, `last` or `hit` */
    int by;           /* enum timeline_by */
    uint64_t threads; /* 0: one a processor */
    enum cli_progress_mode progress;
    const char *log; /* a party's own file; NULL: the log of the case */
    bool no_log;
    bool shows_log; /* the command is `log`: it reads it, and is not logged */
    char **rest;    /* arguments after CASE */
    int n_rest;
};

/* Each takes the parsed options and returns the exit code. */
int cmd_search(const struct cmd_options *o);
int cmd_scan(const struct cmd_options *o);
int cmd_batch(const struct cmd_options *o);
int cmd_thread(const struct cmd_options *o);
int cmd_message(const struct cmd_options *o);
int cmd_handles(const struct cmd_options *o);
int cmd_terms(const struct cmd_options *o);
int cmd_timeline(const struct cmd_options *o);
int cmd_sources(const struct cmd_options *o);
int cmd_gaps(const struct cmd_options *o);
int cmd_contacts(const struct cmd_options *o);
int cmd_log(const struct cmd_options *o);

struct html;
struct query_log;

struct session {
    struct query_log *log; /* NULL: --no-log */
    const char *log_way;   /* "file" or "none"; NULL: the log of the case */
    bool logged;           /* the question is in it, and its answer not yet */
    bool asked;            /* session_ask was called */
    uint64_t log_number;   /* of the question */
    char user[OS_WHO_SIZE], host[OS_WHO_SIZE];
    int64_t asked_us;
    uint64_t total;    /* found, for the log; commands keep it */
    struct html *html; /* --format html, else NULL */
    const struct cmd_options *o;
    struct casefile *cf;
    struct view v;
    struct render r;
    struct buf out;
    struct arena a; /* one row; reset by the commands */
    bool terminal;
    bool query_error; /* was shown, with its place */
};
/* 0, or the exit code with everything closed again. */
int session_open(const struct cmd_options *o, struct session *s);
/* Puts the question into the query log. Every command calls it before anything of the case is
 * shown, again for each query where it answers several (the one before must be answered then).
 * Without a log it does nothing. */
MUST_USE enum status session_ask(struct session *s, struct slice query, struct err *err);
/* Its answer; session_close does it for the last one. `st` other than ST_OK: what failed. */
MUST_USE enum status session_answered(struct session *s, enum status st, bool found,
                                      struct err *err);
/* Prints what is left unless `st` failed; says why it failed; closes. `found` decides between 0 and
 * 1 where all went well. A closed pipe is quiet and no failure. */
int session_close(struct session *s, enum status st, bool found, const struct err *err);
/* Writes out what has gathered, if it is much, or at once on a terminal. ST_CLOSED: nobody reads
 * any more. */
MUST_USE enum status session_flush(struct session *s, struct err *err);
/* The keys that every summary has. */
struct summary session_summary(const struct session *s, struct slice query);

/* A whole command with a query: opens the case, reads and parses the query that the arguments after
 * CASE make (or standard input for `-`), puts its parsed form on stderr, lets `answer` answer, and
 * closes; the exit code. Without arguments `q` is NULL and `shown`, the parsed form, is `*`. */
struct query;
typedef enum status cmd_answer(struct session *s, const struct query *q, struct slice shown,
                               bool *found, struct err *err);
int cmd_with_query(const struct cmd_options *o, cmd_answer *answer);
/* Shows what is wrong with the query and where; the command ends with EXIT_USAGE and prints nothing
 * more. */
void session_query_error(struct session *s, struct slice text, const struct query_error *qe);

/* "3 messages under seal could not be tested; all else of the query matches."; nothing for 0. */
void cmd_untested(struct buf *out, uint64_t n, const char *what);
/* Words must be made as those of the case were, or an answer would be wrong in silence: ST_DAMAGED
 * where they are not. */
MUST_USE enum status session_words(const struct session *s, struct err *err);
/* ST_USAGE, and says so, where queries come as some editors save text. */
MUST_USE enum status query_not_utf16(struct slice text, const char *name, struct err *err);
/* A name as delivered, of one copied from text output with the isolates around it. */
struct slice cmd_name(struct slice given);
/* Hits that --limit, --all, --count and the format ask for; 0: the total alone. */
uint64_t cmd_limit(const struct cmd_options *o);
/* Prints a result in the format asked for. `more`: hits stand behind those given. `method` and
 * `read` as in struct summary. */
MUST_USE enum status cmd_show_result(struct session *s, const struct query *q, struct slice shown,
                                     const struct search_result *r, bool more, const char *method,
                                     uint64_t read, struct err *err);

/* What stands around a hit: s->o->context messages on each side (cmd_context.c). Zero to begin. */
struct hit_context {
    const struct message_ref *later; /* hits that follow in the list; set before each */
    size_t n_later;
    uint8_t key[KEY_SIZE];
    struct buf shown; /* struct message_ref: text: around the last hits and this one */
    struct buf gaps;  /* struct thread_gap: not shown yet */
};
/* Shows the hit, too. */
MUST_USE enum status hit_context_show(struct session *s, struct hit_context *c,
                                      const struct message_view *hit, struct err *err);
void hit_context_release(struct hit_context *c);
/* "2 of the messages shown may be the same as another …"; nothing for 0. */
void cmd_pairs(struct buf *out, uint64_t n);
/* Prints the error and gives the exit code that goes with it. */
int cmd_fail(const struct err *err);
/* A message of the case by the beginning of its id: ST_NOT_FOUND, or ST_USAGE where several begin
 * so (they are named in *err and on stderr). */
MUST_USE enum status cmd_find_id(struct session *s, const char *hex, struct message_ref *out,
                                 struct err *err);

/* cmd_ask.c, for cmd.c: opens the log that the options name; and says with the answer when the
 * query is not in the log of the case. */
MUST_USE enum status session_log_open(struct session *s, struct err *err);
void session_log_note(struct session *s);

#endif
