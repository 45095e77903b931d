/*
 * util.h - messages, memory and a clock of the program.
 */
#ifndef UTIL_H
#define UTIL_H

#include <stddef.h>

/* To stderr, with the program's name in front; message without a period. */
void		complain(const char *format,...) __attribute__((format(printf, 1, 2)));

/* These end the program when memory is gone. */
void	   *must_calloc(size_t count, size_t size);
void	   *must_realloc(void *, size_t size);

/* The text in new memory; free() it. */
char	   *must_format(const char *format,...) __attribute__((format(printf, 1, 2)));

/* A clock that only goes on. */
double		seconds_now(void);

#endif
