/* zone — offsets from ICU's copy of the zone database. */
#include "lictor/zone.h"

#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#define NAME_MAX_LEN 63
#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

struct zone {
    UCalendar *calendar; /* NULL: `fixed` holds at all times */
    int64_t fixed;
    char name[NAME_MAX_LEN + 1];
};

static bool two_digits(const char *s, int max, int *out)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *out = (s[0] - '0') * 10 + (s[1] - '0');
    return *out <= max;
}

/* "UTC", "Z" or "+hh:mm". */
static bool fixed_parse(const char *name, int64_t *offset)
{
    int hours, minutes;
    *offset = 0;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0)
        return true;
    if (strlen(name) != 6 || (name[0] != '+' && name[0] != '-') || name[3] != ':')
        return false;
    if (!two_digits(name + 1, 23, &hours) || !two_digits(name + 4, 59, &minutes))
        return false;
    *offset = (hours * 60 + minutes) * MINUTE_MS * (name[0] == '-' ? -1 : 1);
    return true;
}

/* ICU knows abbreviations that are no IANA names and mean other places than a reader thinks: BST
 * is Bangladesh. Those of three letters that IANA has are named here. */
static bool abbreviation_refused(const char *name)
{
    static const char iana[][4] = {"CET", "EET", "EST", "GMT", "HST", "MET", "MST",
                                   "PRC", "ROC", "ROK", "UCT", "UTC", "WET"};
    if (strlen(name) != 3)
        return false;
    for (size_t i = 0; i < sizeof iana / sizeof *iana; i++)
        if (strcmp(name, iana[i]) == 0)
            return false;
    return true;
}

static bool name_plain(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_LEN &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
               len;
}

/* ICU takes any name and makes GMT of those it does not know, so ask before. */
static bool name_known(const UChar *name, int32_t len)
{
    UErrorCode e = U_ZERO_ERROR;
    UBool system = 0;
    UChar canonical[128], unknown[16];
    int32_t n = ucal_getCanonicalTimeZoneID(name, len, canonical, 128, &system, &e);
    u_uastrcpy(unknown, "Etc/Unknown");
    return U_SUCCESS(e) && system && n < 128 && u_strcmp(canonical, unknown) != 0;
}

static enum status calendar_open(struct zone *z, struct err *err)
{
    UChar name[NAME_MAX_LEN + 1];
    int32_t len = (int32_t)strlen(z->name);
    u_charsToUChars(z->name, name, len);
    if (abbreviation_refused(z->name) || !name_known(name, len))
        return err_set(err, ST_BAD_INPUT,
                       "no time zone \"%s\": give an IANA name such as Europe/Paris, UTC, or an "
                       "offset such as +02:00",
                       z->name);
    UErrorCode e = U_ZERO_ERROR;
    z->calendar = ucal_open(name, len, "en", UCAL_GREGORIAN, &e);
    if (e == U_MEMORY_ALLOCATION_ERROR)
        return err_no_memory(err);
    if (U_FAILURE(e))
        return err_set(err, ST_IO, "ICU cannot open time zone \"%s\": %s", z->name, u_errorName(e));
    return ST_OK;
}

enum status zone_open(const char *name, struct zone **out, struct err *err)
{
    int64_t fixed = 0;
    bool is_fixed = fixed_parse(name, &fixed);
    if (!is_fixed && !name_plain(name))
        return err_set(err, ST_BAD_INPUT,
                       "this is no time zone: give an IANA name such as Europe/Paris, UTC, or an "
                       "offset such as +02:00");
    struct zone *z = calloc(1, sizeof *z);
    if (!z)
        return err_no_memory(err);
    memcpy(z->name, name, strlen(name));
    z->fixed = fixed;
    enum status st = is_fixed ? ST_OK : calendar_open(z, err);
    if (st != ST_OK) {
        zone_close(z);
        return st;
    }
    *out = z;
    return ST_OK;
}

void zone_close(struct zone *z)
{
    if (!z)
        return;
    if (z->calendar)
        ucal_close(z->calendar);
    free(z);
}

/* Into what a calendar can hold; offsets do not change out there. */
static int64_t instant_clamp(int64_t ms)
{
    const int64_t most = TIME_MAX_MS + DAY_MS, least = -most;
    return ms > most ? most : ms < least ? least : ms;
}

int64_t zone_offset(struct zone *z, int64_t utc_ms)
{
    if (!z->calendar)
        return z->fixed;
    UErrorCode e = U_ZERO_ERROR;
    ucal_setMillis(z->calendar, (UDate)instant_clamp(utc_ms), &e);
    int32_t standard = ucal_get(z->calendar, UCAL_ZONE_OFFSET, &e);
    int32_t summer = ucal_get(z->calendar, UCAL_DST_OFFSET, &e);
    return U_SUCCESS(e) ? (int64_t)standard + summer : 0;
}

/* The offsets a day before and a day after decide, since no zone changes twice in two days: the
 * first one, if the clock shows that time under it or under none; else the second. */
int64_t zone_to_utc(struct zone *z, int64_t local_ms)
{
    int64_t near = instant_clamp(local_ms);
    int64_t before = zone_offset(z, near - DAY_MS), after = zone_offset(z, near + DAY_MS);
    int64_t offset = before;
    if (before != after && zone_offset(z, near - before) != before &&
        zone_offset(z, near - after) == after)
        offset = after;
    if (offset > 0 ? local_ms < INT64_MIN + offset : local_ms > INT64_MAX + offset)
        return local_ms;
    return local_ms - offset;
}

const char *zone_name(const struct zone *z) { return z->name; }
