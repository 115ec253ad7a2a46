#!/usr/bin/env python3
"""Changes one byte at a time of small data files, and holds what s3sieve makes of each against
pyarrow (of CSV, against Python's gzip).

Nothing is told of a file's MD5, so damage must show in the file itself. Of each changed file,
s3sieve may say that it is damaged; else the rows must be those of the sound file, or those that
pyarrow reads from the changed one: a changed value in a file without checksums is nothing that
anybody can tell. Where a changed bound in a file's statistics hides rows, nobody can tell that
either, unless another bound contradicts it: such changes are counted apart, and only those in
statistics may do it.

    pip install pyarrow duckdb
    cargo build --release
    tests/pyarrow/flips.py --flips 100000

With --record it writes the sound files and a thousand changes of each format to testdata/flips,
where tests/it/flips.rs takes them from: there pyarrow is not needed.
"""

import argparse
import collections
import csv
import datetime
import gzip
import hashlib
import io
import itertools
import json
import pathlib
import pickle
import random
import resource
import signal
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]

COLUMNS = [
    "bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "last_modified_date",
    "storage_class", "bucket_key_status",
]
FORMATS = {"orc": "ORC", "parquet": "Parquet", "csv.gz": "CSV"}

# Changes that gave wrong rows once; they are recorded, too.
ONCE_WRONG = {
    "orc": [("snappy", 1783, 0x02), ("zstd", 511, 0x62)],
    "parquet": [("dictionary", 2310, 0x0D), ("int96", 2086, 0x81)],
}

# A file is changed and read in batches: one run of s3sieve reads all files of one.
BATCH = 500

# Seconds and bytes that pyarrow may take for one changed file.
SECONDS_MAX = 10
MEMORY_MAX = 8 << 30

# Said where pyarrow can't tell: it reads dates of ORC in nanoseconds, which end in 2262.
BEYOND = "beyond"

DATE = datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.timezone.utc)
DATE_NANOS = int(DATE.timestamp()) * 10**9


def named(row, column, *names):
    """Columns of names are compared without regard to case."""
    return row[column] is not None and row[column].upper() in names


# The first and the last instant of the years -9999 to 9999: no other is a date to s3sieve, and with
# `--keep-going` one that can't be read counts as NULL.
FIRST_NANOS = -377_705_116_800 * 10**9
LAST_NANOS = 253_402_300_800 * 10**9 - 1


def date_of(row):
    nanos = row["last_modified_date"]
    return nanos if nanos is not None and FIRST_NANOS <= nanos <= LAST_NANOS else None


# What a question means to s3sieve, and of a row.
QUESTIONS = {
    "TRUE": lambda row: True,
    "BucketKeyStatus = 'DISABLED' AND Size >= 100000":
        lambda row: named(row, "bucket_key_status", "DISABLED")
        and row["size"] is not None and row["size"] >= 100_000,
    "LastModifiedDate < '2024-06-01T12:00:00Z' OR VersionId IS NULL AND Key < 'b'":
        lambda row: (date_of(row) or DATE_NANOS) < DATE_NANOS
        or row["version_id"] is None and (row["key"] or "z").encode() < b"b",
    "StorageClass IN ('GLACIER', 'DEEP_ARCHIVE') AND IsLatest":
        lambda row: named(row, "storage_class", "GLACIER", "DEEP_ARCHIVE")
        and row["is_latest"] is True,
}


def made(rows):
    lots = random.Random(11)
    names = ["a b", "é/ü", "x=1", "plain", "100%", "co,mma"]

    def perhaps(value, often=0.1):
        return None if lots.random() < often else value

    start = 1_672_531_200_000
    return [
        {
            "bucket": "demo",
            "key": f"{lots.choice('abxyz')}/{lots.choice(names)}/{number:05}",
            "version_id": perhaps(f"v{lots.getrandbits(40):x}"),
            "is_latest": perhaps(lots.random() < 0.8, 0.05),
            "is_delete_marker": perhaps(lots.random() < 0.1, 0.05),
            "size": perhaps(lots.randrange(1 << lots.randrange(1, 40))),
            "last_modified_date": perhaps(start + lots.randrange(1 << 36)),
            "storage_class": perhaps(lots.choice(["STANDARD", "GLACIER", "DEEP_ARCHIVE"])),
            "bucket_key_status": "DISABLED" if lots.random() < 0.5 else "ENABLED",
        }
        for number in range(rows)
    ]


