/* svg — pictures for print and for a browser. Numbers are written with one decimal: a reader sees
 * no more, and files stay small and the same everywhere. */
#include "query/svg.h"

#include "lictor/cli.h"
#include "lictor/utf8.h"
#include "query/xml.h"

#define LETTER 6.2 /* width of a letter of small print, about */

static const char *const classes[SVG_FILLS] = {"blue", "pale", "grey", "none", "hatch", "cross"};

static void put_number(struct buf *out, const char *name, double v)
{
    int64_t tenths = (int64_t)(v * 10 + (v < 0 ? -0.5 : 0.5));
    int64_t whole = tenths / 10, rest = tenths % 10;
    buf_printf(out, " %s=\"%s%lld", name, tenths < 0 && whole == 0 ? "-" : "", (long long)whole);
    if (rest)
        buf_printf(out, ".%lld", (long long)(rest < 0 ? -rest : rest));
    buf_put_u8(out, '"');
}

static void put_element(struct buf *out, const char *name, struct slice text)
{
    buf_printf(out, "<%s>", name);
    xml_text(out, text);
    buf_printf(out, "</%s>", name);
}

void svg_begin(struct buf *out, int width, int height, struct slice title, struct slice about)
{
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" role=\"img\">\n",
               width, height, width, height);
    put_element(out, "title", title);
    buf_put_u8(out, '\n');
    put_element(out, "desc", about);
    buf_put_str(
        out,
        "\n<defs>\n"
        "<pattern id=\"p1\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
        "<rect width=\"6\" height=\"6\" fill=\"#fff\"/>"
        "<path d=\"M0 6L6 0M-1 1L1 -1M5 7L7 5\" stroke=\"#d55e00\" stroke-width=\"2\"/></pattern>\n"
        "<pattern id=\"p2\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
        "<rect width=\"6\" height=\"6\" fill=\"#fff\"/>"
        "<path d=\"M0 6L6 0M0 0L6 6\" stroke=\"#000\" stroke-width=\"0.8\"/></pattern>\n"
        "</defs>\n<style>\n"
        "text{font-family:sans-serif;font-size:11px;fill:#000;unicode-bidi:isolate}"
        ".big{font-size:16px;font-weight:bold}\n"
        ".blue{fill:#0072b2}.pale{fill:#56b4e9}.grey{fill:#bbb}.hatch{fill:url(#p1);"
        "stroke:#d55e00;stroke-width:0.5}.cross{fill:url(#p2);stroke:#000;stroke-width:0.5}\n"
        ".none{fill:#fff;stroke:#999;stroke-width:0.5}line{stroke:#999;stroke-width:0.5}\n"
        "</style>\n");
    buf_printf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height);
}

void svg_end(struct buf *out) { buf_put_str(out, "</svg>\n"); }

static void put_rect(struct buf *out, double x, double y, double width, double height)
{
    put_number(out, "x", x);
    put_number(out, "y", y);
    put_number(out, "width", width);
    put_number(out, "height", height);
}

static void end_rect(struct buf *out, struct slice tip)
{
    if (tip.len == 0) {
        buf_put_str(out, "/>\n");
        return;
    }
    buf_put_u8(out, '>');
    put_element(out, "title", tip);
    buf_put_str(out, "</rect>\n");
}

void svg_rect(struct buf *out, double x, double y, double width, double height, enum svg_fill fill,
              struct slice tip)
{
    buf_printf(out, "<rect class=\"%s\"", classes[fill]);
    put_rect(out, x, y, width, height);
    end_rect(out, tip);
}

void svg_shade(struct buf *out, double x, double y, double width, double height, double opacity,
               struct slice tip)
{
    buf_put_str(out, "<rect class=\"blue\"");
    put_rect(out, x, y, width, height);
    buf_printf(out, " fill-opacity=\"0.%02d\"",
               opacity >= 0.99   ? 99
               : opacity <= 0.01 ? 1
                                 : (int)(opacity * 100));
    end_rect(out, tip);
}

void svg_line(struct buf *out, double x1, double y1, double x2, double y2)
{
    buf_put_str(out, "<line");
    put_number(out, "x1", x1);
    put_number(out, "y1", y1);
    put_number(out, "x2", x2);
    put_number(out, "y2", y2);
    buf_put_str(out, "/>\n");
}

void svg_text(struct buf *out, double x, double y, enum svg_anchor anchor, bool big,
              struct slice text)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    buf_put_str(out, "<text");
    put_number(out, "x", x);
    put_number(out, "y", y);
    buf_printf(out, "%s%s>", anchors[anchor], big ? " class=\"big\"" : "");
    xml_text(out, text);
    buf_put_str(out, "</text>\n");
}

void svg_text_cut(struct buf *out, double x, double y, enum svg_anchor anchor, int columns,
                  struct slice text)
{
    struct buf cut = {0};
    size_t pos = 0;
    int used = 0;
    while (pos < text.len) {
        size_t next = pos;
        (void)utf8_next(text.data, text.len, &next);
        used += cli_width(slice_of(text.data + pos, next - pos));
        if (used > columns)
            break;
        pos = next;
    }
    buf_put(&cut, text.data, pos);
    if (pos < text.len)
        buf_put_str(&cut, "\xe2\x80\xa6");
    svg_text(out, x, y, anchor, false, buf_slice(&cut));
    out->failed |= cut.failed;
    buf_release(&cut);
}

double svg_legend(struct buf *out, double x, double y, enum svg_fill fill, const char *what)
{
    svg_rect(out, x, y - 9, 14, 10, fill, (struct slice){0});
    svg_text(out, x + 18, y, SVG_START, false, slice_str(what));
    return x + 18 + LETTER * (double)strlen(what) + 16;
}
