use super::*;

/// RFC 1982 §3.2, with the undefined case settled.
#[test]
fn times_are_serial_numbers() {
    for (a, b, after) in [
        (0, 0, false),
        (1, 0, true),
        (0, 1, false),
        (0, u32::MAX, true),
        (u32::MAX, 0, false),
        (0x7FFF_FFFF, 0, true),
        (0x8000_0000, 0, true),
        (0, 0x8000_0000, true),
        (0x8000_0001, 0, false),
    ] {
        assert_eq!(is_after(a, b), after, "{a} {b}");
    }
    assert_eq!(serial(Timestamp::from_unix((1 << 32) + 5)), 5);
}
