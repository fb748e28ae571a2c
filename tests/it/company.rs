//! The sample company's questions, asked by the people who ask them, on the real models.

use crate::Case;
use fuente_tests::app::{folder, program};
use std::path::Path;
use std::process::Command;

/// What the small test model must not fall below. The product's own bars are higher: they are those
/// of `fuente eval company --check`, and the README says where they stand.
const FLOORS: &[(&str, f64)] = &[("cited", 0.76), ("fact", 0.55), ("refused", 0.82)];

pub fn cases() -> Vec<Case> {
    vec![Case::plain("company::the_questions_leak_nothing_and_hold_their_floors", the_questions_hold)]
}

fn the_questions_hold() {
    let data = folder();
    let company = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/company");
    let output = Command::new(program("fuente"))
        .args(["eval", "company"])
        .arg(company)
        .env("FUENTE__DATA__DIRECTORY", data.path())
        .output()
        .expect("fuente runs");
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let last = out.lines().last().unwrap_or_default();
    println!("{last}");
    assert!(output.status.success(), "{}\n{out}\n{errors}", output.status);
    let figures: serde_json::Value = serde_json::from_str(last).expect("the last line is JSON");
    assert_eq!(figures["questions"], 60, "{last}");
    assert_eq!(figures["leaks"], 0, "{errors}");
    assert_eq!(figures["quotes"], figures["quotes_verified"], "{errors}");
    for (name, floor) in FLOORS {
        assert!(
            figures[name].as_f64().is_some_and(|share| share >= *floor),
            "{name} is below {floor}\n{last}\n{errors}"
        );
    }
}
