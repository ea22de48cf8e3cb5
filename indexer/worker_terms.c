/* worker_terms — terms are looked up in the worker's own vocabulary, many at a time; the forward
 * list keeps 32-bit ids in order: first the fields (no positions), then the words. */
#include "indexer/worker_terms.h"

/* What a document is found by besides its content. */
struct term_sources {
    const struct content *c;
    uint16_t flags;
    struct slice contact_handle, of;
    const struct record_items *who;
};

/* The terms gathered go to the forward list. */
static enum status settle(struct worker *w, struct err *err)
{
    struct term_batch *b = &w->terms;
    uint32_t *ids = grown_add_many(&w->store->tokens, b->n, sizeof *ids);
    if (!ids)
        return err_no_memory(err);
    TRY(vocab_ids(&w->store->vocab, b->terms, b->n, ids, err));
    for (size_t i = 0; i < b->n; i++)
        ids[i] |= b->marks[i];
    b->n = 0;
    return ST_OK;
}

static enum status add_token(struct worker *w, enum term_field field, struct slice bytes,
                             uint32_t mark, struct err *err)
{
    struct term_batch *b = &w->terms;
    if (b->n == VOCAB_BATCH)
        TRY(settle(w, err));
    struct term *t = &b->bytes[b->n];
    memset(t->bytes, 0, VOCAB_INLINE);
    term_make(t, &w->hasher.sha, field, bytes);
    b->terms[b->n] = term_slice(t);
    b->marks[b->n++] = mark;
    return ST_OK;
}

static enum status add_field(struct worker *w, enum term_field field, struct slice bytes,
                             struct run_doc *doc, struct err *err)
{
    doc->n_fields++;
    return add_token(w, field, bytes, 0, err);
}

static enum status add_field_str(struct worker *w, enum term_field field, const char *text,
                                 struct run_doc *doc, struct err *err)
{
    return add_field(w, field, slice_str(text), doc, err);
}

/* Everybody the record went to: members of the set but the sender (a message to oneself goes to
 * oneself), or the recipients given. */
static enum status add_recipients(struct worker *w, const struct content *c, struct run_doc *doc,
                                  struct err *err)
{
    for (size_t i = 0; i < c->conv.n_set; i++)
        if (c->conv.n_set == 1 || !c->from.data || !slice_eq(c->conv.set[i], c->from))
            TRY(add_field(w, TERM_TO, c->conv.set[i], doc, err));
    if (c->conv.kind != CONV_SET)
        for (size_t i = 0; i < c->n_to; i++)
            TRY(add_field(w, TERM_TO, c->to[i], doc, err));
    return ST_OK;
}

static enum status add_kinds(struct worker *w, const struct term_sources *t, struct run_doc *doc,
                             struct err *err)
{
    const struct content *c = t->c;
    if (c->kind != DOC_MESSAGE)
        TRY(add_field_str(w, TERM_KIND, doc_kind_name((enum doc_kind)c->kind), doc, err));
    if (t->flags & DOC_HIDDEN)
        TRY(add_field_str(w, TERM_KIND, "hidden", doc, err));
    if (t->contact_handle.data)
        TRY(add_field(w, TERM_CONTACT, t->contact_handle, doc, err));
    if (t->of.data)
        TRY(add_field(w, TERM_OF, t->of, doc, err));
    for (size_t i = 0; t->who && i < t->who->n; i++)
        TRY(add_field(w, TERM_TO, t->who->items[i], doc, err));
    return ST_OK;
}

static enum status add_fields(struct worker *w, const struct term_sources *t, struct run_doc *doc,
                              struct err *err)
{
    const struct content *c = t->c;
    if (c->from.data)
        TRY(add_field(w, TERM_FROM, c->from, doc, err));
    TRY(add_recipients(w, c, doc, err));
    if (c->conv.kind == CONV_GROUP)
        TRY(add_field(w, TERM_GROUP, c->conv.name, doc, err));
    if (c->conv.service.data)
        TRY(add_field(w, TERM_SERVICE, c->conv.service, doc, err));
    if (c->id.len && c->kind == DOC_MESSAGE)
        TRY(add_field(w, TERM_ID, c->id, doc, err));
    TRY(add_kinds(w, t, doc, err));
    if (c->n_attachments)
        TRY(add_field_str(w, TERM_HAS, "attachment", doc, err));
    if (c->reply_to.len)
        TRY(add_field_str(w, TERM_HAS, "reply", doc, err));
    if (c->body_kind == BODY_SEALED)
        TRY(add_field_str(w, TERM_HAS, "sealed", doc, err));
    return ST_OK;
}

static enum status add_seen(struct worker *w, unsigned seen, struct run_doc *doc, struct err *err)
{
    if (seen & WORDS_LINK)
        TRY(add_field_str(w, TERM_HAS, "link", doc, err));
    if (seen & WORDS_EMAIL)
        TRY(add_field_str(w, TERM_HAS, "email", doc, err));
    if (seen & WORDS_EMOJI)
        TRY(add_field_str(w, TERM_HAS, "emoji", doc, err));
    if (seen & WORDS_PHONE)
        TRY(add_field_str(w, TERM_HAS, "phone", doc, err));
    return ST_OK;
}

static enum status add_words(struct worker *w, const struct content *c, struct run_doc *doc,
                             struct err *err)
{
    struct slice text = c->body_kind == BODY_SEALED ? c->opened : c->text;
    struct words words = {0};
    if (text.len)
        TRY(splitter_split(w->splitter, text, &words, err));
    TRY(add_seen(w, words.seen, doc, err));
    for (size_t i = 0; i < words.n; i++) {
        const struct token *k = &words.tokens[i];
        TRY(add_token(w, TERM_WORD, slice_of(k->text, k->len), k->same ? TOKEN_SAME : 0, err));
    }
    doc->n_words = (uint32_t)words.n;
    return ST_OK;
}

static enum status add_all(struct worker *w, const struct term_sources *t, struct run_doc *doc,
                           struct err *err)
{
    doc->first_token = w->store->tokens.n;
    doc->n_fields = 0;
    w->terms.n = 0;
    TRY(add_fields(w, t, doc, err));
    TRY(add_words(w, t->c, doc, err));
    return settle(w, err);
}

static void sources_of_record(const struct record *rec, struct term_sources *t)
{
    if (rec->kind == RECORD_CONTACT)
        t->contact_handle = rec->str[RS_HANDLE].s;
    if (rec->kind == RECORD_EVENT) {
        if (rec->str[RS_OF].present)
            t->of = rec->str[RS_OF].s;
        t->who = &rec->list[RL_WHO];
    }
}

enum status worker_terms(struct worker *w, const struct record *rec, const struct recognised *r,
                         struct run_doc *doc, struct err *err)
{
    struct term_sources t = {.c = &r->content, .flags = r->flags};
    sources_of_record(rec, &t);
    return add_all(w, &t, doc, err);
}

enum status worker_terms_stored(struct worker *w, const struct content *c, uint16_t flags,
                                struct run_doc *doc, struct err *err)
{
    struct term_sources t = {.c = c, .flags = flags};
    struct record rec;
    if (c->kind != DOC_MESSAGE && c->raw.len) {
        enum record_fault fault;
        TRY(record_parse(w->lines[0].reader, c->raw, false, &rec, &fault, NULL, err));
        if (fault != RF_NONE)
            return err_set(err, ST_DAMAGED, "a stored record of kind %s cannot be read again: %s",
                           doc_kind_name((enum doc_kind)c->kind), record_fault_text(fault));
        sources_of_record(&rec, &t);
    }
    return add_all(w, &t, doc, err);
}
