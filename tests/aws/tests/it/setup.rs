//! `setup`: what would change is shown, and changed when asked; what is there stays.

use serde_json::{Value, json};

use crate::double::{Double, Options, Role};
use crate::fixture::{Run, program};
use crate::world::{COPY, World, submit_arguments};

fn setup(double: &Double, arguments: &[&str]) -> Run {
    let mut command = program();
    double.environment(&mut command);
    command.arg("setup").args(arguments).args(["--endpoint-url", &double.url()]);
    Run::of(command)
}

/// Shows a change, makes it, and finds nothing left to change.
#[track_caller]
fn shown_then_made(double: &Double, arguments: &[&str], shown: &[&str]) {
    let before = double.state().settings.clone();
    let run = setup(double, arguments).expect(0);
    for part in shown {
        assert!(run.stdout().contains(part), "`{part}` is missing{}", run.story());
    }
    assert!(run.stdout().contains("Nothing was changed."), "{}", run.story());
    assert_eq!(double.state().settings, before, "a dry run changed something");
    let apply = [arguments, &["--apply"]].concat();
    let run = setup(double, &apply).expect(0);
    assert!(run.stdout().ends_with("Done.\n"), "{}", run.story());
    let run = setup(double, &apply).expect(0);
    assert!(run.stdout().ends_with("Nothing to change.\n"), "{}", run.story());
}

fn setting(double: &Double, place: &str) -> String {
    double.state().settings[&("demo".to_owned(), place.to_owned())].clone()
}

fn put(double: &Double, place: &str, text: &str) {
    double.state().settings.insert(("demo".to_owned(), place.to_owned()), text.to_owned());
}

