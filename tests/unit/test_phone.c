/* test_phone — which digits are a phone number, and its one form. */
#include "tests/unit/words_testing.h"

TestSuite(phone, .init = splitter_setup, .fini = splitter_teardown);

static void phone_is(const char *text, const char *number)
{
    struct words w;
    words_of(slice_str(text), &w);
    cr_expect_eq(w.seen & WORDS_PHONE, WORDS_PHONE, "<%s> has no phone number", text);
    cr_expect(words_have(text, number), "<%s> lacks %s", text, number);
}

static void phone_none(const char *text)
{
    struct words w;
    words_of(slice_str(text), &w);
    cr_expect_eq(w.seen & WORDS_PHONE, 0u, "<%s> has a phone number", text);
}

Test(phone, has_one_form_however_it_is_written)
{
    static const char *const texts[] = {"+49151234567",        "0049151234567",
                                        "+49 151 234567",      "+49-151-234567",
                                        "+49 (0)151 234567",   "+49 (0) 151 234567",
                                        "(+49) 151 234567",    "+49/151/234567",
                                        "+49.151.234567",      "00 49 151 23 45 67",
                                        "+(49)151-234567",     "call:+49151234567!",
                                        "tel:+49151234567",    "\uff0b\uff14\uff19151234567",
                                        "x, +49 151 - 234567."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        phone_is(texts[i], "+49151234567");
}

Test(phone, keeps_a_national_form)
{
    phone_is("(0151) 123 4567", "01511234567");
    phone_is("0151-1234567", "01511234567");
    phone_is("06.12.34.56.78", "0612345678");
    phone_is("030/1234567", "0301234567");
    phone_is("555-123-4567", "5551234567");
    phone_is("555.123.4567", "5551234567");
    phone_is("601 234 567", "601234567");
    phone_is("call 0612345678 now", "0612345678");
}

Test(phone, is_told_from_what_stands_beside_it)
{
    phone_is("0612345678 0687654321", "0612345678");
    phone_is("0612345678 0687654321", "0687654321");
    phone_is("+31612345678+31687654321", "+31612345678");
    phone_is("+31612345678 2 days", "+31612345678");
    phone_is("2 0612345678", "0612345678");
    phone_is("06-12345678 2 times", "0612345678");
    phone_is("2020-04-02 0612345678", "0612345678");
    phone_is("0612345678 18:30", "0612345678");
    phone_is("1111111 2222222 3333333", "2222222");
}

Test(phone, has_7_to_15_digits)
{
    phone_none("+123456");
    phone_is("+1234567", "+1234567");
    phone_is("+123456789012345", "+123456789012345");
    phone_none("+1234567890123456");
    phone_none("123456");
    phone_is("1234567", "1234567");
    phone_none("1234567890123456");
    phone_is("00123456789012345", "+123456789012345");
    phone_is("\u201c0612345678\u201d", "0612345678");
}

Test(phone, is_no_date_and_no_time)
{
    phone_none("2020-04-02");
    phone_none("02.04.2020");
    phone_none("4/2/2020 and 31/12/20");
    phone_none("2020-04-02 18:23:11");
    phone_none("2020-04-02T18:23:11");
    phone_none("04/2020 05/2021");
    phone_none("2019-2020");
    phone_none("20200402");
    phone_none("20200402182311");
    phone_is("20209902", "20209902");
    phone_none("12:30:45");
}

Test(phone, is_no_address_and_no_amount)
{
    phone_none("192.168.100.10");
    phone_none("10.000.000");
    phone_none("1,000,000");
    phone_none("12345.67");
    phone_none("$1234567");
    phone_none("1234567$ 1234567%");
    phone_none("\u20ac1234567 1234567\u20ac \u00a31234567");
}

Test(phone, is_not_glued_to_letters)
{
    phone_none("abc1234567");
    phone_none("1234567abc");
    phone_none("abc-1234567");
    phone_none("1234567-abc");
    phone_none("a_1234567 #1234567 @1234567");
    phone_none("1234567@x");
    phone_is("\u6e2f1234567", "1234567");
}

Test(phone, is_not_looked_for_in_a_url) { phone_none("https://x.y/status/1234567890"); }

Test(phone, stands_at_its_first_digits)
{
    words_are("to +49 151 234567 ok", "to 49=W:+49151234567 151 234567 ok");
    struct words w;
    words_of(slice_str("to (0151) 234567 ok"), &w);
    cr_assert_eq(w.n, 5);
    cr_expect_eq(w.tokens[2].from, 3);
    cr_expect_eq(w.tokens[2].to, 16);
}
