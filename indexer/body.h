/* body — opening the sealed body of a content.
 * Owns: nothing.  Threads: any; `text` belongs to one.  Trusts: nothing. */
#ifndef INDEXER_BODY_H
#define INDEXER_BODY_H

#include "lictor/body_keys.h"
#include "lictor/copies.h"

/* Tries the keys on a content with a sealed body. Sets c->opened (which borrows `text`, cleared
 * first) or c->seal_broken, and DOC_SEALED and DOC_SEAL_BROKEN in *flags; without the key *flags
 * says sealed, and what was known of a broken seal stays. `keys` may be NULL. */
MUST_USE enum status body_unseal(const struct body_keys *keys, struct content *c, struct buf *text,
                                 uint16_t *flags, struct err *err);

#endif
