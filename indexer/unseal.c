/* unseal — a survey finds the messages that open. Those that are related to others may contradict
 * them now: their places (service id, stream and number) are gathered, each is judged once with all
 * that stand there, and overlays carry the flags. Then the segments concerned are written anew, as
 * a compaction does, with the texts opened on the way. */
#include "indexer/unseal.h"

#include <stdlib.h>

#include "indexer/body.h"
#include "indexer/compact.h"
#include "indexer/flush.h"
#include "indexer/invert.h"
#include "indexer/sort.h"

/* A place that several contents claim, and one that claims it. */
struct place {
    uint64_t key[2];
    uint32_t segment, doc;
    uint32_t copy; /* NO_COPY: the service id; else the copy whose stream and seq it is */
};
#define NO_COPY UINT32_MAX

struct unseal {
    struct casefile *cf;
    const struct core_options *options;
    struct run run; /* empty: the flush below has nothing new */
    struct flush flush;
    struct arena temp;
    struct buf text;
    struct grown places; /* struct place */
    bool *chosen;        /* by segment: something opens in it */
    struct unseal_counts *counts;
    struct cli_progress progress;
    uint64_t seen, all;
};

/* ---- survey ---- */

static enum status add_place(struct unseal *u, const uint64_t key[2], uint32_t segment,
                             uint32_t doc, uint32_t copy, struct err *err)
{
    struct place *p = grown_add(&u->places, sizeof *p);
    if (!p)
        return err_no_memory(err);
    *p = (struct place){.key = {key[0], key[1]}, .segment = segment, .doc = doc, .copy = copy};
    return ST_OK;
}

/* The name of a number of a stream: 128 bits of a hash. */
static void seq_key(struct sha256 *sha, const struct held_copy *h, uint64_t key[2])
{
    uint8_t out[SHA256_SIZE], number[8];
    const struct stream_ref *s = h->stream;
    sha256_begin(sha);
    store_u64(number, s->source.len);
    sha256_add(sha, number, sizeof number);
    sha256_add(sha, s->source.data, s->source.len);
    sha256_add(sha, &s->stage, 1);
    store_u64(number, s->epoch.data ? s->epoch.len : UINT64_MAX);
    sha256_add(sha, number, sizeof number);
    sha256_add(sha, s->epoch.data, s->epoch.len);
    store_u64(number, h->seq);
    sha256_add(sha, number, sizeof number);
    sha256_end(sha, out);
    key[0] = load_u64(out);
    key[1] = load_u64(out + 8);
}

static enum status places_of(struct unseal *u, uint32_t segment, uint32_t doc,
                             const struct content *c, struct err *err)
{
    struct flush *f = &u->flush;
    const struct held_copy *copies;
    size_t n;
    uint64_t key[2];
    if (c->id.len) {
        uint8_t conv[KEY_SIZE];
        conversation_key(&f->hasher.sha, &c->conv, conv);
        flush_id_key(&f->hasher, c, conv, key);
        TRY(add_place(u, key, segment, doc, NO_COPY, err));
    }
    TRY(segment_copies(casefile_segment(u->cf, segment), f->scratch, doc, &u->temp, &copies, &n,
                       err));
    for (size_t i = 0; i < n; i++) {
        if (!copies[i].stream->numbered)
            continue;
        seq_key(&f->hasher.sha, &copies[i], key);
        TRY(add_place(u, key, segment, doc, (uint32_t)i, err));
    }
    return ST_OK;
}

static enum status survey_doc(struct unseal *u, uint32_t segment, uint32_t doc, struct err *err)
{
    struct doc_state state;
    struct content c;
    struct slice row;
    struct segment *s = casefile_segment(u->cf, segment);
    TRY(segment_state(s, u->flush.scratch, doc, &state, err));
    if (!(state.flags & DOC_SEALED))
        return ST_OK;
    arena_reset(&u->temp);
    TRY(segment_row(s, u->flush.scratch, doc, &row, err));
    row = arena_copy(&u->temp, row);
    if (!row.data)
        return err_no_memory(err);
    TRY(content_decode(row, &u->temp, &c, err));
    uint16_t flags = state.flags;
    TRY(body_unseal(u->options->body_keys, &c, &u->text, &flags, err));
    bool opened = !(flags & DOC_SEALED);
    *(opened                    ? &u->counts->opened
      : flags & DOC_SEAL_BROKEN ? &u->counts->broken
                                : &u->counts->sealed) += state.messages;
    u->chosen[segment] |= flags != state.flags;
    if (!opened || !(flags & DOC_RELATED) || (flags & DOC_CONFLICT))
        return ST_OK;
    struct segment_conversation conv;
    TRY(segment_conversation_of(s, u->flush.scratch, doc, &u->temp, &conv, err));
    c.conv = conv.c;
    return places_of(u, segment, doc, &c, err);
}

