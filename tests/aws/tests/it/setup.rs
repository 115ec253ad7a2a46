//! `setup`: what would change is shown, and changed when asked; what is there stays.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::REPOSITORY;
use crate::double::{Double, Options, Role};
use crate::fixture::{Run, program, s3sieve};
use crate::world::{COPY, World, submit_arguments};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

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

/// Every action that `--help` names stands in docs/setup.md, and there is at least one of each.
#[test]
fn help_and_docs_name_the_permissions() {
    let docs = fs::read_to_string(Path::new(REPOSITORY).join("docs/setup.md")).unwrap();
    for (command, needed) in [
        ("inventory", "s3:PutBucketPolicy"),
        ("bucket-key", "s3:PutEncryptionConfiguration"),
        ("lifecycle", "s3:PutLifecycleConfiguration"),
        ("role", "iam:ListRolePolicies"),
    ] {
        let mut help = program();
        help.args(["setup", command, "--help"]);
        let help = Run::of(help).expect(0).stdout();
        let words = help.split(|c: char| c.is_whitespace() || ",;".contains(c));
        let actions: Vec<&str> = words
            .filter(|word| {
                word.starts_with("iam:") || word.starts_with("s3:") && !word.contains('/')
            })
            .collect();
        assert!(actions.contains(&needed), "{needed} is missing in {help}");
        for action in actions {
            assert!(docs.contains(&format!("`{action}`")), "docs/setup.md lacks {action}");
        }
    }
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
    let shown = [
        "bucket policy of reports:",
        "+       \"Action\": \"s3:PutObject\"",
        "+ field: BucketKeyStatus",
        "+ frequency: Daily",
    ];
    shown_then_made(&double, &arguments, &shown);
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
    let policy = policy_of_reports(&double);
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Principal"]["Service"], "s3.amazonaws.com");
    assert_eq!(statement["Resource"], "arn:aws:s3:::reports/inventory/*");
    let condition = &statement["Condition"];
    assert_eq!(condition["ArnLike"]["aws:SourceArn"], "arn:aws:s3:::demo");
    assert_eq!(condition["StringEquals"]["aws:SourceAccount"], "111122223333");
}

fn policy_of_reports(double: &Double) -> Value {
    let state = double.state();
    let policy = &state.settings[&("reports".to_owned(), "policy".to_owned())];
    serde_json::from_str(policy).unwrap()
}

/// An inventory as somebody made it: nothing in it is what this program would choose.
const CHOSEN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InventoryConfiguration \
    xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Destination><S3BucketDestination><AccountId>\
    444455556666</AccountId><Bucket>arn:aws:s3:::reports</Bucket><Format>ORC</Format><Encryption>\
    <SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption><Newer on=\"1\"/></S3BucketDestination>\
    </Destination><IsEnabled>true</IsEnabled><Id>mine</Id><Filter><Prefix>photos/</Prefix></Filter>\
    <IncludedObjectVersions>Current</IncludedObjectVersions>\n<OptionalFields><Field>\
    ObjectAccessControlList</Field><Field>Size</Field></OptionalFields><Schedule><Frequency>Weekly\
    </Frequency></Schedule><New>x</New></InventoryConfiguration>";

#[test]
fn an_inventory_keeps_what_somebody_chose_byte_for_byte() {
    let double = Double::start(Options::default());
    put(&double, "inventory&id=mine", CHOSEN);
    let arguments = ["inventory", "--bucket", "demo", "--id", "mine"];
    shown_then_made(
        &double,
        &arguments,
        &[
            "  destination's account: 444455556666",
            "  format: ORC",
            "  frequency: Weekly",
            "  versions: Current",
            "  also: <New>x</New>",
            "  field: Size",
            "+ field: ETag",
        ],
    );
    let text = setting(&double, "inventory&id=mine");
    let (before, after) = CHOSEN.split_once("</OptionalFields>").unwrap();
    assert!(text.starts_with(before) && text.ends_with(after), "{text}");
    let told =
        [&arguments[..], &["--frequency", "daily", "--all-versions", "--report-format", "csv"]]
            .concat();
    let shown = ["- format: ORC", "+ format: CSV", "+ frequency: Daily", "+ versions: All"];
    shown_then_made(&double, &told, &shown);
}

