/* Each test confines a child and lets it try; the child ends by _exit with what it saw. */
#include "lictor/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], inside[80], outside[80];

static void place(void)
{
    char other[] = "/tmp/lictor-confine-XXXXXX";
    snprintf(dir, sizeof dir, "/tmp/lictor-confine-XXXXXX");
    cr_assert(mkdtemp(dir) && mkdtemp(other));
    snprintf(inside, sizeof inside, "%s/inside", dir);
    snprintf(outside, sizeof outside, "%s/outside", other);
    close(open(inside, O_CREAT | O_WRONLY, 0600));
    close(open(outside, O_CREAT | O_WRONLY, 0600));
}

static void cleanup(void)
{
    unlink(inside);
    unlink(outside);
    rmdir(dir);
    *strrchr(outside, '/') = 0;
    rmdir(outside);
}

TestSuite(confine, .init = place, .fini = cleanup);

/* 0: refused; 1: done; 2: could not be confined; else what `act` says. */
static int in_child(bool write, bool reads_anywhere, int (*act)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_path path = {dir, write};
        struct confine_rules rules = {
            .paths = &path, .n_paths = 1, .writes = write, .reads_anywhere = reads_anywhere};
        if (confine_always(&rules, NULL) != ST_OK)
            _exit(2);
        _exit(act());
    }
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool has(const char *word)
{
    char text[CONFINE_TEXT_SIZE] = "";
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_path path = {dir, false};
        struct confine_rules rules = {.paths = &path, .n_paths = 1};
        if (confine_always(&rules, NULL) == ST_OK)
            (void)!write(pipes[1], confine_text(), strlen(confine_text()));
        _exit(0);
    }
    close(pipes[1]);
    (void)!read(pipes[0], text, sizeof text - 1);
    close(pipes[0]);
    waitpid(pid, NULL, 0);
    return strstr(text, word) != NULL;
}

static int does(int fd) { return fd >= 0; }

static int open_inside(void) { return does(open(inside, O_RDONLY)); }
static int open_outside(void) { return does(open(outside, O_RDONLY)); }
static int write_inside(void) { return does(open(inside, O_WRONLY)); }
static int write_outside(void) { return does(open(outside, O_WRONLY)); }
static int make_outside(void)
{
    return does(openat(AT_FDCWD, "/tmp/lictor-made", O_CREAT | O_WRONLY, 0600));
}
static int open_socket(void) { return does(socket(AF_INET, SOCK_STREAM, 0)); }
static int run_program(void)
{
    char *args[] = {(char *)(uintptr_t) "/bin/true", NULL};
    execv(args[0], args);
    return errno == EPERM || errno == EACCES ? 0 : 1;
}
static int make_process(void) { return fork() >= 0; }
static int debug(void) { return ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0; }
static int signal_parent(void) { return kill(getppid(), 0) == 0; }
static int make_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED;
}
static void *nothing(void *arg) { return arg; }
static int make_thread(void)
{
    pthread_t t;
    return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}
static int write_and_rename(void)
{
    char tmp[96];
    snprintf(tmp, sizeof tmp, "%s.tmp", inside);
    int fd = open(tmp, O_CREAT | O_EXCL | O_RDWR, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0 && fsync(fd) == 0 &&
           close(fd) == 0 && rename(tmp, inside) == 0;
}

#define NEEDS(word)                                                                                \
    do {                                                                                           \
        if (!has(word))                                                                            \
            cr_skip_test("this kernel has no " word);                                              \
    } while (0)

Test(confine, refuses_sockets_programs_processes_and_debugging)
{
    NEEDS("seccomp");
    cr_expect_eq(in_child(true, true, open_socket), 0);
    cr_expect_eq(in_child(true, true, run_program), 0);
    cr_expect_eq(in_child(true, true, make_process), 0);
    cr_expect_eq(in_child(true, true, debug), 0);
    cr_expect_eq(in_child(true, true, signal_parent), 0);
    cr_expect_eq(in_child(true, true, make_code), 0);
}

Test(confine, lets_a_reader_read_its_directory_and_nothing_else)
{
    NEEDS("landlock");
    cr_expect_eq(in_child(false, false, open_inside), 1);
    cr_expect_eq(in_child(false, false, open_outside), 0);
    cr_expect_eq(in_child(false, false, write_inside), 0);
}

Test(confine, lets_a_writer_write_its_directory_and_nothing_else)
{
    NEEDS("landlock");
    cr_expect_eq(in_child(true, false, write_and_rename), 1);
    cr_expect_eq(in_child(true, false, open_outside), 0);
    cr_expect_eq(in_child(true, false, write_outside), 0);
    cr_expect_eq(in_child(true, false, make_outside), 0);
}

Test(confine, lets_the_opener_read_anywhere_but_not_write)
{
    NEEDS("landlock");
    cr_expect_eq(in_child(true, true, open_outside), 1);
    cr_expect_eq(in_child(true, true, write_outside), 0);
    cr_expect_eq(in_child(false, true, open_outside), 1);
}

Test(confine, without_landlock_a_reader_still_opens_nothing_for_writing)
{
    NEEDS("seccomp");
    cr_expect_eq(in_child(false, true, write_inside), 0);
}

Test(confine, leaves_threads) { cr_expect_eq(in_child(false, false, make_thread), 1); }

Test(confine, names_a_directory_that_is_not_there)
{
    NEEDS("landlock");
    struct confine_path path = {"/nowhere/at/all", false};
    struct confine_rules rules = {.paths = &path, .n_paths = 1};
    struct err err = {0};
    cr_assert_neq(confine_always(&rules, &err), ST_OK);
    cr_assert(strstr(err.text, "/nowhere/at/all"));
}
