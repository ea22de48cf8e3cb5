/* bech32 — BIP 173: a BCH code over GF(32) on hrp and data, five bits a character.
 * The hrp goes into the checksum in lower case, whatever case the text is written in. */
#include "delivery/bech32.h"

static const char bech32_digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

enum letter_case { CASE_NONE, CASE_LOWER, CASE_UPPER, CASE_MIXED };

static bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }

static bool is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }

static uint8_t to_lower(uint8_t c) { return is_upper(c) ? (uint8_t)(c + ('a' - 'A')) : c; }

static enum letter_case case_of(struct slice s)
{
    bool lower = false, upper = false;
    for (size_t i = 0; i < s.len; i++) {
        lower |= is_lower(s.data[i]);
        upper |= is_upper(s.data[i]);
    }
    if (lower && upper)
        return CASE_MIXED;
    return lower ? CASE_LOWER : upper ? CASE_UPPER : CASE_NONE;
}

static uint32_t checksum_add(uint32_t sum, uint8_t value)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++)
        sum ^= (top >> i & 1) ? generator[i] : 0;
    return sum;
}

/* False if a character may not stand in an hrp. */
static bool checksum_hrp(struct slice hrp, uint32_t *sum)
{
    uint32_t s = 1;
    if (hrp.len == 0)
        return false;
    for (size_t i = 0; i < hrp.len; i++) {
        if (hrp.data[i] < 33 || hrp.data[i] > 126)
            return false;
        s = checksum_add(s, to_lower(hrp.data[i]) >> 5);
    }
    s = checksum_add(s, 0);
    for (size_t i = 0; i < hrp.len; i++)
        s = checksum_add(s, to_lower(hrp.data[i]) & 31);
    *sum = s;
    return true;
}

static bool digit_value(uint8_t c, uint8_t *value)
{
    const char *p = c ? strchr(bech32_digits, to_lower(c)) : NULL;
    if (!p)
        return false;
    *value = (uint8_t)(p - bech32_digits);
    return true;
}

bool bech32_decode(struct slice text, struct slice *hrp, uint8_t data[BECH32_DATA_MAX], size_t *len)
{
    if (text.len > BECH32_TEXT_MAX || case_of(text) == CASE_MIXED)
        return false;
    size_t one = text.len;
    while (one > 0 && text.data[one - 1] != '1')
        one--;
    if (one == 0 || text.len - one < BECH32_CHECKSUM)
        return false;
    struct slice head = slice_of(text.data, one - 1);
    uint32_t sum;
    if (!checksum_hrp(head, &sum))
        return false;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0, end = text.len - BECH32_CHECKSUM;
    for (size_t i = one; i < text.len; i++) {
        uint8_t value;
        if (!digit_value(text.data[i], &value))
            return false;
        sum = checksum_add(sum, value);
        if (i >= end)
            continue;
        bits = (bits << 5 | value) & 0xfff;
        held += 5;
        if (held >= 8) {
            held -= 8;
            data[n++] = (uint8_t)(bits >> held);
        }
    }
    if (sum != 1 || held >= 5 || (bits & ((1u << held) - 1)))
        return false;
    *hrp = head;
    *len = n;
    return true;
}

bool bech32_encode(const char *hrp, const uint8_t *data, size_t len, char *out, size_t cap)
{
    struct slice head = slice_str(hrp);
    enum letter_case letters = case_of(head);
    uint32_t sum;
    if (letters == CASE_NONE || letters == CASE_MIXED || len > BECH32_DATA_MAX ||
        !checksum_hrp(head, &sum))
        return false;
    size_t digits = (len * 8 + 4) / 5, total = head.len + 1 + digits + BECH32_CHECKSUM;
    if (head.len > BECH32_TEXT_MAX || total > BECH32_TEXT_MAX || total >= cap)
        return false;
    memcpy(out, hrp, head.len);
    out[head.len] = '1';
    char *p = out + head.len + 1;
    for (size_t i = 0; i < digits; i++) {
        size_t at = i * 5 / 8, shift = 11 - i * 5 % 8;
        uint32_t pair = (uint32_t)data[at] << 8 | (at + 1 < len ? data[at + 1] : 0);
        uint8_t value = (uint8_t)(pair >> shift & 31);
        sum = checksum_add(sum, value);
        *p++ = bech32_digits[value];
    }
    for (int i = 0; i < BECH32_CHECKSUM; i++)
        sum = checksum_add(sum, 0);
    sum ^= 1;
    for (int i = BECH32_CHECKSUM - 1; i >= 0; i--)
        *p++ = bech32_digits[sum >> (5 * i) & 31];
    *p = '\0';
    for (char *c = out + head.len + 1; letters == CASE_UPPER && *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - ('a' - 'A'));
    return true;
}
