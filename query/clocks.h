/* clocks — how far the clock of each device is ahead of the others, from messages that both sides
 * delivered: the sender's stamp on one, the recipient's `delivered` on the other. Proposals, made
 * when asked for, never stored.
 *
 * What can be known: a delay is never below zero, so the quickest messages from a to b bound b's
 * clock against a's from one side, and those from b to a from the other; the middle of the two is
 * what they differ by if the way is as long in both directions. That is a difference: against true
 * time nothing can be told, so clocks are given against the middle one of those that can be
 * compared. A service may stamp messages itself: then all stamps are one clock, the holders' clocks
 * are given against it, and no stamp needs correcting. Which of the two it is, is decided by what
 * explains the delays better.
 * Clocks jump: each device's is a list of pieces. A step upwards is taken for a jump only if the
 * arrivals are not bunched as those of a phone that was off.
 * Owns: struct clocks owns its tables.  Threads: one. */
#ifndef QUERY_CLOCKS_H
#define QUERY_CLOCKS_H

#include "query/devices.h"

#define CLOCK_RUN_LEAST 20 /* messages of a piece between two jumps */
#define CLOCK_LEAST 8      /* messages on which anything may rest */
#define CLOCK_PIECES_MOST 16
#define CLOCK_JUMP_LEAST_MS 3000

/* ---- one series (clock_series.c) ---- */

struct clock_point {
    int64_t sent, late; /* late: delivered - sent */
};
struct clock_run { /* points [from, to) that have one level */
    size_t from, to;
    int64_t level; /* the least lateness, outliers left out */
    /* The jump before it lies between these stamps, and between these times of the clock that saw
     * them delivered (lo <= hi; where that was put back, what it showed twice). Not of the first.
     */
    int64_t cut_lo, cut_hi, seen_lo, seen_hi;
};
/* The end that the least values point at; sorts `late`, n > 0. */
int64_t clock_level(int64_t *late, size_t n);
/* Points by `sent`, n > 0; `scratch` has room for n values and `runs` for n / 10 + 1. A series of
 * more than CLOCK_PIECES_MOST runs is unsteady and given as one. Returns how many runs. */
size_t clock_runs(const struct clock_point *p, size_t n, int64_t *scratch, struct clock_run *runs);

/* ---- all of them (clock_fit.c) ---- */

struct clock_seen {  /* a message with a copy on both sides, or (by == at) the sender's own copy */
    uint32_t by, at; /* devices: whose clock stamped it, whose clock saw it delivered */
    int64_t sent, delivered;
};
struct clock_piece {
    int64_t from; /* times that the clock itself shows; INT64_MIN of the first */
    int64_t ahead_ms;
    uint64_t messages; /* on which it rests */
    bool known;        /* else too few */
};
struct device_clock {
    struct clock_piece *pieces; /* at least one */
    size_t n;
    uint64_t messages;
    int64_t grain; /* all its stamps are multiples of this: 1, 1000 or 60000 ms */
};
struct clock_owner {
    struct slice account;
    uint32_t device;
};
enum clock_stamps {
    STAMPS_SENDER,  /* by the sender's device */
    STAMPS_SERVICE, /* by one clock: stamps are not corrected */
};
struct clocks {
    struct device_clock *all; /* by number of the device */
    size_t n;
    enum clock_stamps stamps;
    int64_t delay_ms;                /* least delay, where both directions tell it; else 0 */
    int64_t most_ahead, most_behind; /* greatest corrections of a stamp, both >= 0 */
    const struct devices *devices;
    struct clock_owner *owners; /* by account */
    size_t n_owners;
    struct arena a;
};
/* Sorts `seen`. `out` owns what it has; clocks_release on success. */
MUST_USE enum status clocks_fit(struct clock_seen *seen, size_t n, size_t devices,
                                struct clocks *out, struct err *err);
void clocks_release(struct clocks *c);
/* For clocks_fit: number of the piece that shows `ms`. */
size_t clock_piece_at(const struct device_clock *c, int64_t ms);
/* For clocks_fit (clock_graph.c): what the pieces of `c`, whose beginnings are set, are if stamps
 * are the senders'; `seen` sorted. *cost: how badly arcs agree with it on average; 0 without any.
 */
#define CLOCK_COST_MOST_MS 60000 /* of one arc */
MUST_USE enum status clock_graph_fit(const struct clock_seen *seen, size_t n, struct clocks *c,
                                     int64_t *cost, struct err *err);

/* ---- of a case (clocks.c) ---- */

/* Clocks of the devices `wanted` (by number; NULL: all), each from at most CLOCK_SAMPLE messages
 * spread evenly over its streams. Borrows `d`. */
#define CLOCK_SAMPLE 4000
#define CLOCK_SAMPLE_ALL 2000000 /* of all devices together */
MUST_USE enum status clocks_load(struct devices *d, const bool *wanted, struct clocks *out,
                                 struct err *err);
/* Marks in `wanted` (as many as there are devices) those that hold records of a conversation: looks
 * at CLOCK_SAMPLE of its records at most, spread evenly. */
MUST_USE enum status clocks_of_conversation(struct devices *d, const uint8_t key[KEY_SIZE],
                                            bool *wanted, struct err *err);
/* Number of a source; SIZE_MAX if there is none. */
size_t clocks_device(const struct clocks *c, struct slice source);
/* Number of the one device that has the account of the service; SIZE_MAX if there is none or more
 * than one. */
size_t clocks_account(const struct clocks *c, struct slice account, struct slice service);
/* How far the device's clock was ahead when it showed `ms`; false if that is not known. */
bool clock_ahead(const struct device_clock *c, int64_t ms, int64_t *ahead);
/* What is to be taken off a stamp of the device: as clock_ahead, but whole units of coarse stamps,
 * so that their order by source is kept; false if nothing is. */
bool clocks_correction(const struct clocks *c, size_t device, int64_t sent, int64_t *ahead);

/* What thread --correct-clocks needs, for one conversation. Zero to begin. */
struct thread_clocks {
    struct devices devices;
    struct clocks clocks;
    bool *wanted; /* devices that hold records of it */
};
MUST_USE enum status thread_clocks_open(struct view *v, const uint8_t key[KEY_SIZE],
                                        struct thread_clocks *out, struct err *err);
void thread_clocks_close(struct thread_clocks *c);

#endif
