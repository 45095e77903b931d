/*
 * privileges.c - rights that are given up (see privileges.h).
 */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "source.h"

bool
become_user(const char *name, char *message)
{
	struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user)
	{
		snprintf(message, MESSAGE_BYTES, "user \"%s\": %s", name, errno ? strerror(errno) : "there is none");
		return false;
	}
	if (initgroups(name, user->pw_gid) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0 &&
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && (user->pw_uid == 0 || setuid(0) != 0))
		return true;
	snprintf(message, MESSAGE_BYTES, "cannot become user \"%s\": %s", name, strerror(errno));
	return false;
}
