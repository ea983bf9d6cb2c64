use super::*;
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy that says these parts, each after it has heard as many octets as are written with it, and then closes unless it is to be silent.
fn proxy(script: Vec<(usize, Vec<u8>)>, is_silent: bool) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let playing = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let heard = play(&mut socket, &script);
        if is_silent {
            // Until the client has had enough.
            let _ = socket.read(&mut [0; 1]);
        }
        heard
    });
    (address, playing)
}

fn play(socket: &mut TcpStream, script: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut heard = Vec::new();
    for (count, answer) in script {
        let mut octets = vec![0; *count];
        socket
            .read_exact(&mut octets)
            .expect("the client says more");
        heard.extend(octets);
        socket.write_all(answer).expect("the client is there");
    }
    heard
}

fn dial(proxy: SocketAddr, wait: Duration) -> io::Result<Stream> {
    let dialer = Dialer {
        proxy: Some(proxy),
        destination: "d.test",
    };
    dialer.dial(
        "192.0.2.1:25".parse().expect("an address"),
        Deadline::after(wait),
    )
}

/// Octets of the greeting, of the login and of the request for an IPv4 address.
const SAID: [usize; 3] = [4, 67, 10];

fn whole(answer: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let [greeting, login, request] = SAID;
    vec![
        (greeting, vec![5, 2]),
        (login, vec![1, 0]),
        (request, answer.to_vec()),
    ]
}

#[test]
fn what_follows_the_answer_is_the_destinations() {
    let answer = [&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"220 mx.d.test\r\n"].concat();
    let (address, playing) = proxy(whole(&answer), false);
    let mut stream = dial(address, PATIENCE).expect("a connection");
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).expect("to its end");
    assert_eq!(greeting, "220 mx.d.test\r\n");
    assert_eq!(stream.peer(), address);
    let heard = playing.join().expect("no panic");
    assert_eq!(heard.len(), SAID.iter().sum::<usize>());
    assert!(heard.ends_with(&[5, 1, 0, 1, 192, 0, 2, 1, 0, 25]));
    assert!(!heard.windows(6).any(|part| part == b"d.test"));
}

#[test]
fn failures_say_whose_they_are() {
    let refused = |code| [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    for (script, part) in [
        (
            whole(&refused(1)),
            "makes no connection: it says 'general failure'",
        ),
        (
            whole(&refused(5)),
            "cannot reach the destination: the host refuses",
        ),
        (
            vec![(4, vec![5, 255])],
            "makes no connection: it takes neither",
        ),
        (
            vec![(4, b"SSH-2.0-x\r\n".to_vec())],
            "makes no connection: what it answers is not SOCKS 5",
        ),
        (Vec::new(), "gives no answer: "),
        (vec![(4, vec![5])], "gives no answer: "),
        (whole(&[5, 0, 0, 3, 255, b'x']), "gives no answer: "),
    ] {
        let (address, playing) = proxy(script, false);
        let error = dial(address, PATIENCE).expect_err("no connection");
        let expected = format!("the SOCKS proxy {address} {part}");
        assert!(error.to_string().starts_with(&expected), "{error}");
        drop(playing.join());
    }
    let (address, playing) = proxy(whole(&[5, 0]), true);
    let error = dial(address, Duration::from_millis(200)).expect_err("silence");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    drop(playing.join());
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let error = dial(nobody.expect("loopback"), PATIENCE).expect_err("nobody");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[test]
fn marks_tell_destinations_apart_and_nothing_else() {
    let mark = |destination| mark(destination).expect("randomness");
    assert_eq!(mark("d.test"), mark("d.test"));
    assert_ne!(mark("d.test"), mark("e.test"));
    assert_ne!(mark(""), Mark::default());
}
