/*
 * privileges.h - rights that are given up.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>

/* For good.  False and a message on failure. */
bool		become_user(const char *name, char *message);

#endif
