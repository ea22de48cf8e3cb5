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

#define ISOLATE 0x2068
#define ISOLATE_END 0x2069

/* Evidence has no such sign left, and no element is left open, whatever the words are. */
void html_words(struct buf *out, struct slice words, bool elements)
{
    const char *begin = elements ? "<bdi>" : "\xe2\x81\xa8";
    const char *end = elements ? "</bdi>" : "\xe2\x81\xa9";
    size_t done = 0, open = 0;
    for (size_t pos = 0; pos < words.len;) {
        size_t at = pos;
        uint32_t cp = utf8_next(words.data, words.len, &pos);
        if (cp != ISOLATE && (cp != ISOLATE_END || open == 0))
            continue;
        xml_text(out, slice_of(words.data + done, at - done));
        buf_put_str(out, cp == ISOLATE ? begin : end);
        open = cp == ISOLATE ? open + 1 : open - 1;
        done = pos;
    }
    xml_text(out, slice_of(words.data + done, words.len - done));
    while (open-- > 0)
        buf_put_str(out, end);
}
