/*
 * classic.h - reader of classic capture files, those of tcpdump since 1998.
 *
 * libpcap reads them too, but through stdio, copying every packet and calling
 * three times for it; that is an eighth of all the work on a file.
 */
#ifndef CLASSIC_H
#define CLASSIC_H

#include "decode.h"
#include "source.h"

typedef struct classic classic;

/* Does a file that begins so have this format? */
bool		classic_magic(const uint8_t magic[4]);

/* Reads the file's header; NULL and a message if it is none. */
classic    *classic_open(source *, char *message);
void		classic_close(classic *);

/* As libpcap numbers it, which is not always decode.h's number. */
int			classic_link(const classic *);

/* 1: a frame, but for its link, valid until the next call; 0: the end; -1: damaged, a message. */
int			classic_next(classic *, frame *, char *message);

#endif
