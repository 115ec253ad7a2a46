#!/usr/bin/env python3
"""Checks what cluster/ hands to AWS Batch, CloudFormation and Kubernetes, without any of them.

The job definition and the requests of submit.sh are held against AWS's own model of these calls,
the template against the schemas of its resources, the Indexed Job against the API's schemas. The
rules that no schema knows are checked here: N of `--partition env/N` is the number of children,
exit codes are the same everywhere, the role may do what docs/s3.md names and nothing else.

    pip install botocore cfn-lint kubernetes-validate pyyaml
    python tests/cluster/check_definitions.py [--program target/debug/s3sieve]

With --program, the program parses each command as well; it reads nothing, as the report is missing.
"""

import argparse
import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import botocore.session
import kubernetes_validate
import yaml
from botocore.validate import ParamValidator

CLUSTER = pathlib.Path(__file__).resolve().parents[2] / "cluster"
BATCH = CLUSTER / "aws-batch"

# Wrong command line, bad input, refused by AWS. Only `merge` ends with 5: parts are missing.
FINAL = {2, 3, 4}
FINAL_OF_MERGE = FINAL | {5}
# The first version with all that the job uses, and the newest one known.
KUBERNETES_VERSIONS = ("1.31", kubernetes_validate.latest_version())
# What a Fargate task with so many vCPUs may have, in GiB: least, most.
FARGATE_MEMORY_GIB = {"1": (2, 8), "2": (4, 16), "4": (8, 30), "8": (16, 60), "16": (32, 120)}
# The permissions of docs/s3.md for reading a report and writing a plan without --force.
PERMISSIONS = {
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "kms:Decrypt",
}
# Characters that a shell or JSON may spoil, and a placeholder of AWS Batch that is none.
ODD_WHERE = "Key LIKE 'a\"b\\c%'\nAND\tKey <> 'Ref::x $HOME é'"
COMMAND_SECONDS_MAX = 60


def parts_of(command: list[str]) -> int:
    """N of `--partition env/N`."""
    spec = command[command.index("--partition") + 1]
    matched = re.fullmatch(r"env/([1-9][0-9]*)", spec)
    assert matched, f"not env/N: {spec}"
    return int(matched[1])


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def check_model(operation: str, request: dict[str, Any]) -> None:
    """Holds a request of AWS Batch against AWS's model: members, types and values of enums."""
    shape = MODEL.operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    check_enums(request, shape, operation)


