/* scan_then — the sides of a THEN by reading every message. */
#include <stdlib.h>

#include "query/scan.h"
#include "query/then.h"

struct read_sides {
    struct scan_reader *reader;
    const struct node *n;
    struct plan_ids *ids;
    uint64_t done, docs;
    struct cli_progress *progress;
};

/* Reading waits until a side is asked: segments take turns. */
static enum status sides_seek(void *ctx, uint32_t segment, uint32_t doc, uint32_t *out,
                              struct err *err)
{
    struct read_sides *x = ctx;
    struct view *v = x->reader->v;
    struct segment *s = casefile_segment(v->cf, segment);
    uint32_t docs = segment_info(s)->docs;
    for (; doc < docs; doc++) {
        struct doc_state state;
        cli_progress_step(x->progress, ++x->done, x->docs, 0);
        TRY(segment_state(s, v->scratch[segment], doc, &state, err));
        if (x->reader->q->has_kind || !(state.flags & DOC_HIDDEN))
            break;
    }
    *out = doc < docs ? doc : DOC_END;
    return ST_OK;
}

static enum status sides_test(void *ctx, enum then_side side, uint32_t segment, uint32_t doc,
                              uint32_t k, unsigned *truth, struct err *err)
{
    struct read_sides *x = ctx;
    bool in_range = true;
    if (!x->reader->some || x->reader->segment != segment || x->reader->doc != doc)
        TRY(scan_read(x->reader, segment, doc, &in_range, err));
    const struct node *roots[] = {x->n->then.kids[0], x->n->then.kids[1], x->n->then.sender};
    return scan_test(x->reader, roots[side], k, truth, err);
}

static enum status find_one(void *ctx, const struct node *n, struct err *err)
{
    struct read_sides *x = ctx;
    const struct then_source source = {
        .ctx = x, .every = true, .seek = sides_seek, .test = sides_test};
    x->n = n;
    x->done = 0;
    enum status st =
        then_find(x->reader->v, x->reader->q, n, &source, &x->ids->thens[n->number], err);
    if (st == ST_LIMIT)
        query_refused(x->reader->q->spans, n);
    return st;
}

enum status scan_find_thens(struct view *v, const struct query *q, struct plan_ids *ids,
                            enum cli_progress_mode progress, struct err *err)
{
    struct scan_reader reader;
    struct cli_progress shown;
    struct read_sides x = {.reader = &reader, .ids = ids, .progress = &shown};
    TRY(scan_reader_init(&reader, v, q, ids, err));
    for (uint32_t s = 0; s < casefile_segments(v->cf); s++)
        x.docs += segment_info(casefile_segment(v->cf, s))->docs;
    cli_progress_begin_counted(&shown, progress, "reading for THEN", "records");
    enum status st = then_each(q->root, find_one, &x, err);
    cli_progress_end(&shown);
    scan_reader_release(&reader);
    return st;
}
