/* The tests of arena over its chunks: under AddressSanitizer the library gives every object its own
 * allocation and would leave the code of the release untested. */
#define ARENA_SINGLE 0
#define arena arena_chunked /* the suite's name; the struct's too, here alone */
#include "base/arena.c"
#include "tests/unit/test_arena.c"
