use super::*;

/// RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO with a pointer to it at 40, ARPA as pointer to 26 at 64, the root at 92.
fn rfc_1035_example() -> Vec<u8> {
    let mut message = vec![0; 20];
    message.extend(b"\x01F\x03ISI\x04ARPA\x00");
    message.resize(40, 0);
    message.extend(b"\x03FOO\xC0\x14");
    message.resize(64, 0);
    message.extend(b"\xC0\x1A");
    message.resize(92, 0);
    message.push(0);
    message
}

fn name_at(message: &[u8], offset: usize) -> Result<(Name, usize), DecodeError> {
    let mut decoder = Decoder::message(message);
    decoder.octets(offset)?;
    let name = decoder.name()?;
    Ok((name, decoder.position()))
}

#[test]
fn names_of_rfc_1035() {
    let message = rfc_1035_example();
    for (offset, text, end) in [
        (20, "F.ISI.ARPA.", 32),
        (40, "FOO.F.ISI.ARPA.", 46),
        (64, "ARPA.", 66),
        (92, ".", 93),
    ] {
        let (name, after) = name_at(&message, offset).expect("valid");
        assert_eq!((name.to_string().as_str(), after), (text, end));
    }
}

#[test]
fn broken_names_are_errors() {
    let label = [&[63u8][..], &[b'a'; 63]].concat();
    let too_long = [&label[..], &label, &label, &label, &[0]].concat();
    let longest = [&label[..], &label, &label, &[61], &[b'a'; 61], &[0]].concat();
    assert_eq!(name_at(&longest, 0).expect("valid").0.as_wire(), longest);
    let one_longer = [&longest[..], &[1, b'b', 0xC0, 0]].concat();
    // From octet 2 on each pointer leads to the pointer before it.
    let mut chain = vec![1, b'a', 0];
    chain.extend(
        (0..200u16).flat_map(|n| (0xC000 | if n == 0 { 0 } else { 2 * n + 1 }).to_be_bytes()),
    );
    assert!(name_at(&chain, 3 + 2 * 126).is_ok());
    for (what, message, offset, fault_at, fault) in [
        ("empty", &[][..], 0, 0, Fault::Truncated),
        ("no root label", b"\x01a", 0, 2, Fault::Truncated),
        ("label cut", b"\x05abc", 0, 1, Fault::Truncated),
        ("pointer cut", b"\x00\xC0", 1, 2, Fault::Truncated),
        (
            "pointer to itself",
            b"\xC0\x00",
            0,
            0,
            Fault::PointerForward,
        ),
        (
            "pointer into its own labels",
            b"\x01a\xC0\x00",
            0,
            2,
            Fault::PointerForward,
        ),
        (
            "pointer forward",
            b"\xC0\x02\x00",
            0,
            0,
            Fault::PointerForward,
        ),
        (
            "pointer beyond the end",
            b"\xFF\xFF",
            0,
            0,
            Fault::PointerForward,
        ),
        (
            "loop of two",
            b"\x01a\xC0\x04\xC0\x00",
            4,
            2,
            Fault::PointerForward,
        ),
        ("label type 01", b"\x41a\x00", 0, 0, Fault::LabelType),
        ("label type 10", b"\x01a\x80\x00", 0, 2, Fault::LabelType),
        ("too long", &too_long, 0, 192, Fault::NameTooLong),
        (
            "too long by pointer",
            &one_longer,
            255,
            0xC0,
            Fault::NameTooLong,
        ),
        (
            "too many pointers",
            &chain,
            3 + 2 * 127,
            5,
            Fault::PointerLimit,
        ),
    ] {
        let error = name_at(message, offset).expect_err(what);
        assert_eq!((error.offset, error.fault), (fault_at, fault), "{what}");
    }
}

#[test]
fn plain_names_refuse_pointers() {
    let mut decoder = Decoder::message(b"\x00\x01a\xC0\x00");
    decoder.u8().expect("an octet");
    let error = decoder.plain_name().expect_err("pointer");
    assert_eq!((error.offset, error.fault), (3, Fault::PointerForbidden));
    let mut alone = Decoder::alone(b"\x01a\x00");
    assert_eq!(alone.name().expect("valid").to_string(), "a.");
}

#[test]
fn a_sub_decoder_keeps_to_its_bound() {
    let mut decoder = Decoder::message(b"\x01a\x00\xC0\x00\x02");
    decoder.octets(3).expect("three octets");
    let mut sub = decoder.sub(2).expect("two octets");
    assert_eq!(sub.name().expect("backwards").to_string(), "a.");
    assert_eq!(sub.u8().expect_err("bound").offset, 5);
    assert!(sub.finish(Fault::RdataTooLong).is_ok());
    assert_eq!(decoder.u8(), Ok(2));
    assert_eq!(
        decoder.sub(1).map(|_| ()).expect_err("end").fault,
        Fault::Truncated
    );
}
