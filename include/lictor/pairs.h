/* pairs — messages of one conversation that may be the same message although their contents differ,
 * where the service gives no id that would tell. Doubt is shown, never merged.
 *     same-time    sender and `sent` equal, text differs, one held by the sender's side only, the
 *                  other by a recipient's only
 *     same-text    sender and text equal, `sent` differs by up to 24 h, sides as above; nearest
 *                  pairs first, each message in one pair at most
 *     same-opened  sender, `sent` and text equal, one from an opened sealed body, the other plain
 * Text here is the readable text and the attachments; a body under seal has none and stands in no
 * pair. Two messages that both have a service id stand in none either: the service told.
 * What is found depends on the contents and copies alone, not on segments or their order.
 * Owns: a struct pairs owns its list.  Threads: one scratch a thread.
 * Trusts: nothing read from disk.
 * Cost: times and states of the documents looked at; rows of those that only one side holds or that
 * share their time; copies of those among them that have a partner by text or time. Memory: about
 * 100 bytes for each of the rows of a day or two, and for each that may stand in a pair. */
#ifndef LICTOR_PAIRS_H
#define LICTOR_PAIRS_H

#include "lictor/casefile.h"

enum pair_why { PAIR_SAME_OPENED, PAIR_SAME_TEXT, PAIR_SAME_TIME, PAIR_WHYS };
const char *pair_why_name(enum pair_why w);

#define PAIR_APART_MS INT64_C(86400000)
/* Same-time and same-opened: partners listed of one message. */
#define PAIR_PARTNERS_MAX 16

struct pair_ref {
    uint32_t segment, doc, k;
};
struct pair { /* each stands twice, once from either side */
    struct pair_ref of, other;
    uint8_t why;
    bool more; /* `of` has further partners of this sort that are not listed */
};
struct pairs {
    struct pair *all; /* sorted by `of` */
    size_t n;
    uint64_t messages; /* that stand in at least one */
};
/* All of a conversation, given by its ranges, one a segment and ascending; scratch: one a segment.
 */
MUST_USE enum status pairs_find(struct casefile *cf, struct segment_scratch *const *scratch,
                                const struct conversation_range *ranges, size_t n,
                                struct pairs *out, struct err *err);

/* One message of a conversation. */
struct pair_ask {
    const struct conversation_range *ranges;
    size_t n_ranges;
    struct pair_ref of;
    int64_t sent; /* a time */
    /* Terms that every message of its text has; with none, all that was sent within a day or more
     * is looked through for the same text. */
    const struct slice *terms;
    size_t n_terms;
};
/* False where a look at columns tells that the message stands in no pair: as for most. */
MUST_USE enum status pairs_possible(struct casefile *cf, struct segment_scratch *const *scratch,
                                    const struct pair_ask *ask, bool *yes, struct err *err);
/* The pairs of the message; reads no more of the conversation than tells them: the same as
 * pairs_find has for it. `looked`: documents looked at are added. */
MUST_USE enum status pairs_find_of(struct casefile *cf, struct segment_scratch *const *scratch,
                                   const struct pair_ask *ask, struct pairs *out, uint64_t *looked,
                                   struct err *err);
/* Messages of the whole case that stand in a pair: pairs_find of every conversation. */
MUST_USE enum status pairs_count(struct casefile *cf, uint64_t *messages, struct err *err);
void pairs_release(struct pairs *p);
/* The first of `of`, or the place where it would stand. */
size_t pairs_first(const struct pairs *p, const struct pair_ref *of);
int pair_ref_cmp(const struct pair_ref *a, const struct pair_ref *b);

#endif
