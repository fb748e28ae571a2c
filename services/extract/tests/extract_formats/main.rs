//! Real files through the real jail. This program is its own child: the first argument decides
//! whether it runs the tests, reads a document as the product does, or misbehaves under the same
//! confinement.

mod books;
mod confinement;
mod containers;
mod data;
mod hostile;
mod hostile_office;
mod markup;
mod misbehave;
mod ocr;
mod office;
mod pdf;
mod property;
mod sheets;
mod slides;
mod support;
mod writers;
mod zipped;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("extract-child") => return fuente_extract::child::main(),
        Some(name) if name.starts_with("child-") => return misbehave::main(name),
        _ => {}
    }
    let trials = [
        pdf::trials(),
        office::trials(),
        slides::trials(),
        sheets::trials(),
        books::trials(),
        markup::trials(),
        data::trials(),
        containers::trials(),
        ocr::trials(),
        property::trials(),
        hostile::trials(),
        hostile_office::trials(),
        confinement::trials(),
    ];
    let trials: Vec<Trial> = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
