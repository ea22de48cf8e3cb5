/* body_keys — the keys of sealed bodies (delivery.md, "sealed"): a file of lines `id base64key`,
 * XChaCha20-Poly1305-IETF.
 * Owns: keys in locked memory, wiped.  Threads: read-only after loading, then any. */
#ifndef LICTOR_BODY_KEYS_H
#define LICTOR_BODY_KEYS_H

#include "lictor/bytes.h"

struct body_keys;

/* Reads the file (refused if open to others); errors name file and line. */
MUST_USE enum status body_keys_load(const char *path, struct body_keys **out, struct err *err);
void body_keys_free(struct body_keys *k);

enum body_opening {
    BODY_NO_KEY, /* the key is not there: stays sealed */
    BODY_OPENED,
    BODY_BROKEN, /* the key is there and does not open the box */
};
/* Opens `box`; the text is appended to `out`. `sent_decimal` is empty for a message without sent.
 */
enum body_opening body_keys_open(const struct body_keys *k, struct slice key_id, struct slice nonce,
                                 struct slice box, struct slice from, struct slice sent_decimal,
                                 struct buf *out);

#endif
