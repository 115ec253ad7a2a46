#!/usr/bin/env python3
"""Writes prices.json, the price lists that come with the program, from the figures below.

    src/operation/prices.py            writes the file
    src/operation/prices.py --check    tells whether the file is what it would write

Each figure has a source, which stands in the list's notes. A figure without one is None, and the
program says "not known for this Region".
"""

import json
import sys
from pathlib import Path

DATE = "2026-11-29"

# Storage classes by Region, in dollars: storage for a GB and month (the first 50 TB), PUT-like
# requests for a thousand, GET-like requests for a thousand, retrieval for a GB.
#
# From the price list files that AWS publishes for each Region
# (offers/v1.0/aws/AmazonS3/current/REGION/index.json), as read by rates_generated.go of the
# project scttfrdmn/objectfs, 2026. Where others quote a Region's file, with its date, the figures
# are the same: see CHECKED.
IA = ("0.01", "0.001", "0.01")
GIR = ("0.02", "0.01", "0.03")


def region(storage, put, get, rrs, ia, zia, gir, glacier, archive):
    """A Region: `glacier` and `archive` are storage, PUT, and the standard restore of a GB."""
    return {
        "STANDARD": (storage, put, get, "0"),
        "REDUCED_REDUNDANCY": (rrs, put, get, "0"),
        "INTELLIGENT_TIERING": (storage, put, get, "0"),
        "STANDARD_IA": (ia, *IA),
        "ONEZONE_IA": (zia, *IA),
        "GLACIER_IR": (gir, *GIR),
        "GLACIER": (glacier[0], glacier[1], get, "0"),
        "DEEP_ARCHIVE": (archive[0], archive[1], get, "0"),
        "restores": (glacier[2], archive[2]),
    }


CHEAPEST = region(
    "0.023", "0.005", "0.0004", "0.024", "0.0125", "0.01", "0.004",
    ("0.0036", "0.03", "0.01"), ("0.00099", "0.05", "0.02"),
)
IRELAND = region(
    "0.023", "0.005", "0.0004", "0.024", "0.0125", "0.01", "0.004",
    ("0.0036", "0.033", "0.01"), ("0.00099", "0.055", "0.02"),
)
LONDON = region(
    "0.024", "0.0053", "0.00042", "0.0252", "0.0131", "0.01048", "0.005",
    ("0.00405", "0.0318", "0.0105"), ("0.0018", "0.06", "0.021"),
)

REGIONS = {
    "us-east-1": CHEAPEST,
    "us-east-2": CHEAPEST,
    "us-west-1": region(
        "0.026", "0.0055", "0.00044", "0.0264", "0.0144", "0.0115", "0.005",
        ("0.0045", "0.033", "0.011"), ("0.002", "0.06", "0.022"),
    ),
    "us-west-2": CHEAPEST,
    "ca-central-1": region(
        "0.025", "0.0055", "0.00044", "0.0264", "0.0138", "0.01104", "0.005",
        ("0.00405", "0.033", "0.011"), ("0.0018", "0.06", "0.022"),
    ),
    "eu-west-1": IRELAND,
    "eu-west-2": LONDON,
    "eu-west-3": LONDON,
    "eu-central-1": region(
        "0.0245", "0.0054", "0.00043", "0.026", "0.0135", "0.0108", "0.005",
        ("0.00405", "0.036", "0.012"), ("0.0018", "0.06", "0.024"),
    ),
    "eu-north-1": IRELAND,
    "ap-south-1": region(
        "0.025", "0.005", "0.0004", "0.024", "0.0138", "0.011", "0.005",
        ("0.0045", "0.036", "0.012"), ("0.002", "0.07", "0.024"),
    ),
    "ap-northeast-1": region(
        "0.025", "0.0047", "0.00037", "0.0264", "0.0138", "0.011", "0.005",
        ("0.0045", "0.03426", "0.011"), ("0.002", "0.065", "0.022"),
    ),
    "ap-northeast-2": region(
        "0.025", "0.0045", "0.00035", "0.0251", "0.0138", "0.011", "0.005",
        ("0.0045", "0.03258", "0.011"), ("0.002", "0.06", "0.022"),
    ),
    "ap-southeast-1": region(
        "0.025", "0.005", "0.0004", "0.024", "0.0138", "0.011", "0.005",
        ("0.0045", "0.036", "0.012"), ("0.002", "0.06", "0.024"),
    ),
    "ap-southeast-2": region(
        "0.025", "0.0055", "0.00044", "0.0264", "0.0138", "0.011", "0.005",
        ("0.0045", "0.036", "0.012"), ("0.002", "0.06", "0.024"),
    ),
    "sa-east-1": region(
        "0.0405", "0.007", "0.00056", "0.0326", "0.0221", "0.0177", "0.0083",
        ("0.00765", "0.042", "0.014"), ("0.0032", "0.1", "0.028"),
    ),
}

