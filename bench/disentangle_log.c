/* disentangle_log — annotated logs from their files, and the score of a model on them. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/disentangle.h"
#include "lictor/copies.h"
#include "lictor/os.h"

#define LOG_MAX ((size_t)64 << 20)
#define DAY_MINUTES 1440

/* ---- lines ---- */

static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }

static struct slice until(struct slice s, uint8_t c)
{
    const uint8_t *p = s.len ? memchr(s.data, c, s.len) : NULL;
    return p ? slice_of(s.data, (size_t)(p - s.data)) : slice_of(NULL, 0);
}

/* "[HH:MM] <nick> text" or "[HH:MM] * nick text"; *minutes goes on over midnight. */
static void line_take(struct slice s, int64_t *minutes, struct log_line *l)
{
    *l = (struct log_line){.system = true, .said.sent = TIME_NONE};
    if (s.len < 10 || s.data[0] != '[' || !digit(s.data[1]) || !digit(s.data[2]) ||
        s.data[3] != ':' || !digit(s.data[4]) || !digit(s.data[5]) || s.data[6] != ']')
        return;
    int64_t at = (s.data[1] - '0') * 600 + (s.data[2] - '0') * 60 + (s.data[4] - '0') * 10 +
                 (s.data[5] - '0');
    struct slice rest = slice_of(s.data + 8, s.len - 8), nick;
    bool quoted = rest.data[0] == '<';
    if (!quoted && !(rest.len > 2 && rest.data[0] == '*'))
        return;
    rest = slice_of(rest.data + (quoted ? 1 : 2), rest.len - (quoted ? 1 : 2));
    nick = until(rest, quoted ? '>' : ' ');
    if (!nick.len)
        return;
    size_t skip = nick.len + (quoted && rest.len > nick.len + 1 ? 2 : 1);
    while (at < *minutes % DAY_MINUTES - DAY_MINUTES / 2)
        at += DAY_MINUTES;
    *minutes = *minutes - *minutes % DAY_MINUTES + at;
    l->system = false;
    l->said.sender = nick;
    l->said.sent = (*minutes + DAY_MINUTES) * 60000;
    l->said.text =
        rest.len > skip ? slice_of(rest.data + skip, rest.len - skip) : slice_of(rest.data, 0);
}

static enum status file_read(const char *dir, const char *set, const char *raw, struct log_file *f,
                             struct err *err)
{
    char path[4096];
    size_t len = 0, cap = 1;
    int64_t minutes = 0;
    snprintf(path, sizeof path, "%s/%s/%s", dir, set, raw);
    TRY(os_read_file(AT_FDCWD, path, LOG_MAX, &f->bytes, &len, err));
    for (size_t i = 0; i < len; i++)
        cap += f->bytes[i] == '\n';
    f->name = strndup(raw, strcspn(raw, ".")); /* "2004-12-25.train-c.raw.txt" */
    f->lines = calloc(cap, sizeof *f->lines);
    if (!f->name || !f->lines)
        return err_no_memory(err);
    for (size_t i = 0; i < len;) {
        struct slice line = until(slice_of(f->bytes + i, len - i), '\n');
        if (!line.data)
            line = slice_of(f->bytes + i, len - i);
        line_take(line, &minutes, &f->lines[f->n_lines++]);
        i += line.len + 1;
    }
    return ST_OK;
}

/* ---- links ---- */

struct link {
    uint32_t file, line, to;
};

