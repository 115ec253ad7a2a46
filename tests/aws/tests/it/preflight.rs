//! What `submit` looks at before it sends anything, beyond buckets and role: the key of
//! `update-encryption`, the bucket's own bucket key; and a request that was sent by hand before.

use std::fs;

use crate::double::{ACCOUNT, Options};
use crate::fixture::Run;
use crate::plans::KEY;
use crate::world::{World, journal, submit_arguments};

/// The default encryption of a bucket.
fn default_encryption(algorithm: &str, bucket_key: bool) -> String {
    format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>{algorithm}</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
         <BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></Rule>\
         </ServerSideEncryptionConfiguration>"
    )
}

/// Updates the encryption of two objects in a bucket with this default.
fn update(default: &str, key: &str) -> Run {
    let world = World::new(Options::default(), 2, 2);
    let place = ("demo".to_owned(), "encryption".to_owned());
    world.double.state().settings.insert(place, default.to_owned());
    let operation =
        ["--operation", "update-encryption", "--kms-key-arn", key, "--bucket-key", "on"];
    let mut arguments = submit_arguments(&world.plan, &operation);
    arguments.push("--trust-endpoint".to_owned());
    world.run(arguments).expect(0)
}

const NO_BUCKET_KEY: &str = "warning: bucket demo has no bucket key of its own";
const NOT_OWNED: &str = "which does not own bucket demo";

#[test]
fn a_bucket_whose_new_objects_lack_a_bucket_key_is_told_of() {
    let run = update(&default_encryption("aws:kms", false), KEY);
    let run = run.says(&[NO_BUCKET_KEY, "`s3sieve setup bucket-key --bucket demo`"]);
    // What only KMS knows was not asked.
    let run = run.says(&["note: whether the key exists, is enabled", "aws kms describe-key"]);
    assert!(!run.stderr().contains(NOT_OWNED), "{}", run.story());
    let run = update(&default_encryption("aws:kms", true), KEY);
    assert!(!run.stderr().contains(NO_BUCKET_KEY), "{}", run.story());
    assert!(!run.stderr().contains("not with SSE-KMS"), "{}", run.story());
    let run = update(&default_encryption("AES256", false), KEY);
    run.says(&["note: bucket demo encrypts objects that are written from now on with AES256"]);
}

#[test]
fn a_key_of_an_account_that_does_not_own_the_bucket_is_told_of() {
    let other = KEY.replace(ACCOUNT, "444455556666");
    let run = update(&default_encryption("aws:kms", true), &other);
    run.says(&["warning: the key is of account 444455556666", NOT_OWNED, "AWS Support"]);
}

/// By hand, with the ETag in the quotes that S3 gave it in.
#[test]
fn a_request_that_was_sent_by_hand_in_another_form_is_explained() {
    let world = World::new(Options::default(), 2, 2);
    world.submit(&world.plan, &[]).expect(0);
    {
        let mut state = world.double.state();
        let body = &mut state.jobs[0].request.body;
        assert!(body.contains("<ETag>"), "{body}");
        *body = body.replace("<ETag>", "<ETag>&quot;").replace("</ETag>", "&quot;</ETag>");
    }
    for name in ["jobs.jsonl", "requests.jsonl"] {
        fs::remove_file(world.plan.join(name)).unwrap();
    }
    let run = world.submit(&world.plan, &[]).expect(4);
    let run = run.says(&[
        "manifests/00000.csv",
        "IdempotencyException",
        "the quotes that S3 puts around one",
        "described as `s3sieve copy: 00000.csv of plan-",
        "--description",
    ]);
    let last = journal(&world.plan).pop().unwrap();
    assert_eq!(last["event"], "creating", "{}", run.story());
    assert_eq!(world.double.state().jobs.len(), 1);
}
