/* cli_progress — one line on stderr that tells how far the work is. */
#include <unistd.h>

#include "lictor/cli.h"
#include "lictor/os.h"

#define DRAW_EVERY_US 200000
#define PLAIN_EVERY_US 10000000

bool cli_progress_parse(const char *arg, enum cli_progress_mode *mode)
{
    static const char *const names[] = {"auto", "plain", "none"};
    for (int i = 0; i < 3; i++)
        if (strcmp(arg, names[i]) == 0) {
            *mode = (enum cli_progress_mode)i;
            return true;
        }
    return false;
}

void cli_progress_begin(struct cli_progress *p, enum cli_progress_mode mode, const char *verb)
{
    /* AUTO where nobody watches is silence: logs ask for PLAIN. */
    if (mode == CLI_PROGRESS_AUTO && cli_columns(stderr) == 0)
        mode = CLI_PROGRESS_NONE;
    int64_t now = os_monotonic_us();
    *p = (struct cli_progress){.mode = mode, .verb = verb, .started_us = now, .last_us = now};
}

void cli_progress_begin_counted(struct cli_progress *p, enum cli_progress_mode mode,
                                const char *verb, const char *unit)
{
    cli_progress_begin(p, mode, verb);
    p->unit = unit;
}

static void amount_text(const struct cli_progress *p, uint64_t n, char out[32])
{
    if (p->unit)
        cli_count_text(n, out);
    else
        cli_bytes_text(n, out);
}

static void duration_put(struct buf *b, uint64_t seconds)
{
    if (seconds >= 3600)
        buf_printf(b, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600),
                   (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    else
        buf_printf(b, "%u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

static void line_put(struct buf *b, const struct cli_progress *p, double seconds, uint64_t bytes,
                     uint64_t total, uint64_t records)
{
    char done[32], all[32], rate[32], count[32];
    double per_second = seconds > 0 ? (double)bytes / seconds : 0;
    double part = p->part > 0 ? p->part : bytes < total ? (double)bytes / (double)total : 1;
    amount_text(p, bytes, done);
    amount_text(p, (uint64_t)per_second, rate);
    buf_printf(b, "%s %s", p->verb, done);
    if (total > 0) {
        amount_text(p, total, all);
        buf_printf(b, " of %s, %d%%", all, (int)(part * 100));
    }
    if (p->unit)
        buf_printf(b, " %s", p->unit);
    buf_printf(b, ", %s/s", rate);
    if (records > 0) {
        cli_count_text((uint64_t)(seconds > 0 ? (double)records / seconds : 0), count);
        buf_printf(b, ", %s records/s", count);
    }
    if (total > 0 && part > 0 && part < 1 && per_second >= 1) {
        double left = seconds * (1 - part) / part;
        buf_put_str(b, ", ETA ");
        duration_put(b, left < 1e9 ? (uint64_t)left : UINT64_C(1000000000));
    }
}

void cli_progress_step(struct cli_progress *p, uint64_t bytes, uint64_t total_bytes,
                       uint64_t records)
{
    if (p->mode == CLI_PROGRESS_NONE)
        return;
    bool draw = p->mode == CLI_PROGRESS_AUTO;
    int64_t now = os_monotonic_us();
    if (now - p->last_us < (draw ? DRAW_EVERY_US : PLAIN_EVERY_US))
        return;
    p->last_us = now;
    struct buf b = {0};
    line_put(&b, p, (double)(now - p->started_us) / 1e6, bytes, total_bytes, records);
    if (draw) {
        /* A line longer than the terminal would wrap and could not be drawn over. */
        size_t room = (size_t)cli_columns(stderr);
        if (room > 0 && b.len >= room)
            b.len = room - 1;
    }
    if (!b.failed)
        fprintf(stderr, draw ? "\r%.*s\x1b[K" : "%.*s\n", (int)b.len, (const char *)b.data);
    fflush(stderr);
    p->drawn = draw;
    buf_release(&b);
}

void cli_progress_part(struct cli_progress *p, double part) { p->part = part; }

void cli_progress_end(struct cli_progress *p)
{
    if (p->drawn)
        fputs("\r\x1b[K", stderr);
    p->drawn = false;
    p->mode = CLI_PROGRESS_NONE;
}
