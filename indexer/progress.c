/* progress — states of older programs end before `again`. */
#include "indexer/progress.h"

#include "indexer/dump_ctx.h"

void progress_put(struct buf *out, const struct progress_state *s)
{
    buf_put_varint(out, s->max_seq);
    buf_put_varint(out, s->times);
    buf_put_varint(out, s->odd_times);
    buf_put_u8(out, s->again);
    if (s->again)
        books_put(out, &s->before);
}

void progress_get(struct slice state, struct progress_state *out)
{
    struct cursor c = cursor_of(state);
    *out = (struct progress_state){.max_seq = cursor_varint(&c)};
    out->times = cursor_varint(&c);
    out->odd_times = cursor_varint(&c);
    out->again = cursor_left(&c) && cursor_u8(&c) == 1;
    if (out->again)
        books_get(&c, &out->before);
}

struct books progress_books(const struct dump_progress *p)
{
    struct progress_state s;
    struct books all = p->books;
    progress_get(p->state, &s);
    if (s.again)
        books_sum(&all, &s.before);
    all.records = books_lines(&all);
    return all;
}
