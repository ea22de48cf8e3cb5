/* copies_extra — a device that writes `sent` as text with the offset of its zone says in it what
 * the document says as a number: the text is kept as that offset. */
#include "lictor/timestamp.h"
#include "store/copies_block.h"

#define MINUTE_IN_MS 60000
#define OFFSET_MAX (24 * 60 - 1)

static const char sent_key[] = "\"sent\":\"";

static char *digits_put(char *p, unsigned v, int n)
{
    for (int i = n; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + n;
}

static char *char_put(char *p, char c)
{
    *p = c;
    return p + 1;
}

static char *civil_put(char *p, const struct civil *t, bool ms)
{
    p = char_put(digits_put(p, (unsigned)t->year, 4), '-');
    p = char_put(digits_put(p, (unsigned)t->month, 2), '-');
    p = char_put(digits_put(p, (unsigned)t->day, 2), 'T');
    p = char_put(digits_put(p, (unsigned)t->hour, 2), ':');
    p = char_put(digits_put(p, (unsigned)t->minute, 2), ':');
    p = digits_put(p, (unsigned)t->second, 2);
    return ms ? digits_put(char_put(p, '.'), (unsigned)t->ms, 3) : p;
}

/* The instant as text in this form; its length, 0 if it has none. By hand: every copy of a device
 * that writes times so comes here, twice. */
static size_t instant_text(const struct extra_time *e, int64_t sent, char out[TIME_TEXT_SIZE])
{
    unsigned minutes = (unsigned)(e->offset < 0 ? -e->offset : e->offset);
    struct civil t;

    if (sent == TIME_NONE || sent <= 2 * OFFSET_MAX * MINUTE_IN_MS ||
        sent > TIME_MAX_MS - 2 * OFFSET_MAX * MINUTE_IN_MS)
        return 0;
    if (!(e->form & EXTRA_MS) && sent % 1000)
        return 0;
    civil_of(sent + (int64_t)e->offset * MINUTE_IN_MS, &t);
    char *p = civil_put(out, &t, e->form & EXTRA_MS);
    if (e->form & EXTRA_UTC)
        return (size_t)(char_put(p, 'Z') - out);
    p = digits_put(char_put(p, e->offset < 0 ? '-' : '+'), minutes / 60, 2);
    return (size_t)(digits_put(char_put(p, ':'), minutes % 60, 2) - out);
}

static bool time_is(const struct extra_time *e, int64_t sent, struct slice text)
{
    char again[TIME_TEXT_SIZE];
    size_t n = instant_text(e, sent, again);
    return n > 0 && slice_eq(slice_of(again, n), text);
}

void extra_take_apart(struct slice extra, int64_t sent, struct extra_time *out)
{
    const size_t key = sizeof sent_key - 1;
    struct rfc3339 t;

    *out = (struct extra_time){.before = extra};
    if (sent == TIME_NONE || extra.len <= key)
        return;
    const uint8_t *at = memmem(extra.data, extra.len, sent_key, key);
    if (!at)
        return;
    const uint8_t *from = at + key, *end = extra.data + extra.len;
    const uint8_t *to = memchr(from, '"', (size_t)(end - from));
    struct slice text = slice_of(from, to ? (size_t)(to - from) : 0);
    if (text.len < 20 || !rfc3339_parse(text, &t) || !t.has_offset ||
        t.offset_minutes > OFFSET_MAX || t.offset_minutes < -OFFSET_MAX)
        return;
    struct extra_time e = {.form = EXTRA_TIME,
                           .offset = t.offset_minutes,
                           .before = slice_of(extra.data, (size_t)(from - extra.data)),
                           .after = slice_of(to, (size_t)(end - to))};
    e.form |= from[19] == '.' ? (unsigned)EXTRA_MS : 0;
    e.form |= to[-1] == 'Z' ? (unsigned)EXTRA_UTC : 0;
    if (time_is(&e, sent, text))
        *out = e;
}

enum status extra_put_together(const struct extra_time *e, int64_t sent, struct arena *a,
                               struct slice *out, struct err *err)
{
    char text[TIME_TEXT_SIZE];
    size_t n = e->form ? instant_text(e, sent, text) : 0;

    if (e->form && n == 0)
        return err_set(err, ST_DAMAGED, "copies: a time stands in the place of none");
    uint8_t *p = arena_alloc(a, e->before.len + n + e->after.len);
    if (!p)
        return err_no_memory(err);
    *out = slice_of(p, e->before.len + n + e->after.len);
    memcpy(p, e->before.data, e->before.len);
    if (!e->form)
        return ST_OK;
    memcpy(p + e->before.len, text, n);
    memcpy(p + e->before.len + n, e->after.data, e->after.len);
    return ST_OK;
}
