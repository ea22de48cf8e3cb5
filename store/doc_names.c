/* doc_names — the words that output and hashes use for kinds and sides. The kind names are part of
 * the record hash (docs/FORMAT.md, "Message ids"): they never change. */
#include "lictor/copies.h"

const char *doc_kind_name(enum doc_kind k)
{
    static const char *const names[DOC_KINDS] = {"message",  "event", "contact",  "note",
                                                 "location", "call",  "keepalive"};
    MUST(k < DOC_KINDS);
    return names[k];
}

const char *side_name(enum side s)
{
    switch (s) {
    case SIDE_FROM:
        return "from";
    case SIDE_TO:
        return "to";
    case SIDE_SERVER:
        return "server";
    case SIDE_UNKNOWN:
        break;
    }
    return "unknown";
}
