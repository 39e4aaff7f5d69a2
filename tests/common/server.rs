//! The real binary, in a folder of its own, on a port of its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peer::{Framing, Peer, login_request};
use super::transcript::Transcript;
use super::{PATIENCE, text};

/// The binary under test.
pub(crate) fn papo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    // The language of the person at the keyboard is not the language of the tests.
    command.env_remove("PAPO_LANG");
    command
}

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    home: TempDir,
    args: Vec<String>,
    stdout: Transcript,
    stderr: Transcript,
}

impl Server {
    /// Starts a server on a free port of localhost, with its data in a temporary folder.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(papo(), &[])
    }

    /// The same by another command (a shell that lowers a limit first, say), with more arguments.
    #[track_caller]
    pub(crate) fn start_with(command: Command, args: &[&str]) -> Self {
        let (mut server, mut stdout) = Self::launch(command, args);
        server.wait_for_port(&mut stdout);
        server.stdout.go_on(stdout);
        server
    }

    /// A server whose stdout nobody reads after the port was printed. The pipe stays open as long
    /// as the second value lives.
    #[track_caller]
    pub(crate) fn start_unread() -> (Self, BufReader<ChildStdout>) {
        let (mut server, mut stdout) = Self::launch(papo(), &[]);
        server.wait_for_port(&mut stdout);
        (server, stdout)
    }

    /// A server that keeps its promises in a way of choice: `sync`, `os` or `memory`.
    #[track_caller]
    pub(crate) fn start_durable(durability: &str) -> Self {
        Self::start_with(papo(), &["--durability", durability])
    }

    /// Starts it again, after its end, on the data that it left behind. The port is another one.
    #[track_caller]
    pub(crate) fn again(&mut self) {
        let (child, mut stdout) = Self::spawn(papo(), self.home.path(), &self.args);
        self.child = child;
        self.stdout = Transcript::default();
        self.stderr = follow_stderr(&mut self.child);
        self.wait_for_port(&mut stdout);
        self.stdout.go_on(stdout);
    }

    /// The same on the port that it had.
    #[track_caller]
    pub(crate) fn again_on(&mut self, port: u16) {
        let args = self.args.clone();
        self.args.extend(["--listen".to_owned(), format!("localhost:{port}")]);
        self.again();
        self.args = args;
    }

    /// Stops it as an operator does, and starts it again.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.again();
    }

    /// Ends it with a SIGKILL, and starts it again.
    #[track_caller]
    pub(crate) fn crash(&mut self) {
        self.kill();
        self.again();
    }

    /// Stops it as an operator does, and waits for its end.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        #[cfg(unix)]
        {
            self.signal("TERM");
            let status = self.wait();
            assert_eq!(status.code(), Some(0), "{status}; on stderr {:?}", self.stderr.lines());
        }
        #[cfg(not(unix))]
        self.kill();
    }

    /// Ends it with a SIGKILL: it can do nothing about it, and nothing more.
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.wait();
    }

    /// Whether it has not ended by itself.
    #[track_caller]
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    fn launch(command: Command, args: &[&str]) -> (Self, BufReader<ChildStdout>) {
        let home = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(home.path().join("data")).expect("a data folder");
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let (mut child, stdout) = Self::spawn(command, home.path(), &args);
        let stderr = follow_stderr(&mut child);
        let server = Self { child, port: 0, home, args, stdout: Transcript::default(), stderr };
        (server, stdout)
    }

    fn spawn(
        mut command: Command,
        home: &Path,
        args: &[String],
    ) -> (Child, BufReader<ChildStdout>) {
        let mut listen: &[&str] = &[];
        if !args.iter().any(|arg| arg == "--listen") {
            listen = &["--listen", "localhost:0"];
        }
        let mut child = command
            .args(["server", "--data"])
            .arg(home.join("data"))
            .args(args)
            .args(listen)
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        (child, stdout)
    }

    #[track_caller]
    fn wait_for_port(&mut self, stdout: &mut BufReader<ChildStdout>) {
        loop {
            let mut line = String::new();
            let count = stdout.read_line(&mut line).expect("lines of UTF-8");
            assert!(
                count > 0,
                "the server printed no port: {:?} {:?}",
                self.stdout.lines(),
                self.stderr.whole()
            );
            let line = line.trim_end();
            self.stdout.push(line.to_owned());
            if let Some((_, port)) = line.split_once("Iniciado em localhost:") {
                self.port = port.trim().parse().expect("a port");
                return;
            }
        }
    }

    /// The port that it printed.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder around its data folder: nothing but `data` may ever be in it.
    pub(crate) fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// What it prints on stdout.
    pub(crate) fn stdout(&self) -> &Transcript {
        &self.stdout
    }

    /// What it prints on stderr.
    pub(crate) fn stderr(&self) -> &Transcript {
        &self.stderr
    }

    /// A bare socket.
    #[track_caller]
    pub(crate) fn dial(&self) -> TcpStream {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout on a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout on a socket");
        stream.set_nodelay(true).expect("an option on a socket");
        stream
    }

    /// A peer that has said nothing yet.
    #[track_caller]
    pub(crate) fn connect(&self, framing: Framing) -> Peer {
        Peer::new(self.dial(), framing)
    }

    /// A peer that speaks lines and is logged in, like the clients of today.
    #[track_caller]
    pub(crate) fn join(&self, name: &str) -> Peer {
        self.join_with(name, Framing::Line, &json!({}))
    }

    /// A peer that is logged in, in a framing of choice.
    #[track_caller]
    pub(crate) fn join_as(&self, name: &str, framing: Framing) -> Peer {
        self.join_with(name, framing, &json!({}))
    }

    /// A peer that is logged in and has listed features.
    #[track_caller]
    pub(crate) fn join_knowing(&self, name: &str, features: &[&str]) -> Peer {
        let mut peer = self.join_with(name, Framing::Line, &json!({ "features": features }));
        peer.event("synced");
        peer
    }

    /// A peer that is logged in, with more fields in its login. Who had the name before may be on
    /// the way out still: that the connection is gone, the server hears a moment later.
    #[track_caller]
    pub(crate) fn join_with(&self, name: &str, framing: Framing, fields: &Value) -> Peer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut peer = self.connect(framing);
            let answer = peer.ask(&login_request(name, fields));
            if answer["status"] == "success" {
                assert_eq!(answer["type"], "login_response", "{answer}");
                return peer;
            }
            let leaving = answer["code"] == "name_in_use" && Instant::now() < deadline;
            assert!(leaving, "{name} cannot log in: {answer}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// A peer whose login claims a name that nobody had claimed, and the token.
    #[track_caller]
    pub(crate) fn claim(&self, name: &str) -> (Peer, String) {
        let mut peer = self.connect(Framing::Line);
        let answer = peer.login(name, &json!({ "want_token": true }));
        let token = text(&answer, "token").to_owned();
        (peer, token)
    }

    /// A peer whose login must be refused with this code, and the refusal. It may try again.
    #[track_caller]
    pub(crate) fn turned_away(&self, name: &str, fields: &Value, code: &str) -> (Peer, Value) {
        let mut peer = self.connect(Framing::Line);
        let refusal = peer.refused(&login_request(name, fields), code);
        assert_eq!(refusal["type"], "login_response", "{refusal}");
        (peer, refusal)
    }

    /// Two new people can log in and talk: whatever was done to the server, it still serves.
    #[track_caller]
    pub(crate) fn still_serves(&self) {
        let mut asks = self.join("serve pergunta");
        let mut answers = self.join("serve responde");
        asks.tell("serve responde", "tudo bem?");
        assert_eq!(answers.event("private_message_received")["content"], "tudo bem?");
        asks.leave();
        answers.leave();
    }

    /// Sends it a signal by name, as `kill` does.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.pid())])
            .status()
            .expect("sh");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for_end(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.stdout.lines();
            let last = &lines[lines.len().saturating_sub(20)..];
            eprintln!("the server's last words: {last:#?}");
            eprintln!("and on stderr: {:#?}", self.stderr.lines());
        }
    }
}

fn follow_stderr(child: &mut Child) -> Transcript {
    Transcript::follow(child.stderr.take().expect("piped"))
}

/// Waits for the end of a process, with patience but not for ever.
#[track_caller]
pub(crate) fn wait_for_end(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return status;
        }
        assert!(Instant::now() < deadline, "the process does not end");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
