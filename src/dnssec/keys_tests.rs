use super::*;
use crate::dns::zonefile;
use crate::dnssec::group;

fn rrset(text: &str) -> Rrset {
    group(&zonefile::parse(text, &Name::root()).unwrap()).remove(0)
}

/// RFC 4035 §5.2, RFC 4509 §3.
#[test]
fn entry_points_are_those_of_use() {
    let (short, long) = ("00".repeat(20), "00".repeat(32));
    for (lines, expected) in [
        (&["1 8 1 S"][..], "1"),
        (&["1 8 1 S", "2 8 2 L"], "2"),
        (&["1 8 1 S", "2 12 2 L"], "1"),
        (&["1 8 1 S", "2 8 3 L"], "1"),
        (&["1 13 2 L", "2 8 4 L"], "1 2"),
        (
            &["1 12 2 L", "2 5 2 L"],
            "algorithms that are not supported here: ECC-GOST, RSASHA1",
        ),
        (
            &["1 8 3 L", "2 3 2 L"],
            "digest types that are not supported here: GOST, SHA-256",
        ),
        (&["1 8 2 L"; 9], "1"),
        (
            &[
                "1 8 2 L", "2 8 2 L", "3 8 2 L", "4 8 2 L", "5 8 2 L", "6 8 2 L", "7 8 2 L",
                "8 8 2 L", "9 8 2 L",
            ],
            "more than 8 DS records per zone",
        ),
    ] {
        let text = lines.iter().map(|line| {
            let line = line.replace('S', &short).replace('L', &long);
            format!("x. DS {line}\n")
        });
        let set = rrset(&text.collect::<String>());
        let found = match EntryPoints::of_delegation(&set, Algorithms::new(false)) {
            Ok(points) => {
                let tags = points
                    .points()
                    .iter()
                    .map(|point| point.key_tag().to_string());
                tags.collect::<Vec<_>>().join(" ")
            }
            Err(why) => why.to_string(),
        };
        assert!(found.ends_with(expected), "{lines:?}: {found}");
    }
}