def table_of(rows, zone=None):
    import pyarrow

    kinds = {
        "size": pyarrow.int64(), "last_modified_date": pyarrow.timestamp("ms", zone),
        "is_latest": pyarrow.bool_(), "is_delete_marker": pyarrow.bool_(),
    }
    return pyarrow.table({
        name: pyarrow.array([row[name] for row in rows], kinds.get(name, pyarrow.string()))
        for name in COLUMNS
    })


def sound_orc(rows):
    from pyarrow import orc

    def write(name, rows=rows, zone=None, **options):
        out = io.BytesIO()
        orc.write_table(table_of(rows, zone), out, **options)
        return name, out.getvalue()

    plain = {"compression": "uncompressed"}
    yield write("plain", dictionary_key_size_threshold=0.0, **plain)
    yield write("dictionary", dictionary_key_size_threshold=1.0, **plain)
    yield write("old", file_version="0.11", dictionary_key_size_threshold=0.0, **plain)
    yield write("old-dictionary", file_version="0.11", dictionary_key_size_threshold=1.0, **plain)
    yield write("sequence", [
        dict(row, size=number * 7, version_id=None, last_modified_date=1_700_000_000_000)
        for number, row in enumerate(rows)
    ], **plain)
    yield write("whole", [row for row in made(90) if None not in row.values()], **plain)
    yield write("zoned", zone="UTC", **plain)
    yield write("indexed", made(90), row_index_stride=20, **plain)
    for codec in ("zlib", "snappy", "lz4", "zstd"):
        yield write(codec, compression=codec, dictionary_key_size_threshold=0.5)


def sound_parquet(rows):
    import duckdb
    from pyarrow import parquet

    def write(name, rows=rows, **options):
        out = io.BytesIO()
        parquet.write_table(table_of(rows), out, **options)
        return name, out.getvalue()

    plain = {"compression": "none", "store_schema": False}
    yield write("plain", use_dictionary=False, **plain)
    yield write("dictionary", **plain)
    yield write("second", data_page_version="2.0", use_dictionary=False, **plain)
    yield write("second-dictionary", data_page_version="2.0", **plain)
    yield write("rle", column_encoding={"is_latest": "RLE", "is_delete_marker": "RLE"},
                data_page_version="2.0", use_dictionary=False, **plain)
    yield write("deltas", use_dictionary=False, column_encoding={
        "key": "DELTA_BYTE_ARRAY", "version_id": "DELTA_LENGTH_BYTE_ARRAY",
        "size": "DELTA_BINARY_PACKED", "last_modified_date": "DELTA_BINARY_PACKED",
    }, **plain)
    yield write("int96", use_deprecated_int96_timestamps=True, **plain)
    yield write("checksums", write_page_checksum=True, use_dictionary=False, **plain)
    yield write("indexed", made(90), write_page_index=True, data_page_size=200,
                write_batch_size=20, use_dictionary=False, **plain)
    yield write("groups", made(60), row_group_size=25, **plain)
    for codec in ("snappy", "gzip", "zstd", "lz4"):
        yield write(codec, compression=codec, data_page_version="2.0", store_schema=False)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "file"
        relation = duckdb.from_arrow(table_of(made(90)))
        relation.write_parquet(str(path), compression="uncompressed")
        yield "duckdb", path.read_bytes()


def csv_cells(row):
    return [
        "" if row[name] is None
        else encoded(row[name]) if name == "key"
        else date_text(row[name]) if name == "last_modified_date"
        else cell(row[name]) for name in COLUMNS
    ]


