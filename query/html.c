/* html — the pages. The link to the next page is written when there is one, so the first page is
 * whole before the last record is read. */
#include "query/html.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lictor/cli.h"
#include "lictor/os.h"
#include "query/xml.h"

struct html {
    char *path;
    int dir, fd;
    uint64_t pages, records; /* records: given before this page */
    bool any;                /* the page has one */
    struct buf title, text;
};

static const char style[] =
    "body{font:15px/1.45 sans-serif;max-width:50em;margin:1em auto;padding:0 1em;color:#111}"
    "h1{font-size:1.2em}h2{font-size:1em;border-bottom:1px solid #999;margin:1.5em 0 .5em}"
    ".m{margin:.5em 0;padding:.2em .6em;border-left:3px solid #bbb}"
    ".m.c{border-color:#b00}.h,.r,.e,nav,.end{font-size:.85em;color:#444}.r.c{color:#b00}"
    ".t{margin:.15em 0;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".g{margin:.5em 0;padding:.2em .6em;border:1px dashed #b00;color:#b00;font-size:.85em}"
    "mark{background:#fd6;color:#111}"
    "code{font-size:.95em;overflow-wrap:anywhere}"
    "@media print{body{max-width:none;font-size:10pt}nav{display:none}"
    "h2,.h{break-after:avoid}.r,.e{break-before:avoid}.g{break-inside:avoid}"
    ".t{orphans:3;widows:3}"
    "mark{background:none;font-weight:bold;text-decoration:underline}}";

enum status html_open(const char *path, struct html **out, struct err *err)
{
    struct html *h = calloc(1, sizeof *h);
    char **names = NULL;
    size_t n = 0;
    if (!h)
        return err_no_memory(err);
    h->dir = h->fd = -1;
    h->path = strdup(path);
    enum status st = h->path ? ST_OK : err_no_memory(err);
    if (st == ST_OK && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        st = os_mkdir(AT_FDCWD, path, 0700, err);
    if (st == ST_OK)
        st = os_open_dir(AT_FDCWD, path, &h->dir, err);
    if (st == ST_OK)
        st = os_list(h->dir, ".", &names, &n, err);
    if (st == ST_OK)
        os_list_free(names, n);
    if (st == ST_OK && n > 0)
        st =
            err_set(err, ST_USAGE, "--output %s: the directory is not empty; name a new one", path);
    if (st != ST_OK) {
        html_free(h);
        return st;
    }
    *out = h;
    return ST_OK;
}

void html_free(struct html *h)
{
    if (!h)
        return;
    os_close(&h->fd);
    os_close(&h->dir);
    buf_release(&h->title);
    buf_release(&h->text);
    free(h->path);
    free(h);
}

/* index.html, page-2.html … */
static void page_name(uint64_t page, char out[40])
{
    if (page == 1)
        snprintf(out, 40, "index.html");
    else
        snprintf(out, 40, "page-%llu.html", (unsigned long long)page);
}

static void link_put(struct html *h, uint64_t page, const char *words)
{
    char name[40];
    page_name(page, name);
    buf_printf(&h->text, "<a href=\"%s\">%s</a> ", name, words);
}

static enum status text_write(struct html *h, struct err *err)
{
    TRY(buf_status(&h->text, err));
    TRY(os_write(h->fd, h->text.data, h->text.len, err));
    buf_clear(&h->text);
    return ST_OK;
}

static void put_title(struct html *h)
{
    struct slice all = buf_slice(&h->title);
    for (size_t from = 0, n = 0; from < all.len; n++) {
        const uint8_t *lf = memchr(all.data + from, '\n', all.len - from);
        size_t end = lf ? (size_t)(lf - all.data) : all.len;
        buf_put_str(&h->text, n ? "<p class=\"h\" dir=\"auto\">" : "<h1 dir=\"auto\">");
        html_words(&h->text, slice_of(all.data + from, end - from), true);
        buf_put_str(&h->text, n ? "</p>\n" : "</h1>\n");
        from = end + 1;
    }
}

/* What stands on the tab, and in the margin of a print: the first line of the title. */
static void put_name(struct html *h)
{
    struct slice all = buf_slice(&h->title);
    const uint8_t *lf = all.len ? memchr(all.data, '\n', all.len) : NULL;
    html_words(&h->text, slice_of(all.data, lf ? (size_t)(lf - all.data) : all.len), false);
    buf_put_str(&h->text, all.len ? ", " : "");
}

static enum status page_begin(struct html *h, struct err *err)
{
    char name[40];
    page_name(++h->pages, name);
    TRY(os_create(h->dir, name, 0600, &h->fd, err));
    buf_put_str(&h->text,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
                "<title>");
    put_name(h);
    buf_printf(&h->text, "page %llu</title>\n<style>%s</style>\n</head>\n<body>\n",
               (unsigned long long)h->pages, style);
    put_title(h);
    buf_printf(&h->text, "<nav>Page %llu. ", (unsigned long long)h->pages);
    if (h->pages > 1) {
        link_put(h, 1, "First");
        link_put(h, h->pages - 1, "Before");
    }
    buf_put_str(&h->text, "</nav>\n");
    return text_write(h, err);
}

static enum status page_end(struct html *h, bool last, struct err *err)
{
    if (h->fd < 0)
        return ST_OK;
    buf_put_str(&h->text, "<nav>");
    if (h->pages > 1)
        link_put(h, h->pages - 1, "Before");
    if (!last)
        link_put(h, h->pages + 1, "Next");
    buf_put_str(&h->text, "</nav>\n</body>\n</html>\n");
    TRY(text_write(h, err));
    os_close(&h->fd);
    h->any = false;
    return ST_OK;
}

enum status html_title(struct html *h, struct slice words, struct err *err)
{
    TRY(page_end(h, false, err));
    buf_clear(&h->title);
    buf_put_slice(&h->title, words);
    return buf_status(&h->title, err);
}

enum status html_put(struct html *h, struct buf *made, uint64_t records, struct err *err)
{
    TRY(buf_status(made, err));
    if (records - h->records > HTML_PAGE_RECORDS)
        TRY(page_end(h, false, err));
    if (h->fd < 0) {
        TRY(page_begin(h, err));
        h->records = records ? records - 1 : 0;
    }
    TRY(os_write(h->fd, made->data, made->len, err));
    buf_clear(made);
    return ST_OK;
}

enum status html_finish(struct html *h, struct buf *made, struct err *err)
{
    TRY(buf_status(made, err));
    if (h->fd < 0)
        TRY(page_begin(h, err));
    TRY(os_write(h->fd, made->data, made->len, err));
    buf_clear(made);
    TRY(page_end(h, true, err));
    struct buf line = {0};
    buf_printf(&line, "%llu page%s: ", (unsigned long long)h->pages, h->pages == 1 ? "" : "s");
    cli_safe(&line, slice_str(h->path), false);
    buf_put_str(&line, "/index.html\n");
    enum status st = buf_status(&line, err);
    if (st == ST_OK)
        fwrite(line.data, 1, line.len, stdout);
    buf_release(&line);
    return st;
}
