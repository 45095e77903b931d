/*
 * util.c - messages, memory and a clock of the program (see util.h).
 */
#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void
complain(const char *format,...)
{
	va_list		args;

	fflush(stdout);
	flockfile(stderr);
	fputs("pcap2pg: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

static void *
checked(void *memory)
{
	if (!memory)
	{
		complain("out of memory");
		exit(1);				/* the server rolls back what was not committed */
	}
	return memory;
}

void *
must_calloc(size_t count, size_t size)
{
	return checked(calloc(count, size));
}

void *
must_realloc(void *memory, size_t size)
{
	return checked(realloc(memory, size));
}

char *
must_format(const char *format,...)
{
	char	   *text = NULL;
	va_list		args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return checked(text);
}

double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}
