/* flush_terms — each lane takes a range of the new documents in the one order, so that the forward
 * lists are read in sequence when they are inverted. */
#include "indexer/flush.h"
#include "indexer/sort.h"

/* Tokens of a short message with its fields; more only costs growing. */
#define TOKENS_USUAL 24

/* Notes the service id of the document that came last. */
static enum status note_id(struct flush_lane *lane, uint32_t target, struct err *err)
{
    struct slice term = arena_copy(&lane->maker.vocab.bytes, term_slice(&lane->maker.id));
    /* Who gives one id gives many. */
    if (lane->ids.n == 0 && !grown_reserve(&lane->ids, lane->to - target, sizeof(struct sort_term)))
        return err_no_memory(err);
    struct sort_term *id = grown_add(&lane->ids, sizeof *id);
    if (!id || !term.data)
        return err_no_memory(err);
    *id = (struct sort_term){.data = term.data, .len = (uint32_t)term.len, .id = target};
    return ST_OK;
}

static enum status make_terms(struct flush *f, struct flush_lane *lane, void *ctx, size_t from,
                              size_t to, struct err *err)
{
    (void)ctx;
    lane->has_maker = true; /* to be released also if it was made in part */
    TRY(term_maker_init(&lane->maker, err));
    if (!grown_reserve(&lane->counts, to - from, sizeof(struct term_counts)) ||
        !grown_reserve(&lane->maker.tokens, (to - from) * TOKENS_USUAL, sizeof(uint32_t)))
        return err_no_memory(err);
    lane->from = from;
    lane->to = to;
    for (size_t i = from; i < to; i++) {
        const struct target *t = flush_target(f, (uint32_t)i);
        struct content c;
        struct term_counts *n = grown_add(&lane->counts, sizeof *n);
        if (!n)
            return err_no_memory(err);
        if (i + 2 * FLUSH_AHEAD < to)
            flush_fetch_doc(f, (uint32_t)(i + 2 * FLUSH_AHEAD));
        if (i + FLUSH_AHEAD < to)
            flush_fetch_row(f, (uint32_t)(i + FLUSH_AHEAD));
        arena_reset(&lane->temp);
        TRY(flush_content_with(f, lane->scratch, t, &lane->temp, &c, err));
        TRY(term_maker_add(&lane->maker, &c, flush_doc(f, t)->flags, n, err));
        if (lane->maker.id.len)
            TRY(note_id(lane, (uint32_t)i, err));
    }
    return ST_OK;
}

enum status flush_terms(struct flush *f, struct err *err)
{
    return flush_parallel(f, f->n_new, make_terms, NULL, err);
}
