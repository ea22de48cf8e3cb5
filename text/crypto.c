/* crypto — addresses of cryptocurrencies, each a word by itself, each told by its checksum:
 *   Bitcoin   base58check with version 0 (1...) or 5 (3...); bech32 and bech32m with hrp bc, with
 *             the program lengths of BIP 141 and 350, all lower or all upper case
 *   Ethereum  0x and 40 hex digits; where letters of both cases stand in it, the case is the
 *             checksum of EIP-55. One case alone has no checksum and is taken
 *   Tron      base58check with version 0x41 (T...)
 *   Monero    base58 in blocks with a Keccak checksum: standard, integrated, sub-address
 * Test networks are left out. The word is looked at as written: folding took the case away. */
#include "text/checksum.h"
#include "text/splitter_private.h"

#define BASE58_BYTES 25
#define MONERO_MAX 77

static int digit58(uint8_t c)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const char *p = c ? strchr(digits, c) : NULL;
    return p ? (int)(p - digits) : -1;
}

/* Big-endian number of exactly `n` bytes; false if it is no such number. */
static bool base58(struct slice s, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    for (size_t i = 0; i < s.len; i++) {
        int carry = digit58(s.data[i]);
        if (carry < 0)
            return false;
        for (size_t k = n; k-- > 0;) {
            carry += 58 * out[k];
            out[k] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    return true;
}

/* One spelling only: as many leading 1 as there are leading zero bytes. */
static bool spelled58(struct slice s, const uint8_t *bytes, size_t n)
{
    size_t ones = 0, zeros = 0;
    while (ones < s.len && s.data[ones] == '1')
        ones++;
    while (zeros < n && bytes[zeros] == 0)
        zeros++;
    return ones == zeros;
}

static bool base58check(struct slice s)
{
    uint8_t bytes[BASE58_BYTES], hash[32];
    if (s.len < 26 || s.len > 35 || !base58(s, bytes, sizeof bytes) ||
        !spelled58(s, bytes, sizeof bytes))
        return false;
    if (bytes[0] != 0 && bytes[0] != 5 && bytes[0] != 0x41)
        return false;
    checksum_sha256(bytes, BASE58_BYTES - 4, hash);
    checksum_sha256(hash, sizeof hash, hash);
    return memcmp(hash, bytes + BASE58_BYTES - 4, 4) == 0;
}

/* Blocks of 11 digits are 8 bytes, the last one is shorter. */
static bool monero(struct slice s)
{
    static const uint8_t sizes[] = {0, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8};
    uint8_t bytes[MONERO_MAX + 8], hash[32];
    size_t n = 0;
    if (s.len != 95 && s.len != 106)
        return false;
    for (size_t at = 0; at < s.len; at += 11) {
        size_t digits = s.len - at < 11 ? s.len - at : 11;
        if (!base58(slice_of(s.data + at, digits), bytes + n, sizes[digits]))
            return false;
        n += sizes[digits];
    }
    if (bytes[0] != 18 && bytes[0] != 19 && bytes[0] != 42)
        return false;
    if ((n == MONERO_MAX) != (bytes[0] == 19))
        return false;
    checksum_keccak256(bytes, n - 4, hash);
    return memcmp(hash, bytes + n - 4, 4) == 0;
}

static uint32_t polymod(uint32_t c, unsigned v)
{
    static const uint32_t g[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    uint32_t top = c >> 25;
    c = (c & 0x1ffffff) << 5 ^ v;
    for (int i = 0; i < 5; i++)
        if (top >> i & 1)
            c ^= g[i];
    return c;
}

static bool segwit(struct slice s)
{
    static const char digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    uint32_t c = 1;
    bool lower = false, upper = false;
    unsigned version = 0, last = 0;
    if (s.len < 14 || s.len > 74)
        return false;
    static const uint8_t hrp[] = {3, 3, 0, 2, 3}; /* of "bc" */
    for (size_t i = 0; i < sizeof hrp; i++)
        c = polymod(c, hrp[i]);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t ch = s.data[i];
        lower |= ch >= 'a' && ch <= 'z';
        upper |= ch >= 'A' && ch <= 'Z';
        if (ch >= 'A' && ch <= 'Z')
            ch = (uint8_t)(ch + 32);
        if (i < 3) {
            if (ch != (uint8_t) "bc1"[i])
                return false;
            continue;
        }
        const char *p = ch ? strchr(digits, ch) : NULL;
        if (!p)
            return false;
        unsigned v = (unsigned)(p - digits);
        if (i == 3)
            version = v;
        if (i + 7 == s.len)
            last = v;
        c = polymod(c, v);
    }
    size_t groups = s.len - 3 - 1 - 6, bytes = groups * 5 / 8;
    unsigned padding = (unsigned)(groups * 5 % 8);
    if ((lower && upper) || version > 16 || bytes < 2 || bytes > 40 || padding > 4 ||
        (last & ((1u << padding) - 1)) != 0)
        return false;
    return version == 0 ? c == 1 && (bytes == 20 || bytes == 32) : c == 0x2bc830a3;
}

static bool hex_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool ethereum(struct slice s)
{
    uint8_t low[40], hash[32];
    bool lower = false, upper = false, good = true;
    if (s.len != 42 || s.data[0] != '0' || (s.data[1] != 'x' && s.data[1] != 'X'))
        return false;
    for (size_t i = 0; i < 40; i++) {
        uint8_t c = s.data[i + 2];
        if (!hex_digit(c))
            return false;
        lower |= c >= 'a';
        upper |= c >= 'A' && c <= 'F';
        low[i] = c >= 'A' && c <= 'F' ? (uint8_t)(c + 32) : c;
    }
    if (!lower || !upper)
        return true;
    checksum_keccak256(low, sizeof low, hash);
    for (size_t i = 0; i < 40 && good; i++)
        if (low[i] >= 'a')
            good = ((hash[i / 2] >> (i % 2 ? 0 : 4) & 8) != 0) == (s.data[i + 2] < 'a');
    return good;
}

void crypto_try(struct splitter *s, size_t from, size_t to)
{
    struct token t;
    source_range(s, from, to, NULL, &t);
    if (t.to - t.from != to - from)
        return; /* fullwidth signs and the like */
    struct slice word = slice_of(s->source.data + t.from, t.to - t.from);
    bool found = false;
    switch (s->scan.data[from]) {
    case '1':
    case '3':
    case 't':
        found = base58check(word);
        break;
    case '0':
        found = ethereum(word);
        break;
    case 'b':
        found = segwit(word);
        break;
    case '4':
    case '8':
        found = monero(word);
        break;
    default:
        break;
    }
    if (found)
        seen_add(s, WORDS_CRYPTO, from, to);
}
