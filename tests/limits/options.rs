//! Limits that could not work are refused before anything is opened.

use crate::common::server::papo;

#[test]
fn a_limit_that_could_not_work_is_told_why() {
    let data = tempfile::tempdir().expect("a temporary folder");
    for (options, said) in [
        (&["--max-message", "65KiB"][..], "--max-message 65KiB: use de 1 a 64KiB"),
        (&["--message-rate", "0"], "--message-rate 0: use de 1 a"),
        (&["--login-time", "0s"], "--login-time 0ms: use de 100ms a 24h"),
        (
            &["--outbox-soft", "2MiB"],
            "--outbox-hard não é 768KiB maior que --outbox-soft: uma página",
        ),
        (&["--max-inputs", "1MiB"], "--max-inputs é menor que --max-frame: um pedido"),
        (&["--ping", "15"], "--ping 15: este valor não pode ser usado"),
    ] {
        let output = papo()
            .arg("server")
            .arg("--data")
            .arg(data.path())
            .args(["--listen", "localhost:0"])
            .args(options)
            .output()
            .expect("papo starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{options:?}: {told}");
        assert!(told.starts_with(&format!("papo: {said}")), "{options:?}: {told}");
        assert!(told.trim_end().ends_with("Veja: papo server --help"), "{told}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read_dir(data.path()).expect("a folder").count(), 0);
}