static int link_cmp(const void *pa, const void *pb)
{
    const struct link *a = pa, *b = pb;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

static enum status links_take(struct log_set *s, struct slice text, struct buf *links,
                              struct err *err)
{
    for (size_t i = 0; i < text.len;) {
        struct slice line = until(slice_of(text.data + i, text.len - i), '\n');
        if (!line.data)
            line = slice_of(text.data + i, text.len - i);
        i += line.len + 1;
        struct slice name = until(line, ':');
        unsigned a, b;
        char numbers[64] = "";
        size_t n = line.len - name.len;
        if (!name.data || n < 2 || n >= sizeof numbers)
            continue;
        memcpy(numbers, line.data + name.len + 1, n - 1);
        if (sscanf(numbers, "%u %u", &a, &b) != 2)
            continue;
        for (uint32_t f = 0; f < s->n_files; f++)
            if (slice_eq_str(name, s->files[f].name)) {
                struct link l = {f, a > b ? a : b, a < b ? a : b};
                if (l.line < s->files[f].n_lines)
                    buf_put(links, &l, sizeof l);
            }
    }
    return buf_status(links, err);
}

static enum status links_place(struct log_set *s, struct buf *links, struct err *err)
{
    struct link *l = (void *)links->data;
    size_t n = links->len / sizeof *l, i = 0;
    if (n > 1)
        qsort(l, n, sizeof *l, link_cmp);
    for (uint32_t f = 0; f < s->n_files; f++) {
        size_t from = i;
        while (i < n && l[i].file == f)
            i++;
        s->files[f].links = calloc(i - from + 1, sizeof *s->files[f].links);
        if (!s->files[f].links)
            return err_no_memory(err);
        for (size_t k = from; k < i; k++) {
            struct log_line *line = &s->files[f].lines[l[k].line];
            s->files[f].links[k - from] = l[k].to;
            if (!line->n_links++)
                line->first_link = (uint32_t)(k - from);
            s->annotated += line->n_links == 1;
        }
    }
    return ST_OK;
}

/* ---- a set ---- */

static enum status files_read(const char *dir, const char *set, struct log_set *s, struct err *err)
{
    char path[4096], **names = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", dir, set);
    TRY(os_list(AT_FDCWD, path, &names, &n, err));
    enum status st = ST_OK;
    s->files = calloc(n + 1, sizeof *s->files);
    if (!s->files)
        st = err_no_memory(err);
    for (size_t i = 0; st == ST_OK && i < n; i++) {
        size_t len = strlen(names[i]), tail = strlen(".raw.txt");
        if (len > tail && strcmp(names[i] + len - tail, ".raw.txt") == 0)
            st = file_read(dir, set, names[i], &s->files[s->n_files++], err);
    }
    os_list_free(names, n);
    return st;
}

enum status log_set_read(const char *dir, const char *set, struct log_set *out, struct err *err)
{
    char path[4096];
    uint8_t *gold = NULL;
    size_t len = 0;
    struct buf links = {0};
    struct log_set s = {0};
    enum status st = files_read(dir, set, &s, err);
    snprintf(path, sizeof path, "%s/gold.%s.graphs.txt", dir, set);
    if (st == ST_OK)
        st = os_read_file(AT_FDCWD, path, LOG_MAX, &gold, &len, err);
    if (st == ST_OK)
        st = links_take(&s, slice_of(gold, len), &links, err);
    if (st == ST_OK)
        st = links_place(&s, &links, err);
    if (st == ST_OK && s.annotated == 0)
        st = err_set(err, ST_BAD_INPUT, "%s/%s: no annotated log", dir, set);
    free(gold);
    buf_release(&links);
    if (st == ST_OK)
        *out = s;
    else
        log_set_release(&s);
    return st;
}

void log_set_release(struct log_set *s)
{
    for (size_t i = 0; i < s->n_files; i++) {
        free(s->files[i].name);
        free(s->files[i].bytes);
        free(s->files[i].lines);
        free(s->files[i].links);
    }
    free(s->files);
    *s = (struct log_set){0};
}

/* ---- score ---- */

static uint32_t root(uint32_t *of, uint32_t x)
{
    while (of[x] != x)
        x = of[x] = of[of[x]];
    return x;
}

static bool has_link(const struct log_file *f, uint32_t line, uint32_t to)
{
    const struct log_line *l = &f->lines[line];
    for (uint32_t i = 0; i < l->n_links; i++)
        if (f->links[l->first_link + i] == to)
            return true;
    return false;
}

/* Talks of annotated lines alone, lines before them left out; a talk is named by its root. A talk
 * is right if all its lines have one root in the other division, and that has no others. */
static void score_talks(const struct log_file *f, uint32_t *gold, uint32_t *mine,
                        struct link_score *out)
{
    uint32_t *size[2] = {calloc((size_t)f->n_lines + 1, 4), calloc((size_t)f->n_lines + 1, 4)};
    uint32_t *other = malloc((size_t)f->n_lines * 4 + 4);
    MUST(size[0] && size[1] && other);
    memset(other, 0xff, (size_t)f->n_lines * 4);
    for (uint32_t i = 0; i < f->n_lines; i++) {
        if (!f->lines[i].n_links)
            continue;
        uint32_t g = root(gold, i), m = root(mine, i);
        size[0][g]++;
        size[1][m]++;
        other[g] = other[g] == LOG_NONE || other[g] == m ? m : LOG_NONE - 1;
    }
    for (uint32_t i = 0; i < f->n_lines; i++) {
        out->talks_gold += size[0][i] > 1;
        out->talks_proposed += size[1][i] > 1;
        out->talks_right +=
            size[0][i] > 1 && other[i] < LOG_NONE - 1 && size[1][other[i]] == size[0][i];
    }
    free(size[0]);
    free(size[1]);
    free(other);
}

static enum status score_file(const struct log_file *f, const struct answers_model *m, bool system,
                              struct link_score *out, struct err *err)
{
    struct answers *a = NULL;
    uint32_t *gold = malloc((size_t)f->n_lines * 4 + 4), *mine = malloc((size_t)f->n_lines * 4 + 4);
    uint32_t *message = malloc((size_t)f->n_lines * 4 + 4), n = 0; /* line of the n-th message */
    enum status st = gold && mine && message ? answers_new(m, &a, err) : err_no_memory(err);
    for (uint32_t i = 0; st == ST_OK && i < f->n_lines; i++)
        gold[i] = mine[i] = i;
    for (uint32_t i = 0; st == ST_OK && i < f->n_lines; i++) {
        const struct log_line *l = &f->lines[i];
        uint32_t to = i;
        if (!l->system) {
            struct answers_proposal p;
            message[n] = i;
            answers_next(a, &l->said, &p);
            to = message[n - p.back];
            n++;
        }
        mine[root(mine, i)] = root(mine, to);
        for (uint32_t k = 0; k < l->n_links; k++)
            gold[root(gold, i)] = root(gold, f->links[l->first_link + k]);
        if (!l->n_links || (l->system && !system))
            continue;
        out->right += has_link(f, i, to);
        out->proposed++;
        out->gold += l->n_links;
    }
    if (st == ST_OK) {
        out->messages += n;
        score_talks(f, gold, mine, out);
    }
    answers_free(a);
    free(gold);
    free(mine);
    free(message);
    return st;
}

enum status log_set_score(const struct log_set *s, const struct answers_model *m, bool system,
                          struct link_score *out, struct err *err)
{
    *out = (struct link_score){0};
    int64_t start = os_cpu_us();
    for (size_t i = 0; i < s->n_files; i++)
        TRY(score_file(&s->files[i], m, system, out, err));
    out->seconds = (double)(os_cpu_us() - start) / 1e6;
    return ST_OK;
}

double link_f1(uint64_t right, uint64_t proposed, uint64_t gold)
{
    return proposed + gold ? 2.0 * (double)right / (double)(proposed + gold) : 0;
}
