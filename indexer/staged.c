/* staged — numbers of a stream are mostly dense: a line of the table is a bit for each of 512 in a
 * row. Where a dump names numbers far apart to make many lines, or such that crowd one place of the
 * table, it is given up and every number counts as claimed: what it saves is lost, nothing else. */
#include "indexer/staged.h"

#include "lictor/hash.h"

#define LINE_BITS 512
#define LINES_START 1024
#define PROBES_MAX 128
/* Of the memory, what the table may take while it doubles. */
#define LINES_SHARE 32

struct line {
    uint64_t block; /* seq / LINE_BITS */
    uint32_t stream;
    bool used;
    uint64_t bits[LINE_BITS / 64];
};

void staged_begin(struct staged *s, size_t segments, uint64_t memory)
{
    staged_end(s);
    s->joining = true;
    s->from = s->apart = segments;
    s->most = (size_t)(memory / LINES_SHARE / 3 / sizeof(struct line));
}

void staged_end(struct staged *s)
{
    grown_release(&s->lines);
    *s = (struct staged){0};
}

/* NULL: too many stand where it would. */
static struct line *line_at(const struct grown *g, uint32_t stream, uint64_t block)
{
    struct line *lines = g->items;
    uint8_t key[12];
    store_u32(key, stream);
    store_u64(key + 4, block);
    size_t i = (size_t)hash_bytes(slice_of(key, sizeof key), 0) & (g->cap - 1);
    for (int probe = 0; probe < PROBES_MAX; probe++, i = (i + 1) & (g->cap - 1))
        if (!lines[i].used || (lines[i].block == block && lines[i].stream == stream))
            return &lines[i];
    return NULL;
}

static void give_up(struct staged *s)
{
    grown_release(&s->lines);
    s->too_many = true;
}

static enum status lines_grow(struct staged *s, struct err *err)
{
    struct grown old = s->lines, bigger;
    size_t cap = old.cap ? old.cap * 2 : LINES_START;
    if (old.cap && cap > s->most) {
        give_up(s);
        return ST_OK;
    }
    if (!grown_table(&bigger, cap, sizeof(struct line)))
        return err_no_memory(err);
    const struct line *lines = old.items;
    bool crowded = false;
    for (size_t i = 0; i < old.cap && !crowded; i++) {
        if (!lines[i].used)
            continue;
        struct line *to = line_at(&bigger, lines[i].stream, lines[i].block);
        crowded = to == NULL;
        if (to)
            *to = lines[i];
    }
    bigger.n = old.n;
    grown_release(&old);
    s->lines = bigger;
    if (crowded)
        give_up(s);
    return ST_OK;
}

enum status staged_claim(struct staged *s, uint32_t stream, uint64_t seq, bool *before,
                         struct err *err)
{
    *before = true;
    if (!s->too_many && (s->lines.n + 1) * 2 > s->lines.cap)
        TRY(lines_grow(s, err));
    if (s->too_many)
        return ST_OK;
    struct line *l = line_at(&s->lines, stream, seq / LINE_BITS);
    if (!l) {
        give_up(s);
        return ST_OK;
    }
    if (!l->used) {
        *l = (struct line){.block = seq / LINE_BITS, .stream = stream, .used = true};
        s->lines.n++;
    }
    uint64_t bit = UINT64_C(1) << seq % 64, *word = &l->bits[seq % LINE_BITS / 64];
    *before = (*word & bit) != 0;
    *word |= bit;
    return ST_OK;
}
