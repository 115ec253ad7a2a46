//! The layers hold: no file imports what its layer must never know.

use std::fs;
use std::path::{Path, PathBuf};

/// A layer: a folder or file of `src`, what it knows, and what it may import.
struct Layer {
    name: &'static str,
    knows: &'static str,
    imports: &'static [&'static str],
}

/// All layers, from the top; each imports only what stands behind it, and its row allows. The one
/// table of them: `src/lib.rs` and `ARCHITECTURE.md` point here.
const LAYERS: [Layer; 21] = [
    Layer {
        name: "cli",
        knows: "arguments, progress, tables, exit codes; not bytes and formats",
        imports: &[
            "parts",
            "diagnostic",
            "jobs",
            "listing",
            "synth",
            "plan",
            "operation",
            "query",
            "read",
            "engine",
            "format",
            "predicate",
            "report",
            "source",
            "aws",
            "threads",
            "units",
            "hex",
            "values",
        ],
    },
    Layer {
        name: "api",
        knows: "what the library shows, and its one error; not how anything is done",
        imports: &["diagnostic", "plan", "query", "read", "predicate", "report", "source"],
    },
    Layer {
        name: "jobs",
        knows: "Batch Operations jobs at AWS, by its SDK (feature `aws`); not how rows were found",
        imports: &["diagnostic", "plan", "operation", "report", "source", "aws", "units", "hex"],
    },
    Layer {
        name: "listing",
        knows: "what a bucket holds now, as a report (feature `aws`)",
        imports: &["diagnostic", "report", "source", "aws", "hex", "values"],
    },
    Layer {
        name: "synth",
        knows: "how a synthetic report looks; not how reports are read",
        imports: &[
            "diagnostic",
            "format",
            "predicate",
            "report",
            "source",
            "threads",
            "units",
            "hex",
            "values",
        ],
    },
    Layer {
        name: "plan",
        knows: "shards, exclusions, `plan.json`; not threads",
        imports: &[
            "parts",
            "diagnostic",
            "operation",
            "query",
            "read",
            "engine",
            "predicate",
            "report",
            "source",
            "threads",
            "units",
            "hex",
        ],
    },
    Layer {
        name: "operation",
        knows: "eligibility, requests, permissions and prices of each operation; not plan folders",
        imports: &["diagnostic", "units", "hex"],
    },
    Layer {
        name: "query",
        knows: "what is asked of rows: counts, manifest lines, look-ups; not shards and operations",
        imports: &[
            "parts",
            "diagnostic",
            "read",
            "engine",
            "format",
            "predicate",
            "report",
            "source",
            "units",
            "values",
        ],
    },
    Layer {
        name: "read",
        knows: "how a data file becomes rows and columns; not what is asked of them",
        imports: &[
            "parts",
            "diagnostic",
            "engine",
            "format",
            "predicate",
            "report",
            "source",
            "threads",
            "units",
            "hex",
            "values",
        ],
    },
    Layer {
        name: "engine",
        knows: "workers, queues, memory budget, order; not formats and operations",
        imports: &[],
    },
    Layer {
        name: "format",
        knows: "bytes to rows, columns and digests; not files, paths and network",
        imports: &["units", "values"],
    },
    Layer {
        name: "predicate",
        knows: "expression to compiled matcher; not formats",
        imports: &["diagnostic", "report", "units", "values"],
    },
    Layer {
        name: "report",
        knows: "`manifest.json`, schema, checksums, the newest report; not threads",
        imports: &["diagnostic", "source", "units", "hex"],
    },
    Layer {
        name: "parts",
        knows: "which files are a part of a report, where parts lie; not what is asked of them",
        imports: &["diagnostic", "source"],
    },
    Layer {
        name: "source",
        knows: "bytes from and to local files and S3; not what they mean",
        imports: &["diagnostic", "aws"],
    },
    Layer {
        name: "aws",
        knows: "how AWS is reached: credentials, threads, errors; not what is asked of it",
        imports: &["diagnostic"],
    },
    Layer { name: "threads", knows: "loops on several threads", imports: &[] },
    Layer {
        name: "values",
        knows: "what rows and columns are: values, statistics, keys, dates",
        imports: &[],
    },
    Layer {
        name: "diagnostic",
        knows: "what an error says of itself: class, place, hint; not exit codes and flags",
        imports: &[],
    },
    Layer { name: "units", knows: "sizes and counts as people write them", imports: &[] },
    Layer { name: "hex", knows: "bytes as hexadecimal digits", imports: &[] },
];

