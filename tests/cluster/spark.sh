#!/usr/bin/env bash
# cluster/spark/filter.py on Spark standalone on this machine: a master and two workers of one core.
# A worker, an executor and the program are killed in mid-run, with speculation on, and an attempt
# is held until a speculative one has overtaken it. Each time the plan must be that of one machine.
#
#     tests/cluster/spark.sh target/debug/s3sieve /tmp/spark
#
# Takes one to two minutes and 1 GiB of memory. Installs pyspark from PyPI (500 MB) into
# SCRATCH/venv, and a Java runtime from Debian, where they are missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=engines.sh
source "$(dirname "$0")/engines.sh"

command -v java >/dev/null || {
    apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless
} >/dev/null
install pyspark pyspark
prepare

SPARK_HOME=$("$python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_DIRS=$scratch/spark SPARK_NO_DAEMONIZE=1
export SPARK_DAEMON_MEMORY=256m PYSPARK_PYTHON=$python
# Runs are short: the second compiler and parallel collectors would cost more than they gain.
readonly java_options="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
export SPARK_DAEMON_JAVA_OPTS="$java_options -Dspark.worker.timeout=10"
port=$(free_port)
readonly master=spark://127.0.0.1:$port

# Of two workers on one host, Spark starts no second attempt on the other one: hosts of their own.
start_worker() {
    start "worker-$1" "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker \
        --host "127.0.0.$1" --webui-port 0 --cores 1 --memory 700m --work-dir "$scratch/work-$1" \
        "$master"
}

registered() {
    [ "$(grep -cs 'Registering worker' "$scratch/logs/master.log")" -ge "$1" ]
}

# submit RUN PARTITION...: the driver in the background, these partitions held; it is in $driver.
submit() {
    begin "$@"
    start "$1" "$SPARK_HOME/bin/spark-submit" --master "$master" --driver-memory 512m \
        --executor-memory 512m --executor-cores 1 --conf spark.task.maxFailures=4 \
        --conf spark.speculation=true --conf spark.speculation.interval=200ms \
        --conf spark.speculation.quantile=0.5 --conf spark.speculation.multiplier=1.2 \
        --conf spark.speculation.minTaskRuntime=2s --conf spark.ui.enabled=false \
        --conf spark.driver.host=127.0.0.1 --conf spark.executor.heartbeatInterval=5s \
        --conf spark.network.timeout=60s \
        --conf "spark.executor.extraJavaOptions=$java_options" \
        --files "$run/s3sieve" "$repository/cluster/spark/filter.py" \
        --partitions "$partitions" --out "$run/out" -- "$manifest" --where "$where"
    driver=$process
}

start master "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.master.Master \
    --host 127.0.0.1 --port "$port" --webui-port 0
start_worker 1
start_worker 2
await 60 "two workers of Spark" registered 2
step "Spark is up"

submit worker 5
await_attempt 5 1
executor=$(ancestor "$attempt" CoarseGrainedExecutorBackend)
worker=$(ancestor "$executor" org.apache.spark.deploy.worker.Worker)
host=$(command_line "$worker" | grep -E '^127\.0\.0\.[0-9]+$')
kill -KILL "$worker"
wait "$worker" 2>/dev/null || true
step "killed the worker of partition 5"
await_attempt 5 2
let_go 5
await_driver "$driver"
compare
start_worker "${host##*.}"
await 60 "another worker" registered 3

submit executor 5 8
await_attempt 5 1
kill -KILL "$(ancestor "$attempt" CoarseGrainedExecutorBackend)"
step "killed the executor of partition 5"
await_attempt 5 2
let_go 5
await_attempt 8 1
kill -KILL "$attempt"
step "killed the program at partition 8"
await_attempt 8 2
await_driver "$driver"
compare

submit speculation 5
await_driver "$driver"
await_attempt 5 2
step "partition 5 was overtaken by a second attempt"
let_go 5
compare

where="NoColumn = 1"
submit refusal
await_driver "$driver" 3
compare_refusals "$scratch/logs/refusal.log"