#[test]
fn an_inventory_gets_every_field() {
    let double = Double::start(Options::default());
    let arguments = ["inventory", "--bucket", "demo", "--destination", "s3://reports/inventory"];
    shown_then_made(&double, &arguments, &["+ field: BucketKeyStatus", "+ frequency: Daily"]);
    let text = setting(&double, "inventory&id=s3sieve");
    for part in [
        "<Bucket>arn:aws:s3:::reports</Bucket>",
        "<Prefix>inventory</Prefix>",
        "<Format>CSV</Format>",
        "<IncludedObjectVersions>All</IncludedObjectVersions>",
        "<Field>EncryptionStatus</Field>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn an_inventory_keeps_what_somebody_chose() {
    let double = Double::start(Options::default());
    put(
        &double,
        "inventory&id=mine",
        "<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports\
         </Bucket><Format>ORC</Format><Encryption><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>\
         </S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Id>mine</Id><Filter>\
         <Prefix>photos/</Prefix></Filter><IncludedObjectVersions>Current\
         </IncludedObjectVersions><OptionalFields><Field>ObjectAccessControlList</Field>\
         <Field>Size</Field></OptionalFields><Schedule><Frequency>Daily</Frequency></Schedule>\
         </InventoryConfiguration>",
    );
    let arguments = [
        "inventory",
        "--bucket",
        "demo",
        "--destination",
        "s3://reports",
        "--id",
        "mine",
        "--current-versions-only",
    ];
    shown_then_made(&double, &arguments, &["- format: ORC", "+ format: CSV", "  field: Size"]);
    let text = setting(&double, "inventory&id=mine");
    for part in ["ObjectAccessControlList", "<KeyId>k</KeyId>", "<Prefix>photos/</Prefix>"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

const KMS: &str = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
    <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:us-east-1:111122223333:key/k\
    </KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false\
    </BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType>\
    </BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>";

#[test]
fn a_bucket_key_is_turned_on_and_the_key_stays() {
    let double = Double::start(Options::default());
    put(&double, "encryption", KMS);
    shown_then_made(
        &double,
        &["bucket-key", "--bucket", "demo"],
        &[
            "  key: arn:aws:kms:us-east-1:111122223333:key/k",
            "- bucket key: off",
            "+ bucket key: on",
        ],
    );
    let text = setting(&double, "encryption");
    for part in ["<BucketKeyEnabled>true<", "key/k<", "<EncryptionType>SSE-C<"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_bucket_key_without_a_kms_key_is_refused() {
    let double = Double::start(Options::default());
    let arguments = ["bucket-key", "--bucket", "demo", "--apply"];
    setup(&double, &arguments).expect(2).says(&["its default is not SSE-KMS"]);
    assert!(double.state().settings.is_empty());
    let missing = ["bucket-key", "--bucket", "nowhere"];
    setup(&double, &missing).expect(4).says(&["there is no such bucket"]);
}

#[test]
fn a_lifecycle_rule_is_added_to_those_that_are_there() {
    let double = Double::start(Options::default());
    put(
        &double,
        "lifecycle",
        "<LifecycleConfiguration><Rule><ID>logs</ID><Filter><And><Prefix>logs/</Prefix><Tag><Key>a\
         </Key><Value>b</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Days>7\
         </Days></Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>3\
         </DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>",
    );
    shown_then_made(
        &double,
        &["lifecycle", "--bucket", "demo", "--days", "30"],
        &["  logs: Enabled, expires after 7 days", "+ s3sieve-noncurrent-versions: Enabled"],
    );
    let text = setting(&double, "lifecycle");
    for part in [
        "<ID>logs</ID>",
        "<Prefix>logs/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag>",
        "<Days>7</Days>",
        "<DaysAfterInitiation>3<",
        "<NoncurrentDays>30</NoncurrentDays>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Ours is changed, not doubled.
    shown_then_made(
        &double,
        &["lifecycle", "--bucket", "demo", "--days", "60"],
        &["after 60 days"],
    );
    assert_eq!(setting(&double, "lifecycle").matches("<Rule>").count(), 2);
}

#[test]
fn a_role_is_made_and_trusted_and_submits() {
    let world = World::new(Options::default(), 2, 2);
    world.double.state().roles.clear();
    let mut arguments = submit_arguments(&world.plan, COPY);
    arguments.splice(0..1, ["setup".to_owned(), "role".to_owned()]);
    let run = |more: &[&str]| {
        let arguments = arguments.iter().map(String::as_str).chain(more.iter().copied());
        world.run(arguments)
    };
    let shown = run(&[]).expect(0);
    assert!(shown.stdout().contains("+       \"Action\""), "{}", shown.story());
    assert!(world.double.state().roles.is_empty());
    run(&["--apply"]).expect(0);
    {
        let state = world.double.state();
        let role = &state.roles["batch"];
        assert!(role.trust.contains("batchoperations.s3.amazonaws.com"));
        let (name, policy) = role.policies.iter().next().unwrap();
        assert!(name.starts_with("s3sieve-plan-"), "{name}");
        assert!(policy.contains("s3:PutObject"));
    }
    assert!(run(&["--apply"]).expect(0).stdout().ends_with("Nothing to change.\n"));
    world.submit(&world.plan, &[]).expect(0);
    world.let_run(&world.plan).expect(0);
}

#[test]
fn a_role_that_is_there_keeps_what_it_has() {
    let world = World::new(Options::default(), 2, 2);
    {
        let mut role = Role::trusting("lambda");
        role.policies.insert("own".to_owned(), "{}".to_owned());
        world.double.state().roles.insert("batch".to_owned(), role);
    }
    let mut arguments = submit_arguments(&world.plan, COPY);
    arguments.splice(0..1, ["setup".to_owned(), "role".to_owned()]);
    arguments.push("--apply".to_owned());
    world.run(&arguments).expect(0);
    let state = world.double.state();
    let role = &state.roles["batch"];
    let trust: Value = serde_json::from_str(&role.trust).unwrap();
    let services: Vec<&Value> = trust["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| &statement["Principal"]["Service"])
        .collect();
    let wanted = [json!("lambda.amazonaws.com"), json!("batchoperations.s3.amazonaws.com")];
    assert_eq!(services, wanted.iter().collect::<Vec<_>>());
    assert_eq!(role.policies["own"], "{}");
    assert_eq!(role.policies.len(), 2);
}
