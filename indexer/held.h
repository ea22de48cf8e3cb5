/* held — what the copies of one content say together: how many messages, seen from which sides, and
 * the hash that stands for them in the content digest.
 * Owns: nothing.  Threads: any. */
#ifndef INDEXER_HELD_H
#define INDEXER_HELD_H

#include "lictor/arena.h"
#include "lictor/segment.h"

/* Copies sorted by stream and seq, as segment_copies gives them. */
uint32_t held_messages(const struct held_copy *h, size_t n, bool has_id);
/* From which sides a message was seen: the sides of its copies, united. */
enum held_seen { SEEN_FROM = 1, SEEN_TO = 2, SEEN_OTHER = 4 };
static inline uint8_t held_seen_of(enum side s)
{
    return s == SIDE_FROM ? SEEN_FROM : s == SIDE_TO ? SEEN_TO : SEEN_OTHER;
}
static inline bool held_any_one_sided(const uint8_t *seen, uint32_t messages)
{
    bool any = false;
    for (uint32_t i = 0; i < messages; i++)
        any |= seen[i] == SEEN_FROM || seen[i] == SEEN_TO;
    return any;
}
/* Is at least one of the `messages` seen only from the sender's or only from a recipient's side? */
MUST_USE enum status held_one_sided(const struct content *c, const struct held_copy *h, size_t n,
                                    bool has_id, uint32_t messages, struct arena *a, bool *out,
                                    struct err *err);
/* Hashes of what belongs to the digest (docs/FORMAT.md, "Content digest"): no file names, dump
 * hashes, line numbers. Each version of each copy counts for itself, so a further copy adds to the
 * sum and nothing of the old ones need be read. */
MUST_USE enum status held_origin_hash(struct content_hasher *h, const struct stream_ref *stream,
                                      const struct origin_ref *o, uint8_t out[SHA256_SIZE],
                                      struct err *err);
/* `hash` is that of the content. */
MUST_USE enum status held_what(struct content_hasher *h, const struct content *c,
                               const uint8_t hash[SHA256_SIZE], uint8_t what[SHA256_SIZE],
                               struct err *err);
/* Of a quarantined line. */
void held_line_hash(struct content_hasher *h, struct slice line, uint8_t out[SHA256_SIZE]);
struct held_facts {
    bool numbered;
    uint64_t seq;
    int64_t delivered, read, collected;
    struct slice extra;
};
MUST_USE enum status held_version_hash(struct content_hasher *h, uint8_t kind,
                                       const uint8_t what[SHA256_SIZE],
                                       const uint8_t origin[SHA256_SIZE],
                                       const struct held_facts *v, uint8_t out[SHA256_SIZE],
                                       struct err *err);

#endif
