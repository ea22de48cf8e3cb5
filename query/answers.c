/* answers — a ring of the last messages, each with what its features need: who wrote, whom it
 * names, its rarer words, what it answers, and which talk it belongs to. Names and words are
 * compared by 64-bit hashes: who makes two collide spoils a proposal and nothing else. */
#include "query/answers.h"

#include <stdlib.h>

#include "lictor/copies.h"

#define WORDS_MAX 24 /* of one message; longer ones say nothing new */
#define NAMES_MAX 4
#define WORD_MIN 4 /* bytes: shorter words are common to all talks */
#define MINUTE_MS 60000

enum look { /* what a text looks like */
            LOOK_QUESTION = 1,
            LOOK_GREETING = 2,
            LOOK_THANKS = 4,
            LOOK_REPLY = 8, /* begins as an answer does: yes, no, ok … */
            LOOK_SHORT = 16,
            LOOK_LONG = 32,
            LOOK_LINK = 64,
};

struct said {
    uint64_t sender; /* hash; 0 if absent */
    int64_t sent;
    uint64_t named[NAMES_MAX]; /* those of the window that its text names */
    uint64_t words[WORDS_MAX];
    uint8_t n_named, n_words;
    bool named_first; /* named[0] is the first word */
    uint8_t looks;    /* enum look */
    uint64_t number;  /* from 1 on */
    uint64_t answers; /* the number of the message that it answers; its own: none */
    uint64_t talk;    /* from 1 on */
};

struct answers {
    const struct answers_model *model;
    struct said ring[ANSWERS_WINDOW];
    size_t n; /* in the ring */
    uint64_t next, talks;
    struct said now;
};

enum status answers_new(const struct answers_model *m, struct answers **out, struct err *err)
{
    struct answers *a = calloc(1, sizeof *a);
    if (!a)
        return err_no_memory(err);
    a->model = m;
    a->next = 1;
    *out = a;
    return ST_OK;
}

void answers_free(struct answers *a) { free(a); }

/* The message k before the one at hand, 1 <= k <= a->n. */
static struct said *before(struct answers *a, size_t k)
{
    return &a->ring[(a->next - k) % ANSWERS_WINDOW];
}

/* ---- a text ---- */

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c; }

static uint64_t hash(const uint8_t *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ lower(p[i])) * UINT64_C(0x100000001b3);
    return h ? h ^ h >> 29 : 1;
}

static bool blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool sign_before(uint8_t c) { return c == '@' || c == '"' || c == '(' || c == '\''; }

static bool sign_behind(uint8_t c)
{
    return c == ':' || c == ',' || c == '.' || c == ';' || c == '?' || c == '!' || c == ')' ||
           c == '"' || c == '\'';
}

static bool one_of(uint64_t h, const char *const *words)
{
    for (; *words; words++)
        if (hash((const uint8_t *)*words, strlen(*words)) == h)
            return true;
    return false;
}

static void take_name(struct answers *a, struct said *s, uint64_t h, bool first)
{
    for (size_t i = 0; i < s->n_named; i++)
        if (s->named[i] == h)
            return;
    for (size_t k = 1; k <= a->n; k++)
        if (before(a, k)->sender == h && h != s->sender) {
            if (s->n_named < NAMES_MAX) {
                s->named_first |= first;
                s->named[s->n_named++] = h;
            }
            return;
        }
}

static void take_word(struct answers *a, struct said *s, struct slice w, size_t number)
{
    static const char *const greetings[] = {"hi", "hello", "hey", "hallo", "hola", "morning", NULL};
    static const char *const thanks[] = {"thanks", "thank", "thx", "ty", "cheers", "danke", NULL};
    static const char *const replies[] = {"yes",  "no",   "yeah", "yep", "nope",  "ok", "okay",
                                          "sure", "well", "ah",   "oh",  "right", NULL};
    uint64_t whole = hash(w.data, w.len);
    take_name(a, s, whole, number == 0); /* names may end in signs */
    while (w.len && sign_before(w.data[0]))
        w = slice_of(w.data + 1, w.len - 1);
    while (w.len && sign_behind(w.data[w.len - 1]))
        w.len--;
    if (!w.len)
        return;
    uint64_t h = hash(w.data, w.len);
    take_name(a, s, h, number == 0);
    if (number < 3) {
        s->looks |= one_of(h, greetings) ? LOOK_GREETING : 0;
        s->looks |= one_of(h, replies) ? LOOK_REPLY : 0;
    }
    s->looks |= one_of(h, thanks) ? LOOK_THANKS : 0;
    if (w.len > 7 && memcmp(w.data, "http", 4) == 0)
        s->looks |= LOOK_LINK;
    if (w.len >= WORD_MIN && s->n_words < WORDS_MAX)
        s->words[s->n_words++] = h;
}

