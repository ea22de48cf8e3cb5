/* test_wholes — URLs, e-mail addresses, handles and tags. */
#include "tests/unit/words_testing.h"

TestSuite(wholes, .init = splitter_setup, .fini = splitter_teardown);

Test(wholes, hold_a_url_and_its_host)
{
    cr_expect_eq(words_are("https://Example.com/a", "https=W:https://example.com/a "
                                                    "example=W:example.com com a"),
                 WORDS_LINK);
    words_are("www.test.org", "www=W:www.test.org test org");
    words_are("ftp://localhost/x", "ftp=W:ftp://localhost/x localhost x");
    words_are("file:///etc/fstab", "file=W:file:///etc/fstab etc fstab");
    words_are("http://u:p@h.de:80/", "http=W:http://u:p@h.de:80/ u=W:u:p p=W:p@h.de "
                                     "h=W:h.de=W:h.de:80 de 80");
    words_are("http://[::1]:80/", "http=W:http://[::1]:80/ 1 80");
    words_are("HTTP://B\u00fccher.de", "http=W:http://bucher.de bucher=W:bucher.de de");
}

Test(wholes, end_a_url_where_the_sentence_goes_on)
{
    cr_expect(words_have("see http://a.b/c.", "http://a.b/c"));
    cr_expect(words_have("see http://a.b/c?!", "http://a.b/c"));
    cr_expect(words_have("(http://a.b/c)", "http://a.b/c"));
    cr_expect(words_have("(http://a.b/c_(d))", "http://a.b/c_(d)"));
    cr_expect(words_have("[x](http://a.b/c).", "http://a.b/c"));
    cr_expect(words_have("<http://a.b/c>", "http://a.b/c"));
    cr_expect(words_have("\"http://a.b/c\"", "http://a.b/c"));
    cr_expect(words_have("http://a.b/c\u3000x", "http://a.b/c"));
    cr_expect(words_have("http://a.b/c\u2028x", "http://a.b/c"));
    cr_expect(words_have("http://a.b/c\u2026", "http://a.b/c"));
    cr_expect(words_have("http://a.b/c\u3002", "http://a.b/c"));
    cr_expect(words_have("http://a.b/c\U0001f525", "http://a.b/c"));
    cr_expect(words_have("http://a.b/c\xff", "http://a.b/c"));
    cr_expect(words_have("http://a.b/?x=1&y=2#z", "http://a.b/?x=1&y=2#z"));
}

Test(wholes, need_a_scheme_and_something_behind)
{
    cr_expect_eq(words_are("http:// x", "http x"), 0);
    cr_expect_eq(words_are("://x", "x"), 0);
    cr_expect_eq(words_are("1://x", "1 x"), 0);
    cr_expect_eq(words_are("a ://x", "a x"), 0);
    cr_expect_eq(words_are("www. x", "www x"), 0);
    cr_expect_eq(words_are("awww.x", "awww=W:awww.x x"), 0);
}

Test(wholes, hold_no_url_that_is_too_long)
{
    struct buf text = {0};
    buf_put_str(&text, "http://a.b/");
    for (int i = 0; i < 5000; i++)
        buf_put_str(&text, "c");
    struct words w;
    words_of(buf_slice(&text), &w);
    cr_expect_eq(w.seen, WORDS_LINK);
    for (size_t i = 0; i < w.n; i++)
        cr_expect(w.tokens[i].kind != TOKEN_WHOLE || w.tokens[i].len == 3);
    cr_expect_eq(w.n, 5);
    buf_release(&text);
}

Test(wholes, hold_an_email_address)
{
    cr_expect_eq(words_are("Anna@Example.com", "anna=W:anna@example.com example=W:example.com com"),
                 WORDS_EMAIL);
    cr_expect(words_have("<anna.m+x@sub.example.co.uk>,", "anna.m+x@sub.example.co.uk"));
    cr_expect(words_have("o'neil@x.com", "o'neil@x.com"));
    cr_expect(words_have("m\u00fcller@x.com.", "muller@x.com"));
    cr_expect(words_have("mailto:a@x.com", "a@x.com"));
    cr_expect(words_have("\u4f60\u597danna@x.com\u4f60\u597d", "anna@x.com"));
    cr_expect(words_have("a@b@c.de", "b@c.de"));
    cr_expect(words_have("a@x-y.com", "a@x-y.com"));
    cr_expect(words_have("anna@x.com's", "anna@x.com"));
}

Test(wholes, hold_no_email_address_without_a_domain)
{
    cr_expect_eq(words_are("root@localhost a@ @b a@.c 5@3.50", "root localhost a b=W:@b a c 5 "
                                                               "3=W:3.50 50"),
                 0);
    cr_expect_eq(words_are("a@b.c", "a b=W:b.c c"), 0);
}

Test(wholes, end_at_a_zero_byte)
{
    static const char text[] = "x\0a@b.com\0c http://a.b\0c +4915123\0004567";
    struct words w;
    words_of(slice_of(text, sizeof text - 1), &w);
    cr_assert_eq(w.n, 16);
    cr_expect_eq(w.seen, (unsigned)(WORDS_EMAIL | WORDS_LINK | WORDS_PHONE));
    cr_expect(slice_eq_str(slice_of(w.tokens[2].text, w.tokens[2].len), "a@b.com"));
}

Test(wholes, keep_the_sign_of_handles_and_tags)
{
    cr_expect_eq(words_are("@Anna: #Tag, ##x", "anna=W:@anna tag=W:#tag x=W:#x"), 0);
    words_are("@anna_b @_x_", "anna=W:@anna_b=W:anna_b b x=W:@_x_");
    words_are("#ubuntu-devel", "ubuntu=W:#ubuntu=W:#ubuntu-devel=W:ubuntu-devel devel");
    words_are("@m:x.org", "m=W:@m=W:@m:x.org=W:m:x.org x org");
    words_are("\uff03\u6e2f\u53e3", "C:\u6e2f=P:\u6e2f\u53e3=W:#\u6e2f\u53e3 C:\u53e3");
    words_are("\u6e2f@anna", "C:\u6e2f anna=W:@anna");
}

Test(wholes, are_no_handles_behind_a_letter_or_without_one)
{
    words_are("C#a a@b @ # @_ #- @@", "c a a b");
    words_are("# a @ b", "a b");
}

Test(wholes, stand_at_their_first_part)
{
    struct words w;
    words_of(slice_str("x (http://a.b/c) d"), &w);
    cr_assert_eq(w.n, 8);
    cr_expect_eq(w.tokens[2].kind, TOKEN_WHOLE);
    cr_expect_eq(w.tokens[2].pos, 1);
    cr_expect_eq(w.tokens[2].from, 3);
    cr_expect_eq(w.tokens[2].to, 15);
    cr_expect_eq(w.tokens[7].pos, 5);
}

Test(wholes, that_equal_their_only_part_are_left_out)
{
    words_are("http://localhost", "http=W:http://localhost localhost");
    words_are("0612345678", "0612345678");
}
