/* pager — text for people goes through a pager where it would go to a terminal.
 * Owns: the pager's process, started before the case is opened: what reads a case starts nothing.
 * Threads: one.  Trusts: $LICTOR_PAGER and $PAGER, which are the user's own command lines; `less`
 * is kept from running others. */
#ifndef QUERY_PAGER_H
#define QUERY_PAGER_H

#include <stdbool.h>
#include <sys/types.h>

/* What standard output is, told before the pager stands between. */
struct screen {
    bool terminal, colour;
    int columns; /* 0: no terminal */
};
struct screen screen_of_stdout(void);

struct pager {
    pid_t pid; /* 0: none runs */
    const char *command;
    int errors; /* the terminal, where standard error went before; -1: it still does */
};
/* Standard output (and, with `errors`, standard error if it is a terminal) go to $LICTOR_PAGER,
 * else $PAGER, else `less`. Nothing happens where that is empty or `cat`, or `less` is not there.
 */
void pager_begin(struct pager *p, bool errors);
/* Waits until the reader is done; standard output is closed then, and standard error if it went to
 * the pager. False if the pager could not be run and nothing was shown: that was said. Needs no
 * more than close, write and wait, which a confined process may do. */
bool pager_end(struct pager *p, const char *program);

#endif
