/* checksum — SHA-256 and Keccak-256 (the one before SHA-3) of a few bytes, for addresses.
 * Threads: any. */
#ifndef TEXT_CHECKSUM_H
#define TEXT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

void checksum_sha256(const uint8_t *bytes, size_t len, uint8_t out[32]);
void checksum_keccak256(const uint8_t *bytes, size_t len, uint8_t out[32]);

#endif
