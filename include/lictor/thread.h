/* thread — the one place that creates threads, and the stop flag that Ctrl-C sets.
 * Threads: see each function. */
#ifndef LICTOR_THREAD_H
#define LICTOR_THREAD_H

#include <stdbool.h>

#include "lictor/err.h"

struct thread;

/* Starts `run(arg)` with all signals blocked. */
MUST_USE enum status thread_start(void (*run)(void *arg), void *arg, struct thread **out,
                                  struct err *err);
/* Waits for its end and frees it; NULL is fine. */
void thread_join(struct thread *t);

/* Runs `run(arg, i)` for i in [0, n) on `threads` threads (the caller's is one of them) and waits.
 * `run` says ST_OK or fills err; the first failure wins, later items are not started. */
MUST_USE enum status thread_each(unsigned threads, size_t n,
                                 enum status (*run)(void *arg, size_t i, struct err *err),
                                 void *arg, struct err *err);

/* SIGINT and SIGTERM set the flag once; a second SIGINT ends the process at once. SIGPIPE is
 * ignored. */
void stop_install(void);
bool stop_asked(void);
void stop_ask(void); /* for tests */

/* The first error of many threads. */
struct first_error;
MUST_USE enum status first_error_new(struct first_error **out, struct err *err);
void first_error_free(struct first_error *f);
/* Keeps *err if it is the first; returns true if it was. */
bool first_error_set(struct first_error *f, const struct err *err);
bool first_error_is_set(struct first_error *f);
/* ST_OK, or the kept error. */
enum status first_error_get(struct first_error *f, struct err *err);

#endif
