/* svg — pictures for print and for a browser: one file, no script, no link, nothing loaded from
 * elsewhere. Colours are those of Okabe and Ito, which the colour-blind tell apart, and what
 * matters is also told by hatching, so that it survives a grey printer. Owns: nothing; appends to a
 * buf and latches there.  Threads: one. Trusts: nothing: every text goes through xml_text. Sizes
 * are pixels. */
#ifndef QUERY_SVG_H
#define QUERY_SVG_H

#include "lictor/bytes.h"

enum svg_fill {
    SVG_BLUE,  /* what is there */
    SVG_PALE,  /* little of it: blue, light */
    SVG_GREY,  /* outside of what was asked for */
    SVG_EMPTY, /* white with a thin frame */
    SVG_HATCH, /* missing: orange, hatched */
    SVG_CROSS, /* silent: dark, cross-hatched */
    SVG_FILLS,
};

/* `title` is read out and shown as the name of the file; `about` is the longer description. */
void svg_begin(struct buf *out, int width, int height, struct slice title, struct slice about);
void svg_end(struct buf *out);
/* `tip`: what a pointer resting on it shows; empty: nothing. */
void svg_rect(struct buf *out, double x, double y, double width, double height, enum svg_fill fill,
              struct slice tip);
/* `opacity` of 0 .. 1 for SVG_BLUE: how much. */
void svg_shade(struct buf *out, double x, double y, double width, double height, double opacity,
               struct slice tip);
void svg_line(struct buf *out, double x1, double y1, double x2, double y2);
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
/* `big`: a heading; else small print. */
void svg_text(struct buf *out, double x, double y, enum svg_anchor anchor, bool big,
              struct slice text);
/* At most `columns` of `text`, and … where it was cut. */
void svg_text_cut(struct buf *out, double x, double y, enum svg_anchor anchor, int columns,
                  struct slice text);
/* A box of `fill` and what it means; gives the x behind it. */
double svg_legend(struct buf *out, double x, double y, enum svg_fill fill, const char *what);

#endif
