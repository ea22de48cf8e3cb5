/* body — one way to open a sealed body, whether it comes in now or its key came late. */
#include "indexer/body.h"

#include <stdio.h>

enum status body_unseal(const struct body_keys *keys, struct content *c, struct buf *text,
                        uint16_t *flags, struct err *err)
{
    char sent[24] = "";
    if (c->sent != TIME_NONE)
        snprintf(sent, sizeof sent, "%lld", (long long)c->sent);
    buf_clear(text);
    struct slice from = c->from.data ? c->from : slice_str("");
    switch (body_keys_open(keys, c->seal_key, c->seal_nonce, c->seal_box, from, slice_str(sent),
                           text)) {
    case BODY_OPENED:
        c->opened = text->data ? buf_slice(text) : slice_str("");
        c->seal_broken = false;
        *flags &= (uint16_t) ~(DOC_SEALED | DOC_SEAL_BROKEN);
        return buf_status(text, err);
    case BODY_BROKEN:
        c->seal_broken = true;
        *flags |= DOC_SEAL_BROKEN;
        break;
    case BODY_NO_KEY:
        break;
    }
    *flags |= DOC_SEALED;
    return buf_status(text, err);
}
