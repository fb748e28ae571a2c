//! What the child takes from itself before it looks at a document: money (memory, time, files),
//! rights (user, network, new processes, opening anything), and a way back.
//!
//! Every step narrows; a step that this kernel or user cannot take is left to the others.

#[cfg(test)]
mod alone;
mod calls;

use crate::Limits;
use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use nix::unistd::{Gid, Uid, alarm, geteuid, setgid, setgroups, setuid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The user and group "nobody".
const NOBODY: u32 = 65_534;
/// A little more than the parent waits, should the parent be gone.
const ALARM_SLACK: u64 = 10;

/// Limits on money, taken first: they hold while the document is read into memory.
pub(crate) fn limit(limits: &Limits) -> Result<(), String> {
    let set = |resource, soft: u64, hard: u64| {
        setrlimit(resource, soft as rlim_t, hard as rlim_t)
            .map_err(|error| format!("{resource:?} cannot be limited ({error})"))
    };
    // The program's own mappings (models' libraries among them) are not the document's fault.
    let memory = address_space().saturating_add(limits.memory_bytes);
    set(Resource::RLIMIT_AS, memory, memory)?;
    // At the soft limit the kernel sends SIGXCPU, which says why; at the hard one it kills.
    set(Resource::RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)?;
    set(Resource::RLIMIT_CORE, 0, 0)?;
    set(Resource::RLIMIT_FSIZE, 0, 0)?;
    set(Resource::RLIMIT_NOFILE, 32, 32)?;
    // The parent's clock stands still while it recognises a page.
    let recognising = limits.wall_seconds.saturating_mul(u64::from(limits.ocr_pages));
    let seconds = limits.wall_seconds.saturating_add(ALARM_SLACK).saturating_add(recognising);
    alarm::set(u32::try_from(seconds).unwrap_or(u32::MAX));
    Ok(())
}

/// Walls that not every machine can build.
pub(crate) struct Held {
    /// Only the system calls that are needed.
    pub(crate) filtered: bool,
    /// The kernel's own wall before files and connections (landlock).
    pub(crate) walled: bool,
}

/// Rights, dropped once the document is in memory and the PDF library is loaded.
pub(crate) fn drop_rights() -> Result<Held, String> {
    drop_user()?;
    let walled = wall_off(&[]).map_err(|error| format!("files cannot be walled off ({error})"))?;
    // No file, socket or pipe that is not open already.
    setrlimit(Resource::RLIMIT_NOFILE, 0, 0).map_err(|error| format!("files cannot be limited ({error})"))?;
    let filtered = filter_calls(Calls::Reader)?;
    Ok(Held { filtered, walled })
}

/// Rights of a process that is about to become tesseract: it opens its libraries and its models, for
/// reading, and nothing else.
pub(crate) fn drop_rights_before(program: &Path, limits: &Limits) -> Result<(), String> {
    // What the program maps is its own, so the whole is limited and not what comes on top.
    let memory = limits.memory_bytes as rlim_t;
    setrlimit(Resource::RLIMIT_AS, memory, memory).map_err(|error| format!("memory cannot be limited ({error})"))?;
    drop_user()?;
    let mut readable: Vec<PathBuf> =
        ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/nix/store", "/sys/devices/system/cpu"].map(Into::into).into();
    // A program installed elsewhere has its models beside it.
    readable.extend(program.ancestors().nth(2).filter(|prefix| prefix.components().count() > 1).map(Path::to_owned));
    wall_off(&readable).map_err(|error| format!("files cannot be walled off ({error})"))?;
    filter_calls(Calls::Program).map(|_| ())
}

fn drop_user() -> Result<(), String> {
    if geteuid().is_root() {
        setgroups(&[]).map_err(|error| format!("groups cannot be dropped ({error})"))?;
        setgid(Gid::from_raw(NOBODY)).map_err(|error| format!("the group cannot be changed ({error})"))?;
        setuid(Uid::from_raw(NOBODY)).map_err(|error| format!("the user cannot be changed ({error})"))?;
    }
    // No threads or processes from here on.
    setrlimit(Resource::RLIMIT_NPROC, 0, 0).map_err(|error| format!("processes cannot be limited ({error})"))
}

/// Asks the kernel for a wall before all files but those below `readable`, and before connections
/// and signals. False where it has none; an older kernel's wall is lower.
fn wall_off(readable: &[PathBuf]) -> Result<bool, RulesetError> {
    let newest = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(newest)))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Tells the most memory that this process had in use. Opened while files can be; what the system
/// says of a process that ended would count its parent's memory as well.
pub(crate) struct Meter(Option<File>);

impl Meter {
    pub(crate) fn new() -> Self {
        Self(File::open("/proc/self/status").ok())
    }

    pub(crate) fn peak_kib(self) -> Option<u64> {
        let mut status = String::new();
        self.0?.read_to_string(&mut status).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    }
}

