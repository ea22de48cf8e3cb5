/* recognise — from a parsed record to its content: conversation, sent, body, attachments, and the
 * fields that belong to the copy (delivery.md, "What is one message").
 * Owns: scratch.  Threads: one recogniser a worker. */
#ifndef INDEXER_RECOGNISE_H
#define INDEXER_RECOGNISE_H

#include "indexer/run.h"
#include "lictor/body_keys.h"
#include "lictor/zone.h"

struct recogniser {
    struct arena temp; /* of the record at hand */
    struct buf raw;    /* canonical record of other kinds */
    struct buf extra;  /* canonical copy fields */
    struct buf opened; /* text of an opened box */
    struct buf other;  /* identity of other kinds */
    struct record_reader *canon;
    struct zone *zone;                 /* of the last dump that had one */
    const struct body_keys *body_keys; /* NULL if none */
};

struct recognised {
    struct content content;
    struct slice other; /* for content_hash, empty for messages */
    uint16_t flags;     /* enum doc_flag known from the record alone */
    bool numbered;
    bool has_id;
    bool deleted;
    bool copy_to; /* `to` is there, but not part of the content */
    bool located; /* a message with `location` */
    uint64_t seq; /* the line number where there is no seq */
    int64_t delivered, read, collected;
    struct slice extra;
};

/* A member of the record is there and not null. */
bool record_says(const struct record *rec, const char *key);

MUST_USE enum status recogniser_init(struct recogniser *r, const struct body_keys *keys,
                                     struct err *err);
void recogniser_release(struct recogniser *r);
/* `rec` is any kind but dump and end. Results borrow rec and the recogniser until the next call. */
MUST_USE enum status recognise(struct recogniser *r, struct dump_ctx *dump,
                               const struct record *rec, uint64_t line, struct recognised *out,
                               struct err *err);
/* The instant of a record's time in a dump; TIME_NONE if it gives none. */
int64_t recognise_time(struct recogniser *r, const struct dump_ctx *dump,
                       const struct record_when *t);

#endif