/// Crates that only one layer may know.
const OWNED_CRATES: [(&str, &[&str]); 21] = [
    ("anstream", &["cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("indicatif", &["cli"]),
    ("comfy_table", &["cli"]),
    ("ctrlc", &["cli"]),
    ("libc", &["cli"]),
    ("signal_hook", &["cli"]),
    ("crossbeam_channel", &["engine", "synth"]),
    ("rayon", &["threads"]),
    ("sqlparser", &["predicate"]),
    ("aws_config", &["aws"]),
    ("aws_sdk_iam", &["jobs"]),
    ("aws_sdk_s3", &["aws", "jobs", "source", "listing"]),
    ("aws_sdk_s3control", &["jobs"]),
    ("aws_sdk_sts", &["jobs"]),
    ("tokio", &["aws", "jobs", "source", "listing"]),
    ("rustix", &["cli", "source", "report"]),
    ("parquet", &["format", "synth"]),
    ("crc_fast", &["source"]),
];

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The layer of a file below `src`, or `None` for `lib.rs` and `main.rs`.
fn layer_of(path: &Path) -> Option<&'static str> {
    let first = path.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    LAYERS.iter().map(|layer| layer.name).find(|layer| *layer == name)
}

/// Code without its comments and without the tests at its end, which may use anything.
pub(crate) fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Layers named as `crate::layer` (also inside `use crate::{a, b}`).
fn layers_named(code: &str) -> Vec<&'static str> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let group = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
            }
        };
        for name in group.split(|c: char| !c.is_alphanumeric() && c != '_') {
            named.extend(LAYERS.iter().map(|layer| layer.name).find(|layer| *layer == name));
        }
    }
    named
}

fn offences(path: &Path, text: &str) -> Vec<String> {
    let code = code(text);
    let Some(layer) = layer_of(path) else { return Vec::new() };
    let Layer { knows, imports: allowed, .. } =
        LAYERS.iter().find(|row| row.name == layer).unwrap();
    let layers = layers_named(&code)
        .into_iter()
        .filter(|named| *named != layer && !allowed.contains(named))
        .map(|named| format!("{}: layer {layer} ({knows}) imports {named}", path.display()));
    let crates = OWNED_CRATES
        .iter()
        .filter(|(name, owners)| !owners.contains(&layer) && names_crate(&code, name))
        .map(|(name, _)| format!("{}: layer {layer} uses the crate {name}", path.display()));
    layers.chain(crates).collect()
}

/// Whether a path begins with the crate's name; a module of ours may have the same one.
fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| !code[..at].ends_with("::"))
}

#[test]
fn every_layer_imports_only_what_it_may_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 30, "the sources are found");
    let mut found = Vec::new();
    for file in files {
        // Tests in files of their own may use anything, too.
        if file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        found.extend(offences(file.strip_prefix(&src).unwrap(), &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_offence_is_seen() {
    let seen = |path: &str, text: &str| !offences(Path::new(path), text).is_empty();
    assert!(seen("engine/mod.rs", "use crate::format::gzip;"));
    assert!(seen("engine/mod.rs", "use crate::{units, format::gzip};"));
    assert!(seen("format/csv/mod.rs", "fn f() { crate::source::LocalFile::open(p) }"));
    assert!(seen("plan/filter.rs", "use clap::Parser;"));
    assert!(!seen("plan/filter.rs", "use crate::query::Query;"));
    assert!(!seen("plan/filter.rs", "// crate::source is below"));
}
