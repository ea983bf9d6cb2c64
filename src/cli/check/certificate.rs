//! What a presented certificate says of itself, for people; none of it is believed.

use openssl::nid::Nid;
use openssl::x509::{X509, X509NameRef};

/// Names printed of one certificate; servers with hundreds of them exist.
const NAMES_PRINTED_MAX: usize = 8;

/// Characters printed of one name.
const NAME_PRINTED_MAX: usize = 120;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Whom it is about: its common name, or the whole subject.
    pub(super) subject: String,
    /// The DNS names it is for.
    pub(super) names: Vec<String>,
    /// Who made it; `None` if its subject did.
    pub(super) issuer: Option<String>,
    /// From when it is valid.
    pub(super) from: String,
    /// Until when.
    pub(super) until: String,
}

impl Certificate {
    /// Reads DER; `None` if OpenSSL cannot.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(der).ok()?;
        let (subject, issuer) = (certificate.subject_name(), certificate.issuer_name());
        let names = certificate.subject_alt_names();
        let names = names.iter().flatten();
        let names = names.filter_map(|name| name.dnsname().map(cut));
        let (subject, issuer) = (distinguished(subject), distinguished(issuer));
        Some(Self {
            names: names.collect(),
            issuer: (issuer != subject).then_some(issuer),
            subject,
            from: certificate.not_before().to_string(),
            until: certificate.not_after().to_string(),
        })
    }

    /// Each with the word that says what it is.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let issuer = self.issuer.as_deref().unwrap_or("itself");
        vec![
            ("subject", self.subject.clone()),
            ("names", self.names_printed()),
            ("issuer", issuer.to_owned()),
            ("valid", format!("from {} until {}", self.from, self.until)),
        ]
    }

    /// On one line, for those above the server's own.
    pub(super) fn in_short(&self) -> String {
        let issuer = self.issuer.as_deref().unwrap_or("itself");
        format!(
            "{}, issued by {issuer}, valid until {}",
            self.subject, self.until
        )
    }

    fn names_printed(&self) -> String {
        let printed = self.names.iter().take(NAMES_PRINTED_MAX);
        let mut printed: Vec<&str> = printed.map(String::as_str).collect();
        let more = self.names.len().saturating_sub(NAMES_PRINTED_MAX);
        let more = format!("and {more} more");
        if self.names.len() > NAMES_PRINTED_MAX {
            printed.push(&more);
        }
        match printed.is_empty() {
            true => "none".to_owned(),
            false => printed.join(", "),
        }
    }
}

/// "CN=mx.example.org, O=Example".
fn distinguished(name: &X509NameRef) -> String {
    let entry = |entry: &openssl::x509::X509NameEntryRef| {
        let nid = entry.object().nid();
        let label = match nid {
            Nid::UNDEF => entry.object().to_string(),
            nid => nid.short_name().unwrap_or("?").to_owned(),
        };
        let text = entry.data().to_string();
        let text = text.unwrap_or_else(|_| "?".to_owned());
        format!("{label}={}", cut(&text))
    };
    let entries: Vec<String> = name.entries().map(entry).collect();
    match entries.is_empty() {
        true => "nobody".to_owned(),
        false => entries.join(", "),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(NAME_PRINTED_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
