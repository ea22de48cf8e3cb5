/* jansson_apart — jansson beside lictor/json_out.h: both have a json_string(). Tests never call
 * jansson's, so its declaration gets another name. */
#ifndef LICTOR_TESTS_JANSSON_APART_H
#define LICTOR_TESTS_JANSSON_APART_H

#define json_string jansson_string
#include <jansson.h>
#undef json_string

#endif
