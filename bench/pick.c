/* pick — documents are drawn by chance; each gives to every class that still wants one what it has.
 * A word drawn so comes as often as it is written, as in what people search for. */
#include "bench/pick.h"

#include <stdio.h>
#include <time.h>

#include "bench/rng.h"
#include "lictor/thread.h"

#define WORDS_MAX 64   /* looked at in one message */
#define TRIES_EACH 200 /* documents drawn for each query wanted, at most */
#define TRIES_LEAST 2000
#define DAY_MS INT64_C(86400000)
#define THEN_MS INT64_C(600000)
#define RARE_DOCS 10

static const struct {
    const char *key, *name;
} names[PICK_CLASSES] = {
    [PICK_FREQUENT] = {"frequent", "frequent word"},
    [PICK_RARE] = {"rare", "rare word"},
    [PICK_SENDER] = {"sender", "word and sender"},
    [PICK_AND] = {"and", "AND of two words"},
    [PICK_PHRASE] = {"phrase", "phrase"},
    [PICK_PREFIX] = {"prefix", "prefix of 3 letters"},
    [PICK_DAY] = {"day", "total of a day"},
    [PICK_CONVERSATION] = {"conversation", "500 messages of a conversation"},
    [PICK_EXACT] = {"exact", "exact word"},
    [PICK_LEADING] = {"leading", "leading wildcard"},
    [PICK_REGEX] = {"regex", "regular expression"},
    [PICK_FUZZY] = {"fuzzy", "one edit"},
    [PICK_NEAR] = {"near", "NEAR"},
    [PICK_THEN] = {"then", "THEN"},
    [PICK_NOT] = {"not", "NOT of a frequent word"},
};

const char *pick_name(enum pick_class c) { return names[c].name; }
const char *pick_key(enum pick_class c) { return names[c].key; }

bool pick_by_key(const char *key, unsigned *c)
{
    for (*c = 0; *c < PICK_CLASSES; ++*c)
        if (strcmp(names[*c].key, key) == 0)
            return true;
    return strcmp(key, "start") == 0;
}

struct word {
    struct slice folded, written;
    uint32_t pos;
    uint64_t docs;
};

struct drawn { /* one message */
    struct message_view m;
    struct word words[WORDS_MAX];
    size_t n;
    uint32_t conversation_docs;
};

struct picker {
    struct view *v;
    struct picks *p;
    size_t want;
    unsigned classes;
    struct rng rng;
    uint64_t docs;      /* of all segments */
    bool lax;           /* any word will do */
    struct arena arena; /* the messages drawn */
    struct buf text;    /* one query */
};

/* ---- drawing ---- */

static enum status word_docs(struct view *v, struct slice word, uint64_t *docs, struct err *err)
{
    struct term t;
    *docs = 0;
    term_make(&t, &v->hasher.sha, TERM_WORD, word);
    for (size_t i = 0; i < casefile_segments(v->cf); i++) {
        struct term_entry e;
        enum status st =
            segment_term(casefile_segment(v->cf, i), v->scratch[i], term_slice(&t), &e, err);
        if (st == ST_NOT_FOUND)
            continue;
        TRY(st);
        *docs += e.docs;
    }
    return ST_OK;
}

/* Its plain words: not the characters of Han, emoji or whole URLs. */
static enum status take_words(struct picker *k, struct drawn *d, struct err *err)
{
    struct words w;
    struct slice text = d->m.c.text;
    d->n = 0;
    TRY(splitter_split(k->v->splitter, text, &w, err));
    for (size_t i = 0; i < w.n && d->n < WORDS_MAX; i++) {
        const struct token *t = &w.tokens[i];
        if (t->kind != TOKEN_WORD || t->same || t->to > text.len || t->from >= t->to)
            continue;
        struct word *word = &d->words[d->n];
        *word = (struct word){.folded = arena_copy(&k->arena, slice_of(t->text, t->len)),
                              .written = slice_of(text.data + t->from, t->to - t->from),
                              .pos = t->pos};
        if (!word->folded.data)
            return err_no_memory(err);
        TRY(word_docs(k->v, word->folded, &word->docs, err));
        if (word->docs)
            d->n++;
    }
    return ST_OK;
}