static void take_text(struct answers *a, struct said *s, struct slice text)
{
    size_t words = 0;
    for (size_t i = 0; i < text.len && words < 200;) {
        while (i < text.len && blank(text.data[i]))
            i++;
        size_t from = i;
        while (i < text.len && !blank(text.data[i]))
            i++;
        if (i > from)
            take_word(a, s, slice_of(text.data + from, i - from), words++);
    }
    for (size_t i = 0; i < text.len && i < 4096; i++)
        if (text.data[i] == '?')
            s->looks |= LOOK_QUESTION;
    s->looks |= words <= 3 ? LOOK_SHORT : 0;
    s->looks |= words > 15 ? LOOK_LONG : 0;
}

/* ---- features ---- */

/* What is known of the message at hand before its candidates are looked at. */
struct context {
    size_t own;     /* how many before it its sender wrote last; 0: not in the window */
    size_t own_gap; /* minutes since */
    size_t gap;     /* minutes since the message before it */
    size_t named_last,
        naming_last; /* latest message of whom it names; latest that names its sender */
    bool answered;   /* somebody answered its sender's last message */
};

/* Writes features one after the other; the order is the meaning, train and read with one program.
 */
struct features {
    int8_t *out;
    size_t n;
};

static void put(struct features *f, bool holds) { f->out[f->n++] = holds ? ANSWERS_ONE : 0; }

/* One feature of `n_limits` + 1: the first limit that value does not exceed. */
static void put_step(struct features *f, size_t value, const uint16_t *limits, size_t n_limits)
{
    size_t at = 0;
    while (at < n_limits && value > limits[at])
        at++;
    for (size_t i = 0; i <= n_limits; i++)
        put(f, i == at);
}

static size_t minutes(int64_t from, int64_t to)
{
    if (from == TIME_NONE || to == TIME_NONE || to <= from)
        return 0;
    uint64_t m = ((uint64_t)to - (uint64_t)from) / MINUTE_MS;
    return m > 10000 ? 10000 : (size_t)m;
}

static bool names(const struct said *s, uint64_t who)
{
    for (size_t i = 0; who && i < s->n_named; i++)
        if (s->named[i] == who)
            return true;
    return false;
}

static bool names_first(const struct said *s, uint64_t who)
{
    return s->named_first && s->named[0] == who && who;
}

static size_t shared(const struct said *a, const struct said *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n_words; i++)
        for (size_t j = 0; j < b->n_words; j++)
            n += a->words[i] == b->words[j];
    return n;
}

static void context_make(struct answers *a, struct context *x)
{
    const struct said *s = &a->now;
    *x = (struct context){0};
    if (a->n)
        x->gap = minutes(before(a, 1)->sent, s->sent);
    for (size_t k = 1; k <= a->n; k++) {
        const struct said *j = before(a, k);
        if (!x->own && s->sender && j->sender == s->sender) {
            x->own = k;
            x->own_gap = minutes(j->sent, s->sent);
        }
        if (!x->naming_last && names(j, s->sender))
            x->naming_last = k;
        if (!x->named_last && names(s, j->sender))
            x->named_last = k;
    }
    for (size_t k = 1; x->own && k < x->own; k++)
        x->answered |= before(a, k)->answers == before(a, x->own)->number;
}

static void features_self(const struct answers *a, const struct context *x, struct features *f)
{
    static const uint16_t lines[] = {0, 3, 8, 20, 40}, gaps[] = {0, 2, 10};
    const struct said *s = &a->now;
    put(f, true);
    put(f, s->n_named != 0);
    put(f, s->named_first);
    put_step(f, x->own, lines, 5);
    put(f, x->own && x->own_gap <= 2);
    put(f, x->own && x->own_gap > 10);
    put_step(f, x->gap, gaps, 3);
    put(f, s->looks & LOOK_QUESTION);
    put(f, s->looks & LOOK_GREETING);
    put(f, s->looks & LOOK_THANKS);
    put(f, s->looks & LOOK_REPLY);
    put(f, s->looks & LOOK_SHORT);
    put(f, s->looks & LOOK_LONG);
    put(f, x->naming_last && x->naming_last < 10);
    put(f, x->answered);
    put(f, !x->own && (s->looks & LOOK_QUESTION));
    put(f, !x->own && !s->n_named);
}