#[test]
fn reports_go_elsewhere_only_when_told_twice() {
    let double = Double::start(Options::default());
    put(&double, "inventory&id=mine", CHOSEN);
    let arguments = ["inventory", "--bucket", "demo", "--id", "mine", "--destination"];
    let elsewhere = [&arguments[..], &["s3://manifests/i", "--apply"]].concat();
    setup(&double, &elsewhere).expect(2).says(&[
        "s3://reports",
        "s3://manifests/i",
        "--replace-destination",
    ]);
    assert_eq!(setting(&double, "inventory&id=mine"), CHOSEN);
    let told = [&elsewhere[..], &["--replace-destination"]].concat();
    let said = ["account 444455556666 was the old bucket's", "reports stay encrypted with key k"];
    let run = setup(&double, &told).expect(0).says(&said);
    assert!(run.stdout().contains("- destination's account: 444455556666"), "{}", run.story());
    assert!(run.stdout().contains("  encryption: SSE-KMS, k"), "{}", run.story());
    let text = setting(&double, "inventory&id=mine");
    assert!(text.contains("arn:aws:s3:::manifests</Bucket>"), "{text}");
    // It is the owner of the old bucket, and S3 would write to no other's.
    assert!(!text.contains("AccountId"), "{text}");
    let new = ["inventory", "--bucket", "demo"];
    setup(&double, &new).expect(2).says(&["no inventory configuration `s3sieve`", "--destination"]);
}

