/*
 * complete.h - a whole flow from what a row of text says (see import.h).
 */
#ifndef COMPLETE_H
#define COMPLETE_H

#include "target.h"

/* An empty draft. */
void		draft_begin(draft *);

/*
 * Fills in what is not known; "start" is for rows without a time.  NULL, or
 * why the row cannot be a flow.
 */
const char *draft_complete(draft *, int64_t start);

#endif
