/* pairs_count — how many messages of the case stand in a pair. The conversations of every segment
 * are in the order of their keys: all segments are walked side by side, each key once. */
#include <stdlib.h>

#include "lictor/arena.h"
#include "lictor/pairs.h"
#include "lictor/thread.h"

struct row { /* a segment's conversations */
    uint32_t next, n;
    uint8_t key[KEY_SIZE]; /* of `next` */
    struct conversation_range range;
};

struct count {
    struct casefile *cf;
    struct segment_scratch **scratch;
    struct row *rows;
    struct conversation_range *ranges; /* of one conversation */
    size_t n;
    struct arena a;
};

static enum status row_load(struct count *c, size_t i, struct err *err)
{
    struct segment_conversation sc;
    struct row *r = &c->rows[i];
    if (r->next == r->n)
        return ST_OK;
    arena_reset(&c->a);
    TRY(segment_conversation_at(casefile_segment(c->cf, i), c->scratch[i], r->next, &c->a, &sc,
                                err));
    memcpy(r->key, sc.key, KEY_SIZE);
    r->range = (struct conversation_range){(uint32_t)i, sc.first, sc.first + sc.docs};
    return ST_OK;
}

/* The least key at which a segment stands; false at the end. */
static bool least(const struct count *c, uint8_t key[KEY_SIZE])
{
    bool any = false;
    for (size_t i = 0; i < c->n; i++) {
        const struct row *r = &c->rows[i];
        if (r->next == r->n || (any && memcmp(r->key, key, KEY_SIZE) >= 0))
            continue;
        memcpy(key, r->key, KEY_SIZE);
        any = true;
    }
    return any;
}

static enum status count_all(struct count *c, uint64_t *messages, struct err *err)
{
    uint8_t key[KEY_SIZE];
    for (size_t i = 0; i < c->n; i++) {
        TRY(segment_scratch_new(&c->scratch[i], err));
        c->rows[i].n = segment_info(casefile_segment(c->cf, i))->conversations;
        TRY(row_load(c, i, err));
    }
    while (least(c, key)) {
        struct pairs p = {0};
        size_t n = 0;
        for (size_t i = 0; i < c->n; i++) {
            if (c->rows[i].next == c->rows[i].n || memcmp(c->rows[i].key, key, KEY_SIZE) != 0)
                continue;
            c->ranges[n++] = c->rows[i].range;
            c->rows[i].next++;
            TRY(row_load(c, i, err));
        }
        TRY(pairs_find(c->cf, c->scratch, c->ranges, n, &p, err));
        *messages += p.messages;
        pairs_release(&p);
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
    }
    return ST_OK;
}

enum status pairs_count(struct casefile *cf, uint64_t *messages, struct err *err)
{
    struct count c = {.cf = cf, .n = casefile_segments(cf)};
    uint64_t n = 0;
    enum status st = ST_OK;
    arena_init(&c.a, (size_t)16 << 10);
    c.scratch = calloc(c.n + 1, sizeof(struct segment_scratch *));
    c.rows = calloc(c.n + 1, sizeof *c.rows);
    c.ranges = calloc(c.n + 1, sizeof *c.ranges);
    st = c.scratch && c.rows && c.ranges ? count_all(&c, &n, err) : err_no_memory(err);
    for (size_t i = 0; c.scratch && i < c.n; i++)
        segment_scratch_free(c.scratch[i]);
    free(c.scratch);
    free(c.rows);
    free(c.ranges);
    arena_release(&c.a);
    if (st == ST_OK)
        *messages = n;
    return st;
}
