/* test_oracle — random queries against an oracle that looks at every message. */
#include "dice.h"
#include "query/scan.h"
#include "search_testing.h"

TestSuite(oracle, .init = setup, .fini = teardown);

#define SPECS 400
#define VOCABULARY 6

static struct spec specs[SPECS];
static char texts[SPECS][64];
static const char *const people[] = {"ann", "ben", "cat", "anna"};
static const char *const globs[] = {"r*", "?ed", "*e*d", "van?", "**", "B?ue", "*S"};
static const char *const vocabulary[] = {"red", "reed", "blue", "van", "vans", "Red"};

static void make_spec(size_t i)
{
    struct spec *s = &specs[i];
    size_t len = (size_t)snprintf(texts[i], sizeof texts[i], "t%zu", i);
    for (uint32_t w = dice(5); w > 0; w--)
        len += (size_t)snprintf(texts[i] + len, sizeof texts[i] - len, " %s",
                                vocabulary[dice(VOCABULARY)]);
    *s = (struct spec){.text = texts[i], .from = people[dice(4)], .to = people[dice(4)]};
    s->sent = dice(8) ? T0 + dice(10) * HOUR * 5 : 0;
    s->group = dice(4) ? NULL : "g";
    if (s->group) /* recipients beside a group are of copies, not of the content */
        s->to = NULL;
    s->sealed = dice(7) == 0;
    s->opened = s->sealed && dice(3) == 0;
    s->attachment = dice(5) ? NULL : "f";
    if (dice(9) == 0) {
        s->kind = dice(2) ? DOC_NOTE : DOC_EVENT;
        s->hidden = s->kind == DOC_EVENT && dice(2);
        s->group = s->to = NULL;
        s->sealed = s->opened = false;
        s->copies[0] = (struct spec_copy){"p0", 1000 + i, NULL};
        return;
    }
    uint32_t copies = 1 + dice(3);
    for (uint32_t c = 0; c < copies; c++)
        s->copies[c] = (struct spec_copy){dice(2) ? "p1" : "p2", 10 * i + c, NULL};
}

/* Copies of message k: one of each stream that has so many. */
static uint32_t copies_of(const struct spec *s, uint32_t k)
{
    uint32_t one = 0, two = 0;
    for (size_t i = 0; i < SPEC_COPIES && s->copies[i].source; i++) {
        one += strcmp(s->copies[i].source, "p1") == 0;
        two += strcmp(s->copies[i].source, "p2") == 0;
    }
    return one + two == 0 ? k == 1 : (k <= one) + (k <= two);
}

static bool word_at(const char **p, const char *word, bool fold, bool prefix)
{
    size_t n = strlen(word), len = strcspn(*p, " ");
    return (prefix ? len >= n : len == n) &&
           (fold ? strncasecmp(*p, word, n) : strncmp(*p, word, n)) == 0;
}

/* Words of a text, one a position; `*` and `?` in the query's words as in the language. */
static size_t words_of(const char *text, char words[][16])
{
    size_t n = 0;
    for (const char *p = text; *p; n++) {
        size_t len = strcspn(p, " ");
        cr_assert(len < 16);
        memcpy(words[n], p, len);
        words[n][len] = 0;
        p += len + (p[len] == ' ');
    }
    return n;
}

static bool glob_is(const char *p, const char *w, bool fold)
{
    if (*p == '*')
        return glob_is(p + 1, w, fold) || (*w && glob_is(p, w + 1, fold));
    if (!*p || !*w)
        return !*p && !*w;
    bool same = *p == '?' || *p == *w || (fold && (*p | 32) == (*w | 32));
    return same && glob_is(p + 1, w + 1, fold);
}

static bool text_near(const char *text, const char *a, const char *b, uint32_t n, bool ordered)
{
    char words[16][16];
    size_t all = words_of(text, words);
    for (size_t i = 0; i < all; i++)
        for (size_t j = 0; j < all; j++) {
            size_t far = i < j ? j - i : i - j;
            if (i != j && far <= n && (!ordered || i < j) && glob_is(a, words[i], true) &&
                glob_is(b, words[j], true))
                return true;
        }
    return false;
}