/* ST_NOT_FOUND: not a message that can be searched by its words. */
static enum status draw_at(struct picker *k, uint32_t segment, uint32_t doc, struct drawn *d,
                           struct err *err)
{
    struct message_ref ref = {.segment = segment, .doc = doc, .k = 1};
    struct segment *s = casefile_segment(k->v->cf, segment);
    uint32_t end;
    uint8_t key[KEY_SIZE];
    if (doc >= segment_info(s)->docs)
        return ST_NOT_FOUND;
    TRY(segment_sent(s, k->v->scratch[segment], doc, &ref.sent, err));
    TRY(view_load(k->v, &ref, VIEW_CONTENT, &k->arena, &d->m, err));
    const struct content *c = &d->m.c;
    if (c->kind != DOC_MESSAGE || c->body_kind != BODY_TEXT || c->damaged || content_untimed(c))
        return ST_NOT_FOUND;
    TRY(view_conversation_key(k->v, segment, doc, key, &end, err));
    d->conversation_docs = end - doc;
    return take_words(k, d, err);
}

static enum status draw(struct picker *k, struct drawn *d, struct err *err)
{
    uint64_t at = rng_next(&k->rng) % k->docs;
    uint32_t segment = 0;
    while (at >= segment_info(casefile_segment(k->v->cf, segment))->docs)
        at -= segment_info(casefile_segment(k->v->cf, segment++))->docs;
    return draw_at(k, segment, (uint32_t)at, d, err);
}

/* ---- queries ---- */

/* First `n` characters of a word; its end if n < 0. Empty if it has no more than these. */
static struct slice letters(struct slice w, int n)
{
    size_t i;
    if (n > 0) {
        for (i = 0; i < w.len; i++)
            if ((w.data[i] & 0xC0) != 0x80 && n-- == 0)
                return slice_of(w.data, i);
    } else {
        for (i = w.len; i-- > 1;)
            if ((w.data[i] & 0xC0) != 0x80 && ++n == 0)
                return slice_of(w.data + i, w.len - i);
    }
    return slice_of(w.data, 0);
}

static void put(struct picker *k, struct slice s) { buf_put_slice(&k->text, s); }
static void say(struct picker *k, const char *s) { buf_put_str(&k->text, s); }

static void put_quoted(struct picker *k, struct slice s)
{
    say(k, "\"");
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\' || s.data[i] == '*' || s.data[i] == '?')
            say(k, "\\");
        buf_put_u8(&k->text, s.data[i]);
    }
    say(k, "\"");
}

/* k->text and what it is made of becomes a pick, unless there is the same one. */
static enum status keep(struct picker *k, enum pick_class c, struct pick pick, struct err *err)
{
    struct picks *p = k->p;
    TRY(buf_status(&k->text, err));
    for (size_t i = 0; i < p->n[c]; i++)
        if (slice_eq(p->of[c][i].query, buf_slice(&k->text)))
            return ST_OK;
    pick.query = buf_slice(&k->text);
    if (!arena_keep(&p->arena, &pick.query) || !arena_keep(&p->arena, &pick.a) ||
        !arena_keep(&p->arena, &pick.b) || !arena_keep(&p->arena, &pick.handle))
        return err_no_memory(err);
    p->of[c][p->n[c]++] = pick;
    return ST_OK;
}

/* One of the words with enough and not too many documents; NULL if there is none. */
static const struct word *word_within(const struct picker *k, const struct drawn *d, uint64_t least,
                                      uint64_t most, const struct word *but)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct word *w = &d->words[i];
        if ((k->lax || (w->docs >= least && w->docs <= most)) &&
            !(but && slice_eq(w->folded, but->folded)))
            return w;
    }
    return NULL;
}

/* The word `gap` or fewer positions behind the first of two. */
static const struct word *word_behind(const struct drawn *d, uint32_t gap, const struct word **one)
{
    for (size_t i = 0; i + 1 < d->n; i++)
        if (d->words[i + 1].pos - d->words[i].pos <= gap &&
            !slice_eq(d->words[i].folded, d->words[i + 1].folded)) {
            *one = &d->words[i];
            return &d->words[i + 1];
        }
    return NULL;
}

