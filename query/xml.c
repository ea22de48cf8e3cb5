/* xml — text as XML 1.0 holds it. cli_safe has taken controls and malformed bytes out; what is left
 * that XML does not allow are the two noncharacters. */
#include "query/xml.h"

#include "lictor/cli.h"
#include "lictor/utf8.h"

static void put_escaped(struct buf *out, const uint8_t *at, size_t len, uint32_t cp)
{
    switch (cp) {
    case '&':
        buf_put_str(out, "&amp;");
        break;
    case '<':
        buf_put_str(out, "&lt;");
        break;
    case '>':
        buf_put_str(out, "&gt;");
        break;
    case '"':
        buf_put_str(out, "&quot;");
        break;
    case '\'':
        buf_put_str(out, "&#39;");
        break;
    case '\t':
    case '\n':
    case '\r':
        buf_put_u8(out, ' ');
        break;
    default:
        if (cp == UTF8_BAD || cp < 0x20 || (cp & 0xfffe) == 0xfffe)
            buf_put_str(out, "\xef\xbf\xbd");
        else
            buf_put(out, at, len);
    }
}

void xml_text(struct buf *out, struct slice s)
{
    struct buf safe = {0};
    cli_safe(&safe, s, false);
    for (size_t pos = 0; pos < safe.len;) {
        size_t from = pos;
        uint32_t cp = utf8_next(safe.data, safe.len, &pos);
        put_escaped(out, safe.data + from, pos - from, cp);
    }
    out->failed |= safe.failed;
    buf_release(&safe);
}
