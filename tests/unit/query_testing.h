/* query_testing — a case made of a few records by hand: what the indexer would do to them, without
 * dumps, batches and threads. For the tests of query/. */
#ifndef TESTS_QUERY_TESTING_H
#define TESTS_QUERY_TESTING_H

#include "lictor/arena.h"
#include "lictor/casefile.h"
#include "lictor/words.h"
#include "tests/unit/case_testing.h"

#define SPEC_COPIES 8

struct spec_copy {
    const char *source;
    uint64_t seq;
    const char *account; /* NULL: none */
    int64_t delivered;   /* 0: absent */
};
/* One content with all its copies. NULL is absent. */
struct spec {
    enum doc_kind kind;
    bool hidden;
    const char *service, *from, *to; /* to: "a,b" */
    const char *group, *id, *text, *handle /* of a contact */, *attachment, *reply_to;
    const char *raw; /* of other kinds than message: canonical JSON; NULL: "{}" */
    int64_t sent;    /* 0: absent */
    bool sealed, opened;
    uint16_t flags; /* DOC_CONFLICT, DOC_RELATED as the indexer would have found them */
    struct spec_copy copies[SPEC_COPIES];
};

struct made_term {
    struct term t;
    uint32_t doc, pos;
};

struct made_doc {
    const struct spec *spec;
    struct content c;
    struct copy copies[SPEC_COPIES];
    size_t n_copies;
    struct doc_state state;
    uint8_t conversation[KEY_SIZE], hash[SHA256_SIZE];
    struct slice row;
};

struct maker {
    struct arena a;
    struct made_doc *docs;
    size_t n;
    struct stream_ref streams[16];
    struct origin_ref origins[16];
    size_t n_streams;
    struct made_term *terms;
    size_t n_terms, cap_terms;
    struct content_hasher hasher;
    struct splitter *splitter;
};

static struct slice maybe(const char *s) { return s ? slice_str(s) : (struct slice){0}; }

static int slices_cmp(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* "a,b" as sorted distinct slices. */
static size_t names_of(struct arena *a, const char *first, const char *list, struct slice **out)
{
    struct slice *names = arena_array(a, 16, sizeof *names);
    size_t n = 0, unique = 0;
    if (first)
        names[n++] = slice_str(first);
    for (const char *p = list; p && *p;) {
        size_t len = strcspn(p, ",");
        names[n++] = slice_of(p, len);
        p += len + (p[len] == ',');
    }
    qsort(names, n, sizeof *names, slices_cmp);
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || !slice_eq(names[unique - 1], names[i]))
            names[unique++] = names[i];
    *out = names;
    return unique;
}

static void make_content(struct maker *m, const struct spec *s, struct made_doc *d)
{
    struct content *c = &d->c;
    d->spec = s;
    c->kind = (uint8_t)s->kind;
    c->conv.service = maybe(s->service);
    c->from = maybe(s->from);
    c->id = maybe(s->id);
    c->sent = s->sent ? s->sent : TIME_NONE;
    c->reply_to = maybe(s->reply_to);
    if (s->kind != DOC_MESSAGE && !(s->kind == DOC_EVENT && s->group)) {
        c->conv.kind = CONV_SOURCE;
        c->conv.name = slice_str(s->copies[0].source);
    } else if (s->group) {
        c->conv.kind = CONV_GROUP;
        c->conv.name = slice_str(s->group);
    } else {
        struct slice *set;
        c->conv.kind = CONV_SET;
        c->conv.n_set = names_of(&m->a, s->from, s->to, &set);
        c->conv.set = set;
    }
    if (s->attachment) {
        struct slice *list = arena_array(&m->a, 1, sizeof *list);
        list[0] = slice_str(s->attachment);
        c->attachments = list;
        c->n_attachments = 1;
    }
    if (s->sealed) {
        c->body_kind = BODY_SEALED;
        c->seal_key = slice_str("k1");
        c->seal_nonce = slice_str("nonce");
        c->seal_box = maybe(s->text);
        if (s->opened)
            c->opened = maybe(s->text);
    } else if (s->text) {
        c->body_kind = BODY_TEXT;
        c->text = slice_str(s->text);
    }
    if (s->kind != DOC_MESSAGE)
        c->raw = slice_str(s->raw ? s->raw : "{}");
}

