/* segment_conversation — conversations by number, by key and by document: one index of fixed width,
 * sorted by key and, because documents follow their conversation, by first document too. */
#include "store/segment_private.h"

static enum status damaged(const char *what, struct err *err)
{
    return err_set(err, ST_DAMAGED, "conversations: %s", what);
}

static enum status entry_expand(struct segment *s, struct segment_scratch *x, uint32_t number,
                                const uint8_t *e, struct arena *a, struct segment_conversation *out,
                                struct err *err)
{
    struct piece p = {0};
    struct slice data = {0};
    struct segment_conversation r = {.number = number};

    memcpy(r.key, e, KEY_SIZE);
    r.first = load_u32(e + 16);
    r.docs = load_u32(e + 20);
    if (r.docs == 0 || r.first >= s->docs || r.docs > s->docs - r.first)
        return damaged("one has documents that do not exist", err);
    TRY(directory_piece(&s->conversations, number, 24, SEC_CONVERSATION_DATA, TABLE_ENTRY_MAX,
                        &x->dir, &p, err));
    TRY(source_read(s->conversations.src, SEC_CONVERSATION_DATA, p.off, p.len, &x->data, &data,
                    err));
    struct slice mine = arena_copy(a, data);
    if (!mine.data)
        return err_no_memory(err);
    TRY(conversation_parse(mine, a, &r.c, err));
    *out = r;
    return ST_OK;
}

enum status segment_conversation_at(struct segment *s, struct segment_scratch *x, uint32_t number,
                                    struct arena *a, struct segment_conversation *out,
                                    struct err *err)
{
    struct slice e = {0};
    uint8_t entry[CONVERSATION_ENTRY];

    if (number >= s->conversations.n)
        return err_set(err, ST_NOT_FOUND, "there is no conversation %u", number);
    TRY(directory_read(&s->conversations, number, 1, &x->dir, &e, err));
    memcpy(entry, e.data, sizeof(entry));
    return entry_expand(s, x, number, entry, a, out, err);
}

static int first_cmp(const uint8_t *entry, const void *key)
{
    uint32_t first = load_u32(entry + 16), doc = *(const uint32_t *)key;
    return (first > doc) - (first < doc);
}

/* The entry that holds `doc`, kept for the documents that follow. */
static enum status entry_of(struct segment *s, struct segment_scratch *x, uint32_t doc,
                            struct err *err)
{
    const uint8_t *have = x->conversation_entry;
    const struct source *src = s->conversations.src;
    struct slice e = {0};
    uint64_t n = 0;

    if (x->conversation_valid && memcmp(x->conversation_id, src->id, FILE_ID_SIZE) == 0 &&
        doc >= load_u32(have + 16) && doc - load_u32(have + 16) < load_u32(have + 20))
        return ST_OK;
    x->conversation_valid = false;
    TRY(directory_search(&s->conversations, first_cmp, &doc, &x->dir, &n, err));
    if (n == 0)
        return damaged("the first document has none", err);
    TRY(directory_read(&s->conversations, n - 1, 1, &x->dir, &e, err));
    if (doc - load_u32(e.data + 16) >= load_u32(e.data + 20))
        return damaged("a document has none", err);
    memcpy(x->conversation_entry, e.data, CONVERSATION_ENTRY);
    memcpy(x->conversation_id, src->id, FILE_ID_SIZE);
    x->conversation = (uint32_t)(n - 1);
    x->conversation_valid = true;
    return ST_OK;
}

enum status segment_conversation_of(struct segment *s, struct segment_scratch *x, uint32_t doc,
                                    struct arena *a, struct segment_conversation *out,
                                    struct err *err)
{
    if (doc >= s->docs)
        return err_set(err, ST_NOT_FOUND, "there is no document %u", doc);
    TRY(entry_of(s, x, doc, err));
    return entry_expand(s, x, x->conversation, x->conversation_entry, a, out, err);
}

struct key_prefix {
    const uint8_t *key;
    size_t len;
    bool behind; /* keys that begin with it count as smaller: finds the end of the range */
};

static int prefix_cmp(const uint8_t *entry, const void *key)
{
    const struct key_prefix *p = key;
    int c = memcmp(entry, p->key, p->len);
    return c ? c : p->behind ? -1 : 1;
}

enum status segment_conversation_find(struct segment *s, struct segment_scratch *x,
                                      const uint8_t *key, size_t len, uint32_t *number, uint32_t *n,
                                      struct err *err)
{
    struct key_prefix p = {.key = key, .len = len};
    uint64_t from = 0, to = 0;

    if (len < 1 || len > KEY_SIZE)
        return err_set(err, ST_USAGE, "a conversation's key has 1 to 16 bytes");
    TRY(directory_search(&s->conversations, prefix_cmp, &p, &x->dir, &from, err));
    p.behind = true;
    TRY(directory_search(&s->conversations, prefix_cmp, &p, &x->dir, &to, err));
    if (to < from)
        return damaged("keys are out of order", err);
    *number = (uint32_t)from;
    *n = (uint32_t)(to - from);
    return ST_OK;
}
