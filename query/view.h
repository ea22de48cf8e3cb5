/* view — one stored record made whole for a reader: its content, its conversation, its id, who held
 * it, what stands against it. Everything that prints builds on it.
 * Owns: a view owns scratch, hasher, splitter and zone; it borrows the case.  Threads: one. */
#ifndef QUERY_VIEW_H
#define QUERY_VIEW_H

#include "lictor/arena.h"
#include "lictor/casefile.h"
#include "lictor/words.h"
#include "lictor/zone.h"

/* The conversation a segment was asked for last. */
struct view_conversation {
    uint32_t first, docs; /* docs 0: none yet */
    uint8_t key[KEY_SIZE];
};
struct pair_cache;    /* view_pairs.c */
struct device_owners; /* view_missing.c */
struct view_streams;  /* the streams of a segment, in order (view_related.c) */

/* Copies of a document, and where each stream begins: the k-th message is the k-th of each. */
struct doc_copies {
    const struct held_copy *held;
    size_t n;
    const uint32_t *starts; /* first copy of each stream */
    size_t n_streams;
    bool has_id; /* all copies are of the first message */
};

struct view {
    struct casefile *cf;
    struct segment_scratch **scratch; /* one per segment */
    struct content_hasher hasher;
    struct splitter *splitter;
    struct zone *zone;  /* --tz, UTC by default */
    struct arena names; /* cache of nicknames, lives as long as the view */
    struct nickname_cache *nicknames;
    struct view_conversation *conversations; /* one per segment */
    struct view_streams *streams;            /* one per segment, made when asked for */
    struct ground **grounds;                 /* likewise (query/ground.h) */
    struct pair_cache *pairs;
    struct known_id *known_ids; /* what events and answers name (view_events.c) */
    struct device_owners *owners;
    /* Where the conversation lies that was asked for last (view_ranges). */
    struct conversation_range *ranges;
    size_t n_ranges;
    uint8_t ranges_key[KEY_SIZE];
    bool ranges_known;
    /* Copies of the document with several messages that was asked for last: its messages come one
     * after the other, and each would decode all copies again. */
    struct doc_copies repeated;
    uint32_t repeated_segment, repeated_doc; /* repeated_segment UINT32_MAX: none */
    struct arena repeated_arena;
    struct arena tmp;   /* one look at another document */
    struct arena conv;  /* view_conversation_key */
    struct arena order; /* view_sort_ties */
};

MUST_USE enum status view_open(struct casefile *cf, const char *tz, struct view *v,
                               struct err *err);
void view_close(struct view *v);

/* Where a message stands: the k-th (from 1) of document `doc` of segment number `segment`. */
struct message_ref {
    uint32_t segment;
    uint32_t doc;
    uint32_t k;
    bool scored;
    int64_t sent;  /* TIME_NONE if untimed (absent, unreadable, <= 0, beyond 9999) */
    int64_t score; /* where scored: how well it fits the query, in millionths */
};

struct related {
    uint8_t id[KEY_SIZE];
    struct message_ref ref;
    const char *why; /* "same-id", "same-seq", or those of pairs.h */
    bool conflict;
    bool pair; /* of pairs.h */
};
/* A participant whose device was being collected from and does not have the message. Names live as
 * long as the view. */
struct missing_copy {
    struct slice account, source;
};
/* An event of the conversation that names a message by its service id. */
struct message_event {
    uint8_t id[KEY_SIZE];
    int64_t sent; /* TIME_NONE: untimed */
    struct slice what, by, value;
    struct slice record; /* canonical JSON */
};
#define MESSAGE_EVENTS_MAX 200
struct nickname {
    struct slice handle, nickname, owner;
};

/* Which message this one may answer: a proposal (query/thread_answers.h), never evidence. */
struct answer_note {
    uint64_t talk; /* from 1 on; 0: nothing was asked */
    unsigned percent;
    bool starts;             /* it answers none */
    uint8_t id[KEY_SIZE];    /* else that one */
    struct slice service_id; /* data NULL if absent */
};

