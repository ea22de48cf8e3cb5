/* worker — a record costs its parsing, a hash and a lookup; words are made later, of new contents
 * only. */
#include "indexer/worker.h"

#include "indexer/inwork.h"
#include "lictor/hash.h"

static struct worker_line *line_at(struct worker *w, int i)
{
    return &w->groups[i / WORKER_LINES].lines[i % WORKER_LINES];
}

enum status worker_init(struct worker *w, struct run *run, unsigned number,
                        const struct body_keys *keys, struct err *err)
{
    *w = (struct worker){.number = number, .run = run, .store = &run->stores[number]};
    for (int i = 0; i < 2 * WORKER_LINES; i++) {
        struct worker_line *l = line_at(w, i);
        TRY(record_reader_new(&l->reader, err));
        TRY(recogniser_init(&l->recogniser, keys, err));
    }
    return content_hasher_init(&w->hasher, err);
}

void worker_release(struct worker *w)
{
    for (int i = 0; i < 2 * WORKER_LINES; i++) {
        struct worker_line *l = line_at(w, i);
        record_reader_free(l->reader);
        recogniser_release(&l->recogniser);
        buf_release(&l->hashed);
    }
    content_hasher_release(&w->hasher);
    buf_release(&w->row);
}

static enum status quarantine(struct worker *w, const struct batch *b, uint64_t line,
                              enum record_fault fault, struct slice bytes, struct err *err)
{
    struct run_quarantine *q = grown_add(&w->store->quarantine, sizeof *q);
    if (!q)
        return err_no_memory(err);
    *q = (struct run_quarantine){.dump = b->dump, .line = line, .fault = fault};
    q->bytes = arena_copy(&w->store->bytes, bytes);
    return q->bytes.data ? ST_OK : err_no_memory(err);
}

/* The origin of a record: the dump's, unless the record says something of its own. */
static enum status origin_of(struct worker *w, const struct dump_ctx *dump,
                             const struct record *rec, bool numbered, uint32_t *origin,
                             struct err *err)
{
    static const enum record_string own[] = {RS_ACCOUNT, RS_WARRANT, RS_LIID,
                                             RS_CIN,     RS_POINT,   RS_DIRECTION};
    bool any = false;
    *origin = numbered ? dump->origin : dump->unnumbered_origin;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        any |= rec->str[own[i]].present;
    if (!any)
        return ST_OK;
    pthread_mutex_lock(&w->run->tables.mu);
    struct origin_ref o = *tables_origin_at(&w->run->tables, *origin);
    pthread_mutex_unlock(&w->run->tables.mu);
    struct slice *to[] = {&o.account, &o.warrant, &o.liid, &o.cin, &o.point};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        if (rec->str[own[i]].present)
            *to[i] = rec->str[own[i]].s;
    if (rec->str[RS_DIRECTION].present) {
        struct slice d = rec->str[RS_DIRECTION].s;
        o.direction = slice_eq_str(d, "from") ? 1 : slice_eq_str(d, "to") ? 2 : 3;
    }
    return tables_origin(&w->run->tables, &o, origin, err);
}

static uint64_t conversation_hash(const struct conversation *c)
{
    uint64_t h = hash_bytes(c->service, c->kind);
    h = hash_bytes(c->name, h);
    for (size_t i = 0; i < c->n_set; i++)
        h = hash_bytes(c->set[i], h);
    return h;
}

static bool same_conversation(const struct conversation *a, const struct conversation *b)
{
    if (a->kind != b->kind || a->n_set != b->n_set || !slice_same(a->service, b->service) ||
        !slice_same(a->name, b->name))
        return false;
    for (size_t i = 0; i < a->n_set; i++)
        if (!slice_eq(a->set[i], b->set[i]))
            return false;
    return true;
}

static enum status conversation_of(struct worker *w, const struct conversation *c,
                                   const struct run_conversation **out, struct err *err)
{
    uint8_t key[KEY_SIZE];
    const struct run_conversation **recent = &w->recent[conversation_hash(c) & (WORKER_RECENT - 1)];
    if (!*recent || !same_conversation(&(*recent)->c, c)) {
        conversation_key(&w->hasher.sha, c, key);
        TRY(run_conversation(w->store, key, c, recent, err));
    }
    *out = *recent;
    return ST_OK;
}

