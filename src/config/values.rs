//! The words of directives as values; every refusal says what was expected and what was found.

use core::net::SocketAddr;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::certificate::Pin;
use crate::dnssec::TrustAnchors;
use crate::net::Network;
use crate::outbound::{Level, Pattern};
use crate::resolver::DnssecMode;
use crate::smtp::Domain;
use crate::time::{self, Timestamp};

/// Bounds of the waits for another host.
pub(super) const TIMEOUT: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(86_400));

/// `validate`, `ad` or `ad ad-trusted`.
pub(super) fn dnssec(words: &[String]) -> Result<DnssecMode, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["validate"] => Ok(DnssecMode::Validate),
        ["ad"] => Ok(DnssecMode::Ad),
        ["ad", "ad-trusted"] => Ok(DnssecMode::AdTrusted),
        _ => Err(format!(
            "expected 'validate', 'ad' or 'ad ad-trusted', found '{}'",
            words.join(" ")
        )),
    }
}

/// The words that [`dnssec`] reads as this mode.
pub(super) fn dnssec_words(mode: DnssecMode) -> Vec<String> {
    let words: &[&str] = match mode {
        DnssecMode::Validate => &["validate"],
        DnssecMode::Ad => &["ad"],
        DnssecMode::AdTrusted => &["ad", "ad-trusted"],
    };
    words.iter().map(ToString::to_string).collect()
}

/// Octets of a file of trust anchors at most: room for the 64 records that are taken, with comments.
const ANCHOR_FILE_MOST: u64 = 1 << 20;

/// The trust anchors in a file: DS and DNSKEY records in zone-file form.
///
/// # Errors
/// What is wrong with the file.
pub fn trust_anchors(file: &Path) -> Result<TrustAnchors, String> {
    let wrong = |why: &dyn Display| format!("{}: {why}", file.display());
    let text = read_at_most(file, ANCHOR_FILE_MOST).map_err(|error| wrong(&error))?;
    TrustAnchors::parse(&text).map_err(|error| wrong(&error))
}

/// The text of a file that is no longer than this.
pub(super) fn read_at_most(file: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    let length = File::open(file)?.take(most + 1).read_to_string(&mut text)?;
    match u64::try_from(length) {
        Ok(length) if length <= most => Ok(text),
        _ => {
            let text = format!("it is longer than {}", format_size(most));
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
    }
}

/// A time in seconds since 1970.
///
/// # Errors
/// What was expected.
pub fn unix_time(text: &str) -> Result<Timestamp, String> {
    let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_digits);
    seconds.map(Timestamp::from_unix).ok_or_else(|| {
        format!("expected seconds since 1970, for example 1795536480, found '{text}'")
    })
}

/// What must be proven.
///
/// # Errors
/// What was expected.
pub fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| {
        let names = Level::ALL.map(Level::name).join(", ");
        match text {
            "mta-sts" => {
                format!("level '{text}': this version cannot do this yet; it has {names}")
            }
            _ => format!("expected one of {names}, found '{text}'"),
        }
    })
}

/// `sha256:` and 64 hexadecimal digits.
pub(super) fn pin(text: &str) -> Result<Pin, String> {
    Pin::parse(text)
        .ok_or_else(|| format!("expected sha256: and 64 hexadecimal digits, found '{text}'"))
}

/// `*`, `.DOMAIN` or `DOMAIN`.
pub(super) fn pattern(text: &str) -> Result<Pattern, String> {
    match text.strip_prefix('.') {
        _ if text == "*" => Ok(Pattern::Any),
        Some(suffix) => domain(suffix).map(Pattern::Below),
        None => domain(text).map(Pattern::Exactly),
    }
}

/// `YYYY-MM-DD`: the moment at which that day begins in UTC.
pub(super) fn date(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(&format!("{text}T00:00:00Z"))
        .ok_or_else(|| format!("expected a date, for example 2027-03-31, found '{text}'"))
}

/// Writes a date as [`date`] reads it.
pub(super) fn format_date(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// `yes` or `no`.
pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("expected 'yes' or 'no', found '{text}'")),
    }
}

/// The word that [`yes_or_no`] reads.
pub(super) const fn yes_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// `ADDR:PORT` to listen at.
pub(super) fn listener(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("expected ADDR:PORT, for example 127.0.0.1:2525 or [::]:25, found '{text}'")
    })
}

/// `ADDR:PORT` of a SOCKS proxy.
pub(super) fn proxy(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().ok();
    address
        .filter(|address: &SocketAddr| address.port() > 0)
        .ok_or_else(|| format!("expected ADDR:PORT, for example 127.0.0.1:9050, found '{text}'"))
}

