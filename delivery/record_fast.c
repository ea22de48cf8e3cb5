/* record_fast — the line that nearly every line is, read in one pass: an object whose names are
 * spelled plainly, each there once, whose `kind` comes first or is that of the line before, so that
 * every value can be read by its type as soon as its name is known.
 *
 * It only ever says yes, and only where record_read.c would say the same with the same fields.
 * Whatever else it meets (a fault, an escaped name, another order of judgement) it gives up, and
 * the line is judged from its first byte by record_read.c, which alone knows the reasons. Spellings
 * that are right but rare (long numbers, nested values) are left to the general readers value by
 * value.
 *
 * Words of eight bytes are looked at instead of bytes: the usual name, handle and half of a time.
 */
#include "delivery/record_private.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))
#define SHORTEST 16 /* so that word_at may look back from the end */

/* The eight bytes at p, zeros behind the end of the line. The line has eight bytes. */
static inline uint64_t word_at(const uint8_t *p, const uint8_t *end)
{
    if (end - p >= 8)
        return load_u64(p);
    return end > p ? load_u64(end - 8) >> (8 * (8 - (size_t)(end - p))) : 0;
}

/* The high bit of each byte that is `byte`; true up to the first one. */
static inline uint64_t bytes_equal(uint64_t word, uint8_t byte)
{
    uint64_t x = word ^ EVERY(byte);
    return (x - EVERY(1)) & ~x & EVERY(0x80);
}

static inline const uint8_t *white_end(const uint8_t *p, const uint8_t *end)
{
    return p<end && * p> ' ' ? p : json_white_end(p, end);
}

/* As json_string_end; most strings end within a vector. */
static inline const uint8_t *text_end(const uint8_t *p, const uint8_t *end, unsigned *marks)
{
#ifdef __SSE2__
    if (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        const __m128i control = _mm_set1_epi8(0x1f);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_max_epu8(v, control), control));
        unsigned stop = (unsigned)_mm_movemask_epi8(hit);
        unsigned high = (unsigned)_mm_movemask_epi8(v);
        unsigned before = (stop & -stop) - 1; /* all, if there is no stop */
        if (stop && p[__builtin_ctz(stop)] == '"') {
            *marks |= high & before ? JSON_HIGH : 0;
            return p + __builtin_ctz(stop);
        }
    }
#endif
    return json_string_end(p, end, marks);
}

/* The known name that ends at the next quote; *p moves to that quote. */
static inline unsigned name_read(const struct record_key_table *t, const uint8_t **p,
                                 const uint8_t *end)
{
    uint64_t low = word_at(*p, end), high = 0;
    uint64_t quote = bytes_equal(low, '"');
    size_t len = 0;
    if (!quote) {
        if (end - *p <= 8)
            return KEY_UNKNOWN;
        len = 8;
        high = word_at(*p + 8, end);
        quote = bytes_equal(high, '"');
        if (!quote)
            return KEY_UNKNOWN;
    }
    unsigned rest = (unsigned)__builtin_ctzll(quote) / 8;
    uint64_t keep = (UINT64_C(1) << (8 * rest)) - 1;
    if (len)
        high &= keep;
    else
        low &= keep;
    len += rest;
    unsigned id = record_key_word_find(t, record_key_word(low, high, len));
    if (id != KEY_UNKNOWN)
        *p += len;
    return id;
}

/* Does that name with its colon stand at p? Asked of the name that came last behind the one before,
 * because a yes lets the processor go on to the value before the bytes are there. */
static inline bool name_stands(const struct record_key_spelling *s, const uint8_t *p,
                               const uint8_t *end)
{
    return end - p >= 16 && (((load_u64(p) ^ s->bytes.low) & s->mask.low) |
                             ((load_u64(p + 8) ^ s->bytes.high) & s->mask.high)) == 0;
}

/* ---- numbers ---- */

