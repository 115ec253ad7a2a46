//! What real servers refuse: exit code 4, and one clear message.

use crate::outside::Outside;

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn a_bucket_that_is_not_there_is_told() {
    let outside = Outside::new("there");
    let out = outside.path("out");
    let out = out.to_str().unwrap();
    for address in ["s3://not-there-at-all/p/manifest.json", "s3://not-there-at-all/p/"] {
        let count = outside.run(&["count", address]).expect(4);
        count.says(&[address, "there is no such bucket"]);
    }
    outside
        .run(&["list", "s3://not-there-at-all", "--out", out])
        .expect(4)
        .says(&["s3://not-there-at-all", "there is no such bucket"]);
    let missing = outside.at("p/manifest.json");
    outside.run(&["count", &missing]).expect(4).says(&[&missing, "there is no such object"]);
}
