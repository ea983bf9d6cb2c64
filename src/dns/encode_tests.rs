use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).expect("valid")
}

#[test]
fn later_names_point_to_earlier_ones() {
    let mut out = Encoder::message();
    for text in [
        "F.ISI.ARPA",
        "FOO.F.ISI.ARPA",
        "ARPA",
        ".",
        "foo.f.isi.arpa",
        "FOO.F.ISI.ARPA",
    ] {
        out.name(&name(text));
    }
    let expected = [
        &b"\x01F\x03ISI\x04ARPA\x00"[..],
        b"\x03FOO\xC0\x00",
        b"\xC0\x06",
        b"\x00",
        // In other letters it is written out: compression keeps the case.
        b"\x03foo\x01f\x03isi\x04arpa\x00",
        b"\xC0\x0C",
    ]
    .concat();
    assert_eq!(out.into_octets(), expected);
}

#[test]
fn a_name_never_points_into_itself() {
    let mut out = Encoder::message();
    out.name(&name("a.a.a.a."));
    assert_eq!(out.into_octets(), b"\x01a\x01a\x01a\x01a\x00");
}

#[test]
fn pointers_reach_14_bits() {
    let mut out = Encoder::message();
    out.octets(&[0; POINTER_REACH]);
    out.name(&name("near.example."));
    out.name(&name("far.example."));
    out.name(&name("near.example."));
    let octets = out.into_octets();
    let written = &octets[POINTER_REACH..];
    assert_eq!(&written[..14], b"\x04near\x07example\x00");
    // "example." stood beyond reach.
    assert_eq!(&written[14..27], b"\x03far\x07example\x00");
    assert_eq!(&written[27..], [0xFF, 0xFF]);
}

#[test]
fn canonical_form_is_lower_case_and_in_full() {
    let mut out = Encoder::canonical();
    out.name(&name("A."));
    out.plain_name(&name("A."));
    out.exact_name(&name("A."));
    assert_eq!(out.into_octets(), b"\x01a\x00\x01a\x00\x01A\x00");
}

#[test]
fn what_does_not_fit_its_length_is_said() {
    let mut out = Encoder::message();
    out.u8(1);
    let written = out.with_length(|out| {
        out.octets(&[0; 65_536]);
        Some(())
    });
    assert_eq!(written, None);
}
