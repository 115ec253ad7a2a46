#!/usr/bin/env bash
# A private Slurm on this host: a controller and two nodes, n1 and n2, of one CPU each. It has its
# own ports, its own munge key and its own folder; a Slurm or munge that the host has is left alone.
# Without systemd, cgroups and a database, so that it runs in a container. Needs Debian and root.
#
#     cluster.sh up DIR      installs Slurm where it is missing, and starts it; DIR is new
#     cluster.sh node DIR N  starts the daemon of node N again
#     cluster.sh down DIR    cancels its jobs and ends its daemons, by their recorded process ids
#
# `export SLURM_CONF=DIR/slurm.conf` makes sbatch, squeue and scontrol use it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/slurm/wait.sh
source "$here/wait.sh"

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

install() {
    local program missing=
    for program in slurmctld slurmd sbatch munged; do
        command -v "$program" >/dev/null || missing=yes
    done
    [ -n "$missing" ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    timeout 120 apt-get update -qq
    # Where Debian starts munge by itself (systemd), that one is not used.
    timeout 300 apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends \
        slurmctld slurmd slurm-client munge >/dev/null
}

# free_ports COUNT: so many ports, one after the other, at which nothing answers.
free_ports() {
    local base port
    for base in $(seq 16817 10 16997); do
        for port in $(seq "$base" $((base + $1 - 1))); do
            ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue 2
        done
        seq "$base" $((base + $1 - 1))
        return
    done
    die "ports 16817 to 16999 are taken"
}

configure() {
    local host ports
    host=$(hostname -s)
    mapfile -t ports < <(free_ports 3)
    [ "${#ports[@]}" = 3 ] || exit 1
    cat >"$dir/slurm.conf" <<CONF
ClusterName=s3sieve
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credentials have expired: 120 s by default.
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=0,requeue_delay=1
ReturnToService=2
SlurmdTimeout=5
SlurmctldTimeout=10
InactiveLimit=0
KillWait=5
MinJobAge=300
MaxArraySize=10001
JobRequeue=1
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[1]} CPUs=1 RealMemory=500
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[2]} CPUs=1 RealMemory=500
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
}

nodes_idle() {
    [ "$(sinfo -h -N -o '%N %T' 2>/dev/null | sort)" = $'n1 idle\nn2 idle' ]
}

up() {
    install
    mkdir -p "$dir"
    [ ! -e "$dir/slurm.conf" ] || die "$dir has a cluster already"
    mkdir "$dir/state"
    configure
    trap down EXIT
    head -c 1024 /dev/urandom >"$dir/munge.key"
    chmod 400 "$dir/munge.key"
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" \
        --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" \
        --seed-file="$dir/munge.seed" --num-threads=2 2>/dev/null
    slurmctld
    slurmd -N n1
    slurmd -N n2
    wait_until 20 "two idle nodes; see $dir/*.log" nodes_idle
    trap - EXIT
}

# pid_of NAME PIDFILE: the recorded process id, if that process is there and has this name.
pid_of() {
    local pid
    pid=$(cat "$2" 2>/dev/null) || return 1
    [ "$(name_of "$pid")" = "$1" ] && echo "$pid"
}

no_jobs() {
    [ -z "$(timeout 5 squeue -h 2>/dev/null)" ]
}

down() {
    local daemon pid
    [ -e "$dir/slurm.conf" ] || return 0
    if pid_of slurmctld "$dir/slurmctld.pid" >/dev/null; then
        timeout 5 squeue -h -o %A | sort -u | xargs -r timeout 5 scancel || true
        wait_until 15 "the jobs to end" no_jobs || true
    fi
    for daemon in slurmd-n1 slurmd-n2 slurmctld munged; do
        pid=$(pid_of "${daemon%-n?}" "$dir/$daemon.pid") || continue
        kill "$pid" 2>/dev/null || continue
        wait_until 10 "$daemon to end" ended "$pid" || kill -9 "$pid"
    done
}

[ $# -ge 2 ] || die "usage: cluster.sh up|down DIR, or cluster.sh node DIR n1|n2"
case $1 in
    # In full, as daemons change their folder.
    up) mkdir -p "$2" ;;
    *) [ -d "$2" ] || exit 0 ;;
esac
dir=$(cd "$2" && pwd)
export SLURM_CONF=$dir/slurm.conf
case $1 in
    up) up ;;
    down) down ;;
    node) slurmd -N "$3" ;;
    *) die "no such command: $1" ;;
esac
