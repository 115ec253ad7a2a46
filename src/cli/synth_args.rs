//! The command line of `synth` as typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use jiff::Timestamp;

use super::arg_values::{local_folder, moment, objects, positive, size};
use super::output_format::Format;

const SYNTH_HELP: &str = "\
Examples:
  s3sieve synth --rows 100000 --files 4 --out trial
  s3sieve synth --rows 8000000 --files 16 --columns bucket-keys --out bench
  s3sieve synth --rows 100000 --format parquet --out columns
  s3sieve synth --rows 1000 --columns Bucket,Key,Size,StorageClass \\
      --share StorageClass=STANDARD:7,GLACIER:3 --out small";

#[derive(Debug, ClapArgs)]
#[command(after_help = SYNTH_HELP)]
pub(super) struct SynthArgs {
    /// Rows in all
    #[arg(long, value_name = "N", value_parser = objects)]
    pub(super) rows: u64,
    /// Data files they are spread over
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) files: u64,
    /// An empty or new folder
    #[arg(long, value_name = "DIR", value_parser = local_folder())]
    pub(super) out: PathBuf,
    /// The columns, by their fileSchema names; `all`, or `bucket-keys` for the six that finding
    /// objects without a bucket key takes
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', default_value = "all")]
    pub(super) columns: Vec<String>,
    /// When the report was begun, for example 2026-01-31 (from its begin, in UTC) or
    /// 2026-01-31T14:00Z [default: 2026-01-01]
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) created: Option<Timestamp>,
    /// The bucket that the report lists
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: Option<String>,
    /// The same seed gives the same report
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// The values of a column and how often each comes: COLUMN=VALUE:WEIGHT,...
    #[arg(long = "share", value_name = "SHARES", value_parser = share)]
    pub(super) shares: Vec<WeightedValues>,
    /// The part of rows that are delete markers, 0 to 1
    #[arg(long, value_name = "PART")]
    pub(super) delete_markers: Option<f64>,
    /// The part of rows whose version id is empty, 0 to 1
    #[arg(long, value_name = "PART")]
    pub(super) null_versions: Option<f64>,
    /// The part of keys with spaces, signs, quotes and letters beyond ASCII, 0 to 1
    #[arg(long, value_name = "PART")]
    pub(super) odd_keys: Option<f64>,
    /// Pad keys until a row has about this many bytes
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) row_bytes: Option<u64>,
    /// Have every data file this many times, as links, for reports larger than the disk
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) repeat: u64,
    /// Level of gzip and zlib, 1 to 9 [default: 6, as S3's files look]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(super) level: Option<u32>,
    /// Threads that compress [default: one a processor]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) threads: Option<NonZeroUsize>,
    /// How data files are written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: DataFormat,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub(super) result: Format,
}

/// How data files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum DataFormat {
    /// CSV, gzipped
    #[default]
    Csv,
    /// Parquet, with Snappy
    Parquet,
    /// ORC, with zlib
    Orc,
}

/// A column with its values and their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WeightedValues {
    pub(super) column: String,
    pub(super) values: Vec<(String, f64)>,
}

fn share(text: &str) -> Result<WeightedValues, String> {
    let wrong = || format!("`{text}` is not COLUMN=VALUE:WEIGHT,VALUE:WEIGHT,...");
    let (column, values) = text.split_once('=').ok_or_else(wrong)?;
    let value = |text: &str| {
        let (value, weight) = text.rsplit_once(':').ok_or_else(wrong)?;
        let weight: f64 = weight.parse().map_err(|_| wrong())?;
        if weight.is_finite() && weight >= 0.0 {
            Ok((value.to_owned(), weight))
        } else {
            Err(wrong())
        }
    };
    let values = values.split(',').map(value).collect::<Result<_, _>>()?;
    Ok(WeightedValues { column: column.to_owned(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        let values = vec![("ON".to_owned(), 1.0), (String::new(), 2.5)];
        assert_eq!(
            share("Lock=ON:1,:2.5"),
            Ok(WeightedValues { column: "Lock".to_owned(), values })
        );
        for wrong in ["Lock", "Lock=ON", "Lock=ON:x", "Lock=ON:-1", "Lock=ON:inf"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
