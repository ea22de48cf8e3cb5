/* race_chan — channels, shared errors and thread_each under load, as a plain program: Criterion
 * does not start under ThreadSanitizer. Exit 0 if every count comes out right. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lictor/chan.h"
#include "lictor/thread.h"

#define SENDERS 3
#define RECEIVERS 3
#define ITEMS 20000

struct item {
    size_t value;
};

static struct chan *ring;
static struct first_error *first;
static atomic_size_t received, sum, lost;

static void send_items(void *arg)
{
    (void)arg;
    for (size_t i = 1; i <= ITEMS; i++) {
        struct item *item = malloc(sizeof *item);
        MUST(item);
        item->value = i; /* plain write: the channel orders it before the receiver's read */
        if (!chan_send(ring, item)) {
            free(item);
            atomic_fetch_add(&lost, 1);
        }
    }
}

static void recv_items(void *arg)
{
    (void)arg;
    struct item *item;
    while ((item = chan_recv(ring))) {
        atomic_fetch_add(&received, 1);
        atomic_fetch_add(&sum, item->value);
        item->value = 0;
        free(item);
    }
}

static void stop_soon(void *arg)
{
    (void)arg;
    struct err err = {.status = ST_IO, .text = "stopped"};
    if (first_error_set(first, &err))
        chan_stop(ring);
}

static void run_round(bool stop)
{
    atomic_store(&received, 0);
    atomic_store(&sum, 0);
    atomic_store(&lost, 0);
    MUST(chan_new(7, &ring, NULL) == ST_OK);
    MUST(first_error_new(&first, NULL) == ST_OK);
    struct thread *senders[SENDERS], *receivers[RECEIVERS], *stoppers[2] = {NULL, NULL};
    for (size_t i = 0; i < RECEIVERS; i++)
        MUST(thread_start(recv_items, NULL, &receivers[i], NULL) == ST_OK);
    for (size_t i = 0; i < SENDERS; i++)
        MUST(thread_start(send_items, NULL, &senders[i], NULL) == ST_OK);
    for (size_t i = 0; stop && i < 2; i++)
        MUST(thread_start(stop_soon, NULL, &stoppers[i], NULL) == ST_OK);
    for (size_t i = 0; i < SENDERS; i++)
        thread_join(senders[i]);
    chan_close(ring);
    for (size_t i = 0; i < RECEIVERS; i++)
        thread_join(receivers[i]);
    for (size_t i = 0; i < 2; i++)
        thread_join(stoppers[i]);

    size_t left = 0;
    for (struct item *item; (item = chan_drain(ring)); left++)
        free(item);
    MUST(atomic_load(&received) + atomic_load(&lost) + left == (size_t)SENDERS * ITEMS);
    MUST(first_error_is_set(first) == stop);
    if (!stop)
        MUST(atomic_load(&sum) == (size_t)SENDERS * ITEMS * (ITEMS + 1) / 2);
    chan_free(ring);
    first_error_free(first);
}

static size_t doubled[5000];

static enum status double_item(void *arg, size_t i, struct err *err)
{
    (void)arg;
    (void)err;
    doubled[i] = 2 * i;
    return ST_OK;
}

int main(void)
{
    run_round(false);
    run_round(true);
    MUST(thread_each(4, 5000, double_item, NULL, NULL) == ST_OK);
    for (size_t i = 0; i < 5000; i++)
        MUST(doubled[i] == 2 * i);
    printf("race_chan: all counts right\n");
    return 0;
}