/* The content's document in the run; made here if nobody has it yet. */
static enum status take_content(struct worker *w, struct worker_line *l, run_ref *ref,
                                struct err *err)
{
    struct run_store *s = w->store;
    struct recognised *r = &l->r;
    const uint8_t *hash = l->hash;
    run_ref mine = (run_ref)w->number << 25 | (run_ref)s->docs.n;
    TRY(run_content(w->run, hash, mine, ref, err));
    if (*ref != mine)
        return ST_OK;
    struct run_doc *doc = grown_add(&s->docs, sizeof *doc);
    if (!doc)
        return err_no_memory(err);
    *doc = (struct run_doc){.sent = r->content.sent,
                            .flags = r->flags,
                            .kind = r->content.kind,
                            .has_id = r->has_id,
                            .no_body = r->content.body_kind == BODY_NONE};
    memcpy(doc->hash, hash, SHA256_SIZE);
    r->content.stored_hash = r->content.kind == DOC_MESSAGE ? NULL : doc->hash;
    TRY(conversation_of(w, &r->content.conv, &doc->conv, err));
    buf_clear(&w->row);
    content_encode(&r->content, &w->row);
    TRY(buf_status(&w->row, err));
    doc->row = arena_copy(&s->bytes, buf_slice(&w->row));
    return doc->row.data ? ST_OK : err_no_memory(err);
}

static uint8_t side_of(const struct dump_ctx *dump, const struct record *rec,
                       const struct recognised *r)
{
    const struct record_text *own = &rec->str[RS_ACCOUNT];
    return (uint8_t)copy_side(&r->content, dump->source, own->present ? own->s : dump->account);
}

static enum status take_copy(struct worker *w, const struct batch *b, const struct record *rec,
                             const struct recognised *r, run_ref ref, uint64_t line,
                             struct err *err)
{
    struct run_copy *c = grown_add(&w->store->copies, sizeof *c);
    if (!c)
        return err_no_memory(err);
    *c = (struct run_copy){.doc = ref,
                           .seq = r->seq,
                           .line = line,
                           .delivered = r->delivered,
                           .read = r->read,
                           .collected = r->collected,
                           .dump = b->dump->dump_index,
                           .side = side_of(b->dump, rec, r),
                           .deleted = r->deleted,
                           .copy_to = r->copy_to,
                           .located = r->located};
    if (!run_copy_keep(c, &w->store->bytes, r->extra))
        return err_no_memory(err);
    return origin_of(w, b->dump, rec, r->numbered, &c->origin, err);
}

/* What a batch tells its dump, written once at the end. */
struct batch_sums {
    uint64_t max_seq; /* + 1 */
    uint64_t times, odd_times;
};

static void note_times(struct batch_sums *sums, const struct dump_ctx *d, int64_t sent)
{
    static const int64_t day = INT64_C(86400000);
    if (sent == TIME_NONE)
        return;
    sums->times++;
    bool early = d->collected_from != TIME_NONE && sent < d->collected_from - 366 * day;
    bool late = d->collected_to != TIME_NONE && sent > d->collected_to + day;
    sums->odd_times += early || late;
}

/* First part: parsed and recognised. The line is counted in its group if it goes on. */
static enum status start_line(struct worker *w, const struct batch *b, struct slice line,
                              uint64_t number, struct batch_sums *sums, struct err *err)
{
    struct worker_group *g = &w->groups[w->now];
    struct worker_line *l = &g->lines[g->n];
    enum record_fault fault;
    if (b->cut_line && number >= b->cut_line)
        return quarantine(w, b, number, b->cut_fault, line, err);
    if (number == b->kills_line)
        return quarantine(w, b, number, RF_KILLS, line, err);
#ifdef LICTOR_TEST_HOOKS
    inwork_test_fault("worker", line);
#endif
    TRY(record_parse(l->reader, line, number == 1, &l->rec, &fault, NULL, err));
    if (fault == RF_NONE && l->rec.kind == RECORD_DUMP)
        fault = RF_SECOND_DUMP;
    if (fault != RF_NONE)
        return quarantine(w, b, number, fault, line, err);
    if (record_has(&l->rec, RI_SEQ) && l->rec.num[RI_SEQ] >= sums->max_seq)
        sums->max_seq = l->rec.num[RI_SEQ] + 1;
    if (l->rec.kind == RECORD_END)
        return ST_OK;
    l->number = number;
    TRY(recognise(&l->recogniser, b->dump, &l->rec, number, &l->r, err));
    note_times(sums, b->dump, l->r.content.sent);
    buf_clear(&l->hashed);
    TRY(content_hashed(&l->r.content, l->r.other, &l->hashed, err));
    g->n++;
    return ST_OK;
}