static enum status survey_segment(struct unseal *u, uint32_t segment, struct err *err)
{
    struct segment *s = casefile_segment(u->cf, segment);
    struct term t;
    struct term_entry entry;
    struct posting_iter *it;
    uint32_t doc = 0;
    if (segment_info(s)->sealed == 0)
        return ST_OK;
    term_make(&t, &u->flush.hasher.sha, TERM_HAS, slice_str("sealed"));
    enum status st = segment_term(s, u->flush.scratch, term_slice(&t), &entry, err);
    if (st == ST_NOT_FOUND)
        return err_set(err, ST_DAMAGED, "a segment has sealed messages, but no list of them");
    if (st != ST_OK)
        return st;
    TRY(posting_iter_open(s, entry.handle, &it, err));
    st = posting_iter_seek(it, 0, &doc, err);
    while (st == ST_OK && doc != DOC_END) {
        if (stop_asked())
            st = err_set(err, ST_INTERRUPTED, "interrupted; the case is as it was");
        if (st == ST_OK)
            st = survey_doc(u, segment, doc, err);
        if (st == ST_OK)
            st = posting_iter_seek(it, doc + 1, &doc, err);
        u->seen++;
        cli_progress_step(&u->progress, u->seen, u->all, u->seen);
    }
    posting_iter_close(it);
    return st;
}

static enum status survey(struct unseal *u, struct err *err)
{
    uint32_t n = (uint32_t)casefile_segments(u->cf);
    for (uint32_t i = 0; i < n; i++)
        u->all += segment_info(casefile_segment(u->cf, i))->sealed;
    cli_progress_begin(&u->progress, u->options->progress, "try keys");
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK && i < n; i++)
        st = survey_segment(u, i, err);
    cli_progress_end(&u->progress);
    return st;
}

/* ---- contradictions ---- */

static int place_cmp(const void *pa, const void *pb)
{
    const struct place *x = pa, *y = pb;
    if (x->key[0] != y->key[0])
        return x->key[0] < y->key[0] ? -1 : 1;
    return (x->key[1] > y->key[1]) - (x->key[1] < y->key[1]);
}

static enum status claims_by_id(struct unseal *u, struct grown *g, const struct place *p,
                                struct err *err)
{
    struct flush *f = &u->flush;
    struct target probe = {.segment = p->segment, .doc = p->doc};
    struct content c;
    struct term t;
    uint8_t conv[KEY_SIZE];
    TRY(flush_content(f, &probe, &u->temp, &c, err));
    conversation_key(&f->hasher.sha, &c.conv, conv);
    term_make(&t, &f->hasher.sha, TERM_ID, c.id);
    for (uint32_t s = 0; s < casefile_segments(u->cf); s++) {
        struct term_entry entry;
        bool found;
        enum status st =
            segment_term(casefile_segment(u->cf, s), f->scratch, term_slice(&t), &entry, err);
        if (st == ST_OK)
            st = flush_claims_of_id(f, g, s, &entry, &c, conv, p->key, &found, err);
        if (st != ST_OK && st != ST_NOT_FOUND)
            return st;
    }
    return ST_OK;
}

