/* child — the real programs as a user runs them: wall and processor time, memory at its peak, and
 * when the first byte of the answer came.
 * Output goes through pipes, both read as they fill, so that none can block. */
#include "bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/pin.h"
#include "lictor/os.h"
#include "lictor/thread.h"

#define OUTPUT_MAX ((size_t)256 << 20)
#define READ_SIZE ((size_t)64 << 10)

static void become(char *const *argv, unsigned cpus, const int *out, const int *err)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cpu_set_t set;
    if (cpus && pin_set(cpus, &set))
        (void)sched_setaffinity(0, sizeof set, &set);
    signal(SIGPIPE, SIG_DFL);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out[1], STDOUT_FILENO) >= 0 &&
        dup2(err[1], STDERR_FILENO) >= 0)
        execv(argv[0], argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Takes what is there; false at its end. */
static bool take(int fd, struct buf *b)
{
    uint8_t *p = b->len < OUTPUT_MAX ? buf_reserve(b, READ_SIZE) : NULL;
    ssize_t n = p ? read(fd, p, READ_SIZE) : 0;
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    b->len += (size_t)n;
    return true;
}

static void gather(int out, int err, int64_t started, struct child_result *r)
{
    struct pollfd p[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    r->first_us = -1;
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        if (p[0].fd >= 0 && p[0].revents) {
            if (!take(out, &r->out))
                p[0].fd = -1;
            else if (r->first_us < 0 && r->out.len)
                r->first_us = os_monotonic_us() - started;
        }
        if (p[1].fd >= 0 && p[1].revents && !take(err, &r->err))
            p[1].fd = -1;
    }
}

static int64_t time_us(struct timeval t) { return (int64_t)t.tv_sec * 1000000 + t.tv_usec; }

static enum status wait_for(pid_t pid, struct child_result *r, struct err *err)
{
    struct rusage use;
    int status;
    while (wait4(pid, &status, 0, &use) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "waiting for a program");
    r->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    r->cpu_us = time_us(use.ru_utime) + time_us(use.ru_stime);
    r->peak = (uint64_t)use.ru_maxrss * 1024;
    return ST_OK;
}

enum status child_run(char *const *argv, unsigned cpus, struct child_result *r, struct err *err)
{
    int out[2], errs[2];
    *r = (struct child_result){0};
    if (pipe2(out, O_CLOEXEC) != 0)
        return err_errno(err, errno, "a pipe");
    if (pipe2(errs, O_CLOEXEC) != 0) {
        enum status st = err_errno(err, errno, "a pipe");
        close(out[0]);
        close(out[1]);
        return st;
    }
    fflush(NULL);
    int64_t started = os_monotonic_us();
    pid_t pid = fork();
    if (pid == 0)
        become(argv, cpus, out, errs);
    int why = errno;
    close(out[1]);
    close(errs[1]);
    enum status st = ST_OK;
    if (pid < 0) {
        st = err_errno(err, why, "%s cannot be started", argv[0]);
    } else {
        gather(out[0], errs[0], started, r);
        close(out[0]);
        out[0] = -1;
        st = wait_for(pid, r, err);
        r->wall_us = os_monotonic_us() - started;
    }
    if (out[0] >= 0)
        close(out[0]);
    close(errs[0]);
    if (st == ST_OK && (r->out.failed || r->err.failed))
        st = err_no_memory(err);
    if (st == ST_OK && stop_asked())
        st = err_set(err, ST_INTERRUPTED, "interrupted");
    if (st != ST_OK)
        child_release(r);
    return st;
}

void child_release(struct child_result *r)
{
    buf_release(&r->out);
    buf_release(&r->err);
}

enum status child_good(const struct child_result *r, const char *name, int also, struct err *err)
{
    if (r->code == 0 || r->code == also)
        return ST_OK;
    struct slice said = buf_slice(&r->err);
    while (said.len && said.data[said.len - 1] == '\n')
        said.len--;
    if (said.len > 300)
        said = slice_of(said.data + said.len - 300, 300);
    return err_set(err, ST_IO, "%s ended with code %d: %.*s", name, r->code, (int)said.len,
                   said.data ? (const char *)said.data : "");
}

enum status program_path(const struct measure_options *o, const char *name, char **out,
                         struct err *err)
{
    char self[PATH_MAX];
    const char *dir = o->programs;
    if (!dir) {
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        if (n < 0)
            return err_errno(err, errno, "where this program is");
        self[n] = 0;
        char *slash = strrchr(self, '/');
        *(slash ? slash : self) = 0;
        dir = self;
    }
    char *path = path_join(dir, name);
    if (!path)
        return err_no_memory(err);
    if (access(path, X_OK) != 0) {
        enum status st =
            err_set(err, ST_USAGE,
                    "%s is not in %s: build it, or say with --programs DIR where it is", name, dir);
        free(path);
        return st;
    }
    *out = path;
    return ST_OK;
}
