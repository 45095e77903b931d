/*
 * session.h - a live session, or a replay, in the database: many transactions,
 * each of its flows stored exactly once.
 *
 * The session's row in "capture" counts the flows that are stored, and is
 * updated in the transaction that stores a batch.  A batch knows how many flows
 * came before it.  So whatever was cut off when (this program, the connection,
 * the server, in the middle of a COMMIT), a batch sent again is either stored or
 * found to be stored already.
 */
#ifndef SESSION_H
#define SESSION_H

#include "identity.h"
#include "server.h"

typedef struct session
{
	server		server;			/* store is set by the caller */
	const char *conninfo;
	bool		attached;		/* to the row of: */
	uint8_t		key[SESSION_KEY_BYTES];
	bool		replay;
	int32_t		capture_id;
	int64_t		stored;			/* flows when it was found */
	bool		complete;		/* nothing is to be added */
} session;

/* Connects if need be.  False: the server's error says why. */
bool		session_connect(session *);
void		session_close(session *);

/* Finds or makes the row of an identity, unless it is attached already. */
bool		session_attach(session *, const identity *);

/* Stores a batch of the attached session, unless it is stored already. */
bool		session_store(session *, batch *);

/* Says in the row that the session was cut off, and that all it left is stored. */
bool		session_abandon(session *);

/*
 * Waits until no other program works on the attached session (its connection
 * may outlive it for a moment), and looks at the row again; false if one still
 * does after a few seconds.
 */
bool		session_lock(session *);

#endif
