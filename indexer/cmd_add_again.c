/* cmd_add_again — an `add` after one that died of a fault. What it does runs in a process of its
 * own, which commits at narrower and narrower places; each death halves the lines that are in
 * doubt, until one is left and goes to quarantine unread. This process only starts and waits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "indexer/cmd.h"
#include "indexer/cmd_add.h"
#include "lictor/os.h"

/* Enough for some records that kill among a million lines; the same command goes on from there. */
#define DEATHS_MAX 100
#define LOCK_TRIES 60
#define LOCK_PAUSE_US 50000

static volatile sig_atomic_t child_pid;

static void pass_on(int sig)
{
    if (child_pid > 0)
        kill((pid_t)child_pid, sig);
}

static void watch_signals(void)
{
    struct sigaction sa = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGTERM, &sa, NULL);
    /* A terminal sends it to both. */
    (void)signal(SIGINT, SIG_IGN);
}

/* 0 and the exit code, or the signal that it died of. */
static int attempt(const struct cmd_options *o, struct inwork *w, int *code)
{
    int status = 0;
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        struct inwork_plan plan = inwork_plan_of(w);
        stop_install();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE_ENV);
        int end = cmd_add_once(o, w, &plan);
        fflush(NULL);
        _exit(end);
    }
    if (pid < 0) {
        struct err err = {0};
        err.status = err_errno(&err, errno, "a process cannot be started");
        *code = cmd_fail(&err);
        return 0;
    }
    child_pid = pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    child_pid = 0;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE_ENV;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool same_plan(const struct inwork_plan *a, const struct inwork_plan *b)
{
    return a->each_dump == b->each_dump && a->from == b->from && a->to == b->to &&
           memcmp(a->dump, b->dump, sizeof a->dump) == 0;
}

static void tell(const struct inwork_plan *p, int sig)
{
    char text[256];
    if (p->each_dump)
        snprintf(text, sizeof text,
                 "the process that reads the records died (%s); trying dump by dump",
                 strsignal(sig));
    else if (inwork_plan_killer(p))
        snprintf(text, sizeof text, "line %llu of that dump kills it: into quarantine",
                 (unsigned long long)p->to);
    else
        snprintf(text, sizeof text, "it died (%s) in lines %llu to %llu of that dump; halving",
                 strsignal(sig), (unsigned long long)p->from + 1, (unsigned long long)p->to);
    cli_error("lictor-ingest", text);
}

/* Killed from outside, the process before this one leaves a child that is about to die, too. */
static void wait_for_lock(const char *case_dir)
{
    struct buf path = {0};
    buf_put_str(&path, case_dir);
    buf_put(&path, "/lock", sizeof "/lock");
    for (int i = 0; i < LOCK_TRIES && !path.failed; i++) {
        int fd = -1;
        enum status st = os_open_append(AT_FDCWD, (const char *)path.data, 0600, &fd, NULL);
        if (st == ST_OK)
            st = os_lock(fd, NULL);
        os_close(&fd);
        if (st != ST_LOCKED)
            break;
        (void)usleep(LOCK_PAUSE_US);
    }
    buf_release(&path);
}

int cmd_add_again(const struct cmd_options *o, struct inwork *w)
{
    int code = EXIT_FAILURE_ENV;
    cli_error("lictor-ingest",
              "an earlier `add` died of a fault of this program; what it had committed is in. "
              "Going on with care: a record that kills the program goes to quarantine");
    watch_signals();
    wait_for_lock(o->dir);
    struct inwork_plan last = inwork_plan_of(w);
    bool set_aside = false;
    for (int deaths = 0; deaths < DEATHS_MAX; deaths++) {
        int sig = attempt(o, w, &code);
        if (sig == 0)
            return code == EXIT_GOOD && set_aside ? EXIT_REMARKS : code;
        if (sig == SIGKILL) { /* somebody, or the kernel for want of memory: no fault of a record */
            cli_error("lictor-ingest", "killed; what was committed is in, and the same command "
                                       "again completes it");
            return EXIT_FAILURE_ENV;
        }
        struct inwork_plan now = inwork_plan_of(w);
        tell(&now, sig);
        set_aside |= inwork_plan_killer(&now) != 0;
        if (same_plan(&now, &last) && (inwork_plan_killer(&now) || now.from == now.to)) {
            cli_error("lictor-ingest",
                      "it dies there without reading a record: leave that dump out, and report "
                      "this. What was committed is in");
            return EXIT_FAILURE_ENV;
        }
        last = now;
    }
    cli_error("lictor-ingest", "it died too often; what was committed is in, and the same command "
                               "again goes on from there");
    return EXIT_FAILURE_ENV;
}
