/* zone — time zones by IANA name ("Europe/Paris"), "UTC", "Z" or a fixed offset ("+02:00").
 * Owns: a zone owns its ICU calendar.  Threads: one zone a thread. */
#ifndef LICTOR_ZONE_H
#define LICTOR_ZONE_H

#include "lictor/timestamp.h"

struct zone;

/* ST_BAD_INPUT for a name that is no zone. */
MUST_USE enum status zone_open(const char *name, struct zone **out, struct err *err);
void zone_close(struct zone *z);
/* Offset east of UTC in ms that holds at the instant `utc_ms`. */
int64_t zone_offset(struct zone *z, int64_t utc_ms);
/* The instant of a local wall time (given as if UTC). A time that stands twice (end of summer) is
 * the first, one that does not exist is moved forward. */
int64_t zone_to_utc(struct zone *z, int64_t local_ms);
const char *zone_name(const struct zone *z);

#endif