def check_enums(value: Any, shape: Any, place: str) -> None:
    """What botocore itself leaves to the server."""
    if shape.type_name == "structure":
        for name, member in value.items():
            check_enums(member, shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list":
        for member in value:
            check_enums(member, shape.member, place)
    elif getattr(shape, "enum", None):
        # The service takes either case of some values.
        assert value in shape.enum or value.lower() in map(str.lower, shape.enum), (
            f"{place}: {value} is none of {shape.enum}"
        )


def definition() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((BATCH / "job-definition.json").read_text())
    return document


def substituted(document: dict[str, Any]) -> list[str]:
    """The command with its parameters put in, as AWS Batch does it."""
    return [
        document["parameters"][word.removeprefix("Ref::")] if word.startswith("Ref::") else word
        for word in document["containerProperties"]["command"]
    ]


def submitted(*arguments: str) -> list[dict[str, Any]]:
    """The two requests of submit.sh."""
    done = subprocess.run(
        [BATCH / "submit.sh", "--dry-run", *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    return [json.loads(line) for line in done.stderr.splitlines()]


def example_submission() -> list[dict[str, Any]]:
    return submitted(
        *("--partitions", "480", "--out", "s3://plans/bucket-keys", "--"),
        *("s3://reports/manifest.json", "--where", ODD_WHERE, "--for", "update-encryption"),
    )


def template() -> dict[str, Any]:
    """The CloudFormation template; of `!Ref x` and the like, the text behind the tag."""

    class Loader(yaml.SafeLoader):
        pass

    def untagged(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_mapping(node, deep=True)

    Loader.add_multi_constructor("!", untagged)
    document: dict[str, Any] = yaml.load((BATCH / "queue.yaml").read_text(), Loader)
    return document


def indexed_job() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CLUSTER / "kubernetes/job.yaml").read_text())
    return document


def job_command() -> list[str]:
    arguments: list[str] = indexed_job()["spec"]["template"]["spec"]["containers"][0]["args"]
    return arguments


def batch_definition_fits_the_model() -> None:
    check_model("RegisterJobDefinition", definition())


def batch_parameters_are_used() -> None:
    document = definition()
    command = document["containerProperties"]["command"]
    used = {word.removeprefix("Ref::") for word in command if word.startswith("Ref::")}
    assert used == set(document["parameters"]), used ^ set(document["parameters"])
    parts_of(substituted(document))


def batch_resources_are_fargate_s() -> None:
    properties = definition()["containerProperties"]
    resources = {entry["type"]: entry["value"] for entry in properties["resourceRequirements"]}
    least, most = FARGATE_MEMORY_GIB[resources["VCPU"]]
    memory_gib = int(resources["MEMORY"]) / 1024
    assert least <= memory_gib <= most and memory_gib == int(memory_gib), memory_gib
    assert option(properties["command"], "--threads") == resources["VCPU"]
    assert 21 <= properties["ephemeralStorage"]["sizeInGiB"] <= 200


def batch_tries_the_right_codes_again() -> None:
    strategy = definition()["retryStrategy"]
    rules = strategy["evaluateOnExit"]
    assert strategy["attempts"] > 1 and len(rules) <= 5, "at most five rules"
    final = {int(rule["onExitCode"]) for rule in rules if rule["action"] == "EXIT"}
    assert final == FINAL_OF_MERGE, final
    assert rules[-1] == {"onReason": "*", "action": "RETRY"}, rules[-1]


def submission_fits_the_model() -> None:
    for request in example_submission():
        check_model("SubmitJob", request)
    wrong = {**example_submission()[0], "arrayProperties": {"count": 480}}
    try:
        check_model("SubmitJob", wrong)
    except AssertionError:
        return
    raise AssertionError("the model takes a member that does not exist")


def submission_has_a_child_for_each_partition() -> None:
    array, merge = example_submission()
    command = array["containerOverrides"]["command"]
    size = array["arrayProperties"]["size"]
    assert parts_of(command) == size == 480, command
    assert option(command, "--where") == ODD_WHERE, option(command, "--where")
    assert merge["containerOverrides"]["command"] == ["merge", option(command, "--out")]
    assert merge["dependsOn"] == [{"jobId": "JOB"}] and "arrayProperties" not in merge
    properties = definition()["containerProperties"]
    assert option(command, "--threads") == option(properties["command"], "--threads")
    assert array["jobDefinition"] == definition()["jobDefinitionName"]


def submission_refuses_what_batch_refuses() -> None:
    rest = ("--out", "s3://plans/p", "--", "s3://reports/manifest.json")
    for partitions in ("1", "10001", "0", "x"):
        try:
            submitted("--partitions", partitions, *rest)
        except AssertionError:
            continue
        raise AssertionError(f"{partitions} partitions were taken")


def template_passes_cfn_lint() -> None:
    done = subprocess.run(
        [pathlib.Path(sys.executable).with_name("cfn-lint"), BATCH / "queue.yaml"],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def template_and_definition_agree() -> None:
    document = template()
    resources = document["Resources"]
    properties = definition()["containerProperties"]
    for resource, member in (("WorkerRole", "jobRoleArn"), ("ExecutionRole", "executionRoleArn")):
        name = resources[resource]["Properties"]["RoleName"]
        name = name.replace("${AWS::StackName}", "s3sieve")
        assert properties[member].endswith(f":role/{name}"), properties[member]
    group = resources["Log"]["Properties"]["LogGroupName"].replace("${AWS::StackName}", "s3sieve")
    assert properties["logConfiguration"]["options"]["awslogs-group"] == group
    assert document["Parameters"]["Capacity"]["AllowedValues"] == ["FARGATE_SPOT", "FARGATE"]
    assert definition()["platformCapabilities"] == ["FARGATE"]


def worker_role_is_least() -> None:
    [policy] = template()["Resources"]["WorkerRole"]["Properties"]["Policies"]
    allowed = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        if isinstance(statement, list):  # !If: condition, then, else
            statement = statement[1]
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
        assert statement["Effect"] == "Allow" and statement["Resource"] != "*"
    assert allowed == PERMISSIONS, allowed ^ PERMISSIONS


def indexed_job_fits_the_schemas() -> None:
    for version in KUBERNETES_VERSIONS:
        kubernetes_validate.validate(indexed_job(), version, strict=True)
    wrong = indexed_job()
    wrong["spec"]["completion"] = 64
    try:
        kubernetes_validate.validate(wrong, KUBERNETES_VERSIONS[0], strict=True)
    except kubernetes_validate.ValidationError:
        return
    raise AssertionError("the schema takes a member that does not exist")


def indexed_job_has_an_index_for_each_partition() -> None:
    spec = indexed_job()["spec"]
    [container] = spec["template"]["spec"]["containers"]
    assert spec["completionMode"] == "Indexed"
    assert parts_of(container["args"]) == spec["completions"], spec["completions"]
    assert option(container["args"], "--threads") == container["resources"]["requests"]["cpu"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {entry["value"] for entry in container["env"] if entry["name"] == "TMPDIR"} <= mounts


def indexed_job_tries_the_right_codes_again() -> None:
    spec = indexed_job()["spec"]
    [container] = spec["template"]["spec"]["containers"]
    rules = spec["podFailurePolicy"]["rules"]
    [rule] = [rule for rule in rules if rule["action"] == "FailIndex"]
    assert set(rule["onExitCodes"]["values"]) == FINAL, rule
    assert rule["onExitCodes"]["operator"] == "In"
    assert rule["onExitCodes"]["containerName"] == container["name"]
    # What the API demands beside a pod failure policy.
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["backoffLimitPerIndex"] > 0


def drivers_try_the_right_codes_again() -> None:
    for engine in ("spark", "ray"):
        tree = ast.parse((CLUSTER / engine / "filter.py").read_text())
        # Without the engine, which need not be installed: only what depends on nothing.
        kept: list[ast.stmt] = [
            node
            for node in tree.body
            if (isinstance(node, ast.FunctionDef) and node.name == "numbers")
            or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FINAL")
        ]
        names: dict[str, Any] = {}
        exec(compile(ast.Module(kept, []), engine, "exec"), names)
        assert names["FINAL"] == FINAL, engine
        assert names["numbers"]("3,7,40-43") == [3, 7, 40, 41, 42, 43], engine


def program_parses(program: str) -> None:
    """Each command, with a report that does not exist: that is bad input (3), not usage (2)."""
    commands = {
        "job definition": (substituted(definition()), "AWS_BATCH_JOB_ARRAY_INDEX"),
        "submit.sh": (
            example_submission()[0]["containerOverrides"]["command"],
            "AWS_BATCH_JOB_ARRAY_INDEX",
        ),
        "Indexed Job": (job_command(), "JOB_COMPLETION_INDEX"),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, (command, variable) in commands.items():
            command = list(command)
            command[1] = f"{folder}/manifest.json"
            command[command.index("--out") + 1] = f"{folder}/plan"
            expected = ((str(parts_of(command) - 1), 3), (str(parts_of(command)), 2), (None, 2))
            for index, code in expected:
                environment = {
                    k: v for k, v in os.environ.items() if not k.endswith(("_INDEX", "_TASK_ID"))
                }
                if index is not None:
                    environment[variable] = index
                done = subprocess.run(
                    [program, *command],
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=COMMAND_SECONDS_MAX,
                    check=False,
                )
                assert done.returncode == code, (
                    f"{name}, {variable}={index}: exit code {done.returncode}, not {code}: "
                    f"{done.stderr}"
                )


MODEL = botocore.session.get_session().get_service_model("batch")
CHECKS: list[Callable[[], None]] = [
    batch_definition_fits_the_model,
    batch_parameters_are_used,
    batch_resources_are_fargate_s,
    batch_tries_the_right_codes_again,
    submission_fits_the_model,
    submission_has_a_child_for_each_partition,
    submission_refuses_what_batch_refuses,
    template_passes_cfn_lint,
    template_and_definition_agree,
    worker_role_is_least,
    indexed_job_fits_the_schemas,
    indexed_job_has_an_index_for_each_partition,
    indexed_job_tries_the_right_codes_again,
    drivers_try_the_right_codes_again,
]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--program", help="the program, which is to parse all commands")
    program = parser.parse_args().program
    checks = [(check.__name__, check) for check in CHECKS]
    if program:
        checks.append(("program_parses", lambda: program_parses(program)))
    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"ok      {name}")
        except Exception as error:  # One run tells all that is wrong.
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__}: {error}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