/// Whose calls a filter lets through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// The reader of a document.
    Reader,
    /// A program that starts, loads its libraries and reads its models.
    Program,
}

/// Only system calls that work on memory and on what is already open; the others fail. False where
/// this processor or kernel has no such filter: the limits above hold alone, and `doctor` says so.
fn filter_calls(whose: Calls) -> Result<bool, String> {
    let Some(program) = program(std::process::id(), whose)? else { return Ok(false) };
    match seccompiler::apply_filter(&program) {
        Ok(()) => Ok(true),
        // A kernel built without filters.
        Err(error) if matches!(&error, seccompiler::Error::Prctl(io) | seccompiler::Error::Seccomp(io) if io.raw_os_error() == Some(libc::EINVAL) || io.raw_os_error() == Some(libc::ENOSYS)) => {
            Ok(false)
        }
        Err(error) => Err(format!("the call filter cannot be set ({error})")),
    }
}

/// The filter for a process with this id, or none where the processor is not known to it.
fn program(own: u32, whose: Calls) -> Result<Option<BpfProgram>, String> {
    let unbuilt = |error: seccompiler::BackendError| format!("the call filter cannot be built ({error})");
    let Ok(arch) = std::env::consts::ARCH.try_into() else { return Ok(None) };
    let programs: &[i64] = if whose == Calls::Program { calls::PROGRAM } else { &[] };
    let allowed = calls::READER.iter().chain(programs);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = allowed.map(|call| (*call, Vec::new())).collect();
    if whose == Calls::Program {
        // Opened to be read, and never made.
        let writing = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) as u64;
        let reading = SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(writing), 0);
        rules.insert(libc::SYS_openat, vec![SeccompRule::new(vec![reading.map_err(unbuilt)?]).map_err(unbuilt)?]);
    }
    // An abort signals its own process. Others of the same user (Postgres, Fuente itself) are out of reach.
    let itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(own));
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![itself.map_err(unbuilt)?]).map_err(unbuilt)?]);
    let filter = SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch);
    filter.and_then(TryInto::try_into).map(Some).map_err(unbuilt)
}

/// Bytes of address space in use now.
fn address_space() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|line| line.split_whitespace().next().and_then(|pages| pages.parse::<u64>().ok()));
    // Without /proc, half a gigabyte covers the program and its libraries.
    pages.map_or(512 << 20, |pages| pages * 4096)
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;

    /// What the kernel would answer to a call: classic BPF, as far as the compiler uses it.
    fn verdict(program: &BpfProgram, call: i64, first: u64) -> u32 {
        let arch: u32 = if cfg!(target_arch = "x86_64") { 0xC000_003E } else { 0xC000_00B7 };
        // struct seccomp_data: call, architecture, instruction pointer, six arguments.
        let mut data = vec![call as u32, arch, 0, 0, first as u32, (first >> 32) as u32];
        data.resize(16, 0);
        let (mut at, mut held) = (0_usize, 0_u32);
        loop {
            let step = &program[at];
            at += 1;
            let jump = |met: bool| usize::from(if met { step.jt } else { step.jf });
            match step.code {
                0x20 => held = data[step.k as usize / 4],
                0x54 => held &= step.k,
                0x05 => at += step.k as usize,
                0x15 => at += jump(held == step.k),
                0x25 => at += jump(held > step.k),
                0x35 => at += jump(held >= step.k),
                0x06 => return step.k,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn a_signal_reaches_nobody_but_the_child_itself() {
        const ALLOW: u32 = 0x7fff_0000;
        let program = program(4711, Calls::Reader).unwrap().expect("this processor is known");
        assert_eq!(verdict(&program, libc::SYS_read, 0), ALLOW);
        assert_eq!(verdict(&program, libc::SYS_tgkill, 4711), ALLOW, "an abort ends the child");
        for other in [0, 1, 4710, 4712, u64::from(u32::MAX)] {
            assert_ne!(verdict(&program, libc::SYS_tgkill, other), ALLOW, "{other}");
        }
        for call in [libc::SYS_kill, libc::SYS_tkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo] {
            assert_ne!(verdict(&program, call, 4711), ALLOW);
        }
        assert_ne!(verdict(&program, libc::SYS_pidfd_send_signal, 4711), ALLOW);
    }

    #[test]
    fn neither_calls_anyone_nor_starts_anything() {
        const ALLOW: u32 = 0x7fff_0000;
        for whose in [Calls::Reader, Calls::Program] {
            let program = program(4711, whose).unwrap().expect("this processor is known");
            let others = [libc::SYS_socket, libc::SYS_connect, libc::SYS_clone, libc::SYS_clone3, libc::SYS_ptrace];
            for call in others.into_iter().chain([libc::SYS_kill, libc::SYS_unlinkat, libc::SYS_io_uring_setup]) {
                assert_ne!(verdict(&program, call, 4711), ALLOW, "{call}");
            }
        }
    }
}
