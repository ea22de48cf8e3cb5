/* flush_ids — claims by service id: the same id, in the same conversation, from the same sender.
 * The new ids are sorted as terms and merged against each segment's lexicon: looked up one by one,
 * every new message would be a search in every segment. */
#include "indexer/flush.h"
#include "indexer/invert.h"
#include "indexer/sort.h"
#include "lictor/term.h"
#include "lictor/thread.h"

/* A new id that a segment has, too. */
struct shared_id {
    uint32_t segment;
    uint32_t name; /* one of the equal names */
    struct term_entry entry;
};

struct ids {
    struct flush *f;
    const struct sort_term *names; /* by term; `id` is the target */
    size_t n;
    struct grown *shared; /* struct shared_id, by segment */
};

void flush_id_key(struct content_hasher *h, const struct content *c, const uint8_t conv[KEY_SIZE],
                  uint64_t key[2])
{
    uint8_t out[SHA256_SIZE], len[8];
    struct sha256 *sha = &h->sha;
    sha256_begin(sha);
    sha256_add(sha, conv, KEY_SIZE);
    store_u64(len, c->from.data ? c->from.len : UINT64_MAX);
    sha256_add(sha, len, sizeof len);
    sha256_add(sha, c->from.data, c->from.len);
    sha256_add(sha, c->id.data, c->id.len);
    sha256_end(sha, out);
    key[0] = load_u64(out);
    key[1] = load_u64(out + 8);
}

static struct slice name_at(const struct ids *o, size_t i)
{
    return slice_of(o->names[i].data, o->names[i].len);
}

static size_t equal_end(const struct ids *o, size_t i)
{
    size_t j = i + 1;
    while (j < o->n && slice_eq(name_at(o, j), name_at(o, i)))
        j++;
    return j;
}

/* ---- within the run ---- */

static enum status claim_of(struct flush *f, uint32_t target, struct content *c, uint64_t key[2],
                            struct err *err)
{
    const struct target *t = flush_target(f, target);
    TRY(flush_content(f, t, &f->temp, c, err));
    flush_id_key(&f->hasher, c, flush_doc(f, t)->conv->key, key);
    return ST_OK;
}

static enum status claims_of_run(struct ids *o, struct grown *g, struct err *err)
{
    for (size_t i = 0, j; i < o->n; i = j) {
        j = equal_end(o, i);
        for (size_t k = i; j - i > 1 && k < j; k++) {
            struct content c;
            uint64_t key[2];
            arena_reset(&o->f->temp);
            TRY(claim_of(o->f, o->names[k].id, &c, key, err));
            TRY(flush_claim(g, key[0], key[1], o->names[k].id, err));
        }
    }
    return ST_OK;
}

/* ---- against the case ---- */

/* Both are in byte order: one pass over the segment's ids. */
static enum status merge_segment(void *arg, size_t segment, struct err *err)
{
    static const uint8_t field = TERM_ID;
    const struct ids *o = arg;
    if (staged_is_apart(o->f->staged, segment))
        return ST_OK;
    struct term_iter *it;
    struct term_entry entry;
    size_t i = 0;
    TRY(term_iter_open(casefile_segment(o->f->cf, segment), slice_of(&field, 1), &it, err));
    enum status st = term_iter_next(it, &entry, err);
    while (st == ST_OK && i < o->n && entry.term.len && entry.term.data[0] == TERM_ID) {
        int c = slice_cmp(name_at(o, i), entry.term);
        if (c < 0) {
            i++;
            continue;
        }
        if (c == 0) {
            struct shared_id *s = grown_add(&o->shared[segment], sizeof *s);
            if (!s) {
                st = err_no_memory(err);
                break;
            }
            *s = (struct shared_id){(uint32_t)segment, (uint32_t)i++, entry};
        }
        while (c == 0 && i < o->n && slice_eq(name_at(o, i), entry.term))
            i++;
        st = term_iter_next(it, &entry, err);
    }
    term_iter_close(it);
    return st == ST_END ? ST_OK : st;
}

enum status flush_claims_of_id(struct flush *f, struct grown *g, uint32_t segment,
                               const struct term_entry *id, const struct content *c,
                               const uint8_t conv[KEY_SIZE], const uint64_t key[2], bool *found,
                               struct err *err)
{
    struct segment *s = casefile_segment(f->cf, segment);
    uint32_t number, n;
    *found = false;
    TRY(segment_conversation_find(s, f->scratch, conv, KEY_SIZE, &number, &n, err));
    if (n == 0)
        return ST_OK;
    struct segment_conversation sc;
    TRY(segment_conversation_at(s, f->scratch, number, &f->temp, &sc, err));
    struct posting_iter *it;
    struct arena a; /* of one document at a time: any number of large texts may have one id */
    arena_init(&a, (size_t)16 << 10);
    enum status st = posting_iter_open(s, id->handle, &it, err);
    if (st != ST_OK) {
        arena_release(&a);
        return st;
    }
    uint32_t doc = 0;
    st = posting_iter_seek(it, sc.first, &doc, err);
    while (st == ST_OK && doc < sc.first + sc.docs) {
        struct content other;
        struct target probe = {.segment = segment, .doc = doc};
        uint32_t target;
        arena_reset(&a);
        st = flush_content(f, &probe, &a, &other, err);
        if (st == ST_OK && (other.from.data == NULL) == (c->from.data == NULL) &&
            slice_eq(other.from, c->from)) {
            st = flush_touch(f, segment, doc, &target, err);
            if (st == ST_OK)
                st = flush_claim(g, key[0], key[1], target, err);
            *found = true;
        }
        if (st == ST_OK)
            st = posting_iter_seek(it, doc + 1, &doc, err);
    }
    posting_iter_close(it);
    arena_release(&a);
    return st;
}

static enum status claims_of_shared(struct ids *o, struct grown *g, const struct shared_id *s,
                                    struct err *err)
{
    struct flush *f = o->f;
    size_t end = equal_end(o, s->name);
    for (size_t k = s->name; k < end; k++) {
        struct content c;
        uint64_t key[2];
        bool found;
        arena_reset(&f->temp);
        TRY(claim_of(f, o->names[k].id, &c, key, err));
        TRY(flush_claims_of_id(f, g, s->segment, &s->entry, &c,
                               flush_doc(f, flush_target(f, o->names[k].id))->conv->key, key,
                               &found, err));
        if (found)
            TRY(flush_claim(g, key[0], key[1], o->names[k].id, err));
    }
    return ST_OK;
}

static enum status claims_of_case(struct ids *o, struct grown *g, struct err *err)
{
    size_t n = casefile_segments(o->f->cf);
    o->shared = arena_array(&o->f->arena, n, sizeof *o->shared);
    if (!o->shared)
        return err_no_memory(err);
    enum status st = thread_each(o->f->threads, n, merge_segment, o, err);
    for (size_t i = 0; i < n; i++) {
        const struct shared_id *s = o->shared[i].items;
        for (size_t k = 0; st == ST_OK && k < o->shared[i].n; k++)
            st = claims_of_shared(o, g, &s[k], err);
        grown_release(&o->shared[i]);
    }
    return st;
}

enum status flush_relate_ids(struct flush *f, struct err *err)
{
    struct ids o = {.f = f};
    struct grown g = {0};
    invert_ids(f->inversion, &o.names, &o.n);
    enum status st = claims_of_run(&o, &g, err);
    if (st == ST_OK && o.n && casefile_segments(f->cf))
        st = claims_of_case(&o, &g, err);
    if (st == ST_OK)
        st = flush_judge(f, &g, err);
    grown_release(&g);
    return st;
}