static bool text_glob(const char *text, const char *a, const char *next, bool fold)
{
    char words[16][16];
    size_t all = words_of(text, words);
    for (size_t i = 0; i + (next ? 1 : 0) < all; i++)
        if (glob_is(a, words[i], fold) && (!next || glob_is(next, words[i + 1], fold)))
            return true;
    return false;
}

static bool text_has(const char *text, const char *word, const char *next, bool fold, bool prefix)
{
    for (const char *p = text; *p;) {
        const char *after = p + strcspn(p, " ");
        after += *after == ' ';
        if (word_at(&p, word, fold, prefix) &&
            (!next || (*after && word_at(&after, next, fold, false))))
            return true;
        p = after;
    }
    return false;
}

enum { NO, YES = 4 }; /* 1, 2: unknown because sealed, untimed */

/* A random query: its text, and what the oracle says of message k of a spec. */
struct asked {
    int kind;
    const char *a, *b;
    int64_t from, to;
    uint32_t distance;
    struct asked *kids[3];
    int n;
};

static struct asked pool[256];
static int pool_n;

static struct asked *ask(int depth, struct buf *out)
{
    struct asked *q = &pool[pool_n++];
    *q = (struct asked){.kind = (int)dice(depth > 0 ? 15 : 12)};
    if (dice(3) == 0)
        q->kind = 20 + (int)dice(6);
    q->distance = 1 + dice(3);
    switch (q->kind) {
    case 20: /* patterns, places */
    case 21:
        q->a = globs[dice(7)];
        buf_printf(out, "%s%s", q->kind == 21 ? "=" : "", q->a);
        break;
    case 22:
        q->a = globs[dice(3)];
        q->b = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "\"%s %s\"", q->a, q->b);
        break;
    case 23:
    case 24:
        q->a = dice(2) ? globs[dice(7)] : vocabulary[dice(VOCABULARY)];
        q->b = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "%s %s/%u %s", q->a, q->kind == 24 ? "PRE" : "NEAR", q->distance, q->b);
        break;
    case 25:
        q->a = vocabulary[dice(VOCABULARY)];
        q->b = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "\"%s %s\"~%u", q->a, q->b, q->distance);
        break;
    case 0:
    case 1:
        q->a = vocabulary[dice(VOCABULARY)];
        buf_put_str(out, q->a);
        break;
    case 2:
        q->a = vocabulary[dice(VOCABULARY)];
        q->b = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "\"%s %s\"", q->a, q->b);
        break;
    case 3:
        q->a = vocabulary[dice(VOCABULARY)];
        buf_printf(out, "=%s", q->a);
        break;
    case 4:
        q->a = dice(2) ? "re" : dice(2) ? "t1" : "v";
        buf_printf(out, "%s*", q->a);
        break;
    case 5:
        q->a = people[dice(4)];
        buf_printf(out, "from:%s", q->a);
        break;
    case 6:
        q->a = people[dice(4)];
        buf_printf(out, "with:%s*", q->a);
        break;
    case 7: {
        char text[TIME_TEXT_SIZE];
        q->from = T0 + dice(10) * 5 * HOUR;
        q->to = q->from + MINUTE;
        time_text(q->from, text);
        buf_printf(out, "on:%.16sZ", text);
        break;
    }
    case 8:
        q->from = T0 - T0 % DAY + DAY;
        q->to = INT64_MAX;
        buf_put_str(out, "after:2020-04-03");
        break;
    case 9:
        buf_put_str(out, "has:copies");
        break;
    case 10:
        buf_put_str(out, dice(2) ? "has:sealed" : (q->kind = 11, "has:attachment"));
        break;
    case 11:
        buf_put_str(out, "has:attachment");
        break;
    case 12:
        buf_put_str(out, "NOT ");
        q->kids[0] = ask(depth - 1, out);
        break;
    default:
        q->n = 2 + (int)dice(2);
        buf_put_u8(out, '(');
        for (int i = 0; i < q->n; i++) {
            if (i)
                buf_put_str(out, q->kind == 13 ? " " : " OR ");
            q->kids[i] = ask(depth - 1, out);
        }
        buf_put_u8(out, ')');
    }
    return q;
}

