//! Base 64 and base 32 with the extended hexadecimal alphabet (RFC 4648 §4 and §7): the text forms of keys, signatures and NSEC3 hashes.

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32_HEX: &[u8] = b"0123456789abcdefghijklmnopqrstuv";

/// Base 64 with padding.
pub fn encode_base64(octets: &[u8]) -> String {
    let mut text = encode(octets, BASE64, 6);
    while text.len() % 4 != 0 {
        text.push('=');
    }
    text
}

/// The octets of padded base 64 without spaces; `None` for anything else.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if text.len() % 4 != 0 {
        return None;
    }
    let digits = text
        .strip_suffix("==")
        .or_else(|| text.strip_suffix('='))
        .unwrap_or(text);
    decode(digits.bytes(), BASE64, 6)
}

/// Base 32 with the extended hexadecimal alphabet in lower case, without padding, as NSEC3 owners use it (RFC 5155 §3.3).
pub fn encode_base32_hex(octets: &[u8]) -> String {
    encode(octets, BASE32_HEX, 5)
}

/// The octets of unpadded base 32 in either case; `None` for anything else.
pub fn decode_base32_hex(text: &str) -> Option<Vec<u8>> {
    let lower_case = text.bytes().map(|digit| digit.to_ascii_lowercase());
    decode(lower_case, BASE32_HEX, 5)
}

/// Writes `width` bits per digit, the last digit filled with zeros.
fn encode(octets: &[u8], digits: &[u8], width: u32) -> String {
    let mut text = String::with_capacity(octets.len() * 8 / width as usize + 4);
    let (mut bits, mut held) = (0u32, 0u32);
    let mut push = |value: u32| {
        let index = (value & ((1 << width) - 1)) as usize;
        text.extend(digits.get(index).map(|digit| char::from(*digit)));
    };
    for octet in octets {
        bits = bits << 8 | u32::from(*octet);
        held += 8;
        while held >= width {
            held -= width;
            push(bits >> held);
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        push(bits << (width - held));
    }
    text
}

/// Reads `width` bits per digit; what is left over must be less than a digit, and zero.
fn decode(text: impl Iterator<Item = u8>, digits: &[u8], width: u32) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for digit in text {
        let value = digits.iter().position(|known| *known == digit)?;
        bits = bits << width | u32::try_from(value).ok()?;
        held += width;
        if held >= 8 {
            held -= 8;
            octets.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
        bits &= (1 << held) - 1;
    }
    (held < width && bits == 0).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn the_examples_of_the_rfc() {
        for (octets, base64, base32) in [
            ("", "", ""),
            ("f", "Zg==", "co"),
            ("fo", "Zm8=", "cpng"),
            ("foo", "Zm9v", "cpnmu"),
            ("foob", "Zm9vYg==", "cpnmuog"),
            ("fooba", "Zm9vYmE=", "cpnmuoj1"),
            ("foobar", "Zm9vYmFy", "cpnmuoj1e8"),
        ] {
            assert_eq!(encode_base64(octets.as_bytes()), base64);
            assert_eq!(decode_base64(base64).as_deref(), Some(octets.as_bytes()));
            assert_eq!(encode_base32_hex(octets.as_bytes()), base32);
            let upper = base32.to_uppercase();
            assert_eq!(
                decode_base32_hex(&upper).as_deref(),
                Some(octets.as_bytes())
            );
        }
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        for text in ["Zg", "Zh==", "Zg=", "====", "Zg==Zg==", "Z g=", "ü==="] {
            assert_eq!(decode_base64(text), None, "{text}");
        }
        for text in ["c", "cp", "w0", "co======"] {
            assert_eq!(decode_base32_hex(text), None, "{text}");
        }
    }
}
