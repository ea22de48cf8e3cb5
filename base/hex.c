/* hex — hex and base64. Decoding is strict: one text, one value. */
#include "lictor/bytes.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const uint8_t *in, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        *out++ = hex_digits[in[i] >> 4];
        *out++ = hex_digits[in[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int hi = hex_value(in[2 * i]);
        /* The second digit is read only behind a good first one: `in` may end early. */
        int lo = hi < 0 ? -1 : hex_value(in[2 * i + 1]);
        if (lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

void base64_encode(struct slice in, struct buf *out)
{
    uint8_t *p = buf_reserve(out, in.len / 3 * 4 + 4);
    if (!p)
        return;
    size_t n = 0, i = 0;
    for (; in.len - i >= 3; i += 3) {
        uint32_t v = (uint32_t)in.data[i] << 16 | (uint32_t)in.data[i + 1] << 8 | in.data[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            p[n++] = (uint8_t)base64_digits[v >> shift & 63];
    }
    size_t left = in.len - i;
    if (left > 0) {
        uint32_t v = (uint32_t)in.data[i] << 16 | (left == 2 ? (uint32_t)in.data[i + 1] << 8 : 0);
        p[n++] = (uint8_t)base64_digits[v >> 18 & 63];
        p[n++] = (uint8_t)base64_digits[v >> 12 & 63];
        p[n++] = left == 2 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
        p[n++] = '=';
    }
    out->len += n;
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct slice in, bool padded, uint8_t *out, size_t *out_len)
{
    size_t len = in.len;
    if (padded) {
        if (len % 4 != 0)
            return false;
        for (int i = 0; i < 2 && len > 0 && in.data[len - 1] == '='; i++)
            len--;
    }
    if (len % 4 == 1)
        return false;
    size_t n = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        int v = base64_value(in.data[i]);
        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (uint8_t)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1))
        return false;
    *out_len = n;
    return true;
}