static int says(bool yes) { return yes ? YES : NO; }

static int oracle(const struct asked *q, const struct spec *s, uint32_t k)
{
    bool sealed = s->sealed && !s->opened;
    int all = 0;
    switch (q->kind) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return sealed ? 1 : says(text_has(s->text, q->a, q->b, q->kind != 3, q->kind == 4));
    case 20:
    case 21:
    case 22:
        return sealed ? 1 : says(text_glob(s->text, q->a, q->b, q->kind != 21));
    case 23:
    case 24:
    case 25:
        return sealed ? 1 : says(text_near(s->text, q->a, q->b, q->distance, q->kind == 24));
    case 5:
        return says(strcmp(s->from, q->a) == 0);
    case 6:
        return says(strncmp(s->from, q->a, strlen(q->a)) == 0 ||
                    (s->to && strncmp(s->to, q->a, strlen(q->a)) == 0));
    case 7:
    case 8:
        return s->sent == 0 ? 2 : says(s->sent >= q->from && s->sent < q->to);
    case 9:
        return says(copies_of(s, k) > 1);
    case 10:
        return says(sealed);
    case 11:
        return says(s->attachment != NULL);
    case 12:
        all = oracle(q->kids[0], s, k);
        return all == YES ? NO : all == NO ? YES : all;
    default:
        for (int i = 0; i < q->n; i++) {
            int one = oracle(q->kids[i], s, k);
            if (one == (q->kind == 13 ? NO : YES))
                return one;
            all |= one == YES ? 0 : one;
        }
        return all ? all : q->kind == 13 ? YES : NO;
    }
}

struct tally {
    uint64_t total, sealed, untimed;
    bool hit[SPECS][4];
};

static void ask_oracle(const struct asked *q, struct tally *t)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < SPECS; i++)
        for (uint32_t k = 1; !specs[i].hidden && copies_of(&specs[i], k) > 0; k++) {
            int one = oracle(q, &specs[i], k);
            t->total += one == YES;
            t->hit[i][k] = one == YES;
            t->sealed += one != YES && (one & 1);
            t->untimed += one != YES && (one & 2);
        }
}

/* A scan answers as the search did, in hits, order and numbers. */
static void scan_too(const char *text, const struct search_result *want, uint64_t limit)
{
    struct search_result r;
    struct search_options o = {.sort = SORT_NEWEST, .limit = limit};
    struct scan_options how = {.threads = 1 + dice(3), .progress = CLI_PROGRESS_NONE};
    uint64_t read;
    struct query *q = parse(text);
    cr_assert_eq(scan_run(&view, q, &o, &how, &r, &read, &err), ST_OK, "%s: %s", text, err.text);
    query_free(q);
    cr_assert_eq(read, SPECS);
    cr_assert(r.total == want->total && r.conversations == want->conversations &&
                  r.sealed == want->sealed && r.untimed == want->untimed &&
                  r.n_hits == want->n_hits,
              "scan of %s: %llu %llu %llu %llu", text, (unsigned long long)r.total,
              (unsigned long long)r.conversations, (unsigned long long)r.sealed,
              (unsigned long long)r.untimed);
    for (size_t i = 0; i < r.n_hits; i++)
        cr_assert(r.hits[i].segment == want->hits[i].segment &&
                      r.hits[i].doc == want->hits[i].doc && r.hits[i].k == want->hits[i].k,
                  "scan of %s: hit %zu", text, i);
    search_result_release(&r);
}

