/* test_then — THEN against brute force: every pair of messages of random conversations, by search
 * and by scan. */
#include "dice.h"
#include "query/scan.h"
#include "search_testing.h"

TestSuite(then, .init = setup, .fini = teardown);

#define SPECS 300
#define MESSAGES_MAX 1200

static struct spec specs[SPECS];
static char texts[SPECS][64];
static const char *const people[] = {"ann", "ben", "cat"};
static const char *const vocabulary[] = {"red", "blue", "van"};

static void make_spec(size_t i)
{
    struct spec *s = &specs[i];
    size_t len = (size_t)snprintf(texts[i], sizeof texts[i], "t%zu", i);
    for (uint32_t w = dice(4); w > 0; w--)
        len += (size_t)snprintf(texts[i] + len, sizeof texts[i] - len, " %s", vocabulary[dice(3)]);
    *s = (struct spec){.text = texts[i], .from = dice(9) ? people[dice(3)] : NULL};
    s->group = dice(2) ? "g" : dice(2) ? "h" : NULL;
    s->to = s->group ? NULL : people[dice(3)];
    if (!s->group && !s->from)
        s->from = "ann";
    s->sent = dice(12) ? T0 + dice(40) * MINUTE : 0;
    s->sealed = dice(9) == 0;
    if (dice(15) == 0) {
        s->kind = dice(2) ? DOC_NOTE : DOC_EVENT;
        s->hidden = s->kind == DOC_EVENT;
        s->group = s->to = NULL;
        s->from = "ann";
        s->sealed = false;
        s->copies[0] = (struct spec_copy){"p0", 10 * i, NULL};
        return;
    }
    uint32_t copies = 1 + dice(4);
    for (uint32_t c = 0; c < copies; c++)
        s->copies[c] =
            (struct spec_copy){dice(3) ? "p1" : "p2", (i * 7919 + c * 131) % 100003, NULL};
}

/* ---- all messages, in the one order ---- */

struct one {
    const struct spec *s;
    uint32_t spec, k;
    char conversation[32];
    const char *source; /* of its first copy */
    uint64_t seq;
    uint32_t place; /* in its conversation, of those in range */
};
static struct one ones[MESSAGES_MAX];
static size_t n_ones;

/* The k-th copy by seq of a source, 0 if there is none. */
static bool copy_of(const struct spec *s, const char *source, uint32_t k, uint64_t *seq)
{
    for (size_t i = 0; i < SPEC_COPIES && s->copies[i].source; i++) {
        uint32_t rank = 1;
        if (strcmp(s->copies[i].source, source) != 0)
            continue;
        for (size_t j = 0; j < SPEC_COPIES && s->copies[j].source; j++)
            rank += strcmp(s->copies[j].source, source) == 0 && s->copies[j].seq < s->copies[i].seq;
        if (rank == k) {
            *seq = s->copies[i].seq;
            return true;
        }
    }
    return false;
}

static void name_conversation(const struct spec *s, char out[32])
{
    const char *a = s->from ? s->from : "", *b = s->to ? s->to : "";
    if (s->kind != DOC_MESSAGE)
        (void)snprintf(out, 32, "i%s", s->copies[0].source);
    else if (s->group)
        (void)snprintf(out, 32, "g%s", s->group);
    else
        (void)snprintf(out, 32, "s%s,%s", strcmp(a, b) < 0 ? a : b, strcmp(a, b) < 0 ? b : a);
}

static int by_order(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    int c = strcmp(x->conversation, y->conversation);
    if (c)
        return c;
    if (x->s->sent != y->s->sent)
        return x->s->sent && (!y->s->sent || x->s->sent < y->s->sent) ? -1 : 1;
    c = strcmp(x->source, y->source);
    return c ? c : (x->seq > y->seq) - (x->seq < y->seq);
}

static void list_ones(void)
{
    static const char *const sources[] = {"p0", "p1", "p2"};
    n_ones = 0;
    for (uint32_t i = 0; i < SPECS; i++)
        for (uint32_t k = 1; k <= SPEC_COPIES; k++) {
            struct one o = {.s = &specs[i], .spec = i, .k = k};
            for (size_t c = 0; !o.source && c < N(sources); c++)
                if (copy_of(&specs[i], sources[c], k, &o.seq))
                    o.source = sources[c];
            if (!o.source)
                break;
            name_conversation(&specs[i], o.conversation);
            cr_assert_lt(n_ones, (size_t)MESSAGES_MAX);
            ones[n_ones++] = o;
        }
    qsort(ones, n_ones, sizeof *ones, by_order);
}

/* ---- random queries ---- */

struct asked {
    enum { WORD, FROM, ON, COPIES, ALL, NOT, AND, OR, THEN } kind;
    const char *a;
    int64_t from, span;
    uint32_t messages;
    const char *by; /* NULL, "same", "other" or a handle */
    struct asked *kids[2];
    unsigned says[MESSAGES_MAX];
};
static struct asked pool[64];
static size_t pool_n;

