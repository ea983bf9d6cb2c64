//! Hexadecimal (RFC 4648 §8).

/// Upper-case digits without spaces.
pub fn encode(octets: &[u8]) -> String {
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    digits
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .map(|digit| digit.to_ascii_uppercase())
        .collect()
}

/// The octets of an even number of digits, in either case, without spaces; `None` for anything else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips() {
        assert_eq!(encode(&[0, 0x0f, 0xa5, 0xff]), "000FA5FF");
        assert_eq!(decode("000fA5Ff"), Some(vec![0, 0x0f, 0xa5, 0xff]));
        assert_eq!(decode(""), Some(vec![]));
        for text in ["0", "0g", "00 1", "ü"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