/* What other messages say of the candidate k before. */
struct between {
    size_t of_sender; /* later ones of its sender */
    bool last_of_talk, answered_by_us, talk_has_us, talk_has_named;
    bool ours; /* the sender at hand wrote after it */
};

static void between_make(struct answers *a, size_t k, struct between *b)
{
    const struct said *s = &a->now, *j = before(a, k);
    *b = (struct between){.last_of_talk = true};
    for (size_t i = 1; i < k; i++) {
        const struct said *l = before(a, i);
        b->of_sender += l->sender == j->sender;
        b->last_of_talk &= l->talk != j->talk;
        b->ours |= l->sender == s->sender;
        b->answered_by_us |= l->sender == s->sender && l->answers == j->number;
    }
    for (size_t i = 1; i <= a->n; i++) {
        const struct said *l = before(a, i);
        if (l->talk != j->talk)
            continue;
        b->talk_has_us |= l->sender == s->sender;
        b->talk_has_named |= names(s, l->sender);
    }
}

static const struct said *numbered(struct answers *a, uint64_t number)
{
    return number && a->next - number <= a->n && number < a->next ? before(a, a->next - number)
                                                                  : NULL;
}

static void features_talk(struct answers *a, const struct context *x, size_t k, struct features *f)
{
    const struct said *s = &a->now, *j = before(a, k);
    const struct said *own = x->own ? before(a, x->own) : NULL;
    const struct said *told = numbered(a, j->answers);
    const struct said *asked = own ? numbered(a, own->answers) : NULL;
    struct between b;
    between_make(a, k, &b);
    put(f, b.of_sender == 0);
    put(f, b.of_sender == 1);
    put(f, b.of_sender > 2);
    put(f, b.last_of_talk);
    put(f, b.talk_has_us);
    put(f, b.talk_has_named);
    put(f, b.ours);
    put(f, b.answered_by_us);
    put(f, own && own->talk == j->talk);
    put(f, own && own->talk == j->talk && b.last_of_talk);
    put(f, told && told->sender == s->sender && told != j);
    put(f, told && told == own);
    put(f, asked && asked->sender == j->sender && asked != own);
    put(f, asked && asked == j);
    put(f, j->answers == j->number);
}

static void features_names(const struct answers *a, const struct context *x, size_t k,
                           const struct said *j, struct features *f)
{
    const struct said *s = &a->now;
    bool named = names(s, j->sender), naming = names(j, s->sender);
    put(f, names_first(s, j->sender));
    put(f, named);
    put(f, named && x->named_last == k);
    put(f, s->n_named && !named && j->sender != s->sender);
    put(f, s->n_named && j->sender == s->sender);
    put(f, names_first(j, s->sender));
    put(f, naming);
    put(f, naming && x->naming_last == k);
    put(f, j->n_named && !naming && j->sender != s->sender);
    put(f, !s->n_named && !j->n_named);
    put(f, !s->n_named && naming);
    put(f, s->n_named && j->n_named && s->named[0] == j->named[0]);
    put(f, named && naming);
}

static void features_looks(const struct said *s, const struct said *j, struct features *f)
{
    bool same = s->sender && j->sender == s->sender, asks = j->looks & LOOK_QUESTION;
    size_t n = shared(s, j);
    put(f, n == 1);
    put(f, n == 2);
    put(f, n > 2);
    put(f, asks && !same);
    put(f, asks && !same && !(s->looks & LOOK_QUESTION));
    put(f, (s->looks & LOOK_QUESTION) && !same);
    put(f, (s->looks & LOOK_THANKS) && !same);
    put(f, (s->looks & LOOK_REPLY) && asks);
    put(f, (s->looks & LOOK_REPLY) && !same);
    put(f, (s->looks & LOOK_SHORT) && same);
    put(f, (j->looks & LOOK_GREETING) && (s->looks & LOOK_GREETING));
    put(f, (j->looks & LOOK_LINK) != 0);
    put(f, j->looks & LOOK_SHORT);
}

