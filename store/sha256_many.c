/* sha256_many — OpenSSL is the twin: one message after the other. */
#include "store/sha256_many.h"

void sha256_many(struct sha256 *h, struct sha256_message *m, size_t n)
{
    if (sha256_has_lanes()) {
        sha256_lanes(m, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        sha256_begin(h);
        sha256_add(h, m[i].data, m[i].len);
        sha256_end(h, m[i].hash);
    }
}
