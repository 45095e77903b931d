/*
 * interface.h - frames from a network interface.
 */
#ifndef INTERFACE_H
#define INTERFACE_H

#include "decode.h"

typedef struct interface_options
{
	const char *name;			/* "any": all */
	const char *filter;			/* NULL: none */
	int			snap_length;	/* bytes of a packet that are captured */
	int			buffer;			/* of the kernel, bytes */
	bool		promiscuous;
} interface_options;

typedef struct interface interface;

typedef void (*interface_frame) (void *arg, const frame *);

/* NULL and a message on failure; a warning may be in it otherwise, else it is empty. */
interface  *interface_open(const interface_options *, char *message);
void		interface_close(interface *);

/*
 * Waits for frames, but no longer than so many milliseconds or until a signal
 * comes, and hands over some.  False and a message when the interface is gone.
 */
bool		interface_read(interface *, int wait, interface_frame, void *arg, char *message);

/* Lost so far for want of buffer, and by the interface itself. */
void		interface_drops(interface *, int64_t *kernel, int64_t *hardware);

#endif
