/* iban — international bank account numbers: a country of the registry, its length, and the check
 * digits by ISO 7064 (mod 97). Written in one piece, which is a word by itself, or in groups of
 * four with one blank or hyphen between them, the last one shorter; then the compact form is found
 * as a whole. Their digits are no phone numbers. */
#include "text/splitter_private.h"

#define IBAN_MAX 34
#define GROUP 4

/* By country, folded: "ad24". */
static const char lengths[][5] = {
    "ad24", "ae23", "al28", "at20", "az28", "ba20", "be16", "bg22", "bh22", "bi27", "br29", "by28",
    "ch21", "cr22", "cy28", "cz24", "de22", "dj27", "dk18", "do28", "ee20", "eg29", "es24", "fi18",
    "fk18", "fo18", "fr27", "gb22", "ge22", "gi23", "gl18", "gr27", "gt28", "hn28", "hr21", "hu28",
    "ie22", "il23", "iq23", "is26", "it27", "jo30", "kw30", "kz20", "lb28", "lc32", "li21", "lt20",
    "lu20", "lv21", "ly25", "mc27", "md24", "me22", "mk19", "mn20", "mr27", "mt31", "mu30", "ni28",
    "nl18", "no15", "om23", "pk24", "pl28", "ps29", "pt25", "qa29", "ro24", "rs22", "ru33", "sa24",
    "sc31", "sd18", "se24", "si19", "sk24", "sm27", "so23", "st25", "sv28", "tl23", "tn24", "tr26",
    "ua29", "va22", "vg24", "xk20", "ye30"};

/* 0: no such country. */
static size_t country_length(const uint8_t *country)
{
    size_t lo = 0, hi = sizeof lengths / sizeof *lengths;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = memcmp(country, lengths[mid], 2);
        if (c == 0)
            return (size_t)(lengths[mid][2] - '0') * 10 + (size_t)(lengths[mid][3] - '0');
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return 0;
}

static bool letter_or_digit(uint8_t c) { return byte_classes[c] <= BYTE_DIGIT; }

/* Country and check digits go to the end, letters count 10 to 35. */
static bool checks(const uint8_t *iban, size_t n)
{
    uint32_t rest = 0;
    unsigned check = (unsigned)(iban[2] - '0') * 10 + (unsigned)(iban[3] - '0');
    if (check < 2 || check > 98)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = iban[(i + GROUP) % n];
        rest = c <= '9' ? rest * 10 + (uint32_t)(c - '0') : rest * 100 + (uint32_t)(c - 'a') + 10;
        rest %= 97;
    }
    return rest == 1;
}

/* The signs of an IBAN of n signs that begins at `at`, in groups; end in *end. */
static bool grouped(const struct splitter *s, size_t at, size_t n, uint8_t *out, size_t *end)
{
    const uint8_t *t = s->scan.data;
    uint8_t sep = t[at + GROUP];
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && i % GROUP == 0 && t[at++] != sep)
            return false;
        if (!letter_or_digit(t[at]))
            return false;
        out[i] = t[at++];
    }
    *end = at;
    return true;
}

void iban_try(struct splitter *s, size_t from, size_t to)
{
    const uint8_t *t = s->scan.data;
    uint8_t iban[IBAN_MAX] = {0};
    size_t n = country_length(t + from), end = to, len;
    if (n == 0 || byte_classes[t[from + 2]] != BYTE_DIGIT ||
        byte_classes[t[from + 3]] != BYTE_DIGIT)
        return;
    if (to - from == n) {
        for (size_t i = from; i < to; i++)
            if (!letter_or_digit(t[i]))
                return;
        if (checks(t + from, n))
            seen_add(s, WORDS_IBAN, from, to);
        return;
    }
    if (to - from != GROUP || (t[to] != ' ' && t[to] != '-') || !grouped(s, from, n, iban, &end) ||
        kind_at(s, end, &len) >= KIND_MARK || !checks(iban, n))
        return;
    seen_add(s, WORDS_IBAN, from, end);
    s->phone_to = end;
    size_t off = s->phone_bytes.len;
    buf_put(&s->phone_bytes, iban, n);
    if (!s->phone_bytes.failed)
        whole_add_phone(s, from, end, off, n);
}
