//! Who holds a lease: the machine's boot, the container, the process. A process that starts can so tell
//! which leases of this machine belong to processes that are gone, and need not wait for them to run out.

use std::path::Path;

/// Prefix of the names of all workers of this machine's boot (and container).
pub(crate) fn home() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (boot, host) = (read("/proc/sys/kernel/random/boot_id"), read("/proc/sys/kernel/hostname"));
    // Containers may share the machine's name, and see only their own processes.
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let hash = blake3::hash(format!("{boot}\n{host}\n{}", space.display()).as_bytes()).to_hex();
    format!("{}/", &hash[..12])
}

/// Name of a worker of this process.
pub(crate) fn name(number: usize) -> String {
    format!("{}{}-{number}", home(), std::process::id())
}

/// Whether the worker's process is known to be gone. This process has no lease when it asks, so a name
/// with its number is of one that had it before. Where processes cannot be seen, none is known to be gone.
pub(crate) fn is_gone(name: &str) -> bool {
    let pid = name.strip_prefix(&home()).and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid);
    let Some(pid) = pid.and_then(|pid| pid.parse::<u32>().ok()) else { return false };
    let processes = Path::new("/proc/self").exists();
    processes && (pid == std::process::id() || !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_of_this_machine_are_known_to_be_gone() {
        assert!(is_gone(&name(0)), "a name of this process is of one before it");
        assert!(!is_gone(&format!("{}1-0", home())), "the first process runs");
        assert!(is_gone(&format!("{}4294967294-0", home())), "no process has such a number");
        assert!(!is_gone("another/4294967294-0") && !is_gone("nonsense"));
    }
}
