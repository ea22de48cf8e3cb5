/* The tests of pages over mapped memory: under AddressSanitizer the library gives all of it from
 * malloc and would leave the code of the release untested. */
#define PAGES_MALLOC 0
#define pages pages_mapped /* the suite's name */
#include "base/pages.c"
#include "tests/unit/test_pages.c"
