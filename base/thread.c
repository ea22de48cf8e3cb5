/* thread — creating threads, sharing out items, keeping the first error. */
#include "lictor/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define THREADS_MAX 256u

struct thread {
    pthread_t id;
    void (*run)(void *arg);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct thread *t = arg;
    t->run(t->arg);
    return NULL;
}

enum status thread_start(void (*run)(void *arg), void *arg, struct thread **out, struct err *err)
{
    struct thread *t = malloc(sizeof *t);
    if (!t)
        return err_no_memory(err);
    *t = (struct thread){.run = run, .arg = arg};
    /* The new thread inherits the mask: signals reach the main thread alone. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(t);
        return err_errno(err, failed, "cannot start a thread");
    }
    *out = t;
    return ST_OK;
}

void thread_join(struct thread *t)
{
    if (!t)
        return;
    MUST(pthread_join(t->id, NULL) == 0);
    free(t);
}

struct first_error {
    atomic_bool set; /* true only once `kept` is whole; written under mu */
    pthread_mutex_t mu;
    struct err kept; /* guarded by mu */
};

enum status first_error_new(struct first_error **out, struct err *err)
{
    struct first_error *f = calloc(1, sizeof *f);
    if (!f)
        return err_no_memory(err);
    MUST(pthread_mutex_init(&f->mu, NULL) == 0);
    *out = f;
    return ST_OK;
}

void first_error_free(struct first_error *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->mu);
    free(f);
}

bool first_error_set(struct first_error *f, const struct err *err)
{
    MUST(err->status != ST_OK);
    pthread_mutex_lock(&f->mu);
    bool first = !atomic_load_explicit(&f->set, memory_order_relaxed);
    if (first) {
        f->kept = *err;
        atomic_store_explicit(&f->set, true, memory_order_release);
    }
    pthread_mutex_unlock(&f->mu);
    return first;
}

bool first_error_is_set(struct first_error *f)
{
    return atomic_load_explicit(&f->set, memory_order_acquire);
}

enum status first_error_get(struct first_error *f, struct err *err)
{
    if (!first_error_is_set(f))
        return ST_OK;
    if (err)
        *err = f->kept; /* never written again once set */
    return f->kept.status;
}

struct each {
    size_t n;
    enum status (*run)(void *arg, size_t i, struct err *err);
    void *arg;
    struct first_error *first;
    atomic_size_t next;
};

static void each_work(void *arg)
{
    struct each *e = arg;
    while (!first_error_is_set(e->first)) {
        size_t i = atomic_fetch_add_explicit(&e->next, 1, memory_order_relaxed);
        if (i >= e->n)
            return;
        struct err err = {0};
        enum status st = e->run(e->arg, i, &err);
        if (st != ST_OK) {
            err.status = st; /* also where `run` left err empty */
            first_error_set(e->first, &err);
        }
    }
}

enum status thread_each(unsigned threads, size_t n,
                        enum status (*run)(void *arg, size_t i, struct err *err), void *arg,
                        struct err *err)
{
    struct each e = {.n = n, .run = run, .arg = arg};
    TRY(first_error_new(&e.first, err));
    struct thread *helpers[THREADS_MAX];
    unsigned started = 0;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    /* A thread that cannot be had is done without: the others take its items. */
    while (started + 1 < threads && started + 1 < n &&
           thread_start(each_work, &e, &helpers[started], NULL) == ST_OK)
        started++;
    each_work(&e);
    while (started > 0)
        thread_join(helpers[--started]);
    enum status st = first_error_get(e.first, err);
    first_error_free(e.first);
    return st;
}
