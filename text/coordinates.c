/* coordinates — places on the earth, as people and programs write them:
 *   pair     two numbers with point and decimals, latitude first: at least three decimals each and
 *            four in one of them ("52.3702, 4.895"), so that prices, versions and thousands are
 * none marked   numbers with N, S, E or W before or behind, in either order: degrees with ° or with
 *            three decimals ("52.37°N 4.9°E"), degrees and minutes, degrees, minutes and seconds
 *   geo:     RFC 5870, any precision
 *   link     to a map: see `maps` below
 * Always within 90 and 180 degrees and 60 minutes and seconds. Between the two stand blanks, or one
 * of , ; / with blanks. Each number is tried once, and what follows it is looked at no further than
 * the longest spelling. */
#include "text/splitter_private.h"

#define DIGITS_MAX 20 /* of a fraction */

struct axis {
    unsigned degrees, decimals;
    bool more; /* than whole degrees */
    bool degree_sign;
    uint8_t side; /* n s e w, 0 if none */
    bool apart;   /* it stands behind a blank: it may be a word by itself */
};

static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_side(uint8_t c) { return c == 'n' || c == 's' || c == 'e' || c == 'w'; }

static bool pass(const uint8_t *t, size_t *at, const char *sign)
{
    size_t n = strlen(sign);
    if (memcmp(t + *at, sign, n) != 0) /* the padding is zeros: no sign is */
        return false;
    *at += n;
    return true;
}

static void pass_blank(const uint8_t *t, size_t *at) { *at += t[*at] == ' '; }

static bool pass_minute(const uint8_t *t, size_t *at)
{
    return pass(t, at, "'") || pass(t, at, "\xE2\x80\xB2") || pass(t, at, "\xE2\x80\x99");
}

static bool pass_second(const uint8_t *t, size_t *at)
{
    if (pass(t, at, "\"") || pass(t, at, "\xE2\x80\x9D"))
        return true;
    size_t from = *at;
    if (pass_minute(t, at) && pass_minute(t, at))
        return true;
    *at = from;
    return false;
}

/* Digits, at most `most`, and a fraction. */
static bool number(const uint8_t *t, size_t *at, unsigned most, unsigned *whole, unsigned *decimals,
                   bool *fraction)
{
    unsigned n = 0;
    *whole = *decimals = 0;
    *fraction = false;
    for (; digit(t[*at]) && n <= most; n++)
        *whole = *whole * 10 + (unsigned)(t[(*at)++] - '0');
    if (n == 0 || n > most)
        return false;
    if (t[*at] != '.' || !digit(t[*at + 1]))
        return true;
    for ((*at)++; digit(t[*at]) && *decimals < DIGITS_MAX; ++*decimals)
        *fraction |= t[(*at)++] != '0';
    return !digit(t[*at]);
}

/* Minutes or seconds with their sign; stays where it is if there are none. */
static bool sixtieth(const uint8_t *t, size_t *at, bool (*sign)(const uint8_t *t, size_t *at),
                     struct axis *a)
{
    size_t i = *at;
    unsigned whole, decimals;
    bool fraction;
    pass_blank(t, &i);
    if (!number(t, &i, 2, &whole, &decimals, &fraction) || whole >= 60)
        return false;
    pass_blank(t, &i);
    if (!sign(t, &i))
        return false;
    a->more |= whole > 0 || fraction;
    *at = i;
    return true;
}

static void side_behind(struct splitter *s, size_t *at, struct axis *a)
{
    const uint8_t *t = s->scan.data;
    size_t i = *at, len;
    pass_blank(t, &i);
    if (a->side == 0 && is_side(t[i]) && kind_at(s, i + 1, &len) < KIND_MARK) {
        a->side = t[i];
        a->apart = i > *at;
        *at = i + 1;
    }
}

static void side_before(const uint8_t *t, size_t *at, struct axis *a)
{
    if (!is_side(t[*at]))
        return;
    a->side = t[(*at)++];
    pass_blank(t, at);
}

static bool axis_read(struct splitter *s, size_t *at, struct axis *a)
{
    const uint8_t *t = s->scan.data;
    size_t len;
    *a = (struct axis){0};
    side_before(t, at, a);
    if (!pass(t, at, "-") && !pass(t, at, "+"))
        (void)pass(t, at, "\xE2\x88\x92");
    if (!number(t, at, 3, &a->degrees, &a->decimals, &a->more))
        return false;
    size_t i = *at;
    pass_blank(t, &i);
    if (pass(t, &i, "\xC2\xB0")) {
        *at = i;
        a->degree_sign = true;
        if (a->decimals == 0 && sixtieth(t, at, pass_minute, a))
            (void)sixtieth(t, at, pass_second, a);
    }
    side_behind(s, at, a);
    return kind_at(s, *at, &len) < KIND_MARK && !(t[*at] == '.' && digit(t[*at + 1]));
}

static bool within(const struct axis *a, unsigned most)
{
    return a->degrees < most || (a->degrees == most && !a->more);
}

static bool northern(const struct axis *a) { return a->side == 'n' || a->side == 's'; }

static bool sure(const struct axis *a) { return a->degree_sign || a->decimals >= 3; }

