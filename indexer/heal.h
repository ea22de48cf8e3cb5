/* heal — what `verify` does about damage that the dumps can make good: damaged segments and
 * quarantine files leave the case, and the dumps that stood in them are noted as partial and as
 * unfinished, so that the next `add` reads them again; read again, a dump keeps its books.
 * Owns: nothing.  Threads: one. */
#ifndef INDEXER_HEAL_H
#define INDEXER_HEAL_H

#include "lictor/casefile.h"

/* For a case of which casefile_damage_heals holds. One commit; appends to `out` which dumps are to
 * be added again. */
MUST_USE enum status heal_reopen(struct casefile *cf, struct buf *out, struct err *err);

#endif