static void compare(const char *text, const struct asked *q)
{
    static struct tally t;
    struct arena a;
    struct search_result r = run(text, SORT_NEWEST, UINT64_MAX);
    ask_oracle(q, &t);
    cr_assert(r.total == t.total && r.sealed == t.sealed && r.untimed == t.untimed,
              "%s: %llu %llu %llu, not %llu %llu %llu", text, (unsigned long long)r.total,
              (unsigned long long)r.sealed, (unsigned long long)r.untimed,
              (unsigned long long)t.total, (unsigned long long)t.sealed,
              (unsigned long long)t.untimed);
    arena_init(&a, 0);
    for (size_t i = 0; i < r.n_hits; i++) {
        struct message_view m;
        arena_reset(&a);
        cr_assert_eq(view_load(&view, &r.hits[i], VIEW_CONTENT, &a, &m, &err), ST_OK);
        struct slice label = label_of(&m.c);
        size_t number = 0;
        for (size_t j = 1; j < label.len; j++)
            number = number * 10 + (size_t)(label.data[j] - '0');
        cr_assert(t.hit[number][m.ref.k], "%s: t%zu/%u", text, number, m.ref.k);
        t.hit[number][m.ref.k] = false;
        cr_assert(i == 0 || r.hits[i - 1].sent >= r.hits[i].sent);
    }
    scan_too(text, &r, UINT64_MAX);
    /* The first ones of a limited search are the same. */
    struct search_result few = run(text, SORT_NEWEST, 7);
    scan_too(text, &few, 7);
    cr_assert_eq(few.total, r.total);
    cr_assert_eq(few.conversations, r.conversations);
    for (size_t i = 0; i < few.n_hits; i++)
        cr_assert(few.hits[i].segment == r.hits[i].segment && few.hits[i].doc == r.hits[i].doc &&
                  few.hits[i].k == r.hits[i].k);
    search_result_release(&few);
    search_result_release(&r);
    arena_release(&a);
}

Test(oracle, agrees_with_an_oracle_on_random_queries)
{
    for (size_t i = 0; i < SPECS; i++)
        make_spec(i);
    segment_make(cf, specs, 300);
    segment_make(cf, specs + 300, SPECS - 300);
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    for (int i = 0; i < 400; i++) {
        struct buf text = {0};
        pool_n = 0;
        struct asked *q = ask(3, &text);
        buf_put_u8(&text, 0);
        compare((const char *)text.data, q);
        buf_release(&text);
    }
}

/* One term is answered from the lexicon and from bounds of blocks; twice the same in an OR is not.
 */
Test(oracle, answers_one_term_as_it_answers_any_query)
{
    static struct spec many[6000];
    static char texts_of[6000][24];
    static const uint64_t limits[] = {0, 1, 7, 300, 5000, UINT64_MAX};
    for (size_t i = 0; i < N(many); i++) {
        (void)snprintf(texts_of[i], sizeof texts_of[i], "t%zu %s", i, dice(3) ? "word" : "none");
        many[i] =
            (struct spec){.from = people[dice(4)], .to = people[dice(4)], .text = texts_of[i]};
        many[i].sent = dice(10) ? T0 + dice(3000) * MINUTE : 0;
        many[i].copies[0] = (struct spec_copy){"p", 10 * i, NULL};
        if (dice(20) == 0)
            many[i].copies[1] = (struct spec_copy){"p", 10 * i + 1, NULL};
        if (dice(20) == 0) {
            many[i].kind = DOC_EVENT;
            many[i].hidden = true;
            many[i].to = NULL;
            many[i].copies[1] = (struct spec_copy){0};
        }
    }
    segment_make(cf, many, 5000);
    segment_make(cf, many + 5000, N(many) - 5000);
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    for (size_t i = 0; i < N(limits); i++) {
        struct search_result a = run("word", SORT_NEWEST, limits[i]);
        struct search_result b = run("word OR word", SORT_NEWEST, limits[i]);
        cr_assert_gt(a.total, 3000u);
        cr_assert(a.total == b.total && a.conversations == b.conversations && a.n_hits == b.n_hits,
                  "limit %zu", i);
        for (size_t h = 0; h < a.n_hits; h++)
            cr_assert(a.hits[h].segment == b.hits[h].segment && a.hits[h].doc == b.hits[h].doc &&
                      a.hits[h].k == b.hits[h].k && a.hits[h].sent == b.hits[h].sent);
        search_result_release(&a);
        search_result_release(&b);
        a = run("*", SORT_NEWEST, limits[i]);
        b = run("* OR word", SORT_NEWEST, limits[i]);
        cr_assert(a.total == b.total && a.n_hits == b.n_hits);
        search_result_release(&a);
        search_result_release(&b);
    }
}
