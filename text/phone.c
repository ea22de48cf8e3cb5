/* phone — phone numbers: 7 to 15 digits in groups, with + or 00 before them or not, normalised to
 * "+49151234567" or "0151234567".
 * Between groups may stand one or two of . - / ( ) or a blank, also " - " and " / ". Groups without
 * a blank between them are a chunk. A chunk is no part of a number if
 *   - it is glued to a letter, % or a currency sign, or stands in a time or a list (1:30, 1,000)
 *   - it is a date: 2020-04-02, 2.4.2020, 2/4/20, 04/2020, 2019-2020, 20200402, 20200402182311
 *   - it is an IPv4 address, a decimal (1234.56) or in thousands (1.000.000)
 * Chunks that follow each other with blanks are one number as long as it has at most 15 digits; a
 * + begins a new one, and so does a chunk of 9 digits or more that begins with 0. If they come to
 * more, each chunk is tried alone; a chunk of 9 digits or more is found alone in any case, since
 * what follows it may be no part of it ("+31687654321 2 days"). A plain number of 7 to 15 digits
 * counts: it cannot be told from a phone number, and what this decides is has:phone and the finding
 * of other spellings, not whether the digits are found as words. Linear: what was looked at once is
 * not looked at again (phone_to). */
#include "text/splitter_private.h"

#include <unicode/uchar.h>

#define GROUPS 24
#define DIGITS_MIN 7
#define DIGITS_MAX 15
#define DIGITS_ALONE 9

struct group {
    size_t from, to;
    uint8_t sep; /* the first sign before it that is no blank, 0 if none */
    bool blank;  /* a blank stands before it: a chunk begins */
    bool plus;
    bool zero; /* "(0)" */
};

static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }

static size_t group_len(const struct group *g) { return g->to - g->from; }

/* Whether a currency sign stands at `at`. */
static bool currency(const struct splitter *s, size_t at)
{
    const uint8_t *p = s->scan.data + at;
    size_t len;
    if (byte_classes[*p] != BYTE_HIGH)
        return *p == '$';
    return u_charType((UChar32)scan_decode(p, &len)) == U_CURRENCY_SYMBOL;
}

/* Whether a number may begin at `at`, by what stands before. */
static bool start_ok(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    size_t len;
    if (at == 0)
        return true;
    enum code_kind kind = kind_before(s, at, &len);
    if (kind == KIND_WORD || kind == KIND_MARK)
        return false;
    uint8_t c = t[at - 1];
    if (currency(s, at - len) || sign_in(c, "@#_&+"))
        return false;
    if (sign_in(c, ".,-/:'") && at > 1) {
        kind = kind_before(s, at - 1, &len);
        return kind != KIND_WORD || (c == ':' && !digit(t[at - 2]));
    }
    return true;
}

/* Passes what stands between two groups; false if no group follows. */
static bool sep_pass(const uint8_t *t, size_t *at, struct group *g)
{
    size_t i = *at;
    int signs = 0, blanks = 0;
    for (; i - *at < 3; i++) {
        uint8_t c = t[i];
        if (c == ' ')
            blanks++;
        else if (c == '.' || c == '-' || c == '/' || c == '(' || c == ')') {
            if (signs++ == 0)
                g->sep = c;
        } else
            break;
    }
    /* ". " ends a sentence, "1- 2" is a list: a sign beside a blank is a bracket or between two. */
    if (signs > 0 && blanks == 1 && g->sep != ')' && t[i - 1] != '(')
        return false;
    g->blank = blanks > 0;
    if (blanks && t[i] == '+') {
        g->plus = true;
        i++;
    }
    if (!digit(t[i]) || (i == *at && !g->plus))
        return false;
    *at = i;
    return true;
}

/* The groups that begin at `at`, a digit or a sign before one. */
static int groups_collect(const uint8_t *t, size_t at, struct group *g)
{
    int n = 0;
    g[0] = (struct group){.blank = true};
    if (t[at] == '(')
        at++;
    if (t[at] == '+') {
        g[0].plus = true;
        at++;
    }
    if (t[at] == '(')
        at++;
    if (!digit(t[at]))
        return 0;
    for (;;) {
        g[n].from = at;
        while (digit(t[at]))
            at++;
        g[n].to = at;
        n++;
        if (n == GROUPS)
            return n;
        g[n] = (struct group){0};
        if (!sep_pass(t, &at, &g[n]))
            return n;
        g[n].zero = t[at] == '0' && t[at - 1] == '(' && t[at + 1] == ')';
    }
}

static int number(const uint8_t *t, size_t from, size_t to)
{
    int v = 0;
    for (; from < to && v < 100000; from++)
        v = v * 10 + (t[from] - '0');
    return v;
}

static bool is_year(int v) { return v >= 1900 && v < 2100; }

static bool is_day(int a, int b)
{
    return a >= 1 && b >= 1 && ((a <= 12 && b <= 31) || (a <= 31 && b <= 12));
}

