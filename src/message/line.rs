//! Splits octets into lines, and says what a line is within a header section.

/// The lines of some octets, each with its offset and its CRLF (the last may lack it).
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self {
            rest: octets,
            offset: 0,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_at_checked(length_of_line(self.rest))?;
        let offset = self.offset;
        self.offset += line.len();
        self.rest = rest;
        Some((offset, line))
    }
}

/// Octets up to and with the first CRLF, or all.
fn length_of_line(octets: &[u8]) -> usize {
    let mut seen = 0;
    for piece in octets.split_inclusive(|octet| *octet == b'\n') {
        seen += piece.len();
        if piece.ends_with(b"\r\n") {
            return seen;
        }
    }
    octets.len()
}

/// The octets with CRLF where they have LF or CRLF.
pub fn with_crlf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 32);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// What a line is within a header section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The empty line that ends the section.
    Separator,
    /// The first line of a field: how long its name is, and where its value begins.
    Field {
        /// Octets of the name.
        name: usize,
        /// Octets before the value.
        value: usize,
    },
    /// A further line of the field before it.
    Continuation,
    /// `From sender date`, which mail folders have before the first field.
    Envelope,
    /// None of these: the body has begun without a separator.
    Text,
}

/// Says line by line what the lines of a header section are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    has_line: bool,
    has_field: bool,
}

impl Section {
    /// What the section's next line is.
    pub(super) fn classify(&mut self, line: &[u8]) -> Kind {
        let is_envelope = line.starts_with(b"From ") || line.starts_with(b">From ");
        let kind = match line {
            b"\r\n" => Kind::Separator,
            [b' ' | b'\t', ..] if self.has_field => Kind::Continuation,
            _ if is_envelope && !self.has_line => Kind::Envelope,
            _ => classify_field(line).unwrap_or(Kind::Text),
        };
        self.has_line = true;
        self.has_field |= matches!(kind, Kind::Field { .. });
        kind
    }
}

/// A name of printable ASCII and a colon; blanks may stand between them (RFC 5322 §4.5).
fn classify_field(line: &[u8]) -> Option<Kind> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let name = trim_blanks_end(line.get(..colon)?);
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then_some(Kind::Field {
        name: name.len(),
        value: colon + 1,
    })
}

/// Without the CRLF at its end, if it has one.
pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").unwrap_or(line)
}

/// Without the blanks at its end.
pub(super) fn trim_blanks_end(mut octets: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// Without the blanks at either end.
pub(super) fn trim_blanks(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = octets {
        octets = rest;
    }
    trim_blanks_end(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crlf_ends_a_line() {
        let lines: Vec<_> = Lines::new(b"a\r\n\r\nb\nc\rd\r\r\ne").collect();
        let expected: [(usize, &[u8]); 4] = [
            (0, b"a\r\n"),
            (3, b"\r\n"),
            (5, b"b\nc\rd\r\r\n"),
            (13, b"e"),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn line_ends_become_crlf() {
        for (octets, crlf) in [
            ("", ""),
            ("a", "a"),
            ("a\n\nb\r\n", "a\r\n\r\nb\r\n"),
            ("a\rb\n", "a\rb\r\n"),
        ] {
            assert_eq!(with_crlf(octets.as_bytes()), crlf.as_bytes());
        }
    }

    #[test]
    fn lines_of_a_header_section() {
        let field = |name, value| Kind::Field { name, value };
        for (lines, kinds) in [
            (&["\r\n"][..], &[Kind::Separator][..]),
            (&["Subject: x\r\n"], &[field(7, 8)]),
            (&["Subject \t: x\r\n"], &[field(7, 10)]),
            (&["X:\r\n", " y: z\r\n"], &[field(1, 2), Kind::Continuation]),
            (&[" y: z\r\n"], &[Kind::Text]),
            (
                &["From a@b\r\n", "X: y\r\n"],
                &[Kind::Envelope, field(1, 2)],
            ),
            (&["From a@b\r\n", " x\r\n"], &[Kind::Envelope, Kind::Text]),
            (&["X: y\r\n", "From a@b\r\n"], &[field(1, 2), Kind::Text]),
            (&["From: a@b\r\n"], &[field(4, 5)]),
            (&[": x\r\n"], &[Kind::Text]),
            (&["two words: x\r\n"], &[Kind::Text]),
            (&["näme: x\r\n"], &[Kind::Text]),
        ] {
            let mut section = Section::default();
            let found: Vec<_> = lines
                .iter()
                .map(|line| section.classify(line.as_bytes()))
                .collect();
            assert_eq!(found, kinds, "{lines:?}");
        }
    }
}
