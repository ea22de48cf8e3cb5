/* streams — every stream of the case, whatever segments it lies in, and its numbers in order.
 * Owns: case_streams owns its list, a stream_walk its batches; names are borrowed from the open
 * segments.  Threads: one.  Trusts: nothing. */
#ifndef QUERY_STREAMS_H
#define QUERY_STREAMS_H

#include "query/view.h"

struct case_stream {
    struct stream_ref ref;
    uint64_t records; /* (number, document) pairs */
    uint64_t first_seq, last_seq;
    uint64_t end_last_seq;
    bool selection, partial;
};
struct case_streams {
    struct case_stream *all; /* by stream_cmp: those of a source stand together */
    size_t n;
};
/* Streams without numbers and without records are left out. */
MUST_USE enum status case_streams_load(struct view *v, struct case_streams *out, struct err *err);
void case_streams_release(struct case_streams *s);
/* Why numbers of it are missing: "partial-dump", "selection" or "not-delivered". */
const char *stream_why_missing(bool partial, bool selection);

/* ---- its numbers ---- */

#define STREAM_BATCH 512
struct stream_record {
    uint64_t seq;
    uint32_t segment, doc;
};
struct stream_walk {
    struct view *v;
    struct stream_walk_part *parts; /* one per segment that has the stream */
    size_t n;
    struct stream_walk_part *current; /* gives the next ones, up to number `until` */
    uint64_t until;
};
MUST_USE enum status stream_walk_open(struct view *v, const struct stream_ref *ref,
                                      struct stream_walk *out, struct err *err);
/* By number; a number that clashes comes once for each of its documents. ST_END behind the last. */
MUST_USE enum status stream_walk_next(struct stream_walk *w, struct stream_record *out,
                                      struct err *err);
void stream_walk_close(struct stream_walk *w);

#endif
