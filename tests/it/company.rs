//! The sample company's questions, asked by the people who ask them, on the real models.

use crate::Case;
use fuente_tests::app::{folder, program};
use std::path::Path;
use std::process::Command;

pub fn cases() -> Vec<Case> {
    vec![Case::plain("company::the_questions_pass_their_bars", the_questions_pass_their_bars)]
}

fn the_questions_pass_their_bars() {
    let data = folder();
    let company = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/company");
    let output = Command::new(program("fuente"))
        .args(["eval", "company"])
        .arg(company)
        .arg("--check")
        .env("FUENTE__DATA__DIRECTORY", data.path())
        .output()
        .expect("fuente runs");
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{}", out.lines().last().unwrap_or_default());
    assert!(output.status.success(), "{}\n{out}\n{errors}", output.status);
}
