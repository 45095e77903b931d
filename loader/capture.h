/*
 * capture.h - frames from a capture file of either format, filtered.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "decode.h"
#include "source.h"

typedef struct capture capture;

/* Our number (decode.h) of one of libpcap's link types. */
int			capture_link(int dlt);

/* Is it a valid filter (for Ethernet)?  If not, a message. */
bool		capture_check_filter(const char *filter, char *message);

/* NULL and a message if the source is no capture that can be read. */
capture    *capture_open(source *, const char *filter, char *message);
void		capture_close(capture *);

/*
 * 1: a frame that passed the filter, valid until the next call; 0: the end;
 * -1: what follows cannot be read, a message says why; -2: the filter does
 * not suit the frame's link type, likewise.
 */
int			capture_next(capture *, frame *, char *message);

/* Packets lost when the capture was made; -1: not known. */
int64_t		capture_drops(const capture *);

#endif