/* In a thread: on what its place rests. */
struct place_note {
    bool given;
    uint8_t order;  /* enum thread_order */
    bool tie;       /* others have the same time: between them the source's own order */
    bool corrected; /* its time was shown by a clock that is ahead_ms ahead (below 0: behind) */
    int64_t ahead_ms;
    int64_t at; /* the time by which it stands; TIME_NONE: its number in the source */
};

struct message_view {
    struct message_ref ref;
    uint8_t id[KEY_SIZE];
    uint8_t hash[SHA256_SIZE];
    uint8_t conversation_key[KEY_SIZE];
    struct content c;       /* conv filled */
    struct doc_state state; /* of the document */
    uint16_t flags;         /* enum doc_flag, exact for this message, and VIEW_MISSING_COPY */
    const struct held_copy **copies; /* the copies of this message, by stream and seq */
    size_t n_copies;
    const struct related *related;
    size_t n_related;
    bool related_more; /* more than RELATED_MAX stand against it: the rest is not listed */
    const struct message_event *events; /* that name it, in their order */
    size_t n_events;
    bool events_more;      /* than MESSAGE_EVENTS_MAX */
    bool names_absent;     /* the message answered, or that an event is about, is not in the
                              conversation */
    struct slice old_text; /* of an edit: what stood there before; data NULL: not known */
    const struct missing_copy *missing;
    size_t n_missing;
    const struct nickname *nicknames; /* of from, to and set handles */
    size_t n_nicknames;
    const uint8_t *context_of; /* search --context: id of the hit that it stands around */
    struct answer_note answer;
    struct place_note place;
};

#define VIEW_MISSING_COPY 32768 /* n_missing > 0; beside enum doc_flag */
_Static_assert((VIEW_MISSING_COPY & DOC_FLAGS) == 0, "the flag of a view is none of a document");
#define RELATED_MAX 1000

enum view_depth {
    VIEW_CONTENT, /* content, conversation, id, state */
    VIEW_COPIES,  /* also copies and exact flags, related but for pairs */
    VIEW_FULL,    /* also pairs, events, missing copies and nicknames */
};
/* All memory in `a`. */
MUST_USE enum status view_load(struct view *v, const struct message_ref *ref, enum view_depth depth,
                               struct arena *a, struct message_view *out, struct err *err);

/* Messages of a document: state.messages (1 for other kinds). */
MUST_USE enum status view_messages(struct view *v, uint32_t segment, uint32_t doc, uint32_t *n,
                                   struct err *err);
/* The one order for two messages: conversation key, sent (untimed last), source order (least
 * (source, stage, epoch, seq) among the copies of all generations), content key, k. Loads copies
 * only on a tie. */
MUST_USE enum status view_order(struct view *v, const struct message_ref *a,
                                const struct message_ref *b, int *cmp, struct err *err);
/* Messages whose id (ours) begins with the hex digits given (8 to 32): appended to refs as struct
 * message_ref. ST_BAD_INPUT if not hex or too short. A whole id names one message; where that is
 * the first of its content, the repeated ones are not asked. */
MUST_USE enum status view_find_id(struct view *v, struct slice hex, struct buf *refs,
                                  struct err *err);
/* The same for many: every repeated content is read once for all of them. */
struct view_id {
    struct slice hex;
    struct buf *refs;
};
MUST_USE enum status view_find_ids(struct view *v, const struct view_id *wanted, size_t n,
                                   struct err *err);
/* Nicknames of a handle, from contact records of the case; cached. */
MUST_USE enum status view_nicknames(struct view *v, struct slice handle,
                                    const struct nickname **out, size_t *n, struct err *err);

/* Where a conversation lies: one range a segment that has it, ascending; good until the next call
 * for another conversation. */
MUST_USE enum status view_ranges(struct view *v, const uint8_t key[KEY_SIZE],
                                 const struct conversation_range **out, size_t *n, struct err *err);
/* The documents of a term that one conversation has in a segment: *it is walked from range->first
 * on, below range->end. *it is NULL, and the range empty, where there are none to look at.
 * The caller closes *it. */
