/* copies_extra — a device that writes `sent` as text with the offset of its zone says in it what
 * the document says as a number: the text is kept as that offset. */
#include <stdio.h>

#include "lictor/timestamp.h"
#include "store/copies_block.h"

#define MINUTE_IN_MS 60000
#define OFFSET_MAX (24 * 60 - 1)

static const char sent_key[] = "\"sent\":\"";

/* The instant as text in this form, with a zero; its length, 0 if it has none. */
static size_t instant_text(const struct extra_time *e, int64_t sent, char out[TIME_TEXT_SIZE])
{
    char all[TIME_TEXT_SIZE];

    if (sent == TIME_NONE || sent <= 2 * OFFSET_MAX * MINUTE_IN_MS ||
        sent > TIME_MAX_MS - 2 * OFFSET_MAX * MINUTE_IN_MS)
        return 0;
    if (!(e->form & EXTRA_MS) && sent % 1000)
        return 0;
    time_text(sent + (int64_t)e->offset * MINUTE_IN_MS, all);
    int n = snprintf(out, TIME_TEXT_SIZE, "%.*s", e->form & EXTRA_MS ? 23 : 19, all);
    unsigned minutes = (unsigned)(e->offset < 0 ? -e->offset : e->offset);
    if (e->form & EXTRA_UTC)
        n += snprintf(out + n, TIME_TEXT_SIZE - (size_t)n, "Z");
    else
        n += snprintf(out + n, TIME_TEXT_SIZE - (size_t)n, "%c%02u:%02u", e->offset < 0 ? '-' : '+',
                      minutes / 60, minutes % 60);
    return (size_t)n;
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
