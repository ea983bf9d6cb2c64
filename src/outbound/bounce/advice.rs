//! What failed, and what can be done, in words for the sender of a message, who need not know DNS.

/// The words for some reason tokens.
pub(super) struct Advice {
    tokens: &'static [&'static str],
    /// One sentence: which step failed.
    pub(super) what: &'static str,
    /// What the sender can do, or whom he can ask.
    pub(super) remedy: &'static str,
}

/// For a token that has no words of its own.
const OTHER: Advice = Advice {
    tokens: &[],
    what: "The message could not be delivered.",
    remedy: "Ask the postmaster of this gateway, and show this report.",
};

const ASK_THEIRS: &str = "Only the operator of the recipient's mail domain can mend this. Reach the recipient some other way and \
    have this report passed on to the operator. The message was not sent, since it could have been read or changed on the way.";

const ASK_OURS: &str = "Ask the postmaster of this gateway, and show this report.";

const ALL: [Advice; 14] = [
    Advice {
        tokens: &[
            "mx-insecure",
            "nxdomain-insecure",
            "implicit-mx",
            "null-mx-insecure",
        ],
        what: "Which servers take mail for the recipient's domain could not be proven: the domain is not protected by DNSSEC.",
        remedy: ASK_THEIRS,
    },
    Advice {
        tokens: &[
            "dnssec-invalid",
            "mx-lookup-error",
            "cname-limit",
            "mx-malformed",
            "mx-expired",
            "loop-trimmed",
        ],
        what: "Which servers take mail for the recipient's domain could not be found out: its DNS data are broken, forged or out of reach.",
        remedy: ASK_THEIRS,
    },
    Advice {
        tokens: &["nxdomain"],
        what: "The recipient's domain does not exist.",
        remedy: "Check the part of the address behind the @, and send the message again.",
    },
    Advice {
        tokens: &["null-mx"],
        what: "The recipient's domain declares that it takes no mail.",
        remedy: "Check the part of the address behind the @, or use another address of the recipient.",
    },
    Advice {
        tokens: &["loop", "loop-banner"],
        what: "The message would have come back to this gateway.",
        remedy: ASK_OURS,
    },
    Advice {
        tokens: &["address-literal"],
        what: "The recipient's address names a server by its number, and no such server can be proven to be the right one.",
        remedy: "Use an address of the recipient with a domain name behind the @.",
    },
    Advice {
        tokens: &[
            "addr-insecure",
            "addr-lookup-error",
            "no-address",
            "addr-reserved",
        ],
        what: "The address of the recipient's mail server could not be found out or not be proven.",
        remedy: ASK_THEIRS,
    },
    Advice {
        tokens: &[
            "tlsa-invalid",
            "dane-required",
            "tlsa-insecure",
            "tlsa-lookup-error",
        ],
        what: "The recipient's mail server publishes nothing in DNSSEC (no usable TLSA record) by which it could be told from an impostor.",
        remedy: ASK_THEIRS,
    },
    Advice {
        tokens: &[
            "starttls-not-supported",
            "starttls-refused",
            "starttls-injection",
            "tls-handshake",
            "tls-version",
            "sni-rejected",
            "no-certificate",
            "weak-key",
            "validation-failure",
            "certificate-host-mismatch",
            "certificate-expired",
            "ta-not-presented",
            "ta-matches-leaf",
            "certificate-not-trusted",
        ],
        what: "No encrypted connection came about with a server that proved to be the recipient's mail server.",
        remedy: ASK_THEIRS,
    },
    Advice {
        tokens: &[
            "connect",
            "banner",
            "ehlo-rejected",
            "conn-lost",
            "bad-reply",
        ],
        what: "The recipient's mail server could not be reached or did not answer as a mail server does.",
        remedy: "Send the message again later. If that fails as well, reach the recipient some other way.",
    },
    Advice {
        tokens: &["remote"],
        what: "The recipient's mail server refused the message.",
        remedy: "Its answer is part of the record below. Check the part of the address before the @; if it is right, ask the recipient.",
    },
    Advice {
        tokens: &["8bitmime-not-supported", "message-too-big"],
        what: "The recipient's mail server does not take a message like this one: it is too large, or has characters in a form the server does not know.",
        remedy: "Send it smaller, or in parts, or as plain text.",
    },
    Advice {
        tokens: &["expired"],
        what: "The message waited as long as it may, and every attempt to deliver it failed.",
        remedy: "The record below tells why the last attempt failed. Send the message again once that is mended, or reach the recipient some other way.",
    },
    Advice {
        tokens: &[
            "resolver-not-validating",
            "not-loopback",
            "bad-address",
            "stopped",
            "internal",
        ],
        what: "This gateway could not do its work.",
        remedy: ASK_OURS,
    },
];

/// The words for a reason token.
pub(super) fn find(token: &str) -> &'static Advice {
    let found = ALL.iter().find(|advice| advice.tokens.contains(&token));
    found.unwrap_or(&OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::{Effect, Reason};

    #[test]
    fn every_reason_that_can_end_a_message_has_words() {
        for reason in Reason::ALL {
            let can_end = !matches!(reason.effect(), Effect::Delivered | Effect::Remark);
            let has_words = !find(reason.token()).tokens.is_empty();
            assert!(has_words || !can_end, "no advice for {reason}");
        }
    }

    #[test]
    fn no_words_are_for_tokens_that_do_not_exist() {
        for token in ALL.iter().flat_map(|advice| advice.tokens) {
            let exists = Reason::ALL.iter().any(|reason| reason.token() == *token);
            assert!(exists, "{token}");
        }
        assert!(find("unheard-of").tokens.is_empty());
    }
}