static void features_other(struct answers *a, const struct context *x, size_t k, struct features *f)
{
    static const uint16_t lines[] = {1, 2, 3, 4, 6, 9, 14, 22, 35}, times[] = {0, 1, 2, 5, 12, 30};
    const struct said *s = &a->now, *j = before(a, k);
    bool same = s->sender && j->sender == s->sender;
    put_step(f, k, lines, 9);
    put_step(f, minutes(j->sent, s->sent), times, 6);
    put(f, same);
    put(f, same && x->own == k);
    put(f, same && k == 1);
    put(f, same && x->own == k && !s->n_named);
    put(f, k == 1 && !s->n_named && !x->own);
    put(f, !x->own && (j->looks & LOOK_QUESTION));
    features_names(a, x, k, j, f);
    features_talk(a, x, k, f);
    features_looks(s, j, f);
}

size_t answers_candidates(struct answers *a, const struct answers_line *line,
                          int8_t features[][ANSWERS_FEATURES])
{
    struct context x;
    struct said *s = &a->now;
    *s = (struct said){.sent = line->sent, .number = a->next};
    s->sender = line->sender.len ? hash(line->sender.data, line->sender.len) : 0;
    take_text(a, s, line->text);
    context_make(a, &x);
    memset(features, 0, (a->n + 1) * sizeof *features);
    struct features f = {features[0], 0};
    features_self(a, &x, &f);
    size_t self = f.n;
    for (size_t k = 1; k <= a->n; k++) {
        f = (struct features){features[k], self};
        features_other(a, &x, k, &f);
    }
    MUST(f.n <= ANSWERS_FEATURES);
    return a->n + 1;
}

void answers_settle(struct answers *a, uint32_t back)
{
    const struct said *to = back ? before(a, back) : NULL;
    a->now.answers = to ? to->number : a->now.number;
    a->now.talk = to ? to->talk : ++a->talks;
    a->ring[a->next % ANSWERS_WINDOW] = a->now;
    a->next++;
    a->n += a->n < ANSWERS_WINDOW - 1;
}

/* ---- the model ---- */

static int64_t score(const struct answers_model *m, const int8_t *x)
{
    int32_t z[ANSWERS_HIDDEN];
    int64_t sum = 0;
    for (size_t h = 0; h < ANSWERS_HIDDEN; h++)
        z[h] = m->bias[h];
    for (size_t i = 0; i < ANSWERS_FEATURES; i++)
        if (x[i]) /* a fourth of them: the others are passed over */
            for (size_t h = 0; h < ANSWERS_HIDDEN; h++)
                z[h] += m->weight[i][h] * ANSWERS_ONE;
    for (size_t h = 0; h < ANSWERS_HIDDEN; h++)
        sum += z[h] > 0 ? (int64_t)z[h] * m->out[h] : 0;
    return sum;
}

/* 2^-n in 65536ths, for n in 16ths: the share of a score that is so much less. */
static uint32_t half_life(uint64_t n)
{
    static const uint32_t sixteenth[16] = {65536, 62757, 60097, 57549, 55109, 52772, 50535, 48393,
                                           46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219};
    return n >= 16 * 16 ? 0 : sixteenth[n % 16] >> n / 16;
}

void answers_next(struct answers *a, const struct answers_line *line, struct answers_proposal *out)
{
    int8_t features[ANSWERS_WINDOW][ANSWERS_FEATURES];
    int64_t scores[ANSWERS_WINDOW];
    size_t n = answers_candidates(a, line, features), best = 0;
    for (size_t k = 0; k < n; k++) {
        scores[k] = score(a->model, features[k]);
        if (scores[k] > scores[best])
            best = k;
    }
    /* Scores are natural logarithms in units of 1 / (16 * 256 * 256); 1.442695 = 1 / ln 2. */
    uint64_t all = 0;
    for (size_t k = 0; k < n; k++)
        all += half_life((uint64_t)(scores[best] - scores[k]) / 65536 * 1442695 / 1000000);
    out->percent = (unsigned)((UINT64_C(65536) * 100 + all / 2) / all);
    out->back = (uint32_t)best;
    answers_settle(a, out->back);
    out->talk = a->now.talk;
}