def sound_csv(rows):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in canonical_of(rows):
        writer.writerow(csv_cells(row))
    data = text.getvalue().encode()
    for level in (0, 1, 6, 9):
        yield f"level-{level}", gzip.compress(data, level, mtime=1_700_000_000)
    named_file = io.BytesIO()
    with gzip.GzipFile("inventory.csv", "wb", 6, named_file, 1_700_000_000) as file:
        file.write(data)
    yield "named", named_file.getvalue()
    half = data.index(b"\n", len(data) // 2) + 1
    yield "members", b"".join(
        gzip.compress(part, mtime=1_700_000_000) for part in (data[:half], data[half:])
    )


SOUND = {"orc": sound_orc, "parquet": sound_parquet, "csv.gz": sound_csv}


def canonical_of(rows):
    """Dates in nanoseconds since 1970; an empty text is NULL."""
    def value(name, value):
        if value is None or value == "":
            return None
        return value * 1_000_000 if name == "last_modified_date" else value
    return [{name: value(name, row[name]) for name in COLUMNS} for row in rows]


def read_by_pyarrow(kind, data):
    """The rows that pyarrow reads; an exception where it refuses."""
    from pyarrow import orc

    if kind == "orc":
        table = orc.ORCFile(io.BytesIO(data)).read()
    else:
        table = read_parquet(data, "us")
    columns = {}
    for name in COLUMNS:
        column, = [table.column(place) for place, own in enumerate(table.column_names)
                   if own == name]
        columns[name] = values_of(kind, name, column)
    if kind == "parquet":
        # As microseconds, INT96 may overflow in pyarrow; as milliseconds it can't.
        column = read_parquet(data, "ms").column("last_modified_date")
        columns["last_modified_date"] = [
            fine if fine is None or abs(fine - coarse) < 10**6 else coarse
            for fine, coarse in zip(
                columns["last_modified_date"], values_of(kind, "last_modified_date", column)
            )
        ]
    return [dict(zip(COLUMNS, cells)) for cells in zip(*columns.values())]


def read_parquet(data, unit_of_int96):
    from pyarrow import parquet

    file = parquet.ParquetFile(io.BytesIO(data), coerce_int96_timestamp_unit=unit_of_int96)
    return file.read(use_threads=False)


def values_of(kind, name, column):
    import pyarrow

    types = pyarrow.types
    if types.is_timestamp(column.type):
        if name != "last_modified_date":
            raise ValueError("a date where none belongs")
        per_unit = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.type.unit]
        values = [
            None if value is None else value * per_unit
            for value in column.cast(pyarrow.int64()).to_pylist()
        ]
        # Those of ORC are read to the microsecond.
        if kind == "orc":
            values = [None if value is None else value // 1000 * 1000 for value in values]
        return values
    if types.is_integer(column.type):
        if name not in ("size", "last_modified_date"):
            raise ValueError("a number where none belongs")
        per_unit = 10**6 if name == "last_modified_date" else 1
        return [None if value is None else value * per_unit for value in column.to_pylist()]
    if types.is_boolean(column.type):
        if not name.startswith("is_"):
            raise ValueError("a flag where none belongs")
        return column.to_pylist()
    if types.is_binary(column.type) or types.is_fixed_size_binary(column.type):
        return [value.decode() or None if value else None for value in column.to_pylist()]
    if not types.is_string(column.type) or name in ("size", "last_modified_date"):
        raise ValueError(f"{column.type} where it does not belong")
    return [value or None for value in column.to_pylist()]


def read_by_python(data):
    """The rows of a CSV file in gzip."""
    rows = csv.reader(io.StringIO(gzip.decompress(data).decode()), strict=True)

    def row(cells):
        if len(cells) != len(COLUMNS):
            raise ValueError("another number of fields")
        values = dict(zip(COLUMNS, (cell or None for cell in cells)))
        values["key"] = urllib.parse.unquote_plus(values["key"])
        values["size"] = values["size"] and int(values["size"])
        for name in ("is_latest", "is_delete_marker"):
            values[name] = values[name] and values[name] == "true"
        if values["last_modified_date"]:
            date = datetime.datetime.fromisoformat(values["last_modified_date"])
            since = date - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
            values["last_modified_date"] = since // datetime.timedelta(microseconds=1) * 1000
        return values

    return [row(cells) for cells in rows]


def answers(kind, data):
    rows = read_by_python(data) if kind == "csv.gz" else read_by_pyarrow(kind, data)
    return lines_of(rows), digest_of(rows)


def lines_of(rows):
    """For each question, the manifest, sorted as those of s3sieve are."""
    live = [row for row in rows if row["is_delete_marker"] is not True]
    return [
        by_bucket("".join(
            ",".join((quoted(row["bucket"] or ""), encoded(row["key"]),
                      quoted(row["version_id"] or "null"))) + "\n"
            for row in live if matches(row)
        ).encode())
        for matches in QUESTIONS.values()
    ]


def by_bucket(manifest):
    """The lines of the bucket, and those of others, to which a changed byte leads: they stand in
    manifests of their own."""
    lines = manifest.split(b"\n")
    own = b"".join(line + b"\n" for line in lines if line.startswith(b"demo,"))
    return own, {line for line in lines if not line.startswith(b"demo,")}


def quoted(value):
    """A value as a manifest has it, which holds no line breaks."""
    if not set(value) & set(',"\n\r'):
        return value
    return '"' + value.replace('"', '""').replace("\n", "%0A").replace("\r", "%0D") + '"'


def encoded(key):
    """A key as S3 writes it in CSV reports."""
    return urllib.parse.quote_plus(key or "", safe="/*").replace("~", "%7E")


def cell(value):
    """A value as S3 writes it in CSV reports."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def date_text(nanos):
    """A date as s3sieve writes it; nothing outside of the years that it knows."""
    if nanos is None:
        return ""
    days, rest = divmod(nanos, 86_400 * 10**9)
    if not -719_528 <= days <= 2_932_896:
        return ""
    # Python's first year is 1, ours 0: four hundred years later the days are the same.
    early = days < -719_162
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days + (146_097 if early else 0))
    year = date.year - (400 if early else 0)
    seconds, fraction = divmod(rest, 10**9)
    places = 3 if fraction % 10**6 == 0 else 6 if fraction % 10**3 == 0 else 9
    fraction = f"{fraction:09}"[:places]
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{year:04}-{date.month:02}-{date.day:02}T{clock}.{fraction}Z"


def digest_of(rows):
    """Of all cells, as tests/it/flips.rs makes it."""
    texts = (
        date_text(row[name]) if name == "last_modified_date" else cell(row[name])
        for row in rows for name in COLUMNS
    )
    return hashlib.md5("".join(text + "\n" for text in texts).encode()).hexdigest()[:12]


def worker(kind):
    """Reads changed files from standard input until there are no more; pyarrow may crash."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            data = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        signal.alarm(SECONDS_MAX)
        try:
            found = answers(kind, data)
        # Whatever it says, it does not read the file.
        except Exception as error:
            found = BEYOND if "out of range for nanosecond" in str(error) else None
        signal.alarm(0)
        pickle.dump(found, sys.stdout.buffer)
        sys.stdout.buffer.flush()


class Oracle:
    """What pyarrow makes of files, in a process of its own."""

    def __init__(self, kind):
        self.command = [sys.executable, __file__, "--worker", kind]
        self.process = None

    def read(self, data):
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        try:
            pickle.dump(data, self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            self.close()
            return None

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def schema(kind):
    if kind == "csv.gz":
        return ",".join(COLUMNS)
    types = {"is_latest": "boolean", "is_delete_marker": "boolean", "size": "bigint",
             "last_modified_date": "timestamp"}
    if kind == "orc":
        return "struct<" + ",".join(f"{n}:{types.get(n, 'string')}" for n in COLUMNS) + ">"
    binary = {"boolean": "boolean {}", "bigint": "int64 {}",
              "timestamp": "int64 {} (TIMESTAMP(MILLIS,true))", None: "binary {} (STRING)"}
    fields = (f"optional {binary[types.get(n)].format(n)};" for n in COLUMNS)
    return "message s3.inventory { " + " ".join(fields) + " }"


def report(folder, kind, files):
    """A report of these files, which tells no sum that would find the change."""
    folder.mkdir()
    for number, data in enumerate(files):
        (folder / f"{number}.{kind}").write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps({
        "sourceBucket": "demo", "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30", "creationTimestamp": "1767225600000",
        "fileFormat": FORMATS[kind], "fileSchema": schema(kind),
        "files": [
            {"key": f"{number}.{kind}", "size": len(data),
             "MD5checksum": hashlib.md5(data).hexdigest()}
            for number, data in enumerate(files)
        ],
    }))
    return folder / "manifest.json"


def asked(program, manifest, question, out):
    """Which files were skipped, and the manifest of the others."""
    command = [program, "filter", manifest, "--where", question, "--out", out, "--verify", "crc",
               "--keep-going", "--threads", "2", "--max-objects", "1000000"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 5) or not (out / "plan.json").exists():
        sys.exit(f"exit code {run.returncode}: {' '.join(map(str, command))}\n{run.stderr}")
    plan = json.loads((out / "plan.json").read_text())
    aside = {int(pathlib.Path(bad["file"]).name.split(".")[0]) for bad in plan["files_skipped"]}
    manifests = b"".join((out / shard["path"]).read_bytes() for shard in plan["shards"])
    return aside, by_bucket(manifests)


def fits(found, choices):
    """Whether the lines are one choice of each after the other."""
    own, others = found
    places, known = {0}, {b""}
    for choice in choices:
        places = {
            place + len(one) for place in places for one, _ in choice
            if own.startswith(one, place)
        }
        known |= {line for _, lines in choice for line in lines}
    return len(own) in places and others <= known


class Flip:
    def __init__(self, kind, name, sound, place, xor):
        self.kind, self.name, self.sound, self.place, self.xor = kind, name, sound, place, xor
        data = bytearray(sound.data)
        data[place] ^= xor
        self.data = bytes(data)

    def __str__(self):
        return f"{self.kind} {self.name}: byte {self.place} ^ {self.xor:#04x}"


class Sound:
    def __init__(self, kind, data):
        self.data = data
        self.lines, self.digest = answers(kind, data)
        self.statistics = statistics_of(kind, data)


def check(program, kind, flips, oracle, folder, seen):
    read = [(flip, oracle.read(flip.data)) for flip in flips]
    seen["changed"] += len(flips)
    seen["beyond the years of pyarrow"] += sum(found == BEYOND for _, found in read)
    read = [(flip, found) for flip, found in read if found != BEYOND]
    flips = [flip for flip, _ in read]
    choices = []
    for flip, found in read:
        known = [flip.sound.lines]
        if found is not None and found[0] != flip.sound.lines:
            known.append(found[0])
        choices.append(known)
    manifest = report(folder / "batch", kind, [flip.data for flip in flips])
    wrong = []
    for number, question in enumerate(QUESTIONS):
        aside, lines = asked(program, manifest, question, folder / f"plan-{number}")
        kept = [place for place in range(len(flips)) if place not in aside]
        own = [[choice[number] for choice in choices[place]] for place in kept]
        seen["asked"] += len(flips)
        seen["told"] += len(aside)
        seen["right or as pyarrow reads"] += len(kept)
        if not fits(lines, own):
            wrong += one_by_one(program, kind, flips, choices, kept, number, folder, seen)
    return wrong


def one_by_one(program, kind, flips, choices, kept, number, folder, seen):
    """Which of the files give wrong lines."""
    question = list(QUESTIONS)[number]
    for place in kept:
        flip = flips[place]
        one = folder / f"one-{number}-{place}"
        manifest = report(one, kind, [flip.data])
        aside, lines = asked(program, manifest, question, one / "plan")
        if aside or fits(lines, [[choice[number] for choice in choices[place]]]):
            continue
        seen["right or as pyarrow reads"] -= 1
        hidden = any(is_part(lines, choice[number]) for choice in choices[place])
        if hidden and any(flip.place in part for part in flip.sound.statistics):
            seen["rows hidden by statistics"] += 1
            continue
        yield f"{flip}: {question}\n" + difference(lines, choices[place][-1][number])


def difference(lines, right):
    pairs = itertools.zip_longest(*(
        [*own.splitlines(), *sorted(others)] for own, others in (lines, right)
    ))
    place, (one, other) = next(
        (place, pair) for place, pair in enumerate(pairs, 1) if pair[0] != pair[1]
    )
    return f"  line {place}: {one}\n  where it should be {other}"


def is_part(lines, of):
    """Whether the lines stand in the others, in order."""
    rest = iter(of[0].splitlines())
    return all(line in rest for line in lines[0].splitlines()) and lines[1] <= of[1]


def statistics_of(kind, data):
    """Where in a sound file statistics stand, and what says of which rows they are."""
    return {"orc": orc_statistics, "parquet": parquet_statistics}.get(kind, lambda _: [])(data)


def varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return number, at


def proto(data, at, end):
    """The fields of a message: number, value, and where it stands."""
    while at < end:
        start = at
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            at, value = at + value, (at, at + value)
        yield tag >> 3, value, range(start, at)


def orc_statistics(data):
    tail = len(data) - 1 - data[-1]
    told = {field: value for field, value, _ in proto(data, tail, len(data) - 1)}
    footer = tail - told[1]
    metadata = footer - told.get(5, 0)
    # A footer in chunks is not taken apart: all of it is held to rows, then.
    parts = [range(metadata, footer)]
    if told[2] == 0:
        for field, value, place in proto(data, footer, tail):
            if field in (7, 8):
                parts.append(place)
            if field == 3:
                stripe = {field: value for field, value, _ in proto(data, *value)}
                parts.append(range(stripe[1], stripe[1] + stripe[2]))
    return parts


def thrift(data, at, path, visit):
    """Walks over a structure; `visit` takes its fields: path, value, where it stands."""
    last = 0
    while data[at] != 0:
        start = at
        kind, step = data[at] & 15, data[at] >> 4
        at += 1
        if step == 0:
            last, at = varint(data, at)
            last = last >> 1
        else:
            last += step
        value, at = thrift_value(data, at, kind, (*path, last), visit)
        visit((*path, last), value, range(start, at))
    return at + 1


def thrift_value(data, at, kind, path, visit):
    if kind in (1, 2):
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        number, at = varint(data, at)
        return (number >> 1) ^ -(number & 1), at
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = varint(data, at)
        return None, at + length
    if kind == 12:
        return None, thrift(data, at, path, visit)
    count, inner = data[at] >> 4, data[at] & 15
    at += 1
    if count == 15:
        count, at = varint(data, at)
    for _ in range(count):
        if inner in (1, 2):
            at += 1
        else:
            _, at = thrift_value(data, at, inner, path, visit)
    return None, at


def parquet_statistics(data):
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    parts, offsets = [], []

    def visit(path, value, place):
        # Row groups, their columns, what is told of one: its statistics, and where indexes lie.
        if path == (4, 1, 3, 12):
            parts.append(place)
        if len(path) == 3 and path[:2] == (4, 1) and path[2] in (4, 5, 6, 7):
            parts.append(place)
            offsets.append((path[2], value))

    thrift(data, footer, (), visit)
    starts = [value for field, value in offsets if field in (4, 6)]
    lengths = [value for field, value in offsets if field in (5, 7)]
    parts += [range(start, start + length) for start, length in zip(starts, lengths)]
    return parts


def record(kind, sounds, flips):
    """Writes what tests/it/flips.rs takes: sound files, changes, and what pyarrow reads of each."""
    folder = ROOT / "testdata/flips"
    folder.mkdir(exist_ok=True)
    lines = []
    oracle = Oracle(kind)
    for name, sound in sounds.items():
        (folder / f"{name}.{kind}").write_bytes(sound.data)
        lines.append(f"{name} sound {sound.digest}")
    for flip in flips:
        found = oracle.read(flip.data)
        if found == BEYOND:
            continue
        other = found[1] if found is not None and found[1] != flip.sound.digest else "-"
        lines.append(f"{flip.name} {flip.place} {flip.xor} {other}")
    oracle.close()
    (folder / f"{kind}.txt").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--s3sieve", default=str(ROOT / "target/release/s3sieve"))
    parser.add_argument("--flips", type=int, default=1_000)
    parser.add_argument("--format", choices=FORMATS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments.worker)
    failed = False
    for kind in arguments.format or FORMATS:
        rows = made(40)
        sounds = {name: Sound(kind, data) for name, data in SOUND[kind](rows)}
        lots = random.Random(arguments.seed)

        def flip():
            name = lots.choice(list(sounds))
            place = lots.randrange(len(sounds[name].data))
            # As often a bit as a byte.
            xor = 1 << lots.randrange(8) if lots.random() < 0.5 else lots.randrange(1, 256)
            return Flip(kind, name, sounds[name], place, xor)

        if arguments.record:
            once = [Flip(kind, name, sounds[name], place, xor)
                    for name, place, xor in ONCE_WRONG.get(kind, [])]
            record(kind, sounds, once + [flip() for _ in range(arguments.flips)])
            continue
        oracle, seen = Oracle(kind), collections.Counter()
        for start in range(0, arguments.flips, BATCH):
            flips = [flip() for _ in range(min(BATCH, arguments.flips - start))]
            with tempfile.TemporaryDirectory() as folder:
                for fault in check(
                    arguments.s3sieve, kind, flips, oracle, pathlib.Path(folder), seen
                ):
                    failed = True
                    print(fault, flush=True)
            if start % 10_000 == 0:
                print(f"{kind}: {start} ...", file=sys.stderr, flush=True)
        oracle.close()
        counts = ", ".join(f"{count} {what}" for what, count in seen.items())
        print(f"{kind}: {counts}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