static bool pair_is(const struct axis *a, const struct axis *b)
{
    if (a->side && b->side)
        return sure(a) && sure(b) && northern(a) != northern(b) &&
               within(a, northern(a) ? 90 : 180) && within(b, northern(b) ? 90 : 180);
    return !a->side && !b->side && a->decimals >= 3 && b->decimals >= 3 &&
           (a->decimals > 3 || b->decimals > 3) && within(a, 90) && within(b, 180);
}

static bool pass_between(const uint8_t *t, size_t *at)
{
    size_t from = *at;
    for (int i = 0; i < 2 && byte_classes[t[*at]] == BYTE_SPACE; i++)
        ++*at;
    if (t[*at] == ',' || t[*at] == ';' || t[*at] == '/')
        ++*at;
    for (int i = 0; i < 2 && byte_classes[t[*at]] == BYTE_SPACE; i++)
        ++*at;
    return *at > from;
}

/* Where the spelling begins whose number, or sign before one, is at `at`; NO_PLACE: it is part of
 * something else. */
static size_t beginning(struct splitter *s, size_t at)
{
    const uint8_t *t = s->scan.data;
    size_t len;
    if (at > 0 && (t[at - 1] == '-' || t[at - 1] == '+'))
        at--;
    if (at > 1 && t[at - 1] == ' ' && is_side(t[at - 2]) &&
        (at == 2 || kind_before(s, at - 2, &len) < KIND_MARK))
        return at - 2;
    if (at == 0)
        return 0;
    if (kind_before(s, at, &len) >= KIND_MARK || (t[at - 1] == '.' && at > 1 && digit(t[at - 2])))
        return NO_PLACE;
    return sign_in(t[at - 1], "$%") ? NO_PLACE : at;
}

/* Two axes from `at` on; *end: behind the second. */
static bool pair_at(struct splitter *s, size_t at, size_t *end)
{
    struct axis a, b;
    if (!axis_read(s, &at, &a) || (!pass_between(s->scan.data, &at) && !a.side) ||
        !axis_read(s, &at, &b))
        return false;
    /* "52.3702, 4.8951 e poi": of two numbers one alone has no side. */
    bool alone = !a.side && b.apart;
    if (alone)
        b.side = 0;
    *end = alone ? at - 2 : at;
    return pair_is(&a, &b);
}

void coordinates_try(struct splitter *s, size_t from)
{
    size_t at = beginning(s, from), end;
    if (at == NO_PLACE)
        return;
    /* The letter before may be a word by itself, or belong to what stands before it. */
    if (pair_at(s, at, &end))
        seen_add(s, WORDS_COORDINATES, at, end);
    else if (at + 1 < from && pair_at(s, at + 2, &end))
        seen_add(s, WORDS_COORDINATES, at + 2, end);
}

void coordinates_geo(struct splitter *s, size_t colon)
{
    const uint8_t *t = s->scan.data;
    struct axis a, b;
    size_t at = colon + 1;
    if (s->chain_to != colon || colon - s->part_from != 3 || memcmp(t + colon - 3, "geo", 3) != 0)
        return;
    if (axis_read(s, &at, &a) && pass(t, &at, ",") && axis_read(s, &at, &b) && !a.side &&
        (!b.side || b.apart) && within(&a, 90) && within(&b, 180))
        seen_add(s, WORDS_COORDINATES, colon - 3, b.apart ? at - 2 : at);
}

/* ---- links to maps ---- */

/* `host` with or without labels before it; one that ends in a point, with one or two labels behind.
 * Something must follow `path`. */
static const struct {
    const char *host, *path;
} maps[] = {
    {"google.", "/maps"},    {"maps.google.", "/"},      {"maps.app.goo.gl", "/"},
    {"goo.gl", "/maps"},     {"openstreetmap.org", "/"}, {"osm.org", "/"},
    {"maps.apple.com", "/"}, {"waze.com", "/"},          {"bing.com", "/maps"},
    {"yandex.", "/maps"},    {"maps.yandex.", "/"},      {"what3words.com", "/"},
    {"w3w.co", "/"},
};

static bool host_is(struct slice host, const char *name)
{
    size_t n = strlen(name);
    bool open = name[n - 1] == '.';
    for (size_t at = 0; host.len - at >= n; at++) {
        if ((at > 0 && host.data[at - 1] != '.') || memcmp(host.data + at, name, n) != 0)
            continue;
        size_t rest = host.len - at - n;
        if (open ? rest >= 2 && rest <= 6 : rest == 0)
            return true;
    }
    return false;
}

void coordinates_link(struct splitter *s, size_t from, size_t host, size_t to)
{
    const uint8_t *t = s->scan.data;
    size_t end = host;
    while (end < to && !sign_in(t[end], "/?#:"))
        end++;
    struct slice name = slice_of(t + host, end - host), rest = slice_of(t + end, to - end);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        size_t n = strlen(maps[i].path);
        if (rest.len > n && memcmp(rest.data, maps[i].path, n) == 0 && host_is(name, maps[i].host))
            seen_add(s, WORDS_COORDINATES, from, to);
    }
}