static enum status pick_words(struct picker *k, enum pick_class c, const struct drawn *d,
                              struct err *err)
{
    const struct word *a, *b = NULL;
    if (c == PICK_PHRASE || c == PICK_NEAR) {
        b = word_behind(d, c == PICK_PHRASE ? 1 : 5, &a);
        if (!b)
            return ST_OK;
    } else if (c == PICK_AND) {
        a = word_within(k, d, k->docs / 1000, k->docs / 25, NULL);
        b = a ? word_within(k, d, k->docs / 1000, k->docs / 25, a) : NULL;
        if (!b)
            return ST_OK;
    } else if (c == PICK_RARE) {
        a = word_within(k, d, 1, RARE_DOCS, NULL);
    } else {
        bool frequent = c == PICK_FREQUENT || c == PICK_NOT;
        a = word_within(k, d, frequent ? k->docs / 200 : 1, UINT64_MAX, NULL);
    }
    if (!a)
        return ST_OK;
    say(k, c == PICK_NOT ? "NOT " : c == PICK_PHRASE ? "\"" : "");
    put(k, a->folded);
    say(k, c == PICK_PHRASE ? " " : c == PICK_NEAR ? " NEAR/5 " : c == PICK_AND ? " AND " : "");
    put(k, b ? b->folded : (struct slice){0});
    say(k, c == PICK_PHRASE ? "\"" : "");
    if (c == PICK_SENDER) {
        if (!d->m.c.from.data)
            return ST_OK;
        say(k, " from:");
        put_quoted(k, d->m.c.from);
    }
    return keep(k, c,
                (struct pick){
                    .a = a->folded, .b = b ? b->folded : (struct slice){0}, .handle = d->m.c.from},
                err);
}

/* What is made of one word's letters. */
static enum status pick_letters(struct picker *k, enum pick_class c, const struct drawn *d,
                                struct err *err)
{
    for (size_t i = 0; i < d->n; i++) {
        struct slice w = d->words[i].folded, first = letters(w, c == PICK_PREFIX ? 3 : 2),
                     last = letters(w, c == PICK_LEADING ? -3 : -1);
        struct slice a = c == PICK_PREFIX ? first : w;
        if (!letters(w, 4).len || memchr(w.data, '\'', w.len))
            continue;
        if (c == PICK_PREFIX) {
            put(k, first);
            say(k, "*");
        } else if (c == PICK_LEADING) {
            say(k, "*");
            put(k, last);
        } else if (c == PICK_REGEX) {
            say(k, "/");
            put(k, first);
            say(k, ".*");
            put(k, last);
            say(k, "/");
        } else if (c == PICK_FUZZY) {
            put(k, w);
            say(k, "~1");
        } else {
            say(k, "=");
            put(k, d->words[i].written);
        }
        return keep(k, c, (struct pick){.a = a}, err);
    }
    return ST_OK;
}

