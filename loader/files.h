/*
 * files.h - capture files and text files of flows, each by itself.
 *
 * The flows of a file end with it, it is one transaction, and a bad one does
 * not stop the others.
 */
#ifndef FILES_H
#define FILES_H

#include "options.h"
#include "sink.h"

/* "database" is NULL unless the output is one.  The exit code. */
int			load_files(const options *, sink *database, char **paths, int count);

#endif
