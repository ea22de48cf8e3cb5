/* lang_time — a year, month, day, minute or second of a query as the instants it covers. Without an
 * offset it is local to the zone; each end is turned to UTC by itself, so a day of 23 or 25 hours
 * is whole. */
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

static const char malformed[] =
    "takes 2020, 2020-04, 2020-04-02 or 2020-04-02T18:23:11Z; on: also X..Y";

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

/* hh:mm[:ss[.fff]] and the offset, after the T. */
static const char *scan_clock(struct scan *c, struct civil *t, struct zone *zone, int64_t *from,
                              int64_t *to)
{
    int64_t unit = 60000, offset;
    bool given;
    t->hour = digits(c, 2);
    c->bad |= !sign(c, ":");
    t->minute = digits(c, 2);
    if (!c->bad && sign(c, ":")) {
        t->second = digits(c, 2);
        unit = 1000;
        if (!c->bad && sign(c, "."))
            do {
                t->ms += digits(c, 1) * (int)(unit /= 10);
            } while (!c->bad && unit > 1 && !at_end(c) && c->s.data[c->pos] >= '0' &&
                     c->s.data[c->pos] <= '9');
    }
    if (c->bad || !scan_offset(c, &given, &offset))
        return malformed;
    if (t->hour > 23 || t->minute > 59 || t->second > 59)
        return "there is no such time of day";
    int64_t local = civil_ms(t);
    *from = given ? local - offset : zone_to_utc(zone, local);
    *to = *from + unit;
    return NULL;
}

const char *parse_time(struct slice s, struct zone *zone, int64_t *from, int64_t *to)
{
    struct scan c = {.s = s};
    struct civil t = {.month = 1, .day = 1}, end;
    t.year = digits(&c, 4);
    bool month = !c.bad && sign(&c, "-");
    if (month)
        t.month = digits(&c, 2);
    bool day = month && !c.bad && sign(&c, "-");
    if (day)
        t.day = digits(&c, 2);
    if (c.bad)
        return malformed;
    if (t.year < 1 || t.month < 1 || t.month > 12 || t.day < 1 ||
        t.day > month_days(t.year, t.month))
        return "there is no such day";
    if (day && sign(&c, "Tt "))
        return scan_clock(&c, &t, zone, from, to);
    if (!at_end(&c))
        return malformed;
    end = t;
    if (!month)
        end.year++;
    else if (!day && ++end.month > 12)
        end = (struct civil){.year = t.year + 1, .month = 1, .day = 1};
    int64_t last = day ? civil_ms(&t) + INT64_C(86400000)
                       : civil_days(end.year, end.month, end.day) * INT64_C(86400000);
    *from = zone_to_utc(zone, civil_ms(&t));
    *to = zone_to_utc(zone, last);
    return NULL;
}
