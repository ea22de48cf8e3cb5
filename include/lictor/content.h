/* content — what one stored record says, apart from who held it (delivery.md, "What is one
 * message"), its identity, and its row on disk.
 * Owns: nothing, slices are borrowed.  Threads: any; one content_hasher a thread.
 * Format: docs/FORMAT.md, "Body rows"; ids: docs/message_id.py. */
#ifndef LICTOR_CONTENT_H
#define LICTOR_CONTENT_H

#include "lictor/sha256.h"
#include "lictor/timestamp.h"

#define KEY_SIZE 16

enum doc_kind {
    DOC_MESSAGE,
    DOC_EVENT,
    DOC_CONTACT,
    DOC_NOTE,
    DOC_LOCATION,
    DOC_CALL,
    DOC_KEEPALIVE,
    DOC_KINDS
};
const char *doc_kind_name(enum doc_kind k);

enum body_kind { BODY_NONE, BODY_TEXT, BODY_SEALED };
enum conversation_kind { CONV_SET = 's', CONV_GROUP = 'g', CONV_SOURCE = 'i' };

/* A conversation: the group, or the set of handles, or (incomplete records, notes, contacts …) all
 * such records of one source; with the service. */
struct conversation {
    uint8_t kind;            /* enum conversation_kind */
    struct slice service;    /* data NULL if absent */
    struct slice name;       /* group or source */
    const struct slice *set; /* CONV_SET: sorted by bytes, unique */
    size_t n_set;
};
/* 128 bits of SHA-256 over service, kind and names: equal keys are one conversation. */
void conversation_key(struct sha256 *h, const struct conversation *c, uint8_t key[KEY_SIZE]);
/* The bytes delivery.md hashes for the conversation. Appends. */
void conversation_bytes(const struct conversation *c, struct buf *out);

struct content {
    uint8_t kind;             /* enum doc_kind */
    struct conversation conv; /* stored once per conversation, not in the row */
    struct slice from;        /* absent: data NULL, as everywhere here. Contacts, notes: owner;
                                 locations: account; events: by */
    struct slice id;          /* the service's own */
    int64_t sent;             /* ms; TIME_NONE if absent or unreadable. Others: their time */
    struct slice sent_raw;    /* raw JSON of an unreadable `sent` */
    uint8_t body_kind;
    bool damaged;      /* text is not well-formed UTF-8 */
    bool seal_broken;  /* a body key was there and did not open the box */
    struct slice text; /* BODY_TEXT; notes: text; events: value; contacts: nickname */
    struct slice seal_key, seal_nonce, seal_box;
    struct slice opened; /* text of an opened box */
    struct slice reply_to;
    const struct slice *attachments; /* identities: sha256 in lower hex, or name NUL size */
    size_t n_attachments;
    const struct slice *to; /* recipients where the conversation is not their set */
    size_t n_to;
    struct slice raw;           /* other kinds: canonical JSON of the record */
    const uint8_t *stored_hash; /* other kinds: their 32-byte hash; NULL for messages */
};

/* True where an instant may not be shown as a time: absent (TIME_NONE), <= 0, beyond year 9999. */
static inline bool time_untimed(int64_t ms) { return ms <= 0 || ms > TIME_MAX_MS; }
static inline bool content_untimed(const struct content *c) { return time_untimed(c->sent); }
/* The text that can be read and has words: plain or opened; data NULL if none. */
static inline struct slice content_readable(const struct content *c)
{
    return c->body_kind == BODY_SEALED ? c->opened : c->text;
}
static inline bool content_incomplete(const struct content *c)
{
    return c->kind == DOC_MESSAGE && c->conv.kind == CONV_SOURCE;
}

struct content_hasher {
    struct sha256 sha;
    struct buf scratch;
};
MUST_USE enum status content_hasher_init(struct content_hasher *h, struct err *err);
void content_hasher_release(struct content_hasher *h);
/* C of delivery.md for a message. For other kinds: SHA-256("lictor-record/1" NUL, kind, service,
 * stream, seq, raw), the last three given by the caller in `other`. */
MUST_USE enum status content_hash(struct content_hasher *h, const struct content *c,
                                  struct slice other, uint8_t hash[SHA256_SIZE], struct err *err);
/* The same in two steps, so that several are hashed at once. First the bytes that are hashed are
 * appended to `out`, empty before; then, `out` being as it was left, at most CONTENT_HASH_MANY of
 * them get their hashes. */
#define CONTENT_HASH_MANY 16
MUST_USE enum status content_hashed(const struct content *c, struct slice other, struct buf *out,
                                    struct err *err);
void content_hash_many(struct content_hasher *h, struct buf *const hashed[],
                       uint8_t *const hashes[], size_t n);
/* Id of the k-th message (k from 1) of a content. */
void message_id(struct content_hasher *h, const uint8_t hash[SHA256_SIZE], uint32_t k,
                uint8_t id[KEY_SIZE]);

/* Row on disk, without `conv`. Ids of messages are recomputed; other kinds keep their hash in the
 * row (stored_hash must be set for them). */
void content_encode(const struct content *c, struct buf *out);
/* Slices borrow `row`; lists are put into `lists` (reset by the caller). conv is left alone. */
struct arena;
MUST_USE enum status content_decode(struct slice row, struct arena *lists, struct content *out,
                                    struct err *err);
/* The hash of a decoded content whose conv is filled: stored, or recomputed. */
MUST_USE enum status content_rehash(struct content_hasher *h, const struct content *c,
                                    uint8_t hash[SHA256_SIZE], struct err *err);

#endif
