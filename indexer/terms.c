/* terms — documents come in the one order when they are indexed, and only those that the case does
 * not have: a copy that arrives in a later run is not split into words again. Terms are looked up
 * many at a time. */
#include "indexer/terms.h"

#include "indexer/recognise.h"
#include "lictor/copies.h"

/* What a document is found by besides its content. */
struct term_sources {
    const struct content *c;
    uint16_t flags;
    struct slice contact_handle, of;
    const struct record_items *who;
    bool place; /* a record of another kind than message says where */
};

/* The terms gathered go to the forward list. */
static enum status settle(struct term_maker *m, struct err *err)
{
    struct term_batch *b = &m->batch;
    uint32_t *ids = grown_add_many(&m->tokens, b->n, sizeof *ids);
    if (!ids)
        return err_no_memory(err);
    TRY(vocab_ids(&m->vocab, b->terms, b->n, ids, err));
    for (size_t i = 0; i < b->n; i++)
        ids[i] |= b->marks[i];
    b->n = 0;
    return ST_OK;
}

static enum status add_token(struct term_maker *m, enum term_field field, struct slice bytes,
                             uint32_t mark, struct err *err)
{
    struct term_batch *b = &m->batch;
    if (b->n == VOCAB_BATCH)
        TRY(settle(m, err));
    struct term *t = &b->bytes[b->n];
    memset(t->bytes, 0, VOCAB_INLINE);
    term_make(t, &m->sha, field, bytes);
    b->terms[b->n] = term_slice(t);
    b->marks[b->n++] = mark;
    return ST_OK;
}

static enum status add_field(struct term_maker *m, enum term_field field, struct slice bytes,
                             struct term_counts *n, struct err *err)
{
    n->fields++;
    return add_token(m, field, bytes, 0, err);
}

static enum status add_field_str(struct term_maker *m, enum term_field field, const char *text,
                                 struct term_counts *n, struct err *err)
{
    return add_field(m, field, slice_str(text), n, err);
}

/* Everybody the record went to: members of the set but the sender (a message to oneself goes to
 * oneself), or the recipients given. */
static enum status add_recipients(struct term_maker *m, const struct content *c,
                                  struct term_counts *n, struct err *err)
{
    for (size_t i = 0; i < c->conv.n_set; i++)
        if (c->conv.n_set == 1 || !c->from.data || !slice_eq(c->conv.set[i], c->from))
            TRY(add_field(m, TERM_TO, c->conv.set[i], n, err));
    if (c->conv.kind != CONV_SET)
        for (size_t i = 0; i < c->n_to; i++)
            TRY(add_field(m, TERM_TO, c->to[i], n, err));
    return ST_OK;
}

static enum status add_kinds(struct term_maker *m, const struct term_sources *t,
                             struct term_counts *n, struct err *err)
{
    const struct content *c = t->c;
    if (c->kind != DOC_MESSAGE)
        TRY(add_field_str(m, TERM_KIND, doc_kind_name((enum doc_kind)c->kind), n, err));
    if (t->flags & DOC_HIDDEN)
        TRY(add_field_str(m, TERM_KIND, "hidden", n, err));
    if (t->contact_handle.data)
        TRY(add_field(m, TERM_CONTACT, t->contact_handle, n, err));
    if (t->of.data)
        TRY(add_field(m, TERM_OF, t->of, n, err));
    for (size_t i = 0; t->who && i < t->who->n; i++)
        TRY(add_field(m, TERM_TO, t->who->items[i], n, err));
    return ST_OK;
}

/* By their hash, where it is known. */
static enum status add_attachments(struct term_maker *m, const struct content *c,
                                   struct term_counts *n, struct err *err)
{
    uint8_t hash[SHA256_SIZE];
    if (c->n_attachments)
        TRY(add_field_str(m, TERM_HAS, "attachment", n, err));
    for (size_t i = 0; i < c->n_attachments; i++) {
        struct slice id = c->attachments[i];
        if (id.len == 2 * sizeof hash && hex_decode((const char *)id.data, sizeof hash, hash))
            TRY(add_field(m, TERM_ATTACHMENT, slice_of(hash, sizeof hash), n, err));
    }
    return ST_OK;
}