static void put_then(struct asked *q, struct buf *out)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"s", 1000}, {"m", MINUTE}, {"h", HOUR}, {"d", DAY}};
    uint32_t unit = dice(6), amount = 1 + dice(unit < 2 ? 12 : 3);
    if (unit >= 4) {
        q->messages = amount;
        buf_printf(out, " THEN/%umsg", amount);
    } else {
        amount *= unit == 0 ? 60 : 1;
        q->span = amount * units[unit].ms;
        buf_printf(out, " THEN/%u%s", amount, units[unit].name);
    }
    q->by = dice(2) ? NULL : dice(3) == 0 ? people[dice(3)] : dice(2) ? "same" : "other";
    if (q->by)
        buf_printf(out, " by:%s", q->by);
    buf_put_u8(out, ' ');
}

static struct asked *ask(int depth, struct buf *out)
{
    static const int deep[] = {NOT, AND, OR, THEN, THEN, THEN, WORD, FROM};
    static const int flat[] = {WORD, WORD, WORD, FROM, ON, COPIES, ALL, WORD};
    struct asked *q = &pool[pool_n++];
    *q = (struct asked){.kind = depth > 0 ? deep[dice(N(deep))] : flat[dice(N(flat))]};
    switch (q->kind) {
    case WORD:
        q->a = vocabulary[dice(3)];
        buf_put_str(out, q->a);
        break;
    case FROM:
        q->a = people[dice(3)];
        buf_printf(out, "from:%s", q->a);
        break;
    case ON: {
        char text[TIME_TEXT_SIZE];
        q->from = T0 + dice(40) * MINUTE;
        time_text(q->from, text);
        buf_printf(out, "after:%.16sZ", text);
        break;
    }
    case COPIES:
        buf_put_str(out, "has:copies");
        break;
    case ALL:
        buf_put_str(out, "*");
        break;
    default:
        buf_put_str(out, q->kind == NOT ? "(NOT " : "(");
        q->kids[0] = ask(depth - 1, out);
        if (q->kind == THEN)
            put_then(q, out);
        else if (q->kind != NOT)
            buf_put_str(out, q->kind == AND ? " AND " : " OR ");
        if (q->kind != NOT)
            q->kids[1] = ask(depth - 1, out);
        buf_put_u8(out, ')');
    }
    return q;
}

/* ---- brute force ---- */

static unsigned truth_of(bool yes) { return yes ? TRUTH_TRUE : TRUTH_FALSE; }

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)); p++)
        if (p[-1] == ' ' && (p[n] == ' ' || p[n] == 0))
            return true;
    return false;
}

static bool sender_fits(const struct asked *q, const struct spec *a, const struct spec *b)
{
    const char *x = a->from ? a->from : "", *y = b->from ? b->from : "";
    if (!q->by)
        return true;
    if (strcmp(q->by, "same") == 0)
        return strcmp(x, y) == 0;
    return strcmp(q->by, "other") == 0 ? strcmp(x, y) != 0 : strcmp(y, q->by) == 0;
}

/* The pair of messages i and j. */
static unsigned pair(const struct asked *q, size_t i, size_t j)
{
    const struct one *a = &ones[i], *b = &ones[j];
    cr_assert(q->kids[0] && q->kids[1]);
    unsigned x = q->kids[0]->says[i], y = q->kids[1]->says[j], unknown = 0;
    if (x == TRUTH_FALSE || y == TRUTH_FALSE || i >= j || !sender_fits(q, a->s, b->s) ||
        strcmp(a->conversation, b->conversation) != 0)
        return TRUTH_FALSE;
    if (q->messages && b->place - a->place > q->messages)
        return TRUTH_FALSE;
    if (q->span && (!a->s->sent || !b->s->sent))
        unknown = TRUTH_UNTIMED;
    else if (q->span && b->s->sent - a->s->sent > q->span)
        return TRUTH_FALSE;
    unknown |= (x == TRUTH_TRUE ? 0 : x) | (y == TRUTH_TRUE ? 0 : y);
    return unknown ? unknown : TRUTH_TRUE;
}

static unsigned follows(const struct asked *q, size_t j)
{
    unsigned reasons = 0;
    for (size_t i = 0; i < j; i++) {
        unsigned one = pair(q, i, j);
        if (one == TRUTH_TRUE)
            return TRUTH_TRUE;
        reasons |= one;
    }
    return reasons;
}

