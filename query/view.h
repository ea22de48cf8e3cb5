/* view — one stored record made whole for a reader: its content, its conversation, its id, who held
 * it, what stands against it. Everything that prints builds on it.
 * Owns: a view owns scratch, hasher, splitter and zone; it borrows the case.  Threads: one. */
#ifndef QUERY_VIEW_H
#define QUERY_VIEW_H

#include "lictor/arena.h"
#include "lictor/casefile.h"
#include "lictor/words.h"
#include "lictor/zone.h"

struct view {
    struct casefile *cf;
    struct segment_scratch **scratch; /* one per segment */
    struct content_hasher hasher;
    struct splitter *splitter;
    struct zone *zone; /* --tz, UTC by default */
    struct arena names; /* cache of nicknames, lives as long as the view */
    struct nickname_cache *nicknames;
};

MUST_USE enum status view_open(struct casefile *cf, const char *tz, struct view *v, struct err *err);
void view_close(struct view *v);

/* Where a message stands: the k-th (from 1) of document `doc` of segment number `segment`. */
struct message_ref {
    uint32_t segment;
    uint32_t doc;
    uint32_t k;
    int64_t sent; /* TIME_NONE if untimed (absent, unreadable, <= 0, beyond 9999) */
};

struct related {
    uint8_t id[KEY_SIZE];
    const char *why; /* "same-id", "same-seq" */
    bool conflict;
};
struct nickname {
    struct slice handle, nickname, owner;
};

struct message_view {
    struct message_ref ref;
    uint8_t id[KEY_SIZE];
    uint8_t hash[SHA256_SIZE];
    uint8_t conversation_key[KEY_SIZE];
    struct content c; /* conv filled */
    struct doc_state state; /* of the document */
    uint16_t flags;         /* enum doc_flag, exact for this message */
    const struct held_copy **copies; /* the copies of this message, by stream and seq */
    size_t n_copies;
    const struct related *related;
    size_t n_related;
    const struct nickname *nicknames; /* of from, to and set handles */
    size_t n_nicknames;
};

enum view_depth {
    VIEW_CONTENT, /* content, conversation, id, state */
    VIEW_COPIES,  /* also copies and exact flags, related */
    VIEW_FULL,    /* also nicknames */
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
 * message_ref. ST_BAD_INPUT if not hex or too short. */
MUST_USE enum status view_find_id(struct view *v, struct slice hex, struct buf *refs,
                                  struct err *err);
/* Nicknames of a handle, from contact records of the case; cached. */
MUST_USE enum status view_nicknames(struct view *v, struct slice handle,
                                    const struct nickname **out, size_t *n, struct err *err);

#endif
