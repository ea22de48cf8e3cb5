/* utf8 — table 3-7 of the Unicode standard: what the second byte may be depends on the first one;
 * that alone keeps out overlong forms, surrogates and everything above U+10FFFF. */
#include "lictor/utf8.h"

uint32_t utf8_next(const uint8_t *s, size_t len, size_t *pos)
{
    size_t i = *pos;
    uint8_t b = s[i];
    *pos = i + 1; /* also right for malformed bytes */
    if (b < 0x80)
        return b;
    unsigned more;
    uint8_t lo = 0x80, hi = 0xbf;
    uint32_t cp;
    if (b >= 0xc2 && b <= 0xdf) {
        more = 1;
        cp = b & 0x1fu;
    } else if (b >= 0xe0 && b <= 0xef) {
        more = 2;
        cp = b & 0x0fu;
        lo = b == 0xe0 ? 0xa0 : 0x80;
        hi = b == 0xed ? 0x9f : 0xbf;
    } else if (b >= 0xf0 && b <= 0xf4) {
        more = 3;
        cp = b & 0x07u;
        lo = b == 0xf0 ? 0x90 : 0x80;
        hi = b == 0xf4 ? 0x8f : 0xbf;
    } else {
        return UTF8_BAD;
    }
    if (more > len - i - 1)
        return UTF8_BAD;
    for (unsigned k = 1; k <= more; k++) {
        uint8_t c = s[i + k];
        if (c < lo || c > hi)
            return UTF8_BAD;
        cp = cp << 6 | (c & 0x3fu);
        lo = 0x80;
        hi = 0xbf;
    }
    *pos = i + 1 + more;
    return cp;
}

size_t utf8_put(uint32_t cp, uint8_t out[4])
{
    MUST(cp <= 0x10ffff);
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xc0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xe0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (cp & 0x3f));
    return 4;
}

bool utf8_valid(struct slice s)
{
    size_t pos = 0;
    while (pos < s.len) {
        uint64_t eight;
        if (s.len - pos >= sizeof eight) { /* most text is ASCII: eight bytes a step */
            memcpy(&eight, s.data + pos, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                pos += sizeof eight;
                continue;
            }
        }
        if (utf8_next(s.data, s.len, &pos) == UTF8_BAD)
            return false;
    }
    return true;
}

bool utf8_unsafe(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
        return true;
    if (cp < 0x61c)
        return false;
    return cp == 0x061c                         /* Arabic letter mark */
           || cp == 0x200b                      /* zero width space */
           || (cp >= 0x200e && cp <= 0x200f)    /* direction marks */
           || (cp >= 0x2028 && cp <= 0x202e)    /* separators, embeddings, overrides */
           || (cp >= 0x2060 && cp <= 0x2064)    /* word joiner, invisible operators */
           || (cp >= 0x2066 && cp <= 0x206f)    /* isolates, deprecated format characters */
           || cp == 0xfeff                      /* byte order mark */
           || (cp >= 0xfff9 && cp <= 0xfffb)    /* interlinear annotation */
           || (cp >= 0xe0000 && cp <= 0xe007f); /* tags */
}
