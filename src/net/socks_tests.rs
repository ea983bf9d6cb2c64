use super::*;
use gateway_lab::random::Random;

const MARK: Mark = [0xab; 32];
const LOGGED_IN: [&[u8]; 2] = [&[5, 2], &[1, 0]];

fn target(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Says to a client what the parts hold, as far as it wants to hear it; what it said, each time.
fn talk(address: &str, answer: &[u8]) -> Result<Vec<Vec<u8>>, SocksError> {
    let (mut client, first) = Client::new(target(address), MARK);
    let mut said = vec![first.to_vec()];
    let mut rest = answer;
    while client.wants() > 0 {
        assert!(client.wants() <= ANSWER_MAX);
        let Some((octets, after)) = rest.split_at_checked(client.wants()) else {
            return Err(SocksError::Garbage);
        };
        rest = after;
        said.push(client.hear(octets)?);
    }
    assert!(rest.is_empty(), "{rest:?} is the destination's");
    said.retain(|octets| !octets.is_empty());
    Ok(said)
}

#[test]
fn what_is_said_is_as_the_rfcs_have_it() {
    let bound = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let login = [
        &[1, 32][..],
        &[b'A', b'B'].repeat(16),
        &[32],
        &[b'A', b'B'].repeat(16),
    ]
    .concat();
    for (address, kind) in [
        ("192.0.2.1:25", &[1, 192, 0, 2, 1][..]),
        (
            "[2001:db8::1]:25",
            &[4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ),
    ] {
        let request = [&[5, 1, 0], kind, &[0, 25]].concat();
        let first = vec![5, 2, 2, 0];
        let said = talk(address, &[&LOGGED_IN.concat()[..], &bound].concat());
        assert_eq!(
            said,
            Ok(vec![first.clone(), login.clone(), request.clone()])
        );
        let said = talk(address, &[&[5, 0], &bound[..]].concat());
        assert_eq!(said, Ok(vec![first, request]));
    }
}

/// However the proxy names its own end, not one octet of the destination's is taken.
#[test]
fn answers_of_every_length_are_read_to_their_end() {
    let name = [&[3, 255][..], &[b'x'; 255]].concat();
    for address in [
        &[1, 0, 0, 0, 0][..],
        &[4; 17],
        &[3, 0],
        &[3, 1, b'x'],
        &name,
    ] {
        let answer = [&LOGGED_IN.concat()[..], &[5, 0, 0], address, &[0, 0]].concat();
        assert!(talk("192.0.2.1:25", &answer).is_ok(), "{address:?}");
    }
}

#[test]
fn refusals_say_whose_they_are() {
    let refused = SocksError::Refused;
    let bound = [0, 1, 0, 0, 0, 0, 0, 0];
    for (answer, expected, part, is_of_destination) in [
        (
            vec![5, 255],
            SocksError::NoMethod,
            "without a password",
            false,
        ),
        (vec![5, 1], SocksError::Garbage, "not SOCKS 5", false),
        (vec![4, 90], SocksError::Garbage, "not SOCKS 5", false),
        (
            b"HTTP/1.1 400".to_vec(),
            SocksError::Garbage,
            "not SOCKS 5",
            false,
        ),
        (vec![5, 2, 1, 1], SocksError::Login(1), "status 1", false),
        (vec![5, 2, 5, 0], SocksError::Garbage, "not SOCKS 5", false),
        (
            vec![5, 0, 5, 0, 0, 2],
            SocksError::Garbage,
            "not SOCKS 5",
            false,
        ),
        (
            [&[5, 0, 5, 1][..], &bound].concat(),
            refused(1),
            "general failure",
            false,
        ),
        (
            [&[5, 0, 5, 2][..], &bound].concat(),
            refused(2),
            "port 25",
            false,
        ),
        (
            [&[5, 0, 5, 3][..], &bound].concat(),
            refused(3),
            "network",
            true,
        ),
        (
            [&[5, 0, 5, 4][..], &bound].concat(),
            refused(4),
            "host is unreachable",
            true,
        ),
        (
            [&[5, 0, 5, 5][..], &bound].concat(),
            refused(5),
            "refuses",
            true,
        ),
        (
            [&[5, 0, 5, 6][..], &bound].concat(),
            refused(6),
            "time to live",
            true,
        ),
        (
            [&[5, 0, 5, 7][..], &bound].concat(),
            refused(7),
            "CONNECT",
            false,
        ),
        (
            [&[5, 0, 5, 8][..], &bound].concat(),
            refused(8),
            "family",
            false,
        ),
        (
            [&[5, 0, 5, 9][..], &bound].concat(),
            refused(9),
            "code 9",
            false,
        ),
        (
            [&[5, 0, 5, 255][..], &bound].concat(),
            refused(255),
            "code 255",
            false,
        ),
    ] {
        let found = talk("192.0.2.1:25", &answer).expect_err("refused");
        assert_eq!(found, expected, "{answer:?}");
        assert!(found.to_string().contains(part), "{found}");
        assert_eq!(found.is_of_destination(), is_of_destination, "{answer:?}");
    }
}

/// Whatever a proxy says, the dialogue ends, with an octet count that is bounded, and in a connection only after an answer that means one.
#[test]
fn mutated_answers_lead_nowhere_else() {
    let mut random = Random::new(1928);
    let (mut connected, mut refused) = (0, 0);
    for round in 0..50_000 {
        let address: &[u8] = [&[1, 0, 0, 0, 0][..], &[4; 17], &[3, 2, b'x', b'y']][round % 3];
        let login: &[u8] = [&[5, 2, 1, 0][..], &[5, 0]][round % 2];
        let mut answer = [login, &[5, 0, 0], address, &[0, 25]].concat();
        random.mutate(&mut answer);
        let (mut client, _) = Client::new(target("192.0.2.1:25"), MARK);
        let mut taken = 0;
        let end = loop {
            let wanted = client.wants();
            if wanted == 0 {
                break true;
            }
            match answer
                .get(taken..taken + wanted)
                .map(|octets| client.hear(octets))
            {
                Some(Ok(_)) => taken += wanted,
                Some(Err(_)) | None => break false,
            }
        };
        assert!(taken <= 4 + ANSWER_MAX);
        if end {
            let methods = usize::from(answer[1]);
            assert!(methods == 0 || (methods == 2 && answer[2..4] == [1, 0]));
            assert_eq!(answer[methods + 2..methods + 4], [5, 0]);
            connected += 1;
        } else {
            refused += 1;
        }
    }
    assert!(connected > 1000 && refused > 1000, "{connected} {refused}");
}
