#!/usr/bin/env bash
# Submits `s3sieve filter` as an array job of AWS Batch, one partition a child, and `s3sieve merge`
# as a job that begins when all children have succeeded.
#
#     submit.sh [--dry-run] [--queue NAME] [--definition NAME] \
#         --partitions N --out s3://BUCKET/PLAN \
#         -- s3://BUCKET/REPORT/manifest.json --where EXPRESSION [OPTION...]
#
# The queue and its roles are in queue.yaml, the definition in job-definition.json. N is 2 to
# 10,000; choose 4 to 10 times the jobs that run at the same time. What follows `--` goes to
# `s3sieve filter` as it is. --dry-run prints both requests and sends nothing.
#
# If children fail, the merge fails with them; their exit codes and logs say why. The same command
# again does what is missing, as children whose parts exist end at once. `s3sieve merge OUT
# --status` names the missing parts.
#
# Costs: the jobs themselves (queue.yaml); Fargate bills a minute of each at least.
set -euo pipefail

queue=s3sieve definition=s3sieve-filter partitions='' out='' dry_run=
# As many as the definition has processors.
readonly threads=4

usage() {
    sed -n '5,7s/^# *//p' "$0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
        --queue | --definition | --partitions | --out)
            [ $# -ge 2 ] || usage
            declare "${1#--}=$2"
            shift 2
            ;;
        --dry-run) dry_run=1 && shift ;;
        --) shift && break ;;
        *) usage ;;
    esac
done
[[ $partitions =~ ^[1-9][0-9]*$ && $out == s3://* && $# -gt 0 ]] || usage
if [ "$partitions" -lt 2 ] || [ "$partitions" -gt 10000 ]; then
    echo "an array has 2 to 10000 children: --partitions $partitions" >&2
    exit 2
fi

# json_list TEXT...: a list of strings.
json_list() {
    local text separator='' newline=$'\n' tab=$'\t'
    printf '['
    for text; do
        text=${text//\\/\\\\}
        text=${text//\"/\\\"}
        text=${text//$newline/\\n}
        text=${text//$tab/\\t}
        printf '%s"%s"' "$separator" "$text"
        separator=', '
    done
    printf ']'
}

# submit JSON: the job's number; with --dry-run it prints the request.
submit() {
    if [ -n "$dry_run" ]; then
        printf '%s\n' "$1" >&2
        echo "JOB"
    else
        aws batch submit-job --cli-input-json "$1" --query jobId --output text
    fi
}

# job MEMBERS NAME ARGUMENT...: a request; the arguments are the program's.
job() {
    printf '{"jobName": "%s", "jobQueue": "%s", "jobDefinition": "%s", %s, ' \
        "$2" "$queue" "$definition" "$1"
    printf '"containerOverrides": {"command": %s}}' "$(json_list "${@:3}")"
}

array=$(submit "$(job "\"arrayProperties\": {\"size\": $partitions}" s3sieve-filter \
    filter "$@" --partition "env/$partitions" --threads "$threads" --out "$out")")
merge=$(submit "$(job "\"dependsOn\": [{\"jobId\": \"$array\"}]" s3sieve-merge merge "$out")")
[ -n "$dry_run" ] || printf 'filter: %s\nmerge: %s\n' "$array" "$merge"