static enum status claims_of_number(struct unseal *u, struct grown *g, const struct place *p,
                                    uint32_t segment, size_t stream, uint64_t seq, struct err *err)
{
    enum { AT_ONCE = 256 };
    struct seq_doc items[AT_ONCE];
    size_t n = 0;
    uint32_t from = 0;
    do {
        TRY(segment_stream_seqs_from(casefile_segment(u->cf, segment), u->flush.scratch, stream,
                                     seq, from, items, AT_ONCE, &n, err));
        for (size_t i = 0; i < n; i++) {
            uint32_t target;
            if (items[i].seq != seq)
                return ST_OK;
            TRY(flush_touch(&u->flush, segment, items[i].doc, &target, err));
            TRY(flush_claim(g, p->key[0], p->key[1], target, err));
            from = items[i].doc + 1;
        }
    } while (n == AT_ONCE);
    return ST_OK;
}

static enum status claims_by_seq(struct unseal *u, struct grown *g, const struct place *p,
                                 struct err *err)
{
    const struct held_copy *copies;
    size_t n_copies;
    TRY(segment_copies(casefile_segment(u->cf, p->segment), u->flush.scratch, p->doc, &u->temp,
                       &copies, &n_copies, err));
    for (uint32_t s = 0; s < casefile_segments(u->cf); s++) {
        const struct segment_stream *streams;
        size_t n;
        TRY(segment_streams(casefile_segment(u->cf, s), &streams, &n, err));
        for (size_t i = 0; i < n; i++)
            if (stream_cmp(&streams[i].ref, copies[p->copy].stream) == 0)
                TRY(claims_of_number(u, g, p, s, i, copies[p->copy].seq, err));
    }
    return ST_OK;
}

/* Every place once, whoever of its contents was opened. */
static enum status judge_places(struct unseal *u, struct err *err)
{
    struct grown g = {0};
    struct place *p = u->places.items;
    enum status st = ST_OK;
    if (u->places.n > 1)
        qsort(p, u->places.n, sizeof *p, place_cmp);
    for (size_t i = 0; st == ST_OK && i < u->places.n; i++) {
        if (i && place_cmp(&p[i - 1], &p[i]) == 0)
            continue;
        arena_reset(&u->temp);
        st = p[i].copy == NO_COPY ? claims_by_id(u, &g, &p[i], err)
                                  : claims_by_seq(u, &g, &p[i], err);
    }
    if (st == ST_OK)
        st = flush_judge(&u->flush, &g, err);
    grown_release(&g);
    return st;
}

static bool any_changed(const struct flush *f)
{
    for (uint32_t i = 0; i < f->targets.n; i++)
        if (flush_target(f, i)->changed)
            return true;
    return false;
}

/* ---- all of it ---- */

static enum status contradictions(struct unseal *u, struct err *err)
{
    struct manifest *next = NULL;
    TRY(run_init(&u->run, 1, err));
    enum status st = flush_open(&u->flush, u->cf, &u->run, 1, err);
    u->flush.late_keys = u->options->body_keys;
    if (st == ST_OK)
        st = flush_order(&u->flush, err); /* of nothing: what writing overlays relies on */
    if (st == ST_OK)
        st = survey(u, err);
    if (st == ST_OK)
        st = judge_places(u, err);
    bool changed = st == ST_OK && any_changed(&u->flush);
    if (changed)
        st = manifest_copy(casefile_manifest(u->cf), &next, err);
    if (changed && st == ST_OK)
        st = flush_write(&u->flush, next, err);
    flush_close(&u->flush);
    run_release(&u->run);
    if (changed && st == ST_OK)
        return casefile_commit(u->cf, next, LEDGER_UNSEAL, NULL, 0, err);
    manifest_free(next);
    return st;
}

enum status unseal_all(struct casefile *cf, const struct core_options *o,
                       struct unseal_counts *counts, struct err *err)
{
    size_t n = casefile_segments(cf);
    struct unseal u = {.cf = cf, .options = o, .counts = counts};
    bool any = false;
    *counts = (struct unseal_counts){0};
    u.chosen = calloc(n + 1, sizeof *u.chosen);
    if (!u.chosen)
        return err_no_memory(err);
    arena_init(&u.temp, (size_t)64 << 10);
    enum status st = contradictions(&u, err);
    for (size_t i = 0; i < n; i++)
        any |= u.chosen[i];
    if (st == ST_OK && any)
        st = compact_set(cf, o, u.chosen, LEDGER_UNSEAL, err);
    free(u.chosen);
    grown_release(&u.places);
    buf_release(&u.text);
    arena_release(&u.temp);
    return st;
}
