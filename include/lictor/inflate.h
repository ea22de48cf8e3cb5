/* inflate — opened bytes of a dump to NDJSON bytes: zstd streams of any number of frames
 * (skippable ones too), or plain NDJSON passed on; decided by the first bytes.
 * Limits before allocation: window, output per input (bomb).
 * Owns: its buffers.  Threads: one.  Trusts: nothing. */
#ifndef LICTOR_INFLATE_H
#define LICTOR_INFLATE_H

#include "lictor/bytes.h"

#define INFLATE_WINDOW_DEFAULT (UINT64_C(8) << 20)
#define INFLATE_RATIO_DEFAULT 400                 /* output bytes per input byte … */
#define INFLATE_FREE_DEFAULT (UINT64_C(64) << 20) /* … beyond this much output */

struct inflate_limits {
    uint64_t window;
    uint64_t ratio;
    uint64_t free_bytes;
};

struct inflate;
MUST_USE enum status inflate_new(struct inflate **out, struct err *err);
void inflate_free(struct inflate *z);
/* Ready for the next dump. `limits` NULL = defaults. */
void inflate_reset(struct inflate *z, const struct inflate_limits *limits);
/* Takes input (moves *in forward, keeps what it needs) and gives output. Call until *out is empty
 * and *in is empty. *out is borrowed until the next call.
 * Reasons: "unknown-format" (first bytes are neither zstd nor NDJSON; ST_BAD_INPUT), "media" (a
 * tar), "zstd" (corrupt), "window", "bomb"; err->at = offset in the opened bytes. */
MUST_USE enum status inflate_next(struct inflate *z, struct slice *in, struct slice *out,
                                  struct err *err);
/* After the last input: gives output that is left; ST_END when done. Reasons: "empty" (no byte
 * came), "zstd" (ends inside a frame), "unknown-format". */
MUST_USE enum status inflate_finish(struct inflate *z, struct slice *out, struct err *err);
/* The input is zstd; known once output came. */
bool inflate_is_zstd(const struct inflate *z);

#endif
