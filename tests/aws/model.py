#!/usr/bin/env python3
"""What AWS's own model says of the calls of S3 Batch Operations, as facts for the double of it.

    tests/aws/model.py           writes tests/aws/tests/it/double/model.json
    tests/aws/model.py --check   says where that file and the model differ, and fails if they do

The model is botocore's (`s3control`), from the Python that runs this. Taken are the names, types,
bounds and places of what goes over the wire; descriptions are left out. A newer botocore may know
more than the file: a check tells of that, and fails only where the two contradict each other.
"""

import json
import sys
from pathlib import Path

import botocore
import botocore.session

FILE = Path(__file__).parent / "tests/it/double/model.json"

OPERATIONS = ["CreateJob", "DescribeJob", "ListJobs", "UpdateJobStatus", "UpdateJobPriority"]

# What says how a value goes over the wire, and which values there are.
SHAPE = ["type", "required", "min", "max", "pattern", "enum", "union", "flattened", "locationName"]
MEMBER = ["shape", "location", "locationName", "flattened", "xmlAttribute", "xmlNamespace"]


def picked(names, source):
    return {name: source[name] for name in names if name in source}


def shape_facts(shape):
    facts = picked(SHAPE, shape)
    if "members" in shape:
        members = shape["members"].items()
        facts["members"] = {name: picked(MEMBER, member) for name, member in members}
    for part in ["member", "key", "value"]:
        if part in shape:
            facts[part] = picked(MEMBER, shape[part])
    return facts


def reach(shapes, name, found):
    """The shape and all that it is made of."""
    if name in found:
        return
    facts = found[name] = shape_facts(shapes[name])
    parts = [facts[part] for part in ["member", "key", "value"] if part in facts]
    for part in [*facts.get("members", {}).values(), *parts]:
        reach(shapes, part["shape"], found)


def operation_facts(operation):
    facts = {
        "method": operation["http"]["method"],
        "uri": operation["http"]["requestUri"],
        "input": operation["input"]["shape"],
        "output": operation["output"]["shape"],
        "errors": [error["shape"] for error in operation.get("errors", [])],
    }
    if "locationName" in operation["input"]:
        facts["root"] = operation["input"]["locationName"]
        facts["namespace"] = operation["input"]["xmlNamespace"]["uri"]
    return facts


def extract():
    loader = botocore.session.get_session().get_component("data_loader")
    model = loader.load_service_model("s3control", "service-2")
    operations = {name: operation_facts(model["operations"][name]) for name in OPERATIONS}
    shapes = {}
    for facts in operations.values():
        for name in [facts["input"], facts["output"], *facts["errors"]]:
            reach(model["shapes"], name, shapes)
    version = model["metadata"]["apiVersion"]
    source = f"botocore {botocore.__version__}, s3control {version}; made by tests/aws/model.py"
    return {"source": source, "operations": operations, "shapes": dict(sorted(shapes.items()))}


def text(model):
    """JSON with a line for each operation and shape, so that a change shows where it is."""
    def lines(part):
        dumped = [f"{json.dumps(name)}: {json.dumps(facts)}" for name, facts in part.items()]
        return "{\n" + ",\n".join(dumped) + "\n}"
    source, operations, shapes = (model[name] for name in ["source", "operations", "shapes"])
    return (
        f'{{\n"source": {json.dumps(source)},\n"operations": {lines(operations)},\n'
        f'"shapes": {lines(shapes)}\n}}\n'
    )


def differences(ours, theirs, place):
    """Pairs: whether it is a contradiction, and what differs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() | theirs.keys():
            where = f"{place}.{name}"
            if name not in ours:
                # A bound that is new would let the double take what AWS refuses.
                narrows = name in ["required", "min", "max", "pattern"]
                yield narrows, f"{where}: only botocore has it: {theirs[name]}"
            elif name not in theirs:
                yield True, f"{where}: only {FILE.name} has it: {ours[name]}"
            else:
                yield from differences(ours[name], theirs[name], where)
    elif isinstance(ours, list) and isinstance(theirs, list):
        gone = [value for value in ours if value not in theirs]
        new = [value for value in theirs if value not in ours]
        if gone or (new and place.endswith(".required")):
            yield True, f"{place}: {FILE.name} has {gone}, botocore {new}"
        elif new:
            yield False, f"{place}: only botocore has {new}"
    elif ours != theirs:
        yield True, f"{place}: {FILE.name} has {ours}, botocore {theirs}"


def check():
    ours, theirs = json.loads(FILE.read_text()), extract()
    print(f"{FILE.name} is from {ours.pop('source')}")
    print(f"compared with {theirs.pop('source')}")
    found = sorted(set(differences(ours, theirs, "model")))
    for contradicts, what in found:
        print("contradiction:" if contradicts else "newer:", what)
    return any(contradicts for contradicts, _ in found)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(check())
    if sys.argv[1:]:
        sys.exit(__doc__)
    FILE.write_text(text(extract()))
