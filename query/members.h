/* members — who is in a group at a time: the last record `members` until then, and the joins,
 * leaves, additions and removals that follow it; and who is seen speaking. A list says who is in:
 * who was and does not stand in it is out from then on. Lists of the same instant that differ are
 * taken together, and who stands not in all of them is disputed. Changes without a time cannot be
 * placed: they are counted, not followed. Owns: struct group_members owns all it gives.  Threads:
 * one. Memory: a few words for each change and each handle ever named. */
#ifndef QUERY_MEMBERS_H
#define QUERY_MEMBERS_H

#include "query/view.h"

enum member_how { HOW_SPOKE, HOW_LIST, HOW_JOIN, HOW_ADD, HOW_LEAVE, HOW_REMOVE };
const char *member_how_name(enum member_how h);

struct group_member {
    struct slice handle;
    bool in, disputed, speaks;
    uint8_t how;   /* enum member_how: by what it is in or out; HOW_SPOKE: only seen speaking */
    int64_t since; /* time of that record; TIME_NONE if it only spoke */
    uint8_t id[KEY_SIZE];             /* of that record */
    struct slice by;                  /* who added or removed it; data NULL if absent */
    uint64_t list;                    /* number of the last list it stood in; 0: none */
    struct group_member *next, *prev; /* those who are in */
};
struct group_members {
    const struct group_member **all; /* by handle */
    size_t n;
    size_t in, disputed; /* how many */
    uint64_t lists;    /* `members` records until then; 0: members are not in the delivered data */
    int64_t listed_at; /* the last one's time */
    uint64_t changes;  /* behind it */
    uint64_t untimed;  /* records of any time that cannot be placed */
    struct arena a;
};
/* Of the conversation at `at` (INT64_MAX: at its end), what happened at that instant included.
 * `speakers`: also who is seen speaking until then, which reads every record. ST_NOT_FOUND never:
 * a conversation that is not there has no members. */
MUST_USE enum status members_at(struct view *v, const uint8_t key[KEY_SIZE], int64_t at,
                                bool speakers, struct group_members *out, struct err *err);
void members_release(struct group_members *m);

#endif
