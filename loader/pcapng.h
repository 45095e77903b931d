/*
 * pcapng.h - reader of pcapng (draft-ietf-opsawg-pcapng).
 *
 * libpcap reads pcapng too, but stops in the middle of a file whose interfaces
 * differ in link type or snap length, as those of `dumpcap -i any -i lo` do.
 * Here every interface has its own link type and time resolution.  Sections of
 * either byte order may follow each other.
 */
#ifndef PCAPNG_H
#define PCAPNG_H

#include <stdio.h>

#include "decode.h"

typedef struct pcapng pcapng;

/* Reads the first section header; NULL and a message if it is not one. */
pcapng	   *pcapng_open(FILE *, char *message);
void		pcapng_close(pcapng *);

/* 1: a frame, valid until the next call; 0: the end; -1: damaged, a message. */
int			pcapng_next(pcapng *, frame *, char *message);

/* Packets that the interfaces reported as dropped; -1 if none reported. */
int64_t		pcapng_drops(const pcapng *);

#endif