static unsigned join(enum node_kind kind, unsigned a, unsigned b)
{
    unsigned ends = kind == NODE_AND ? TRUTH_FALSE : TRUTH_TRUE;
    if (a == ends || b == ends)
        return ends;
    unsigned reasons = (a == TRUTH_TRUE ? 0 : a) | (b == TRUTH_TRUE ? 0 : b);
    return reasons ? reasons : kind == NODE_AND ? TRUTH_TRUE : TRUTH_FALSE;
}

static unsigned answer(const struct asked *q, size_t i)
{
    const struct spec *s = ones[i].s;
    uint64_t seq;
    unsigned one;
    switch (q->kind) {
    case WORD:
        return s->sealed ? TRUTH_SEALED : truth_of(has_word(s->text, q->a));
    case FROM:
        return truth_of(s->from && strcmp(s->from, q->a) == 0);
    case ON:
        return s->sent ? truth_of(s->sent >= q->from) : TRUTH_UNTIMED;
    case COPIES:
        return truth_of(copy_of(s, "p1", ones[i].k, &seq) && copy_of(s, "p2", ones[i].k, &seq));
    case ALL:
        return TRUTH_TRUE;
    case NOT:
        cr_assert_not_null(q->kids[0]);
        one = q->kids[0]->says[i];
        return one == TRUTH_TRUE ? TRUTH_FALSE : one == TRUTH_FALSE ? TRUTH_TRUE : one;
    case AND:
    case OR:
        cr_assert(q->kids[0] && q->kids[1]);
        return join(q->kind == AND ? NODE_AND : NODE_OR, q->kids[0]->says[i], q->kids[1]->says[i]);
    default:
        return follows(q, i);
    }
}

static void answer_all(struct asked *q)
{
    for (int i = 0; i < 2; i++)
        if (q->kids[i])
            answer_all(q->kids[i]);
    for (size_t i = 0; i < n_ones; i++)
        q->says[i] = ones[i].s->hidden ? TRUTH_FALSE : answer(q, i);
}

static size_t number_of(const struct message_ref *ref)
{
    struct arena a;
    struct message_view m;
    size_t number = 0;
    arena_init(&a, 0);
    cr_assert_eq(view_load(&view, ref, VIEW_CONTENT, &a, &m, &err), ST_OK);
    struct slice label = label_of(&m.c);
    for (size_t j = 1; j < label.len; j++)
        number = number * 10 + (size_t)(label.data[j] - '0');
    arena_release(&a);
    return number;
}

static void compare(const char *how, const char *text, const struct asked *q,
                    const struct search_result *r)
{
    static bool hit[SPECS][SPEC_COPIES + 1];
    uint64_t total = 0, sealed = 0, untimed = 0;
    memset(hit, 0, sizeof hit);
    for (size_t i = 0; i < r->n_hits; i++)
        hit[number_of(&r->hits[i])][r->hits[i].k] = true;
    for (size_t i = 0; i < n_ones; i++) {
        total += q->says[i] == TRUTH_TRUE;
        sealed += (q->says[i] & TRUTH_SEALED) != 0;
        untimed += (q->says[i] & TRUTH_UNTIMED) != 0;
        cr_assert_eq(hit[ones[i].spec][ones[i].k], q->says[i] == TRUTH_TRUE, "%s of %s: t%u/%u",
                     how, text, ones[i].spec, ones[i].k);
    }
    cr_assert(r->total == total && r->sealed == sealed && r->untimed == untimed,
              "%s of %s: %llu %llu %llu, not %llu %llu %llu", how, text,
              (unsigned long long)r->total, (unsigned long long)r->sealed,
              (unsigned long long)r->untimed, (unsigned long long)total, (unsigned long long)sealed,
              (unsigned long long)untimed);
}

static void scan_too(const char *text, const struct asked *asked)
{
    struct search_result r;
    struct search_options o = {.sort = SORT_NEWEST, .limit = UINT64_MAX};
    struct scan_options how = {.threads = 2, .progress = CLI_PROGRESS_NONE};
    struct query *q = parse(text);
    cr_assert_eq(scan_run(&view, q, &o, &how, &r, NULL, &err), ST_OK, "%s: %s", text, err.text);
    query_free(q);
    compare("scan", text, asked, &r);
    search_result_release(&r);
}

static void place_ones(void)
{
    uint32_t place = 0;
    for (size_t i = 0; i < n_ones; i++) {
        if (i == 0 || strcmp(ones[i].conversation, ones[i - 1].conversation) != 0)
            place = 0;
        ones[i].place = place;
        place += !ones[i].s->hidden;
    }
}

