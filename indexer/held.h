/* held — what the copies of one content say together: how many messages, seen from which sides, and
 * the hash that stands for them in the content digest.
 * Owns: nothing.  Threads: any. */
#ifndef INDEXER_HELD_H
#define INDEXER_HELD_H

#include "lictor/arena.h"
#include "lictor/segment.h"

/* Copies sorted by stream and seq, as segment_copies gives them. */
uint32_t held_messages(const struct held_copy *h, size_t n, bool has_id);
/* Is at least one of the `messages` seen only from the sender's or only from a recipient's side? */
MUST_USE enum status held_one_sided(const struct content *c, const struct held_copy *h, size_t n,
                                    bool has_id, uint32_t messages, struct arena *a, bool *out,
                                    struct err *err);
/* Contribution of a content and its copies to the digest: no file names, dump hashes, line numbers.
 * The order of copies and versions does not matter. */
MUST_USE enum status held_hash(struct content_hasher *hasher, const struct content *c,
                               const uint8_t hash[SHA256_SIZE], const struct held_copy *h, size_t n,
                               struct arena *a, uint8_t out[SHA256_SIZE], struct err *err);

#endif
