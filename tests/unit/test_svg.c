/* test_svg — what names may hold does not get out of its element, in pictures and in XML. */
#include <criterion/criterion.h>

#include "query/svg.h"
#include "query/xml.h"

static struct buf out;

static const char *text_of(const char *s, size_t len)
{
    buf_clear(&out);
    xml_text(&out, slice_of(s, len));
    buf_put_u8(&out, 0);
    cr_assert(!out.failed);
    return (const char *)out.data;
}

Test(svg, xml_text_escapes_markup_and_what_xml_forbids)
{
    cr_assert_str_eq(text_of("a<b>&\"'c", 8), "a&lt;b&gt;&amp;&quot;&#39;c");
    cr_assert_str_eq(text_of("]]>", 3), "]]&gt;");
    cr_assert_str_eq(text_of("\xef\xbf\xbe\xef\xbf\xbf", 6), "\xef\xbf\xbd\xef\xbf\xbd");
    cr_assert_str_eq(text_of("\xd7\x90", 2), "\xd7\x90");
    cr_assert_null(strchr(text_of("\x00\x01\x1b[31m\x7f", 8), 0x1b));
    cr_assert_null(strstr(text_of("a\xe2\x80\xae", 4), "\xe2\x80\xae"));
    cr_assert_null(strchr(text_of("a\nb\tc", 5), '\n'));
    buf_release(&out);
}

Test(svg, titles_of_hostile_names_stay_text)
{
    const char *name = "</title><script>alert(1)</script>\xff";
    buf_clear(&out);
    svg_begin(&out, 100, 50, slice_str(name), slice_str(name));
    svg_rect(&out, 1.25, 2, 3, 4, SVG_HATCH, slice_str(name));
    svg_text_cut(&out, 1, 2, SVG_END, 9, slice_str(name));
    svg_end(&out);
    buf_put_u8(&out, 0);
    cr_assert(!out.failed);
    const char *s = (const char *)out.data;
    cr_assert_null(strstr(s, "<script"));
    cr_assert_not_null(strstr(s, "&lt;/title&gt;&lt;\xe2\x80\xa6</text>"));
    cr_assert_not_null(strstr(s, "x=\"1.3\" y=\"2\" width=\"3\" height=\"4\""));
    buf_release(&out);
}