struct doc_range {
    uint32_t first, end;
};
MUST_USE enum status view_term_in(struct view *v, uint32_t segment, const uint8_t key[KEY_SIZE],
                                  const struct term *t, struct posting_iter **it,
                                  struct doc_range *range, struct err *err);
/* What a term of a field stands for, whole, in `a`. */
MUST_USE enum status view_whole_value(struct view *v, uint32_t segment, const struct term_entry *e,
                                      struct arena *a, struct slice *out, struct err *err);

/* Sorts references whose `sent` is equal (or which all are untimed) by the rest of the one order.
 */
MUST_USE enum status view_sort_ties(struct view *v, struct message_ref *refs, size_t n,
                                    struct err *err);
/* Key of a document's conversation; *end (may be NULL): the document after its last one here. */
MUST_USE enum status view_conversation_key(struct view *v, uint32_t segment, uint32_t doc,
                                           uint8_t key[KEY_SIZE], uint32_t *end, struct err *err);
/* Flags of one message and how many copies it has: what has: asks for. */
MUST_USE enum status view_flags(struct view *v, const struct message_ref *ref, uint16_t *flags,
                                uint32_t *copies, struct err *err);
/* The copies of a document, in `a`. */
MUST_USE enum status view_doc_copies(struct view *v, uint32_t segment, uint32_t doc, bool has_id,
                                     struct arena *a, struct doc_copies *out, struct err *err);
/* Recipients that these copies name beside the content (DOC_COPY_TO): sorted, each once, in `a`. */
MUST_USE enum status copies_recipients(const struct held_copy *const *copies, size_t n,
                                       struct arena *a, const struct slice **out, size_t *n_out,
                                       struct err *err);
/* The same for all copies of a document. */
MUST_USE enum status view_copy_to(struct view *v, uint32_t segment, uint32_t doc, struct arena *a,
                                  const struct slice **out, size_t *n, struct err *err);
/* A stream as a segment has it, and its number there; *out NULL if the segment does not have it. */
MUST_USE enum status view_stream(struct view *v, uint32_t segment, const struct stream_ref *ref,
                                 const struct segment_stream **out, size_t *i, struct err *err);
/* Copies of the k-th message; `out` has room for all. */
size_t doc_copies_pick(const struct doc_copies *d, uint32_t k, const struct held_copy **out);
/* 8 to 32 hex digits as bytes, zeros after them; false if it is not so. */
bool view_hex(struct slice hex, uint8_t key[KEY_SIZE]);
/* True if the first `digits` hex digits are equal. */
bool view_hex_match(const uint8_t a[KEY_SIZE], const uint8_t b[KEY_SIZE], size_t digits);

/* For view_load (view_copies.c): the copies of `m`, and whether they are of one side only, which is
 * the sender's or the recipients'. */
MUST_USE enum status view_copies_of(struct view *v, struct message_view *m, struct arena *a,
                                    struct err *err);
bool view_one_sided(const struct message_view *m);
/* For view_load (view_related.c): what stands against `m`, whose copies are filled. */
MUST_USE enum status view_related(struct view *v, struct message_view *m, struct arena *a,
                                  struct err *err);
void view_streams_free(struct view *v);
/* For view_load (view_pairs.c): appends the pairs that `m` stands in to what is related. */
MUST_USE enum status view_pairs(struct view *v, struct message_view *m, struct arena *a,
                                struct err *err);
/* For view_load (view_events.c): what names it, and whether what it names is there. */
void known_ids_free(struct known_id *all);
MUST_USE enum status view_events(struct view *v, struct message_view *m, struct arena *a,
                                 struct err *err);
/* For view_load (view_missing.c): who has no copy and ought to. */
MUST_USE enum status view_missing(struct view *v, struct message_view *m, struct arena *a,
                                  struct err *err);
void device_owners_free(struct device_owners *o);
void pair_cache_free(struct pair_cache *c);
/* Whether a VIEW_FULL message stands in one. */
bool view_in_pair(const struct message_view *m);
/* For view_load (view_nicknames.c): of from, to and set. */
MUST_USE enum status view_nicknames_of(struct view *v, struct message_view *m, struct arena *a,
                                       struct err *err);
void nickname_cache_free(struct nickname_cache *c);

#endif
