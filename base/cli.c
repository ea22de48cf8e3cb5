/* cli — numbers to and from text, the terminal, and evidence made harmless for it. */
#include "lictor/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lictor/confine.h"
#include "lictor/utf8.h"

static bool digit_is(char c) { return c >= '0' && c <= '9'; }

/* Digits at *p, at least one; false on overflow too. */
static bool digits_read(const char **p, uint64_t *out)
{
    if (!digit_is(**p))
        return false;
    uint64_t v = 0;
    for (; digit_is(**p); (*p)++)
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
            return false;
    *out = v;
    return true;
}

static unsigned unit_shift(char c)
{
    switch (c) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    default:
        return 0;
    }
}

bool cli_size(const char *text, uint64_t *bytes)
{
    const char *p = text;
    uint64_t whole, thousandths = 0;
    if (!digits_read(&p, &whole))
        return false;
    bool fraction = *p == '.';
    if (fraction) {
        p++;
        if (!digit_is(*p))
            return false;
        for (uint64_t weight = 100; digit_is(*p); p++, weight /= 10)
            thousandths += weight * (uint64_t)(*p - '0');
    }
    unsigned shift = unit_shift(*p);
    if (shift)
        p++;
    if (*p || (fraction && !shift) || whole > UINT64_MAX >> shift)
        return false;
    return !__builtin_add_overflow(whole << shift, (thousandths << shift) / 1000, bytes);
}

bool cli_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t v;
    if (!digits_read(&text, &v) || *text || v < min || v > max)
        return false;
    *out = v;
    return true;
}

void cli_bytes_text(uint64_t bytes, char out[24])
{
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        snprintf(out, 24, "%" PRIu64 " B", bytes);
        return;
    }
    double v = (double)bytes / 1024;
    size_t u = 0;
    while (v >= 999.5 && u + 1 < sizeof units / sizeof units[0]) {
        v /= 1024;
        u++;
    }
    snprintf(out, 24, v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void cli_count_text(uint64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *p = out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
}

bool cli_colour(FILE *f)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(f)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

int cli_columns(FILE *f)
{
    if (!isatty(fileno(f)))
        return 0;
    struct winsize ws;
    if (ioctl(fileno(f), TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
        return ws.ws_col;
    return 80;
}

#define SHOWN_SIZE 16

/* How the code point at s[*pos] is shown, if not as it stands: escape in `shown`. Moves *pos;
 * gives the columns. */
static int shown_next(struct slice s, size_t *pos, char shown[SHOWN_SIZE])
{
    uint8_t first = s.data[*pos];
    uint32_t cp = utf8_next(s.data, s.len, pos);
    if (cp == UTF8_BAD)
        return snprintf(shown, SHOWN_SIZE, "\\x{%02x}", first);
    if (cp == '\n' || cp == '\t')
        return snprintf(shown, SHOWN_SIZE, cp == '\n' ? "\\n" : "\\t");
    if (utf8_unsafe(cp))
        return snprintf(shown, SHOWN_SIZE, "\\u{%" PRIx32 "}", cp);
    shown[0] = '\0';
    return utf8_columns(cp);
}

void cli_safe(struct buf *out, struct slice s, bool keep_newlines)
{
    size_t pos = 0;
    char shown[SHOWN_SIZE];
    while (pos < s.len) {
        size_t start = pos;
        (void)shown_next(s, &pos, shown);
        if (shown[0] && !(keep_newlines && s.data[start] == '\n'))
            buf_put_str(out, shown);
        else
            buf_put(out, s.data + start, pos - start);
    }
}

int cli_width(struct slice s)
{
    int64_t columns = 0;
    char shown[SHOWN_SIZE];
    for (size_t pos = 0; pos < s.len;)
        columns += shown_next(s, &pos, shown);
    return columns < INT32_MAX ? (int)columns : INT32_MAX;
}

void cli_error(const char *program, const char *text)
{
    struct buf line = {0};
    buf_put_str(&line, program);
    buf_put_str(&line, ": ");
    cli_safe(&line, slice_str(text), true);
    buf_put_u8(&line, '\n');
    /* Without memory the fixed half of the message is better than none. */
    if (line.failed)
        fprintf(stderr, "%s: not enough memory to say what failed\n", program);
    else
        fwrite(line.data, 1, line.len, stderr);
    buf_release(&line);
}

void cli_version(const char *program, bool verbose)
{
    char confined[CONFINE_TEXT_SIZE];
    printf("%s " LICTOR_VERSION "\n", program);
    if (!verbose)
        return;
    confine_probe(confined);
    printf("confinement: %s\n", *confined ? confined : "none");
}
