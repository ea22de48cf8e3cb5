/* lang_time — a year, month, day, hour, minute or second of a query as the instants it covers.
 * Without an offset it is local to the zone, and each end is turned to UTC by itself: the first
 * instant at which the clocks show it, or, where they skip it, go on behind it. So a day of 23 or
 * 25 hours is whole, also one without midnight. A time of day that clocks show twice is meant both
 * times. */
#include "query/lang.h"

struct scan {
    struct slice s;
    size_t pos;
    bool bad;
};

static int digits(struct scan *c, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++, c->pos++) {
        if (c->pos >= c->s.len || c->s.data[c->pos] < '0' || c->s.data[c->pos] > '9') {
            c->bad = true;
            return 0;
        }
        v = v * 10 + (c->s.data[c->pos] - '0');
    }
    return v;
}

static bool sign(struct scan *c, const char *any)
{
    if (c->pos >= c->s.len || !c->s.data[c->pos] || !strchr(any, c->s.data[c->pos]))
        return false;
    c->pos++;
    return true;
}

static bool at_end(const struct scan *c) { return c->pos >= c->s.len; }

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool lang_span_has(const struct lang_span *span, int64_t ms)
{
    return (ms >= span->from && ms < span->to) ||
           (span->again > 0 && ms - span->again >= span->from && ms - span->again < span->to);
}

static const char malformed[] =
    "takes 2020, 2020-04, 2020-04-02, 2020-04-02T18 or 2020-04-02T18:23:11Z; on: also X..Y";

#define DAY_MS INT64_C(86400000)

/* Z, +hh:mm or nothing: milliseconds east of UTC. */
static bool scan_offset(struct scan *c, bool *given, int64_t *offset_ms)
{
    *given = false;
    *offset_ms = 0;
    if (at_end(c))
        return true;
    *given = true;
    if (sign(c, "Zz"))
        return at_end(c);
    bool west = c->s.data[c->pos] == '-';
    if (!sign(c, "+-"))
        return false;
    int h = digits(c, 2);
    bool colon = sign(c, ":");
    int m = digits(c, 2);
    *offset_ms = (int64_t)(h * 60 + m) * 60000 * (west ? -1 : 1);
    return colon && !c->bad && h < 24 && m < 60 && at_end(c);
}

/* First instant at which the clocks show `local` or later. */
static int64_t first_instant(struct zone *z, int64_t local)
{
    int64_t at = zone_to_utc(z, local), offset = zone_offset(z, at);
    if (at + offset <= local)
        return at;
    /* Skipped: zone_to_utc went on behind by what is missing. Back to where clocks were changed. */
    int64_t lo = at - DAY_MS, hi = at;
    if (zone_offset(z, lo) == offset)
        return at;
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (zone_offset(z, mid) == offset)
            hi = mid;
        else
            lo = mid;
    }
    return hi;
}

/* How much later the clocks show the same again; 0 if they do not. */
static int64_t shown_again(struct zone *z, int64_t first)
{
    int64_t now = zone_offset(z, first), later = zone_offset(z, first + DAY_MS);
    return now > later && zone_offset(z, first + (now - later)) == later ? now - later : 0;
}

/* hh[:mm[:ss[.fff]]] after the T; *unit: how long what is written lasts. */
static const char *scan_clock(struct scan *c, struct civil *t, int64_t *unit)
{
    *unit = 3600000;
    t->hour = digits(c, 2);
    if (!c->bad && sign(c, ":")) {
        t->minute = digits(c, 2);
        *unit = 60000;
    }
    if (!c->bad && *unit == 60000 && sign(c, ":")) {
        t->second = digits(c, 2);
        *unit = 1000;
        if (!c->bad && sign(c, "."))
            do {
                t->ms += digits(c, 1) * (int)(*unit /= 10);
            } while (!c->bad && *unit > 1 && !at_end(c) && c->s.data[c->pos] >= '0' &&
                     c->s.data[c->pos] <= '9');
    }
    if (c->bad)
        return malformed;
    if (t->hour > 23 || t->minute > 59 || t->second > 59)
        return "there is no such time of day";
    return NULL;
}

/* The date, and the local time at which it ends. */
static const char *scan_date(struct scan *c, struct civil *t, bool *day, int64_t *end)
{
    t->year = digits(c, 4);
    bool month = !c->bad && sign(c, "-");
    if (month)
        t->month = digits(c, 2);
    *day = month && !c->bad && sign(c, "-");
    if (*day)
        t->day = digits(c, 2);
    if (c->bad)
        return malformed;
    if (t->year < 1 || t->month < 1 || t->month > 12 || t->day < 1 ||
        t->day > month_days(t->year, t->month))
        return "there is no such day";
    int year = t->year + (!month || (!*day && t->month == 12));
    int next = !month || t->month == 12 ? 1 : t->month + 1;
    *end = *day ? civil_ms(t) + DAY_MS : civil_days(year, next, 1) * DAY_MS;
    return NULL;
}

const char *parse_span(struct slice s, struct zone *zone, struct lang_span *out)
{
    struct scan c = {.s = s};
    struct civil t = {.month = 1, .day = 1};
    int64_t end = 0, unit = 0, offset;
    bool day, given;
    const char *wrong = scan_date(&c, &t, &day, &end);
    if (!wrong && day && sign(&c, "Tt ")) {
        wrong = scan_clock(&c, &t, &unit);
        end = civil_ms(&t) + unit;
    }
    if (!wrong && !scan_offset(&c, &given, &offset))
        wrong = malformed;
    if (wrong)
        return wrong;
    *out = (struct lang_span){.from = civil_ms(&t) - offset, .to = end - offset};
    if (given)
        return NULL;
    out->from = first_instant(zone, civil_ms(&t));
    out->to = first_instant(zone, end);
    if (unit == 0 || unit == 3600000 || out->to == out->from)
        return NULL;
    /* Less than an hour, of one of the two times where they are two. */
    out->to = out->from + unit;
    out->again = shown_again(zone, out->from);
    return NULL;
}

const char *parse_time(struct slice s, struct zone *zone, int64_t *from, int64_t *to)
{
    struct lang_span span;
    const char *wrong = parse_span(s, zone, &span);
    if (!wrong) {
        *from = span.from;
        *to = span.to;
    }
    return wrong;
}
