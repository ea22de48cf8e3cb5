/* timestamp — civil dates by Howard Hinnant's day arithmetic (eras of 400 years, years begin in
 * March, so that the leap day comes last). */
#include "lictor/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)
#define FIXED_LEN 19                         /* "2020-04-02T18:23:11" */
#define OFFSET_LEN 5                         /* "02:00" */
#define TIME_MIN_MS INT64_C(-62135596800000) /* 0001-01-01T00:00:00Z */

static int64_t div_floor(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int64_t civil_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = div_floor(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t civil_ms(const struct civil *c)
{
    int64_t days = civil_days(c->year, c->month, c->day);
    int64_t seconds = (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
    return days * DAY_MS + seconds * 1000 + c->ms;
}

void civil_of(int64_t ms, struct civil *out)
{
    int64_t days = div_floor(ms, DAY_MS);
    int64_t rest = ms - days * DAY_MS;
    int64_t z = days + 719468;
    int64_t era = div_floor(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *out = (struct civil){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(day_of_year - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .ms = (int)(rest % 1000),
    };
}

int civil_weekday(int64_t ms)
{
    int64_t days = div_floor(ms, DAY_MS) + 3; /* 1970-01-01 was a Thursday */
    return (int)(days - div_floor(days, 7) * 7);
}

/* Two decimal digits, or a negative number. */
static int two_digits(const uint8_t *p)
{
    unsigned a = p[0] - (unsigned)'0', b = p[1] - (unsigned)'0';
    return a <= 9 && b <= 9 ? (int)(a * 10 + b) : -1;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* ".123…": the first three digits count, the others must be digits. */
static int fraction_take(struct cursor *c)
{
    int ms = 0, weight = 100;
    bool any = false;
    while (c->pos < c->len && c->data[c->pos] >= '0' && c->data[c->pos] <= '9') {
        ms += (c->data[c->pos++] - '0') * weight;
        weight /= 10;
        any = true;
    }
    c->bad |= !any;
    return ms;
}

/* Nothing, "Z" or "+hh:mm". */
static void offset_take(struct cursor *c, struct rfc3339 *r)
{
    if (cursor_left(c) == 0)
        return;
    uint8_t b = cursor_u8(c);
    r->has_offset = true;
    if (b == 'Z' || b == 'z')
        return;
    const uint8_t *p = cursor_bytes(c, OFFSET_LEN).data;
    if (c->bad || (b != '+' && b != '-')) {
        c->bad = true;
        return;
    }
    int hours = two_digits(p), minutes = two_digits(p + 3);
    c->bad |= hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || p[2] != ':';
    r->offset_minutes = (b == '-' ? -1 : 1) * (hours * 60 + minutes);
}

/* The date and the time of day, which have one width; false if malformed. A delivery may have three
 * of them in every record, so this is done without a cursor. */
static bool fixed_parse(const uint8_t p[FIXED_LEN], struct civil *t)
{
    int century = two_digits(p), year = two_digits(p + 2);
    t->year = century * 100 + year;
    t->month = two_digits(p + 5);
    t->day = two_digits(p + 8);
    t->hour = two_digits(p + 11);
    t->minute = two_digits(p + 14);
    t->second = two_digits(p + 17);
    int bad = century | year | t->month | t->day | t->hour | t->minute | t->second;
    return bad >= 0 && p[4] == '-' && p[7] == '-' &&
           (p[10] == 'T' || p[10] == 't' || p[10] == ' ') && p[13] == ':' && p[16] == ':';
}

bool rfc3339_parse(struct slice s, struct rfc3339 *out)
{
    struct civil t = {0};
    if (s.len < FIXED_LEN || !fixed_parse(s.data, &t))
        return false;
    struct cursor c = cursor_of(slice_of(s.data + FIXED_LEN, s.len - FIXED_LEN));
    if (cursor_left(&c) > 0 && c.data[c.pos] == '.') {
        c.pos++;
        t.ms = fraction_take(&c);
    }
    struct rfc3339 r = {0};
    offset_take(&c, &r);
    if (c.bad || cursor_left(&c) > 0)
        return false;
    if (t.year < 1 || t.month < 1 || t.month > 12 || t.day < 1 ||
        t.day > month_days(t.year, t.month))
        return false;
    if (t.hour > 23 || t.minute > 59 || t.second > 60)
        return false;
    if (t.second == 60) {
        t.second = 59;
        t.ms = 999;
    }
    r.local_ms = civil_ms(&t);
    int64_t utc = r.local_ms - (int64_t)r.offset_minutes * 60000;
    if (utc < TIME_MIN_MS || utc > TIME_MAX_MS)
        return false;
    *out = r;
    return true;
}

static char *digits_put(char *p, int v, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + digits;
}

void time_text(int64_t ms, char out[TIME_TEXT_SIZE])
{
    if (ms < TIME_MIN_MS || ms > TIME_MAX_MS) {
        snprintf(out, TIME_TEXT_SIZE, "%" PRId64, ms);
        return;
    }
    /* By hand: this stands in the output path of every hit. */
    struct civil c;
    civil_of(ms, &c);
    char *p = digits_put(out, c.year, 4);
    *p++ = '-';
    p = digits_put(p, c.month, 2);
    *p++ = '-';
    p = digits_put(p, c.day, 2);
    *p++ = 'T';
    p = digits_put(p, c.hour, 2);
    *p++ = ':';
    p = digits_put(p, c.minute, 2);
    *p++ = ':';
    p = digits_put(p, c.second, 2);
    *p++ = '.';
    p = digits_put(p, c.ms, 3);
    *p++ = 'Z';
    *p = '\0';
}