/* Eight digits 0 to 9, the first one lowest. */
static inline uint64_t digits_value(uint64_t d)
{
    d = d * 10 + (d >> 8);
    return ((d & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
            (d >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
           32;
}

/* The high bit of each byte that is above 9; true up to the first one. */
static inline uint64_t no_digits(uint64_t d) { return ((d + EVERY(0x76)) | d) & EVERY(0x80); }

/* 1 to 15 digits as JSON has them; NULL for any other number, which may be a good one. */
static inline const uint8_t *digits_read(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    static const uint64_t tens[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    uint64_t d = word_at(p, end) ^ EVERY('0');
    uint64_t stop = no_digits(d);
    if (stop) {
        unsigned n = (unsigned)__builtin_ctzll(stop) / 8;
        if (n == 0 || (n > 1 && (d & 0xff) == 0))
            return NULL;
        *out = digits_value(d << (64 - 8 * n));
        return p + n;
    }
    uint64_t e = word_at(p + 8, end) ^ EVERY('0');
    stop = no_digits(e);
    if (!stop || (d & 0xff) == 0)
        return NULL;
    unsigned n = (unsigned)__builtin_ctzll(stop) / 8;
    *out = digits_value(d) * tens[n] + (n ? digits_value(e << (64 - 8 * n)) : 0);
    return p + 8 + n;
}

/* May a number end before this byte? */
static inline bool ends_number(const uint8_t *p, const uint8_t *end)
{
    return p < end && (*p == ',' || *p == '}' || *p <= ' ');
}

/* ---- values: where they end, or NULL if it is not for the fast way to say ---- */

static inline const uint8_t *string_read(struct record_reader *r, const uint8_t *p,
                                         const uint8_t *end, unsigned id, struct record_text *out)
{
    unsigned marks = 0;
    if (*p != '"')
        return NULL;
    const uint8_t *stop = text_end(p + 1, end, &marks);
    if (!stop)
        return NULL;
    if (marks) {
        struct slice raw = slice_of(p, (size_t)(stop + 1 - p));
        if (!record_value_string(r, raw, marks, out))
            return NULL;
    } else {
        *out = (struct record_text){.s = slice_of(p + 1, (size_t)(stop - p - 1)), .present = true};
    }
    return record_string_allowed(id, out->s) ? stop + 1 : NULL;
}

static inline const uint8_t *when_read(const uint8_t *p, const uint8_t *end,
                                       struct record_when *out)
{
    uint64_t ms;
    const uint8_t *stop = digits_read(p, end, &ms);
    if (!stop || !ends_number(stop, end))
        return NULL;
    out->state = RTS_INSTANT;
    out->ms = (int64_t)ms;
    out->raw = slice_of(p, (size_t)(stop - p));
    return stop;
}

static inline const uint8_t *list_read(struct record_reader *r, const uint8_t *p,
                                       const uint8_t *end, enum record_list which,
                                       struct record_items *out)
{
    size_t n = 0;
    if (*p != '[')
        return NULL;
    p = white_end(p + 1, end);
    while (p < end && *p == '"') {
        unsigned marks = 0;
        const uint8_t *stop = text_end(p + 1, end, &marks);
        if (!stop || !RECORD_GROW(r, r->items[which], r->items_cap[which], n + 1))
            return NULL;
        r->items[which][n++] =
            record_string_decode(r, slice_of(p + 1, (size_t)(stop - p - 1)), marks);
        p = white_end(stop + 1, end);
        if (p == end || *p != ',')
            break;
        p = white_end(p + 1, end);
        if (p == end || *p != '"')
            return NULL;
    }
    if (n == 0 || p == end || *p != ']')
        return NULL;
    *out = (struct record_items){.items = r->items[which], .n = n, .present = true};
    return p + 1;
}

static inline const uint8_t *number_read(const uint8_t *p, const uint8_t *end, unsigned which,
                                         struct record *out)
{
    const uint8_t *stop = digits_read(p, end, &out->num[which]);
    if (!stop || !ends_number(stop, end))
        return NULL;
    out->num_present |= 1u << which;
    return stop;
}

static inline const uint8_t *typed_read(struct record_reader *r, const uint8_t *p,
                                        const uint8_t *end, unsigned id, struct record *out)
{
    if (id < KEY_TIMES)
        return string_read(r, p, end, id, &out->str[id]);
    if (id < KEY_INTS)
        return when_read(p, end, &out->time[id - KEY_TIMES]);
    if (id < KEY_LISTS)
        return number_read(p, end, id - KEY_INTS, out);
    if (id < KEY_KIND)
        return list_read(r, p, end, (enum record_list)(id - KEY_LISTS), &out->list[id - KEY_LISTS]);
    return NULL;
}

/* The general way for one value: its end, and if the kind knows its key, its meaning. */
static const uint8_t *any_read(struct record_reader *r, const uint8_t *p, const uint8_t *end,
                               unsigned id, bool known, struct record *out)
{
    unsigned marks;
    const uint8_t *stop = p;
    if (json_value_end(&stop, end, 1, &marks) != JSON_GOOD)
        return NULL;
    if (known && !record_value_read(r, id, slice_of(p, (size_t)(stop - p)), marks, out))
        return NULL;
    return stop;
}

static const uint8_t *kind_read(const uint8_t *p, const uint8_t *end, enum record_kind *kind)
{
    unsigned marks = 0;
    if (*p != '"')
        return NULL;
    const uint8_t *stop = text_end(p + 1, end, &marks);
    if (!stop || marks)
        return NULL;
    struct slice name = slice_of(p + 1, (size_t)(stop - p - 1));
    const char *usual = record_kind_name(*kind);
    if (!slice_eq_str(name, usual) && !record_kind_find(name, kind))
        return NULL;
    return stop + 1;
}

/* ---- the line ---- */

struct fast {
    const uint8_t *p, *end;
    enum record_kind kind;
    uint64_t known; /* keys of that kind */
    uint64_t seen, present;
    size_t n_unknown;
    unsigned last; /* the key before; of the first: KEY_UNKNOWN */
};

/* The name behind its opening quote and the colon. f->p moves behind them. False: give up. */
static inline bool key_read(struct fast *f, struct record_reader *r, unsigned *id,
                            struct slice *key)
{
    const uint8_t *p = f->p, *end = f->end, *name = p;
    unsigned guess = r->next_key[f->last];
    if (guess != KEY_UNKNOWN && name_stands(&r->keys->spelled[guess], p, end)) {
        *id = guess;
        *key = slice_of(name, r->keys->spelled[guess].len - 2);
        f->p += r->keys->spelled[guess].len;
        return true;
    }
    *id = name_read(r->keys, &p, end);
    if (*id == KEY_UNKNOWN) {
        unsigned marks = 0;
        p = json_string_end(name, end, &marks);
        if (!p || (marks & JSON_ESCAPED))
            return false;
        f->n_unknown++;
    } else {
        r->next_key[f->last] = (uint8_t)*id;
    }
    *key = slice_of(name, (size_t)(p - name));
    p = white_end(p + 1, end);
    if (p == end || *p != ':')
        return false;
    f->p = p + 1;
    return true;
}

/* From behind the quote that opens a name to behind its value. */
static inline bool pair_read(struct fast *f, struct record_reader *r, struct record *out)
{
    const uint8_t *end = f->end;
    unsigned id;
    struct slice key;
    if (!key_read(f, r, &id, &key))
        return false;
    uint64_t bit = id == KEY_UNKNOWN ? 0 : KEY_BIT(id);
    if (f->seen & bit)
        return false;
    f->last = id;
    const uint8_t *p = white_end(f->p, end);
    if (p == end)
        return false;
    const uint8_t *value = p;
    if (id == KEY_KIND) {
        enum record_kind guess = f->kind;
        p = kind_read(value, end, &f->kind);
        if (f->kind != guess && f->seen)
            return false; /* values were read as those of another kind */
        f->known = record_keys_known(f->kind);
    } else if (f->known & bit) {
        size_t bytes_used = r->bytes_used;
        p = typed_read(r, value, end, id, out);
        if (!p) {
            r->bytes_used = bytes_used;
            p = any_read(r, value, end, id, true, out);
        }
    } else {
        p = any_read(r, value, end, id, false, out);
    }
    if (!p)
        return false;
    if (!RECORD_GROW(r, r->pairs, r->pairs_cap, r->n_pairs + 1) ||
        !RECORD_GROW(r, r->marks, r->marks_cap, r->n_pairs + 1))
        return false;
    f->seen |= bit;
    f->present |= f->known & bit;
    bool known = (f->known & bit) != 0;
    r->marks[r->n_pairs].id = (uint8_t)id;
    r->pairs[r->n_pairs++] = (struct record_pair){.key = key,
                                                  .value = slice_of(value, (size_t)(p - value)),
                                                  .known = known,
                                                  .number = known ? (uint8_t)id : 0};
    f->p = p;
    return true;
}

static bool object_read(struct fast *f, struct record_reader *r, struct record *out)
{
    f->p++;
    for (;;) {
        f->p = white_end(f->p, f->end);
        if (f->p == f->end || *f->p != '"')
            return false;
        f->p++;
        if (!pair_read(f, r, out))
            return false;
        f->p = white_end(f->p, f->end);
        if (f->p == f->end)
            return false;
        if (*f->p == '}')
            return json_white_end(f->p + 1, f->end) == f->end;
        if (*f->p++ != ',')
            return false;
    }
}

bool record_fast_read(struct record_reader *r, struct slice line, struct record *out)
{
    if (line.len < SHORTEST || line.data[0] != '{')
        return false;
    struct fast f = {
        .p = line.data, .end = line.data + line.len, .kind = r->last_kind, .last = KEY_UNKNOWN};
    f.known = record_keys_known(f.kind);
    if (!object_read(&f, r, out) || !(f.seen & KEY_BIT(KEY_KIND)))
        return false;
    if (f.n_unknown > 1 && !record_names_differ(r))
        return false;
    if (!record_keys_enough(f.kind, f.present))
        return false;
    if (out->sealed && out->str[RS_TEXT].present)
        return false;
    out->kind = f.kind;
    out->pairs = r->pairs;
    out->n_pairs = r->n_pairs;
    return true;
}
