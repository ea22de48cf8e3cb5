/* chan — a ring under one mutex with two conditions. Items are batches, so a lock per item costs
 * nothing that could be measured; waiting is done by the kernel. */
#include "lictor/chan.h"

#include <pthread.h>
#include <stdlib.h>

#define CHAN_CAP_MAX ((size_t)1 << 20)

struct chan {
    /* fixed after chan_new */
    size_t cap;
    pthread_mutex_t mu;
    pthread_cond_t not_full, not_empty;
    /* guarded by mu */
    size_t head, n;
    bool closed, stopped;
    void *items[];
};

enum status chan_new(size_t cap, struct chan **out, struct err *err)
{
    MUST(cap > 0 && cap <= CHAN_CAP_MAX);
    struct chan *c = calloc(1, sizeof *c + cap * sizeof c->items[0]);
    if (!c)
        return err_no_memory(err);
    c->cap = cap;
    MUST(pthread_mutex_init(&c->mu, NULL) == 0);
    MUST(pthread_cond_init(&c->not_full, NULL) == 0);
    MUST(pthread_cond_init(&c->not_empty, NULL) == 0);
    *out = c;
    return ST_OK;
}

void chan_free(struct chan *c)
{
    if (!c)
        return;
    pthread_cond_destroy(&c->not_empty);
    pthread_cond_destroy(&c->not_full);
    pthread_mutex_destroy(&c->mu);
    free(c);
}

/* Under mu. */
static void *chan_pop(struct chan *c)
{
    if (c->n == 0)
        return NULL;
    void *item = c->items[c->head];
    c->head = (c->head + 1) % c->cap;
    c->n--;
    return item;
}

bool chan_send(struct chan *c, void *item)
{
    MUST(item);
    pthread_mutex_lock(&c->mu);
    while (c->n == c->cap && !c->closed && !c->stopped)
        pthread_cond_wait(&c->not_full, &c->mu);
    bool taken = !c->closed && !c->stopped;
    if (taken) {
        c->items[(c->head + c->n) % c->cap] = item;
        c->n++;
        pthread_cond_signal(&c->not_empty);
    }
    pthread_mutex_unlock(&c->mu);
    return taken;
}

void *chan_recv(struct chan *c)
{
    pthread_mutex_lock(&c->mu);
    while (c->n == 0 && !c->closed && !c->stopped)
        pthread_cond_wait(&c->not_empty, &c->mu);
    void *item = c->stopped ? NULL : chan_pop(c);
    if (item)
        pthread_cond_signal(&c->not_full);
    pthread_mutex_unlock(&c->mu);
    return item;
}

static void chan_end(struct chan *c, bool *flag)
{
    pthread_mutex_lock(&c->mu);
    *flag = true;
    pthread_cond_broadcast(&c->not_full);
    pthread_cond_broadcast(&c->not_empty);
    pthread_mutex_unlock(&c->mu);
}

void chan_close(struct chan *c) { chan_end(c, &c->closed); }

void chan_stop(struct chan *c) { chan_end(c, &c->stopped); }

void *chan_drain(struct chan *c)
{
    pthread_mutex_lock(&c->mu);
    void *item = chan_pop(c);
    if (item)
        pthread_cond_signal(&c->not_full);
    pthread_mutex_unlock(&c->mu);
    return item;
}
