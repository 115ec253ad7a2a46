//! What is in a folder of a bucket, and how long objects are.
//!
//! Never knows what names mean.

use std::io;

use super::{Object, refused};
use crate::aws::{AwsError, AwsErrorKind};
use crate::source::{Entry, Location};

/// Objects whose length is asked for at the same time. 32: a report of 300 data files is looked
/// through in a second, and S3 takes 5,500 such requests a second for a prefix.
const HEADS_AT_ONCE: usize = 32;

impl Object {
    /// What this folder holds; `None` if that is more than `entries_max`.
    pub(in crate::source) fn entries(&self, entries_max: u64) -> io::Result<Option<Vec<Entry>>> {
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
                Entry { name: name.to_owned(), location, is_folder }
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

    /// The lengths of objects, `None` for what is not there.
    pub(in crate::source) fn lengths(&self, objects: Vec<Self>) -> io::Result<Vec<Option<u64>>> {
        let mut lengths = Vec::with_capacity(objects.len());
        let mut asked = std::collections::VecDeque::new();
        let mut objects = objects.into_iter();
        loop {
            while asked.len() < HEADS_AT_ONCE
                && let Some(object) = objects.next()
            {
                asked.push_back(self.session().spawn(length(object.target())));
            }
            let Some(answer) = asked.pop_front() else { return Ok(lengths) };
            let answer = self.session().wait(answer).map_err(io::Error::other)?;
            lengths.push(answer.map_err(refused)?);
        }
    }
}

async fn length(target: super::Target) -> Result<Option<u64>, AwsError> {
    let request = target
        .client
        .head_object()
        .bucket(&*target.bucket)
        .key(&*target.key)
        .set_request_payer(target.payer)
        .send();
    match request.await {
        Ok(answer) => {
            Ok(Some(u64::try_from(answer.content_length.unwrap_or_default()).unwrap_or_default()))
        }
        Err(error) => {
            let error = AwsError::new("look it up", &error);
            match error.kind {
                AwsErrorKind::NoSuchKey => Ok(None),
                _ => Err(error),
            }
        }
    }
}
