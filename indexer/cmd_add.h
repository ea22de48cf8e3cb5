/* cmd_add — the parts of `add`: one run of opener and core, and the care after a fault.
 * Threads: one. */
#ifndef INDEXER_CMD_ADD_H
#define INDEXER_CMD_ADD_H

#include "indexer/cmd.h"
#include "indexer/inwork.h"
#include "lictor/thread.h"

/* Opener and core once; `plan` NULL: nothing is known to kill. Exit code. */
int cmd_add_once(const struct cmd_options *o, struct inwork *w, const struct inwork_plan *plan);
/* The same until the records that kill are found. */
int cmd_add_again(const struct cmd_options *o, struct inwork *w);

#endif