/// A domain name.
pub(super) fn domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text)
        .map_err(|_| format!("expected a domain name, for example mx.example.org, found '{text}'"))
}

/// A range of addresses.
pub(super) fn network(text: &str) -> Result<Network, String> {
    Network::from_str(text).map_err(|error| format!("{error}, found '{text}'"))
}

/// A path that means the same wherever the gateway is started: the queue must be found again.
pub(super) fn absolute_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(format!(
            "expected a path that begins with /, found '{text}'"
        )),
    }
}

/// A port to connect to.
pub(super) fn port(text: &str) -> Result<u16, String> {
    number(text, u16::MAX)
}

/// A number from 1 to `most`.
pub(super) fn number<T>(text: &str, most: T) -> Result<T, String>
where
    T: Copy + PartialOrd + From<u8> + FromStr + Display,
{
    let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_digits);
    number
        .filter(|number| (T::from(1)..=most).contains(number))
        .ok_or_else(|| format!("expected a number from 1 to {most}, found '{text}'"))
}

/// Suffixes of sizes, the largest first.
const UNITS: [(&str, u64); 3] = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];

/// A count of octets within bounds, with a suffix `K`, `M` or `G` of powers of 1024.
pub(super) fn size(text: &str, (least, most): (u64, u64)) -> Result<u64, String> {
    let unit = UNITS
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)));
    let (digits, unit) = unit.unwrap_or((text, 1));
    let octets = digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit));
    let is_digits = digits.bytes().all(|octet| octet.is_ascii_digit());
    octets
        .filter(|octets| is_digits && (least..=most).contains(octets))
        .ok_or_else(|| {
            let (least, most) = (format_size(least), format_size(most));
            format!("expected a size from {least} to {most}, for example 50M, found '{text}'")
        })
}

/// Writes a size as [`size`] reads it, in the largest unit that is exact.
pub(super) fn format_size(octets: u64) -> String {
    let unit = UNITS
        .into_iter()
        .find(|(_, unit)| octets > 0 && octets % unit == 0);
    unit.map_or_else(
        || octets.to_string(),
        |(suffix, unit)| format!("{}{suffix}", octets / unit),
    )
}

/// A time span within bounds.
pub(super) fn duration(
    text: &str,
    (least, most): (Duration, Duration),
) -> Result<Duration, String> {
    time::parse_duration(text)
        .filter(|duration| (least..=most).contains(duration))
        .ok_or_else(|| {
            let (least, most) = (time::format_duration(least), time::format_duration(most));
            format!("expected a duration from {least} to {most}, for example 90s, 5m, 4h or 5d, found '{text}'")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_switches() {
        assert_eq!(
            unix_time("1795536480").map(Timestamp::unix),
            Ok(1_795_536_480)
        );
        for text in ["", "-1", "+1", "now", "99999999999999999999"] {
            assert!(unix_time(text).is_err(), "{text}");
        }
        assert_eq!((yes_or_no("yes"), yes_or_no("no")), (Ok(true), Ok(false)));
        assert!(yes_or_no("YES").is_err());
        assert!(trust_anchors(Path::new("/nonexistent/file")).is_err());
        assert!(
            trust_anchors(Path::new("/dev/zero"))
                .is_err_and(|error| error.contains("longer than 1M"))
        );
    }

    #[test]
    fn sizes_round_trip_within_their_bounds() {
        for (text, octets) in [
            ("50M", 50 << 20),
            ("1G", 1 << 30),
            ("1000", 1000),
            ("64K", 1 << 16),
        ] {
            assert_eq!(size(text, (0, 1 << 30)), Ok(octets), "{text}");
            assert_eq!(format_size(octets), text);
        }
        for text in [
            "",
            "M",
            "2G",
            "-1",
            "+1",
            "1k",
            "1.5M",
            "99999999999999999999",
            "18446744073709551615K",
        ] {
            assert!(size(text, (0, 1 << 30)).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_and_durations_keep_their_bounds() {
        assert_eq!(number("7", 7), Ok(7));
        for text in ["0", "8", "+7", "", "7 ", "99999999999999999999999"] {
            assert!(number(text, 7).is_err(), "{text}");
        }
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        assert_eq!(duration("1m", (second, minute)), Ok(minute));
        for text in ["2m", "999ms", "", "1y"] {
            assert!(duration(text, (second, minute)).is_err(), "{text}");
        }
    }
}
