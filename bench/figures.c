/* figures — what was measured, for people as one line a figure, for scripts as one JSON object. */
#include "bench/measure.h"

#include <errno.h>
#include <unistd.h>

int measure_fail(const struct err *err)
{
    cli_error(BENCH_PROGRAM, err->text[0] ? err->text : "failed");
    return err->status == ST_INTERRUPTED ? EXIT_STOPPED
           : err->status == ST_USAGE     ? EXIT_USAGE
                                         : EXIT_FAILED;
}

void measure_note(const char *text)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "%s ...\n", text);
}

void figures_begin(struct figures *f, bool as_json, const char *command)
{
    *f = (struct figures){.as_json = as_json};
    if (!as_json)
        return;
    f->json = json_out_to(&f->out);
    json_begin_object(&f->json);
    json_key_str(&f->json, "command", command);
    json_key_str(&f->json, "version", LICTOR_VERSION);
}

void figure_count(struct figures *f, const char *key, const char *says, uint64_t v)
{
    char text[32];
    if (f->as_json) {
        json_key_uint(&f->json, key, v);
        return;
    }
    cli_count_text(v, text);
    buf_printf(&f->out, "%-36s %16s\n", says, text);
}

void figure_real(struct figures *f, const char *key, const char *says, double v, const char *unit)
{
    char text[64];
    if (!f->as_json) {
        buf_printf(&f->out, "%-36s %16.3f%s%s\n", says, v, *unit ? " " : "", unit);
        return;
    }
    int n = snprintf(text, sizeof text, "%.6f", v);
    json_key(&f->json, key);
    json_raw(&f->json, slice_of(text, n > 0 ? (size_t)n : 0));
}

int figures_print(struct figures *f)
{
    struct err err = {0};
    if (f->as_json) {
        json_end_object(&f->json);
        buf_put_u8(&f->out, '\n');
    }
    enum status st = buf_status(&f->out, &err);
    if (st == ST_OK && (fwrite(f->out.data, 1, f->out.len, stdout) != f->out.len || fflush(stdout)))
        st = err_errno(&err, errno, "the output could not be written");
    err.status = st;
    buf_release(&f->out);
    return st == ST_OK ? EXIT_GOOD : measure_fail(&err);
}

double figure_ratio(double a, double b) { return b > 0 ? a / b : 0; }
