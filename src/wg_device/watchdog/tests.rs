#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::os::unix::net::UnixListener;

#[test]
fn a_device_that_answers_is_alive_and_one_that_hangs_up_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("wg0.sock");
    assert_eq!(ask(&socket).unwrap_err().kind(), io::ErrorKind::NotFound);

    let listener = UnixListener::bind(&socket).unwrap();
    let device = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 7];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"set=1\n\n");
        stream.write_all(b"errno=0\n\n").unwrap();
        drop(stream);
        drop(listener.accept().unwrap());
    });
    ask(&socket).unwrap();
    assert!(ask(&socket).is_err());
    device.join().unwrap();
}