static enum status add_fields(struct term_maker *m, const struct term_sources *t,
                              struct term_counts *n, struct err *err)
{
    const struct content *c = t->c;
    if (c->from.data)
        TRY(add_field(m, TERM_FROM, c->from, n, err));
    TRY(add_recipients(m, c, n, err));
    if (c->conv.kind == CONV_GROUP)
        TRY(add_field(m, TERM_GROUP, c->conv.name, n, err));
    if (c->conv.service.data)
        TRY(add_field(m, TERM_SERVICE, c->conv.service, n, err));
    TRY(add_kinds(m, t, n, err));
    TRY(add_attachments(m, c, n, err));
    if (c->reply_to.len)
        TRY(add_field_str(m, TERM_HAS, "reply", n, err));
    if (c->body_kind == BODY_SEALED)
        TRY(add_field_str(m, TERM_HAS, "sealed", n, err));
    return ST_OK;
}

static enum status add_seen(struct term_maker *m, unsigned seen, struct term_counts *n,
                            struct err *err)
{
    for (unsigned bit = 1; words_seen_name(bit); bit <<= 1)
        if (seen & bit)
            TRY(add_field_str(m, TERM_HAS, words_seen_name(bit), n, err));
    return ST_OK;
}

static enum status add_words(struct term_maker *m, const struct content *c, bool place,
                             struct term_counts *n, struct err *err)
{
    struct slice text = content_readable(c);
    struct words words = {0};
    if (text.len)
        TRY(splitter_split(m->splitter, text, &words, err));
    TRY(add_seen(m, words.seen | (place ? WORDS_COORDINATES : 0), n, err));
    for (size_t i = 0; i < words.n; i++) {
        const struct token *k = &words.tokens[i];
        TRY(add_token(m, TERM_WORD, slice_of(k->text, k->len), k->same ? TOKEN_SAME : 0, err));
    }
    n->words = (uint32_t)words.n;
    return ST_OK;
}

static void sources_of_record(const struct record *rec, struct term_sources *t)
{
    if (rec->kind == RECORD_CONTACT)
        t->contact_handle = rec->str[RS_HANDLE].s;
    t->place = rec->kind == RECORD_LOCATION && record_says(rec, "lat") && record_says(rec, "lon");
    if (rec->kind == RECORD_EVENT) {
        if (rec->str[RS_OF].present)
            t->of = rec->str[RS_OF].s;
        t->who = &rec->list[RL_WHO];
    }
}

enum status term_maker_init(struct term_maker *m, struct err *err)
{
    *m = (struct term_maker){.splitter = NULL};
    TRY(splitter_new(&m->splitter, err));
    TRY(record_reader_new(&m->reader, err));
    return vocab_init(&m->vocab, err);
}

void term_maker_release(struct term_maker *m)
{
    splitter_free(m->splitter);
    record_reader_free(m->reader);
    vocab_release(&m->vocab);
    grown_release(&m->tokens);
}

enum status term_maker_add(struct term_maker *m, const struct content *c, uint16_t flags,
                           struct term_counts *counts, struct err *err)
{
    struct term_sources t = {.c = c, .flags = flags};
    struct record rec;
    if (c->kind != DOC_MESSAGE && c->raw.len) {
        enum record_fault fault;
        TRY(record_parse(m->reader, c->raw, false, &rec, &fault, NULL, err));
        if (fault != RF_NONE)
            return err_set(err, ST_DAMAGED, "a stored record of kind %s cannot be read again: %s",
                           doc_kind_name((enum doc_kind)c->kind), record_fault_text(fault));
        sources_of_record(&rec, &t);
    }
    m->batch.n = 0;
    *counts = (struct term_counts){0};
    m->id.len = 0;
    if (c->id.len && c->kind == DOC_MESSAGE)
        term_make(&m->id, &m->sha, TERM_ID, c->id);
    TRY(add_fields(m, &t, counts, err));
    TRY(add_words(m, t.c, t.place, counts, err));
    return settle(m, err);
}
