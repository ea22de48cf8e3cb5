/* talks — a conversation falls into talks, divided by pauses. How long a pause divides is learned
 * from the conversation itself: people who write to each other once a week do not pause like those
 * who write all day.
 * Owns: a struct talk_cut owns nothing.  Threads: one. */
#ifndef QUERY_TALKS_H
#define QUERY_TALKS_H

#include "query/render.h"

struct talk {
    uint64_t n, messages; /* n from 1 */
    uint8_t first[KEY_SIZE], last[KEY_SIZE];
    int64_t from, to;   /* TIME_NONE: none of its messages has a time */
    struct slice words; /* beginning of its first text; borrowed; data NULL: none */
};
#define TALK_WORDS_BYTES 160

/* The shortest pause that divides the talks of what an open thread will give, in ms. Looks at times
 * alone: some 50 ns a record. Where the pauses are not of two sorts it is TALK_PAUSE_MS. */
#define TALK_PAUSE_MS INT64_C(3600000)
MUST_USE enum status talks_learn(struct thread *t, int64_t *pause_ms, struct err *err);

struct talk_walk {
    int64_t pause_ms;
    struct talk now; /* the one being gathered; messages 0: none yet */
    struct buf words;
};
/* The next message of the thread. *done: a talk ended before it, and was put into *out, whose words
 * live until the next call. */
MUST_USE enum status talk_walk_add(struct talk_walk *w, const struct message_view *m,
                                   struct talk *out, struct buf *words, bool *done,
                                   struct err *err);

void render_talk(struct render *r, const struct talk *t, struct buf *out);
/* The header of csv. */
void csv_talk_header(struct buf *out);

#endif
