/* term — field byte and bytes as one key of a lexicon. Only cut terms are exactly TERM_MAX long, so
 * that a handle chosen to look like another one's cut form is cut and hashed itself. */
#include "lictor/term.h"

#include "lictor/sha256.h"

#define CUT_MARK 0xFF
#define HASH_HEX 32
#define CUT_KEPT (TERM_MAX - 1 - 1 - HASH_HEX)

void term_make(struct term *t, struct sha256 *sha, enum term_field field, struct slice bytes)
{
    uint8_t hash[SHA256_SIZE];
    char hex[HASH_HEX + 1];

    t->bytes[0] = (uint8_t)field;
    if (bytes.len < TERM_MAX - 1) {
        if (bytes.len > 0)
            memcpy(t->bytes + 1, bytes.data, bytes.len);
        t->len = 1 + bytes.len;
        return;
    }
    sha256_begin(sha);
    sha256_add(sha, bytes.data, bytes.len);
    sha256_end(sha, hash);
    hex_encode(hash, HASH_HEX / 2, hex);
    memcpy(t->bytes + 1, bytes.data, CUT_KEPT);
    t->bytes[1 + CUT_KEPT] = CUT_MARK;
    memcpy(t->bytes + 2 + CUT_KEPT, hex, HASH_HEX);
    t->len = TERM_MAX;
}
