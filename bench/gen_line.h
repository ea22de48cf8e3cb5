/* gen_line — pieces of lines that gen_write and gen_other share, and what a message's key says
 * about it.
 * Owns: nothing.  Threads: any, a line belongs to one. */
#ifndef BENCH_GEN_LINE_H
#define BENCH_GEN_LINE_H

#include "bench/gen.h"

void line_head(struct line *l, const char *kind, uint64_t seq);
void line_key_int(struct line *l, const char *key, int64_t v);
void line_service_id(struct line *l, const char *key, uint32_t conv_no, uint32_t i);
void line_group(struct line *l, uint32_t conv_no);
void line_others(struct line *l, const struct world *w, const struct message *m);

static inline bool message_has_attachment(const struct message *m)
{
    return (m->key >> 20) % 40 == 0;
}

static inline bool message_replies(const struct message *m)
{
    return m->conv->ids && m->i > 5 && (m->key >> 26) % 25 == 0;
}

static inline uint32_t message_replies_to(const struct message *m)
{
    return m->i - 1 - (uint32_t)((m->key >> 33) % 5);
}

#endif
