/* clock_text — clocks in words, JSON and CSV.
 * Owns: nothing; appends.  Threads: one. */
#ifndef QUERY_CLOCK_TEXT_H
#define QUERY_CLOCK_TEXT_H

#include "query/clocks.h"
#include "query/csv.h"
#include "query/render.h"

/* "2 min 3.4 s ahead", "0.3 s behind", "right" (to a tenth of a second). */
void text_ahead(int64_t ahead_ms, struct buf *out);
/* "2 min 3.4 s ahead, then from about 2020-04-02 20:23:11 0.3 s behind (from 1,234 messages …)",
 * or that it is not known. */
void text_clock_of(const struct render *r, const struct device_clock *c, struct buf *out);
/* Above a conversation: a line for each clock, and the basis; nothing without clocks. */
void text_clocks_head(struct render *r, const struct thread_clocks *c, struct buf *out);
/* The same for machines: lines of type `clock`; not in csv. */
void render_clocks(struct render *r, const uint8_t key[KEY_SIZE], const struct thread_clocks *c,
                   struct buf *out);
/* What all are against, and whether stamps are corrected: a sentence or two. */
void text_clocks_basis(const struct clocks *c, struct buf *out);
/* "clock": {messages, pieces [{from, ahead_ms, messages}]}; pieces that are not known have no
 * ahead_ms. */
void json_clock(struct json_out *j, const struct device_clock *c);
/* "sender" or "service". */
const char *clock_stamps_name(enum clock_stamps s);
/* Two fields: the pieces ("ahead_ms", later ones "ahead_ms from TIME"), and messages. */
void csv_clock(struct csv *csv, const struct device_clock *c);

#endif
