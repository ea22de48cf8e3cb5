/* thread — one conversation from its first record to its last: the records of all segments merged
 * into the one order, and between them the holes in the streams that recorded it.
 * Owns: a thread owns its cursors and what it last gave; it borrows the view.  Threads: one.
 * Memory: one run of equal times, the untimed records (a few words each), and for each stream a
 * piece of its numbers: a conversation of a million messages streams.
 *
 * With clocks (query/clocks.h) also the records that wait for others which were stamped later by a
 * clock that is ahead: those of as long a time as clocks are off, a few words each.
 *
 * Place of a record: by `sent`, with clocks by what remains of it when what its sender's clock was
 * ahead is taken off (limits mean `sent` as it is); untimed ones by the least `delivered` of their
 * copies; else before the first record that stands behind them in one of their streams; else last.
 * Holes: numbers of a stream that no record of the case has, whatever conversation the records
 * around it belong to. A hole is shown where this conversation has a record of the stream on both
 * sides, once, before the first record shown whose copy has a greater number; what is missing at a
 * stream's end (`end.last_seq`) is shown at the conversation's end. */
#ifndef QUERY_THREAD_H
#define QUERY_THREAD_H

#include "query/clocks.h"
#include "query/view.h"

enum thread_order { ORDER_SENT, ORDER_SEQ, ORDER_DELIVERED, ORDER_CORRECTED };
const char *thread_order_name(enum thread_order o);

struct thread_gap {
    const struct stream_ref *stream; /* lives as long as the thread */
    uint64_t after_seq, missing;
    uint64_t before_seq; /* meaningless if at_end */
    bool at_end;
    const uint8_t *context_of; /* as of a message_view */
    const char *why;           /* "not-delivered", "partial-dump", "selection" */
};

struct thread_item {
    bool is_gap;
    struct thread_gap gap;
    struct message_ref ref;
    enum thread_order order;
    bool counted;                 /* thread_around: a message */
    struct place_note place;      /* thread_around: of m */
    const struct message_view *m; /* until the next call; VIEW_FULL, and its place */
};

/* The conversation's documents in one segment: timed ones first, by time. */
struct thread_range {
    uint32_t segment;
    uint32_t first, timed_end, end;
    uint32_t lo, hi; /* timed ones within the limits */
    uint32_t next;   /* not yet shown */
    int64_t sent;    /* of `next`, if below hi */
};

struct thread_stream; /* thread_gaps.c */
struct thread_loose;  /* an untimed record (thread_loose.c) */

struct thread {
    struct view *v;
    uint8_t key[KEY_SIZE];
    int64_t after, before; /* shown: [after, before) */
    bool timed_only;
    bool cut_before, cut_after; /* records may stand before or behind the limits */
    struct thread_range *ranges;
    size_t n_ranges;

    const struct clocks *clocks; /* NULL: times as they are */
    struct buf waiting;          /* with clocks: a heap (thread_clock.c) */
    uint64_t serial;
    struct buf group; /* struct thread_place: what comes next, a stack */
    struct thread_loose *loose;
    size_t n_loose;
    size_t *by_delivered; /* of loose, those placed by `delivered` */
    size_t n_delivered, at_delivered;
    bool tail;

    struct arena arena; /* the record given */
    struct message_view m;
    struct thread_item held; /* m, while its holes are given */
    bool holding;
    size_t copy; /* whose holes are looked for */

    void *streams_tree; /* tsearch, by stream_cmp */
    struct thread_stream **streams;
    size_t n_streams, cap_streams, at_end; /* at_end: whose end is looked at next */
    struct arena names;
    struct buf seqs;   /* room for reading numbers */
    uint64_t unplaced; /* untimed messages which the limits cannot test */
};

struct thread_limits {
    int64_t after, before;       /* INT64_MIN, INT64_MAX: none */
    bool timed_only;             /* leave out what has no time, and count it as unplaced */
    const struct clocks *clocks; /* corrected places; NULL: by `sent` as it is */
};
/* ST_NOT_FOUND if no segment has the conversation. On failure nothing is open. */
MUST_USE enum status thread_open(struct view *v, const uint8_t key[KEY_SIZE],
                                 const struct thread_limits *limits, struct thread *t,
                                 struct err *err);
void thread_close(struct thread *t);
/* When the last record with a time before the limits was sent, and the first one behind them;
 * TIME_NONE where there is none. */
MUST_USE enum status thread_outside(struct thread *t, int64_t *before, int64_t *behind,
                                    struct err *err);
/* ST_END behind the last one. */
MUST_USE enum status thread_next(struct thread *t, struct thread_item *out, struct err *err);

/* ---- n messages before a record, the record, n behind it (thread_around.c) ---- */

struct thread_around {
    struct thread *t; /* opened here */
    struct message_ref target;
    uint64_t n;       /* messages on each side */
    struct buf items; /* struct thread_item: up to the target */
    size_t at;        /* item given next */
    uint64_t left;    /* messages still to be given behind the target */
    bool ready;
    struct arena arena;
    struct message_view m;
};
/* `t` is opened with the limits drawn in as far as n allows. */
MUST_USE enum status thread_around_open(struct view *v, const struct message_ref *target,
                                        uint64_t n, const struct thread_limits *limits,
                                        struct thread *t, struct thread_around *a, struct err *err);
