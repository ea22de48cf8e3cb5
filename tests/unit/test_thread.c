/* Unit tests of thread: starting, sharing out, the first error, the stop flag. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lictor/os.h"
#include "lictor/thread.h"

static void set_flag(void *arg)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    *(bool *)arg = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
}

Test(thread, starts_with_signals_blocked_and_ends_at_join)
{
    bool blocked = false;
    struct thread *t = NULL;
    cr_assert_eq(thread_start(set_flag, &blocked, &t, NULL), ST_OK);
    thread_join(t);
    thread_join(NULL);
    cr_assert(blocked);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert_eq(sigismember(&mask, SIGINT), 0, "the starter keeps its own mask");
}

#define ITEMS 1000
static atomic_int seen[ITEMS];

static enum status item_count(void *arg, size_t i, struct err *err)
{
    (void)arg;
    (void)err;
    atomic_fetch_add(&seen[i], 1);
    return ST_OK;
}

Test(thread, each_item_is_run_exactly_once)
{
    static const unsigned threads[] = {0, 1, 2, 7, 5000};
    for (size_t k = 0; k < sizeof threads / sizeof threads[0]; k++) {
        memset(seen, 0, sizeof seen);
        cr_assert_eq(thread_each(threads[k], ITEMS, item_count, NULL, NULL), ST_OK);
        for (size_t i = 0; i < ITEMS; i++)
            cr_assert_eq(atomic_load(&seen[i]), 1);
    }
    cr_assert_eq(thread_each(4, 0, item_count, NULL, NULL), ST_OK);
}

static enum status item_fail(void *arg, size_t i, struct err *err)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    return i == 3 ? err_set(err, ST_DAMAGED, "item %zu", i) : ST_OK;
}

Test(thread, the_first_failure_is_given_and_later_items_are_not_started)
{
    atomic_int ran = 0;
    struct err err = {0};
    cr_assert_eq(thread_each(1, ITEMS, item_fail, &ran, &err), ST_DAMAGED);
    cr_assert_str_eq(err.text, "item 3");
    cr_assert_eq(atomic_load(&ran), 4);
    atomic_store(&ran, 0);
    cr_assert_eq(thread_each(3, ITEMS, item_fail, &ran, &err), ST_DAMAGED);
    cr_assert_str_eq(err.text, "item 3");
}

Test(thread, the_first_error_stays)
{
    struct first_error *f = NULL;
    cr_assert_eq(first_error_new(&f, NULL), ST_OK);
    struct err a = {.status = ST_IO, .text = "a"}, b = {.status = ST_DAMAGED, .text = "b"}, got;
    cr_assert(!first_error_is_set(f));
    cr_assert_eq(first_error_get(f, &got), ST_OK);
    cr_assert(first_error_set(f, &a));
    cr_assert(!first_error_set(f, &b));
    cr_assert(first_error_is_set(f));
    cr_assert_eq(first_error_get(f, &got), ST_IO);
    cr_assert_str_eq(got.text, "a");
    first_error_free(f);
    first_error_free(NULL);
}

Test(thread, a_signal_sets_the_stop_flag_once)
{
    stop_install();
    cr_assert(!stop_asked());
    raise(SIGTERM);
    cr_assert(stop_asked());
    raise(SIGINT); /* the first one: only asks */
    raise(SIGPIPE);
    cr_assert(stop_asked());
}

Test(thread, a_second_interrupt_ends_the_process_at_once)
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        stop_install();
        raise(SIGINT);
        raise(SIGINT);
        _exit(0);
    }
    int st = 0;
    cr_assert_eq(waitpid(pid, &st, 0), pid);
    cr_assert(WIFEXITED(st));
    cr_assert_eq(WEXITSTATUS(st), 130);
}

static void interrupt_starter(void *arg)
{
    /* Again and again: one signal alone could fall between the flag's test and the read. */
    const bool *over = arg;
    while (!__atomic_load_n(over, __ATOMIC_ACQUIRE)) {
        kill(getpid(), SIGTERM);
        usleep(1000);
    }
}

Test(thread, a_waiting_read_ends_when_the_user_asks_to_stop, .timeout = 30)
{
    stop_install();
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool over = false;
    struct thread *t = NULL;
    cr_assert_eq(thread_start(interrupt_starter, &over, &t, NULL), ST_OK);
    char c;
    size_t got = 0;
    enum status st = os_read(ends[0], &c, 1, &got, NULL);
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    thread_join(t);
    cr_assert_eq(st, ST_INTERRUPTED);
    close(ends[0]);
    close(ends[1]);
}