/* 20200402, also with hour, minute and second behind. */
static bool stamp_like(const uint8_t *t, const struct group *g)
{
    size_t len = group_len(g), at = g->from;
    if (len != 8 && len != 12 && len != 14)
        return false;
    int month = number(t, at + 4, at + 6), day = number(t, at + 6, at + 8);
    if (!is_year(number(t, at, at + 4)) || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    return len == 8 || (number(t, at + 8, at + 10) < 24 && number(t, at + 10, at + 12) < 60);
}

static bool date_like(const uint8_t *t, const struct group *g, int n)
{
    int v[3];
    for (int i = 0; i < n; i++)
        v[i] = number(t, g[i].from, g[i].to);
    if (n == 2) {
        bool first = group_len(&g[0]) == 4 && is_year(v[0]);
        bool second = group_len(&g[1]) == 4 && is_year(v[1]);
        return (first && second) || (first && v[1] >= 1 && v[1] <= 12) ||
               (second && v[0] >= 1 && v[0] <= 12 && group_len(&g[0]) <= 2);
    }
    if (g[1].sep != g[2].sep || group_len(&g[1]) > 2)
        return false;
    size_t a = group_len(&g[0]), c = group_len(&g[2]);
    if (a == 4)
        return c <= 2 && is_year(v[0]) && is_day(v[1], v[2]);
    return a <= 2 && is_day(v[0], v[1]) && (c == 2 || (c == 4 && is_year(v[2])));
}

/* An address, a decimal or a number in thousands: groups joined by points alone. */
static bool points_like(const uint8_t *t, const struct group *g, int n)
{
    bool address = n == 4, thousands = group_len(&g[0]) <= 3 && t[g[0].from] != '0';
    for (int i = 0; i < n; i++) {
        if (i > 0 && g[i].sep != '.')
            return false;
        size_t len = group_len(&g[i]);
        if (len > 3 || number(t, g[i].from, g[i].to) > 255 || (len > 1 && t[g[i].from] == '0'))
            address = false;
        if (i > 0 && len != 3)
            thousands = false;
    }
    return address || thousands || (n == 2 && t[g[0].from] != '0');
}

/* What follows the digits makes them something else. */
static bool end_odd(struct splitter *s, size_t to)
{
    const uint8_t *t = s->scan.data;
    size_t len;
    enum code_kind kind = kind_at(s, to, &len);
    if (kind == KIND_WORD || kind == KIND_MARK)
        return true;
    if (currency(s, to) || sign_in(t[to], "@%_"))
        return true;
    if (!sign_in(t[to], ":,.-/'"))
        return false;
    return kind_at(s, to + 1, &len) == KIND_WORD && (t[to] != '.' || digit(t[to + 1]));
}

static bool chunk_odd(struct splitter *s, const struct group *g, int n)
{
    const uint8_t *t = s->scan.data;
    if (end_odd(s, g[n - 1].to))
        return true;
    if (g[0].plus)
        return false;
    if (n == 1)
        return stamp_like(t, &g[0]);
    if (n <= 3 && date_like(t, g, n))
        return true;
    return points_like(t, g, n);
}

static size_t digits_of(const struct group *g, int n)
{
    size_t digits = 0;
    for (int i = 0; i < n; i++)
        digits += group_len(&g[i]);
    return digits;
}

/* Groups that are one number by their form: adds it if it has the right size. */
static void number_add(struct splitter *s, const struct group *g, int n)
{
    const uint8_t *t = s->scan.data;
    bool zeros =
        !g[0].plus && group_len(&g[0]) >= 2 && t[g[0].from] == '0' && t[g[0].from + 1] == '0';
    bool plus = g[0].plus || zeros;
    size_t off = s->phone_bytes.len, digits = 0;
    if (plus)
        buf_put_u8(&s->phone_bytes, '+');
    for (int i = 0; i < n; i++) {
        size_t skip = i == 0 && zeros ? 2 : 0;
        if (g[i].zero && plus)
            continue;
        buf_put(&s->phone_bytes, t + g[i].from + skip, group_len(&g[i]) - skip);
        digits += group_len(&g[i]) - skip;
    }
    if (digits < DIGITS_MIN || digits > DIGITS_MAX || s->phone_bytes.failed) {
        s->phone_bytes.len = off;
        return;
    }
    size_t from = g[0].from;
    if (from > 0 && t[from - 1] == '(')
        from--;
    if (g[0].plus && from > 0 && t[from - 1] == '+')
        from--;
    seen_add(s, WORDS_PHONE, from, g[n - 1].to);
    whole_add_phone(s, from, g[n - 1].to, off, s->phone_bytes.len - off);
}

/* Groups of several chunks in a row: one number, and the chunks that are numbers by themselves. */
static void chunks_add(struct splitter *s, const struct group *g, int n)
{
    if (n == 0)
        return;
    bool joined = digits_of(g, n) <= DIGITS_MAX + 2; /* 00 does not count */
    if (joined)
        number_add(s, g, n);
    for (int from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && !g[to].blank; to++)
            ;
        if (!joined || (to - from < n && digits_of(g + from, to - from) >= DIGITS_ALONE))
            number_add(s, g + from, to - from);
    }
}

static bool chunk_begins_number(const uint8_t *t, const struct group *g, int n)
{
    return g[0].plus || (t[g[0].from] == '0' && digits_of(g, n) >= DIGITS_ALONE);
}

void phone_try(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    struct group g[GROUPS + 1];
    if (at < s->url_to || !start_ok(s, at))
        return;
    int n = groups_collect(t, at, g);
    if (n == 0)
        return;
    s->phone_to = g[n - 1].to;
    if (digits_of(g, n) < DIGITS_MIN)
        return;
    int run = 0; /* first group of the number that is growing */
    for (int from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && !g[to].blank; to++)
            ;
        if (chunk_odd(s, g + from, to - from)) {
            chunks_add(s, g + run, from - run);
            run = to;
        } else if (from > run && chunk_begins_number(t, g + from, to - from)) {
            chunks_add(s, g + run, from - run);
            run = from;
        }
    }
    chunks_add(s, g + run, n - run);
}
