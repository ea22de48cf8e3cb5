/* members_text — the members of a group in words and lines.
 * Owns: nothing; appends.  Threads: one. */
#ifndef QUERY_MEMBERS_TEXT_H
#define QUERY_MEMBERS_TEXT_H

#include "query/members.h"
#include "query/render.h"

/* A paragraph for a heading: "members at …: anna, bert (from the list of …, 2 changes since)", or
 * that they are not in the delivered data. `at` INT64_MAX: at the end. */
void text_members_head(struct render *r, const struct group_members *g, int64_t at,
                       struct buf *out);
/* thread --members: a line for each handle ever named or speaking. */
void render_members(struct render *r, const uint8_t key[KEY_SIZE], const struct group_members *g,
                    int64_t at, struct buf *out);
void csv_members_header(struct buf *out);

#endif
