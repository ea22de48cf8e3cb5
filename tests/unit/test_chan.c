/* Unit tests of chan: order, bounds, closing and stopping. Races: tests/race/race_chan.c. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "lictor/chan.h"
#include "lictor/thread.h"

static struct chan *chan_of(size_t cap)
{
    struct chan *c = NULL;
    cr_assert_eq(chan_new(cap, &c, NULL), ST_OK);
    return c;
}

Test(chan, hands_items_over_in_order_around_its_end)
{
    struct chan *c = chan_of(3);
    static int items[100];
    for (size_t i = 0; i + 1 < 100; i += 2) {
        cr_assert(chan_send(c, &items[i]));
        cr_assert(chan_send(c, &items[i + 1]));
        cr_assert_eq(chan_recv(c), &items[i]);
        cr_assert_eq(chan_recv(c), &items[i + 1]);
    }
    chan_free(c);
}

Test(chan, drains_after_close_and_then_says_end)
{
    struct chan *c = chan_of(4);
    int a, b;
    cr_assert(chan_send(c, &a));
    cr_assert(chan_send(c, &b));
    chan_close(c);
    cr_assert(!chan_send(c, &a), "nothing goes in after close");
    cr_assert_eq(chan_recv(c), &a);
    cr_assert_eq(chan_recv(c), &b);
    cr_assert_null(chan_recv(c));
    chan_free(c);
}

Test(chan, stop_ends_both_sides_and_leaves_the_queue_to_drain)
{
    struct chan *c = chan_of(4);
    int a;
    cr_assert(chan_send(c, &a));
    chan_stop(c);
    cr_assert_null(chan_recv(c));
    cr_assert(!chan_send(c, &a));
    cr_assert_eq(chan_drain(c), &a);
    cr_assert_null(chan_drain(c));
    chan_free(c);
    chan_free(NULL);
}

struct waiter {
    struct chan *c;
    int item;
    bool sent;
    void *got;
};

static void send_one(void *arg)
{
    struct waiter *w = arg;
    w->sent = chan_send(w->c, &w->item);
}

static void recv_one(void *arg)
{
    struct waiter *w = arg;
    w->got = chan_recv(w->c);
}

/* Time for the other thread to reach its wait. The outcome does not depend on it; but without it
 * the test would mostly see a thread that never had to be woken. */
static void let_it_wait(void) { usleep(30000); }

Test(chan, a_sender_on_a_full_channel_goes_on_when_there_is_room, .timeout = 30)
{
    struct waiter w = {.c = chan_of(1)};
    int first;
    cr_assert(chan_send(w.c, &first));
    struct thread *t = NULL;
    cr_assert_eq(thread_start(send_one, &w, &t, NULL), ST_OK);
    let_it_wait();
    cr_assert_eq(chan_recv(w.c), &first);
    thread_join(t);
    cr_assert(w.sent);
    cr_assert_eq(chan_drain(w.c), &w.item);
    chan_free(w.c);
}

Test(chan, stop_wakes_a_sender_on_a_full_channel, .timeout = 30)
{
    struct waiter w = {.c = chan_of(1), .sent = true};
    int first;
    cr_assert(chan_send(w.c, &first));
    struct thread *t = NULL;
    cr_assert_eq(thread_start(send_one, &w, &t, NULL), ST_OK);
    let_it_wait();
    chan_stop(w.c);
    thread_join(t);
    cr_assert(!w.sent);
    chan_free(w.c);
}

Test(chan, close_wakes_a_receiver_on_an_empty_channel, .timeout = 30)
{
    struct waiter w = {.c = chan_of(1), .got = &w};
    struct thread *t = NULL;
    cr_assert_eq(thread_start(recv_one, &w, &t, NULL), ST_OK);
    let_it_wait();
    chan_close(w.c);
    thread_join(t);
    cr_assert_null(w.got);
    chan_free(w.c);
}
