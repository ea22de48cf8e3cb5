/* pairs_private — what gathering (pairs_gather.c) hands to pairing (pairs.c). */
#ifndef STORE_PAIRS_PRIVATE_H
#define STORE_PAIRS_PRIVATE_H

#include "lictor/pairs.h"

#define PAIR_HASH_SIZE 16

/* One message that may stand in a pair. Hashes are 128 bits of SHA-256: nobody who writes texts can
 * make two of them meet. */
struct pair_entry {
    int64_t sent;
    uint8_t sender[PAIR_HASH_SIZE], text[PAIR_HASH_SIZE];
    uint8_t order[PAIR_HASH_SIZE]; /* of the row: an order that no segment changes */
    struct pair_ref ref;
    uint8_t side; /* enum side if one-sided, else SIDE_UNKNOWN; of those chained or timed */
    bool opened, has_id, empty, done;
    bool chained, timed; /* another one has its text within a day, or its time */
    bool sided;          /* `side` was looked up */
};

struct pair_window {
    int64_t after, before; /* [after, before) */
};

/* Entries of a whole conversation, appended as struct pair_entry. */
MUST_USE enum status pairs_gather(struct casefile *cf, struct segment_scratch *const *scratch,
                                  const struct conversation_range *ranges, size_t n,
                                  struct buf *entries, struct err *err);
/* Those that can take part in what pairs one message within the window: of its sender, sent at its
 * time, and, where the message has terms, with its text. */
MUST_USE enum status pairs_gather_of(struct casefile *cf, struct segment_scratch *const *scratch,
                                     const struct pair_ask *ask, const struct pair_window *w,
                                     struct buf *entries, uint64_t *looked, struct err *err);
/* Which side alone holds each entry that is chained or timed, and was not looked up; cheapest where
 * entries of one document stand together. */
MUST_USE enum status pairs_sides(struct casefile *cf, struct segment_scratch *const *scratch,
                                 struct pair_entry *all, size_t n, struct err *err);

/* Of a whole conversation of which all that was sent before `reached` is gathered: drops what can
 * stand in no pair, so that memory follows the doubts of a conversation, not its length. */
MUST_USE enum status pairs_prune(struct casefile *cf, struct segment_scratch *const *scratch,
                                 struct buf *entries, int64_t reached, struct err *err);

struct pairing {
    struct buf *out; /* struct pair */
    struct err *err;
};
/* One half of a pair; the other half is put by itself. */
MUST_USE enum status pairing_put(struct pairing *p, struct pair_entry *a,
                                 const struct pair_entry *b, enum pair_why why);
/* The one put last has further partners. */
void pairing_more(struct pairing *p);
/* Pairs of one sender and time (pairs_run.c). */
MUST_USE enum status pairs_run(struct pairing *out, struct pair_entry *run, size_t n);

#endif
