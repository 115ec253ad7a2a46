#!/usr/bin/env bash
# Stands in the program's place on the nodes. Notes each attempt (partition and process id), and
# then becomes the program. In a partition that is to be held it stops itself first, and the program
# gets a session of its own: the kernel would send SIGHUP and SIGCONT to a stopped process whose
# session loses its last parent, and that happens here when Slurm's daemons are killed.
set -u
k=${SLURM_ARRAY_TASK_ID-merge}
echo "$k $$" >>"$SCRATCH/started"
[ -e "$SCRATCH/hold-$k" ] || exec "$PROGRAM" "$@"
kill -STOP $$
exec setsid "$PROGRAM" "$@"
