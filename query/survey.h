/* survey — a look ahead at a conversation before it is printed: how many digits tell its ids apart,
 * who speaks in it, how wide the column of speakers is.
 * Owns: nothing; results live in the arena given.  Threads: one.
 * Cost: one look at each of the first ID_SET_EXACT records; a longer conversation is not looked at
 * whole, so that it starts printing at once. */
#ifndef QUERY_SURVEY_H
#define QUERY_SURVEY_H

#include "query/render.h"

struct survey {
    int id_digits;
    int speaker_columns;
    const struct slice *speakers; /* sorted, distinct */
    size_t n_speakers;
    const struct known_id *known; /* sorted by service id, distinct */
    size_t n_known;
    bool whole; /* every record was looked at */
};
MUST_USE enum status survey_thread(struct thread *t, struct arena *a, struct survey *out,
                                   struct err *err);

/* Names of a conversation on one line: "anna, bert", "group g1". */
void survey_names(const struct conversation *c, struct buf *out);
/* What stands above a conversation: names, service, key, speakers of a group, nicknames. */
MUST_USE enum status survey_head(struct render *r, const uint8_t key[KEY_SIZE],
                                 const struct conversation *c, const struct survey *s,
                                 struct buf *out, struct err *err);

#endif