/* ST_NOT_FOUND if the limits leave the record out. */
MUST_USE enum status thread_around_next(struct thread_around *a, struct thread_item *out,
                                        struct err *err);
/* Closes `t` too. */
void thread_around_close(struct thread_around *a);

/* ---- which conversation (thread_pick.c) ---- */

/* Keys (16 bytes each, distinct, by service) of the set or group in every service of the case that
 * has it, appended. */
MUST_USE enum status thread_pick_set(struct view *v, const struct slice *handles, size_t n,
                                     struct buf *keys, struct err *err);
MUST_USE enum status thread_pick_group(struct view *v, struct slice group, struct buf *keys,
                                       struct err *err);
/* By the first 8 to 32 hex digits of the key; ST_BAD_INPUT if it is not that. */
MUST_USE enum status thread_pick_key(struct view *v, struct slice hex, struct buf *keys,
                                     struct err *err);
/* The conversation itself, in `a`. ST_NOT_FOUND if no segment has it. */
MUST_USE enum status thread_conversation(struct view *v, const uint8_t key[KEY_SIZE],
                                         struct arena *a, struct conversation *out,
                                         struct err *err);

/* ---- where these handles also meet (thread_also.c) ---- */

struct thread_meeting {
    uint8_t key[KEY_SIZE];
    struct conversation c;
};
/* Larger conversations that hold all of the handles, and groups in which each of them wrote or
 * acted; distinct, by key; in `a`. */
MUST_USE enum status thread_also(struct view *v, const struct conversation *set, struct arena *a,
                                 struct thread_meeting **out, size_t *n, struct err *err);

/* ---- inside thread_*.c ---- */

struct thread_place { /* a record and what its place rests on */
    struct message_ref ref;
    struct place_note note;
};

struct thread_loose {
    struct message_ref ref;
    int64_t delivered; /* TIME_NONE: none; corrected, if there are clocks */
    int64_t ahead_ms;  /* what was taken off */
    bool corrected;
    bool taken;
};

/* thread_merge.c */
/* The time of the next run; false if there is none. */
bool thread_run_next(const struct thread *t, int64_t *ms);
/* Puts that run onto the stack. */
MUST_USE enum status thread_run_take(struct thread *t, int64_t ms, struct err *err);

/* thread_clock.c */
/* Puts the next record onto the stack by corrected times; ST_END: none has a time. */
MUST_USE enum status thread_clock_refill(struct thread *t, struct err *err);
/* The least corrected `delivered` of the copies; TIME_NONE: none. */
int64_t thread_delivered(const struct clocks *c, const struct message_view *m, bool *corrected,
                         int64_t *ahead_ms);

/* thread_range.c */
MUST_USE enum status thread_ranges_open(struct thread *t, struct err *err);
/* First timed document of the range sent at or after `ms`. */
MUST_USE enum status thread_range_find(struct thread *t, const struct thread_range *r, int64_t ms,
                                       uint32_t *doc, struct err *err);
MUST_USE enum status thread_range_load(struct thread *t, struct thread_range *r, struct err *err);
/* Range of the conversation in a segment; NULL if it has none. */
const struct thread_range *thread_range_in(const struct thread *t, uint32_t segment);

/* thread_loose.c */
MUST_USE enum status thread_loose_open(struct thread *t, struct err *err);
/* Puts untimed records which stand before a copy of t->m onto the stack; *any says whether. */
MUST_USE enum status thread_loose_before(struct thread *t, bool *any, struct err *err);
/* Those left at the end, in order, behind the limits none. */
MUST_USE enum status thread_loose_rest(struct thread *t, struct err *err);

/* thread_gaps.c */
MUST_USE enum status thread_stream_of(struct thread *t, const struct stream_ref *ref,
                                      struct thread_stream **out, struct err *err);
/* (seq, loose) that waits in the stream; sorted by thread_stream_seal. */
MUST_USE enum status thread_stream_wait(struct thread_stream *s, uint64_t seq, size_t loose,
                                        struct err *err);
/* The next one waiting below `seq`; false if none. */
bool thread_stream_waiting(struct thread_stream *s, uint64_t seq, size_t *loose);
/* A record of the conversation that has a time stands in the stream. */
void thread_stream_mark(struct thread_stream *s);
bool thread_stream_marked(const struct thread_stream *s);
/* Takes what waits before the limits, below the greatest number shown there, to which `seq` (NULL:
 * none) now belongs; the loose ones taken are appended to `gone`. */
MUST_USE enum status thread_stream_before(struct thread *t, struct thread_stream *s,
                                          const uint64_t *seq, struct buf *gone, struct err *err);
/* The next hole below `seq`; *found false if there is none. */
MUST_USE enum status thread_stream_gap(struct thread *t, struct thread_stream *s, uint64_t seq,
                                       struct thread_gap *gap, bool *found, struct err *err);
/* What is missing at its end; *found false if nothing. */
MUST_USE enum status thread_stream_end(struct thread *t, const struct thread_stream *s,
                                       struct thread_gap *gap, bool *found, struct err *err);
void thread_streams_free(struct thread *t);

#endif
