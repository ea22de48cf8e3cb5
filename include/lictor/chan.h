/* chan — a bounded queue between threads, the only thing that crosses them.
 * What is sent is moved: the sender must not touch it again.
 * Owns: its ring, not the items.  Threads: any number on both sides. */
#ifndef LICTOR_CHAN_H
#define LICTOR_CHAN_H

#include <stdbool.h>

#include "lictor/err.h"

struct chan;

/* At most `cap` items wait. */
MUST_USE enum status chan_new(size_t cap, struct chan **out, struct err *err);
void chan_free(struct chan *c);
/* Waits while full. false: the channel is closed or stopped and the item was not taken. */
MUST_USE bool chan_send(struct chan *c, void *item);
/* Waits while empty. NULL: closed and drained, or stopped. */
void *chan_recv(struct chan *c);
/* No more sends; receivers drain what is there. */
void chan_close(struct chan *c);
/* Error: both sides return at once. What was queued is handed out by chan_drain. */
void chan_stop(struct chan *c);
/* Takes a queued item without waiting, also after stop; NULL if none. */
void *chan_drain(struct chan *c);

#endif
