"""Runs a command and prints the CPU seconds and the most memory it took.

    usage.py COMMAND [ARGUMENT ...]

CPU seconds are user and system time of all its descendants, those that it
leaves behind too; memory is the largest resident set of any of them, in MB.
The command's output goes nowhere.  Exits as the command does.
"""
import ctypes
import os
import resource
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
command = sys.argv[1:]
first = os.posix_spawnp(command[0], command, os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)])
status = 0
while True:
    try:
        pid, code = os.wait()
    except ChildProcessError:
        break
    if pid == first:
        status = os.waitstatus_to_exitcode(code)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss / 1024:.1f}")
sys.exit(status if status >= 0 else 128 - status)