#[test]
fn the_destination_s_policy_is_added_to_or_left_alone() {
    let double = Double::start(Options::default());
    let own = json!({"Version": "2008-10-17", "Id": "own", "Statement": {"Sid": "Own",
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": "arn:aws:s3:::reports/x"}});
    let place = ("reports".to_owned(), "policy".to_owned());
    double.state().settings.insert(place.clone(), own.to_string());
    let arguments = ["inventory", "--bucket", "demo", "--destination", "s3://reports", "--apply"];
    let left = [&arguments[..], &["--leave-bucket-policy"]].concat();
    setup(&double, &left).expect(0).says(&["s3.amazonaws.com", "no report comes"]);
    assert_eq!(double.state().settings[&place], own.to_string());
    setup(&double, &arguments).expect(0);
    let policy = policy_of_reports(&double);
    assert_eq!((&policy["Version"], &policy["Id"]), (&own["Version"], &own["Id"]));
    assert_eq!(policy["Statement"][0], own["Statement"]);
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 2);

    let denied = Options { denied: vec!["s3:GetBucketPolicy"], ..Options::default() };
    let double = Double::start(denied);
    let run = setup(&double, &arguments).expect(0);
    run.says(&["access denied", "no report comes", "aws:SourceArn"]);
    assert!(!double.state().settings.contains_key(&place));
}

#[test]
fn reports_in_a_bucket_with_a_customer_s_key_need_its_policy() {
    let double = Double::start(Options::default());
    let place = ("reports".to_owned(), "encryption".to_owned());
    double.state().settings.insert(place, KMS.to_owned());
    let arguments = ["inventory", "--bucket", "demo", "--destination", "s3://reports"];
    setup(&double, &arguments).expect(0).says(&["key/k", "kms:GenerateDataKey"]);
    let told = [&arguments[..], &["--report-encryption", "sse-s3"]].concat();
    let run = setup(&double, &told).expect(0);
    assert!(!run.stderr().contains("kms:"), "{}", run.story());
    assert!(run.stdout().contains("+ encryption: SSE-S3"), "{}", run.story());
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
fn a_key_that_cannot_be_the_bucket_s_is_refused() {
    let double = Double::start(Options::default());
    put(&double, "encryption", KMS);
    let elsewhere = "arn:aws:kms:eu-west-1:111122223333:key/k";
    for (key, said) in [
        (elsewhere, "the key is in eu-west-1, the bucket in us-east-1"),
        ("arn:aws:kms:us-east-1:111122223333:alias/x", "an alias will not do"),
        ("alias/x", "the full ARN of a key"),
    ] {
        let arguments = ["bucket-key", "--bucket", "demo", "--kms-key-arn", key, "--apply"];
        setup(&double, &arguments).expect(2).says(&["--kms-key-arn", said]);
    }
    assert_eq!(setting(&double, "encryption"), KMS);
}

#[test]
fn an_account_that_cannot_be_one_is_refused() {
    let double = Double::start(Options::default());
    let arguments = ["bucket-key", "--bucket", "demo", "--account-id", "abc"];
    setup(&double, &arguments).expect(2).says(&["--account-id `abc`", "12 digits"]);
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
        &["  logs: Enabled, for what <Filter>", "+ s3sieve-noncurrent-versions: Enabled"],
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

/// A configuration with all that a program may not know, in the form of 2012.
const OLD_RULES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LifecycleConfiguration \
    xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><!-- by hand -->\n <Rule><ID>old</ID><Prefix>\
    logs/</Prefix><Status>Enabled</Status><Expiration><Days>7</Days></Expiration><Newer on=\"1\">\
    <Deep/></Newer></Rule>\n</LifecycleConfiguration>\n";

#[test]
fn rules_stay_byte_for_byte_and_in_their_old_form() {
    let double = Double::start(Options::default());
    put(&double, "lifecycle", OLD_RULES);
    let arguments = ["lifecycle", "--bucket", "demo", "--days", "30", "--prefix", "photos/"];
    shown_then_made(&double, &arguments, &["  old: Enabled", "with Newer"]);
    let ours = "<Rule><ID>s3sieve-noncurrent-versions</ID><Prefix>photos/</Prefix><Status>Enabled\
        </Status><NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays>\
        </NoncurrentVersionExpiration></Rule></LifecycleConfiguration>";
    let wanted = OLD_RULES.replace("</LifecycleConfiguration>", ours);
    assert_eq!(setting(&double, "lifecycle"), wanted);
    // Other days change the days.
    let later = ["lifecycle", "--bucket", "demo", "--days", "60", "--prefix", "photos/"];
    shown_then_made(&double, &later, &["after 60 days"]);
    assert_eq!(setting(&double, "lifecycle"), wanted.replace(">30<", ">60<"));
}

#[test]
fn a_rule_is_never_widened() {
    let double = Double::start(Options::default());
    let there = "<LifecycleConfiguration><Rule><ID>s3sieve-noncurrent-versions</ID><Filter><Prefix>\
        photos/</Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration>\
        <NoncurrentDays>90</NoncurrentDays></NoncurrentVersionExpiration></Rule>\
        </LifecycleConfiguration>";
    put(&double, "lifecycle", there);
    let arguments = ["lifecycle", "--bucket", "demo", "--days", "30", "--apply"];
    let run = setup(&double, &arguments).expect(2);
    run.says(&["keys that begin with `photos/`", "all objects", "--prefix 'photos/'", "--id"]);
    assert_eq!(setting(&double, "lifecycle"), there);
}

fn role_arguments(plan: &Path, operation: &[&str]) -> Vec<String> {
    let mut arguments = submit_arguments(plan, operation);
    arguments.splice(0..1, ["setup".to_owned(), "role".to_owned()]);
    arguments
}

/// What is wrong on the command line is said without a server.
#[test]
fn arguments_are_looked_at_before_anybody_is_asked() {
    let at = ["--endpoint-url", "http://127.0.0.1:1"];
    let wrong = |arguments: &[&str]| s3sieve([&["setup"][..], arguments, &at].concat()).expect(2);
    let key = wrong(&["bucket-key", "--bucket", "photos", "--kms-key-arn", "alias/x"]);
    key.says(&["--kms-key-arn `alias/x`", "full ARN"]);
    let address = "s3://photos/a";
    let destination = ["--destination", "s3://reports"];
    let inventory = ["inventory", "--bucket", address];
    wrong(&[&inventory[..], &destination].concat()).says(&["--bucket", "write photos"]);
    wrong(&["bucket-key", "--bucket", address]).says(&["--bucket", "write photos"]);
    let days = ["lifecycle", "--bucket", address, "--days", "30"];
    wrong(&days).says(&["--bucket", "write photos"]);
}

fn setup_role(world: &World, plan: &Path, more: &[&str]) -> Run {
    world.run(role_arguments(plan, &[COPY, more].concat()))
}

/// The inline policies of the role `batch`.
fn inline(world: &World) -> Vec<(String, String)> {
    let state = world.double.state();
    let policies = state.roles["batch"].policies.iter();
    policies.map(|(name, policy)| (name.clone(), policy.clone())).collect()
}

#[test]
fn a_role_is_made_and_trusted_and_submits() {
    let world = World::new(Options::default(), 2, 2);
    world.double.state().roles.clear();
    let arguments = role_arguments(&world.plan, COPY);
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
        assert!(name.starts_with("s3sieve-copy-demo-"), "{name}");
        assert!(policy.contains("s3:PutObject"));
        assert!(!policy.contains("kms:"), "the bucket encrypts with S3's keys");
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
    setup_role(&world, &world.plan, &["--apply"]).expect(0);
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

/// Copies get the default encryption of their bucket, so the role needs rights on its key.
#[test]
fn a_role_gets_the_key_that_copies_are_encrypted_with() {
    let world = World::new(Options::default(), 2, 2);
    put(&world.double, "encryption", KMS);
    setup_role(&world, &world.plan, &["--apply"]).expect(0);
    let (_, policy) = inline(&world).remove(0);
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let keys = statements.iter().find(|statement| statement["Sid"] == "UseKeys").unwrap();
    assert_eq!(keys["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    assert_eq!(keys["Resource"], json!([KEY]));

    let denied = vec!["s3:GetEncryptionConfiguration"];
    let world = World::new(Options { denied, ..Options::default() }, 2, 2);
    let run = setup_role(&world, &world.plan, &["--apply"]).expect(2);
    run.says(&["--target-encryption", "sse-s3", "access denied", "get-bucket-encryption"]);
    assert!(inline(&world).is_empty());
    // A server that gives no answer is another thing than one that says no.
    let mut command = program();
    world.double.environment(&mut command);
    command.env("AWS_MAX_ATTEMPTS", "1").args(role_arguments(&world.plan, COPY));
    command.args(["--endpoint-url", "http://127.0.0.1:1"]);
    Run::of(command).expect(4).says(&["cannot be reached"]);
    let stated = ["--target-encryption", KEY, "--apply"];
    setup_role(&world, &world.plan, &stated).expect(0).says(&["--report-kms-key-arn"]);
    assert!(inline(&world)[0].1.contains(KEY));
}

#[test]
fn a_role_with_a_path_is_made_as_such() {
    let world = World::new(Options::default(), 2, 2);
    let arn = "arn:aws:iam::111122223333:role/team/path/jobs";
    let mut arguments = role_arguments(&world.plan, COPY);
    let place = arguments.iter().position(|argument| argument == "--role-arn").unwrap();
    arn.clone_into(&mut arguments[place + 1]);
    arguments.push("--apply".to_owned());
    world.run(&arguments).expect(0);
    assert_eq!(world.double.state().roles["jobs"].path, "/team/path/");
    assert!(world.run(&arguments).expect(0).stdout().ends_with(
        "Nothing to change.
"
    ));
    // The same name with another path is another role, which IAM has no room for.
    arguments[place + 1] = arn.replace("team/path/", "");
    world.run(&arguments).expect(2).says(&[arn, "--role-arn"]);
}

/// Plans of the same buckets and places share a policy, those of `retry` among them.
#[test]
fn policies_of_several_plans_do_not_pile_up() {
    let world = World::new(Options::default(), 2, 1);
    setup_role(&world, &world.plan, &["--apply"]).expect(0);
    let one = inline(&world);
    assert_eq!(one.len(), 1);
    assert!(one[0].1.contains("arn:aws:s3:::manifests/s3sieve/*"), "{}", one[0].1);
    let other = World::new(Options::default(), 3, 3);
    let run = setup_role(&world, &other.plan, &["--apply"]).expect(0);
    assert!(
        run.stdout().ends_with(
            "Nothing to change.
"
        ),
        "{}",
        run.story()
    );
    // Another right goes into the same policy, and takes nothing away.
    setup_role(&world, &other.plan, &["--acl", "private", "--apply"]).expect(0);
    let both = inline(&world);
    assert_eq!(both.len(), 1);
    assert_eq!(both[0].0, one[0].0);
    let policy: Value = serde_json::from_str(&both[0].1).unwrap();
    let before: Value = serde_json::from_str(&one[0].1).unwrap();
    assert_eq!(
        policy["Statement"].as_array().unwrap().len(),
        before["Statement"].as_array().unwrap().len()
    );
    assert!(both[0].1.contains("s3:PutObjectAcl") && both[0].1.contains("s3:PutObjectTagging"));
    let run = setup_role(&world, &world.plan, &["--apply"]).expect(0);
    assert!(
        run.stdout().ends_with(
            "Nothing to change.
"
        ),
        "{}",
        run.story()
    );
}

#[test]
fn superfluous_policies_are_named_and_stay() {
    let world = World::new(Options::default(), 2, 2);
    let old = r#"{"Version":"2012-10-17","Statement":[{"Sid":"ReadManifests","Effect":"Allow",
        "Action":["s3:GetObject"],"Resource":["arn:aws:s3:::manifests/s3sieve/plan-0/*"],
        "Condition":{"StringEquals":{"s3:ResourceAccount":"111122223333"}}}]}"#;
    let names = ["s3sieve-plan-0", "s3sieve-plan-1", "s3sieve-plan-2"];
    for name in names {
        let mut state = world.double.state();
        let policies = &mut state.roles.get_mut("batch").unwrap().policies;
        policies.insert(name.to_owned(), old.to_owned());
    }
    let mut run = setup_role(&world, &world.plan, &["--apply"]).expect(0);
    for name in names {
        run = run.says(&[&format!("delete-role-policy --role-name batch --policy-name {name}")]);
    }
    assert_eq!(inline(&world).len(), 4);
}

#[test]
fn a_role_without_room_is_refused_with_what_could_go() {
    let world = World::new(Options::default(), 2, 2);
    let long = |letter: &str, length| {
        let resource = format!("arn:aws:s3:::{}", letter.repeat(length));
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "S", "Effect": "Allow",
            "Action": "s3:GetObject", "Resource": resource}]})
    };
    {
        let mut state = world.double.state();
        let policies = &mut state.roles.get_mut("batch").unwrap().policies;
        policies.insert("s3sieve-copy-x".to_owned(), format!("{:#}", long("x", 4000)));
        policies.insert("own".to_owned(), format!("{:#}", long("o", 5500)));
    }
    let run = setup_role(&world, &world.plan, &["--apply"]).expect(2);
    run.says(&["of 10240 that IAM takes", "s3sieve-copy-x (", "delete-role-policy"]);
    assert_eq!(inline(&world).len(), 2);
    // Who may not list them finds out from IAM.
    let denied = vec!["iam:ListRolePolicies"];
    let world = World::new(Options { denied, ..Options::default() }, 2, 2);
    setup_role(&world, &world.plan, &["--apply"]).expect(0).says(&["not looked at", "10240"]);
    assert_eq!(inline(&world).len(), 1);
}
