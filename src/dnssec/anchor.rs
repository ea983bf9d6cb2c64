//! The trust anchors: the DNSSEC keys of the root that are believed without further proof.

/// The DS records of both root keys in zone-file form, as IANA publishes them (RFC 9718): KSK-2017 and KSK-2024.
pub const ROOT: [&str; 2] = [
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// The key tags of [`ROOT`].
pub fn root_key_tags() -> impl Iterator<Item = &'static str> {
    ROOT.iter().filter_map(|record| record.split(' ').nth(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_root_keys_are_built_in() {
        assert_eq!(root_key_tags().collect::<Vec<_>>(), ["20326", "38696"]);
    }
}