# Files that others quote, by the day on which AWS published them.
CHECKED = {
    "us-east-1": "2026-08-07 (storage and requests of STANDARD and STANDARD_IA)",
    "us-west-1": "2026-09 (storage and PUT of STANDARD)",
    "eu-west-1": "2026-08-07 (storage and requests of STANDARD and STANDARD_IA)",
    "eu-west-2": "2026-07-08 (storage and requests of STANDARD, storage of STANDARD_IA)",
    "eu-central-1": "2026-09-28 (storage and requests of STANDARD)",
    "ap-northeast-1": "2026-09-28 (storage and requests of STANDARD)",
    "ap-southeast-1": "2026-05-28 (storage and requests of STANDARD)",
    "sa-east-1": "2026-09-26 (storage and requests of STANDARD)",
}

# What the lists of us-east-1, ca-central-1, eu-west-1 and me-central-1 have alike, and Amazon's own
# samples quote without a Region.
BATCH_JOB, BATCH_MILLION, GENERATED_MANIFEST = "0.25", "1.00", "0.015"

# Per million objects listed. The price differs elsewhere.
INVENTORY = {"us-east-1": "0.0025", "ca-central-1": "0.0025"}

# Per 10,000 requests.
KMS = {"us-east-1": "0.03", "ap-southeast-1": "0.03"}

# Per GB.
CHECKSUM = {"us-east-1": "0.004"}

# Requests for restores per thousand, and bulk restores of a GB: standard, bulk, bulk of a GB.
RESTORES = {
    "us-east-1": {"GLACIER": ("0.05", "0", "0"), "DEEP_ARCHIVE": ("0.10", "0.025", "0.0025")},
}


def notes(name):
    told = [
        "List prices, none read from a bill. Check them against "
        "https://aws.amazon.com/s3/pricing/ before relying on them.",
        "storage_classes, and standard restores of a GB: AWS's price list file for the Region, as "
        "read by the open-source project objectfs, 2026. Storage is the price of the first 50 TB a "
        "month; more costs less.",
        "DEEP_ARCHIVE: the file has no price for a PUT, and none for storage by that name; these "
        "are the prices of a lifecycle transition and of Intelligent-Tiering's Deep Archive Access "
        "tier, which are the same where both are known.",
        "batch, generated manifests: the lists of us-east-1, ca-central-1, eu-west-1 and "
        "me-central-1, which are the same, and Amazon's own samples, which name no Region.",
        "update-encryption: the price of a PUT in STANDARD (S3 User Guide).",
    ]
    if name in CHECKED:
        told.append(f"The file is quoted by others, with the same prices: {CHECKED[name]}.")
    if name == "us-east-1":
        told += [
            "inventory, checksum: copies of the S3 pricing page, 2026. kms: the published list; "
            "Amazon's page was not read. Requests for restores, bulk restores: the published list.",
        ]
    told.append("Discounts, free tiers and taxes are left out.")
    return told


def price_list(name, prices):
    classes = {of: four for of, four in prices.items() if of != "restores"}
    glacier, archive = prices["restores"]
    restores = RESTORES.get(name, {})

    def tiers(of, standard_gb):
        standard, bulk, bulk_gb = restores.get(of, (None, None, None))
        return {
            "standard": {"usd_per_thousand_requests": standard, "usd_per_gb": standard_gb},
            "bulk": {"usd_per_thousand_requests": bulk, "usd_per_gb": bulk_gb},
        }

    free = {"usd_per_thousand_requests": "0", "usd_per_gb": "0"}
    return {
        "date": DATE,
        "region": name,
        "currency": "USD",
        "notes": notes(name),
        "batch_usd_per_job": BATCH_JOB,
        "batch_usd_per_million_objects": BATCH_MILLION,
        "generated_manifest_usd_per_million_source_objects": GENERATED_MANIFEST,
        "inventory_usd_per_million_objects": INVENTORY.get(name),
        "kms_usd_per_ten_thousand_requests": KMS.get(name),
        "update_encryption_usd_per_thousand_requests": prices["STANDARD"][1],
        "checksum_usd_per_gb": CHECKSUM.get(name),
        "storage_classes": {
            of: {
                "put_usd_per_thousand_requests": put,
                "get_usd_per_thousand_requests": get,
                "retrieval_usd_per_gb": retrieval,
                "storage_usd_per_gb_month": storage,
            }
            for of, (storage, put, get, retrieval) in classes.items()
        },
        "restores": {
            "INTELLIGENT_TIERING": {"standard": free, "bulk": free},
            "GLACIER": tiers("GLACIER", glacier),
            "DEEP_ARCHIVE": tiers("DEEP_ARCHIVE", archive),
        },
    }


def main():
    path = Path(__file__).with_suffix(".json")
    lists = [price_list(name, prices) for name, prices in REGIONS.items()]
    text = json.dumps(lists, indent=2) + "\n"
    if sys.argv[1:] != ["--check"]:
        path.write_text(text)
    elif path.read_text() != text:
        sys.exit(f"{path} is not what {Path(__file__).name} writes: run it")


main()