/* Second part: hashed, and their places asked for. */
static void hash_group(struct worker *w, struct worker_group *g)
{
    struct buf *hashed[WORKER_LINES];
    uint8_t *hashes[WORKER_LINES];
    _Static_assert(WORKER_LINES <= CONTENT_HASH_MANY, "a group is hashed at once");
    for (size_t i = 0; i < g->n; i++) {
        hashed[i] = &g->lines[i].hashed;
        hashes[i] = g->lines[i].hash;
    }
    content_hash_many(&w->hasher, hashed, hashes, g->n);
    for (size_t i = 0; i < g->n; i++)
        run_content_fetch(w->run, g->lines[i].hash);
}

/* Third part: into the run. */
static enum status finish_group(struct worker *w, const struct batch *b, struct worker_group *g,
                                struct err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        struct worker_line *l = &g->lines[i];
        run_ref ref;
        TRY(take_content(w, l, &ref, err));
        TRY(take_copy(w, b, &l->rec, &l->r, ref, l->number, err));
    }
    g->n = 0;
    return ST_OK;
}

/* The group just filled is hashed, the other one ends and is filled next. */
static enum status turn(struct worker *w, const struct batch *b, struct err *err)
{
    TRY(finish_group(w, b, &w->groups[w->now ^ 1], err));
    hash_group(w, &w->groups[w->now]);
    w->now ^= 1;
    return ST_OK;
}

/* What is in use: a reset keeps the memory for the next round, and counting that would make every
 * batch after the first flush look like a full run. The unused end of a grown array was never
 * touched, so it costs no memory yet. */
uint64_t worker_store_held(const struct run_store *s)
{
    size_t convs = s->n_convs * 4 < s->convs.cap ? s->n_convs * 4 : s->convs.cap;
    return s->bytes.used + s->docs.n * sizeof(struct run_doc) +
           s->copies.n * sizeof(struct run_copy) + s->quarantine.n * sizeof(struct run_quarantine) +
           convs * sizeof(void *) + s->docs.n * sizeof(struct content_slot) * 2;
}

static void atomic_max(_Atomic uint64_t *a, uint64_t v)
{
    uint64_t now = atomic_load(a);
    while (now < v && !atomic_compare_exchange_weak(a, &now, v))
        ;
}

enum status worker_batch(struct worker *w, struct batch *b, struct err *err)
{
    struct batch_sums sums = {0};
    if (w->resets != w->run->resets) {
        memset(w->recent, 0, sizeof w->recent);
        w->resets = w->run->resets;
    }
    const uint8_t *p = b->data.data;
    size_t left = b->data.len;
    for (uint64_t i = 0; i < b->lines; i++) {
        const uint8_t *nl = left ? memchr(p, '\n', left) : NULL;
        size_t n = nl ? (size_t)(nl - p) : left;
        uint64_t number = b->first_line + i;
        if (number > b->dump->skip && number != b->cut_own_line) {
            TRY(start_line(w, b, slice_of(p, n), number, &sums, err));
            if (w->groups[w->now].n == WORKER_LINES)
                TRY(turn(w, b, err));
        }
        size_t step = nl ? n + 1 : n;
        p += step;
        left -= step;
    }
    TRY(turn(w, b, err));
    TRY(turn(w, b, err));
    atomic_max(&b->dump->max_seq, sums.max_seq);
    atomic_fetch_add(&b->dump->times, sums.times);
    atomic_fetch_add(&b->dump->odd_times, sums.odd_times);
    atomic_store_explicit(&w->store->held, worker_store_held(w->store), memory_order_relaxed);
    return ST_OK;
}
