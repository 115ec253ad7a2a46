//! What is in a folder of a bucket.
//!
//! Never knows what names mean.

use std::io;

use super::{Object, refused};
use crate::aws::AwsError;
use crate::source::{FolderEntry, Location};

impl Object {
    /// What this folder holds; `None` if that is more than `entries_max`.
    pub(in crate::source) fn entries(
        &self,
        entries_max: u64,
    ) -> io::Result<Option<Vec<FolderEntry>>> {
        let folder = self.as_folder();
        let prefix = folder.key();
        let mut pages = self
            .session()
            .s3()
            .list_objects_v2()
            .bucket(self.bucket())
            .prefix(prefix)
            .delimiter("/")
            .set_request_payer(self.session().request_payer())
            .into_paginator()
            .send();
        let mut entries = Vec::new();
        while let Some(page) = self.session().wait(pages.next()) {
            let page = page.map_err(|error| refused(AwsError::new("list it", &error)))?;
            let entry = |key: &str, is_folder| {
                let name = key.strip_prefix(prefix).unwrap_or_default();
                let name = if is_folder { name.strip_suffix('/').unwrap_or(name) } else { name };
                let location = Location::Object(self.with_key(key));
                FolderEntry { name: name.to_owned(), location, is_folder }
            };
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            entries.extend(folders.map(|key| entry(key, true)));
            let objects = page.contents().iter().filter_map(|object| object.key());
            let objects = objects.filter(|key| *key != prefix);
            entries.extend(objects.map(|key| entry(key, false)));
            if entries.len() as u64 > entries_max {
                return Ok(None);
            }
        }
        Ok(Some(entries))
    }
}