Test(then, agrees_with_brute_force_on_random_conversations)
{
    uint64_t found = 0, unknown = 0;
    for (size_t i = 0; i < SPECS; i++)
        make_spec(i);
    segment_make(cf, specs, 150);
    segment_make(cf, specs + 150, 100);
    segment_make(cf, specs + 250, SPECS - 250);
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    list_ones();
    place_ones();
    for (int i = 0; i < 400; i++) {
        struct buf text = {0};
        pool_n = 0;
        struct asked *q = ask(1 + (int)dice(2), &text);
        buf_put_u8(&text, 0);
        answer_all(q);
        struct search_result r = run((const char *)text.data, SORT_NEWEST, UINT64_MAX);
        compare("search", (const char *)text.data, q, &r);
        found += r.total != 0;
        unknown += r.sealed + r.untimed != 0;
        search_result_release(&r);
        scan_too((const char *)text.data, q);
        buf_release(&text);
    }
    cr_assert(found > 200 && unknown > 100, "%llu found, %llu unknown", (unsigned long long)found,
              (unsigned long long)unknown);
}

/* ---- by hand ---- */

static const struct spec talk[] = {
    {.from = "ann", .group = "g", .text = "c1 blue", .sent = T0, .copies = {{"p", 1}}},
    {.from = "ben", .group = "g", .text = "c2 van", .sent = T0 + MINUTE, .copies = {{"p", 2}}},
    {.from = "ann", .group = "g", .text = "c3 van", .sent = T0 + MINUTE, .copies = {{"p", 3}}},
    {.from = "ann", .group = "g", .text = "c4 blue van", .sent = T0 + HOUR, .copies = {{"p", 4}}},
    {.from = "ben", .group = "g", .text = "c5 keys", .sent = T0 + HOUR, .copies = {{"p", 5}}},
    {.from = "ben", .group = "g", .text = "c6 van", .copies = {{"p", 6}}},
    {.from = "ann", .to = "ben", .text = "c7 van", .sent = T0 + MINUTE, .copies = {{"p", 7}}},
    {.kind = DOC_EVENT,
     .hidden = true,
     .from = "ann",
     .group = NULL,
     .text = "c8 blue",
     .sent = T0,
     .copies = {{"p", 8}}},
};

static void make_talk(void)
{
    segment_make(cf, talk, N(talk));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
}

Test(then, finds_the_second_message_within_the_time)
{
    make_talk();
    finds("blue THEN/1m van", "c2 c3");
    finds("blue THEN/59s van", "");
    finds("blue THEN/60m van", "c4 c2 c3");
    finds("blue THEN/1h keys", "c5");
    finds("keys THEN/1d blue", "");
    untestable("blue THEN/1m van", 0, 1);
    untestable("blue THEN/2msg van", 0, 0);
}

Test(then, counts_messages_in_the_order_shown)
{
    make_talk();
    finds("blue THEN/1msg van", "c2");
    finds("blue THEN/2msg van", "c2 c3 c6");
    finds("blue THEN/1msg keys", "c5");
    finds("* THEN/1msg *", "c4 c5 c2 c3 c6");
}

Test(then, tells_senders_apart)
{
    make_talk();
    finds("blue THEN/1m by:same van", "c3");
    finds("blue THEN/1m by:other van", "c2");
    finds("blue THEN/1m by:ben van", "c2");
    finds("blue THEN/1m by:a* van", "c3");
    finds("blue THEN/1m by:dora van", "");
}

Test(then, nests_to_the_left_and_in_parentheses)
{
    make_talk();
    finds("blue THEN/1m van THEN/1h keys", "c5");
    finds("blue THEN/1m (van THEN/1h keys)", "c5");
    finds("blue THEN/1m by:same (van THEN/1h keys)", "");
    finds("blue THEN/1m (keys THEN/1h van)", "");
    finds("(blue OR van) THEN/1h (keys OR van)", "c4 c5 c2 c3");
    finds("van NOT (blue THEN/1m van)", "c4 c7");
    finds("from:ann blue THEN/1m van", "c3");
}

/* A sealed body is no answer on either side. */
Test(then, knows_what_cannot_be_tested)
{
    static const struct spec sealed[] = {
        {.from = "ann",
         .group = "g",
         .text = "s1 blue",
         .sealed = true,
         .sent = T0,
         .copies = {{"p", 1}}},
        {.from = "ben", .group = "g", .text = "s2 van", .sent = T0 + MINUTE, .copies = {{"p", 2}}},
        {.from = "ann", .group = "g", .text = "s3 blue", .sent = T0 + HOUR, .copies = {{"p", 3}}},
        {.from = "ann",
         .group = "g",
         .text = "s4 van",
         .sealed = true,
         .sent = T0 + HOUR,
         .copies = {{"p", 4}}},
    };
    segment_make(cf, sealed, N(sealed));
    cr_assert_eq(view_open(cf, NULL, &view, &err), ST_OK, "%s", err.text);
    finds("blue THEN/1m van", "");
    untestable("blue THEN/1m van", 2, 0);
    untestable("blue THEN/1m by:same van", 1, 0);
    finds("blue THEN/1h from:ann", "s4");
    untestable("blue THEN/1h from:ann", 1, 0);
}
