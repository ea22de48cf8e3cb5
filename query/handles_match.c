/* handles_match — patterns of handles. */
#include "query/handles.h"

/* First place at or after `from` where `part` stands; false if nowhere. */
static bool find_part(struct slice s, size_t from, struct slice part, size_t *at)
{
    if (part.len == 0) {
        *at = from;
        return true;
    }
    const uint8_t *found = memmem(s.data + from, s.len - from, part.data, part.len);
    if (!found)
        return false;
    *at = (size_t)(found - s.data);
    return true;
}

bool handle_match(struct slice pattern, struct slice handle)
{
    const uint8_t *star = pattern.len ? memchr(pattern.data, '*', pattern.len) : NULL;
    if (!star)
        return slice_eq(pattern, handle);
    size_t head = (size_t)(star - pattern.data), at = head;
    if (handle.len < head || (head && memcmp(handle.data, pattern.data, head) != 0))
        return false;
    /* Between stars the first place found is the best one; the last part stands at the end. */
    for (size_t from = head + 1;;) {
        const uint8_t *next = memchr(pattern.data + from, '*', pattern.len - from);
        size_t end = next ? (size_t)(next - pattern.data) : pattern.len;
        struct slice part = slice_of(pattern.data + from, end - from);
        if (!next)
            return handle.len - at >= part.len &&
                   (part.len == 0 ||
                    memcmp(handle.data + handle.len - part.len, part.data, part.len) == 0);
        if (!find_part(handle, at, part, &at))
            return false;
        at += part.len;
        from = end + 1;
    }
}