static enum status pick_day(struct picker *k, const struct drawn *d, struct err *err)
{
    struct pick p = {.from = d->m.c.sent / DAY_MS * DAY_MS};
    time_t s = (time_t)(p.from / 1000);
    struct tm tm;
    p.to = p.from + DAY_MS;
    if (!gmtime_r(&s, &tm))
        return ST_OK;
    buf_printf(&k->text, "on:%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    return keep(k, PICK_DAY, p, err);
}

static enum status pick_conversation(struct picker *k, const struct drawn *d, struct err *err)
{
    struct pick p = {0};
    char hex[2 * KEY_SIZE + 1];
    if (!k->lax && d->conversation_docs < 500)
        return ST_OK;
    memcpy(p.conversation, d->m.conversation_key, KEY_SIZE);
    hex_encode(p.conversation, KEY_SIZE, hex);
    buf_printf(&k->text, "conv:%s kind:message", hex);
    return keep(k, PICK_CONVERSATION, p, err);
}

/* A word of this message and one of the next within ten minutes. */
static enum status pick_then(struct picker *k, const struct drawn *d, struct err *err)
{
    struct drawn next;
    enum status st = draw_at(k, d->m.ref.segment, d->m.ref.doc + 1, &next, err);
    if (st == ST_NOT_FOUND || d->n == 0 || (st == ST_OK && next.n == 0))
        return ST_OK;
    TRY(st);
    if (memcmp(next.m.conversation_key, d->m.conversation_key, KEY_SIZE) != 0 ||
        next.m.c.sent - d->m.c.sent > THEN_MS)
        return ST_OK;
    put(k, d->words[0].folded);
    say(k, " THEN/10m ");
    put(k, next.words[0].folded);
    return keep(k, PICK_THEN, (struct pick){.a = d->words[0].folded, .b = next.words[0].folded},
                err);
}

static enum status pick_class(struct picker *k, enum pick_class c, const struct drawn *d,
                              struct err *err)
{
    buf_clear(&k->text);
    switch (c) {
    case PICK_PREFIX:
    case PICK_EXACT:
    case PICK_LEADING:
    case PICK_REGEX:
    case PICK_FUZZY:
        return pick_letters(k, c, d, err);
    case PICK_DAY:
        return pick_day(k, d, err);
    case PICK_CONVERSATION:
        return pick_conversation(k, d, err);
    case PICK_THEN:
        return pick_then(k, d, err);
    default:
        return pick_words(k, c, d, err);
    }
}

/* Once around: true in *full when no class wants more. In the lax round only classes with nothing.
 */
static enum status pick_all(struct picker *k, const struct drawn *d, bool *full, struct err *err)
{
    *full = true;
    for (int c = 0; c < PICK_CLASSES; c++) {
        if (k->p->n[c] >= k->want || !pick_wanted(k->classes, (unsigned)c))
            continue;
        *full = false;
        TRY(pick_class(k, (enum pick_class)c, d, err));
    }
    return ST_OK;
}

static enum status pick_round(struct picker *k, struct err *err)
{
    size_t tries = k->want * TRIES_EACH;
    bool full = false;
    if (tries < TRIES_LEAST)
        tries = TRIES_LEAST;
    for (size_t i = 0; i < tries && !full; i++) {
        struct drawn d;
        arena_reset(&k->arena);
        if (stop_asked())
            return err_set(err, ST_INTERRUPTED, "interrupted");
        enum status st = draw(k, &d, err);
        if (st == ST_NOT_FOUND)
            continue;
        TRY(st);
        TRY(pick_all(k, &d, &full, err));
    }
    return ST_OK;
}

static enum status picks_fill(struct picker *k, struct err *err)
{
    for (size_t i = 0; i < casefile_segments(k->v->cf); i++)
        k->docs += segment_info(casefile_segment(k->v->cf, i))->docs;
    if (k->docs == 0)
        return err_set(err, ST_NOT_FOUND, "the case is empty: there is nothing to search for");
    for (int c = 0; c < PICK_CLASSES; c++)
        if (!(k->p->of[c] = arena_array(&k->p->arena, k->want, sizeof *k->p->of[c])))
            return err_no_memory(err);
    TRY(pick_round(k, err));
    size_t got[PICK_CLASSES];
    memcpy(got, k->p->n, sizeof got);
    for (int c = 0; c < PICK_CLASSES; c++) /* those with some are not asked again */
        k->p->n[c] = got[c] ? k->want : 0;
    k->lax = true;
    TRY(pick_round(k, err));
    for (int c = 0; c < PICK_CLASSES; c++)
        if (got[c])
            k->p->n[c] = got[c];
    return ST_OK;
}

enum status picks_make(struct view *v, uint64_t seed, size_t n, unsigned classes, struct picks *p,
                       struct err *err)
{
    struct picker k = {.v = v, .p = p, .want = n, .classes = classes, .rng = rng_of(seed)};
    *p = (struct picks){0};
    arena_init(&p->arena, 0);
    arena_init(&k.arena, 0);
    enum status st = picks_fill(&k, err);
    arena_release(&k.arena);
    buf_release(&k.text);
    if (st != ST_OK)
        picks_release(p);
    return st;
}

void picks_release(struct picks *p)
{
    arena_release(&p->arena);
    *p = (struct picks){0};
}
