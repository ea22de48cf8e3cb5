/* pager — one pipe, one child. The child is the shell that runs the command line of the
 * environment, as git and man do it. */
#include "query/pager.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lictor/cli.h"

#define SHELL_CANNOT_RUN 126 /* 126 and 127: POSIX, "Exit Status for Commands" */

struct screen screen_of_stdout(void)
{
    return (struct screen){.terminal = isatty(STDOUT_FILENO) != 0,
                           .colour = cli_colour(stdout),
                           .columns = cli_columns(stdout)};
}

static bool is_on_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];
    for (const char *at = path; at && *at;) {
        size_t len = strcspn(at, ":");
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)len, at, program);
        if (len > 0 && n > 0 && (size_t)n < sizeof file && access(file, X_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

/* NULL: none is wanted. */
static const char *command_of(void)
{
    const char *c = getenv("LICTOR_PAGER");
    if (!c)
        c = getenv("PAGER");
    if (!c)
        c = is_on_path("less") ? "less" : "cat";
    return *c && strcmp(c, "cat") != 0 ? c : NULL;
}

/* -F: what fits the screen needs no pager; -R: colours, and no other sequence, pass; -X: it stays
 * on the screen. LESSSECURE: no shell, no editor, no log file out of a view of evidence. */
static _Noreturn void become_pager(const char *command, int from)
{
    dup2(from, STDIN_FILENO);
    setenv("LESS", "FRX", 0);
    setenv("LESSSECURE", "1", 1);
    unsetenv("LICTOR_KEY_FILE");
    (void)signal(SIGPIPE, SIG_DFL); /* ours is ignored, and that is inherited */
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(SHELL_CANNOT_RUN);
}

void pager_begin(struct pager *p, bool errors)
{
    int ends[2];
    *p = (struct pager){.command = command_of(), .errors = -1};
    if (!p->command || pipe(ends) != 0)
        return;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        become_pager(p->command, ends[0]);
    }
    close(ends[0]);
    if (pid > 0) {
        p->pid = pid;
        dup2(ends[1], STDOUT_FILENO);
        if (errors && isatty(STDERR_FILENO) && (p->errors = dup(STDERR_FILENO)) >= 0)
            dup2(ends[1], STDERR_FILENO);
    }
    close(ends[1]);
}

bool pager_end(struct pager *p, const char *program)
{
    int how = 0;
    if (p->pid == 0)
        return true;
    fflush(NULL);
    close(STDOUT_FILENO);
    if (p->errors >= 0) /* the pager reads until its pipe is closed everywhere */
        close(STDERR_FILENO);
    while (waitpid(p->pid, &how, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    if (!WIFEXITED(how) || WEXITSTATUS(how) < SHELL_CANNOT_RUN)
        return true;
    /* A confined process may not put standard error back: it writes to what it kept. */
    dprintf(p->errors >= 0 ? p->errors : STDERR_FILENO,
            "%s: the pager could not be run: see $LICTOR_PAGER and $PAGER, or --no-pager\n",
            program);
    return false;
}
