//! What the child takes from itself before it looks at a document: money (memory, time, files),
//! rights (user, network, new processes, opening anything), and a way back.
//!
//! Every step narrows; a step that this kernel or user cannot take is left to the others.

use crate::Limits;
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use nix::unistd::{Gid, Uid, alarm, geteuid, setgid, setgroups, setuid};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

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
    let seconds = limits.wall_seconds.saturating_add(ALARM_SLACK);
    alarm::set(u32::try_from(seconds).unwrap_or(u32::MAX));
    Ok(())
}

/// Rights, dropped once the document is in memory and the PDF library is loaded.
pub(crate) fn drop_rights() -> Result<(), String> {
    if geteuid().is_root() {
        setgroups(&[]).map_err(|error| format!("groups cannot be dropped ({error})"))?;
        setgid(Gid::from_raw(NOBODY)).map_err(|error| format!("the group cannot be changed ({error})"))?;
        setuid(Uid::from_raw(NOBODY)).map_err(|error| format!("the user cannot be changed ({error})"))?;
    }
    // No threads or processes from here on, and no file, socket or pipe that is not open already.
    setrlimit(Resource::RLIMIT_NPROC, 0, 0).map_err(|error| format!("processes cannot be limited ({error})"))?;
    setrlimit(Resource::RLIMIT_NOFILE, 0, 0).map_err(|error| format!("files cannot be limited ({error})"))?;
    filter_calls()
}

/// Only system calls that work on memory and on what is already open; the others fail.
fn filter_calls() -> Result<(), String> {
    let calls: Vec<i64> = vec![
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_prctl,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let Ok(arch) = std::env::consts::ARCH.try_into() else {
        // A processor that the filter does not know keeps the limits above.
        return Ok(());
    };
    let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
    let filter = SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch);
    let program: BpfProgram =
        filter.and_then(TryInto::try_into).map_err(|error| format!("the call filter cannot be built ({error})"))?;
    match seccompiler::apply_filter(&program) {
        Ok(()) => Ok(()),
        // A kernel built without filters; the limits above still hold.
        Err(error) if matches!(&error, seccompiler::Error::Prctl(io) | seccompiler::Error::Seccomp(io) if io.raw_os_error() == Some(libc::EINVAL) || io.raw_os_error() == Some(libc::ENOSYS)) => {
            Ok(())
        }
        Err(error) => Err(format!("the call filter cannot be set ({error})")),
    }
}

/// Bytes of address space in use now.
fn address_space() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|line| line.split_whitespace().next().and_then(|pages| pages.parse::<u64>().ok()));
    // Without /proc, half a gigabyte covers the program and its libraries.
    pages.map_or(512 << 20, |pages| pages * 4096)
}