static uint32_t stream_of(struct maker *m, const struct spec_copy *c)
{
    for (size_t i = 0; i < m->n_streams; i++)
        if (slice_eq_str(m->streams[i].source, c->source))
            return (uint32_t)i;
    m->streams[m->n_streams] =
        (struct stream_ref){.source = slice_str(c->source), .stage = 1, .numbered = true};
    return (uint32_t)m->n_streams++;
}

static int copy_place(const void *a, const void *b)
{
    const struct copy *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static const struct sighting first_sighting = {.dump = 0, .line = 2};

static void make_copies(struct maker *m, struct made_doc *d)
{
    const struct spec *s = d->spec;
    for (size_t i = 0; i < SPEC_COPIES && s->copies[i].source; i++) {
        struct copy_version *v = arena_array(&m->a, 1, sizeof *v);
        struct copy *c = &d->copies[d->n_copies++];
        c->stream = stream_of(m, &s->copies[i]);
        c->seq = s->copies[i].seq;
        m->origins[c->stream] =
            (struct origin_ref){.stream = c->stream, .account = maybe(s->copies[i].account)};
        *v = (struct copy_version){.origin = c->stream,
                                   .delivered =
                                       s->copies[i].delivered ? s->copies[i].delivered : TIME_NONE,
                                   .read = TIME_NONE,
                                   .collected = TIME_NONE,
                                   .sightings = &first_sighting,
                                   .n_sightings = 1};
        c->versions = v;
        c->n_versions = 1;
    }
    qsort(d->copies, d->n_copies, sizeof *d->copies, copy_place);
}

static void make_doc(struct maker *m, const struct spec *s, struct made_doc *d)
{
    static uint8_t other_number;
    struct buf row = {0}, other = {0};
    make_content(m, s, d);
    make_copies(m, d);
    conversation_key(&m->hasher.sha, &d->c.conv, d->conversation);
    buf_put_u8(&other, ++other_number);
    cr_assert_eq(content_hash(&m->hasher, &d->c, buf_slice(&other), d->hash, NULL), ST_OK);
    if (s->kind != DOC_MESSAGE)
        d->c.stored_hash = d->hash;
    content_encode(&d->c, &row);
    d->row = arena_copy(&m->a, buf_slice(&row));
    d->state.messages = copies_messages(d->copies, d->n_copies, s->id != NULL);
    d->state.copies = (uint32_t)d->n_copies;
    d->state.flags = (uint16_t)(s->flags | (s->hidden ? DOC_HIDDEN : 0) |
                                (s->sealed && !s->opened ? DOC_SEALED : 0) |
                                (content_untimed(&d->c) ? DOC_UNTIMED : 0) |
                                (d->state.messages > 1 ? DOC_REPEATED : 0));
    buf_release(&row);
    buf_release(&other);
}

static int doc_place(const void *a, const void *b)
{
    const struct made_doc *x = a, *y = b;
    int c = memcmp(x->conversation, y->conversation, KEY_SIZE);
    if (c)
        return c;
    if (x->c.sent != y->c.sent) {
        if (x->c.sent == TIME_NONE || y->c.sent == TIME_NONE)
            return x->c.sent == TIME_NONE ? 1 : -1;
        return x->c.sent < y->c.sent ? -1 : 1;
    }
    return memcmp(x->hash, y->hash, SHA256_SIZE);
}

static void add_term(struct maker *m, uint32_t doc, uint32_t pos, enum term_field f, struct slice s)
{
    if (m->n_terms == m->cap_terms) {
        m->cap_terms = m->cap_terms ? 2 * m->cap_terms : 1024;
        m->terms = realloc(m->terms, m->cap_terms * sizeof *m->terms);
        cr_assert_not_null(m->terms);
    }
    struct made_term *t = &m->terms[m->n_terms++];
    term_make(&t->t, &m->hasher.sha, f, s);
    t->doc = doc;
    t->pos = pos;
}

static void make_terms(struct maker *m, uint32_t doc)
{
    const struct made_doc *d = &m->docs[doc];
    const struct spec *s = d->spec;
    struct words w = {0};
    struct slice *to, text = s->sealed && !s->opened ? (struct slice){0} : maybe(s->text);
    size_t n_to = names_of(&m->a, NULL, s->to, &to);
    cr_assert_eq(splitter_split(m->splitter, text, &w, NULL), ST_OK);
    for (size_t i = 0; i < w.n; i++)
        add_term(m, doc, w.tokens[i].pos, TERM_WORD, slice_of(w.tokens[i].text, w.tokens[i].len));
    for (size_t i = 0; i < n_to; i++)
        add_term(m, doc, 0, TERM_TO, to[i]);
    if (s->from)
        add_term(m, doc, 0, TERM_FROM, slice_str(s->from));
    if (s->group)
        add_term(m, doc, 0, TERM_GROUP, slice_str(s->group));
    if (s->service)
        add_term(m, doc, 0, TERM_SERVICE, slice_str(s->service));
    if (s->id)
        add_term(m, doc, 0, TERM_ID, slice_str(s->id));
    if (s->handle)
        add_term(m, doc, 0, TERM_CONTACT, slice_str(s->handle));
    if (s->kind != DOC_MESSAGE)
        add_term(m, doc, 0, TERM_KIND, slice_str(doc_kind_name(s->kind)));
    if (s->hidden)
        add_term(m, doc, 0, TERM_KIND, slice_str("hidden"));
    if (s->sealed)
        add_term(m, doc, 0, TERM_HAS, slice_str("sealed"));
    if (s->attachment)
        add_term(m, doc, 0, TERM_HAS, slice_str("attachment"));
    if (s->reply_to)
        add_term(m, doc, 0, TERM_HAS, slice_str("reply"));
    if (w.seen & WORDS_LINK)
        add_term(m, doc, 0, TERM_HAS, slice_str("link"));
    if (w.seen & WORDS_EMOJI)
        add_term(m, doc, 0, TERM_HAS, slice_str("emoji"));
}

static int term_place(const void *a, const void *b)
{
    const struct made_term *x = a, *y = b;
    int c = slice_cmp(term_slice(&x->t), term_slice(&y->t));
    if (c)
        return c;
    if (x->doc != y->doc)
        return x->doc < y->doc ? -1 : 1;
    return (x->pos > y->pos) - (x->pos < y->pos);
}

static void write_terms(struct maker *m, struct segment_writer *w)
{
    uint32_t *docs = arena_array(&m->a, m->n_terms + 1, sizeof *docs);
    uint32_t *tf = arena_array(&m->a, m->n_terms + 1, sizeof *tf);
    uint32_t *positions = arena_array(&m->a, m->n_terms + 1, sizeof *positions);
    qsort(m->terms, m->n_terms, sizeof *m->terms, term_place);
    for (size_t i = 0, end; i < m->n_terms; i = end) {
        struct slice t = term_slice(&m->terms[i].t);
        uint32_t n = 0;
        for (end = i; end < m->n_terms && slice_eq(term_slice(&m->terms[end].t), t); end++) {
            if (n == 0 || docs[n - 1] != m->terms[end].doc) {
                docs[n] = m->terms[end].doc;
                tf[n++] = 0;
            }
            tf[n - 1]++;
            positions[end - i] = m->terms[end].pos;
        }
        bool words = t.data[0] == TERM_WORD;
        cr_assert_eq(
            segment_add_term(w, t, n, docs, words ? tf : NULL, words ? positions : NULL, NULL),
            ST_OK);
    }
}

/* What the dumps said of all streams of the segments made next. */
static struct {
    uint64_t end_last_seq;
    bool selection, partial;
} made_streams;

struct made_seq {
    uint64_t seq;
    uint32_t doc;
};
static int seq_place(const void *a, const void *b)
{
    const struct made_seq *x = a, *y = b;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return (x->doc > y->doc) - (x->doc < y->doc);
}

static void write_seqs(struct maker *m, struct segment_writer *w, uint32_t stream)
{
    size_t cap = m->n * SPEC_COPIES + 1, n = 0;
    struct made_seq *all = arena_array(&m->a, cap, sizeof *all);
    uint64_t *seqs = arena_array(&m->a, cap, sizeof *seqs);
    uint32_t *docs = arena_array(&m->a, cap, sizeof *docs);
    for (uint32_t d = 0; d < m->n; d++)
        for (size_t i = 0; i < m->docs[d].n_copies; i++)
            if (m->docs[d].copies[i].stream == stream)
                all[n++] = (struct made_seq){m->docs[d].copies[i].seq, d};
    qsort(all, n, sizeof *all, seq_place);
    for (size_t i = 0; i < n; i++) {
        seqs[i] = all[i].seq;
        docs[i] = all[i].doc;
    }
    cr_assert_eq(segment_add_stream_seqs(w, stream, n, seqs, docs, made_streams.end_last_seq,
                                         made_streams.selection, made_streams.partial, NULL),
                 ST_OK);
}

static void write_docs(struct maker *m, struct segment_writer *w)
{
    for (uint32_t i = 0; i < m->n; i++) {
        const struct made_doc *d = &m->docs[i];
        struct buf copies = {0};
        struct err err = {0};
        if (i == 0 || memcmp(d->conversation, m->docs[i - 1].conversation, KEY_SIZE) != 0)
            cr_assert_eq(segment_add_conversation(w, d->conversation, &d->c.conv, &err), ST_OK,
                         "%s", err.text);
        copies_encode(d->copies, d->n_copies, &copies);
        cr_assert_eq(
            segment_add_doc(w, d->hash, d->c.sent, d->row, &d->state, buf_slice(&copies), &err),
            ST_OK, "%s", err.text);
        buf_release(&copies);
        make_terms(m, i);
    }
}

static void write_tables(struct maker *m, struct segment_writer *w)
{
    struct dump_ref dump = {.sha256 = {1}, .name = slice_str("d1")};
    cr_assert_eq(segment_add_dump(w, &dump, NULL), ST_OK);
    for (size_t i = 0; i < m->n_streams; i++)
        cr_assert_eq(segment_add_stream(w, &m->streams[i], NULL), ST_OK);
    for (size_t i = 0; i < m->n_streams; i++)
        cr_assert_eq(segment_add_origin(w, &m->origins[i], NULL), ST_OK);
}

/* One segment of these contents, committed to the case. */
static void segment_make(struct casefile *cf, const struct spec *specs, size_t n)
{
    struct maker m = {.n = n};
    struct segment_writer *w;
    struct manifest *next;
    struct file_seal seal;
    struct err err = {0};
    arena_init(&m.a, 0);
    cr_assert_eq(content_hasher_init(&m.hasher, NULL), ST_OK);
    cr_assert_eq(splitter_new(&m.splitter, NULL), ST_OK);
    m.docs = arena_array(&m.a, n, sizeof *m.docs);
    for (size_t i = 0; i < n; i++)
        make_doc(&m, &specs[i], &m.docs[i]);
    qsort(m.docs, n, sizeof *m.docs, doc_place);
    cr_assert_eq(segment_writer_open(casefile_segments_dir(cf), casefile_key(cf), NULL, &w, &err),
                 ST_OK, "%s", err.text);
    write_tables(&m, w);
    write_docs(&m, w);
    write_terms(&m, w);
    for (uint32_t i = 0; i < m.n_streams; i++)
        write_seqs(&m, w, i);
    cr_assert_eq(segment_writer_finish(w, &seal, &err), ST_OK, "%s", err.text);
    cr_assert_eq(manifest_copy(casefile_manifest(cf), &next, &err), ST_OK);
    next->segments = realloc(next->segments, (next->n_segments + 1) * sizeof *next->segments);
    cr_assert_not_null(next->segments);
    next->segments[next->n_segments++] =
        (struct manifest_segment){.base = seal, .docs = (uint32_t)n};
    cr_assert_eq(casefile_commit(cf, next, LEDGER_ADD, NULL, 0, &err), ST_OK, "%s", err.text);
    splitter_free(m.splitter);
    content_hasher_release(&m.hasher);
    free(m.terms);
    arena_release(&m.a);
}

/* A new unencrypted case in the test's directory, open for writing. */
static struct casefile *query_case_make(void)
{
    char path[sizeof dir_path + 8];
    struct casefile *cf = NULL;
    struct err err = {0};
    (void)snprintf(path, sizeof path, "%s/case", dir_path);
    cr_assert_eq(casefile_create(path, NULL, words_version(), &err), ST_OK, "%s", err.text);
    cr_assert_eq(casefile_open(path, NULL, CASE_WRITE, (size_t)4 << 20, &cf, &err), ST_OK, "%s",
                 err.text);
    return cf;
}

#endif
