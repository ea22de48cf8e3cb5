/* wire — the messages between opener and core, over one socket pair.
 * The opener holds the dump keys and parses no record; the core never sees a dump key.
 * Frame: type u8, length u32 LE, payload (varints and blobs, see each type).
 * Owns: its buffers, not the descriptor.  Threads: one reader and one writer per side.
 * Trusts: nothing; a malformed frame is ST_BAD_INPUT. */
#ifndef INDEXER_WIRE_H
#define INDEXER_WIRE_H

#include "lictor/bytes.h"

#define WIRE_DATA_MAX ((size_t)128 << 10)

enum wire_type {
    WIRE_BEGIN = 1, /* to core: size varint, sha256[32], name blob, signer blob */
    WIRE_FORM,      /* to core: how it was opened, u8 enum dump_form; once, before DATA */
    WIRE_DATA,      /* to core: opened bytes, still compressed */
    WIRE_END,       /* to core: whole u8, at varint, reason blob, text blob */
    WIRE_REFUSED,   /* to core: size varint, sha256[32], name blob, at varint, reason, text */
    WIRE_FATAL,     /* to core: status u8, text blob; the opener is gone */
    WIRE_DONE,      /* to core: no more dumps */
    WIRE_TAKE,      /* to opener: send the dump that was begun */
    WIRE_ALREADY,   /* to opener: do not send it */
};

struct wire {
    int fd;
    struct buf in; /* bytes read from the socket, [pos, len) not yet used */
    size_t pos;
    struct buf out; /* one frame in the making */
};

void wire_init(struct wire *w, int fd);
void wire_release(struct wire *w);
/* Begins a frame; put the payload into w->out, then wire_send. */
void wire_begin(struct wire *w, enum wire_type type);
MUST_USE enum status wire_send(struct wire *w, struct err *err);
/* A DATA frame straight from `data`. */
MUST_USE enum status wire_send_data(struct wire *w, const uint8_t *data, size_t len,
                                    struct err *err);
/* Next frame; payload is borrowed until the next call. ST_CLOSED when the other side is gone. */
MUST_USE enum status wire_next(struct wire *w, enum wire_type *type, struct slice *payload,
                               struct err *err);

#endif
